// /Std/Io/Env%: environment variables.
// Tested by tests/unit/frontends/std/natives_test.cc.
#include <unistd.h>

#include <cstdlib>

#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

Word get_var(NativeCall& call) {
  const Read<std::string> name = read_string(call.arg(0), call.int_form());
  if (name.error != ReadError::kNone) return fail_read(call, name.error, "name of environment variable");
  // No variable can have such a name.
  if (name.value.find('\0') != std::string::npos) return nothing_word();
  const char* value = std::getenv(name.value.c_str());
  if (value == nullptr) return nothing_word();

  if (!call.charge(decoded_bytes(value))) return kOutOfMemory;
  const std::optional<std::vector<uint32_t>> text = decode_utf8(value);
  if (!text) return call.fail("the value of environment variable '" + name.value + "' is not valid UTF-8");
  if (!call.reserve(list_words(text->size()) + object_words(1))) return kOutOfMemory;
  return call.make_union(0, 2, make_string(call, *text));
}

/// Returns all variables: a list of *(String@ name, String@ value).
Word get_all(NativeCall& call) {
  std::vector<std::pair<std::vector<uint32_t>, std::vector<uint32_t>>> variables;
  size_t words = 0;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    if (!call.charge(2 * sizeof(variables[0]) + decoded_bytes(*variable))) return kOutOfMemory;
    const std::string_view text = *variable;
    const size_t end = std::min(text.find('='), text.size());
    variables.emplace_back(decode_name(text.substr(0, end)), decode_name(text.substr(std::min(end + 1, text.size()))));
    words += list_words(variables.back().first.size() + variables.back().second.size() + 1) + object_words(2);
  }
  if (!call.reserve(words)) return kOutOfMemory;
  std::vector<Word> elements;
  for (const auto& [name, value] : variables) {
    const Word fields[] = {make_string(call, name), make_string(call, value)};
    elements.push_back(call.make_struct(fields));
  }
  return make_list(call, elements);
}

constexpr NativeRow kRows[] = {
    {"/Std/Io/Env%", "GetVar", 2, NativeEffect::kReadsWorld, get_var},
    {"/Std/Io/Env%", "GetAll", 1, NativeEffect::kReadsWorld, get_all},
};

}  // namespace

std::span<const NativeRow> env_natives() { return kRows; }

}  // namespace fble
