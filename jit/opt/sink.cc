// Sinking: objects are made where they are needed, if at all.
//
// An object made in a trace has no identity and cannot change. So instead of the
// object a trace can keep the words of its fields, and make the object when an
// instruction needs the pointer, or when the trace is left. For exits the side
// table describes the object, so it costs nothing if the trace does not leave
// there.
//
// One walk backwards finds which instructions need the pointer: uses by instructions
// count, uses by snapshots do not, and fields of an object count only if the object
// itself is needed. Since fields come before the object that holds them, nested
// objects of any depth are decided in this one walk. A group of recursive values is
// decided as a whole, as all members reach one another or might.
//
//   it is not needed     the instruction is marked `sunk`: a description only
//   needed from p on     it is moved there, and the exits before p get a sunk copy
//
// In the second case the early exits of a trace cost nothing although the object is
// passed to a caller, a call or a frame slot in the end. Objects do not move after
// stores into frames, since checks for room must come before them; not into a loop;
// and not past what counts (deopt points, tallies), while the check before an
// allocation may return to an earlier state.
//
// A packed word is sunk if it is known to fit. If it may not fit, the interpreter's
// result depends on whether it does, so the check has to stay, and it computes the
// word.
//
// The pass follows LuaJIT's sinking (lj_opt_sink.c), where values stored in
// objects always count. Here no store can alias, so nested objects can be sunk.
//
// Tested by tests/unit/jit/opt/passes_test.cc and tests/ir/sink.
#include <algorithm>
#include <limits>
#include <utility>

#include "jit/opt/passes.h"

namespace fble {

namespace {

constexpr size_t kNever = std::numeric_limits<size_t>::max();

/// The largest number of fields of an object that is moved: moving keeps its fields in registers for longer.
constexpr size_t kMaxDelayedFields = 6;

class Sinker {
 public:
  explicit Sinker(Trace& trace) : trace_(trace), first_use_(trace.ins.size(), kNever) {}

  void run() {
    const auto is_candidate = [](const IrIns& ins) {
      return ins.op == IrOp::kNew || ((ins.op == IrOp::kPackUnion || ins.op == IrOp::kPackStruct) && ins.fits);
    };
    if (std::ranges::none_of(trace_.ins, is_candidate)) return;
    find_barriers();
    for (size_t end = trace_.ins.size(); end > 0;) {
      size_t begin = end - 1;
      while (begin > 0 && trace_.ins[begin].recursive && trace_.ins[begin - 1].recursive) --begin;
      decide(begin, end, is_candidate(trace_.ins[begin]));
      end = begin;
    }
    if (!delayed_.empty()) move();
  }

 private:
  struct Delayed {
    size_t to;     ///< before this instruction
    size_t begin;  ///< the instructions that move
    size_t end;
    uint32_t snapshot;  ///< a state between the two, for the check before it; kNoSnapshot: the object's own
  };

  void find_barriers() {
    const size_t count = trace_.ins.size();
    next_barrier_.assign(count + 1, count);
    last_guard_.assign(count + 1, kNever);
    last_state_.assign(count + 1, kNever);
    size_t barrier = count - 1;
    for (size_t i = count; i-- > 0;) {
      const IrOp op = trace_.ins[i].op;
      if (op == IrOp::kStore || op == IrOp::kPhi || op == IrOp::kLoopStart || ir_has_effect(op, 'c')) barrier = i;
      next_barrier_[i] = barrier;
    }
    for (size_t i = 0; i < count; ++i) {
      const IrIns& ins = trace_.ins[i];
      const bool leaves = uses_snapshot(ins);
      last_guard_[i + 1] = leaves ? i : last_guard_[i];
      // The facts of a settled snapshot are true only where its guard fails.
      last_state_[i + 1] = leaves && !trace_.snapshots[ins.snapshot].settled ? i : last_state_[i];
    }
  }

  void use(IrRef ref, size_t at) { first_use_[index_of(ref)] = std::min(first_use_[index_of(ref)], at); }

  /// Decides about one instruction, or about a group of recursive objects.
  void decide(size_t begin, size_t end, bool is_candidate) {
    size_t needed = kNever;
    for (size_t i = begin; i < end; ++i) needed = std::min(needed, first_use_[i]);
    size_t at = begin;
    if (is_candidate) {
      for (size_t i = begin; i < end; ++i) trace_.ins[i].sunk = needed == kNever;
      if (needed == kNever) return;
      if (trace_.ins[begin].op == IrOp::kNew) at = place(begin, end, needed);
    }
    for (size_t i = begin; i < end; ++i) {
      for_each_ref(trace_.ins[i], [&](IrRef ref) {
        if (index_of(ref) < begin) use(ref, at);
      });
    }
  }

  /// Returns the place where the objects are made when they are needed at `needed`.
  size_t place(size_t begin, size_t end, size_t needed) {
    size_t fields = 0;
    for (size_t i = begin; i < end; ++i) fields += trace_.ins[i].list.size();
    if (fields > kMaxDelayedFields) return begin;
    const size_t to = std::min(needed, next_barrier_[end - 1]);
    // Moving gains nothing if there is no exit in between.
    if (to <= end || last_guard_[to] == kNever || last_guard_[to] < end) return begin;
    const size_t state = last_state_[to];
    const bool is_between = state != kNever && state >= end;
    delayed_.push_back({to, begin, end, is_between ? trace_.ins[state].snapshot : kNoSnapshot});
    return to;
  }

  /// Rewrites the trace: a sunk copy takes the old place of a moved object.
  void move() {
    std::vector<bool> moves(trace_.ins.size());
    for (const Delayed& delayed : delayed_) {
      for (size_t i = delayed.begin; i < delayed.end; ++i) moves[i] = true;
    }
    // Before one instruction the older objects come first: they may be fields of the others.
    std::ranges::sort(delayed_, {}, [](const Delayed& delayed) { return std::pair(delayed.to, delayed.begin); });
    old_ = std::exchange(trace_.ins, {});
    trace_.ins.reserve(old_.size() + delayed_.size());
    now_.assign(old_.size(), kNoRef);
    is_renamed_.assign(trace_.snapshots.size(), false);
    auto next = delayed_.begin();
    for (size_t begin = 0; begin < old_.size();) {
      size_t end = begin + 1;
      while (old_[begin].recursive && end < old_.size() && old_[end].recursive) ++end;
      for (; next != delayed_.end() && next->to == begin; ++next) emit(next->begin, next->end, false, next->snapshot);
      emit(begin, end, moves[begin], kNoSnapshot);
      begin = end;
    }
    for (Assumption& assumption : trace_.assumptions) assumption.ref = now_[index_of(assumption.ref)];
  }

  void emit(size_t begin, size_t end, bool is_copy, uint32_t snapshot) {
    for (size_t i = begin; i < end; ++i) now_[i] = IrRef{static_cast<uint32_t>(trace_.ins.size() + i - begin)};
    auto rename = [&](IrRef& ref) { ref = now_[index_of(ref)]; };
    for (size_t i = begin; i < end; ++i) {
      // A moved object is emitted twice.
      IrIns& ins = trace_.ins.emplace_back(is_copy ? old_[i] : std::move(old_[i]));
      for_each_ref(ins, rename);
      if (is_copy) {
        ins.sunk = true;
        ins.snapshot = kNoSnapshot;
      }
      if (snapshot != kNoSnapshot) ins.snapshot = snapshot;
      if (ins.snapshot == kNoSnapshot || is_renamed_[ins.snapshot]) continue;
      is_renamed_[ins.snapshot] = true;
      Snapshot& taken = trace_.snapshots[ins.snapshot];
      for_each_snapshot_ref(taken, rename);
    }
  }

  Trace& trace_;
  std::vector<size_t> first_use_;     ///< the first use by an instruction that runs
  std::vector<size_t> next_barrier_;  ///< the first place from here on that objects do not move past
  std::vector<size_t> last_guard_;    ///< last instruction before here that may leave
  std::vector<size_t> last_state_;    ///< likewise, whose snapshot is the state there whether it leaves or not
  std::vector<Delayed> delayed_;
  std::vector<IrIns> old_;
  std::vector<IrRef> now_;
  std::vector<bool> is_renamed_;
};

}  // namespace

void sink(Trace& trace) { Sinker(trace).run(); }

}  // namespace fble
