#include "frontends/fble/program_images.h"

#include <algorithm>
#include <unordered_map>

#include "frontends/fble/image/module_image.h"
#include "frontends/fble/module_interfaces.h"

namespace fble {
namespace {

class ImageMaker {
 public:
  ImageMaker(const Program& program, const CheckedProgram& checked, const ProgramCode& code,
             const Diagnostics& diagnostics, const ProgramMark* mark)
      : program_(program),
        checked_(checked),
        code_(code),
        messages_(diagnostics.messages()),
        mark_(mark),
        lowered_(split_into_modules(code)) {
    for (size_t i = 0; i < lowered_.size(); ++i) by_path_.emplace(code.modules[i].path, i);
    for (const CoreProgramModule& module : checked.modules) cores_.emplace(module.path, &module);
  }

  std::map<Digest, std::string> make() {
    std::map<Digest, std::string> images;
    for (size_t i = 0; i < program_.modules.size(); ++i) {
      const Module& module = *program_.modules[i];
      if (module.image != nullptr || !module.source_key) continue;
      std::optional<std::string> image = make_one(module, checked_.messages[i]);
      if (image) images.emplace(*module.source_key, *std::move(image));
    }
    return images;
  }

 private:
  std::span<const Diagnostic> range(const MessageRange& range) const {
    return std::span(messages_).subspan(range.first, range.end - range.first);
  }

  std::optional<std::string> make_one(const Module& module, const MessageRange& check_messages) {
    const ModuleTypes* types = checked_.interfaces->types_of(module);
    if (types == nullptr) return std::nullopt;
    ModuleParts parts{.path = module.path,
                      .source_key = *module.source_key,
                      .interface = *checked_.interfaces->of(module),
                      .load_messages = range(module.load_messages),
                      .check_messages = range(check_messages),
                      .value_file = module.files.value};
    if (mark_ != nullptr && mark_->module == &module) parts.program = mark_->type_module;
    if (module.type != nullptr) parts.sources |= kHasHeader;
    if (module.value != nullptr) parts.sources |= kHasValue;
    LoweredModule* lowered = nullptr;
    if (module.value != nullptr) {
      auto found = by_path_.find(module.path.str());
      if (found == by_path_.end()) return std::nullopt;  // it was needed for its type only
      lowered = &lowered_[found->second];
      parts.code = lowered;
    }
    const std::vector<ModulePath>* used = lowered == nullptr ? nullptr : &cores_.at(module.path)->deps;
    for (size_t i = 0; i < module.deps.size(); ++i) {
      const ModulePath& path = module.deps[i]->path;
      const bool is_used = used != nullptr && std::ranges::find(*used, path) != used->end();
      const Digest* interface = checked_.interfaces->of(*module.deps[i]);
      if (interface == nullptr) return std::nullopt;
      parts.mentions.push_back({module.mentions[i], *interface, is_used});
      if (!is_used) continue;
      lowered->used_values.emplace(code_.modules[by_path_.at(path.str())].global,
                                   static_cast<uint32_t>(lowered->used_values.size()));
    }
    return write_module_image(parts, *types);
  }

  const Program& program_;
  const CheckedProgram& checked_;
  const ProgramCode& code_;
  const std::vector<Diagnostic>& messages_;
  const ProgramMark* mark_;
  std::vector<LoweredModule> lowered_;  ///< for each of the code's modules
  std::unordered_map<std::string, size_t> by_path_;
  std::unordered_map<ModulePath, const CoreProgramModule*, ModulePathHash> cores_;
};

}  // namespace

std::map<Digest, std::string> make_images(const Program& program, const CheckedProgram& checked,
                                          const ProgramCode& code, const Diagnostics& diagnostics,
                                          const ProgramMark* mark) {
  if (!diagnostics.is_complete() || checked.messages.size() != program.modules.size()) return {};
  // Modules of which only the header was read have globals among those of others.
  const auto has_value = [](const Module* module) {
    return module->image != nullptr ? module->image->has_value() : module->value != nullptr;
  };
  if (!std::ranges::all_of(program.modules, has_value)) return {};
  return ImageMaker(program, checked, code, diagnostics, mark).make();
}

}  // namespace fble
