// Lowering: where variables live, and in which order things happen.
//
// A variable of a module's outermost scope is evaluated exactly once, so when a
// function mentions it, it becomes a *global* of the program instead of being
// captured: functions of a module capture nothing of it, their closures are
// permanent, and to the JIT all of a module is constant. All other variables
// live in a slot of the function that binds them and are captured by value.
//
// Code is generated towards a destination: `value_into` a given slot, `tail` for
// the end of a function, and `value` for "wherever it is already". Every value has
// a slot of its own here: which may share one is decided when the function is
// complete (interp/slot_allocation.h), and which matter at a collection by
// liveness (interp/liveness.cc).
//
// Order of evaluation, which the specification leaves open: structs and lists left to right, calls
// function first and then the arguments right to left.
//
// Tested by tests/unit/frontends/fble/lower_test.cc and all of tests/lang.
#include "frontends/fble/lower.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "frontends/fble/image/module_image.h"
#include "interp/bytecode_verify.h"
#include "interp/call_frame.h"
#include "interp/slot_allocation.h"

namespace fble {

namespace {

constexpr uint32_t kNone = UINT32_MAX;

// call() relies on the order of the rows in opcodes.def.
constexpr bool follows(Op op, Op base, uint32_t distance) {
  return static_cast<uint32_t>(op) == static_cast<uint32_t>(base) + distance;
}
static_assert(follows(Op::kCall1, Op::kCall, 1) && follows(Op::kCall3, Op::kCall, 3));
static_assert(follows(Op::kCallGlobal1, Op::kCallGlobal, 1) && follows(Op::kCallGlobal3, Op::kCallGlobal, 3));
static_assert(follows(Op::kTailCall1, Op::kTailCall, 1) && follows(Op::kTailCall3, Op::kTailCall, 3));
static_assert(follows(Op::kTailCallGlobal1, Op::kTailCallGlobal, 1) &&
              follows(Op::kTailCallGlobal3, Op::kTailCallGlobal, 3));

struct FunctionState;

/// The place of a variable.
struct Place {
  FunctionState* owner = nullptr;  ///< function that binds it; null before its binder is reached
  uint32_t slot = kNone;
  uint32_t global = kNone;
  std::optional<Word> constant;
  VarId alias = kNone;         ///< another variable with the same value
  bool being_defined = false;  ///< of a group of recursive values whose definitions are being lowered
};

/// The use of a variable by a function inside of the one that binds it.
struct OuterUse {
  uint32_t field = kNone;  ///< the one field of the struct that the function reads; kNone if it uses more than that
  uint32_t field_count = 0;
  bool operator==(const OuterUse&) const = default;
};
using OuterUses = std::unordered_map<VarId, OuterUse>;

struct FunctionState {
  FunctionState(Code* code_of_function, FunctionState* around) : code(code_of_function), parent(around) {}

  Code* code;
  FunctionState* parent;
  const OuterUses* outer_uses = nullptr;
  std::vector<VarId> captured;
  std::unordered_map<VarId, uint32_t> capture_index;
  std::unordered_map<Word, uint32_t> constant_index;  ///< into code->constants

  /// Returns the first of `count` new adjacent slots.
  uint32_t take(uint32_t count = 1) {
    const uint32_t slot = code->frame_slots;
    code->frame_slots += count;
    return slot;
  }
};

class ModuleLowering {
 public:
  ModuleLowering(ProgramCode& program, const std::unordered_map<ModulePath, uint32_t, ModulePathHash>& module_globals,
                 const CoreProgramModule& module)
      : program_(program), module_globals_(module_globals), module_(module), places_(module.var_count) {
    find_globals(module.body, 0);
  }

  Code* lower() {
    Code* code = &program_.codes.emplace_back();
    name_ = module_.path.str();
    code->block = Symbol(name_);
    code->loc = module_.loc;
    FunctionState function(code, nullptr);
    function_ = &function;
    tail(module_.body);
    allocate_slots(*code);
    finish_code(*code);
    if (deopt_points_lowered_ != deopt_points_found_) FBLE_BUG("a deopt point was lost or doubled");
    return code;
  }

 private:
  // ---- which variables are globals ------------------------------------------

  struct Binder {
    uint32_t depth = kNone;  ///< number of functions around
    bool crosses = false;    ///< mentioned inside of a function below its binder
    VarId alias = kNone;     ///< the variable that its definition is, if it is nothing else
  };

  /// The innermost select by a variable that is being walked through.
  struct OpenSelect {
    const CoreUnionSelect* core = nullptr;
    uint32_t depth = kNone;
  };

  void bind(const CoreVar& var, uint32_t depth) { binders_[var.id].depth = depth; }

  /// Notes a mention of a variable in the functions between the mention and its binder.
  void note_use(VarId var, const OuterUse& use) {
    var = root_of(var);
    if (binders_[var].depth == 0) return;
    for (size_t depth = open_functions_.size(); depth > binders_[var].depth; --depth) {
      auto [known, inserted] = outer_uses_[open_functions_[depth - 1]].try_emplace(var, use);
      if (inserted) continue;
      // A use that is known in a function is known in those around it.
      if (known->second == use || known->second.field == kNone) return;
      known->second = OuterUse{};
    }
  }

  void note_crossing(VarId var) {
    for (; var != kNone; var = binders_[var].alias) {
      if (binders_[var].depth == 0) binders_[var].crosses = true;
    }
  }

  void find_globals(const Core* core, uint32_t depth) {
    if (binders_.empty()) binders_.resize(module_.var_count);
    walk(core, depth);
  }

  /// Returns whether the definition only gives a variable a second name, which costs nothing.
  static bool is_alias(const CoreLet* let, const CoreBinding& binding) {
    return !let->recursive && below_deopt_points(binding.value)->kind == CoreKind::kVar;
  }
  static VarId var_of(const Core* core) {
    core = below_deopt_points(core);
    return core->kind == CoreKind::kVar ? static_cast<const CoreVarRef*>(core)->var : kNone;
  }

  void walk_all(const std::vector<Core*>& cores, uint32_t depth) {
    for (const Core* core : cores) {
      if (core != nullptr) walk(core, depth);
    }
  }

  void walk(const Core* core, uint32_t depth) {
    for (;;) {
      switch (core->kind) {
        case CoreKind::kTypeValue:
        case CoreKind::kModule:
        case CoreKind::kLiteral: return;
        case CoreKind::kVar: {
          if (depth == 0) return;
          note_crossing(static_cast<const CoreVarRef*>(core)->var);
          note_use(static_cast<const CoreVarRef*>(core)->var, {});
          return;
        }
        case CoreKind::kLet: {
          auto* let = static_cast<const CoreLet*>(core);
          for (const CoreBinding& binding : let->bindings) {
            bind(binding.var, depth);
            if (is_alias(let, binding)) binders_[binding.var.id].alias = var_of(binding.value);
          }
          for (const CoreBinding& binding : let->bindings) {
            if (is_alias(let, binding)) {
              for (const Core* name = binding.value; name->kind == CoreKind::kDeoptPoint;) {
                ++deopt_points_found_;
                name = static_cast<const CoreDeoptPoint*>(name)->body;
              }
              if (depth != 0) note_crossing(var_of(binding.value));
            } else {
              walk(binding.value, depth);
            }
          }
          core = let->body;
          continue;
        }
        case CoreKind::kStruct: return walk_all(static_cast<const CoreStruct*>(core)->fields, depth);
        case CoreKind::kStructAccess: {
          auto* access = static_cast<const CoreStructAccess*>(core);
          core = access->object;
          if (core->kind != CoreKind::kVar || depth == 0 || access->field_count > kMostPromisedFields) continue;
          note_crossing(static_cast<const CoreVarRef*>(core)->var);
          note_use(static_cast<const CoreVarRef*>(core)->var, {access->field, access->field_count});
          return;
        }
        case CoreKind::kStructCopy: {
          auto* copy = static_cast<const CoreStructCopy*>(core);
          walk_all(copy->fields, depth);
          core = copy->source;
          continue;
        }
        case CoreKind::kStructImport: {
          auto* import = static_cast<const CoreStructImport*>(core);
          walk(import->source, depth);
          for (const CoreImport& item : import->imports) bind(item.var, depth);
          core = import->body;
          continue;
        }
        case CoreKind::kUnion: core = static_cast<const CoreUnion*>(core)->arg; continue;
        case CoreKind::kUnionAccess: {
          core = static_cast<const CoreUnionAccess*>(core)->object;
          if (const VarId var = var_of(core); var != kNone) {
            auto select = open_selects_.find(root_of(var));
            if (select != open_selects_.end() && select->second.depth == depth) {
              selects_with_access_.insert(select->second.core);
            }
          }
          continue;
        }
        case CoreKind::kUnionSelect: {
          auto* select = static_cast<const CoreUnionSelect*>(core);
          walk(select->condition, depth);
          VarId subject = var_of(select->condition);
          if (subject != kNone) subject = root_of(subject);
          OpenSelect outer;
          if (subject != kNone) outer = std::exchange(open_selects_[subject], {select, depth});
          for (const CoreChoice& choice : select->choices) walk(choice.body, depth);
          if (subject != kNone) open_selects_[subject] = outer;
          if (select->default_choice == nullptr || select->choices.size() == select->tag_count) return;
          core = select->default_choice;
          continue;
        }
        case CoreKind::kFunc: {
          auto* func = static_cast<const CoreFunc*>(core);
          for (const CoreVar& arg : func->args) bind(arg, depth + 1);
          open_functions_.push_back(func);
          walk(func->body, depth + 1);
          open_functions_.pop_back();
          return;
        }
        case CoreKind::kApply: {
          auto* apply = static_cast<const CoreApply*>(core);
          walk_all(apply->args, depth);
          core = apply->func;
          continue;
        }
        case CoreKind::kList: return walk_all(static_cast<const CoreList*>(core)->elements, depth);
        case CoreKind::kDeoptPoint:
          ++deopt_points_found_;
          core = static_cast<const CoreDeoptPoint*>(core)->body;
          continue;
        case CoreKind::kForeign: {
          auto* foreign = static_cast<const CoreForeign*>(core);
          bind(foreign->var, depth);
          core = foreign->body;
          continue;
        }
      }
    }
  }

  VarId root_of(VarId var) const {
    while (binders_[var].alias != kNone) var = binders_[var].alias;
    return var;
  }

  bool is_global(VarId var) const { return binders_[var].depth == 0 && binders_[var].crosses; }

  uint32_t new_global(const std::string& name) {
    program_.global_names.push_back(name);
    return program_.global_count++;
  }

  // ---- emitting -------------------------------------------------------------

  std::vector<uint32_t>& words() { return function_->code->words; }

  /// Appends an instruction; with a location if it has one. Returns its start.
  uint32_t emit(Op op, std::initializer_list<uint32_t> operands, const Loc* loc = nullptr) {
    const uint32_t start = static_cast<uint32_t>(words().size());
    words().push_back(static_cast<uint32_t>(op));
    words().insert(words().end(), operands);
    if (loc != nullptr) located(*loc);
    return start;
  }
  void append(const std::vector<uint32_t>& operands) {
    words().insert(words().end(), operands.begin(), operands.end());
  }
  void located(const Loc& loc) { function_->code->locs.push_back({static_cast<uint32_t>(words().size()), loc}); }

  void emit_constant(uint32_t dest, Word word) {
    std::vector<Word>& constants = function_->code->constants;
    const auto [entry, inserted] = function_->constant_index.try_emplace(word, static_cast<uint32_t>(constants.size()));
    if (inserted) constants.push_back(word);
    emit(Op::kConstant, {dest, entry->second});
  }

  // ---- deopt points ----------------------------------------------------------------

  /// Emits the deopt points around an expression that is about to be evaluated, and returns the
  /// expression below them. Code that examines an expression before, or instead of, evaluating it
  /// calls this first.
  const Core* pass_deopt_points(const Core* core) {
    for (; core->kind == CoreKind::kDeoptPoint; core = static_cast<const CoreDeoptPoint*>(core)->body) {
      ++deopt_points_lowered_;
      emit(Op::kDeoptPoint, {static_cast<uint32_t>(program_.deopt_points.size())});
      program_.deopt_points.push_back({core->loc, static_cast<const CoreDeoptPoint*>(core)->options});
    }
    return core;
  }

  // ---- variables ------------------------------------------------------------

  VarId resolve(VarId var) const {
    while (places_[var].alias != kNone) var = places_[var].alias;
    return var;
  }

  /// Declares that the variable is in the slot of the running function.
  void place(const CoreVar& var, uint32_t slot) {
    places_[var.id].owner = function_;
    places_[var.id].slot = slot;
    if (is_global(var.id)) {
      places_[var.id].global = new_global(name_ + "." + var.name.str());
      emit(Op::kSetGlobal, {places_[var.id].global, slot});
    }
  }

  uint32_t capture_of(VarId var) {
    auto [entry, inserted] =
        function_->capture_index.try_emplace(var, static_cast<uint32_t>(function_->captured.size()));
    if (inserted) function_->captured.push_back(var);
    return entry->second;
  }

  /// Returns which field of the variable the function captures in its place; null if it captures the variable itself.
  /// The field must be available where the function is made: the variable is in a slot there, or its field is captured
  /// there, too.
  const OuterUse* projection_of(const FunctionState& function, VarId var) const {
    const Place& at = places_[var];
    if (at.being_defined || function.outer_uses == nullptr) return nullptr;
    auto use = function.outer_uses->find(var);
    if (use == function.outer_uses->end() || use->second.field == kNone) return nullptr;
    return at.owner == function.parent || projection_of(*function.parent, var) != nullptr ? &use->second : nullptr;
  }

  /// Returns the variable if the expression is one of which the running function captures only a field; kNone
  /// otherwise.
  VarId projected_variable(const Core* core) const {
    if (core->kind != CoreKind::kVar) return kNone;
    const VarId var = resolve(static_cast<const CoreVarRef*>(core)->var);
    const Place& at = places_[var];
    if (at.owner == function_ || at.constant || at.global != kNone) return kNone;
    return projection_of(*function_, var) != nullptr ? var : kNone;
  }

  void load_variable(VarId var, uint32_t dest) {
    const Place& at = places_[var];
    if (at.constant) {
      emit_constant(dest, *at.constant);
    } else if (at.owner == function_) {
      emit(Op::kMove, {dest, at.slot});
    } else if (at.global != kNone) {
      emit(Op::kGlobal, {dest, at.global});
    } else {
      emit(Op::kCapture, {dest, capture_of(var)});
    }
  }

  uint32_t module_global(const CoreModule* core) const { return module_globals_.at(core->path); }

  /// Returns the global that holds the value of the expression; kNone if there is none.
  uint32_t global_of(const Core* core) {
    if (core->kind == CoreKind::kModule) return module_global(static_cast<const CoreModule*>(core));
    if (core->kind != CoreKind::kVar) return kNone;
    const Place& at = places_[resolve(static_cast<const CoreVarRef*>(core)->var)];
    return at.owner != function_ && !at.constant ? at.global : kNone;
  }

  /// Returns the capture that holds the value of the expression; kNone if there is none.
  uint32_t captured_by(const Core* core) {
    if (core->kind != CoreKind::kVar) return kNone;
    const VarId var = resolve(static_cast<const CoreVarRef*>(core)->var);
    const Place& at = places_[var];
    if (at.constant || at.owner == function_ || at.global != kNone) return kNone;
    return capture_of(var);
  }

  /// Returns the Choose operand that already holds the value of the expression;
  /// nullopt if computing it takes an instruction.
  std::optional<uint32_t> source_of(const Core* core) {
    constexpr uint32_t kLimit = UINT32_MAX >> kSourceShift;
    if (const std::optional<Word> word = constant_of(core)) {
      if (*word > kLimit) return std::nullopt;
      return make_source(Source::kWord, static_cast<uint32_t>(*word));
    }
    if (const uint32_t global = global_of(core); global != kNone) return make_source(Source::kGlobal, global);
    if (core->kind != CoreKind::kVar) return std::nullopt;
    const Place& at = places_[resolve(static_cast<const CoreVarRef*>(core)->var)];
    if (at.owner == function_) return make_source(Source::kSlot, at.slot);
    return make_source(Source::kCapture, captured_by(core));
  }

  /// Returns the Choose operands of a select among values that are already
  /// computed, by entry of its table; empty for other selects.
  std::vector<uint32_t> sources_of(const CoreUnionSelect* core, uint32_t entries) {
    std::vector<uint32_t> sources(entries, kNone);
    for (const CoreChoice& choice : core->choices) {
      const std::optional<uint32_t> source = source_of(choice.body);
      if (!source) return {};
      sources[choice.tag] = *source;
    }
    if (std::find(sources.begin(), sources.end(), kNone) == sources.end()) return sources;
    const std::optional<uint32_t> source = source_of(core->default_choice);
    if (!source) return {};
    std::replace(sources.begin(), sources.end(), kNone, *source);
    return sources;
  }

  /// Returns the packed word that the expression always has, if it is known now.
  std::optional<Word> constant_of(const Core* core) {
    if (core->kind != CoreKind::kStruct && core->kind != CoreKind::kUnion) return simple_constant(core);
    // Each level of nested data asks about the levels below, so expressions that are not constant are remembered.
    if (not_constant_.contains(core)) return std::nullopt;
    std::optional<Word> word = data_constant(core);
    if (!word) not_constant_.insert(core);
    return word;
  }

  std::optional<Word> simple_constant(const Core* core) const {
    if (core->kind == CoreKind::kTypeValue) return kUnitWord;
    if (core->kind == CoreKind::kVar) return places_[resolve(static_cast<const CoreVarRef*>(core)->var)].constant;
    return std::nullopt;
  }

  std::optional<Word> data_constant(const Core* core) {
    switch (core->kind) {
      case CoreKind::kStruct: {
        auto* data = static_cast<const CoreStruct*>(core);
        std::vector<Word> fields;
        for (const Core* field : data->fields) {
          const std::optional<Word> word = constant_of(field);
          if (!word) return std::nullopt;
          fields.push_back(*word);
        }
        const Word packed =
            pack_struct(static_cast<uint32_t>(fields.size()), [&](uint32_t index) { return fields[index]; });
        return packed == 0 ? std::nullopt : std::optional<Word>(packed);
      }
      case CoreKind::kUnion: {
        auto* data = static_cast<const CoreUnion*>(core);
        const std::optional<Word> arg = constant_of(data->arg);
        if (!arg) return std::nullopt;
        const Word packed = pack_union(*arg, tag_width(data->tag_count), data->tag);
        return packed == 0 ? std::nullopt : std::optional<Word>(packed);
      }
      default: return std::nullopt;
    }
  }

  // ---- expressions ----------------------------------------------------------

  /// Returns a slot that holds the value: the slot of a variable, or a new one.
  uint32_t value(const Core* core) {
    core = pass_deopt_points(core);
    if (core->kind == CoreKind::kUnionAccess) {
      auto* access = static_cast<const CoreUnionAccess*>(core);
      const uint32_t slot = known_arg_slot(access);
      if (slot != kNone) return pass_deopt_points(access->object), slot;
    }
    if (core->kind == CoreKind::kVar) {
      const Place& at = places_[resolve(static_cast<const CoreVarRef*>(core)->var)];
      if (at.owner == function_ && !at.constant) return at.slot;
    }
    const uint32_t dest = function_->take();
    value_into(core, dest);
    return dest;
  }

  std::vector<uint32_t> values(const std::vector<Core*>& cores) {
    std::vector<uint32_t> slots;
    slots.reserve(cores.size());
    for (const Core* core : cores) slots.push_back(value(core));
    return slots;
  }

  /// Binds the variables of the scopes that the expression begins with. Returns the innermost expression that is no
  /// scope.
  const Core* enter_scopes(const Core* core) {
    for (;;) {
      core = pass_deopt_points(core);
      switch (core->kind) {
        case CoreKind::kLet:
          bind_let(static_cast<const CoreLet*>(core));
          core = static_cast<const CoreLet*>(core)->body;
          continue;
        case CoreKind::kStructImport:
          bind_import(static_cast<const CoreStructImport*>(core));
          core = static_cast<const CoreStructImport*>(core)->body;
          continue;
        case CoreKind::kForeign:
          bind_foreign(static_cast<const CoreForeign*>(core));
          core = static_cast<const CoreForeign*>(core)->body;
          continue;
        default: return core;
      }
    }
  }

  void value_into(const Core* core, uint32_t dest) {
    core = enter_scopes(core);
    if (const std::optional<Word> word = constant_of(core)) return emit_constant(dest, *word);
    switch (core->kind) {
      case CoreKind::kVar: return load_variable(resolve(static_cast<const CoreVarRef*>(core)->var), dest);
      case CoreKind::kModule: emit(Op::kGlobal, {dest, module_global(static_cast<const CoreModule*>(core))}); return;
      case CoreKind::kStruct: {
        auto* data = static_cast<const CoreStruct*>(core);
        const std::vector<uint32_t> fields = values(data->fields);
        emit(Op::kStruct, {dest, static_cast<uint32_t>(fields.size())});
        return append(fields);
      }
      case CoreKind::kStructAccess: return struct_access(static_cast<const CoreStructAccess*>(core), dest);
      case CoreKind::kStructCopy: return struct_copy(static_cast<const CoreStructCopy*>(core), dest);
      case CoreKind::kUnion: {
        auto* data = static_cast<const CoreUnion*>(core);
        const unsigned width = tag_width(data->tag_count);
        const Core* of = pass_deopt_points(data->arg);
        if (of->kind == CoreKind::kStruct && !constant_of(of)) {
          const std::vector<uint32_t> fields = values(static_cast<const CoreStruct*>(of)->fields);
          emit(Op::kUnionStruct, {dest, data->tag, width, static_cast<uint32_t>(fields.size())});
          return append(fields);
        }
        const uint32_t arg = value(of);
        emit(Op::kUnion, {dest, data->tag, width, arg});
        return;
      }
      case CoreKind::kUnionAccess: {
        auto* access = static_cast<const CoreUnionAccess*>(core);
        if (const uint32_t slot = known_arg_slot(access); slot != kNone) {
          pass_deopt_points(access->object);
          emit(Op::kMove, {dest, slot});
          return;
        }
        const uint32_t object = value(access->object);
        const unsigned width = tag_width(access->tag_count);
        if (tag_is_known(access->object, access->tag)) {
          emit(Op::kKnownArg, {dest, object, width});
        } else {
          emit(Op::kArg, {dest, object, access->tag, width}, &access->loc);
        }
        return;
      }
      case CoreKind::kUnionSelect: return select(static_cast<const CoreUnionSelect*>(core), dest);
      case CoreKind::kFunc: return function_value(static_cast<const CoreFunc*>(core), dest);
      case CoreKind::kApply: return call(static_cast<const CoreApply*>(core), dest);
      case CoreKind::kList: {
        const std::vector<uint32_t> elements = values(static_cast<const CoreList*>(core)->elements);
        emit(Op::kList, {dest, static_cast<uint32_t>(elements.size())});
        return append(elements);
      }
      case CoreKind::kLiteral: return literal(static_cast<const CoreLiteral*>(core), dest);
      case CoreKind::kTypeValue:
      case CoreKind::kLet:
      case CoreKind::kStructImport:
      case CoreKind::kForeign:
      case CoreKind::kDeoptPoint: FBLE_BUG("handled above");
    }
  }

  /// Ends the function with the value of the expression.
  void tail(const Core* core) {
    core = enter_scopes(core);
    if (core->kind == CoreKind::kUnionSelect) return select(static_cast<const CoreUnionSelect*>(core), kNone);
    if (core->kind == CoreKind::kApply) return call(static_cast<const CoreApply*>(core), kNone);
    const uint32_t result = value(core);
    emit(Op::kReturn, {result});
  }

  void struct_access(const CoreStructAccess* access, uint32_t dest) {
    const Core* object = pass_deopt_points(access->object);
    if (const uint32_t global = global_of(object); global != kNone) {
      emit(Op::kGlobalField, {dest, global, access->field, access->field_count}, &access->loc);
      return;
    }
    if (const VarId var = projected_variable(object); var != kNone) {
      emit(Op::kProjected, {dest, capture_of(var)}, &access->loc);
      return;
    }
    if (const uint32_t capture = captured_by(object); capture != kNone) {
      emit(Op::kCaptureField, {dest, capture, access->field, access->field_count}, &access->loc);
      return;
    }
    if (object->kind == CoreKind::kUnionAccess) {
      auto* inner = static_cast<const CoreUnionAccess*>(object);
      if (!tag_is_known(inner->object, inner->tag)) {
        const uint32_t from = value(inner->object);
        const unsigned width = tag_width(inner->tag_count);
        emit(Op::kArgField, {dest, from, inner->tag, width});
        // An error of the access to the union is at the first words' location, one of the access to the struct at the
        // others'.
        located(inner->loc);
        append({access->field, access->field_count});
        located(access->loc);
        return;
      }
    }
    emit(Op::kField, {dest, value(object), access->field, access->field_count}, &access->loc);
  }

  void struct_copy(const CoreStructCopy* copy, uint32_t dest) {
    const uint32_t source = value(copy->source);
    const uint32_t count = static_cast<uint32_t>(copy->fields.size());
    std::vector<uint32_t> slots(count);
    // The source must be a defined struct even if no field of it is kept, so at least one is read.
    bool looked = false;
    for (uint32_t i = 0; i < count; ++i) {
      if (copy->fields[i] != nullptr && (looked || i + 1 < count)) continue;
      slots[i] = function_->take();
      emit(Op::kField, {slots[i], source, i, count}, &copy->loc);
      looked = true;
    }
    for (uint32_t i = 0; i < count; ++i) {
      if (copy->fields[i] != nullptr) slots[i] = value(copy->fields[i]);
    }
    emit(Op::kStruct, {dest, count});
    append(slots);
  }

  /// The tag that a select has established for a variable.
  struct KnownTag {
    uint32_t tag;
    uint32_t arg_slot;              ///< where the argument is, or kNone
    const FunctionState* function;  ///< whose slot that is
  };

  const KnownTag* known_tag(const Core* object, uint32_t tag) const {
    const VarId var = var_of(object);
    if (var == kNone) return nullptr;
    auto fact = known_tags_.find(resolve(var));
    return fact != known_tags_.end() && fact->second.tag == tag ? &fact->second : nullptr;
  }
  bool tag_is_known(const Core* object, uint32_t tag) const { return known_tag(object, tag) != nullptr; }
  uint32_t known_arg_slot(const CoreUnionAccess* access) const {
    const KnownTag* known = known_tag(access->object, access->tag);
    return known != nullptr && known->function == function_ ? known->arg_slot : kNone;
  }

  /// Emits a select: its value is stored in `dest`, or ends the function if that is kNone.
  void select(const CoreUnionSelect* core, uint32_t dest) {
    const uint32_t condition = value(core->condition);
    VarId subject = var_of(core->condition);
    if (subject != kNone) subject = resolve(subject);
    const bool all_tags = core->choices.size() == core->tag_count;
    const bool has_default = core->default_choice != nullptr && !all_tags;
    const uint32_t tags = has_default ? core->choices.back().tag + 1 : core->tag_count;
    const uint32_t entries = std::min(tags + (has_default ? 1 : 0), core->tag_count);
    const unsigned width = tag_width(core->tag_count);
    if (const std::vector<uint32_t> sources = sources_of(core, entries); !sources.empty()) {
      const uint32_t result = dest == kNone ? function_->take() : dest;
      emit(Op::kChoose, {result, condition, width, entries});
      append(sources);
      located(core->loc);
      if (dest == kNone) emit(Op::kReturn, {result});
      return;
    }
    const uint32_t arg_slot = selects_with_access_.contains(core) ? function_->take() : kNone;
    const uint32_t start = arg_slot != kNone ? emit(Op::kSelectArg, {arg_slot, condition, width, entries})
                                             : emit(Op::kSelect, {condition, width, entries});
    const uint32_t table = static_cast<uint32_t>(words().size());
    words().resize(table + entries, kNone);
    located(core->loc);

    std::vector<uint32_t> jumps;
    auto branch = [&](const Core* body, bool is_last) {
      if (dest == kNone) return tail(body);
      value_into(body, dest);
      if (!is_last) jumps.push_back(emit(Op::kJump, {0}));
    };
    for (const CoreChoice& choice : core->choices) {
      words()[table + choice.tag] = static_cast<uint32_t>(words().size()) - start;
      std::optional<KnownTag> outer;
      if (subject != kNone) {
        auto fact = known_tags_.find(subject);
        if (fact != known_tags_.end()) outer = fact->second;
        known_tags_.insert_or_assign(subject, KnownTag{choice.tag, arg_slot, function_});
      }
      branch(choice.body, !has_default && &choice == &core->choices.back());
      if (subject != kNone) {
        if (outer) {
          known_tags_.insert_or_assign(subject, *outer);
        } else {
          known_tags_.erase(subject);
        }
      }
    }
    if (has_default) {
      const uint32_t target = static_cast<uint32_t>(words().size()) - start;
      for (uint32_t i = 0; i < entries; ++i) {
        if (words()[table + i] == kNone) words()[table + i] = target;
      }
      branch(core->default_choice, true);
    }
    for (uint32_t jump : jumps) words()[jump + 1] = static_cast<uint32_t>(words().size()) - jump;
  }

  void call(const CoreApply* core, uint32_t dest) {
    const uint32_t count = static_cast<uint32_t>(core->args.size());
    const Core* callee_core = pass_deopt_points(core->func);
    const uint32_t global = global_of(callee_core);
    const uint32_t func = global == kNone ? value(callee_core) : 0;
    std::vector<uint32_t> args(count);
    for (uint32_t i = count; i-- > 0;) args[i] = value(core->args[i]);
    const Op list_form = dest == kNone ? (global != kNone ? Op::kTailCallGlobal : Op::kTailCall)
                                       : (global != kNone ? Op::kCallGlobal : Op::kCall);
    const uint32_t callee = global != kNone ? global : func;
    if (count >= 1 && count <= 3) {
      // In opcodes.def, the forms of fixed length follow the one with a list.
      emit(static_cast<Op>(static_cast<uint32_t>(list_form) + count), {callee});
    } else {
      emit(list_form, {callee, count});
    }
    append(args);
    if (dest != kNone) append({dest, 0});  // the second is the distance to the callee's frame: slot allocation sets it
    located(core->loc);
  }

  void function_value(const CoreFunc* core, uint32_t dest) {
    Code* code = &program_.codes.emplace_back();
    code->arity = static_cast<uint32_t>(core->args.size());
    code->block = Symbol(name_);
    code->loc = core->body_loc;
    FunctionState inner(code, function_);
    if (auto uses = outer_uses_.find(core); uses != outer_uses_.end()) inner.outer_uses = &uses->second;
    inner.take(code->arity);
    FunctionState* outer = function_;
    function_ = &inner;
    for (uint32_t i = 0; i < code->arity; ++i) place(core->args[i], i);
    tail(core->body);
    function_ = outer;
    code->capture_count = static_cast<uint32_t>(inner.captured.size());
    allocate_slots(*code);
    finish_code(*code);

    const uint32_t index = static_cast<uint32_t>(function_->code->functions.size());
    function_->code->functions.push_back(code);
    if (inner.captured.empty()) {
      emit(Op::kFunction, {dest, index});
      return;
    }
    std::vector<uint32_t> sources;
    for (VarId var : inner.captured) {
      const Place& at = places_[var];
      if (at.owner != function_) {
        sources.push_back(capture_of(var) * 2 + 1);
      } else if (const OuterUse* projection = projection_of(inner, var); projection != nullptr) {
        const uint32_t slot = function_->take();
        emit(Op::kProject, {slot, at.slot, projection->field, projection->field_count});
        sources.push_back(slot * 2);
      } else {
        sources.push_back(at.slot * 2);
      }
    }
    emit(Op::kClosure, {dest, index, code->capture_count});
    append(sources);
  }

  void literal(const CoreLiteral* core, uint32_t dest) {
    LiteralData data;
    data.alphabet = core->alphabet;
    data.letters = core->letters;
    data.global = new_global(name_ + "|");
    const uint32_t index = static_cast<uint32_t>(function_->code->literals.size());
    function_->code->literals.push_back(std::move(data));
    emit(Op::kLiteral, {dest, index});
  }

  // ---- scopes ---------------------------------------------------------------

  /// Calls `body` with ".name" appended to the block name.
  template <typename Body>
  void named(const CoreVar& var, Body&& body) {
    const size_t length = name_.size();
    name_ += "." + var.name.str();
    body();
    name_.resize(length);
  }

  void bind_let(const CoreLet* let) {
    if (let->recursive) return bind_recursive(let);
    std::vector<uint32_t> slots(let->bindings.size(), kNone);
    for (size_t i = 0; i < let->bindings.size(); ++i) {
      const CoreBinding& binding = let->bindings[i];
      const Core* core = pass_deopt_points(binding.value);
      if (const std::optional<Word> word = constant_of(core)) {
        places_[binding.var.id].constant = *word;
        continue;
      }
      if (is_alias(let, binding)) {
        places_[binding.var.id].alias = var_of(core);
        continue;
      }
      slots[i] = function_->take();
      named(binding.var, [&] { value_into(core, slots[i]); });
    }
    for (size_t i = 0; i < slots.size(); ++i) {
      if (slots[i] != kNone) place(let->bindings[i].var, slots[i]);
    }
  }

  void bind_recursive(const CoreLet* let) {
    const uint32_t count = static_cast<uint32_t>(let->bindings.size());
    const uint32_t base = function_->take(count);
    emit(Op::kDeclare, {count, base});
    for (uint32_t i = 0; i < count; ++i) {
      places_[let->bindings[i].var.id].being_defined = true;
      place(let->bindings[i].var, base + i);
    }
    std::vector<uint32_t> slots(count);
    for (uint32_t i = 0; i < count; ++i) {
      slots[i] = function_->take();
      named(let->bindings[i].var, [&] { value_into(let->bindings[i].value, slots[i]); });
    }
    emit(Op::kDefine, {count, base});
    for (uint32_t i = 0; i < count; ++i) {
      places_[let->bindings[i].var.id].being_defined = false;
      words().push_back(slots[i]);
      located(let->bindings[i].var.loc);
    }
  }

  void bind_import(const CoreStructImport* import) {
    const uint32_t source = value(import->source);
    for (const CoreImport& item : import->imports) {
      const uint32_t slot = function_->take();
      emit(Op::kField, {slot, source, item.field, import->field_count}, &item.var.loc);
      place(item.var, slot);
    }
  }

  void bind_foreign(const CoreForeign* foreign) {
    const uint32_t slot = function_->take();
    const uint32_t index = static_cast<uint32_t>(function_->code->foreigns.size());
    function_->code->foreigns.push_back({foreign->module.str(), foreign->name.str(), foreign->loc});
    emit(Op::kForeign, {slot, index}, &foreign->loc);
    place(foreign->var, slot);
  }

  ProgramCode& program_;
  const std::unordered_map<ModulePath, uint32_t, ModulePathHash>& module_globals_;
  const CoreProgramModule& module_;
  std::vector<Binder> binders_;
  std::vector<const CoreFunc*> open_functions_;  ///< those around the walked expression, outermost first
  std::unordered_map<const CoreFunc*, OuterUses> outer_uses_;
  std::vector<Place> places_;
  FunctionState* function_ = nullptr;
  std::string name_;
  std::unordered_map<VarId, OpenSelect> open_selects_;
  std::unordered_set<const CoreUnionSelect*> selects_with_access_;
  std::unordered_map<VarId, KnownTag> known_tags_;  ///< where a select has established them
  std::unordered_set<const Core*> not_constant_;
  uint32_t deopt_points_found_ = 0;    ///< in the module
  uint32_t deopt_points_lowered_ = 0;  ///< that code was emitted for
};

using GlobalNumbers = std::unordered_map<ModulePath, uint32_t, ModulePathHash>;

/// Adds the code of a module that was lowered before, with the numbers that lowering would give. Returns its body.
/// Returns null and sets `problem` if the image does not have the code.
Code* add_from_image(ProgramCode& program, const GlobalNumbers& module_globals, const CoreProgramModule& module,
                     std::string& problem) {
  std::vector<std::string> names = module.image->global_names();
  std::vector<uint32_t> globals{module_globals.at(module.path)};
  for (size_t i = 1; i < names.size(); ++i) {
    globals.push_back(program.global_count++);
    program.global_names.push_back(std::move(names[i]));
  }
  for (const ModulePath& dep : module.deps) globals.push_back(module_globals.at(dep));
  return module.image->code(globals, module.loc.file, program, problem);
}

/// Makes one program of modules.
class Linker {
 public:
  /// Adds a module. Its body is the result of `add_code`; null if it gets none.
  template <typename AddCode>
  void add(const CoreProgramModule& module, AddCode&& add_code) {
    for (const ModulePath& dep : module.deps) global_for(dep);
    const uint32_t global = global_for(module.path);
    program_->modules.push_back({module.path.str(), add_code(*program_, globals_), global});
  }

  std::unique_ptr<ProgramCode> take() {
#ifndef NDEBUG
    const bool is_whole = std::ranges::all_of(program_->modules, &ProgramCode::ModuleCode::body);
    const std::string problem = is_whole ? verify_bytecode(*program_) : verify_codes(*program_, 0);
    if (!problem.empty()) FBLE_BUG(problem.c_str());
#endif
    return std::move(program_);
  }

 private:
  uint32_t global_for(const ModulePath& path) {
    auto [entry, inserted] = globals_.try_emplace(path, program_->global_count);
    if (inserted) {
      ++program_->global_count;
      program_->global_names.push_back(path.str());
    }
    return entry->second;
  }

  std::unique_ptr<ProgramCode> program_ = std::make_unique<ProgramCode>();
  GlobalNumbers globals_;
};

}  // namespace

std::unique_ptr<ProgramCode> lower_program(const std::vector<CoreProgramModule>& modules, BadImage& bad) {
  Linker linker;
  for (const CoreProgramModule& module : modules) {
    linker.add(module, [&](ProgramCode& program, const GlobalNumbers& globals) {
      if (module.image == nullptr) return ModuleLowering(program, globals, module).lower();
      return add_from_image(program, globals, module, bad.problem);
    });
    if (!bad.problem.empty()) {
      bad.image = module.image;
      return nullptr;
    }
  }
  return linker.take();
}

std::unique_ptr<ProgramCode> lower_program(const std::vector<CoreProgramModule>& modules) {
  BadImage bad;
  std::unique_ptr<ProgramCode> program = lower_program(modules, bad);
  if (program == nullptr) FBLE_BUG(bad.problem.c_str());
  return program;
}

std::unique_ptr<ProgramCode> lower_sources(const std::vector<CoreProgramModule>& modules) {
  Linker linker;
  for (const CoreProgramModule& module : modules) {
    linker.add(module, [&](ProgramCode& program, const GlobalNumbers& globals) -> Code* {
      return module.image == nullptr ? ModuleLowering(program, globals, module).lower() : nullptr;
    });
  }
  return linker.take();
}

}  // namespace fble
