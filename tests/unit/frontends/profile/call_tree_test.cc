// Trees of calls: sums, order, and the views of functions and lines.
#include "frontends/profile/call_tree.h"

#include <gtest/gtest.h>

#include <deque>

namespace fble {
namespace {

/// main calls f at line 3 and g at line 4; f calls itself at 11, and g at 12.
CallTree example() {
  CallTreeBuilder builder;
  const uint32_t main = builder.function({"/A%", {"A.fble", 1}});
  const uint32_t f = builder.function({"/A%.f", {"A.fble", 10}});
  const uint32_t g = builder.function({"/B%.g", {"B.fble", 2}});
  const uint32_t gc = builder.function({"[collect minor]", {}});
  const uint32_t top = builder.path(0, main, {});
  const uint32_t in_f = builder.path(top, f, {"A.fble", 3});
  const uint32_t in_f_f = builder.path(in_f, f, {"A.fble", 11});
  const uint32_t in_f_g = builder.path(in_f, g, {"A.fble", 12});
  const uint32_t in_g = builder.path(top, g, {"A.fble", 4});
  builder.add(top, {.line = {"A.fble", 5}, .samples = 1, .ns = 100});
  builder.add(in_f, {.line = {"A.fble", 10}, .tier = Tier::kMachineCode, .trace = 2, .samples = 2, .ns = 200});
  builder.add(in_f_f, {.line = {"A.fble", 10}, .samples = 3, .ns = 300});
  builder.add(in_f_g, {.line = {"B.fble", 2}, .samples = 1, .ns = 50});
  builder.add(in_g, {.line = {"B.fble", 3}, .samples = 1, .ns = 150});
  builder.add(in_g, {.line = {"B.fble", 3}, .samples = 2, .ns = 100});
  builder.add(builder.path(in_g, gc, {"B.fble", 3}), {.tier = Tier::kRuntime, .samples = 1, .ns = 100});
  return builder.finish(1000);
}

TEST(CallTree, SumsUp) {
  const CallTree tree = example();
  EXPECT_EQ(tree.ns(), 1000u);
  EXPECT_EQ(tree.samples(), 11u);
  const ProfiledPath& top = tree.paths[tree.paths[0].children[0]];
  EXPECT_EQ(top.self_ns, 100u);
  EXPECT_EQ(top.total_ns, 1000u);
  // The most time first.
  EXPECT_EQ(tree.functions[tree.paths[top.children[0]].function].name, "/A%.f");
  EXPECT_EQ(tree.paths[top.children[1]].total_ns, 350u);
}

TEST(CallTree, RecursionCountsOnceInTotals) {
  const CallTree tree = example();
  std::map<std::string, std::pair<uint64_t, uint64_t>> times;
  for (const FunctionTime& time : function_times(tree)) {
    times[tree.functions[time.function].name] = {time.self_ns, time.total_ns};
  }
  EXPECT_EQ(times.size(), 4u);
  EXPECT_EQ(times["/A%.f"], std::pair(uint64_t{500}, uint64_t{550}));
  EXPECT_EQ(times["/B%.g"], std::pair(uint64_t{300}, uint64_t{400}));
  EXPECT_EQ(times["/A%"], std::pair(uint64_t{100}, uint64_t{1000}));
  EXPECT_EQ(times["[collect minor]"], std::pair(uint64_t{100}, uint64_t{100}));
  EXPECT_EQ(tree.functions[function_times(tree)[0].function].name, "/A%.f");
}

TEST(CallTree, LinesHaveTheirOwnTimeAndThatOfTheirCalls) {
  const CallTree tree = example();
  std::map<uint32_t, std::pair<uint64_t, uint64_t>> lines;
  for (const LineTime& time : line_times(tree, "A.fble")) lines[time.line.line] = {time.self_ns, time.total_ns};
  const std::map<uint32_t, std::pair<uint64_t, uint64_t>> expected = {{3, {0, 550}},    {4, {0, 350}},  {5, {100, 100}},
                                                                      {10, {500, 500}}, {11, {0, 300}}, {12, {0, 50}}};
  EXPECT_EQ(lines, expected);
  const std::vector<LineTime> others = line_times(tree, "B.fble");
  ASSERT_EQ(others.size(), 2u);
  EXPECT_EQ(others[1].self_ns, 250u);
  EXPECT_EQ(others[1].total_ns, 350u);
  EXPECT_EQ(profiled_files(tree), (std::vector<std::string>{"A.fble", "B.fble"}));
}

TEST(CallTree, IsMadeOfSamples) {
  std::deque<Code> codes(3);
  Code& main = codes[0];
  Code& loop = codes[1];
  Code& native = codes[2];
  uint32_t line = 1;
  for (Code& code : codes) {
    code.words.assign(20, 0);
    code.loc = Loc{Symbol("A.fble"), line, 1};
    code.locs = {{10, Loc{Symbol("A.fble"), line + 1, 5}}, {20, Loc{Symbol("A.fble"), line + 2, 5}}};
    line += 10;
  }
  main.block = Symbol("/A%");
  loop.block = Symbol("/A%.loop");
  native.block = Symbol("/Std/Int%.Add");
  native.native = [](NativeCall&) -> Word { return 0; };
  SampleTable table;
  const uint32_t in_main = table.enter(0, nullptr, &main);
  // The call ends at word 10, so it is on the line of the words before it.
  const uint32_t in_loop = table.enter(in_main, main.words.data() + 10, &loop);
  const uint32_t in_native = table.enter(in_loop, loop.words.data() + 15, &native);
  table.add(in_loop, loop.words.data() + 12, Activity::kProgram, Tier::kMachineCode, 3, 70);
  table.add(in_loop, loop.words.data() + 2, Activity::kCollectMinor, Tier::kRuntime, 0, 20);
  table.add(in_native, native.words.data(), Activity::kProgram, Tier::kRuntime, 0, 10);
  const CallTree tree = make_call_tree(table, 1000, 1, 50);
  EXPECT_EQ(tree.ns(), 150u);
  EXPECT_EQ(tree.broken, 1u);
  std::map<std::string, uint64_t> self;
  for (const FunctionTime& time : function_times(tree)) self[tree.functions[time.function].name] = time.self_ns;
  const std::map<std::string, uint64_t> expected = {
      {"/A%", 0}, {"/A%.loop", 70}, {"[collect minor]", 20}, {"[native /Std/Int%.Add]", 10}, {"[check]", 50}};
  EXPECT_EQ(self, expected);
  std::map<uint32_t, std::pair<uint64_t, uint64_t>> lines;
  for (const LineTime& time : line_times(tree, "A.fble")) lines[time.line.line] = {time.self_ns, time.total_ns};
  EXPECT_EQ(lines[2], std::pair(uint64_t{0}, uint64_t{100}));   // main's call
  EXPECT_EQ(lines[13], std::pair(uint64_t{70}, uint64_t{80}));  // the loop, with the native that it calls there
  EXPECT_EQ(lines[12], std::pair(uint64_t{0}, uint64_t{20}));   // where the collection began
}

}  // namespace
}  // namespace fble
