// Code objects for traces in tests: positions without instructions of their own.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "interp/code.h"
#include "jit/ir/ir_text.h"

namespace fble {

/// Makes code objects on demand. Every word of them is an instruction, before
/// which all arguments and no other slots are live.
class IrCodes {
 public:
  Code* make(std::string_view block, uint32_t arity, uint32_t captures) {
    Code& code = codes_.emplace_back();
    code.block = Symbol(block);
    code.arity = arity;
    code.capture_count = captures;
    code.frame_slots = arity + 8;
    code.words.assign(1000, static_cast<uint32_t>(Op::kApplyHeld));
    code.start = code.words.data();
    code.function_object = {Object::make_header(ObjectKind::kClosure, 1, 0, kPermanentFlag), Code::from_code(&code)};
    return &code;
  }

  CodeResolver resolver() {
    return [this](const CodeMention& mention) { return make(mention.block, mention.arity, mention.captures); };
  }

 private:
  std::deque<Code> codes_;
};

}  // namespace fble
