// The text form: what is printed is read again, and nonsense gets a located message.
#include "deopt/side_table_text.h"

#include <gtest/gtest.h>

#include "tests/unit/deopt/exit_gen.h"

namespace fble {
namespace {

constexpr const char* kText = R"(exit 0
  frame f0 +5 b0 memory  ; /A%
  s0 = rax packed natural
  s1 = s1 pointer
exit 1
  frame f0 +11 b0 closure v3  ; /A%
  frame f1 +3 b12 closure f1  ; /A%.f
  s1 = 0x3 packed natural
  s2 = spill12
  s12 = v0 packed
  s13 = v4 pointer
  v0 = packed_union t1 w2 (rcx)
  v1 = packed_struct (v0 0x5)
  v2 = struct t7 (v1 r11 s-3)
  v3 = closure f1 (v2 v3)
  v4 = union t0 (v3)
return 2
  frame f0 +11 b0 memory  ; /A%
  s1 = s1 packed
)";

TEST(SideTableText, RoundTrip) {
  const std::unique_ptr<ProgramCode> program = parse_exit_program();
  const std::vector<Code*> codes = all_codes(*program);
  const ExitsParse parse = parse_exits(kText, "t", codes);
  ASSERT_EQ(parse.error, "");
  ASSERT_EQ(parse.exits.size(), 3u);
  EXPECT_EQ(print_exits(parse.exits, codes), kText);
  EXPECT_EQ(parse.exits[1].slots[2].location, (Location{LocationKind::kVirtual, 0, 0}));
  EXPECT_EQ(parse.exits[1].frames[1].closure.word, codes[1]->function_value());
}

TEST(SideTableText, RandomExitsComeBack) {
  const std::unique_ptr<ProgramCode> program = parse_exit_program();
  const std::vector<Code*> codes = all_codes(*program);
  for (uint32_t seed = 0; seed < 100; ++seed) {
    ExitGenerator generator(*program, seed);
    std::vector<ExitEntry> exits;
    for (int i = 0; i < 10; ++i) exits.push_back(generator.next());
    const ExitsParse parse = parse_exits(print_exits(exits, codes), "t", codes);
    ASSERT_EQ(parse.error, "");
    for (size_t i = 0; i < exits.size(); ++i) {
      // Of frames in memory the closure means nothing and is not printed.
      for (ExitFrame& frame : exits[i].frames) {
        if (frame.in_memory) frame.closure = {};
      }
      ASSERT_EQ(parse.exits[i], exits[i]) << "seed " << seed;
    }
  }
}

TEST(SideTableText, CodeThatIsNotListedIsNumberedBehind) {
  const std::unique_ptr<ProgramCode> program = parse_exit_program();
  std::vector<Code*> codes = all_codes(*program);
  const ExitsParse parse = parse_exits("exit 0 frame f2 +0 b0 memory", "t", codes);
  codes.resize(1);
  EXPECT_EQ(print_exits(parse.exits, codes), "exit 0\n  frame f1 +0 b0 memory  ; /A%.wide\n");
}

TEST(SideTableText, TableWithItsSize) {
  const std::unique_ptr<ProgramCode> program = parse_exit_program();
  const std::vector<Code*> codes = all_codes(*program);
  SideTableBuilder builder;
  builder.add(parse_exits("exit 0 frame f0 +5 b0 memory s0 = rax packed", "t", codes).exits.at(0));
  const SideTable table = builder.finish();
  EXPECT_EQ(print_side_table(table, codes), "; 1 exits, " + std::to_string(table.byte_size()) + " bytes, " +
                                                std::to_string(table.byte_size()) +
                                                ".0 each\nexit 0\n  frame f0 +5 b0 memory  ; /A%\n  s0 = rax packed\n");
}

TEST(SideTableText, NonsenseIsLocated) {
  const std::unique_ptr<ProgramCode> program = parse_exit_program();
  const std::vector<Code*> codes = all_codes(*program);
  auto error = [&](std::string_view text) { return parse_exits(text, "t", codes).error; };
  EXPECT_EQ(error("hello"), "t:1:1: error: expected 'exit' or 'return', found 'hello'");
  EXPECT_EQ(error("exit 1"), "t:1:6: error: expected 0, found '1'");
  EXPECT_EQ(error("exit"), "t:1:5: error: expected a number, such as 0");
  EXPECT_EQ(error("exit 0\n  frame f9 +0 b0 memory"), "t:2:9: error: there is no such code object, found 'f9'");
  EXPECT_EQ(error("exit 0\n  frame f0 +999 b0"), "t:2:12: error: expected a number, such as +0, found '+999'");
  EXPECT_EQ(error("exit 0\n  frame f0 +0 b0 here"), "t:2:18: error: expected 'closure', found 'here'");
  EXPECT_EQ(error("exit 0\n  s0 = rux"),
            "t:2:8: error: expected a location, such as rax, spill0, s0, v0, 0x3 or f0, found 'rux'");
  EXPECT_EQ(error("exit 0\n  v1 = struct t0 ()"), "t:2:3: error: expected v0, found 'v1'");
  EXPECT_EQ(error("exit 0\n  v0 = tree t0 ()"),
            "t:2:8: error: expected struct, union, closure, packed_union or packed_struct, found 'tree'");
  EXPECT_EQ(error("exit 0\n  v0 = struct t0 (rax"),
            "t:2:22: error: expected a location, such as rax, spill0, s0, v0, 0x3 or f0");
  EXPECT_EQ(error("exit 0 ; comment\n ;"), "");
}

}  // namespace
}  // namespace fble
