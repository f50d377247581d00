#include "jit/engine/trace_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "deopt/side_table_text.h"
#include "gc/log.h"
#include "interp/bytecode.h"
#include "interp/bytecode_text.h"
#include "jit/ir/ir_text.h"
#include "jit/x64/jitdump.h"
#include "jit/x64/perf_map.h"

namespace fble {

namespace {

constexpr const char* kAssumptionTexts[] = {
#define FBLE_CODE_ASSUMPTION(Name, text, doc) text,
#include "jit/assumptions.def"
#undef FBLE_CODE_ASSUMPTION
};

/// Returns the code's place in its source, for logs.
std::string place_of(const Code& code, const uint32_t* pc) {
  const Loc loc = pc == nullptr ? code.loc : code.place_at(static_cast<uint32_t>(pc - code.start));
  return fmt::format("{} {}:{}", code.block.str(), loc.line, loc.column);
}

/// Returns the bytecode of all frames that the trace passes through, once each.
std::string bytecode_text(const Trace& trace) {
  std::string text;
  std::vector<const Code*> seen;
  for (const Snapshot& snapshot : trace.snapshots) {
    for (const SnapshotFrame& frame : snapshot.frames) {
      if (std::find(seen.begin(), seen.end(), frame.code) != seen.end()) continue;
      seen.push_back(frame.code);
      text += fmt::format("; {}\n", place_of(*frame.code, nullptr));
      for (uint32_t at = 0; at < frame.code->words.size(); at += instruction_length(&frame.code->words[at])) {
        text += fmt::format(";   {:4} {}\n", at, print_instruction(*frame.code, at));
      }
    }
  }
  return text;
}

std::string name_of(const Memo& memo) { return fmt::format("memo {}", memo.function->block.str()); }

std::string trace_line(const char* what, const Trace& trace, const std::string& detail) {
  std::string origin;
  if (trace.kind != TraceKind::kFunction) origin = fmt::format(" ({}/{})", trace.parent, trace.parent_exit);
  const uint32_t* pc = trace.snapshots.empty() ? nullptr : trace.snapshots.front().frames.back().pc;
  const Code* code = trace.snapshots.empty() ? trace.code : trace.snapshots.front().frames.back().code;
  return fmt::format("[trace {}{} {} {}: {} {}]", trace.id, origin, trace_kind_text(trace.kind), place_of(*code, pc),
                     what, detail);
}

}  // namespace

const char* event_text(const EngineEvent& event) {
  constexpr const char* kTexts[] = {
#define FBLE_ENGINE_EVENT(Name, text, doc) text,
#include "jit/engine/events.def"
#undef FBLE_ENGINE_EVENT
      ""};
  return kTexts[event.index()];
}

std::string log_line(const EngineEvent& event) {
  if (const auto* abort = std::get_if<AbortEvent>(&event); abort != nullptr && !abort->is_interrupted) {
    return trace_line("abort", abort->trace, abort_reason_text(abort->reason));
  }
  if (const auto* made = std::get_if<CompileEvent>(&event)) {
    return trace_line("compiled", made->trace,
                      fmt::format("-> {}, {} IR instructions, {} exits, {} bytes", trace_link_text(made->link),
                                  made->trace.ins.size(), made->compiled.exit_count, made->compiled.code_bytes));
  }
  if (const auto* evict = std::get_if<EvictEvent>(&event)) {
    return fmt::format("[trace evict: {} trees, {} {}]", evict->roots.size(),
                       kAssumptionTexts[static_cast<size_t>(evict->assumption)], evict->number);
  }
  if (const auto* made = std::get_if<MemoEvent>(&event)) return fmt::format("[{}]", name_of(made->memo));
  if (const auto* flush = std::get_if<FlushEvent>(&event)) {
    return fmt::format("[trace flush: {} traces, {} bytes]", flush->traces, flush->bytes);
  }
  return {};
}

bool TraceLog::is_wanted() const {
  return options_.log_traces || options_.dump_bytecode || options_.dump_ir || options_.dump_asm ||
         options_.dump_side_table || perf_map_wanted() || jitdump_wanted();
}

void TraceLog::take(const EngineEvent& event) {
  if (const auto* optimized = std::get_if<OptimizeEvent>(&event)) return dump(*optimized);
  if (const auto* assembled = std::get_if<AssembleEvent>(&event)) return dump(*assembled);
  if (const auto* made = std::get_if<MemoEvent>(&event); made != nullptr && perf_map_wanted()) {
    const Memo& memo = made->memo;
    perf_map_add(memo.code.start, memo.code.bytes, name_of(memo));
    if (memo.rules)
      perf_map_add(memo.stride_code.start, memo.stride_code.bytes, "strides " + memo.function->block.str());
  }
  if (!options_.log_traces) return;
  if (const std::string line = log_line(event); !line.empty()) log_print("{}\n", line);
}

void TraceLog::dump(const OptimizeEvent& event) const {
  if (options_.dump_bytecode) log_print("{}{}", points_.explain(event.trace), bytecode_text(event.trace));
  if (options_.dump_ir) log_print("{}{}", points_.explain(event.trace), to_text(event.trace));
}

void TraceLog::dump(const AssembleEvent& event) const {
  const Trace& trace = event.trace;
  const AssembledTrace& code = event.code;
  const std::string name = fmt::format("trace {} {}", trace.id, trace.code->block.str());
  if (perf_map_wanted()) perf_map_add(code.start, code.code_bytes, name);
  if (jitdump_wanted()) jitdump_add(code.code_map, name);
  if (options_.dump_asm) {
    log_print("{}{}", points_.explain(trace), disassemble(code.start, code.code_bytes, &trace, code.origins));
  }
  if (!options_.dump_side_table) return;
  for (size_t i = 0; i < code.exits.size(); ++i) {
    const ExitSite& site = code.exits[i];
    if (site.guard == IrOp::kDeoptPoint) {
      log_print("; exit {}: {}\n", i, points_.name(static_cast<uint32_t>(site.n)));
    }
  }
  log_print("{}", print_side_table(code.side_table, codes_));
}

std::string TraceLog::stats_text(const JitStats& stats, const Chaos* chaos) const {
  std::string text = fmt::format(
      "traces:      {} functions, {} bridges, {} continuations, {} dispatch nodes, {} flushes, {} evictions\n"
      "machine code: {} bytes for {} IR instructions\n"
      "side tables: {} bytes for {} guards, {} of which never failed; {} with sites and stubs, {} of records\n"
      "exits:       {} by guards, {} at yield points, {} returns to the interpreter, {} at deopt points\n"
      "forced:      {} times at deopt points, {} times more with a change that machine code was left for\n"
      "memos:       {} functions, {} given up, {} of their tables freed; {} calls remembered, {} unknown\n"
      "strides:     {} functions, {} given up; {} calls computed, {} made after all; {} rows\n"
      "compiling:   {:.3f} ms recording, {:.3f} ms optimising, {:.3f} ms assembling\n",
      stats.traces[0], stats.traces[1], stats.traces[2], stats.dispatch_nodes, stats.flushes, stats.evictions,
      stats.code_bytes, stats.ir_instructions, stats.side_table_bytes, stats.guards, stats.guards - stats.failed_guards,
      stats.exit_bytes, stats.record_bytes, stats.exits, stats.yields, stats.cold_returns, stats.deopt_point_hits,
      stats.forced, stats.forced_out, stats.memos, stats.memos_given_up, stats.memo_tables_freed,
      stats.remembered_calls, stats.unknown_calls, stats.walked, stats.walked_given_up, stats.walks, stats.failed_walks,
      stats.stride_rows, static_cast<double>(stats.record_ns) / 1e6, static_cast<double>(stats.optimize_ns) / 1e6,
      static_cast<double>(stats.assemble_ns) / 1e6);
  if (options_.deopt_sweep) {
    text += fmt::format("rehearsals:  {} guards; {} loops given up\n", stats.rehearsed_guards, stats.loops_given_up);
  }
  if (options_.shadow_check) {
    text += fmt::format("shadow check: {} exits compared, {} skipped for want of room\n", stats.exits_checked,
                        stats.exits_unchecked);
  }
  if (chaos != nullptr) {
    text += fmt::format("chaos:       {} disturbances", chaos->count());
    for (size_t i = 0; i < static_cast<size_t>(ChaosKind::kCount); ++i) {
      const auto kind = static_cast<ChaosKind>(i);
      text += fmt::format("{} {} {}", i == 0 ? ":" : ",", chaos->count(kind), chaos_kind_text(kind));
    }
    text += "\n";
  }
  for (size_t i = 0; i < static_cast<size_t>(AbortReason::kCount); ++i) {
    if (stats.aborts[i] == 0) continue;
    text += fmt::format("aborts:      {} {}\n", stats.aborts[i], abort_reason_text(static_cast<AbortReason>(i)));
  }
  return text;
}

}  // namespace fble
