// Makes well-typed Fble programs that end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/gen/choices.h"

namespace fble {

/// Bounds of what is made; see Generator in program_gen.cc for what they mean.
struct ProgramGenOptions {
  /// Steps that a program may take at most, roughly: calls, allocations and selects.
  double max_cost = 400000;
  /// Programs may use /Std/Int% and /Std/Char%.
  bool integers = true;
  /// Programs may use what the reference's library does not have.
  bool own_library = true;
};

struct GeneratedProgram {
  /// A module whose value is a list of letters, the last one first (gen/library.h).
  std::string text;
  /// The same as a program for the command line.
  std::string command_text;
  /// What it takes to run, at most and roughly.
  double cost = 0;
  /// Programs may also fail, at a place and for a reason that are the same in all modes.
  bool may_fail = false;
  /// What made it: Choices::from_values of them makes it again.
  std::vector<uint32_t> choices;
};

GeneratedProgram generate_program(Choices& choices, const ProgramGenOptions& options = {});

/// The command line's program for a module as above.
std::string with_footer(const std::string& module_text);

}  // namespace fble
