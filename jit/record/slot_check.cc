#include "jit/record/slot_check.h"

#include <fmt/format.h>

#include "deopt/same_value.h"
#include "deopt/side_table.h"
#include "interp/call_frame.h"
#include "jit/ir/facts.h"

namespace fble {

namespace {

bool is_same(Word left, Word right) {
  if (left == right) return true;
  SameValue same([](const Code& a, const Code& b) { return &a == &b; });
  return same(left, right);
}

std::string header_problem(const ShadowFrame& shadow, const ShadowFrame* caller, const Word* fp) {
  if (&code_of_frame(fp) != shadow.code) return "another function runs";
  if (caller == nullptr) return "";
  if (return_position(fp) != caller->return_position) return "it returns to another position";
  if (caller_of(fp) - fp != caller->base - shadow.base) return "its caller's frame is elsewhere";
  return "";
}

}  // namespace

std::string SlotCheck::problem(IrBuilder& builder, std::span<const ShadowFrame> frames, Word* root,
                               const uint32_t* pc) {
  for (size_t i = 0; i < frames.size(); ++i) {
    const ShadowFrame& shadow = frames[i];
    const bool waits = i + 1 < frames.size();
    Word* const fp = root + shadow.base;
    std::string found = header_problem(shadow, i == 0 ? nullptr : &frames[i - 1], fp);
    if (!found.empty()) return fmt::format("frame {}: {}", i, found);
    const auto compare = [&](IrRef ref, Word word, auto&& name) {
      if (!found.empty() || ref == kNoRef) return;
      if (const std::string text = value_problem(builder, ref, word); !text.empty()) {
        found = fmt::format("frame {}, {}: {}", i, name(), text);
      }
    };
    compare(shadow.closure, fp[kClosureSlot], [] { return "closure"; });
    for_each_live_slot(*shadow.code, waits ? shadow.return_position : pc, waits, [&](int32_t slot) {
      compare(shadow.slots[static_cast<size_t>(slot)], fp[slot], [&] { return fmt::format("slot {}", slot); });
    });
    if (!found.empty()) return found;
  }
  return "";
}

/// Returns how the word differs from what the reference stands for. Nothing is known of the variables and objects of
/// an open group: their numbers are beyond the trace's instructions.
std::string SlotCheck::value_problem(IrBuilder& builder, IrRef ref, Word word) {
  const Trace& trace = builder.trace();
  if (index_of(ref) >= trace.ins.size()) return "";
  const IrIns& ins = trace.at(ref);
  if (ins.op == IrOp::kConstant && !is_same(ins.x, word)) {
    return fmt::format("{:#x}, but the constant {:#x} in the trace", word, ins.x);
  }
  Facts facts = builder.facts(ref);
  // Which bits of the word are the tag depends on the union's type.
  facts.tag = -1;
  facts.not_tags = 0;
  if (!facts_imply(known_facts(word), facts)) {
    return fmt::format("{:#x} is not what the trace knows of v{}", word, index_of(ref));
  }
  const auto [place, is_new] = seen_.emplace(index_of(ref), words_.size());
  if (is_new) {
    words_.push_back(word);
  } else if (!is_same(words_[place->second], word)) {
    return fmt::format("{:#x}, but v{} was {:#x}", word, index_of(ref), words_[place->second]);
  }
  return "";
}

}  // namespace fble
