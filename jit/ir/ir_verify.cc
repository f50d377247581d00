// Verifies traces.
//
// One walk in order. The table of facts (facts.h) is rebuilt on the way, so the
// requirements of an instruction (a packed word, a pointer) must follow from the
// guards and results before it, whichever pass removed guards.
#include "jit/ir/ir_verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "jit/ir/facts.h"
#include "jit/ir/ir_text.h"

namespace fble {

namespace {

/// A problem, thrown within this file only.
struct Problem {
  std::string message;
};

/// Returns whether structs of that number of fields may have the layout.
bool is_layout(Word word, uint32_t fields) {
  if (fields < 1 || kOffsetBits * (fields - 1) > kMaxPackedBits || !is_packed(word)) return false;
  const uint32_t header = kOffsetBits * (fields - 1);
  uint32_t end = 0;
  for (uint32_t i = 0; i + 1 < fields; ++i) {
    const uint32_t next = static_cast<uint32_t>(word >> (1 + kOffsetBits * i)) & 63;
    if (next < end) return false;
    end = next;
  }
  return packed_bits(word) >= header + end && packed_layout(word, fields) == word;
}

class Verifier {
 public:
  Verifier(const Trace& trace, bool complete) : trace_(trace), complete_(complete), facts_(trace) {}

  std::string run() {
    try {
      check_header();
      for (at_ = 0; at_ < trace_.ins.size(); ++at_) instruction();
      at_ = trace_.ins.empty() ? 0 : trace_.ins.size() - 1;
      if (!has_ended_) fail("the trace does not end");
      check_uses_of_sunk();
      check_loop();
      return "";
    } catch (const Problem& problem) {
      return quote(problem.message);
    }
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Problem{fmt::format(format, std::forward<Args>(args)...)};
  }

  std::string quote(const std::string& message) const {
    std::string text = message + "\n";
    const size_t from = at_ < 2 ? 0 : at_ - 2;
    for (size_t i = from; i < std::min(at_ + 3, trace_.ins.size()); ++i) {
      bool printable = true;
      if (trace_.ins[i].op >= IrOp::kCount) printable = false;
      text += fmt::format("{} {:>4}  {}\n", i == at_ ? '>' : ' ', i,
                          printable ? to_text(trace_, IrRef{static_cast<uint32_t>(i)}) : "no instruction");
    }
    return text;
  }

  void check_header() const {
    if (trace_.code == nullptr) fail("the trace has no code");
    for (const Assumption& assumption : trace_.assumptions) {
      if (index_of(assumption.ref) >= trace_.ins.size()) fail("an assumption about %{}", index_of(assumption.ref));
      switch (trace_.at(assumption.ref).op) {
        case IrOp::kSlot:
        case IrOp::kInherit:
        case IrOp::kResult:
        case IrOp::kPhi: break;
        default: fail("an assumption about %{}, which comes from an instruction", index_of(assumption.ref));
      }
    }
  }

  void instruction() {
    const IrIns& ins = trace_.ins[at_];
    if (ins.op >= IrOp::kCount) fail("no instruction");
    if (has_ended_) fail("an instruction behind the trace's end");
    operands(ins);
    numbers(ins);
    order(ins);
    if (ir_is_guard(ins.op)) {
      if (ins.fits) {
        // A value that a bridge inherits from its parent's exit fits, or the exit would not mention it.
        const bool taken_over = trace_.kind == TraceKind::kBridge && ins.pc == nullptr;
        if (!ir_has_result(ins.op) || (!taken_over && !result_fits(facts_, ins)))
          fail("the result is not known to fit");
      } else if (ins.snapshot == kNoSnapshot) {
        fail("a guard without snapshot");
      }
    } else if (ins.fits) {
      fail("only guards can fit");
    }
    if (ins.snapshot != kNoSnapshot) snapshot(ins);
    if (const char* missing = unmet_requirement(facts_, ins)) fail("{}", missing);
    allocation(ins);
    facts_.append(ins);
    for (const Assumption& assumption : trace_.assumptions) {
      if (index_of(assumption.ref) == at_) facts_.add(assumption.ref, assumption.facts);
    }
    has_ended_ = ir_has_effect(ins.op, 'e');
  }

  void check_ref(IrRef ref, const char* what) const {
    if (index_of(ref) >= trace_.ins.size()) fail("{} %{} does not exist", what, index_of(ref));
    if (!ir_has_result(trace_.at(ref).op)) fail("{} %{} has no result", what, index_of(ref));
  }

  /// Returns whether the instructions from one to the other are a group of recursive values.
  bool in_one_group(size_t a, size_t b) const {
    for (size_t i = std::min(a, b); i <= std::max(a, b); ++i) {
      if (!trace_.ins[i].recursive || trace_.ins[i].op != IrOp::kNew) return false;
    }
    return true;
  }

  void operands(const IrIns& ins) const {
    const std::string_view letters = ir_op_info(ins.op).operands;
    auto has = [&](char letter) { return letters.find(letter) != letters.npos; };
    if (has('A') != (ins.a != kNoRef)) fail("operand A is {}", has('A') ? "missing" : "too much");
    if (has('B') != (ins.b != kNoRef)) fail("operand B is {}", has('B') ? "missing" : "too much");
    if (!has('L') && !ins.list.empty()) fail("a list is too much");
    if (!has('C') && ins.code != nullptr) fail("a code object is too much");
    for_each_ref(ins, [&](IrRef ref) {
      if (ref == kNoRef) fail("an operand is missing");
      check_ref(ref, "operand");
      if (index_of(ref) >= at_ && !in_one_group(at_, index_of(ref))) {
        fail("operand %{} comes later", index_of(ref));
      }
    });
    if (ins.recursive && ins.op != IrOp::kNew) fail("only objects can be recursive");
    sorts(ins);
  }

  /// Returns 'V', 'I' or 'K' as in the table; '?' for a raw constant.
  char sort_of(IrRef ref) const {
    const IrIns& ins = trace_.at(ref);
    return ins.op == IrOp::kConstant && ins.raw ? '?' : ir_op_info(ins.op).result[0];
  }

  /// Checks that numbers and keys are where they are expected, and nowhere else.
  void sorts(const IrIns& ins) const {
    char wanted = 'V';
    switch (ins.op) {
      case IrOp::kIntWord:
      case IrOp::kIntAdd:
      case IrOp::kIntSub:
      case IrOp::kIntMul:
      case IrOp::kIntDiv:
      case IrOp::kIntRem:
      case IrOp::kIntShiftRight: wanted = 'I'; break;
      case IrOp::kLess:
      case IrOp::kLessEqual:
      case IrOp::kCompare:
      case IrOp::kIsLess:
      case IrOp::kNotLess:
        if (sort_of(ins.a) == 'K' || sort_of(ins.b) == 'K') wanted = 'K';
        break;
      default: break;
    }
    for_each_ref(ins, [&](IrRef ref) {
      const char sort = sort_of(ref);
      if (sort != wanted && sort != '?') {
        fail("operand %{} is {}", index_of(ref), sort == 'V' ? "a Fble word" : sort == 'I' ? "a number" : "a key");
      }
    });
  }

  void numbers(const IrIns& ins) const {
    auto range = [&](const char* what, int64_t number, int64_t end) {
      if (number < 0 || number >= end) fail("{} {} is out of range", what, number);
    };
    switch (ins.op) {
      case IrOp::kConstant:
        if (!ins.raw && (is_placeholder(ins.x) || ins.x == 0)) fail("a constant that is no value");
        break;
      case IrOp::kInherit: range("value", ins.n, static_cast<int64_t>(trace_.inherited.size())); break;
      case IrOp::kResult:
        if (trace_.kind != TraceKind::kContinuation) fail("only continuations start with a result");
        break;
      case IrOp::kPackedArg: range("width", ins.n, 32); break;
      case IrOp::kPackedField: range("field", ins.n, ins.m); break;
      case IrOp::kLayoutIs:
        if (!is_layout(ins.x, ins.m)) fail("that is no layout");
        break;
      case IrOp::kNoFit: range("width", ins.m, 32); break;
      case IrOp::kPackUnion:
      case IrOp::kTagIs:
        range("width", ins.m, 32);
        range("tag", ins.n, int64_t{1} << ins.m);
        break;
      case IrOp::kTagFrom:
        range("width", ins.m, 32);
        range("tag", ins.n, (int64_t{1} << ins.m) + 1);
        break;
      case IrOp::kCodeIs:
        if (ins.code == nullptr) fail("the code is missing");
        break;
      case IrOp::kShiftLeft:
      case IrOp::kShiftRight:
      case IrOp::kIntShiftRight: range("count", ins.n, 62); break;
      case IrOp::kIntRem:
        if (ins.list.size() != 1) fail("there is one quotient");
        break;
      case IrOp::kTagIn:
        range("width", ins.m, 7);
        if (ins.m == 0) fail("a tag without bits");
        if (ins.m < 6 && ins.x >> (1u << (ins.m % 6)) != 0) fail("there are no such tags");
        break;
      case IrOp::kTally:
      case IrOp::kTallyBits: range("tally", ins.n, INT32_MAX); break;
      case IrOp::kChoose:
        if (ins.list.size() != 2) fail("there are two values to choose from");
        break;
      case IrOp::kIntrinsic: range("intrinsic", ins.n - 1, static_cast<int64_t>(Intrinsic::kCount) - 1); break;
      case IrOp::kNative:
        if (ins.code == nullptr) {
          fail("the native is missing");
        } else if (ins.list.size() != ins.code->arity || ins.list.size() > kMaxNativeArguments) {
          fail("wrong number of arguments");
        }
        break;
      case IrOp::kRecall:
      case IrOp::kCountedRecall:
        range("memo", ins.n, static_cast<int64_t>(trace_.memos.size()));
        if (ins.code == nullptr) {
          fail("the function is missing");
        } else if (ins.list.size() != ins.code->arity || ins.list.size() > kMostMemoArguments) {
          fail("wrong number of arguments");
        }
        break;
      case IrOp::kField: range("field", ins.n, int64_t{1} << 31); break;
      case IrOp::kNew: {
        const Object header{ins.x, {}};
        if ((header.kind() == ObjectKind::kClosure) != (ins.code != nullptr)) fail("code and header do not agree");
        if (header.count() != ins.list.size() + (ins.code != nullptr ? 1 : 0)) fail("header and fields do not agree");
        break;
      }
      default: break;
    }
  }

  void order(const IrIns& ins) {
    switch (ins.op) {
      case IrOp::kSlot:
        if (std::ranges::find(stored_, ins.n) != stored_.end()) fail("slot {} has been overwritten", ins.n);
        break;
      case IrOp::kStore: stored_.push_back(ins.n); break;
      case IrOp::kPhi:
        if (loop_start_ != nullptr) fail("a variable behind the head of the loop");
        break;
      case IrOp::kLoopStart:
        if (loop_start_ != nullptr) fail("a second loop");
        loop_start_ = &ins;
        for (const IrRef phi : ins.list) {
          if (trace_.at(phi).op != IrOp::kPhi) fail("%{} is no variable", index_of(phi));
        }
        break;
      case IrOp::kLoopBack:
        if (loop_start_ == nullptr) fail("no loop to go back to");
        if (loop_start_->list.size() != ins.list.size()) fail("the loop has {} variables", loop_start_->list.size());
        break;
      default: break;
    }
    const bool may_leave = ir_is_guard(ins.op) && !ins.fits && !ir_has_effect(ins.op, 'e');
    if (!stored_.empty() && (may_leave || (ins.op == IrOp::kNew && !ins.sunk))) {
      fail("frames have been written: it is too late to leave or to allocate");
    }
    if (ins.sunk && ins.op != IrOp::kNew &&
        !((ins.op == IrOp::kPackUnion || ins.op == IrOp::kPackStruct) && ins.fits)) {
      fail("this cannot be left to exits");
    }
  }

  void snapshot(const IrIns& ins) const {
    if (ins.snapshot >= trace_.snapshots.size()) fail("there is no snapshot {}", ins.snapshot);
    const Snapshot& snapshot = trace_.snapshots[ins.snapshot];
    if (snapshot.frames.empty()) fail("the snapshot has no frames");
    // A settled snapshot has facts that follow from the guard's failure; these instructions leave, or are made, for
    // other reasons.
    if (snapshot.settled && !ir_has_effect(ins.op, 'p')) fail("the snapshot is settled for a guard");
    auto check = [&](IrRef ref) {
      check_ref(ref, "the snapshot's");
      if (ir_is_bare(trace_.at(ref).op)) fail("the snapshot's %{} is no Fble word", index_of(ref));
      if (index_of(ref) >= at_) fail("the snapshot's %{} comes later", index_of(ref));
    };
    int32_t base = 0;
    for (const SnapshotFrame& frame : snapshot.frames) {
      const bool is_root = &frame == &snapshot.frames.front();
      if (frame.code == nullptr || frame.pc == nullptr) fail("a frame of the snapshot has no position");
      const auto& words = frame.code->words;
      if (frame.pc < words.data() || frame.pc > words.data() + words.size()) {
        fail("a position of the snapshot is not in its code");
      }
      if (is_root ? frame.base != 0 : frame.base < base + 3) fail("frames of the snapshot overlap");
      base = frame.base;
      if (frame.in_memory != (frame.closure == kNoRef)) fail("a frame's closure is either in memory or given");
      if (frame.closure != kNoRef) check(frame.closure);
    }
    int64_t last = INT64_MIN;
    for (const SnapshotSlot& slot : snapshot.slots) {
      if (slot.slot <= last) fail("slots of the snapshot are not in order");
      last = slot.slot;
      check(slot.ref);
      // The snapshot of an allocation may be older than the allocation.
      if (ir_is_guard(ins.op) && (slot.facts & ~value_facts(facts_[slot.ref])) != 0) {
        fail("facts about slot {} are not known here", slot.slot);
      }
    }
  }

  void allocation(const IrIns& ins) {
    if (ins.op == IrOp::kAllocCheck || ins.op == IrOp::kLoopStart || ins.op == IrOp::kNative) {
      room_ = ins.op == IrOp::kAllocCheck ? ins.n : 0;
    }
    if (ins.op != IrOp::kNew || ins.sunk) return;
    room_ -= static_cast<int64_t>(object_words(static_cast<uint32_t>(ins.x >> 32)));
    if (complete_ && room_ < 0) fail("no alloc_check has made room");
  }

  void check_uses_of_sunk() {
    for (at_ = 0; at_ < trace_.ins.size(); ++at_) {
      if (trace_.ins[at_].sunk) continue;
      for_each_ref(trace_.ins[at_], [&](IrRef ref) {
        if (trace_.at(ref).sunk) fail("%{} exists at exits only", index_of(ref));
      });
    }
  }

  /// Checks that the assumptions about the loop's variables hold when it is entered and at each turn.
  void check_loop() {
    if (loop_start_ == nullptr) return;
    at_ = trace_.ins.size() - 1;
    const IrIns& back = trace_.ins[at_];
    if (back.op != IrOp::kLoopBack) fail("the loop does not go back");
    for (size_t i = 0; i < back.list.size(); ++i) {
      const IrRef phi = loop_start_->list[i];
      for (const Assumption& assumption : trace_.assumptions) {
        if (assumption.ref != phi) continue;
        if (!facts_imply(facts_[trace_.at(phi).a], assumption.facts)) {
          fail("what is assumed of %{} is not known when the loop is entered", index_of(phi));
        }
        if (!facts_imply(facts_[back.list[i]], assumption.facts)) {
          fail("what is assumed of %{} is not known when the loop continues", index_of(phi));
        }
      }
    }
  }

  const Trace& trace_;
  const bool complete_;
  FactTable facts_;
  size_t at_ = 0;
  bool has_ended_ = false;
  const IrIns* loop_start_ = nullptr;
  std::vector<int32_t> stored_;
  int64_t room_ = 0;
};

}  // namespace

std::string verify_trace(const Trace& trace, bool complete) { return Verifier(trace, complete).run(); }

std::string verify_arguments(const Trace& trace) {
  const auto count = static_cast<int32_t>(arguments_in_registers(trace));
  std::vector<int32_t> in_memory;
  for (uint32_t i = 0; i < trace.ins.size(); ++i) {
    const IrIns& ins = trace.ins[i];
    if (ins.op == IrOp::kStore) in_memory.push_back(ins.n);
    if (!ir_is_guard(ins.op) || ins.fits) continue;
    const Snapshot& snapshot = trace.snapshots[ins.snapshot];
    const SnapshotFrame& root = snapshot.frames.front();
    const bool waits = snapshot.frames.size() > 1 || ins.op == IrOp::kCall;
    for (const SnapshotSlot& slot : snapshot.slots) in_memory.push_back(slot.slot);
    std::string problem;
    for_each_live_slot(*root.code, root.pc, waits, [&](int32_t slot) {
      if (slot < count && std::ranges::find(in_memory, slot) == in_memory.end()) {
        problem = fmt::format("{} loses argument {}", to_text(trace, IrRef{i}), slot);
      }
    });
    if (!problem.empty()) return problem;
    in_memory.resize(in_memory.size() - snapshot.slots.size());
  }
  return "";
}

}  // namespace fble
