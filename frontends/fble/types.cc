// Tested by tests/unit/frontends/fble/types_test.cc.
#include "frontends/fble/types.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "frontends/fble/big_stack.h"
#include "frontends/fble/small.h"
#include "gc/base.h"

namespace fble {
namespace {

/// The number of bytes, roughly, after which messages cut a type: a type that
/// shares its parts can be much longer in text than in memory.
constexpr size_t kTextLimit = 16 * 1024;

void check_stack() {
  if (stack_nearly_exhausted()) throw TypeTooDeep{};
}

/// Marks a node for the time of a visit.
class Visit {
 public:
  explicit Visit(Type* type) : type_(type) { type->visiting = true; }
  ~Visit() { type_->visiting = false; }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  Type* type_;
};

/// A map from nodes to nodes that allocates nothing while it is small.
class NodeMap {
 public:
  Type* find(const Type* key) const {
    if (large_.size() > 0) {
      Type* const* found = large_.find(reinterpret_cast<uintptr_t>(key));
      return found == nullptr ? nullptr : *found;
    }
    for (size_t i = 0; i < small_count_; ++i) {
      if (small_[i].first == key) return small_[i].second;
    }
    return nullptr;
  }

  void set(const Type* key, Type* value) {
    if (large_.size() == 0) {
      for (size_t i = 0; i < small_count_; ++i) {
        if (small_[i].first != key) continue;
        small_[i].second = value;
        return;
      }
      if (small_count_ < std::size(small_)) {
        small_[small_count_++] = {key, value};
        return;
      }
      for (const auto& [old, kept] : small_) large_[reinterpret_cast<uintptr_t>(old)] = kept;
    }
    large_[reinterpret_cast<uintptr_t>(key)] = value;
  }

 private:
  std::pair<const Type*, Type*> small_[16];
  size_t small_count_ = 0;
  PointerMap<Type*> large_;
};

}  // namespace

// --- Construction -----------------------------------------------------------

void* TypeContext::allocate(size_t bytes) {
  bytes = (bytes + alignof(Type) - 1) & ~(alignof(Type) - 1);
  if (bytes > chunk_left_) {
    if (is_full()) throw TypeTooDeep{};
    size_t size = std::max(bytes, kChunkBytes);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    chunk_next_ = chunks_.back().get();
    chunk_left_ = size;
  }
  void* memory = chunk_next_;
  chunk_next_ += bytes;
  chunk_left_ -= bytes;
  return memory;
}

template <typename T>
T* TypeContext::make(TypeKind kind, uint32_t level, const Loc& loc) {
  static_assert(std::is_trivially_destructible_v<T>);
  T* type = new (allocate(sizeof(T))) T{};
  type->kind = kind;
  type->level = level;
  type->loc = loc;
  return type;
}

const ModulePath* TypeContext::intern(const ModulePath& path) {
  std::unique_ptr<const ModulePath>& slot = paths_[path];
  if (!slot) slot = std::make_unique<const ModulePath>(path);
  return slot.get();
}

void TypeContext::set_viewer(const ModulePath& module) { viewer_ = intern(module); }

Type* TypeContext::data_type(const Loc& loc, bool is_struct, std::span<const TypeField> fields) {
  uint32_t level = 0;
  for (const TypeField& field : fields) level = std::max(level, field.type->level);
  DataType* type = make<DataType>(is_struct ? TypeKind::kStruct : TypeKind::kUnion, level, loc);
  type->field_count = static_cast<uint32_t>(fields.size());
  type->fields = static_cast<TypeField*>(allocate(fields.size() * sizeof(TypeField)));
  std::uninitialized_copy(fields.begin(), fields.end(), type->fields);
  return type;
}

Type* TypeContext::func_type(const Loc& loc, Type* arg, Type* result) {
  FuncType* type = make<FuncType>(TypeKind::kFunc, std::max(arg->level, result->level), loc);
  type->arg = arg;
  type->result = result;
  return type;
}

Type* TypeContext::poly_type(const Loc& loc, ParamType* param, Type* body) {
  if (Type* inner = value_of(body)) return type_of(loc, poly_type(loc, param, inner));
  uint32_t level = body->level < param->level ? body->level : param->level - 1;
  PolyType* type = make<PolyType>(TypeKind::kPoly, level, loc);
  type->param = param;
  type->body = body;
  return type;
}

Type* TypeContext::apply_type(const Loc& loc, Type* poly, Type* arg) {
  if (Type* inner = value_of(poly)) return type_of(loc, apply_type(loc, inner, arg));
  ApplyType* type = make<ApplyType>(TypeKind::kApply, std::max(poly->level, arg->level), loc);
  type->poly = poly;
  type->arg = arg;
  return type;
}

Type* TypeContext::package_type(const Loc& loc, const ModulePath& path) {
  PackageType* type = make<PackageType>(TypeKind::kPackage, 0, loc);
  type->path = intern(path);
  return type;
}

Type* TypeContext::private_type(const Loc& loc, Type* inner, const ModulePath& package) {
  if (Type* value = value_of(inner)) return type_of(loc, private_type(loc, value, package));
  PrivateType* type = make<PrivateType>(TypeKind::kPrivate, inner->level, loc);
  type->inner = inner;
  type->package = intern(package);
  return type;
}

Type* TypeContext::type_of(const Loc& loc, Type* type) {
  TypeOfType* result = make<TypeOfType>(TypeKind::kTypeOf, type->level, loc);
  result->type = type;
  return result;
}

ParamType* TypeContext::param_type(const Loc& loc, uint32_t level, KindRef kind, Symbol name) {
  ParamType* type = make<ParamType>(TypeKind::kParam, level, loc);
  type->param_kind = kind;
  type->name = name;
  return type;
}

VarType* TypeContext::var_type(const Loc& loc, uint32_t level, Symbol name) {
  VarType* type = make<VarType>(TypeKind::kVar, level, loc);
  type->name = name;
  type->value = nullptr;
  return type;
}

Type* TypeContext::module_type(const ModulePath& module) {
  if (auto known = module_types.find(module); known != module_types.end()) return known->second;
  auto delayed = delayed_module_types.find(module);
  if (delayed == delayed_module_types.end()) return nullptr;
  // While the type is made it is unknown.
  const std::function<Type*()> make_type = std::move(delayed->second);
  delayed_module_types.erase(delayed);
  return module_types[module] = make_type();
}

// --- Normal forms -----------------------------------------------------------

Type* TypeContext::normal(Type* type) {
  if (type->normal) return type->normal;
  switch (type->kind) {
    case TypeKind::kStruct:
    case TypeKind::kUnion:
    case TypeKind::kFunc:
    case TypeKind::kPackage:
    case TypeKind::kParam:
    case TypeKind::kTypeOf:
    case TypeKind::kError: return type;
    default: break;
  }
  if (type->visiting) return nullptr;
  check_stack();
  Visit visit(type);
  uint64_t temporary = temporary_;
  Type* result = normal_of(type);
  if (result && temporary == temporary_) type->normal = result;
  return result;
}

/// Takes one step towards the normal form of a type that may not be in it.
Type* TypeContext::normal_of(Type* type) {
  switch (type->kind) {
    case TypeKind::kPoly: return normal_of_poly(static_cast<PolyType*>(type));
    case TypeKind::kApply: return normal_of_apply(static_cast<ApplyType*>(type));
    case TypeKind::kPrivate: {
      ++temporary_;
      PrivateType* hidden = static_cast<PrivateType*>(type);
      return can_see_through(hidden) ? normal(hidden->inner) : type;
    }
    case TypeKind::kVar: {
      VarType* var = static_cast<VarType*>(type);
      if (var->value) return normal(var->value);
      ++temporary_;
      return type;
    }
    default: FBLE_BUG("type is in normal form already");
  }
}

/// Does eta reduction: <@ T@> { F@<T@>; } is F@.
Type* TypeContext::normal_of_poly(PolyType* type) {
  Type* body = normal(type->body);
  if (!body) return nullptr;
  if (body->kind == TypeKind::kApply) {
    ApplyType* apply = static_cast<ApplyType*>(body);
    if (apply->arg == type->param && !occurs(type->param, apply->poly)) return apply->poly;
  }
  return type;
}

Type* TypeContext::normal_of_apply(ApplyType* type) {
  Type* poly = normal(type->poly);
  if (!poly) return nullptr;
  if (poly->kind == TypeKind::kError) return poly;
  if (poly->kind == TypeKind::kPoly) return normal(substitute(static_cast<PolyType*>(poly), type->arg));

  // There is no body to substitute into yet. Equal applications become one node
  // because the argument is in normal form; eta reduction relies on that.
  Type* arg = normal(type->arg);
  if (!arg) return nullptr;
  if (poly == type->poly && arg == type->arg) return stuck_.try_emplace({poly, arg}, type).first->second;
  Type*& slot = stuck_[{poly, arg}];
  if (!slot) slot = apply_type(type->loc, poly, arg);
  return slot;
}

bool TypeContext::is_vacuous(Type* type) {
  Type* form = normal(type);
  while (form && form->kind == TypeKind::kTypeOf) form = normal(static_cast<TypeOfType*>(form)->type);
  while (form && form->kind == TypeKind::kPoly) form = normal(static_cast<PolyType*>(form)->body);
  return !form;
}

// --- Substitution -----------------------------------------------------------

/// Copies the nodes that mention a parameter, with the parameter replaced.
/// Copies share what the original shares, and have its cycles. Poly types
/// inside get a parameter of their own: no binder is ever found within a copy
/// of itself, and no free parameter of the replacement is captured.
class Substitution {
 public:
  Substitution(TypeContext& context, ParamType* param, Type* value)
      : context_(context), param_level_(param->level), value_level_(value->level) {
    map_.set(param, value);
  }

  Type* apply(Type* type) {
    if (type->level < param_level_) return type;
    if (Type* done = map_.find(type)) return done;
    check_stack();
    Type* result = copy(type);
    map_.set(type, result);
    return result;
  }

 private:
  Type* copy(Type* type) {
    switch (type->kind) {
      case TypeKind::kParam:
      case TypeKind::kPackage:
      case TypeKind::kError: return type;
      case TypeKind::kStruct:
      case TypeKind::kUnion: return copy_data(static_cast<DataType*>(type));
      case TypeKind::kFunc: {
        FuncType* func = static_cast<FuncType*>(type);
        Type* arg = apply(func->arg);
        Type* result = apply(func->result);
        if (arg == func->arg && result == func->result) return type;
        return context_.func_type(type->loc, arg, result);
      }
      case TypeKind::kPoly: {
        PolyType* poly = static_cast<PolyType*>(type);
        uint32_t level = std::max({poly->param->level, value_level_ + 1, inner_level_ + 1});
        ParamType* param = context_.param_type(poly->param->loc, level, poly->param->param_kind, poly->param->name);
        map_.set(poly->param, param);
        uint32_t outer_level = inner_level_;
        inner_level_ = level;
        Type* body = apply(poly->body);
        inner_level_ = outer_level;
        return context_.poly_type(type->loc, param, body);
      }
      case TypeKind::kApply: {
        ApplyType* apply_type = static_cast<ApplyType*>(type);
        Type* poly = apply(apply_type->poly);
        Type* arg = apply(apply_type->arg);
        if (poly == apply_type->poly && arg == apply_type->arg) return type;
        return context_.apply_type(type->loc, poly, arg);
      }
      case TypeKind::kPrivate: {
        PrivateType* hidden = static_cast<PrivateType*>(type);
        Type* inner = apply(hidden->inner);
        if (inner == hidden->inner) return type;
        return context_.private_type(type->loc, inner, *hidden->package);
      }
      case TypeKind::kVar: {
        VarType* var = static_cast<VarType*>(type);
        if (!var->value) return type;
        uint32_t level = var->level == param_level_ ? param_level_ - 1 : var->level;
        VarType* fresh = context_.var_type(type->loc, std::max({level, value_level_, inner_level_}), var->name);
        map_.set(type, fresh);  // for cycles; outside of them the name alone does not identify the type
        return fresh->value = apply(var->value);
      }
      case TypeKind::kTypeOf: {
        TypeOfType* type_of = static_cast<TypeOfType*>(type);
        Type* inner = apply(type_of->type);
        return inner == type_of->type ? type : context_.type_of(type->loc, inner);
      }
    }
    FBLE_BUG("no such kind of type");
  }

  Type* copy_data(DataType* data) {
    SmallVector<TypeField, 8> fields;
    for (const TypeField& field : data->all_fields()) fields.push_back(field);
    bool changed = false;
    for (TypeField& field : fields) {
      Type* type = apply(field.type);
      changed |= type != field.type;
      field.type = type;
    }
    if (!changed) return data;
    return context_.data_type(data->loc, data->kind == TypeKind::kStruct, fields);
  }

  TypeContext& context_;
  uint32_t param_level_;
  uint32_t value_level_;
  uint32_t inner_level_ = 0;  ///< of the parameters of the copied poly types around
  NodeMap map_;
};

Type* TypeContext::substitute(PolyType* poly, Type* arg) {
  auto found = substituted_.find({poly, arg});
  if (found != substituted_.end()) return found->second;
  Type* result = Substitution(*this, poly->param, arg).apply(poly->body);
  substituted_[{poly, arg}] = result;
  return result;
}

Type* TypeContext::specialize(Type* type, std::span<const TypeBinding> bindings) {
  for (const TypeBinding& binding : bindings) {
    type = Substitution(*this, binding.param, binding.value).apply(type);
  }
  return type;
}

/// Returns whether `leaf`, a parameter or the error type, occurs in the type.
bool TypeContext::occurs(const Type* leaf, Type* type) {
  std::vector<Type*> pending{type};
  std::unordered_set<Type*> seen;
  while (!pending.empty()) {
    Type* next = pending.back();
    pending.pop_back();
    if (next == leaf) return true;
    if (next->level < leaf->level || !seen.insert(next).second) continue;
    switch (next->kind) {
      case TypeKind::kStruct:
      case TypeKind::kUnion:
        for (const TypeField& field : static_cast<DataType*>(next)->all_fields()) pending.push_back(field.type);
        break;
      case TypeKind::kFunc:
        pending.push_back(static_cast<FuncType*>(next)->arg);
        pending.push_back(static_cast<FuncType*>(next)->result);
        break;
      case TypeKind::kPoly: pending.push_back(static_cast<PolyType*>(next)->body); break;
      case TypeKind::kApply:
        pending.push_back(static_cast<ApplyType*>(next)->poly);
        pending.push_back(static_cast<ApplyType*>(next)->arg);
        break;
      case TypeKind::kPrivate: pending.push_back(static_cast<PrivateType*>(next)->inner); break;
      case TypeKind::kVar:
        if (Type* value = static_cast<VarType*>(next)->value) pending.push_back(value);
        break;
      case TypeKind::kTypeOf: pending.push_back(static_cast<TypeOfType*>(next)->type); break;
      case TypeKind::kPackage:
      case TypeKind::kParam:
      case TypeKind::kError: break;
    }
  }
  return false;
}

// --- Equality ---------------------------------------------------------------

/// The state of one comparison. Below poly types, parameters of the two sides
/// are paired. An assumption about types with free parameters holds only for
/// the pairing under which it was made, so it is kept together with the
/// pairing's number.
class Matcher {
 public:
  Matcher(TypeContext& context, std::span<TypeBinding> bindings) : context_(context), bindings_(bindings) {}

  bool match(Type* a, Type* b) {
    for (;;) {
      check_stack();
      a = context_.normal(a);
      if (!a) return false;
      for (TypeBinding& binding : bindings_) {
        if (a != binding.param) continue;
        if (!binding.value) {
          binding.value = b;
          return true;
        }
        a = context_.normal(binding.value);
        break;
      }
      b = context_.normal(b);
      if (!a || !b) return false;
      if (a->kind == TypeKind::kError || b->kind == TypeKind::kError) return true;
      if (a == b && (a->level == 0 || (pairing_.empty() && bindings_.empty()))) return true;
      if (a->kind != b->kind) return false;

      switch (a->kind) {
        case TypeKind::kParam: return match_params(a, b);
        case TypeKind::kVar: return a == b;
        case TypeKind::kPackage: return static_cast<PackageType*>(a)->path == static_cast<PackageType*>(b)->path;
        default: break;
      }
      if (!assume(a, b)) return true;

      switch (a->kind) {
        case TypeKind::kStruct:
        case TypeKind::kUnion: return match_fields(static_cast<DataType*>(a), static_cast<DataType*>(b));
        case TypeKind::kPoly: return match_polys(static_cast<PolyType*>(a), static_cast<PolyType*>(b));
        case TypeKind::kFunc: {
          FuncType* func_a = static_cast<FuncType*>(a);
          FuncType* func_b = static_cast<FuncType*>(b);
          if (!match(func_a->arg, func_b->arg)) return false;
          a = func_a->result;
          b = func_b->result;
          break;
        }
        case TypeKind::kApply: {
          ApplyType* apply_a = static_cast<ApplyType*>(a);
          ApplyType* apply_b = static_cast<ApplyType*>(b);
          if (!match(apply_a->poly, apply_b->poly)) return false;
          a = apply_a->arg;
          b = apply_b->arg;
          break;
        }
        case TypeKind::kPrivate: {
          PrivateType* private_a = static_cast<PrivateType*>(a);
          PrivateType* private_b = static_cast<PrivateType*>(b);
          if (private_a->package != private_b->package) return false;
          a = private_a->inner;
          b = private_b->inner;
          break;
        }
        case TypeKind::kTypeOf:
          a = static_cast<TypeOfType*>(a)->type;
          b = static_cast<TypeOfType*>(b)->type;
          break;
        default: FBLE_BUG("leaf types were compared above");
      }
    }
  }

 private:
  using Pairing = std::vector<std::pair<Type*, Type*>>;

  struct Assumption {
    Type* a;
    Type* b;
    size_t pairing;
    bool operator==(const Assumption&) const = default;
  };
  struct AssumptionHash {
    size_t operator()(const Assumption& x) const {
      return (reinterpret_cast<size_t>(x.a) * 0x9E3779B97F4A7C15u ^ reinterpret_cast<size_t>(x.b)) + x.pairing;
    }
  };

  /// Assumes that the two are equal. Returns false if they are assumed to be equal already.
  bool assume(Type* a, Type* b) {
    Assumption assumption{a, b, a->level == 0 && b->level == 0 ? 0 : pairing_number_};
    if (many_.empty()) {
      if (std::find(few_.begin(), few_.end(), assumption) != few_.end()) return false;
      few_.push_back(assumption);
      if (few_.size() > 16) many_.insert(few_.begin(), few_.end());
      return true;
    }
    return many_.insert(assumption).second;
  }

  bool match_params(Type* a, Type* b) const {
    for (const auto& [left, right] : pairing_) {
      if (left == a || right == b) return left == a && right == b;
    }
    return a == b;
  }

  bool match_fields(DataType* a, DataType* b) {
    if (a->field_count != b->field_count) return false;
    for (uint32_t i = 0; i < a->field_count; ++i) {
      const TypeField& field_a = a->fields[i];
      const TypeField& field_b = b->fields[i];
      if (field_a.name != field_b.name || field_a.is_type != field_b.is_type) return false;
      if (!match(field_a.type, field_b.type)) return false;
    }
    return true;
  }

  bool match_polys(PolyType* a, PolyType* b) {
    if (a->param->param_kind != b->param->param_kind) return false;
    Pairing outer_pairing = pairing_;
    size_t outer_number = pairing_number_;
    std::erase_if(pairing_, [&](const auto& pair) { return pair.first == a->param || pair.second == b->param; });
    pairing_.emplace_back(a->param, b->param);
    std::sort(pairing_.begin(), pairing_.end());
    auto known = std::find(pairings_.begin(), pairings_.end(), pairing_);
    pairing_number_ = static_cast<size_t>(known - pairings_.begin()) + 1;
    if (known == pairings_.end()) pairings_.push_back(pairing_);
    bool result = match(a->body, b->body);
    pairing_ = std::move(outer_pairing);
    pairing_number_ = outer_number;
    return result;
  }

  TypeContext& context_;
  std::span<TypeBinding> bindings_;
  SmallVector<Assumption, 17> few_;
  std::unordered_set<Assumption, AssumptionHash> many_;
  Pairing pairing_;
  size_t pairing_number_ = 0;  ///< 0: nothing is paired
  std::vector<Pairing> pairings_;
};

bool TypeContext::match(Type* pattern, Type* type, std::span<TypeBinding> bindings) {
  return Matcher(*this, bindings).match(pattern, type);
}

// --- Questions --------------------------------------------------------------

bool TypeContext::is_error(Type* type) {
  Type* form = normal(type);
  for (;;) {
    if (!form) return false;
    switch (form->kind) {
      case TypeKind::kError: return true;
      case TypeKind::kTypeOf: form = normal(static_cast<TypeOfType*>(form)->type); break;
      case TypeKind::kPoly: form = normal(static_cast<PolyType*>(form)->body); break;
      case TypeKind::kApply:
      case TypeKind::kPrivate: return has_error(form);
      default: return false;
    }
  }
}

DataType* TypeContext::as_struct(Type* type) {
  Type* form = normal(type);
  return form && form->kind == TypeKind::kStruct ? static_cast<DataType*>(form) : nullptr;
}

DataType* TypeContext::as_union(Type* type) {
  Type* form = normal(type);
  return form && form->kind == TypeKind::kUnion ? static_cast<DataType*>(form) : nullptr;
}

bool TypeContext::is_unit(Type* type) {
  DataType* data = as_struct(type);
  return data && data->field_count == 0;
}

int TypeContext::type_level(const Type* type) {
  int level = 0;
  for (; type->kind == TypeKind::kTypeOf; ++level) type = static_cast<const TypeOfType*>(type)->type;
  return level;
}

Type* TypeContext::value_of(Type* type) {
  return type->kind == TypeKind::kTypeOf ? static_cast<TypeOfType*>(type)->type : nullptr;
}

KindRef TypeContext::kind_of(Type* type) {
  check_stack();
  switch (type->kind) {
    case TypeKind::kStruct:
    case TypeKind::kUnion:
    case TypeKind::kFunc:
    case TypeKind::kPackage: return kinds_.basic();
    case TypeKind::kPoly: {
      PolyType* poly = static_cast<PolyType*>(type);
      return kinds_.poly(poly->param->param_kind, kind_of(poly->body));
    }
    case TypeKind::kApply: {
      KindRef poly = kind_of(static_cast<ApplyType*>(type)->poly);
      return poly->is_basic() ? poly : poly->result;  // that of the error kind is itself
    }
    case TypeKind::kPrivate: {
      PrivateType* hidden = static_cast<PrivateType*>(type);
      return can_see_through(hidden) ? kind_of(hidden->inner) : kinds_.basic();
    }
    case TypeKind::kParam: return static_cast<ParamType*>(type)->param_kind;
    case TypeKind::kVar: {
      VarType* var = static_cast<VarType*>(type);
      return var->value ? kind_of(var->value) : kinds_.basic();
    }
    case TypeKind::kTypeOf: return kind_of(static_cast<TypeOfType*>(type)->type);
    case TypeKind::kError: return kinds_.error();
  }
  FBLE_BUG("no such kind of type");
}

Type* TypeContext::list_element(Type* type) {
  DataType* list = as_union(type);
  if (!list) return is_error(type) ? error_type() : nullptr;
  if (list->field_count != 2) return nullptr;
  if (is_error(list->fields[0].type) || is_error(list->fields[1].type)) return error_type();
  if (!is_unit(list->fields[1].type)) return nullptr;
  DataType* item = as_struct(list->fields[0].type);
  if (!item || item->field_count != 2 || !equal(type, item->fields[1].type)) return nullptr;
  return item->fields[0].type;
}

// --- Text -------------------------------------------------------------------

namespace {

/// Prints names where there are names, so recursive types end at their name.
class TypePrinter {
 public:
  std::string print(const Type* type) {
    add(type);
    return std::move(text_);
  }

 private:
  void add(const Type* type) {
    if (text_.size() > kTextLimit || stack_nearly_exhausted()) {
      text_ += "...";
      return;
    }
    switch (type->kind) {
      case TypeKind::kStruct:
      case TypeKind::kUnion: add_data(static_cast<const DataType*>(type)); return;
      case TypeKind::kFunc: {
        const char* separator = "(";
        for (; type->kind == TypeKind::kFunc; type = static_cast<const FuncType*>(type)->result) {
          text_ += separator;
          separator = ", ";
          add(static_cast<const FuncType*>(type)->arg);
        }
        text_ += ") { ";
        add(type);
        text_ += "; }";
        return;
      }
      case TypeKind::kPoly: {
        const char* separator = "<";
        for (; type->kind == TypeKind::kPoly; type = static_cast<const PolyType*>(type)->body) {
          const ParamType* param = static_cast<const PolyType*>(type)->param;
          text_ += separator;
          separator = ", ";
          text_ += kind_text(param->param_kind) + " ";
          add(param);
        }
        text_ += "> { ";
        add(type);
        text_ += "; }";
        return;
      }
      case TypeKind::kApply: {
        std::vector<const Type*> args;
        for (; type->kind == TypeKind::kApply; type = static_cast<const ApplyType*>(type)->poly) {
          args.push_back(static_cast<const ApplyType*>(type)->arg);
        }
        add(type);
        const char* separator = "<";
        for (size_t i = args.size(); i > 0; --i) {
          text_ += separator;
          separator = ", ";
          add(args[i - 1]);
        }
        text_ += ">";
        return;
      }
      case TypeKind::kPackage: text_ += "@" + static_cast<const PackageType*>(type)->path->str(); return;
      case TypeKind::kPrivate: {
        const PrivateType* hidden = static_cast<const PrivateType*>(type);
        add(hidden->inner);
        add_package(hidden);
        return;
      }
      case TypeKind::kParam: text_ += quote_word(static_cast<const ParamType*>(type)->name.str()) + "@"; return;
      case TypeKind::kVar: {
        const VarType* var = static_cast<const VarType*>(type);
        text_ += quote_word(var->name.str()) + "@";
        // Shows why the type cannot be accessed.
        if (var->value && var->value->kind == TypeKind::kPrivate) {
          add_package(static_cast<const PrivateType*>(var->value));
        }
        return;
      }
      case TypeKind::kTypeOf:
        text_ += "@<";
        add(static_cast<const TypeOfType*>(type)->type);
        text_ += ">";
        return;
      case TypeKind::kError: text_ += "???"; return;
    }
  }

  void add_package(const PrivateType* hidden) { text_ += ".%(@" + hidden->package->str() + ")"; }

  void add_data(const DataType* data) {
    text_ += data->kind == TypeKind::kStruct ? "*(" : "+(";
    const char* separator = "";
    for (const TypeField& field : data->all_fields()) {
      text_ += separator;
      separator = ", ";
      add(field.type);
      text_ += " " + quote_word(field.name.str());
      if (field.is_type) text_ += "@";
      if (text_.size() > kTextLimit) {
        text_ += ", ...";
        break;
      }
    }
    text_ += ")";
  }

  std::string text_;
};

}  // namespace

std::string TypeContext::text(const Type* type) { return TypePrinter().print(type); }

}  // namespace fble
