// Tested by tests/unit/interp/tag_path_test.cc.
#include "interp/tag_path.h"

#include <mutex>
#include <set>

namespace fble {

const std::vector<TagStep>* TagPath::intern(const std::vector<TagStep>& steps) {
  static std::mutex lock;
  // Never destroyed, like the symbols (interp/symbol.cc).
  static auto* table = new std::set<std::vector<TagStep>>();
  std::lock_guard<std::mutex> hold(lock);
  return &*table->insert(steps).first;
}

}  // namespace fble
