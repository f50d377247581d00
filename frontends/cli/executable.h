// Executables that hold a program: the command itself with a bundle (frontends/fble/image/bundle.h) behind its end.
//
//   +-----------------------------------+---------------------+--------+
//   | the file of fble-jit; its data    | zeros, up to a      | bundle |
//   | say where the bundle is           | multiple of eight   |        |
//   +-----------------------------------+---------------------+--------+
//
// The command finds in its own data whether it holds a program, so starting without one costs nothing.
//
// Tested by tests/unit/frontends/cli/build_test.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "frontends/fble/image/image_file.h"

namespace fble {

/// Returns whether this process runs an executable that holds a program.
bool holds_program();

/// A bundle in the file that has it.
struct HeldBundle {
  std::unique_ptr<MappedFile> file;
  std::string_view bytes;  ///< begins at a multiple of eight
};

/// Finds the program that this process's executable holds. Returns nothing and sets `problem` if the file cannot be
/// read or has no longer all that it had. Requires that there is one.
std::optional<HeldBundle> held_bundle(std::string& problem);

/// Returns the file of an executable that holds the bundle: this process's own, with the bundle. Returns nothing and
/// sets `problem` if the file cannot be read. Requires that it holds no program.
std::optional<std::string> executable_with(std::string_view bundle, std::string& problem);

}  // namespace fble
