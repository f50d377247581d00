#include "interp/deopt_point.h"

#include <fmt/format.h>

#include <charconv>

namespace fble {

namespace {

/// Returns the number after '='; nothing if there is none that fits.
std::optional<uint32_t> number_of(std::string_view text) {
  uint32_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string deopt_point_options_text(const DeoptPointOptions& options, char separator) {
  const DeoptPointOptions usual;
  std::string text;
#define FBLE_DEOPT_POINT_NUMBER(name, least, doc) \
  if (options.name != usual.name) text += fmt::format("{}{}={}", separator, #name, options.name);
#define FBLE_DEOPT_POINT_FLAG(name, doc) \
  if (options.name) text += fmt::format("{}{}", separator, #name);
#include "interp/deopt_point_options.def"
#undef FBLE_DEOPT_POINT_NUMBER
#undef FBLE_DEOPT_POINT_FLAG
  return text;
}

std::string add_deopt_point_option(DeoptPointOptions& options, std::string_view word) {
  const size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1);
#define FBLE_DEOPT_POINT_NUMBER(row, least, doc)                                                                 \
  if (name == #row) {                                                                                            \
    const std::optional<uint32_t> number = number_of(value);                                                     \
    if (!number || *number < uint32_t{least} || *number > INT32_MAX) {                                           \
      return fmt::format("option '{}' of deopt-here! takes a number from {} on, as in {}=3", name, least, name); \
    }                                                                                                            \
    options.row = *number;                                                                                       \
    return "";                                                                                                   \
  }
#define FBLE_DEOPT_POINT_FLAG(row, doc)                                                                           \
  if (name == #row) {                                                                                             \
    if (equals != std::string_view::npos) return fmt::format("option '{}' of deopt-here! takes no number", name); \
    options.row = true;                                                                                           \
    return "";                                                                                                    \
  }
#include "interp/deopt_point_options.def"
#undef FBLE_DEOPT_POINT_NUMBER
#undef FBLE_DEOPT_POINT_FLAG
  std::string known;
#define FBLE_DEOPT_POINT_NUMBER(row, least, doc) known += (known.empty() ? "" : ", ") + std::string(#row) + "=N";
#define FBLE_DEOPT_POINT_FLAG(row, doc) known += (known.empty() ? "" : ", ") + std::string(#row);
#include "interp/deopt_point_options.def"
#undef FBLE_DEOPT_POINT_NUMBER
#undef FBLE_DEOPT_POINT_FLAG
  return fmt::format("unknown option '{}' of deopt-here!; there are {}", word, known);
}

}  // namespace fble
