// Chaos: a run that is disturbed at random, reproducibly.
//
// All decisions come from one seeded source. Each disturbance costs one unit of fuel;
// without fuel there are no more disturbances. Until then a run with less fuel behaves
// exactly like one with more. So if a run fails, the least fuel with which it fails
// identifies the first disturbance that matters: `fble-jit bisect` finds it.
//
// Tested by tests/unit/jit/engine/chaos_test.cc.
#pragma once

#include <cstdint>
#include <string_view>

namespace fble {

enum class ChaosKind : uint8_t {
#define FBLE_CHAOS(Name, text, one_in, doc) k##Name,
#include "jit/engine/chaos.def"
#undef FBLE_CHAOS
  kCount
};
const char* chaos_kind_text(ChaosKind kind);

class Chaos {
 public:
  Chaos(uint64_t seed, uint64_t fuel) : state_(seed * 0x9e3779b97f4a7c15 + 1), fuel_(fuel) {}

  /// Returns whether the disturbance happens at this opportunity, and spends a unit of fuel if it does.
  bool decide(ChaosKind kind);
  /// Spends a unit for a disturbance that was arranged before. Returns false if there was none: it should not have
  /// happened.
  bool spend(ChaosKind kind);
  /// Returns a number below n, n > 0.
  uint32_t below(uint32_t n);
  bool has_fuel() const { return fuel_ != 0; }

  /// Returns the number of disturbances so far.
  uint64_t count() const { return count_; }
  uint64_t count(ChaosKind kind) const { return counts_[static_cast<size_t>(kind)]; }

 private:
  uint64_t next();

  uint64_t state_;
  uint64_t fuel_;
  uint64_t count_ = 0;
  uint64_t counts_[static_cast<size_t>(ChaosKind::kCount)] = {};
};

}  // namespace fble
