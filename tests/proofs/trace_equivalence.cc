#include "tests/proofs/trace_equivalence.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "interp/call_frame.h"
#include "interp/liveness.h"
#include "jit/ir/ir_text.h"
#include "tests/proofs/trace_terms.h"

namespace fble::proofs {

using z3::expr;

namespace {

using Terms = std::vector<expr>;

expr yes() { return context().bool_val(true); }

expr all_of(const Terms& terms) {
  expr all = yes();
  for (const expr& term : terms) all = all && term;
  return all;
}

/// Adds the parts of a conjunction.
void add_parts(const expr& term, Terms& parts) {
  if (term.is_and()) {
    for (unsigned i = 0; i < term.num_args(); ++i) add_parts(term.arg(i), parts);
  } else if (!term.is_true()) {
    parts.push_back(term);
  }
}

/// The program's state at a position of the old trace.
struct Place {
  size_t position;  ///< the instruction before which it is
  std::map<int32_t, expr> slots;
  std::vector<std::optional<expr>> closures;  ///< of frames; empty for those in memory
};

class Comparison {
 public:
  Comparison(const Trace& before, const Trace& after, bool is_abstract)
      : old_trace_(before),
        model_(is_abstract),
        first_(model_, before, true, [&](int32_t slot) { return initial(slot); }),
        new_(model_, after, false, [&](int32_t slot) { return initial(slot); }) {
    for (const Trace* trace : {&before, &after}) {
      for (const IrIns& ins : trace->ins) {
        if (ins.op == IrOp::kTagIs || ins.op == IrOp::kTagFrom || ins.op == IrOp::kTagIn) widths_.insert(ins.m);
      }
    }
    for (const Assumption& assumption : before.assumptions) {
      for (const expr& fact : facts(assumption.facts, first_.value(assumption.ref))) model_.assume(fact);
    }
    if (before.kind == TraceKind::kFunction && before.code != nullptr) {
      const expr own = initial(kClosureSlot);
      model_.assume((own & 3) == 0 && model_.code(own) == model_.code_constant(before.code));
    }
  }

  Equivalence run() {
    const Trace& after = new_.trace();
    const TraceTerms* old = &first_;
    std::optional<TraceTerms> turn;
    Terms path;
    for (size_t i = 0; i < after.ins.size() && result_.refuted.empty() && result_.unmatched.empty(); ++i) {
      const IrIns& ins = after.ins[i];
      const TraceTerms::Step& step = new_.steps()[i];
      const std::string where = to_text(after, IrRef{static_cast<uint32_t>(i)});
      if (ins.op == IrOp::kLoopStart) {
        enter_loop(i, path, where);
        if (!result_.unmatched.empty()) break;
        settle_heads(path, turn);
        old = &*turn;
      } else if (ins.op == IrOp::kLoopBack) {
        repeat_loop(*old, path, where);
      }
      if (ins.fits) claim(path, {!step.leaves}, where + ": fits");
      if (ir_is_guard(ins.op) && !ins.fits && !ins.sunk && ins.op != IrOp::kCall) {
        Terms premises = path;
        premises.push_back(step.leaves);
        leave_at(*old, after.snapshots[ins.snapshot], i, premises, where);
      }
      if (ir_has_effect(ins.op, 'e') && ins.op != IrOp::kExit && ins.op != IrOp::kLoopBack) {
        end(*old, ins, i, path, where);
      }
      if (!step.yields) add_parts((!step.leaves).simplify(), path);
    }
    return result_;
  }

 private:
  expr initial(int32_t slot) { return model_.value(fmt::format("slot{}", slot)); }
  Terms facts(const Facts& known, const expr& word) {
    return facts_terms(model_, known, word, {widths_.begin(), widths_.end()});
  }

  // ---- places of the old trace -------------------------------------------------

  /// Adds what must hold for the old trace to get to the instruction, and what is assumed: results that it gets to have
  /// the expected form.
  static void reach(const TraceTerms& old, size_t position, Terms& needed, Terms& assumed) {
    expr path = yes();
    for (size_t i = 0; i < position; ++i) {
      const TraceTerms::Step& step = old.steps()[i];
      if (step.yields) continue;
      const expr stays = (!step.leaves).simplify();
      if (stays.is_true()) continue;
      if (step.decides) {
        add_parts(stays, needed);
        path = path && stays;
      } else {
        assumed.push_back(z3::implies(path, stays));
      }
    }
  }

  static bool is_same_position(const Snapshot& a, const Snapshot& b) {
    return std::ranges::equal(a.frames, b.frames, [](const SnapshotFrame& x, const SnapshotFrame& y) {
      return x.code == y.code && x.pc == y.pc && x.base == y.base;
    });
  }

  Place place(const TraceTerms& old, const Snapshot& snapshot, size_t position) const {
    Place found{position, old.state(snapshot, position), {}};
    for (const SnapshotFrame& frame : snapshot.frames) {
      found.closures.push_back(frame.in_memory ? std::nullopt : std::optional(old.value(frame.closure)));
    }
    return found;
  }

  /// Returns all places of the position that the snapshot names.
  std::vector<Place> places(const TraceTerms& old, const Snapshot& wanted) const {
    std::vector<Place> found;
    std::set<uint32_t> seen;
    for (size_t i = 0; i < old_trace_.ins.size(); ++i) {
      const uint32_t number = old_trace_.ins[i].snapshot;
      if (number == kNoSnapshot || !seen.insert(number).second) continue;
      const Snapshot& snapshot = old_trace_.snapshots[number];
      if (is_same_position(snapshot, wanted)) found.push_back(place(old, snapshot, i));
    }
    // A function's start, before it or after the call of itself.
    if (old_trace_.kind != TraceKind::kFunction || wanted.frames.size() != 1) return found;
    if (wanted.frames[0].code != old_trace_.code || wanted.frames[0].pc != old_trace_.code->start) return found;
    found.push_back({0, {}, {std::nullopt}});
    const IrIns& last = old_trace_.ins.back();
    if (last.op != IrOp::kTailCall || last.code != old_trace_.code) return found;
    Place next{old_trace_.ins.size() - 1, {}, {old.value(last.a)}};
    for (size_t i = 0; i < last.list.size(); ++i) next.slots.emplace(static_cast<int32_t>(i), old.value(last.list[i]));
    found.push_back(std::move(next));
    return found;
  }

  // ---- claims -------------------------------------------------------------------

  void leave_at(const TraceTerms& old, const Snapshot& snapshot, size_t at, const Terms& premises,
                const std::string& where) {
    const std::vector<Place> candidates = places(old, snapshot);
    if (candidates.empty()) {
      result_.unmatched = where;
      return;
    }
    for (size_t i = 0; i < candidates.size(); ++i) {
      Terms assumed = premises;
      Terms conclusions;
      reach(old, candidates[i].position, conclusions, assumed);
      add_equal_state(old, candidates[i], snapshot, at, conclusions);
      for (const SnapshotSlot& slot : snapshot.slots) {
        const Facts said{.packed = (slot.facts & kFactPacked) != 0,
                         .pointer = (slot.facts & kFactPointer) != 0,
                         .natural = (slot.facts & kFactNatural) != 0};
        for (const expr& fact : facts(said, new_.value(slot.ref))) conclusions.push_back(fact);
      }
      // One of several places may be the right one.
      const bool is_last = i + 1 == candidates.size();
      if (claim(assumed, conclusions, where, is_last)) return;
    }
  }

  void add_equal_state(const TraceTerms& old, const Place& place, const Snapshot& snapshot, size_t at,
                       Terms& conclusions) {
    const std::map<int32_t, expr> now = new_.state(snapshot, at);
    std::set<int32_t> slots;
    for (const auto& [slot, value] : now) slots.insert(slot);
    for (const auto& [slot, value] : place.slots) slots.insert(slot);
    if (&old != &first_) add_arguments(snapshot, slots);
    for (const int32_t slot : slots) {
      const auto was = place.slots.find(slot);
      const auto is = now.find(slot);
      const expr expected = was != place.slots.end() ? was->second : old.start(slot);
      conclusions.push_back(expected == (is != now.end() ? is->second : new_.start(slot)));
    }
    for (size_t i = 0; i < snapshot.frames.size(); ++i) {
      const SnapshotFrame& frame = snapshot.frames[i];
      const int32_t slot = frame.base + kClosureSlot;
      const expr is = frame.in_memory ? new_.start(slot) : new_.value(frame.closure);
      add_same_closure(place.closures[i] ? *place.closures[i] : old.start(slot), is, conclusions);
    }
  }

  /// Adds the arguments that are live: in memory they are those of the first turn.
  static void add_arguments(const Snapshot& snapshot, std::set<int32_t>& slots) {
    const SnapshotFrame& root = snapshot.frames[0];
    const bool waits = snapshot.frames.size() > 1 && root.pc >= root.code->words.data() + 2;
    for (const uint32_t slot : live_slots(*root.code, root.pc)) {
      if (slot < root.code->arity && !(waits && slot == root.pc[-2])) slots.insert(static_cast<int32_t>(slot));
    }
  }

  /// Without captured values all closures of a function are equal.
  void add_same_closure(const expr& was, const expr& is, Terms& conclusions) {
    const Code* code = old_trace_.code;
    const bool one = old_trace_.kind == TraceKind::kFunction && code != nullptr && code->capture_count == 0;
    const expr constant = one ? model_.code_constant(code) : was;
    const expr same = was == is;
    conclusions.push_back(one ? same || (model_.code(was) == constant && model_.code(is) == constant) : same);
  }

  void end(const TraceTerms& old, const IrIns& ins, size_t at, const Terms& path, const std::string& where) {
    const size_t last = old_trace_.ins.size() - 1;
    const IrIns& was = old_trace_.ins[last];
    if (was.op != ins.op || was.list.size() != ins.list.size() || was.n != ins.n || was.code != ins.code) {
      result_.unmatched = where;
      return;
    }
    Terms assumed = path;
    Terms conclusions;
    reach(old, last, conclusions, assumed);
    conclusions.push_back(old.value(was.a) == new_.value(ins.a));
    for (size_t i = 0; i < ins.list.size(); ++i) {
      conclusions.push_back(old.value(was.list[i]) == new_.value(ins.list[i]));
    }
    const std::map<int32_t, expr> stores = old.stored(last);
    const std::map<int32_t, expr> now = new_.stored(at);
    for (const auto& [slot, value] : stores) {
      const auto is = now.find(slot);
      conclusions.push_back(value == (is != now.end() ? is->second : new_.start(slot)));
    }
    if (ins.op == IrOp::kCall) {
      const Snapshot& expected = old_trace_.snapshots[was.snapshot];
      const Snapshot& snapshot = new_.trace().snapshots[ins.snapshot];
      if (!is_same_position(expected, snapshot)) {
        result_.unmatched = where;
        return;
      }
      add_equal_state(old, place(old, expected, last), snapshot, at, conclusions);
    }
    claim(assumed, conclusions, where);
  }

  // ---- loops --------------------------------------------------------------------

  /// What a slot holds at the loop's head. A value that differs from turn to turn and that the loop does not need is
  /// any.
  struct Head {
    expr value;  ///< in terms of the loop's variables
    bool is_any = false;
    std::vector<Head> parts;  ///< of an object that the loop describes
  };

  static Head any_head(TraceModel& model) {
    static int count = 0;
    return {model.value(fmt::format("any{}", count++)), true, {}};
  }

  /// Returns what a value of the loop's end was at its head, where it was `at_entry` at the first turn. A next value is
  /// that of its variable there; a value from before the loop is the same.
  Head one_turn_back(IrRef ref, const expr& at_entry, const Terms& assumed) {
    const Trace& after = new_.trace();
    const IrIns& back = after.ins.back();
    Terms candidates;
    const IrIns& ins = after.at(ref);
    const bool is_constant = ins.op == IrOp::kNew && ins.list.empty();
    if (index_of(ref) < loop_ || is_constant) candidates.push_back(new_.value(ref));
    for (size_t k = 0; k < back.list.size(); ++k) {
      if (back.list[k] == ref) candidates.push_back(variables_[k]);
    }
    for (const expr& candidate : candidates) {
      if (holds(assumed, {with(candidate, entries_) == at_entry})) return {candidate, false, {}};
    }
    const bool is_object = ins.op == IrOp::kNew && !ins.recursive && at_entry.is_app() &&
                           at_entry.num_args() == ins.list.size() && !ins.list.empty() &&
                           at_entry.decl().id() == new_.value(ref).decl().id();
    if (!is_object) return any_head(model_);
    Head object{bits_of(0), false, {}};
    for (unsigned i = 0; i < ins.list.size(); ++i) {
      object.parts.push_back(one_turn_back(ins.list[i], at_entry.arg(i), assumed));
    }
    size_t next = 0;
    object.value = new_.computed(ins, [&](IrRef) { return object.parts[next++].value; });
    return object;
  }

  Head head_of(int32_t slot, const expr& at_entry, const Terms& assumed) {
    const Snapshot& snapshot = new_.trace().snapshots[new_.trace().ins.back().snapshot];
    if (slot == kClosureSlot && !snapshot.frames[0].in_memory) {
      return one_turn_back(snapshot.frames[0].closure, at_entry, assumed);
    }
    const auto listed = std::ranges::find(snapshot.slots, slot, &SnapshotSlot::slot);
    if (slot != kClosureSlot && listed != snapshot.slots.end()) return one_turn_back(listed->ref, at_entry, assumed);
    return {initial(slot), false, {}};
  }

  /// Returns the term with other values for the loop's variables.
  expr with(const expr& term, const Terms& values) const {
    z3::expr_vector from(context());
    z3::expr_vector to(context());
    for (size_t k = 0; k < values.size(); ++k) {
      from.push_back(variables_[k]);
      to.push_back(values[k]);
    }
    expr result = term;
    return result.substitute(from, to);
  }

  expr at_head(int32_t slot) {
    const auto found = heads_.find(slot);
    return found != heads_.end() ? found->second.value : initial(slot);
  }

  /// Calls `visit(head, claim)` for each claim that makes the word that of a head, for values of the variables.
  template <typename Visit>
  void for_each_claim(Head& head, const expr& word, const Terms& values, Visit&& visit) {
    if (head.is_any) return;
    const bool is_object = !head.parts.empty() && word.is_app() && word.num_args() == head.parts.size() &&
                           word.decl().id() == head.value.decl().id();
    if (!is_object) {
      visit(head, word == with(head.value, values));
      return;
    }
    for (unsigned i = 0; i < head.parts.size(); ++i) for_each_claim(head.parts[i], word.arg(i), values, visit);
  }

  /// The same for all slots, and the closure.
  template <typename Visit>
  void for_each_claim_of_call(const TraceTerms& old, const Terms& values, Visit&& visit) {
    const IrIns& call = old_trace_.ins.back();
    for (size_t i = 0; i < call.list.size(); ++i) {
      for_each_claim(heads_.at(static_cast<int32_t>(i)), old.value(call.list[i]), values, visit);
    }
    Head& closure = heads_.at(kClosureSlot);
    Terms same;
    add_same_closure(old.value(call.a), with(closure.value, values), same);
    visit(closure, same[0]);
  }

  /// Returns the claims that the call has the state of the loop's head, for values of its variables.
  Terms call_is_head(const TraceTerms& old, const Terms& values) {
    Terms equal;
    for_each_claim_of_call(old, values, [&](Head&, const expr& claim) { equal.push_back(claim); });
    return equal;
  }

  /// Makes objects of their parts again, after some of these have become any.
  void rebuild(Head& head) {
    if (head.parts.empty()) return;
    z3::expr_vector parts(context());
    for (Head& part : head.parts) {
      rebuild(part);
      parts.push_back(part.value);
    }
    head.value = head.value.decl()(parts);
  }

  void enter_loop(size_t at, Terms& path, const std::string& where) {
    const Trace& after = new_.trace();
    const IrIns& start = after.ins[at];
    loop_ = at;
    for (const IrRef phi : start.list) {
      variables_.push_back(new_.value(phi));
      entries_.push_back(new_.value(after.at(phi).a));
    }
    Terms assumed = path;
    Terms conclusions;
    const size_t last = old_trace_.ins.size() - 1;
    if (old_trace_.ins[last].op != IrOp::kTailCall || after.ins.back().op != IrOp::kLoopBack) {
      result_.unmatched = where;
      return;
    }
    reach(first_, last, conclusions, assumed);
    const IrIns& call = old_trace_.ins[last];
    for (size_t i = 0; i < call.list.size(); ++i) {
      const auto slot = static_cast<int32_t>(i);
      heads_.emplace(slot, head_of(slot, first_.value(call.list[i]), assumed));
    }
    heads_.emplace(kClosureSlot, head_of(kClosureSlot, first_.value(call.a), assumed));
    for (const expr& equal : call_is_head(first_, entries_)) conclusions.push_back(equal);
    for (const Assumption& assumption : after.assumptions) {
      if (after.at(assumption.ref).op != IrOp::kPhi) continue;
      const auto k = static_cast<size_t>(std::ranges::find(start.list, assumption.ref) - start.list.begin());
      const Terms said = facts(assumption.facts, variables_[k]);
      const Terms at_entry = facts(assumption.facts, entries_[k]);
      for (size_t i = 0; i < said.size(); ++i) {
        invariants_.push_back({said[i], at_entry[i]});
      }
    }
    // Of a tag, those widths count for which the claim is right.
    std::erase_if(invariants_, [&](const Invariant& invariant) { return !holds(assumed, {invariant.at_entry}); });
    claim(assumed, conclusions, where);
    settle_invariants(path);
    for (const Invariant& invariant : invariants_) add_parts(invariant.term.simplify(), path);
  }

  /// Removes invariants that do not hold for the next turn, until the rest does.
  void settle_invariants(const Terms& path) {
    const Terms next = next_values();
    for (bool is_stable = false; !is_stable;) {
      Terms body = body_path(path);
      for (const Invariant& invariant : invariants_) body.push_back(invariant.term);
      is_stable = std::erase_if(invariants_, [&](const Invariant& invariant) {
                    return !holds(body, {with(invariant.term, next)});
                  }) == 0;
    }
  }

  /// Makes `turn` the old trace once more, from the state at the loop's head. What differs at the next turn is any.
  void settle_heads(const Terms& path, std::optional<TraceTerms>& turn) {
    const Terms next = next_values();
    const Terms body = body_path(path);
    const TraceModel saved = model_;
    for (bool is_stable = false; !is_stable;) {
      turn.emplace(model_, old_trace_, true, [this](int32_t slot) { return at_head(slot); });
      Terms assumed = body;
      Terms reached;
      reach(*turn, old_trace_.ins.size() - 1, reached, assumed);
      assumed.insert(assumed.end(), reached.begin(), reached.end());
      std::vector<Head*> wrong;
      for_each_claim_of_call(*turn, next, [&](Head& head, const expr& claim) {
        if (!holds(assumed, {claim})) wrong.push_back(&head);
      });
      is_stable = wrong.empty() || std::ranges::find(wrong, &heads_.at(kClosureSlot)) != wrong.end();
      if (is_stable) return;
      model_ = saved;
      for (Head* head : wrong) *head = any_head(model_);
      for (auto& [slot, head] : heads_) rebuild(head);
    }
  }

  Terms next_values() const {
    Terms next;
    for (const IrRef ref : new_.trace().ins.back().list) next.push_back(new_.value(ref));
    return next;
  }

  /// Returns what holds at the loop's end.
  Terms body_path(const Terms& path) const {
    Terms body = path;
    for (size_t i = loop_; i + 1 < new_.steps().size(); ++i) {
      const TraceTerms::Step& step = new_.steps()[i];
      if (!step.yields) add_parts((!step.leaves).simplify(), body);
    }
    return body;
  }

  void repeat_loop(const TraceTerms& old, const Terms& path, const std::string& where) {
    Terms assumed = path;
    Terms conclusions;
    reach(old, old_trace_.ins.size() - 1, conclusions, assumed);
    for (const expr& equal : call_is_head(old, next_values())) conclusions.push_back(equal);
    claim(assumed, conclusions, where);
  }

  // ---- the solver ---------------------------------------------------------------

  /// Returns the conclusions that do not follow term by term.
  static Terms remaining(const Terms& premises, const Terms& conclusions) {
    Terms simple;
    std::set<unsigned> known;
    for (const expr& premise : premises) {
      simple.push_back(premise.simplify());
      known.insert(simple.back().id());
    }
    Terms parts;
    for (const expr& conclusion : conclusions) add_parts(conclusion.simplify(), parts);
    std::erase_if(parts, [&](const expr& part) { return known.contains(part.id()); });
    return parts;
  }

  z3::check_result refute(const Terms& premises, const Terms& conclusions, std::string* model) const {
    z3::solver solver(context(), "QF_UFBV");
    z3::params params(context());
    // Counted in the solver's steps, so that a busy machine proves as much.
    params.set("rlimit", steps_);
    solver.set(params);
    for (const expr& axiom : model_.axioms()) solver.add(axiom);
    for (const expr& premise : premises) solver.add(premise);
    solver.add(!all_of(conclusions));
    const z3::check_result result = solver.check();
    // What is too much three times is too much for many claims that follow: they are about the same words.
    if (result == z3::unknown && ++unknown_ > 2) steps_ = std::max(steps_ / 2, kFewestSteps);
    if (result != z3::sat || model == nullptr) return result;
    const z3::model found = solver.get_model();
    for (const expr& part : conclusions) {
      if (!found.eval(part, true).is_true()) *model += "  not " + part.to_string() + "\n";
    }
    for (unsigned i = 0; i < found.num_consts(); ++i) {
      const z3::func_decl constant = found.get_const_decl(i);
      *model += "  " + constant.name().str() + " = " + found.get_const_interp(constant).to_string() + "\n";
    }
    return result;
  }

  bool holds(const Terms& premises, const Terms& conclusions) const {
    const Terms parts = remaining(premises, conclusions);
    return parts.empty() || refute(premises, parts, nullptr) == z3::unsat;
  }

  /// Returns whether the claim holds. Otherwise notes it, unless the caller tries another one.
  bool claim(const Terms& premises, const Terms& conclusions, const std::string& where, bool is_last = true) {
    const Terms parts = remaining(premises, conclusions);
    std::string model;
    z3::check_result result = z3::unsat;
    if (!parts.empty()) result = refute(premises, parts, &model);
    if (result != z3::unsat && !is_last) return false;
    ++result_.claims;
    result_.by_solver += parts.empty() ? 0 : 1;
    if (result == z3::unknown) ++result_.unknown;
    if (result == z3::sat) result_.refuted = where + "\n" + model;
    return result == z3::unsat;
  }

  static constexpr unsigned kMostSteps = 4'000'000;
  static constexpr unsigned kFewestSteps = kMostSteps / 16;

  const Trace& old_trace_;
  mutable unsigned steps_ = kMostSteps;  ///< that the solver may take for a claim
  mutable unsigned unknown_ = 0;         ///< claims that were too much for it, tried ones, too
  TraceModel model_;
  TraceTerms first_;
  TraceTerms new_;
  std::set<uint32_t> widths_;
  Equivalence result_;

  struct Invariant {
    expr term;
    expr at_entry;
  };
  size_t loop_ = 0;
  Terms variables_;
  Terms entries_;                  ///< the variables' values when the loop is entered
  std::map<int32_t, Head> heads_;  ///< of arguments and closure
  std::vector<Invariant> invariants_;
};

}  // namespace

Equivalence compare_traces(const Trace& before, const Trace& after) {
  const Equivalence quick = Comparison(before, after, true).run();
  const bool is_proved = quick.refuted.empty() && quick.unmatched.empty() && quick.unknown == 0;
  return is_proved ? quick : Comparison(before, after, false).run();
}

}  // namespace fble::proofs
