#include "interp/stack_use.h"

#include <algorithm>

#include "interp/call_frame.h"

namespace fble {

void StackUse::begin_run() {
  finish();
  stacks_.clear();
  select_thread(0);
}

/// The innermost frame has ended.
void StackUse::pop(Stack& stack) {
  const Entry entry = std::move(stack.back());
  stack.pop_back();
  size_t end = 0;
  for (const Part& part : entry.parts) {
    size_t& words = words_[part.code];
    words = std::max(words, part.end - entry.slot + kHeaderSlots);
    end = std::max(end, part.end);
  }
  most_ = std::max(most_, end);
  if (stack.empty()) return;
  for (Part& part : stack.back().parts) part.end = std::max(part.end, end);
}

/// The frame begins to run the code.
void StackUse::enter(Entry& entry, const Code& code) {
  entry.running = &code;
  const size_t end = entry.slot + code.frame_slots;
  bool is_known = false;
  for (Part& part : entry.parts) {
    part.end = std::max(part.end, end);
    is_known |= part.code == &code;
  }
  if (!is_known) entry.parts.push_back({&code, end});
}

void StackUse::step(const Word*, const uint32_t*, const Word* fp, size_t slot) {
  Stack& stack = *stack_;
  while (!stack.empty() && stack.back().slot > slot) pop(stack);
  const Code& code = code_of_frame(fp);
  if (stack.empty() || stack.back().slot != slot) {
    stack.push_back({slot, {}, nullptr});
  } else if (stack.back().running == &code) {
    return;
  }
  enter(stack.back(), code);
}

void StackUse::end_thread(uint32_t thread) {
  Stack& stack = stacks_[thread];
  while (!stack.empty()) pop(stack);
  stacks_.erase(thread);
}

void StackUse::finish() {
  for (auto& [thread, stack] : stacks_) {
    while (!stack.empty()) pop(stack);
  }
}

size_t StackUse::words(const Code& code) const {
  const auto found = words_.find(&code);
  return found == words_.end() ? 0 : found->second;
}

}  // namespace fble
