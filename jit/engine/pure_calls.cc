#include "jit/engine/pure_calls.h"

#include <algorithm>
#include <string_view>

#include "gc/object.h"
#include "interp/bytecode.h"

namespace fble {

namespace {

/// The number of functions that are followed. Larger ones are seldom asked the same twice.
constexpr size_t kMostReached = 64;

/// A call of a global in bytecode.
struct GlobalCall {
  uint32_t global = 0;
  uint32_t argument_count = 0;
};

bool has_effect(Op op, char effect) {
  return std::string_view(op_info(op).effects).find(effect) != std::string_view::npos;
}

/// Returns whether the operands are a global and then arguments: of all calls only those of globals have them so.
bool is_global_call(Op op) { return has_effect(op, 'c') && op_info(op).operands[0] == 'G'; }

GlobalCall global_call(const uint32_t* words) {
  GlobalCall call;
  for_each_operand(words, [&](char letter, uint32_t at) {
    if (letter == 'G') call.global = words[at];
    if (letter == 'S' || letter == 'L') ++call.argument_count;
  });
  return call;
}

/// Returns the code that the call of a global runs, given that it has all its arguments and captures nothing; otherwise
/// null.
const Code* called(const GlobalCall& call, const Globals& globals) {
  const Word word = globals.words[call.global];
  if (word == 0 || !is_pointer(word)) return nullptr;
  const Object* object = as_object(word);
  if (Object::kind_of(object->header) != ObjectKind::kClosure) return nullptr;
  const Code* code = closure_code(object);
  return code->capture_count == 0 && code->arity == call.argument_count ? code : nullptr;
}

/// Adds the functions that the function calls itself. Returns false if it may have an effect.
bool add_calls(const Code& function, const Globals& globals, std::vector<const Code*>& reached) {
  for (uint32_t at = 0; at < function.words.size(); at += instruction_length(&function.words[at])) {
    const uint32_t* words = &function.words[at];
    const auto op = static_cast<Op>(words[0]);
    if (op == Op::kDeoptPoint || op == Op::kSetGlobal) return false;
    if (!has_effect(op, 'c')) continue;
    const Code* code = is_global_call(op) ? called(global_call(words), globals) : nullptr;
    if (code == nullptr || code->is_glue) return false;
    if (code->native != nullptr) {
      if (!code->is_pure) return false;
    } else if (std::ranges::find(reached, code) == reached.end()) {
      reached.push_back(code);
    }
  }
  return true;
}

}  // namespace

bool PureCalls::reaches(const Code& code) const { return std::ranges::find(reached, &code) != reached.end(); }

PureCalls find_pure_calls(const Code& function, const Globals& globals) {
  PureCalls calls;
  if (!add_calls(function, globals, calls.reached)) return {};
  for (size_t i = 0; i < calls.reached.size(); ++i) {
    if (calls.reached.size() > kMostReached || !add_calls(*calls.reached[i], globals, calls.reached)) return {};
  }
  calls.is_pure = true;
  return calls;
}

}  // namespace fble
