// Breaks the word of a literal into letters (spec 7.2).
// Tested by tests/unit/frontends/fble/typecheck_test.cc.
//
// The letters of a union are its unit fields, by their names, and the letters
// of its union fields, in order of declaration; the first letter that is a
// prefix of the rest of the word is taken. This order does not depend on the
// word, so the letters are collected once per type. A union that was visited
// before adds nothing: each of its letters is in the list already, or will be
// added by the visit in progress, and of two letters with one name the first
// wins. That also ends the search in recursive unions. Letters are then sorted
// by first byte, to look only at those that may match.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "frontends/fble/core.h"
#include "frontends/fble/types.h"

namespace fble {

/// The letters of a union type, seen from the current viewer of the types.
class LetterTable {
 public:
  LetterTable(TypeContext& types, DataType* letter_type);

  /// Appends the letters of the word to `literal`. Returns the offset of the
  /// first byte at which no letter was found, which is the size of the word if
  /// all is well.
  size_t parse(std::string_view word, CoreLiteral& literal) const;

  /// Returns false if there may be more letters, in fields whose types failed to check.
  bool all_known() const { return all_known_; }

 private:
  struct Letter {
    std::string_view name;
    TagPath path;
  };

  /// Returns the letter at the start of the text, which is not empty; null if there is none.
  const Letter* next(std::string_view rest) const;
  void collect(TypeContext& types, DataType* data, std::vector<TagStep>& path, std::vector<DataType*>& visited);

  std::vector<Letter> letters_;
  bool all_known_ = true;
  std::array<std::vector<uint32_t>, 256> by_first_byte_;
};

}  // namespace fble
