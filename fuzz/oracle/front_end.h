// The oracle for the front end on texts that need not be programs.
#pragma once

#include <string>
#include <string_view>

namespace fble {

/// Parses, checks and lowers the text as a module without dependencies (references to
/// others are an error). Empty if all stages keep their promises, otherwise which did not:
///  * there is a result exactly when there is no error;
///  * every message is about a place in the text;
///  * the core and the bytecode that come out pass their verifiers;
///  * the bytecode's text reads back as the same.
std::string check_front_end(std::string_view text);

/// Bytecode as text: parser and verifier accept or reject it, and what is accepted prints
/// and reads back as the same.
std::string check_bytecode_text(std::string_view text);

}  // namespace fble
