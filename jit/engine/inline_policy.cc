#include "jit/engine/inline_policy.h"

#include <algorithm>

#include "interp/bytecode.h"
#include "interp/call_frame.h"
#include "jit/record/straight_select.h"

namespace fble {

namespace {

/// The number of frames that are searched for another activation of a function.
constexpr int kRecursionDepth = 32;

}  // namespace

/// Measures a function. Jumps lead forward only, so one pass from the end counts the paths.
CodeSize measure(const Code& code, const Word* globals) {
  std::vector<uint32_t> starts;
  for (uint32_t at = 0; at < code.words.size(); at += instruction_length(&code.words[at])) starts.push_back(at);
  std::vector<uint32_t> paths(code.words.size() + 1, 1);
  for (auto start = starts.rbegin(); start != starts.rend(); ++start) {
    const uint32_t* words = &code.words[*start];
    uint32_t count = 0;
    if (static_cast<Op>(*words) == Op::kJump) {
      count = paths[*start + words[1]];
    } else if (const auto straight = find_straight_select(code, words, globals)) {
      count = straight->returns ? 1 : paths[static_cast<size_t>(straight->next - code.words.data())];
    } else if (std::span<const uint32_t> jumps = select_jumps(words); !jumps.empty()) {
      std::vector<uint32_t> targets(jumps.begin(), jumps.end());
      std::sort(targets.begin(), targets.end());
      targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
      for (uint32_t target : targets) count += paths[*start + target];
    } else if (static_cast<Op>(*words) == Op::kChoose) {
      // Machine code has a guard for each outcome, but none for two where the union is packed, as it mostly is.
      const bool is_straight = two_ways(words).has_value();
      std::vector<uint32_t> outcomes(words + 5, words + 5 + words[4]);
      std::sort(outcomes.begin(), outcomes.end());
      outcomes.erase(std::unique(outcomes.begin(), outcomes.end()), outcomes.end());
      const uint64_t ways = (is_straight ? 1 : uint64_t{outcomes.size()}) * paths[*start + instruction_length(words)];
      count = static_cast<uint32_t>(std::min<uint64_t>(ways, CodeSize::kManyPaths));
    } else if (op_ends_activation(static_cast<Op>(*words))) {
      count = 1;
    } else {
      count = paths[*start + instruction_length(words)];
    }
    paths[*start] = std::min(count, CodeSize::kManyPaths);
  }
  constexpr uint32_t kDeoptPointWord = static_cast<uint32_t>(Op::kDeoptPoint);
  const auto points = std::ranges::count_if(starts, [&](uint32_t at) { return code.words[at] == kDeoptPointWord; });
  return {paths[0], static_cast<uint32_t>(starts.size() - static_cast<size_t>(points))};
}

InlinePolicy::Function& InlinePolicy::function(const Code& code) {
  if (functions_.size() < code.engine_index) functions_.resize(code.engine_index);
  return functions_[code.engine_index - 1];
}

bool InlinePolicy::may_inline(const Code& code) {
  if (code.is_glue) return true;
  if (code.engine_index == 0) return false;
  Function& callee = function(code);
  if (callee.recursive) return false;
  if (callee.size.paths == 0) callee.size = measure(code, globals_);
  const auto [paths, instructions] = callee.size;
  if (paths > params_.inline_paths || instructions > params_.inline_size) return false;
  if (paths == 1) return true;
  if (inlined_paths_ * paths > params_.inline_product) return false;
  inlined_paths_ *= paths;
  return true;
}

bool InlinePolicy::may_guard_site(const uint32_t* site, const Code& code) {
  std::vector<const Code*>& seen = sites_[site];
  if (std::find(seen.begin(), seen.end(), &code) != seen.end()) return true;
  if (seen.size() >= params_.site_functions) return false;
  seen.push_back(&code);
  return true;
}

void InlinePolicy::note_recursive(const Code& code) {
  if (code.engine_index != 0) function(code).recursive = true;
}

void InlinePolicy::look_for_recursion(const Code& code, const Word* frame) {
  Function& entered = function(code);
  for (int i = 0; i < kRecursionDepth && !entered.recursive && return_position(frame) != nullptr; ++i) {
    frame = caller_of(frame);
    entered.recursive = &code_of_frame(frame) == &code;
  }
}

}  // namespace fble
