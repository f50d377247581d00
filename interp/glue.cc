#include "interp/glue.h"

#include "interp/call_frame.h"
#include "interp/foreign.h"
#include "interp/interpreter.h"
#include "interp/intrinsics.h"
#include "interp/machine_state.h"

namespace fble {

namespace {

/// The body of natives that have to have the turn.
Word run_in_turn(NativeCall& call) {
  if (!call.machine().scheduler.take_turn(call.carrier())) return kParked;
  return code_of_frame(call.fp()).body(call);
}

}  // namespace

Code* GlueCode::make_apply_held(uint32_t held, uint32_t rest) {
  Code*& known = all_apply_held_[{held, rest}];
  if (known == nullptr) {
    Code& code = codes_.emplace_back();
    code.words = {static_cast<uint32_t>(Op::kApplyHeld)};
    code.arity = rest;
    code.frame_slots = held + rest + kHeaderSlots;
    code.capture_count = 1 + held;
    code.block = Symbol("partial application");
    code.is_glue = true;
    finish_code(code);
    known = &code;
    if (held < kSizes && rest < kSizes) apply_held_[held][rest] = known;
    if (see_callable_) see_callable_(code);
  }
  return known;
}

void GlueCode::show_callable(std::function<void(Code&)> see) {
  see_callable_ = std::move(see);
  if (!see_callable_) return;
  for (const auto& [sizes, code] : all_apply_held_) see_callable_(*code);
  for (const auto& [name, code] : natives_) see_callable_(*code);
}

Code* GlueCode::make_apply_rest(uint32_t count) {
  Code*& known = all_apply_rest_[count];
  if (known == nullptr) {
    Code& code = codes_.emplace_back();
    // The first call never runs: it names the slot of the awaited result.
    code.words = {static_cast<uint32_t>(Op::kCall), count, 0, count, count + 1 + kHeaderSlots};
    FBLE_ASSERT(code.words.size() == kApplyRestPosition);
    if (count <= 3) {
      code.words.insert(code.words.end(), {static_cast<uint32_t>(Op::kTailCall) + count, count});
    } else {
      code.words.insert(code.words.end(), {static_cast<uint32_t>(Op::kTailCall), count, count});
    }
    for (uint32_t i = 0; i < count; ++i) code.words.push_back(i);
    code.arity = count;
    code.frame_slots = 2 * count + 2 + kHeaderSlots;
    code.is_glue = true;
    finish_code(code);
    known = &code;
    if (count < kSizes) apply_rest_[count] = known;
  }
  return known;
}

Code* GlueCode::run(uint32_t count) {
  if (run_.size() <= count) run_.resize(count + 1);
  if (run_[count] == nullptr) {
    Code& code = codes_.emplace_back();
    code.words = {static_cast<uint32_t>(Op::kCall), 0, count};
    for (uint32_t i = 0; i < count; ++i) code.words.push_back(1 + i);
    code.words.insert(code.words.end(), {0, count + 1 + kHeaderSlots, static_cast<uint32_t>(Op::kHalt), 0});
    code.arity = count + 1;
    code.frame_slots = 2 * count + 2 + 2 * kHeaderSlots;
    code.is_glue = true;
    finish_code(code);
    run_[count] = &code;
  }
  return run_[count];
}

Code* GlueCode::native(const ForeignRef& ref, const NativeRow& row) {
  Code*& code = natives_[ref.module + ref.name];
  if (code == nullptr) {
    code = &codes_.emplace_back();
    code->words = {static_cast<uint32_t>(Op::kNativeBody)};
    code->arity = row.arity;
    code->frame_slots = row.arity + kHeaderSlots;
    code->is_pure = row.effect == NativeEffect::kPure;
    code->body = row.body;
    code->native = natives_take_turns_ && !code->is_pure ? run_in_turn : row.body;
    code->intrinsic = row.intrinsic;
    code->block = Symbol(ref.module + "." + ref.name);
    code->loc = ref.loc;
    finish_code(*code);
    // By the table, so that the recorder and the profiler see the body like any other instruction.
    code->entry = entry_by_table();
    if (row.intrinsic != Intrinsic::kNone) {
      code->entry = intrinsics_are_counted_ ? counted_intrinsic_entry() : intrinsic_entry(row.intrinsic);
      if (!intrinsics_are_counted_) code->direct = intrinsic_direct(row.intrinsic);
    }
    if (see_callable_) see_callable_(*code);
  }
  return code;
}

void GlueCode::have_natives_take_turns() {
  natives_take_turns_ = true;
  for (Code& code : codes_) {
    if (code.body != nullptr && !code.is_pure) code.native = run_in_turn;
  }
}

void GlueCode::finish_function(Code& code, const std::string& name) {
  code.block = Symbol(name);
  code.is_glue = true;
  finish_code(code);
  code.entry = checked_entry();
}

}  // namespace fble
