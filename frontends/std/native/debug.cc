// /Std/Stream/Debug%: characters to standard error from pure code.
// Tested by tests/unit/frontends/std/natives_test.cc.
#include "frontends/std/native/file.h"
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

/// Writes when it is evaluated. Each character is visible immediately.
Word put_char(NativeCall& call) {
  const Read<uint64_t> letter = read_char(call.arg(0), call.int_form());
  if (letter.error != ReadError::kNone) return fail_read(call, letter.error, "debug output");
  std::string bytes;
  append_utf8(bytes, letter.value);
  File& file = File::standard_error();
  for (const char byte : bytes) file.put_byte(static_cast<uint8_t>(byte));
  return file.flush() ? kUnitWord : call.fail_output(output_failure());
}

constexpr NativeRow kRows[] = {
    {"/Std/Stream/Debug%", "PutChar", 1, NativeEffect::kWritesWorld, put_char},
};

}  // namespace

std::span<const NativeRow> debug_natives() { return kRows; }

}  // namespace fble
