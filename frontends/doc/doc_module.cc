// Tested by tests/unit/frontends/cli/doc_test.cc.
#include "frontends/doc/doc_module.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <unordered_map>

#include "frontends/fble/lexer.h"
#include "frontends/fble/types.h"

namespace fble {
namespace {

/// A text with the start of each of its lines.
class Source {
 public:
  explicit Source(std::string text) : text_(std::move(text)) {
    starts_.push_back(0);
    for (size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] == '\n') starts_.push_back(i + 1);
    }
  }

  std::string_view text() const { return text_; }
  size_t offset(const Loc& loc) const { return std::min(starts_[loc.line - 1] + loc.column - 1, text_.size()); }

  /// Returns a line by its number, from 1, without its line end; empty if there is no such line.
  std::string_view line(size_t number) const {
    if (number == 0 || number > starts_.size()) return {};
    std::string_view rest = std::string_view(text_).substr(starts_[number - 1]);
    rest = rest.substr(0, rest.find('\n'));
    if (rest.ends_with('\r')) rest.remove_suffix(1);
    return rest;
  }

 private:
  std::string text_;
  std::vector<size_t> starts_;
};

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

bool is_comment(std::string_view line) { return without_blanks(line).starts_with('#'); }
bool is_blank(std::string_view line) { return without_blanks(line).empty(); }

/// Returns the text of a comment's line: without the blanks and '#' before it and one blank after that.
std::string comment_text(std::string_view line) {
  line.remove_prefix(line.find('#') + 1);
  if (line.starts_with(' ')) line.remove_prefix(1);
  return std::string(line.substr(0, line.find_last_not_of(" \t\r") + 1));
}

/// Returns the block of comment lines that ends right above a line.
std::vector<std::string> comment_above(const Source& source, size_t line) {
  size_t first = line;
  while (first > 1 && is_comment(source.line(first - 1))) --first;
  std::vector<std::string> lines;
  for (size_t i = first; i < line; ++i) lines.push_back(comment_text(source.line(i)));
  // Blank comment lines at the edges are layout.
  while (!lines.empty() && lines.front().empty()) lines.erase(lines.begin());
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

/// Returns the offset where the expression that starts at `offset` ends: before the first ',' or ';' that is in no
/// bracket.
size_t end_of_expression(std::string_view text, size_t offset) {
  Lexer lexer(text.substr(offset));
  size_t depth = 0;
  size_t end = offset;
  for (;;) {
    const Token token = lexer.next();
    switch (token.kind) {
      case TokenKind::kEnd: return end;
      case TokenKind::kComma:
      case TokenKind::kSemicolon:
        if (depth == 0) return end;
        break;
      case TokenKind::kStarOpenParen:
      case TokenKind::kDotAtOpenParen:
      case TokenKind::kPlusOpenParen:
      case TokenKind::kDotQuestionOpenParen:
      case TokenKind::kDotPercentOpenParen:
      case TokenKind::kOpenParenDot:
      case TokenKind::kOpenParen:
      case TokenKind::kOpenBracket:
      case TokenKind::kOpenBrace:
      case TokenKind::kLess: ++depth; break;
      case TokenKind::kCloseParen:
      case TokenKind::kCloseBracket:
      case TokenKind::kCloseBrace:
      case TokenKind::kGreater:
        if (depth == 0) return end;
        --depth;
        break;
      default: break;
    }
    end = static_cast<size_t>(token.text.data() + token.text.size() - text.data()) + (token.quoted ? 1 : 0);
  }
}

/// Returns a piece of source whose lines after the first one are moved left by the
/// indentation of the statement, which starts at `column`.
std::string outdented(std::string_view piece, size_t column) {
  std::string result;
  size_t start = 0;
  for (;;) {
    const size_t end = piece.find('\n', start);
    std::string_view line = piece.substr(start, end == std::string_view::npos ? end : end - start);
    if (start != 0) {
      result += '\n';
      const size_t blanks = std::min(line.find_first_not_of(' '), line.size());
      line.remove_prefix(std::min(column - 1, blanks));
    }
    result += line;
    if (end == std::string_view::npos) return result;
    start = end + 1;
  }
}

/// Returns the same without comments, in one line.
std::string in_one_line(std::string_view piece) {
  std::string result;
  Lexer lexer(piece);
  size_t end = 0;
  for (Token token = lexer.next(); token.kind != TokenKind::kEnd; token = lexer.next()) {
    const size_t quote = token.quoted ? 1 : 0;
    const size_t start = static_cast<size_t>(token.text.data() - piece.data()) - quote;
    // An opening bracket at the end of a line has no blank after it, and a closing one at the start of a line none
    // before it.
    const bool broken = piece.substr(end, start - end).find('\n') != std::string_view::npos;
    const bool tight = broken && (result.ends_with('(') || piece[start] == ')');
    if (start != end && !tight) result += ' ';
    end = start + token.text.size() + 2 * quote;
    result += piece.substr(start, end - start);
  }
  return result;
}

/// Returns a type as the checker prints it; if it is long, the fields of structs and
/// unions are in lines of their own. `indent` is that of the line with the type.
std::string wrapped(std::string_view type, size_t indent, size_t columns_before) {
  constexpr size_t kColumns = 100;
  if (columns_before + type.size() <= kColumns) return std::string(type);
  Lexer lexer(type);
  const auto offset = [&](const Token& token) { return static_cast<size_t>(token.text.data() - type.data()); };
  Token token = lexer.next();
  while (token.kind != TokenKind::kStarOpenParen && token.kind != TokenKind::kPlusOpenParen) {
    if (token.kind == TokenKind::kEnd || token.kind == TokenKind::kInvalid) return std::string(type);
    token = lexer.next();
  }
  size_t start = offset(token) + token.text.size();
  std::string result(type.substr(0, start));
  for (const std::string line(indent + 2, ' ');;) {
    while (start < type.size() && type[start] == ' ') ++start;
    const size_t end = end_of_expression(type, start);
    if (end == start || end >= type.size()) return std::string(type);  // cut short, or without fields
    result += "\n" + line + wrapped(type.substr(start, end - start), indent + 2, indent + 2);
    start = end + 1;
    if (type[end] == ')') break;
    result += ',';
  }
  result += "\n" + std::string(indent, ' ') + ")";
  result += type.substr(start);
  return result;
}

/// A variable at the outermost level of a module.
struct Definition {
  Name name;
  Loc start;                       ///< of the statement, or of its part that defines this variable
  const Expr* declared = nullptr;  ///< its type as given
  const Expr* value = nullptr;     ///< null for foreign values and imports
  const Expr* imported_from = nullptr;
  Name field;  ///< that is imported
};

/// The outermost level of a module: its definitions in order, and the expression below them.
struct Outline {
  std::vector<Definition> definitions;
  std::unordered_map<std::string, size_t> innermost;  ///< name with '@' to index
  const Expr* value = nullptr;                        ///< below the definitions
  std::unique_ptr<Source> source;

  const Definition* find(const std::string& name) const {
    const auto found = innermost.find(name);
    return found == innermost.end() ? nullptr : &definitions[found->second];
  }
  const StructExportExpr* exports() const {
    return value->kind == ExprKind::kStructExport ? static_cast<const StructExportExpr*>(value) : nullptr;
  }
};

void add(Outline& outline, Definition definition) {
  outline.innermost[definition.name.str()] = outline.definitions.size();
  outline.definitions.push_back(definition);
}

Outline outline_of(const Expr* expr) {
  Outline outline;
  for (;;) {
    expr = below_deopt_points(expr);
    if (expr->kind == ExprKind::kLet) {
      const LetExpr& let = *static_cast<const LetExpr*>(expr);
      for (const Binding& binding : let.bindings) {
        const Loc start = binding.type != nullptr ? binding.type->loc : binding.name.loc;
        add(outline, {.name = binding.name, .start = start, .declared = binding.type, .value = binding.value});
      }
      expr = let.body;
    } else if (expr->kind == ExprKind::kStructImport) {
      const StructImportExpr& import = *static_cast<const StructImportExpr*>(expr);
      for (const Import& each : import.imports) {
        add(outline, {.name = each.name,
                      .start = each.type != nullptr ? each.type->loc : each.name.loc,
                      .declared = each.type,
                      .imported_from = import.source,
                      .field = each.field});
      }
      expr = import.body;
    } else if (expr->kind == ExprKind::kForeign) {
      const ForeignExpr& foreign = *static_cast<const ForeignExpr*>(expr);
      add(outline, {.name = foreign.name, .start = foreign.type->loc, .declared = foreign.type});
      expr = foreign.body;
    } else {
      outline.value = expr;
      return outline;
    }
  }
}

/// Documents modules of one program.
class Documenter {
 public:
  Documenter(const Program& program, const CheckedProgram& checked) : types_(*checked.types) {
    for (const Module* module : program.modules) modules_.emplace(module->path, module);
  }

  ModuleDoc document(const ModulePath& path) {
    const Module& module = *modules_.at(path);
    const Outline& outline = outline_of_module(module);
    ModuleDoc doc;
    doc.path = path;
    doc.file = module.loc.file.str();
    doc.comment = module_comment(outline.source->text(), path);
    doc.scope = scope_of(path);

    Type* type = types_.module_types.at(path);
    types_.set_viewer(path);
    DataType* exports = types_.as_struct(type);
    if (exports == nullptr) {
      doc.value_type = wrapped(types_.text(type), 0, path.str().size() + 3);
    } else {
      for (const TypeField& field : exports->all_fields()) doc.exports.push_back(document_export(path, field));
    }
    types_.set_viewer({});
    return doc;
  }

 private:
  const Outline& outline_of_module(const Module& module) {
    const auto [found, is_new] = outlines_.try_emplace(module.path);
    if (is_new) {
      // If there is only a header, the value is a type: it has fields and no definitions.
      found->second = outline_of(module.value != nullptr ? module.value : module.type);
      std::ifstream stream(module.loc.file.str(), std::ios::binary);
      found->second.source = std::make_unique<Source>(std::string(std::istreambuf_iterator<char>(stream), {}));
    }
    return found->second;
  }

  /// The definition of one exported name of a module.
  struct Export {
    const Definition* definition = nullptr;
    const Expr* value = nullptr;  ///< where it is no variable of the module
    Loc loc;                      ///< of the name in the export
  };

  static Export find_export(const Outline& outline, const std::string& name) {
    Export result;
    if (const StructExportExpr* exports = outline.exports()) {
      for (const NamedExpr& arg : exports->args) {
        if (arg.name.str() != name) continue;
        result.loc = arg.name.loc;
        result.value = below_deopt_points(arg.value);
        if (result.value->kind == ExprKind::kVar) {
          result.definition = outline.find(static_cast<const VarExpr*>(result.value)->name.str());
        }
      }
    } else if (outline.value->kind == ExprKind::kDataType) {
      for (const TypedName& field : static_cast<const DataTypeExpr*>(outline.value)->fields) {
        if (field.name.str() == name) result.loc = field.type->loc;
      }
    }
    return result;
  }

  /// Returns the module that an expression stands for, directly or through variables.
  const Module* module_meant(const Outline& outline, const Expr* expr) {
    for (size_t steps = 0; steps <= outline.definitions.size(); ++steps) {
      if (expr == nullptr) return nullptr;
      expr = below_deopt_points(expr);
      if (expr->kind == ExprKind::kModuleRef) {
        const auto found = modules_.find(static_cast<const ModuleRefExpr*>(expr)->path);
        return found == modules_.end() ? nullptr : found->second;
      }
      if (expr->kind != ExprKind::kVar) return nullptr;
      const Definition* definition = outline.find(static_cast<const VarExpr*>(expr)->name.str());
      if (definition == nullptr) return nullptr;
      expr = definition->value;
    }
    return nullptr;
  }

  /// Returns the export of another module that a definition or value stands for, if it does.
  std::optional<std::pair<const Module*, std::string>> imported(const Outline& outline, const Definition* definition,
                                                                const Expr* value) {
    if (definition != nullptr && definition->imported_from != nullptr) {
      const Module* module = module_meant(outline, definition->imported_from);
      if (module == nullptr) return std::nullopt;
      return std::pair(module, definition->field.str());
    }
    if (definition != nullptr) value = definition->value;
    if (value != nullptr) value = below_deopt_points(value);
    if (value == nullptr || value->kind != ExprKind::kDataAccess) return std::nullopt;
    const DataAccessExpr& access = *static_cast<const DataAccessExpr*>(value);
    const Module* module = module_meant(outline, access.object);
    if (module == nullptr) return std::nullopt;
    return std::pair(module, access.field.str());
  }

  /// Returns the comment above a definition, or above the definitions that it stands right below.
  static std::vector<std::string> comment_of(const Outline& outline, const Definition& definition) {
    const Source& source = *outline.source;
    size_t index = static_cast<size_t>(&definition - outline.definitions.data());
    for (;;) {
      const Definition& current = outline.definitions[index];
      if (current.imported_from != nullptr) return {};
      const uint32_t line = current.start.line;
      const std::string_view before = source.line(line).substr(0, current.start.column - 1);
      if (is_blank(before) && is_comment(source.line(line - 1))) return comment_above(source, line);
      if (index == 0) return {};
      const uint32_t previous = outline.definitions[--index].start.line;
      for (uint32_t i = previous; i < line; ++i) {
        if (is_blank(source.line(i))) return {};
      }
    }
  }

  ExportDoc document_export(const ModulePath& path, const TypeField& field) {
    ExportDoc doc;
    doc.is_type = field.is_type;
    const std::string name = field.name.str() + (field.is_type ? "@" : "");
    doc.name = quote_word(field.name.str()) + (field.is_type ? "@" : "");

    // Follows the name to its definition, and takes the first comment on the way.
    const Module* module = modules_.at(path);
    std::string name_there = name;
    for (size_t steps = 0; steps < modules_.size(); ++steps) {
      const Outline& outline = outline_of_module(*module);
      const Export found = find_export(outline, name_there);
      if (doc.line == 0) doc.line = found.definition != nullptr ? found.definition->start.line : found.loc.line;
      if (doc.comment.empty() && found.definition != nullptr) doc.comment = comment_of(outline, *found.definition);
      if (doc.comment.empty() && found.loc.line != 0 && begins_line(outline, found.loc)) {
        doc.comment = comment_above(*outline.source, found.loc.line);
      }
      if (doc.definition.empty() && found.definition != nullptr) {
        doc.definition = definition_text(doc, outline, *found.definition);
        doc.scope = scope_of(module->path);
      }
      const auto next = imported(outline, found.definition, found.value);
      if (!next) break;
      if (!doc.origin || doc.definition.empty() || doc.comment.empty()) doc.origin = next->first->path;
      if (!doc.definition.empty() && !doc.comment.empty()) break;
      module = next->first;
      name_there = next->second;
    }
    if (doc.definition.empty()) {
      Type* value = TypeContext::value_of(field.type);
      const bool is_type = doc.is_type && value != nullptr;
      doc.definition = doc.name + (is_type ? " = " : " : ");
      doc.definition += wrapped(types_.text(is_type ? value : field.type), 0, doc.definition.size());
      doc.scope = scope_of(path);
    } else if (doc.definition.ends_with(" : ")) {
      doc.definition += wrapped(types_.text(field.type), 0, doc.definition.size());
    }
    return doc;
  }

  static bool begins_line(const Outline& outline, const Loc& loc) {
    return is_blank(outline.source->line(loc.line).substr(0, loc.column - 1));
  }

  /// Returns the definition in the source, under the exported name. It ends in " : " if the
  /// source leaves the type of a value to the checker, and is empty if another module
  /// defines the name.
  static std::string definition_text(const ExportDoc& doc, const Outline& outline, const Definition& definition) {
    const std::string_view text = outline.source->text();
    if (definition.imported_from != nullptr) return "";
    if (doc.is_type) {
      if (definition.value == nullptr) return "";
      const size_t start = outline.source->offset(definition.value->loc);
      const std::string_view value = text.substr(start, end_of_expression(text, start) - start);
      return doc.name + " = " + outdented(value, definition.start.column);
    }
    if (definition.declared == nullptr) return doc.name + " : ";
    const size_t start = outline.source->offset(definition.declared->loc);
    const size_t end = outline.source->offset(definition.name.loc);
    return doc.name + " : " + in_one_line(text.substr(start, end - start));
  }

  /// Returns the names that are documented for a module: its exports, and its imports.
  std::shared_ptr<const DocScope> scope_of(const ModulePath& path) {
    const auto [found, is_new] = scopes_.try_emplace(path);
    if (is_new) {
      const Outline& outline = outline_of_module(*modules_.at(path));
      auto scope = std::make_shared<DocScope>();
      for (const auto& [name, index] : outline.innermost) {
        const auto origin = imported(outline, &outline.definitions[index], nullptr);
        if (origin) scope->insert_or_assign(name, DocTarget{origin->first->path, origin->second});
      }
      if (const StructExportExpr* exports = outline.exports()) {
        for (const NamedExpr& arg : exports->args) {
          const Expr* value = below_deopt_points(arg.value);
          if (value->kind != ExprKind::kVar) continue;
          const std::string name = static_cast<const VarExpr*>(value)->name.str();
          scope->try_emplace(name, DocTarget{path, arg.name.str()});
        }
      }
      found->second = std::move(scope);
    }
    return found->second;
  }

  TypeContext& types_;
  std::unordered_map<ModulePath, const Module*, ModulePathHash> modules_;
  std::unordered_map<ModulePath, Outline, ModulePathHash> outlines_;
  std::unordered_map<ModulePath, std::shared_ptr<const DocScope>, ModulePathHash> scopes_;
};

}  // namespace

std::vector<std::string> module_comment(std::string_view text, const ModulePath& path) {
  const Source source{std::string(text)};
  size_t end = 1;
  while (is_comment(source.line(end))) ++end;
  std::vector<std::string> lines = comment_above(source, end);
  const std::string name = path.str();
  if (lines.empty() || !lines.front().starts_with(name)) {
    // A comment right above the first definition belongs to that definition.
    if (!is_blank(source.line(end))) lines.clear();
  } else {
    std::string_view rest = std::string_view(lines.front()).substr(name.size());
    if (rest.starts_with(':')) rest.remove_prefix(1);
    lines.front() = without_blanks(rest);
    if (lines.front().empty()) lines.erase(lines.begin());
  }
  return lines;
}

ModuleDoc document_module(const Program& program, const CheckedProgram& checked, const ModulePath& path) {
  return Documenter(program, checked).document(path);
}

}  // namespace fble
