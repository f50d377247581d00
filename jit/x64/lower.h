// Lowering: emits the machine instructions of a trace whose registers are allocated.
//
// lower.cc has one case per row of jit/ir/ir_ops.def, lower_exits.cc the ways out, lower_counts.cc what is counted.
// assemble.cc makes the rest. Only for files of jit/x64.
//
// Tested by tests/unit/jit/x64/rows_test.cc and tests/unit/jit/x64/random_test.cc.
#pragma once

#include <asmjit/asmjit.h>

#include "jit/x64/assemble.h"
#include "jit/x64/regalloc.h"

namespace fble::x64 {

inline const asmjit::x86::Gp kFp = asmjit::x86::gpq(kFpRegister);
inline const asmjit::x86::Gp kThread = asmjit::x86::gpq(kThreadRegister);
inline const asmjit::x86::Gp kAp = asmjit::x86::gpq(kApRegister);

class Lowering {
 public:
  Lowering(asmjit::x86::Assembler& assembler, const Trace& trace, const Allocation& allocation,
           const AssembleOptions& options, const uint8_t* stubs);

  /// The data of an exit that are known before the code has its place.
  struct Exit {
    asmjit::Label stub;
    asmjit::Label pad;  ///< where the guard jumps, if that is not the stub: counts turns, then jumps as `jumps` says
    asmjit::Label flag;
    asmjit::Label force;   ///< the stub of a deopt point that forces its frames
    asmjit::Label resume;  ///< and the code after it
    bool has_flag = false;
    std::vector<size_t> jumps;  ///< offsets of displacements that can be redirected
    uint32_t ins = 0;
  };

  void run();
  /// Returns the entry for the interpreter, where all arguments are in their slots.
  const asmjit::Label& door() const { return door_.isValid() ? door_ : start_; }
  /// Returns the offset of the exits' stubs, which are the end of the code.
  size_t stubs_at() const { return stubs_at_; }

  std::vector<Exit> exits;
  std::vector<CodeOrigin> origins;
  std::vector<CodeRow> rows;  ///< with AssembleOptions::keep_code_map

 private:
  using Gp = asmjit::x86::Gp;
  using Mem = asmjit::x86::Mem;
  using Condition = asmjit::x86::CondCode;

  void entry();
  void note_entry();
  void count_pass(const uint64_t* counter);
  int register_for_turns() const;
  void exit_pads();
  void tally(const IrIns& ins, const InsPlan& plan);
  void lower(uint32_t i);
  void rest();
  void exit_stubs();
  void note_row(CodeRowKind kind, uint32_t index = 0, int32_t fp_slots = 0);
  void note_instruction(uint32_t i, int32_t fp_slots = 0);
  void note_return(CodeRowKind kind, uint32_t index, const IrIns& call, int32_t fp_slots);
  void note_exit(CodeRowKind kind, size_t exit, int32_t fp_slots = 0);

  // operands
  static Gp q(int reg);
  static Gp d(int reg);
  static Gp b(int reg);
  Mem memory(const Location& location) const;
  void load_word(int reg, Word word);
  void store_word(const Mem& to, Word word, int scratch);
  void move(const Move& move, int scratch);
  void copy(const Location& to, const Location& from, int scratch);
  void copy_register(int to, int from);
  void copy_to_memory(const Mem& to, const Location& from, int scratch);
  /// Loads the operand, wherever it is, into the register.
  void fetch(int reg, const Location& from);

  // exits
  Exit& exit_of(const InsPlan& plan);
  void note_jump(Exit& exit);
  void leave_if(const InsPlan& plan, Condition condition);
  void leave(const InsPlan& plan);
  void count_guard(const InsPlan& plan);
  void test_flag(const InsPlan& plan);
  void count_deopt_point(const IrIns& ins, const InsPlan& plan);
  void commit_allocation();

  // rows with more than a few instructions
  void compare(const InsPlan& plan, bool* swapped);
  void tag_guard(const IrIns& ins, const InsPlan& plan);
  void add(const IrIns& ins, const InsPlan& plan);
  void sub(const IrIns& ins, const InsPlan& plan);
  void mul(const IrIns& ins, const InsPlan& plan);
  void divide(const IrIns& ins, const InsPlan& plan);
  void divide_numbers(const IrIns& ins, const InsPlan& plan);
  void choose(const InsPlan& plan);
  void tag_in(const IrIns& ins, const InsPlan& plan);
  void bitwise(const IrIns& ins, const InsPlan& plan);
  void shift_left(const IrIns& ins, const InsPlan& plan);
  void pack_union(const IrIns& ins, const InsPlan& plan);
  void pack_fields(const IrIns& ins, const InsPlan& plan);
  void layout_guard(const IrIns& ins, const InsPlan& plan);
  void placed_field(const InsPlan& plan, int start, int bits);
  void packed_field(const IrIns& ins, const InsPlan& plan);
  void helper(const IrIns& ins, const InsPlan& plan);
  void recall(const IrIns& ins, const InsPlan& plan);
  void make_object(uint32_t i, const InsPlan& plan);
  void go_to_code(const IrIns& ins, const InsPlan& plan, bool calls);
  void call(uint32_t i, const InsPlan& plan);
  void loop_back(const IrIns& ins, const InsPlan& plan);
  void note_exact_bits(uint32_t i);
  int exact_bits(IrRef ref) const { return exact_bits_[index_of(ref)]; }
  std::span<const Location> list(const InsPlan& plan) const {
    return std::span(allocation_.operands).subspan(plan.list_begin, plan.list_end - plan.list_begin);
  }

  asmjit::x86::Assembler& a_;
  const Trace& trace_;
  const Allocation& allocation_;
  const AssembleOptions& options_;
  const uint8_t* stubs_;
  asmjit::Label start_;
  asmjit::Label door_;
  size_t stubs_at_ = 0;
  asmjit::Label loop_;
  int turns_register_ = kNoRegister;    ///< has the turns of the loop that are not counted yet, if a register is free
  int32_t pending_ = 0;                 ///< bytes of finished objects that are not yet added to ap
  std::vector<int32_t> object_offset_;  ///< of objects of the current group, from ap, by instruction
  std::vector<int8_t> exact_bits_;      ///< content bits of packed results if known to be always the same, else -1
};

}  // namespace fble::x64
