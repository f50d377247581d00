#include "jit/x64/regalloc_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "interp/call_frame.h"
#include "interp/exit_state.h"
#include "jit/ir/ir_text.h"

namespace fble::x64 {

namespace {

/// A set of values by identity: constants by word, start values by place.
using Held = std::set<uint32_t>;

/// The values in each place; a place may hold several values that are known to be equal.
struct State {
  std::array<Held, 16> registers;
  std::map<int32_t, Held> spills;
  std::map<int32_t, Held> slots;

  Held* find(const Location& location) {
    switch (location.kind) {
      case LocationKind::kRegister: return &registers[static_cast<size_t>(location.index)];
      case LocationKind::kSpill: return &spills[location.index];
      case LocationKind::kSlot: return &slots[location.index];
      default: return nullptr;
    }
  }
  bool operator==(const State&) const = default;
};

void keep_common(Held& held, const Held& other) {
  std::erase_if(held, [&](uint32_t v) { return !other.contains(v); });
}

State common(State a, State& b) {
  for (size_t i = 0; i < 16; ++i) keep_common(a.registers[i], b.registers[i]);
  for (auto& [index, held] : a.spills) keep_common(held, b.spills[index]);
  for (auto& [index, held] : a.slots) keep_common(held, b.slots[index]);
  return a;
}

class Checker {
 public:
  Checker(const Trace& trace, const Allocation& allocation) : trace_(trace), allocation_(allocation) {}

  std::string run() {
    if (allocation_.plans.size() != trace_.ins.size()) return "not a plan of this trace";
    find_names();
    const uint32_t count = static_cast<uint32_t>(trace_.ins.size());
    for (uint32_t i = 0; i < count && fault_.empty(); ++i) check(i);
    // A loop is right if it is right for the state that all turns have in common at its start.
    while (fault_.empty() && head_ && after_) {
      State meet = common(*head_, *after_);
      if (meet == *head_) break;
      head_ = meet;
      state_ = std::move(meet);
      for (uint32_t i = loop_start_ + 1; i < count && fault_.empty(); ++i) check(i);
    }
    return fault_;
  }

 private:
  uint32_t name(IrRef ref) const { return names_[index_of(ref)]; }
  const Word* constant(uint32_t v) const {
    const auto found = words_.find(v);
    return found == words_.end() ? nullptr : &found->second;
  }

  void fault(uint32_t i, const std::string& what) {
    if (fault_.empty()) fault_ = fmt::format("{}: {}", to_text(trace_, IrRef{i}), what);
  }

  static std::string text(const Location& location) {
    constexpr const char* kKinds[] = {"nowhere", "register", "spill", "constant", "virtual", "slot"};
    return fmt::format("{} {}", kKinds[static_cast<size_t>(location.kind)], location.index);
  }

  /// Names values and fills the places where the trace finds them.
  void find_names() {
    std::map<Word, uint32_t> by_word;
    std::map<int32_t, uint32_t> by_slot;
    std::map<std::pair<int, int32_t>, uint32_t> by_place;
    std::optional<uint32_t> result;
    for (uint32_t i = 0; i < trace_.ins.size(); ++i) {
      const IrIns& ins = trace_.ins[i];
      uint32_t v = i;
      const auto is_word = [&](Word word) {
        v = by_word.try_emplace(word, i).first->second;
        words_[v] = word;
      };
      const auto is_slot = [&](int32_t slot) {
        v = by_slot.try_emplace(slot, i).first->second;
        state_.slots[slot].insert(v);
      };
      if (ins.op == IrOp::kConstant) {
        is_word(ins.x);
      } else if (is_register_argument(trace_, ins)) {
        v = by_slot.try_emplace(ins.n, i).first->second;
        state_.registers[static_cast<size_t>(kArgumentRegisters[static_cast<size_t>(ins.n)])].insert(v);
      } else if (ins.op == IrOp::kSlot) {
        is_slot(ins.n);
      } else if (ins.op == IrOp::kResult) {
        if (!result) result = i;
        v = *result;
        state_.registers[kValueRegister].insert(v);
      } else if (ins.op == IrOp::kInherit) {
        const Location& location = trace_.inherited[static_cast<size_t>(ins.n)].location;
        if (is_constant(location)) {
          is_word(location.word);
        } else if (location.kind == LocationKind::kSlot) {
          is_slot(location.index);
        } else {
          v = by_place.try_emplace({static_cast<int>(location.kind), location.index}, i).first->second;
          state_.find(location)->insert(v);
        }
      }
      names_.push_back(v);
    }
  }

  bool holds(const Location& location, uint32_t v) {
    if (is_constant(location)) {
      const Word* word = constant(v);
      return word != nullptr && *word == location.word;
    }
    const Held* held = state_.find(location);
    return held != nullptr && held->contains(v);
  }

  void want(uint32_t i, const Location& location, uint32_t v, const char* what) {
    if (!holds(location, v)) fault(i, fmt::format("{} %{} is not in {}", what, v, text(location)));
  }

  void assign(const Location& to, Held held) { *state_.find(to) = std::move(held); }

  void apply(uint32_t i, const Move& move) {
    if (move.kind == Move::Kind::kSwap) {
      if (!is_register(move.to) || !is_register(move.from)) return fault(i, "a swap of what are no registers");
      std::swap(*state_.find(move.to), *state_.find(move.from));
      return;
    }
    if (state_.find(move.to) == nullptr) return fault(i, "a move to no place");
    if (is_register(move.to) && !usable(move.to.index)) return fault(i, "a move to a register with a role");
    if (move.to.kind == LocationKind::kSpill && static_cast<uint32_t>(move.to.index) >= kSpillSlots) {
      return fault(i, "a spill slot that is not there");
    }
    Held held;
    if (is_constant(move.from)) {
      for (const auto& [v, word] : words_) {
        if (word == move.from.word) held.insert(v);
      }
    } else if (const Held* from = state_.find(move.from)) {
      held = *from;
    } else {
      return fault(i, "a move from no place");
    }
    assign(move.to, std::move(held));
  }

  static bool usable(int reg) { return reg >= 0 && (allocatable_mask() & bit(reg)) != 0; }

  void check_leaf(uint32_t i, const ExitEntry& entry, const Location& location, IrRef ref) {
    const IrIns& ins = trace_.at(ref);
    if (!ins.sunk) return want(i, location, name(ref), "the exit's");
    if (location.kind != LocationKind::kVirtual) return fault(i, "a sunk value is not virtual");
    const size_t index = static_cast<size_t>(location.index);
    if (index >= entry.virtuals.size()) return fault(i, "no such virtual");
    const auto [seen, is_new] = virtuals_.try_emplace(index_of(ref), location.index);
    if (!is_new) {
      if (seen->second != location.index) fault(i, "a sunk value is two virtuals");
      return;
    }
    const VirtualValue& made = entry.virtuals[index];
    bool same = false;
    switch (made.kind) {
      case VirtualValue::Kind::kObject:
        same = ins.op == IrOp::kNew && made.header == ins.x && made.code == ins.code;
        break;
      case VirtualValue::Kind::kPackedUnion:
        same = ins.op == IrOp::kPackUnion && made.tag == static_cast<uint32_t>(ins.n) && made.width == ins.m;
        break;
      case VirtualValue::Kind::kPackedStruct: same = ins.op == IrOp::kPackStruct; break;
    }
    std::vector<IrRef> parts;
    for_each_ref(ins, [&](IrRef part) { parts.push_back(part); });
    if (!same || parts.size() != made.fields.size()) return fault(i, "a virtual is not what was sunk");
    for (size_t k = 0; k < parts.size(); ++k) check_leaf(i, entry, made.fields[k], parts[k]);
  }

  void check_exit(uint32_t i, const InsPlan& plan) {
    const IrIns& ins = trace_.ins[i];
    const ExitEntry& entry = allocation_.exits[static_cast<size_t>(plan.exit)];
    const Snapshot& snapshot = trace_.snapshots[ins.snapshot];
    if (entry.is_return != (ins.op == IrOp::kCall)) return fault(i, "the wrong kind of exit");
    if (entry.frames.size() != snapshot.frames.size()) return fault(i, "the exit's frames are not the snapshot's");
    virtuals_.clear();
    for (size_t k = 0; k < entry.frames.size(); ++k) {
      const ExitFrame& frame = entry.frames[k];
      const SnapshotFrame& wanted = snapshot.frames[k];
      if (frame.code != wanted.code || frame.pc != wanted.pc || frame.base != wanted.base ||
          frame.in_memory != wanted.in_memory) {
        return fault(i, "the exit's frames are not the snapshot's");
      }
      if (wanted.closure != kNoRef) check_leaf(i, entry, frame.closure, wanted.closure);
    }
    if (entry.slots.size() != snapshot.slots.size()) return fault(i, "the exit's slots are not the snapshot's");
    for (size_t k = 0; k < entry.slots.size(); ++k) {
      if (entry.slots[k].slot != snapshot.slots[k].slot || entry.slots[k].facts != snapshot.slots[k].facts) {
        return fault(i, "the exit's slots are not the snapshot's");
      }
      check_leaf(i, entry, entry.slots[k].location, snapshot.slots[k].ref);
    }
    if (plan.exit_operand.kind != LocationKind::kNone) want(i, plan.exit_operand, name(ins.a), "the guard's operand");
  }

  void check_operands(uint32_t i, const InsPlan& plan) {
    const IrIns& ins = trace_.ins[i];
    if (ins.a != kNoRef) want(i, plan.a, name(ins.a), "operand");
    if (ins.b != kNoRef) want(i, plan.b, name(ins.b), "operand");
    const size_t size = plan.list_end - plan.list_begin;
    if (size != ins.list.size()) return fault(i, "operands are missing");
    for (size_t k = 0; k < size; ++k) {
      const Location& location = allocation_.operands[plan.list_begin + k];
      if (location.kind == LocationKind::kVirtual) {
        if (static_cast<uint32_t>(location.index) != index_of(ins.list[k]) || index_of(ins.list[k]) < i) {
          fault(i, "not an object that is made later");
        }
      } else {
        want(i, location, name(ins.list[k]), "operand");
      }
    }
  }

  /// Removes the values from the registers that the instruction writes while it runs.
  void clobber(uint32_t i, const InsPlan& plan) {
    uint32_t operands = 0;
    const auto operand = [&](const Location& location) {
      if (is_register(location)) operands |= bit(location.index);
    };
    operand(plan.a);
    operand(plan.b);
    for (uint32_t k = plan.list_begin; k < plan.list_end; ++k) operand(allocation_.operands[k]);
    const auto scratch = [&](int reg) {
      if (reg == kNoRegister) return;
      if (!usable(reg)) return fault(i, "a scratch register with a role");
      if ((operands & bit(reg)) != 0) fault(i, "a scratch register is an operand");
      operands |= bit(reg);
      state_.registers[static_cast<size_t>(reg)].clear();
    };
    for (const Register reg : plan.scratch) scratch(reg);
    const IrOp op = trace_.ins[i].op;
    if (op == IrOp::kDiv || op == IrOp::kMod || op == IrOp::kIntDiv) {
      scratch(kRax);
      scratch(kRdx);
    }
    if (plan.result == kNoRegister) return;
    if (!usable(plan.result)) return fault(i, "a result in a register with a role");
    if (writes_result_last(op)) return;
    if (std::count(std::begin(plan.scratch), std::end(plan.scratch), plan.result) != 0) {
      fault(i, "the result is a scratch register");
    }
    // Packing writes the result before it has read all fields.
    if (op == IrOp::kPackStruct && (operands & bit(plan.result)) != 0) fault(i, "the result is an operand");
    if ((op == IrOp::kSub || op == IrOp::kIntSub) && plan.b == in_register(plan.result) && plan.a != plan.b)
      fault(i, "the result is operand b");
    state_.registers[static_cast<size_t>(plan.result)].clear();
  }

  void check_call(uint32_t i, const InsPlan& plan) {
    const IrIns& ins = trace_.ins[i];
    const int32_t base = ins.op == IrOp::kTailCall ? 0 : ins.n;
    want(i, in_slot(base + kClosureSlot), name(ins.a), "closure");
    for (size_t k = 0; k < ins.list.size(); ++k) {
      const bool in_a_register = k < arguments_in_registers(ins);
      want(i, in_a_register ? in_register(kArgumentRegisters[k]) : in_slot(base + static_cast<int32_t>(k)),
           name(ins.list[k]), "argument");
    }
    if (called_code(trace_, ins) == nullptr) {
      if (plan.a != in_register(kRax)) fault(i, "the closure is not in rax");
      want(i, plan.a, name(ins.a), "closure");
    }
    for (Held& held : state_.registers) held.clear();
  }

  void check(uint32_t i) {
    const IrIns& ins = trace_.ins[i];
    const InsPlan& plan = allocation_.plans[i];
    if (can_leave(ins) != (plan.exit >= 0)) return fault(i, "an exit is missing, or not needed");
    if (plan.exit >= 0 && static_cast<size_t>(plan.exit) >= allocation_.exits.size()) return fault(i, "no such exit");
    if (ins.op == IrOp::kLoopBack) return check_loop_back(i, plan);
    for (uint32_t k = plan.moves_begin; k < plan.moves_end; ++k) apply(i, allocation_.moves[k]);
    switch (ins.op) {
      case IrOp::kStore:
        if (plan.skip) {
          want(i, in_slot(ins.n), name(ins.a), "stored");
          return;
        }
        want(i, plan.a, name(ins.a), "operand");
        state_.slots[ins.n].clear();
        if (is_register(plan.a)) state_.slots[ins.n] = *state_.find(plan.a);
        state_.slots[ins.n].insert(name(ins.a));
        return;
      case IrOp::kCall:
      case IrOp::kTailCall:
        check_call(i, plan);
        if (plan.exit >= 0) check_exit(i, plan);
        return;
      case IrOp::kLoopStart:
        loop_start_ = i;
        head_ = state_;
        return;
      default: break;
    }
    if (plan.skip) return;
    check_operands(i, plan);
    clobber(i, plan);
    if (plan.exit >= 0) check_exit(i, plan);
    if (plan.result == kNoRegister) {
      if (ir_has_result(ins.op)) fault(i, "there is no result");
      return;
    }
    // The name meant another value in an earlier turn of the loop.
    for (Held& held : state_.registers) held.erase(i);
    for (auto& [index, held] : state_.spills) held.erase(i);
    for (auto& [index, held] : state_.slots) held.erase(i);
    state_.registers[static_cast<size_t>(plan.result)] = {i};
  }

  void check_loop_back(uint32_t i, const InsPlan& plan) {
    if (!plan.leaves_late) check_exit(i, plan);
    for (uint32_t k = plan.moves_begin; k < plan.moves_end; ++k) apply(i, allocation_.moves[k]);
    if (plan.leaves_late) check_exit(i, plan);
    // Next values become the variables; values made in this turn have no name in the next one.
    const std::vector<IrRef>& variables = trace_.ins[loop_start_].list;
    const std::vector<IrRef>& next = trace_.ins[i].list;
    const auto rename = [&](Held& held) {
      Held renamed;
      for (const uint32_t v : held) {
        if (is_start_value(trace_.ins[v].op) || (v < loop_start_ && trace_.ins[v].op != IrOp::kPhi)) renamed.insert(v);
      }
      for (size_t k = 0; k < variables.size(); ++k) {
        if (held.contains(name(next[k]))) renamed.insert(name(variables[k]));
      }
      held = std::move(renamed);
    };
    after_ = state_;
    for (Held& held : after_->registers) rename(held);
    for (auto& [index, held] : after_->spills) rename(held);
    for (auto& [index, held] : after_->slots) rename(held);
  }

  const Trace& trace_;
  const Allocation& allocation_;
  State state_;
  std::vector<uint32_t> names_;
  std::map<uint32_t, Word> words_;
  std::map<uint32_t, int32_t> virtuals_;
  std::string fault_;
  uint32_t loop_start_ = 0;
  std::optional<State> head_;
  std::optional<State> after_;
};

}  // namespace

std::string check_allocation(const Trace& trace, const Allocation& allocation) {
  return Checker(trace, allocation).run();
}

}  // namespace fble::x64
