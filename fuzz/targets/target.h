// A fuzz target is a function on bytes that ends the process when it finds a failure.
// With libFuzzer (FBLE_FUZZ) each is a program of its own; without, all are in
// fble-fuzz-replay, which runs corpora and random bytes (fuzz/replay_main.cc).
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fble {

using FuzzFunction = void (*)(std::span<const uint8_t>);

struct FuzzTarget {
  const char* name;
  FuzzFunction run;
};

inline std::vector<FuzzTarget>& fuzz_targets() {
  static std::vector<FuzzTarget> targets;
  return targets;
}

inline void require(bool holds, std::string_view what, std::string_view details = {}) {
  if (holds) return;
  fmt::print(stderr, "FOUND: {}\n{}\n", what, details);
  std::abort();
}

inline std::string_view as_text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace fble

#ifdef FBLE_LIBFUZZER
#define FBLE_FUZZ_TARGET(name)                                              \
  static void fuzz_##name(std::span<const uint8_t> bytes);                  \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) { \
    fuzz_##name({data, size});                                              \
    return 0;                                                               \
  }                                                                         \
  static void fuzz_##name(std::span<const uint8_t> bytes)
#else
#define FBLE_FUZZ_TARGET(name)                                \
  static void fuzz_##name(std::span<const uint8_t> bytes);    \
  [[maybe_unused]] static const bool registered_##name = [] { \
    fble::fuzz_targets().push_back({#name, fuzz_##name});     \
    return true;                                              \
  }();                                                        \
  static void fuzz_##name(std::span<const uint8_t> bytes)
#endif
