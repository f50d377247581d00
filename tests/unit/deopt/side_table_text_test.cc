// The text form: printed tables parse back, and invalid text gets a located message.
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
      // The closure of a frame in memory has no meaning and is not printed.
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
  EXPECT_EQ(print_side_table(table, codes), "; 1 exits, " + std::to_string(table.bytes.size()) + " bytes, " +
                                                std::to_string(table.bytes.size()) +
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
  // Every place where something is expected.
  const std::string location = "error: expected a location, such as rax, spill0, s0, v0, 0x3 or f0";
  EXPECT_EQ(error("exit 0 frame 0 +0 b0 memory"), "t:1:14: error: expected a number, such as f0, found '0'");
  EXPECT_EQ(error("exit 0 frame f +0 b0 memory"), "t:1:14: error: expected a number, such as f0, found 'f'");
  EXPECT_EQ(error("exit 0 frame f0 0 b0 memory"), "t:1:17: error: expected a number, such as +0, found '0'");
  EXPECT_EQ(error("exit 0 frame f0 +0 b1x memory"), "t:1:20: error: expected a number, such as b0, found 'b1x'");
  EXPECT_EQ(error("exit 0 frame f0 +0 b0 closure f9"), "t:1:31: error: there is no such code object, found 'f9'");
  EXPECT_EQ(error("exit 0 frame f0 +0 b0 closure"), "t:1:30: " + location);
  EXPECT_EQ(error("return x"), "t:1:8: error: expected a number, such as 0, found 'x'");
  EXPECT_EQ(error("exit 0 s = rax"), "t:1:8: error: expected a number, such as s0, found 's'");
  EXPECT_EQ(error("exit 0 s-x = rax"), "t:1:8: error: expected a number, such as s-0, found 's-x'");
  EXPECT_EQ(error("exit 0 s0 rax"), "t:1:11: error: expected '=', found 'rax'");
  EXPECT_EQ(error("exit 0 s0 = spillx"), "t:1:13: error: expected a number, such as spill0, found 'spillx'");
  EXPECT_EQ(error("exit 0 s0 = 0x"), "t:1:13: error: expected a number, such as 0x0, found '0x'");
  EXPECT_EQ(error("exit 0 s0 = 0x10000000000000000"),
            "t:1:13: error: expected a number, such as 0x0, found '0x10000000000000000'");
  EXPECT_EQ(error("exit 0 s0 = v9999999999"), "t:1:13: error: expected a number, such as v0, found 'v9999999999'");
  EXPECT_EQ(error("exit 0 s0 = rax wide"), "t:1:17: error: expected 'exit' or 'return', found 'wide'");
  EXPECT_EQ(error("exit 0 v = struct t0 ()"), "t:1:8: error: expected a number, such as v0, found 'v'");
  EXPECT_EQ(error("exit 0 v0 struct t0 ()"), "t:1:11: error: expected '=', found 'struct'");
  EXPECT_EQ(error("exit 0 v0 = struct ()"), "t:1:20: error: expected a number, such as t0, found '('");
  EXPECT_EQ(error("exit 0 v0 = union t99999999 ()"), "t:1:19: error: expected a number, such as t0, found 't99999999'");
  EXPECT_EQ(error("exit 0 v0 = closure f9 ()"), "t:1:21: error: there is no such code object, found 'f9'");
  EXPECT_EQ(error("exit 0 v0 = packed_union t1 w64 (rax)"),
            "t:1:29: error: expected a number, such as w0, found 'w64'");
  EXPECT_EQ(error("exit 0 v0 = packed_struct rax"), "t:1:27: error: expected '(', found 'rax'");
  EXPECT_EQ(error("exit 0 v0 = struct t0 ("), "t:1:24: " + location);
}

TEST(SideTableText, WhatNoExitShouldHaveCanBePrintedAllTheSame) {
  const std::unique_ptr<ProgramCode> program = parse_exit_program();
  const std::vector<Code*> codes = all_codes(*program);
  const char* text = "exit 0\n  frame f1 +0 b0 closure nowhere  ; /A%.f\n  s0 = nowhere\n  v0 = struct t0 ()\n";
  const ExitsParse parse = parse_exits(text, "t", codes);
  ASSERT_EQ(parse.error, "");
  EXPECT_EQ(print_exits(parse.exits, codes), text);
  // A code object without a name, and white space of all kinds.
  codes[1]->block = Symbol();
  EXPECT_EQ(print_exits(parse_exits("exit\t0\r\nframe f1 +0 b0 memory", "t", codes).exits, codes),
            "exit 0\n  frame f1 +0 b0 memory\n");
  EXPECT_STREQ(register_name(15), "r15");
  EXPECT_STREQ(register_name(16), "r?");
  EXPECT_STREQ(register_name(-1), "r?");
  EXPECT_EQ(print_side_table(SideTable(), codes), "; 0 exits, 0 bytes, 0.0 each\n");
}

}  // namespace
}  // namespace fble
