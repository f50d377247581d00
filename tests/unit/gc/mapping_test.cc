#include "gc/mapping.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace fble {
namespace {

constexpr size_t kBytes = size_t{4} << 20;

TEST(Mapping, IsZeroedWhereNothingIsKept) {
  void* before = nullptr;
  {
    Mapping mapping = Mapping::not_zeroed(kBytes);
    ASSERT_NE(mapping.begin(), nullptr);
    EXPECT_EQ(mapping.bytes(), kBytes);
    before = mapping.begin();
    std::memset(before, 1, kBytes);
  }
  const Mapping next = Mapping::not_zeroed(kBytes);
  for (size_t at = 0; at < kBytes; at += 512) EXPECT_EQ(static_cast<char*>(next.begin())[at], 0);
}

TEST(KeptMappings, AreForTheNextOwnerOfTheSameSize) {
  const KeptMappings kept;
  void* before = nullptr;
  {
    Mapping mapping = Mapping::not_zeroed(kBytes);
    Mapping moved = std::move(mapping);
    before = moved.begin();
    std::memset(before, 1, kBytes);
  }
  EXPECT_EQ(KeptMappings::take(kBytes * 2, false).begin, nullptr);
  EXPECT_EQ(KeptMappings::take(kBytes, true).begin, nullptr);
  const Mapping next = Mapping::not_zeroed(kBytes);
  ASSERT_EQ(next.begin(), before);
  EXPECT_EQ(static_cast<char*>(next.begin())[kBytes / 2], 1);
  EXPECT_NE(Mapping::not_zeroed(kBytes).begin(), before);
}

TEST(KeptMappings, ReturnMemoryInTheMiddle) {
  const KeptMappings kept;
  { std::memset(Mapping::not_zeroed(kBytes).begin(), 1, kBytes); }
  int owners = 0;
  for (bool is_returned = false; !is_returned; ++owners) {
    ASSERT_LT(owners, 1000);
    const Mapping next = Mapping::not_zeroed(kBytes);
    const char* bytes = static_cast<char*>(next.begin());
    is_returned = bytes[kBytes / 2] == 0;
    // Stacks begin at either end.
    EXPECT_EQ(bytes[0], 1);
    EXPECT_EQ(bytes[kBytes - 1], 1);
  }
}

TEST(KeptMappings, LeaveZeroedMemoryAlone) {
  const KeptMappings kept;
  {
    Mapping used = Mapping::not_zeroed(kBytes);
    std::memset(used.begin(), 1, kBytes);
  }
  const Mapping zeroed(kBytes);
  EXPECT_EQ(static_cast<char*>(zeroed.begin())[0], 0);
  void* before = nullptr;
  { before = Mapping(kBytes * 2).begin(); }
  EXPECT_EQ(KeptMappings::take(kBytes * 2, false).begin, nullptr) << before;
}

TEST(KeptMappings, TheOuterOneKeepsAll) {
  const KeptMappings outer;
  void* before = nullptr;
  {
    const KeptMappings inner;
    before = Mapping::not_zeroed(kBytes).begin();
  }
  EXPECT_EQ(Mapping::not_zeroed(kBytes).begin(), before);
}

TEST(KeptMappings, AreOfOneThread) {
  const KeptMappings kept;
  void* before = Mapping::not_zeroed(kBytes).begin();
  std::thread([] { EXPECT_EQ(KeptMappings::take(kBytes, false).begin, nullptr); }).join();
  EXPECT_EQ(Mapping::not_zeroed(kBytes).begin(), before);
}

TEST(CodeMapping, HasTheSameMemoryTwice) {
  const KeptMappings kept;
  void* before = nullptr;
  {
    const CodeMapping code(kBytes);
    ASSERT_NE(code.writable(), nullptr);
    *static_cast<char*>(code.writable()) = 42;
    EXPECT_EQ(*static_cast<const char*>(code.executable()), 42);
    before = code.executable();
  }
  const CodeMapping next(kBytes);
  EXPECT_EQ(next.executable(), before);
  EXPECT_EQ(*static_cast<const char*>(next.executable()), 42);
  EXPECT_NE(CodeMapping(kBytes).executable(), before);
}

}  // namespace
}  // namespace fble
