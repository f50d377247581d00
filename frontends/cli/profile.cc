// `fble-jit profile`: runs a program and shows where its time goes.
//
// Tested by tests/unit/frontends/cli/profile_test.cc.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "frontends/cli/execute.h"
#include "frontends/cli/front_end.h"
#include "frontends/cli/live_view.h"
#include "frontends/cli/messages.h"
#include "frontends/html/gzip.h"
#include "frontends/profile/profile_formats.h"
#include "frontends/profile/run_counts.h"
#include "gc/clock.h"
#include "interp/allocation_sampler.h"
#include "interp/sampler.h"

namespace fble {
namespace {

/// Returns the name that the profile has for the file; an empty string if it has none. The user may name the file from
/// another folder, or only by the end of its path.
std::string name_in_profile(const std::vector<std::string>& files, const std::string& wanted) {
  const auto is_wanted = [&](const std::string& file) {
    std::error_code ignored;
    return file == wanted || std::filesystem::equivalent(file, wanted, ignored);
  };
  auto found = std::ranges::find_if(files, is_wanted);
  if (found == files.end()) {
    found = std::ranges::find_if(files, [&](const std::string& file) { return file.ends_with("/" + wanted); });
  }
  return found == files.end() ? "" : *found;
}

/// Prints the file as `annotate(file, source)` returns it.
template <typename Annotate>
void print_annotated(const std::vector<std::string>& files, const std::string& wanted, Annotate&& annotate) {
  const std::string file = name_in_profile(files, wanted);
  if (file.empty()) return print_error(fmt::format("nothing of {} is in the profile", wanted));
  std::ifstream stream(file, std::ios::binary);
  const std::string source{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) return print_error(fmt::format("cannot read {}", file));
  print_message("\n" + annotate(file, source));
}

void write_profile(const Options& options, const CallTree& tree) {
  const std::string name = options.module.empty() ? options.file : options.module;
  print_message(profile_text(tree));
  if (!options.annotate.empty()) {
    print_annotated(profiled_files(tree), options.annotate, [&](const std::string& file, const std::string& source) {
      return annotated_source(tree, file, source);
    });
  }
  if (!options.flame_page.empty()) save_file(options.flame_page, flame_page(tree, name));
  if (!options.pprof.empty()) save_file(options.pprof, gzipped(sampled_pprof(tree)));
  if (!options.speedscope.empty()) save_file(options.speedscope, speedscope_json(tree, name));
  if (!options.folded.empty()) save_file(options.folded, folded_stacks(tree));
}

CommandEnding count_calls(const Options& options, ProgramCode& code) {
  std::vector<FunctionCounts> functions;
  const auto finish = [&](Machine& machine) { functions = counts_of_run(machine.counts()); };
  const CommandEnding ending = run_compiled(options, code, nullptr, nullptr, finish);
  print_message(counts_text(functions));
  if (!options.annotate.empty()) {
    print_annotated(
        counted_files(functions), options.annotate,
        [&](const std::string& file, const std::string& source) { return annotated_counts(functions, file, source); });
  }
  if (!options.pprof.empty()) save_file(options.pprof, gzipped(counts_pprof(functions)));
  return ending;
}

CommandEnding profile_allocations(const Options& options, ProgramCode& code) {
  const AllocationSamplerOptions sampling{.period_bytes = options.alloc_period};
  std::optional<AllocationSampler> sampler;
  std::optional<CallTree> tree;
  const auto start = [&](Machine& machine) { sampler.emplace(machine, sampling); };
  const auto finish = [&](Machine&) {
    sampler->finish();
    tree = make_call_tree(sampler->table(), sampling.period_bytes, sampler->broken(), 0);
    tree->is_of_memory = true;
    sampler.reset();
  };
  const CommandEnding ending = run_compiled(options, code, start, nullptr, finish);
  if (tree) write_profile(options, *tree);
  return ending;
}

}  // namespace

CommandEnding run_profile(const Options& given) {
  Options options = given;
  // Sampled allocations are made by the interpreter, and counters need no map, so neither needs code maps.
  options.jit.keep_code_maps = options.alloc_period == 0 && !options.counts;
  const uint64_t before_ns = ns_of(CLOCK_PROCESS_CPUTIME_ID);
  Status status;
  const std::unique_ptr<ProgramCode> code = compile_module(options, {.must_be_program = true}, status);
  if (code == nullptr) return status;
  const uint64_t check_ns = ns_of(CLOCK_PROCESS_CPUTIME_ID) - before_ns;

  if (options.counts) return count_calls(options, *code);
  if (options.alloc_period != 0) return profile_allocations(options, *code);
  const SamplerOptions sampling{.period_ns = 1'000'000'000 / options.rate};
  std::optional<Sampler> sampler;
  std::optional<LiveView> view;
  std::optional<CallTree> tree;
  const auto start = [&](Machine& machine) {
    sampler.emplace(machine.carrier(), sampling);
    const std::string problem = sampler->start();
    if (!problem.empty()) print_error(fmt::format("no samples can be taken: {}", problem));
    if (options.live) view.emplace(*sampler, sampling.period_ns, check_ns);
  };
  // The samples name code of the machine.
  const auto finish = [&](Machine&) {
    view.reset();
    sampler->stop();
    tree = make_call_tree(sampler->table(), sampling.period_ns, sampler->broken(), check_ns);
    sampler.reset();
  };
  const CommandEnding ending = run_compiled(options, *code, start, nullptr, finish);
  if (tree) write_profile(options, *tree);
  return ending;
}

}  // namespace fble
