// The terms of ir_terms.h are what the model of the IR computes (tests/reference/ir_interp.h), on random words: what is
// proved of the terms is proved of the instructions.
#include "tests/proofs/ir_terms.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "gc/integer.h"
#include "interp/intrinsics.h"
#include "tests/reference/ir_interp.h"

namespace fble::proofs {
namespace {

constexpr int kTrials = 150;

struct Subject {
  IrOp op;
  size_t list = 0;
  Intrinsic which = Intrinsic::kNone;
};

std::vector<Subject> all_subjects() {
  std::vector<Subject> subjects;
  for (int number = 0; number < static_cast<int>(IrOp::kCount); ++number) {
    const auto op = static_cast<IrOp>(number);
    switch (op) {
      case IrOp::kPackStruct:
      case IrOp::kNoFit:
        for (size_t fields = 0; fields < 6; ++fields) subjects.push_back({op, fields});
        break;
      case IrOp::kIntRem: subjects.push_back({op, 1}); break;
      case IrOp::kChoose: subjects.push_back({op, 2}); break;
      case IrOp::kIntrinsic:
        for (uint32_t index = 1; index < static_cast<uint32_t>(Intrinsic::kCount); ++index) {
          subjects.push_back({op, intrinsic_info(static_cast<Intrinsic>(index)).arity, static_cast<Intrinsic>(index)});
        }
        break;
      case IrOp::kLayoutIs:
      case IrOp::kPackedField: subjects.push_back({op}); break;
      default: {
        Operands operands;
        operands.op = op;
        if (meaning_of(operands)) subjects.push_back({op});
      }
    }
  }
  return subjects;
}

bool takes_numbers(IrOp op) {
  return op == IrOp::kIntWord || op == IrOp::kIntAdd || op == IrOp::kIntSub || op == IrOp::kIntMul ||
         op == IrOp::kIntDiv || op == IrOp::kIntRem || op == IrOp::kIntShiftRight;
}

bool takes_bits(IrOp op) { return op == IrOp::kBitAnd || op == IrOp::kBitOr || op == IrOp::kBitXor; }

class Random {
 public:
  uint64_t below(uint64_t end) { return std::uniform_int_distribution<uint64_t>(0, end - 1)(random_); }

  /// Around zero, around powers of two, and all bits.
  int64_t number() {
    const uint64_t any = random_();
    switch (below(5)) {
      case 0: return static_cast<int64_t>(below(9)) - 4;
      case 1: return static_cast<int64_t>(any >> below(64)) * (below(2) == 0 ? 1 : -1);
      case 2: return kMaxPackedInt - static_cast<int64_t>(below(3));
      case 3: return kMinPackedInt + static_cast<int64_t>(below(3));
      default: return static_cast<int64_t>(any >> 3);
    }
  }
  Word packed() {
    switch (below(4)) {
      case 0: return pack_int(std::clamp(number(), kMinPackedInt, kMaxPackedInt));
      case 1: return (random_() >> below(63)) | 1 | 2;
      case 2: return Word{3} + 2 * below(40);
      default: {
        const Word word = pack_struct(static_cast<uint32_t>(2 + below(3)),
                                      [&](uint32_t) { return Word{3} + 2 * below(uint64_t{1} << below(12)); });
        return word == 0 ? kUnitWord : word;
      }
    }
  }
  Word natural() { return pack_int(std::abs(std::clamp(number(), kMinPackedInt, kMaxPackedInt))); }

 private:
  std::mt19937_64 random_{7};
};

uint64_t number_in(const z3::expr& term) { return term.simplify().get_numeral_uint64(); }

TEST(IrTerms, AreWhatTheModelComputes) {
  Random random;
  std::map<std::string, int> results;
  std::map<std::string, int> left;
  for (const Subject& subject : all_subjects()) {
    const std::string name =
        subject.which == Intrinsic::kNone ? ir_op_info(subject.op).name : intrinsic_info(subject.which).name;
    const std::string_view kinds = ir_op_info(subject.op).operands;
    results.try_emplace(name);
    for (int trial = 0; trial < kTrials; ++trial) {
      Trace trace;
      trace.snapshots.emplace_back();
      Operands operands;
      operands.op = subject.op;
      operands.intrinsic = subject.which;
      IrIns ins;
      ins.op = subject.op;
      ins.snapshot = 0;
      const auto operand = [&](std::optional<z3::expr>* term) {
        IrIns constant;
        constant.op = IrOp::kConstant;
        constant.raw = true;
        if (takes_numbers(subject.op)) {
          constant.x = static_cast<Word>(random.number());
        } else {
          const bool natural = random.below(2) == 0;
          constant.x = natural ? random.natural() : random.packed();
          if (takes_bits(subject.op)) constant.x = kUnitWord + 2 * random.below(4);
          // Guards also see pointers. They are not followed.
          if (random.below(8) == 0 && subject.op >= IrOp::kIsPacked && subject.op <= IrOp::kIsPointer) constant.x = 64;
        }
        if (term != nullptr) *term = bits_of(constant.x);
        trace.ins.push_back(constant);
        return IrRef{static_cast<uint32_t>(trace.ins.size() - 1)};
      };
      if (kinds.find('A') != kinds.npos) ins.a = operand(&operands.a);
      if (kinds.find('B') != kinds.npos) ins.b = operand(&operands.b);
      for (size_t i = 0; i < subject.list; ++i) {
        ins.list.push_back(operand(nullptr));
        operands.list.push_back(bits_of(trace.ins.back().x));
      }
      switch (subject.op) {
        case IrOp::kPackedArg: ins.n = static_cast<int32_t>(random.below(7)); break;
        case IrOp::kPackedField:
          ins.m = static_cast<uint32_t>(1 + random.below(4));
          ins.n = static_cast<int32_t>(random.below(ins.m));
          break;
        case IrOp::kLayoutIs:
          ins.m = static_cast<uint32_t>(1 + random.below(5));
          // Half of the time that of the word, else of another.
          ins.x = packed_layout(random.below(2) == 0 ? trace.at(ins.a).x : random.packed(), ins.m);
          break;
        case IrOp::kPackUnion:
        case IrOp::kTagIs:
        case IrOp::kTagFrom:
          ins.m = static_cast<uint32_t>(random.below(7));
          ins.n = static_cast<int32_t>(random.below(uint64_t{1} << ins.m));
          break;
        case IrOp::kTagIn:
          ins.m = static_cast<uint32_t>(1 + random.below(6));
          ins.x = random.packed() >> (64 - (uint64_t{1} << ins.m));
          break;
        case IrOp::kNoFit: ins.m = static_cast<uint32_t>(random.below(7)); break;
        case IrOp::kShiftLeft:
        case IrOp::kShiftRight:
        case IrOp::kIntShiftRight: ins.n = static_cast<int32_t>(random.below(62)); break;
        case IrOp::kIntrinsic: ins.n = static_cast<int32_t>(subject.which); break;
        case IrOp::kIntRem: {
          // The quotient belongs to the other operands.
          IrIns divide = ins;
          divide.op = IrOp::kIntDiv;
          Operands quotient = operands;
          quotient.op = IrOp::kIntDiv;
          if (trace.at(ins.b).x == 0) continue;
          const Word word = number_in(meaning_of(quotient)->value);
          trace.ins.back().x = word;
          operands.list[0] = bits_of(word);
          break;
        }
        default: break;
      }
      operands.n = bits_of(static_cast<uint64_t>(static_cast<int64_t>(ins.n)));
      operands.m = bits_of(ins.m);
      operands.x = bits_of(ins.x);
      const Meaning meaning = *meaning_of(operands);
      if (!meaning.requires_.simplify().is_true()) continue;
      trace.ins.push_back(ins);
      const IrRef result{static_cast<uint32_t>(trace.ins.size() - 1)};

      reference::IrHeap heap;
      const reference::IrInput input;
      reference::IrRun run(trace, input, heap);
      const bool has_left = run.step();
      std::string words = name;
      for (const IrIns& at : trace.ins) words += " " + std::to_string(at.x);
      SCOPED_TRACE(words);
      ASSERT_FALSE(has_left && run.outcome().kind == reference::IrOutcome::Kind::kBroken) << run.outcome().message;
      ASSERT_EQ(meaning.leaves.simplify().is_true(), has_left);
      ++(has_left ? left : results)[name];
      if (!has_left && ir_has_result(subject.op)) ASSERT_EQ(number_in(meaning.value), run.value(result));
    }
  }
  int compared = 0;
  for (const auto& [name, count] : results) {
    compared += count + left[name];
    EXPECT_GE(count + left[name], 10) << name << ": the words do not meet what it requires";
  }
  std::printf("terms: %zu instructions and intrinsics, %d comparisons with the model\n", results.size(), compared);
}

}  // namespace
}  // namespace fble::proofs
