#include "interp/thread_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "interp/call_frame.h"
#include "interp/machine.h"

namespace fble {

namespace {

/// The frames of a stack that count and are shown.
constexpr size_t kShownFrames = 20;
/// The groups that are shown.
constexpr size_t kShownGroups = 50;

/// A line of a stack: a frame of the program, or the function that a chain of actions continues with.
struct Line {
  const Code* code;
  const uint32_t* position;  ///< null for a function that has not begun
  auto operator<=>(const Line&) const = default;
};

/// Returns the innermost lines of a stack.
std::vector<Line> lines_of(const ThreadView& thread) {
  static const Code* const chain = closure_code(as_object(io_functions().do_function));
  constexpr uint32_t kContinuation = 1;
  std::vector<Line> lines;
  for_each_frame(thread.pc, thread.fp, [&](const Word* frame, const uint32_t* position) {
    const Code& code = code_of_frame(frame);
    if (&code == chain && frame != thread.fp) {
      if (const Code* next = source_of(frame[kContinuation])) lines.push_back({next, nullptr});
    } else if (!code.is_glue && code.native == nullptr) {
      lines.push_back({&code, position});
    }
    return lines.size() < kShownFrames;
  });
  return lines;
}

std::string text_of(const Line& line, bool is_running) {
  const Code& code = *line.code;
  // A return position is the end of a call.
  const Loc loc = line.position == nullptr
                      ? code.loc
                      : code.loc_at(static_cast<uint32_t>(line.position - code.start) - (is_running ? 0 : 1));
  return fmt::format("  {}:{}:{}: {} {}\n", loc.file.str(), loc.line, loc.column,
                     line.position == nullptr ? "then" : "in", code.block.str());
}

struct Group {
  const ThreadView* first;
  size_t count = 0;
};

}  // namespace

const Code* source_of(Word function, int depth) {
  if (!is_pointer(function) || as_object(function)->kind() != ObjectKind::kClosure) return nullptr;
  const Object& closure = *as_object(function);
  const Code& code = *closure_code(&closure);
  if (!code.is_glue && code.native == nullptr) return &code;
  if (depth == 0) return nullptr;
  for (uint32_t i = closure.first_value(); i < closure.count(); ++i) {
    if (const Code* found = source_of(closure.fields[i], depth - 1)) return found;
  }
  return nullptr;
}

std::string threads_text(std::span<const ThreadView> threads) {
  std::map<std::pair<std::string_view, std::vector<Line>>, Group> groups;
  for (const ThreadView& thread : threads) {
    ++groups.try_emplace({thread.state, lines_of(thread)}, Group{&thread}).first->second.count;
  }
  std::vector<Group> shown;
  for (const auto& [stack, group] : groups) shown.push_back(group);
  std::ranges::sort(shown, [](const Group& a, const Group& b) {
    return a.count != b.count ? a.count > b.count : a.first->id < b.first->id;
  });
  std::string text = fmt::format("[threads: {}]\n", threads.size());
  for (const Group& group : shown) {
    if (&group == shown.data() + kShownGroups) {
      text += fmt::format("... {} more groups\n", shown.size() - kShownGroups);
      break;
    }
    text += group.count == 1 ? fmt::format("thread {}: {}\n", group.first->id, group.first->state)
                             : fmt::format("{} threads: each {}\n", group.count, group.first->state);
    for (const Line& line : lines_of(*group.first)) text += text_of(line, line.position == group.first->pc);
  }
  return text;
}

}  // namespace fble
