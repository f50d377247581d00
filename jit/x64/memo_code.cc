#include "jit/x64/memo_code.h"

#include <asmjit/asmjit.h>

#include <cstddef>

#include "interp/native_stack.h"
#include "interp/offsets.h"
#include "jit/x64/regs.h"
#include "jit/x64/stubs.h"

namespace fble {

namespace {

using namespace x64;
using asmjit::imm;
using asmjit::x86::gpd;
using asmjit::x86::gpq;
using asmjit::x86::qword_ptr;

asmjit::x86::Mem row_argument(uint32_t k) {
  return qword_ptr(gpq(kR9), static_cast<int32_t>(offsetof(MemoRow, arguments) + k * sizeof(Word)));
}
asmjit::x86::Mem row_result() { return qword_ptr(gpq(kR9), static_cast<int32_t>(offsetof(MemoRow, result))); }

/// Emits what loads the address of the arguments' row to r9.
void emit_find_row(asmjit::x86::Assembler& a, uint32_t arity, const MemoTable& table) {
  a.mov(gpq(kR10), imm(MemoTable::kHashFactor));
  a.mov(gpq(kR9), argument_register(0));
  a.imul(gpq(kR9), gpq(kR10));
  for (uint32_t k = 1; k < arity; ++k) {
    a.add(gpq(kR9), argument_register(k));
    a.imul(gpq(kR9), gpq(kR10));
  }
  a.shr(gpq(kR9), 64 - table.index_bits);
  a.shl(gpq(kR9), kMemoRowShift);
  load_address(a, kR10, table.rows.get());
  a.add(gpq(kR9), gpq(kR10));
}

}  // namespace

MemoCode assemble_memo(CodeCache& cache, const RuntimeEntries& runtime, const Code& function, MemoTable& table,
                       uint32_t trial, const void* const* other, const uint8_t* walk) {
  if (!ensure_stubs(cache, runtime)) return {};
  asmjit::CodeHolder holder;
  const uint8_t* base = cache.next_address();
  if (holder.init(asmjit::Environment::host(), reinterpret_cast<uint64_t>(base)) != 0) return {};
  asmjit::x86::Assembler a(&holder);
  const asmjit::Label through = a.newLabel();
  const asmjit::Label miss = a.newLabel();
  const asmjit::Label off = a.newLabel();
  const asmjit::Label not_packed = a.newLabel();

  emit_check_packed(a, function.arity, through);
  emit_find_row(a, function.arity, table);
  for (uint32_t k = 0; k < function.arity; ++k) {
    a.cmp(row_argument(k), argument_register(k));
    a.jne(miss);
  }
  a.mov(gpq(kValueRegister), row_result());
  load_address(a, kR10, &table.hits);
  a.inc(qword_ptr(gpq(kR10)));
  if (table.row_hits != nullptr) {
    a.inc(counter_of_row(a, kR9, kR10, table.rows.get(), table.row_hits.get(), kMemoCounterShift));
  }
  a.ret();

  a.bind(miss);
  load_address(a, kR10, &table.misses);
  a.mov(gpq(kRax), qword_ptr(gpq(kR10)));
  a.inc(gpq(kRax));
  a.mov(qword_ptr(gpq(kR10)), gpq(kRax));
  load_address(a, kR10, &table.hits);
  a.sub(gpq(kRax), qword_ptr(gpq(kR10)));
  a.cmp(gpq(kRax), imm(static_cast<int32_t>(trial)));
  a.jg(off);
  if (table.row_hits != nullptr) {
    load_address(a, kRax, &table.wanted);
    a.mov(qword_ptr(gpq(kRax)), gpq(kR9));
    a.jmp(imm(reinterpret_cast<uint64_t>(walk)));
  }
  // As many words as kMemoWords says, whatever the arity is.
  for (uint32_t k = 0; k < kMostMemoArguments; ++k) a.push(argument_register(k));
  a.push(gpq(kR9));
  load_address(a, kRax, other);
  a.call(qword_ptr(gpq(kRax)));
  a.pop(gpq(kR9));
  a.test(gpd(kValueRegister), 1);
  a.jz(not_packed);
  for (uint32_t k = kMostMemoArguments; k-- > 0;) a.pop(row_argument(k));
  a.mov(row_result(), gpq(kValueRegister));
  a.ret();
  a.bind(not_packed);
  a.add(gpq(kRsp), imm(kMostMemoArguments * sizeof(Word)));
  a.ret();

  a.bind(off);
  if (other == &function.native_entry) {
    a.lea(gpq(kR9), asmjit::x86::ptr(through));
  } else {
    load_address(a, kRax, other);
    a.mov(gpq(kR9), qword_ptr(gpq(kRax)));
  }
  load_address(a, kRax, &table.target);
  a.mov(qword_ptr(gpq(kRax)), gpq(kR9));
  a.bind(through);
  load_address(a, kRax, other);
  a.jmp(qword_ptr(gpq(kRax)));

  const uint8_t* start = install(holder, cache);
  if (start == nullptr) return {};
  table.target = start;
  return {start, holder.textSection()->buffer().size()};
}

}  // namespace fble
