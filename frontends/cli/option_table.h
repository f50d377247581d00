// The rows of options.def as values, for the parser, --help, man pages and shell completions.
//
// Tested by tests/unit/frontends/cli/options_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "frontends/cli/cli.h"

namespace fble {

enum class OptionId : uint8_t {
#define FBLE_OPTION(Id, short_name, long_name, value, group, doc) k##Id,
#include "frontends/cli/options.def"
#undef FBLE_OPTION
};

struct OptionRow {
  OptionId id;
  const char* short_name;  ///< null if there is none
  const char* long_name;   ///< null if there is none
  std::string_view value;
  OptionGroup group;
  const char* doc;

  bool takes_value() const { return !value.empty() && value.front() != '['; }
  bool value_is_optional() const { return !value.empty() && value.front() == '['; }
};

/// Returns all options, in the order of --help within their groups.
std::span<const OptionRow> option_rows();

/// Returns the groups with their titles, in the order of --help.
std::span<const std::pair<OptionGroup, const char*>> option_groups();

/// Returns the names of an option with its value, such as "-t, --target TARGET".
std::string option_heading(const OptionRow& row);

}  // namespace fble
