// The oracle for the front end on texts that need not be programs.
#pragma once

#include <string>
#include <string_view>

namespace fble {

/// Parses, checks and lowers the text as a module without dependencies (references to
/// others are an error). Returns an empty text if all stages have these properties, and
/// otherwise names the one that is violated:
///  * there is a result exactly when there is no error;
///  * every message is about a place in the text;
///  * the core and the bytecode that come out pass their verifiers;
///  * the bytecode's text parses back to the same.
std::string check_front_end(std::string_view text);

/// Parses the text as bytecode. Parser and verifier must accept or reject it, and
/// accepted bytecode must print and parse back to the same. Returns a failure, or an
/// empty text.
std::string check_bytecode_text(std::string_view text);

}  // namespace fble
