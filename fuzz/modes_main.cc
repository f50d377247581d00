// fble-fuzz-modes: generated programs, run in all modes, which must agree.
//
//   fble-fuzz-modes --seed 1 --count 1000 --jobs 2 --out /tmp/found
//
// Programs run in worker processes. A worker that crashes or hangs is a finding and is
// replaced; the others continue. Findings are made smaller (fuzz/minimise.h) and written
// to the folder: SEED-MODE.fble is a program for the command line, SEED-MODE.txt
// describes the failure. The exit status is 1 if anything was found.
//
// Tested by the ctests fuzz.modes, fuzz.threads, fuzz.threads.command and fuzz.night.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontends/fble/big_stack.h"
#include "fuzz/gen/library.h"
#include "fuzz/gen/program_gen.h"
#include "fuzz/gen/thread_gen.h"
#include "fuzz/hang.h"
#include "fuzz/minimise.h"
#include "fuzz/oracle/modes_agree.h"
#include "gc/mapping.h"
#include "interp/ticker.h"

namespace fble {
namespace {

constexpr double kJudgeSeconds = 5;
constexpr double kModeSeconds = 60;
constexpr double kKillSeconds = 20;  ///< the extra time after which a worker that does not stop is killed
constexpr int kWakeMilliseconds = 50;

double now() { return seconds_of(CLOCK_MONOTONIC); }

struct Settings {
  uint64_t seed = 1;
  uint64_t count = 100;
  unsigned jobs = 1;
  double seconds = 0;  ///< time after which to stop; 0 for never
  std::vector<std::string> modes;
  std::string out;
  std::string command;    ///< run this command instead, in processes of its own
  std::string reference;  ///< compare with this command, which takes the file at its end
  std::string replay;     ///< a file with a module
  bool print = false;
  bool json = false;     ///< the last line is JSON (fuzz/night reads it)
  bool threads = false;  ///< programs with threads
  bool minimise = true;
  double minimise_seconds = 60;
  unsigned max_findings = 10;
  ProgramGenOptions gen;
#if __has_feature(address_sanitizer)
  unsigned memory_mb = 0;  // the sanitizer's shadow counts as data
#else
  unsigned memory_mb = 4096;
#endif
};

GeneratedProgram generate(const Settings& settings, Choices& choices) {
  return settings.threads ? generate_thread_program(choices) : generate_program(choices, settings.gen);
}
GeneratedProgram generate(const Settings& settings, uint64_t seed) {
  Choices choices = Choices::from_seed(seed);
  return generate(settings, choices);
}

/// Returns the options that fit a program. Requires: the program lives as long.
ModesOptions options_for(const GeneratedProgram& program, uint64_t seed, const std::vector<std::string>& modes,
                         double judge_seconds = kJudgeSeconds, double mode_seconds = kModeSeconds) {
  return {.seed = seed,
          .cost = program.cost,
          .has_threads = program.threads.has_value(),
          .has_times = program.threads && program.threads->has_times,
          .model = program.threads ? &*program.threads : nullptr,
          .modes = modes,
          .judge_seconds = judge_seconds,
          .mode_seconds = mode_seconds};
}

// ---------------------------------------------------------------------------
// One program in one process

struct Probe {
  /// The kind of the failure, which has to stay the same while the program is made
  /// smaller; empty if there is none.
  std::string kind;
  std::string details;
};

/// Names the failure, in a word or two.
std::string kind_of(const Difference& difference) {
  const Outcome& expected = difference.expected;
  if (expected.end != difference.outcome.end) {
    return fmt::format("end {}/{}", static_cast<int>(expected.end), static_cast<int>(difference.outcome.end));
  }
  return expected.output != difference.outcome.output ? "output" : "error text";
}

/// Runs a function in a child process. Returns its output and its standard error.
template <typename Body>
std::optional<int> in_child(double seconds, std::string& text, Body&& body) {
  int ends[2];
  if (pipe(ends) != 0) return std::nullopt;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    dup2(ends[1], 2);
    body(ends[1]);
    _exit(0);
  }
  close(ends[1]);
  const double start = now();
  bool late = false;
  for (;;) {
    pollfd poll_end{ends[0], POLLIN, 0};
    const int ready = poll(&poll_end, 1, kWakeMilliseconds);
    if (ready < 0) continue;  // another child has ended
    late = hangs(child, 0, start, seconds);
    if (late) {
      kill(child, SIGKILL);
      break;
    }
    if (ready == 0) continue;
    char buffer[4096];
    const ssize_t size = read(ends[0], buffer, sizeof buffer);
    if (size <= 0) break;
    if (text.size() < 100000) text.append(buffer, static_cast<size_t>(size));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (late) return std::nullopt;
  return status;
}

Probe probe(ModesOracle& oracle, const std::string& text, const ModesOptions& options) {
  std::string output;
  const size_t modes = options.modes.empty() ? fuzz_modes().size() : options.modes.size();
  const std::optional<int> status =
      in_child(2 * options.judge_seconds + options.mode_seconds * static_cast<double>(modes) + kKillSeconds, output,
               [&](int end) {
                 const Verdict verdict = oracle.check(text, options);
                 std::string report;
                 if (verdict.kind == Verdict::Kind::kDiffer) report = "\x01" + kind_of(verdict.differences[0]) + "\x01";
                 for (const Difference& difference : verdict.differences) report += describe(difference);
                 if (verdict.kind == Verdict::Kind::kRejected) report = "\x02" + verdict.message;
                 for (size_t at = 0; at < report.size();) {
                   const ssize_t written = write(end, report.data() + at, report.size() - at);
                   if (written <= 0) break;
                   at += static_cast<size_t>(written);
                 }
               });
  if (!status) return {"hang", output};
  if (WIFSIGNALED(*status)) return {fmt::format("signal {}", WTERMSIG(*status)), output};
  if (WEXITSTATUS(*status) != 0) return {fmt::format("exit {}", WEXITSTATUS(*status)), output};
  if (const size_t mark = output.find('\x01'); mark != std::string::npos) {
    const size_t end = output.find('\x01', mark + 1);
    return {output.substr(mark + 1, end - mark - 1), output.substr(0, mark) + output.substr(end + 1)};
  }
  return {"", output};
}

// ---------------------------------------------------------------------------
// Findings

struct Finding {
  uint64_t seed;
  std::string mode;
};

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

void report(ModesOracle& oracle, const Settings& settings, const Finding& finding) {
  const GeneratedProgram program = generate(settings, finding.seed);
  const std::vector<std::string> modes = {finding.mode};
  Probe first = probe(oracle, program.text, options_for(program, finding.seed, modes));
  GeneratedProgram shown = program;
  if (first.kind.empty()) {
    first.kind = "not seen again with this mode alone";
  } else if (settings.minimise) {
    const double judge_seconds = 1;
    const double mode_seconds = first.kind == "hang" || first.kind.starts_with("end") ? 5 : 10;
    const MinimiseOptions minimise{.seconds = settings.minimise_seconds};
    const auto still_fails = [&](const GeneratedProgram& candidate, const std::string& text) {
      ModesOptions options = options_for(candidate, finding.seed, modes, judge_seconds, mode_seconds);
      options.cost = program.cost;
      return probe(oracle, text, options).kind == first.kind;
    };
    const std::vector<uint32_t> small = minimise_choices(
        program.choices,
        [&](const std::vector<uint32_t>& values) {
          Choices replay = Choices::from_values(values);
          const GeneratedProgram candidate = generate(settings, replay);
          return still_fails(candidate, candidate.text);
        },
        minimise);
    Choices replay = Choices::from_values(small);
    shown = generate(settings, replay);
    // The model judges programs with threads only as they were generated, so their text stays.
    if (!settings.threads) {
      shown.text = minimise_text(
          shown.text,
          [&](const std::string& candidate) {
            return has_what_footer_needs(candidate) && still_fails(shown, candidate);
          },
          minimise);
      shown.command_text = with_footer(shown.text);
    }
    ModesOptions options = options_for(shown, finding.seed, modes);
    options.cost = program.cost;
    const Probe again = probe(oracle, shown.text, options);
    if (again.kind == first.kind) first = again;
  }
  std::string flags;
  for (const FuzzMode& mode : fuzz_modes()) {
    if (mode.name == finding.mode) flags = mode_flags(mode, finding.seed, program.cost);
  }
  const std::string message =
      fmt::format("seed {} mode {} ({}): {}\n{}", finding.seed, finding.mode, flags, first.kind, first.details);
  fmt::print("FOUND {}\n", message);
  if (!settings.out.empty()) {
    std::filesystem::create_directories(settings.out);
    const std::filesystem::path base =
        std::filesystem::path(settings.out) / fmt::format("{}-{}", finding.seed, finding.mode);
    write_file(base.string() + ".module.fble", shown.text);
    write_file(base.string() + ".fble", shown.command_text);
    write_file(base.string() + ".txt", message);
    write_file(base.string() + ".whole.fble", program.text);
    fmt::print("  see {}.fble\n", base.string());
  }
  std::fflush(stdout);
}

// ---------------------------------------------------------------------------
// Workers

/// The memory that the workers and their master share.
struct Shared {
  std::atomic<uint64_t> next{0};
  std::atomic<uint64_t> agreed{0};
  std::atomic<uint64_t> failing{0};  ///< programs that end by an error in all modes
  std::atomic<uint64_t> skipped{0};  ///< too slow, or not enough memory
  std::atomic<uint64_t> rejected{0};
  std::atomic<uint64_t> traces{0};
  std::atomic<uint64_t> exits{0};
  std::atomic<uint64_t> deopt_point_hits{0};
  struct Slot {
    std::atomic<uint64_t> seed{0};
    std::atomic<int> mode{-1};
    std::atomic<double> started{0};
    std::atomic<double> processor_seconds{0};  ///< of the worker, when it started this
  } slots[64];
};

struct Message {
  uint64_t seed;
  int mode;  ///< -1: the text from the generator is no program
};

[[noreturn]] void work(ModesOracle& oracle, const Settings& settings, Shared& shared, unsigned slot_index, int end) {
  Shared::Slot& slot = shared.slots[slot_index];
  const KeptMappings kept_mappings;
  const KeptTickers kept_tickers;
  for (;;) {
    const uint64_t index = shared.next++;
    if (index >= settings.count) _exit(0);
    const uint64_t seed = settings.seed + index;
    const auto start = [&](int mode) {
      slot.mode = mode;
      slot.processor_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
      slot.started = now();
    };
    slot.seed = seed;
    start(-1);
    const GeneratedProgram program = generate(settings, seed);
    ModesOptions options = options_for(program, seed, settings.modes);
    options.progress = [&](size_t mode) { start(static_cast<int>(mode)); };
    const Verdict verdict = oracle.check(program.text, options);
    shared.traces += verdict.traces;
    shared.exits += verdict.exits;
    shared.deopt_point_hits += verdict.deopt_point_hits;
    switch (verdict.kind) {
      case Verdict::Kind::kAgree:
        ++shared.agreed;
        if (verdict.judge.end == Outcome::End::kError) ++shared.failing;
        break;
      case Verdict::Kind::kTooSlow:
      case Verdict::Kind::kOutOfMemory: ++shared.skipped; break;
      case Verdict::Kind::kRejected: ++shared.rejected; break;
      case Verdict::Kind::kDiffer: break;
    }
    const auto tell = [&](int mode) {
      const Message message{seed, mode};
      [[maybe_unused]] const ssize_t written = write(end, &message, sizeof message);
    };
    if (verdict.kind == Verdict::Kind::kRejected) tell(-1);
    for (const Difference& difference : verdict.differences) {
      for (size_t i = 0; i < fuzz_modes().size(); ++i) {
        if (fuzz_modes()[i].name == difference.mode) tell(static_cast<int>(i));
      }
      break;  // the first will do
    }
  }
}

int run_workers(const Settings& settings) {
  ModesOracle oracle;
  auto* shared =
      static_cast<Shared*>(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  new (shared) Shared;
  int ends[2];
  if (pipe(ends) != 0) return 2;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  // The end of a worker wakes the wait below.
  struct sigaction on_child{};
  on_child.sa_handler = [](int) {};
  on_child.sa_flags = SA_RESTART;
  sigaction(SIGCHLD, &on_child, nullptr);
  std::map<pid_t, unsigned> workers;
  const auto start_worker = [&](unsigned slot) {
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      const rlimit memory{rlim_t{settings.memory_mb} << 20, rlim_t{settings.memory_mb} << 20};
      if (settings.memory_mb != 0) setrlimit(RLIMIT_DATA, &memory);
      // One large stack for all programs.
      run_on_big_stack([&] { work(oracle, settings, *shared, slot, ends[1]); });
    }
    shared->slots[slot].started = now();
    shared->slots[slot].processor_seconds = 0;
    workers[child] = slot;
  };
  for (unsigned slot = 0; slot < settings.jobs; ++slot) start_worker(slot);

  const double start = now();
  std::vector<Finding> findings;
  bool rejected = false;
  const auto receive = [&] {
    Message message;
    while (read(ends[0], &message, sizeof message) == sizeof message) {
      if (message.mode < 0) {
        rejected = true;
        fmt::print("seed {}: the generator's program does not compile\n", message.seed);
        continue;
      }
      findings.push_back({message.seed, fuzz_modes()[static_cast<size_t>(message.mode)].name});
    }
  };
  size_t reported = 0;
  while (!workers.empty()) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended > 0 && workers.contains(ended)) {
      const unsigned slot = workers[ended];
      workers.erase(ended);
      if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0) {
        const int mode = shared->slots[slot].mode;
        const uint64_t seed = shared->slots[slot].seed;
        fmt::print("seed {}: a worker ended by {} in mode {}\n", seed,
                   WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                       : fmt::format("status {}", WEXITSTATUS(status)),
                   mode < 0 ? "(generator)" : fuzz_modes()[static_cast<size_t>(mode)].name);
        if (mode >= 0)
          findings.push_back({seed, fuzz_modes()[static_cast<size_t>(mode)].name});
        else
          rejected = true;
        start_worker(slot);
      }
      continue;
    }
    receive();
    while (reported < findings.size()) {
      if (reported < settings.max_findings) report(oracle, settings, findings[reported]);
      ++reported;
    }
    const bool stop = (settings.seconds > 0 && now() - start > settings.seconds) || reported >= settings.max_findings;
    if (stop) shared->next = settings.count;
    for (const auto& [child, slot] : workers) {
      const Shared::Slot& at = shared->slots[slot];
      if (hangs(child, at.processor_seconds, at.started, kModeSeconds + kKillSeconds)) kill(child, SIGKILL);
    }
    // A worker may have ended since it was looked for, hence not for long.
    pollfd message{ends[0], POLLIN, 0};
    poll(&message, 1, kWakeMilliseconds);
  }
  receive();
  for (; reported < findings.size() && reported < settings.max_findings; ++reported)
    report(oracle, settings, findings[reported]);
  const double seconds = now() - start;
  const uint64_t agreed = shared->agreed;
  if (settings.json) {
    fmt::print(
        R"({{"agreed": {}, "failing": {}, "skipped": {}, "findings": {}, "traces": {}, "exits": {}, "deopt_point_hits": {}}})"
        "\n",
        agreed, shared->failing.load(), shared->skipped.load(), findings.size(), shared->traces.load(),
        shared->exits.load(), shared->deopt_point_hits.load());
    return findings.empty() && !rejected ? 0 : 1;
  }
  fmt::print(
      "{} programs agree ({} of them by an error), {} skipped, {} findings; {} traces, {} exits, {} at deopt points; "
      "{:.0f} "
      "s, {:.0f} "
      "programs a "
      "minute\n",
      agreed, shared->failing.load(), shared->skipped.load(), findings.size(), shared->traces.load(),
      shared->exits.load(), shared->deopt_point_hits.load(), seconds, static_cast<double>(agreed) * 60 / seconds);
  return findings.empty() && !rejected ? 0 : 1;
}

// ---------------------------------------------------------------------------
// The command itself

struct CommandOutcome {
  std::string output;
  std::string errors;
  std::string end;
};

CommandOutcome run_command(const std::string& command, double seconds) {
  CommandOutcome outcome;
  const std::string errors = fmt::format("/tmp/fble-fuzz-modes-{}.err", getpid());
  std::string text;
  const std::optional<int> status = in_child(seconds, text, [&](int end) {
    dup2(end, 1);
    const std::string line = fmt::format("exec {} 2>{}", command, errors);
    execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
  });
  outcome.output = text;
  std::ifstream stream(errors, std::ios::binary);
  outcome.errors.assign(std::istreambuf_iterator<char>(stream), {});
  std::filesystem::remove(errors);
  outcome.end = !status                ? "timeout"
                : WIFSIGNALED(*status) ? fmt::format("signal {}", WTERMSIG(*status))
                                       : fmt::format("status {}", WEXITSTATUS(*status));
  return outcome;
}

int run_commands(const Settings& settings) {
  const std::string folder = settings.out.empty() ? fmt::format("/tmp/fble-fuzz-modes-{}", getpid()) : settings.out;
  std::filesystem::create_directories(folder);
  uint64_t agreed = 0;
  unsigned found = 0;
  const double start = now();
  for (uint64_t i = 0; i < settings.count && found < settings.max_findings; ++i) {
    if (settings.seconds > 0 && now() - start > settings.seconds) break;
    const uint64_t seed = settings.seed + i;
    const GeneratedProgram program = generate(settings, seed);
    const std::string file = fmt::format("{}/Program{}.fble", folder, seed);
    write_file(file, program.command_text);
    std::map<size_t, CommandOutcome> judges;
    bool same = true;
    for (size_t at = 0; at < (settings.threads ? fuzz_modes().size() : modes_for_any_program()); ++at) {
      const FuzzMode& mode = fuzz_modes()[at];
      const bool is_judge = judge_of(at) == at;
      if (!is_judge && !settings.modes.empty() && std::ranges::find(settings.modes, mode.name) == settings.modes.end())
        continue;
      std::string flags = mode_flags(mode, seed, program.cost);
      if (program.threads && program.threads->has_times && mode.kind != FuzzModeKind::kTurns)
        flags += " --threads-schedule=";
      const CommandOutcome outcome = run_command(fmt::format("{} {} {}", settings.command, flags, file), kModeSeconds);
      if (is_judge) {
        judges[at] = outcome;
        continue;
      }
      const CommandOutcome& judge = judges[judge_of(at)];
      if (outcome.output == judge.output && outcome.errors == judge.errors && outcome.end == judge.end) continue;
      same = false;
      fmt::print("FOUND seed {} mode {} ({}): {} instead of {}{}{}\n", seed, mode.name, flags, outcome.end, judge.end,
                 outcome.output != judge.output ? ", other output" : "",
                 outcome.errors != judge.errors ? ", other messages" : "");
    }
    if (!settings.reference.empty()) {
      const CommandOutcome outcome =
          run_command(fmt::format("{} -I {} -m /Program{}%", settings.reference, folder, seed), kModeSeconds);
      // Messages are not compared: the reference words its own.
      const CommandOutcome& judge = judges[0];
      const bool agrees = outcome.output == judge.output && (outcome.end == "status 0") == (judge.end == "status 0");
      if (!agrees) fmt::print("FOUND seed {}: the reference ends by {}, we end by {}\n", seed, outcome.end, judge.end);
      same &= agrees;
    }
    if (same)
      ++agreed;
    else
      ++found;
    if (same) std::filesystem::remove(file);
  }
  fmt::print("{} programs agree, {} findings, {:.0f} s\n", agreed, found, now() - start);
  return found == 0 ? 0 : 1;
}

int replay_file(const Settings& settings) {
  std::ifstream stream(settings.replay, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  ModesOracle oracle;
  const Probe result = probe(oracle, text,
                             {.seed = settings.seed,
                              .cost = settings.gen.max_cost,
                              .has_threads = settings.threads,
                              .has_times = settings.threads,
                              .modes = settings.modes,
                              .judge_seconds = kJudgeSeconds,
                              .mode_seconds = kModeSeconds});
  fmt::print("{}\n{}", result.kind.empty() ? "all modes agree" : result.kind, result.details);
  return result.kind.empty() ? 0 : 1;
}

void usage() {
  fmt::print(
      "Usage: fble-fuzz-modes [OPTION...]\n"
      "Makes programs and runs each in all modes, which must agree.\n"
      "  --seed S         the first program's seed (1)\n"
      "  --count N        how many programs (100)\n"
      "  --jobs J         processes at a time (1)\n"
      "  --seconds T      stop after this time\n"
      "  --modes LIST     only these modes, separated by commas\n"
      "  --out DIR        where to put what is found\n"
      "  --max-cost C     bound of what a program may take, in steps (400000)\n"
      "  --threads        programs with threads, which must do what a model says, too\n"
      "  --no-integers    only programs without integers of the library\n"
      "  --max-findings N stop after N findings (10)\n"
      "  --memory MB      limit of a process, 0 for none (4096; 0 with a sanitizer)\n"
      "  --minimise T     seconds for making a finding smaller, twice; 0 for not at all (60)\n"
      "  --json           the last line of the output is JSON\n"
      "  --print          print the first program, and stop\n"
      "  --replay FILE    run a module instead, as printed\n"
      "  --command CMD    run this fble-jit instead of running in this process\n"
      "  --reference CMD  with --command: also compare with this command's output\n"
      "Modes:\n");
  for (const FuzzMode& mode : fuzz_modes()) fmt::print("  {:<14} {}\n", mode.name, mode.doc);
}

int main_function(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--help") return usage(), 0;
    if (option == "--no-integers") {
      settings.gen.integers = false;
      continue;
    }
    if (option == "--threads") {
      settings.threads = true;
      continue;
    }
    if (option == "--json") {
      settings.json = true;
      continue;
    }
    if (option == "--print") {
      settings.print = true;
      continue;
    }
    if (i + 1 >= argc) {
      fmt::print(stderr, "error: unknown option or no value: {}\n", option);
      return 2;
    }
    const std::string value = argv[++i];
    const uint64_t number = std::strtoull(value.c_str(), nullptr, 10);
    if (option == "--seed")
      settings.seed = number;
    else if (option == "--count")
      settings.count = number;
    else if (option == "--jobs")
      settings.jobs = static_cast<unsigned>(std::clamp<uint64_t>(number, 1, 64));
    else if (option == "--seconds")
      settings.seconds = static_cast<double>(number);
    else if (option == "--out")
      settings.out = value;
    else if (option == "--max-cost")
      settings.gen.max_cost = static_cast<double>(number);
    else if (option == "--max-findings")
      settings.max_findings = static_cast<unsigned>(number);
    else if (option == "--memory")
      settings.memory_mb = static_cast<unsigned>(number);
    else if (option == "--minimise")
      settings.minimise = number > 0, settings.minimise_seconds = static_cast<double>(number);
    else if (option == "--replay")
      settings.replay = value;
    else if (option == "--command")
      settings.command = value;
    else if (option == "--reference")
      settings.reference = value, settings.gen.own_library = false;
    else if (option == "--modes") {
      for (size_t at = 0; at <= value.size();) {
        const size_t end = std::min(value.find(',', at), value.size());
        settings.modes.push_back(value.substr(at, end - at));
        at = end + 1;
      }
      for (const std::string& name : settings.modes) {
        if (std::ranges::none_of(fuzz_modes(), [&](const FuzzMode& mode) { return mode.name == name; })) {
          fmt::print(stderr, "error: no mode {}\n", name);
          return 2;
        }
      }
    } else {
      fmt::print(stderr, "error: unknown option {}\n", option);
      return 2;
    }
  }
  if (settings.print) {
    fmt::print("{}", generate(settings, settings.seed).text);
    return 0;
  }
  if (!settings.replay.empty()) return replay_file(settings);
  if (!settings.command.empty()) return run_commands(settings);
  return run_workers(settings);
}

}  // namespace
}  // namespace fble

int main(int argc, char** argv) { return fble::main_function(argc, argv); }
