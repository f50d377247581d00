// The abstract syntax tree: spec chapter 11, with the concrete sugar still
// visible where error positions or evaluation order depend on it.
//
// Types are expressions (spec 2.1), so there is one node family. Nodes live in
// an Arena and are never changed after the parser has made them.
#pragma once

#include <string>
#include <vector>

#include "frontends/fble/arena.h"
#include "frontends/fble/module_path.h"
#include "interp/deopt_point.h"
#include "interp/loc.h"
#include "interp/symbol.h"

namespace fble {

/// A variable or field name. A following '@' token, which is not part of the
/// text, tells the two namespaces apart (spec 2.2).
struct Name {
  Symbol text;
  bool is_type = false;
  Loc loc;

  friend bool operator==(const Name& a, const Name& b) { return a.text == b.text && a.is_type == b.is_type; }
  /// Returns the name as messages show it: the text, plus '@' for a type name.
  std::string str() const { return is_type ? text.str() + "@" : text.str(); }
};

/// A kind (spec 6.1). A poly kind has one argument; <@,@>@ is nested.
struct Kind {
  Loc loc;
  const Kind* arg = nullptr;     ///< null for the basic kind
  const Kind* result = nullptr;  ///< null for the basic kind
  bool is_basic() const { return arg == nullptr; }
};

enum class ExprKind {
  kTypeof,        // @<e>
  kVar,           // x, T@
  kModuleRef,     // /A/B%
  kPackageType,   // @/A/B%
  kDataType,      // *(...), +(...)
  kStructExport,  // @(a, b: e)
  kStructCopy,    // e.@(a: x)
  kStructImport,  // a, T b(.c) .= e; body
  kUnionValue,    // T(a: e)
  kDataAccess,    // e.a (struct or union access, decided by type)
  kUnionSelect,   // e.?(a: x, : y)
  kApply,         // e(x, y): struct value or function application; also bind
  kPolyApply,     // e<t>, one argument per node
  kPolyValue,     // <k T@> body, one argument per node
  kFuncType,      // (t) body, one argument per node
  kFuncValue,     // (t x) body, one argument per node
  kList,          // f[a, b]
  kLiteral,       // f|word
  kPrivate,       // e.%(p): private type or private value
  kLet,           // T x = e, ...; body
  kForeign,       // T x; body
  kDeoptPoint,    // # deopt-here! before an expression
};

struct Expr {
  ExprKind kind;
  Loc loc;  ///< of the first token
};

// clang-format off
struct TypeofExpr : Expr { const Expr* operand; };
struct VarExpr : Expr { Name name; };
struct ModuleRefExpr : Expr { ModulePath path; };
struct PackageTypeExpr : Expr { ModulePath path; };

struct TypedName { const Expr* type; Name name; };
/// A name with an expression; `value` is a VarExpr made by the parser where the source gives none.
struct NamedExpr { Name name; const Expr* value; };

struct DataTypeExpr : Expr { bool is_struct; std::vector<TypedName> fields; };
struct StructExportExpr : Expr { std::vector<NamedExpr> args; };
struct StructCopyExpr : Expr { const Expr* source; std::vector<NamedExpr> args; };

struct Import {
  const Expr* type;  ///< null when not given
  Name name;         ///< the variable
  Name field;        ///< the field it is taken from (the same name when not given)
};
struct StructImportExpr : Expr { std::vector<Import> imports; const Expr* source; const Expr* body; };

struct UnionValueExpr : Expr { const Expr* type; Name field; const Expr* arg; };
struct DataAccessExpr : Expr { const Expr* object; Name field; };
struct UnionSelectExpr : Expr {
  const Expr* condition;
  std::vector<NamedExpr> choices;  ///< at least one
  const Expr* default_choice;      ///< null when absent
};

/// The application `func(args...)`. For a bind `T x, U y := func; body` there
/// is one argument, a chain of FuncValueExpr around `body`, `is_bind` is set,
/// and loc is that of the statement's first token.
struct ApplyExpr : Expr { const Expr* func; std::vector<const Expr*> args; bool is_bind; };
struct PolyApplyExpr : Expr { const Expr* poly; const Expr* arg; };
struct PolyValueExpr : Expr { const Kind* arg_kind; Name arg; const Expr* body; };
struct FuncTypeExpr : Expr { const Expr* arg; const Expr* result; };
struct FuncValueExpr : Expr { TypedName arg; const Expr* body; };
struct ListExpr : Expr { const Expr* func; std::vector<const Expr*> elements; };
/// A literal. `word_loc` is the first byte of the word token, the opening quote
/// included; `word_quoted` is true if there is one.
struct LiteralExpr : Expr { const Expr* func; std::string word; Loc word_loc; bool word_quoted; };
struct PrivateExpr : Expr { const Expr* operand; const Expr* package; };

struct Binding { const Expr* type; /* null when inferred */ Name name; const Expr* value; };
struct LetExpr : Expr { std::vector<Binding> bindings; const Expr* body; };
struct ForeignExpr : Expr { const Expr* type; Name name; const Expr* body; };

/// An expression with a deopt point: its value is that of its body. `loc` is that of the body.
struct DeoptPointExpr : Expr { DeoptPoint point; const Expr* body; };
// clang-format on

/// Returns the expression below its deopt points.
inline const Expr* below_deopt_points(const Expr* expr) {
  while (expr->kind == ExprKind::kDeoptPoint) expr = static_cast<const DeoptPointExpr*>(expr)->body;
  return expr;
}

}  // namespace fble
