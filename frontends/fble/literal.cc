// Tested by tests/unit/frontends/fble/typecheck_test.cc.
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
      if (!field.name.empty_text()) letters_.push_back({field.name.str(), TagPath(path)});
    } else if (DataType* inner = types.as_union(field.type)) {
      collect(types, inner, path, visited);
    } else if (types.is_error(field.type)) {
      all_known_ = false;
    }
    path.pop_back();
  }
}

const LetterTable::Letter* LetterTable::next(std::string_view rest) const {
  for (uint32_t i : by_first_byte_[static_cast<unsigned char>(rest[0])]) {
    if (rest.starts_with(letters_[i].name)) return &letters_[i];
  }
  return nullptr;
}

size_t LetterTable::parse(std::string_view word, CoreLiteral& literal) const {
  // Counts first: a long word should not take more memory than its letters need.
  size_t count = 0;
  size_t offset = 0;
  for (; offset < word.size(); ++count) {
    const Letter* letter = next(word.substr(offset));
    if (!letter) return offset;
    offset += letter->name.size();
  }

  constexpr uint32_t kUnused = std::numeric_limits<uint32_t>::max();
  std::vector<uint32_t> index(letters_.size(), kUnused);  // into the literal's alphabet
  literal.letters.reserve(count);
  literal.alphabet.reserve(std::min(count, letters_.size()));
  for (offset = 0; offset < word.size();) {
    const Letter* letter = next(word.substr(offset));
    uint32_t& i = index[static_cast<size_t>(letter - letters_.data())];
    if (i == kUnused) {
      i = static_cast<uint32_t>(literal.alphabet.size());
      literal.alphabet.push_back(letter->path);
    }
    literal.letters.push_back(i);
    offset += letter->name.size();
  }
  return offset;
}

}  // namespace fble
