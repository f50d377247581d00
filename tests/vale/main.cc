// zork: the search of examples/Zork.fble in C++, in variants that differ in how they search many files at the same
// time.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tests/vale/chunk.h"
#include "tests/vale/folder.h"
#include "tests/vale/measure.h"
#include "tests/vale/runtime.h"

namespace {

using namespace vale;

constexpr std::string_view kHelp =
    R"(Usage: zork VARIANT FOLDER [WORD] [OPTION...]
       zork VARIANT wait|switch|call COUNT DEPTH [OPTION...]

Prints the names of the files in FOLDER, and in the folders below, that have WORD (zork): texts (.txt) anywhere, JSON
(.json) in a string that is a value. Then there is a line with the number of these files and of all that were searched.
The second form measures waiting searches, switches and virtual calls; see measure.h.

  T   OS threads
  V1  OS threads whose searches run on stacks of computed sizes
  V2  virtual threads on stacks of computed sizes, with io_uring
  A   coroutines, with io_uring

  --searches N  at the same time (64)
  --files N     open at the same time (as many as searches)
  --stack N     bytes for the stack of each OS thread of T
  --audit       paints the stacks of V1 and V2, and prints how much of them each function used; the exit status is 1 if
                that is more than was computed
)";

struct Variant {
  std::string_view name;
  Runtime& (*make)(const Limits& limits);
};

constexpr Variant kVariants[] = {
    {"T", make_os_threads}, {"V1", make_carriers}, {"V2", make_virtual_threads}, {"A", make_coroutines}};

struct Measurement {
  std::string_view name;
  void (*measure)(Runtime& runtime, int64_t count, int64_t depth);
};

constexpr Measurement kMeasurements[] = {{"wait", measure_waiting}, {"switch", measure_switch}, {"call", measure_call}};

bool read_number(std::string_view text, int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0;
}

/// Takes the options out of the words. False if one is wrong.
bool take_options(std::vector<std::string_view>& words, Limits& limits) {
  limits = {.searches = 64, .files = 0, .stack = 0};
  std::vector<std::string_view> rest;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (!word.starts_with("--")) {
      rest.push_back(word);
      continue;
    }
    if (word == "--audit") {
      audits_chunks = true;
      continue;
    }
    int64_t number = 0;
    if (++i == words.size() || !read_number(words[i], number)) return false;
    if (word == "--searches") {
      limits.searches = std::max<int64_t>(number, 1);
    } else if (word == "--files") {
      limits.files = number;
    } else if (word == "--stack") {
      limits.stack = static_cast<size_t>(number);
    } else {
      return false;
    }
  }
  if (limits.files == 0) limits.files = limits.searches;
  words = rest;
  return true;
}

/// Searches a folder and prints what is found. Returns whether there were no problems.
bool search_and_print(Runtime& made, std::string_view folder, std::string_view word) {
  Context context{.word = word, .runtime = made};
  Node root{.kind = &kFolder, .path = std::string(folder)};
  const Tally tally = made.run(root, context);
  std::ranges::sort(context.names);
  for (const std::string& name : context.names) fmt::print("{}\n", name);
  fmt::print("{} of {}\n", tally.hits, tally.files);
  std::ranges::sort(context.problems);
  for (const std::string& problem : context.problems) fmt::print(stderr, "zork: {}\n", problem);
  return context.problems.empty();
}

int misuse() {
  fmt::print(stderr, "{}", kHelp);
  return 2;
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::string_view> words(arguments + 1, arguments + count);
  Limits limits;
  if (!take_options(words, limits) || words.size() < 2) return misuse();
  const auto* variant = std::ranges::find(kVariants, words[0], &Variant::name);
  if (variant == std::end(kVariants)) return misuse();
  const auto* measurement = std::ranges::find(kMeasurements, words[1], &Measurement::name);
  const bool measures = measurement != std::end(kMeasurements) && words.size() == 4;
  int64_t times = 0;
  int64_t depth = 0;
  if (measures ? !read_number(words[2], times) || !read_number(words[3], depth) : words.size() > 3) return misuse();

  runtime = &variant->make(limits);
  bool good = true;
  if (measures) {
    measurement->measure(*runtime, times, depth);
  } else {
    good = search_and_print(*runtime, words[1], words.size() == 3 ? words[2] : "zork");
  }
  fmt::print(stderr, "{}", audit_report());
  return good && !audit_failed() ? 0 : 1;
}
