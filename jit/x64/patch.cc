// Linking: an exit that has a bridge jumps there instead of to its stub. The jumps
// are recorded when they are assembled; code is never searched for them.
//
// A return stub follows a call. Its address is in frames and on the native stack. When it
// is linked, it is a jump to the continuation.
//
// A select on many tags would become a chain of bridges, each of which tests for one
// tag and leaves for the others. From the first such exit on there is a dispatch
// table instead: it leads to a bridge for each tag that has one, and to the exit's
// stub for the others.
//
// Tested by tests/unit/jit/x64/assemble_test.cc.
#include <asmjit/asmjit.h>

#include <cstring>
#include <vector>

#include "jit/x64/assemble.h"
#include "jit/x64/regs.h"

namespace fble {

void redirect_jump(CodeCache& cache, const uint8_t* jump, const uint8_t* target) {
  cache.patch32(jump, static_cast<int32_t>(target - (jump + 4)));
}

const uint8_t* jump_target(const uint8_t* jump) {
  int32_t distance;
  std::memcpy(&distance, jump, sizeof distance);
  return jump + 4 + distance;
}

namespace {

/// The room for the instructions before a dispatch table.
constexpr size_t kDispatchCodeBytes = 32;

}  // namespace

size_t dispatch_bytes(unsigned width) { return kDispatchCodeBytes + (sizeof(uint64_t) << width); }

DispatchNode install_dispatch(CodeCache& cache, int reg, int scratch, unsigned width, const uint8_t* otherwise) {
  using asmjit::imm;
  using asmjit::x86::gpd;
  using asmjit::x86::gpq;
  const size_t entries = size_t{1} << width;
  const auto base = reinterpret_cast<uint64_t>(cache.next_address());
  if (base > 0x7f000000) return {};
  asmjit::CodeHolder holder;
  if (holder.init(asmjit::Environment::host(), base) != 0) return {};
  asmjit::x86::Assembler a(&holder);
  a.rorx(gpq(static_cast<uint32_t>(scratch)), gpq(static_cast<uint32_t>(reg)), imm(1));
  a.and_(gpd(static_cast<uint32_t>(scratch)), imm((1u << width) - 1));
  asmjit::x86::Mem entry = asmjit::x86::qword_ptr(base + kDispatchCodeBytes, gpq(static_cast<uint32_t>(scratch)), 3);
  entry.setAbs();
  a.jmp(entry);
  FBLE_ASSERT(a.offset() <= kDispatchCodeBytes);
  a.embedUInt8(0xcc, kDispatchCodeBytes - a.offset());
  for (size_t i = 0; i < entries; ++i) a.embedUInt64(reinterpret_cast<uint64_t>(otherwise));
  const asmjit::CodeBuffer& buffer = holder.textSection()->buffer();
  const uint8_t* start = cache.install({buffer.data(), buffer.size()});
  return {start, start == nullptr ? nullptr : start + kDispatchCodeBytes};
}

void set_dispatch_target(CodeCache& cache, const uint8_t* table, uint32_t tag, const uint8_t* target) {
  const auto address = reinterpret_cast<uint64_t>(target);
  cache.patch32(table + 8 * tag, static_cast<int32_t>(address));
  cache.patch32(table + 8 * tag + 4, static_cast<int32_t>(address >> 32));
}

int free_register(const ExitEntry& entry, int reg) {
  uint32_t used = x64::bit(reg);
  const auto note = [&](const Location& location) {
    if (location.kind == LocationKind::kRegister) used |= x64::bit(location.index);
  };
  for (const ExitSlot& slot : entry.slots) note(slot.location);
  for (const ExitFrame& frame : entry.frames) note(frame.closure);
  for (const VirtualValue& value : entry.virtuals) {
    for (const Location& field : value.fields) note(field);
  }
  for (const int candidate : x64::kAllocatable) {
    if ((used & x64::bit(candidate)) == 0) return candidate;
  }
  return -1;
}

}  // namespace fble
