// Tested by tests/unit/frontends/fble/parser_test.cc.
#include "frontends/fble/ast_text.h"

#include <fmt/format.h>

#include "frontends/fble/big_stack.h"
#include "frontends/fble/sexpr.h"

namespace fble {
namespace {

using Items = std::vector<const Sexpr*>;

class AstPrinter {
 public:
  explicit AstPrinter(bool with_locs) : with_locs_(with_locs) {}

  std::string print(const Expr& expr) { return print_sexpr(*convert(&expr)); }

 private:
  const Sexpr* atom(std::string text) { return make_atom(arena_, std::move(text)); }
  const Sexpr* list(Items items) { return make_list(arena_, std::move(items)); }
  std::string at(const Loc& loc) const { return with_locs_ ? fmt::format("@{}:{}", loc.line, loc.column) : ""; }

  const Sexpr* name(const Name& name) {
    std::string text = quote_word(name.text.str()) + (name.is_type ? "@" : "");
    return atom(text + at(name.loc));
  }

  const Sexpr* kind(const Kind* kind) {
    if (stack_nearly_exhausted()) return atom("...");
    if (kind->is_basic()) return atom("@");
    return list({atom("poly"), this->kind(kind->arg), this->kind(kind->result)});
  }

  const Sexpr* optional(const Expr* expr) { return expr == nullptr ? atom("-") : convert(expr); }

  /// Starts the list of a node with its head.
  Items start(const char* head, const Expr* expr) {
    Items items = {atom(head)};
    if (with_locs_) items.push_back(atom(at(expr->loc)));
    return items;
  }

  void add_named(Items& items, const std::vector<NamedExpr>& args) {
    for (const NamedExpr& arg : args) items.push_back(list({name(arg.name), convert(arg.value)}));
  }
  void add_all(Items& items, const std::vector<const Expr*>& exprs) {
    for (const Expr* expr : exprs) items.push_back(convert(expr));
  }

  const Sexpr* convert(const Expr* expr);

  Arena arena_;
  bool with_locs_;
};

template <typename T>
const T* as(const Expr* expr) {
  return static_cast<const T*>(expr);
}

const Sexpr* AstPrinter::convert(const Expr* expr) {
  if (stack_nearly_exhausted()) return atom("...");
  Items items;
  switch (expr->kind) {
    case ExprKind::kTypeof:
      items = start("typeof", expr);
      items.push_back(convert(as<TypeofExpr>(expr)->operand));
      break;
    case ExprKind::kVar: return name(as<VarExpr>(expr)->name);
    case ExprKind::kModuleRef: return atom(as<ModuleRefExpr>(expr)->path.str() + at(expr->loc));
    case ExprKind::kPackageType: return atom("@" + as<PackageTypeExpr>(expr)->path.str() + at(expr->loc));
    case ExprKind::kDataType: {
      const auto* type = as<DataTypeExpr>(expr);
      items = start(type->is_struct ? "struct-type" : "union-type", expr);
      for (const TypedName& field : type->fields) items.push_back(list({convert(field.type), name(field.name)}));
      break;
    }
    case ExprKind::kStructExport:
      items = start("export", expr);
      add_named(items, as<StructExportExpr>(expr)->args);
      break;
    case ExprKind::kStructCopy:
      items = start("copy", expr);
      items.push_back(convert(as<StructCopyExpr>(expr)->source));
      add_named(items, as<StructCopyExpr>(expr)->args);
      break;
    case ExprKind::kStructImport: {
      const auto* node = as<StructImportExpr>(expr);
      items = start("import", expr);
      for (const Import& import : node->imports) {
        items.push_back(list({optional(import.type), name(import.name), name(import.field)}));
      }
      items.push_back(convert(node->source));
      items.push_back(convert(node->body));
      break;
    }
    case ExprKind::kUnionValue: {
      const auto* node = as<UnionValueExpr>(expr);
      items = start("union", expr);
      items.insert(items.end(), {convert(node->type), name(node->field), convert(node->arg)});
      break;
    }
    case ExprKind::kDataAccess:
      items = start(".", expr);
      items.insert(items.end(), {convert(as<DataAccessExpr>(expr)->object), name(as<DataAccessExpr>(expr)->field)});
      break;
    case ExprKind::kUnionSelect: {
      const auto* node = as<UnionSelectExpr>(expr);
      items = start("select", expr);
      items.push_back(convert(node->condition));
      add_named(items, node->choices);
      if (node->default_choice != nullptr) items.push_back(list({atom("default"), convert(node->default_choice)}));
      break;
    }
    case ExprKind::kApply: {
      const auto* node = as<ApplyExpr>(expr);
      items = start(node->is_bind ? "bind" : "apply", expr);
      items.push_back(convert(node->func));
      add_all(items, node->args);
      break;
    }
    case ExprKind::kPolyApply:
      items = start("poly-apply", expr);
      items.insert(items.end(), {convert(as<PolyApplyExpr>(expr)->poly), convert(as<PolyApplyExpr>(expr)->arg)});
      break;
    case ExprKind::kPolyValue: {
      const auto* node = as<PolyValueExpr>(expr);
      items = start("poly", expr);
      items.insert(items.end(), {list({kind(node->arg_kind), name(node->arg)}), convert(node->body)});
      break;
    }
    case ExprKind::kFuncType:
      items = start("func-type", expr);
      items.insert(items.end(), {convert(as<FuncTypeExpr>(expr)->arg), convert(as<FuncTypeExpr>(expr)->result)});
      break;
    case ExprKind::kFuncValue: {
      const auto* node = as<FuncValueExpr>(expr);
      items = start("func", expr);
      items.insert(items.end(), {list({convert(node->arg.type), name(node->arg.name)}), convert(node->body)});
      break;
    }
    case ExprKind::kList:
      items = start("list", expr);
      items.push_back(convert(as<ListExpr>(expr)->func));
      add_all(items, as<ListExpr>(expr)->elements);
      break;
    case ExprKind::kLiteral: {
      const auto* node = as<LiteralExpr>(expr);
      items = start("literal", expr);
      items.push_back(convert(node->func));
      if (with_locs_) items.push_back(atom(at(node->word_loc)));
      items.push_back(atom(node->word_quoted ? "quoted" : "plain"));
      items.push_back(atom(node->word));
      break;
    }
    case ExprKind::kPrivate:
      items = start("private", expr);
      items.insert(items.end(), {convert(as<PrivateExpr>(expr)->operand), convert(as<PrivateExpr>(expr)->package)});
      break;
    case ExprKind::kLet: {
      const auto* node = as<LetExpr>(expr);
      items = start("let", expr);
      for (const Binding& binding : node->bindings) {
        items.push_back(list({optional(binding.type), name(binding.name), convert(binding.value)}));
      }
      items.push_back(convert(node->body));
      break;
    }
    case ExprKind::kDeoptPoint: {
      const auto* node = as<DeoptPointExpr>(expr);
      items = {atom("deopt-point")};
      if (with_locs_) items.push_back(atom(at(node->point.loc)));
      const std::string options = deopt_point_options_text(node->point.options, ',');
      items.push_back(atom(options.empty() ? "-" : options.substr(1)));
      items.push_back(convert(node->body));
      break;
    }
    case ExprKind::kForeign: {
      const auto* node = as<ForeignExpr>(expr);
      items = start("foreign", expr);
      items.insert(items.end(), {convert(node->type), name(node->name), convert(node->body)});
      break;
    }
  }
  return list(std::move(items));
}

}  // namespace

std::string print_ast(const Expr& expr, bool with_locs) {
  std::string text;
  run_on_big_stack([&] { text = AstPrinter(with_locs).print(expr); });
  return text;
}

}  // namespace fble
