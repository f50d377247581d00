// Types (spec 2.3, 3.1, 4.1, 5.1) and private types (spec 9).
// Tested by tests/unit/frontends/fble/typecheck_test.cc.
#include <fmt/format.h>

#include "frontends/fble/checker.h"

namespace fble {

/// Checks an expression where a type is expected and returns its value.
Type* Checker::check_type(const Expr* expr) {
  switch (expr->kind) {
    case ExprKind::kTypeof: {  // spec 2.3
      TypesOnly types_only(*this);
      return check(static_cast<const TypeofExpr*>(expr)->operand).type;
    }
    case ExprKind::kDataType: return check_data_type(*static_cast<const DataTypeExpr*>(expr));
    case ExprKind::kFuncType: return check_func_type(*static_cast<const FuncTypeExpr*>(expr));
    case ExprKind::kPackageType:  // spec 9.1
      return types_.package_type(expr->loc, static_cast<const PackageTypeExpr*>(expr)->path);
    default: {
      TypesOnly types_only(*this);
      Type* type = check(expr).type;
      if (Type* value = TypeContext::value_of(type)) return value;
      if (!types_.is_error(type)) {
        error(expr->loc, fmt::format("expected a type, but found value of type {}", text(type)));
      }
      return types_.error_type();
    }
  }
}

/// Checks a struct or union type (spec 3.1, 4.1).
Type* Checker::check_data_type(const DataTypeExpr& expr) {
  std::vector<TypeField> fields;
  fields.reserve(expr.fields.size());
  PointerSet seen;
  bool ok = true;
  for (const TypedName& field : expr.fields) {
    Type* type = check_type(field.type);
    if (!check_namespace(field.name, type)) {
      type = types_.error_type();
    } else if (!seen.insert(name_key(field.name))) {
      error(field.name.loc, fmt::format("duplicate field name '{}'", name_text(field.name)));
      ok = false;
    }
    fields.push_back({type, field.name.text, field.name.is_type});
  }
  if (!ok) return types_.error_type();
  return types_.data_type(expr.loc, expr.is_struct, fields);
}

/// Checks a function type (spec 5.1).
Type* Checker::check_func_type(const FuncTypeExpr& expr) {
  SmallVector<Type*, 4> args;
  const Expr* result_expr = &expr;
  SmallVector<Loc, 4> locs;
  for (; result_expr->kind == ExprKind::kFuncType;
       result_expr = static_cast<const FuncTypeExpr*>(result_expr)->result) {
    args.push_back(check_type(static_cast<const FuncTypeExpr*>(result_expr)->arg));
    locs.push_back(result_expr->loc);
  }
  Type* type = check_type(result_expr);
  for (size_t i = args.size(); i > 0; --i) type = types_.func_type(locs[i - 1], args[i - 1], type);
  return type;
}

/// Checks a private type or value (spec 9.2, 9.3).
Checked Checker::check_private(const PrivateExpr& expr) {
  Type* package = check_type(expr.package);
  Type* form = types_.normal(package);
  const bool is_package = form && form->kind == TypeKind::kPackage;
  if (!is_package && !types_.is_error(package)) {
    error(expr.package->loc, fmt::format("expected a package type, but found something of type {}", text(package)));
  }

  Checked operand = check(expr.operand);
  if (!is_package || operand.type == types_.error_type()) return failed();
  const ModulePath& path = *static_cast<PackageType*>(form)->path;
  Type* type = types_.private_type(expr.loc, operand.type, path);
  int level = TypeContext::type_level(operand.type);
  if (level == 0 && differ(operand.type, type)) {
    error(expr.loc,
          fmt::format("Unable to cast {} to {} from module {}", text(operand.type), text(type), module_.path.str()));
    return failed();
  }
  if (level > 1) {
    error(expr.loc, fmt::format("Type of type {} is not allowed to be a private type", text(operand.type)));
    return failed();
  }
  return {type, operand.core};
}

/// Checks the namespace of a name (spec 2.2): names of normal values have type level 0, names of types level 1.
bool Checker::check_namespace(const Name& name, Type* type) {
  int level = TypeContext::type_level(type);
  if (level == (name.is_type ? 1 : 0) || types_.is_error(type)) return true;
  error(name.loc, fmt::format("the namespace of '{}' is not appropriate for something of type {} with type level {}",
                              name_text(name), text(type), level));
  return false;
}

}  // namespace fble
