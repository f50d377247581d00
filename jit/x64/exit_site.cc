#include "jit/x64/exit_site.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "deopt/side_table_format.h"
#include "interp/machine_registers.h"
#include "interp/offsets.h"
#include "jit/ir/trace.h"

namespace fble {

namespace {

using side_table_format::ByteReader;
using side_table_format::ByteWriter;
using side_table_format::unzigzag;
using side_table_format::zigzag;

/// The first byte's bit that says that the number of jumps follows.
constexpr uint8_t kJumpCount = 0x80;
/// The first byte of a guard whose operand is in a register says which: one of 16 codes for each such guard, from here
/// on. Below are the guards themselves.
constexpr uint8_t kInRegister = 0x50;
constexpr IrOp kGuardsOfRegister[] = {IrOp::kIsPacked, IrOp::kTagIs, IrOp::kTagFrom};
static_assert(kInRegister + kRegisterCount * std::size(kGuardsOfRegister) <= kJumpCount);
static_assert(static_cast<unsigned>(IrOp::kCount) <= kInRegister);
/// A number in half a byte that is too large for it.
constexpr uint32_t kMoreFollows = 15;
/// Places that are no register: 0 for none, else twice the index in zigzag, plus 1 for a spill slot or 2 for a slot.
constexpr uint64_t kNoPlace = 0;

/// What follows the first byte.
struct SiteForm {
  bool operand = false;
  bool tag = false;
  bool n = false;
  bool jumps = false;
};

SiteForm form_of(IrOp guard) {
  const bool has_jumps = !ir_has_effect(guard, 'y');
  switch (guard) {
    case IrOp::kTagIs:
    case IrOp::kTagFrom: return {.operand = true, .tag = true, .jumps = has_jumps};
    case IrOp::kIsPacked: return {.operand = true, .jumps = has_jumps};
    case IrOp::kDeoptPoint: return {.n = true, .jumps = has_jumps};
    default: return {.jumps = has_jumps};
  }
}

void write_place(ByteWriter& out, const Location& place) {
  const auto index = 2 * zigzag(place.index);
  switch (place.kind) {
    case LocationKind::kSpill: return out.varint(index + 1);
    case LocationKind::kSlot: return out.varint(index + 2);
    // A bridge learns nothing new of a constant.
    default: return out.varint(kNoPlace);
  }
}

Location read_place(ByteReader& in) {
  const uint64_t code = in.varint();
  if (code == kNoPlace) return {};
  const auto index = static_cast<int32_t>(unzigzag((code - 1) / 2));
  return {code % 2 == 1 ? LocationKind::kSpill : LocationKind::kSlot, index, 0};
}

unsigned code_in_register(IrOp guard) {
  const auto number = std::ranges::find(kGuardsOfRegister, guard) - std::begin(kGuardsOfRegister);
  return kInRegister + static_cast<unsigned>(number) * kRegisterCount;
}

/// Writes a tag and its width, each in half a byte, or more.
void write_tag(ByteWriter& out, uint32_t tag, uint32_t width) {
  out.byte(std::min(tag, kMoreFollows) | std::min(width, kMoreFollows) << 4);
  if (tag >= kMoreFollows) out.varint(tag - kMoreFollows);
  if (width >= kMoreFollows) out.varint(width - kMoreFollows);
}

void read_tag(ByteReader& in, ExitSite& site) {
  const uint8_t byte = in.byte();
  uint64_t tag = byte & 15;
  uint64_t width = byte >> 4;
  if (tag == kMoreFollows) tag += in.varint();
  if (width == kMoreFollows) width += in.varint();
  site.n = static_cast<int32_t>(tag);
  site.m = static_cast<uint32_t>(width);
}

void write_site(ByteWriter& out, const ExitSite& site, const uint8_t*& last_jump) {
  const SiteForm form = form_of(site.guard);
  const bool has_one_jump = !form.jumps || site.jumps.size() == 1;
  const bool in_register = form.operand && site.operand.kind == LocationKind::kRegister;
  out.byte((in_register ? code_in_register(site.guard) + static_cast<unsigned>(site.operand.index)
                        : static_cast<unsigned>(site.guard)) |
           (has_one_jump ? 0u : kJumpCount));
  if (form.operand && !in_register) write_place(out, site.operand);
  if (form.tag) write_tag(out, static_cast<uint32_t>(site.n), site.m);
  if (form.n) out.signed_varint(site.n);
  if (!form.jumps) return;
  if (!has_one_jump) out.varint(site.jumps.size());
  for (const uint8_t* jump : site.jumps) {
    out.signed_varint(jump - last_jump);
    last_jump = jump;
  }
}

void read_site(ByteReader& in, const uint8_t*& last_jump, ExitSite& site) {
  const uint8_t head = in.byte();
  const uint8_t code = head & ~kJumpCount;
  const bool in_register = code >= kInRegister;
  site.guard = in_register ? kGuardsOfRegister[(code - kInRegister) / kRegisterCount] : static_cast<IrOp>(code);
  site.operand = {};
  site.n = 0;
  site.m = 0;
  const SiteForm form = form_of(site.guard);
  if (in_register) {
    site.operand = {LocationKind::kRegister, (code - kInRegister) % kRegisterCount, 0};
  } else if (form.operand) {
    site.operand = read_place(in);
  }
  if (form.tag) read_tag(in, site);
  if (form.n) site.n = static_cast<int32_t>(in.signed_varint());
  site.jumps.clear();
  if (!form.jumps) return;
  site.jumps.resize((head & kJumpCount) != 0 ? in.varint() : 1);
  for (const uint8_t*& jump : site.jumps) jump = last_jump += in.signed_varint();
}

/// Returns the distance between the frames of a call, in slots, which stands where its return begins with this jump.
int32_t slots_of_call(const uint8_t* jump) {
  int32_t distance;
  std::memcpy(&distance, jump - 1 + kDistanceAt, sizeof distance);
  return distance / offsets::slot_offset(1);
}

/// Sites and tables know where they end: this is more than they have.
constexpr size_t kMostBytes = std::numeric_limits<uint32_t>::max();

/// Reads the first sites of a trace. Returns where the next one begins.
const uint8_t* read_sites(const TraceCode& code, uint32_t count, ExitSite& last) {
  ByteReader in{code.end(), code.end() + kMostBytes};
  const uint8_t* last_jump = code.start;
  for (uint32_t i = 0; i < count; ++i) read_site(in, last_jump, last);
  return in.at;
}

}  // namespace

bool ExitSite::is_yield() const { return ir_has_effect(guard, 'y'); }

size_t return_stub_bytes(int32_t slots) {
  const int32_t distance = offsets::slot_offset(slots);
  return distance == static_cast<int8_t>(distance) ? 4 : 7;
}

void store_sites(std::span<const ExitSite> sites, const uint8_t* start, std::vector<uint8_t>& bytes) {
  ByteWriter out{std::move(bytes)};
  const uint8_t* last_jump = start;
  for (const ExitSite& site : sites) write_site(out, site, last_jump);
  bytes = std::move(out.bytes);
}

void load_site(const TraceCode& code, uint32_t exit, ExitSite& site) {
  read_sites(code, exit + 1, site);
  site.stub = place_in_sled(code, exit);
  if (!site.is_return()) return;
  site.n = slots_of_call(site.jumps.front());
  site.stub -= return_stub_bytes(site.n);
}

ExitSite load_site(const TraceCode& code, uint32_t exit) {
  ExitSite site;
  load_site(code, exit, site);
  return site;
}

SideTableView side_table_of(const TraceCode& code) {
  thread_local ExitSite last;  // kept to reuse its memory
  return {{read_sites(code, code.exits, last), kMostBytes}, code.exits, code.code};
}

}  // namespace fble
