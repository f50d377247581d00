#include "tests/vale/text.h"

#include <cstdlib>
#include <cstring>

namespace vale {

void Text::grow() {
  constexpr size_t kFirst = 4096;
  capacity = capacity == 0 ? kFirst : 2 * capacity;
  bytes = static_cast<char*>(std::realloc(bytes, capacity));
  if (bytes == nullptr) std::abort();
}

void Text::drop() {
  std::free(bytes);
  *this = {};
}

bool contains(std::string_view text, std::string_view word) {
  return memmem(text.data(), text.size(), word.data(), word.size()) != nullptr;
}

}  // namespace vale
