#include "frontends/view/collect.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "deopt/code_numbers.h"
#include "gc/clock.h"
#include "interp/bytecode_text.h"
#include "jit/ir/ir_text.h"

namespace fble {

namespace {

using Json = ViewCollector::Json;

constexpr int64_t kNone = -1;

/// Returns a time in microseconds, to a tenth.
double micros(uint64_t ns) { return static_cast<double>(ns / 100) / 10; }

int64_t site_number(uint32_t site) { return site == kNoSite ? kNone : int64_t{site}; }

const char* exit_kind(const ExitSite& site) {
  if (site.is_return()) return "return";
  if (site.guard == IrOp::kDeoptPoint) return "deopt point";
  return site.is_yield() ? "yield point" : "guard";
}

/// Returns the last one of the exits whose stub begins at the offset or before; without one, kNone.
int64_t exit_at(const std::vector<std::pair<uint32_t, int64_t>>& stubs, uint32_t offset) {
  const auto after = std::ranges::upper_bound(stubs, offset, {}, &std::pair<uint32_t, int64_t>::first);
  return after == stubs.begin() ? kNone : std::prev(after)->second;
}

Json facts_of(uint8_t facts) {
  std::string text;
  const auto add = [&](uint8_t fact, const char* name) {
    if ((facts & fact) != 0) text += (text.empty() ? "" : ", ") + std::string(name);
  };
  add(kFactPacked, "packed");
  add(kFactPointer, "pointer");
  add(kFactNatural, "natural");
  return text;
}

/// Returns the path of the module that a block is in: "/A/B%" of "/A/B%.f".
std::string module_of(const std::string& block) { return block.substr(0, block.find('%') + 1); }

std::string read_text(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

// ---- time -------------------------------------------------------------------

Heat::Interval& Heat::at(uint64_t ns) {
  while (ns / width_ns_ >= kIntervals) {
    for (size_t i = 0; i < intervals_.size(); ++i) {
      const Interval one = std::exchange(intervals_[i], {});
      Interval& sum = intervals_[i / 2];
      sum.exits += one.exits;
      sum.collections += one.collections;
      sum.pause_ns += one.pause_ns;
    }
    intervals_.resize((intervals_.size() + 1) / 2);
    width_ns_ *= 2;
  }
  const size_t index = ns / width_ns_;
  if (intervals_.size() <= index) intervals_.resize(index + 1);
  return intervals_[index];
}

ViewCollector::ViewCollector(std::string program) : program_(std::move(program)), start_ns_(now_ns()) {}

// ---- the life of a trace ----------------------------------------------------

void ViewCollector::take(const EngineEvent& event) {
  const uint64_t begin = now_ns();
  now_ns_ = begin - start_ns_ - own_ns_;
  std::visit([this](const auto& one) { note(one); }, event);
  own_ns_ += now_ns() - begin;
}

void ViewCollector::note(const RecordEvent&) { recording_ns_ = now_ns_; }

void ViewCollector::note(const AbortEvent& event) {
  compiling_ns_ = now_ns_;
  end_recording(event.trace, kNone, abort_reason_text(event.reason));
}

void ViewCollector::note(const PassEvent& event) {
  if (std::string_view(event.name) == "recording") {
    stages_ = Json::array();
    compiling_ns_ = now_ns_;
  }
  Json rows = ir_rows(event.trace);
  if (stages_.empty() || stages_.back()["rows"] != rows) {
    stages_.push_back({{"pass", event.name}, {"rows", std::move(rows)}});
  }
}

void ViewCollector::note(const AssembleEvent& event) {
  const Trace& trace = event.trace;
  made_ = Json::object();
  made_["machine"] = machine_rows(event);
  Json exits = Json::array();
  for (uint32_t i = 0; i < event.code.exits.size(); ++i) {
    Json one = exit(event.code.exits[i], decode_exit(event.code.side_table, i));
    one["stub"] = event.code.exits[i].stub - event.code.start;
    exits.push_back(std::move(one));
  }
  made_["exits"] = std::move(exits);
  made_["table"] = event.code.side_table.bytes.size();
  made_["kept"] = std::ranges::count_if(trace.ins, [](const IrIns& ins) { return ins.op == IrOp::kNew && !ins.sunk; });
  made_["bytes"] = event.code.code_bytes;
}

void ViewCollector::note(const CompileEvent& event) {
  const Trace& trace = event.trace;
  Json json;
  json["name"] = generation_ == 0 ? fmt::format("{}", trace.id) : fmt::format("{}.{}", generation_, trace.id);
  json["kind"] = trace_kind_text(trace.kind);
  json["code"] = code_index(trace.code);
  json["parent"] = parent_of(trace);
  json["exit"] = trace.kind == TraceKind::kFunction ? kNone : int64_t{trace.parent_exit};
  json["root"] = index_of_trace(event.compiled.root);
  json["link"] = trace_link_text(event.link);
  json["at"] = start_of(trace);
  Json codes = Json::array();
  for (const Code* code : list_trace(trace).codes) codes.push_back(code_index(code));
  json["codes"] = std::move(codes);
  Json sites = Json::array();
  for (const InlineSite& site : trace.sites) {
    const bool is_root = site.parent == kNoSite;
    const int64_t offset = is_root ? 0 : site.return_position - trace.sites[site.parent].code->start;
    sites.push_back({code_index(site.code), offset, site_number(site.parent)});
  }
  json["sites"] = std::move(sites);
  json["stages"] = std::exchange(stages_, Json::array());
  json.update(std::exchange(made_, Json()));
  Seen one{std::move(json), std::vector<Exit>(event.compiled.exit_count), index_of_trace(event.compiled.root)};
  traces_.push_back(std::move(one));
  end_recording(trace, static_cast<int64_t>(traces_.size()) - 1, "");
}

void ViewCollector::end_recording(const Trace& trace, int64_t made, const char* reason) {
  Json one;
  one["at"] = start_of(trace);
  one["kind"] = trace_kind_text(trace.kind);
  one["parent"] = parent_of(trace);
  one["exit"] = trace.kind == TraceKind::kFunction ? kNone : int64_t{trace.parent_exit};
  one["start"] = micros(recording_ns_);
  one["end"] = micros(compiling_ns_);
  one["done"] = micros(now_ns_);
  one["trace"] = made;
  one["reason"] = reason;
  recordings_.push_back(std::move(one));
}

void ViewCollector::note(const LinkEvent& event) {
  seen(event.from).exits[event.from.exit].links.push_back({index_of_trace(event.to), event.tags.first, event.tags.end});
}

void ViewCollector::note(const DispatchEvent& event) {
  Json one;
  one["trace"] = index_of_trace(event.from.trace);
  one["exit"] = event.from.exit;
  one["width"] = event.width;
  one["bytes"] = dispatch_bytes(event.width);
  dispatch_.push_back(std::move(one));
}

void ViewCollector::note(const ExitEvent& event) {
  ++seen(event.exit).exits[event.exit.exit].taken;
  ++heat_.at(now_ns_).exits;
}

void ViewCollector::note(const ForceEvent& event) { ++seen(event.exit).exits[event.exit.exit].forced; }

void ViewCollector::note(const CollectEvent& event) {
  const uint64_t pause_ns = event.end_ns - event.start_ns;
  Heat::Interval& interval = heat_.at(now_ns_ - std::min(now_ns_, pause_ns));
  ++interval.collections;
  interval.pause_ns += pause_ns;
}

void ViewCollector::note(const EvictEvent& event) {
  uint64_t count = 0;
  for (uint32_t i = first_of_generation_; i < traces_.size(); ++i) {
    const auto is_root = [&](uint32_t root) { return index_of_trace(root) == traces_[i].root; };
    if (std::ranges::none_of(event.roots, is_root) || traces_[i].is_evicted) continue;
    evict(i);
    ++count;
  }
  lose("eviction", count);
}

void ViewCollector::note(const FlushEvent& event) {
  for (uint32_t i = first_of_generation_; i < traces_.size(); ++i) {
    if (!traces_[i].is_evicted) evict(i);
  }
  lose("flush", event.traces);
  first_of_generation_ = static_cast<uint32_t>(traces_.size());
  ++generation_;
}

void ViewCollector::evict(uint32_t index) {
  traces_[index].is_evicted = true;
  traces_[index].json["evicted"] = micros(now_ns_);
}

void ViewCollector::lose(const char* what, uint64_t traces) {
  lost_.push_back({{"time", micros(now_ns_)}, {"what", what}, {"traces", traces}});
}

// ---- parts of a trace -------------------------------------------------------

int64_t ViewCollector::parent_of(const Trace& trace) const {
  return trace.kind == TraceKind::kFunction ? kNone : int64_t{index_of_trace(trace.parent)};
}

/// Returns the position where the trace begins.
Json ViewCollector::start_of(const Trace& trace) {
  if (trace.snapshots.empty()) return {code_index(trace.code), 0};
  const SnapshotFrame& innermost = trace.snapshots.front().frames.back();
  return {code_index(innermost.code), innermost.pc - innermost.code->start};
}

int64_t ViewCollector::code_index(const Code* code) {
  if (code == nullptr) return kNone;
  const auto [found, is_new] = code_indices_.try_emplace(code, static_cast<int64_t>(codes_.size()));
  if (is_new) {
    codes_.push_back(code_json(*code));
    code_by_start_.emplace(code->words.data(), code);
  }
  return found->second;
}

Json ViewCollector::code_json(const Code& code) {
  Json json;
  json["name"] = code.block.str();
  json["source"] = source_index(code.loc, code);
  json["line"] = code.loc.line;
  json["column"] = code.loc.column;
  json["arity"] = code.arity;
  json["captures"] = code.capture_count;
  json["slots"] = code.frame_slots;
  Json rows = Json::array();
  for (uint32_t at = 0; at < code.words.size(); at += instruction_length(&code.words[at])) {
    const Loc loc = code.loc_at(at);
    rows.push_back({at, print_instruction(code, at), source_index(loc, code), loc.line, loc.column});
  }
  json["rows"] = std::move(rows);
  return json;
}

int64_t ViewCollector::source_index(const Loc& loc, const Code& code) {
  if (loc.line == 0 || loc.file.empty_text()) return kNone;
  const auto [found, is_new] = source_indices_.try_emplace(loc.file, static_cast<int64_t>(sources_.size()));
  if (is_new) sources_.push_back({loc.file.str(), module_of(code.block.str())});
  return found->second;
}

/// Returns the code and the offset of an instruction; [-1, 0] if its code was not mentioned.
Json ViewCollector::position(const uint32_t* pc) {
  const auto after = code_by_start_.upper_bound(pc);
  if (pc == nullptr || after == code_by_start_.begin()) return {kNone, 0};
  const Code* code = std::prev(after)->second;
  const ptrdiff_t offset = pc - code->words.data();
  if (offset >= static_cast<ptrdiff_t>(code->words.size())) return {kNone, 0};
  return {code_index(code), offset};
}

Json ViewCollector::ir_rows(const Trace& trace) {
  const TraceListing listing = list_trace(trace);
  for (const Code* code : listing.codes) code_index(code);
  Json rows = Json::array();
  for (size_t i = 0; i < listing.instructions.size(); ++i) {
    const Json at = position(trace.ins[i].pc);
    rows.push_back({listing.instructions[i], at[0], at[1], site_number(trace.ins[i].site)});
  }
  return rows;
}

Json ViewCollector::machine_rows(const AssembleEvent& event) const {
  const AssembledTrace& code = event.code;
  std::vector<std::pair<uint32_t, int64_t>> stubs;
  for (size_t i = 0; i < code.exits.size(); ++i) {
    stubs.emplace_back(static_cast<uint32_t>(code.exits[i].stub - code.start), static_cast<int64_t>(i));
  }
  std::ranges::sort(stubs);
  const auto is_stub = [&](uint32_t offset) {
    return std::ranges::binary_search(stubs, offset, {}, &std::pair<uint32_t, int64_t>::first);
  };

  Json rows = Json::array();
  int64_t ins = kNone;
  size_t next_origin = 0;
  for (const MachineRow& row : list_machine_code(code.start, code.code_bytes)) {
    for (; next_origin < code.origins.size() && code.origins[next_origin].offset <= row.offset; ++next_origin) {
      ins = code.origins[next_origin].ins;
    }
    const bool is_after_body = ins >= static_cast<int64_t>(event.trace.ins.size());
    const int64_t in_exit = is_after_body || is_stub(row.offset) ? exit_at(stubs, row.offset) : kNone;
    std::string text = row.text;
    int64_t target = kNone;
    if (row.target != nullptr) {
      const std::string mnemonic = text.substr(0, text.find(' '));
      const bool is_inside = row.target >= code.start && row.target < code.start + code.code_bytes;
      if (is_inside) target = row.target - code.start;
      if (is_inside && is_stub(static_cast<uint32_t>(target))) {
        text = fmt::format("{} exit {}", mnemonic, exit_at(stubs, static_cast<uint32_t>(target)));
      } else if (is_inside) {
        text = fmt::format("{} +{:x}", mnemonic, target);
      } else {
        text = fmt::format("{} {}", mnemonic, shared_code_name(code, row.target));
      }
    }
    rows.push_back({row.offset, row.bytes, text, is_after_body ? kNone : ins, in_exit, target});
  }
  return rows;
}

// ---- exits ------------------------------------------------------------------

Json ViewCollector::exit(const ExitSite& site, const ExitEntry& entry) {
  Json json;
  json["guard"] = ir_op_info(site.guard).name;
  json["ins"] = site.ins;
  json["kind"] = exit_kind(site);
  json["code"] = code_index(entry.frames.back().code);
  json["offset"] = entry.frames.back().pc - entry.frames.back().code->start;
  Json frames = Json::array();
  for (size_t i = 0; i < entry.frames.size(); ++i) frames.push_back(frame(entry, i));
  json["frames"] = std::move(frames);
  Json virtuals = Json::array();
  for (const VirtualValue& value : entry.virtuals) virtuals.push_back(virtual_value(value));
  json["virtuals"] = std::move(virtuals);
  return json;
}

Json ViewCollector::frame(const ExitEntry& entry, size_t index) {
  const ExitFrame& frame = entry.frames[index];
  const bool is_innermost = index + 1 == entry.frames.size();
  Json json;
  json["code"] = code_index(frame.code);
  json["offset"] = frame.pc - frame.code->start;
  json["base"] = frame.base;
  json["closure"] = frame.in_memory ? Json{"memory", 0} : place(frame.closure);
  Json slots = Json::array();
  for_each_live_slot(*frame.code, frame.pc, !is_innermost || entry.is_return, [&](int32_t slot) {
    const auto listed = std::ranges::find(entry.slots, frame.base + slot, &ExitSlot::slot);
    const bool is_in_memory = listed == entry.slots.end() ||
                              (listed->location.kind == LocationKind::kSlot && listed->location.index == listed->slot);
    slots.push_back({slot, is_in_memory ? Json{"memory", 0} : place(listed->location),
                     listed == entry.slots.end() ? Json("") : facts_of(listed->facts)});
  });
  json["slots"] = std::move(slots);
  return json;
}

Json ViewCollector::virtual_value(const VirtualValue& value) {
  Json json;
  switch (value.kind) {
    case VirtualValue::Kind::kPackedStruct: json["kind"] = "packed struct"; break;
    case VirtualValue::Kind::kPackedUnion:
      json["kind"] = "packed union";
      json["tag"] = value.tag;
      json["width"] = value.width;
      break;
    case VirtualValue::Kind::kObject:
      if (value.code != nullptr) {
        json["kind"] = "closure";
        json["code"] = code_index(value.code);
      } else {
        json["kind"] = Object::kind_of(value.header) == ObjectKind::kUnion ? "union" : "struct";
        json["tag"] = static_cast<uint32_t>(value.header >> 8) & Object::kMaxTag;
      }
      break;
  }
  Json fields = Json::array();
  for (const Location& field : value.fields) fields.push_back(place(field));
  json["fields"] = std::move(fields);
  return json;
}

Json ViewCollector::place(const Location& location) {
  switch (location.kind) {
    case LocationKind::kNone: return {"nowhere", 0};
    case LocationKind::kRegister: return {"register", register_name(location.index)};
    case LocationKind::kSpill: return {"spill", location.index};
    case LocationKind::kVirtual: return {"virtual", location.index};
    case LocationKind::kSlot: return {"slot", location.index};
    case LocationKind::kConstant: break;
  }
  if (const Code* function = code_of_function(location.word); function != nullptr) {
    return {"function", code_index(function)};
  }
  if (is_packed(location.word)) return {"packed", fmt::format("{:#x}", location.word)};
  return {"object", fmt::format("{:#x}", location.word)};
}

// ---- the whole --------------------------------------------------------------

Json ViewCollector::finish() {
  const uint64_t ran_ns = now_ns() - start_ns_ - own_ns_;
  Json data;
  data["format"] = 1;
  data["program"] = program_;
  Json sources = Json::array();
  for (const Source& source : sources_) {
    sources.push_back({{"name", source.module}, {"text", read_text(source.file)}});
  }
  data["sources"] = std::move(sources);
  data["codes"] = std::exchange(codes_, Json::array());

  Json traces = Json::array();
  for (Seen& seen : traces_) {
    Json trace = std::move(seen.json);
    if (!seen.is_evicted) trace["evicted"] = kNone;
    for (size_t i = 0; i < seen.exits.size(); ++i) {
      trace["exits"][i]["taken"] = seen.exits[i].taken;
      trace["exits"][i]["forced"] = seen.exits[i].forced;
      trace["exits"][i]["links"] = std::move(seen.exits[i].links);
    }
    traces.push_back(std::move(trace));
  }
  data["traces"] = std::move(traces);
  traces_.clear();
  data["recordings"] = std::exchange(recordings_, Json::array());
  data["dispatch"] = std::exchange(dispatch_, Json::array());
  data["lost"] = std::exchange(lost_, Json::array());

  Json exits = Json::array();
  Json collections = Json::array();
  Json pause = Json::array();
  for (const Heat::Interval& interval : heat_.intervals()) {
    exits.push_back(interval.exits);
    collections.push_back(interval.collections);
    pause.push_back(micros(interval.pause_ns));
  }
  data["heat"] = {{"width", static_cast<double>(heat_.width_ns()) / 1000},
                  {"exits", std::move(exits)},
                  {"collections", std::move(collections)},
                  {"pause", std::move(pause)}};
  data["ran"] = micros(ran_ns);
  return data;
}

}  // namespace fble
