// Search by type: how an export is compared with the query.
//
// Both types are taken apart into arguments and a result. The parameters of the
// export may stand for any type, those of the query only for themselves; so the
// export's result and arguments are matched with the query's one by one, by the
// same comparison that infers type arguments (types.h). Arguments in another order
// are found by backtracking over the assignments of the export's arguments to the
// query's; each step stops at the first difference.
//
// Tested by tests/unit/frontends/doc/doc_search_test.cc.
#include "frontends/doc/doc_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "frontends/doc/doc_format.h"
#include "frontends/doc/doc_module.h"
#include "frontends/fble/big_stack.h"
#include "frontends/fble/infer.h"
#include "frontends/fble/parser.h"
#include "frontends/fble/types.h"

namespace fble {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string in_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool is_blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (is_blank && (line.empty() || line.back() == ' ')) continue;
    line += is_blank ? ' ' : c;
  }
  return line;
}

/// Returns the type's text without the packages of private types
/// ("Int@.%(@/Std/Int%)"), which matter only to code that makes values of the types.
std::string without_packages(std::string text) {
  for (size_t start = 0; (start = text.find("@.%(@/", start)) != std::string::npos;) {
    const size_t end = text.find("%)", start);
    if (end == std::string::npos) break;
    ++start;
    text.erase(start, end + 2 - start);
  }
  return text;
}

std::string line_of(const std::string& name, const std::string& definition, const std::vector<std::string>& comment) {
  std::string line = name;
  if (!definition.empty()) line += " " + without_packages(in_one_line(definition));
  const std::string summary = summary_of(comment);
  if (!summary.empty()) line += "  # " + in_one_line(summary);
  return line;
}

std::string full_name(const ModuleDoc& doc, const ExportDoc& one) { return doc.path.str() + "." + one.name; }

/// Returns ": TYPE" or "= TYPE".
std::string definition_of(const ExportDoc& one) {
  return one.definition.starts_with(one.name) ? one.definition.substr(one.name.size() + 1) : one.definition;
}

/// Returns whether another module of the program defines the export: the search finds it there.
bool is_found_elsewhere(const DocProgram& all, const ExportDoc& one) {
  return one.origin && all.checked->types->module_types.contains(*one.origin);
}

// --- By words -----------------------------------------------------------------

std::string all_of(const std::vector<std::string>& comment) {
  std::string text;
  for (const std::string& line : comment) text += line + ' ';
  return lower(text);
}

/// The text that a search by words reads, all in lower case.
struct Entry {
  std::string line;
  std::string name;  ///< of the export; of a module: its last word
  std::string path;  ///< of the module
  std::string summary;
  std::string rest;
};

/// Returns how well a word fits; 0 means not at all.
int fit(const Entry& entry, const std::string& word) {
  if (entry.name == word) return 6;
  if (entry.name.starts_with(word)) return 5;
  if (entry.name.find(word) != std::string::npos) return 4;
  if (entry.path.find(word) != std::string::npos) return 3;
  if (entry.summary.find(word) != std::string::npos) return 2;
  return entry.rest.find(word) != std::string::npos ? 1 : 0;
}

std::vector<Entry> entries_of(const DocProgram& all) {
  std::vector<Entry> entries;
  for (const Module* module : all.program->modules) {
    const ModuleDoc doc = document_module(*all.program, *all.checked, module->path);
    const std::string path = lower(doc.path.str());
    const std::string type = doc.value_type.empty() ? "" : ": " + doc.value_type;
    entries.push_back({line_of(doc.path.str(), type, doc.comment), lower(doc.path.words.back().str()), path,
                       lower(summary_of(doc.comment)), all_of(doc.comment) + lower(doc.value_type)});
    for (const ExportDoc& one : doc.exports) {
      if (is_found_elsewhere(all, one)) continue;
      std::string name = lower(one.name);
      if (name.ends_with('@')) name.pop_back();
      entries.push_back({line_of(full_name(doc, one), definition_of(one), one.comment), std::move(name), path,
                         lower(summary_of(one.comment)), all_of(one.comment) + lower(one.definition)});
    }
  }
  return entries;
}

/// Returns the number of letters to insert, remove or replace.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

/// Returns the hint for the user if no entry has all the words.
std::string words_hint(const std::vector<Entry>& entries, std::span<const std::string> words) {
  std::string hint;
  for (const std::string& word : words) {
    const auto count = std::ranges::count_if(entries, [&](const Entry& entry) { return fit(entry, word) > 0; });
    if (count > 0) {
      hint += fmt::format("; '{}' alone is found {} time{}", word, count, count == 1 ? "" : "s");
      continue;
    }
    std::set<std::pair<size_t, std::string>> near;
    for (const Entry& entry : entries) {
      const size_t distance = edit_distance(word, entry.name);
      if (distance <= std::max<size_t>(1, word.size() / 3)) near.emplace(distance, entry.name);
    }
    hint += fmt::format("; nothing has '{}'", word);
    const char* separator = ", but there is ";
    size_t shown = 0;
    for (auto each = near.begin(); each != near.end() && shown < 5; ++each, ++shown) {
      hint += separator + fmt::format("'{}'", each->second);
      separator = ", ";
    }
  }
  return hint;
}

// --- By type --------------------------------------------------------------------

/// A type taken apart: parameters, arguments and result.
struct Signature {
  std::vector<TypeBinding> params;
  std::vector<Type*> args;
  Type* result;
};

/// Takes a type apart. Parameters between arguments count as if they came first. The
/// result is null for a type with unknown parts.
Signature signature_of(TypeContext& types, Type* type) {
  Signature signature;
  Type* form = strip_params(types, type, signature.params);
  while (form != nullptr && form->kind == TypeKind::kFunc) {
    signature.args.push_back(static_cast<FuncType*>(form)->arg);
    form = strip_params(types, static_cast<FuncType*>(form)->result, signature.params);
  }
  signature.result = form;
  return signature;
}

constexpr size_t kMostExtraArgs = 2;

/// The measure of how an export fits; the best has the smallest values.
struct Fit {
  size_t extra_args;
  size_t moved_args;
  bool is_more_general;
  auto operator<=>(const Fit&) const = default;
};

class TypeMatch {
 public:
  TypeMatch(TypeContext& types, const Signature& query, Signature found)
      : types_(types), query_(query), found_(std::move(found)), used_(found_.args.size()) {}

  std::optional<Fit> best() {
    if (found_.result == nullptr || found_.args.size() < query_.args.size()) return std::nullopt;
    const size_t extra = found_.args.size() - query_.args.size();
    if (extra > kMostExtraArgs) return std::nullopt;
    if (!types_.match(found_.result, query_.result, found_.params)) return std::nullopt;
    match_from(0, 0, extra);
    return best_;
  }

 private:
  void match_from(size_t index, size_t moved, size_t extra) {
    if (best_ && moved >= best_->moved_args) return;
    if (index == query_.args.size()) {
      best_ = Fit{extra, moved, is_more_general()};
      return;
    }
    for (size_t i = 0; i < found_.args.size(); ++i) {
      if (used_[i]) continue;
      const std::vector<TypeBinding> before = found_.params;
      if (types_.match(found_.args[i], query_.args[index], found_.params)) {
        used_[i] = true;
        // An argument that keeps its order among the others does not count as moved.
        const bool in_order =
            std::find(used_.begin() + static_cast<ptrdiff_t>(i) + 1, used_.end(), true) == used_.end();
        match_from(index + 1, moved + !in_order, extra);
        used_[i] = false;
      }
      found_.params = before;
    }
  }

  /// Returns false if the export's parameters stand for the query's, one for one.
  bool is_more_general() const {
    std::set<Type*> seen;
    for (const TypeBinding& binding : found_.params) {
      Type* value = binding.value == nullptr ? nullptr : types_.normal(binding.value);
      const bool is_param = std::ranges::any_of(query_.params, [&](const auto& param) { return param.param == value; });
      if (!is_param || !seen.insert(value).second) return true;
    }
    return false;
  }

  TypeContext& types_;
  const Signature& query_;
  Signature found_;
  std::vector<bool> used_;
  std::optional<Fit> best_;
};

/// Returns the module that a short name of a type stands for: the one that is called like
/// the type, else the one with the shortest path.
const Module* exporter_of(const DocProgram& all, const Name& name) {
  TypeContext& types = *all.checked->types;
  std::optional<std::tuple<bool, size_t, std::string>> best;
  const Module* found = nullptr;
  for (const Module* module : all.program->modules) {
    DataType* exports = types.as_struct(types.module_types.at(module->path));
    if (exports == nullptr) continue;
    const bool has = std::ranges::any_of(
        exports->all_fields(), [&](const TypeField& field) { return field.is_type && field.name == name.text; });
    if (!has) continue;
    std::tuple rank(module->path.words.back() != name.text, module->path.words.size(), module->path.str());
    if (best && *best <= rank) continue;
    best = std::move(rank);
    found = module;
  }
  return found;
}

/// Collects the names of types that an expression for a type mentions and does not bind itself.
class FreeNames {
 public:
  void visit(const Expr* expr) {
    if (expr == nullptr || stack_nearly_exhausted()) return;
    switch (expr->kind) {
      case ExprKind::kVar: return use(static_cast<const VarExpr*>(expr)->name);
      case ExprKind::kTypeof: return visit(static_cast<const TypeofExpr*>(expr)->operand);
      case ExprKind::kDataAccess: return visit(static_cast<const DataAccessExpr*>(expr)->object);
      case ExprKind::kPrivate: return visit(static_cast<const PrivateExpr*>(expr)->operand);
      case ExprKind::kDataType:
        for (const TypedName& field : static_cast<const DataTypeExpr*>(expr)->fields) visit(field.type);
        return;
      case ExprKind::kFuncType:
        visit(static_cast<const FuncTypeExpr*>(expr)->arg);
        return visit(static_cast<const FuncTypeExpr*>(expr)->result);
      case ExprKind::kPolyApply:
        visit(static_cast<const PolyApplyExpr*>(expr)->poly);
        return visit(static_cast<const PolyApplyExpr*>(expr)->arg);
      case ExprKind::kPolyValue: {
        const PolyValueExpr* poly = static_cast<const PolyValueExpr*>(expr);
        bound_.push_back(poly->arg);
        visit(poly->body);
        bound_.pop_back();
        return;
      }
      default: return;  // no part of a type; the checker reports the error
    }
  }

  const std::vector<Name>& names() const { return names_; }

 private:
  void use(const Name& name) {
    if (!name.is_type || std::ranges::find(bound_, name) != bound_.end()) return;
    if (std::ranges::find(names_, name) == names_.end()) names_.push_back(name);
  }

  std::vector<Name> bound_;
  std::vector<Name> names_;
};

bool is_variable_name(const std::string& name) {
  return name.size() >= 1 && name[0] >= 'A' && name[0] <= 'Z' &&
         std::all_of(name.begin() + 1, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Parses the text as the value of a module with made-up imports and parameters.
Module* make_query(DocProgram& all, const std::string& text, Diagnostics& diagnostics) {
  Arena& arena = *all.program->arena;
  const Symbol file("--type");
  std::vector<ModuleMention> mentions;
  const size_t last = text.find_last_not_of(" \t\n");
  const bool has_end = last != std::string::npos && text[last] == ';';
  const bool has_comment = text.find('#') != std::string::npos;
  const Expr* expr = parse_source(text + (has_end       ? ""
                                          : has_comment ? "\n;"
                                                        : ";"),
                                  file, arena, diagnostics, mentions);
  if (expr == nullptr) return nullptr;

  Module* query = arena.make<Module>();
  query->path.words.emplace_back("--type");
  query->loc = Loc{file, 1, 0};
  for (const ModuleMention& mention : mentions) {
    for (Module* module : all.program->modules) {
      if (module->path == mention.path) query->deps.push_back(module);
    }
  }

  FreeNames free;
  free.visit(expr);
  for (const Name& name : free.names()) {
    if (is_variable_name(name.text.str()) || exporter_of(all, name) != nullptr) continue;
    diagnostics.error(name.loc, fmt::format("no module exports a type '{}'", name.str()));
  }
  if (diagnostics.error_count() > 0) return nullptr;
  for (auto name = free.names().rbegin(); name != free.names().rend(); ++name) {
    const Kind* basic = arena.make<Kind>(name->loc);
    if (is_variable_name(name->text.str())) {
      expr = arena.make<PolyValueExpr>(Expr{ExprKind::kPolyValue, name->loc}, basic, *name, expr);
    } else {
      const Module* module = exporter_of(all, *name);
      auto* source = arena.make<ModuleRefExpr>(Expr{ExprKind::kModuleRef, name->loc}, module->path);
      auto* import = arena.make<StructImportExpr>(Expr{ExprKind::kStructImport, name->loc});
      import->imports.push_back({nullptr, *name, *name});
      import->source = source;
      import->body = expr;
      expr = import;
      query->deps.push_back(const_cast<Module*>(module));
    }
  }
  query->value = expr;
  return query;
}

}  // namespace

SearchResult search_words(const DocProgram& all, std::span<const std::string> given) {
  std::vector<std::string> words;
  for (const std::string& word : given) words.push_back(lower(word));
  const std::vector<Entry> entries = entries_of(all);

  std::vector<std::tuple<int, size_t, std::string>> ranked;  // the best first
  for (const Entry& entry : entries) {
    int sum = 0;
    bool has_all = true;
    for (const std::string& word : words) {
      const int one = fit(entry, word);
      has_all &= one > 0;
      sum += one;
    }
    if (has_all) ranked.emplace_back(-sum, entry.name.size(), entry.line);
  }
  std::ranges::sort(ranked);
  SearchResult result;
  for (auto& [rank, size, line] : ranked) result.lines.push_back(std::move(line));
  if (result.lines.empty()) result.hint = words_hint(entries, words);
  return result;
}

SearchResult search_type(DocProgram& all, const std::string& text, Diagnostics& diagnostics) {
  SearchResult result;
  Module* query = make_query(all, text, diagnostics);
  if (query == nullptr) return result;
  const std::vector<Module*> modules = all.program->modules;
  all.program->modules.push_back(query);
  Diagnostics found;
  std::unique_ptr<CheckedProgram> checked = typecheck(*all.program, found);
  for (const Diagnostic& message : found.messages()) {
    if (message.severity == Severity::kError) diagnostics.error(message.loc, message.message);
  }
  if (checked == nullptr) return result;
  all.checked = std::move(checked);

  TypeContext& types = *all.checked->types;
  Type* query_type = types.module_types.at(query->path);
  if (Type* value = TypeContext::value_of(query_type)) {
    query_type = value;
  } else {
    diagnostics.error(query->value->loc,
                      fmt::format("expected a type, but found value of type {}", types.text(query_type)));
    return result;
  }
  const Signature asked = signature_of(types, query_type);

  std::vector<std::tuple<Fit, size_t, std::string>> ranked;
  for (const Module* module : modules) {
    Type* type = types.module_types.at(module->path);
    DataType* exports = types.as_struct(type);
    std::optional<ModuleDoc> doc;
    const auto consider = [&](Type* candidate, size_t index) {
      if (TypeContext::value_of(candidate) != nullptr) return;
      const std::optional<Fit> fit = TypeMatch(types, asked, signature_of(types, candidate)).best();
      if (!fit) return;
      if (!doc) doc = document_module(*all.program, *all.checked, module->path);
      if (exports == nullptr) {
        ranked.emplace_back(*fit, doc->path.words.size(),
                            line_of(doc->path.str(), ": " + doc->value_type, doc->comment));
      } else if (const ExportDoc& one = doc->exports[index]; !is_found_elsewhere(all, one)) {
        ranked.emplace_back(*fit, doc->path.words.size(),
                            line_of(full_name(*doc, one), definition_of(one), one.comment));
      }
    };
    if (exports == nullptr) consider(type, 0);
    for (size_t i = 0; exports != nullptr && i < exports->field_count; ++i) consider(exports->fields[i].type, i);
  }
  std::ranges::sort(ranked);
  for (auto& [fit, size, line] : ranked) result.lines.push_back(std::move(line));
  if (result.lines.empty()) {
    result.hint = fmt::format("; searched for {}", without_packages(types.text(query_type)));
  }
  return result;
}

}  // namespace fble
