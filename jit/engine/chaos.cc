#include "jit/engine/chaos.h"

#include <cstddef>

namespace fble {

namespace {

constexpr const char* kTexts[] = {
#define FBLE_CHAOS(Name, text, one_in, doc) text,
#include "jit/engine/chaos.def"
#undef FBLE_CHAOS
};

constexpr uint32_t kOneIn[] = {
#define FBLE_CHAOS(Name, text, one_in, doc) one_in,
#include "jit/engine/chaos.def"
#undef FBLE_CHAOS
};

}  // namespace

const char* chaos_kind_text(ChaosKind kind) { return kTexts[static_cast<size_t>(kind)]; }

/// Returns the next number of splitmix64 (public domain, Sebastiano Vigna).
uint64_t Chaos::next() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint32_t Chaos::below(uint32_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }

bool Chaos::decide(ChaosKind kind) {
  if (fuel_ == 0 || below(kOneIn[static_cast<size_t>(kind)]) != 0) return false;
  return spend(kind);
}

bool Chaos::spend(ChaosKind kind) {
  if (fuel_ == 0) return false;
  --fuel_;
  ++count_;
  ++counts_[static_cast<size_t>(kind)];
  return true;
}

}  // namespace fble
