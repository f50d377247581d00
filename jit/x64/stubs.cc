#include "jit/x64/stubs.h"

#include <asmjit/asmjit.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "interp/foreign.h"
#include "interp/intrinsics.h"
#include "interp/native_stack.h"
#include "interp/offsets.h"
#include "interp/whereabouts.h"
#include "jit/ir/stride_table.h"
#include "jit/x64/regs.h"

namespace fble::x64 {

using namespace offsets;

namespace {

using asmjit::imm;
using asmjit::x86::gpd;
using asmjit::x86::gpq;
using asmjit::x86::qword_ptr;

const auto kThread = gpq(kThreadRegister);

/// Computes an intrinsic for traces that do not compute it themselves. The arguments are
/// in registers[], and so is the result afterwards.
void fold_in_place(Carrier* carrier) {
  Word* words = carrier->exit_state.registers;
  words[0] = fold_packed(static_cast<Intrinsic>(words[kHelperNumberAt]), words);
}

/// Returns the distance of a field from the start of `machine_call`.
template <typename Field>
int32_t offset_in_call(const Field& field) {
  static_assert(sizeof field == 8);
  return static_cast<int32_t>(reinterpret_cast<const char*>(&field) - reinterpret_cast<const char*>(&machine_call));
}

/// Notes where machine code calls C++, for those who look from outside. `address` is a register with the address,
/// `native_stack` one with the native stack, or none; rax is changed.
void emit_note_call(asmjit::x86::Assembler& a, int address, int native_stack) {
  a.mov(gpq(kRax), imm(reinterpret_cast<uint64_t>(&machine_call)));
  a.mov(qword_ptr(gpq(kRax), offset_in_call(machine_call.fp)), gpq(kFpRegister));
  if (native_stack == kNoRegister) {
    a.mov(qword_ptr(gpq(kRax), offset_in_call(machine_call.native_stack)), 0);
  } else {
    a.mov(qword_ptr(gpq(kRax), offset_in_call(machine_call.native_stack)), gpq(native_stack));
  }
  a.mov(qword_ptr(gpq(kRax), offset_in_call(machine_call.address)), gpq(address));
}

/// Stores the registers of an exit; the return address in the trace is in rsi afterwards.
void emit_save_state(asmjit::x86::Assembler& a) {
  for (int reg = 0; reg < kRegisterCount; ++reg) a.mov(qword_ptr(kThread, register_offset(reg)), gpq(reg));
  a.mov(gpq(kRsi), qword_ptr(gpq(kRsp)));
}

/// Emits the writing of return words, of those on the native stack from r9 on, and cuts the native stack off. Changes
/// the registers that write_return_words does.
void emit_cut_off(asmjit::x86::Assembler& a) {
  a.mov(gpq(kR10), gpq(kFpRegister));
  a.mov(gpq(kRax), imm(reinterpret_cast<uint64_t>(&write_return_words)));
  a.call(gpq(kRax));
  a.mov(gpq(kRsp), qword_ptr(kThread, kNativeStack));
}

/// Emits the counting of the pushes of a sled (jit/x64/exit_site.h), which are above the return address: to rdx. r9 is
/// the address of the word above them afterwards.
void emit_count_pushes(asmjit::x86::Assembler& a) {
  const asmjit::Label next = a.newLabel();
  const asmjit::Label counted = a.newLabel();
  a.lea(gpq(kR9), qword_ptr(gpq(kRsp), 8));
  a.bind(next);
  a.lea(gpq(kRax), qword_ptr(gpq(kR9), 8));
  a.cmp(gpq(kRax), qword_ptr(gpq(kR9)));
  a.jne(counted);
  a.mov(gpq(kR9), gpq(kRax));
  a.jmp(next);
  a.bind(counted);
  a.lea(gpq(kRdx), qword_ptr(gpq(kR9), -8));
  a.sub(gpq(kRdx), gpq(kRsp));
  a.shr(gpq(kRdx), 3);
}

/// Emits the common part of every exit, which a sled calls.
void emit_exit_common(asmjit::x86::Assembler& a, const RuntimeEntries& runtime, const asmjit::Label& left) {
  emit_save_state(a);
  emit_count_pushes(a);
  emit_cut_off(a);
  // The engine knows better when it has found the exit; until then, the frame is enough.
  if (runtime.notes_calls) emit_note_call(a, kFpRegister, kNoRegister);
  a.mov(gpq(kRdi), kThread);
  a.sub(gpq(kRsp), 8);  // aligned for the C++ convention
  a.mov(gpq(kRax), imm(reinterpret_cast<uint64_t>(runtime.leave)));
  a.call(gpq(kRax));
  a.add(gpq(kRsp), 8);
  a.bind(left);
  a.mov(gpq(kPcRegister), qword_ptr(kThread, kCarrierPc));
  a.mov(gpq(kFpRegister), qword_ptr(kThread, kCarrierFp));
  a.mov(gpq(kApRegister), qword_ptr(kThread, kCarrierAp));
  a.mov(gpq(kTableRegister), qword_ptr(kThread, kTable));
  a.mov(gpq(kValueRegister), qword_ptr(kThread, kCarrierValue));
  a.mov(gpd(kRax), asmjit::x86::dword_ptr(gpq(kPcRegister)));
  a.jmp(qword_ptr(gpq(kTableRegister), gpq(kRax), 3, kHandlers));
}

/// Emits the shared stub of deopt points that force their frames, called with the number of the exit on the native
/// stack: it saves the state, calls the observer, and resumes or leaves. If machine code continues, it is as if the
/// interpreter had entered it.
void emit_force_common(asmjit::x86::Assembler& a, const RuntimeEntries& runtime, const asmjit::Label& left) {
  emit_save_state(a);
  a.mov(gpd(kRdx), asmjit::x86::dword_ptr(gpq(kRsp), 8));
  a.lea(gpq(kR9), qword_ptr(gpq(kRsp), 16));
  emit_cut_off(a);
  if (runtime.notes_calls) emit_note_call(a, kFpRegister, kNoRegister);
  a.mov(gpq(kRbx), gpq(kRsi));
  a.mov(gpq(kRdi), kThread);
  a.sub(gpq(kRsp), 8);  // aligned for the C++ convention
  a.mov(gpq(kRax), imm(reinterpret_cast<uint64_t>(runtime.force)));
  a.call(gpq(kRax));
  a.add(gpq(kRsp), 8);
  a.test(gpd(kRax).r8(), gpd(kRax).r8());
  a.jz(left);
  emit_push_return_by_frame(a);
  a.push(gpq(kRbx));  // the address to continue at
  for (int reg = 0; reg < kRegisterCount; ++reg) {
    if (reg != kRsp && reg != kThreadRegister) a.mov(gpq(reg), qword_ptr(kThread, register_offset(reg)));
  }
  a.ret();
}

/// Emits the end of all entries of functions where the stack is too small, or attention is requested.
void emit_slow_entry(asmjit::x86::Assembler& a, const RuntimeEntries& runtime) {
  // As many words as there may be: see leave_by_call.
  for (size_t k = 0; k < kArgumentRegisters.size(); ++k) {
    a.mov(qword_ptr(gpq(kFpRegister), slot_offset(static_cast<int32_t>(k))), gpq(kArgumentRegisters[k]));
  }
  a.mov(gpq(kR9), gpq(kRsp));
  emit_cut_off(a);
  a.mov(gpq(kRax), imm(reinterpret_cast<uint64_t>(runtime.checked_entry)));
  a.jmp(gpq(kRax));
}

/// Calls a pure native for traces: arguments and result likewise, objects from carrier->ap.
void run_native_in_place(Carrier* carrier) {
  Word* words = carrier->exit_state.registers;
  NativeCall call(*carrier, words, carrier->ap, NativeCall::Mode::kTrial);
  words[0] = reinterpret_cast<const Code*>(words[kHelperNumberAt])->native(call);
  if (words[0] != 0) carrier->ap = call.allocation_pointer();
}

/// Works out a row of a stride table for its machine code. The key is in the first register, the table where the number
/// of a helper is. The result is there as well: 0 if the table is full.
void fill_in_place(Carrier* carrier) {
  Word* words = carrier->exit_state.registers;
  StrideTable& table = *reinterpret_cast<StrideTable*>(words[kHelperNumberAt]);
  words[0] = table.fill(table, static_cast<uint32_t>(words[0])) ? 1 : 0;
}

/// The registers that helpers save on the native stack, in this order.
constexpr int kSaved[] = {kRax, kRcx, kRdx, kRbx, kRsi, kRdi, kR8, kR9, kR10, kR11};
constexpr int32_t kBytesSaved = 8 * static_cast<int32_t>(std::size(kSaved));
/// Returns the distance of a saved register from the stack pointer after all have been saved.
constexpr int32_t saved_at(int reg) {
  const auto* const found = std::find(std::begin(kSaved), std::end(kSaved), reg);
  return 8 * static_cast<int32_t>(std::end(kSaved) - found - 1);
}

/// Calls a C++ function and changes no register: traces that call it need not make room.
template <typename BeforeCall>
void emit_helper(asmjit::x86::Assembler& a, const void* function, bool notes_call, BeforeCall&& before_call) {
  for (const int reg : kSaved) a.push(gpq(reg));
  a.mov(gpq(kRbx), gpq(kRsp));
  a.and_(gpq(kRsp), -16);
  before_call();
  if (notes_call) {
    a.mov(gpq(kRdi), qword_ptr(gpq(kRbx), kBytesSaved));  // the return address, in the call's row
    a.sub(gpq(kRdi), 1);
    a.lea(gpq(kRsi), qword_ptr(gpq(kRbx), kBytesSaved + 8));
    emit_note_call(a, kRdi, kRsi);
  }
  a.mov(gpq(kRdi), kThread);
  a.mov(gpq(kRax), imm(reinterpret_cast<uint64_t>(function)));
  a.call(gpq(kRax));
  if (notes_call) {
    a.mov(gpq(kRax), imm(reinterpret_cast<uint64_t>(&machine_call.address)));
    a.mov(qword_ptr(gpq(kRax)), 0);
  }
  a.mov(gpq(kRsp), gpq(kRbx));
  for (size_t i = std::size(kSaved); i-- > 0;) a.pop(gpq(kSaved[i]));
  a.ret();
}

void emit_fold_helper(asmjit::x86::Assembler& a, const RuntimeEntries& runtime) {
  emit_helper(a, reinterpret_cast<const void*>(&fold_in_place), runtime.notes_calls, [] {});
}

void emit_stride_helper(asmjit::x86::Assembler& a, const RuntimeEntries& runtime) {
  emit_helper(a, reinterpret_cast<const void*>(&fill_in_place), runtime.notes_calls, [] {});
}

/// Emits the call of a native. Objects are made from ap on: carrier->ap has the new ap afterwards.
void emit_native_helper(asmjit::x86::Assembler& a, const RuntimeEntries& runtime) {
  emit_helper(a, reinterpret_cast<const void*>(&run_native_in_place), runtime.notes_calls,
              [&] { a.mov(qword_ptr(kThread, kCarrierAp), gpq(kApRegister)); });
}

/// Emits the note of an entry, with its arguments. The trace's number is in kHelperNumber.
void emit_note_entry(asmjit::x86::Assembler& a, const RuntimeEntries& runtime) {
  emit_helper(a, reinterpret_cast<const void*>(runtime.entered), false, [&] {
    a.mov(qword_ptr(kThread, register_offset(kFpRegister)), gpq(kFpRegister));
    a.mov(qword_ptr(kThread, register_offset(kValueRegister)), gpq(kValueRegister));
    // rbx has been changed: the argument in it is on the stack.
    for (const int reg : kArgumentRegisters) {
      if (reg == kRbx) a.mov(gpq(kRax), qword_ptr(gpq(kRbx), saved_at(kRbx)));
      a.mov(qword_ptr(kThread, register_offset(reg)), gpq(reg == kRbx ? kRax : reg));
    }
    a.mov(gpd(kRsi), asmjit::x86::dword_ptr(kThread, kHelperNumber));
  });
}

void emit_enter_trace(asmjit::x86::Assembler& a) {
  emit_push_return_by_frame(a);
  a.push(gpq(kPcRegister));
  for (const int reg : {kRax, kRcx, kRdx, kRbx, kRsi, kR8, kR9, kR10, kR11, kR12}) {
    a.mov(gpq(reg), qword_ptr(kThread, register_offset(reg)));
  }
  a.ret();
}

}  // namespace

void emit_check_packed(asmjit::x86::Assembler& a, uint32_t arity, const asmjit::Label& otherwise) {
  a.mov(gpd(kRax), argument_register(0).r32());
  for (uint32_t k = 1; k < arity; ++k) a.and_(gpd(kRax), argument_register(k).r32());
  a.test(gpd(kRax), 1);
  a.jz(otherwise);
}

asmjit::x86::Mem counter_of_row(asmjit::x86::Assembler& a, Register row, Register other, const void* rows,
                                const uint64_t* counters, unsigned shift) {
  const auto rows_at = reinterpret_cast<uint64_t>(rows);
  FBLE_ASSERT(rows_at % (uint64_t{1} << shift) == 0);
  a.shr(gpq(row), shift);
  const auto distance = static_cast<int64_t>(reinterpret_cast<uint64_t>(counters) - (rows_at >> shift));
  if (distance == static_cast<int32_t>(distance)) return qword_ptr(gpq(row), static_cast<int32_t>(distance));
  a.mov(gpq(other), imm(distance));
  return qword_ptr(gpq(other), gpq(row));
}

const uint8_t* install(asmjit::CodeHolder& holder, CodeCache& cache) {
  holder.flatten();
  holder.resolveUnresolvedLinks();
  if (holder.relocateToBase(reinterpret_cast<uint64_t>(cache.next_address())) != 0) return nullptr;
  const asmjit::CodeBuffer& buffer = holder.textSection()->buffer();
  return cache.install({buffer.data(), buffer.size()});
}

void emit_push_return_by_frame(asmjit::x86::Assembler& a) {
  const auto address = reinterpret_cast<int64_t>(&return_by_frame);
  if (address == static_cast<int32_t>(address)) {
    a.push(imm(address));
  } else {
    a.mov(gpq(kRax), imm(address));
    a.push(gpq(kRax));
  }
}

namespace {

/// Returns the code of the stubs at an address; nothing if that fails.
std::vector<uint8_t> assemble_stubs(const uint8_t* at, const RuntimeEntries& runtime) {
  asmjit::CodeHolder holder;
  if (holder.init(asmjit::Environment::host(), reinterpret_cast<uint64_t>(at)) != 0) return {};
  asmjit::x86::Assembler a(&holder);
  // Addresses have 4 or 8 bytes, depending on how the program is linked.
  const auto begin = [&](uint32_t offset) {
    if (a.offset() > offset) FBLE_BUG("a stub has grown into the next one");
    a.embedUInt8(0xcc, offset - a.offset());
  };
  const asmjit::Label left = a.newLabel();
  emit_exit_common(a, runtime, left);
  begin(kFoldHelper);
  emit_fold_helper(a, runtime);
  begin(kEnterTrace);
  emit_enter_trace(a);
  begin(kNoteEntry);
  emit_note_entry(a, runtime);
  begin(kNativeHelper);
  emit_native_helper(a, runtime);
  begin(kForceCommon);
  emit_force_common(a, runtime, left);
  begin(kSlowEntry);
  emit_slow_entry(a, runtime);
  begin(kStrideHelper);
  emit_stride_helper(a, runtime);
  begin(kStubBytes);
  const asmjit::CodeBuffer& buffer = holder.textSection()->buffer();
  return {buffer.begin(), buffer.end()};
}

}  // namespace

bool ensure_stubs(CodeCache& cache, const RuntimeEntries& runtime) {
  if (cache.used() != 0) return true;
  if (!cache.usable()) return false;
  // A process that makes one machine after the other gets the same memory for all (KeptMappings).
  struct Latest {
    const uint8_t* at = nullptr;
    RuntimeEntries runtime;
    std::vector<uint8_t> code;
  };
  thread_local Latest latest;
  const uint8_t* const at = cache.next_address();
  if (latest.at != at || latest.runtime != runtime) latest = {at, runtime, assemble_stubs(at, runtime)};
  return !latest.code.empty() && cache.install(latest.code) != nullptr;
}

const uint8_t* stubs_of(const CodeCache& cache) {
  // The cache is contiguous from its first byte.
  return cache.next_address() - (cache.used() + 15) / 16 * 16;
}

}  // namespace fble::x64

namespace fble {

std::string_view shared_code_name(const AssembledTrace& code, const uint8_t* target) {
  struct Stub {
    uint32_t start;
    std::string_view name;
  };
  constexpr Stub kStubs[] = {{x64::kExitCommon, "exit_common"},     {x64::kFoldHelper, "fold_helper"},
                             {x64::kEnterTrace, "enter_trace"},     {x64::kNoteEntry, "note_entry"},
                             {x64::kNativeHelper, "native_helper"}, {x64::kForceCommon, "force_common"},
                             {x64::kSlowEntry, "slow_entry"},       {x64::kStrideHelper, "stride_helper"}};
  if (target < code.stubs || target >= code.stubs + x64::kStubBytes) return "other code";
  const auto offset = static_cast<uint32_t>(target - code.stubs);
  return std::prev(std::ranges::upper_bound(kStubs, offset, {}, &Stub::start))->name;
}

const void* exit_common(const CodeCache& cache) { return x64::stubs_of(cache) + x64::kExitCommon; }

Handler trace_entry(const CodeCache& cache) {
  return reinterpret_cast<Handler>(const_cast<uint8_t*>(x64::stubs_of(cache) + x64::kEnterTrace));
}

}  // namespace fble
