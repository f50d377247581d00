// Tested by tests/unit/frontends/fble/core_text_test.cc.
#include "frontends/fble/core_verify.h"

#include <fmt/format.h>

#include <unordered_set>

#include "frontends/fble/core_text.h"

namespace fble {
namespace {

constexpr size_t kMaxMessages = 20;
constexpr size_t kMaxQuoted = 300;

/// Walks the tree with a list of tasks instead of recursion. Entering and
/// leaving a scope are tasks, like visiting a node.
class Verifier {
 public:
  explicit Verifier(const CoreProgramModule& module)
      : module_(module), deps_(module.deps.begin(), module.deps.end()), vars_(module.var_count) {}

  std::vector<std::string> run() {
    if (module_.body == nullptr) return {"the module has no body"};
    tasks_.push_back({Action::kVisit, module_.body});
    while (!tasks_.empty() && messages_.size() < kMaxMessages) {
      Task task = tasks_.back();
      tasks_.pop_back();
      switch (task.action) {
        case Action::kVisit: visit(*task.node); break;
        case Action::kEnterScope: enter_scope(*task.node); break;
        case Action::kLeaveScope: leave_scope(*task.node); break;
        case Action::kLeaveDefinitions: leave_definitions(static_cast<const CoreLet&>(*task.node)); break;
      }
    }
    if (messages_.empty() && deopt_point_count_ != module_.deopt_point_count) {
      messages_.push_back(
          fmt::format("the module has {} deopt points, not {}", deopt_point_count_, module_.deopt_point_count));
    }
    return std::move(messages_);
  }

 private:
  enum class Action { kVisit, kEnterScope, kLeaveScope, kLeaveDefinitions };
  struct Task {
    Action action;
    const Core* node;
  };
  struct VarState {
    bool bound = false;  ///< has a binder
    bool in_scope = false;
    bool is_type = false;    ///< a let defines it as a type
    bool defining = false;   ///< the definitions of its let are being visited
    bool mentioned = false;  ///< in these definitions
  };

  void report(const Core& node, std::string_view message) {
    std::string quoted = print_core(node, module_.loc.file);
    quoted.pop_back();
    if (quoted.size() > kMaxQuoted) quoted = quoted.substr(0, kMaxQuoted) + "...";
    const Loc& loc = node.loc;
    messages_.push_back(fmt::format("{}:{}:{}: {}: {}", loc.file.str(), loc.line, loc.column, message, quoted));
  }

  // The last task is done first, so these are called in reverse order.
  void visit_later(const Core* node, const Core& parent) {
    if (node == nullptr) {
      report(parent, "part is missing");
    } else {
      tasks_.push_back({Action::kVisit, node});
    }
  }
  void visit_all_later(const std::vector<Core*>& nodes, const Core& parent) {
    for (size_t i = nodes.size(); i-- > 0;) visit_later(nodes[i], parent);
  }
  void visit_in_scope_later(const Core* body, const Core& binder) {
    tasks_.push_back({Action::kLeaveScope, &binder});
    visit_later(body, binder);
  }

  VarState* state(const CoreVar& var) { return var.id < vars_.size() ? &vars_[var.id] : nullptr; }

  void enter_scope(const Core& binder);
  void leave_scope(const Core& binder);
  void leave_definitions(const CoreLet& let);
  void visit(const Core& node);
  void visit_var(const CoreVarRef& ref);
  void visit_let(const CoreLet& let);
  void visit_select(const CoreUnionSelect& select);
  void visit_literal(const CoreLiteral& literal);

  const CoreProgramModule& module_;
  std::unordered_set<ModulePath, ModulePathHash> deps_;
  std::vector<VarState> vars_;
  std::vector<Task> tasks_;
  uint32_t deopt_point_count_ = 0;
  std::vector<std::string> messages_;
};

/// Returns the variables that a node binds.
std::vector<CoreVar> binders(const Core& node) {
  std::vector<CoreVar> vars;
  switch (node.kind) {
    case CoreKind::kLet:
      for (const CoreBinding& binding : static_cast<const CoreLet&>(node).bindings) vars.push_back(binding.var);
      break;
    case CoreKind::kStructImport:
      for (const CoreImport& import : static_cast<const CoreStructImport&>(node).imports) vars.push_back(import.var);
      break;
    case CoreKind::kFunc: return static_cast<const CoreFunc&>(node).args;
    case CoreKind::kForeign: return {static_cast<const CoreForeign&>(node).var};
    default: break;
  }
  return vars;
}

void Verifier::enter_scope(const Core& binder) {
  for (const CoreVar& var : binders(binder)) {
    VarState* bound = state(var);
    if (bound == nullptr) {
      report(binder, fmt::format("variable {}#{} is not below var_count", var.name.str(), var.id));
      continue;
    }
    if (bound->bound) report(binder, fmt::format("variable {}#{} has two binders", var.name.str(), var.id));
    bound->bound = true;
    bound->in_scope = true;
  }
}

void Verifier::leave_scope(const Core& binder) {
  for (const CoreVar& var : binders(binder)) {
    if (VarState* bound = state(var)) bound->in_scope = false;
  }
}

void Verifier::leave_definitions(const CoreLet& let) {
  bool recursive = false;
  for (const CoreBinding& binding : let.bindings) {
    VarState* var = state(binding.var);
    if (var == nullptr) return;
    recursive = recursive || var->mentioned;
    var->defining = false;
  }
  if (recursive && !let.recursive) report(let, "let is recursive but not marked so");
  if (!recursive && let.recursive) report(let, "let is marked recursive but is not");
}

void Verifier::visit_var(const CoreVarRef& ref) {
  if (ref.var >= vars_.size() || !vars_[ref.var].in_scope) {
    report(ref, "variable is used outside of its scope");
    return;
  }
  VarState& var = vars_[ref.var];
  if (var.is_type) report(ref, "type variable is referenced");
  if (var.defining) var.mentioned = true;
}

void Verifier::visit_let(const CoreLet& let) {
  if (let.bindings.empty()) report(let, "let without bindings");
  visit_in_scope_later(let.body, let);
  tasks_.push_back({Action::kLeaveDefinitions, &let});
  for (size_t i = let.bindings.size(); i-- > 0;) visit_later(let.bindings[i].value, let);
  enter_scope(let);
  for (const CoreBinding& binding : let.bindings) {
    VarState* var = state(binding.var);
    if (var == nullptr) continue;
    var->defining = true;
    // The name alone does not decide: a quoted value name may end in '@', too.
    var->is_type = binding.value != nullptr && binding.value->kind == CoreKind::kTypeValue &&
                   binding.var.name.str().ends_with('@');
  }
}

void Verifier::visit_select(const CoreUnionSelect& select) {
  const CoreChoice* last = nullptr;
  for (const CoreChoice& choice : select.choices) {
    if (choice.tag >= select.tag_count) report(select, "no such tag");
    if (last != nullptr && choice.tag <= last->tag) report(select, "choices are not in tag order");
    last = &choice;
  }
  if (select.choices.empty()) report(select, "select without choices");
  if (select.default_choice != nullptr) {
    visit_later(select.default_choice, select);
  } else if (select.choices.size() != select.tag_count) {
    report(select, "tag without choice or default");
  }
  for (size_t i = select.choices.size(); i-- > 0;) visit_later(select.choices[i].body, select);
  visit_later(select.condition, select);
}

void Verifier::visit_literal(const CoreLiteral& literal) {
  for (const TagPath& letter : literal.alphabet) {
    if (letter.empty()) report(literal, "letter without tags");
    for (const TagStep& step : letter) {
      if (step.tag >= step.tag_count) report(literal, "no such tag");
    }
  }
  for (uint32_t letter : literal.letters) {
    if (letter >= literal.alphabet.size()) {
      report(literal, "letter is not in the alphabet");
      break;
    }
  }
}

void Verifier::visit(const Core& node) {
  switch (node.kind) {
    case CoreKind::kTypeValue: break;
    case CoreKind::kVar: visit_var(static_cast<const CoreVarRef&>(node)); break;
    case CoreKind::kModule:
      if (deps_.count(static_cast<const CoreModule&>(node).path) == 0) report(node, "module is not a dependency");
      break;
    case CoreKind::kLet: visit_let(static_cast<const CoreLet&>(node)); break;
    case CoreKind::kStruct: visit_all_later(static_cast<const CoreStruct&>(node).fields, node); break;
    case CoreKind::kStructAccess: {
      const auto& access = static_cast<const CoreStructAccess&>(node);
      if (access.field >= access.field_count) report(node, "no such field");
      visit_later(access.object, node);
      break;
    }
    case CoreKind::kStructCopy: {
      const auto& copy = static_cast<const CoreStructCopy&>(node);
      if (copy.fields.empty()) report(node, "copy of a struct without fields");
      for (size_t i = copy.fields.size(); i-- > 0;) {
        if (copy.fields[i] != nullptr) visit_later(copy.fields[i], node);
      }
      visit_later(copy.source, node);
      break;
    }
    case CoreKind::kStructImport: {
      const auto& import = static_cast<const CoreStructImport&>(node);
      if (import.imports.empty()) report(node, "import of nothing");
      for (const CoreImport& item : import.imports) {
        if (item.field >= import.field_count) report(node, "no such field");
      }
      visit_in_scope_later(import.body, node);
      tasks_.push_back({Action::kEnterScope, &node});
      visit_later(import.source, node);
      break;
    }
    case CoreKind::kUnion: {
      const auto& value = static_cast<const CoreUnion&>(node);
      if (value.tag >= value.tag_count) report(node, "no such tag");
      visit_later(value.arg, node);
      break;
    }
    case CoreKind::kUnionAccess: {
      const auto& access = static_cast<const CoreUnionAccess&>(node);
      if (access.tag >= access.tag_count) report(node, "no such tag");
      visit_later(access.object, node);
      break;
    }
    case CoreKind::kUnionSelect: visit_select(static_cast<const CoreUnionSelect&>(node)); break;
    case CoreKind::kFunc: {
      const auto& func = static_cast<const CoreFunc&>(node);
      if (func.args.empty()) report(node, "function without arguments");
      if (func.body != nullptr && func.body->kind == CoreKind::kFunc) report(node, "function directly in a function");
      visit_in_scope_later(func.body, node);
      enter_scope(node);
      break;
    }
    case CoreKind::kApply: {
      const auto& apply = static_cast<const CoreApply&>(node);
      if (apply.args.empty()) report(node, "application to nothing");
      if (apply.func != nullptr && apply.func->kind == CoreKind::kApply) report(node, "application of an application");
      visit_all_later(apply.args, node);
      visit_later(apply.func, node);
      break;
    }
    case CoreKind::kList: visit_all_later(static_cast<const CoreList&>(node).elements, node); break;
    case CoreKind::kLiteral: visit_literal(static_cast<const CoreLiteral&>(node)); break;
    case CoreKind::kDeoptPoint: {
      const auto& point = static_cast<const CoreDeoptPoint&>(node);
      ++deopt_point_count_;
      if (point.options.every == 0) report(node, "deopt point that is never hit");
      visit_later(point.body, node);
      break;
    }
    case CoreKind::kForeign:
      visit_in_scope_later(static_cast<const CoreForeign&>(node).body, node);
      enter_scope(node);
      break;
  }
}

}  // namespace

std::vector<std::string> verify_core(const CoreProgramModule& module) { return Verifier(module).run(); }

}  // namespace fble
