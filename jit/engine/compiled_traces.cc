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

void CompiledTraces::decode(uint32_t exit_id, Decoded& slot) const {
  const ExitAddress address = exits_[exit_id];
  slot.exit_id = exit_id;
  decode_exit(traces_[address.trace]->side_table, address.exit, slot.entry);
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
  if (trace.kind == TraceKind::kBridge) compiled->parent_steps = exit({trace.parent, trace.parent_exit}).steps;
  compiled->ir_instructions = static_cast<uint32_t>(trace.ins.size());
  compiled->inlined_paths = origin.inlined_paths;
  compiled->mixed_signs = origin.mixed_signs;
  compiled->mixed_layouts = origin.mixed_layouts;
  compiled->first_exit = next_exit();
  compiled->start = assembled.start;
  compiled->door = assembled.door;
  compiled->code_bytes = assembled.code_bytes;
  compiled->side_table = std::move(assembled.side_table);
  if (options_.keep_code_maps) compiled->code_map = std::make_unique<const CodeMap>(std::move(assembled.code_map));
  compiled->whole_steps = trace.whole_steps;
  compiled->exits.reserve(assembled.exits.size());
  for (const ExitSite& site : assembled.exits) add_exit(*compiled, site);
  compiled->jumps.shrink_to_fit();
  return compiled;
}

void CompiledTraces::add_exit(CompiledTrace& trace, const ExitSite& site) {
  const uint32_t index = static_cast<uint32_t>(trace.exits.size());
  exits_.push_back({trace.id, index});
  ExitRecord& exit = trace.exits.emplace_back();
  exit.first_jump = static_cast<uint32_t>(trace.jumps.size());
  exit.jump_count = static_cast<uint16_t>(site.jumps.size());
  for (const uint8_t* jump : site.jumps) trace.jumps.push_back(static_cast<uint32_t>(jump - trace.start));
  exit.stub = static_cast<uint32_t>(site.stub - trace.start);
  exit.guard = site.guard;
  exit.operand_kind = site.operand.kind;
  exit.operand_index = site.operand.index;
  exit.is_return = site.is_return;
  count_anew(exit);
  exit.is_yield = exit.closed = site.is_yield;
  exit.n = site.n;
  exit.m = site.m;
  exit.settled = site.settled;
  exit.steps = site.steps;
  if (site.resume != nullptr) exit.resume = static_cast<uint32_t>(site.resume - trace.start);
  if (site.flag != nullptr) exit.flag = static_cast<uint32_t>(site.flag - trace.start);
  exit.pinned = options_.deopt_at && options_.deopt_at->trace == trace.id && options_.deopt_at->exit == index;
  // A loop that is checked has two turns: the number of turns is not known at its exits.
  if (options_.shadow_check && exit.guard == IrOp::kLoopBack) exit.pinned = true;
  // The facts of a settled exit would not be true.
  if (exit.flag != 0 && !exit.settled && (options_.deopt_sweep || exit.pinned)) set_flag(trace, exit, true);
  if (!site.is_return) ++stats_.guards;
}

void CompiledTraces::take_back(const CompiledTrace& trace, size_t cache_used) {
  for (const ExitRecord& exit : trace.exits) {
    stats_.guards -= exit.is_return ? 0 : 1;
    stats_.failed_guards -= exit.failed ? 1 : 0;
    stats_.rehearsed_guards -= exit.failed ? 1 : 0;
  }
  exits_.resize(trace.first_exit);
  cache_.rewind(cache_used);
}

void CompiledTraces::add(std::unique_ptr<CompiledTrace> trace) {
  ++stats_.traces[static_cast<size_t>(trace->kind)];
  stats_.ir_instructions += trace->ir_instructions;
  stats_.code_bytes += trace->code_bytes;
  stats_.side_table_bytes += trace->side_table.byte_size();
  traces_.push_back(std::move(trace));
}

bool CompiledTraces::find_position(const void* address, MachinePosition& position) const {
  const auto* const byte = static_cast<const uint8_t*>(address);
  // Code is put into the cache in the order of addresses.
  const auto after = std::upper_bound(traces_.begin(), traces_.end(), byte,
                                      [](const uint8_t* at, const auto& trace) { return at < trace->start; });
  if (after != traces_.begin()) {
    const CompiledTrace& trace = **(after - 1);
    if (byte < trace.start + trace.code_bytes) {
      if (trace.code_map == nullptr) return false;
      position = trace.code_map->position_at(static_cast<uint32_t>(byte - trace.start));
      return true;
    }
  }
  const auto node = std::upper_bound(dispatch_codes_.begin(), dispatch_codes_.end(), byte,
                                     [](const uint8_t* at, const auto& code) { return at < code.start; });
  if (node == dispatch_codes_.begin() || byte >= node[-1].end) return false;
  const ExitAddress from = node[-1].exit;
  const CompiledTrace& parent = *traces_[from.trace];
  if (parent.code_map == nullptr) return false;
  position = parent.code_map->position_at(parent.exits[from.exit].stub);
  return true;
}

// ---- linking ----------------------------------------------------------------

void CompiledTraces::link(const CompiledTrace& trace, ExitRecord& exit, const uint8_t* target) {
  for (uint32_t i = 0; i < exit.jump_count; ++i) {
    redirect_jump(cache_, trace.start + trace.jumps[exit.first_jump + i], target);
  }
  exit.linked = true;
}

bool CompiledTraces::link_return(const CompiledTrace& trace, ExitRecord& exit, const ReturnPositions& positions) {
  const auto known = continuations_.find(positions);
  if (known == continuations_.end()) return false;
  link(trace, exit, known->second);
  return true;
}

bool CompiledTraces::link_return_if_new(const CompiledTrace& trace, ExitRecord& exit, const ExitEntry& entry) {
  if (exit.continuations_seen == continuations_made_) return false;
  exit.continuations_seen = continuations_made_;
  return link_return(trace, exit, return_positions(entry.frames));
}

uint32_t CompiledTraces::continuation_of(const CompiledTrace& trace, const ExitRecord& exit) const {
  const uint8_t* start = jump_target(trace.start + trace.jumps[exit.first_jump]);
  const auto found = std::ranges::find(traces_, start, [](const auto& candidate) { return candidate->start; });
  FBLE_ASSERT(found != traces_.end());
  return (*found)->id;
}

void CompiledTraces::add_continuation(const ReturnPositions& positions, const uint8_t* target) {
  continuations_[positions] = target;
  ++continuations_made_;
}

int CompiledTraces::scratch_for_dispatch(const ExitRecord& exit, const ExitEntry& entry) {
  constexpr uint32_t kLeastWidth = 3;
  constexpr uint32_t kMostWidth = 8;
  const bool on_tag = exit.guard == IrOp::kTagIs || exit.guard == IrOp::kTagFrom;
  if (!on_tag || exit.m < kLeastWidth || exit.m > kMostWidth) return -1;
  return exit.operand_kind == LocationKind::kRegister ? free_register(entry, exit.operand_index) : -1;
}

std::optional<DispatchNode> CompiledTraces::link_bridge(ExitAddress from, const Recorder::Tags& tags,
                                                        int dispatch_scratch, const uint8_t* target) {
  std::optional<DispatchNode> made;
  const CompiledTrace& parent = *traces_[from.trace];
  ExitRecord& exit = this->exit(from);
  if (tags.first == tags.end) {
    link(parent, exit, target);
    return made;
  }
  if (exit.dispatch == nullptr) {
    const DispatchNode node =
        install_dispatch(cache_, exit.operand_index, dispatch_scratch, exit.m, parent.start + exit.stub);
    // No guard tests the tag then: the bridge stays unused.
    if (node.start == nullptr) {
      exit.closed = true;
      return made;
    }
    made = node;
    link(parent, exit, node.start);
    // Other tags still leave through the stub, and may get bridges.
    exit.linked = false;
    exit.dispatch = node.table;
    if (options_.keep_code_maps) dispatch_codes_.push_back({node.start, node.table, from});
    ++stats_.dispatch_nodes;
  }
  for (uint32_t tag = tags.first; tag < tags.end; ++tag) set_dispatch_target(cache_, exit.dispatch, tag, target);
  return made;
}

// ---- exits ------------------------------------------------------------------

void CompiledTraces::count_anew(ExitRecord& exit) const {
  exit.countdown = options_.threshold(exit.is_return ? options_.params.hot_returns : options_.params.hot_exits);
}

void CompiledTraces::back_off(ExitRecord& exit) const {
  ++exit.failures;
  count_anew(exit);
  exit.countdown <<= exit.failures;
  exit.closed = exit.failures >= options_.params.max_attempts;
}

void CompiledTraces::set_flag(const CompiledTrace& trace, const ExitRecord& exit, bool set) {
  cache_.patch32(trace.start + exit.flag, set ? 1 : 0);
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
      for (ExitRecord& exit : trace->exits) {
        if (trace->evicted || !exit.linked || !exit.is_return) continue;
        if (jump_target(trace->start + trace->jumps[exit.first_jump]) != top.start) continue;
        link(*trace, exit, trace->start + exit.stub);
        exit.linked = false;
        count_anew(exit);
        exit.continuations_seen = 0;
      }
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
  exits_.clear();
  continuations_.clear();
  assumptions_.clear();
  for (Decoded& slot : decoded_) slot.exit_id = 0xffffffff;
  cache_.rewind(cache_start_);
}

}  // namespace fble
