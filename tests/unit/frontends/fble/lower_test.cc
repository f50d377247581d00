// Lowering, and all below it, against a tree-walking evaluator of typed core.
// More random programs than usual: FBLE_SEEDS=100000 FBLE_SEED=1 (the first).
#include "frontends/fble/lower.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "frontends/fble/core_text.h"
#include "frontends/fble/core_verify.h"
#include "interp/bytecode_text.h"
#include "interp/bytecode_verify.h"
#include "interp/machine.h"
#include "tests/reference/core_eval.h"
#include "tests/support/core_gen.h"

namespace fble {
namespace {

using reference::Evaluator;
using reference::Failure;
using reference::GaveUp;
using reference::Value;

/// Compares data to some depth; it may be cyclic.
void expect_equal(CoreGenerator& types, const GenType* type, const Value* expected, Word word, int depth) {
  if (depth == 0) return;
  expected = Evaluator::look(expected);
  ASSERT_NE(expected->kind, Value::Kind::kPlaceholder);
  ASSERT_FALSE(is_placeholder(word));
  ASSERT_NE(word, 0u);
  if (type->kind == GenType::Kind::kFunction) {
    ASSERT_EQ(expected->kind, Value::Kind::kFunction);
    ASSERT_TRUE(is_pointer(word));
    ASSERT_EQ(as_object(word)->kind(), ObjectKind::kClosure);
    return;
  }
  if (type->kind == GenType::Kind::kStruct) {
    ASSERT_EQ(expected->parts.size(), type->parts.size());
    const uint32_t count = static_cast<uint32_t>(type->parts.size());
    for (uint32_t i = 0; i < count; ++i) {
      expect_equal(types, type->parts[i], expected->parts[i], struct_field(word, i, count), depth - 1);
      if (testing::Test::HasFatalFailure()) return;
    }
    return;
  }
  const std::vector<const GenType*> parts = types.union_parts(type);
  const unsigned width = tag_width(static_cast<uint32_t>(parts.size()));
  ASSERT_EQ(union_tag(word, width), expected->tag);
  expect_equal(types, parts[expected->tag], expected->parts[0], union_arg(word, width), depth - 1);
}

std::string error_text(const std::string& message, const std::vector<Loc>& locs) {
  std::string text = message;
  for (const Loc& loc : locs) text += fmt::format("\n{}:{}:{}", loc.file.str(), loc.line, loc.column);
  return text;
}

std::vector<MachineOptions> modes() {
  std::vector<MachineOptions> all(4);
  for (MachineOptions& options : all) options.stack_bytes = size_t{256} << 20;
  all[1].heap.nursery_bytes = 512;
  all[1].heap.verify = true;
  all[2].heap.stress = 1;
  all[2].heap.nursery_bytes = 4096;
  all[2].heap.stress_full_period = 3;
  all[2].heap.verify = true;
  all[3].heap.stress = 1;
  all[3].heap.nursery_bytes = 4096;
  all[3].heap.stress_full_period = 1'000'000;
  all[3].heap.verify = true;
  return all;
}

struct Counts {
  int values = 0;
  int failures = 0;
  int gave_up = 0;
};

void run_random_program(uint64_t seed, Counts& counts) {
  CoreGenerator generator(seed);
  std::vector<CoreProgramModule> modules;
  const Value* expected = nullptr;
  std::optional<Failure> failure;
  Evaluator evaluator(20'000, 1'500);
  try {
    for (int i = 0; i < 2 && !failure; ++i) {
      modules.push_back(generator.module());
      expected = evaluator.run(modules.back(), failure);
    }
  } catch (const GaveUp&) {
    ++counts.gave_up;
    return;
  }
  ++(failure ? counts.failures : counts.values);

  std::string cores;
  for (const CoreProgramModule& module : modules) {
    cores += print_core(module) + "\n";
    const std::vector<std::string> problems = verify_core(module);
    ASSERT_TRUE(problems.empty()) << problems[0];
  }
  std::unique_ptr<ProgramCode> program = lower_program(modules);
  ASSERT_EQ(verify_bytecode(*program), "");
  const std::string text = print_bytecode(*program);
  if (seed % 2 == 0) {
    // The text is complete: it parses back to the same program.
    BytecodeParse parse = parse_bytecode(text, "text");
    ASSERT_NE(parse.program, nullptr) << parse.error;
    ASSERT_EQ(print_bytecode(*parse.program), text);
    program = std::move(parse.program);
  }
  SCOPED_TRACE(fmt::format("seed {}\n{}\n{}", seed, cores, text));

  const NativeTable natives;
  for (const MachineOptions& options : modes()) {
    SCOPED_TRACE(fmt::format("stress {} period {} nursery {}", options.heap.stress, options.heap.stress_full_period,
                             options.heap.nursery_bytes));
    Machine machine(*program, natives, options);
    const bool ok = machine.run_modules();
    ASSERT_EQ(ok, !failure) << machine.error().render() << (failure ? error_text(failure->message, failure->locs) : "");
    if (!ok) {
      std::vector<Loc> locs;
      for (const ErrorLine& line : machine.error().lines) locs.push_back(line.loc);
      // Long traces are shortened in the middle.
      if (failure->locs.size() > 100) {
        locs.resize(100);
        failure->locs.resize(100);
      }
      ASSERT_EQ(error_text(machine.error().lines[0].message, locs), error_text(failure->message, failure->locs));
      continue;
    }
    expect_equal(generator, generator.type_of_last_module(), expected, machine.result(), 12);
    machine.collect_all();
    expect_equal(generator, generator.type_of_last_module(), expected, machine.result(), 12);
    if (testing::Test::HasFatalFailure()) return;
  }
}

/// Runs a module given as text of its core. Returns the line of the error, or 0.
uint32_t error_line(const std::string& body) {
  Diagnostics diagnostics;
  std::optional<CoreProgramModule> module = parse_core(
      fmt::format("(module /A% (file A.fble) (loc @1:0) (vars 20) (deps) {})", body), Symbol("core"), diagnostics);
  EXPECT_TRUE(module.has_value()) << diagnostics.render();
  if (!module) return UINT32_MAX;
  const std::vector<std::string> problems = verify_core(*module);
  EXPECT_TRUE(problems.empty()) << problems[0];
  std::vector<CoreProgramModule> modules;
  modules.push_back(std::move(*module));
  const std::unique_ptr<ProgramCode> program = lower_program(modules);
  const NativeTable natives;
  Machine machine(*program, natives, modes()[0]);
  return machine.run_modules() ? 0 : machine.error().lines[0].loc.line;
}

/// Returns an expression that fails, at the line.
std::string bad(int line) { return fmt::format("(union-field @{}:1 0/2 (union @ 1/2 (struct @)))", line); }
constexpr const char* kGood = "(struct @)";

TEST(Lower, EvaluatesInTheOrderOfTheReference) {
  EXPECT_EQ(error_line(kGood), 0u);
  // From left to right, except in calls: the function, then the arguments from the right.
  EXPECT_EQ(error_line(fmt::format("(struct @ {} {} {})", kGood, bad(2), bad(3))), 2u);
  EXPECT_EQ(error_line(fmt::format("(union @ 0/1 (struct @ {} {}))", bad(2), bad(3))), 2u);
  EXPECT_EQ(error_line(fmt::format("(list @ {} {})", bad(2), bad(3))), 2u);
  EXPECT_EQ(error_line(fmt::format("(let @ nonrec ((a#0 @ {}) (b#1 @ {})) {})", bad(2), bad(3), kGood)), 2u);
  const std::string function = "(func @ ((a#0 @) (b#1 @)) @ (var @ a#0))";
  EXPECT_EQ(error_line(fmt::format("(apply @ {} {} {})", function, bad(2), bad(3))), 3u);
  EXPECT_EQ(error_line(fmt::format("(apply @ {} {} {})", bad(1), bad(2), bad(3))), 1u);
  EXPECT_EQ(error_line(fmt::format("(field @ 0/2 (struct @ (apply @ {} {} {}) {}))", function, bad(2), bad(3), bad(4))),
            3u);
}

TEST(Lower, CopiesLookAtTheirSourceFirst) {
  // Also when nothing of it is kept.
  const std::string undefined = "(let @ rec ((x#0 @ (copy @2:1 (var @ x#0) {} {}))) (var @ x#0))";
  EXPECT_EQ(error_line(fmt::format(fmt::runtime(undefined), bad(3), bad(4))), 2u);
  EXPECT_EQ(error_line(fmt::format(fmt::runtime(undefined), bad(3), "-")), 2u);
  EXPECT_EQ(error_line(fmt::format(fmt::runtime(undefined), "-", "-")), 2u);
  EXPECT_EQ(error_line(fmt::format("(copy @2:1 (struct @ {} {}) {} {})", kGood, kGood, bad(3), bad(4))), 3u);
}

TEST(Lower, OnlyTheChosenBranchIsEvaluated) {
  const std::string select = "(select @2:1 3 (union @ {}/3 (struct @)) ((0 a {}) (2 c {})) {})";
  for (int tag = 0; tag < 3; ++tag) {
    EXPECT_EQ(error_line(fmt::format(fmt::runtime(select), tag, bad(3), bad(4), bad(5))), tag == 0   ? 3u
                                                                                          : tag == 1 ? 5u
                                                                                                     : 4u);
  }
  EXPECT_EQ(error_line(fmt::format(fmt::runtime(select), 1, bad(3), bad(4), kGood)), 0u);
}

TEST(Lower, RandomProgramsAgreeWithTheEvaluator) {
  Counts counts;
  const char* first = std::getenv("FBLE_SEED");
  const char* count = std::getenv("FBLE_SEEDS");
  const uint64_t begin = first == nullptr ? 1 : std::strtoull(first, nullptr, 10);
  const uint64_t seeds = count == nullptr ? 300 : std::strtoull(count, nullptr, 10);
  for (uint64_t seed = begin; seed < begin + seeds; ++seed) {
    run_random_program(seed, counts);
    if (HasFatalFailure()) return;
  }
  RecordProperty("values", counts.values);
  RecordProperty("failures", counts.failures);
  RecordProperty("gave_up", counts.gave_up);
  EXPECT_GT(counts.values, counts.failures);
  EXPECT_GT(counts.failures, counts.gave_up);
}

}  // namespace
}  // namespace fble
