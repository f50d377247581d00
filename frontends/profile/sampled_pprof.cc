// The messages and their field numbers are those of pprof's profile.proto.
// Tested by tests/unit/frontends/profile/profile_formats_test.cc.
#include <algorithm>
#include <map>

#include "frontends/profile/profile_formats.h"
#include "frontends/profile/wire_format.h"

namespace fble {

namespace {

const char* tier_text(Tier tier) {
  switch (tier) {
    case Tier::kInterpreter: return "interpreter";
    case Tier::kMachineCode: return "machine code";
    case Tier::kRuntime: return "runtime";
  }
  return "?";
}

}  // namespace

std::string sampled_pprof(const CallTree& tree) {
  Message file;
  Strings strings;
  file.message(1, value_type(strings, "samples", "count"));
  const char* const kind = tree.is_of_memory ? "alloc_space" : "cpu";
  const char* const unit = tree.is_of_memory ? "bytes" : "nanoseconds";
  file.message(1, value_type(strings, kind, unit));
  if (tree.is_of_memory) {
    file.message(1, value_type(strings, "survived_minor_collection", unit));
    file.message(1, value_type(strings, "survived_full_collection", unit));
  }

  // A location is a line of a function. The numbers of both begin with 1.
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> locations;
  const auto location_of = [&](uint32_t function, uint32_t line) {
    return locations.try_emplace({function, line}, locations.size() + 1).first->second;
  };
  std::vector<uint64_t> callers;  // outermost first, each at the line of its call
  const auto enter = [&](uint32_t index) {
    const ProfiledPath& path = tree.paths[index];
    if (index != 0) callers.push_back(location_of(tree.paths[path.parent].function, path.site.line));
    for (const ProfiledTime& time : path.times) {
      Message sample;
      std::vector<uint64_t> ids{location_of(path.function, time.line.line)};
      ids.insert(ids.end(), callers.rbegin(), callers.rend());
      sample.numbers(1, ids);
      std::vector<uint64_t> values{time.samples, time.ns};
      if (tree.is_of_memory) values.insert(values.end(), std::begin(time.survived), std::end(time.survived));
      sample.numbers(2, values);
      Message tier;
      tier.number(1, strings.index("tier"));
      tier.number(2, strings.index(tier_text(time.tier)));
      sample.message(3, tier);
      if (time.tier == Tier::kMachineCode) {
        Message trace;
        trace.number(1, strings.index("trace"));
        trace.number(3, time.trace);
        sample.message(3, trace);
      }
      file.message(2, sample);
    }
  };
  for_each_path(tree, enter, [&](uint32_t index) {
    if (index != 0) callers.pop_back();
  });
  Message mapping;
  mapping.number(1, 1);
  mapping.number(5, strings.index("fble-jit"));
  for (const uint32_t has : {7, 8, 9}) mapping.number(has, 1);  // functions, file names and line numbers
  file.message(3, mapping);
  for (const auto& [place, id] : locations) {
    Message line;
    line.number(1, place.first + 1);
    line.number(2, place.second);
    Message location;
    location.number(1, id);
    location.number(2, 1);
    location.message(4, line);
    file.message(4, location);
  }
  for (size_t i = 0; i < tree.functions.size(); ++i) {
    Message function;
    const uint64_t name = strings.index(tree.functions[i].name);
    function.number(1, i + 1);
    function.number(2, name);
    function.number(3, name);
    function.number(4, strings.index(tree.functions[i].start.file));
    function.number(5, tree.functions[i].start.line);
    file.message(5, function);
  }
  // These come last: the table of strings is complete then.
  const Message period_type = value_type(strings, kind, unit);
  for (const std::string& text : strings.texts) file.bytes(6, text);
  if (!tree.is_of_memory) file.number(10, tree.ns());
  file.message(11, period_type);
  file.number(12, tree.period_ns);
  return file.take();
}

}  // namespace fble
