// Warnings about characters in a source that its reader does not see.
// Tested by tests/unit/frontends/fble/invisible_test.cc.
#pragma once

#include <string_view>

#include "frontends/fble/diagnostics.h"

namespace fble {

/// Warns about the characters of invisible_chars.def: all that are outside of
/// quoted words and comments, where they are parts of names, and those that reorder
/// text everywhere. Each character is reported where it comes first, in each of
/// these three kinds of places.
void warn_invisible(std::string_view text, Symbol file, Diagnostics& diagnostics);

}  // namespace fble
