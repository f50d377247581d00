#include "frontends/fble/module_interfaces.h"

#include <algorithm>

#include "frontends/fble/image/type_anchors.h"

namespace fble {
namespace {

/// Returns all modules that the module depends on.
std::unordered_set<const Module*> dependencies(const Module& module) {
  std::unordered_set<const Module*> all;
  std::vector<const Module*> pending(module.deps.begin(), module.deps.end());
  while (!pending.empty()) {
    const Module* next = pending.back();
    pending.pop_back();
    if (all.insert(next).second) pending.insert(pending.end(), next->deps.begin(), next->deps.end());
  }
  return all;
}

}  // namespace

const ImageFiles& ModuleInterfaces::files() {
  if (!files_.empty()) return files_;
  std::unordered_set<Symbol> shared;
  const auto add = [&](Symbol name, const Module& module, bool is_header) {
    if (name.empty_text()) return;
    if (!files_.emplace(name, ImageFile{module.path, is_header}).second) shared.insert(name);
  };
  for (const Module* module : program_.modules) {
    add(module->files.header, *module, true);
    add(module->files.value, *module, false);
  }
  for (const Symbol name : shared) files_.erase(name);
  return files_;
}

bool ModuleInterfaces::fits_image(const Module& module) const {
  if (module.image == nullptr) return false;
  const std::span<const MentionRecord> mentions = module.image->view().all<MentionRecord>();
  for (size_t i = 0; i < mentions.size(); ++i) {
    const Digest* interface = of(*module.deps[i]);
    if (interface == nullptr || *interface != module.image->view().key(mentions[i].interface)) return false;
  }
  return true;
}

void ModuleInterfaces::take(const Module& module) {
  Interface& interface = interfaces_[module.path];
  interface.module = &module;
  interface.digest = module.image->interface();
}

void ModuleInterfaces::find(const Module& module, const Type* type) {
  const std::unordered_set<const Module*> deps = dependencies(module);
  const NamedModules others{
      .find_anchor = [&](const Type* node) -> const TypeAnchor* {
        auto found = anchors_.find(node);
        if (found == anchors_.end()) return nullptr;
        for (const auto& [owner, anchor] : found->second) {
          if (deps.contains(owner)) return &anchor;
        }
        return nullptr;
      },
      .find_origin = [&](const ModulePath& path, const Loc& loc) { return number_of(path, loc); },
  };
  std::optional<ModuleTypes> types = write_module_types(module.path, type, files(), others);
  if (!types) return;
  const std::optional<Digest> digest = digest_of(*types);
  if (!digest) return;
  Interface& interface = interfaces_[module.path];
  interface.module = &module;
  interface.digest = *digest;
  interface.types = std::move(types);
}

std::optional<Digest> ModuleInterfaces::digest_of(const ModuleTypes& types) const {
  const ImageTables& tables = types.writer.tables;
  Digester digester;
  for (const Section section : {Section::kString, Section::kWord, Section::kPath, Section::kKind, Section::kAnchor,
                                Section::kType, Section::kField}) {
    const std::vector<uint32_t>& words = tables.words_of(section);
    digester.add({reinterpret_cast<const char*>(words.data()), words.size() * sizeof(uint32_t)});
  }
  digester.add(tables.bytes());
  digester.add({reinterpret_cast<const char*>(&types.root), sizeof types.root});

  // The modules that nodes refer to, each once. The first path is that of the module itself.
  std::unordered_set<uint32_t> named{0};
  const auto add_module = [&](uint32_t path) {
    if (!named.insert(path).second) return true;
    const auto found = interfaces_.find(types.writer.path_at(path));
    if (found != interfaces_.end()) digester.add(found->second.digest);
    return found != interfaces_.end();
  };
  const auto is_known = [&](const TypeRecord& type) { return type.module == kNoRecord || add_module(type.module); };
  if (!std::ranges::all_of(tables.all<TypeRecord>(), is_known)) return std::nullopt;
  if (!std::ranges::all_of(tables.all<AnchorRecord>(), add_module, &AnchorRecord::module)) return std::nullopt;
  return digester.finish();
}

void ModuleInterfaces::add_type(const Module& module, Type* type) {
  for_each_anchor(
      type, [&](const Type* anchor, uint32_t place) { anchors_[anchor].push_back({&module, {module.path, place}}); });
}

const Digest* ModuleInterfaces::of(const Module& module) const {
  const auto found = interfaces_.find(module.path);
  return found == interfaces_.end() ? nullptr : &found->second.digest;
}

const ModuleTypes* ModuleInterfaces::types_of(const Module& module) const {
  const auto found = interfaces_.find(module.path);
  return found == interfaces_.end() || !found->second.types ? nullptr : &*found->second.types;
}

std::span<const Loc> ModuleInterfaces::origins_of(const ModulePath& path) {
  const auto found = interfaces_.find(path);
  return found == interfaces_.end() ? std::span<const Loc>() : origins_of(found->second);
}

std::span<const Loc> ModuleInterfaces::origins_of(Interface& interface) {
  if (!interface.origins) {
    const SourceFiles& files = interface.module->files;
    const std::span<const OriginRecord> records = interface.types ? interface.types->writer.tables.all<OriginRecord>()
                                                                  : interface.module->image->view().all<OriginRecord>();
    interface.origins.emplace();
    for (const OriginRecord& record : records) {
      const Symbol file = record.source == kHasHeader ? files.header : files.value;
      interface.origins->push_back({file, record.line, record.column});
    }
  }
  return *interface.origins;
}

std::optional<uint32_t> ModuleInterfaces::number_of(const ModulePath& path, const Loc& loc) {
  const auto found = interfaces_.find(path);
  if (found == interfaces_.end()) return std::nullopt;
  Interface& interface = found->second;
  const std::span<const Loc> origins = origins_of(interface);
  if (interface.numbers.empty()) {
    for (uint32_t i = 0; i < origins.size(); ++i) interface.numbers.emplace(origins[i], i);
  }
  const auto number = interface.numbers.find(loc);
  if (number == interface.numbers.end()) return std::nullopt;
  return number->second;
}

}  // namespace fble
