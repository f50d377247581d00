// What the trace viewer collects. The data of a small program are in tests/golden/view.
#include "frontends/view/collect.h"

#include <gmock/gmock.h>

#include "frontends/fble/lower.h"
#include "interp/machine.h"
#include "jit/engine/trace_engine.h"
#include "tests/support/checked_source.h"
#include "tests/support/golden.h"
#include "tests/support/view_data.h"

namespace fble {
namespace {

using Json = ViewCollector::Json;

/// Reverses and adds up binary numbers. Its loop makes objects that an exit rebuilds.
constexpr const char* kNumbers = R"(
Unit@ = *();
Nat@ = +(Unit@ 1, Nat@ 2, Nat@ 3);
Pair@ = *(Nat@ first, Nat@ second);
Nat@ 1 = Nat@(1: Unit@());
(Nat@, Nat@) { Nat@; } Reverse = (Nat@ n, Nat@ done) {
  n.?(1: done, 2: Reverse(n.2, Nat@(2: done)), 3: Reverse(n.3, Nat@(3: done)));
};
(Nat@, Pair@) { Nat@; } Twice = (Nat@ n, Pair@ pair) {
  n.?(1: pair.first, 2: Twice(n.2, Pair@(pair.second, Reverse(pair.first, 1))), 3: Twice(n.3, Pair@(pair.first, n)));
};
(Nat@) { Nat@; } Double = (Nat@ n) { Nat@(2: Nat@(3: n)); };
(Nat@) { Nat@; } Longer = (Nat@ n) { Double(Double(Double(Double(n)))); };
Nat@ many = Longer(Longer(Longer(Longer(Longer(Longer(1))))));
Twice(many, Pair@(many, Reverse(many, 1)));
)";

class CollectTest : public testing::Test {
 protected:
  /// Runs a module and returns what was collected.
  Json collect(const char* text, JitOptions options, const MachineOptions& machine_options = {}) {
    SourceProgram source;
    const std::unique_ptr<ProgramCode> program = lower_program(*source.add("/P%", text).check());
    NativeTable natives;
    Machine machine(*program, natives, machine_options);
    ViewCollector collector("/P%");
    options.events = &collector;
    TraceEngine engine(machine.carrier(), options);
    EXPECT_TRUE(machine.run_modules()) << machine.error().render();
    stats_ = engine.stats();
    return collector.finish();
  }

  JitStats stats_;
};

/// Removes what differs from processor to processor or from run to run: machine code, sizes and times.
void remove_varying(Json& data) {
  for (Json& trace : data["traces"]) {
    for (const char* varies : {"machine", "table", "bytes", "evicted"}) trace.erase(varies);
    for (Json& exit : trace["exits"]) exit.erase("stub");
  }
  for (Json& recording : data["recordings"]) {
    for (const char* varies : {"start", "end", "done"}) recording.erase(varies);
  }
  for (const char* varies : {"heat", "ran"}) data.erase(varies);
}

TEST_F(CollectTest, DataOfASmallProgram) {
  JitOptions options;
  options.params.hot_calls = options.params.hot_exits = options.params.hot_returns = 8;
  Json data = collect(kNumbers, options);
  remove_varying(data);
  expect_golden(FBLE_SOURCE_DIR "/tests/golden/view/numbers.json", lines_of(data) + "\n");
}

TEST_F(CollectTest, EveryByteOfMachineCodeBelongsToARow) {
  JitOptions options;
  options.eager = true;
  for (const bool is_tested : {false, true}) {
    if (is_tested) options.deopt_every = 3;
    const Json data = collect(kNumbers, options);
    ASSERT_GT(data["traces"].size(), 3u);
    uint64_t all = 0;
    for (const Json& trace : data["traces"]) {
      uint64_t next = 0;
      for (const Json& row : trace["machine"]) {
        EXPECT_EQ(row[0], next);
        EXPECT_GT(row[1], 0);
        next += row[1].get<uint64_t>();
      }
      EXPECT_EQ(trace["bytes"], next);
      all += next;
    }
    EXPECT_EQ(all, stats_.code_bytes);
  }
}

TEST_F(CollectTest, RowsNameWhatExists) {
  JitOptions options;
  options.eager = true;
  const Json data = collect(kNumbers, options);
  for (const Json& trace : data["traces"]) {
    const Json& ir = trace["stages"].back()["rows"];
    const auto instructions = static_cast<int64_t>(ir.size());
    const auto exits = static_cast<int64_t>(trace["exits"].size());
    std::vector<int> bodies(ir.size()), stubs(trace["exits"].size());
    for (const Json& row : trace["machine"]) {
      const int64_t ins = row[3], exit = row[4];
      ASSERT_LT(ins, instructions);
      ASSERT_LT(exit, exits);
      if (ins >= 0) ++bodies[static_cast<size_t>(ins)];
      if (exit >= 0) ++stubs[static_cast<size_t>(exit)];
    }
    EXPECT_THAT(stubs, testing::Each(testing::Gt(0)));
    for (const Json& exit : trace["exits"]) {
      EXPECT_THAT(ir[exit["ins"].get<size_t>()][0].get<std::string>(),
                  testing::HasSubstr(exit["guard"].get<std::string>()));
      for (const Json& link : exit["links"]) EXPECT_LT(link[0], data["traces"].size());
    }
    for (const Json& row : ir) {
      const int64_t code = row[1];
      ASSERT_LT(code, static_cast<int64_t>(data["codes"].size()));
      if (code < 0) continue;
      const Json& bytecode = data["codes"][static_cast<size_t>(code)]["rows"];
      EXPECT_TRUE(std::ranges::any_of(bytecode, [&](const Json& other) { return other[0] == row[2]; })) << row;
    }
  }
}

TEST_F(CollectTest, ExitsAreThoseOfTheStatistics) {
  JitOptions options;
  options.params.hot_calls = 8;
  for (const uint32_t every : {0u, 2u}) {
    options.deopt_every = every;
    const Json data = collect(kNumbers, options);
    EXPECT_EQ(sum_of_exits(data, "guard", "taken"), stats_.exits);
    EXPECT_EQ(sum_of_exits(data, "yield point", "taken"), stats_.yields);
    EXPECT_EQ(sum_of_exits(data, "return", "taken"), stats_.cold_returns);
    uint64_t heat = 0;
    for (const Json& count : data["heat"]["exits"]) heat += count.get<uint64_t>();
    EXPECT_EQ(heat, stats_.exits + stats_.yields + stats_.cold_returns);
  }
}

TEST_F(CollectTest, FlushedTracesStay) {
  JitOptions options;
  options.eager = true;
  options.params.max_traces = 3;
  const Json data = collect(kNumbers, options);
  EXPECT_EQ(data["traces"].size(), stats_.traces[0] + stats_.traces[1] + stats_.traces[2]);
  EXPECT_EQ(data["lost"].size(), stats_.flushes);
  EXPECT_EQ(data["traces"][0]["name"], "0");
  EXPECT_GE(data["traces"][0]["evicted"], 0);
  EXPECT_EQ(data["traces"][3]["name"], "1.0");
  EXPECT_EQ(data["traces"][3]["root"], 3);
}

TEST_F(CollectTest, CollectionsAreCounted) {
  MachineOptions machine;
  machine.heap.stress = 10;
  const Json data = collect(kNumbers, {}, machine);
  uint64_t collections = 0;
  for (const Json& count : data["heat"]["collections"]) collections += count.get<uint64_t>();
  EXPECT_GT(collections, 10u);
}

TEST(HeatTest, IntervalsDoubleAsTimePasses) {
  Heat heat;
  for (uint64_t ns = 0; ns < 3'000'000; ns += 1000) ++heat.at(ns).exits;
  EXPECT_EQ(heat.width_ns(), 8000u);
  ASSERT_EQ(heat.intervals().size(), 375u);
  for (const Heat::Interval& interval : heat.intervals()) EXPECT_EQ(interval.exits, 8u);
}

}  // namespace
}  // namespace fble
