#include "jit/engine/function_entries.h"

#include "interp/bytecode.h"
#include "interp/interpreter.h"
#include "interp/native_stack.h"

namespace fble {

FunctionEntries::~FunctionEntries() {
  for (Code* code : codes_) {
    code->engine_index = 0;
    code->cells = {};
    if (code->native == nullptr) code->entry = handler_of(static_cast<Op>(code->words[0]));
    code->native_entry = reinterpret_cast<const void*>(&leave_by_call);
  }
}

void FunctionEntries::adopt(Code& code) {
  codes_.push_back(&code);
  entries_.emplace_back();
  code.engine_index = static_cast<uint32_t>(codes_.size());
  count_calls(code);
}

/// Sends calls to the interpreter, which counts them: all calls of a function, and those of a native from machine code.
void FunctionEntries::count_calls(Code& code) const {
  if (code.native == nullptr) code.entry = counted_entry();
  code.native_entry = reinterpret_cast<const void*>(code.native == nullptr ? &leave_by_call : &leave_by_native_call);
  count_anew(code);
}

void FunctionEntries::count_anew(Code& code) const { code.hotness = options_.threshold(options_.params.hot_calls); }

void FunctionEntries::install(Code& code, const uint8_t* door, const uint8_t* start) {
  if (code.native == nullptr) code.entry = reinterpret_cast<Handler>(const_cast<uint8_t*>(door));
  code.native_entry = start;
  entries_[code.engine_index - 1].is_machine_code = true;
}

void FunctionEntries::forget(Code& code) {
  entries_[code.engine_index - 1].is_machine_code = false;
  count_calls(code);
}

void FunctionEntries::forget_all() {
  for (size_t i = 0; i < codes_.size(); ++i) {
    if (entries_[i].is_machine_code) forget(*codes_[i]);
  }
}

void FunctionEntries::back_off(Code& code) {
  Entry& entry = entries_[code.engine_index - 1];
  ++entry.failures;
  code.hotness = options_.threshold(options_.params.hot_calls) << entry.failures;
  if (entry.failures < options_.params.max_attempts) return;
  if (code.native == nullptr) code.entry = checked_entry();
  code.native_entry = reinterpret_cast<const void*>(&leave_by_call);
}

}  // namespace fble
