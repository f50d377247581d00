// Profiles in the format of pprof (profile.proto), not compressed.
#pragma once

#include <cstdint>
#include <string>

#include "interp/profile.h"

namespace fble {

/// The bytes of the profile: per sequence of calls, leaf first, the values
/// `calls` and `samples`. With a period, the samples of each sequence are divided
/// by it, what is left over goes to the next one, and sequences without samples
/// are left out.
std::string encode_pprof(const Profile& profile, uint64_t sample_period);

}  // namespace fble
