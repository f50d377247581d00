// Assembled traces as a whole: entries and exits, calls and returns, the side table,
// bridges that are linked by patching, objects, loops.
#include "jit/x64/assemble.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "gc/integer.h"
#include "jit/ir/ir_text.h"
#include "tests/support/ir_codes.h"
#include "tests/unit/jit/x64/code_runner.h"

namespace fble {
namespace {

using End = CodeRunner::End;

/// As the engine links an exit.
void link_exit(CodeCache& cache, const ExitSite& exit, const uint8_t* target) {
  for (const uint8_t* jump : exit.jumps) redirect_jump(cache, jump, target);
}

class Assemble : public testing::Test {
 protected:
  Assemble() : cache_(size_t{1} << 20) {
    for (Code* code : {f_, g_}) code->entry = CodeRunner::code_entry();
  }

  /// Assembles a trace. c0 is f_, c1 is g_; s0 has only the frame unless snapshots are given.
  AssembledTrace assemble_text(const std::string& head, const std::string& instructions,
                               const std::string& snapshots = "", const AssembleOptions& options = {}) {
    std::string text = "code c0 \"/A%.f\" arity 4 captures 0\ncode c1 \"/A%.g\" arity 2 captures 1\n";
    text += head + "{\n" + instructions + "}\n";
    text += snapshots.empty() ? "snapshot s0\n  frame c0+0 base 0 memory\n" : snapshots;
    const TraceParse parsed =
        parse_trace(text, "test", [&](const CodeMention& mention) { return mention.index == 0 ? f_ : g_; });
    if (parsed.trace == nullptr) throw std::runtime_error(parsed.error);
    trace_ = *parsed.trace;
    AssembleOptions checked = options;
    checked.check_registers = true;
    return assemble(trace_, cache_, CodeRunner::entries(), checked);
  }
  AssembledTrace function(const std::string& instructions, const std::string& snapshots = "",
                          const AssembleOptions& options = {}) {
    return assemble_text("trace 0 function c0 extent 12\n", instructions, snapshots, options);
  }

  /// Returns the value of the slot at the exit that was taken.
  Word restored(const AssembledTrace& code, int32_t slot) {
    const ExitEntry entry = decode_exit(code.side_table, runner_.exit_of(code));
    std::map<int32_t, Word> virtuals;
    for (const ExitSlot& listed : entry.slots) {
      if (listed.slot == slot) return runner_.word(listed.location, entry, heap_, virtuals);
    }
    return runner_.frame()[slot];
  }

  IrCodes codes_;
  Code* f_ = codes_.make("/A%.f", 4, 0);
  Code* g_ = codes_.make("/A%.g", 2, 1);
  reference::IrHeap heap_;
  CodeCache cache_;
  CodeRunner runner_{cache_};
  Trace trace_;
};

// ---- entries ----------------------------------------------------------------

TEST_F(Assemble, EntriesCheckTheStack) {
  const AssembledTrace code = function("%a = slot 0\nreturn %a\n");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(code.start) % 16, 0u);
  runner_.frame()[0] = 99;
  runner_.carrier().machine_stack_limit = runner_.frame() + 12;
  runner_.enter(code.door);
  EXPECT_EQ(runner_.end, End::kReturn);
  EXPECT_EQ(runner_.value, 99u);
  runner_.carrier().machine_stack_limit = runner_.frame() + 11;
  for (Word i = 0; i < 4; ++i) runner_.frame()[i] = 2 * i + 9;
  runner_.enter(code.door);
  EXPECT_EQ(runner_.end, End::kSlowEntry);
  for (Word i = 0; i < 4; ++i) EXPECT_EQ(runner_.frame()[i], 2 * i + 9) << "argument " << i;
  EXPECT_EQ(runner_.fp, 0);
}

TEST_F(Assemble, ContinuationsStartInTheCallersFrame) {
  const AssembledTrace code = assemble_text("trace 1 continuation c0 extent 12\nparent 0 exit 0\ncallee_base 7\n", R"(
    %r = result
    %a = slot 2
    %s = add %r %a @s0
    return %s
  )");
  ASSERT_FALSE(code.failure);
  runner_.frame()[2] = 7;
  runner_.enter_inside(cache_, code.start, 11, 7);
  EXPECT_EQ(runner_.end, End::kReturn);
  EXPECT_EQ(runner_.value, 15u);
  EXPECT_EQ(runner_.fp, 0);
}

// ---- calls ------------------------------------------------------------------

TEST_F(Assemble, CallsWriteAFrameAndComeBackToTheirStub) {
  const AssembledTrace code = function(R"(
    %a = slot 0
    %b = slot 1
    store 5 %b
    call %b 9 - (%b %a) @s0
  )",
                                       "snapshot s0\n  frame c0+6 base 0 memory\n");
  ASSERT_FALSE(code.failure);
  const Word closure = heap_.make(Object::make_header(ObjectKind::kClosure, 2), {Code::from_code(g_), 21});
  runner_.frame()[0] = 33;
  runner_.frame()[1] = closure;
  runner_.enter(code.door);
  ASSERT_EQ(runner_.end, End::kCode);
  EXPECT_EQ(runner_.fp, 9);
  EXPECT_EQ(runner_.pc, g_->start);
  const Word* frame = runner_.frame() + 9;
  EXPECT_EQ(frame[kClosureSlot], closure);
  EXPECT_EQ(frame[kReturnPositionSlot], reinterpret_cast<Word>(f_->start + 6));
  EXPECT_EQ(frame[0], closure);
  EXPECT_EQ(frame[1], 33u);
  EXPECT_EQ(runner_.frame()[5], closure);
  // The callee returns.
  ASSERT_EQ(code.exits.size(), 1u);
  EXPECT_TRUE(code.exits[0].is_return());
  const Word stub = frame[kReturnAddressSlot];
  EXPECT_TRUE(cache_.contains(reinterpret_cast<const void*>(stub)));
  runner_.enter_raw(reinterpret_cast<const uint8_t*>(stub), 55, 9);
  ASSERT_EQ(runner_.end, End::kExit);
  EXPECT_EQ(runner_.exit_of(code), 0u);
  EXPECT_EQ(runner_.fp, 0) << "the caller's frame";
  EXPECT_EQ(runner_.carrier().exit_state.value(), 55u) << "the result";
  EXPECT_TRUE(decode_exit(code.side_table, 0).is_return);
}

/// Machine code passes the first four arguments to machine code in registers, the others in their slots.
TEST_F(Assemble, CallsBetweenMachineCodePassArgumentsInRegisters) {
  Code* const many = codes_.make("/A%.many", 6, 0);
  const auto assemble_of_many = [&](const std::string& instructions, const std::string& snapshots) {
    const TraceParse parsed =
        parse_trace("code c0 \"/A%.many\" arity 6 captures 0\ntrace 0 function c0 extent 12\n{\n" + instructions +
                        "}\n" + snapshots,
                    "test", [&](const CodeMention&) { return many; });
    if (parsed.trace == nullptr) throw std::runtime_error(parsed.error);
    return assemble(*parsed.trace, cache_, CodeRunner::entries(), {.check_registers = true});
  };
  std::string listed = "snapshot s0\n  frame c0+0 base 0 memory\n";
  std::string slots;
  for (int i = 0; i < 6; ++i) {
    slots += fmt::format("%a{} = slot {}\n", i, i);
    listed += fmt::format("  slot {} %a{}\n", i, 5 - i);
  }
  const AssembledTrace callee = assemble_of_many(slots + "exit @s0\n", listed);
  ASSERT_FALSE(callee.failure);
  many->native_entry = callee.start;
  const Word closure = heap_.make(Object::make_header(ObjectKind::kClosure, 1), {Code::from_code(many)});
  for (const bool tail : {false, true}) {
    const AssembledTrace caller =
        function(std::string("%a = slot 0\n%b = slot 1\n%c = slot 2\n%d = slot 3\n%k = constant 0x1234567890b\n") +
                     (tail ? "tail_call %d - (%b %a %d %k %c %a)\n" : "call %d 8 - (%b %a %d %k %c %a) @s0\n"),
                 "snapshot s0\n  frame c0+6 base 0 memory\n");
    ASSERT_FALSE(caller.failure);
    const Word arguments[] = {11, 13, 15, closure};
    const Word passed[] = {13, 11, closure, 0x1234567890b, 15, 11};
    std::copy(arguments, arguments + 4, runner_.frame());
    const int32_t base = tail ? 0 : 8;
    Word* const frame = runner_.frame() + base;
    if (!tail) std::fill(frame, frame + 6, kPoison);
    runner_.enter(caller.door);
    ASSERT_EQ(runner_.end, End::kExit);
    ASSERT_EQ(runner_.exit_of(callee), 0u);
    ASSERT_EQ(runner_.fp, base);
    const ExitEntry entry = decode_exit(callee.side_table, 0);
    std::map<int32_t, Word> virtuals;
    for (const ExitSlot& slot : entry.slots) {
      Location place = slot.location;
      if (place.kind == LocationKind::kSlot) place.index += base;
      EXPECT_EQ(runner_.word(place, entry, heap_, virtuals), passed[5 - slot.slot]) << slot.slot;
    }
    if (!tail) {
      for (int i = 0; i < 4; ++i) EXPECT_EQ(frame[i], kPoison) << "slot " << i << " is written only where it is needed";
    }
    EXPECT_EQ(frame[4], 15u);
    EXPECT_EQ(frame[5], 11u);
  }
}

TEST_F(Assemble, ReturnsGoToTheContinuationWhenItIsLinked) {
  const AssembledTrace caller = function("%k = constant &c1\n%a = slot 0\ncall %k 9 c1 (%a %a) @s0\n",
                                         "snapshot s0\n  frame c0+6 base 0 memory\n");
  runner_.enter(caller.door);
  const Word old_stub = runner_.frame()[9 + kReturnAddressSlot];
  const AssembledTrace continuation =
      assemble_text("trace 1 continuation c0 extent 12\nparent 0 exit 0\ncallee_base 9\n", "%r = result\nreturn %r\n");
  link_exit(cache_, caller.exits[0], continuation.start);
  // Old frames and new ones return through the stub.
  runner_.enter_raw(reinterpret_cast<const uint8_t*>(old_stub), 77, 9);
  EXPECT_EQ(runner_.end, End::kReturn);
  EXPECT_EQ(runner_.value, 77u);
  runner_.enter(caller.door);
  EXPECT_EQ(runner_.frame()[9 + kReturnAddressSlot], old_stub);
  // Unlinks it again.
  link_exit(cache_, caller.exits[0], caller.exits[0].stub);
  runner_.enter(caller.door);
  EXPECT_EQ(runner_.frame()[9 + kReturnAddressSlot], old_stub);
  runner_.enter_raw(reinterpret_cast<const uint8_t*>(old_stub), 81, 9);
  EXPECT_EQ(runner_.end, End::kExit);
}

// A function that calls itself until its argument is 9, and a continuation that adds one: there
// is one address on the native stack for each call, and the frames have return words only after an exit.
TEST_F(Assemble, ReturnsByTheNativeStackOrByTheFrames) {
  const AssembledTrace down =
      function(R"(%a = slot 0
    is_natural %a @s0
    %z = constant 0x2b
    not_less %a %z @s0
    %o = constant 0x7
    %n = sub %a %o @s0
    %k = constant &c0
    call %k 6 c0 (%n %n %n %n) @s1
)",
               "snapshot s0\n  frame c0+0 base 0 memory\n  slot 0 %a\nsnapshot s1\n  frame c0+6 base 0 memory\n");
  ASSERT_FALSE(down.failure);
  const AssembledTrace back =
      assemble_text("trace 1 continuation c0 extent 12\nparent 0 exit 3\ncallee_base 6\n", R"(%r = result
    is_natural %r @s0
    %o = constant 0x7
    %n = add %r %o @s0
    return %n
)");
  ASSERT_FALSE(back.failure);
  const AssembledTrace last = assemble_text("trace 2 bridge c0 extent 12\nparent 0 exit 1\ninherited register rcx\n",
                                            "%a = inherit 0\nreturn %a\n");
  ASSERT_FALSE(last.failure);
  link_exit(cache_, down.exits.back(), back.start);
  f_->native_entry = down.start;
  // Left at the innermost frame: the native stack is cut off, and the frames have the return words.
  runner_.frame()[0] = pack_int(30);
  runner_.enter(down.door);
  ASSERT_EQ(runner_.end, End::kExit);
  EXPECT_EQ(runner_.fp, 6 * 21);
  for (int32_t fp = 6; fp <= 6 * 21; fp += 6) {
    EXPECT_EQ(runner_.frame()[fp + kReturnPositionSlot], reinterpret_cast<Word>(f_->start + 6)) << fp;
    EXPECT_EQ(runner_.frame()[fp + kReturnAddressSlot], runner_.frame()[6 + kReturnAddressSlot]) << fp;
    runner_.frame()[fp + kReturnPositionSlot] = kPoison;
  }
  const Word stub = runner_.frame()[runner_.fp + kReturnAddressSlot];
  runner_.enter_raw(reinterpret_cast<const uint8_t*>(stub), pack_int(9), runner_.fp);
  ASSERT_EQ(runner_.end, End::kReturn);
  EXPECT_EQ(unpack_int(runner_.value), 9 + 21);
  // Not left: all returns but the outermost find their addresses on the native stack.
  ASSERT_EQ(down.exits[1].guard, IrOp::kNotLess);
  link_exit(cache_, down.exits[1], last.start);
  runner_.frame()[0] = pack_int(30);
  runner_.enter(down.door);
  ASSERT_EQ(runner_.end, End::kReturn);
  EXPECT_EQ(unpack_int(runner_.value), 9 + 21);
  for (int32_t fp = 6; fp <= 6 * 21; fp += 6) EXPECT_EQ(runner_.frame()[fp + kReturnPositionSlot], kPoison) << fp;
}

/// Tries all ways in which four arguments, the closure among them, can change places.
TEST_F(Assemble, TailCallsMoveArgumentsAtOnce) {
  const Word closure = heap_.make(Object::make_header(ObjectKind::kClosure, 2), {Code::from_code(g_), 21});
  for (int order = 0; order < 625; ++order) {
    std::string list;
    int from[4];
    for (int i = 0, rest = order; i < 4; ++i, rest /= 5) {
      from[i] = rest % 5;
      list += fmt::format("{}%{}", i == 0 ? "" : " ", static_cast<char>('a' + from[i]));
    }
    cache_.rewind(0);
    const AssembledTrace code = function(
        "%a = slot 0\n%b = slot 1\n%c = slot 2\n%d = slot 3\n%e = constant 0x123456789\n"
        "tail_call %c - (" +
        list + ")\n");
    const Word words[] = {11, 13, closure, 17, 0x123456789};
    std::copy(words, words + 4, runner_.frame());
    runner_.enter(code.door);
    ASSERT_EQ(runner_.end, End::kCode);
    EXPECT_EQ(runner_.fp, 0);
    EXPECT_EQ(runner_.pc, g_->start);
    EXPECT_EQ(runner_.frame()[kClosureSlot], closure);
    for (int i = 0; i < 4; ++i) ASSERT_EQ(runner_.frame()[i], words[from[i]]) << list << " argument " << i;
  }
}

TEST_F(Assemble, TailCallsOfTheFunctionItselfStayInside) {
  const AssembledTrace code = function(R"(
    %a = slot 0
    %b = slot 1
    %k = constant &c0
    %one = constant 0x7
    is_less %a %b @s0
    %n = add %a %one fits
    tail_call %k c0 (%n %b)
  )",
                                       "snapshot s0\n  frame c0+0 base 0 memory\n  slot 0 %a\n  slot 1 %b\n");
  runner_.frame()[0] = 3;
  runner_.frame()[1] = 4003;
  runner_.enter(code.door);
  ASSERT_EQ(runner_.end, End::kExit);
  EXPECT_EQ(restored(code, 0), 4003u);
}

// ---- exits and bridges ------------------------------------------------------

TEST_F(Assemble, ExitsTellWhereEverythingIs) {
  const AssembledTrace code = function(R"(
    %a = slot 0
    %b = slot 1
    %x = packed_arg %a 1
    %n = new 0x200000001 - (%x %b) sunk
    %u = pack_union %x 1 1 sunk
    %k = constant 0x123456789abcdef1
    is_packed %b @s0
    is_natural %x @s1
    exit @s0
  )",
                                       R"(snapshot s0
  frame c0+0 base 0 memory
  slot 0 %n
  slot 1 %u
  slot 2 %k
  slot 3 %b
snapshot s1
  frame c0+1 base 0 memory
  slot 0 %x
  slot 1 %a
)");
  ASSERT_EQ(code.exits.size(), 3u);
  runner_.frame()[0] = pack_union(kUnitWord, 1, 1);
  const Word pointer = heap_.make(Object::make_header(ObjectKind::kStruct, 0), {});
  runner_.frame()[1] = pointer;
  runner_.enter(code.door);
  ASSERT_EQ(runner_.end, End::kExit);
  EXPECT_EQ(runner_.exit_of(code), 0u);
  EXPECT_EQ(heap_.describe(restored(code, 0)), heap_.describe(heap_.make(0x200000001, {kUnitWord, pointer})));
  EXPECT_EQ(restored(code, 1), pack_union(kUnitWord, 1, 1));
  EXPECT_EQ(restored(code, 2), 0x123456789abcdef1u);
  EXPECT_EQ(restored(code, 3), pointer);
  EXPECT_EQ(code.exits[0].guard, IrOp::kIsPacked);
  EXPECT_EQ(runner_.carrier().exit_state.registers[code.exits[0].operand.index], pointer);

  runner_.frame()[1] = kUnitWord;
  runner_.frame()[0] = pack_union(pack_union(kUnitWord, 1, 0), 1, 1);
  runner_.enter(code.door);
  EXPECT_EQ(runner_.exit_of(code), 1u);
  EXPECT_EQ(restored(code, 0), 5u);
  EXPECT_EQ(restored(code, 1), runner_.frame()[0]);
}

/// Makes more exits than one group of a sled has, and numbers that do not fit a byte.
TEST_F(Assemble, EachExitHasItsNumber) {
  std::string text = "%a = slot 0\n";
  for (int i = 0; i < 300; ++i) text += fmt::format("%k{} = constant {:#x}\nnot_equal %a %k{} @s0\n", i, 2 * i + 3, i);
  const AssembledTrace code = function(text + "return %a\n");
  for (uint32_t i = 0; i < 300; ++i) {
    runner_.frame()[0] = 2 * i + 3;
    runner_.enter(code.door);
    ASSERT_EQ(runner_.end, End::kExit);
    ASSERT_EQ(runner_.exit_of(code), i);
  }
}

TEST_F(Assemble, BridgesInheritRegistersAndSpills) {
  // Twelve values at the guard: some are in spill slots.
  std::string text = "%a = slot 0\n%o = slot 1\n";
  std::string listed = "snapshot s0\n  frame c0+0 base 0 memory\n";
  for (int i = 0; i < 12; ++i) text += fmt::format("%v{} = field %o {}\n", i, i);
  text += "is_packed %a @s0\n";
  for (int i = 0; i < 12; ++i) text += fmt::format("is_packed %v{} @s0\n", i);
  for (int i = 0; i < 4; ++i) listed += fmt::format("  slot {} %v{}\n", i, i);
  const AssembledTrace parent = function(text + "return %a\n", listed);
  ASSERT_FALSE(parent.failure);

  std::vector<Word> fields;
  for (Word i = 0; i < 12; ++i) fields.push_back(8 * i + 3);
  runner_.frame()[0] = heap_.make(Object::make_header(ObjectKind::kStruct, 0), {});
  runner_.frame()[1] = heap_.make(Object::make_header(ObjectKind::kStruct, 12), fields);
  runner_.enter(parent.door);
  ASSERT_EQ(runner_.end, End::kExit);
  const ExitEntry entry = decode_exit(parent.side_table, runner_.exit_of(parent));
  std::string head = "trace 1 bridge c0 extent 12\nparent 0 exit 0\n";
  std::string body;
  ASSERT_EQ(entry.slots.size(), 4u);
  for (const ExitSlot& slot : entry.slots) {
    const bool in_register = slot.location.kind == LocationKind::kRegister;
    constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    head += in_register ? fmt::format("inherited register {}\n", kNames[slot.location.index])
                        : fmt::format("inherited spill {}\n", slot.location.index);
    body += fmt::format("%i{} = inherit {}\n", slot.slot, slot.slot);
  }
  // The bridge has enough values of its own to spill, too: the inherited values must survive that.
  body += "%o = slot 1\n";
  for (int i = 0; i < 12; ++i) body += fmt::format("%w{} = field %o {}\n", i, i);
  for (int i = 0; i < 12; ++i) body += fmt::format("is_packed %w{} @s0\n", i);
  body += "%s0 = add %i0 %i1 fits\n%s1 = add %i2 %i3 fits\n%s = add %s0 %s1 fits\nreturn %s\n";
  const AssembledTrace bridge = assemble_text(head, body);
  ASSERT_FALSE(bridge.failure);
  link_exit(cache_, parent.exits[0], bridge.start);
  runner_.enter(parent.door);
  ASSERT_EQ(runner_.end, End::kReturn);
  EXPECT_EQ(runner_.value, 3u + 8 + 16 + 24);
  link_exit(cache_, parent.exits[0], parent.exits[0].stub);
  runner_.enter(parent.door);
  EXPECT_EQ(runner_.end, End::kExit);
}

TEST_F(Assemble, FuelMakesOneGuardAfterAnotherLeave) {
  const AssembledTrace code =
      function("%a = slot 0\nis_packed %a @s0\nis_natural %a @s0\nreturn %a\n", "", {.count_guards = true});
  runner_.frame()[0] = kUnitWord;
  for (uint32_t fuel = 1; fuel <= 2; ++fuel) {
    runner_.carrier().exit_fuel = fuel;
    runner_.enter(code.door);
    ASSERT_EQ(runner_.end, End::kExit);
    EXPECT_EQ(runner_.exit_of(code), fuel - 1);
  }
  runner_.carrier().exit_fuel = 3;
  runner_.enter(code.door);
  EXPECT_EQ(runner_.end, End::kReturn);
  EXPECT_EQ(runner_.carrier().exit_fuel, 1u);
  // A bridge takes the place of a guard that fails, not of one that is made to.
  EXPECT_EQ(code.exits[0].jumps.size(), 1u);
}

TEST_F(Assemble, DeoptPointsCount) {
  const AssembledTrace code = function("%a = slot 0\ndeopt_point 1 @s0\nreturn %a\n");
  EXPECT_TRUE(code.exits[0].is_yield());
  runner_.carrier().exit_fuel = 2;
  runner_.enter(code.door);
  EXPECT_EQ(runner_.end, End::kReturn);
  runner_.enter(code.door);
  EXPECT_EQ(runner_.end, End::kExit);
}

// ---- objects ----------------------------------------------------------------

TEST_F(Assemble, ObjectsAreMadeAtTheAllocationPointer) {
  const AssembledTrace code = function(R"(
    %a = slot 0
    %k = constant 0x123456789
    alloc_check 5 @s0
    %n = new 0x100000003 - (%k)
    %m = new 0x200000001 - (%n %a)
    return %m
  )");
  runner_.frame()[0] = 15;
  runner_.enter(code.door);
  ASSERT_EQ(runner_.end, End::kReturn);
  EXPECT_EQ(runner_.allocated, 5);
  EXPECT_EQ(runner_.value, reinterpret_cast<Word>(runner_.heap_begin() + 2));
  EXPECT_EQ(heap_.describe(runner_.value), "{0x200000001 {0x100000003 0x123456789} 0xf}");
}

TEST_F(Assemble, AllocationLeavesWhenThereIsNoRoom) {
  const AssembledTrace code = function("%a = slot 0\nalloc_check 3 @s0\n%n = new 0x200000001 - (%a %a)\nreturn %n\n");
  runner_.carrier().alloc_limit = runner_.heap_begin() + 3;
  runner_.enter(code.door);
  EXPECT_EQ(runner_.end, End::kReturn);
  runner_.carrier().alloc_limit = runner_.heap_begin() + 2;
  runner_.enter(code.door);
  EXPECT_EQ(runner_.end, End::kExit);
  EXPECT_EQ(runner_.allocated, 0);
  EXPECT_TRUE(code.exits[0].is_yield());
  runner_.carrier().alloc_limit = nullptr;  // attention is asked for
  runner_.enter(code.door);
  EXPECT_EQ(runner_.end, End::kExit);
}

TEST_F(Assemble, ExitsFindTheAllocationPointerBehindObjects) {
  const AssembledTrace code = function(R"(
    %a = slot 0
    %n = new 0x200000001 - (%a %a)
    is_natural %a @s0
    return %n
  )",
                                       "snapshot s0\n  frame c0+0 base 0 memory\n  slot 3 %n\n");
  runner_.frame()[0] = 5;
  runner_.enter(code.door);
  ASSERT_EQ(runner_.end, End::kExit);
  EXPECT_EQ(runner_.allocated, 3);
  EXPECT_EQ(heap_.describe(restored(code, 3)), "{0x200000001 0x5 0x5}");
}

TEST_F(Assemble, GroupsReferForwards) {
  const AssembledTrace code = function(R"(
    %a = slot 0
    %x = new 0x300000005 c1 (%a %y) recursive @s0
    %y = new 0x300000005 c1 (%a %x) recursive @s0
    return %y
  )");
  runner_.frame()[0] = 9;
  runner_.enter(code.door);
  ASSERT_EQ(runner_.end, End::kReturn);
  const Object* y = as_object(runner_.value);
  const Object* x = as_object(y->fields[2]);
  EXPECT_EQ(x->fields[2], runner_.value);
  EXPECT_NE(from_object(x), runner_.value);
  for (const Object* object : {x, y}) {
    EXPECT_EQ(closure_code(object), g_);
    EXPECT_EQ(object->fields[1], 9u);
  }
  EXPECT_EQ(runner_.allocated, 8);
}

/// Makes objects with more fields than registers, from registers, constants, slots and spill slots.
TEST_F(Assemble, LargeObjects) {
  std::string text = "%o = slot 0\n%s = slot 1\n%k = constant 0x123456789\n";
  std::string list = "%s %k";
  for (int i = 0; i < 20; ++i) {
    text += fmt::format("%v{} = field %o {}\n", i, i);
    list += fmt::format(" %v{}", i);
  }
  const AssembledTrace code = function(text + "%n = new 0x1600000001 - (" + list + ")\nreturn %n\n");
  std::vector<Word> fields;
  for (Word i = 0; i < 20; ++i) fields.push_back(2 * i + 3);
  runner_.frame()[0] = heap_.make(Object::make_header(ObjectKind::kStruct, 20), fields);
  runner_.frame()[1] = 99;
  runner_.enter(code.door);
  ASSERT_EQ(runner_.end, End::kReturn);
  const Object* made = as_object(runner_.value);
  EXPECT_EQ(made->fields[0], 99u);
  EXPECT_EQ(made->fields[1], 0x123456789u);
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(made->fields[2 + i], fields[i]);
}

// ---- loops ------------------------------------------------------------------

TEST_F(Assemble, LoopsPollAndCanBeLeft) {
  const AssembledTrace code = function(R"(
    %n = slot 0
    %z = constant 0x3
    %one = constant 0x7
    %i = phi %z
    %s = phi %z
    loop_start (%i %s)
    is_less %i %n @s0
    %t = add %s %i @s0
    %j = add %i %one @s0
    loop_back (%j %t) @s1
  )",
                                       R"(snapshot s0
  frame c0+0 base 0 memory
  slot 2 %s
snapshot s1
  frame c0+1 base 0 memory
  slot 2 %t
  slot 3 %j
)");
  ASSERT_FALSE(code.failure);
  runner_.frame()[0] = 4003;
  runner_.enter(code.door);
  ASSERT_EQ(runner_.end, End::kExit);
  EXPECT_EQ(runner_.exit_of(code), 0u);
  EXPECT_EQ(restored(code, 2), 4 * (1000 * 999 / 2) + 3u);
  runner_.carrier().alloc_limit = nullptr;
  runner_.enter(code.door);
  ASSERT_EQ(runner_.end, End::kExit);
  EXPECT_TRUE(code.exits[runner_.exit_of(code)].is_yield());
  EXPECT_EQ(restored(code, 3), 7u);
}

/// Rotates loop variables, more of them than registers.
TEST_F(Assemble, LoopVariablesRotate) {
  for (const int count : {2, 5, 9, 10, 13}) {
    std::string text = "%o = slot 1\n%n = slot 0\n%z = constant 0x3\n%one = constant 0x7\n";
    std::string variables = "%i";
    std::string next = "%j";
    std::string listed = "snapshot s0\n  frame c0+0 base 0 memory\n";
    for (int k = 0; k < count; ++k) text += fmt::format("%f{} = field %o {}\n", k, k);
    text += "%i = phi %z\n";
    for (int k = 0; k < count; ++k) {
      text += fmt::format("%v{} = phi %f{}\n", k, k);
      variables += fmt::format(" %v{}", k);
      next += fmt::format(" %v{}", (k + 1) % count);
    }
    for (int k = 0; k < std::min(count, 4); ++k) listed += fmt::format("  slot {} %v{}\n", k, k);
    text += "loop_start (" + variables + ")\nis_less %i %n @s0\n";
    // All but the counter are used by exits only; and then by instructions, too.
    for (int k = 0; k < count; k += 2) text += fmt::format("is_packed %v{} @s0\n", k);
    text += "%j = add %i %one @s0\nloop_back (" + next + ") @s0\n";
    cache_.rewind(0);
    const AssembledTrace code = function(text, listed);
    ASSERT_FALSE(code.failure);
    std::vector<Word> fields;
    for (int k = 0; k < count; ++k) fields.push_back(static_cast<Word>(2 * k + 3));
    runner_.frame()[1] = heap_.make(Object::make_header(ObjectKind::kStruct, static_cast<uint32_t>(count)), fields);
    for (int turns = 0; turns < 2 * count + 1; ++turns) {
      runner_.frame()[0] = static_cast<Word>(4 * turns + 3);
      runner_.enter(code.door);
      ASSERT_EQ(runner_.end, End::kExit);
      for (int k = 0; k < std::min(count, 4); ++k) {
        ASSERT_EQ(restored(code, k), fields[static_cast<size_t>((k + turns) % count)])
            << count << " variables, " << turns << " turns";
      }
    }
  }
}

// ---- failures, listings -----------------------------------------------------

TEST_F(Assemble, AFullCacheIsAFailure) {
  CodeCache small(4096);
  function("%a = slot 0\nreturn %a\n");
  std::optional<AbortReason> failure;
  for (int i = 0; i < 200 && !failure; ++i) failure = assemble(trace_, small, CodeRunner::entries(), {}).failure;
  EXPECT_EQ(failure, AbortReason::kCodeCacheFull);
}

TEST_F(Assemble, TheListingHasInstructionsOfBothKinds) {
  const AssembledTrace code = function("%a = slot 0\nis_packed %a @s0\nreturn %a\n", "", {.keep_origins = true});
  const std::string listing = disassemble(code.start, code.code_bytes, &trace_, code.origins);
  const size_t ir = listing.find("is_packed %0");
  ASSERT_NE(ir, std::string::npos) << listing;
  EXPECT_NE(listing.find("test", ir), std::string::npos) << listing;
  EXPECT_EQ(listing.find(" db "), std::string::npos) << listing;
}

}  // namespace
}  // namespace fble
