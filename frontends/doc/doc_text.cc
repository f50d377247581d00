// Documentation as plain text: the comment of the module as it is in the file, then
// definitions at the left edge with their comments indented below.
// Tested by tests/unit/frontends/cli/doc_test.cc.
#include <fmt/format.h>

#include <algorithm>

#include "frontends/doc/doc_format.h"

namespace fble {
namespace {

constexpr const char* kIndent = "    ";

void add_comment(std::string& text, const std::vector<std::string>& comment) {
  for (const std::string& line : comment) text += line.empty() ? "\n" : kIndent + line + "\n";
}

void add_export(std::string& text, const ExportDoc& one) {
  text += one.definition + "\n";
  if (!one.comment.empty()) text += "\n";
  add_comment(text, one.comment);
  if (one.origin) text += fmt::format("\n{}It comes from {}.\n", kIndent, one.origin->str());
}

}  // namespace

std::string summary_of(const std::vector<std::string>& comment) {
  std::string text;
  for (const std::string& line : comment) {
    if (line.empty()) break;
    if (!text.empty()) text += ' ';
    text += line;
    const size_t end = text.find(". ");
    if (end != std::string::npos) {
      text.resize(end);
      break;
    }
  }
  while (text.ends_with('.') || text.ends_with(':')) text.pop_back();
  return text;
}

std::string module_text(const ModuleDoc& doc) {
  std::string text = doc.path.str();
  if (!doc.comment.empty()) text += ": ";
  for (const std::string& line : doc.comment) text += line + "\n";
  if (doc.comment.empty()) text += "\n";
  if (!doc.value_type.empty()) text += fmt::format("\n{} : {}\n", doc.path.str(), doc.value_type);
  for (const ExportDoc& one : doc.exports) {
    text += "\n";
    add_export(text, one);
  }
  return text;
}

std::string export_text(const ModuleDoc& doc, const ExportDoc& one) {
  std::string text = fmt::format("{}.{}\n\n", doc.path.str(), one.name);
  add_export(text, one);
  return text;
}

std::string list_text(std::span<const ModuleSummary> modules) {
  size_t width = 0;
  for (const ModuleSummary& module : modules) width = std::max(width, module.path.str().size());
  std::string text;
  for (const ModuleSummary& module : modules) {
    const std::string line = fmt::format("{:<{}}  {}", module.path.str(), width, module.summary);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace fble
