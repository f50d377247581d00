// Bytecode in the image of a module.
//
// The module's functions are in the order in which lowering made them, its body first. They name globals by numbers of
// the image: first those of the module itself (the first is its value), then the values of the modules that it uses, in
// order of their mention. Deopt points are numbered from 0. The reader puts in the numbers that the program has.
//
// Functions are verified when they are read: what is made from them for the check is what the program runs, and a
// module that is needed for its type only has none.
//
// Tested by tests/unit/frontends/fble/image/image_verify_test.cc and tests/unit/frontends/fble/program_images_test.cc.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "frontends/fble/image/table_writer.h"
#include "interp/code.h"

namespace fble {

/// A module of a lowered program: the parts of the program that belong to it.
struct LoweredModule {
  std::vector<const Code*> codes;                      ///< the module's body first
  std::span<const std::string> global_names;           ///< of its own globals, its value first
  uint32_t first_global = 0;                           ///< the number of its value
  uint32_t first_deopt_point = 0;                      ///< likewise for deopt points
  std::span<const DeoptPoint> deopt_points;            ///< its own
  std::unordered_map<uint32_t, uint32_t> used_values;  ///< globals of other modules: their order among those it uses
};

/// Returns the parts of a lowered program that are its modules, in their order. Which values of others they use is left
/// empty.
std::vector<LoweredModule> split_into_modules(const ProgramCode& program);

/// Adds the functions of a module and all that they have. `value_file`: the name of its source.
void write_code(TableWriter& writer, const LoweredModule& module, Symbol value_file);

/// Returns the first problem of what an image has beside the words of its functions; empty if there is none. Requires
/// that all references are within their tables.
std::string verify_code_tables(const ImageView& image);

/// Adds the functions of a module to a program, finished and verified. Returns its body; null if the functions are not
/// what lowering makes, and sets `problem`. The program is of no use then. `globals` has the program's number for each
/// global of the image, and `value_file` is the name that the module's source has in this run. Requires that the image
/// is verified (image_verify.h) and has a value.
Code* read_code(const ImageView& image, std::span<const uint32_t> globals, Symbol value_file, ProgramCode& program,
                std::string& problem);

/// Returns the number of modules whose values the image's module uses.
uint32_t used_module_count(const ImageView& image);

}  // namespace fble
