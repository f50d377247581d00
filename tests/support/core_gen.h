// Random typed core: programs that are well-typed by construction. Their
// results are random; most programs end, some with a run-time error.
//
// It never judges; its users compare two ways to run the program. Each node has
// a line of its own, so that error traces tell nodes apart.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "frontends/fble/core.h"
#include "frontends/fble/core_text.h"

namespace fble {

/// A type, with as much detail as well-typed terms need. Types of one generator
/// are equal exactly when their addresses are.
struct GenType {
  enum class Kind { kStruct, kUnion, kFunction, kList, kFuel };
  Kind kind = Kind::kStruct;
  std::vector<const GenType*> parts;  ///< fields; arguments by tag; argument and result; element
};

class CoreGenerator {
 public:
  explicit CoreGenerator(uint64_t seed) : random_(seed), arena_(std::make_shared<Arena>()) {
    unit_ = type(GenType::Kind::kStruct, {});
    fuel_ = type(GenType::Kind::kFuel, {});
    data_ = {unit_, fuel_};
    data_.push_back(type(GenType::Kind::kUnion, {unit_, unit_}));
    data_.push_back(type(GenType::Kind::kList, {data_.back()}));
    for (int i = 0; i < 8; ++i) {
      std::vector<const GenType*> parts;
      const bool is_union = below(2) == 0;
      const bool is_wide = below(6) == 0;
      for (uint32_t k = is_wide ? 8 + below(8) : is_union + below(5); k > 0; --k) parts.push_back(any_type());
      if (below(5) == 0) {
        data_.push_back(type(GenType::Kind::kList, {any_type()}));
      } else {
        data_.push_back(type(is_union ? GenType::Kind::kUnion : GenType::Kind::kStruct, std::move(parts)));
      }
      if (below(3) == 0) functions_.push_back(function_type(any_type(), any_type()));
      if (below(3) == 0) functions_.push_back(function_type(any_type(), function_type(any_type(), any_type())));
    }
    functions_.push_back(function_type(data_[2], function_type(unit_, function_type(data_[2], data_[3]))));
  }

  /// Makes another module, which may mention those before.
  CoreProgramModule module() {
    CoreProgramModule result;
    const std::string name(1, static_cast<char>('A' + modules_.size()));
    result.path.words = {Symbol(name)};
    result.loc = Loc{Symbol(name + ".fble"), 1, 0};
    file_ = result.loc.file;
    line_ = 1;
    next_var_ = 0;
    scope_.clear();
    used_.clear();
    const GenType* module_type = below(3) == 0 ? functions_[below(functions_.size())] : data_[below(data_.size())];
    result.body = expression(module_type, 60 + static_cast<int>(below(100)));
    for (const Module& other : modules_) result.deps.push_back(other.path);
    result.var_count = next_var_;
    result.deopt_point_count = deopt_points_in(*result.body);
    result.arena = arena_;
    modules_.push_back({result.path, module_type});
    return result;
  }
  const GenType* type_of_last_module() const { return modules_.back().type; }

 private:
  struct Module {
    ModulePath path;
    const GenType* type;
  };
  /// A variable that may be used; with `fuel`, only as `var(fuel.1)`.
  struct Entry {
    VarId var;
    const GenType* type;
    VarId fuel = UINT32_MAX;
    /// The number of functions around the group, while the group is being defined.
    int open_depth = -1;
  };

  /// Returns false, in most cases, for a variable that is a placeholder here: examining it is an error.
  bool may_look_at(const Entry& entry) {
    return entry.open_depth < 0 || function_depth_ > entry.open_depth || chance(1);
  }

  /// Counts the deopt points in the body: some generated expressions are not used.
  uint32_t deopt_points_in(const Core& body) const {
    constexpr std::string_view kDeoptPoint = "(deopt-point @";
    const std::string text = print_core(body, file_);
    uint32_t count = 0;
    for (size_t at = 0; (at = text.find(kDeoptPoint, at)) != std::string::npos; at += kDeoptPoint.size()) ++count;
    return count;
  }

  uint32_t below(uint64_t limit) { return static_cast<uint32_t>(random_() % limit); }
  bool chance(uint32_t percent) { return below(100) < percent; }

  // ---- types ----------------------------------------------------------------

  const GenType* type(GenType::Kind kind, std::vector<const GenType*> parts) {
    for (const GenType& known : types_) {
      if (known.kind == kind && known.parts == parts) return &known;
    }
    types_.push_back({kind, std::move(parts)});
    return &types_.back();
  }
  const GenType* function_type(const GenType* arg, const GenType* result) {
    return type(GenType::Kind::kFunction, {arg, result});
  }
  const GenType* any_type() {
    if (!functions_.empty() && chance(25)) return functions_[below(functions_.size())];
    return data_[below(data_.size())];
  }

 public:
  /// Returns the types of a union's arguments, also of lists and fuel.
  std::vector<const GenType*> union_parts(const GenType* of) {
    if (of->kind == GenType::Kind::kUnion) return of->parts;
    if (of->kind == GenType::Kind::kFuel) return {unit_, fuel_};
    if (of->kind == GenType::Kind::kList) return {type(GenType::Kind::kStruct, {of->parts[0], of}), unit_};
    return {};
  }

 private:
  // ---- nodes ----------------------------------------------------------------

  Loc next_loc() { return Loc{file_, ++line_, 1 + below(50)}; }

  template <typename Node>
  Node* node(CoreKind kind) {
    Node* made = arena_->make<Node>();
    made->kind = kind;
    made->loc = next_loc();
    return made;
  }
  CoreVar variable() {
    const VarId id = next_var_++;
    return {id, Symbol("v" + std::to_string(id)), next_loc()};
  }
  Core* reference(VarId var) {
    auto* made = node<CoreVarRef>(CoreKind::kVar);
    made->var = var;
    used_.insert(var);
    return made;
  }
  Core* union_access(Core* object, uint32_t tag, size_t tag_count) {
    auto* made = node<CoreUnionAccess>(CoreKind::kUnionAccess);
    made->object = object;
    made->tag = tag;
    made->tag_count = static_cast<uint32_t>(tag_count);
    return made;
  }
  Core* use(const Entry& entry) {
    Core* var = reference(entry.var);
    if (entry.fuel == UINT32_MAX) return var;
    auto* made = node<CoreApply>(CoreKind::kApply);
    made->func = var;
    made->args = {union_access(reference(entry.fuel), 1, 2)};
    return made;
  }
  Core* apply(const Entry& entry, std::vector<Core*> args) {
    auto* made = node<CoreApply>(CoreKind::kApply);
    made->func = reference(entry.var);
    if (entry.fuel != UINT32_MAX) args.insert(args.begin(), union_access(reference(entry.fuel), 1, 2));
    made->args = std::move(args);
    return made;
  }

  struct Scope {
    explicit Scope(CoreGenerator& owner) : owner_(owner), size_(owner.scope_.size()) {}
    ~Scope() { owner_.scope_.resize(size_); }
    CoreGenerator& owner_;
    size_t size_;
  };

  // ---- expressions ----------------------------------------------------------

  /// Makes an expression, sometimes with a deopt point before it.
  Core* expression(const GenType* wanted, int size) {
    Core* made = plain_expression(wanted, size);
    while (chance(4)) {
      auto* point = node<CoreDeoptPoint>(CoreKind::kDeoptPoint);
      point->options = DeoptPointOptions{.after = below(3), .every = 1 + below(3), .gc = chance(20)};
      point->body = made;
      made = point;
    }
    return made;
  }

  Core* plain_expression(const GenType* wanted, int size) {
    if (size > 1) {
      switch (below(12)) {
        case 0: return let(wanted, size);
        case 1:
        case 2: return recursive_let(wanted, size);
        case 3:
          if (Core* made = select(wanted, size)) return made;
          break;
        case 4:
          if (Core* made = import(wanted, size)) return made;
          break;
        case 5:
        case 6:
          if (Core* made = application(wanted, size)) return made;
          break;
        case 7:
          if (Core* made = access(wanted, size)) return made;
          break;
        case 8:
          if (wanted->kind == GenType::Kind::kStruct && !wanted->parts.empty()) return copy(wanted, size);
          break;
        default: break;
      }
    }
    if (size <= 1 || chance(25)) {
      if (Core* made = variable_of(wanted)) return made;
    }
    return construct(wanted, size);
  }

  /// Makes a mention of a variable. `is_part`: as part of a data value, where a placeholder does no harm.
  Core* variable_of(const GenType* wanted, bool is_part = false) {
    for (int attempt = 0; attempt < 8 && !scope_.empty(); ++attempt) {
      const Entry& entry = scope_[below(scope_.size())];
      if (entry.type == wanted && (is_part || may_look_at(entry))) return use(entry);
    }
    for (const Module& module : modules_) {
      if (module.type != wanted || !chance(50)) continue;
      auto* made = node<CoreModule>(CoreKind::kModule);
      made->path = module.path;
      return made;
    }
    return nullptr;
  }

  /// Makes a field or argument of a data value.
  Core* part(const GenType* wanted, int size) {
    if (chance(20)) {
      if (Core* made = variable_of(wanted, true)) return made;
    }
    return expression(wanted, size);
  }

  Core* structure(const std::vector<const GenType*>& fields, int size) {
    if (fields.empty() && chance(20)) return node<CoreTypeValue>(CoreKind::kTypeValue);
    auto* made = node<CoreStruct>(CoreKind::kStruct);
    const int share = (size - 1) / static_cast<int>(fields.size() + 1);
    for (const GenType* field : fields) made->fields.push_back(part(field, share));
    return made;
  }

  Core* construct(const GenType* wanted, int size) {
    switch (wanted->kind) {
      case GenType::Kind::kStruct: return structure(wanted->parts, size);
      case GenType::Kind::kFunction: return function(wanted, size);
      case GenType::Kind::kList:
        if (chance(25)) {
          if (Core* made = literal(wanted)) return made;
        }
        if (chance(50)) {
          auto* made = node<CoreList>(CoreKind::kList);
          const uint32_t count = size <= 1 ? 0 : below(4);
          for (uint32_t i = 0; i < count; ++i) {
            made->elements.push_back(part(wanted->parts[0], (size - 1) / static_cast<int>(count)));
          }
          return made;
        }
        break;
      default: break;
    }
    const std::vector<const GenType*> parts = union_parts(wanted);
    auto* made = node<CoreUnion>(CoreKind::kUnion);
    made->tag = below(parts.size());
    // The way out of recursive types.
    if (wanted->kind == GenType::Kind::kList && size <= 1) made->tag = 1;
    if (wanted->kind == GenType::Kind::kFuel && size <= 1) made->tag = 0;
    made->tag_count = static_cast<uint32_t>(parts.size());
    made->arg = part(parts[made->tag], size - 1);
    return made;
  }

  Core* literal(const GenType* list) {
    const GenType* letter = list->parts[0];
    if (letter->kind != GenType::Kind::kUnion) return nullptr;
    auto* made = node<CoreLiteral>(CoreKind::kLiteral);
    for (uint32_t tag = 0; tag < letter->parts.size(); ++tag) {
      const uint32_t count = static_cast<uint32_t>(letter->parts.size());
      const GenType* part = letter->parts[tag];
      if (part == unit_) made->alphabet.emplace_back(std::vector<TagStep>{{tag, count}});
      if (part->kind == GenType::Kind::kUnion && part->parts[0] == unit_) {
        const TagStep inner{0, static_cast<uint32_t>(part->parts.size())};
        made->alphabet.emplace_back(std::vector<TagStep>{{tag, count}, inner});
      }
    }
    if (made->alphabet.empty()) return nullptr;
    for (uint32_t i = below(8); i > 0; --i) made->letters.push_back(below(made->alphabet.size()));
    return made;
  }

  /// Makes a function value whose body is no function: more arguments need a
  /// statement in between.
  Core* function(const GenType* wanted, int size) {
    Scope scope(*this);
    auto* made = node<CoreFunc>(CoreKind::kFunc);
    do {
      made->args.push_back(variable());
      scope_.push_back({made->args.back().id, wanted->parts[0]});
      wanted = wanted->parts[1];
    } while (wanted->kind == GenType::Kind::kFunction && chance(70));
    made->body_loc = next_loc();
    ++function_depth_;
    made->body = no_function(expression(wanted, size - 1));
    --function_depth_;
    return made;
  }
  Core* no_function(Core* core) {
    if (core->kind != CoreKind::kFunc) return core;
    auto* made = node<CoreLet>(CoreKind::kLet);
    made->recursive = false;
    auto* unit = node<CoreStruct>(CoreKind::kStruct);
    made->bindings.push_back({variable(), unit});
    made->body = core;
    return made;
  }

  Core* let(const GenType* wanted, int size) {
    Scope scope(*this);
    auto* made = node<CoreLet>(CoreKind::kLet);
    made->recursive = false;
    const uint32_t count = 1 + below(3);
    std::vector<Entry> bound;
    for (uint32_t i = 0; i < count; ++i) {
      const GenType* bound_type = any_type();
      Core* value = expression(bound_type, size / static_cast<int>(count + 1));
      made->bindings.push_back({variable(), value});
      bound.push_back({made->bindings.back().var.id, bound_type});
    }
    scope_.insert(scope_.end(), bound.begin(), bound.end());
    made->body = expression(wanted, size / static_cast<int>(count + 1));
    return made;
  }

  Core* recursive_let(const GenType* wanted, int size) {
    Scope scope(*this);
    auto* made = node<CoreLet>(CoreKind::kLet);
    made->recursive = true;
    const uint32_t count = 1 + below(3);
    std::vector<CoreVar> vars;
    std::vector<const GenType*> bound_types;
    const size_t first = scope_.size();
    for (uint32_t i = 0; i < count; ++i) {
      vars.push_back(variable());
      // Mostly functions that count down, some other functions, some data.
      bound_types.push_back(chance(50) ? function_type(fuel_, any_type()) : any_type());
      scope_.push_back({vars.back().id, bound_types.back(), UINT32_MAX, function_depth_});
    }
    const int share = size / static_cast<int>(count + 1);
    for (uint32_t i = 0; i < count; ++i) {
      const bool counts_down = bound_types[i]->kind == GenType::Kind::kFunction && bound_types[i]->parts[0] == fuel_;
      Core* value = counts_down ? countdown(bound_types[i]->parts[1], share, scope_[first + i])
                                : expression(bound_types[i], share);
      made->bindings.push_back({vars[i], value});
    }
    for (uint32_t i = 0; i < count; ++i) scope_[first + i].open_depth = -1;
    made->recursive = std::any_of(vars.begin(), vars.end(), [&](const CoreVar& var) { return used_.contains(var.id); });
    made->body = expression(wanted, share);
    return made;
  }

  /// (fuel, args...) { fuel.?(0: ..., 1: may call itself with fuel.1); }
  Core* countdown(const GenType* result, int size, const Entry self) {
    Scope scope(*this);
    auto* made = node<CoreFunc>(CoreKind::kFunc);
    made->args.push_back(variable());
    const VarId fuel = made->args[0].id;
    scope_.push_back({fuel, fuel_});
    const GenType* rest = result;
    while (rest->kind == GenType::Kind::kFunction && chance(60)) {
      made->args.push_back(variable());
      scope_.push_back({made->args.back().id, rest->parts[0]});
      rest = rest->parts[1];
    }
    ++function_depth_;
    auto* choice = node<CoreUnionSelect>(CoreKind::kUnionSelect);
    choice->condition = reference(fuel);
    choice->tag_count = 2;
    choice->default_choice = nullptr;
    choice->choices.push_back({0, Symbol("zero"), expression(rest, size / 3)});
    // More than once, so that it is likely to be taken.
    for (int i = 0; i < 3; ++i) scope_.push_back({self.var, result, fuel});
    choice->choices.push_back({1, Symbol("more"), expression(rest, size * 2 / 3)});
    --function_depth_;
    made->body_loc = next_loc();
    made->body = choice;
    return made;
  }

  Core* select(const GenType* wanted, int size) {
    std::vector<Entry> unions;
    for (const Entry& entry : scope_) {
      if (!union_parts(entry.type).empty() && may_look_at(entry)) unions.push_back(entry);
    }
    auto* made = node<CoreUnionSelect>(CoreKind::kUnionSelect);
    std::optional<Entry> subject;
    const GenType* of = nullptr;
    if (!unions.empty() && chance(80)) {
      subject = unions[below(unions.size())];
      of = subject->type;
      made->condition = use(*subject);
    } else {
      of = data_[2 + below(data_.size() - 2)];
      if (union_parts(of).empty()) return nullptr;
      made->condition = expression(of, size / 4);
    }
    const std::vector<const GenType*> parts = union_parts(of);
    made->tag_count = static_cast<uint32_t>(parts.size());
    const bool with_default = chance(30);
    std::vector<uint32_t> tags;
    for (uint32_t tag = 0; tag < parts.size(); ++tag) {
      if (!with_default || chance(50)) tags.push_back(tag);
    }
    if (tags.empty()) tags.push_back(below(parts.size()));
    const int share = size / static_cast<int>(tags.size() + 1);
    for (const uint32_t tag : tags) {
      Scope scope(*this);
      Core* body = nullptr;
      if (subject && subject->fuel == UINT32_MAX && chance(70)) {
        // The argument, whose tag is known now.
        auto* bound = node<CoreLet>(CoreKind::kLet);
        bound->recursive = false;
        bound->bindings.push_back({variable(), union_access(reference(subject->var), tag, parts.size())});
        scope_.push_back({bound->bindings[0].var.id, parts[tag]});
        bound->body = expression(wanted, share);
        body = bound;
      } else if (subject && parts[tag] == wanted && chance(70)) {
        body = union_access(use(*subject), tag, parts.size());
      } else {
        body = expression(wanted, share);
      }
      made->choices.push_back({tag, Symbol("t" + std::to_string(tag)), body});
    }
    made->default_choice = with_default ? expression(wanted, share) : nullptr;
    return made;
  }

  Core* import(const GenType* wanted, int size) {
    Scope scope(*this);
    auto* made = node<CoreStructImport>(CoreKind::kStructImport);
    const GenType* of = struct_type();
    made->source = chance(50) ? variable_of(of) : nullptr;
    if (made->source == nullptr) made->source = expression(of, size / 2);
    made->field_count = static_cast<uint32_t>(of->parts.size());
    std::vector<Entry> bound;
    for (uint32_t field = 0; field < of->parts.size(); ++field) {
      if (!chance(60) && !(made->imports.empty() && field + 1 == of->parts.size())) continue;
      made->imports.push_back({variable(), field});
      bound.push_back({made->imports.back().var.id, of->parts[field]});
    }
    scope_.insert(scope_.end(), bound.begin(), bound.end());
    made->body = expression(wanted, size / 2);
    return made;
  }
  const GenType* struct_type() {
    for (int attempt = 0; attempt < 10; ++attempt) {
      const GenType* candidate = data_[below(data_.size())];
      if (candidate->kind == GenType::Kind::kStruct && !candidate->parts.empty()) return candidate;
    }
    return type(GenType::Kind::kStruct, {unit_, data_[2]});
  }

  /// Makes a variable applied to the number of arguments that gives the type.
  Core* application(const GenType* wanted, int size) {
    for (int attempt = 0; attempt < 12 && !scope_.empty(); ++attempt) {
      const Entry entry = scope_[below(scope_.size())];
      if (!may_look_at(entry)) continue;
      std::vector<const GenType*> args;
      for (const GenType* at = entry.type; at->kind == GenType::Kind::kFunction;) {
        args.push_back(at->parts[0]);
        at = at->parts[1];
        if (at != wanted) continue;
        std::vector<Core*> cores;
        for (const GenType* arg : args) cores.push_back(part(arg, size / static_cast<int>(args.size() + 1)));
        return apply(entry, std::move(cores));
      }
    }
    if (!chance(30)) return nullptr;
    // A function made on the spot.
    const GenType* arg = any_type();
    auto* made = node<CoreApply>(CoreKind::kApply);
    made->func = function(function_type(arg, wanted), size / 2);
    made->args = {expression(arg, size / 2)};
    return made;
  }

  /// Makes an access to a field of a struct or, rarely, to the argument of a union with any tag.
  Core* access(const GenType* wanted, int size) {
    for (int attempt = 0; attempt < 12 && !scope_.empty(); ++attempt) {
      const Entry entry = scope_[below(scope_.size())];
      if (!may_look_at(entry)) continue;
      const bool is_struct = entry.type->kind == GenType::Kind::kStruct;
      const std::vector<const GenType*> parts = is_struct ? entry.type->parts : union_parts(entry.type);
      const auto part = std::find(parts.begin(), parts.end(), wanted);
      if (part == parts.end()) continue;
      const uint32_t index = static_cast<uint32_t>(part - parts.begin());
      if (!is_struct) {
        if (!chance(5)) continue;
        return union_access(use(entry), index, parts.size());
      }
      return struct_access(use(entry), index, parts.size());
    }
    const GenType* pair = type(GenType::Kind::kStruct, {wanted, unit_});
    return struct_access(expression(pair, size - 1), 0, 2);
  }
  Core* struct_access(Core* object, uint32_t field, size_t count) {
    auto* made = node<CoreStructAccess>(CoreKind::kStructAccess);
    made->object = object;
    made->field = field;
    made->field_count = static_cast<uint32_t>(count);
    return made;
  }

  Core* copy(const GenType* wanted, int size) {
    auto* made = node<CoreStructCopy>(CoreKind::kStructCopy);
    made->source = expression(wanted, size / 2);
    for (const GenType* field : wanted->parts) {
      const int share = size / 2 / static_cast<int>(wanted->parts.size());
      made->fields.push_back(chance(40) ? expression(field, share) : nullptr);
    }
    return made;
  }

  std::mt19937_64 random_;
  std::shared_ptr<Arena> arena_;
  std::deque<GenType> types_;
  const GenType* unit_ = nullptr;
  const GenType* fuel_ = nullptr;
  std::vector<const GenType*> data_;
  std::vector<const GenType*> functions_;
  std::vector<Module> modules_;
  std::vector<Entry> scope_;
  Symbol file_;
  uint32_t line_ = 1;
  int function_depth_ = 0;
  VarId next_var_ = 0;
  std::set<VarId> used_;
};

}  // namespace fble
