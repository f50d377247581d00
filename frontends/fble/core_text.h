// The typed core as text, and back.
// Tested by tests/unit/frontends/fble/core_text_test.cc.
//
//   (module PATH (file FILE) (loc LOC) (vars COUNT) (deps PATH...) CORE)
//
//   CORE = (type LOC)
//        | (var LOC VAR)
//        | (module LOC PATH)
//        | (let LOC rec|nonrec ((VAR LOC CORE)...) CORE)
//        | (struct LOC CORE...)
//        | (field LOC INDEX/COUNT CORE)
//        | (copy LOC CORE (CORE|-)...)
//        | (import LOC COUNT ((VAR LOC INDEX)...) CORE CORE)
//        | (union LOC TAG/COUNT CORE)
//        | (union-field LOC TAG/COUNT CORE)
//        | (select LOC COUNT CORE ((TAG NAME CORE)...) (CORE|-))
//        | (func LOC ((VAR LOC)...) LOC CORE)
//        | (apply LOC CORE CORE...)
//        | (list LOC CORE...)
//        | (literal LOC ((TAG/COUNT...)...) LETTER,LETTER,...|-)
//        | (foreign LOC PATH NAME VAR LOC CORE)
//
// VAR is name#id. LOC is @line:column in the module's file, @file:line:column
// elsewhere, and a lone @ when there is none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "frontends/fble/core.h"
#include "frontends/fble/diagnostics.h"

namespace fble {

std::string print_core(const CoreProgramModule& module);

/// Returns the notation of one expression, with locations in `file` abbreviated.
std::string print_core(const Core& core, Symbol file);

/// Parses the output of print_core. Reports a mistake at a position of the
/// text, which messages call `file`, and returns nothing. Does not verify.
std::optional<CoreProgramModule> parse_core(std::string_view text, Symbol file, Diagnostics& diagnostics);

}  // namespace fble
