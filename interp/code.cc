#include "interp/code.h"

#include <algorithm>

#include "interp/boundary.h"
#include "interp/interpreter.h"
#include "interp/liveness.h"
#include "interp/native_stack.h"
#include "interp/whereabouts.h"

namespace fble {

Code::Code()
    : native_entry(reinterpret_cast<const void*>(&leave_by_call)),
      function_object{Object::make_header(ObjectKind::kClosure, 1, 0, kPermanentFlag), Code::from_code(this)} {}
Code::~Code() = default;

Loc Code::loc_at(uint32_t offset) const {
  auto entry = std::upper_bound(locs.begin(), locs.end(), offset,
                                [](uint32_t at, const LocEntry& candidate) { return at < candidate.end; });
  return entry == locs.end() ? Loc{} : entry->loc;
}

Loc Code::place_at(uint32_t offset) const {
  const Loc at = loc_at(offset);
  return at.line == 0 ? loc : at;
}

void finish_code(Code& code) {
  code.start = code.words.data();
  code.entry = handler_of(static_cast<Op>(code.words[0]));
  if (code_listener != nullptr) code_listener->note_code(code);
}

}  // namespace fble
