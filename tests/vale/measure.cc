#include "tests/vale/measure.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "gc/clock.h"
#include "tests/vale/dive.h"

namespace vale {
namespace {

/// Bytes of the process that are resident.
int64_t resident() {
  std::ifstream statm("/proc/self/statm");
  int64_t all = 0;
  int64_t pages = 0;
  statm >> all >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

/// Bytes that the kernel uses for what processes ask of it, in the whole system.
int64_t kernel_memory() {
  std::ifstream meminfo("/proc/meminfo");
  int64_t sum = 0;
  std::string name;
  for (int64_t kib = 0; meminfo >> name >> kib; meminfo.ignore(80, '\n')) {
    if (name == "Slab:" || name == "KernelStack:" || name == "PageTables:") sum += kib * 1024;
  }
  return sum;
}

double processor_seconds() { return static_cast<double>(fble::ns_of(CLOCK_PROCESS_CPUTIME_ID)) * 1e-9; }

/// Makes each dive the head of `depth` virtual calls. Returns what is below the heads: the bottoms first.
std::vector<Dive> with_depth(std::vector<Dive>& heads, int64_t depth) {
  std::vector<Dive> below;
  below.reserve(heads.size() * static_cast<size_t>(depth));
  for (Dive& head : heads) {
    Dive* lower = nullptr;
    for (int64_t level = 0; level < depth; ++level) {
      below.push_back(head);
      below.back().below = lower;
      lower = &below.back();
    }
    head.below = lower;
  }
  return below;
}

Dive dive() {
  Dive made;
  made.kind = &kDive;
  return made;
}

void search_all(Runtime& runtime, std::vector<Dive>& heads) {
  Crowd crowd;
  crowd.kind = &kCrowd;
  for (Dive& head : heads) crowd.dives.push_back(&head);
  Context context{.word = "", .runtime = runtime};
  runtime.run(crowd, context);
}

}  // namespace

void measure_waiting(Runtime& runtime, int64_t count, int64_t depth) {
  std::array<int, 2> pipe_ends{};
  if (pipe(pipe_ends.data()) != 0) return;
  Dive reader = dive();
  reader.descriptor = pipe_ends[0];
  std::vector<Dive> heads(static_cast<size_t>(count), reader);
  const std::vector<Dive> below = with_depth(heads, depth);
  const int64_t resident_before = resident();
  const int64_t kernel_before = kernel_memory();
  runtime.when_all_read = [&](int64_t waiting) {
    fmt::print("waiting {} resident {} kernel {}\n", waiting, resident() - resident_before,
               kernel_memory() - kernel_before);
    close(pipe_ends[1]);
  };
  search_all(runtime, heads);
}

void measure_switch(Runtime& runtime, int64_t rounds, int64_t depth) {
  std::vector<Dive> heads(2, dive());
  heads[1].number = 1;
  for (Dive& head : heads) head.yields = rounds;
  const std::vector<Dive> below = with_depth(heads, depth);
  const double before = processor_seconds();
  search_all(runtime, heads);
  fmt::print("switch {:.2f} ns\n", (processor_seconds() - before) / static_cast<double>(2 * rounds) * 1e9);
}

void measure_call(Runtime& runtime, int64_t rounds, int64_t depth) {
  std::vector<Dive> heads(1, dive());
  const std::vector<Dive> below = with_depth(heads, depth);
  const double before = processor_seconds();
  for (int64_t i = 0; i < rounds; ++i) {
    Context context{.word = "", .runtime = runtime};
    runtime.run(heads[0], context);
  }
  fmt::print("call {:.2f} ns\n", (processor_seconds() - before) / static_cast<double>(rounds) * 1e9);
}

}  // namespace vale
