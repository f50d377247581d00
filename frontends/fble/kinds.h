// Kinds: how many type parameters a type still waits for (spec 6.1).
// Tested by tests/unit/frontends/fble/types_test.cc.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "frontends/fble/ast.h"

namespace fble {

/// A kind without its place in the source. Kinds of one KindTable are equal
/// exactly when their pointers are.
struct KindTerm {
  const KindTerm* arg = nullptr;     ///< null for the basic kind
  const KindTerm* result = nullptr;  ///< null for the basic kind
  bool is_basic() const { return arg == nullptr; }
  bool is_error() const { return arg == this; }
};

using KindRef = const KindTerm*;

/// Owns kinds and keeps each of them once.
class KindTable {
 public:
  KindRef basic() const { return &basic_; }
  /// The kind of what failed to check: compatible with every kind, and neither basic nor poly.
  KindRef error() const { return &error_; }
  KindRef poly(KindRef arg, KindRef result);
  KindRef from_syntax(const Kind* kind);

 private:
  KindTerm basic_;
  KindTerm error_{&error_, &error_};  ///< its parts are itself
  std::map<std::pair<KindRef, KindRef>, std::unique_ptr<KindTerm>> polys_;
};

/// Returns whether something of kind `actual` may be used where `expected` is
/// required, because it is at least as polymorphic.
bool kind_compatible(KindRef expected, KindRef actual);

/// Returns the kind as written in source: "@", "<@, @>@".
std::string kind_text(KindRef kind);

}  // namespace fble
