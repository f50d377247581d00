#include "deopt/code_numbers.h"

#include <array>
#include <atomic>
#include <bit>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace fble {

namespace {

/// A list that grows without moving: chunk i holds kFirstChunk << i addresses.
class CodeList {
 public:
  uint32_t number_of(Code* code) {
    const std::lock_guard lock(mutex_);
    const uint32_t count = count_.load(std::memory_order_relaxed);
    const auto [entry, added] = numbers_.try_emplace(code->function_value(), count);
    if (!added) return entry->second;
    const auto [chunk, index] = place_of(count);
    if (chunks_[chunk] == nullptr) chunks_[chunk] = std::make_unique<Code*[]>(size_t{kFirstChunk} << chunk);
    chunks_[chunk][index] = code;
    count_.store(count + 1, std::memory_order_release);
    return count;
  }

  Code* of_function(Word word) {
    const std::lock_guard lock(mutex_);
    const auto entry = numbers_.find(word);
    return entry == numbers_.end() ? nullptr : at(entry->second);
  }

  Code* at(uint64_t number) const {
    if (number >= count_.load(std::memory_order_acquire)) return nullptr;
    const auto [chunk, index] = place_of(number);
    return chunks_[chunk][index];
  }

 private:
  static constexpr uint64_t kFirstChunk = 64;

  static std::pair<size_t, size_t> place_of(uint64_t number) {
    const size_t chunk = static_cast<size_t>(std::bit_width(number / kFirstChunk + 1)) - 1;
    return {chunk, number - kFirstChunk * ((uint64_t{1} << chunk) - 1)};
  }

  std::mutex mutex_;
  std::unordered_map<Word, uint32_t> numbers_;  ///< by function value
  std::array<std::unique_ptr<Code*[]>, 32> chunks_;
  std::atomic<uint32_t> count_{0};
};

CodeList& code_list() {
  static CodeList list;
  return list;
}

}  // namespace

uint32_t number_of_code(Code* code) {
  // Numbers do not change, so a thread may remember them: side tables mention the same code again and again.
  struct Known {
    Word function = 0;
    uint32_t number = 0;
  };
  constexpr size_t kRemembered = 64;
  thread_local std::array<Known, kRemembered> remembered;
  const Word function = code->function_value();
  Known& known = remembered[function / sizeof(Code) % kRemembered];
  if (known.function != function) known = {function, code_list().number_of(code)};
  return known.number;
}
Code* code_of_number(uint64_t number) { return code_list().at(number); }
Code* code_of_function(Word word) { return code_list().of_function(word); }

}  // namespace fble
