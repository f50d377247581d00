#include "frontends/fble/program_bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "frontends/fble/image/bundle.h"
#include "frontends/fble/image/module_image.h"
#include "frontends/fble/lower.h"
#include "frontends/fble/types.h"

namespace fble {
namespace {

/// A module of a bundle with its image open.
struct OpenModule {
  std::unique_ptr<const ModuleImage> image;
  CoreProgramModule module;
};

/// Opens the image and finds the modules that it uses among those before it, `known`. Returns why that fails; empty if
/// all is well.
std::string open_module(const BundledModule& bundled, const std::unordered_set<ModulePath, ModulePathHash>& known,
                        OpenModule& open) {
  std::string problem;
  open.image = ModuleImage::open(bundled.image, problem);
  if (open.image == nullptr) return problem;
  if (!open.image->has_value()) return "it has no value";
  open.module.path = open.image->path();
  open.module.image = open.image.get();
  open.module.loc = Loc{Symbol(bundled.file), 1, 0};
  if (known.contains(open.module.path)) return fmt::format("{} is there twice", open.module.path.str());
  for (ImageMention& item : open.image->mentions({})) {
    if (!item.is_used) continue;
    if (!known.contains(item.mention.path)) return fmt::format("{} is missing", item.mention.path.str());
    open.module.deps.push_back(std::move(item.mention.path));
  }
  return "";
}

}  // namespace

std::optional<std::string> make_bundle(const Program& program, const CheckedProgram& checked, const ProgramCode& code) {
  std::unordered_map<ModulePath, Symbol, ModulePathHash> files;
  for (const Module* module : program.modules) files.emplace(module->path, module->files.value);
  TypeContext types;
  const Type* no_type = types.data_type(Loc{}, true, {});
  const NamedModules no_others{.find_anchor = [](const Type*) -> const TypeAnchor* { return nullptr; },
                               .find_origin = [](const ModulePath&, const Loc&) { return std::nullopt; }};

  std::unordered_map<ModulePath, uint32_t, ModulePathHash> values;
  std::vector<LoweredModule> lowered = split_into_modules(code);
  std::vector<std::string> images;
  std::vector<BundledModule> bundled;
  for (size_t i = 0; i < lowered.size(); ++i) {
    const CoreProgramModule& core = checked.modules[i];
    const Symbol file = files.at(core.path);
    ModuleParts parts{.path = core.path, .sources = kHasValue, .code = &lowered[i], .value_file = file};
    for (const ModulePath& dep : core.deps) {
      parts.mentions.push_back({.mention = {dep, Loc{file, 1, 0}}, .interface = {}, .is_used = true});
      lowered[i].used_values.emplace(values.at(dep), static_cast<uint32_t>(lowered[i].used_values.size()));
    }
    values.emplace(core.path, code.modules[i].global);
    const ImageFiles file_of_module{{file, ImageFile{core.path, false}}};
    std::optional<ModuleTypes> no_types = write_module_types(core.path, no_type, file_of_module, no_others);
    std::optional<std::string> image = write_module_image(parts, *std::move(no_types));
    if (!image) return std::nullopt;
    images.push_back(*std::move(image));
    bundled.push_back({file.str(), {}});
  }
  for (size_t i = 0; i < images.size(); ++i) bundled[i].image = images[i];
  return write_bundle(bundled);
}

std::unique_ptr<ProgramCode> link_bundle(std::string_view bundle, std::string& problem) {
  const std::optional<std::vector<BundledModule>> bundled = read_bundle(bundle, problem);
  if (!bundled) return nullptr;
  std::unordered_set<ModulePath, ModulePathHash> known;
  std::vector<std::unique_ptr<const ModuleImage>> images;
  std::vector<CoreProgramModule> modules;
  for (size_t i = 0; i < bundled->size(); ++i) {
    OpenModule open;
    const std::string reason = open_module((*bundled)[i], known, open);
    if (!reason.empty()) {
      problem = fmt::format("module {} of {}: {}", i + 1, bundled->size(), reason);
      return nullptr;
    }
    known.insert(open.module.path);
    images.push_back(std::move(open.image));
    modules.push_back(std::move(open.module));
  }
  BadImage bad;
  std::unique_ptr<ProgramCode> code = lower_program(modules, bad);
  if (code == nullptr) {
    const auto at = std::ranges::find(modules, bad.image, &CoreProgramModule::image);
    problem = fmt::format("module {} of {}: {}", at - modules.begin() + 1, modules.size(), bad.problem);
  }
  return code;
}

}  // namespace fble
