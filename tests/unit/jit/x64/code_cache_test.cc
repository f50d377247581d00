#include "jit/x64/code_cache.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace fble {
namespace {

/// Calls the code. The sanitizer would read the function's type before it, where there may be no memory.
__attribute__((no_sanitize("function"))) int result_of(const uint8_t* code) {
  return reinterpret_cast<int (*)()>(reinterpret_cast<uintptr_t>(code))();
}

// mov eax, 7; ret
const uint8_t kReturnSeven[] = {0xb8, 7, 0, 0, 0, 0xc3};

TEST(CodeCache, RunsWhatIsInstalled) {
  CodeCache cache(100000);
  ASSERT_TRUE(cache.usable());
  const uint8_t* expected = cache.next_address();
  const uint8_t* code = cache.install(kReturnSeven);
  EXPECT_EQ(code, expected);
  EXPECT_EQ(result_of(code), 7);
  EXPECT_TRUE(cache.contains(code));
  EXPECT_FALSE(cache.contains(code + sizeof kReturnSeven));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(cache.next_address()) % 16, 0u);
}

TEST(CodeCache, PatchesInstalledCode) {
  CodeCache cache(4096);
  const uint8_t* code = cache.install(kReturnSeven);
  cache.patch32(code + 1, -12345);  // not aligned
  EXPECT_EQ(result_of(code), -12345);
}

TEST(CodeCache, Rewinds) {
  CodeCache cache(4096);
  cache.install(kReturnSeven);
  const size_t used = cache.used();
  const uint8_t* second = cache.install(kReturnSeven);
  cache.patch32(second + 1, 8);
  cache.rewind(used);
  EXPECT_FALSE(cache.contains(second));
  EXPECT_EQ(cache.install(kReturnSeven), second);
  EXPECT_EQ(result_of(second), 7);
}

TEST(CodeCache, IsFullAtItsCapacity) {
  CodeCache cache(4096);
  const std::vector<uint8_t> half(2048, 0xc3);
  EXPECT_NE(cache.install(half), nullptr);
  EXPECT_NE(cache.install(half), nullptr);
  EXPECT_EQ(cache.install(kReturnSeven), nullptr);
  cache.rewind(0);
  EXPECT_NE(cache.install(kReturnSeven), nullptr);
}

/// Checks that no page of the process is both writable and executable.
TEST(CodeCache, NoPageIsWritableAndExecutable) {
  CodeCache cache(1 << 20);
  cache.install(kReturnSeven);
  std::ifstream maps("/proc/self/maps");
  std::string line;
  int views = 0;
  while (std::getline(maps, line)) {
    EXPECT_EQ(line.find(" rwx"), std::string::npos) << line;
    // The name that perf takes for memory with code that was made at run time.
    if (line.find("/dev/zero") == std::string::npos) continue;
    ++views;
    EXPECT_TRUE(line.find("r-xs") != std::string::npos || line.find("rw-s") != std::string::npos) << line;
  }
  EXPECT_EQ(views, 2);
}

TEST(CodeCache, IsNotUsableWithoutMemory) {
  CodeCache cache(size_t{1} << 60);
  EXPECT_FALSE(cache.usable());
  EXPECT_EQ(cache.install(kReturnSeven), nullptr);
}

}  // namespace
}  // namespace fble
