#include "jit/x64/stride_code.h"

#include <asmjit/asmjit.h>

#include <bit>
#include <cstddef>

#include "interp/offsets.h"
#include "jit/x64/regs.h"
#include "jit/x64/stubs.h"

namespace fble {

namespace {

using namespace x64;
using asmjit::imm;
using asmjit::x86::dword_ptr;
using asmjit::x86::gpb;
using asmjit::x86::gpd;
using asmjit::x86::gpq;
using asmjit::x86::qword_ptr;

// The arguments are on the native stack, and move along in other registers.
constexpr Register kMoving[kMostStrideArguments] = {kR8, kR9, kR10};
constexpr Register kBits = kRsi;   // of the result
constexpr Register kWidth = kR11;  // their number in the lowest byte, then the number of steps
constexpr Register kState = kR12;  // StrideRow::next
constexpr Register kRow = kRdi;
constexpr Register kRows = kRcx;
constexpr Register kKey = kRax;
constexpr Register kOther = kRdx;
constexpr Register kTimes = kRbx;  // while instructions are counted: how often a row is used

asmjit::x86::Mem in_row(size_t offset) { return dword_ptr(gpq(kRow), static_cast<int32_t>(offset)); }

/// Emits what makes the key from the registers and the state.
void emit_key(asmjit::x86::Assembler& a, uint32_t arity, unsigned bits) {
  const int32_t longer = 2 << bits;
  for (uint32_t k = arity; k-- > 0;) {
    const Register to = k + 1 == arity ? kKey : kOther;
    a.mov(gpd(to), gpd(kMoving[k]));
    a.and_(gpd(to), longer - 1);
    a.or_(gpd(to), longer);
    a.cmp(gpq(kMoving[k]), longer);
    a.cmovb(gpd(to), gpd(kMoving[k]));
    if (to == kKey) continue;
    a.shl(gpd(kKey), 8);
    a.or_(gpd(kKey), gpd(kOther));
  }
  for (uint32_t k = arity; k < kMostStrideArguments; ++k) a.or_(gpd(kKey), static_cast<int32_t>(kUnitWord << (8 * k)));
  a.or_(gpd(kKey), gpd(kState));
}

/// Emits what loads the address of the first row that the key may be in.
void emit_first_row(asmjit::x86::Assembler& a) {
  a.imul(gpd(kRow), gpd(kKey), imm(static_cast<int32_t>(StrideTable::kHashFactor)));
  a.shr(gpd(kRow), 32 - StrideTable::kIndexBits);
  a.shl(gpd(kRow), kStrideRowShift);
  a.add(gpq(kRow), gpq(kRows));
}

/// Emits what adds kTimes to the counter of the row, if there are counters. Changes kKey and kOther.
void emit_count_row(asmjit::x86::Assembler& a, const StrideTable& table) {
  if (table.uses == nullptr) return;
  a.mov(gpq(kKey), gpq(kRow));
  a.add(counter_of_row(a, kKey, kOther, table.rows, table.uses.get(), kStrideCounterShift), gpq(kTimes));
}

/// Emits what moves the registers on as the row says.
void emit_move_on(asmjit::x86::Assembler& a, uint32_t arity) {
  a.mov(gpd(kState), in_row(offsetof(StrideRow, next)));
  for (uint32_t k = 0; k < arity; ++k) {
    a.movzx(gpd(kKey), asmjit::x86::byte_ptr(gpq(kRow), static_cast<int32_t>(offsetof(StrideRow, shifts) + k)));
    a.shrx(gpq(kMoving[k]), gpq(kMoving[k]), gpq(kKey));
    a.mov(gpd(kKey), in_row(offsetof(StrideRow, constants) + k * sizeof(uint32_t)));
    a.or_(gpq(kMoving[k]), gpq(kKey));
  }
}

/// Returns the place of an argument on the native stack.
asmjit::x86::Mem pushed_argument(uint32_t arity, uint32_t k, uint32_t above = 0) {
  return qword_ptr(gpq(kRsp), static_cast<int32_t>((arity - 1 - k + above) * sizeof(Word)));
}

/// Emits a function that walks from the moving registers along rows that exist, kWidth of them at most, and counts each
/// kTimes times. kRows has the address of the rows.
void emit_walk_again(asmjit::x86::Assembler& a, uint32_t arity, const StrideTable& table) {
  const asmjit::Label step = a.newLabel();
  const asmjit::Label search = a.newLabel();
  const asmjit::Label found = a.newLabel();
  const asmjit::Label end = a.newLabel();
  a.xor_(gpd(kState), gpd(kState));
  a.bind(step);
  emit_key(a, arity, table.bits);
  emit_first_row(a);
  a.bind(search);
  a.cmp(in_row(offsetof(StrideRow, key)), gpd(kKey));
  a.je(found);
  a.add(gpq(kRow), imm(sizeof(StrideRow)));
  a.jmp(search);
  a.bind(found);
  emit_count_row(a, table);
  emit_move_on(a, arity);
  a.dec(gpd(kWidth));
  a.jz(end);
  a.test(gpd(kState), imm((1u << kStateShift) - 1));
  a.jz(step);
  a.bind(end);
  a.ret();
}

/// Emits what stores the call in its memo if that wants it. The result is in kValueRegister, the arguments are on the
/// native stack. Changes all registers but the result.
void emit_remember(asmjit::x86::Assembler& a, uint32_t arity, MemoTable& memo, const asmjit::Label& walk_again) {
  const asmjit::Label store = a.newLabel();
  const asmjit::Label done = a.newLabel();
  const Register wanted = kRdi;
  const auto in_wanted = [&](size_t offset) { return qword_ptr(gpq(wanted), static_cast<int32_t>(offset)); };
  const auto argument = [&](uint32_t k) { return in_wanted(offsetof(MemoRow, arguments) + k * sizeof(Word)); };
  load_address(a, kRax, &memo.wanted);
  a.mov(gpq(wanted), qword_ptr(gpq(kRax)));
  a.test(gpq(wanted), gpq(wanted));
  a.jz(done);
  a.mov(qword_ptr(gpq(kRax)), 0);
  // The hits of the call that was there before count as walks.
  a.mov(gpq(kRax), gpq(wanted));
  load_address(a, kRdx, memo.rows.get());
  a.sub(gpq(kRax), gpq(kRdx));
  a.shr(gpq(kRax), kMemoCounterShift);
  load_address(a, kRdx, memo.row_hits.get());
  a.add(gpq(kRax), gpq(kRdx));
  a.mov(gpq(kTimes), qword_ptr(gpq(kRax)));
  a.test(gpq(kTimes), gpq(kTimes));
  a.jz(store);
  a.mov(qword_ptr(gpq(kRax)), 0);
  for (uint32_t k = 0; k < arity; ++k) a.mov(gpq(kMoving[k]), argument(k));
  a.mov(gpd(kWidth), imm(static_cast<int32_t>(kStrideSteps / kStrideStep)));
  a.push(gpq(wanted));
  a.call(walk_again);
  a.pop(gpq(wanted));
  a.bind(store);
  for (uint32_t k = 0; k < arity; ++k) {
    a.mov(gpq(kRax), pushed_argument(arity, k));
    a.mov(argument(k), gpq(kRax));
  }
  a.mov(in_wanted(offsetof(MemoRow, result)), gpq(kValueRegister));
  a.bind(done);
}

/// Emits what takes back the rows that a walk which fails has counted: the number of steps is in kWidth.
void emit_take_back(asmjit::x86::Assembler& a, uint32_t arity, MemoTable& memo, const asmjit::Label& walk_again) {
  const asmjit::Label done = a.newLabel();
  load_address(a, kRax, &memo.wanted);
  a.mov(qword_ptr(gpq(kRax)), 0);
  a.shr(gpd(kWidth), std::countr_zero(kStrideStep));
  a.jz(done);
  for (uint32_t k = 0; k < arity; ++k) a.mov(gpq(kMoving[k]), pushed_argument(arity, k));
  a.mov(gpq(kTimes), imm(-1));
  a.call(walk_again);
  a.bind(done);
}

}  // namespace

StrideCode assemble_strides(CodeCache& cache, const RuntimeEntries& runtime, const Code& function, StrideTable& table,
                            MemoTable& memo, uint32_t trial) {
  if (!ensure_stubs(cache, runtime)) return {};
  asmjit::CodeHolder holder;
  const uint8_t* base = cache.next_address();
  if (holder.init(asmjit::Environment::host(), reinterpret_cast<uint64_t>(base)) != 0) return {};
  asmjit::x86::Assembler a(&holder);
  const asmjit::Label step = a.newLabel();
  const asmjit::Label find = a.newLabel();
  const asmjit::Label search = a.newLabel();
  const asmjit::Label other = a.newLabel();
  const asmjit::Label end = a.newLabel();
  const asmjit::Label in_register[kMostStrideArguments] = {a.newLabel(), a.newLabel(), a.newLabel()};
  const asmjit::Label fail = a.newLabel();
  const asmjit::Label pointer = a.newLabel();
  const asmjit::Label off = a.newLabel();
  const asmjit::Label direct = a.newLabel();
  const asmjit::Label walk_again = a.newLabel();
  const bool counts = table.uses != nullptr;

  const auto emit_set_to_direct = [&](const void** target) {
    load_address(a, kRax, target);
    a.mov(qword_ptr(gpq(kRax)), gpq(kR9));
  };
  const auto emit_turn_off = [&] {
    a.lea(gpq(kR9), asmjit::x86::ptr(direct));
    emit_set_to_direct(&table.target);
  };

  emit_check_packed(a, function.arity, pointer);
  for (uint32_t k = 0; k < function.arity; ++k) {
    a.push(argument_register(k));
    a.mov(gpq(kMoving[k]), argument_register(k));
  }
  load_address(a, kRows, &table.rows);
  a.mov(gpq(kRows), qword_ptr(gpq(kRows)));
  a.xor_(gpd(kBits), gpd(kBits));
  a.xor_(gpd(kWidth), gpd(kWidth));
  a.xor_(gpd(kState), gpd(kState));
  if (counts) a.mov(gpd(kTimes), 1);

  a.bind(step);
  emit_key(a, function.arity, table.bits);
  a.bind(find);
  emit_first_row(a);
  a.bind(search);
  a.cmp(in_row(offsetof(StrideRow, key)), gpd(kKey));
  a.jne(other);
  emit_count_row(a, table);
  a.mov(gpd(kKey), in_row(offsetof(StrideRow, bits)));
  a.shlx(gpq(kKey), gpq(kKey), gpq(kWidth));
  a.or_(gpq(kBits), gpq(kKey));
  a.add(gpd(kWidth), in_row(offsetof(StrideRow, width)));
  emit_move_on(a, function.arity);
  a.cmp(asmjit::x86::gpb(kWidth), kMaxPackedBits);
  a.ja(fail);
  a.test(gpd(kWidth), imm(kStrideSteps));
  a.jnz(fail);
  a.test(gpd(kState), imm((1u << kStateShift) - 1));
  a.jz(step);

  // The result fits: see pack_union.
  for (uint32_t k = 0; k < function.arity; ++k) {
    a.cmp(gpd(kState), imm(kStrideResult1 + k));
    a.je(in_register[k]);
  }
  a.jmp(fail);
  for (uint32_t k = 0; k < function.arity; ++k) {
    a.bind(in_register[k]);
    a.mov(gpq(kRax), gpq(kMoving[k]));
    if (k + 1 != function.arity) a.jmp(end);
  }
  a.bind(end);
  a.mov(gpd(kOther), 63);
  a.sub(gpd(kOther), gpd(kWidth));
  a.shrx(gpq(kOther), gpq(kRax), gpq(kOther));
  a.shr(gpq(kOther), 1);
  a.jnz(fail);
  a.dec(gpq(kRax));
  a.shlx(gpq(kRax), gpq(kRax), gpq(kWidth));
  a.lea(gpq(kValueRegister), asmjit::x86::ptr(gpq(kRax), gpq(kBits), 1, 1));
  load_address(a, kRax, &table.walks);
  a.inc(qword_ptr(gpq(kRax)));
  load_address(a, kRax, &table.patience);
  a.mov(qword_ptr(gpq(kRax)), StrideTable::kPatience);
  if (counts) emit_remember(a, function.arity, memo, walk_again);
  a.mov(gpq(kTableRegister), qword_ptr(gpq(kThreadRegister), offsets::kTable));
  a.add(gpq(kRsp), imm(function.arity * sizeof(Word)));
  a.ret();

  a.bind(other);
  a.cmp(in_row(offsetof(StrideRow, key)), 0);
  const asmjit::Label fill = a.newLabel();
  a.je(fill);
  a.add(gpq(kRow), imm(sizeof(StrideRow)));
  a.jmp(search);
  a.bind(fill);
  a.mov(qword_ptr(gpq(kThreadRegister), offsets::register_offset(0)), gpq(kKey));
  load_address(a, kOther, &table);
  a.mov(qword_ptr(gpq(kThreadRegister), offsets::kHelperNumber), gpq(kOther));
  a.call(imm(reinterpret_cast<uint64_t>(stubs_of(cache) + kStrideHelper)));
  a.cmp(qword_ptr(gpq(kThreadRegister), offsets::register_offset(0)), 0);
  load_address(a, kRows, &table.rows);
  a.mov(gpq(kRows), qword_ptr(gpq(kRows)));
  a.jne(find);

  a.bind(fail);
  if (counts) emit_take_back(a, function.arity, memo, walk_again);
  for (uint32_t k = function.arity; k-- > 0;) a.pop(argument_register(k));
  a.mov(gpq(kTableRegister), qword_ptr(gpq(kThreadRegister), offsets::kTable));
  load_address(a, kR10, &table.failures);
  a.mov(gpq(kRax), qword_ptr(gpq(kR10)));
  a.inc(gpq(kRax));
  a.mov(qword_ptr(gpq(kR10)), gpq(kRax));
  a.sub(gpq(kRax), imm(static_cast<int32_t>(trial)));
  a.imul(gpq(kRax), gpq(kRax), imm(kWalksPerFailure));
  load_address(a, kR10, &table.walks);
  a.cmp(gpq(kRax), qword_ptr(gpq(kR10)));
  a.jg(off);
  a.bind(direct);
  load_address(a, kRax, &function.native_entry);
  a.jmp(qword_ptr(gpq(kRax)));

  // It was called with packed words: whether it remembers is decided by what is asked.
  a.bind(off);
  emit_turn_off();
  if (counts) emit_set_to_direct(&memo.target);
  a.jmp(direct);

  a.bind(pointer);
  load_address(a, kRax, &table.patience);
  a.dec(qword_ptr(gpq(kRax)));
  a.jnz(direct);
  emit_turn_off();
  load_address(a, kRax, &memo.hits);
  a.cmp(qword_ptr(gpq(kRax)), 0);
  load_address(a, kRax, &memo.target);
  const asmjit::Label set = a.newLabel();
  a.jz(set);
  // It remembers, or calls lead here.
  load_address(a, kR10, base);
  a.cmp(qword_ptr(gpq(kRax)), gpq(kR10));
  a.jne(direct);
  a.bind(set);
  a.mov(qword_ptr(gpq(kRax)), gpq(kR9));
  a.jmp(direct);
  if (counts) {
    a.bind(walk_again);
    emit_walk_again(a, function.arity, table);
  }

  const uint8_t* start = install(holder, cache);
  if (start == nullptr) return {};
  table.target = start;
  return {start, start + holder.labelOffset(direct), holder.textSection()->buffer().size()};
}

}  // namespace fble
