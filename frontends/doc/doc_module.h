// Documents a module from the comments of its source.
//
// The rules of doc comments (`fble-jit doc --help` shows them to users):
//
//  - The comment of a module is the block of comment lines at the start of its file. Its
//    first line may begin with the module's path and a colon, which are not repeated.
//  - The comment of an exported name is the block of comment lines right above the
//    definition of the exported variable, or else above the name in the export.
//  - A definition right below another one, with no blank line between, shares its comment.
//  - A name that comes from another module and has no comment here has the comment of that module.
//
// Types are shown as the source writes them; where it does not, the checker supplies them.
//
// Tested by tests/unit/frontends/cli/doc_test.cc.
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

/// The place where a name is documented: an export of a module.
struct DocTarget {
  ModulePath module;
  std::string name;
};

/// The names that are defined in a text, each with its '@' if it is one of a type.
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
  std::string value_type;            ///< the type of a module that is no list of exports; else empty
  std::vector<ExportDoc> exports;
  std::shared_ptr<const DocScope> scope;
};

/// Returns the block of comment lines at the start of a source text, without the path of the module.
std::vector<std::string> module_comment(std::string_view source, const ModulePath& path);

/// Documents the module, which is part of the program and was checked.
ModuleDoc document_module(const Program& program, const CheckedProgram& checked, const ModulePath& path);

}  // namespace fble
