#include "frontends/fble/image/module_image.h"

#include "frontends/fble/image/image_verify.h"

namespace fble {
namespace {

void write_messages(TableWriter& writer, uint32_t phase, std::span<const Diagnostic> messages) {
  for (const Diagnostic& message : messages) {
    if (message.severity == Severity::kError) throw NoImage{};
    writer.tables.add(MessageRecord{phase, static_cast<uint32_t>(message.severity), writer.source_of(message.loc),
                                    message.loc.line, message.loc.column, writer.string(message.message)});
  }
}

Symbol file_name(uint32_t source, const SourceFiles& files) {
  if (source == 0) return {};
  return source == kHasHeader ? files.header : files.value;
}

}  // namespace

std::optional<ModuleTypes> write_module_types(const ModulePath& path, const Type* type, const ImageFiles& files,
                                              const NamedModules& others) try {
  ModuleTypes types{TableWriter(path, files)};
  types.writer.path(path);
  types.root = write_types(types.writer, type, others);
  return types;
} catch (const NoImage&) {
  return std::nullopt;
}

std::optional<std::string> write_module_image(const ModuleParts& module, ModuleTypes types) try {
  TableWriter& writer = types.writer;
  for (const ImageMention& item : module.mentions) {
    const Loc& loc = item.mention.loc;
    writer.tables.add(MentionRecord{writer.path(item.mention.path), writer.source_of(loc), loc.line, loc.column,
                                    writer.key(item.interface), item.is_used});
  }
  write_messages(writer, 0, module.load_messages);
  write_messages(writer, 1, module.check_messages);
  if (module.code != nullptr) write_code(writer, *module.code, module.value_file);
  writer.tables.add(ModuleRecord{writer.path(module.path), module.sources, writer.key(module.source_key),
                                 writer.key(module.interface), types.root,
                                 module.program ? writer.key(*module.program) : kNoRecord});
  return writer.tables.to_image();
} catch (const NoImage&) {
  return std::nullopt;
}

std::unique_ptr<const ModuleImage> ModuleImage::open(std::string_view bytes, std::string& problem) {
  std::unique_ptr<ModuleImage> image(new ModuleImage);
  problem = image->view_.open(bytes);
  if (!problem.empty()) return nullptr;
  if (image->view_.checksum() != image_checksum(bytes)) {
    problem = "the checksum is wrong";
    return nullptr;
  }
  problem = verify_image(image->view_);
  if (!problem.empty()) return nullptr;
  const ModuleRecord& module = image->view_.at<ModuleRecord>(0);
  image->source_key_ = image->view_.key(module.source_key);
  image->interface_ = image->view_.key(module.interface);
  return image;
}

bool ModuleImage::is_program_of(const Digest& type_module) const {
  const uint32_t program = view_.at<ModuleRecord>(0).program;
  return program != kNoRecord && view_.key(program) == type_module;
}

std::vector<ImageMention> ModuleImage::mentions(const SourceFiles& files) const {
  std::vector<ImageMention> mentions;
  for (const MentionRecord& record : view_.all<MentionRecord>()) {
    ModuleMention mention{read_path(view_, record.path),
                          Loc{file_name(record.source, files), record.line, record.column}};
    mentions.push_back({std::move(mention), view_.key(record.interface), record.is_used != 0});
  }
  return mentions;
}

void ModuleImage::repeat(uint32_t phase, const SourceFiles& files, Diagnostics& diagnostics) const {
  for (const MessageRecord& record : view_.all<MessageRecord>()) {
    if (record.phase != phase) continue;
    const Loc loc{file_name(record.source, files), record.line, record.column};
    std::string text(view_.string(record.text));
    if (record.severity == static_cast<uint32_t>(Severity::kWarning)) {
      diagnostics.warning(loc, std::move(text));
    } else {
      diagnostics.note(loc, std::move(text));
    }
  }
}

std::vector<std::string> ModuleImage::global_names() const {
  std::vector<std::string> names;
  for (const GlobalRecord& global : view_.all<GlobalRecord>()) names.emplace_back(view_.string(global.name));
  return names;
}

}  // namespace fble
