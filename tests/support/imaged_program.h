// Programs that are loaded with and without images.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "frontends/fble/big_stack.h"
#include "frontends/fble/image/image_store.h"
#include "frontends/fble/loader.h"
#include "frontends/fble/lower.h"
#include "frontends/fble/program_images.h"
#include "frontends/fble/typecheck.h"
#include "frontends/fble/types.h"
#include "interp/bytecode_text.h"

namespace fble {

/// Returns the places of all nodes of a type, each once: messages print them. Where types are shared does not count.
inline std::string places_of_types(const Type* root) {
  std::set<std::string> places;
  std::unordered_set<const Type*> seen;
  std::vector<const Type*> pending{root};
  while (!pending.empty()) {
    const Type* type = pending.back();
    pending.pop_back();
    if (type == nullptr || !seen.insert(type).second) continue;
    places.insert(fmt::format("{} {}:{}:{}\n", static_cast<int>(type->kind), type->loc.file.str(), type->loc.line,
                              type->loc.column));
    switch (type->kind) {
      case TypeKind::kStruct:
      case TypeKind::kUnion:
        for (const TypeField& field : static_cast<const DataType*>(type)->all_fields()) pending.push_back(field.type);
        break;
      case TypeKind::kFunc:
        pending.push_back(static_cast<const FuncType*>(type)->arg);
        pending.push_back(static_cast<const FuncType*>(type)->result);
        break;
      case TypeKind::kPoly:
        pending.push_back(static_cast<const PolyType*>(type)->param);
        pending.push_back(static_cast<const PolyType*>(type)->body);
        break;
      case TypeKind::kApply:
        pending.push_back(static_cast<const ApplyType*>(type)->poly);
        pending.push_back(static_cast<const ApplyType*>(type)->arg);
        break;
      case TypeKind::kPrivate: pending.push_back(static_cast<const PrivateType*>(type)->inner); break;
      case TypeKind::kVar: pending.push_back(static_cast<const VarType*>(type)->value); break;
      case TypeKind::kTypeOf: pending.push_back(static_cast<const TypeOfType*>(type)->type); break;
      case TypeKind::kPackage:
      case TypeKind::kParam:
      case TypeKind::kError: break;
    }
  }
  std::string text;
  for (const std::string& place : places) text += place;
  return text;
}

/// A program as far as the front end gets.
struct LoadedProgram {
  Diagnostics diagnostics;
  std::vector<std::string> files;
  std::unique_ptr<Program> program;
  std::unique_ptr<CheckedProgram> checked;  ///< null after an error
  std::unique_ptr<ProgramCode> code;        ///< null after an error

  /// Returns all that a user can see of it: messages, files, types, bytecode.
  std::string text() const {
    std::string text = diagnostics.render();
    for (const std::string& file : files) text += file + "\n";
    if (code == nullptr) return text;
    for (const Module* module : program->modules) {
      text +=
          module_type_text(*checked, module->path) + "\n" + places_of_types(checked->types->module_type(module->path));
    }
    return text + print_bytecode(*code);
  }
  size_t imaged_count() const {
    return static_cast<size_t>(
        std::ranges::count_if(program->modules, [](const Module* module) { return module->image != nullptr; }));
  }
  std::map<Digest, std::string> images() const { return make_images(*program, *checked, *code, diagnostics); }
};

/// Loads, checks and lowers a module, which is the first of `mains`, and the other ones. `images` may be null.
inline std::unique_ptr<LoadedProgram> load_with_images(const std::vector<ModulePath>& mains,
                                                       const std::vector<std::string>& roots, ImageStore* images,
                                                       LoadFor purpose = LoadFor::kExecution) {
  auto loaded = std::make_unique<LoadedProgram>();
  const LoadOptions options{
      .roots = roots, .purpose = purpose, .types_of = mains, .keep_failed = true, .images = images};
  run_on_big_stack([&] {
    loaded->program = load_program(mains.front(), options, loaded->diagnostics, &loaded->files);
    loaded->checked = typecheck(*loaded->program, loaded->diagnostics);
    if (loaded->checked != nullptr) loaded->code = lower_program(*loaded->checked);
  });
  return loaded;
}

inline ModulePath module_path(std::string_view text) {
  Diagnostics diagnostics;
  return parse_module_path(text, diagnostics).value();
}

/// A folder of modules that is removed in the end.
class ModuleFolder {
 public:
  ModuleFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fble-image-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~ModuleFolder() { std::filesystem::remove_all(root_); }
  ModuleFolder(const ModuleFolder&) = delete;
  ModuleFolder& operator=(const ModuleFolder&) = delete;

  void write(const std::string& name, std::string_view text) const {
    const std::filesystem::path file = std::filesystem::path(root_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

/// Writes modules that have everything an image can hold. /Main% depends on all of them but /Header%.
inline void write_rich_modules(const ModuleFolder& folder) {
  folder.write("Unit.fble", R"(Unit@ = *(); Unit@ Unit = Unit@(); @(Unit@, Unit);
)");
  folder.write("Bool.fble", R"(Unit@, Unit .= /Unit%; Bool@ = +(Unit@ true, Unit@ false);
Bool@ True = Bool@(true: Unit); Bool@ False = Bool@(false: Unit); @(Bool@, True, False);
)");
  folder.write("List.fble", R"(Unit@, Unit .= /Unit%;
List@ = <@ T@> { L@ = +(*(T@ head, L@ tail) items, Unit@ empty); L@; };
<@ A@>(A@) { List@<A@>; } One = <@ A@>(A@ x) { List@<A@>(items: @(head: x, tail: List@<A@>(empty: Unit))); };
<@ A@>(List@<A@>) { List@<A@>; } List = <@ A@>(List@<A@> x) { x; };
@(List@, One, List);
)");
  folder.write("Pack/Secret.fble", R"(Bool@ .= /Bool%;
Secret@ = Bool@.%(@/Pack%);
(Bool@) { Secret@; } Hide = (Bool@ b) { b.%(@/Pack%); };
Box@ = <@ A@> { *(A@ it).%(@/Pack%); };
@(Secret@, Hide, Box@);
)");
  folder.write("Header.fble.@", R"(/Bool%.Bool@ a;
(/Bool%.Bool@) { /Bool%.Bool@; } f;
@(a, f);
)");
  folder.write("Header.fble", R"(Bool@, True .= /Bool%; unused = /Unit%;
(Bool@) { Bool@; } f = (Bool@ b) { b; };
a = True;
@(a, f);
)");
  folder.write("Main.fble", R"(Unit@, Unit .= /Unit%; Bool@, True, False .= /Bool%; List@, One, List .= /List%;
Secret@, Hide, Box@ .= /Pack/Secret%; Letter@ = +(Unit@ a, Unit@ b, Bool@ c);
Tree@ = *(Bool@ value, List@<Tree@> children), Forest@ = List@<Tree@>;
Tree@ Leaf = Tree@(True, List@<Tree@>(empty: Unit));
(Bool@) { Bool@; } Not = (Bool@ b) { b.?(true: False, false: True); };
(Bool@, Bool@) { Bool@; } Loop = (Bool@ a, Bool@ b) {
  # deopt-here! after=3 gc
  (Bool@) { Bool@; } g = (Bool@ c) { c.?(true: h(b), false: a); },
  (Bool@) { Bool@; } h = (Bool@ c) { g(c); };
  spare = Not(a);
  g(Not(a));
};
(Bool@) { Bool@; } Native;
Of@ = <<@>@ M@> { *(M@<Bool@> it); };
Forest@ forest = List<Tree@>[Leaf, Leaf];
(List@<Letter@>) { List@<Letter@>; } Letters = List<Letter@>;
List@<Letter@> word = Letters|'abatrue';
@(Secret@, Tree@, Forest@, Box@, Of@, Leaf, Not, Loop, forest, One, Hide, word, Native);
)");
}

}  // namespace fble
