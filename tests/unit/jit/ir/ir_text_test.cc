#include "jit/ir/ir_text.h"

#include <gtest/gtest.h>

#include "tests/support/ir_codes.h"

namespace fble {
namespace {

TraceParse parse(std::string_view text, IrCodes& codes) { return parse_trace(text, "T", codes.resolver()); }

std::string error_of(std::string_view text) {
  IrCodes codes;
  const TraceParse parsed = parse(text, codes);
  EXPECT_FALSE(parsed.trace);
  return parsed.error;
}

// Every row, every part of the text, as it is printed.
constexpr const char* kEverything = R"(code c0 "/A%.f" arity 2 captures 1
code c1 "/A \"b\"%.g" arity 1 captures 0
trace 4 continuation c0 extent 30
parent 2 exit 7
callee_base 5
inherited register rax
inherited spill 3
inherited constant 0x5
inherited slot 4
inherited none
{
  %0 = constant 0x5
  %1 = constant &c1
  %2 = constant 0x1234 raw
  %3 = slot -3
  assume %3 pointer not_packed header 5 code c0 arity 2
  %4 = inherit 1
  assume %4 packed natural tag 1 not_tags 0x5 bits 7 least_bits 2
  %5 = result
  %6 = field %1 3
  %7 = global 9
  %8 = packed_arg %4 2
  %9 = packed_field %4 1 2
  %10 = pack_union %4 1 2 fits @s0
  %11 = pack_struct (%4 %8) @s0
  no_fit (%4 %4) 3 @s0
  is_packed %4 @s0
  is_pointer %3 @s0 at c0+3
  tag_is %4 1 2 @s0
  tag_from %4 1 2 @s0
  header_is %3 -5 @s0
  code_is %3 c1 @s0
  arity_is %3 1 @s0
  is_natural %4 @s0
  %21 = add %4 %4 @s0
  %22 = sub %4 %4 @s0
  %23 = mul %4 %4 @s0
  %24 = div %4 %4 @s0
  %25 = mod %4 %4 @s0
  %26 = and %4 %4
  %27 = or %4 %4
  %28 = xor %4 %4
  %29 = shift_left %4 3 @s0
  %30 = shift_right %4 3
  %31 = less %4 %4
  %32 = less_equal %4 %4
  %33 = equal %4 %4
  %34 = unequal %4 %4
  %35 = compare %4 %4
  is_less %4 %4 @s0
  not_less %4 %4 @s0
  is_equal %4 %4 @s0
  not_equal %4 %4 @s0
  %40 = intrinsic 2 (%4 %4) @s0
  %41 = new 0x200000005 c1 (%42) recursive sunk @s0
  %42 = new 0x100000001 - (%41) recursive
  alloc_check 5 @s0
  stack_check 40 @s0
  deopt_point 2 @s0
  %46 = phi %4
  loop_start (%46)
  %48 = native c1 (%4 %46) @s0
  %49 = int_of %4
  %50 = int_word %49 @s0
  %51 = int_add %49 %2
  %52 = int_sub %49 %49
  %53 = int_mul %49 %49 @s0
  %54 = int_div %49 %49 @s0
  %55 = int_shift_right %49 3
  %56 = order_key %4
  %57 = choose %4 (%4 %50)
  %58 = int_rem %49 %49 (%54)
  %59 = recall 3 c1 (%4) @s0
  layout_is %4 0x1c5 2 @s0
  %61 = bit_and %0 %0
  %62 = bit_or %0 %61
  %63 = bit_xor %0 %0
  %64 = counted_recall 3 c1 (%4) @s0
  %65 = tag_in %4 0x6 2
  tally %4 6
  tally_bits %0 %61 7
  store 7 %4
  call %3 9 - (%4 %4) @s1
  tail_call %3 c0 ()
  return %4
  exit @s0
  loop_back (%4) @s1
}
snapshot s0
  frame c0+3 base 0 memory
  frame c1 base 9 closure %3
  slot -3 %3 pointer
  slot 4 %4 packed natural
snapshot s1 settled
  frame c0+999 base 0 closure %3
)";

TEST(IrText, PrintsWhatItParses) {
  IrCodes codes;
  const TraceParse parsed = parse(kEverything, codes);
  ASSERT_TRUE(parsed.trace) << parsed.error;
  EXPECT_EQ(to_text(*parsed.trace), kEverything);
}

TEST(IrText, TheTestHasEveryRow) {
  IrCodes codes;
  const TraceParse parsed = parse(kEverything, codes);
  ASSERT_TRUE(parsed.trace) << parsed.error;
  for (size_t op = 0; op < static_cast<size_t>(IrOp::kCount); ++op) {
    bool found = false;
    for (const IrIns& ins : parsed.trace->ins) found |= ins.op == static_cast<IrOp>(op);
    EXPECT_TRUE(found) << ir_op_info(static_cast<IrOp>(op)).name;
  }
}

TEST(IrText, NamesMayBeAnyWords) {
  IrCodes codes;
  const TraceParse parsed = parse(R"(
    ; comments and layout do not matter
    code c0 "/A%.f" arity 0
    trace 1 function c0 extent 0
    {
      %unit = constant 0x3   ; the unit word
      is_packed %unit @here
      return %unit
    }
    snapshot unused
    snapshot here
      frame c0+0 base 0 memory
  )",
                                  codes);
  ASSERT_TRUE(parsed.trace) << parsed.error;
  EXPECT_EQ(parsed.trace->ins[1].a, IrRef{0});
  EXPECT_EQ(parsed.trace->ins[1].snapshot, 1u);
  EXPECT_EQ(parsed.trace->snapshots.size(), 2u);
}

TEST(IrText, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of(""), "T:1: error: expected 'trace' instead of ''");
  EXPECT_EQ(error_of("code x \"A\" arity 1"), "T:1: error: code objects are called c0, c1...");
  EXPECT_EQ(error_of("code c0 \"A"), "T:1: error: string does not end");
  EXPECT_EQ(error_of("code c0 \"A\" arity 1\ncode c0 \"A\" arity 1"), "T:2: error: a second c0");
  EXPECT_EQ(error_of("trace 1 nonsense - extent 0"), "T:1: error: no kind of trace is called 'nonsense'");
  EXPECT_EQ(error_of("trace 1 function c3 extent 0"), "T:1: error: no code is called 'c3'");
  EXPECT_EQ(error_of("trace 99999999999 function - extent 0"), "T:1: error: number 99999999999 is out of range");
  EXPECT_EQ(error_of("trace 1z function - extent 0"), "T:1: error: malformed number '1z'");
  const std::string head = "trace 1 function - extent 0\n{\n";
  EXPECT_EQ(error_of(head + "nonsense\n}"), "T:3: error: no instruction is called 'nonsense'");
  EXPECT_EQ(error_of(head + "constant 0x5\n}"), "T:3: error: constant has a result");
  EXPECT_EQ(error_of(head + "%1 = return %1\n}"), "T:3: error: return has no result");
  EXPECT_EQ(error_of(head + "return %1\n}"), "T:3: error: there is no %1");
  EXPECT_EQ(error_of(head + "%1 = result\n%1 = result\n}"), "T:4: error: a second %1");
  EXPECT_EQ(error_of(head + "%1 = constant 0x8\n}"),
            "T:3: error: only packed words and functions can be read back as constants");
  EXPECT_EQ(error_of(head + "%1 = result 7\n}"), "T:3: error: expected 'at' instead of '7'");
  EXPECT_EQ(error_of(head + "exit @s\n}"), "T:3: error: there is no snapshot s");
  EXPECT_EQ(error_of(head + "%1 = slot 1"), "T:3: error: '}' is missing");
  EXPECT_EQ(error_of(head + "}\nsnapshot s\nsnapshot s"), "T:5: error: a second snapshot s");
  EXPECT_EQ(error_of(head + "}\nsnapshot s\nframe - +7 base 0"), "T:5: error: the position is not in the code");
}

TEST(IrText, FactsAreNamed) {
  Facts facts;
  EXPECT_EQ(to_text(facts), "");
  facts.packed = facts.natural = true;
  facts.tag = 3;
  facts.bits = 9;
  EXPECT_EQ(to_text(facts), "packed natural tag 3 bits 9");
}

}  // namespace
}  // namespace fble
