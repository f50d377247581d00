// What there is to say about a module, taken from its source.
//
// The rules of doc comments (`fble-jit doc --help` tells them to users):
//
//  - The comment of a module is the block of comment lines at the start of its file. Its
//    first line may begin with the module's path and a colon, which are not repeated.
//  - The comment of an exported name is the block of comment lines right above the
//    definition of the variable that is exported, and else above the name in the export.
//  - A definition right below another one, with no blank line between, shares its comment.
//  - A name that comes from another module and has no comment here has the one from there.
//
// Types are shown as the source writes them, where it does. The checker knows the others.
//
// Tested by tests/unit/cli/doc_test.cc.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/fble/diagnostics.h"
#include "frontends/fble/program.h"
#include "frontends/fble/typecheck.h"

namespace fble {

/// Where a name is documented: an export of a module.
struct DocTarget {
  ModulePath module;
  std::string name;
};

/// The names that mean something in a text, each with its '@' if it is one of a type.
using DocScope = std::map<std::string, DocTarget>;

/// An exported name.
struct ExportDoc {
  std::string name;  ///< as the source writes it: quoted where needed, with '@' for a type
  bool is_type = false;
  std::string definition;                 ///< "List@ = ..." or "Map : ..."
  std::vector<std::string> comment;       ///< its lines without '#'; empty if there is none
  std::optional<ModulePath> origin;       ///< the module that defines it, if it is another one
  std::shared_ptr<const DocScope> scope;  ///< of the names in `definition`
  uint32_t line = 0;                      ///< of the definition, or of the name in the export
};

struct ModuleDoc {
  ModulePath path;
  std::string file;
  std::vector<std::string> comment;  ///< like that of an export
  std::string value_type;            ///< of a module that is no list of exports; else empty
  std::vector<ExportDoc> exports;
  std::shared_ptr<const DocScope> scope;
};

/// The block of comment lines at the start of a source text, without the path of the module.
std::vector<std::string> module_comment(std::string_view source, const ModulePath& path);

/// Documents the module, which the program has and which was checked.
ModuleDoc document_module(const Program& program, const CheckedProgram& checked, const ModulePath& path);

}  // namespace fble
