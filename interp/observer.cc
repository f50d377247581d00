#include "interp/observer.h"

#include <fmt/format.h>

#include "interp/thread.h"

namespace fble {

namespace {

/// Calls `visit(frame, code, position, slot of the result that it waits for or -1)` for frames from the
/// innermost on until that returns false.
template <typename Visit>
void walk(const Thread& thread, Visit&& visit) {
  const uint32_t* position = thread.pc;
  int result_slot = -1;
  for (const Word* frame = thread.fp;;) {
    if (!visit(frame, position, result_slot)) return;
    position = reinterpret_cast<const uint32_t*>(frame[kReturnPositionSlot]);
    if (position == nullptr) return;
    result_slot = static_cast<int>(position[-2]);
    frame -= position[-1];
  }
}

/// What is wrong with a word that should be a value.
const char* value_problem(Word word) {
  if (word == 0) return "is empty";
  if (!is_pointer(word)) return nullptr;
  const Object* object = as_object(word);
  if (object->is_forwarded()) return "is no object";
  return object->kind() > ObjectKind::kBytes ? "is an object of no kind" : nullptr;
}

}  // namespace

std::vector<ErrorLine> innermost_lines(const Thread& thread, size_t most) {
  std::vector<ErrorLine> lines;
  walk(thread, [&](const Word* frame, const uint32_t* position, int) {
    const Code& code = *closure_code(as_object(frame[kClosureSlot]));
    if (!code.is_glue && code.native == nullptr) {
      const uint32_t offset = static_cast<uint32_t>(position - code.start) - (frame == thread.fp ? 0 : 1);
      lines.push_back({code.loc_at(offset), code.block.str(), ""});
    }
    return lines.size() < most;
  });
  return lines;
}

std::string frames_problem(const Thread& thread, size_t most) {
  std::string problem;
  size_t depth = 0;
  walk(thread, [&](const Word* frame, const uint32_t* position, int result_slot) {
    const Word closure = frame[kClosureSlot];
    const char* wrong = is_pointer(closure) ? value_problem(closure) : "is no object";
    if (wrong == nullptr && as_object(closure)->kind() != ObjectKind::kClosure) wrong = "is no function";
    if (wrong != nullptr) {
      problem = fmt::format("frame {}: the closure {:#x} {}", depth, closure, wrong);
      return false;
    }
    Code& code = *closure_code(as_object(closure));
    if (position < code.start || position >= code.start + code.words.size()) {
      problem = fmt::format("frame {}: the position is not in \"{}\"", depth, code.block.str());
      return false;
    }
    for (const uint32_t slot : live_slots(code, position)) {
      if (static_cast<int>(slot) == result_slot) continue;
      wrong = value_problem(frame[slot]);
      if (wrong == nullptr) continue;
      problem = fmt::format("frame {} of \"{}\": s{} {}: {:#x}", depth, code.block.str(), slot, wrong, frame[slot]);
      return false;
    }
    return ++depth < most;
  });
  return problem;
}

}  // namespace fble
