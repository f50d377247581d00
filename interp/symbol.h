// Interned strings: names, file names and module path words.
// Tested by tests/unit/frontends/fble/lexer_test.cc.
#pragma once

#include <string>
#include <string_view>

namespace fble {

/// An interned string. Two symbols are the same text exactly when their
/// pointers are equal; the text lives as long as the process.
class Symbol {
 public:
  Symbol() : text_(empty()) {}
  explicit Symbol(std::string_view text) : text_(intern(text)) {}

  const std::string& str() const { return *text_; }
  bool empty_text() const { return text_->empty(); }
  const void* id() const { return text_; }

  friend bool operator==(Symbol a, Symbol b) { return a.text_ == b.text_; }
  friend bool operator!=(Symbol a, Symbol b) { return a.text_ != b.text_; }

 private:
  static const std::string* intern(std::string_view text);
  static const std::string* empty();

  const std::string* text_;
};

}  // namespace fble

template <>
struct std::hash<fble::Symbol> {
  size_t operator()(fble::Symbol symbol) const noexcept { return std::hash<const void*>()(symbol.id()); }
};
