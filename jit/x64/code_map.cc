#include "jit/x64/code_map.h"

#include <fmt/format.h>

#include <algorithm>

#include "jit/ir/trace.h"

namespace fble {

namespace {

bool is_in(const Code& code, const uint32_t* pc) {
  return pc >= code.words.data() && pc <= code.words.data() + code.words.size();
}

}  // namespace

const CodeRow& CodeMap::row_at(uint32_t offset) const {
  const auto after = std::upper_bound(rows.begin(), rows.end(), offset,
                                      [](uint32_t at, const CodeRow& row) { return at < row.offset; });
  return after[-1];
}

MachinePosition CodeMap::position_at(uint32_t offset) const {
  const CodeRow& row = row_at(offset);
  const bool is_return_address = row.kind == CodeRowKind::kReturn && row.offset == offset;
  return {sites.data(), row.site, row.pc, trace, row.fp_slots, row.native, is_return_address};
}

CodeMap make_code_map(const Trace& trace, const uint8_t* start, size_t bytes, std::vector<CodeRow> rows) {
  CodeMap map;
  map.start = start;
  map.bytes = static_cast<uint32_t>(bytes);
  map.trace = trace.id;
  map.sites = trace.sites;
  if (map.sites.empty()) map.sites.push_back({.code = trace.code});
  // An instruction without a position of its own, such as a loop's phi, belongs to the one before it; those at the
  // beginning belong to the first that has one. Among exits, only those at the beginning have none.
  const auto first = std::ranges::find_if(trace.ins, [](const IrIns& ins) { return ins.pc != nullptr; });
  const bool has_position = first != trace.ins.end() && !trace.sites.empty();
  const uint32_t first_site = has_position ? first->site : 0;
  const uint32_t* const first_pc = has_position ? first->pc : map.sites[0].code->start;
  uint32_t site = first_site;
  const uint32_t* pc = first_pc;
  size_t kept = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    CodeRow row = rows[i];
    // A trace made from text has positions, but no sites.
    const bool is_known = row.pc != nullptr && row.site < map.sites.size() && is_in(*map.sites[row.site].code, row.pc);
    const bool is_first = row.kind != CodeRowKind::kInstruction;
    if (row.site != kNoSite && !is_known) {
      row.site = is_first ? first_site : site;
      row.pc = is_first ? first_pc : pc;
    }
    if (row.kind == CodeRowKind::kInstruction) {
      site = row.site;
      pc = row.pc;
    }
    const uint32_t end = i + 1 < rows.size() ? rows[i + 1].offset : map.bytes;
    if (row.offset < end) rows[kept++] = row;
  }
  rows.resize(kept);
  map.rows = std::move(rows);
  return map;
}

std::string code_map_problem(const CodeMap& map) {
  if (map.rows.empty() || map.rows.front().offset != 0) return "the first byte has no row";
  if (map.rows.back().offset >= map.bytes) return "a row is beyond the end";
  for (size_t i = 0; i + 1 < map.rows.size(); ++i) {
    if (map.rows[i].offset >= map.rows[i + 1].offset) return fmt::format("row {} is empty or not in order", i);
  }
  for (size_t i = 0; i < map.rows.size(); ++i) {
    const CodeRow& row = map.rows[i];
    if (row.site == kNoSite) continue;
    if (row.site >= map.sites.size()) return fmt::format("row {} has no such site", i);
    if (row.pc == nullptr || !is_in(*map.sites[row.site].code, row.pc)) {
      return fmt::format("the position of row {} is not in the code of its site", i);
    }
  }
  for (size_t i = 0; i < map.sites.size(); ++i) {
    const InlineSite& site = map.sites[i];
    if ((site.parent == kNoSite) != (site.return_position == nullptr)) {
      return fmt::format("site {} has a caller without a position, or the reverse", i);
    }
    if (site.parent == kNoSite) continue;
    if (site.parent >= i) return fmt::format("site {} comes before its caller", i);
    if (!is_in(*map.sites[site.parent].code, site.return_position)) {
      return fmt::format("site {} returns to no place of its caller", i);
    }
  }
  return "";
}

const char* code_row_kind_text(CodeRowKind kind) {
  switch (kind) {
    case CodeRowKind::kEntry: return "entry";
    case CodeRowKind::kInstruction: return "instruction";
    case CodeRowKind::kReturn: return "return";
    case CodeRowKind::kDoor: return "door";
    case CodeRowKind::kExit: return "exit";
    case CodeRowKind::kExitEnd: return "end of exits";
    case CodeRowKind::kForce: return "force";
    case CodeRowKind::kFlags: return "flags";
  }
  return "?";
}

std::string to_text(const CodeMap& map) {
  std::string text;
  for (const CodeRow& row : map.rows) {
    text += fmt::format("{:4} {} {}", row.offset, code_row_kind_text(row.kind), row.index);
    uint32_t site = row.site;
    const uint32_t* pc = row.pc;
    while (site != kNoSite) {
      const InlineSite& at = map.sites[site];
      text += fmt::format(" {}+{}", at.code->block.str(), pc - at.code->words.data());
      pc = at.return_position;
      site = at.parent;
    }
    if (row.fp_slots != 0) text += fmt::format(" fp {}", row.fp_slots);
    if (row.native != nullptr) text += fmt::format(" calls {}", row.native->block.str());
    text += "\n";
  }
  return text;
}

}  // namespace fble
