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

uint32_t TableWriter::key(const Digest& key) {
  KeyRecord record;
  static_assert(sizeof record == sizeof key);
  std::memcpy(&record, &key, sizeof key);
  return tables.add(record);
}

uint32_t TableWriter::file(const ModulePath& module, bool is_header) {
  const uint32_t path_index = path(module);
  const auto [entry, is_new] =
      file_indices_.try_emplace(uint64_t{path_index} * 2 + is_header, tables.count<FileRecord>());
  if (is_new) tables.add(FileRecord{path_index, is_header});
  return entry->second;
}

uint32_t TableWriter::file_of(const Loc& loc) {
  if (loc.file.empty_text()) return kNoRecord;
  auto found = files_.find(loc.file);
  if (found == files_.end()) throw NoImage{};
  return file(found->second.module, found->second.is_header);
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
