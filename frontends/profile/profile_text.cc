// Tested by tests/unit/frontends/profile/profile_formats_test.cc.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "frontends/profile/profile_formats.h"

namespace fble {

namespace {

double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

/// Returns the time of each tier, and in activities other than the program's code.
struct Shares {
  uint64_t machine_code = 0;
  uint64_t interpreter = 0;
  uint64_t activities = 0;
  uint64_t natives = 0;
};

Shares shares_of(const CallTree& tree) {
  Shares shares;
  for (const ProfiledPath& path : tree.paths) {
    const bool is_activity = tree.functions[path.function].start.line == 0;
    for (const ProfiledTime& time : path.times) {
      if (time.tier == Tier::kMachineCode) {
        shares.machine_code += time.ns;
      } else if (time.tier == Tier::kInterpreter) {
        shares.interpreter += time.ns;
      } else {
        (is_activity ? shares.activities : shares.natives) += time.ns;
      }
    }
  }
  return shares;
}

std::string bytes_text(uint64_t bytes) {
  constexpr std::array<const char*, 4> kUnits = {"bytes", "KB", "MB", "GB"};
  double number = static_cast<double>(bytes);
  size_t unit = 0;
  for (; number >= 1024 && unit + 1 < kUnits.size(); ++unit) number /= 1024;
  return fmt::format("{:.{}f} {}", number, unit == 0 ? 0 : 1, kUnits[unit]);
}

/// Returns the table of allocations.
std::string allocation_text(const CallTree& tree, size_t most_sites) {
  struct Site {
    uint64_t bytes = 0;
    uint64_t survived[kSurvived] = {};
  };
  using SourceAndName = std::pair<SourceLine, std::string>;
  std::map<SourceAndName, Site> sites;
  Site all;
  for (const ProfiledPath& path : tree.paths) {
    for (const ProfiledTime& time : path.times) {
      for (Site* site : {&sites[{time.line, tree.functions[path.function].name}], &all}) {
        site->bytes += time.ns;
        for (size_t i = 0; i < kSurvived; ++i) site->survived[i] += time.survived[i];
      }
    }
  }
  std::string text = measured_text(tree);
  if (tree.broken != 0) text += fmt::format("; {} of them without a whole stack", tree.broken);
  text += fmt::format("\n{:.1f} % survived a minor collection, {:.1f} % a full one, too\n",
                      percent(all.survived[0], all.bytes), percent(all.survived[1], all.bytes));
  std::vector<std::pair<SourceAndName, Site>> sorted(sites.begin(), sites.end());
  std::ranges::sort(sorted, {}, [](const auto& site) { return std::pair(~site.second.bytes, site.first); });
  text += "\n  share      bytes  survived     again  place\n";
  uint64_t rest = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const auto& [place, site] = sorted[i];
    if (i >= most_sites) {
      rest += site.bytes;
      continue;
    }
    text += fmt::format("{:5.1f} %  {:>9}   {:5.1f} %   {:5.1f} %  {}", percent(site.bytes, all.bytes),
                        bytes_text(site.bytes), percent(site.survived[0], site.bytes),
                        percent(site.survived[1], site.bytes), place.second);
    if (place.first.line != 0) text += fmt::format("  {}:{}", place.first.file, place.first.line);
    text += "\n";
  }
  if (rest != 0)
    text += fmt::format("{:5.1f} %  {:>9}  {} more\n", percent(rest, all.bytes), bytes_text(rest),
                        sorted.size() - most_sites);
  return text;
}

}  // namespace

std::string measured_text(const CallTree& tree) {
  if (tree.is_of_memory) return fmt::format("{} allocated, as {} samples show", bytes_text(tree.ns()), tree.samples());
  return fmt::format("{} samples in {:.3f} s of processor time", tree.samples(), static_cast<double>(tree.ns()) / 1e9);
}

std::string profile_text(const CallTree& tree, size_t most_functions) {
  if (tree.is_of_memory) return allocation_text(tree, most_functions);
  const uint64_t all = tree.ns();
  std::string text = measured_text(tree);
  if (tree.broken != 0) text += fmt::format("; {} of them without a whole stack", tree.broken);
  const Shares shares = shares_of(tree);
  text +=
      fmt::format("\n{:.1f} % in machine code, {:.1f} % interpreted, {:.1f} % in natives, {:.1f} % in [activities]\n",
                  percent(shares.machine_code, all), percent(shares.interpreter, all), percent(shares.natives, all),
                  percent(shares.activities, all));
  const std::vector<FunctionTime> times = function_times(tree);
  const size_t shown = std::min(times.size(), most_functions);
  text += "\n   self    total  function\n";
  for (size_t i = 0; i < shown; ++i) {
    const ProfiledFunction& function = tree.functions[times[i].function];
    text += fmt::format("{:5.1f} %  {:5.1f} %  {}", percent(times[i].self_ns, all), percent(times[i].total_ns, all),
                        function.name);
    if (function.start.line != 0) text += fmt::format("  {}:{}", function.start.file, function.start.line);
    text += "\n";
  }
  if (shown < times.size()) {
    uint64_t rest = 0;
    for (size_t i = shown; i < times.size(); ++i) rest += times[i].self_ns;
    text += fmt::format("{:5.1f} %           {} more\n", percent(rest, all), times.size() - shown);
  }
  return text;
}

std::string annotated_lines(std::string heading, std::string_view source,
                            const std::function<std::string(uint32_t)>& before) {
  std::string text = std::move(heading);
  uint32_t number = 0;
  for (size_t start = 0; start < source.size();) {
    const size_t end = std::min(source.find('\n', start), source.size());
    ++number;
    text += fmt::format("{}  {:4} {}\n", before(number), number, source.substr(start, end - start));
    start = end + 1;
  }
  return text;
}

std::string annotated_source(const CallTree& tree, const std::string& file, std::string_view source) {
  const std::vector<LineTime> times = line_times(tree, file);
  return annotated_lines(fmt::format("   self    total  {}\n", file), source, [&](uint32_t number) {
    const auto found = std::ranges::lower_bound(times, number, {}, [](const LineTime& time) { return time.line.line; });
    if (found == times.end() || found->line.line != number) return std::string(16, ' ');
    return fmt::format("{:5.1f} %  {:5.1f} %", percent(found->self_ns, tree.ns()), percent(found->total_ns, tree.ns()));
  });
}

std::string folded_stacks(const CallTree& tree) {
  std::string text;
  std::vector<size_t> ends;  // of the names, by depth
  std::string names;
  const auto enter = [&](uint32_t index) {
    const ProfiledPath& path = tree.paths[index];
    ends.push_back(names.size());
    if (!names.empty()) names += ';';
    for (const char c : tree.functions[path.function].name) names += c == ';' ? ':' : c;
    const uint64_t weight = tree.is_of_memory ? path.self_ns : (path.self_ns + 500) / 1000;
    if (weight != 0) text += fmt::format("{} {}\n", names, weight);
  };
  for_each_path(tree, enter, [&](uint32_t) {
    names.resize(ends.back());
    ends.pop_back();
  });
  return text;
}

}  // namespace fble
