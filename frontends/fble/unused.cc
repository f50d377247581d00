// Tested by tests/unit/frontends/fble/unused_test.cc.
#include "frontends/fble/unused.h"

#include <functional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "frontends/fble/big_stack.h"
#include "frontends/fble/checker.h"

namespace fble {
namespace {

/// The indices of let variables that are used and whose definitions still wait
/// for a visit; the smallest comes first.
using Pending = std::priority_queue<size_t, std::vector<size_t>, std::greater<>>;

class UnusedVariables {
 public:
  explicit UnusedVariables(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void visit(const Expr* expr) {
    if (!expr || stack_nearly_exhausted()) return;
    switch (expr->kind) {
      case ExprKind::kModuleRef:
      case ExprKind::kPackageType: return;
      case ExprKind::kTypeof: return visit(static_cast<const TypeofExpr*>(expr)->operand);
      case ExprKind::kVar: return use(static_cast<const VarExpr*>(expr)->name);
      case ExprKind::kDataType:
        for (const TypedName& field : static_cast<const DataTypeExpr*>(expr)->fields) visit(field.type);
        return;
      case ExprKind::kStructExport: return visit_all(static_cast<const StructExportExpr*>(expr)->args);
      case ExprKind::kStructCopy:
        visit(static_cast<const StructCopyExpr*>(expr)->source);
        return visit_all(static_cast<const StructCopyExpr*>(expr)->args);
      case ExprKind::kStructImport: return visit_import(*static_cast<const StructImportExpr*>(expr));
      case ExprKind::kUnionValue:
        visit(static_cast<const UnionValueExpr*>(expr)->type);
        return visit(static_cast<const UnionValueExpr*>(expr)->arg);
      case ExprKind::kDataAccess: return visit(static_cast<const DataAccessExpr*>(expr)->object);
      case ExprKind::kUnionSelect: {
        const UnionSelectExpr* select = static_cast<const UnionSelectExpr*>(expr);
        visit(select->condition);
        visit_all(select->choices);
        return visit(select->default_choice);
      }
      case ExprKind::kApply:
        visit(static_cast<const ApplyExpr*>(expr)->func);
        for (const Expr* arg : static_cast<const ApplyExpr*>(expr)->args) visit(arg);
        return;
      case ExprKind::kPolyApply:
        visit(static_cast<const PolyApplyExpr*>(expr)->poly);
        return visit(static_cast<const PolyApplyExpr*>(expr)->arg);
      case ExprKind::kPolyValue: {
        const PolyValueExpr* poly = static_cast<const PolyValueExpr*>(expr);
        push(poly->arg);
        visit(poly->body);
        pop();
        return;
      }
      case ExprKind::kFuncType:
        visit(static_cast<const FuncTypeExpr*>(expr)->arg);
        return visit(static_cast<const FuncTypeExpr*>(expr)->result);
      case ExprKind::kFuncValue: {
        const FuncValueExpr* func = static_cast<const FuncValueExpr*>(expr);
        visit(func->arg.type);
        push(func->arg.name);
        visit(func->body);
        if (!pop()) warn("argument '", func->arg.name, "' is unused");
        return;
      }
      case ExprKind::kList:
        visit(static_cast<const ListExpr*>(expr)->func);
        for (const Expr* element : static_cast<const ListExpr*>(expr)->elements) visit(element);
        return;
      case ExprKind::kLiteral: return visit(static_cast<const LiteralExpr*>(expr)->func);
      case ExprKind::kPrivate:
        visit(static_cast<const PrivateExpr*>(expr)->operand);
        return visit(static_cast<const PrivateExpr*>(expr)->package);
      case ExprKind::kLet: return visit_let(*static_cast<const LetExpr*>(expr));
      case ExprKind::kDeoptPoint: return visit(static_cast<const DeoptPointExpr*>(expr)->body);
      case ExprKind::kForeign: {
        const ForeignExpr* foreign = static_cast<const ForeignExpr*>(expr);
        visit(foreign->type);
        push(foreign->name);
        visit(foreign->body);
        if (!pop()) warn("variable '", foreign->name, "' is unused");
        return;
      }
    }
  }

 private:
  struct Variable {
    uintptr_t key;
    bool used;
    uint32_t shadowed;  ///< 1 + the index of the variable of that name outside
    Pending* pending;   ///< of the let that defines it, or null
    size_t index;       ///< within that let
  };

  void push(const Name& name, Pending* pending = nullptr, size_t index = 0) {
    uint32_t& slot = innermost_[name_key(name)];
    bool exempt = !name.text.empty_text() && name.text.str()[0] == '_';
    variables_.push_back({name_key(name), exempt, slot, pending, index});
    slot = static_cast<uint32_t>(variables_.size());
    if (exempt && pending) pending->push(index);
  }

  /// Ends the scope of the innermost variable. Returns whether it was used.
  bool pop() {
    Variable variable = variables_.back();
    variables_.pop_back();
    innermost_[variable.key] = variable.shadowed;
    return variable.used;
  }

  void use(const Name& name) {
    const uint32_t* found = innermost_.find(name_key(name));
    if (found == nullptr || *found == 0) return;
    Variable& variable = variables_[*found - 1];
    if (variable.used) return;
    variable.used = true;
    if (variable.pending) variable.pending->push(variable.index);
  }

  void visit_all(const std::vector<NamedExpr>& exprs) {
    for (const NamedExpr& expr : exprs) visit(expr.value);
  }

  void visit_import(const StructImportExpr& expr) {
    visit(expr.source);
    for (const Import& import : expr.imports) visit(import.type);
    for (const Import& import : expr.imports) push(import.name);
    visit(expr.body);
    std::vector<bool> used(expr.imports.size());
    for (size_t i = used.size(); i > 0; --i) used[i - 1] = pop();
    for (size_t i = 0; i < used.size(); ++i) {
      if (!used[i]) warn("variable '", expr.imports[i].name, "' defined but not used");
    }
  }

  void visit_let(const LetExpr& expr) {
    Pending pending;
    for (const Binding& binding : expr.bindings) visit(binding.type);
    for (size_t i = 0; i < expr.bindings.size(); ++i) push(expr.bindings[i].name, &pending, i);
    visit(expr.body);
    while (!pending.empty()) {
      size_t next = pending.top();
      pending.pop();
      visit(expr.bindings[next].value);
    }
    std::vector<bool> used(expr.bindings.size());
    for (size_t i = used.size(); i > 0; --i) used[i - 1] = pop();
    for (size_t i = 0; i < used.size(); ++i) {
      if (!used[i]) warn("variable '", expr.bindings[i].name, "' defined but not used");
    }
  }

  void warn(const char* before, const Name& name, const char* after) {
    diagnostics_.warning(name.loc, before + name_text(name) + after);
  }

  Diagnostics& diagnostics_;
  std::vector<Variable> variables_;
  PointerMap<uint32_t> innermost_;
};

}  // namespace

void warn_unused(const Expr* expr, Diagnostics& diagnostics) { UnusedVariables(diagnostics).visit(expr); }

}  // namespace fble
