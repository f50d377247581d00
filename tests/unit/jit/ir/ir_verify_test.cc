#include "jit/ir/ir_verify.h"

#include <gtest/gtest.h>

#include "jit/ir/ir_text.h"
#include "tests/support/ir_codes.h"

namespace fble {
namespace {

/// Returns the first line of the verifier's message about a function's trace of these instructions.
std::string problem(const std::string& instructions, const std::string& snapshots = "", bool complete = false,
                    const std::string& kind = "function") {
  IrCodes codes;
  const std::string text = "code c0 \"/A%.f\" arity 2 captures 1\ncode c1 \"/A%.g\" arity 1\ntrace 1 " + kind +
                           " c0 extent 9\n{\n%x = slot 0\n%y = slot 1\n" + instructions +
                           "\n}\nsnapshot s\nframe c0+9 base 0 memory\n" + snapshots;
  const TraceParse parsed = parse_trace(text, "T", codes.resolver());
  if (!parsed.trace) return parsed.error;
  const std::string message = verify_trace(*parsed.trace, complete);
  return message.substr(0, message.find('\n'));
}

TEST(IrVerify, AcceptsWhatIsCorrect) {
  EXPECT_EQ(problem("is_natural %x @s\n%sum = add %x %x @s\nreturn %sum"), "");
  EXPECT_EQ(problem("is_packed %x @s\ntag_from %x 1 1 @s\n%u = pack_union %x 1 1 @s\nreturn %u"), "");
}

TEST(IrVerify, QuotesTheInstructionAndItsNeighbours) {
  IrCodes codes;
  const TraceParse parsed = parse_trace(
      "code c0 \"/A%.f\" arity 2\ntrace 1 function c0 extent 9\n{\n%x = slot 0\n%y = field %x 1\nreturn %x\n}", "T",
      codes.resolver());
  ASSERT_TRUE(parsed.trace) << parsed.error;
  EXPECT_EQ(verify_trace(*parsed.trace),
            "the operand is not known to be a pointer\n"
            "     0  %0 = slot 0\n"
            ">    1  %1 = field %0 1\n"
            "     2  return %0\n");
}

TEST(IrVerify, OperandsComeFirst) {
  EXPECT_EQ(problem("%a = less %b %x\n%b = less %x %y\nreturn %a"), "operand %3 comes later");
  EXPECT_EQ(problem("%a = new 0x200000005 c1 (%b) @s recursive\n%b = new 0x200000005 c1 (%a) @s recursive\nreturn %a"),
            "");
  EXPECT_EQ(problem("%a = new 0x200000005 c1 (%b) @s recursive\n%z = slot 1\n"
                    "%b = new 0x200000005 c1 (%a) @s recursive\nreturn %a"),
            "operand %4 comes later");
  EXPECT_EQ(problem("%a = less %x %y recursive\nreturn %a"), "only objects can be recursive");
}

TEST(IrVerify, NumbersAreInRange) {
  EXPECT_EQ(problem("%i = inherit 0\nreturn %i"), "value 0 is out of range");
  EXPECT_EQ(problem("%r = result\nreturn %r"), "only continuations start with a result");
  EXPECT_EQ(problem("%r = result\nreturn %r", "", false, "continuation"), "");
  EXPECT_EQ(problem("is_packed %x @s\ntag_is %x 2 1 @s\nreturn %x"), "tag 2 is out of range");
  EXPECT_EQ(problem("is_packed %x @s\n%f = packed_field %x 2 2\nreturn %f"), "field 2 is out of range");
  EXPECT_EQ(problem("is_natural %x @s\n%f = shift_left %x 62 @s\nreturn %f"), "count 62 is out of range");
  EXPECT_EQ(problem("is_packed %x @s\n%f = intrinsic 0 (%x) @s\nreturn %f"), "intrinsic -1 is out of range");
  EXPECT_EQ(problem("%o = new 0x200000001 - (%x) @s\nreturn %o"), "header and fields do not agree");
  EXPECT_EQ(problem("%o = new 0x100000001 c1 () @s\nreturn %o"), "code and header do not agree");
  EXPECT_EQ(problem("code_is %x - @s\nreturn %x"), "the code is missing");
}

TEST(IrVerify, RequirementsMustBeKnown) {
  EXPECT_EQ(problem("%a = packed_arg %x 1\nreturn %a"), "the operand is not known to be packed");
  EXPECT_EQ(problem("is_packed %x @s\n%a = add %x %x @s\nreturn %a"),
            "the second operand is not known to be a natural");
  EXPECT_EQ(problem("is_packed %x @s\n%a = pack_struct (%x %y) @s\nreturn %a"), "an operand is not known to be packed");
  EXPECT_EQ(problem("tail_call %x c0 (%x %y)"), "the operand is not known to be a pointer");
  EXPECT_EQ(problem("is_natural %x @s\n%a = add %x %x fits\nreturn %a"), "the result is not known to fit");
  EXPECT_EQ(problem("%a = less %x %y fits\nreturn %a"), "only guards can fit");
}

TEST(IrVerify, NumbersAndKeysAreNoFbleWords) {
  const std::string numbers = "is_packed %x @s\nis_packed %y @s\n%a = int_of %x\n%b = int_of %y\n";
  EXPECT_EQ(problem(numbers + "%c = int_add %a %b\n%w = int_word %c @s\nreturn %w"), "");
  EXPECT_EQ(problem(numbers + "return %a"), "operand %4 is a number");
  EXPECT_EQ(problem(numbers + "%o = new 0x100000001 - (%b)\nreturn %o"), "operand %5 is a number");
  EXPECT_EQ(problem(numbers + "%c = int_add %a %y\nreturn %x"), "operand %1 is a Fble word");
  EXPECT_EQ(problem(numbers + "%l = less %a %b\nreturn %l"), "operand %4 is a number");
  EXPECT_EQ(problem(numbers + "is_packed %x @t\nreturn %x", "snapshot t\nframe c0+0 base 0 memory\nslot 4 %a"),
            "the snapshot's %4 is no Fble word");
  const std::string keys = "is_packed %x @s\nis_packed %y @s\n%a = order_key %x\n%b = order_key %y\n";
  EXPECT_EQ(problem(keys + "%l = less %a %b\nis_less %b %a @s\nreturn %l"), "");
  EXPECT_EQ(problem(keys + "%l = less %a %y\nreturn %l"), "operand %1 is a Fble word");
  EXPECT_EQ(problem(keys + "%c = int_sub %a %a\nreturn %x"), "operand %4 is a key");
  EXPECT_EQ(problem(keys + "%l = equal %a %b\nreturn %l"), "operand %4 is a key");
  // A raw constant may be either.
  EXPECT_EQ(problem(numbers + "%k = constant 0x5 raw\n%c = int_sub %k %a\n%w = int_word %c @s\nreturn %w"), "");
}

TEST(IrVerify, NumbersAreNoLargerThanTheyMayBe) {
  const std::string numbers = "is_packed %x @s\nis_packed %y @s\n%a = int_of %x\n%b = int_of %y\n%c = int_add %a %b\n";
  EXPECT_EQ(problem(numbers + "%d = int_add %c %a\nreturn %x"), "the number is not known to fit in a packed word");
  EXPECT_EQ(problem(numbers + "%d = int_add %a %c\nreturn %x"),
            "the second number is not known to fit in a packed word");
  // A number that was made a word is no larger than a word.
  EXPECT_EQ(problem(numbers + "%w = int_word %c @s\n%d = int_add %c %a\nreturn %x"), "");
  EXPECT_EQ(problem(numbers + "%w = int_word %c fits\nreturn %w"), "the result is not known to fit");
  EXPECT_EQ(problem(numbers + "%w = int_word %a fits\nreturn %w"), "");
  EXPECT_EQ(problem(numbers + "%q = int_div %a %b fits\nreturn %x"), "the result is not known to fit");
  EXPECT_EQ(problem(numbers + "%k = constant 0x5 raw\n%q = int_div %a %k fits\nreturn %x"), "");
  EXPECT_EQ(problem(numbers + "%q = int_div %a %b @s\n%r = int_rem %a %b (%q %q)\nreturn %x"), "there is one quotient");
  EXPECT_EQ(problem(numbers + "%q = int_shift_right %a 62\nreturn %x"), "count 62 is out of range");
  EXPECT_EQ(problem("is_packed %x @s\n%z = choose %x (%y)\nreturn %z"), "there are two values to choose from");
  EXPECT_EQ(problem("%z = choose %x (%y %y)\nreturn %z"), "the operand is not known to be packed");
}

TEST(IrVerify, GuardsHaveSnapshots) {
  EXPECT_EQ(problem("is_packed %x\nreturn %x"), "a guard without snapshot");
  EXPECT_EQ(problem("is_packed %x @t\nreturn %x", "snapshot t\n"), "the snapshot has no frames");
  EXPECT_EQ(problem("is_packed %x @t\nreturn %x", "snapshot t\nframe c0 base 0 memory"),
            "a frame of the snapshot has no position");
  EXPECT_EQ(problem("is_packed %x @t\nreturn %x", "snapshot t\nframe c0+0 base 1 memory"),
            "frames of the snapshot overlap");
  EXPECT_EQ(problem("is_packed %x @t\nreturn %x", "snapshot t\nframe c0+0 base 0 memory\nframe c1+0 base 2 closure %x"),
            "frames of the snapshot overlap");
  EXPECT_EQ(problem("is_packed %x @t\nreturn %x", "snapshot t\nframe c0+0 base 0 memory\nslot 4 %x\nslot 4 %y"),
            "slots of the snapshot are not in order");
  EXPECT_EQ(problem("is_packed %x @t\n%z = slot 0\nreturn %x", "snapshot t\nframe c0+0 base 0 memory\nslot 4 %z"),
            "the snapshot's %3 comes later");
  EXPECT_EQ(problem("is_packed %x @t\nreturn %x", "snapshot t\nframe c0+0 base 0 memory\nslot 4 %x packed"),
            "facts about slot 4 are not known here");
}

TEST(IrVerify, TracesEndOnce) {
  EXPECT_EQ(problem("is_packed %x @s"), "the trace does not end");
  EXPECT_EQ(problem("return %x\nreturn %y"), "an instruction behind the trace's end");
}

TEST(IrVerify, NothingLeavesBehindAStore) {
  EXPECT_EQ(problem("store 7 %x\nis_packed %x @s\nreturn %x"),
            "frames have been written: it is too late to leave or to allocate");
  EXPECT_EQ(problem("store 7 %x\n%o = new 0x100000001 - (%x) @s\nreturn %o"),
            "frames have been written: it is too late to leave or to allocate");
  EXPECT_EQ(problem("store 0 %y\n%z = slot 0\nreturn %z"), "slot 0 has been overwritten");
}

TEST(IrVerify, SunkObjectsAreForExits) {
  EXPECT_EQ(problem("%o = new 0x100000001 - (%x) sunk\nis_packed %x @t\nreturn %x",
                    "snapshot t\nframe c0+0 base 0 memory\nslot 4 %o"),
            "");
  EXPECT_EQ(problem("%o = new 0x100000001 - (%x) sunk\nreturn %o"), "%2 exists at exits only");
  EXPECT_EQ(problem("%o = new 0x100000001 - (%x) sunk\n%p = new 0x100000001 - (%o)\nreturn %p"),
            "%2 exists at exits only");
  EXPECT_EQ(problem("is_packed %x @s\n%o = pack_union %x 0 1 @s sunk\nreturn %x"), "this cannot be left to exits");
}

TEST(IrVerify, AllocationsAreCovered) {
  const std::string objects = "%o = new 0x100000001 - (%x)\n%p = new 0x100000001 - (%o)\nreturn %p";
  EXPECT_EQ(problem("alloc_check 4 @s\n" + objects, "", true), "");
  EXPECT_EQ(problem("alloc_check 3 @s\n" + objects, "", true), "no alloc_check has made room");
  EXPECT_EQ(problem(objects, "", true), "no alloc_check has made room");
  EXPECT_EQ(problem(objects), "");
}

TEST(IrVerify, SettledSnapshotsAreForTheirGuards) {
  const std::string settled = "snapshot t settled\nframe c0+0 base 0 memory";
  EXPECT_EQ(problem("is_packed %x @t\nreturn %x", settled), "");
  EXPECT_EQ(problem("alloc_check 4 @t\nreturn %x", settled), "the snapshot is settled for a guard");
  EXPECT_EQ(problem("%o = new 0x100000001 - (%x) @t\nreturn %o", settled), "the snapshot is settled for a guard");
}

// All arguments are live at all positions of these codes.
TEST(IrVerify, ExitsKeepTheArgumentsThatCameInRegisters) {
  const auto lost = [](const std::string& kind, const std::string& instructions, const std::string& slots) {
    IrCodes codes;
    const TraceParse parsed = parse_trace("code c0 \"/A%.f\" arity 5\ntrace 1 " + kind +
                                              " c0 extent 20\n{\n%a = slot 0\n%b = slot 1\n%c = slot 2\n%d = slot 3\n" +
                                              instructions + "\n}\nsnapshot s\nframe c0+2 base 0 memory\n" + slots,
                                          "T", codes.resolver());
    EXPECT_TRUE(parsed.trace) << parsed.error;
    const std::string message = verify_arguments(*parsed.trace);
    const size_t at = message.find("loses");
    return at == message.npos ? message : message.substr(at);
  };
  const std::string all = "slot 0 %a\nslot 1 %b\nslot 2 %d\nslot 3 %c\n";
  EXPECT_EQ(lost("function", "is_packed %a @s\nreturn %a", all), "");
  EXPECT_EQ(lost("function", "is_packed %a @s\nreturn %a", "slot 0 %a\nslot 1 %b\nslot 3 %c\n"), "loses argument 2");
  EXPECT_EQ(lost("function", "return %a", ""), "");
  EXPECT_EQ(lost("function", "store 0 %a\nstore 1 %b\nstore 2 %b\nstore 3 %a\ncall %a 9 - (%a) @s", ""), "");
  EXPECT_EQ(lost("function", "store 0 %a\nstore 2 %b\nstore 3 %a\ncall %a 9 - (%a) @s", ""), "loses argument 1");
  EXPECT_EQ(lost("bridge", "is_packed %a @s\nreturn %a", ""), "");
}

TEST(IrVerify, LoopsAreWhole) {
  EXPECT_EQ(problem("%p = phi %x\nloop_start (%p)\nloop_back (%p) @s"), "");
  EXPECT_EQ(problem("%p = phi %x\nloop_start (%p)\nloop_back () @s"), "the loop has 1 variables");
  EXPECT_EQ(problem("loop_back () @s"), "no loop to go back to");
  EXPECT_EQ(problem("loop_start ()\nreturn %x"), "the loop does not go back");
  EXPECT_EQ(problem("loop_start (%x)\nloop_back (%x) @s"), "%0 is no variable");
  EXPECT_EQ(problem("loop_start ()\nloop_start ()\nloop_back () @s"), "a second loop");
  EXPECT_EQ(problem("is_packed %x @s\n%p = phi %x\nassume %p packed\nloop_start (%p)\nloop_back (%y) @s"),
            "what is assumed of %3 is not known when the loop continues");
  EXPECT_EQ(problem("%p = phi %x\nassume %p packed\nloop_start (%p)\nis_packed %y @s\nloop_back (%y) @s"),
            "what is assumed of %2 is not known when the loop is entered");
  EXPECT_EQ(problem("%a = less %x %y\nassume %a natural\nreturn %a"),
            "an assumption about %2, which comes from an instruction");
}

}  // namespace
}  // namespace fble
