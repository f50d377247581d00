// A program as loaded: its modules in dependency order.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontends/fble/ast.h"
#include "frontends/fble/core.h"
#include "frontends/fble/diagnostics.h"
#include "frontends/fble/file_facts.h"
#include "frontends/fble/image/module_key.h"
#include "frontends/fble/module_path.h"
#include "frontends/fble/parser.h"

namespace fble {

class ModuleImage;

/// A source that was read.
struct SourceText {
  Symbol file;
  std::string text;
};

/// One module. `type` is the interface from the header file (.fble.@) and
/// `value` the body (.fble); at least one of them is there. When both are, the
/// checker compares them (spec 8.4). A module that failed to load may have
/// neither, and what it mentions may depend on it; see LoadOptions::keep_failed.
struct Module {
  ModulePath path;
  Loc loc;  ///< line 1, column 0 of the value's (else the header's) file
  const Expr* type = nullptr;
  const Expr* value = nullptr;
  bool failed = false;        ///< a file is missing or wrong, and that was reported
  std::vector<Module*> deps;  ///< modules mentioned by type or value, in order of first mention

  // What is known if images are used (LoadOptions::images).
  /// What was checked before with the same sources, instead of `type` and `value`. The checker decides whether it
  /// counts, and parses the sources after all if it does not.
  const ModuleImage* image = nullptr;
  std::optional<SourceText> header_text;  ///< of a module with an image
  std::optional<SourceText> value_text;   ///< likewise
  /// The key of the sources; nothing if they could not be read.
  std::optional<Digest> source_key;
  SourceFiles files;
  std::vector<ModuleMention> mentions;  ///< of `deps`, one by one
  MessageRange load_messages;           ///< warnings from reading the sources
};

struct Program {
  std::shared_ptr<Arena> arena;  ///< owns modules and their syntax
  /// Each is after those it depends on. The main module is last, but for more_mains and types_of of LoadOptions.
  std::vector<Module*> modules;
  std::vector<std::string> files;  ///< all files read, for dependency files
  std::vector<FileFact> facts;     ///< all that loading has found out about files
};

}  // namespace fble
