// The bytes of a file, and whether a word is in them. Uses libc: needs its stack.
#pragma once

#include <cstddef>
#include <string_view>

namespace vale {

struct Text {
  char* bytes = nullptr;
  size_t size = 0;
  size_t capacity = 0;

  /// Makes room for at least one byte more.
  void grow();
  void drop();
};

bool contains(std::string_view text, std::string_view word);

}  // namespace vale
