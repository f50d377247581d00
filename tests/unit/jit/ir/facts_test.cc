#include "jit/ir/facts.h"

#include <gtest/gtest.h>

#include "gc/integer.h"
#include "interp/intrinsics.h"
#include "jit/ir/ir_text.h"
#include "tests/support/ir_codes.h"
#include "tests/support/ir_gen.h"

namespace fble {
namespace {

Facts with_tag(int32_t tag, uint32_t not_tags = 0) {
  Facts facts;
  facts.packed = true;
  facts.tag = tag;
  facts.not_tags = not_tags;
  return facts;
}

IrIns tag_guard(IrOp op, int32_t n, uint32_t m) {
  IrIns ins;
  ins.op = op;
  ins.a = IrRef{0};
  ins.n = n;
  ins.m = m;
  return ins;
}

TEST(Facts, OfWords) {
  EXPECT_EQ(to_text(known_facts(kUnitWord)), "packed natural bits 0");
  EXPECT_EQ(to_text(known_facts(pack_int(5))), "packed natural bits 3 least_bits 3");
  EXPECT_EQ(to_text(known_facts(pack_int(-1))), "packed bits 1 least_bits 1");
  IrCodes codes;
  Code* code = codes.make("/A%", 3, 0);
  const Facts facts = known_facts(code->function_value());
  EXPECT_TRUE(facts.pointer && facts.not_packed);
  EXPECT_EQ(facts.code, code);
  EXPECT_EQ(facts.arity, 3);
}

TEST(Facts, TagGuards) {
  const Facts unknown = with_tag(-1);
  for (int32_t tag = 0; tag < 4; ++tag) {
    for (int32_t n = 0; n < 4; ++n) {
      const Truth is = tag == n ? Truth::kTrue : Truth::kFalse;
      EXPECT_EQ(guard_truth(tag_guard(IrOp::kTagIs, n, 2), with_tag(tag)), is);
      const Truth from = tag >= n ? Truth::kTrue : Truth::kFalse;
      EXPECT_EQ(guard_truth(tag_guard(IrOp::kTagFrom, n, 2), with_tag(tag)), from);
      EXPECT_EQ(guard_truth(tag_guard(IrOp::kTagIs, n, 2), unknown), Truth::kUnknown);
      // All others excluded; itself excluded.
      EXPECT_EQ(guard_truth(tag_guard(IrOp::kTagIs, n, 2), with_tag(-1, 15u & ~(1u << n))), Truth::kTrue);
      EXPECT_EQ(guard_truth(tag_guard(IrOp::kTagIs, n, 2), with_tag(-1, 1u << n)), Truth::kFalse);
    }
  }
  EXPECT_EQ(guard_truth(tag_guard(IrOp::kTagFrom, 2, 2), with_tag(-1, 3)), Truth::kTrue);
  EXPECT_EQ(guard_truth(tag_guard(IrOp::kTagFrom, 2, 2), with_tag(-1, 12)), Truth::kFalse);
  EXPECT_EQ(guard_truth(tag_guard(IrOp::kTagFrom, 2, 2), with_tag(-1, 1)), Truth::kUnknown);
  EXPECT_EQ(guard_truth(tag_guard(IrOp::kTagFrom, 0, 2), unknown), Truth::kTrue);
  EXPECT_EQ(guard_truth(tag_guard(IrOp::kTagIs, 0, 0), unknown), Truth::kTrue);
  // A guard on the low two bits of three decides nothing about tags from 4 on.
  IrIns narrowed = tag_guard(IrOp::kTagIs, 0, 2);
  narrowed.narrowed = true;
  EXPECT_EQ(guard_truth(narrowed, with_tag(-1, 0b1'1110)), Truth::kUnknown);
  EXPECT_EQ(guard_truth(narrowed, with_tag(-1, 1)), Truth::kFalse);
  // Too many tags to remember.
  EXPECT_EQ(guard_truth(tag_guard(IrOp::kTagIs, 40, 6), with_tag(-1, ~0u)), Truth::kUnknown);
}

TEST(Facts, BothAndEither) {
  Facts natural;
  natural.packed = natural.natural = true;
  natural.bits = 4;
  Facts both = with_tag(2);
  add_facts(both, natural);
  EXPECT_EQ(to_text(both), "packed natural tag 2 bits 4");
  EXPECT_TRUE(facts_imply(both, natural));
  EXPECT_FALSE(facts_imply(natural, both));
  EXPECT_EQ(to_text(common_facts(both, with_tag(2))), "packed tag 2");
  EXPECT_EQ(to_text(common_facts(with_tag(1), with_tag(2))), "packed");
  const Facts bit = known_facts(7);
  EXPECT_EQ(to_text(bit), "packed natural bits 1 least_bits 1");
  EXPECT_TRUE(is_bit(bit) && is_bit(common_facts(bit, known_facts(5))));
  EXPECT_FALSE(is_bit(common_facts(bit, known_facts(kUnitWord))));
  EXPECT_FALSE(is_bit(common_facts(bit, known_facts(9))));
  EXPECT_FALSE(is_bit(natural));
  Facts header;
  header.header = 5;
  Facts pointer;
  add_facts(pointer, header);
  EXPECT_TRUE(pointer.pointer && pointer.not_packed);
}

/// Returns which of the facts is false for the word; empty if all are true.
std::string lie(const Facts& facts, Word word) {
  if (facts.packed && !is_packed(word)) return "packed";
  if (facts.pointer && !is_pointer(word)) return "pointer";
  if (facts.natural && !is_natural(word)) return "natural";
  if (facts.least_bits != 0 && (!is_packed(word) || packed_bits(word) < facts.least_bits)) return "least_bits";
  if (facts.not_packed && is_packed(word)) return "not_packed";
  if (is_packed(word)) return facts.packed && packed_bits(word) > facts.bits ? "bits" : "";
  if (!is_pointer(word)) return "";
  const Object* object = as_object(word);
  if (facts.header >= 0 && facts.header != static_cast<uint32_t>(object->header)) return "header";
  if (facts.code == nullptr && facts.arity < 0) return "";
  if (object->kind() != ObjectKind::kClosure) return "closure";
  if (facts.code != nullptr && closure_code(object) != facts.code) return "code";
  if (facts.arity >= 0 && closure_code(object)->arity != static_cast<uint32_t>(facts.arity)) return "arity";
  return "";
}

// Every fact in the table is true on every input that reaches the trace's end.
TEST(Facts, AreTrue) {
  int checked = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    IrGen gen(seed, {.instructions = 10 + seed % 50, .bits = seed % 3 == 0, .tag_sets = seed % 3 == 1});
    FactTable table(gen.plain);
    for (const IrIns& ins : gen.plain.ins) table.append(ins);
    for (int i = 0; i < 8; ++i) {
      const reference::IrInput input = i == 0 ? gen.witness() : gen.input();
      reference::IrRun run(gen.plain, input, gen.heap);
      if (run.run().kind == reference::IrOutcome::Kind::kExit) continue;
      for (uint32_t at = 0; at < gen.plain.ins.size(); ++at) {
        const IrRef ref{at};
        if (!ir_has_result(gen.plain.ins[at].op)) continue;
        ++checked;
        ASSERT_EQ(lie(table[ref], run.value(ref)), "")
            << "seed " << seed << ", %" << at << " " << to_text(table[ref]) << "\n"
            << to_text(gen.plain);
      }
    }
  }
  EXPECT_GT(checked, 5000);
}

TEST(Facts, ShiftsOfNegativeNumbersRoundAwayFromZero) {
  Trace trace;
  FactTable table(trace);
  const auto append = [&](IrOp op, IrRef a, int32_t n) {
    IrIns ins{.op = op};
    ins.a = a;
    ins.n = n;
    trace.ins.push_back(ins);
    table.append(ins);
    return IrRef{static_cast<uint32_t>(trace.ins.size() - 1)};
  };
  const IrRef slot = append(IrOp::kSlot, kNoRef, 0);
  append(IrOp::kIsPacked, slot, 0);
  const IrRef number = append(IrOp::kIntOf, slot, 0);
  for (const int32_t count : {0, 1, 45, 61}) {
    const IrRef shifted = append(IrOp::kIntShiftRight, number, count);
    EXPECT_GE(table[shifted].bits, packed_bits(pack_int(kMinPackedInt >> count))) << count;
  }
}

// The same for the facts about results of arithmetic and intrinsics, on many words.
TEST(Facts, BoundsOfResultsAreTrue) {
  std::vector<Word> words;
  for (const int64_t value : {int64_t{0}, int64_t{1}, int64_t{2}, int64_t{7}, int64_t{-1}, int64_t{-8},
                              int64_t{1} << 40, kMaxPackedInt, kMinPackedInt, int64_t{62}, int64_t{61}}) {
    words.push_back(pack_int(value));
  }
  for (uint32_t index = 1; index < static_cast<uint32_t>(Intrinsic::kCount); ++index) {
    const auto intrinsic = static_cast<Intrinsic>(index);
    const uint32_t arity = intrinsic_info(intrinsic).arity;
    for (const Word a : words) {
      for (const Word b : words) {
        const Word args[] = {a, b, a};
        const Word result = fold_packed(intrinsic, args);
        if (result == 0) continue;
        Trace trace;
        FactTable table(trace);
        for (uint32_t i = 0; i < arity; ++i) {
          IrIns constant;
          constant.op = IrOp::kConstant;
          constant.x = args[i];
          trace.ins.push_back(constant);
          table.append(constant);
        }
        IrIns ins;
        ins.op = IrOp::kIntrinsic;
        ins.n = static_cast<int32_t>(index);
        for (uint32_t i = 0; i < arity; ++i) ins.list.push_back(IrRef{i});
        trace.ins.push_back(ins);
        table.append(ins);
        EXPECT_EQ(lie(table[IrRef{arity}], result), "") << intrinsic_info(intrinsic).name << " of " << a << ", " << b;
      }
    }
  }
}

}  // namespace
}  // namespace fble
