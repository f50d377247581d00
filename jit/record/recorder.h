// The recorder: watches the interpreter and translates its instructions to trace IR.
//
// Before each instruction `step` reads the live frames, appends the computation of
// the instruction, and guards for the conditions that it depends on. Inlined calls
// have shadow frames only: call frames whose slots hold references into the IR. A
// call that is not inlined ends the recording, and so do return and tail call of
// the root frame; an instruction that machine code does not support ends it with an
// exit before the instruction.
//
// A guard checks that a value has the representation of the watched run: packed or an
// object. So a trace knows the representation of each value that it uses, makes objects
// only when the interpreter would make them, and virtual objects need no case distinction
// at exits.
//
// Groups of recursive values (local recursive functions) are recorded if no code
// can run between declaration and definition: all their objects are made
// together at the definition, and guards inside leave to the declaration.
//
// Operations on integers are in jit/record/integers.h, selects of which both arms are computed in
// jit/record/record_selects.cc.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc and all of tests/lang in JIT modes.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "deopt/side_table.h"
#include "jit/abort_reasons.h"
#include "jit/record/appender.h"
#include "jit/record/exit_values.h"
#include "jit/record/shadow_frame.h"
#include "jit/record/slot_check.h"
#include "jit/record/straight_select.h"

namespace fble {

/// The target of a trace's last instruction, for logs.
enum class TraceLink : uint8_t { kNone, kReturn, kCall, kTailCall, kLoop, kInterpreter };
const char* trace_link_text(TraceLink link);

/// Returns whether a global is defined. Globals of modules that have not been evaluated yet are 0.
inline bool is_defined(Word global) { return global != 0 && !is_placeholder(global); }

/// The engine's decisions about calls.
class CallPolicy {
 public:
  virtual ~CallPolicy() = default;
  /// Returns whether to inline a call of the code.
  virtual bool may_inline(const Code& code) = 0;
  /// Returns whether to guard the function at the call site, where it is not the same at all calls.
  virtual bool may_guard_site(const uint32_t* site, const Code& code) = 0;
  /// Notes that the code calls itself, directly or through others.
  virtual void note_recursive(const Code& code) = 0;
};

/// The calls that are remembered.
class RememberedCalls {
 public:
  virtual ~RememberedCalls() = default;
  /// Returns the table of the function in which traces of `root` should look themselves; null if there is none.
  virtual MemoTable* table_of(const Code& function, const Code& root) = 0;
};

struct RecorderLimits {
  uint32_t max_instructions = 400;
  uint32_t max_snapshots = 96;
  uint32_t max_depth = 10;
};

class Recorder final : private Appender {
 public:
  /// `remembered` may be null.
  Recorder(Carrier& carrier, IrBuilder& builder, CallPolicy& policy, const RecorderLimits& limits,
           RememberedCalls* remembered = nullptr);

  /// Starts at a call of the code: carrier.pc is at its start.
  void start_function(Code& code);
  /// Starts at an exit of a trace, after which the interpreter continues.
  void start_bridge(const ExitEntry& entry, const struct BridgeStart& start);
  /// Starts after a call that has just returned to the interpreter.
  void start_continuation(const ExitEntry& entry, const struct BridgeStart& start);

  enum class Status : uint8_t { kRecording, kEnded, kAborted };
  /// Records the instruction at carrier.pc, which is about to run.
  Status step();

  /// Returns the code that the instruction is about to enter and in which the
  /// recording continues: it must be interpreted. Null if there is none.
  Code* entered() const { return entered_; }
  /// Returns whether the recorder has delivered the result of a remembered call or of a select instead of having the
  /// instruction run:
  /// the next one, at carrier.pc, is to be recorded before anything runs.
  bool has_moved() const { return has_moved_; }
  TraceLink link() const { return link_; }
  AbortReason abort_reason() const { return abort_reason_; }
  uint32_t steps() const { return steps_; }
  /// Returns whether integers of both signs are expected (jit/record/integers.h): a guard for naturals has failed
  /// before.
  bool mixed_signs() const { return mixed_signs_; }
  /// Returns whether the fields of packed structs are expected at different places: a guard for their layout has failed
  /// before.
  bool mixed_layouts() const { return mixed_layouts_; }
  /// Returns the functions whose cells the trace makes as the interpreter does as long as they may be words:
  /// Code::cells.
  const std::vector<const Code*>& cell_makers() const { return cell_makers_; }
  /// The tags that this bridge handles after its parent's guard on a tag. The dispatch table has
  /// checked them, so the bridge does not. No tags if it does not rely on that.
  struct Tags {
    uint32_t first = 0;
    uint32_t end = 0;
  };
  Tags tags() const { return tags_; }

 private:
  ShadowFrame& frame() { return frames_.back(); }
  Status end(TraceLink link);
  Status end_with_exit();
  static Facts facts_of_failed(const struct BridgeStart& start);
  void begin_sites(const ExitEntry& entry);
  void append_stack_check(uint32_t snapshot);
  void take_frames(const ExitEntry& entry, ExitValues& values, const ExitValues::Refs& virtuals);
  Status abort(AbortReason reason);

  // reading and writing shadow slots
  void check_slots();
  IrRef closure_ref();
  IrRef closure_ref(ShadowFrame& shadow);
  Operand operand(uint32_t slot);
  Operands operands(const uint32_t* slots, uint32_t count);
  void set(uint32_t slot, IrRef ref) { frame().slots[slot] = ref; }

  // appending
  void guard_code(IrRef func, Code* code);
  uint32_t snapshot() override;
  Snapshot make_snapshot(const uint32_t* pc, bool at_return);

  // data
  IrRef pointer(Operand value);
  IrRef make_object(Word header, Code* code, const Operands& fields);
  struct UnionShape {
    uint32_t tag;
    uint32_t width;
  };
  IrRef make_data(std::optional<UnionShape> shape, const Operands& fields, bool is_struct);
  IrRef make_union_struct(UnionShape shape, const Operands& fields);
  IrRef record_list(const Operands& elements);
  IrRef argument(Operand object, unsigned width);
  void select_tag(Operand object, unsigned width, uint32_t last);
  IrRef tag_in(Operand object, unsigned width, Word tags);
  bool record_straight_select(Operand object);
  void count_arms(const StraightSelect& select, const Operands& conditions);
  IrRef counted(IrRef a);
  std::pair<uint32_t, uint8_t> count_tag(IrRef value);
  uint32_t count_bits(IrRef a, IrRef b);
  bool expects_layout(Operand object, uint32_t count) const;
  void layout(Operand object, uint32_t count);
  IrRef choose_alike(Operand condition, Operand first, Operand second);
  IrRef struct_field(Operand object, uint32_t index, uint32_t count);
  Operand global(uint32_t index);
  Operand capture(uint32_t index);

  // calls
  struct CallSite {
    Operand func;
    Operands args;
    bool tail = false;
    uint32_t result_slot = 0;
    uint32_t distance = 0;           ///< to the callee's frame
    const uint32_t* next = nullptr;  ///< return position
  };
  Status record_call_at(const uint32_t* pc);
  Status record_call(CallSite site);
  Status record_exact_call(CallSite& site);
  Status deliver(const CallSite& site, IrRef result);
  Status end_with_call(IrRef func, Code* code, const Operands& args, int32_t base);
  Status end_with_tail_call(IrRef func, Code* code, const Operands& args);
  Status record_return(IrRef result);
  std::optional<Status> record_recall(const CallSite& site, Code* code);
  void enter_frame(const CallSite& site, Code* code);
  void push_frame(Code* code, IrRef closure, int32_t base, const Operands& args);
  void replace_frame(Code* code, IrRef closure, const Operands& args);
  bool on_stack(const Code* code) const;
  bool guard_return_words(const ShadowFrame& shadow);
  bool release_return_words();
  Status record_native();
  IrRef append_native(Code* code, const Operands& args);
  Word try_native(const Code& code, const Operands& args);
  void rely_on_tag(IrRef object, unsigned width, uint32_t tag, uint32_t last);

  // recursive values
  bool group_is_simple(const uint32_t* declare) const;
  Status record_define();
  bool is_token(IrRef ref) const { return index_of(ref) >= kFirstToken && ref != kNoRef; }

  Status record(const uint32_t* pc);

  static constexpr uint32_t kFirstToken = 0x80000000;

  CallPolicy& policy_;
  RememberedCalls* remembered_;
  const RecorderLimits limits_;
  std::vector<ShadowFrame> frames_;
  SlotCheck slot_check_;  ///< of debug builds
  Word* root_fp_ = nullptr;
  uint32_t snapshot_ = kNoSnapshot;
  bool mixed_signs_ = false;
  bool mixed_layouts_ = false;
  std::vector<const Code*> cell_makers_;
  // The operand of the guard on a tag at which the bridge starts, if it may rely on the tag.
  IrRef dispatched_ = kNoRef;
  uint32_t dispatch_width_ = 0;
  Tags tags_;
  uint32_t steps_ = 0;  ///< instructions before the current one
  uint32_t root_extent_ = 0;
  IrRef stack_check_ = kNoRef;
  Code* entered_ = nullptr;
  bool has_moved_ = false;
  bool is_behind_returns_ = false;  ///< behind a select of which both arms return
  bool failed_native_ = false;      ///< at the bridge's start, a native has failed or may have
  bool starts_unknown_ = false;     ///< the call at the bridge's start was found not to be remembered
  TraceLink link_ = TraceLink::kNone;
  AbortReason abort_reason_ = AbortReason::kNothingRecorded;

  // An open group: placeholders and objects are tokens until its definition.
  bool in_group_ = false;
  uint32_t group_snapshot_ = kNoSnapshot;
  std::vector<IrIns> group_objects_;
};

/// The data of a bridge's start beyond the side table's entry.
struct BridgeStart {
  uint32_t root_extent = 0;         ///< number of slots that the tree's root has checked for
  const Code* root_code = nullptr;  ///< the function whose entry is the tree's root
  // The guard that failed; for a bridge only.
  IrOp guard = IrOp::kExit;  ///< that failed
  Location operand;
  int32_t n = 0;
  uint32_t m = 0;
  bool mixed_signs = false;    ///< Recorder::mixed_signs of the parent
  bool mixed_layouts = false;  ///< likewise
  bool may_dispatch = false;   ///< see Recorder::tags
};

}  // namespace fble
