// From the command line to bytecode: the steps that all commands about a module share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "frontends/cli/cli.h"
#include "frontends/fble/loader.h"
#include "frontends/fble/typecheck.h"
#include "interp/code.h"

namespace fble {

/// The module that the options ask for, and where modules are searched.
struct MainModule {
  ModulePath path;
  std::vector<std::string> roots;
  std::vector<ModulePath> others;  ///< more modules, with --all
};

/// Finds the module that -m or a file means, or all that --all does. Returns false after a message.
bool find_main_module(const Options& options, MainModule& main);

/// The last step to take with a module, and the properties that it must have.
struct FrontEndOptions {
  LoadFor purpose = LoadFor::kExecution;
  /// If true, the value must be a program: of type /Std/Io/Cli%.Main@.
  bool must_be_program = false;
  /// If true, the caller asks only whether the module compiles.
  bool only_checks = false;
  /// If not null, is called when all went well: with the program as it was loaded, checked and lowered.
  std::function<void(const Program&, const CheckedProgram&, const ProgramCode&)> lowered;
};

/// Loads, checks and lowers the modules with all they depend on, prints the
/// messages, and writes the dependency file if one is asked for. Returns null
/// and sets the status after an error. The program is empty if the caller only checks.
std::unique_ptr<ProgramCode> compile_module(const Options& options, const FrontEndOptions& front_end, Status& status);

/// Returns the rule "TARGET: FILE..." for make and ninja, wrapped near 80 columns.
std::string dependency_rule(const std::string& target, const std::vector<std::string>& files);

}  // namespace fble
