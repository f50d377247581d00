// Register allocation: the important properties of plans, and the faults that the checker finds.
#include "jit/x64/regalloc.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "jit/ir/ir_text.h"
#include "jit/x64/regalloc_check.h"
#include "tests/support/ir_codes.h"

namespace fble::x64 {
namespace {

class Regalloc : public testing::Test {
 protected:
  /// Makes the plan of a bridge in c0, whose snapshot s0 is as given. All slots are in memory when it begins.
  Allocation allocate(const std::string& instructions, const std::string& snapshots = "",
                      const std::string& kind = "bridge") {
    std::string text = "code c0 \"/A%.f\" arity 4 captures 0\ncode c1 \"/A%.g\" arity 2 captures 1\n";
    text += "trace 1 " + kind + " c0 extent 64\n{\n" + instructions + "}\n";
    text += snapshots.empty() ? "snapshot s0\n  frame c0+0 base 0 memory\n" : snapshots;
    const TraceParse parsed = parse_trace(text, "test", codes_.resolver());
    if (parsed.trace == nullptr) throw std::runtime_error(parsed.error);
    trace_ = *parsed.trace;
    Allocation allocation = allocate_registers(trace_);
    if (!allocation.failure) EXPECT_EQ(check_allocation(trace_, allocation), "");
    return allocation;
  }

  /// Counts the moves from and to the kinds of places.
  static size_t count_moves(const Allocation& allocation, LocationKind to, LocationKind from) {
    return static_cast<size_t>(std::count_if(allocation.moves.begin(), allocation.moves.end(), [&](const Move& move) {
      return move.to.kind == to && move.from.kind == from;
    }));
  }

  IrCodes codes_;
  Trace trace_;
};

TEST_F(Regalloc, SlotsAreLoadedOnceAndOnlyIfUsed) {
  const Allocation plan = allocate(R"(
    %a = slot 0
    %b = slot 1
    %c = slot 2
    is_packed %a @s0
    is_packed %b @s0
    is_packed %a @s0
    return %a
  )",
                                   "snapshot s0\n  frame c0+0 base 0 memory\n  slot 2 %c\n");
  EXPECT_EQ(plan.moves.size(), 2u);
  EXPECT_EQ(count_moves(plan, LocationKind::kRegister, LocationKind::kSlot), 2u);
  // Slot 2 was never loaded: its value stays in its place.
  EXPECT_EQ(plan.exits[0].slots[0].location, in_slot(2));
}

TEST_F(Regalloc, ArgumentsComeInRegisters) {
  const Allocation plan = allocate(R"(
    %a = slot 0
    %b = slot 1
    is_packed %b @s0
    is_natural %a @s0
    %x = packed_arg %b 1
    tail_call %x - (%b %a)
  )",
                                   "snapshot s0\n  frame c0+0 base 0 memory\n  slot 0 %a\n  slot 1 %b\n", "function");
  EXPECT_EQ(plan.plans[2].a, in_register(kArgumentRegisters[1]));
  EXPECT_EQ(plan.exits[0].slots[0].location, in_register(kArgumentRegisters[0]));
  EXPECT_EQ(plan.exits[0].slots[1].location, in_register(kArgumentRegisters[1]));
  EXPECT_EQ(count_moves(plan, LocationKind::kRegister, LocationKind::kSlot), 0u);
  EXPECT_EQ(count_moves(plan, LocationKind::kSlot, LocationKind::kRegister), 1u) << "the closure";
}

/// Arguments that lose their registers go to their own slots, once, and are loaded from there.
TEST_F(Regalloc, ArgumentsAreSpilledToTheirSlots) {
  std::string text = "%a = slot 0\n%b = slot 1\n%c = slot 2\n%o = slot 3\n";
  for (int i = 0; i < 10; ++i) text += fmt::format("%v{} = field %o {}\n", i, i);
  for (int i = 0; i < 10; ++i) text += fmt::format("is_packed %v{} @s0\n", i);
  text += "is_packed %a @s0\nis_packed %b @s0\nis_packed %c @s0\nexit @s0\n";
  const std::string listed = "snapshot s0\n  frame c0+0 base 0 memory\n  slot 0 %a\n  slot 1 %b\n  slot 2 %c\n";
  const Allocation plan = allocate(text, listed, "function");
  EXPECT_EQ(plan.spill_slots, 0u);
  EXPECT_EQ(count_moves(plan, LocationKind::kSlot, LocationKind::kRegister), 3u);
  EXPECT_EQ(plan.exits[0].slots[0].location, in_slot(0));
}

TEST_F(Regalloc, AnArgumentIsNotSpilledToASlotThatHoldsAnotherValue) {
  // %b is used last, so it loses its register first: then its only place is slot 0, which was %a's.
  std::string text = "%a = slot 0\n%b = slot 1\n%o = slot 2\nstore 0 %b\n";
  for (int i = 0; i < 14; ++i) text += fmt::format("%v{} = field %o {}\n", i, i);
  for (int i = 0; i < 14; ++i) text += fmt::format("is_packed %v{} @s0\n", i);
  text += "is_packed %a @s0\nis_packed %b @s0\nexit @s0\n";
  const std::string listed = "snapshot s0\n  frame c0+0 base 0 memory\n  slot 0 %b\n";
  const Allocation plan = allocate(text, listed, "function");
  EXPECT_EQ(count_moves(plan, LocationKind::kSlot, LocationKind::kRegister), 0u);
  EXPECT_GE(count_moves(plan, LocationKind::kSpill, LocationKind::kRegister), 1u) << "%a";
}

TEST_F(Regalloc, ResultsTakeTheRegisterOfAnOperandThatDies) {
  const Allocation plan = allocate(R"(
    %a = slot 0
    %x = packed_arg %a 1
    %y = packed_arg %x 1
    return %y
  )");
  EXPECT_EQ(plan.plans[1].a, in_register(plan.plans[1].result));
  EXPECT_EQ(plan.plans[2].result, kValueRegister) << "where it is returned in";
  EXPECT_EQ(plan.moves.size(), 1u);
}

TEST_F(Regalloc, AResultSparesWhatItsOwnExitNeeds) {
  const Allocation plan = allocate(R"(
    %a = slot 0
    %x = packed_arg %a 1
    %y = pack_union %x 1 1 @s0
    return %y
  )",
                                   "snapshot s0\n  frame c0+0 base 0 memory\n  slot 5 %x\n");
  EXPECT_NE(plan.plans[2].a, in_register(plan.plans[2].result));
  EXPECT_EQ(plan.exits[0].slots[0].location, plan.plans[2].a);
}

TEST_F(Regalloc, ValuesWithAHomeAreNotSpilled) {
  std::string text;
  for (int i = 0; i < 14; ++i) text += fmt::format("%s{} = slot {}\nis_packed %s{} @s0\n", i, i, i);
  for (int i = 0; i < 14; ++i) text += fmt::format("is_natural %s{} @s0\n", i);
  const Allocation plan = allocate(text + "exit @s0\n");
  EXPECT_EQ(plan.spill_slots, 0u);
  EXPECT_EQ(count_moves(plan, LocationKind::kSpill, LocationKind::kRegister), 0u);
  EXPECT_LT(plan.moves.size(), 28u);
}

TEST_F(Regalloc, WhatIsUsedLastIsSpilledOnce) {
  std::string text = "%a = slot 0\n";
  for (int i = 0; i < 14; ++i) text += fmt::format("%v{} = field %a {}\n", i, i);
  for (int i = 0; i < 14; ++i) text += fmt::format("is_packed %v{} @s0\n", i);
  const Allocation plan = allocate(text + "exit @s0\n");
  EXPECT_GE(plan.spill_slots, 3u);
  EXPECT_LE(plan.spill_slots, 5u);
  EXPECT_EQ(count_moves(plan, LocationKind::kSpill, LocationKind::kRegister), plan.spill_slots);
  // Those defined first are used first: they keep their registers.
  EXPECT_EQ(plan.plans[15].moves_begin, plan.plans[15].moves_end);
}

TEST_F(Regalloc, WhatOnlyExitsNeedGoesFirst) {
  std::string text = "%a = slot 0\n%e = field %a 20\n";
  for (int i = 0; i < 10; ++i) text += fmt::format("%v{} = field %a {}\n", i, i);
  for (int i = 0; i < 10; ++i) text += fmt::format("is_packed %v{} @s0\n", i);
  const Allocation plan = allocate(text + "exit @s0\n", "snapshot s0\n  frame c0+0 base 0 memory\n  slot 5 %e\n");
  EXPECT_EQ(plan.spill_slots, 1u);
  EXPECT_EQ(plan.exits.back().slots[0].location, in_spill(0));
}

TEST_F(Regalloc, OperandsOfSunkObjectsLive) {
  const Allocation plan = allocate(R"(
    %a = slot 0
    %x = field %a 0
    %n = new 0x200000101 - (%x %a) sunk
    %m = new 0x100000103 - (%n) sunk
    is_packed %a @s0
    exit @s1
  )",
                                   R"(snapshot s0
  frame c0+0 base 0 memory
  slot 5 %m
  slot 6 %n
snapshot s1
  frame c0+0 base 0 memory
  slot 5 %x
)");
  ASSERT_EQ(plan.exits[0].virtuals.size(), 2u);
  const ExitEntry& exit = plan.exits[0];
  EXPECT_EQ(exit.slots[0].location.kind, LocationKind::kVirtual);
  EXPECT_EQ(exit.slots[1].location, exit.virtuals[static_cast<size_t>(exit.slots[0].location.index)].fields[0])
      << "one object, also if it is mentioned twice";
  EXPECT_EQ(plan.plans[2].result, kNoRegister);
}

TEST_F(Regalloc, StoresKeepWhatTheyOverwrite) {
  const Allocation plan = allocate(R"(
    %a = slot 0
    %b = slot 1
    store 0 %b
    store 1 %a
    exit @s0
  )",
                                   "snapshot s0\n  frame c0+0 base 0 memory\n  slot 0 %b\n  slot 1 %a\n  slot 7 %a\n");
  EXPECT_EQ(count_moves(plan, LocationKind::kRegister, LocationKind::kSlot), 2u);
}

TEST_F(Regalloc, StoringWhatIsThereAlreadyIsNothing) {
  const Allocation plan = allocate(R"(
    %a = slot 0
    is_packed %a @s0
    store 0 %a
    store 3 %a
    store 3 %a
    exit @s0
  )");
  EXPECT_TRUE(plan.plans[2].skip);
  EXPECT_FALSE(plan.plans[3].skip);
  EXPECT_TRUE(plan.plans[4].skip);
}

TEST_F(Regalloc, TooManySpillsFail) {
  std::string text = "%a = slot 0\n";
  for (int i = 0; i < 300; ++i) text += fmt::format("%v{} = field %a {}\n", i, i);
  for (int i = 0; i < 300; ++i) text += fmt::format("is_packed %v{} @s0\n", i);
  EXPECT_EQ(allocate(text + "exit @s0\n").failure, AbortReason::kTooManySpills);
}

TEST_F(Regalloc, AValueLostAcrossACallIsABug) {
  // The snapshot of the call has %b in slot 1, where no instruction has stored it.
  const std::string text = R"(
    %a = slot 0
    %b = field %a 0
    call %a 4 - (%a) @s0
  )";
  EXPECT_DEATH(allocate(text, "snapshot s0\n  frame c0+0 base 0 memory\n  slot 1 %b\n"),
               "a value is lost across a call");
}

TEST_F(Regalloc, LoopVariablesStayInTheirRegisters) {
  const Allocation plan = allocate(R"(
    %a = slot 0
    %one = constant 0x7
    %i = phi %a
    loop_start (%i)
    is_less %i %a @s0
    %j = add %i %one @s0
    loop_back (%j) @s0
  )");
  // The sum is computed in the variable's place: loop_back has no move to make.
  EXPECT_EQ(plan.plans[6].moves_begin, plan.plans[6].moves_end);
  EXPECT_EQ(plan.plans[5].result, plan.plans[2].result);
}

TEST_F(Regalloc, InvariantsThatLoseTheirRegisterAreSpilledBeforeTheLoop) {
  std::string text = "%a = slot 0\n%k = field %a 30\n%z = constant 0x3\n%i = phi %z\nloop_start (%i)\n";
  for (int i = 0; i < 11; ++i) text += fmt::format("%v{} = field %a {}\n", i, i);
  for (int i = 0; i < 11; ++i) text += fmt::format("is_packed %v{} @s0\n", i);
  text += "is_packed %k @s0\n%j = add %i %v0 @s0\nloop_back (%j) @s0\n";
  const Allocation plan = allocate(text);
  size_t loop = 0;
  while (trace_.ins[loop].op != IrOp::kLoopStart) ++loop;
  for (uint32_t m = plan.plans[loop].moves_end; m < plan.moves.size(); ++m) {
    const Move& move = plan.moves[m];
    if (move.to.kind != LocationKind::kSpill) continue;
    // A value that is stored inside the loop is computed inside.
    EXPECT_NE(move.to, in_spill(0));
  }
}

constexpr const char* kSummingLoop = R"(
    %n = slot 0
    %zero = constant 0x3
    %one = constant 0x7
    is_natural %n @s0
    %i = phi %zero
    %t = phi %zero
    loop_start (%i %t)
    not_less %n %i @s1
    %u = add %t %i @s1
    %j = add %i %one @s1
    loop_back (%j %u) @s2
  )";

/// Returns the snapshots of kSummingLoop, whose back edge needs a value in slot 1.
std::string with_exit_of(const char* value) {
  return fmt::format(R"(snapshot s0
  frame c0+0 base 0 memory
snapshot s1
  frame c0+0 base 0 memory
  slot 1 %i
  slot 2 %t
snapshot s2
  frame c0+0 base 0 memory
  slot 1 {}
  slot 2 %u
)",
                     value);
}

TEST_F(Regalloc, LoopsLeaveAfterTheirMoves) {
  const Allocation plan = allocate(kSummingLoop, with_exit_of("%j"));
  const InsPlan& back = plan.plans[10];
  EXPECT_TRUE(back.leaves_late);
  EXPECT_NE(back.moves_begin, back.moves_end);
  // The checker finds the exit's values after these moves, and not before them.
  Allocation broken = plan;
  broken.exits[static_cast<size_t>(back.exit)].slots[0].location = in_register(plan.plans[5].result);
  EXPECT_NE(check_allocation(trace_, broken), "");
}

TEST_F(Regalloc, LoopsLeaveBeforeMovesThatOverwriteWhatTheirExitNeeds) {
  const Allocation plan = allocate(kSummingLoop, with_exit_of("%i"));
  const InsPlan& back = plan.plans[10];
  EXPECT_FALSE(back.leaves_late);
  EXPECT_EQ(plan.exits[static_cast<size_t>(back.exit)].slots[0].location, in_register(plan.plans[4].result));
}

// ---- parallel moves ----------------------------------------------------------

/// Executes moves on named contents.
std::string after(std::vector<Move> moves, const std::vector<Location>& places) {
  std::vector<Move> ordered;
  order_moves(moves, in_spill(99), ordered);
  std::map<std::pair<int, int>, std::string> contents;
  const auto at = [&](const Location& location) -> std::string& {
    return contents[{static_cast<int>(location.kind), location.index}];
  };
  for (size_t i = 0; i < places.size(); ++i) at(places[i]) = static_cast<char>('a' + i);
  for (const Move& move : ordered) {
    if (move.kind == Move::Kind::kSwap) {
      std::swap(at(move.to), at(move.from));
    } else if (is_constant(move.from)) {
      at(move.to) = "!";
    } else {
      const std::string moved = at(move.from);
      at(move.to) = moved;
    }
  }
  std::string text;
  for (const Location& place : places) text += at(place);
  return text;
}

TEST(OrderMoves, AllPermutationsOfRegistersAndMemory) {
  for (int memory = 0; memory < 32; ++memory) {
    std::vector<Location> places;
    for (int i = 0; i < 5; ++i) places.push_back((memory >> i & 1) != 0 ? in_slot(i) : in_register(i));
    std::vector<size_t> order{0, 1, 2, 3, 4};
    do {
      std::vector<Move> moves;
      std::string expected;
      for (size_t i = 0; i < 5; ++i) {
        moves.push_back({Move::Kind::kCopy, places[i], places[order[i]]});
        expected += static_cast<char>('a' + order[i]);
      }
      ASSERT_EQ(after(moves, places), expected);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST(OrderMoves, CopiesAndCirclesWithBranches) {
  std::vector<Location> places;
  for (int i = 0; i < 4; ++i) places.push_back(i < 2 ? in_register(i) : in_slot(i));
  // Each of four places takes any of the four or a constant.
  for (int code = 0; code < 625; ++code) {
    std::vector<Move> moves;
    std::string expected;
    int rest = code;
    for (size_t i = 0; i < 4; ++i, rest /= 5) {
      const size_t from = static_cast<size_t>(rest % 5);
      moves.push_back({Move::Kind::kCopy, places[i], from == 4 ? constant_location(3) : places[from]});
      expected += from == 4 ? '!' : static_cast<char>('a' + from);
    }
    ASSERT_EQ(after(moves, places), expected) << code;
  }
}

TEST(MoveExit, FollowsAllThatIsKept) {
  const Location places[] = {in_register(0), in_register(1), in_spill(0), in_spill(1)};
  for (int code = 0; code < 625; ++code) {
    std::vector<Move> moves;
    std::string contents;
    int rest = code;
    for (size_t i = 0; i < 4; ++i, rest /= 5) {
      const size_t from = static_cast<size_t>(rest % 5);
      moves.push_back({Move::Kind::kCopy, places[i], from == 4 ? constant_location(3) : places[from]});
      contents += from == 4 ? '!' : static_cast<char>('a' + from);
    }
    const auto content = [&](const Location& location) {
      return contents[static_cast<size_t>(std::ranges::find(places, location) - std::begin(places))];
    };
    for (const bool all : {false, true}) {
      // A frame's closure, a slot and a field of a virtual, and with `all` a slot more.
      ExitEntry exit;
      exit.frames.push_back({.closure = places[0]});
      exit.slots.push_back({.slot = 0, .location = places[1]});
      exit.slots.push_back({.slot = 1, .location = constant_location(5)});
      exit.virtuals.push_back({.fields = {places[2]}});
      if (all) exit.slots.push_back({.slot = 2, .location = places[3]});
      const ExitEntry before = exit;
      const auto is_kept = [&](char value) { return contents.find(value) != std::string::npos; };
      const bool kept = is_kept('a') && is_kept('b') && is_kept('c') && (!all || is_kept('d'));
      ASSERT_EQ(move_exit(exit, moves), kept) << contents;
      if (!kept) {
        ASSERT_EQ(exit, before) << contents;
        continue;
      }
      ASSERT_EQ(content(exit.frames[0].closure), 'a') << contents;
      ASSERT_EQ(content(exit.slots[0].location), 'b') << contents;
      ASSERT_EQ(exit.slots[1].location, constant_location(5)) << contents;
      ASSERT_EQ(content(exit.virtuals[0].fields[0]), 'c') << contents;
      if (all) ASSERT_EQ(content(exit.slots[2].location), 'd') << contents;
    }
  }
}

// ---- the checker ------------------------------------------------------------

class Checker : public Regalloc {
 protected:
  /// Expects that the plan is right, and that with the fault it is not.
  void expect_fault(const std::function<void(Allocation&)>& fault) {
    Allocation plan = allocate(kTrace, kSnapshots);
    fault(plan);
    EXPECT_NE(check_allocation(trace_, plan), "");
  }

  static constexpr const char* kTrace = R"(
    %a = slot 0
    %b = slot 1
    %c = constant 0x123456789
    is_packed %a @s0
    is_natural %a @s0
    %x = packed_arg %a 1
    %y = packed_arg %b 1
    %s = pack_struct (%x %y) @s0
    is_equal %y %c @s0
    %n = new 0x200000101 - (%x %s)
    store 0 %y
    is_packed %x @s1
    tail_call %b - (%b %a)
  )";
  static constexpr const char* kSnapshots = R"(snapshot s0
  frame c0+0 base 0 memory
  slot 0 %a
  slot 7 %b
snapshot s1
  frame c0+0 base 0 memory
  slot 5 %s
  slot 6 %x
)";
};

TEST_F(Checker, FindsMovesThatAreMissing) {
  const size_t count = allocate(kTrace, kSnapshots).moves.size();
  ASSERT_GE(count, 5u);
  for (size_t i = 0; i < count; ++i) {
    expect_fault([&](Allocation& plan) { plan.moves[i].from = plan.moves[i].to; });
  }
}

TEST_F(Checker, FindsWrongOperands) {
  for (const size_t ins : {3, 5, 8}) {
    expect_fault([&](Allocation& plan) { plan.plans[ins].a = in_register(kR12); });
  }
  expect_fault([](Allocation& plan) { std::swap(plan.operands[0], plan.operands[1]); });
  expect_fault([](Allocation& plan) { plan.plans[10].a = in_register(kR11); });
}

TEST_F(Checker, FindsRegistersThatAreTaken) {
  expect_fault([](Allocation& plan) { plan.plans[4].scratch[0] = static_cast<Register>(plan.plans[4].a.index); });
  expect_fault([](Allocation& plan) { plan.plans[5].result = kR13; });
  expect_fault([](Allocation& plan) { plan.plans[5].result = kTableRegister; });
  expect_fault([](Allocation& plan) { plan.plans[7].result = plan.plans[7].scratch[1]; });
  expect_fault([](Allocation& plan) { plan.plans[7].result = static_cast<Register>(plan.operands[0].index); });
}

TEST_F(Checker, FindsWrongExits) {
  expect_fault([](Allocation& plan) { plan.exits[0].slots[0].location = in_register(kR10); });
  expect_fault([](Allocation& plan) { plan.exits[0].slots[1].location = in_slot(2); });
  expect_fault([](Allocation& plan) { plan.exits[0].slots.pop_back(); });
  expect_fault([](Allocation& plan) { plan.exits.back().slots[1].location = in_slot(0); });
  expect_fault([](Allocation& plan) { plan.exits[0].frames[0].base = 4; });
  expect_fault([](Allocation& plan) { plan.exits[0].is_return = true; });
  expect_fault([](Allocation& plan) { plan.plans[3].exit = -1; });
  expect_fault([](Allocation& plan) { plan.plans[3].exit_operand = in_register(kR10); });
}

TEST_F(Checker, FindsInvariantsThatALoopLoses) {
  const std::string text = R"(
    %a = slot 0
    %k = field %a 0
    %z = constant 0x3
    %i = phi %z
    loop_start (%i)
    is_packed %k @s0
    %w = field %a 1
    is_packed %w @s0
    %j = add %i %k @s0
    loop_back (%j) @s0
  )";
  Allocation plan = allocate(text);
  ASSERT_EQ(check_allocation(trace_, plan), "");
  // Inside the loop another value takes the invariant's register: wrong in the second turn only.
  const int lost = plan.plans[5].a.index;
  Allocation broken = plan;
  broken.plans[9].moves_begin = static_cast<uint32_t>(broken.moves.size());
  broken.moves.push_back({Move::Kind::kCopy, in_register(lost), constant_location(5)});
  broken.plans[9].moves_end = static_cast<uint32_t>(broken.moves.size());
  EXPECT_NE(check_allocation(trace_, broken), "");
}

}  // namespace
}  // namespace fble::x64
