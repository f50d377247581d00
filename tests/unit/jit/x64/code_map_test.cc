// The map from machine code to bytecode: rows for all bytes, positions, inlined calls, where the frame register is.
#include "jit/x64/code_map.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "jit/ir/ir_text.h"
#include "jit/opt/pipeline.h"
#include "jit/x64/assemble.h"
#include "tests/support/ir_codes.h"
#include "tests/support/ir_gen.h"
#include "tests/unit/jit/x64/code_runner.h"

namespace fble {
namespace {

class CodeMaps : public testing::Test {
 protected:
  Trace parse(const std::string& text) {
    const std::string codes = "code c0 \"/A%.f\" arity 4 captures 0\ncode c1 \"/A%.g\" arity 2 captures 1\n";
    const TraceParse parsed =
        parse_trace(codes + text, "test", [&](const CodeMention& mention) { return mention.index == 0 ? f_ : g_; });
    EXPECT_NE(parsed.trace, nullptr) << parsed.error;
    return *parsed.trace;
  }
  AssembledTrace assemble_with_map(const Trace& trace, const AssembleOptions& options = {}) {
    AssembleOptions with_map = options;
    with_map.keep_code_map = true;
    with_map.tallies = tallies_;
    return assemble(trace, cache_, CodeRunner::entries(), with_map);
  }

  IrCodes codes_;
  Code* f_ = codes_.make("/A%.f", 4, 0);
  Code* g_ = codes_.make("/A%.g", 2, 1);
  CodeCache cache_{size_t{1} << 24};
  TallyGroup tallies_[IrGen::kTallies] = {};
};

TEST_F(CodeMaps, NoneIsMadeUnlessItIsAskedFor) {
  const Trace trace = parse("trace 0 function c0 extent 12\n{\n%a = slot 0\nreturn %a\n}\n");
  const AssembledTrace code = assemble(trace, cache_, CodeRunner::entries(), {});
  EXPECT_TRUE(code.code_map.rows.empty());
  EXPECT_TRUE(code.code_map.sites.empty());
}

TEST_F(CodeMaps, ShowsInlinedCallsAndWhereTheFrameRegisterIs) {
  // A callee's frame begins where the word before the caller's position says.
  const std::string base = std::to_string(f_->words[5]);
  Trace trace = parse(R"(trace 3 function c0 extent 12
{
  %a = slot 0
  is_pointer %a @s0
  %b = field %a 1
  is_packed %b @s1
  call %b 9 - (%b %a) @s0
}
snapshot s0
  frame c0+6 base 0 memory
snapshot s1
  frame c0+6 base 0 memory
  frame c1+0 base )" + base +
                      " closure %a\n");
  // The field and the guard on it are in a call of g, which f has inlined.
  trace.sites = {{f_, nullptr, kNoSite}, {g_, f_->start + 6, 0}};
  for (IrIns& ins : trace.ins) ins.pc = f_->start + 2;
  for (const size_t inlined : {2, 3}) {
    trace.ins[inlined].site = 1;
    trace.ins[inlined].pc = g_->start;
  }
  const AssembledTrace code = assemble_with_map(trace);
  ASSERT_FALSE(code.failure);
  const CodeMap& map = code.code_map;
  EXPECT_EQ(code_map_problem(map), "") << to_text(map);
  EXPECT_EQ(map.trace, 3u);
  const std::string text = to_text(map);
  EXPECT_NE(text.find(" entry 0 /A%.f+2\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" instruction 3 /A%.g+0 /A%.f+6\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" instruction 4 /A%.f+2 fp 9\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" return 4 /A%.f+6 fp 9\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" exit 1 /A%.g+0 /A%.f+6\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" exit 2 /A%.f+6 fp 9\n"), std::string::npos) << text;
  // The return address of the call.
  const auto at = static_cast<uint32_t>(code.exits[2].jumps[0] - 1 - code.start);
  EXPECT_EQ(map.row_at(at).kind, CodeRowKind::kReturn);
  const MachinePosition position = map.position_at(at);
  EXPECT_EQ(position.fp_slots, 9);
  EXPECT_EQ(position.pc, f_->start + 6);
}

TEST_F(CodeMaps, AContinuationBeginsInTheCalleesFrame) {
  const Trace trace = parse(
      "trace 1 continuation c0 extent 12\nparent 0 exit 0\ncallee_base 7\n{\n%r = result\n%a = slot 2\n"
      "%s = add %r %a @s0\nreturn %s\n}\nsnapshot s0\n  frame c0+0 base 0 memory\n");
  const AssembledTrace code = assemble_with_map(trace);
  EXPECT_EQ(code_map_problem(code.code_map), "");
  EXPECT_EQ(code.code_map.rows.front().kind, CodeRowKind::kEntry);
  EXPECT_EQ(code.code_map.rows.front().fp_slots, 7);
  for (size_t i = 1; i < code.code_map.rows.size(); ++i) EXPECT_EQ(code.code_map.rows[i].fp_slots, 0);
}

TEST_F(CodeMaps, EveryByteOfRandomTracesBelongsToARow) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    IrGenOptions gen_options;
    gen_options.ends_in_self_call = seed % 3 == 0;
    IrGen gen(seed, gen_options);
    Trace& trace = gen.optimised;
    optimize(trace);
    AssembleOptions options;
    options.exit_flags = seed % 2 == 0;
    options.count_guards = seed % 5 == 0;
    const AssembledTrace code = assemble_with_map(trace, options);
    if (code.failure) continue;
    const CodeMap& map = code.code_map;
    ASSERT_EQ(code_map_problem(map), "") << "seed " << seed << '\n' << to_text(trace) << to_text(map);
    ASSERT_EQ(map.bytes, code.code_bytes);
    for (size_t i = 0; i < code.exits.size(); ++i) {
      const CodeRow& row = map.row_at(static_cast<uint32_t>(code.exits[i].stub - code.start));
      ASSERT_EQ(row.kind, CodeRowKind::kExit) << "seed " << seed << ", exit " << i << '\n' << to_text(map);
      ASSERT_EQ(row.index, i) << "seed " << seed;
      // A jump to the stub is code of the instruction that leaves.
      for (const uint8_t* jump : code.exits[i].jumps) {
        const CodeRow& from = map.row_at(static_cast<uint32_t>(jump - code.start));
        ASSERT_TRUE(from.kind == CodeRowKind::kInstruction || from.kind == CodeRowKind::kReturn) << "seed " << seed;
        ASSERT_EQ(trace.ins[from.index].op, code.exits[i].guard) << "seed " << seed;
      }
    }
    if (cache_.used() > (size_t{1} << 23)) cache_.rewind(0);
  }
}

TEST_F(CodeMaps, RulesAreChecked) {
  CodeMap map;
  map.bytes = 10;
  map.sites = {{f_, nullptr, kNoSite}, {g_, f_->start, 0}};
  EXPECT_NE(code_map_problem(map), "");
  map.rows = {{0, CodeRowKind::kEntry, 0, 0, f_->start}, {4, CodeRowKind::kInstruction, 0, 1, g_->start}};
  EXPECT_EQ(code_map_problem(map), "");
  map.rows[1].pc = nullptr;
  EXPECT_NE(code_map_problem(map), "");
  map.rows[1] = {0, CodeRowKind::kInstruction, 0, 0, f_->start};
  EXPECT_NE(code_map_problem(map), "");
  map.rows[1] = {10, CodeRowKind::kInstruction, 0, 0, f_->start};
  EXPECT_NE(code_map_problem(map), "");
  map.rows[1] = {4, CodeRowKind::kInstruction, 0, 2, f_->start};
  EXPECT_NE(code_map_problem(map), "");
  map.rows.pop_back();
  map.sites[1].parent = 1;
  EXPECT_NE(code_map_problem(map), "");
}

}  // namespace
}  // namespace fble
