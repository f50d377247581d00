#include "deopt/same_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace fble {

namespace {

/// Returns whether the value is the packed word, or a cell that would be this word: a union of two fields, each of
/// which is a packed word or such a cell. How many tags the union has is not known here.
bool is_as_packed(Word value, Word word) {
  if (value == word) return true;
  if (!is_pointer(value) || value == 0) return false;
  const Object& cell = *as_object(value);
  if (cell.kind() != ObjectKind::kStruct || cell.count() != 2) return false;
  constexpr unsigned kMostTagBits = std::bit_width(Object::kMaxTag);
  for (unsigned width = 1; width <= kMostTagBits && width + kOffsetBits <= packed_bits(word); ++width) {
    const Word fields = packed_arg(word, width);
    if (packed_tag(word, width) != cell.tag() || (fields >> 1 & 63) > packed_bits(fields) - kOffsetBits) continue;
    if (is_as_packed(cell.fields[0], packed_field(fields, 0, 2)) &&
        is_as_packed(cell.fields[1], packed_field(fields, 1, 2))) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool SameValue::operator()(Word left, Word right) {
  pairs_.assign(1, {left, right, 0, 0});
  for (difference_ = 0; difference_ < pairs_.size(); ++difference_) {
    const Pair pair = pairs_[difference_];
    if (pair.left == pair.right || seen_.contains({pair.left, pair.right})) continue;
    if (is_packed(pair.left) && is_as_packed(pair.right, pair.left)) continue;
    if (is_packed(pair.right) && is_as_packed(pair.left, pair.right)) continue;
    if (!same_head(pair.left, pair.right)) {
      // The pairs found equal on the way here are equal only if the whole comparison succeeds.
      seen_.clear();
      return false;
    }
    seen_.emplace(pair.left, pair.right);
    const Object* object = as_object(pair.left);
    for (uint32_t field = object->first_value(); field < object->count(); ++field) {
      pairs_.push_back({object->fields[field], as_object(pair.right)->fields[field], difference_, field});
    }
  }
  return true;
}

/// Compares everything except the values in the fields. Flags of the collector are not part of a value.
bool SameValue::same_head(Word left, Word right) const {
  if (!is_pointer(left) || !is_pointer(right) || left == 0 || right == 0) return false;
  const Object& a = *as_object(left);
  const Object& b = *as_object(right);
  if (a.kind() != b.kind() || a.count() != b.count() || a.tag() != b.tag()) return false;
  if (a.kind() == ObjectKind::kClosure) return same_code_(*closure_code(&a), *closure_code(&b));
  return std::equal(a.fields, a.fields + a.first_value(), b.fields);
}

std::string SameValue::path() const {
  std::string path;
  for (size_t at = difference_; at != 0; at = pairs_[at].parent) path.insert(0, fmt::format(".{}", pairs_[at].field));
  return path;
}

}  // namespace fble
