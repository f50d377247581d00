#include "interp/thread_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "interp/call_frame.h"
#include "interp/choice.h"
#include "interp/foreign.h"
#include "interp/machine.h"
#include "interp/scope.h"

namespace fble {

namespace {

/// The frames of a stack that count and are shown.
constexpr size_t kShownFrames = 20;
/// The groups that are shown.
constexpr size_t kShownGroups = 50;

/// The threads or events that are listed by number.
constexpr size_t kShownNumbers = 5;

/// Calls `visit(line)` for the lines of a stack, innermost first, until that returns false.
template <typename Visit>
void for_each_line(const uint32_t* pc, const Word* fp, Visit&& visit) {
  static const Code* const chain = closure_code(as_object(io_functions().do_function));
  constexpr uint32_t kContinuation = 1;
  for_each_frame(pc, fp, [&](const Word* frame, const uint32_t* position) {
    const Code& code = code_of_frame(frame);
    if (&code == chain && frame != fp) {
      const Code* next = source_of(frame[kContinuation]);
      return next == nullptr || visit(StackLine{next, nullptr});
    }
    return code.is_glue || code.native != nullptr || visit(StackLine{&code, position});
  });
}

std::vector<StackLine> lines_of(const ThreadView& thread) {
  std::vector<StackLine> lines;
  for_each_line(thread.pc, thread.fp, [&](const StackLine& line) {
    lines.push_back(line);
    return lines.size() < kShownFrames;
  });
  return lines;
}

/// Returns "FILE:L:C" of a line.
std::string place_of(const StackLine& line, bool is_running = false) {
  const Code& code = *line.code;
  // A return position is the end of a call.
  const Loc loc = line.position == nullptr
                      ? code.loc
                      : code.place_at(static_cast<uint32_t>(line.position - code.start) - (is_running ? 0 : 1));
  return fmt::format("{}:{}:{}", loc.file.str(), loc.line, loc.column);
}

std::string text_of(const StackLine& line, bool is_running) {
  return fmt::format("  {}: {} {}\n", place_of(line, is_running), line.position == nullptr ? "then" : "in",
                     line.code->block.str());
}

/// Returns what a waiting thread's native has as its first argument, if that is of the type.
template <typename Resource>
const Resource* waits_for(const VirtualThread& thread) {
  return dynamic_cast<const Resource*>(native_resource(thread.frame()[0]));
}

/// Returns where that was made, or what the thread runs that it is; no line if that is not known.
StackLine origin_of(const VirtualThread& thread) {
  if (thread.wait == Wait::kReceive || thread.wait == Wait::kSend) {
    if (const auto* made = waits_for<MadeHere>(thread)) return made->made;
  } else if (thread.wait == Wait::kJoin) {
    const Task* task = waits_for<Task>(thread);
    if (task != nullptr && task->thread != nullptr) return {task->thread->runs, nullptr};
  }
  return {};
}

std::string made_text(const StackLine& origin) {
  if (origin.code == nullptr) return "";
  // A function that has not begun comes after what has made it.
  return fmt::format(" made {} {}", origin.position == nullptr ? "before" : "at", place_of(origin));
}

/// Returns the numbers of the threads in a scope: ": 1, 2".
std::string scope_text(const Scope& scope) {
  std::string text;
  size_t shown = 0;
  const VirtualThread* oldest = scope.youngest;
  while (oldest != nullptr && oldest->older != nullptr) oldest = oldest->older;
  for (const VirtualThread* each = oldest; each != nullptr && shown < kShownNumbers; each = each->younger, ++shown) {
    text += fmt::format("{}{}", shown == 0 ? ": " : ", ", each->id);
  }
  return scope.count <= shown ? text : text + fmt::format(" and {} more", scope.count - shown);
}

std::string event_text(const Choice& choice) {
  const auto case_text = [](const ChoiceCase& each) {
    return wait_text(each.wait) + (each.object == nullptr ? "" : made_text(each.object->made));
  };
  const std::vector<ChoiceCase>& cases = choice.cases();
  const bool has_time = choice.deadline != INT64_MAX;
  const size_t count = cases.size() + (has_time ? 1 : 0);
  if (count == 0) return "waits for no event";
  std::string text = count == 1 ? "waits" : fmt::format("waits for one of {} events:", count);
  const char* separator = " ";
  for (size_t i = 0; i < std::min(cases.size(), kShownNumbers); ++i) {
    text += std::exchange(separator, ", ") + case_text(cases[i]);
  }
  if (cases.size() > kShownNumbers) text += fmt::format(" and {} more", cases.size() - kShownNumbers);
  return has_time ? text + separator + wait_text(Wait::kTime) : text;
}

/// Returns what one thread does, in full.
std::string state_of(const ThreadView& view) {
  const VirtualThread& thread = *view.thread;
  if (view.state != nullptr) return view.state;
  const std::string waits = fmt::format("waits {}", wait_text(thread.wait));
  switch (thread.wait) {
    case Wait::kReceive:
    case Wait::kSend: return waits + made_text(origin_of(thread));
    case Wait::kJoin: {
      const Task* task = waits_for<Task>(thread);
      if (task == nullptr || task->thread == nullptr) return waits;
      if (task->thread == &thread) return "waits for itself to end";
      return fmt::format("waits for thread {} to end", task->thread->id);
    }
    case Wait::kScope:
      if (const Scope* scope = waits_for<Scope>(thread)) return waits + scope_text(*scope);
      return waits;
    case Wait::kEvent: return event_text(static_cast<const Choice&>(*thread.unfinished));
    default: return waits;
  }
}

/// Returns what each thread of a group does.
std::string common_state_of(const ThreadView& view) {
  if (view.state != nullptr) return view.state;
  const StackLine origin = origin_of(*view.thread);
  const std::string waits = fmt::format("waits {}", wait_text(view.thread->wait));
  if (origin.code == nullptr || view.thread->wait != Wait::kJoin) return waits + made_text(origin);
  return fmt::format("{}, which runs {}", waits, place_of(origin));
}

/// What the threads of a group have in common.
struct Common {
  std::string_view state;
  Wait wait;
  StackLine origin;
  std::vector<StackLine> lines;
  auto operator<=>(const Common&) const = default;
};

/// Threads that have all of that in common.
struct Group {
  size_t count = 0;
  std::vector<const ThreadView*> some = {};  ///< the first of them

  void add(const ThreadView& view) {
    if (count++ < kShownNumbers) some.push_back(&view);
  }
};

/// Returns a line for all threads of a group. A few that wait for other threads have one each, to say for which.
std::string head_of(const Group& group) {
  const bool each_alone = group.some[0]->thread->wait == Wait::kJoin && group.count == group.some.size();
  if (group.count > 1 && !each_alone)
    return fmt::format("{} threads: each {}\n", group.count, common_state_of(*group.some[0]));
  std::string text;
  for (const ThreadView* view : group.some) text += fmt::format("thread {}: {}\n", view->thread->id, state_of(*view));
  return text;
}

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

const char* wait_text(Wait wait) {
  static constexpr const char* kTexts[] = {
#define FBLE_WAIT(Name, text, doc) text,
#include "interp/waits.def"
#undef FBLE_WAIT
  };
  return kTexts[static_cast<size_t>(wait)];
}

StackLine innermost_line(const uint32_t* pc, const Word* fp) {
  StackLine found;
  for_each_line(pc, fp, [&](const StackLine& line) {
    found = line;
    return false;
  });
  return found;
}

std::string threads_text(std::span<const ThreadView> threads) {
  std::map<Common, Group> groups;
  for (const ThreadView& view : threads) {
    Common common{view.state != nullptr ? view.state : "", view.thread->wait, origin_of(*view.thread), lines_of(view)};
    groups[std::move(common)].add(view);
  }
  std::vector<Group> shown;
  for (const auto& [common, group] : groups) shown.push_back(group);
  std::ranges::sort(shown, [](const Group& a, const Group& b) {
    return a.count != b.count ? a.count > b.count : a.some[0]->thread->id < b.some[0]->thread->id;
  });
  std::string text;
  for (const Group& group : shown) {
    if (&group == shown.data() + kShownGroups) {
      text += fmt::format("... {} more groups\n", shown.size() - kShownGroups);
      break;
    }
    const ThreadView& first = *group.some[0];
    text += head_of(group);
    for (const StackLine& line : lines_of(first)) text += text_of(line, line.position == first.pc);
  }
  return text;
}

}  // namespace fble
