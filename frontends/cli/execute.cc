// Tested by tests/unit/frontends/cli/run_test.cc.
#include "frontends/cli/execute.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>
#include <string>

#include "frontends/cli/ending.h"
#include "frontends/cli/messages.h"
#include "frontends/cli/pprof.h"
#include "frontends/profile/run_counts.h"
#include "frontends/std/native/file.h"
#include "interp/sent_counter.h"
#include "interp/thread_dump.h"
#include "jit/x64/cpu.h"

namespace fble {

ProfileFile::ProfileFile(const Options& options, const ProgramCode& code, uint64_t sample_period)
    : name_(options.profile), sample_period_(sample_period) {
  if (!name_.empty()) profile_ = std::make_unique<Profile>(code);
}

ProfileFile::~ProfileFile() = default;

void ProfileFile::write() const {
  if (profile_ == nullptr) return;
  save_file(name_, encode_pprof(*profile_, sample_period_));
}

void write_block_profile(const Options& options, Machine& machine) {
  if (options.profile_blocks.empty()) return;
  save_file(options.profile_blocks, counts_pprof(counts_of_run(machine.counts())));
}

MachineOptions machine_options(const Options& options, StepObserver* steps) {
  MachineOptions machine;
  machine.steps = steps;
  machine.counts_instructions = options.counts || !options.profile_blocks.empty();
  machine.heap = options.heap;
  // Completions arrive in no particular order. Where turns have a fixed order, the program waits for each of them.
  machine.io = options.threads.has_turns() ? IoKind::kBlocking : options.io;
  machine.threads = options.threads;
  // If address space is limited, the call stack must not claim all of it.
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    machine.stack_bytes = std::min<size_t>(machine.stack_bytes, limit.rlim_cur / 4);
  }
  return machine;
}

std::unique_ptr<TraceEngine> attach_engine(const Options& options, Machine& machine) {
  if (options.interprets || machine.is_observed()) return nullptr;
  if (const std::string missing = missing_cpu_extensions(); !missing.empty()) {
    print_message("warning: programs are interpreted, as by --jit=off: this processor has no {}\n", missing);
    return nullptr;
  }
  JitOptions jit = options.jit;
  const char* debugged = std::getenv("FBLE_JIT_GDB");
  jit.keep_code_maps |= debugged != nullptr && std::string_view(debugged) == "1";
  auto engine = std::make_unique<TraceEngine>(machine.carrier(), jit);
  return engine->usable() ? std::move(engine) : nullptr;
}

Status report_run_error(const Machine& machine) {
  const bool interrupted = machine.error().interrupted;
  // An interrupted program does not wait for readers of its output.
  flush_standard_streams(interrupted ? kLastPatienceMs : kNoLimit);
  // A failed output has ended the program: finish_output reports it.
  if (!output_failure().empty() && !interrupted) return Status::kOtherError;
  print_message(machine.error().render());
  if (interrupted) return Status::kInterrupted;
  return machine.error().out_of_memory ? Status::kOutOfMemory : Status::kRuntimeError;
}

void print_stats(const Machine& machine, const TraceEngine* engine) {
  const HeapStats& stats = const_cast<Machine&>(machine).heap().stats();
  const FreezeStats& freezing = const_cast<Machine&>(machine).heap().freeze_stats();
  print_message(
      "collections: {} minor, {} full\n"
      "allocated:   {} bytes up to the last collection, {} of them survived, {} more as equals of what there was\n"
      "peak:        {} bytes in use, {} bytes live after a collection\n"
      "frozen:      {} bytes of old objects, in {} bytes; {} bytes thawed, {} decoded to be marked, {} unlike\n"
      "pauses:      {:.3f} ms in all, median {:.3f} ms, {:.3f} ms the longest\n",
      stats.minor_collections, stats.full_collections, stats.allocated_bytes, stats.survived_bytes, stats.shared_bytes,
      stats.peak_bytes, stats.peak_live_bytes, freezing.frozen_slabs * kSlabBytes, freezing.code_bytes,
      freezing.thawed_slabs * kSlabBytes, freezing.peeks * kSlabBytes, freezing.kept_slabs * kSlabBytes,
      static_cast<double>(stats.total_pause_ns) / 1e6, static_cast<double>(stats.pauses.median_ns()) / 1e6,
      static_cast<double>(stats.longest_pause_ns) / 1e6);
  const ThreadStats& threads = machine.thread_stats();
  if (threads.started != 0) {
    print_message(
        "threads:     {} started, {} at most at a time, {} switches, {} of them preemptions and {} to run ahead, {} "
        "moves of frames, {} visited by minor collections\n",
        threads.started, threads.most_at_once, threads.switches, threads.preempted, threads.ahead, threads.moves,
        threads.visited);
    std::string waits;
    for (size_t i = 0; i < kWaits; ++i) {
      if (threads.waits[i] == 0) continue;
      waits += fmt::format("{}{} {}", waits.empty() ? "" : ", ", threads.waits[i], wait_text(static_cast<Wait>(i)));
    }
    print_message("waits:       {}\nframes:      {} bytes at most of threads without a call stack\n",
                  waits.empty() ? "none" : waits, threads.most_chunk_bytes);
  }
  if (const SentCounter& sent = machine.sent(); sent.items() != 0) {
    print_message("sent:        {} items, which reached {} new objects of {} bytes\n", sent.items(), sent.objects(),
                  sent.bytes());
  }
  if (engine != nullptr) print_message(engine->stats_text());
}

}  // namespace fble
