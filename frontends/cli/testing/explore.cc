// `fble-jit explore`: runs a program in all orders of turns up to a bound.
#include "frontends/cli/testing/explore.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <deque>
#include <system_error>

#include "frontends/cli/cli.h"
#include "frontends/cli/ending.h"
#include "frontends/cli/execute.h"
#include "frontends/cli/front_end.h"
#include "frontends/cli/messages.h"
#include "frontends/cli/testing/child_process.h"
#include "gc/log.h"
#include "interp/turns.h"

namespace fble {

Exploration explore(const std::function<ExploredRun(const Schedule&)>& run, uint32_t bound, uint64_t most_runs) {
  Exploration result;
  std::deque<Schedule> waiting{{}};
  for (; !waiting.empty(); waiting.pop_front()) {
    if (result.runs == most_runs) {
      result.is_whole = false;
      return result;
    }
    result.schedule = waiting.front();
    result.last = run(result.schedule);
    if (result.runs++ == 0) result.usual = result.last;
    result.is_bad = result.last.failed || !result.last.does_the_same(result.usual);
    if (result.is_bad) return result;
    if (result.schedule.size() == bound) continue;
    // Each order is reached once: by its departures from first to last.
    const uint64_t last_turn = result.schedule.empty() ? 0 : result.schedule.back().turn;
    for (const TurnChoice& choice : result.last.choices) {
      if (choice.turn <= last_turn) continue;
      for (const uint32_t other : choice.others) {
        Schedule& next = waiting.emplace_back(waiting.front());
        next.push_back({choice.turn, other});
      }
    }
  }
  return result;
}

namespace {

/// Memory that a child process writes to.
class SharedFile {
 public:
  SharedFile() : file_(memfd_create("choices", MFD_CLOEXEC)) {}
  ~SharedFile() {
    if (file_ >= 0) close(file_);
  }
  SharedFile(const SharedFile&) = delete;

  bool is_open() const { return file_ >= 0; }
  void write_numbers(const std::vector<uint64_t>& numbers) const {
    std::string_view bytes(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(uint64_t));
    write_all(file_, bytes);
  }
  std::vector<uint64_t> read_numbers() const {
    const off_t end = lseek(file_, 0, SEEK_END);
    std::vector<uint64_t> numbers(static_cast<size_t>(std::max<off_t>(end, 0)) / sizeof(uint64_t));
    if (pread(file_, numbers.data(), numbers.size() * sizeof(uint64_t), 0) < 0) numbers.clear();
    return numbers;
  }

 private:
  int file_;
};

void append(std::vector<uint64_t>& numbers, const TurnChoice& choice) {
  numbers.insert(numbers.end(), {choice.turn, choice.chosen, choice.others.size()});
  numbers.insert(numbers.end(), choice.others.begin(), choice.others.end());
}

std::vector<TurnChoice> choices_in(const std::vector<uint64_t>& numbers) {
  std::vector<TurnChoice> choices;
  for (auto at = numbers.begin(); numbers.end() - at >= 3;) {
    TurnChoice choice{.turn = at[0], .chosen = static_cast<uint32_t>(at[1]), .others = {}};
    const auto count = static_cast<std::ptrdiff_t>(at[2]);
    at += 3;
    if (numbers.end() - at < count) break;
    choice.others.assign(at, at + count);
    at += count;
    choices.push_back(std::move(choice));
  }
  return choices;
}

/// Runs the compiled program in this process. Returns its exit status.
int run_here(const Options& options, ProgramCode& code, const Schedule& schedule, const SharedFile& file) {
  Options here = options;
  here.threads.schedule = schedule;
  std::vector<uint64_t> numbers;
  const CommandEnding ending = run_compiled(here, code, [&](Machine& machine) {
    machine.observe_turns([&](TurnChoice&& choice) { append(numbers, choice); });
  });
  file.write_numbers(numbers);
  const Status status = finish_output(ending.status);
  return status == Status::kOk ? ending.program_status : exit_status(status, StatusSet::kProgram);
}

/// Runs the compiled program in a process of its own, which begins as a copy of this one.
ExploredRun run_in_copy(const Options& options, ProgramCode& code, const Schedule& schedule) {
  const SharedFile file;
  const ChildOutcome outcome = run_in_child([&] { return run_here(options, code, schedule, file); },
                                            std::chrono::seconds(options.timeout_seconds));
  if (!outcome.started || !file.is_open()) throw std::system_error(errno, std::generic_category(), "cannot run");
  return {.output = outcome.output,
          .status = outcome.status,
          .timed_out = outcome.timed_out,
          .failed = outcome.timed_out || outcome.status < 0 || outcome.status > kOtherProgramStatus,
          .choices = choices_in(file.read_numbers())};
}

std::string how_it_ended(const ExploredRun& run) {
  if (run.timed_out) return "it does not end in time";
  if (run.status < 0) return fmt::format("it is ended by signal {}", -run.status);
  return fmt::format("exit status {}", run.status);
}

/// Returns the line of the output, counted from 0; empty after the last.
std::string line_of(const std::string& output, size_t number) {
  size_t start = 0;
  for (; number > 0 && start < output.size(); --number)
    start = std::min(output.find('\n', start), output.size() - 1) + 1;
  return output.substr(start, output.find('\n', start) - start);
}

void print_difference(const ExploredRun& usual, const ExploredRun& last) {
  const auto at = std::ranges::mismatch(usual.output, last.output).in1;
  if (at == usual.output.end() && usual.output.size() == last.output.size()) return;
  const auto line = static_cast<size_t>(std::count(usual.output.begin(), at, '\n'));
  print_output("The first line that differs, line {}:\n  usual: {}\n  here:  {}\n", line + 1,
               line_of(usual.output, line), line_of(last.output, line));
}

}  // namespace

CommandEnding run_explore(const Options& options) {
  Status status;
  const std::unique_ptr<ProgramCode> code = compile_module(options, {.must_be_program = true}, status);
  if (code == nullptr) return status;
  std::fflush(nullptr);
  const Exploration found = explore([&](const Schedule& schedule) { return run_in_copy(options, *code, schedule); },
                                    options.bound, options.runs);
  if (!found.is_bad) {
    print_output("{} of {}, with at most {} departures from the usual one: the program does the same in all\n",
                 found.is_whole ? "all" : "the first",
                 found.runs == 1 ? "1 order" : fmt::format("{} orders", found.runs), options.bound);
    return Status::kOk;
  }
  if (found.schedule.empty()) {
    print_output("The usual order goes wrong: {}\n{}", how_it_ended(found.last), found.last.output);
  } else {
    print_output("Another order makes a difference: {}, in the usual order {}\n", how_it_ended(found.last),
                 how_it_ended(found.usual));
    print_difference(found.usual, found.last);
  }
  print_output("To see it: --threads-schedule={} ({} runs)\n",
               found.schedule.empty() ? "''" : schedule_text(found.schedule), found.runs);
  return Status::kFailed;
}

}  // namespace fble
