#include "jit/engine/compiled_traces.h"

#include <algorithm>

#include "interp/call_frame.h"
#include "interp/debug_state.h"
#include "interp/interpreter.h"
#include "jit/engine/debug_layout.h"

namespace fble {

namespace {

/// Redirects returns to such addresses to the interpreter. Threads that wait are redirected when they run again.
template <typename Predicate>
void redirect_returns(Carrier& carrier, Predicate&& is_gone) {
  ++carrier.machine.code_epoch;
  for_each_frame(carrier.pc, carrier.fp, [&](Word* frame, const uint32_t*) {
    Word& address = frame[kReturnAddressSlot];
    if (is_gone(reinterpret_cast<const uint8_t*>(address))) address = reinterpret_cast<Word>(interpreter_return());
    return true;
  });
  CallStack& stack = *carrier.current->stack;
  if (is_gone(reinterpret_cast<const uint8_t*>(stack.watermark().return_address))) {
    stack.redirect_watermark(interpreter_return());
  }
}

}  // namespace

CompiledTraces::CompiledTraces(const JitOptions& options, FunctionEntries& entries, JitStats& stats)
    : options_(options),
      entries_(entries),
      stats_(stats),
      cache_(size_t{options.params.code_kbytes} * 1024),
      cache_start_(cache_.used()) {
  fble_debug_state.layout.store(fble_debug_layout, std::memory_order_relaxed);
  fble_debug_state.traces.store(&traces_, std::memory_order_relaxed);
}

CompiledTraces::~CompiledTraces() {
  const void* mine = &traces_;
  fble_debug_state.traces.compare_exchange_strong(mine, nullptr);
}

const CompiledTrace& CompiledTraces::trace_at(const uint8_t* address) const {
  // Code is put into the cache in the order of addresses.
  const auto after = std::ranges::upper_bound(traces_, address, {}, [](const auto& trace) { return trace->start; });
  FBLE_ASSERT(after != traces_.begin());
  return **(after - 1);
}

ExitAddress CompiledTraces::exit_at(const uint8_t* return_address, uint64_t pushes) const {
  // The code of the next trace may begin where a sled ends.
  const CompiledTrace& trace = trace_at(return_address - 1);
  return {trace.id, exit_number(trace.machine_code(), return_address, pushes)};
}

void CompiledTraces::decode(ExitAddress address, Decoded& slot) const {
  const TraceCode code = traces_[address.trace]->machine_code();
  slot.address = address;
  load_site(code, address.exit, slot.exit.site);
  decode_exit(side_table_of(code), address.exit, slot.exit.entry);
}

// ---- making a trace ---------------------------------------------------------

std::unique_ptr<CompiledTrace> CompiledTraces::make(const Trace& trace, AssembledTrace&& assembled,
                                                    const Origin& origin) {
  auto compiled = std::make_unique<CompiledTrace>();
  compiled->id = trace.id;
  compiled->kind = trace.kind;
  compiled->root = trace.kind != TraceKind::kBridge ? trace.id : traces_[trace.parent]->root;
  compiled->code = trace.code;
  compiled->extent = trace.extent;
  compiled->callee_base = trace.callee_base;
  if (trace.kind == TraceKind::kBridge && options_.tests_exits()) {
    compiled->parent_steps = traces_[trace.parent]->exit_sites[trace.parent_exit].steps;
  }
  compiled->exit_count = static_cast<uint32_t>(assembled.exits.size());
  compiled->ir_instructions = static_cast<uint32_t>(trace.ins.size());
  compiled->inlined_paths = origin.inlined_paths;
  compiled->mixed_signs = origin.mixed_signs;
  compiled->mixed_layouts = origin.mixed_layouts;
  compiled->start = assembled.start;
  compiled->door = assembled.door;
  compiled->code_bytes = assembled.code_bytes;
  compiled->side_table_bytes = static_cast<uint32_t>(assembled.side_table.bytes.size());
  compiled->exit_bytes = static_cast<uint32_t>(assembled.exit_bytes);
  if (options_.keep_code_maps) compiled->code_map = std::make_unique<const CodeMap>(std::move(assembled.code_map));
  compiled->whole_steps = trace.whole_steps;
  stats_.guards += static_cast<uint64_t>(std::ranges::count(assembled.exits, false, &ExitSite::is_return));
  if (options_.tests_exits()) {
    compiled->exit_sites = std::move(assembled.exits);
    set_first_flags(*compiled);
  }
  return compiled;
}

void CompiledTraces::set_first_flags(const CompiledTrace& trace) {
  for (uint32_t i = 0; i < trace.exit_count; ++i) {
    const ExitSite& site = trace.exit_sites[i];
    // The facts of a settled exit would not be true.
    if (site.flag == nullptr || site.settled) continue;
    if (options_.deopt_sweep || is_pinned({trace.id, i}, site.guard)) set_flag(trace, i, true);
  }
}

void CompiledTraces::take_back(const CompiledTrace& trace, size_t cache_used) {
  stats_.guards -= static_cast<uint64_t>(std::ranges::count(trace.exit_sites, false, &ExitSite::is_return));
  const auto is_own = [&](const ExitRecord& record) { return record.place >= cache_used; };
  const auto failed =
      std::ranges::count_if(records_, [&](const auto& record) { return is_own(record) && record.failed; });
  stats_.failed_guards -= static_cast<uint64_t>(failed);
  stats_.rehearsed_guards -= static_cast<uint64_t>(failed);
  std::erase_if(records_, is_own);
  cache_.rewind(cache_used);
}

void CompiledTraces::add(std::unique_ptr<CompiledTrace> trace) {
  ++stats_.traces[static_cast<size_t>(trace->kind)];
  stats_.ir_instructions += trace->ir_instructions;
  stats_.code_bytes += trace->code_bytes;
  stats_.side_table_bytes += trace->side_table_bytes;
  stats_.exit_bytes += trace->exit_bytes;
  traces_.push_back(std::move(trace));
}

bool CompiledTraces::find_position(const void* address, MachinePosition& position) const {
  const auto* const byte = static_cast<const uint8_t*>(address);
  if (!traces_.empty() && byte >= traces_.front()->start) {
    const CompiledTrace& trace = trace_at(byte);
    if (byte < trace.start + trace.code_bytes) {
      if (trace.code_map == nullptr) return false;
      position = trace.code_map->position_at(static_cast<uint32_t>(byte - trace.start));
      return true;
    }
  }
  const auto node = std::upper_bound(dispatch_codes_.begin(), dispatch_codes_.end(), byte,
                                     [](const uint8_t* at, const auto& code) { return at < code.start; });
  if (node == dispatch_codes_.begin() || byte >= node[-1].table) return false;
  const ExitAddress from = node[-1].exit;
  const CompiledTrace& parent = *traces_[from.trace];
  if (parent.code_map == nullptr) return false;
  const uint8_t* const stub = place_in_sled(parent.machine_code(), from.exit);
  position = parent.code_map->position_at(static_cast<uint32_t>(stub - parent.start));
  return true;
}

// ---- linking ----------------------------------------------------------------

void CompiledTraces::link(const ExitSite& site, const uint8_t* target) {
  for (const uint8_t* jump : site.jumps) redirect_jump(cache_, jump, target);
}

/// Notes that machine code no longer leaves there.
void CompiledTraces::note_link(const CompiledTrace& trace, uint32_t exit, bool is_return) {
  if (options_.tests_exits()) {
    record(trace, exit, is_return).linked = true;
  } else {
    erase_records(trace, exit, exit);
  }
}

bool CompiledTraces::link_return(const CompiledTrace& trace, const ReturnPositions& positions) {
  const auto known = continuations_.find(positions);
  if (known == continuations_.end()) return false;
  const uint32_t last = trace.exit_count - 1;
  link(load_site(trace.machine_code(), last), known->second);
  note_link(trace, last, true);
  return true;
}

bool CompiledTraces::link_return_if_new(const CompiledTrace& trace, ExitRecord& record, const ExitEntry& entry) {
  if (record.continuations_seen == continuations_made_) return false;
  record.continuations_seen = continuations_made_;
  return link_return(trace, return_positions(entry.frames));
}

uint32_t CompiledTraces::continuation_of(const CompiledTrace& trace) const {
  const ExitSite site = load_site(trace.machine_code(), trace.exit_count - 1);
  return trace_at(jump_target(site.jumps.front())).id;
}

void CompiledTraces::add_continuation(const ReturnPositions& positions, const uint8_t* target) {
  continuations_[positions] = target;
  ++continuations_made_;
}

int CompiledTraces::scratch_for_dispatch(const Exit& exit) {
  constexpr uint32_t kLeastWidth = 3;
  constexpr uint32_t kMostWidth = 8;
  const ExitSite& site = exit.site;
  const bool on_tag = site.guard == IrOp::kTagIs || site.guard == IrOp::kTagFrom;
  if (!on_tag || site.m < kLeastWidth || site.m > kMostWidth) return -1;
  return site.operand.kind == LocationKind::kRegister ? free_register(exit.entry, site.operand.index) : -1;
}

std::optional<DispatchNode> CompiledTraces::link_bridge(ExitAddress from, const Recorder::Tags& tags,
                                                        int dispatch_scratch, const uint8_t* target) {
  std::optional<DispatchNode> made;
  const ExitSite& site = exit(from).site;
  if (tags.first == tags.end) {
    link(site, target);
    note_link(*traces_[from.trace], from.exit, site.is_return());
    return made;
  }
  // Other tags still leave through the stub, and may get bridges.
  auto known = std::ranges::find(dispatch_codes_, from, &DispatchCode::exit);
  if (known == dispatch_codes_.end()) {
    made = install_dispatch(cache_, site.operand.index, dispatch_scratch, site.m, site.stub);
    // No guard tests the tag then: the bridge stays unused.
    if (made->start == nullptr) {
      record(*traces_[from.trace], from.exit, site.is_return()).closed = true;
      return std::nullopt;
    }
    link(site, made->start);
    known = dispatch_codes_.insert(dispatch_codes_.end(), {made->start, made->table, from});
    ++stats_.dispatch_nodes;
  }
  for (uint32_t tag = tags.first; tag < tags.end; ++tag) set_dispatch_target(cache_, known->table, tag, target);
  return made;
}

// ---- exits ------------------------------------------------------------------

uint32_t CompiledTraces::place_of(const CompiledTrace& trace, uint32_t exit) const {
  return cache_.offset_of(place_in_sled(trace.machine_code(), exit));
}

/// Inserts a record. The memory grows less than twofold, since it counts as memory of guards.
std::vector<ExitRecord>::iterator CompiledTraces::insert_record(std::vector<ExitRecord>::iterator at, uint32_t place) {
  const auto index = at - records_.begin();
  if (records_.size() == records_.capacity()) records_.reserve(records_.size() + records_.size() / 8 + 8);
  return records_.insert(records_.begin() + index, {place});
}

ExitRecord& CompiledTraces::record(const CompiledTrace& trace, uint32_t exit, bool is_return) {
  const uint32_t place = place_of(trace, exit);
  auto at = std::ranges::lower_bound(records_, place, {}, &ExitRecord::place);
  if (at == records_.end() || at->place != place) {
    at = insert_record(at, place);
    count_anew(*at, is_return);
  }
  return *at;
}

void CompiledTraces::erase_records(const CompiledTrace& trace, uint32_t first, uint32_t last) {
  // The last exit of a trace is the first in its sled.
  records_.erase(std::ranges::lower_bound(records_, place_of(trace, last), {}, &ExitRecord::place),
                 std::ranges::upper_bound(records_, place_of(trace, first), {}, &ExitRecord::place));
}

bool CompiledTraces::is_closed(ExitAddress address) const {
  const uint32_t place = place_of(*traces_[address.trace], address.exit);
  const auto at = std::ranges::lower_bound(records_, place, {}, &ExitRecord::place);
  return at != records_.end() && at->place == place && at->closed;
}

void CompiledTraces::count_anew(ExitRecord& record, bool is_return, unsigned doublings) const {
  const uint64_t times = options_.threshold(is_return ? options_.params.hot_returns : options_.params.hot_exits);
  record.countdown = static_cast<uint16_t>(std::min<uint64_t>(times << doublings, ExitRecord::kNever));
}

void CompiledTraces::back_off(ExitAddress address) {
  const bool is_return = exit(address).site.is_return();
  ExitRecord& record = this->record(*traces_[address.trace], address.exit, is_return);
  if (record.failures < ExitRecord::kMostFailures) ++record.failures;
  count_anew(record, is_return, record.failures);
  record.closed = record.failures >= options_.params.max_attempts;
}

bool CompiledTraces::is_pinned(ExitAddress address, IrOp guard) const {
  const bool is_named =
      options_.deopt_at && options_.deopt_at->trace == address.trace && options_.deopt_at->exit == address.exit;
  // A loop that is checked has two turns: the number of turns is not known at its exits.
  return is_named || (options_.shadow_check && guard == IrOp::kLoopBack);
}

void CompiledTraces::set_flag(const CompiledTrace& trace, uint32_t exit, bool set) {
  cache_.patch32(flag(trace, exit), set ? 1 : 0);
}

// ---- evicting traces ---------------------------------------------------

void CompiledTraces::rely_on(CodeAssumption assumption, uint32_t number, const CompiledTrace& trace) {
  std::vector<uint32_t>& roots = assumptions_[{assumption, number}];
  if (roots.empty() || roots.back() != trace.root) roots.push_back(trace.root);
}

std::vector<uint32_t> CompiledTraces::break_assumption(Carrier& carrier, CodeAssumption assumption, uint32_t number) {
  const auto found = assumptions_.find({assumption, number});
  if (found == assumptions_.end()) return {};
  std::vector<uint32_t> roots = std::move(found->second);
  assumptions_.erase(found);
  for (const uint32_t root : roots) {
    if (!traces_[root]->evicted) evict(carrier, root);
  }
  return roots;
}

void CompiledTraces::evict(Carrier& carrier, uint32_t root) {
  ++stats_.evictions;
  // The ranges of its code, by their ends.
  std::vector<std::pair<const uint8_t*, const uint8_t*>> gone;
  for (const auto& trace : traces_) {
    if (trace->root != root) continue;
    trace->evicted = true;
    if (trace->exit_count != 0) erase_records(*trace, 0, trace->exit_count - 1);
    gone.emplace_back(trace->start + trace->code_bytes, trace->start);
  }
  std::ranges::sort(gone);
  const auto is_gone = [&](const uint8_t* address) {
    const auto found = std::ranges::upper_bound(gone, address, {}, [](const auto& range) { return range.first; });
    return found != gone.end() && found->second <= address;
  };
  const CompiledTrace& top = *traces_[root];
  if (top.kind == TraceKind::kFunction) {
    entries_.forget(*top.code);
  } else {
    std::erase_if(continuations_, [&](const auto& known) { return known.second == top.start; });
    for (const auto& trace : traces_) {
      if (trace->evicted || trace->exit_count == 0) continue;
      const uint32_t last = trace->exit_count - 1;
      const ExitSite site = load_site(trace->machine_code(), last);
      if (!site.is_return() || jump_target(site.jumps.front()) != top.start) continue;
      link(site, site.stub);
      erase_records(*trace, last, last);
    }
  }
  redirect_returns(carrier, is_gone);
}

void CompiledTraces::flush(Carrier& carrier) {
  ++stats_.flushes;
  redirect_returns(carrier, [&](const uint8_t* address) { return cache_.contains(address); });
  entries_.forget_all();
  traces_.clear();
  dispatch_codes_.clear();
  records_.clear();
  continuations_.clear();
  assumptions_.clear();
  for (Decoded& slot : decoded_) slot.address = kNoExit;
  cache_.rewind(cache_start_);
}

}  // namespace fble
