#include "jit/engine/pure_calls.h"

#include <algorithm>
#include <string_view>

#include "gc/object.h"
#include "interp/bytecode.h"

namespace fble {

namespace {

/// The number of functions that are followed. Larger ones are seldom asked the same twice.
constexpr size_t kMostReached = 64;

bool has_effect(Op op, char effect) {
  return std::string_view(op_info(op).effects).find(effect) != std::string_view::npos;
}

/// Follows a function from its start to its end, with the values of slots that are functions or structs of some.
class Follower {
 public:
  Follower(const Code& function, const Globals& globals)
      : function_(function), globals_(globals), known_(function.frame_slots) {}

  /// Adds the functions that it calls itself. Returns false if it may have an effect.
  bool add_calls(std::vector<const Code*>& reached) {
    for (uint32_t at = 0; at < function_.words.size(); at += instruction_length(&function_.words[at])) {
      const uint32_t* words = &function_.words[at];
      // Control comes to it from several places: nothing is known of slots.
      if (std::ranges::find(targets_, at) != targets_.end()) std::ranges::fill(known_, 0);
      if (!add_call(words, reached)) return false;
      follow(words, at);
    }
    return true;
  }

 private:
  /// Returns the code that a call runs, given that it has all its arguments and captures nothing; otherwise null.
  const Code* called(const uint32_t* words) const {
    const char first = op_info(static_cast<Op>(words[0])).operands[0];
    uint32_t arguments = 0;
    for_each_operand(words, [&](char letter, uint32_t at) {
      if (at > 1 && (letter == 'S' || letter == 'L')) ++arguments;
    });
    const Word word = first == 'G' ? globals_.words[words[1]] : first == 'S' ? known_[words[1]] : 0;
    if (!is_object(word, ObjectKind::kClosure)) return nullptr;
    const Code* code = closure_code(as_object(word));
    return code->capture_count == 0 && code->arity == arguments ? code : nullptr;
  }

  bool add_call(const uint32_t* words, std::vector<const Code*>& reached) const {
    const auto op = static_cast<Op>(words[0]);
    if (op == Op::kDeoptPoint || op == Op::kSetGlobal) return false;
    if (!has_effect(op, 'c')) return true;
    const Code* code = called(words);
    if (code == nullptr || code->is_glue) return false;
    if (code->native != nullptr) return code->is_pure;
    if (std::ranges::find(reached, code) == reached.end()) reached.push_back(code);
    return true;
  }

  void follow(const uint32_t* words, uint32_t at) {
    const auto op = static_cast<Op>(words[0]);
    for (const uint32_t jump : select_jumps(words)) targets_.push_back(at + jump);
    if (op == Op::kJump) targets_.push_back(at + words[1]);
    Word made = 0;
    switch (op) {
      case Op::kMove: made = known_[words[2]]; break;
      case Op::kGlobal: made = globals_.words[words[2]]; break;
      case Op::kField: made = field(known_[words[2]], words[3]); break;
      case Op::kGlobalField: made = field(globals_.words[words[2]], words[3]); break;
      default: break;
    }
    for_each_slot(words, [&](uint32_t slot, bool is_write) {
      if (is_write) known_[slot] = made;
    });
  }

  static Word field(Word word, uint32_t index) {
    return is_object(word, ObjectKind::kStruct) ? as_object(word)->fields[index] : 0;
  }
  static bool is_object(Word word, ObjectKind kind) {
    return word != 0 && is_pointer(word) && as_object(word)->kind() == kind;
  }

  const Code& function_;
  const Globals& globals_;
  std::vector<Word> known_;        ///< of each slot; 0 if nothing is known
  std::vector<uint32_t> targets_;  ///< of jumps, which lead forward
};

}  // namespace

bool PureCalls::reaches(const Code& code) const { return std::ranges::find(reached, &code) != reached.end(); }

PureCalls find_pure_calls(const Code& function, const Globals& globals) {
  PureCalls calls;
  if (!Follower(function, globals).add_calls(calls.reached)) return {};
  for (size_t i = 0; i < calls.reached.size(); ++i) {
    if (calls.reached.size() > kMostReached) return {};
    if (!Follower(*calls.reached[i], globals).add_calls(calls.reached)) return {};
  }
  calls.is_pure = true;
  return calls;
}

}  // namespace fble
