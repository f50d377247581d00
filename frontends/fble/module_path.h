// Module paths such as /Std/List%.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interp/loc.h"
#include "interp/symbol.h"

namespace fble {

class Diagnostics;

/// The name of a module or package: its words from the root. A word may hold
/// any characters, and may be empty.
struct ModulePath {
  std::vector<Symbol> words;

  friend bool operator==(const ModulePath& a, const ModulePath& b) { return a.words == b.words; }

  /// Returns whether `package` is equal to this path or a prefix of it (spec 9.1).
  bool belongs_to(const ModulePath& package) const;

  /// Returns the path as written in source, with words quoted where needed: "/Std/'a b'%".
  std::string str() const;
};

struct ModulePathHash {
  size_t operator()(const ModulePath& path) const;
};

/// Returns whether the word can be written without quotes.
bool is_plain_word(std::string_view word);

/// Returns the word as it must be written in source: quoted if necessary.
std::string quote_word(std::string_view word);

/// Parses text such as "/Std/List%". On a syntax error, reports it with the
/// quoted text as the file name and returns nothing.
std::optional<ModulePath> parse_module_path(std::string_view text, Diagnostics& diagnostics);

}  // namespace fble
