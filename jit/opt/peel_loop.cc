// Loop peeling: a function that calls itself at its end becomes a loop.
//
// Problem. The trace of such a function ends in a tail call to its own start, which
// repeats everything: arguments are read from their slots and guarded, fields of the
// closure are loaded, words that the last turn packed are unpacked. Work that is the
// same in each turn should be done once, and values that change should stay in
// registers. Moving invariant instructions out of the loop does not work: a guard
// cannot be moved before the guards that it depends on, and nearly all instructions
// depend on guards.
//
// Idea. The trace is the first turn (the preamble). Its instructions are appended a
// second time, with the arguments of the tail call in place of the argument slots,
// through the same forward passes as all instructions (pipeline.cc). Invariant
// instructions are found in the preamble, guards included; reads of the parts of an
// object that the first turn made are forwarded to the parts. The remaining
// instructions are the loop's body. Then each value of the preamble that the body
// mentions is examined: if `v` of the first turn is `v` in the second turn, too, it is
// invariant. If it is `w` there, then the third turn has to see `w` where the second
// saw `v`: a variable of the loop, `phi v`, whose next value is `w`.
//
// Why it is sound. The body computes the second turn from the values V of the first.
// It relies on two properties: each value of V is computed from others by its
// instruction, and the guards of the preamble hold for V. The second turn's values W,
// named by the same instructions, have the same properties: its instructions were
// appended again for W, or found to be equal to others, and its guards were appended
// for W, or found to follow. So the same body computes the third turn from W, and so
// on. There are no assumptions about the slots at the trace's start except the
// closure's code, which is checked for the tail call's closure.
//
// Objects. A variable that is an object made in the trace would have to be made in each
// turn. So there are no such variables: the object's fields become variables, and the
// object is described again at the loop's head, for the exits, as a sunk one. If an
// instruction of the body needs it after all, it is made there.
//
// Exits. The arguments that the first turn found in memory are there in every turn. So in the body
// each argument slot that is live at an exit and differs from the first turn is listed, and so are the arguments that
// came in registers. The back edge is a yield point with the state at the function's start.
//
// Limits. A loop that counts up to a limit checks in each turn that the count does not leave the range of numbers. If
// the limit is the same in all turns, the preamble checks once that it is below half of the range: then the comparison
// with the limit says that the count has room for one more bit (jit/ir/fact_rules.h), and the sum is not checked.
//
// A function that refers to itself by a captured variable reads the closure of the next
// turn from its own closure. The preamble checks once that it is the same: then all
// captured values are invariant.
//
// The idea is LuaJIT's (lj_opt_loop.c), without its type stability of variables, which
// the argument above does not need.
//
// Tested by tests/unit/jit/opt/peel_loop_test.cc and tests/ir/peel_loop.
#include <algorithm>

#include "gc/integer.h"
#include "interp/call_frame.h"
#include "interp/liveness.h"
#include "jit/ir/ir_verify.h"
#include "jit/opt/forward.h"
#include "jit/opt/passes.h"

namespace fble {

namespace {

/// The largest body, in instructions. Longer bodies gain little, and cost twice the time and space.
constexpr size_t kMaxBody = 150;
/// The largest number of variables. More of them would not be in registers.
constexpr size_t kMaxVariables = 12;
/// The largest number of fields of an object that is taken apart.
constexpr size_t kMaxFields = 6;

class Peeler {
 public:
  explicit Peeler(Trace& trace) : trace_(trace) {}

  bool run() {
    if (!is_candidate()) return false;
    const Trace original = trace_;
    call_ = std::move(trace_.ins.back());
    trace_.ins.pop_back();
    if (build() && verify_trace(trace_).empty()) return true;
    trace_ = original;
    return false;
  }

 private:
  /// The role of a preamble's value in the body.
  enum class Kind : uint8_t {
    kUnknown,
    kInvariant,
    kVariable,
    kObject,  ///< described again at the loop's head
  };

  bool is_candidate() const {
    if (trace_.kind != TraceKind::kFunction || trace_.ins.empty() || trace_.ins.size() > kMaxBody) return false;
    if (!trace_.assumptions.empty()) return false;
    const IrIns& call = trace_.ins.back();
    if (call.op != IrOp::kTailCall || call.code != trace_.code || call.list.size() != trace_.code->arity) return false;
    return std::ranges::none_of(trace_.ins, [&](const IrIns& ins) {
      const bool other_slot = ins.op == IrOp::kSlot && ins.n != kClosureSlot && !is_argument(ins.n);
      return other_slot || ins.op == IrOp::kStore || ins.op == IrOp::kStackCheck;
    });
  }

  bool is_argument(int32_t slot) const { return slot >= 0 && slot < static_cast<int32_t>(trace_.code->arity); }
  bool in_preamble(IrRef ref) const { return index_of(ref) < preamble_; }

  bool build() {
    settle_closure();
    bound_limits();
    preamble_ = trace_.ins.size();
    Forward forward(trace_);
    forward.failure_is_a_bug = false;
    forward.barrier = preamble_;
    if (closure_ != kNoRef && forward.table[closure_].code != trace_.code) return false;
    append_body(forward);
    if (forward.has_failed) return false;
    const uint32_t back = append_back_edge(forward);
    if (!find_variables(back)) return false;
    assemble();
    assume_of_variables();
    for (size_t i = 0, count = trace_.whole_steps.size(); i < count; ++i) {
      const WholeStep step = trace_.whole_steps[i];
      trace_.whole_steps.push_back({step.number + trace_.steps, step.end});
    }
    return true;
  }

  /// Determines the closure of the next turn: kNoRef for the same as in this one.
  void settle_closure() {
    closure_ = call_.a;
    IrRef own = kNoRef;
    for (size_t i = 0; i < trace_.ins.size(); ++i) {
      if (trace_.ins[i].op == IrOp::kSlot && trace_.ins[i].n == kClosureSlot) own = IrRef{static_cast<uint32_t>(i)};
    }
    // Without captured values all closures of a function are equal.
    if (closure_ == own || (trace_.code->capture_count == 0 && !trace_.code->is_glue)) {
      closure_ = kNoRef;
      return;
    }
    const IrIns& made = trace_.at(closure_);
    if (made.op != IrOp::kField || made.a != own) return;
    IrIns same;
    same.op = IrOp::kIsEqual;
    same.a = std::min(own, closure_);
    same.b = std::max(own, closure_);
    append_guard(std::move(same));
    closure_ = kNoRef;
  }

  /// Appends a guard to the preamble, which leaves when the next turn would begin.
  void append_guard(IrIns guard) {
    Snapshot snapshot = state_at_start(call_.list);
    if (closure_ != kNoRef) {
      snapshot.frames[0].in_memory = false;
      snapshot.frames[0].closure = closure_;
    }
    guard.pc = call_.pc;
    guard.site = call_.site;
    guard.snapshot = static_cast<uint32_t>(trace_.snapshots.size());
    trace_.snapshots.push_back(std::move(snapshot));
    trace_.ins.push_back(std::move(guard));
  }

  /// Checks in the preamble that the limits up to which numbers count are below half of the range.
  void bound_limits() {
    FactTable table(trace_);
    for (const IrIns& ins : trace_.ins) table.append(ins);
    std::vector<IrRef> limits;
    for (const IrIns& ins : trace_.ins) {
      if (ins.op != IrOp::kIsLess && ins.op != IrOp::kNotLess) continue;
      const IrRef limit = ins.op == IrOp::kIsLess ? ins.b : ins.a;
      const IrRef counter = ins.op == IrOp::kIsLess ? ins.a : ins.b;
      const bool has_room = table[limit].bits < kMaxPackedBits;
      if (has_room || !table[limit].natural || !table[counter].natural || !is_same_in_all_turns(limit)) continue;
      const bool counts = std::ranges::any_of(trace_.ins, [&](const IrIns& sum) {
        return sum.op == IrOp::kAdd && sum.a == counter && !sum.fits && table[sum.b].bits < kMaxPackedBits;
      });
      if (counts && std::ranges::find(limits, limit) == limits.end()) limits.push_back(limit);
    }
    if (limits.empty()) return;
    IrIns most;
    most.op = IrOp::kConstant;
    most.x = pack_int((int64_t{1} << (kMaxPackedBits - 1)) - 1);
    const IrRef half{static_cast<uint32_t>(trace_.ins.size())};
    trace_.ins.push_back(std::move(most));
    for (const IrRef limit : limits) {
      IrIns guard;
      guard.op = IrOp::kNotLess;
      guard.a = half;
      guard.b = limit;
      append_guard(std::move(guard));
    }
  }

  /// Returns whether a value is an argument that each turn hands on, or a captured value of the closure that all share.
  bool is_same_in_all_turns(IrRef ref) const {
    const IrIns& ins = trace_.at(ref);
    if (ins.op == IrOp::kSlot) return is_argument(ins.n) && call_.list[static_cast<size_t>(ins.n)] == ref;
    if (ins.op != IrOp::kField || closure_ != kNoRef) return false;
    const IrIns& closure = trace_.at(ins.a);
    return closure.op == IrOp::kSlot && closure.n == kClosureSlot;
  }

  /// Returns the state when the function is entered with the arguments, which are those of
  /// the first turn's call or of a later one. Arguments that no turn changes are where they were, and not listed if
  /// that is in memory. It is not enough that an argument equals its slot's first value: two swaps also do that, and
  /// the loop continues to swap.
  Snapshot state_at_start(const std::vector<IrRef>& args) const {
    Snapshot snapshot;
    snapshot.steps = trace_.steps;
    snapshot.frames.push_back({trace_.code, trace_.code->start, 0, true, kNoRef});
    for (const uint32_t slot : live_slots(*trace_.code, trace_.code->start)) {
      if (slot >= args.size()) continue;
      const IrIns& next = trace_.at(call_.list[slot]);
      const bool is_unchanged = next.op == IrOp::kSlot && next.n == static_cast<int32_t>(slot);
      if (is_unchanged && !is_register_argument(trace_, next)) continue;
      snapshot.slots.push_back({static_cast<int32_t>(slot), args[slot]});
    }
    return snapshot;
  }

  void set_facts(const Forward& forward, Snapshot& snapshot) const {
    for (SnapshotSlot& slot : snapshot.slots) slot.facts = value_facts(forward.table[slot.ref]);
  }

  void append_body(Forward& forward) {
    std::vector<IrIns> turn(trace_.ins.begin(), trace_.ins.end());
    const size_t snapshots = trace_.snapshots.size();
    renamed_.assign(preamble_, kNoRef);
    std::vector<uint32_t> again(snapshots, kNoSnapshot);
    // After a guard that always fails, constants may be of any type.
    for (size_t i = 0; i < preamble_ && !forward.has_failed;) {
      const IrIns& ins = turn[i];
      if (ins.op == IrOp::kSlot) {
        if (is_argument(ins.n)) {
          renamed_[i] = call_.list[static_cast<size_t>(ins.n)];
        } else {
          renamed_[i] = closure_ == kNoRef ? IrRef{static_cast<uint32_t>(i)} : closure_;
        }
        ++i;
        continue;
      }
      // Before the instruction is appended, since the facts in its snapshot must not
      // depend on it.
      size_t end = i + 1;
      while (ins.recursive && end < preamble_ && turn[end].recursive) ++end;
      const uint32_t snapshot = ins.snapshot;
      if (snapshot != kNoSnapshot) {
        if (again[snapshot] == kNoSnapshot) {
          again[snapshot] = static_cast<uint32_t>(trace_.snapshots.size());
          trace_.snapshots.push_back(second_turn(trace_.snapshots[snapshot]));
          set_facts(forward, trace_.snapshots.back());
        }
        // In a group of recursive objects the state before the first is that before all of them.
        for (size_t j = i; j < end; ++j) turn[j].snapshot = again[snapshot];
      }
      i += append_again(forward, turn, i, renamed_);
    }
  }

  /// Returns the snapshot of the same place, one turn later.
  Snapshot second_turn(const Snapshot& first) {
    Snapshot second = first;
    second.steps += trace_.steps;
    for_each_snapshot_ref(second, [&](IrRef& ref) { ref = renamed_[index_of(ref)]; });
    SnapshotFrame& root = second.frames[0];
    if (root.in_memory && closure_ != kNoRef) {
      root.in_memory = false;
      root.closure = closure_;
    }
    // A slot in memory at that time was an argument of the first turn. (In frames that wait
    // for a return the slot of the result has no value yet.)
    const bool waits = second.frames.size() > 1 && root.pc >= root.code->words.data() + 2;
    for (const uint32_t slot : live_slots(*root.code, root.pc)) {
      const auto number = static_cast<int32_t>(slot);
      if (!is_argument(number) || (waits && slot == root.pc[-2])) continue;
      const auto at = std::ranges::lower_bound(second.slots, number, {}, &SnapshotSlot::slot);
      if (at != second.slots.end() && at->slot == number) continue;
      second.slots.insert(at, {number, call_.list[slot]});
    }
    return second;
  }

  /// Appends the back edge and returns its index.
  uint32_t append_back_edge(Forward& forward) {
    std::vector<IrRef> args;
    for (const IrRef arg : call_.list) args.push_back(renamed_[index_of(arg)]);
    Snapshot snapshot = state_at_start(args);
    if (closure_ != kNoRef) {
      snapshot.frames[0].in_memory = false;
      snapshot.frames[0].closure = renamed_[index_of(closure_)];
    }
    snapshot.steps = 2 * trace_.steps;
    set_facts(forward, snapshot);
    IrIns back;
    back.op = IrOp::kLoopBack;
    back.pc = call_.pc;
    back.site = call_.site;
    back.snapshot = forward.add_snapshot(std::move(snapshot));
    const auto index = static_cast<uint32_t>(trace_.ins.size());
    forward.append_raw(std::move(back));
    return index;
  }

  // ---- variables --------------------------------------------------------------

  /// Decides about a value of the preamble that the loop mentions. Returns whether it varies.
  bool varies(IrRef ref) {
    Kind& kind = kinds_[index_of(ref)];
    if (kind != Kind::kUnknown) return kind != Kind::kInvariant;
    const IrIns& ins = trace_.at(ref);
    const IrRef next = renamed_[index_of(ref)];
    if (next == ref) {
      kind = Kind::kInvariant;
      return false;
    }
    if (ins.op == IrOp::kNew && !ins.recursive && ins.list.size() <= kMaxFields) {
      bool any = false;
      for (const IrRef field : ins.list) any |= varies(field);
      // Made from the same values in each turn, so the first one serves for all.
      kind = any ? Kind::kObject : Kind::kInvariant;
      return any;
    }
    kind = Kind::kVariable;
    variables_.push_back(ref);
    if (in_preamble(next)) varies(next);
    return true;
  }

  bool find_variables(uint32_t back) {
    kinds_.assign(preamble_, Kind::kUnknown);
    needed_.assign(preamble_, false);
    std::vector<bool> seen(trace_.snapshots.size());
    for (size_t i = preamble_; i <= back; ++i) {
      const IrIns& ins = trace_.ins[i];
      for_each_ref(ins, [&](IrRef ref) {
        if (in_preamble(ref) && varies(ref)) needed_[index_of(ref)] = true;
      });
      if (ins.snapshot == kNoSnapshot || seen[ins.snapshot]) continue;
      seen[ins.snapshot] = true;
      for_each_snapshot_ref(trace_.snapshots[ins.snapshot], [&](IrRef ref) {
        if (in_preamble(ref)) varies(ref);
      });
    }
    for (size_t done = 0; done < variables_.size() || needs_head();) {
      // The next value of a variable is needed as a word: an object has to be made.
      for (; done < variables_.size(); ++done) {
        const IrRef next = renamed_[index_of(variables_[done])];
        if (in_preamble(next) && varies(next)) needed_[index_of(next)] = true;
      }
      if (!needs_head()) continue;
      head_ = static_cast<uint32_t>(trace_.snapshots.size());
      Snapshot head = state_at_start(call_.list);
      if (closure_ != kNoRef) {
        head.frames[0].in_memory = false;
        head.frames[0].closure = closure_;
      }
      trace_.snapshots.push_back(std::move(head));
      for_each_snapshot_ref(trace_.snapshots.back(), [&](IrRef ref) { varies(ref); });
    }
    // Fields of an object that is made have to be made before.
    for (size_t i = preamble_; i-- > 0;) {
      if (!needed_[i] || kinds_[i] != Kind::kObject) continue;
      for (const IrRef field : trace_.ins[i].list) needed_[index_of(field)] = true;
    }
    return variables_.size() <= kMaxVariables;
  }

  /// Returns whether an object is made at the loop's head and the state there is not described yet.
  bool needs_head() const {
    if (head_ != kNoSnapshot) return false;
    for (size_t i = 0; i < preamble_; ++i) {
      if (needed_[i] && kinds_[i] == Kind::kObject) return true;
    }
    return false;
  }

  // ---- the loop -----------------------------------------------------------------

  /// Assembles preamble, variables, head and body.
  void assemble() {
    std::vector<IrIns> body(std::make_move_iterator(trace_.ins.begin() + static_cast<std::ptrdiff_t>(preamble_)),
                            std::make_move_iterator(trace_.ins.end()));
    trace_.ins.resize(preamble_);
    auto here = [&] { return IrRef{static_cast<uint32_t>(trace_.ins.size())}; };
    // The values that instructions and snapshots of the loop use instead of the preamble's.
    std::vector<IrRef> used(preamble_ + body.size());
    for (size_t i = 0; i < preamble_; ++i) used[i] = IrRef{static_cast<uint32_t>(i)};
    std::vector<IrRef> described = used;
    auto rename = [&](IrRef& ref) { ref = used[index_of(ref)]; };
    auto describe = [&](IrRef& ref) { ref = described[index_of(ref)]; };

    std::ranges::sort(variables_);
    for (const IrRef variable : variables_) {
      used[index_of(variable)] = described[index_of(variable)] = here();
      IrIns& phi = trace_.ins.emplace_back();
      phi.op = IrOp::kPhi;
      phi.a = variable;
    }
    const IrRef first_phi{static_cast<uint32_t>(preamble_)};
    IrIns start;
    start.op = IrOp::kLoopStart;
    for (size_t i = 0; i < variables_.size(); ++i) {
      start.list.push_back(IrRef{index_of(first_phi) + static_cast<uint32_t>(i)});
    }
    trace_.ins.push_back(std::move(start));

    // First all descriptions, then those objects that are needed: their snapshot mentions descriptions.
    for (const bool needed : {false, true}) {
      for (size_t i = 0; i < preamble_; ++i) {
        if (kinds_[i] != Kind::kObject || (needed && !needed_[i])) continue;
        IrIns object = trace_.ins[i];
        object.snapshot = needed ? head_ : kNoSnapshot;
        if (needed) {
          for_each_ref(object, rename);
        } else {
          for_each_ref(object, describe);
        }
        (needed ? used : described)[i] = here();
        if (!needed) used[i] = here();
        object.sunk = !needed;
        trace_.ins.push_back(std::move(object));
      }
    }
    const auto shift = static_cast<uint32_t>(trace_.ins.size() - preamble_);
    for (size_t i = 0; i < body.size(); ++i) {
      used[preamble_ + i] = described[preamble_ + i] = IrRef{static_cast<uint32_t>(preamble_ + i) + shift};
    }
    std::vector<bool> seen(trace_.snapshots.size());
    auto rename_snapshot = [&](uint32_t snapshot) {
      if (snapshot == kNoSnapshot || seen[snapshot]) return;
      seen[snapshot] = true;
      for_each_snapshot_ref(trace_.snapshots[snapshot], describe);
    };
    rename_snapshot(head_);
    for (IrIns& ins : body) {
      for_each_ref(ins, rename);
      rename_snapshot(ins.snapshot);
      trace_.ins.push_back(std::move(ins));
    }
    IrIns& back = trace_.ins.back();
    for (const IrRef variable : variables_) back.list.push_back(used[index_of(renamed_[index_of(variable)])]);
  }

  /// Assumes of each variable the facts that both its first and its next value have. The
  /// proof above does not need them; the verifier does.
  void assume_of_variables() {
    const std::vector<IrRef>& next = trace_.ins.back().list;
    for (int round = 0; round < 4; ++round) {
      FactTable table(trace_);
      for (const IrIns& ins : trace_.ins) {
        const IrRef ref{static_cast<uint32_t>(table.size())};
        table.append(ins);
        for (const Assumption& assumption : trace_.assumptions) {
          if (assumption.ref == ref) table.add(ref, assumption.facts);
        }
        if (round == 0 && ins.op == IrOp::kPhi) {
          trace_.assumptions.push_back({ref, table[ins.a]});
          table.add(ref, table[ins.a]);
        }
      }
      bool changed = false;
      for (Assumption& assumption : trace_.assumptions) {
        const size_t variable = index_of(assumption.ref) - preamble_;
        const Facts common = common_facts(assumption.facts, table[next[variable]]);
        changed |= common != assumption.facts;
        assumption.facts = common;
      }
      if (!changed) return;
    }
  }

  Trace& trace_;
  IrIns call_;                  ///< the tail call
  IrRef closure_ = kNoRef;      ///< the closure of the next turn; kNoRef: the same
  size_t preamble_ = 0;         ///< number of instructions of the first turn
  std::vector<IrRef> renamed_;  ///< the preamble's values one turn later
  std::vector<Kind> kinds_;
  std::vector<bool> needed_;  ///< by an instruction of the loop
  std::vector<IrRef> variables_;
  uint32_t head_ = kNoSnapshot;  ///< the state at the loop's head, for objects made there
};

}  // namespace

bool peel_loop(Trace& trace) { return Peeler(trace).run(); }

}  // namespace fble
