// Variables and lets (spec 2.4, 2.5), imports (3.6), modules (8.2) and foreign
// values (10.1). Tested by tests/unit/frontends/fble/typecheck_test.cc.
#include <fmt/format.h>

#include <algorithm>

#include "frontends/fble/checker.h"

namespace fble {

void Checker::push_var(const Name& name, Type* type, VarId id, bool* mentioned) {
  uint32_t& slot = innermost_[name_key(name)];
  variables_.push_back({name, type, id, mentioned, slot});
  slot = static_cast<uint32_t>(variables_.size());
}

void Checker::pop_vars(size_t count) {
  for (; count > 0; --count) {
    innermost_[name_key(variables_.back().name)] = variables_.back().shadowed;
    variables_.pop_back();
  }
}

/// Checks a variable (spec 2.4).
Checked Checker::check_var(const VarExpr& expr) {
  const uint32_t* found = innermost_.find(name_key(expr.name));
  if (found == nullptr || *found == 0) {
    const size_t message = diagnostics_.messages().size();
    auto [undefined, is_first] = undefined_.try_emplace(name_key(expr.name), Undefined{message, Loc{}});
    if (is_first) {
      error(expr.name.loc, fmt::format("variable '{}' not defined", name_text(expr.name)));
    } else if (undefined->second.again.line == 0) {
      undefined->second.again = expr.name.loc;
    } else {
      ++undefined->second.more;
    }
    return failed();
  }
  Variable& variable = variables_[*found - 1];
  if (!for_value_) return {variable.type};
  if (variable.mentioned) *variable.mentioned = true;
  if (TypeContext::value_of(variable.type)) return {variable.type, make<CoreTypeValue>(CoreKind::kTypeValue, expr.loc)};
  return {variable.type, make<CoreVarRef>(CoreKind::kVar, expr.loc, variable.id)};
}

/// Checks a reference to a module (spec 8.2).
Checked Checker::check_module_ref(const ModuleRefExpr& expr) {
  auto dep = std::find_if(module_.deps.begin(), module_.deps.end(),
                          [&](const Module* module) { return module->path == expr.path; });
  if (dep == module_.deps.end()) {
    error(expr.loc, fmt::format("module {} not found", expr.path.str()));
    return failed();
  }
  Type* type = types_.module_type(expr.path);
  if (type == nullptr) return failed();  // in a cycle, which was reported
  mentioned_deps_[static_cast<size_t>(dep - module_.deps.begin())] = true;
  if (!for_value_) return {type};
  return {type, make<CoreModule>(CoreKind::kModule, expr.loc, expr.path)};
}

/// Makes the unknown type that a let variable without a declared type has while
/// the definitions of the let are checked.
VarType* Checker::open_type(const Name& name) {
  return types_.var_type(name.loc, param_count_, name.is_type ? name.text : Symbol("__" + name.text.str()));
}

/// Checks a let (spec 2.5).
Checked Checker::check_let(const LetExpr& expr) {
  const std::vector<Binding>& bindings = expr.bindings;
  size_t count = bindings.size();
  PointerSet seen;

  std::vector<Type*> types(count);
  std::vector<VarType*> open(count);  // null where the type is declared
  for (size_t i = 0; i < count; ++i) {
    const Name& name = bindings[i].name;
    if (bindings[i].type) {
      types[i] = check_type(bindings[i].type);
    } else {
      open[i] = open_type(name);
      types[i] = name.is_type ? types_.type_of(name.loc, open[i]) : open[i];
    }
    if (count > 1 && !seen.insert(name_key(name))) {
      error(name.loc, fmt::format("duplicate variable name '{}'", name_text(name)));
      types[i] = types_.error_type();
      open[i] = nullptr;
    }
  }

  size_t first = variables_.size();
  VarId first_id = var_count_;
  bool recursive = false;
  for (size_t i = 0; i < count; ++i) push_var(bindings[i].name, types[i], var_count_++, &recursive);

  // A variable gets the error type as soon as its definition has failed.
  const auto fail_variable = [&](size_t i) {
    if (open[i]) {
      open[i]->value = types_.error_type();
      open[i]->normal = nullptr;  // may be there if the type is vacuous
    }
    if (!bindings[i].name.is_type || !open[i]) variables_[first + i].type = types[i] = types_.error_type();
  };

  std::vector<Checked> defs(count);
  for (size_t i = 0; i < count; ++i) {
    if (bindings[i].name.is_type) {
      TypesOnly types_only(*this);
      defs[i] = check(bindings[i].value);
    } else {
      defs[i] = check(bindings[i].value);
    }
    bool ok = check_namespace(bindings[i].name, defs[i].type);
    if (ok && !open[i] && differ(types[i], defs[i].type)) {
      error(bindings[i].value->loc,
            fmt::format("expected type {}, but found something of type {}", text(types[i]), text(defs[i].type)));
      diagnostics_.note(types[i]->loc, fmt::format("({} from here)", text(types[i])));
      diagnostics_.note(defs[i].type->loc, fmt::format("({} from here)", text(defs[i].type)));
      ok = false;
    }
    if (!ok) defs[i].type = types_.error_type();
    if (!ok || (open[i] && defs[i].type == types_.error_type())) fail_variable(i);
  }

  // From here on the open types are known. Messages show a value with the type
  // found for it, and a type with the name that defines it.
  for (size_t i = 0; i < count; ++i) {
    if (!open[i]) continue;
    Type* value = TypeContext::value_of(defs[i].type);
    open[i]->value = value ? value : defs[i].type;
    if (!bindings[i].name.is_type) variables_[first + i].type = types[i] = defs[i].type;
  }
  std::vector<size_t> vacuous;
  for (size_t i = 0; i < count; ++i) {
    variables_[first + i].mentioned = nullptr;
    if (!types_.is_vacuous(types[i])) continue;
    error(bindings[i].name.loc, fmt::format("{} is vacuous", name_text(bindings[i].name)));
    vacuous.push_back(i);
  }
  for (const size_t i : vacuous) fail_variable(i);

  Checked body = check(expr.body);
  pop_vars(count);
  if (!for_value_) return body;

  std::vector<CoreBinding> values;
  for (size_t i = 0; i < count; ++i) {
    if (bindings[i].name.is_type) continue;
    values.push_back({core_var(bindings[i].name, first_id + static_cast<VarId>(i)), defs[i].core});
  }
  if (values.empty()) return body;
  return {body.type, make<CoreLet>(CoreKind::kLet, expr.loc, recursive, std::move(values), body.core)};
}

/// Checks an import (spec 3.6).
Checked Checker::check_import(const StructImportExpr& expr) {
  Checked source = check(expr.source);
  DataType* data = types_.as_struct(source.type);
  if (!data && !types_.is_error(source.type)) {
    error(expr.source->loc,
          fmt::format("expected value of struct type, but found value of type {}", text(source.type)));
  }

  std::vector<Type*> types;
  std::vector<uint32_t> fields;
  PointerSet seen;
  for (const Import& import : expr.imports) {
    const bool is_duplicate = !seen.insert(name_key(import.name));
    if (is_duplicate) error(import.name.loc, fmt::format("duplicate variable name '{}'", name_text(import.name)));
    Type* type = import.type ? check_type(import.type) : nullptr;
    std::span<TypeField> all;
    if (data) all = data->all_fields();
    auto field = std::find_if(all.begin(), all.end(), [&](const TypeField& candidate) {
      return candidate.name == import.field.text && candidate.is_type == import.field.is_type;
    });
    if (field == all.end()) {
      if (data) {
        error(import.field.loc,
              fmt::format("'{}' is not a field of type {}", name_text(import.field), text(source.type)));
      }
      if (!type) type = types_.error_type();
    } else if (!type) {
      type = field->type;
    } else if (differ(type, field->type)) {
      error(import.field.loc,
            fmt::format("expected type {}, but the field has type {}", text(type), text(field->type)));
      type = types_.error_type();
    }
    if (is_duplicate || !check_namespace(import.name, type)) type = types_.error_type();
    types.push_back(type);
    fields.push_back(static_cast<uint32_t>(field - all.begin()));
  }

  size_t count = expr.imports.size();
  VarId first = var_count_;
  for (size_t i = 0; i < count; ++i) push_var(expr.imports[i].name, types[i], var_count_++);
  Checked body = check(expr.body);
  pop_vars(count);
  if (!for_value_ || !data) return body;

  // Types are not fetched at run time. If the struct may be undefined, the
  // first import is kept all the same, so that the error is reported at the
  // right name.
  bool defined = below_deopt_points(source.core)->kind == CoreKind::kModule;
  std::vector<CoreImport> imports;
  for (size_t i = 0; i < count; ++i) {
    if (TypeContext::value_of(types[i]) && (defined || i > 0)) continue;
    imports.push_back({core_var(expr.imports[i].name, first + static_cast<VarId>(i)), fields[i]});
  }
  if (imports.empty()) {
    CoreDeoptPoints points;
    take_deopt_points(source.core, points);
    return {body.type, put_deopt_points(points, body.core)};
  }
  return {body.type, make<CoreStructImport>(CoreKind::kStructImport, expr.loc, source.core, data->field_count,
                                            std::move(imports), body.core)};
}

/// Checks a foreign value (spec 10.1).
Checked Checker::check_foreign(const ForeignExpr& expr) {
  Type* type = check_type(expr.type);
  int level = TypeContext::type_level(type);
  if (level != 0) {
    error(expr.type->loc,
          fmt::format("expected normal type for foreign value, but got {} with type level {}", text(type), level));
    type = types_.error_type();
  } else if (!check_namespace(expr.name, type)) {
    type = types_.error_type();
  }
  VarId id = var_count_++;
  push_var(expr.name, type, id);
  Checked body = check(expr.body);
  pop_vars(1);
  if (!for_value_) return body;
  return {body.type, make<CoreForeign>(CoreKind::kForeign, expr.name.loc, module_.path, expr.name.text,
                                       core_var(expr.name, id), body.core)};
}

}  // namespace fble
