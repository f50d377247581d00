// The part of the recorder that records selects of which machine code computes both arms
// (jit/record/straight_select.h), and counts their arms while instructions are counted (jit/engine/trace_counts.h).
//
// Tested by tests/unit/jit/engine/trace_counts_test.cc.
#include <algorithm>
#include <tuple>
#include <utility>

#include "interp/liveness.h"
#include "jit/ir/facts.h"
#include "jit/record/recorder.h"

namespace fble {

/// Returns the first of the values if the tag of the condition is 0, else the second. Where one of them is a bit and
/// the other is one now, it is expected to be one: then so is the result, and what is made of it.
IrRef Recorder::choose_alike(Operand condition, Operand first, Operand second) {
  const auto expect_bit = [&](Operand value, Operand other) {
    const bool is_one = is_packed(value.word) && packed_bits(value.word) == 1;
    if (mixed_layouts_ || !is_one || !is_bit(builder_.facts(other.ref)) || is_bit(builder_.facts(value.ref))) return;
    layout(value, 1);
  };
  expect_bit(first, second);
  expect_bit(second, first);
  if (is_bit(builder_.facts(first.ref))) expect_bit(condition, second);
  return choose(packed(condition), first.ref, second.ref);
}

/// Returns the bit that tells whether the packed union's tag is one of these.
IrRef Recorder::tag_in(Operand object, unsigned width, Word tags) {
  IrIns ins{.op = IrOp::kTagIn};
  ins.a = packed(object);
  ins.x = tags;
  ins.m = width;
  return append(std::move(ins));
}

/// Records both arms of the select, if it is one of those and the tag is not known: the interpreter continues after it.
bool Recorder::record_straight_select(Operand object) {
  using Node = StraightSelect::Node;
  using Kind = StraightSelect::Kind;
  ShadowFrame& shadow = frame();
  if (!is_packed(object.word) || builder_.facts(object.ref).tag >= 0) return false;
  const std::optional<StraightSelect> select = find_straight_select(*shadow.code, carrier_.pc, carrier_.globals);
  // The position after it differs from that of the interpreter in another arm, so no exit may be there.
  if (!select || (select->returns && shadow.in_memory && frames_.size() > 1)) return false;
  const std::vector<Node>& nodes = select->nodes;
  std::vector<Word> words(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = nodes[i];
    switch (node.kind) {
      case Kind::kSlot: words[i] = carrier_.fp[node.index]; break;
      case Kind::kCapture: words[i] = as_object(carrier_.fp[kClosureSlot])->fields[1 + node.index]; break;
      case Kind::kGlobal:
        if (!is_defined(carrier_.globals[node.index])) return false;
        words[i] = carrier_.globals[node.index];
        break;
      case Kind::kWord: words[i] = node.word; break;
      case Kind::kArg:
        if (!is_packed(words[node.condition])) return false;
        words[i] = packed_arg(words[node.condition], node.index);
        break;
      case Kind::kTagIn:
        if (!is_packed(words[node.condition])) return false;
        words[i] = pack_union(kUnitWord, 1, node.word >> packed_tag(words[node.condition], node.index) & 1);
        break;
      case Kind::kChoose:
        if (!is_packed(words[node.condition])) return false;
        words[i] = words[packed_tag(words[node.condition], 1) == 0 ? node.first : node.second];
        break;
    }
  }
  const bool counts = carrier_.machine.counts != nullptr;
  const auto is_decided = [&](const StraightSelect::Decision& decision) {
    return is_packed(words[decision.condition]);
  };
  if (counts && (in_group_ || !std::ranges::all_of(select->decisions, is_decided))) return false;
  std::vector<IrRef> refs(nodes.size(), kNoRef);
  const auto record_node = [&](auto&& self, uint32_t i) -> IrRef {
    const Node& node = nodes[i];
    if (refs[i] != kNoRef) return refs[i];
    switch (node.kind) {
      case Kind::kSlot: refs[i] = operand(node.index).ref; break;
      case Kind::kCapture: refs[i] = capture(node.index).ref; break;
      case Kind::kGlobal: refs[i] = global(node.index).ref; break;
      case Kind::kWord: refs[i] = constant(node.word); break;
      case Kind::kArg:
        refs[i] =
            argument({packed({self(self, node.condition), words[node.condition]}), words[node.condition]}, node.index);
        break;
      case Kind::kTagIn:
        refs[i] = tag_in({self(self, node.condition), words[node.condition]}, node.index, node.word);
        break;
      case Kind::kChoose: {
        const Operand condition = {self(self, node.condition), words[node.condition]};
        const Operand first = {self(self, node.first), words[node.first]};
        refs[i] = choose_alike(condition, first, {self(self, node.second), words[node.second]});
        break;
      }
    }
    return refs[i];
  };
  std::vector<StraightSelect::Result> results;
  const LiveSlots live = live_slots(*shadow.code, select->next);
  std::ranges::copy_if(select->results, std::back_inserter(results),
                       [&](const auto& result) { return std::ranges::find(live, result.slot) != live.end(); });
  for (const auto& [slot, node] : results) record_node(record_node, node);
  if (counts) {
    std::vector<Operand> conditions;
    for (const auto& decision : select->decisions) {
      conditions.push_back({record_node(record_node, decision.condition), words[decision.condition]});
    }
    count_arms(*select, conditions);
  }
  for (const auto& [slot, node] : results) {
    set(slot, refs[node]);
    carrier_.fp[slot] = words[node];
  }
  builder_.trace().whole_steps.push_back({steps_, select->next});
  carrier_.pc = select->next;
  has_moved_ = true;
  is_behind_returns_ = select->returns;
  return true;
}

/// Counts what the arms of the select run that the program takes: now, and by tallies in the trace.
void Recorder::count_arms(const StraightSelect& select, const Operands& conditions) {
  const Word no = pack_union(kUnitWord, 1, 0);
  const Word yes = pack_union(kUnitWord, 1, 1);
  Trace& trace = builder_.trace();
  InstructionCounts& counts = *carrier_.machine.counts;
  const auto first = static_cast<uint32_t>(trace.tallies.size());
  const auto count = static_cast<uint32_t>(conditions.size());
  for (const Operand& condition : conditions) packed(condition);
  // Whether the program comes to a decision: in the trace (none: always), and now.
  const auto outer_of = [&](uint32_t i) { return select.decisions[i].tally.outer; };
  const auto comes = [&](auto&& self, uint32_t i) -> IrRef {
    const uint32_t outer = outer_of(i);
    if (outer == i) return kNoRef;
    const bool in_first_arm = select.decisions[i].tally.arm == 0;
    const IrRef taken =
        in_first_arm ? choose(conditions[outer].ref, constant(yes), constant(no)) : conditions[outer].ref;
    const IrRef outer_comes = self(self, outer);
    return outer_comes == kNoRef ? taken : choose(outer_comes, constant(no), taken);
  };
  std::vector<bool> has_come(count, true);
  for (uint32_t i = 0; i < count; ++i) {
    const ArmTally& tally = select.decisions[i].tally;
    if (tally.outer != i)
      has_come[i] = has_come[tally.outer] && packed_tag(conditions[tally.outer].word, 1) == tally.arm;
    if (!has_come[i]) continue;
    for (const ArmTally::Step& step : tally.runs[packed_tag(conditions[i].word, 1)]) {
      counts.add(*step.code, step.pc, step.is_run ? 1 : UINT64_MAX);
    }
  }
  // Those in an arm of the select itself are counted together with it where both conditions are bits.
  const auto is_bit_now = [&](uint32_t i) { return is_bit(builder_.facts(conditions[i].ref)); };
  const auto is_paired = [&](uint32_t i) {
    return outer_of(i) != i && outer_of(outer_of(i)) == outer_of(i) && is_bit_now(i) && is_bit_now(outer_of(i));
  };
  for (uint32_t i = 0; i < count; ++i) {
    ArmTally tally = select.decisions[i].tally;
    const uint32_t outer = tally.outer;
    if (is_paired(i)) {
      tally.group = count_bits(conditions[outer].ref, conditions[i].ref);
      tally.ones = static_cast<uint8_t>(tally.arm == 0 ? 1 << 2 : 1 << 3);
    }
    tally.step = steps_;
    tally.outer += first;
    trace.tallies.push_back(std::move(tally));
  }
  for (uint32_t i = 0; i < count; ++i) {
    if (is_paired(i)) continue;
    const IrRef come = comes(comes, i);
    std::tie(trace.tallies[first + i].group, trace.tallies[first + i].ones) =
        count_tag(come == kNoRef ? conditions[i].ref : choose(come, constant(no), conditions[i].ref));
  }
  // The recorder moves on to this instruction, which the interpreter has not counted.
  counts.add(*frame().code, select.next, 1);
}

/// Returns the instruction that has counted the value last, as the first of two bits if there are two; kNoRef unless
/// the trace always comes from there to here.
IrRef Recorder::counted(IrRef a) {
  const Trace& trace = builder_.trace();
  for (size_t i = trace.ins.size(); i-- > 0;) {
    const IrIns& ins = trace.ins[i];
    if ((ins.op == IrOp::kTally || ins.op == IrOp::kTallyBits) && ins.a == a) return IrRef{static_cast<uint32_t>(i)};
    // What makes an object may leave if there is no room for it.
    if ((ir_is_guard(ins.op) && !ins.fits) || ins.op == IrOp::kNew) break;
  }
  return kNoRef;
}

/// Counts in the trace how often the tag is 1. Returns the group and ArmTally::ones.
std::pair<uint32_t, uint8_t> Recorder::count_tag(IrRef value) {
  Trace& trace = builder_.trace();
  constexpr uint8_t kOne = 1 << 1;
  constexpr uint8_t kOneOfPair = 1 << 1 | 1 << 3;
  if (const IrRef known = counted(value); known != kNoRef) {
    return {static_cast<uint32_t>(trace.at(known).n), trace.at(known).op == IrOp::kTally ? kOne : kOneOfPair};
  }
  append(IrOp::kTally, value, kNoRef, static_cast<int32_t>(trace.tally_groups));
  return {trace.tally_groups++, kOne};
}

/// Counts in the trace how often the two bits are each of the four pairs. Returns the group.
uint32_t Recorder::count_bits(IrRef a, IrRef b) {
  Trace& trace = builder_.trace();
  if (const IrRef known = counted(a); known != kNoRef) {
    IrIns& ins = trace.at(known);
    if (ins.op == IrOp::kTallyBits && ins.b == b) return static_cast<uint32_t>(ins.n);
    // What counts `a` alone can count both from now on, as no trace has run yet.
    if (ins.op == IrOp::kTally && index_of(b) < index_of(known)) {
      ins.op = IrOp::kTallyBits;
      ins.b = b;
      for (ArmTally& tally : trace.tallies) {
        if (tally.group == static_cast<uint32_t>(ins.n)) tally.ones = 1 << 1 | 1 << 3;
      }
      return static_cast<uint32_t>(ins.n);
    }
  }
  append(IrOp::kTallyBits, a, b, static_cast<int32_t>(trace.tally_groups));
  return trace.tally_groups++;
}

}  // namespace fble
