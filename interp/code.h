// Code: the bytecode of one function, with all that it refers to.
//
// Invariants (bytecode_verify checks the structural ones):
//  * slots 0..arity-1 are the arguments; every slot is written before it is read;
//  * `frame_slots` covers all slots and, for each call, the callee's header and arguments;
//  * code objects and their words never move and live as long as the program.
//
// Tested by tests/unit/interp/bytecode_verify_test.cc.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gc/object.h"
#include "interp/bytecode.h"
#include "interp/deopt_point.h"
#include "interp/loc.h"
#include "interp/tag_path.h"

namespace fble {

struct Carrier;
struct MachineState;
struct VirtualThread;
struct Code;
class NativeCall;

/// A bytecode handler, and the type of every address that calls and returns
/// jump to. The parameters are the machine registers that interpreter and
/// machine code share; interp/handler.h explains them.
#define FBLE_HANDLER_CC __attribute__((preserve_none))
struct HandlerTable;
typedef void(FBLE_HANDLER_CC* Handler)(const uint32_t* pc, Word* fp, Carrier* carrier, Word* ap,
                                       const HandlerTable* table, Word value);

/// The source location of the instruction that ends before `end` words.
struct LocEntry {
  uint32_t end;
  Loc loc;
};

/// A literal: letters as indices into an alphabet of nested tags, outermost first (spec 7.2).
struct LiteralData {
  std::vector<TagPath> alphabet;
  std::vector<uint32_t> letters;
  uint32_t global = 0;  ///< the program global that caches the list once made
};

/// A mention of a native: its name, and the location.
struct ForeignRef {
  std::string module;  ///< as in source: "/Std/Io/Env%"
  std::string name;
  Loc loc;
};

/// The C++ body of a native. Returns its result to the interpreter.
using NativeBody = Word (*)(NativeCall& call);

struct Code {
  Handler entry = nullptr;          ///< the target of calls, with fp at the new frame
  const uint32_t* start = nullptr;  ///< first instruction
  /// The target of machine code's calls, which have pushed the return address on the native stack
  /// (interp/native_stack.h). The first arguments are in registers and not in their slots (kArgumentRegisters); pc is
  /// not set.
  const void* native_entry = nullptr;
  /// For natives that need no frame: the target of Call1 to Call3 with the right
  /// number of arguments, still at the call itself and with the function in `value`.
  /// Mostly null.
  Handler direct = nullptr;
  uint32_t arity = 0;
  uint32_t frame_slots = 0;
  uint32_t capture_count = 0;
  /// True for code that only glues calls (partial applications and the like): no line in error traces.
  bool is_glue = false;
  std::unique_ptr<const struct Boundary> boundary;  ///< null but for some glue (interp/boundary.h)

  std::vector<uint32_t> words;
  std::vector<Word> constants;
  std::vector<Code*> functions;
  std::vector<LiteralData> literals;
  std::vector<ForeignRef> foreigns;
  std::vector<LocEntry> locs;  ///< ascending by end
  Symbol block;                ///< name in traces and profiles: "/A/B%.f"
  Loc loc;
  /// What Op::kUnionStruct makes of two fields (jit/engine/cells.h).
  struct Cells {
    bool are_objects = false;      ///< also where they would fit in a word
    bool had_word_tail = false;    ///< hot code has made one of a packed field and a packed one behind it
    bool had_object_tail = false;  ///< likewise, of a packed field and an object
  };
  Cells cells;
  NativeBody native = nullptr;  ///< what Op::kNativeBody calls
  NativeBody body = nullptr;    ///< of the same native: `native` may be something that asks for the turn first
  /// True if the native's result depends on its arguments only: NativeEffect::kPure.
  bool is_pure = false;
  Intrinsic intrinsic = Intrinsic::kNone;

  /// The closure of code without captures: a permanent object, never allocated again.
  struct {
    Word header;
    Word code;
  } function_object;

  std::unique_ptr<struct Liveness> liveness;  ///< null until it is computed (interp/liveness.h)
  size_t* liveness_bytes = nullptr;           ///< the program's count of such memory; null for code of no program

  /// The number of calls until the compiler is called (interp/engine_hooks.h). 0 wraps: practically never.
  uint32_t hotness = 0;
  /// The compiler's record of this code, 1 + index; 0 if it has none.
  uint32_t engine_index = 0;
  /// How often the instruction at each word has run; null if that is not counted (interp/instruction_counts.h).
  mutable uint64_t* counts = nullptr;

  Code();
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code();

  Word function_value() const { return reinterpret_cast<Word>(&function_object); }
  static Word from_code(const Code* code) { return reinterpret_cast<Word>(code); }

  /// Returns the location of the instruction at the word offset; line 0 if it is unknown.
  Loc loc_at(uint32_t offset) const;
  /// Returns the same, or if it is unknown the location of the function: an interrupt may come at any instruction.
  Loc place_at(uint32_t offset) const;
};

/// Returns the code object of a closure.
inline Code* closure_code(const Object* closure) { return reinterpret_cast<Code*>(closure->fields[0]); }

/// The module bodies of a program in order of evaluation, and its globals.
struct ProgramCode {
  std::deque<Code> codes;  ///< all code objects
  struct ModuleCode {
    std::string path;
    Code* body;       ///< arity 0; returns the module's value
    uint32_t global;  ///< the global that gets the value
  };
  std::vector<ModuleCode> modules;
  uint32_t global_count = 0;
  std::vector<std::string> global_names;
  std::vector<DeoptPoint> deopt_points;  ///< of Op::kDeoptPoint
  size_t liveness_bytes = 0;             ///< of all codes, since a machine was made for the program
};

/// Sets `entry` and `start` of code whose words are complete.
void finish_code(Code& code);

}  // namespace fble
