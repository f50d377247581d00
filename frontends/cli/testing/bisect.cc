// `fble-jit bisect`: finds the disturbance of --chaos that makes a program go wrong.
#include "frontends/cli/testing/bisect.h"

#include <fmt/format.h>

#include <charconv>

#include "frontends/cli/cli.h"
#include "frontends/cli/messages.h"
#include "frontends/cli/testing/child_process.h"

namespace fble {

Bisection bisect_fuel(const std::function<ChaosRun(uint64_t fuel)>& run, uint64_t fuel) {
  Bisection result;
  const auto run_with = [&](uint64_t amount) {
    ++result.runs;
    return run(amount);
  };
  const ChaosRun whole = run_with(fuel);
  if (whole.good) return result;
  result.failed = true;
  result.disturbance = whole.last;
  uint64_t bad = std::min(fuel, whole.disturbances);
  if (!run_with(0).good) {
    result.failed_undisturbed = true;
    return result;
  }
  // A run that goes wrong with `bad` does not always go wrong immediately: the disturbance may come later in the run.
  for (uint64_t good = 0; good + 1 < bad;) {
    const uint64_t middle = good + (bad - good) / 2;
    const ChaosRun half = run_with(middle);
    (half.good ? good : bad) = middle;
    if (!half.good) result.disturbance = half.last;
  }
  result.fuel = bad;
  return result;
}

namespace {

constexpr std::string_view kMark = "[chaos ";

/// Takes the lines about disturbances out of the output.
ChaosRun read_run(std::string& output) {
  ChaosRun run;
  std::string rest;
  size_t at = 0;
  for (;;) {
    const size_t mark = output.find(kMark, at);
    const size_t end = mark == std::string::npos ? mark : output.find("]\n", mark);
    if (end == std::string::npos) break;
    rest.append(output, at, mark - at);
    run.last = output.substr(mark, end + 1 - mark);
    std::from_chars(output.data() + mark + kMark.size(), output.data() + end, run.disturbances);
    at = end + 2;
  }
  rest.append(output, at);
  output = std::move(rest);
  return run;
}

/// Runs the program as it was given, with other words before the module or file.
class Runner {
 public:
  explicit Runner(const Options& options) : options_(options) {}

  ChildOutcome run(const std::vector<std::string>& extra) const {
    std::vector<std::string> words{"/proc/self/exe"};
    if (options_.evaluate) words.emplace_back("test");
    const auto split = options_.words.begin() + static_cast<std::ptrdiff_t>(options_.words_before_program);
    for (auto word = options_.words.begin(); word != split; ++word) {
      if (*word != "--evaluate") words.push_back(*word);
    }
    words.insert(words.end(), extra.begin(), extra.end());
    words.insert(words.end(), split, options_.words.end());
    return run_child(words, std::chrono::seconds(options_.timeout_seconds));
  }

 private:
  const Options& options_;
};

std::string how_it_ended(const ChildOutcome& outcome) {
  if (outcome.timed_out) return "it did not end in time";
  if (outcome.status < 0) return fmt::format("it was ended by signal {}", -outcome.status);
  return fmt::format("exit status {}", outcome.status);
}

}  // namespace

CommandEnding run_bisect(const Options& options) {
  const Runner runner(options);
  const ChildOutcome judge = runner.run({"--jit=off"});
  if (!judge.started) {
    print_error("cannot run: " + judge.output);
    return Status::kOtherError;
  }
  if (judge.timed_out) {
    print_error("with --jit=off the program does not end in time (--timeout)");
    return Status::kOtherError;
  }
  if (const ChildOutcome again = runner.run({"--jit=off"});
      again.output != judge.output || again.status != judge.status) {
    print_error("with --jit=off the program does not do the same twice");
    return Status::kOtherError;
  }
  const uint64_t first = options.jit.chaos != 0 ? options.jit.chaos : 1;
  const uint64_t last = options.jit.chaos != 0 ? options.jit.chaos : options.seeds;
  for (uint64_t seed = first; seed <= last; ++seed) {
    ChildOutcome bad;
    const Bisection found = bisect_fuel(
        [&](uint64_t fuel) {
          ChildOutcome outcome =
              runner.run({fmt::format("--chaos={}", seed), fmt::format("--chaos-fuel={}", fuel), "--log=chaos"});
          ChaosRun run = read_run(outcome.output);
          run.good = !outcome.timed_out && outcome.status == judge.status && outcome.output == judge.output;
          if (!run.good) bad = std::move(outcome);
          return run;
        },
        options.jit.chaos_fuel);
    if (!found.failed) continue;
    print_output("--chaos={} goes wrong: {}, where --jit=off has exit status {}\n", seed, how_it_ended(bad),
                 judge.status);
    if (found.failed_undisturbed) {
      print_output("It does so without any disturbance: --chaos={} --chaos-fuel=0\n", seed);
    } else {
      print_output("The first bad decision: {}\nTo see it: --chaos={} --chaos-fuel={} --log=trace,chaos ({} runs)\n",
                   found.disturbance, seed, found.fuel, found.runs);
    }
    return Status::kFailed;
  }
  print_output("nothing goes wrong with {}\n",
               first == last ? fmt::format("--chaos={}", first) : fmt::format("--chaos={} to {}", first, last));
  return Status::kOk;
}

}  // namespace fble
