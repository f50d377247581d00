// A profile in the form that all outputs are made from: a tree of calls with times, names and lines.
//
// Tested by tests/unit/frontends/profile/call_tree_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "interp/sample_table.h"

namespace fble {

/// A place in a source; line 0 if it is unknown.
struct SourceLine {
  std::string file;
  uint32_t line = 0;
  auto operator<=>(const SourceLine&) const = default;
};

/// A function, or an activity of the process: "[collect minor]".
struct ProfiledFunction {
  std::string name;
  SourceLine start;
  bool operator==(const ProfiledFunction&) const = default;
};

/// The time at a place of a function.
struct ProfiledTime {
  SourceLine line;
  Tier tier = Tier::kInterpreter;
  uint32_t trace = 0;  ///< number; counts only in machine code
  uint64_t samples = 0;
  uint64_t ns = 0;                    ///< of allocations: bytes, as in all fields of that name
  uint64_t survived[kSurvived] = {};  ///< of allocations: the part of these bytes
};

/// A path of calls. Its children come after it.
struct ProfiledPath {
  uint32_t parent = 0;
  uint32_t function = 0;  ///< into CallTree::functions
  SourceLine site;        ///< of the call, in the parent's function
  std::vector<ProfiledTime> times;
  std::vector<uint32_t> children;  ///< the one with the most time first

  uint64_t self_ns = 0;
  uint64_t total_ns = 0;  ///< with its children
  uint64_t self_samples = 0;
  uint64_t total_samples = 0;
};

/// Path 0 is the root; its function, 0, is "[root]".
struct CallTree {
  std::vector<ProfiledFunction> functions;
  std::vector<ProfiledPath> paths;
  uint64_t period_ns = 0;
  uint64_t broken = 0;        ///< samples whose stack does not reach the root
  bool is_of_memory = false;  ///< it has bytes that were allocated, and no time

  uint64_t samples() const { return paths[0].total_samples; }
  uint64_t ns() const { return paths[0].total_ns; }
};

/// Calls `enter(path)` and, after its children, `leave(path)` for each path, the one with the most time first.
template <typename Enter, typename Leave>
void for_each_path(const CallTree& tree, Enter&& enter, Leave&& leave) {
  struct Open {
    uint32_t path;
    size_t next_child = 0;
  };
  std::vector<Open> open{{0}};
  enter(uint32_t{0});
  while (!open.empty()) {
    const std::vector<uint32_t>& children = tree.paths[open.back().path].children;
    if (open.back().next_child < children.size()) {
      const uint32_t child = children[open.back().next_child++];
      enter(child);
      open.push_back({child});
    } else {
      leave(open.back().path);
      open.pop_back();
    }
  }
}

/// Builds trees, path by path.
class CallTreeBuilder {
 public:
  CallTreeBuilder();
  uint32_t function(const ProfiledFunction& function);
  /// Returns the path of the function that is called there. Activities and functions with the same name and start are
  /// one.
  uint32_t path(uint32_t parent, uint32_t function, const SourceLine& site);
  void add(uint32_t path, ProfiledTime time);
  /// Sums up and sorts.
  CallTree finish(uint64_t period_ns);

 private:
  CallTree tree_;
  std::vector<std::vector<std::pair<SourceLine, uint32_t>>> children_;  ///< of each path: site and path
};

/// Returns the function of the code. Natives are named "[native /Std/Int%.Add]".
ProfiledFunction profiled_function(const Code& code);
/// Returns the line of a word of the code, or that of its function if it is not known; null for that of the function.
SourceLine line_of(const Code& code, const uint32_t* word);

/// Makes the tree of a sample table. `check_ns`: the time for checking the
/// sources, which is no part of the run.
CallTree make_call_tree(const SampleTable& table, uint64_t period_ns, uint64_t broken, uint64_t check_ns);

/// A function's time over all paths. Where it is on a path twice, its time counts once.
struct FunctionTime {
  uint32_t function = 0;
  uint64_t self_ns = 0;
  uint64_t total_ns = 0;
};
/// Returns all functions but the root, those with the most time of their own first.
std::vector<FunctionTime> function_times(const CallTree& tree);

/// A line's time: of its own, and with what it calls.
struct LineTime {
  SourceLine line;
  uint64_t self_ns = 0;
  uint64_t total_ns = 0;
};
/// Returns the lines of the file that have time, in their order.
std::vector<LineTime> line_times(const CallTree& tree, const std::string& file);

/// Returns the files that have lines with time.
std::vector<std::string> profiled_files(const CallTree& tree);

}  // namespace fble
