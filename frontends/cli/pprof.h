// Profiles in the format of pprof (profile.proto), not compressed.
#pragma once

#include <cstdint>
#include <string>

#include "interp/profile.h"

namespace fble {

/// Returns the bytes of the profile: for each sequence of calls, leaf first, the
/// values `calls` and `samples`. With a period, the samples of each sequence are
/// divided by it, the remainder is added to the next sequence, and sequences
/// without samples are left out.
std::string encode_pprof(const Profile& profile, uint64_t sample_period);

}  // namespace fble
