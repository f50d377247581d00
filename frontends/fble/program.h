// A program as loaded: its modules in dependency order.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frontends/fble/ast.h"
#include "frontends/fble/core.h"
#include "frontends/fble/module_path.h"

namespace fble {

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
};

struct Program {
  std::shared_ptr<Arena> arena;  ///< owns modules and their syntax
  std::vector<Module*>
      modules;  ///< each after those it depends on; the main module is last, but for LoadOptions::types_of
  std::vector<std::string> files;  ///< all files read, for dependency files
};

}  // namespace fble
