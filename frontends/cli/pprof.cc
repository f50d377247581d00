// The messages and their field numbers are those of pprof's profile.proto.
//
// Tested by tests/unit/interp/profile_test.cc.
#include "frontends/cli/pprof.h"

#include <vector>

#include "frontends/profile/wire_format.h"

namespace fble {

std::string encode_pprof(const Profile& profile, uint64_t sample_period) {
  Message file;
  Strings strings;
  for (const char* type : {"calls", "samples"}) file.message(1, value_type(strings, type, "count"));

  uint64_t carried = 0;
  profile.for_each([&](const std::vector<uint32_t>& path, uint64_t calls, uint64_t samples) {
    if (sample_period != 0) {
      carried += samples;
      samples = carried / sample_period;
      carried %= sample_period;
      if (samples == 0) return;
    }
    Message sample;
    std::vector<uint64_t> locations;
    for (size_t i = path.size(); i-- > 0;) locations.push_back(uint64_t{path[i]} + 1);
    sample.numbers(1, locations);
    sample.numbers(2, {calls, samples});
    file.message(2, sample);
  });

  const std::vector<Profile::Block>& blocks = profile.blocks();
  for (size_t i = 0; i < blocks.size(); ++i) {
    Message line;
    line.number(1, i + 1);
    line.number(2, blocks[i].loc.line);
    line.number(3, blocks[i].loc.column);
    Message location;
    location.number(1, i + 1);
    location.message(4, line);
    file.message(4, location);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    Message function;
    const uint64_t name = strings.index(blocks[i].name);
    function.number(1, i + 1);
    function.number(2, name);
    function.number(3, name);
    function.number(4, strings.index(blocks[i].loc.file.str()));
    function.number(5, blocks[i].loc.line);
    file.message(5, function);
  }
  for (const std::string& text : strings.texts) file.bytes(6, text);
  return file.take();
}

}  // namespace fble
