// Tested by tests/unit/frontends/fble/core_text_test.cc.
#include "frontends/fble/core_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <unordered_map>

#include "frontends/fble/big_stack.h"
#include "frontends/fble/sexpr.h"
#include "gc/base.h"

namespace fble {
namespace {

/// The heads of the lists, in the order of CoreKind.
constexpr std::string_view kHeads[] = {
    "type",        "var",    "module", "let",   "struct", "field",   "copy",    "import",      "union",
    "union-field", "select", "func",   "apply", "list",   "literal", "foreign", "deopt-point",
};
static_assert(std::size(kHeads) == static_cast<size_t>(CoreKind::kDeoptPoint) + 1);

using Items = std::vector<const Sexpr*>;

class CorePrinter {
 public:
  explicit CorePrinter(Symbol file) : file_(file) {}

  std::string print(const CoreProgramModule& module) {
    Items deps = {atom("deps")};
    for (const ModulePath& dep : module.deps) deps.push_back(atom(dep.str()));
    return print_sexpr(*list({
        atom("module"),
        atom(module.path.str()),
        list({atom("file"), atom(file_.str())}),
        list({atom("loc"), loc(module.loc)}),
        list({atom("vars"), atom(std::to_string(module.var_count))}),
        list(std::move(deps)),
        convert(module.body),
    }));
  }

  std::string print(const Core& core) { return print_sexpr(*convert(&core)); }

 private:
  const Sexpr* atom(std::string text) { return make_atom(arena_, std::move(text)); }
  const Sexpr* number(uint32_t value) { return atom(std::to_string(value)); }
  const Sexpr* list(Items items) { return make_list(arena_, std::move(items)); }
  const Sexpr* of(uint32_t index, uint32_t count) { return atom(fmt::format("{}/{}", index, count)); }

  const Sexpr* loc(const Loc& loc) {
    if (loc == Loc()) return atom("@");
    if (loc.file == file_) return atom(fmt::format("@{}:{}", loc.line, loc.column));
    return atom(fmt::format("@{}:{}:{}", loc.file.str(), loc.line, loc.column));
  }

  /// Prints a binder. References to it below are printed with its name.
  const Sexpr* bind(const CoreVar& var) {
    names_.insert_or_assign(var.id, var.name);
    return atom(fmt::format("{}#{}", var.name.str(), var.id));
  }

  const Sexpr* optional(const Core* core) { return core == nullptr ? atom("-") : convert(core); }
  void add_all(Items& items, const std::vector<Core*>& cores) {
    for (const Core* core : cores) items.push_back(optional(core));
  }

  const Sexpr* convert(const Core* core);

  Symbol file_;
  Arena arena_;
  std::unordered_map<VarId, Symbol> names_;
};

template <typename T>
const T* as(const Core* core) {
  return static_cast<const T*>(core);
}

const Sexpr* CorePrinter::convert(const Core* core) {
  if (core == nullptr) return atom("null");
  if (stack_nearly_exhausted()) return atom("...");
  Items items = {atom(std::string(kHeads[static_cast<size_t>(core->kind)])), loc(core->loc)};
  switch (core->kind) {
    case CoreKind::kTypeValue: break;
    case CoreKind::kVar: {
      VarId id = as<CoreVarRef>(core)->var;
      auto name = names_.find(id);
      items.push_back(atom(fmt::format("{}#{}", name == names_.end() ? "" : name->second.str(), id)));
      break;
    }
    case CoreKind::kModule: items.push_back(atom(as<CoreModule>(core)->path.str())); break;
    case CoreKind::kLet: {
      const auto* let = as<CoreLet>(core);
      items.push_back(atom(let->recursive ? "rec" : "nonrec"));
      for (const CoreBinding& binding : let->bindings) bind(binding.var);
      Items bindings;
      for (const CoreBinding& binding : let->bindings) {
        bindings.push_back(list({bind(binding.var), loc(binding.var.loc), convert(binding.value)}));
      }
      items.push_back(list(std::move(bindings)));
      items.push_back(convert(let->body));
      break;
    }
    case CoreKind::kStruct: add_all(items, as<CoreStruct>(core)->fields); break;
    case CoreKind::kStructAccess: {
      const auto* access = as<CoreStructAccess>(core);
      items.push_back(of(access->field, access->field_count));
      items.push_back(convert(access->object));
      break;
    }
    case CoreKind::kStructCopy:
      items.push_back(convert(as<CoreStructCopy>(core)->source));
      add_all(items, as<CoreStructCopy>(core)->fields);
      break;
    case CoreKind::kStructImport: {
      const auto* node = as<CoreStructImport>(core);
      items.push_back(number(node->field_count));
      Items imports;
      for (const CoreImport& import : node->imports) {
        imports.push_back(list({bind(import.var), loc(import.var.loc), number(import.field)}));
      }
      items.push_back(list(std::move(imports)));
      items.push_back(convert(node->source));
      items.push_back(convert(node->body));
      break;
    }
    case CoreKind::kUnion: {
      const auto* node = as<CoreUnion>(core);
      items.push_back(of(node->tag, node->tag_count));
      items.push_back(convert(node->arg));
      break;
    }
    case CoreKind::kUnionAccess: {
      const auto* access = as<CoreUnionAccess>(core);
      items.push_back(of(access->tag, access->tag_count));
      items.push_back(convert(access->object));
      break;
    }
    case CoreKind::kUnionSelect: {
      const auto* select = as<CoreUnionSelect>(core);
      items.push_back(number(select->tag_count));
      items.push_back(convert(select->condition));
      Items choices;
      for (const CoreChoice& choice : select->choices) {
        choices.push_back(list({number(choice.tag), atom(choice.name.str()), convert(choice.body)}));
      }
      items.push_back(list(std::move(choices)));
      items.push_back(optional(select->default_choice));
      break;
    }
    case CoreKind::kFunc: {
      const auto* func = as<CoreFunc>(core);
      Items args;
      for (const CoreVar& arg : func->args) args.push_back(list({bind(arg), loc(arg.loc)}));
      items.push_back(list(std::move(args)));
      items.push_back(loc(func->body_loc));
      items.push_back(convert(func->body));
      break;
    }
    case CoreKind::kApply:
      items.push_back(convert(as<CoreApply>(core)->func));
      add_all(items, as<CoreApply>(core)->args);
      break;
    case CoreKind::kList: add_all(items, as<CoreList>(core)->elements); break;
    case CoreKind::kLiteral: {
      const auto* literal = as<CoreLiteral>(core);
      Items alphabet;
      for (const TagPath& letter : literal->alphabet) {
        Items steps;
        for (const TagStep& step : letter) steps.push_back(of(step.tag, step.tag_count));
        alphabet.push_back(list(std::move(steps)));
      }
      items.push_back(list(std::move(alphabet)));
      items.push_back(atom(literal->letters.empty() ? "-" : fmt::format("{}", fmt::join(literal->letters, ","))));
      break;
    }
    case CoreKind::kDeoptPoint: {
      const auto* point = as<CoreDeoptPoint>(core);
      const std::string options = deopt_point_options_text(point->options, ',');
      items.push_back(atom(options.empty() ? "-" : options.substr(1)));
      items.push_back(convert(point->body));
      break;
    }
    case CoreKind::kForeign: {
      const auto* foreign = as<CoreForeign>(core);
      items.push_back(atom(foreign->module.str()));
      items.push_back(atom(foreign->name.str()));
      items.push_back(bind(foreign->var));
      items.push_back(loc(foreign->var.loc));
      items.push_back(convert(foreign->body));
      break;
    }
  }
  return list(std::move(items));
}

/// Parses what CorePrinter prints. A mistake is reported where it is found;
/// after that, every call fails.
class CoreReader {
 public:
  CoreReader(Symbol text_file, Diagnostics& diagnostics) : text_file_(text_file), diagnostics_(diagnostics) {}

  std::optional<CoreProgramModule> read_module(const Sexpr* sexpr) {
    CoreProgramModule module;
    module.arena = arena_;
    Items parts;
    Items file;
    Items loc;
    Items vars;
    Items deps;
    if (!list(sexpr, "module", 6, parts) || !path(parts[0], module.path) || !list(parts[1], "file", 1, file) ||
        !list(parts[2], "loc", 1, loc) || !list(parts[3], "vars", 1, vars) || !atom(file[0])) {
      return std::nullopt;
    }
    file_ = Symbol(file[0]->atom);
    if (!read_loc(loc[0], module.loc) || !number(vars[0], module.var_count)) return std::nullopt;
    if (!parts[4]->is_list || parts[4]->items.empty() || parts[4]->items[0]->atom != "deps") {
      return fail(parts[4], "expected (deps PATH...)"), std::nullopt;
    }
    for (size_t i = 1; i < parts[4]->items.size(); ++i) {
      ModulePath dep;
      if (!path(parts[4]->items[i], dep)) return std::nullopt;
      module.deps.push_back(std::move(dep));
    }
    module.body = read(parts[5]);
    module.deopt_point_count = deopt_point_count_;
    if (module.body == nullptr) return std::nullopt;
    return module;
  }

 private:
  bool fail(const Sexpr* where, std::string message) {
    diagnostics_.error(Loc{text_file_, where->line, where->column}, std::move(message));
    return false;
  }

  bool atom(const Sexpr* sexpr) { return !sexpr->is_list || fail(sexpr, "expected an atom"); }
  bool list(const Sexpr* sexpr) { return sexpr->is_list || fail(sexpr, "expected a list"); }

  /// Reads a list with this head and number of other items.
  bool list(const Sexpr* sexpr, std::string_view head, size_t count, Items& rest) {
    if (!sexpr->is_list || sexpr->items.size() != count + 1 || sexpr->items[0]->is_list ||
        sexpr->items[0]->atom != head) {
      return fail(sexpr, fmt::format("expected ({} ...) with {} more items", head, count));
    }
    rest.assign(sexpr->items.begin() + 1, sexpr->items.end());
    return true;
  }

  static bool to_number(std::string_view text, uint32_t& value) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  }

  bool number(const Sexpr* sexpr, uint32_t& value) {
    return (!sexpr->is_list && to_number(sexpr->atom, value)) || fail(sexpr, "expected a number");
  }

  bool of(const Sexpr* sexpr, uint32_t& index, uint32_t& count) {
    std::string_view text = sexpr->atom;
    size_t slash = text.find('/');
    return (slash != text.npos && to_number(text.substr(0, slash), index) &&
            to_number(text.substr(slash + 1), count)) ||
           fail(sexpr, "expected INDEX/COUNT");
  }

  bool path(const Sexpr* sexpr, ModulePath& path) {
    if (!atom(sexpr)) return false;
    Diagnostics ignored;
    std::optional<ModulePath> parsed = parse_module_path(sexpr->atom, ignored);
    if (!parsed) return fail(sexpr, "expected a module path");
    path = std::move(*parsed);
    return true;
  }

  bool read_loc(const Sexpr* sexpr, Loc& loc) {
    std::string_view text = sexpr->atom;
    if (text == "@") {
      loc = Loc();
      return true;
    }
    size_t last = text.rfind(':');
    if (text.starts_with('@') && last != text.npos && to_number(text.substr(last + 1), loc.column)) {
      std::string_view start = text.substr(1, last - 1);
      size_t colon = start.rfind(':');
      loc.file = colon == start.npos ? file_ : Symbol(start.substr(0, colon));
      if (to_number(colon == start.npos ? start : start.substr(colon + 1), loc.line)) return true;
    }
    return fail(sexpr, "expected a location");
  }

  bool var(const Sexpr* sexpr, CoreVar& var) {
    std::string_view text = sexpr->atom;
    size_t hash = text.rfind('#');
    if (hash == text.npos || !to_number(text.substr(hash + 1), var.id)) return fail(sexpr, "expected NAME#ID");
    var.name = Symbol(text.substr(0, hash));
    return true;
  }
  bool binder(const Sexpr* name, const Sexpr* loc, CoreVar& result) {
    return var(name, result) && read_loc(loc, result.loc);
  }

  /// Reads "-" or "OPTION,OPTION...", as the directive has them.
  bool options(const Sexpr* sexpr, DeoptPointOptions& options) {
    if (!atom(sexpr)) return false;
    std::string_view text = sexpr->atom;
    if (text == "-") return true;
    for (;;) {
      const size_t comma = text.find(',');
      const std::string problem = add_deopt_point_option(options, text.substr(0, comma));
      if (!problem.empty()) return fail(sexpr, problem);
      if (comma == text.npos) return true;
      text.remove_prefix(comma + 1);
    }
  }

  bool child(const Sexpr* sexpr, Core*& core) { return (core = read(sexpr)) != nullptr; }
  bool optional_child(const Sexpr* sexpr, Core*& core) {
    core = nullptr;
    return (!sexpr->is_list && sexpr->atom == "-") || child(sexpr, core);
  }
  /// Reads the items from `first` on.
  bool children(const Items& items, size_t first, bool may_lack, std::vector<Core*>& cores) {
    for (size_t i = first; i < items.size(); ++i) {
      Core* core;
      if (!(may_lack ? optional_child(items[i], core) : child(items[i], core))) return false;
      cores.push_back(core);
    }
    return true;
  }

  bool letters(const Sexpr* sexpr, std::vector<uint32_t>& letters) {
    if (!atom(sexpr)) return false;
    if (sexpr->atom == "-") return true;
    std::string_view text = sexpr->atom;
    for (;;) {
      size_t comma = text.find(',');
      uint32_t letter;
      if (!to_number(text.substr(0, comma), letter)) return fail(sexpr, "expected LETTER,LETTER,...");
      letters.push_back(letter);
      if (comma == text.npos) return true;
      text.remove_prefix(comma + 1);
    }
  }

  template <typename T>
  T* make(CoreKind kind, const Loc& loc) {
    return arena_->make<T>(Core{kind, loc});
  }

  Core* read(const Sexpr* sexpr);
  Core* read_node(const Sexpr* sexpr, CoreKind kind, const Loc& loc, const Items& items);

  Symbol text_file_;
  Symbol file_;
  Diagnostics& diagnostics_;
  std::shared_ptr<Arena> arena_ = std::make_shared<Arena>();
  uint32_t deopt_point_count_ = 0;
};

Core* CoreReader::read(const Sexpr* sexpr) {
  if (stack_nearly_exhausted()) return fail(sexpr, "expression nested too deeply"), nullptr;
  if (!sexpr->is_list || sexpr->items.size() < 2 || sexpr->items[0]->is_list) {
    return fail(sexpr, "expected (KIND LOC ...)"), nullptr;
  }
  const auto* head = std::find(std::begin(kHeads), std::end(kHeads), sexpr->items[0]->atom);
  if (head == std::end(kHeads)) {
    return fail(sexpr->items[0], fmt::format("unknown kind of core '{}'", sexpr->items[0]->atom)), nullptr;
  }
  Loc loc;
  if (!read_loc(sexpr->items[1], loc)) return nullptr;
  Items items(sexpr->items.begin() + 2, sexpr->items.end());
  return read_node(sexpr, static_cast<CoreKind>(head - std::begin(kHeads)), loc, items);
}

Core* CoreReader::read_node(const Sexpr* sexpr, CoreKind kind, const Loc& loc, const Items& items) {
  auto has = [&](size_t count) {
    return items.size() == count || fail(sexpr, fmt::format("expected {} items after the location", count));
  };
  auto has_some = [&] { return !items.empty() || fail(sexpr, "expected an item after the location"); };
  switch (kind) {
    case CoreKind::kTypeValue: return has(0) ? make<CoreTypeValue>(kind, loc) : nullptr;
    case CoreKind::kVar: {
      CoreVar named;
      if (!has(1) || !var(items[0], named)) return nullptr;
      auto* node = make<CoreVarRef>(kind, loc);
      node->var = named.id;
      return node;
    }
    case CoreKind::kModule: {
      auto* node = make<CoreModule>(kind, loc);
      return has(1) && path(items[0], node->path) ? node : nullptr;
    }
    case CoreKind::kLet: {
      auto* node = make<CoreLet>(kind, loc);
      if (!has(3) || !list(items[1])) return nullptr;
      node->recursive = items[0]->atom == "rec";
      if (!node->recursive && items[0]->atom != "nonrec") return fail(items[0], "expected rec or nonrec"), nullptr;
      for (const Sexpr* item : items[1]->items) {
        CoreBinding binding{};
        if (!item->is_list || item->items.size() != 3) return fail(item, "expected (VAR LOC CORE)"), nullptr;
        if (!binder(item->items[0], item->items[1], binding.var) || !child(item->items[2], binding.value)) {
          return nullptr;
        }
        node->bindings.push_back(binding);
      }
      return child(items[2], node->body) ? node : nullptr;
    }
    case CoreKind::kStruct: {
      auto* node = make<CoreStruct>(kind, loc);
      return children(items, 0, false, node->fields) ? node : nullptr;
    }
    case CoreKind::kStructAccess: {
      auto* node = make<CoreStructAccess>(kind, loc);
      return has(2) && of(items[0], node->field, node->field_count) && child(items[1], node->object) ? node : nullptr;
    }
    case CoreKind::kStructCopy: {
      auto* node = make<CoreStructCopy>(kind, loc);
      return has_some() && child(items[0], node->source) && children(items, 1, true, node->fields) ? node : nullptr;
    }
    case CoreKind::kStructImport: {
      auto* node = make<CoreStructImport>(kind, loc);
      if (!has(4) || !number(items[0], node->field_count) || !list(items[1])) return nullptr;
      for (const Sexpr* item : items[1]->items) {
        CoreImport import{};
        if (!item->is_list || item->items.size() != 3) return fail(item, "expected (VAR LOC INDEX)"), nullptr;
        if (!binder(item->items[0], item->items[1], import.var) || !number(item->items[2], import.field)) {
          return nullptr;
        }
        node->imports.push_back(import);
      }
      return child(items[2], node->source) && child(items[3], node->body) ? node : nullptr;
    }
    case CoreKind::kUnion: {
      auto* node = make<CoreUnion>(kind, loc);
      return has(2) && of(items[0], node->tag, node->tag_count) && child(items[1], node->arg) ? node : nullptr;
    }
    case CoreKind::kUnionAccess: {
      auto* node = make<CoreUnionAccess>(kind, loc);
      return has(2) && of(items[0], node->tag, node->tag_count) && child(items[1], node->object) ? node : nullptr;
    }
    case CoreKind::kUnionSelect: {
      auto* node = make<CoreUnionSelect>(kind, loc);
      if (!has(4) || !number(items[0], node->tag_count) || !child(items[1], node->condition) || !list(items[2])) {
        return nullptr;
      }
      for (const Sexpr* item : items[2]->items) {
        CoreChoice choice{};
        if (!item->is_list || item->items.size() != 3) return fail(item, "expected (TAG NAME CORE)"), nullptr;
        if (!number(item->items[0], choice.tag) || !atom(item->items[1]) || !child(item->items[2], choice.body)) {
          return nullptr;
        }
        choice.name = Symbol(item->items[1]->atom);
        node->choices.push_back(choice);
      }
      return optional_child(items[3], node->default_choice) ? node : nullptr;
    }
    case CoreKind::kFunc: {
      auto* node = make<CoreFunc>(kind, loc);
      if (!has(3) || !list(items[0])) return nullptr;
      for (const Sexpr* item : items[0]->items) {
        CoreVar arg{};
        if (!item->is_list || item->items.size() != 2) return fail(item, "expected (VAR LOC)"), nullptr;
        if (!binder(item->items[0], item->items[1], arg)) return nullptr;
        node->args.push_back(arg);
      }
      return read_loc(items[1], node->body_loc) && child(items[2], node->body) ? node : nullptr;
    }
    case CoreKind::kApply: {
      auto* node = make<CoreApply>(kind, loc);
      return has_some() && child(items[0], node->func) && children(items, 1, false, node->args) ? node : nullptr;
    }
    case CoreKind::kList: {
      auto* node = make<CoreList>(kind, loc);
      return children(items, 0, false, node->elements) ? node : nullptr;
    }
    case CoreKind::kLiteral: {
      auto* node = make<CoreLiteral>(kind, loc);
      if (!has(2) || !list(items[0])) return nullptr;
      for (const Sexpr* item : items[0]->items) {
        if (!list(item)) return nullptr;
        std::vector<TagStep> steps;
        for (const Sexpr* step : item->items) {
          TagStep& tag_step = steps.emplace_back();
          if (!of(step, tag_step.tag, tag_step.tag_count)) return nullptr;
        }
        node->alphabet.emplace_back(steps);
      }
      return letters(items[1], node->letters) ? node : nullptr;
    }
    case CoreKind::kDeoptPoint: {
      auto* node = make<CoreDeoptPoint>(kind, loc);
      ++deopt_point_count_;
      return has(2) && options(items[0], node->options) && child(items[1], node->body) ? node : nullptr;
    }
    case CoreKind::kForeign: {
      auto* node = make<CoreForeign>(kind, loc);
      if (!has(5) || !path(items[0], node->module) || !atom(items[1]) || !binder(items[2], items[3], node->var)) {
        return nullptr;
      }
      node->name = Symbol(items[1]->atom);
      return child(items[4], node->body) ? node : nullptr;
    }
  }
  FBLE_BUG("unknown kind of core");
}

}  // namespace

std::string print_core(const CoreProgramModule& module) {
  std::string text;
  run_on_big_stack([&] { text = CorePrinter(module.loc.file).print(module); });
  return text;
}

std::string print_core(const Core& core, Symbol file) {
  std::string text;
  run_on_big_stack([&] { text = CorePrinter(file).print(core); });
  return text;
}

std::optional<CoreProgramModule> parse_core(std::string_view text, Symbol file, Diagnostics& diagnostics) {
  Arena arena;
  std::optional<CoreProgramModule> module;
  run_on_big_stack([&] {
    const Sexpr* sexpr = parse_sexpr(text, file, arena, diagnostics);
    if (sexpr != nullptr) module = CoreReader(file, diagnostics).read_module(sexpr);
  });
  return module;
}

}  // namespace fble
