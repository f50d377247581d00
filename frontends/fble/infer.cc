// Tested by tests/unit/frontends/fble/typecheck_test.cc.
#include "frontends/fble/infer.h"

namespace fble {

Type* strip_params(TypeContext& types, Type* type, std::vector<TypeBinding>& bindings) {
  Type* form = types.normal(type);
  while (form && form->kind == TypeKind::kPoly) {
    PolyType* poly = static_cast<PolyType*>(form);
    bindings.push_back({poly->param});
    form = types.normal(poly->body);
  }
  return form;
}

void infer(TypeContext& types, std::span<TypeBinding> bindings, std::span<Type* const> declared,
           std::span<Type* const> found) {
  if (bindings.empty()) return;
  for (size_t i = 0; i < declared.size(); ++i) types.match(declared[i], found[i], bindings);
}

namespace {

std::string list_text(TypeContext& types, std::span<Type* const> list) {
  std::string text;
  for (Type* type : list) {
    if (!text.empty()) text += ", ";
    text += types.text(type);
  }
  return text;
}

}  // namespace

std::string not_inferred_text(TypeContext& types, const TypeBinding& binding, std::span<Type* const> declared,
                              std::span<Type* const> found) {
  std::string text = "unable to infer type for " + types.text(binding.param);
  if (declared.empty()) return text + " without arguments";
  return text + " in " + list_text(types, declared) + " from " + list_text(types, found);
}

std::string inferred_types_text(TypeContext& types, std::span<const TypeBinding> bindings) {
  if (bindings.empty()) return "";
  std::string text = "\nInferred types:";
  for (const TypeBinding& binding : bindings) {
    text += "\n  " + types.text(binding.param) + ": " + (binding.value ? types.text(binding.value) : "???");
  }
  return text;
}

}  // namespace fble
