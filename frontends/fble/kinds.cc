// Tested by tests/unit/frontends/fble/types_test.cc.
#include "frontends/fble/kinds.h"

namespace fble {

KindRef KindTable::poly(KindRef arg, KindRef result) {
  std::unique_ptr<KindTerm>& slot = polys_[{arg, result}];
  if (!slot) slot = std::make_unique<KindTerm>(KindTerm{arg, result});
  return slot.get();
}

KindRef KindTable::from_syntax(const Kind* kind) {
  std::vector<KindRef> args;
  for (; !kind->is_basic(); kind = kind->result) args.push_back(from_syntax(kind->arg));
  KindRef term = basic();
  while (!args.empty()) {
    term = poly(args.back(), term);
    args.pop_back();
  }
  return term;
}

bool kind_compatible(KindRef expected, KindRef actual) {
  while (!expected->is_basic()) {
    if (expected == actual || expected->is_error() || actual->is_error()) return true;
    if (actual->is_basic() || !kind_compatible(expected->arg, actual->arg)) return false;
    expected = expected->result;
    actual = actual->result;
  }
  return true;
}

std::string kind_text(KindRef kind) {
  if (kind->is_basic()) return "@";
  if (kind->is_error()) return "???";
  std::string text = "<";
  for (; !kind->is_basic() && !kind->is_error(); kind = kind->result) {
    if (text.size() > 1) text += ", ";
    text += kind_text(kind->arg);
  }
  return text + ">" + kind_text(kind);
}

}  // namespace fble
