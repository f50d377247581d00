// `fble-jit doc`: prints the comments of modules as text or HTML.
// Tested by tests/unit/frontends/cli/doc_test.cc.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "frontends/cli/front_end.h"
#include "frontends/cli/messages.h"
#include "frontends/cli/search_path.h"
#include "frontends/doc/doc_format.h"
#include "frontends/doc/doc_search.h"
#include "frontends/fble/big_stack.h"
#include "frontends/fble/types.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

/// Loads and checks a module and documents it. Returns nothing after an error, which was printed.
std::optional<ModuleDoc> load_and_document(const ModulePath& path, const std::vector<std::string>& roots) {
  std::optional<ModuleDoc> doc;
  Diagnostics diagnostics;
  run_on_big_stack([&] {
    const std::unique_ptr<Program> program =
        load_program(path, {.roots = roots, .purpose = LoadFor::kModule}, diagnostics);
    if (program == nullptr) return;
    const std::unique_ptr<CheckedProgram> checked = typecheck(*program, diagnostics);
    if (checked != nullptr) doc = document_module(*program, *checked, path);
  });
  // Warnings are for those who compile the module.
  if (!doc) print_message(diagnostics.render());
  return doc;
}

std::string read_text(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<ModuleSummary> summaries_of(const std::vector<FoundModule>& modules) {
  std::vector<ModuleSummary> summaries;
  for (const FoundModule& module : modules) {
    summaries.push_back({module.path, summary_of(module_comment(read_text(module.file), module.path))});
  }
  return summaries;
}

Status write_pages(const std::string& folder, const std::vector<FoundModule>& modules,
                   const std::vector<std::string>& roots) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) {
    print_error(fmt::format("cannot create folder '{}': {}", folder, problem.message()));
    return Status::kOtherError;
  }
  std::vector<ModuleDoc> docs;
  std::vector<ModuleSummary> summaries;
  DocPages pages;
  for (const FoundModule& module : modules) {
    std::optional<ModuleDoc> doc = load_and_document(module.path, roots);
    if (!doc) continue;
    summaries.push_back({doc->path, summary_of(doc->comment)});
    pages.insert(doc->path);
    docs.push_back(std::move(*doc));
  }
  for (const ModuleDoc& doc : docs) {
    if (!save_file(fs::path(folder) / page_name(doc.path), module_page(doc, pages))) return Status::kOtherError;
  }
  if (!save_file(fs::path(folder) / kIndexPage, index_page(summaries))) return Status::kOtherError;
  return docs.size() == modules.size() ? Status::kOk : Status::kFailed;
}

/// Prints a warning, with its place, for each name without a comment.
Status print_missing(const std::vector<FoundModule>& modules, const std::vector<std::string>& roots) {
  size_t missing = 0;
  bool failed = false;
  for (const FoundModule& module : modules) {
    const std::optional<ModuleDoc> doc = load_and_document(module.path, roots);
    if (!doc) {
      failed = true;
      continue;
    }
    if (doc->comment.empty()) {
      print_output("{}:1:1: warning: module {} has no comment\n", doc->file, doc->path.str());
      ++missing;
    }
    for (const ExportDoc& one : doc->exports) {
      if (!one.comment.empty()) continue;
      print_output("{}:{}:1: warning: {} of module {} has no comment\n", doc->file, std::max(one.line, 1u), one.name,
                   doc->path.str());
      ++missing;
    }
  }
  return missing != 0 || failed ? Status::kFailed : Status::kOk;
}

/// Loads and checks the modules as one program, which is null if one of them does not compile.
DocProgram load_all(const std::vector<FoundModule>& modules, const std::vector<std::string>& roots) {
  LoadOptions load{.roots = roots};
  for (const FoundModule& module : modules) load.types_of.push_back(module.path);
  DocProgram all;
  Diagnostics ignored;
  all.program = load_program(modules.front().path, load, ignored);
  if (all.program != nullptr) all.checked = typecheck(*all.program, ignored);
  return all;
}

Status print_search(const Options& options, std::vector<FoundModule> modules, const std::vector<std::string>& roots) {
  SearchResult result;
  Diagnostics diagnostics;
  run_on_big_stack([&] {
    DocProgram all;
    if (!modules.empty()) all = load_all(modules, roots);
    if (!modules.empty() && all.checked == nullptr) {
      std::erase_if(modules, [&](const FoundModule& module) {
        if (load_all({module}, roots).checked != nullptr) return false;
        print_error(fmt::format("module {} does not compile and is not searched", module.path.str()));
        return true;
      });
      if (!modules.empty()) all = load_all(modules, roots);
    }
    if (all.checked == nullptr) return;
    try {
      result = options.search_type.empty() ? search_words(all, options.search)
                                           : search_type(all, options.search_type, diagnostics);
    } catch (const TypeTooDeep&) {
      result.hint = "; the type is nested too deeply";
    }
  });
  print_message(diagnostics.render());
  if (diagnostics.error_count() > 0) return Status::kFailed;
  if (result.lines.empty()) {
    print_error(fmt::format("nothing found{}", result.hint));
    return Status::kFailed;
  }
  std::string text;
  for (const std::string& line : result.lines) text += line + "\n";
  print_output(text);
  return Status::kOk;
}

/// Splits "/A/B%.Name" into the module and the name. Any other text is taken as a
/// module; if it is none, parsing the module path reports the error.
std::pair<std::string, std::string> split_name(const std::string& text) {
  Diagnostics ignored;
  const size_t end = text.rfind("%.");
  if (end == std::string::npos || parse_module_path(text, ignored)) return {text, ""};
  return {text.substr(0, end + 1), text.substr(end + 2)};
}

Status print_module(const ModuleDoc& doc, const std::string& name) {
  std::string text = name.empty() ? module_text(doc) : "";
  for (const ExportDoc& one : doc.exports) {
    if (one.name == name) text = export_text(doc, one);
  }
  if (text.empty()) {
    print_error(fmt::format("module {} does not export '{}'", doc.path.str(), name));
    return Status::kFailed;
  }
  print_output(text);
  return Status::kOk;
}

}  // namespace

CommandEnding run_doc(const Options& options) {
  const bool one_module = !options.module.empty() || !options.file.empty();
  Options named = options;
  std::string name;
  if (options.file.empty()) std::tie(named.module, name) = split_name(options.module);

  std::vector<std::string> roots = with_library(options.roots);
  std::vector<FoundModule> modules;
  if (one_module) {
    MainModule main;
    if (!find_main_module(named, main)) return Status::kUsageError;
    roots = std::move(main.roots);
    modules.push_back({std::move(main.path), ""});
  } else {
    modules = all_modules(roots);
  }

  if (!options.html.empty()) return write_pages(options.html, modules, roots);
  if (options.missing) return print_missing(modules, roots);
  if (!options.search.empty() || !options.search_type.empty()) return print_search(options, std::move(modules), roots);
  if (one_module) {
    const std::optional<ModuleDoc> doc = load_and_document(modules.front().path, roots);
    return doc ? print_module(*doc, name) : Status::kFailed;
  }
  print_output(list_text(summaries_of(modules)));
  return Status::kOk;
}

}  // namespace fble
