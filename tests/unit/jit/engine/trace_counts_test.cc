// Counts of what machine code has run: of traces with given counters, and of programs in many modes.
#include "jit/engine/trace_counts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>

#include "jit/engine/trace_engine.h"
#include "tests/support/counted_steps.h"
#include "tests/support/linked_numbers.h"

namespace fble {
namespace {

/// Three traces of a function with four instructions: one that is straight, a bridge of it, and a loop.
class Counters : public testing::Test {
 protected:
  Counters() : counts_(instructions_, 8) {
    for (int i = 0; i < 4; ++i) code_.words.insert(code_.words.end(), {static_cast<uint32_t>(Op::kJump), 2});
    finish_code(code_);
    native_.words = {static_cast<uint32_t>(Op::kNativeBody)};
    finish_code(native_);
  }

  Trace trace(uint32_t id, std::vector<int> path) {
    Trace trace;
    trace.id = id;
    for (const int step : path) trace.path.push_back({&code_, code_.start + 2 * step});
    trace.steps = static_cast<uint32_t>(path.size());
    return trace;
  }
  static ExitSite exit(uint32_t steps, uint32_t ins = 0) {
    ExitSite site;
    site.steps = steps;
    site.ins = ins;
    return site;
  }
  std::vector<uint64_t> counted() {
    counts_.add_up();
    std::vector<uint64_t> times;
    for (size_t i = 0; i < 4; ++i) times.push_back(code_.counts == nullptr ? 0 : code_.counts[2 * i]);
    return times;
  }
  using Times = std::vector<uint64_t>;

  Code code_;
  Code native_;
  InstructionCounts instructions_;
  TraceCounts counts_;
};

TEST_F(Counters, ExitsAndBridgesEndALine) {
  ExitSite back = exit(2);
  back.guard = IrOp::kCall;
  Trace straight = trace(0, {0, 1, 2});
  straight.path[1].native = &native_;
  counts_.note(straight, {exit(0), exit(1), exit(2), back});
  Trace bridge = trace(1, {1, 3});
  bridge.kind = TraceKind::kBridge;
  bridge.parent = 0;
  bridge.parent_exit = 1;
  counts_.note(bridge, {exit(1)});
  counts_.counters(0).entries = 100;
  counts_.counters(1).entries = 30;
  counts_.note_exit({0, 1});
  counts_.note_exit({0, 2});
  counts_.note_exit({0, 3});  // a return is behind the last instruction
  counts_.note_exit({1, 0});
  EXPECT_EQ(counted(), (Times{100, 69 + 30, 68, 29}));
  EXPECT_EQ(native_.counts[0], 69u);
  // What has been added is not added again.
  EXPECT_EQ(counted(), (Times{100, 99, 68, 29}));
  counts_.counters(0).entries = 1;
  EXPECT_EQ(counted(), (Times{101, 100, 69, 29}));
}

TEST_F(Counters, ALoopHasTurnsOfItsOwn) {
  Trace loop = trace(0, {0, 1});
  loop.ins.resize(3);
  loop.ins[1].op = IrOp::kLoopStart;
  counts_.note(loop, {exit(1, 0), exit(2, 0), exit(2, 2), exit(3, 2), exit(4, 2)});
  counts_.counters(0) = {.entries = 10, .turns = 1000};
  for (uint32_t i = 0; i < 5; ++i) counts_.note_exit({0, i});
  // The second exit is before the loop, the last at its end.
  EXPECT_EQ(counted(), (Times{10 + 999, 9 + 998, 0, 0}));
}

/// A select in step 0 of the trace, in whose arm for tag 1 there is another one.
TEST_F(Counters, ArmsRunAsTheirTagsSay) {
  Trace selects = trace(0, {0, 3});
  const auto step = [&](int number, bool is_run = true) {
    return ArmTally::Step{&code_, code_.start + 2 * number, is_run};
  };
  selects.tallies = {{.step = 0, .runs = {{step(1)}, {step(2), step(3, false)}}},
                     {.step = 0, .outer = 0, .arm = 1, .group = 1, .runs = {{step(1)}, {step(1), step(1)}}}};
  selects.tally_groups = 2;
  TallyGroup* groups = counts_.new_tallies(2);
  counts_.note(selects, {exit(0), exit(1)});
  counts_.counters(0).entries = 100;
  counts_.note_exit({0, 0});
  counts_.note_exit({0, 1});
  groups[0] = {59, 40};
  groups[1] = {10, 30};
  EXPECT_EQ(counted(), (Times{99, 59 + 10 + 2 * 30, 40, 98 - 40}));
  EXPECT_EQ(counted(), (Times{99, 59 + 10 + 2 * 30, 40, 98 - 40}));
  {
    const TraceCounts::Paused paused(counts_);
    groups[0][1] = 1;
  }
  EXPECT_EQ(groups[0][1], 0u);
}

/// The same selects, whose tags are counted together.
TEST_F(Counters, ArmsRunAsPairsOfTagsSay) {
  Trace selects = trace(0, {0, 3});
  const auto step = [&](int number) { return ArmTally::Step{&code_, code_.start + 2 * number}; };
  selects.tallies = {{.step = 0, .ones = 0b1010, .runs = {{step(1)}, {step(2)}}},
                     {.step = 0, .outer = 0, .arm = 1, .ones = 0b1000, .runs = {{step(1)}, {step(3)}}}};
  selects.tally_groups = 1;
  TallyGroup* groups = counts_.new_tallies(1);
  counts_.note(selects, {});
  counts_.counters(0).entries = 100;
  groups[0] = {45, 10, 15, 30};
  EXPECT_EQ(counted(), (Times{100, 60 + 10, 40, 100 + 30}));
  EXPECT_EQ(groups[0], TallyGroup{});
}

TEST_F(Counters, EachTraceHasTalliesOfItsOwn) {
  std::vector<TallyGroup*> all;
  for (int i = 0; i < 100; ++i) all.push_back(counts_.new_tallies(1000));
  for (TallyGroup* groups : all) std::fill_n(groups, 1000, TallyGroup{7, 7, 7, 7});
  // A trace may have more than usual.
  std::fill_n(counts_.new_tallies(100'000), 100'000, TallyGroup{3, 3, 3, 3});
  for (size_t i = 0; i < all.size(); ++i) all[i][0][0] = all[i][999][3] = i;
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i][0][0] + all[i][500][1] + all[i][999][3], 2 * i + 7);
}

TEST_F(Counters, NothingIsCountedMeanwhile) {
  counts_.note(trace(0, {0}), {});
  counts_.counters(0).entries = 5;
  {
    const TraceCounts::Paused paused(counts_);
    counts_.counters(0).entries = 50;
  }
  EXPECT_EQ(counted(), (Times{5, 0, 0, 0}));
  // A trace that was given up leaves nothing to one with its number.
  counts_.counters(0).entries = 7;
  counts_.note(trace(0, {1}), {});
  EXPECT_EQ(counted(), (Times{5, 0, 0, 0}));
}

TEST(TraceCounts, AreThoseOfTheInterpreter) {
  std::vector<std::pair<const char*, JitOptions>> modes(10);
  size_t mode = 0;
  const auto options = [&](const char* name) -> JitOptions& {
    modes[mode].first = name;
    return modes[mode++].second;
  };
  options("usual");
  options("eager").eager = true;
  JitOptions& every = options("deopt-every");
  every.eager = true;
  every.deopt_every = 3;
  JitOptions& sweep = options("deopt-sweep");
  sweep.eager = sweep.deopt_sweep = true;
  JitOptions& shadow = options("shadow-check");
  shadow.eager = shadow.shadow_check = true;
  shadow.deopt_every = 5;
  JitOptions& few = options("few traces");
  few.eager = true;
  few.params.max_traces = 5;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    JitOptions& chaos = options("chaos");
    chaos.eager = true;
    chaos.chaos = seed;
  }
  for (const char* text : kCountedPrograms) {
    CountedProgram program(text);
    const StepCounts expected = program.observed();
    for (const auto& [name, jit] : modes) {
      for (const unsigned stress : {0u, 1u}) {
        const auto attach = [&](Carrier& carrier) { return std::make_unique<TraceEngine>(carrier, jit); };
        EXPECT_EQ(program.counted(attach, {.heap = {.stress = stress}}), expected) << name << stress << text;
      }
    }
  }
}

/// What `--stats` says of remembered calls and walks.
struct Replaced {
  uint64_t remembered = 0;
  uint64_t walks = 0;
  uint64_t failures = 0;
  uint64_t recalls = 0;  ///< traces that look in memos
};

/// An engine that leaves its statistics when it is detached.
class WatchedEngine {
 public:
  WatchedEngine(Carrier& carrier, const JitOptions& options, Replaced& replaced)
      : engine_(std::make_unique<TraceEngine>(carrier, options)), replaced_(replaced) {}
  WatchedEngine(WatchedEngine&&) = default;
  ~WatchedEngine() {
    const std::string text = engine_->stats_text();
    EXPECT_EQ(
        std::sscanf(text.c_str() + text.find("memos:"),
                    "memos: %*u functions, %*u given up, %*u of their tables freed; %lu calls", &replaced_.remembered),
        1);
    EXPECT_EQ(std::sscanf(text.c_str() + text.find("strides:"),
                          "strides: %*u functions, %*u given up; %lu calls computed, %lu made", &replaced_.walks,
                          &replaced_.failures),
              2);
    for (uint32_t i = 0; i < engine_->traces().size(); ++i) {
      const std::vector<WholeStep>& whole = engine_->traces()[i].whole_steps;
      replaced_.recalls +=
          std::ranges::any_of(whole, [](const WholeStep& step) { return step.end == nullptr; }) ? 1 : 0;
    }
  }

 private:
  std::unique_ptr<TraceEngine> engine_;
  Replaced& replaced_;
};

constexpr unsigned kTurns = 150;

/// Programs with calls that are remembered, computed by walks, or neither.
const std::string kReplacedCalls[] = {
    loop("", "Add(x, y)", 20, kTurns), loop("", "LessOr(x, y, True).?(true: Decr(y), false: Incr(x))", 12, kTurns),
    // The same calls again and again; the last one is a tail call of an inlined function.
    kNumbers + "Num@ Large = " + number(0x12345) + ";\n" + R"(
(Num@) { Num@; } Plus = (Num@ a) { Add(a, Large); };
(Num@, Num@) { Num@; } Same = (Num@ n, Num@ sum) { n.?(end: sum); Same(Decr(n), Plus(Add(Add(Large, One), sum))); };
(Num@) { Num@; } Repeat = (Num@ n) { n.?(end: n); Same(Double(One), Large).?(end: n); Repeat(Decr(n)); };
Repeat()" +
        number(1000) + ");\n",
    // Walks that fail, since the sum does not fit.
    loop("", "Low(Mask, Add(Double(x), Double(y)))", 30, kTurns),
    // Objects with packed words at their ends.
    loop("Num@ Large = " + number(uint64_t{0x123456789ab}) + ";\n", "Low(Mask, Add(Add(x, Large), y))", 29, kTurns),
    // An error in the last turn, in a call that might have been computed.
    loop("(Num@, Num@) { Num@; } Picky = (Num@ a, Num@ n) { a.?(end: n.?(1: n.1, : n.0), 0: Num@(1: Picky(a.0, n)), "
         "1: Num@(0: Picky(a.1, n))); };",
         "Low(Mask, Picky(x, Decr(n)))", 16, kTurns)};

class ReplacedCalls : public testing::TestWithParam<std::tuple<uint32_t, uint32_t>> {};

// Whatever machine code does in place of calls counts as those calls: hits of memos whose rows are replaced or not, in
// memos' code or in traces; walks that succeed, fail or are given up.
TEST_P(ReplacedCalls, CountAsTheCalls) {
  std::vector<std::pair<const char*, JitOptions>> modes;
  const auto options = [&](const char* name) -> JitOptions& {
    JitOptions& jit = modes.emplace_back(name, JitOptions{.eager = true}).second;
    std::tie(jit.params.memo_bits, jit.params.stride_trial) = GetParam();
    jit.params.memo_proof = 100;
    jit.params.memo_trial = 100'000;
    return jit;
  };
  modes.reserve(9);
  options("eager");
  options("early proof").params.memo_proof = 1;
  options("given up").params.memo_trial = 50;
  options("usual").eager = false;
  options("few traces").params.max_traces = 60;
  options("deopt-every").deopt_every = 7;
  JitOptions& shadow = options("shadow-check");
  shadow.shadow_check = true;
  shadow.deopt_every = 50;
  options("deopt-sweep").deopt_sweep = true;
  options("chaos").chaos = 1;
  Replaced all;
  for (const std::string& text : kReplacedCalls) {
    CountedProgram program(text.c_str());
    const StepCounts expected = program.observed();
    for (const auto& [name, jit] : modes) {
      Replaced replaced;
      const auto attach = [&](Carrier& carrier) { return WatchedEngine(carrier, jit, replaced); };
      EXPECT_EQ(program.counted(attach), expected) << name << text;
      all.remembered += replaced.remembered;
      all.walks += replaced.walks;
      all.failures += replaced.failures;
      all.recalls += replaced.recalls;
    }
  }
  EXPECT_GT(all.remembered, 1000u);
  EXPECT_GT(all.walks, 10'000u);
  EXPECT_GT(all.failures, 100u);
  EXPECT_TRUE(all.recalls > 1 || std::get<0>(GetParam()) < 11);
}

INSTANTIATE_TEST_SUITE_P(TablesOfSizes, ReplacedCalls,
                         testing::Values(std::tuple(1, 20), std::tuple(4, 1'000'000), std::tuple(11, 20)));

}  // namespace
}  // namespace fble
