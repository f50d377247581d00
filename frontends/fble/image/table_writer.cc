#include "frontends/fble/image/table_writer.h"

#include <cstring>

namespace fble {

uint32_t TableWriter::string(std::string_view text) {
  const auto [entry, is_new] = string_indices_.try_emplace(std::string(text), tables.count<StringRecord>());
  if (is_new) {
    tables.add(StringRecord{static_cast<uint32_t>(tables.bytes().size()), static_cast<uint32_t>(text.size())});
    if (text.size() > UINT32_MAX / 2 - tables.bytes().size()) throw NoImage{};
    tables.bytes() += text;
  }
  return entry->second;
}

uint32_t TableWriter::path(const ModulePath& path) {
  if (auto known = path_indices_.find(path); known != path_indices_.end()) return known->second;
  PathRecord record{tables.count<WordRecord>(), static_cast<uint32_t>(path.words.size())};
  for (const Symbol word : path.words) tables.add(WordRecord{string(word.str())});
  return path_indices_[path] = tables.add(record);
}

ModulePath TableWriter::path_at(uint32_t index) const {
  ModulePath path;
  const PathRecord& record = tables.all<PathRecord>()[index];
  for (const WordRecord& word : tables.all<WordRecord>().subspan(record.words, record.words_count)) {
    const StringRecord& text = tables.all<StringRecord>()[word.text];
    path.words.emplace_back(std::string_view(tables.bytes()).substr(text.offset, text.length));
  }
  return path;
}

uint32_t TableWriter::key(const Digest& key) {
  KeyRecord record;
  static_assert(sizeof record == sizeof key);
  std::memcpy(&record, &key, sizeof key);
  return tables.add(record);
}

uint32_t TableWriter::origin(const OriginRecord& origin) {
  if (origin.line >= UINT32_MAX / 2) throw NoImage{};
  const uint64_t key = (uint64_t{origin.line} * 2 + (origin.source == kHasHeader)) << 32 | origin.column;
  const auto [entry, is_new] = origin_indices_.try_emplace(key, tables.count<OriginRecord>());
  if (is_new) tables.add(origin);
  return entry->second;
}

const ImageFile* TableWriter::file_of(const Loc& loc) const {
  if (loc.file.empty_text()) return nullptr;
  auto found = files_->find(loc.file);
  if (found == files_->end()) throw NoImage{};
  return &found->second;
}

uint32_t TableWriter::source_of(const Loc& loc) const {
  const ImageFile* file = file_of(loc);
  if (file == nullptr) return 0;
  if (!(file->module == module_)) throw NoImage{};
  return file->source();
}

uint32_t TableWriter::kind(KindRef kind) {
  if (kind->is_error()) throw NoImage{};
  if (auto known = kind_indices_.find(kind); known != kind_indices_.end()) return known->second;
  if (kind->is_basic()) return kind_indices_[kind] = tables.add(KindRecord{0, 0});
  // A chain of results can be long.
  std::vector<KindRef> chain;
  for (KindRef next = kind; !next->is_basic() && !kind_indices_.contains(next); next = next->result)
    chain.push_back(next);
  for (size_t i = chain.size(); i-- > 0;) {
    const uint32_t arg = this->kind(chain[i]->arg);
    const uint32_t result = this->kind(chain[i]->result);
    kind_indices_[chain[i]] = tables.add(KindRecord{arg, result});
  }
  return kind_indices_.at(kind);
}

}  // namespace fble
