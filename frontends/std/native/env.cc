// /Std/Io/Env%: environment variables.
// Tested by tests/unit/std/natives_test.cc.
#include <cstdlib>

#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

Word get_var(NativeCall& call) {
  const Read<std::string> name = read_string(call.arg(0), call.int_form());
  if (name.error != ReadError::kNone) return fail_read(call, name.error, "name of environment variable");
  // No variable can be called so.
  if (name.value.find('\0') != std::string::npos) return nothing_word();
  const char* value = std::getenv(name.value.c_str());
  if (value == nullptr) return nothing_word();

  const std::optional<std::vector<uint32_t>> text = decode_utf8(value);
  if (!text) return call.fail("the value of environment variable '" + name.value + "' is not valid UTF-8");
  if (!call.reserve(list_words(text->size()) + object_words(1))) return kOutOfMemory;
  return call.make_union(0, 2, make_string(call, *text));
}

constexpr NativeRow kRows[] = {
    {"/Std/Io/Env%", "GetVar", 2, NativeEffect::kReadsWorld, get_var},
};

}  // namespace

std::span<const NativeRow> env_natives() { return kRows; }

}  // namespace fble
