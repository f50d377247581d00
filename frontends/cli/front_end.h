// From the command line to bytecode: what all commands that look at a module share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "frontends/cli/cli.h"
#include "frontends/fble/loader.h"
#include "interp/code.h"

namespace fble {

/// The module that the options ask for, and where modules are searched.
struct MainModule {
  ModulePath path;
  std::vector<std::string> roots;
};

/// Finds out what the options mean by -m or a file. False after a message.
bool find_main_module(const Options& options, MainModule& main);

/// How far to go with a module, and what must be true of it.
struct FrontEndOptions {
  LoadFor purpose = LoadFor::kExecution;
  /// The value must be a program: of type /Std/Io/Cli%.Main@.
  bool must_be_program = false;
};

/// Loads, checks and lowers the module with all it depends on, prints what there
/// is to say, and writes the dependency file if one is asked for. Null and a
/// status after an error.
std::unique_ptr<ProgramCode> compile_module(const Options& options, const FrontEndOptions& front_end, Status& status);

/// The rule "TARGET: FILE..." for make and ninja, wrapped near 80 columns.
std::string dependency_rule(const std::string& target, const std::vector<std::string>& files);

}  // namespace fble
