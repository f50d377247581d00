// The slow twin of lowering, interpreter and heap: evaluates typed core by
// walking it. Values are never moved or freed, placeholders are cells that lead
// to their value, and the call stack is that of C++. For tests only.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "frontends/fble/core.h"

namespace fble::reference {

struct Value;

/// A variable of a recursive group: the value of its placeholder once the group
/// is complete.
struct Cell {
  const Value* value = nullptr;
  size_t group = 0;
};

using Environment = std::map<VarId, const Value*>;

struct Value {
  enum class Kind { kStruct, kUnion, kFunction, kPlaceholder };
  Kind kind = Kind::kStruct;
  uint32_t tag = 0;
  std::vector<const Value*> parts;  ///< fields; argument; held arguments
  const CoreFunc* function = nullptr;
  std::shared_ptr<const Environment> environment;
  Cell* cell = nullptr;
};

/// A run-time error: the location and message of the innermost activation, then
/// the locations of the calls that wait. A call that no activation made has
/// line 0.
struct Failure {
  std::vector<Loc> locs;
  std::string message;
};

/// The program takes too long or recurses too deep for the twin.
struct GaveUp : std::runtime_error {
  GaveUp() : std::runtime_error("gave up") {}
};

class Evaluator {
 public:
  Evaluator(size_t max_steps, size_t max_depth) : max_steps_(max_steps), max_depth_(max_depth) {}

  /// Evaluates a module whose dependencies have been evaluated. Returns its value, or null with the error.
  const Value* run(const CoreProgramModule& module, std::optional<Failure>& failure) {
    waiting_.clear();
    try {
      const Value* value = eval(module.body, Environment(), true);
      modules_[module.path.str()] = value;
      return value;
    } catch (Failure& error) {
      failure = std::move(error);
      return nullptr;
    }
  }

  /// Returns the value that a placeholder stands for, if it is complete.
  static const Value* look(const Value* value) {
    while (value->kind == Value::Kind::kPlaceholder && value->cell->value != nullptr) value = value->cell->value;
    return value;
  }

 private:
  Value* make(Value::Kind kind) {
    values_.emplace_back();
    values_.back().kind = kind;
    return &values_.back();
  }

  [[noreturn]] void fail(const Loc& loc, const char* message) {
    Failure failure{{loc}, message};
    failure.locs.insert(failure.locs.end(), waiting_.rbegin(), waiting_.rend());
    throw failure;
  }

  /// Returns the defined value, or reports an error.
  const Value* defined(const Value* value, const Loc& loc, const char* message) {
    value = look(value);
    if (value->kind == Value::Kind::kPlaceholder) fail(loc, message);
    return value;
  }

  struct Depth {
    explicit Depth(Evaluator& owner) : owner_(owner) {
      if (++owner_.depth_ > owner_.max_depth_ || ++owner_.steps_ > owner_.max_steps_) {
        --owner_.depth_;
        throw GaveUp();
      }
    }
    ~Depth() { --owner_.depth_; }
    Evaluator& owner_;
  };

  const Value* eval(const Core* core, Environment environment, bool is_tail) {
    Depth depth(*this);
    auto inner = [&](const Core* part) { return eval(part, environment, false); };
    switch (core->kind) {
      case CoreKind::kTypeValue: return make(Value::Kind::kStruct);
      case CoreKind::kVar: return environment.at(static_cast<const CoreVarRef*>(core)->var);
      case CoreKind::kModule: return modules_.at(static_cast<const CoreModule*>(core)->path.str());
      case CoreKind::kLet: {
        auto* let = static_cast<const CoreLet*>(core);
        if (let->recursive) {
          bind_group(let, environment);
        } else {
          Environment bound = environment;
          for (const CoreBinding& binding : let->bindings) bound[binding.var.id] = inner(binding.value);
          environment = std::move(bound);
        }
        return eval(let->body, std::move(environment), is_tail);
      }
      case CoreKind::kStruct: {
        Value* value = make(Value::Kind::kStruct);
        for (const Core* field : static_cast<const CoreStruct*>(core)->fields) value->parts.push_back(inner(field));
        return value;
      }
      case CoreKind::kStructAccess: {
        auto* access = static_cast<const CoreStructAccess*>(core);
        return defined(inner(access->object), core->loc, "undefined struct value access")->parts.at(access->field);
      }
      case CoreKind::kStructCopy: {
        auto* copy = static_cast<const CoreStructCopy*>(core);
        const Value* source = defined(inner(copy->source), core->loc, "undefined struct value access");
        Value* value = make(Value::Kind::kStruct);
        for (size_t i = 0; i < copy->fields.size(); ++i) {
          value->parts.push_back(copy->fields[i] == nullptr ? source->parts.at(i) : inner(copy->fields[i]));
        }
        return value;
      }
      case CoreKind::kStructImport: {
        auto* import = static_cast<const CoreStructImport*>(core);
        const Value* source = inner(import->source);
        for (const CoreImport& item : import->imports) {
          const Value* found = defined(source, item.var.loc, "undefined struct value access");
          environment[item.var.id] = found->parts.at(item.field);
        }
        return eval(import->body, std::move(environment), is_tail);
      }
      case CoreKind::kUnion: {
        auto* data = static_cast<const CoreUnion*>(core);
        const Value* arg = inner(data->arg);
        return make_union(data->tag, arg);
      }
      case CoreKind::kUnionAccess: {
        auto* access = static_cast<const CoreUnionAccess*>(core);
        const Value* value = defined(inner(access->object), core->loc, "undefined union value access");
        if (value->tag != access->tag) fail(core->loc, "union field access undefined: wrong tag");
        return value->parts[0];
      }
      case CoreKind::kUnionSelect: {
        auto* select = static_cast<const CoreUnionSelect*>(core);
        const Value* value = defined(inner(select->condition), core->loc, "undefined union value select");
        for (const CoreChoice& choice : select->choices) {
          if (choice.tag == value->tag) return eval(choice.body, std::move(environment), is_tail);
        }
        return eval(select->default_choice, std::move(environment), is_tail);
      }
      case CoreKind::kFunc: {
        Value* value = make(Value::Kind::kFunction);
        value->function = static_cast<const CoreFunc*>(core);
        value->environment = std::make_shared<const Environment>(environment);
        return value;
      }
      case CoreKind::kApply: {
        auto* apply = static_cast<const CoreApply*>(core);
        const Value* function = inner(apply->func);
        std::vector<const Value*> args(apply->args.size());
        for (size_t i = args.size(); i-- > 0;) args[i] = inner(apply->args[i]);
        return call(function, args, core->loc, is_tail);
      }
      case CoreKind::kList: {
        std::vector<const Value*> elements;
        for (const Core* element : static_cast<const CoreList*>(core)->elements) elements.push_back(inner(element));
        return make_list(elements);
      }
      case CoreKind::kLiteral: {
        auto* literal = static_cast<const CoreLiteral*>(core);
        std::vector<const Value*> letters;
        for (const uint32_t letter : literal->letters) {
          const Value* value = make(Value::Kind::kStruct);
          const TagPath& steps = literal->alphabet[letter];
          for (size_t i = steps.size(); i-- > 0;) value = make_union(steps[i].tag, value);
          letters.push_back(value);
        }
        return make_list(letters);
      }
      case CoreKind::kDeoptPoint:
        return eval(static_cast<const CoreDeoptPoint*>(core)->body, std::move(environment), is_tail);
      case CoreKind::kForeign: fail(core->loc, "foreign value not found");
    }
    throw GaveUp();
  }

  const Value* make_union(uint32_t tag, const Value* arg) {
    Value* value = make(Value::Kind::kUnion);
    value->tag = tag;
    value->parts = {arg};
    return value;
  }
  const Value* make_list(const std::vector<const Value*>& elements) {
    const Value* list = make_union(1, make(Value::Kind::kStruct));
    for (size_t i = elements.size(); i-- > 0;) {
      Value* cell = make(Value::Kind::kStruct);
      cell->parts = {elements[i], list};
      list = make_union(0, cell);
    }
    return list;
  }

  void bind_group(const CoreLet* let, Environment& environment) {
    const size_t group = ++groups_;
    std::vector<Cell*> cells;
    for (const CoreBinding& binding : let->bindings) {
      cells_.push_back({nullptr, group});
      cells.push_back(&cells_.back());
      Value* placeholder = make(Value::Kind::kPlaceholder);
      placeholder->cell = cells.back();
      environment[binding.var.id] = placeholder;
    }
    std::vector<const Value*> values;
    for (const CoreBinding& binding : let->bindings) values.push_back(eval(binding.value, environment, false));
    // A definition may be another variable of the group, but not in a cycle.
    auto in_group = [&](const Value* value) {
      return value->kind == Value::Kind::kPlaceholder && value->cell->group == group;
    };
    std::vector<const Value*> resolved;
    for (size_t i = 0; i < values.size(); ++i) {
      const Value* value = values[i];
      for (size_t steps = 0; in_group(value); ++steps) {
        if (steps > values.size()) fail(let->bindings[i].var.loc, "vacuous value");
        const size_t index = static_cast<size_t>(std::find(cells.begin(), cells.end(), value->cell) - cells.begin());
        value = values[index];
      }
      resolved.push_back(value);
    }
    for (size_t i = 0; i < values.size(); ++i) {
      cells[i]->value = resolved[i];
      environment[let->bindings[i].var.id] = resolved[i];
    }
  }

  const Value* call(const Value* function, std::vector<const Value*> args, const Loc& loc, bool is_tail) {
    function = look(function);
    if (function->kind == Value::Kind::kPlaceholder) fail(loc, "called undefined function");
    if (!is_tail) waiting_.push_back(loc);
    const Value* result = apply(function, std::move(args));
    if (!is_tail) waiting_.pop_back();
    return result;
  }

  const Value* apply(const Value* function, std::vector<const Value*> args) {
    Depth depth(*this);
    for (;;) {
      args.insert(args.begin(), function->parts.begin(), function->parts.end());
      const CoreFunc* code = function->function;
      const size_t arity = code->args.size();
      if (args.size() < arity) {
        Value* partial = make(Value::Kind::kFunction);
        partial->function = code;
        partial->environment = function->environment;
        partial->parts = std::move(args);
        return partial;
      }
      Environment environment = *function->environment;
      for (size_t i = 0; i < arity; ++i) environment[code->args[i].id] = args[i];
      const Value* result = eval(code->body, std::move(environment), true);
      if (args.size() == arity) return result;
      args.erase(args.begin(), args.begin() + static_cast<ptrdiff_t>(arity));
      function = look(result);
      if (function->kind == Value::Kind::kPlaceholder) {
        // No activation is left that made this call; the one that waits gets the message.
        Failure failure{{}, "called undefined function"};
        failure.locs.assign(waiting_.rbegin(), waiting_.rend());
        if (failure.locs.empty()) failure.locs.push_back(Loc{});
        throw failure;
      }
    }
  }

  const size_t max_steps_;
  const size_t max_depth_;
  size_t steps_ = 0;
  size_t depth_ = 0;
  size_t groups_ = 0;
  std::deque<Value> values_;
  std::deque<Cell> cells_;
  std::map<std::string, const Value*> modules_;
  std::vector<Loc> waiting_;  ///< locations of the calls that wait, outermost first
};

}  // namespace fble::reference
