#include "interp/code.h"

#include <algorithm>

#include "interp/handler.h"
#include "interp/thread.h"

namespace fble {

namespace {

constexpr OpInfo kOpInfos[] = {
#define FBLE_OP(Name, text, operands, effects, doc) {text, operands, effects, doc},
#include "interp/opcodes.def"
#undef FBLE_OP
};

}  // namespace

Code::Code()
    : native_entry(reinterpret_cast<const void*>(&leave_by_call)),
      function_object{Object::make_header(ObjectKind::kClosure, 1, 0, kPermanentFlag), Code::from_code(this)} {}
Code::~Code() = default;

const OpInfo& op_info(Op op) { return kOpInfos[static_cast<size_t>(op)]; }

uint32_t instruction_length(const uint32_t* words) {
  uint32_t at = 1;
  uint32_t list = 0;
  for (const char* operand = op_info(static_cast<Op>(words[0])).operands; *operand != 0; ++operand) {
    switch (*operand) {
      case 'N': list = words[at++]; break;
      case 'L':
      case 'T':
      case 'P':
      case 'V': at += list; break;
      default: ++at;
    }
  }
  return at;
}

Loc Code::loc_at(uint32_t offset) const {
  auto entry = std::upper_bound(locs.begin(), locs.end(), offset,
                                [](uint32_t at, const LocEntry& candidate) { return at < candidate.end; });
  return entry == locs.end() ? Loc{} : entry->loc;
}

void finish_code(Code& code) {
  code.start = code.words.data();
  code.entry = handler_of(static_cast<Op>(code.words[0]));
}

}  // namespace fble
