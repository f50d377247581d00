// Interfaces: what the modules of a program can see of each other, as digests.
//
// Checking a module asks nothing of the modules that it mentions but the types of their values, and lowering asks
// nothing but their names. So an image of a module is right while the interfaces of all modules that it mentions are as
// they were: what else has changed in their sources does not matter, and their own mentions need not be looked at.
// Skipping what is not affected this way is known as early cutoff ("Build systems à la carte", Mokhov and others).
//
// The interface of a module is the digest of the graph of its type, as an image has it (image/type_image.h), and of the
// interfaces of the modules that this graph refers to. The names in it count, since messages print them. Lines and
// columns do not: nodes have numbers of origins, and a number leads to the lines of the sources of this run.
//
// Tested by tests/unit/frontends/fble/module_interfaces_test.cc.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "frontends/fble/image/module_image.h"
#include "frontends/fble/program.h"

namespace fble {

class ModuleInterfaces {
 public:
  /// The program outlives this.
  explicit ModuleInterfaces(const Program& program) : program_(program) {}
  ModuleInterfaces(const ModuleInterfaces&) = delete;
  ModuleInterfaces& operator=(const ModuleInterfaces&) = delete;

  /// Returns whether the module has an image, and the modules that it mentions have the interfaces that the image was
  /// made with. They come before it.
  bool fits_image(const Module& module) const;

  /// Takes the interface of a module from its image.
  void take(const Module& module);
  /// Finds the interface of a module that was checked without errors. It gets none if no image can hold its type, and
  /// then there are no images of modules that mention it.
  void find(const Module& module, const Type* type);

  /// Lets the types of modules that depend on this one refer to the type of its value.
  void add_type(const Module& module, Type* type);

  /// Returns the interface of a module; null if it has none.
  const Digest* of(const Module& module) const;
  /// Returns the types of a module whose interface was found, as its image has them; null otherwise.
  const ModuleTypes* types_of(const Module& module) const;
  /// Returns the origins of a module that has an interface; none for another one.
  std::span<const Loc> origins_of(const ModulePath& path);

 private:
  struct LocHash {
    size_t operator()(const Loc& loc) const {
      return std::hash<Symbol>()(loc.file) ^ (uint64_t{loc.line} << 32 | loc.column) * 0x9E3779B97F4A7C15u;
    }
  };
  struct Interface {
    const Module* module = nullptr;
    Digest digest;
    std::optional<ModuleTypes> types;  ///< nothing if the module has an image
    // Made when they are needed.
    std::optional<std::vector<Loc>> origins;
    std::unordered_map<Loc, uint32_t, LocHash> numbers;  ///< of the origins
  };

  /// Returns the sources of all modules.
  const ImageFiles& files();
  std::optional<Digest> digest_of(const ModuleTypes& types) const;
  std::span<const Loc> origins_of(Interface& interface);
  std::optional<uint32_t> number_of(const ModulePath& path, const Loc& loc);

  const Program& program_;
  ImageFiles files_;  ///< made when they are needed
  std::unordered_map<ModulePath, Interface, ModulePathHash> interfaces_;
  std::unordered_map<const Type*, std::vector<std::pair<const Module*, TypeAnchor>>> anchors_;
};

}  // namespace fble
