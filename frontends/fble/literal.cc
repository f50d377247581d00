// Tested by tests/unit/frontends/typecheck_test.cc.
#include "frontends/fble/literal.h"

#include <algorithm>
#include <limits>

#include "frontends/fble/big_stack.h"

namespace fble {

LetterTable::LetterTable(TypeContext& types, DataType* letter_type) {
  std::vector<TagStep> path;
  std::vector<DataType*> visited;
  collect(types, letter_type, path, visited);
  for (uint32_t i = 0; i < letters_.size(); ++i) {
    std::vector<uint32_t>& bucket = by_first_byte_[static_cast<unsigned char>(letters_[i].name[0])];
    // A letter that starts with an earlier one can never be reached.
    bool reachable = std::none_of(bucket.begin(), bucket.end(),
                                  [&](uint32_t other) { return letters_[i].name.starts_with(letters_[other].name); });
    if (reachable) bucket.push_back(i);
  }
}

void LetterTable::collect(TypeContext& types, DataType* data, std::vector<TagStep>& path,
                          std::vector<DataType*>& visited) {
  if (stack_nearly_exhausted()) throw TypeTooDeep{};
  if (std::find(visited.begin(), visited.end(), data) != visited.end()) return;
  visited.push_back(data);
  for (uint32_t tag = 0; tag < data->field_count; ++tag) {
    const TypeField& field = data->fields[tag];
    path.push_back({tag, data->field_count});
    if (types.is_unit(field.type)) {
      if (!field.name.empty_text()) letters_.push_back({field.name.str(), path});
    } else if (DataType* inner = types.as_union(field.type)) {
      collect(types, inner, path, visited);
    }
    path.pop_back();
  }
}

size_t LetterTable::parse(std::string_view word, CoreLiteral& literal) const {
  constexpr uint32_t kUnused = std::numeric_limits<uint32_t>::max();
  std::vector<uint32_t> index(letters_.size(), kUnused);  // into the literal's alphabet
  size_t offset = 0;
  while (offset < word.size()) {
    std::string_view rest = word.substr(offset);
    const Letter* found = nullptr;
    for (uint32_t i : by_first_byte_[static_cast<unsigned char>(rest[0])]) {
      if (!rest.starts_with(letters_[i].name)) continue;
      found = &letters_[i];
      if (index[i] == kUnused) {
        index[i] = static_cast<uint32_t>(literal.alphabet.size());
        literal.alphabet.push_back(found->path);
      }
      literal.letters.push_back(index[i]);
      break;
    }
    if (!found) break;
    offset += found->name.size();
  }
  return offset;
}

}  // namespace fble
