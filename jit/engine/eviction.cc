// Evicting code that relies on what is no longer so, and forgetting all of it.
//
// A trace registers its assumptions when it is compiled (jit/assumptions.def). When one of
// them breaks, the trees that have traces with it are evicted: whatever leads to their code is
// turned away. Three things do: the entries of functions, the jumps of return stubs in
// other trees, and return addresses in call frames. The first count calls anew, as before there was
// machine code; the others go to the interpreter, at the exact position that the frame has. So an
// activation of evicted code ends when what it called returns, and as nobody can break an assumption
// while machine code runs, there is no other activation. The memory is taken back when
// all code is flushed.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and tests/lang/27-deopt-here.
#include <fmt/format.h>

#include <algorithm>

#include "gc/log.h"
#include "interp/interpreter.h"
#include "interp/native_stack.h"
#include "jit/engine/trace_engine.h"

namespace fble {

namespace {

constexpr const char* kAssumptionTexts[] = {
#define FBLE_CODE_ASSUMPTION(Name, text, doc) text,
#include "jit/assumptions.def"
#undef FBLE_CODE_ASSUMPTION
};

/// Returns to such addresses go to the interpreter instead.
template <typename Predicate>
void redirect_returns(Thread& thread, Predicate&& is_gone) {
  for_each_frame(thread.pc, thread.fp, [&](Word* frame, const uint32_t*) {
    Word& address = frame[kReturnAddressSlot];
    if (is_gone(reinterpret_cast<const uint8_t*>(address))) address = reinterpret_cast<Word>(interpreter_return());
    return true;
  });
  CallStack& stack = thread.current->stack;
  if (is_gone(reinterpret_cast<const uint8_t*>(stack.watermark().return_address))) {
    stack.redirect_watermark(interpreter_return());
  }
}

}  // namespace

void TraceEngine::rely_on(CodeAssumption assumption, uint32_t number, const Fragment& fragment) {
  std::vector<uint32_t>& roots = assumptions_[{assumption, number}];
  if (roots.empty() || roots.back() != fragment.root) roots.push_back(fragment.root);
}

void TraceEngine::break_assumption(Thread& thread, CodeAssumption assumption, uint32_t number) {
  const auto found = assumptions_.find({assumption, number});
  if (found == assumptions_.end()) return;
  const std::vector<uint32_t> roots = std::move(found->second);
  assumptions_.erase(found);
  if (options_.log_traces) {
    log_print("[trace evict: {} trees, {} {}]\n", roots.size(), kAssumptionTexts[static_cast<size_t>(assumption)],
              number);
  }
  for (const uint32_t root : roots) {
    if (!fragments_[root]->evicted) evict(thread, root);
  }
}

/// Requires that nothing is being recorded.
void TraceEngine::evict(Thread& thread, uint32_t root) {
  FBLE_ASSERT(recording_ == nullptr);
  ++stats_.evictions;
  // Where its code is, by the end.
  std::vector<std::pair<const uint8_t*, const uint8_t*>> gone;
  for (const auto& fragment : fragments_) {
    if (fragment->root != root) continue;
    fragment->evicted = true;
    gone.emplace_back(fragment->start + fragment->code_bytes, fragment->start);
  }
  std::ranges::sort(gone);
  const auto is_gone = [&](const uint8_t* address) {
    const auto found = std::ranges::upper_bound(gone, address, {}, [](const auto& range) { return range.first; });
    return found != gone.end() && found->second <= address;
  };
  const Fragment& top = *fragments_[root];
  if (top.kind == TraceKind::kFunction) {
    forget_entry(info(*top.code));
  } else {
    std::erase_if(continuations_, [&](const auto& known) { return known.second == top.start; });
    for (const auto& fragment : fragments_) {
      for (Exit& exit : fragment->exits) {
        if (fragment->evicted || !exit.linked || !exit.is_return) continue;
        if (jump_target(fragment->start + fragment->jumps[exit.first_jump]) != top.start) continue;
        link(*fragment, exit, fragment->start + exit.stub);
        exit.linked = false;
        exit.countdown = exit_threshold(exit);
        exit.continuations_seen = 0;
      }
    }
  }
  redirect_returns(thread, is_gone);
}

/// The function's calls are counted again.
void TraceEngine::forget_entry(FunctionInfo& function) {
  function.has_entry = false;
  function.code->entry = counted_entry();
  function.code->native_entry = reinterpret_cast<const void*>(&leave_by_call);
  function.code->hotness = threshold(options_.params.hot_calls);
}

/// Forgets all machine code. No activation is in machine code now; those that would
/// return to some will return to the interpreter.
void TraceEngine::flush(Thread& thread) {
  ++stats_.flushes;
  if (options_.log_traces) log_print("[trace flush: {} traces, {} bytes]\n", fragments_.size(), cache_.used());
  redirect_returns(thread, [&](const uint8_t* address) { return cache_.contains(address); });
  for (FunctionInfo& function : functions_) {
    if (function.has_entry) forget_entry(function);
  }
  fragments_.clear();
  exits_.clear();
  sites_.clear();
  continuations_.clear();
  assumptions_.clear();
  for (Decoded& slot : decoded_) slot.exit_id = 0xffffffff;
  cache_.rewind(cache_start_);
}

}  // namespace fble
