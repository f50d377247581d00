// Finds exported names: by words, and by type.
// Tested by tests/unit/frontends/doc/doc_search_test.cc.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontends/fble/diagnostics.h"
#include "frontends/fble/program.h"
#include "frontends/fble/typecheck.h"

namespace fble {

/// The modules of a search path, in one checked program.
struct DocProgram {
  std::unique_ptr<Program> program;
  std::unique_ptr<CheckedProgram> checked;
};

/// The findings, the best first: one line each, "NAME : TYPE  # SENTENCE". The
/// sentence is the first one of the comment.
struct SearchResult {
  std::vector<std::string> lines;
  std::string hint;  ///< another search that the user may try, if there are no lines
};

/// Returns the exported names and modules in which all words occur, regardless of
/// upper and lower case. A word in the name counts most, then one in the module's
/// path, in the first sentence of the comment, in the rest of it and in the type.
SearchResult search_words(const DocProgram& all, std::span<const std::string> words);

/// Returns the exported values that can be used as a value of the type. Names of types
/// that the text does not bind are those of a module that exports them; but a capital
/// letter, perhaps with digits, is a type variable. The best values have that type, up
/// to the names of variables. Then come those of more general types, then those that
/// take the arguments in another order, then those that take one or two more.
///
/// Adds a module to the program. Mistakes in the text are reported in `diagnostics`, with
/// "--type" as their file; then the result is empty.
SearchResult search_type(DocProgram& all, const std::string& text, Diagnostics& diagnostics);

}  // namespace fble
