// Code: the bytecode of one function, with all that it refers to.
//
// Invariants (bytecode_verify checks what is structural):
//  * slots 0..arity-1 are the arguments; every slot is written before it is read;
//  * `frame_slots` covers all slots and, for each call, the callee's header and arguments;
//  * code objects and their words never move and live as long as the program.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gc/object.h"
#include "interp/loc.h"
#include "interp/mark.h"

namespace fble {

struct Thread;
struct Code;
class NativeCall;

enum class Op : uint32_t {
#define FBLE_OP(Name, text, operands, effects, doc) k##Name,
#include "interp/opcodes.def"
#undef FBLE_OP
  kCount
};

/// A native that interpreter and machine code know more about (interp/intrinsics.h).
enum class Intrinsic : uint8_t {
  kNone,
#define FBLE_INTRINSIC(Name, text, arity, effects, doc) k##Name,
#include "interp/intrinsics.def"
#undef FBLE_INTRINSIC
  kCount
};

/// A bytecode handler, and the type of every address that calls and returns
/// jump to. The parameters are the machine registers that interpreter and
/// machine code share; see interp/interpreter.h.
#define FBLE_HANDLER_CC __attribute__((preserve_none))
struct HandlerTable;
typedef void(FBLE_HANDLER_CC* Handler)(const uint32_t* pc, Word* fp, Thread* thread, Word* ap,
                                       const HandlerTable* table, Word value);

/// Where the instruction that ends before `end` words comes from.
struct LocEntry {
  uint32_t end;
  Loc loc;
};

struct TagPath {
  uint32_t tag;
  uint32_t tag_count;
};

/// A literal: letters as indices into an alphabet of nested tags, outermost first (spec 7.2).
struct LiteralData {
  std::vector<std::vector<TagPath>> alphabet;
  std::vector<uint32_t> letters;
  uint32_t global = 0;  ///< the program global that caches the list once made
};

/// A mention of a native: which, and where.
struct ForeignRef {
  std::string module;  ///< as in source: "/Std/Io/Env%"
  std::string name;
  Loc loc;
};

/// What a native's C++ body returns to the interpreter.
using NativeBody = Word (*)(NativeCall& call);

struct Code {
  Handler entry = nullptr;          ///< where calls jump, with fp at the new frame
  const uint32_t* start = nullptr;  ///< first instruction
  /// Where machine code's calls go, which have pushed the return address on the native stack
  /// (interp/handler.h).
  const void* native_entry = nullptr;
  /// For natives that need no frame: where Call1 to Call3 with as many arguments go,
  /// still at the call itself and with the function in `value`. Mostly null.
  Handler direct = nullptr;
  uint32_t arity = 0;
  uint32_t frame_slots = 0;
  uint32_t capture_count = 0;
  /// Set for code that only glues calls (partial applications and the like): no line in error traces.
  bool is_glue = false;

  std::vector<uint32_t> words;
  std::vector<Word> constants;
  std::vector<Code*> functions;
  std::vector<LiteralData> literals;
  std::vector<ForeignRef> foreigns;
  std::vector<LocEntry> locs;  ///< ascending by end
  Symbol block;                ///< name in traces and profiles: "/A/B%.f"
  Loc loc;
  NativeBody native = nullptr;
  /// The native's result depends on its arguments only: NativeEffect::kPure.
  bool is_pure = false;
  Intrinsic intrinsic = Intrinsic::kNone;

  /// The closure of code without captures: a permanent object, never allocated again.
  struct {
    Word header;
    Word code;
  } function_object;

  std::unique_ptr<struct Liveness> liveness;  ///< computed when first asked for

  /// Calls to go until the compiler is asked (interp/engine_hooks.h). 0 wraps: practically never.
  uint32_t hotness = 0;
  /// The compiler's record of this code, 1 + index; 0 if it has none.
  uint32_t engine_index = 0;

  Code();
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code();

  Word function_value() const { return reinterpret_cast<Word>(&function_object); }
  static Word from_code(const Code* code) { return reinterpret_cast<Word>(code); }

  /// Location of the instruction at the word offset; line 0 when unknown.
  Loc loc_at(uint32_t offset) const;
};

/// The code object of a closure.
inline Code* closure_code(const Object* closure) { return reinterpret_cast<Code*>(closure->fields[0]); }

/// The module bodies of a program in order of evaluation, and its globals.
struct ProgramCode {
  std::deque<Code> codes;  ///< all code objects
  struct ModuleCode {
    std::string path;
    Code* body;       ///< arity 0; returns the module's value
    uint32_t global;  ///< where the value goes
  };
  std::vector<ModuleCode> modules;
  uint32_t global_count = 0;
  std::vector<std::string> global_names;
  std::vector<Mark> marks;  ///< of Op::kMark
};

struct OpInfo {
  const char* name;
  const char* operands;
  const char* effects;
  const char* doc;
};
const OpInfo& op_info(Op op);

/// Operands that are as many words as the N operand before them says.
inline bool is_list_operand(char letter) { return letter == 'L' || letter == 'T' || letter == 'P' || letter == 'V'; }

/// What a word of a V list says where its value is; the rest of the word, from
/// kSourceShift on, is which.
enum class Source : uint32_t { kSlot, kWord, kCapture, kGlobal };
inline constexpr unsigned kSourceShift = 2;
inline Source source_kind(uint32_t source) { return static_cast<Source>(source & 3); }
inline constexpr uint32_t make_source(Source kind, uint32_t index) {
  return index << kSourceShift | static_cast<uint32_t>(kind);
}

/// Number of words of the instruction at `words`.
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

/// The jump table of a select, empty for other instructions.
inline std::span<const uint32_t> select_jumps(const uint32_t* words) {
  if (words[0] == static_cast<uint32_t>(Op::kSelect)) return {words + 4, words[3]};
  if (words[0] == static_cast<uint32_t>(Op::kSelectArg)) return {words + 5, words[4]};
  return {};
}

}  // namespace fble
