// Makes well-typed Fble programs that end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/gen/choices.h"
#include "tests/reference/thread_model.h"

namespace fble {

/// The bounds of generated programs; program_gen.cc explains them.
struct ProgramGenOptions {
  /// The number of steps that a program may take, roughly: calls, allocations and selects.
  double max_cost = 400000;
  /// Programs may use /Std/Int% and /Std/Char%.
  bool integers = true;
  /// Programs may use parts of our library that the reference's lacks.
  bool own_library = true;
};

struct GeneratedProgram {
  /// A module whose value is a list of letters, the last one first (gen/library.h).
  std::string text;
  /// The same as a program for the command line.
  std::string command_text;
  /// The largest cost of running it, roughly.
  double cost = 0;
  /// Programs may also fail, at a place and for a reason that are the same in all modes.
  bool may_fail = false;
  /// The choices that made it: Choices::from_values of them makes it again.
  std::vector<uint32_t> choices;
  /// For a program with threads (gen/thread_gen.h): what it does.
  std::optional<ThreadProgram> threads;
};

GeneratedProgram generate_program(Choices& choices, const ProgramGenOptions& options = {});

/// Returns the program for the command line of such a module.
std::string with_footer(const std::string& module_text);

}  // namespace fble
