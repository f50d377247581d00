// Data in a word (gc/value.h, gc/integer.h): the cost of packing and unpacking.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>

#include "gc/integer.h"
#include "gc/object.h"
#include "gc/value.h"

namespace fble {
namespace {

// Binary numbers as linked unions, lowest digit first: tag 0 ends, 1 and 2 are digits.
constexpr unsigned kDigitWidth = 2;

Word number(uint64_t n) {
  if (n == 0) return pack_union(kUnitWord, kDigitWidth, 0);
  return pack_union(number(n / 2), kDigitWidth, n % 2 == 0 ? 1 : 2);
}

/// Returns numbers below 2^28, as random as a counter times a constant.
uint64_t scattered(uint64_t i) { return (i * 0x9e3779b97f4a7c15u) >> 36; }

void BM_WrapInUnion(benchmark::State& state) {
  Word word = kUnitWord;
  for (auto _ : state) {
    benchmark::DoNotOptimize(word);
    Word wrapped = pack_union(word, 2, 1);
    benchmark::DoNotOptimize(wrapped);
  }
}
BENCHMARK(BM_WrapInUnion);

void BM_WalkDigits(benchmark::State& state) {
  uint64_t i = 0;
  int64_t digits = 0;
  for (auto _ : state) {
    Word word = number(scattered(++i));
    while (packed_tag(word, kDigitWidth) != 0) {
      word = packed_arg(word, kDigitWidth);
      ++digits;
    }
    benchmark::DoNotOptimize(word);
  }
  state.SetItemsProcessed(digits);
}
BENCHMARK(BM_WalkDigits);

Word incr(Word a) {
  switch (union_tag(a, kDigitWidth)) {
    case 0: return pack_union(a, kDigitWidth, 2);
    case 1: return pack_union(union_arg(a, kDigitWidth), kDigitWidth, 2);
    default: return pack_union(incr(union_arg(a, kDigitWidth)), kDigitWidth, 1);
  }
}

Word add(Word a, Word b) {
  const uint32_t x = union_tag(a, kDigitWidth);
  const uint32_t y = union_tag(b, kDigitWidth);
  if (x == 0) return b;
  if (y == 0) return a;
  const Word rest = add(union_arg(a, kDigitWidth), union_arg(b, kDigitWidth));
  if (x == 2 && y == 2) return pack_union(incr(rest), kDigitWidth, 1);
  return pack_union(rest, kDigitWidth, x == y ? 1 : 2);
}

/// Measures the lowest cost of adding digit by digit in C++: the floor for machine code.
void BM_AddDigits(benchmark::State& state) {
  std::array<Word, 1024> numbers;
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = number(scattered(i + 1));
  size_t i = 0;
  for (auto _ : state) {
    Word sum = add(numbers[i % 1024], numbers[(i + 511) % 1024]);
    benchmark::DoNotOptimize(sum);
    ++i;
  }
}
BENCHMARK(BM_AddDigits);

void BM_MakeStruct(benchmark::State& state) {
  const auto count = static_cast<uint32_t>(state.range(0));
  std::array<Word, 8> fields;
  for (size_t i = 0; i < fields.size(); ++i) fields[i] = pack_union(kUnitWord, 1, i % 2);
  for (auto _ : state) {
    benchmark::DoNotOptimize(fields);
    Word word = pack_struct(count, [&](uint32_t i) { return fields[i]; });
    benchmark::DoNotOptimize(word);
  }
}
BENCHMARK(BM_MakeStruct)->Arg(2)->Arg(4)->Arg(8);

void BM_ReadField(benchmark::State& state) {
  const auto count = static_cast<uint32_t>(state.range(0));
  Word word = pack_struct(count, [](uint32_t i) { return pack_union(kUnitWord, 1, i % 2); });
  uint32_t index = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(word);
    Word field = struct_field(word, index, count);
    benchmark::DoNotOptimize(field);
    index = index + 1 == count ? 0 : index + 1;
  }
}
BENCHMARK(BM_ReadField)->Arg(2)->Arg(4)->Arg(8);

void BM_AddIntegers(benchmark::State& state) {
  Word a = pack_int(123456789);
  Word b = pack_int(987654321);
  for (auto _ : state) {
    benchmark::DoNotOptimize(a);
    benchmark::DoNotOptimize(b);
    Word sum = pack_int(unpack_int(a) + unpack_int(b));
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(BM_AddIntegers);

}  // namespace
}  // namespace fble
