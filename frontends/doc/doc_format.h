// Documentation as text for a terminal, and as pages of HTML.
// Tested by tests/unit/frontends/cli/doc_test.cc.
#pragma once

#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "frontends/doc/doc_module.h"

namespace fble {

/// A module in a list, with the first sentence of its comment.
struct ModuleSummary {
  ModulePath path;
  std::string summary;
};

/// Returns the first sentence of a comment, in one line without its full stop.
std::string summary_of(const std::vector<std::string>& comment);

/// Returns the documentation of a module.
std::string module_text(const ModuleDoc& doc);
/// Returns the documentation of one export of a module.
std::string export_text(const ModuleDoc& doc, const ExportDoc& one);
std::string list_text(std::span<const ModuleSummary> modules);

/// The modules that have pages, which links may lead to.
using DocPages = std::unordered_set<ModulePath, ModulePathHash>;

inline constexpr const char* kIndexPage = "index.html";
/// Returns the file name of a module's page. No two modules share one.
std::string page_name(const ModulePath& path);
std::string module_page(const ModuleDoc& doc, const DocPages& pages);
std::string index_page(std::span<const ModuleSummary> modules);

}  // namespace fble
