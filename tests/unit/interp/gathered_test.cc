// What natives hold outside the heap, and its limit.
#include "interp/gathered.h"

#include <gtest/gtest.h>

#include "interp/carrier.h"
#include "interp/machine.h"

namespace fble {
namespace {

constexpr size_t kLimit = size_t{8} << 20;

class GatheredTest : public testing::Test {
 protected:
  NativeCall call(NativeCall::Mode mode = NativeCall::Mode::kFinal) {
    Carrier& carrier = machine_.carrier();
    return NativeCall(carrier, nullptr, carrier.ap, mode);
  }
  uint64_t peak() { return machine_.heap().stats().peak_held_bytes; }

  ProgramCode program_;
  NativeTable natives_;
  Machine machine_{program_, natives_, {.heap = {.max_bytes = kLimit}, .stack_bytes = 1 << 20}};
};

TEST_F(GatheredTest, ItemsStayWhatTheyAre) {
  NativeCall native = call();
  Gathered<uint32_t> items(native);
  for (uint32_t i = 0; i < 100'000; ++i) ASSERT_TRUE(items.add(i * i));
  ASSERT_EQ(items.size(), 100'000u);
  for (uint32_t i = 0; i < 100'000; ++i) ASSERT_EQ(items[i], i * i);
  EXPECT_EQ(items.items().size(), items.size());
  EXPECT_GE(peak(), 400'000u);
}

TEST_F(GatheredTest, AFewItemsCostNothing) {
  NativeCall native = call();
  Gathered<char> items(native);
  for (int i = 0; i < 512; ++i) ASSERT_TRUE(items.add('x'));
  EXPECT_EQ(peak(), 0u);
}

TEST_F(GatheredTest, TheLimitEndsIt) {
  {
    NativeCall native = call();
    Gathered<uint32_t> items(native);
    while (items.add(7)) ASSERT_LT(items.size(), kLimit);
    EXPECT_GE(items.size() * sizeof(uint32_t), kLimit / 4);
    EXPECT_TRUE(machine_.error().out_of_memory);
  }
  // What was held ends with the call.
  NativeCall native = call();
  EXPECT_TRUE(native.charge(kLimit / 2));
}

TEST_F(GatheredTest, HeapAndHeldBytesShareTheLimit) {
  NativeCall native = call();
  EXPECT_TRUE(native.charge(kLimit * 3 / 4));
  EXPECT_TRUE(native.reserve(kLimit / 16 / sizeof(Word)));
  EXPECT_FALSE(native.reserve(kLimit / 2 / sizeof(Word)));
  EXPECT_TRUE(machine_.error().out_of_memory);
  EXPECT_FALSE(native.charge(SIZE_MAX / 2));
}

TEST_F(GatheredTest, TrialsSayNothing) {
  NativeCall native = call(NativeCall::Mode::kTrial);
  EXPECT_TRUE(native.charge(kLimit / 2));
  EXPECT_FALSE(native.charge(kLimit));
  EXPECT_FALSE(machine_.error().out_of_memory);
}

TEST_F(GatheredTest, WithoutALimitAllIsAllowed) {
  Machine machine(program_, natives_);
  NativeCall native(machine.carrier(), nullptr, machine.carrier().ap);
  EXPECT_TRUE(native.charge(size_t{1} << 40));
}

}  // namespace
}  // namespace fble
