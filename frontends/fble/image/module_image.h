// The image of one module: making it from a module that was checked and lowered, and using it instead of the sources.
//
// What a run does with the sources of a module, it does the same with an image of them: the module's mentions lead to
// other modules, the messages are repeated, its type is there for modules that mention it, and its code is run. The
// files are those of the run, wherever the sources were when the image was made.
//
// Tested by tests/unit/frontends/fble/program_images_test.cc.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/fble/diagnostics.h"
#include "frontends/fble/image/code_image.h"
#include "frontends/fble/image/module_key.h"
#include "frontends/fble/image/type_image.h"
#include "frontends/fble/parser.h"

namespace fble {

/// A module that another one mentions.
struct ImageMention {
  ModuleMention mention;
  Digest interface;
  bool is_used = false;  ///< its value may be needed
};

/// All that an image of a module has.
struct ModuleParts {
  ModulePath path;
  uint32_t sources = 0;  ///< kHasHeader, kHasValue
  Digest source_key;
  Digest interface;
  std::vector<ImageMention> mentions;
  std::span<const Diagnostic> load_messages;   ///< warnings from reading the sources
  std::span<const Diagnostic> check_messages;  ///< warnings from checking them
  const LoweredModule* code = nullptr;         ///< null for a module without a value
  std::optional<Digest> program;  ///< interface of the module whose type of programs the value has, if it is known to
  Symbol value_file;
};

/// The types of a module, in the tables that its image will have.
struct ModuleTypes {
  TableWriter writer;
  uint32_t root = 0;  ///< the type of the module's value
};

/// Adds the types of a module to its empty tables. Returns nothing if no image can hold them.
std::optional<ModuleTypes> write_module_types(const ModulePath& path, const Type* type, const ImageFiles& files,
                                              const NamedModules& others);

/// Makes the image of a module. Returns nothing if no image can hold it.
std::optional<std::string> write_module_image(const ModuleParts& module, ModuleTypes types);

class ModuleImage {
 public:
  /// Opens an image and verifies it, but for its functions (code). The bytes begin at a multiple of four, and outlive
  /// the result. Returns null and sets `problem` if it cannot be used.
  static std::unique_ptr<const ModuleImage> open(std::string_view bytes, std::string& problem);

  const Digest& source_key() const { return source_key_; }
  const Digest& interface() const { return interface_; }
  /// Returns whether the value is known to be a program by the module with that interface (ModuleParts::program).
  bool is_program_of(const Digest& type_module) const;
  bool has_value() const { return (view_.at<ModuleRecord>(0).sources & kHasValue) != 0; }
  ModulePath path() const { return read_path(view_, view_.at<ModuleRecord>(0).path); }

  std::vector<ImageMention> mentions(const SourceFiles& files) const;

  bool has_messages() const { return !view_.all<MessageRecord>().empty(); }
  /// Repeats the warnings from reading the sources, or from checking them.
  void repeat_load_messages(const SourceFiles& files, Diagnostics& diagnostics) const { repeat(0, files, diagnostics); }
  void repeat_check_messages(const SourceFiles& files, Diagnostics& diagnostics) const {
    repeat(1, files, diagnostics);
  }

  /// See read_types.
  Type* type(const TypeSurroundings& surroundings) const { return read_types(view_, surroundings); }

  /// The names of the module's globals, its value first.
  std::vector<std::string> global_names() const;
  /// See read_code. `globals` has those of the module, then those of the modules that it uses.
  Code* code(std::span<const uint32_t> globals, Symbol value_file, ProgramCode& program, std::string& problem) const {
    return read_code(view_, globals, value_file, program, problem);
  }

  const ImageView& view() const { return view_; }

 private:
  ModuleImage() = default;
  void repeat(uint32_t phase, const SourceFiles& files, Diagnostics& diagnostics) const;

  ImageView view_;
  Digest source_key_;
  Digest interface_;
};

}  // namespace fble
