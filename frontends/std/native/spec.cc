// The natives that the tests of spec chapter 10.1 declare.
// Tested by tests/unit/frontends/std/natives_test.cc.
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

constexpr uint32_t kTrue = 0;
constexpr uint32_t kFalse = 1;

Word not_bool(NativeCall& call) {
  const Read<uint32_t> tag = read_enum(call.arg(0), 2);
  if (tag.error != ReadError::kNone) return fail_read(call, tag.error, "operand");
  return packed_enum(tag.value == kTrue ? kFalse : kTrue, 2);
}

/// Returns nothing of a Maybe@ whose tags are in the opposite order of the library's.
Word nothing_of_any(NativeCall&) { return packed_enum(0, 2); }

Word true_value(NativeCall&) { return packed_enum(kTrue, 2); }
Word false_value(NativeCall&) { return packed_enum(kFalse, 2); }

#define FBLE_SPEC_MODULE(name) "/SpecTests/'10.1-ForeignValue'/Basic/" name "%"

constexpr NativeRow kRows[] = {
    {FBLE_SPEC_MODULE("Basic"), "Not", 1, NativeEffect::kPure, not_bool},
    {FBLE_SPEC_MODULE("FunnyName"), "N!./t", 1, NativeEffect::kPure, not_bool},
    {FBLE_SPEC_MODULE("Unused"), "Not", 1, NativeEffect::kPure, not_bool},
    {FBLE_SPEC_MODULE("Poly"), "Nothing", 1, NativeEffect::kPure, nothing_of_any},
    {FBLE_SPEC_MODULE("NonFunc"), "True", 0, NativeEffect::kPure, true_value},
    {FBLE_SPEC_MODULE("NonFunc"), "False", 0, NativeEffect::kPure, false_value},
    // Identified by its module, not by its name alone.
    {FBLE_SPEC_MODULE("ModuleMatters"), "False", 0, NativeEffect::kPure, true_value},
};

#undef FBLE_SPEC_MODULE

}  // namespace

std::span<const NativeRow> spec_natives() { return kRows; }

}  // namespace fble
