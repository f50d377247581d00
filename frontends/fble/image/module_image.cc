#include "frontends/fble/image/module_image.h"

#include "frontends/fble/image/image_verify.h"

namespace fble {
namespace {

void write_messages(TableWriter& writer, uint32_t phase, std::span<const Diagnostic> messages) {
  for (const Diagnostic& message : messages) {
    if (message.severity == Severity::kError) throw NoImage{};
    const uint32_t file = writer.file_of(message.loc);
    if (file > 1) throw NoImage{};
    writer.tables.add(MessageRecord{phase, static_cast<uint32_t>(message.severity), file, message.loc.line,
                                    message.loc.column, writer.string(message.message)});
  }
}

}  // namespace

std::optional<std::string> write_module_image(const ModuleParts& module, const ImageFiles& files,
                                              const AnchorFinder& find_anchor) try {
  ImageTables tables;
  TableWriter writer(tables, files);
  writer.file(module.path, true);
  writer.file(module.path, false);
  for (const ImageMention& item : module.mentions) {
    const Loc& loc = item.mention.loc;
    tables.add(MentionRecord{writer.path(item.mention.path), writer.file_of(loc), loc.line, loc.column,
                             writer.key(item.key), item.is_used});
  }
  write_messages(writer, 0, module.load_messages);
  write_messages(writer, 1, module.check_messages);
  const uint32_t type = write_types(writer, module.type, find_anchor);
  if (module.code != nullptr) write_code(writer, *module.code, module.value_file);
  tables.add(ModuleRecord{writer.path(module.path), module.sources, writer.key(module.source_key),
                          writer.key(module.key), type, module.program ? writer.key(*module.program) : kNoRecord});
  return tables.to_image();
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
  image->key_ = image->view_.key(module.key);
  return image;
}

bool ModuleImage::is_program_of(const Digest& type_module_key) const {
  const uint32_t program = view_.at<ModuleRecord>(0).program;
  return program != kNoRecord && view_.key(program) == type_module_key;
}

Symbol ModuleImage::file_name(uint32_t file, const SourceFiles& files) const {
  if (file == kNoRecord) return {};
  return view_.at<FileRecord>(file).is_header != 0 ? files.header : files.value;
}

std::vector<ImageMention> ModuleImage::mentions(const SourceFiles& files) const {
  std::vector<ImageMention> mentions;
  for (const MentionRecord& record : view_.all<MentionRecord>()) {
    ModuleMention mention{read_path(view_, record.path),
                          Loc{file_name(record.file, files), record.line, record.column}};
    mentions.push_back({std::move(mention), view_.key(record.key), record.is_used != 0});
  }
  return mentions;
}

void ModuleImage::repeat(uint32_t phase, const SourceFiles& files, Diagnostics& diagnostics) const {
  for (const MessageRecord& record : view_.all<MessageRecord>()) {
    if (record.phase != phase) continue;
    const Loc loc{file_name(record.file, files), record.line, record.column};
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
