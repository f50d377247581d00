#include "jit/x64/exit_site.h"

#include <algorithm>

#include "deopt/side_table_format.h"
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
static_assert(static_cast<unsigned>(IrOp::kCount) <= kJumpCount);
/// In place of a register: that of the stack pointer, where no value is.
constexpr uint8_t kNoOperand = 4;
constexpr uint32_t kWideTag = 15;
/// Places that are no register: 0 for none, else twice the index in zigzag, plus 1 for a spill slot or 2 for a slot.
constexpr uint64_t kNoPlace = 0;

/// What follows the first byte.
struct SiteForm {
  bool operand = false;
  bool n = false;
  bool m = false;
  bool jumps = false;
};

SiteForm form_of(IrOp guard) {
  const bool has_jumps = !ir_has_effect(guard, 'y');
  switch (guard) {
    case IrOp::kTagIs:
    case IrOp::kTagFrom: return {.operand = true, .n = true, .m = true, .jumps = has_jumps};
    case IrOp::kIsPacked: return {.operand = true, .jumps = has_jumps};
    case IrOp::kCall:
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

void write_site(ByteWriter& out, const ExitSite& site, const uint8_t*& last_jump) {
  const SiteForm form = form_of(site.guard);
  const bool has_one_jump = !form.jumps || site.jumps.size() == 1;
  out.byte(static_cast<unsigned>(site.guard) | (has_one_jump ? 0u : kJumpCount));
  if (form.operand) {
    const bool is_register = site.operand.kind == LocationKind::kRegister;
    const uint32_t width = form.m ? site.m : 0;
    out.byte((is_register ? static_cast<uint32_t>(site.operand.index) : kNoOperand) | std::min(width, kWideTag) << 4);
    if (width >= kWideTag) out.varint(width - kWideTag);
    if (!is_register) write_place(out, site.operand);
  }
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
  site.guard = static_cast<IrOp>(head & ~kJumpCount);
  site.operand = {};
  site.n = 0;
  site.m = 0;
  const SiteForm form = form_of(site.guard);
  if (form.operand) {
    const uint8_t byte = in.byte();
    site.m = byte >> 4;
    if (site.m == kWideTag) site.m += static_cast<uint32_t>(in.varint());
    const int32_t reg = byte & 15;
    site.operand = reg == kNoOperand ? read_place(in) : Location{LocationKind::kRegister, reg, 0};
  }
  if (form.n) site.n = static_cast<int32_t>(in.signed_varint());
  site.jumps.clear();
  if (!form.jumps) return;
  site.jumps.resize((head & kJumpCount) != 0 ? in.varint() : 1);
  for (const uint8_t*& jump : site.jumps) jump = last_jump += in.signed_varint();
}

/// Returns the bytes behind the code: the sites, which come first, know their size, and a table knows where it ends.
struct Behind {
  ByteReader sites;
  SideTableView table;
};
Behind behind(const TraceCode& code) {
  constexpr size_t kMostBytes = std::numeric_limits<uint32_t>::max();
  ByteReader in{code.end(), code.end() + kMostBytes};
  const size_t size = in.varint();
  const uint8_t* const table = in.at + size;
  return {{in.at, table}, {table, kMostBytes}};
}

}  // namespace

bool ExitSite::is_yield() const { return ir_has_effect(guard, 'y'); }

size_t return_stub_bytes(int32_t slots) {
  const int32_t distance = offsets::slot_offset(slots);
  return distance == static_cast<int8_t>(distance) ? 4 : 7;
}

void store_sites(std::span<const ExitSite> sites, const uint8_t* start, std::vector<uint8_t>& bytes) {
  ByteWriter all;
  const uint8_t* last_jump = start;
  for (const ExitSite& site : sites) write_site(all, site, last_jump);
  ByteWriter size;
  size.varint(all.bytes.size());
  bytes.insert(bytes.end(), size.bytes.begin(), size.bytes.end());
  bytes.insert(bytes.end(), all.bytes.begin(), all.bytes.end());
}

void load_site(const TraceCode& code, uint32_t exit, ExitSite& site) {
  ByteReader in = behind(code).sites;
  const uint8_t* last_jump = code.start;
  for (uint32_t i = 0; i <= exit; ++i) read_site(in, last_jump, site);
  site.stub = place_in_sled(code, exit);
  if (site.is_return()) site.stub -= return_stub_bytes(site.n);
}

ExitSite load_site(const TraceCode& code, uint32_t exit) {
  ExitSite site;
  load_site(code, exit, site);
  return site;
}

SideTableView side_table_of(const TraceCode& code) { return behind(code).table; }

}  // namespace fble
