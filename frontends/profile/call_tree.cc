#include "frontends/profile/call_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

namespace fble {

CallTreeBuilder::CallTreeBuilder() {
  function({"[root]", {}});
  tree_.paths.emplace_back();
  children_.emplace_back();
}

uint32_t CallTreeBuilder::function(const ProfiledFunction& function) {
  tree_.functions.push_back(function);
  return static_cast<uint32_t>(tree_.functions.size() - 1);
}

uint32_t CallTreeBuilder::path(uint32_t parent, uint32_t function, const SourceLine& site) {
  for (const auto& [known_site, known] : children_[parent]) {
    if (tree_.paths[known].function == function && known_site == site) return known;
  }
  const auto made = static_cast<uint32_t>(tree_.paths.size());
  children_[parent].emplace_back(site, made);
  children_.emplace_back();
  tree_.paths.push_back({.parent = parent, .function = function, .site = site});
  return made;
}

void CallTreeBuilder::add(uint32_t path, ProfiledTime time) {
  std::vector<ProfiledTime>& times = tree_.paths[path].times;
  const auto known = std::ranges::find_if(times, [&](const ProfiledTime& other) {
    return other.line == time.line && other.tier == time.tier && other.trace == time.trace;
  });
  if (known == times.end()) {
    times.push_back(std::move(time));
    return;
  }
  known->samples += time.samples;
  known->ns += time.ns;
  for (size_t i = 0; i < kSurvived; ++i) known->survived[i] += time.survived[i];
}

CallTree CallTreeBuilder::finish(uint64_t period_ns) {
  tree_.period_ns = period_ns;
  std::vector<ProfiledPath>& paths = tree_.paths;
  for (size_t i = paths.size(); i-- > 0;) {
    ProfiledPath& path = paths[i];
    for (const ProfiledTime& time : path.times) {
      path.self_ns += time.ns;
      path.self_samples += time.samples;
    }
    path.total_ns += path.self_ns;
    path.total_samples += path.self_samples;
    if (i == 0) break;
    paths[path.parent].total_ns += path.total_ns;
    paths[path.parent].total_samples += path.total_samples;
  }
  for (size_t i = 0; i < paths.size(); ++i) {
    ProfiledPath& path = paths[i];
    for (const auto& [site, child] : children_[i]) path.children.push_back(child);
    std::ranges::sort(path.children, {}, [&](uint32_t child) { return std::pair(~paths[child].total_ns, child); });
    std::ranges::sort(path.times, {}, [](const ProfiledTime& time) {
      return std::tuple(~time.ns, time.line.line, time.tier, time.trace);
    });
  }
  return std::move(tree_);
}

// ---- from samples -----------------------------------------------------------

SourceLine line_of(const Code& code, const uint32_t* word) {
  const Loc loc = word == nullptr || code.native != nullptr
                      ? code.loc
                      : code.loc_at(static_cast<uint32_t>(word - code.words.data()));
  const Loc& known = loc.line != 0 ? loc : code.loc;
  return {known.file.str(), known.line};
}

ProfiledFunction profiled_function(const Code& code) {
  const std::string name = code.block.str();
  return {code.native != nullptr ? fmt::format("[native {}]", name) : name, line_of(code, nullptr)};
}

CallTree make_call_tree(const SampleTable& table, uint64_t period_ns, uint64_t broken, uint64_t check_ns) {
  CallTreeBuilder builder;
  std::unordered_map<const Code*, uint32_t> functions;
  const auto function_of = [&](const Code& code) {
    const auto [known, is_new] = functions.try_emplace(&code, 0);
    if (is_new) known->second = builder.function(profiled_function(code));
    return known->second;
  };
  std::map<Activity, uint32_t> activities;
  const auto activity_of = [&](Activity activity) {
    const auto [known, is_new] = activities.try_emplace(activity, 0);
    if (is_new) known->second = builder.function({fmt::format("[{}]", activity_text(activity)), {}});
    return known->second;
  };

  // A node's parent comes before it.
  std::vector<uint32_t> paths(table.nodes());
  for (uint32_t i = 0; i < table.nodes(); ++i) {
    const SampleTable::Node& node = table.node(i);
    if (i != 0) {
      const Code* const caller = table.node(node.parent).code;
      const SourceLine site =
          caller == nullptr || node.site == nullptr ? SourceLine() : line_of(*caller, node.site - 1);
      paths[i] = builder.path(paths[node.parent], function_of(*node.code), site);
    }
    table.for_each_leaf(i, [&](const SampleTable::Leaf& leaf) {
      ProfiledTime time{.tier = leaf.tier, .trace = leaf.trace, .samples = leaf.samples, .ns = leaf.ns};
      std::copy(std::begin(leaf.survived), std::end(leaf.survived), time.survived);
      const SourceLine line = node.code == nullptr ? SourceLine() : line_of(*node.code, leaf.pc);
      if (leaf.activity == Activity::kProgram) {
        time.line = line;
        builder.add(paths[i], std::move(time));
      } else {
        builder.add(builder.path(paths[i], activity_of(leaf.activity), line), std::move(time));
      }
    });
  }
  if (check_ns != 0) {
    ProfiledTime time{.tier = Tier::kRuntime, .samples = std::max<uint64_t>(1, check_ns / period_ns), .ns = check_ns};
    builder.add(builder.path(0, activity_of(Activity::kCheck), {}), std::move(time));
  }
  CallTree tree = builder.finish(period_ns);
  tree.broken = broken;
  return tree;
}

// ---- views ------------------------------------------------------------------

std::vector<FunctionTime> function_times(const CallTree& tree) {
  std::vector<FunctionTime> times(tree.functions.size());
  for (uint32_t i = 0; i < times.size(); ++i) times[i].function = i;
  // A function that is on the path already adds nothing to its total.
  std::vector<uint32_t> count_on_path(tree.functions.size());
  const auto enter = [&](uint32_t index) {
    const ProfiledPath& path = tree.paths[index];
    FunctionTime& time = times[path.function];
    time.self_ns += path.self_ns;
    if (count_on_path[path.function]++ == 0) time.total_ns += path.total_ns;
  };
  for_each_path(tree, enter, [&](uint32_t index) { --count_on_path[tree.paths[index].function]; });
  times.erase(times.begin());
  std::erase_if(times, [](const FunctionTime& time) { return time.total_ns == 0; });
  std::ranges::sort(times, {},
                    [](const FunctionTime& time) { return std::tuple(~time.self_ns, ~time.total_ns, time.function); });
  return times;
}

std::vector<LineTime> line_times(const CallTree& tree, const std::string& file) {
  std::map<SourceLine, LineTime> lines;
  std::map<SourceLine, uint32_t> count_on_path;
  const auto is_here = [&](const SourceLine& line) { return line.line != 0 && line.file == file; };
  const auto enter = [&](uint32_t index) {
    const ProfiledPath& path = tree.paths[index];
    if (is_here(path.site) && count_on_path[path.site]++ == 0) lines[path.site].total_ns += path.total_ns;
    const bool is_activity = tree.functions[path.function].start.line == 0;
    for (const ProfiledTime& time : path.times) {
      if (is_activity || !is_here(time.line)) continue;
      LineTime& line = lines[time.line];
      line.self_ns += time.ns;
      if (count_on_path[time.line] == 0) line.total_ns += time.ns;
    }
  };
  for_each_path(tree, enter, [&](uint32_t index) {
    if (is_here(tree.paths[index].site)) --count_on_path[tree.paths[index].site];
  });
  std::vector<LineTime> result;
  for (auto& [line, time] : lines) {
    time.line = line;
    result.push_back(time);
  }
  return result;
}

std::vector<std::string> profiled_files(const CallTree& tree) {
  std::set<std::string> files;
  for (const ProfiledPath& path : tree.paths) {
    if (path.site.line != 0) files.insert(path.site.file);
    for (const ProfiledTime& time : path.times) {
      if (time.line.line != 0) files.insert(time.line.file);
    }
  }
  return {files.begin(), files.end()};
}

}  // namespace fble
