// The checker of one module: what its parts share (see typecheck.h).
//
// The cases are in check_names.cc (variables, lets, imports, modules, foreign
// values), check_data.cc (structs, unions), check_calls.cc (functions, poly
// values, lists, literals) and check_types.cc (types, private types).
//
// Errors are reported where they are found. The failed part gets the error type
// (types.h), and so does a variable whose definition failed. Nothing is said
// about what depends on a failed part; independent parts are all checked, in
// the order in which the reference checks them, so that the first error is the
// one where the reference stops.
//
// Types that are certain in spite of an error stay known: the result type of a
// function without type parameters although its argument is wrong; a declared
// type although a part of the definition failed.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "frontends/fble/ast.h"
#include "frontends/fble/core.h"
#include "frontends/fble/diagnostics.h"
#include "frontends/fble/infer.h"
#include "frontends/fble/literal.h"
#include "frontends/fble/program.h"
#include "frontends/fble/small.h"
#include "frontends/fble/types.h"

namespace fble {

/// A checked expression. If checking failed, the error was reported and the type
/// is the error type. `core` exists only where the value is needed, and is not
/// used after an error.
struct Checked {
  Type* type;
  Core* core = nullptr;
};

class Checker {
 public:
  Checker(TypeContext& types, Diagnostics& diagnostics, const Module& module);

  /// Checks header and value, and compares them. Returns the module's type as
  /// far as it is known. Stores the core of the value in `core` if there was no
  /// error.
  Type* check_module(CoreProgramModule& core);

 private:
  /// A variable in scope. `shadowed` is 1 + the index of the one it hides.
  struct Variable {
    Name name;
    Type* type;
    VarId id;
    bool* mentioned;  ///< set when the value is used; null if no code reads it
    uint32_t shadowed;
  };

  /// While an object of this class lives, expressions are checked for their
  /// types only: no core is made, and using a variable does not count as
  /// mentioning its value.
  class TypesOnly {
   public:
    explicit TypesOnly(Checker& checker) : checker_(checker), outer_(checker.for_value_) { checker.for_value_ = false; }
    ~TypesOnly() { checker_.for_value_ = outer_; }
    TypesOnly(const TypesOnly&) = delete;
    TypesOnly& operator=(const TypesOnly&) = delete;

   private:
    Checker& checker_;
    bool outer_;
  };

  // --- check_types.cc ---
  /// Checks an expression that denotes a type. Ensures: the result can be used as a type; it is the error type after an
  /// error.
  Type* check_type(const Expr* expr);
  Type* check_data_type(const DataTypeExpr& expr);
  Type* check_func_type(const FuncTypeExpr& expr);
  Checked check_private(const PrivateExpr& expr);
  bool check_namespace(const Name& name, Type* type);

  // --- typecheck.cc ---
  Checked check(const Expr* expr);
  Checked check_case(const Expr* expr);
  Checked failed();
  /// Returns whether the types are known to differ.
  bool differ(Type* a, Type* b) { return !types_.equal(a, b) && !types_.has_error(a) && !types_.has_error(b); }
  void check_parts(CoreProgramModule& core, Type*& type);
  void note_undefined_again();

  // --- check_names.cc ---
  Checked check_var(const VarExpr& expr);
  Checked check_module_ref(const ModuleRefExpr& expr);
  Checked check_let(const LetExpr& expr);
  Checked check_import(const StructImportExpr& expr);
  Checked check_foreign(const ForeignExpr& expr);
  VarType* open_type(const Name& name);
  void push_var(const Name& name, Type* type, VarId id, bool* mentioned = nullptr);
  void pop_vars(size_t count);

  // --- check_data.cc ---
  uint32_t find_field(const DataType& data, const Name& name, uint32_t from = 0);
  Checked check_struct_value(const ApplyExpr& expr, Type* type, DataType* form, std::vector<TypeBinding>& bindings,
                             std::span<const Checked> args);
  Checked check_export(const StructExportExpr& expr);
  Checked check_copy(const StructCopyExpr& expr);
  Checked check_access(const DataAccessExpr& expr);
  Checked check_union_value(const UnionValueExpr& expr);
  Checked check_select(const UnionSelectExpr& expr);

  // --- check_calls.cc ---
  Checked check_abstraction(const Expr* expr);
  Checked check_apply(const ApplyExpr& expr);
  Checked check_poly_apply(const PolyApplyExpr& expr);
  Checked check_list(const ListExpr& expr);
  Checked check_literal(const LiteralExpr& expr);
  bool check_poly_arg(Type* poly, Type* arg_type, const Loc& poly_loc, const Loc& arg_loc);
  Core* make_func(const Loc& loc, std::vector<CoreVar> args, const Expr* body, Core* body_core);
  Core* make_apply(const Loc& loc, const Expr* func, Core* func_core, std::vector<Core*> args);
  Core* fence(Core* core);
  Checked check_deopt_point(const DeoptPointExpr& expr);
  Core* add_deopt_point(const DeoptPointExpr& point, Core* core);
  void warn_unevaluated(const DeoptPointExpr& point);
  void drop_deopt_points(size_t from, size_t to);

  /// The deopt points taken off a core, the outer one first, so that the checker can look at the core below them.
  using CoreDeoptPoints = SmallVector<CoreDeoptPoint*, 2>;
  static Core* take_deopt_points(Core* core, CoreDeoptPoints& points);
  /// Puts the deopt points around another core, which evaluation passes at the same moment.
  static Core* put_deopt_points(const CoreDeoptPoints& points, Core* core);

  /// The arguments of a possibly polymorphic type: the types of the values and
  /// their locations.
  struct Args {
    SmallVector<Type*, 4> types;
    SmallVector<Loc, 4> locs;
  };
  /// Returns the type that a form (a function, a struct...) asks of its i-th argument.
  using Declared = std::function<Type*(Type* form, size_t i)>;
  /// Infers the parameters of `poly`, whose form below them is `form` and asks
  /// for `count` arguments, and checks the arguments. Returns `poly` applied to
  /// the inferred types; the error type if they are not certain. `loc` is the
  /// location of the applied expression.
  Type* apply_to_args(Type* poly, Type* form, std::vector<TypeBinding>& bindings, size_t count, const Args& args,
                      const Loc& loc, const Declared& declared);

  // --- Tools ---
  template <typename T, typename... Fields>
  T* make(CoreKind kind, const Loc& loc, Fields&&... fields) {
    return arena_->make<T>(Core{kind, loc}, std::forward<Fields>(fields)...);
  }
  CoreVar core_var(const Name& name, VarId id) const {
    return {id, name.is_type ? Symbol(name.str()) : name.text, name.loc};
  }
  void error(const Loc& loc, std::string message) { diagnostics_.error(loc, std::move(message)); }
  std::string text(const Type* type) { return types_.text(type); }

  TypeContext& types_;
  Diagnostics& diagnostics_;
  const Module& module_;
  std::shared_ptr<Arena> arena_;

  /// An undefined name. It is reported once, where it is met first.
  struct Undefined {
    size_t message;   ///< the index of the message
    Loc again;        ///< the first other place
    size_t more = 0;  ///< places besides these two
  };
  std::unordered_map<uintptr_t, Undefined> undefined_;  ///< by name_key

  bool for_value_ = true;
  Loc here_;                  ///< of the expression being checked
  uint32_t param_count_ = 0;  ///< type parameters in scope
  VarId var_count_ = 0;
  std::vector<Variable> variables_;
  PointerMap<uint32_t> innermost_;                   ///< name to 1 + index of its variable
  std::vector<bool> mentioned_deps_;                 ///< for each of module_.deps
  std::vector<const DeoptPointExpr*> deopt_points_;  ///< that have a CoreDeoptPoint, in order of their making
  std::unordered_map<DataType*, std::unique_ptr<LetterTable>> letters_;
  std::unordered_map<const DataType*, PointerMap<uint32_t>> field_indices_;  ///< of large types, by name_key
};

/// Returns the name as messages show it: quoted where needed, with '@' for a type.
std::string name_text(const Name& name);

/// Identifies a name within its namespace.
inline uintptr_t name_key(const Name& name) {
  return reinterpret_cast<uintptr_t>(name.text.id()) | (name.is_type ? 1 : 0);
}

/// Returns the expression below the nodes that vanish with types: poly values,
/// poly applications and casts to private types.
const Expr* without_types(const Expr* expr);

}  // namespace fble
