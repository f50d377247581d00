// Tested by tests/unit/frontends/fble/parser_test.cc. parse_module_path is with the
// other rules of the grammar in parser.cc.
#include "frontends/fble/module_path.h"

#include <algorithm>

#include "frontends/fble/lexer.h"

namespace fble {

bool ModulePath::belongs_to(const ModulePath& package) const {
  return package.words.size() <= words.size() && std::equal(package.words.begin(), package.words.end(), words.begin());
}

std::string ModulePath::str() const {
  std::string text;
  for (Symbol word : words) {
    text += '/';
    text += quote_word(word.str());
  }
  text += '%';
  return text;
}

size_t ModulePathHash::operator()(const ModulePath& path) const {
  size_t hash = path.words.size();
  for (Symbol word : path.words) hash = hash * 0x9E3779B97F4A7C15u + std::hash<Symbol>()(word);
  return hash;
}

bool is_plain_word(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), is_word_char);
}

std::string quote_word(std::string_view word) {
  if (is_plain_word(word)) return std::string(word);
  std::string text = "'";
  for (char c : word) {
    text += c;
    if (c == '\'') text += c;
  }
  text += '\'';
  return text;
}

}  // namespace fble
