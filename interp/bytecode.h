// Bytecode: the instructions of opcodes.def, and how they are decoded.
//
// An instruction is an opcode word followed by its operand words. The row of the opcode
// has a letter per operand; the N operand before a list has its length in words. Jumps
// lead forward only.
//
// Tested by tests/unit/interp/bytecode_text_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace fble {

enum class Op : uint32_t {
#define FBLE_OP(Name, text, operands, effects, doc) k##Name,
#include "interp/opcodes.def"
#undef FBLE_OP
  kCount
};

/// A native that interpreter and machine code implement themselves (interp/intrinsics.h).
enum class Intrinsic : uint8_t {
  kNone,
#define FBLE_INTRINSIC(Name, text, arity, effects, doc) k##Name,
#include "interp/intrinsics.def"
#undef FBLE_INTRINSIC
  kCount
};

struct OpInfo {
  const char* name;
  const char* operands;
  const char* effects;
  const char* doc;
};
const OpInfo& op_info(Op op);

/// Returns whether the activation ends with the instruction: a return, a tail call, a halt.
inline bool op_ends_activation(Op op) {
  return std::string_view(op_info(op).effects).find('t') != std::string_view::npos;
}

/// Returns whether the operand is a list: the N operand before it has its length in words.
inline bool is_list_operand(char letter) { return letter == 'L' || letter == 'T' || letter == 'P' || letter == 'V'; }

/// The kind of source that a word of a V list names; the bits from kSourceShift
/// on are its index or value.
enum class Source : uint32_t { kSlot, kWord, kCapture, kGlobal };
inline constexpr unsigned kSourceShift = 2;
inline Source source_kind(uint32_t source) { return static_cast<Source>(source & 3); }
inline constexpr uint32_t make_source(Source kind, uint32_t index) {
  return index << kSourceShift | static_cast<uint32_t>(kind);
}

/// Returns the number of words of the instruction at `words`.
uint32_t instruction_length(const uint32_t* words);

/// Calls `visit(letter, at)` for each operand word, the elements of lists one by
/// one: `letter` is that of the row, `at` the distance from the opcode. Returns the
/// number of words of the instruction.
template <typename Visit>
uint32_t for_each_operand(const uint32_t* words, Visit&& visit) {
  uint32_t at = 1;
  uint32_t list = 0;
  for (const char* operand = op_info(static_cast<Op>(words[0])).operands; *operand != 0; ++operand) {
    if (is_list_operand(*operand)) {
      for (uint32_t i = 0; i < list; ++i) visit(*operand, at++);
    } else {
      if (*operand == 'N') list = words[at];
      visit(*operand, at++);
    }
  }
  return at;
}

/// Calls `visit(slot, is_write)` for the slots that the instruction reads and writes. While a group of recursive values
/// is open its slots are needed, so its end reads them. Returns the number of words of the instruction.
template <typename Visit>
uint32_t for_each_slot(const uint32_t* words, Visit&& visit) {
  const bool is_declare = words[0] == static_cast<uint32_t>(Op::kDeclare);
  uint32_t count = 0;
  return for_each_operand(words, [&](char letter, uint32_t at) {
    const uint32_t word = words[at];
    switch (letter) {
      case 'N': count = word; break;
      case 'D': visit(word, true); break;
      case 'R':
        for (uint32_t i = 0; i < count; ++i) visit(word + i, is_declare);
        break;
      case 'S':
      case 'L': visit(word, false); break;
      case 'P':
        if ((word & 1) == 0) visit(word >> 1, false);
        break;
      case 'V':
        if (source_kind(word) == Source::kSlot) visit(word >> kSourceShift, false);
        break;
      default: break;
    }
  });
}

/// Returns the jump table of a select, empty for other instructions.
inline std::span<const uint32_t> select_jumps(const uint32_t* words) {
  if (words[0] == static_cast<uint32_t>(Op::kSelect)) return {words + 4, words[3]};
  if (words[0] == static_cast<uint32_t>(Op::kSelectArg)) return {words + 5, words[4]};
  return {};
}

}  // namespace fble
