#include "tests/reference/ir_interp.h"

#include <fmt/format.h>

#include "gc/integer.h"
#include "interp/call_frame.h"
#include "interp/intrinsics.h"

namespace fble::reference {

Word IrHeap::make(Word header, std::vector<Word> fields) {
  auto& words = objects_.emplace_back(std::make_unique<Word[]>(fields.size() + 1));
  words[0] = header;
  std::copy(fields.begin(), fields.end(), words.get() + 1);
  return reinterpret_cast<Word>(words.get());
}

std::string IrHeap::describe(Word word, int depth) const {
  if (word == 0) return "nothing";
  if (!is_pointer(word)) return fmt::format("{:#x}", word);
  if (depth == 0) return "...";
  const Object* object = as_object(word);
  std::string text = fmt::format("{{{:#x}", object->header & ~Word{kPermanentFlag});
  for (uint32_t i = 0; i < object->count(); ++i) {
    text += ' ';
    text +=
        i < object->first_value() ? fmt::format("<{:#x}>", object->fields[i]) : describe(object->fields[i], depth - 1);
  }
  return text + "}";
}

Word mix_words(std::span<const Word> words) {
  uint64_t sum = 17;
  for (const Word word : words) sum = sum * 31 + (is_packed(word) ? word : 4);
  return sum % 13 == 0 ? 0 : pack_int(static_cast<int64_t>(sum % 4001) - 1000);
}

IrRun::IrRun(const Trace& trace, const IrInput& input, IrHeap& heap)
    : trace_(trace), input_(input), heap_(heap), slots_(input.slots) {}

IrOutcome IrRun::run() {
  if (!step()) broken("the trace does not end");
  return outcome_;
}

bool IrRun::step() {
  while (!is_done_ && next_ < trace_.ins.size()) {
    values_.resize(std::max(values_.size(), trace_.ins.size()));
    const size_t at = next_++;
    if (execute(trace_.ins[at])) {
      is_done_ = true;
      if (outcome_.at == kNoRef) outcome_.at = IrRef{static_cast<uint32_t>(at)};
      outcome_.turns = loop_start_ == 0 ? 0 : static_cast<uint64_t>(turns_) + 1;
    }
  }
  return is_done_;
}

bool IrRun::broken(const std::string& message) {
  outcome_.kind = IrOutcome::Kind::kBroken;
  outcome_.message = fmt::format("%{}: {}", next_ - 1, message);
  is_done_ = true;
  return true;
}

Word IrRun::packed(IrRef ref) {
  if (!is_packed(value(ref))) broken("an operand is not packed");
  return value(ref) | 1;
}

Word IrRun::natural(IrRef ref) {
  if (!is_natural(value(ref))) broken("an operand is no natural");
  return value(ref) | 3;
}

bool IrRun::bit(IrRef ref) {
  if (value(ref) != 5 && value(ref) != 7) broken("an operand is no bit");
  return value(ref) == 7;
}

Object* IrRun::pointer(IrRef ref) {
  static Object nothing{Object::make_header(ObjectKind::kStruct, 0), {}};
  if (is_pointer(value(ref)) && value(ref) != 0) return as_object(value(ref));
  broken("an operand is no pointer");
  return &nothing;
}

IrOutcome IrRun::state(uint32_t index) const {
  IrOutcome outcome;
  outcome.kind = IrOutcome::Kind::kExit;
  outcome.snapshot = index;
  outcome.slots = slots_;
  outcome.tallies = tallies_;
  const Snapshot& snapshot = trace_.snapshots[index];
  for (const SnapshotFrame& frame : snapshot.frames) {
    outcome.closures.push_back(frame.in_memory ? 0 : value(frame.closure));
  }
  for (const SnapshotSlot& slot : snapshot.slots) outcome.slots[slot.slot] = value(slot.ref);
  return outcome;
}

bool IrRun::leave(const IrIns& ins) {
  if (ins.fits) return broken("it was said to fit");
  if (ins.snapshot == kNoSnapshot) return broken("there is no snapshot");
  outcome_ = state(ins.snapshot);
  for (const SnapshotSlot& slot : trace_.snapshots[ins.snapshot].slots) {
    const Word word = value(slot.ref);
    if ((slot.facts & kFactPacked) != 0 && !is_packed(word)) return broken("a slot was said to be packed");
    if ((slot.facts & kFactPointer) != 0 && !is_pointer(word)) return broken("a slot was said to be a pointer");
    if ((slot.facts & kFactNatural) != 0 && !is_natural(word)) return broken("a slot was said to be a natural");
  }
  return true;
}

bool IrRun::end(IrOutcome::Kind kind, const IrIns& ins) {
  outcome_ = {};
  outcome_.kind = kind;
  outcome_.slots = slots_;
  outcome_.tallies = tallies_;
  if (ins.a != kNoRef) outcome_.values.push_back(value(ins.a));
  for (const IrRef ref : ins.list) outcome_.values.push_back(value(ref));
  return true;
}

/// Executes one instruction. Returns true if the trace has been left.
bool IrRun::execute(const IrIns& ins) {
  Word& result = values_[next_ - 1];
  const auto a = [&] { return value(ins.a); };
  const auto b = [&] { return value(ins.b); };
  const auto guard = [&](bool holds) { return is_done_ || (!holds && leave(ins)); };
  // 0 means that the result does not fit.
  const auto give = [&](Word word) {
    if (is_done_) return true;
    if (word == 0) return leave(ins);
    result = word;
    return false;
  };
  // Numbers and keys may be 0.
  const auto set = [&](Word word) {
    result = word;
    return is_done_;
  };
  const auto width = [](uint32_t n) { return static_cast<unsigned>(n); };
  switch (ins.op) {
    case IrOp::kConstant: return ins.raw ? set(ins.x) : give(ins.x);
    case IrOp::kSlot: {
      const auto found = input_.slots.find(ins.n);
      return found == input_.slots.end() ? broken("nothing is in the slot") : give(found->second);
    }
    case IrOp::kInherit: return give(input_.inherited.at(static_cast<size_t>(ins.n)));
    case IrOp::kResult: return give(input_.result);
    case IrOp::kField: {
      const Object* object = pointer(ins.a);
      const auto index = static_cast<uint32_t>(ins.n);
      if (is_done_ || index < object->first_value() || index >= object->count()) return broken("no such field");
      return give(object->fields[index]);
    }
    case IrOp::kGlobal: return give(input_.globals.at(static_cast<size_t>(ins.n)));
    case IrOp::kPackedArg: return give(packed_arg(packed(ins.a), width(static_cast<uint32_t>(ins.n))));
    case IrOp::kPackedField: return give(packed_field(packed(ins.a), static_cast<uint32_t>(ins.n), ins.m));
    case IrOp::kPackUnion: return give(pack_union(packed(ins.a), width(ins.m), static_cast<uint32_t>(ins.n)));
    case IrOp::kPackStruct:
      return give(pack_struct(static_cast<uint32_t>(ins.list.size()), [&](uint32_t i) { return packed(ins.list[i]); }));
    case IrOp::kNoFit: {
      const Word fields =
          pack_struct(static_cast<uint32_t>(ins.list.size()), [&](uint32_t i) { return packed(ins.list[i]); });
      return guard(fields == 0 || pack_union(fields, width(ins.m), 0) == 0);
    }
    case IrOp::kIsPacked: return guard((a() & 1) != 0);
    case IrOp::kIsPointer: return guard((a() & 3) == 0);
    case IrOp::kTagIs: return guard(packed_tag(packed(ins.a), ins.m) == static_cast<uint32_t>(ins.n));
    case IrOp::kTagFrom: return guard(packed_tag(packed(ins.a), ins.m) >= static_cast<uint32_t>(ins.n));
    case IrOp::kHeaderIs: return guard(static_cast<uint32_t>(pointer(ins.a)->header) == static_cast<uint32_t>(ins.n));
    case IrOp::kCodeIs: {
      const Object* closure = pointer(ins.a);
      return guard(closure->kind() == ObjectKind::kClosure && closure_code(closure) == ins.code);
    }
    case IrOp::kArityIs: {
      const Object* closure = pointer(ins.a);
      return guard(closure->kind() == ObjectKind::kClosure &&
                   closure_code(closure)->arity == static_cast<uint32_t>(ins.n));
    }
    case IrOp::kIsNatural: return guard((a() & 3) == 3);
    case IrOp::kAdd: {
      const auto sum = static_cast<__int128>(natural(ins.a) >> 2) + (natural(ins.b) >> 2);
      return give(sum > kMaxPackedInt ? 0 : pack_int(static_cast<int64_t>(sum)));
    }
    case IrOp::kSub: {
      const int64_t difference = unpack_int(natural(ins.a)) - unpack_int(natural(ins.b));
      return give(difference < 0 ? 0 : pack_int(difference));
    }
    case IrOp::kMul: {
      const auto product = static_cast<__int128>(natural(ins.a) >> 2) * (natural(ins.b) >> 2);
      return give(product > kMaxPackedInt ? 0 : pack_int(static_cast<int64_t>(product)));
    }
    case IrOp::kDiv:
    case IrOp::kMod: {
      const int64_t divisor = unpack_int(natural(ins.b));
      const int64_t dividend = unpack_int(natural(ins.a));
      if (divisor == 0) return give(0);
      return give(pack_int(ins.op == IrOp::kDiv ? dividend / divisor : dividend % divisor));
    }
    case IrOp::kAnd: return give(pack_int(unpack_int(natural(ins.a)) & unpack_int(natural(ins.b))));
    case IrOp::kOr: return give(pack_int(unpack_int(natural(ins.a)) | unpack_int(natural(ins.b))));
    case IrOp::kXor: return give(pack_int(unpack_int(natural(ins.a)) ^ unpack_int(natural(ins.b))));
    case IrOp::kShiftLeft: {
      const auto shifted = static_cast<unsigned __int128>(natural(ins.a) >> 2) << ins.n;
      return give(shifted > kMaxPackedInt ? 0 : pack_int(static_cast<int64_t>(shifted)));
    }
    case IrOp::kShiftRight: return give(pack_int(unpack_int(natural(ins.a)) >> ins.n));
    case IrOp::kLess: return give(a() < b() ? 5 : 7);
    case IrOp::kLessEqual: return give(a() <= b() ? 5 : 7);
    case IrOp::kUnequal: return give(a() != b() ? 5 : 7);
    case IrOp::kEqual: return give(a() == b() ? 5 : 7);
    case IrOp::kCompare: return give(a() < b() ? 9 : a() == b() ? 11 : 13);
    case IrOp::kIsLess: return guard(a() < b());
    case IrOp::kNotLess: return guard(a() >= b());
    case IrOp::kIsEqual: return guard(a() == b());
    case IrOp::kNotEqual: return guard(a() != b());
    case IrOp::kIntrinsic: {
      std::vector<Word> args;
      for (const IrRef ref : ins.list) args.push_back(packed(ref));
      return give(fold_packed(static_cast<Intrinsic>(ins.n), args.data()));
    }
    case IrOp::kIntOf: return set(static_cast<Word>(unpack_int(packed(ins.a))));
    case IrOp::kIntWord: {
      const auto number = static_cast<int64_t>(a());
      return give(int_fits(number) ? pack_int(number) : 0);
    }
    case IrOp::kIntAdd: return set(a() + b());
    case IrOp::kIntSub: return set(a() - b());
    case IrOp::kIntMul: {
      const auto product = static_cast<__int128>(static_cast<int64_t>(a())) * static_cast<int64_t>(b());
      if (product != static_cast<int64_t>(product)) return leave(ins);
      return set(static_cast<Word>(product));
    }
    case IrOp::kIntDiv: {
      const auto dividend = static_cast<int64_t>(a());
      const auto divisor = static_cast<int64_t>(b());
      if (divisor == 0) return leave(ins);
      int64_t quotient = dividend / divisor;
      while (static_cast<__int128>(quotient) * divisor > dividend && divisor > 0) --quotient;
      while (static_cast<__int128>(quotient) * divisor < dividend && divisor < 0) --quotient;
      return set(static_cast<Word>(quotient));
    }
    case IrOp::kIntRem: {
      const auto divisor = static_cast<__int128>(static_cast<int64_t>(b()));
      const auto quotient = static_cast<int64_t>(value(ins.list.at(0)));
      const __int128 remainder = static_cast<int64_t>(a()) - quotient * divisor;
      if (divisor < 0 ? remainder > 0 || remainder <= divisor : remainder < 0 || remainder >= divisor)
        return broken("that is not the quotient");
      return set(static_cast<Word>(static_cast<int64_t>(remainder)));
    }
    case IrOp::kIntShiftRight: return set(static_cast<Word>(static_cast<int64_t>(a()) >> ins.n));
    case IrOp::kOrderKey: {
      // The result of fold is compared with that of machine code, so both must compute this one.
      const Word bits = packed(ins.a) >> 1;
      return set(unpack_int(packed(ins.a)) < 0 ? (Word{1} << 63) - 1 - bits : (Word{1} << 63) + bits);
    }
    case IrOp::kChoose: return give(value(ins.list[packed_tag(packed(ins.a), 1) == 0 ? 0 : 1]));
    case IrOp::kTagIn: return give((ins.x >> packed_tag(packed(ins.a), width(ins.m)) & 1) != 0 ? 7 : 5);
    case IrOp::kBitAnd: return give(bit(ins.a) && bit(ins.b) ? 7 : 5);
    case IrOp::kBitOr: return give(bit(ins.a) || bit(ins.b) ? 7 : 5);
    case IrOp::kBitXor: return give(bit(ins.a) != bit(ins.b) ? 7 : 5);
    case IrOp::kNative: {
      std::vector<Word> args;
      for (const IrRef ref : ins.list) args.push_back(value(ref));
      return give(native(*ins.code, args));
    }
    case IrOp::kLayoutIs: return guard(packed_layout(ins.m == 1 ? a() : packed(ins.a), ins.m) == ins.x);
    case IrOp::kCountedRecall:
    case IrOp::kRecall: {
      std::vector<Word> args;
      for (const IrRef ref : ins.list) args.push_back(packed(ref));
      const MemoTable& memo = *trace_.memos[static_cast<size_t>(ins.n)];
      const Word found = is_done_ ? 0 : memo.find(args);
      if (ins.op == IrOp::kCountedRecall && found != 0) {
        ++tallies_[hits_key(ins.n, static_cast<size_t>(&memo.row_for(args) - memo.rows.get()))];
      }
      return give(found);
    }
    case IrOp::kNew: {
      std::vector<Word> fields;
      if (ins.code != nullptr) fields.push_back(Code::from_code(ins.code));
      for (const IrRef ref : ins.list) fields.push_back(value(ref));
      result = heap_.make(ins.x, fields);
      // The last of a group completes the fields of all.
      const size_t at = next_ - 1;
      if (!ins.recursive || (next_ < trace_.ins.size() && trace_.ins[next_].recursive)) return false;
      for (size_t i = at + 1; i-- > 0 && trace_.ins[i].recursive;) {
        const IrIns& member = trace_.ins[i];
        const size_t first = member.code != nullptr ? 1 : 0;
        for (size_t f = 0; f < member.list.size(); ++f)
          as_object(values_[i])->fields[first + f] = value(member.list[f]);
      }
      return false;
    }
    case IrOp::kAllocCheck:
    case IrOp::kStackCheck:
    case IrOp::kDeoptPoint: return leaves(ins) && leave(ins);
    case IrOp::kTally: tallies_[counter_key(ins.n, 1)] += packed_tag(packed(ins.a), 1); return false;
    case IrOp::kTallyBits:
      ++tallies_[counter_key(ins.n, (bit(ins.a) ? 1u : 0u) + (bit(ins.b) ? 2u : 0u))];
      return false;
    case IrOp::kStore: slots_[ins.n] = a(); return false;
    case IrOp::kCall:
    case IrOp::kTailCall: {
      const Object* closure = pointer(ins.a);
      if (is_done_) return true;
      if (closure->kind() != ObjectKind::kClosure) return broken("what is called is no closure");
      if (ins.code != nullptr && closure_code(closure) != ins.code) return broken("the code is another");
      end(ins.op == IrOp::kCall ? IrOutcome::Kind::kCall : IrOutcome::Kind::kTailCall, ins);
      outcome_.code = closure_code(closure);
      if (ins.op == IrOp::kCall) {
        outcome_.frame = ins.n;
        outcome_.snapshot = ins.snapshot;
      }
      return true;
    }
    case IrOp::kReturn: return end(IrOutcome::Kind::kReturn, ins);
    case IrOp::kExit: return leave(ins);
    case IrOp::kLoopStart: loop_start_ = next_; return false;
    case IrOp::kPhi: return give(a());
    case IrOp::kLoopBack: {
      if (leaves(ins)) return leave(ins);
      if (++turns_ >= max_turns) return broken("the loop does not end");
      std::vector<Word> next;
      for (const IrRef ref : ins.list) next.push_back(value(ref));
      const IrIns& head = trace_.ins[loop_start_ - 1];
      for (size_t i = 0; i < next.size(); ++i) values_[index_of(head.list[i])] = next[i];
      next_ = loop_start_;
      return false;
    }
    case IrOp::kCount: break;
  }
  return broken("no instruction");
}

IrOutcome run_ir(const Trace& trace, const IrInput& input, IrHeap& heap) { return IrRun(trace, input, heap).run(); }

std::string to_text(const Trace& trace, const IrOutcome& outcome, const IrHeap& heap) {
  constexpr const char* kNames[] = {"exit", "return", "tail_call", "call", "broken"};
  std::string text = kNames[static_cast<size_t>(outcome.kind)];
  if (outcome.kind == IrOutcome::Kind::kBroken) return text + " " + outcome.message;
  for (const Word word : outcome.values) text += " " + heap.describe(word);
  for (const auto& [counter, sum] : outcome.tallies) text += fmt::format("\n  tally {} {}", counter, sum);
  if (outcome.snapshot != kNoSnapshot) {
    const Snapshot& snapshot = trace.snapshots[outcome.snapshot];
    for (size_t i = 0; i < snapshot.frames.size(); ++i) {
      const SnapshotFrame& frame = snapshot.frames[i];
      text += fmt::format("\n  frame {}+{} base {}", frame.code->block.str(), frame.pc - frame.code->words.data(),
                          frame.base);
      if (i < outcome.closures.size() && outcome.closures[i] != 0)
        text += " closure " + heap.describe(outcome.closures[i]);
    }
  }
  if (outcome.kind == IrOutcome::Kind::kCall) text += fmt::format("\n  at {}", outcome.frame);
  if (outcome.kind == IrOutcome::Kind::kReturn || outcome.kind == IrOutcome::Kind::kTailCall) return text;
  for (const auto& [slot, word] : outcome.slots) text += fmt::format("\n  slot {} {}", slot, heap.describe(word));
  return text;
}

}  // namespace fble::reference
