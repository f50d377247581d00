#include "interp/observer.h"

#include <fmt/format.h>

#include "interp/call_frame.h"
#include "interp/liveness.h"

namespace fble {

namespace {

/// Returns the problem of a word that should be a value.
const char* value_problem(Word word) {
  if (word == 0) return "is empty";
  if (!is_pointer(word)) return nullptr;
  const Object* object = as_object(word);
  if (object->is_forwarded()) return "is no object";
  return object->kind() > ObjectKind::kBytes ? "is an object of no kind" : nullptr;
}

}  // namespace

std::string frames_problem(const uint32_t* pc, const Word* fp, size_t most) {
  std::string problem;
  size_t depth = 0;
  int awaited = -1;  // the slot of the result that the frame waits for
  for_each_frame(pc, fp, [&](const Word* frame, const uint32_t* position) {
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
      if (static_cast<int>(slot) == awaited) continue;
      wrong = value_problem(frame[slot]);
      if (wrong == nullptr) continue;
      problem = fmt::format("frame {} of \"{}\": s{} {}: {:#x}", depth, code.block.str(), slot, wrong, frame[slot]);
      return false;
    }
    if (const uint32_t* next = return_position(frame); next != nullptr) awaited = static_cast<int>(result_slot(next));
    return ++depth < most;
  });
  return problem;
}

}  // namespace fble
