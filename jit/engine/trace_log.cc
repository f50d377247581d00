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
  const Loc loc = pc == nullptr ? code.loc : code.loc_at(static_cast<uint32_t>(pc - code.start));
  return fmt::format("{} {}:{}", code.block.str(), loc.line, loc.column);
}

const char* kind_text(TraceKind kind) {
  switch (kind) {
    case TraceKind::kFunction: return "function";
    case TraceKind::kBridge: return "bridge";
    case TraceKind::kContinuation: return "continuation";
  }
  return "?";
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

}  // namespace

void TraceLog::event(const char* what, const Trace& trace, const std::string& detail) const {
  if (!options_.log_traces) return;
  std::string origin;
  if (trace.kind != TraceKind::kFunction) origin = fmt::format(" ({}/{})", trace.parent, trace.parent_exit);
  const uint32_t* pc = trace.snapshots.empty() ? nullptr : trace.snapshots.front().frames.back().pc;
  const Code* code = trace.snapshots.empty() ? trace.code : trace.snapshots.front().frames.back().code;
  log_print("[trace {}{} {} {}: {} {}]\n", trace.id, origin, kind_text(trace.kind), place_of(*code, pc), what, detail);
}

void TraceLog::gave_up(const Trace& trace, AbortReason reason) const {
  event("abort", trace, abort_reason_text(reason));
}

void TraceLog::compiled(const Trace& trace, TraceLink link, const CompiledTrace& compiled) const {
  if (!options_.log_traces) return;
  event("compiled", trace,
        fmt::format("-> {}, {} IR instructions, {} exits, {} bytes", trace_link_text(link), trace.ins.size(),
                    compiled.exits.size(), compiled.code_bytes));
}

void TraceLog::evicted(size_t trees, CodeAssumption assumption, uint32_t number) const {
  if (!options_.log_traces) return;
  log_print("[trace evict: {} trees, {} {}]\n", trees, kAssumptionTexts[static_cast<size_t>(assumption)], number);
}

void TraceLog::flushed(size_t traces, size_t bytes) const {
  if (options_.log_traces) log_print("[trace flush: {} traces, {} bytes]\n", traces, bytes);
}

void TraceLog::optimized(const Trace& trace) const {
  if (options_.dump_bytecode) log_print("{}{}", points_.explain(trace), bytecode_text(trace));
  if (options_.dump_ir) log_print("{}{}", points_.explain(trace), to_text(trace));
}

void TraceLog::assembled(const Trace& trace, const AssembledTrace& code, const std::vector<Code*>& codes) const {
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
  log_print("{}", print_side_table(code.side_table, codes));
}

std::string TraceLog::stats_text(const JitStats& stats, const Chaos* chaos) const {
  std::string text = fmt::format(
      "traces:      {} functions, {} bridges, {} continuations, {} dispatch nodes, {} flushes, {} evictions\n"
      "machine code: {} bytes for {} IR instructions\n"
      "side tables: {} bytes for {} guards, {} of which never failed\n"
      "exits:       {} by guards, {} at yield points, {} returns to the interpreter, {} at deopt points\n"
      "forced:      {} times at deopt points, {} times more with a change that machine code was left for\n"
      "compiling:   {:.3f} ms recording, {:.3f} ms optimising, {:.3f} ms assembling\n",
      stats.traces[0], stats.traces[1], stats.traces[2], stats.dispatch_nodes, stats.flushes, stats.evictions,
      stats.code_bytes, stats.ir_instructions, stats.side_table_bytes, stats.guards, stats.guards - stats.failed_guards,
      stats.exits, stats.yields, stats.cold_returns, stats.deopt_point_hits, stats.forced, stats.forced_out,
      static_cast<double>(stats.record_ns) / 1e6, static_cast<double>(stats.optimize_ns) / 1e6,
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
