// Checks modules that are given as text.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "frontends/fble/core_text.h"
#include "frontends/fble/core_verify.h"
#include "frontends/fble/parser.h"
#include "frontends/fble/typecheck.h"
#include "frontends/fble/types.h"

namespace fble {

/// A program that is built module by module, in dependency order.
class SourceProgram {
 public:
  SourceProgram() { program_.arena = std::make_shared<Arena>(); }

  /// Adds a module; an empty text stands for an absent file. The file of the
  /// value has the module's name ("/A%"), that of the header the same name with
  /// an '@' after it.
  SourceProgram& add(std::string_view path_text, std::string_view value, std::string_view header = "") {
    ModulePath path = path_of(path_text);
    Module* module = program_.arena->make<Module>(Module{path, Loc{Symbol(path_text), 1, 0}});
    module->type = parse(header, Symbol(std::string(path_text) + "@"), *module);
    module->value = parse(value, Symbol(path_text), *module);
    program_.modules.push_back(module);
    return *this;
  }

  /// Checks the program, and verifies its core.
  const CheckedProgram* check() {
    checked_ = typecheck(program_, diagnostics_);
    EXPECT_EQ(checked_ == nullptr, diagnostics_.error_count() > 0) << diagnostics_.render();
    if (checked_) {
      for (const CoreProgramModule& module : checked_->modules) {
        for (const std::string& problem : verify_core(module)) ADD_FAILURE() << problem;
      }
    }
    return checked_.get();
  }

  const Diagnostics& diagnostics() const { return diagnostics_; }

  static ModulePath path_of(std::string_view text) {
    Diagnostics diagnostics;
    std::optional<ModulePath> path = parse_module_path(text, diagnostics);
    if (!path) throw std::runtime_error(diagnostics.render());
    return *path;
  }

 private:
  const Expr* parse(std::string_view text, Symbol file, Module& module) {
    if (text.empty()) return nullptr;
    Diagnostics diagnostics;
    std::vector<ModuleMention> mentions;
    const Expr* expr = parse_source(text, file, *program_.arena, diagnostics, mentions);
    if (!expr) throw std::runtime_error(diagnostics.render());
    for (const ModuleMention& mention : mentions) {
      auto dep = std::find_if(program_.modules.begin(), program_.modules.end(),
                              [&](Module* other) { return other->path == mention.path; });
      if (dep == program_.modules.end()) throw std::runtime_error("no module " + mention.path.str());
      if (std::find(module.deps.begin(), module.deps.end(), *dep) == module.deps.end()) module.deps.push_back(*dep);
    }
    return expr;
  }

  Program program_;
  Diagnostics diagnostics_;
  std::unique_ptr<CheckedProgram> checked_;
};

/// Returns all messages about one module /M%, without the file name: "3:1: error: ...".
inline std::string messages_of(std::string_view text) {
  SourceProgram program;
  program.add("/M%", text).check();
  std::string rendered = program.diagnostics().render();
  for (size_t at = rendered.find("/M%:"); at != std::string::npos; at = rendered.find("/M%:")) rendered.erase(at, 4);
  return rendered;
}

/// Returns the type of a module's value, or the messages if it has none.
inline std::string type_of_module(std::string_view text) {
  SourceProgram program;
  const CheckedProgram* checked = program.add("/M%", text).check();
  return checked ? module_type_text(*checked, SourceProgram::path_of("/M%")) : program.diagnostics().render();
}

/// Returns the core of a module's value without locations and line breaks.
inline std::string core_of(std::string_view text) {
  SourceProgram program;
  const CheckedProgram* checked = program.add("/M%", text).check();
  if (!checked) return program.diagnostics().render();
  std::string printed = print_core(*checked->modules[0].body, Symbol("/M%"));
  std::string short_text;
  for (size_t i = 0; i < printed.size(); ++i) {
    if (printed[i] == ' ' && i + 1 < printed.size() && printed[i + 1] == '@') {
      while (i + 1 < printed.size() && printed[i + 1] != ' ' && printed[i + 1] != ')' && printed[i + 1] != '\n') ++i;
      continue;
    }
    char c = printed[i] == '\n' ? ' ' : printed[i];
    if (c == ' ' && (short_text.empty() || short_text.back() == ' ' || short_text.back() == '(')) continue;
    short_text += c;
  }
  while (!short_text.empty() && short_text.back() == ' ') short_text.pop_back();
  return short_text;
}

}  // namespace fble
