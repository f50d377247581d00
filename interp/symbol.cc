#include "interp/symbol.h"

#include <mutex>
#include <unordered_set>

namespace fble {

const std::string* Symbol::intern(std::string_view text) {
  static std::mutex lock;
  // Never destroyed: symbols may be printed while static objects die.
  static auto* table = new std::unordered_set<std::string>();
  std::lock_guard<std::mutex> hold(lock);
  return &*table->emplace(text).first;
}

const std::string* Symbol::empty() {
  static const std::string* text = intern("");
  return text;
}

}  // namespace fble
