// The types of checked expressions: representation, normal forms,
// substitution, equality and printing (spec chapters 2 to 9).
// Tested by tests/unit/frontends/fble/types_test.cc.
//
// A type is a graph of nodes that stay as the source wrote them, names
// included, so that messages use the user's names. Evaluation is lazy: `normal`
// unfolds names and applications until an outermost constructor appears, and
// leaves the nodes below as they were. Every cycle of the graph passes through
// a VarType, the node of a name that a let defines.
//
// Why checking ends. A variable is of basic kind while its own definition is
// checked (spec 6.1), so a name can never be applied to ever larger arguments
// in its own definition. The unfolding of a type is therefore regular, that is,
// it has finitely many different parts. Each (poly, argument) pair is
// substituted once and the result is kept, so equal unfoldings are the same
// nodes, and equality by assumption (below) meets every pair of nodes once.
//
// Equality is coinductive: to compare two types, assume that they are equal and
// compare their parts. Types differ only if a difference is found.
//
// Private types depend on the viewer. `normal` sees through a private type when
// the current viewer belongs to its package, and treats it as an unknown
// constructor otherwise. Normal forms that met a private type, or a variable
// that has no value yet, are therefore not kept.
//
// After an error, checking continues with the error type in the place of the
// unknown type. It is equal to every type, and its kind is compatible with
// every kind, so that a mistake that was reported causes no further messages.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "frontends/fble/arena.h"
#include "frontends/fble/kinds.h"
#include "frontends/fble/module_path.h"
#include "interp/loc.h"
#include "interp/symbol.h"

namespace fble {

enum class TypeKind : uint8_t {
  kStruct,
  kUnion,
  kFunc,
  kPoly,
  kApply,  // a poly type applied to a type
  kPackage,
  kPrivate,
  kParam,   // bound by a kPoly
  kVar,     // defined by a let; has a value once the let is checked
  kTypeOf,  // the type of a type
  kError,   // of what failed to check; there is one node of it
};

/// Base of all type nodes. `level` is no less than the level of each parameter
/// that occurs free; 0 means that there is none.
struct Type {
  TypeKind kind;
  bool visiting = false;  ///< a normal form is being computed
  uint32_t level = 0;
  Loc loc;                 ///< what the type was made from, for "(T from here)"
  Type* normal = nullptr;  ///< the normal form, where it can never change
};

struct TypeField {
  Type* type;
  Symbol name;
  bool is_type;
};

struct DataType : Type {
  uint32_t field_count;
  TypeField* fields;
  std::span<TypeField> all_fields() const { return {fields, field_count}; }
};
struct FuncType : Type {
  Type* arg;
  Type* result;
};
/// A type parameter. The free parameters of a poly type have lower levels than its own parameter.
struct ParamType : Type {
  KindRef param_kind;
  Symbol name;
};
/// A poly type. The body is never a kTypeOf: that moves outwards, as with kApply and kPrivate.
struct PolyType : Type {
  ParamType* param;
  Type* body;
};
struct ApplyType : Type {
  Type* poly;
  Type* arg;
};
struct PackageType : Type {
  const ModulePath* path;
};
struct PrivateType : Type {
  Type* inner;
  const ModulePath* package;
};
struct VarType : Type {
  Symbol name;
  Type* value;
};
struct TypeOfType : Type {
  Type* type;
};

/// A type parameter to be inferred and the type found for it.
struct TypeBinding {
  ParamType* param;
  Type* value = nullptr;
};

/// Thrown where types nest so deeply that the stack would overflow, or become
/// so large that memory would.
struct TypeTooDeep {};

/// Makes and relates types. Owns all of them.
class TypeContext {
 public:
  TypeContext() = default;
  TypeContext(const TypeContext&) = delete;
  TypeContext& operator=(const TypeContext&) = delete;

  KindTable& kinds() { return kinds_; }

  // --- Construction -------------------------------------------------------
  Type* data_type(const Loc& loc, bool is_struct, std::span<const TypeField> fields);
  Type* func_type(const Loc& loc, Type* arg, Type* result);
  Type* poly_type(const Loc& loc, ParamType* param, Type* body);
  Type* apply_type(const Loc& loc, Type* poly, Type* arg);
  Type* package_type(const Loc& loc, const ModulePath& path);
  Type* private_type(const Loc& loc, Type* inner, const ModulePath& package);
  Type* type_of(const Loc& loc, Type* type);
  /// Makes a parameter. `level`: 1 + the number of parameters in scope.
  ParamType* param_type(const Loc& loc, uint32_t level, KindRef kind, Symbol name);
  /// Makes the node of a variable. `level`: the number of parameters in scope. The value is assigned later.
  VarType* var_type(const Loc& loc, uint32_t level, Symbol name);

  /// Returns the error type: the type of an expression that failed to check.
  Type* error_type() { return &error_; }

  // --- Questions ----------------------------------------------------------
  /// Sets the module whose view of private types counts from here on.
  void set_viewer(const ModulePath& module);

  /// Unfolds the type to its outermost constructor. Returns null if there is
  /// none because the type is defined as itself; `is_vacuous` rejects such
  /// types before any other function asks.
  Type* normal(Type* type);
  bool is_vacuous(Type* type);

  /// Returns whether the operations on a value of the type are unknown: the type, or
  /// the type whose type it is, is the error type, perhaps below parameters. A type
  /// may be known and still have unknown parts.
  bool is_error(Type* type);
  /// Returns whether some part of the type is the error type. Then comparing it
  /// with another type proves nothing.
  bool has_error(Type* type) { return occurs(&error_, type); }

  /// Returns the normal form as a struct or union, or null.
  DataType* as_struct(Type* type);
  DataType* as_union(Type* type);
  bool is_unit(Type* type);

  /// Returns 0 for the type of a normal value, 1 for the type of a type, and so on.
  static int type_level(const Type* type);
  /// Returns the type whose type this is; null if it is the type of a normal value.
  static Type* value_of(Type* type);

  KindRef kind_of(Type* type);

  bool equal(Type* a, Type* b) { return match(a, b, {}); }
  /// Compares, and binds each parameter to the first type that stands for it in
  /// `type` (spec 6.4). Stops at the first difference.
  bool match(Type* pattern, Type* type, std::span<TypeBinding> bindings);

  /// Returns the type with each bound parameter replaced by its value.
  Type* specialize(Type* type, std::span<const TypeBinding> bindings);

  /// Returns the element type if the type has the shape of spec 7.1, else null;
  /// the error type if the shape is not known.
  Type* list_element(Type* type);

  /// Returns whether the type nodes have reached their memory limit:
  /// definitions of a few lines can describe types of any size.
  bool is_full() const { return node_bytes() > node_bytes_limit; }
  size_t node_bytes() const { return chunks_.size() * kChunkBytes; }
  size_t node_bytes_limit = size_t{256} << 20;

  /// Returns the type as messages show it: names where the source has names.
  std::string text(const Type* type);

  // --- Module types -------------------------------------------------------
  /// Returns the type of a module's value; null if the module is unknown.
  Type* module_type(const ModulePath& module);

  std::unordered_map<ModulePath, Type*, ModulePathHash> module_types;
  /// Modules whose types are made when they are first needed.
  std::unordered_map<ModulePath, std::function<Type*()>, ModulePathHash> delayed_module_types;

 private:
  friend class Substitution;
  friend class Matcher;

  static constexpr size_t kChunkBytes = 32 * 1024;

  template <typename T>
  T* make(TypeKind kind, uint32_t level, const Loc& loc);
  void* allocate(size_t bytes);

  const ModulePath* intern(const ModulePath& path);
  bool can_see_through(const PrivateType* type) const { return viewer_->belongs_to(*type->package); }

  Type* normal_of(Type* type);
  Type* normal_of_poly(PolyType* type);
  Type* normal_of_apply(ApplyType* type);
  Type* substitute(PolyType* poly, Type* arg);
  bool occurs(const Type* leaf, Type* type);

  struct PairHash {
    size_t operator()(const std::pair<Type*, Type*>& pair) const {
      return (reinterpret_cast<size_t>(pair.first) * 0x9E3779B97F4A7C15u ^ reinterpret_cast<size_t>(pair.second)) >> 4;
    }
  };

  std::vector<std::unique_ptr<char[]>> chunks_;
  size_t chunk_left_ = 0;
  char* chunk_next_ = nullptr;

  KindTable kinds_;
  std::unordered_map<ModulePath, std::unique_ptr<const ModulePath>, ModulePathHash> paths_;
  ModulePath no_module_;
  const ModulePath* viewer_ = &no_module_;

  /// The results of applying poly types to arguments (both as pointers): the
  /// body with the argument substituted, and applications that wait for a
  /// parameter.
  std::unordered_map<std::pair<Type*, Type*>, Type*, PairHash> substituted_;
  std::unordered_map<std::pair<Type*, Type*>, Type*, PairHash> stuck_;

  /// Counts the private types and open variables met, which make normal forms temporary.
  uint64_t temporary_ = 0;

  Type error_{TypeKind::kError};
};

}  // namespace fble
