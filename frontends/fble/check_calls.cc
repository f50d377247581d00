// Function and poly values (spec 5.2, 6.2), their application (5.3, 5.4, 6.3), lists and
// literals (7). Tested by tests/unit/frontends/fble/typecheck_test.cc.
#include <fmt/format.h>

#include <algorithm>

#include "frontends/fble/checker.h"

namespace fble {
namespace {

Type* func_arg(Type* form, size_t) { return static_cast<FuncType*>(form)->arg; }

/// Returns the result type of a function to which apply_to_args has applied arguments.
Type* result_type(TypeContext& types, Type* applied) {
  Type* form = types.normal(applied);
  return form->kind == TypeKind::kFunc ? static_cast<FuncType*>(form)->result : types.error_type();
}

/// The number of bytes of a word that messages quote.
constexpr size_t kWordTextLimit = 200;

}  // namespace

const Expr* without_types(const Expr* expr) {
  for (;;) {
    switch (expr->kind) {
      case ExprKind::kPolyValue: expr = static_cast<const PolyValueExpr*>(expr)->body; break;
      case ExprKind::kPolyApply: expr = static_cast<const PolyApplyExpr*>(expr)->poly; break;
      case ExprKind::kPrivate: expr = static_cast<const PrivateExpr*>(expr)->operand; break;
      case ExprKind::kDeoptPoint: expr = static_cast<const DeoptPointExpr*>(expr)->body; break;
      default: return expr;
    }
  }
}

// --- Functions --------------------------------------------------------------

/// Checks function and poly values (spec 5.2, 6.2). Directly nested ones are taken together.
Checked Checker::check_abstraction(const Expr* expr) {
  struct Layer {
    Loc loc;
    Type* arg;         // of a function value
    ParamType* param;  // of a poly value
  };
  std::vector<Layer> layers;  // from the outside in
  std::vector<CoreVar> args;
  const Loc* func_loc = nullptr;
  uint32_t params = 0;
  const Expr* body_expr = expr;
  // A deopt point on a function below poly values is at that function. A deopt point on a function
  // that is merged with one above is passed when the body is about to run.
  std::vector<const DeoptPointExpr*> outer_deopt_points;
  std::vector<const DeoptPointExpr*> inner_deopt_points;
  for (;;) {
    if (const ExprKind next = below_deopt_points(body_expr)->kind;
        body_expr->kind == ExprKind::kDeoptPoint && (next == ExprKind::kFuncValue || next == ExprKind::kPolyValue)) {
      const DeoptPointExpr* point = static_cast<const DeoptPointExpr*>(body_expr);
      (func_loc ? inner_deopt_points : outer_deopt_points).push_back(point);
      body_expr = point->body;
      continue;
    }
    if (body_expr->kind == ExprKind::kFuncValue) {
      const FuncValueExpr* func = static_cast<const FuncValueExpr*>(body_expr);
      Type* type = check_type(func->arg.type);
      if (!check_namespace(func->arg.name, type)) type = types_.error_type();
      layers.push_back({func->loc, type, nullptr});
      args.push_back(core_var(func->arg.name, var_count_));
      push_var(func->arg.name, type, var_count_++);
      if (!func_loc) func_loc = &func->loc;
      body_expr = func->body;
    } else if (body_expr->kind == ExprKind::kPolyValue) {
      const PolyValueExpr* poly = static_cast<const PolyValueExpr*>(body_expr);
      KindRef kind = types_.kinds().from_syntax(poly->arg_kind);
      if (!poly->arg.is_type) {
        error(poly->arg.loc, fmt::format("the namespace of '{}' is not appropriate for kind {}", name_text(poly->arg),
                                         kind_text(kind)));
      }
      ParamType* param = types_.param_type(poly->arg.loc, param_count_ + ++params, kind, poly->arg.text);
      layers.push_back({poly->loc, nullptr, param});
      push_var(poly->arg, poly->arg.is_type ? types_.type_of(poly->arg.loc, param) : types_.error_type(), 0);
      body_expr = poly->body;
    } else {
      break;
    }
  }
  param_count_ += params;
  Checked body = check(body_expr);
  param_count_ -= params;
  pop_vars(layers.size());

  Type* type = body.type;
  for (size_t i = layers.size(); i > 0; --i) {
    const Layer& layer = layers[i - 1];
    type = layer.param ? types_.poly_type(layer.loc, layer.param, type) : types_.func_type(layer.loc, layer.arg, type);
  }
  if (!for_value_) {
    for (const DeoptPointExpr* point : outer_deopt_points) warn_unevaluated(*point);
    for (const DeoptPointExpr* point : inner_deopt_points) warn_unevaluated(*point);
    return {type, body.core};
  }
  Core* core = body.core;
  for (size_t i = inner_deopt_points.size(); i-- > 0;) core = add_deopt_point(*inner_deopt_points[i], core);
  if (func_loc) core = make_func(*func_loc, std::move(args), body_expr, core);
  for (size_t i = outer_deopt_points.size(); i-- > 0;) core = add_deopt_point(*outer_deopt_points[i], core);
  return {type, core};
}

Core* Checker::make_func(const Loc& loc, std::vector<CoreVar> args, const Expr* body, Core* body_core) {
  CoreDeoptPoints points;
  if (Core* below = take_deopt_points(body_core, points); below->kind == CoreKind::kFunc) {
    if (without_types(body)->kind == ExprKind::kFuncValue) {
      CoreFunc* inner = static_cast<CoreFunc*>(below);
      inner->loc = loc;
      inner->args.insert(inner->args.begin(), args.begin(), args.end());
      inner->body = put_deopt_points(points, inner->body);
      return inner;
    }
    body_core = put_deopt_points(points, fence(below));
  }
  return make<CoreFunc>(CoreKind::kFunc, loc, std::move(args), body_core, body->loc);
}

Core* Checker::make_apply(const Loc& loc, const Expr* func, Core* func_core, std::vector<Core*> args) {
  CoreDeoptPoints points;
  if (Core* below = take_deopt_points(func_core, points); below->kind == CoreKind::kApply) {
    ExprKind kind = without_types(func)->kind;
    if (kind == ExprKind::kApply || kind == ExprKind::kList || kind == ExprKind::kLiteral) {
      CoreApply* inner = static_cast<CoreApply*>(below);
      inner->loc = loc;
      inner->args.insert(inner->args.end(), args.begin(), args.end());
      // The function of the inner application comes first in both.
      return put_deopt_points(points, inner);
    }
    func_core = put_deopt_points(points, fence(below));
  }
  return make<CoreApply>(CoreKind::kApply, loc, func_core, std::move(args));
}

/// Keeps `core` apart from the node above it: a statement of types only was
/// dropped between them, and it still separates them.
Core* Checker::fence(Core* core) {
  CoreBinding binding{{var_count_++, Symbol("_@"), core->loc}, make<CoreTypeValue>(CoreKind::kTypeValue, core->loc)};
  return make<CoreLet>(CoreKind::kLet, core->loc, false, std::vector<CoreBinding>{binding}, core);
}

/// Checks an application (spec 3.2, 5.3, 5.4). The type of the applied expression decides which kind it is.
Checked Checker::check_apply(const ApplyExpr& expr) {
  Checked func = check(expr.func);
  SmallVector<Checked, 4> args;
  for (const Expr* arg : expr.args) args.push_back(check(arg));

  Type* struct_type = expr.is_bind ? nullptr : TypeContext::value_of(func.type);
  if (struct_type) {
    std::vector<TypeBinding> bindings;
    Type* form = strip_params(types_, struct_type, bindings);
    if (form && form->kind == TypeKind::kStruct) {
      return check_struct_value(expr, struct_type, static_cast<DataType*>(form), bindings, args);
    }
  }
  if (args.empty()) {
    if (!types_.is_error(func.type)) {
      error(expr.loc, fmt::format("cannot apply arguments to something of type {}", text(func.type)));
    }
    return failed();
  }

  // One argument at a time: each poly layer is inferred from the argument after it.
  Type* type = func.type;
  std::vector<TypeBinding> bindings;
  std::vector<Core*> cores;
  for (size_t i = 0; i < args.size(); ++i) {
    bindings.clear();
    Type* form = strip_params(types_, type, bindings);
    const Loc& arg_loc = without_types(expr.args[i])->loc;
    if (!form || form->kind != TypeKind::kFunc) {
      if (types_.is_error(type)) return failed();
      if (expr.is_bind) {
        error(expr.func->loc, fmt::format("invalid type for bind function: {}", text(func.type)));
      } else {
        error(expr.func->loc, fmt::format("expected {} arguments to something of type {}, but got {}", i,
                                          text(func.type), args.size()));
        diagnostics_.note(arg_loc, "(extra arguments start here)");
      }
      return failed();
    }
    const Loc& loc = i == 0 ? without_types(expr.func)->loc : expr.loc;
    Type* applied = apply_to_args(type, form, bindings, 1, {{args[i].type}, {arg_loc}}, loc, func_arg);
    type = result_type(types_, applied);
    cores.push_back(args[i].core);
  }
  if (!for_value_) return {type};
  return {type, make_apply(expr.loc, expr.func, func.core, std::move(cores))};
}

// --- Polymorphism -----------------------------------------------------------

/// Checks the application of a poly value to a type (spec 6.3).
Checked Checker::check_poly_apply(const PolyApplyExpr& expr) {
  Checked poly = check(expr.poly);
  Type* arg_type = nullptr;
  {
    TypesOnly types_only(*this);
    arg_type = check(expr.arg).type;
  }
  if (!check_poly_arg(poly.type, arg_type, expr.loc, expr.arg->loc) || poly.type == types_.error_type())
    return failed();
  Type* arg = TypeContext::value_of(arg_type);
  if (!arg) arg = types_.error_type();
  return {types_.apply_type(expr.loc, poly.type, arg), poly.core};
}

/// Checks that something of type `poly` may be applied to a type argument of
/// type `arg_type` (which is the type of a type unless there is an error).
bool Checker::check_poly_arg(Type* poly, Type* arg_type, const Loc& poly_loc, const Loc& arg_loc) {
  KindRef poly_kind = types_.kind_of(poly);
  if (poly_kind->is_basic()) {
    error(poly_loc, fmt::format("unable to poly apply a type to something of kind {}", kind_text(poly_kind)));
    return false;
  }
  int level = TypeContext::type_level(arg_type);
  if (level != 1 && !types_.is_error(arg_type)) {
    error(arg_loc, fmt::format("unable to poly apply something of type {} with type level {}", text(arg_type), level));
    return false;
  }
  KindRef kind = types_.kind_of(arg_type);
  if (!kind_compatible(poly_kind->arg, kind)) {
    error(arg_loc,
          fmt::format("expected kind {}, but found something of kind {}", kind_text(poly_kind->arg), kind_text(kind)));
    return false;
  }
  return true;
}

/// Infers type arguments (spec 6.4).
Type* Checker::apply_to_args(Type* poly, Type* form, std::vector<TypeBinding>& bindings, size_t count, const Args& args,
                             const Loc& loc, const Declared& declared) {
  if (count != args.types.size()) {
    error(loc, fmt::format("expected {} args, but found {}", count, args.types.size()));
    return bindings.empty() ? poly : types_.error_type();
  }
  SmallVector<Type*, 4> asked;
  for (size_t i = 0; i < count; ++i) asked.push_back(declared(form, i));

  // All errors are collected: the last one gets the table of the inferred types.
  std::vector<std::pair<Loc, std::string>> errors;
  infer(types_, bindings, asked, args.types);
  const auto unknown = [this](Type* type) { return types_.has_error(type); };
  for (TypeBinding& binding : bindings) {
    if (binding.value) continue;
    if (std::ranges::any_of(asked, unknown) || std::ranges::any_of(args.types, unknown)) {
      binding.value = types_.error_type();
    } else {
      errors.emplace_back(loc, not_inferred_text(types_, binding, asked, args.types));
    }
  }

  Type* applied = poly;
  SmallVector<Type*, 4> expected;
  for (Type* type : asked) expected.push_back(type);
  if (errors.empty() && !bindings.empty()) {
    for (const TypeBinding& binding : bindings) applied = types_.apply_type(loc, applied, binding.value);
    form = types_.normal(applied);
    for (size_t i = 0; i < count; ++i) expected[i] = declared(form, i);
  }
  if (errors.empty()) {
    for (size_t i = 0; i < count; ++i) {
      if (!differ(expected[i], args.types[i])) continue;
      Type* shown = types_.specialize(asked[i], bindings);
      errors.emplace_back(args.locs[i],
                          fmt::format("expected type {}, but found {}", text(shown), text(args.types[i])));
    }
  }
  for (size_t i = 0; i + 1 < errors.size(); ++i) error(errors[i].first, errors[i].second);
  if (!errors.empty()) {
    error(errors.back().first, errors.back().second + inferred_types_text(types_, bindings));
    return bindings.empty() ? poly : types_.error_type();
  }

  // The poly type must accept the inferred types.
  Type* rest = poly;
  for (const TypeBinding& binding : bindings) {
    Type* arg_type = types_.type_of(loc, binding.value);
    if (!check_poly_arg(rest, arg_type, loc, loc)) {
      diagnostics_.append_to_last(inferred_types_text(types_, bindings));
      return types_.error_type();
    }
    rest = types_.apply_type(loc, rest, binding.value);
  }
  return applied;
}

// --- Lists and literals -----------------------------------------------------

/// Checks a list (spec 7.1).
Checked Checker::check_list(const ListExpr& expr) {
  Checked func = check(expr.func);
  std::vector<TypeBinding> bindings;
  Type* form = strip_params(types_, func.type, bindings);
  const bool is_func = form && form->kind == TypeKind::kFunc;
  bool is_list = false;
  if (is_func) {
    Type* list_type = static_cast<FuncType*>(form)->arg;
    is_list = types_.list_element(list_type) != nullptr;
    if (!is_list) {
      error(expr.func->loc,
            fmt::format("expected a list type, but the input to the function has type {}", text(list_type)));
    }
  } else if (!types_.is_error(func.type)) {
    error(expr.func->loc, fmt::format("expected a function, but found something of type {}", text(func.type)));
  }

  Args args;
  std::vector<Core*> elements;
  for (const Expr* element_expr : expr.elements) {
    Checked element = check(element_expr);
    args.types.push_back(element.type);
    args.locs.push_back(without_types(element_expr)->loc);
    elements.push_back(element.core);
  }
  if (!is_list) return failed();

  auto element_type = [this](Type* func_form, size_t) {
    return types_.list_element(static_cast<FuncType*>(func_form)->arg);
  };
  Type* applied =
      apply_to_args(func.type, form, bindings, args.types.size(), args, without_types(expr.func)->loc, element_type);
  Type* result = result_type(types_, applied);
  if (!for_value_) return {result};
  Core* list = make<CoreList>(CoreKind::kList, expr.loc, std::move(elements));
  return {result, make_apply(expr.loc, expr.func, func.core, {list})};
}

/// Checks a literal (spec 7.2).
Checked Checker::check_literal(const LiteralExpr& expr) {
  Checked func = check(expr.func);
  Type* form = types_.normal(func.type);
  if (!form || form->kind != TypeKind::kFunc) {
    if (!types_.is_error(func.type)) {
      error(expr.func->loc,
            fmt::format("expected a function or function type, but found something of type {}", text(func.type)));
    }
    return failed();
  }
  FuncType* func_type = static_cast<FuncType*>(form);
  Type* element = types_.list_element(func_type->arg);
  if (!element) {
    error(expr.func->loc,
          fmt::format("expected a list type, but the input to the function has type {}", text(func_type->arg)));
    return failed();
  }
  DataType* letter_type = types_.as_union(element);
  if (!letter_type) {
    if (!types_.is_error(element)) {
      error(expr.func->loc, fmt::format("expected union type for literal elements, but the input to the function "
                                        "expects elements of type {}",
                                        text(element)));
    }
    return {func_type->result, failed().core};
  }

  std::unique_ptr<LetterTable>& table = letters_[letter_type];
  if (!table) table = std::make_unique<LetterTable>(types_, letter_type);
  CoreLiteral* literal = make<CoreLiteral>(CoreKind::kLiteral, expr.loc);
  size_t parsed = table->parse(expr.word, *literal);
  if (parsed < expr.word.size() && table->all_known()) {
    Loc loc = expr.word_loc;
    for (size_t i = 0; i < parsed; ++i) {
      if (expr.word[i] == '\n') {
        ++loc.line;
        loc.column = 0;
      }
      ++loc.column;
    }
    std::string rest = expr.word.substr(parsed, kWordTextLimit);
    if (parsed + rest.size() < expr.word.size()) rest += "...";
    error(loc, fmt::format("next letter of literal '{}' not found in type {}", rest, text(element)));
  }
  if (!for_value_) return {func_type->result};
  return {func_type->result, make_apply(expr.loc, expr.func, func.core, {literal})};
}

}  // namespace fble
