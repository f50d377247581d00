// The tags of a literal's letter. Literals are many and letters few, so their paths are interned.
// Tested by tests/unit/interp/tag_path_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fble {

/// One step into a union on the way to a letter (spec 7.2).
struct TagStep {
  uint32_t tag;
  uint32_t tag_count;
  auto operator<=>(const TagStep&) const = default;
};

/// The steps to a letter, from the outermost union inwards. Equal paths share their steps, which live as long as the
/// process.
class TagPath {
 public:
  explicit TagPath(const std::vector<TagStep>& steps) : steps_(intern(steps)) {}

  auto begin() const { return steps_->begin(); }
  auto end() const { return steps_->end(); }
  size_t size() const { return steps_->size(); }
  bool empty() const { return steps_->empty(); }
  const TagStep& operator[](size_t index) const { return (*steps_)[index]; }

  friend bool operator==(TagPath a, TagPath b) { return a.steps_ == b.steps_; }

 private:
  static const std::vector<TagStep>* intern(const std::vector<TagStep>& steps);

  const std::vector<TagStep>* steps_;
};

}  // namespace fble
