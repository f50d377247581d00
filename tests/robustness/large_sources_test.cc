// Sources that are large in one place: memory and time grow with the source and not faster.
#include <gmock/gmock.h>

#include <regex>

#include "tests/robustness/edges.h"

namespace fble {
namespace {

[[maybe_unused]] constexpr size_t kMegabyte = size_t{1} << 20;

class LargeSourcesTest : public EdgesTest {
 protected:
  struct Cost {
    double seconds;  ///< of processor time
    size_t bytes;    ///< the most memory
    CommandResult result;
  };

  Cost cost_of(const std::vector<std::string>& words) const {
    const double before = seconds_of_children();
    Process process = start(words);
    Cost cost{};
    cost.bytes = watch_memory(process);
    cost.result = finish(process);
    cost.seconds = seconds_of_children() - before;
    EXPECT_EQ(cost.result.status, 0) << words_text(words) << ": " << cost.result.err.substr(0, 1000);
    return cost;
  }

  /// Writes a module whose value is a list of calls, each of which makes a list of `work` items.
  void write_calls(const std::string& name, int count, int work) const {
    std::string text = R"(Int@, 0, 1, Decr, Incr .= /Std/Int%;
Int .= /Std/Int/Lit%;
List@, List, Items, Empty .= /Std/List%;
Eq .= /Std/Int/Eq%;
Bool@ .= /Std/Bool%;
(Int@, List@<Int@>, Int@) { Int@; }
Work = (Int@ n, List@<Int@> l, Int@ k) {
  Eq(n, 0).?(true: k);
  Work(Decr(n), Items(n, l), Incr(k));
};
Int@ w = Int|)" + std::to_string(work) +
                       ";\nList@<Int@> l = List[";
    for (int i = 0; i < count; ++i) text += (i == 0 ? "" : ",\n") + std::string("Work(w, Empty<Int@>, 0)");
    write(name, text + "];\nl;\n");
  }

  /// Writes a module whose value is the list of the numbers below `count`.
  void write_numbers(const std::string& name, int count) const {
    std::string text = "Int@ .= /Std/Int%;\nInt .= /Std/Int/Lit%;\nList@, List .= /Std/List%;\nList@<Int@> l = List[";
    for (int i = 0; i < count; ++i) text += (i == 0 ? "Int|" : ",\nInt|") + std::to_string(i);
    write(name, text + "];\nl;\n");
  }

  /// Writes a union of `count` tags and a select among all of them.
  void write_tags(const std::string& name, int count) const {
    std::string fields;
    std::string choices;
    for (int i = 0; i < count; ++i) {
      const std::string comma = i == 0 ? "" : ", ";
      fields += comma + "Unit@ t" + std::to_string(i);
      choices += comma + "t" + std::to_string(i) + ": T@(t" + std::to_string(i * 7 % count) + ": Unit@())";
    }
    write(name, "Unit@ = *();\nT@ = +(" + fields + ");\n(T@) { T@; } F = (T@ x) { x.?(" + choices +
                    "); };\nF(T@(t0: Unit@()));\n");
  }
};

// Sanitizers change both.
#if !__has_feature(address_sanitizer)

TEST_F(LargeSourcesTest, CallsInOneBody) {
  for (const char* jit : {"--jit=off", "--jit=on"}) {
    write_calls("Few.fble", 5'000, 500);
    write_calls("Many.fble", 20'000, 500);
    const Cost few = cost_of({"test", jit, "--max-heap=64M", "Few.fble"});
    const Cost many = cost_of({"test", jit, "--max-heap=64M", "Many.fble"});
    EXPECT_LT(many.seconds, 8 * few.seconds) << jit;
    EXPECT_LT(many.bytes, 128 * kMegabyte) << jit;
  }
}

TEST_F(LargeSourcesTest, ItemsOfAList) {
  write_numbers("Few.fble", 40'000);
  write_numbers("Many.fble", 160'000);
  for (const char* command : {"check", "test"}) {
    const Cost few = cost_of({command, "Few.fble"});
    const Cost many = cost_of({command, "Many.fble"});
    EXPECT_LT(many.seconds, 8 * few.seconds) << command;
    EXPECT_LT(many.bytes, 150 * kMegabyte) << command;
  }
}

/// What a collection has to do for a large list must not come all at once: what is live at each position, all globals.
TEST_F(LargeSourcesTest, PausesOfALargeListAreShort) {
  write_numbers("Many.fble", 160'000);
  const Surroundings around{.environment = {std::string("LD_PRELOAD=") + FBLE_FAULT_SHIM, "FBLE_PROCESSOR_CLOCK=1"}};
  Process process = start({"test", "--stats", "Many.fble"}, around, FBLE_DYNAMIC_COMMAND);
  const CommandResult result = finish(process);
  EXPECT_EQ(result.status, 0);
  std::smatch longest;
  ASSERT_TRUE(std::regex_search(result.err, longest, std::regex("([0-9.]+) ms the longest"))) << result.err;
  // 3 ms, and more where other processes use the caches. It was 100 ms.
  EXPECT_LT(std::stod(longest[1]), 15) << result.err;
}

/// The numbers take 8 MB, the tables of what is live at each position 14 MB.
TEST_F(LargeSourcesTest, TablesOfWhatIsLiveArePartOfTheLimit) {
  write_numbers("Many.fble", 160'000);
  for (const char* jit : {"--jit=off", "--jit=on"}) {
    EXPECT_EQ(run_in({"test", jit, "--max-heap=24M", "Many.fble"}).status, 0) << jit;
    const CommandResult refused = run_in({"test", jit, "--max-heap=12M", "Many.fble"});
    EXPECT_EQ(refused.status, 6) << jit;
    EXPECT_THAT(refused.err, testing::HasSubstr("out of memory")) << jit;
  }
}

TEST_F(LargeSourcesTest, TagsOfAUnion) {
  write_tags("Few.fble", 10'000);
  write_tags("Many.fble", 40'000);
  EXPECT_LT(cost_of({"check", "Many.fble"}).seconds, 8 * cost_of({"check", "Few.fble"}).seconds);
}
#endif

}  // namespace
}  // namespace fble
