// Proves that passes keep the meaning of traces: of all golden tests in tests/ir, and of random traces.
//
//   fble-jit-proofs --gtest_filter=TraceProof.RandomTraces          a few seeds, in ctest
//   FBLE_PROOF_SEEDS=1-10000 fble-jit-proofs --gtest_filter=...     these; shards may run in several processes
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "jit/ir/ir_text.h"
#include "jit/ir/ir_verify.h"
#include "jit/opt/pipeline.h"
#include "tests/proofs/trace_equivalence.h"
#include "tests/support/ir_codes.h"
#include "tests/support/ir_gen.h"

namespace fble::proofs {
namespace {

struct Sum {
  int traces = 0;
  int claims = 0;
  int by_solver = 0;
  int unknown = 0;

  void add(const Equivalence& one) {
    ++traces;
    claims += one.claims;
    by_solver += one.by_solver;
    unknown += one.unknown;
  }
  void print(const char* what) const {
    std::printf("%s: %d traces, %d claims, %d of them by the solver, %d too much for it\n", what, traces, claims,
                by_solver, unknown);
  }
};

std::string problem(const Equivalence& found) {
  if (!found.refuted.empty()) return "refuted: " + found.refuted;
  if (!found.unmatched.empty()) return "of no position of the old trace: " + found.unmatched;
  return "";
}

TEST(TraceProof, GoldenTraces) {
  Sum sum;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(FBLE_SOURCE_DIR "/tests/ir")) {
    if (entry.path().extension() != ".trace") continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    IrCodes codes;
    const TraceParse parsed = parse_trace(text, entry.path().filename().string(), codes.resolver());
    ASSERT_TRUE(parsed.trace) << parsed.error;
    Trace after = *parsed.trace;
    ASSERT_TRUE(run_pass(entry.path().parent_path().filename().string(), after));
    const Equivalence found = compare_traces(*parsed.trace, after);
    EXPECT_EQ(problem(found), "") << entry.path() << "\n" << to_text(after);
    if (found.unknown > 0) std::printf("  unknown: %s, %d claims\n", entry.path().c_str(), found.unknown);
    sum.add(found);
  }
  sum.print("golden traces");
  EXPECT_GT(sum.traces, 25);
  EXPECT_GT(sum.by_solver, 20);
}

/// Returns the first and the last seed: those of FBLE_PROOF_SEEDS, "FIRST-LAST", or a few.
std::pair<uint64_t, uint64_t> wanted_seeds() {
  std::pair<uint64_t, uint64_t> seeds{1, 200};
  if (const char* words = std::getenv("FBLE_PROOF_SEEDS")) {
    if (std::sscanf(words, "%lu-%lu", &seeds.first, &seeds.second) != 2) ADD_FAILURE() << "FBLE_PROOF_SEEDS=" << words;
  }
  return seeds;
}

void prove_random_traces(uint64_t first, uint64_t last, const char* what, const IrGenOptions& options) {
  constexpr const char* kPasses[] = {"optimize", "forward", "dce", "sink", "alloc_check", "fold"};
  Sum sum;
  int loops = 0;
  for (uint64_t seed = first; seed <= last; ++seed) {
    const bool is_loop = seed % 4 == 0;
    IrGenOptions wanted = options;
    wanted.instructions = 8 + seed % 50;
    wanted.ends_in_self_call = is_loop;
    IrGen gen(seed, wanted);
    const char* pass = is_loop && seed % 8 == 0 ? "peel_loop" : kPasses[is_loop ? 0 : seed / 4 % std::size(kPasses)];
    Trace after = seed % 2 == 0 ? gen.optimised : gen.plain;
    ASSERT_TRUE(run_pass(pass, after));
    const Equivalence found = compare_traces(gen.plain, after);
    EXPECT_EQ(problem(found), "") << "seed " << seed << ", " << pass << "\n"
                                  << to_text(gen.plain) << "---\n"
                                  << to_text(after);
    if (found.unknown > 0) std::printf("  unknown: seed %lu, %s, %d claims\n", seed, pass, found.unknown);
    loops += after.ins.back().op == IrOp::kLoopBack ? 1 : 0;
    sum.add(found);
  }
  sum.print(fmt::format("random traces {} to {}{}, {} loops", first, last, what, loops).c_str());
  EXPECT_GT(sum.by_solver, 0);
}

TEST(TraceProof, RandomTraces) {
  const auto [first, last] = wanted_seeds();
  prove_random_traces(first, last, "", {});
}

TEST(TraceProof, RandomTracesOfBits) {
  const auto [first, last] = wanted_seeds();
  constexpr uint64_t kPart = 4;
  prove_random_traces(first, first + (last - first) / kPart, " with bits", {.bits = true});
}

TEST(TraceProof, RandomTracesOfTags) {
  const auto [first, last] = wanted_seeds();
  constexpr uint64_t kPart = 4;
  prove_random_traces(first, first + (last - first) / kPart, " with sets of tags", {.tag_sets = true});
}

/// Returns what the solver says of two traces of the code.
Equivalence of_texts(const char* before, const char* after) {
  IrCodes codes;
  // The same text makes the same code objects, so that positions are equal.
  Code* known = nullptr;
  const CodeResolver resolve = [&](const CodeMention& mention) {
    if (known == nullptr) known = codes.make(mention.block, mention.arity, mention.captures);
    return known;
  };
  const std::string head = "code c0 \"/A%.f\" arity 2 captures 1\ntrace 1 function c0 extent 8\n";
  const TraceParse old_trace = parse_trace(head + before, "before", resolve);
  const TraceParse new_trace = parse_trace(head + after, "after", resolve);
  EXPECT_TRUE(old_trace.trace) << old_trace.error;
  EXPECT_TRUE(new_trace.trace) << new_trace.error;
  if (!old_trace.trace || !new_trace.trace) return {};
  return compare_traces(*old_trace.trace, *new_trace.trace);
}

/// Checks that traces which are not equal are refuted, each for its own reason.
TEST(TraceProof, WrongPassesAreRefuted) {
  constexpr const char* kSnapshots = R"(
snapshot s0
  frame c0+0 base 0 memory
snapshot s1
  frame c0+4 base 0 memory
  slot 2 %x
)";
  struct Row {
    const char* what;
    const char* before;
    const char* after;
  };
  constexpr Row kRows[] = {
      {"another result", "{\n%x = slot 0\n%y = slot 1\nis_packed %x @s0\nis_packed %y @s1\nreturn %x\n}",
       "{\n%x = slot 0\n%y = slot 1\nis_packed %x @s0\nis_packed %y @s1\nreturn %y\n}"},
      {"a lost guard", "{\n%x = slot 0\nis_packed %x @s0\nis_natural %x @s1\nreturn %x\n}",
       "{\n%x = slot 0\nis_packed %x @s0\nreturn %x\n}"},
      {"a guard that leaves too late", "{\n%x = slot 0\n%y = slot 1\nis_packed %x @s0\nis_packed %y @s1\nreturn %x\n}",
       "{\n%x = slot 0\n%y = slot 1\nis_packed %y @s1\nis_packed %x @s1\nreturn %x\n}"},
      {"another field", "{\n%x = slot 0\nis_pointer %x @s0\n%f = field %x 0\nreturn %f\n}",
       "{\n%x = slot 0\nis_pointer %x @s0\n%f = field %x 1\nreturn %f\n}"},
      {"another object", "{\n%x = slot 0\n%o = new 0x200000001 - (%x %x) @s0\nis_packed %x @s1\nreturn %o\n}",
       "{\n%x = slot 0\n%o = new 0x200000009 - (%x %x) @s0\nis_packed %x @s1\nreturn %o\n}"},
      {"a sum that does not fit",
       "{\n%x = slot 0\n%y = slot 1\nis_natural %x @s0\nis_natural %y @s0\n%s = add %x %y @s1\nreturn %s\n}",
       "{\n%x = slot 0\n%y = slot 1\nis_natural %x @s0\nis_natural %y @s0\n%s = add %x %y fits\nreturn %s\n}"},
      {"a wrong product", "{\n%x = slot 0\nis_natural %x @s0\n%c = constant 0x13\n%p = mul %x %c @s1\nreturn %p\n}",
       "{\n%x = slot 0\nis_natural %x @s0\n%p = shift_left %x 3 @s1\nreturn %p\n}"},
  };
  for (const Row& row : kRows) {
    const Equivalence found =
        of_texts((std::string(row.before) + kSnapshots).c_str(), (std::string(row.after) + kSnapshots).c_str());
    EXPECT_NE(found.refuted, "") << row.what;
    EXPECT_EQ(of_texts((std::string(row.before) + kSnapshots).c_str(), (std::string(row.before) + kSnapshots).c_str())
                  .refuted,
              "")
        << row.what;
  }
  const std::string turn =
      "%own = slot -3\n%n = slot 0\n%m = slot 1\n%one = constant 0x7\nis_natural %n @s0\n%sum = add %n %one @s1\n";
  const std::string call = "{\n" + turn + "tail_call %own c0 (%sum %m)\n}";
  const std::string before =
      call + "\nsnapshot s0\n  frame c0+4 base 0 memory\nsnapshot s1\n  frame c0+8 base 0 memory\n";
  // In the loop the argument is not in memory.
  const std::string snapshots = R"(
snapshot s0
  frame c0+4 base 0 memory
snapshot s1
  frame c0+8 base 0 memory
snapshot s3
  frame c0+8 base 0 memory
  slot 0 %v
snapshot s2
  frame c0+0 base 0 memory
  slot 0 %next
)";
  const auto with = [&](const char* next, const char* entry, const char* at) {
    return "{\n" + turn + "%v = phi " + entry + "\nassume %v packed natural\nloop_start (%v)\n%next = add %v " + next +
           " " + at + "\nloop_back (%next) @s2\n}" + snapshots;
  };
  EXPECT_EQ(problem(of_texts(before.c_str(), with("%one", "%sum", "@s3").c_str())), "");
  EXPECT_NE(of_texts(before.c_str(), with("%v", "%sum", "@s3").c_str()).refuted, "") << "another step";
  EXPECT_NE(of_texts(before.c_str(), with("%one", "%n", "@s3").c_str()).refuted, "") << "another entry";
  EXPECT_NE(of_texts(before.c_str(), with("%one", "%sum", "@s1").c_str()).refuted, "") << "a stale slot";
}

}  // namespace
}  // namespace fble::proofs
