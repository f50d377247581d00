#include "interp/boundary.h"

namespace fble {

namespace {

/// Returns the offset of the instruction that a frame runs or waits in. A return position is the end of a call.
uint32_t offset_in(const Code& code, const uint32_t* position, bool is_running) {
  return static_cast<uint32_t>(position - code.start) - (is_running ? 0 : 1);
}

bool is_within(uint32_t offset, uint32_t from, uint32_t to) { return from <= offset && offset < to; }

}  // namespace

Word* find_boundary(const uint32_t* pc, Word* fp, const Unwinding& unwinding) {
  const bool is_error = unwinding.reason == UnwindReason::kError && !unwinding.error.is_final();
  Word* found = nullptr;
  for_each_frame(pc, fp, [&](Word* frame, const uint32_t* position) {
    const Code& code = code_of_frame(frame);
    if (code.boundary == nullptr || (code.boundary->catches_errors_only && !is_error)) return true;
    const uint32_t offset = offset_in(code, position, frame == fp);
    if (!is_within(offset, code.boundary->guarded_from, code.boundary->guarded_to)) return true;
    found = frame;
    return false;
  });
  return found;
}

bool is_shielded(const uint32_t* pc, const Word* fp, const Word* last) {
  bool found = false;
  for_each_frame(pc, fp, [&](const Word* frame, const uint32_t* position) {
    const Code& code = code_of_frame(frame);
    if (code.boundary != nullptr) {
      const uint32_t offset = offset_in(code, position, frame == fp);
      found = is_within(offset, code.boundary->shielded_from, code.boundary->shielded_to);
    }
    return !found && frame != last;
  });
  return found;
}

}  // namespace fble
