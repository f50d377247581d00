// A program is parsed, checked and lowered once; each mode has a machine of its own. A
// machine leaves the code as it was lowered when it is destroyed: the engine removes
// its entries, and all else that it writes to code depends on the code alone. The
// modules of the standard library are parsed once for all programs.
//
// Left out of the comparison: runs that end for want of memory, and programs that the
// judge does not finish in time.
//
// Tested by fuzz/tests/modes_agree_test.cc.
#include "fuzz/oracle/modes_agree.h"

#include <fmt/format.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <stdexcept>

#include "frontends/cli/cli.h"
#include "frontends/cli/execute.h"
#include "frontends/cli/search_path.h"
#include "frontends/fble/big_stack.h"
#include "frontends/fble/loader.h"
#include "frontends/fble/lower.h"
#include "frontends/fble/parser.h"
#include "frontends/fble/typecheck.h"
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"
#include "fuzz/gen/choices.h"
#include "fuzz/gen/library.h"
#include "fuzz/gen/thread_gen.h"
#include "gc/integer.h"
#include "gc/mapping.h"
#include "interp/machine.h"
#include "interp/ticker.h"
#include "jit/engine/trace_engine.h"

namespace fble {
namespace {

ModulePath path_of(std::string_view text) {
  Diagnostics diagnostics;
  std::optional<ModulePath> path = parse_module_path(text, diagnostics);
  if (!path) throw std::runtime_error(diagnostics.render());
  return *path;
}

/// Parses options as on the command line.
Options parse_flags(const std::string& flags) {
  std::vector<std::string> words;
  for (size_t at = 0; at < flags.size();) {
    const size_t end = std::min(flags.find(' ', at), flags.size());
    if (end > at) words.push_back(flags.substr(at, end - at));
    at = end + 1;
  }
  words.push_back("program.fble");
  Options options;
  for (const Command& command : commands()) {
    if (*command.name != '\0') continue;
    if (!parse_options(command, words, options)) throw std::runtime_error("flags not understood: " + flags);
  }
  return options;
}

// The machine that runs, for the alarm.
std::atomic<Machine*> running = nullptr;
extern "C" void on_alarm(int) {
  if (Machine* machine = running.load()) machine->request_interrupt();
}
/// Sets an alarm in processor time, so that a busy machine changes no verdict.
void set_alarm(double seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(seconds);
  timer.it_value.tv_usec = static_cast<suseconds_t>((seconds - static_cast<double>(timer.it_value.tv_sec)) * 1e6);
  setitimer(ITIMER_PROF, &timer, nullptr);
}

/// Returns the digits of a Nat@ of the generator's library, the lowest first; "~" where it is too long to read.
std::string read_nat(Word nat) {
  constexpr size_t kDigits = 1000;
  std::string text;
  for (uint32_t tag; (tag = union_tag(nat, 2)) != 0; nat = union_arg(nat, 2)) {
    if (text.size() == kDigits) return text + '~';
    text += tag == 1 ? '0' : '1';
  }
  return text + 'n';
}

/// Returns the number in decimal, or in hexadecimal if it takes more than a word.
std::string read_number(Word number) {
  if (is_packed(number)) return fmt::format("i{}", unpack_int(number));
  const Object* object = as_object(number);
  std::string text = big_is_negative(object) ? "i-" : "i";
  for (uint32_t i = object->count(); i > 0; --i) text += fmt::format("{:016x}", object->fields[i - 1]);
  return text + "x";
}

/// Returns the text of a list of Said@, the last of which comes first (fuzz/gen/library.cc). A list of Letter@ is one,
/// too.
std::string read_text(Word list) {
  const unsigned width = tag_width(kSaidTags);
  std::vector<std::string> said;
  for (; union_tag(list, 1) == 0; list = struct_field(union_arg(list, 1), 1, 2)) {
    const Word item = struct_field(union_arg(list, 1), 0, 2);
    const uint32_t tag = union_tag(item, width);
    if (tag == kSaidNat) {
      said.push_back(read_nat(union_arg(item, width)));
    } else if (tag == kSaidNumber) {
      said.push_back(read_number(union_arg(item, width)));
    } else {
      const uint32_t letter = tag == kSaidLetter ? union_tag(union_arg(item, width), width) : tag;
      said.emplace_back(1, letter < letters().size() ? letters()[letter] : '?');
    }
  }
  std::string text;
  for (size_t i = said.size(); i > 0; --i) text += said[i - 1];
  return text;
}

/// What the program that runs has said by Say.
std::string* said = nullptr;

/// Say : (Word@ word) { External@<Unit@>; } (gen/thread_gen.cc)
Word say(NativeCall& call) {
  const UnionView word = view_union(call.arg(0), std::size(kThreadWords) + 1);
  if (word.error != ReadError::kNone) return call.fail("not a word");
  if (word.tag == 0) {
    const Read<IntValue> number = read_int(word.arg, IntForm::kMachine);
    if (number.error != ReadError::kNone) return call.fail("not a number");
    *said += fmt::format("{}{} ", number.value.negative ? "-" : "", number.value.magnitude);
  } else {
    *said += fmt::format("{} ", kThreadWords[word.tag - 1]);
  }
  return kUnitWord;
}

constexpr NativeRow kOracleNatives[] = {{"/Program%", "Say", 2, NativeEffect::kWritesWorld, say}};

/// Returns the place where two texts begin to differ, with the text around it.
std::string from_difference(const std::string& text, size_t at) {
  const size_t start = at > 60 ? at - 60 : 0;
  return (start > 0 ? "..." : "") + text.substr(start, 240) + (start + 240 < text.size() ? "..." : "");
}

const char* end_name(Outcome::End end) {
  switch (end) {
    case Outcome::End::kValue: return "value";
    case Outcome::End::kError: return "error";
    case Outcome::End::kOutOfMemory: return "out of memory";
    case Outcome::End::kTimeout: return "timeout";
  }
  return "";
}

}  // namespace

const std::vector<FuzzMode>& fuzz_modes() {
  static const std::vector<FuzzMode> modes = {
#define FBLE_FUZZ_MODE(name, kind, flags, doc) {name, FuzzModeKind::k##kind, flags, doc},
#include "fuzz/oracle/modes.def"
#undef FBLE_FUZZ_MODE
  };
  return modes;
}

size_t modes_for_any_program() {
  const auto& modes = fuzz_modes();
  return static_cast<size_t>(
      std::ranges::count_if(modes, [](const FuzzMode& mode) { return mode.kind == FuzzModeKind::kAny; }));
}

size_t judge_of(size_t mode) {
  const auto& modes = fuzz_modes();
  if (modes[mode].kind != FuzzModeKind::kTurns) return 0;
  const auto first =
      std::ranges::find_if(modes, [](const FuzzMode& each) { return each.kind == FuzzModeKind::kTurns; });
  return static_cast<size_t>(first - modes.begin());
}

std::string mode_flags(const FuzzMode& mode, uint64_t seed, double cost) {
  Choices choices = Choices::from_seed(seed * 31 + 7);
  const auto number = [&](std::initializer_list<uint32_t> values) {
    return values.begin()[choices.below(static_cast<uint32_t>(values.size()))];
  };
  const uint32_t deopt = 1 + choices.below(50);
  // A few thousand collections at most, each of which looks at the whole heap.
  const uint32_t stress = 1 + static_cast<uint32_t>(cost / 1000);
  std::string params;
#define FBLE_FUZZ_PARAM(name, ...) params += fmt::format(" --jit-param " #name "={}", number({__VA_ARGS__}));
  FBLE_FUZZ_PARAM(hot_calls, 1, 2, 3, 10, 40)
  FBLE_FUZZ_PARAM(hot_exits, 1, 2, 3, 10)
  FBLE_FUZZ_PARAM(hot_returns, 1, 2, 3, 10)
  FBLE_FUZZ_PARAM(max_attempts, 1, 2, 4)
  FBLE_FUZZ_PARAM(max_instructions, 400, 20, 60, 150, 1000)
  FBLE_FUZZ_PARAM(max_snapshots, 96, 4, 12, 30)
  FBLE_FUZZ_PARAM(max_depth, 10, 1, 2, 4, 20)
  FBLE_FUZZ_PARAM(inline_paths, 4, 1, 2, 20)
  FBLE_FUZZ_PARAM(inline_size, 48, 4, 16, 200)
  FBLE_FUZZ_PARAM(site_functions, 3, 1, 2, 6)
  FBLE_FUZZ_PARAM(max_bridges, 400, 1, 5, 20)
  FBLE_FUZZ_PARAM(max_traces, 20000, 5, 20, 100)
#undef FBLE_FUZZ_PARAM
  std::string flags = mode.flags;
  const auto replace = [&](std::string_view name, const std::string& value) {
    if (const size_t at = flags.find(name); at != std::string::npos) flags.replace(at, name.size(), value);
  };
  replace("{deopt}", std::to_string(deopt));
  replace("{stress}", std::to_string(stress));
  replace("{params}", params);
  replace("{seed}", std::to_string(seed % 1000000 + 1));
  replace("{few}", std::to_string(number({1, 1, 2, 3, 5, 9, 20})));
  replace("{yield}", std::to_string(number({1, 2, 3, 5, 10, 30})));
  replace("{turns}", std::to_string(seed % 1000 + 1));
  return flags;
}

struct ModesOracle::State {
  std::unique_ptr<Program> library;
  NativeTable natives;

  /// Parses the program, with those modules of the library that it needs. Returns null with a message.
  std::unique_ptr<Program> parse(const std::string& text, Diagnostics& diagnostics) {
    auto program = std::make_unique<Program>();
    program->arena = std::make_shared<Arena>();
    std::vector<ModuleMention> mentions;
    auto* main = program->arena->make<Module>(Module{path_of("/Program%"), Loc{Symbol("Program.fble"), 1, 0}});
    main->value = parse_source(text, Symbol("Program.fble"), *program->arena, diagnostics, mentions);
    if (main->value == nullptr) return nullptr;
    std::vector<Module*> wanted;
    for (const ModuleMention& mention : mentions) {
      const auto found =
          std::ranges::find_if(library->modules, [&](const Module* module) { return module->path == mention.path; });
      if (found == library->modules.end()) throw std::runtime_error("no module " + mention.path.str());
      main->deps.push_back(*found);
      wanted.push_back(*found);
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      for (Module* dep : wanted[i]->deps) {
        if (std::ranges::find(wanted, dep) == wanted.end()) wanted.push_back(dep);
      }
    }
    for (Module* module : library->modules) {
      if (std::ranges::find(wanted, module) != wanted.end()) program->modules.push_back(module);
    }
    program->modules.push_back(main);
    return program;
  }

  Verdict check(const std::string& module_text, const ModesOptions& options);

  Outcome run(ProgramCode& code, const std::string& flags, double seconds, bool has_threads) {
    const Options options = parse_flags(flags);
    MachineOptions machine_options_here = machine_options(options, nullptr);
    machine_options_here.heap.max_bytes = size_t{256} << 20;
    machine_options_here.stack_bytes = size_t{128} << 20;

    Outcome outcome;
    const auto start = std::chrono::steady_clock::now();
    Machine machine(code, natives, machine_options_here);
    {
      const std::unique_ptr<TraceEngine> engine = attach_engine(options, machine);
      if (engine == nullptr && !options.interprets) throw std::runtime_error("the compiler does not work here");
      if (seconds > 0) {
        running = &machine;
        set_alarm(seconds);
      }
      bool ok = machine.run_modules();
      if (ok && has_threads) {
        said = &outcome.output;
        const Word unit[] = {kUnitWord};
        ok = machine.call_result(unit);
        said = nullptr;
      }
      running = nullptr;
      if (engine != nullptr) {
        const JitStats& stats = engine->stats();
        outcome.traces = stats.traces[0] + stats.traces[1] + stats.traces[2];
        outcome.exits = stats.exits;
        outcome.deopt_point_hits = stats.deopt_point_hits;
      }
      if (seconds > 0) set_alarm(0);
      if (ok) {
        if (!has_threads) outcome.output = read_text(machine.result());
      } else {
        const RunError& error = machine.error();
        outcome.end = error.interrupted     ? Outcome::End::kTimeout
                      : error.out_of_memory ? Outcome::End::kOutOfMemory
                                            : Outcome::End::kError;
        if (outcome.end == Outcome::End::kError) outcome.error = error.render();
      }
    }
    outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return outcome;
  }
};

ModesOracle::ModesOracle() : state_(std::make_unique<State>()) {
  register_std(state_->natives);
  state_->natives.add(kOracleNatives);
  LoadOptions load{.roots = with_library({})};
  for (const char* module : {"/Std/Char%", "/Std/Int%", "/Std/Cmp%", "/Std/Int/Bits%", "/Std/Int/Cmp%", "/Std/Int/Div%",
                             "/Std/Int/Lit%", "/Std/Int/Sign%", "/Std/Io/Clock%", "/Std/Io/Thread%"}) {
    load.types_of.push_back(path_of(module));
  }
  Diagnostics diagnostics;
  state_->library = load_program(path_of("/Std/Unit%"), load, diagnostics);
  if (state_->library == nullptr) throw std::runtime_error(diagnostics.render());
  struct sigaction action{};
  action.sa_handler = on_alarm;
  action.sa_flags = SA_RESTART;
  sigaction(SIGPROF, &action, nullptr);
}

ModesOracle::~ModesOracle() = default;

Verdict ModesOracle::check(const std::string& module_text, const ModesOptions& options) {
  Verdict verdict;
  // One large stack for a program, not one for each step: with AddressSanitizer a new one takes longer than a run.
  run_on_big_stack([&] { verdict = state_->check(module_text, options); });
  return verdict;
}

Verdict ModesOracle::State::check(const std::string& module_text, const ModesOptions& options) {
  Verdict verdict;
  const KeptMappings kept_mappings;
  const KeptTickers kept_tickers;
  Diagnostics diagnostics;
  const std::unique_ptr<Program> program = parse(module_text, diagnostics);
  std::unique_ptr<CheckedProgram> checked;
  if (program != nullptr) checked = typecheck(*program, diagnostics);
  if (checked == nullptr) {
    verdict.kind = Verdict::Kind::kRejected;
    verdict.message = diagnostics.render();
    return verdict;
  }
  std::unique_ptr<ProgramCode> code = lower_program(*checked);
  const std::vector<FuzzMode>& modes = fuzz_modes();
  const auto is_wanted = [&](const FuzzMode& mode) {
    if (mode.kind != FuzzModeKind::kAny && !options.has_threads) return false;
    return options.modes.empty() || std::ranges::find(options.modes, mode.name) != options.modes.end();
  };
  const auto judges_wanted = [&](size_t judge) {
    for (size_t i = 0; i < modes.size(); ++i) {
      if (judge_of(i) == judge && is_wanted(modes[i])) return true;
    }
    return judge == 0;
  };
  const auto compare = [&](const FuzzMode& mode, const std::string& flags, const Outcome& outcome,
                           const Outcome& expected) {
    if (outcome.end == expected.end && outcome.output == expected.output && outcome.error == expected.error) return;
    verdict.kind = Verdict::Kind::kDiffer;
    verdict.differences.push_back({mode.name, flags, outcome, expected});
  };
  Outcome judge_of_turns;
  for (size_t i = 0; i < modes.size(); ++i) {
    const FuzzMode& mode = modes[i];
    const bool is_judge = judge_of(i) == i;
    if (is_judge ? !judges_wanted(i) : !is_wanted(mode)) continue;
    if (options.progress) options.progress(i);
    std::string flags = mode_flags(mode, options.seed, options.cost);
    // Virtual time in the usual order.
    if (options.has_times && mode.kind != FuzzModeKind::kTurns) flags += " --threads-schedule=";
    if (!options.share_code && i != 0) code = lower_program(*checked);
    const Outcome outcome =
        run(*code, flags, is_judge ? options.judge_seconds : options.mode_seconds, options.has_threads);
    if (options.outcomes != nullptr) options.outcomes->push_back(outcome);
    if (is_judge) {
      (i == 0 ? verdict.judge : judge_of_turns) = outcome;
      // What a model ends, a judge must end, too.
      const bool is_late = outcome.end == Outcome::End::kTimeout && options.model == nullptr;
      if (is_late || outcome.end == Outcome::End::kOutOfMemory) {
        if (!verdict.differences.empty()) return verdict;
        verdict.kind = is_late ? Verdict::Kind::kTooSlow : Verdict::Kind::kOutOfMemory;
        return verdict;
      }
      if (i != 0 || options.model == nullptr) continue;
      const ThreadModelEnding model = run_thread_model(*options.model);
      Outcome expected = outcome;
      expected.end = model.is_good ? Outcome::End::kValue : Outcome::End::kError;
      expected.output = model.output;
      compare(mode, flags, outcome, expected);
      continue;
    }
    verdict.traces += outcome.traces;
    verdict.exits += outcome.exits;
    verdict.deopt_point_hits += outcome.deopt_point_hits;
    if (outcome.end == Outcome::End::kOutOfMemory) continue;
    compare(mode, flags, outcome, judge_of(i) == 0 ? verdict.judge : judge_of_turns);
  }
  return verdict;
}

std::string describe(const Difference& difference) {
  const Outcome& expected = difference.expected;
  const Outcome& actual = difference.outcome;
  std::string text = fmt::format("mode {}: {}\n", difference.mode, difference.flags);
  if (expected.end != actual.end) {
    text += fmt::format("  expected to end by {}, but ended by {}\n", end_name(expected.end), end_name(actual.end));
  }
  const auto compare = [&](const char* what, const std::string& left, const std::string& right) {
    if (left == right) return;
    const size_t at = static_cast<size_t>(std::ranges::mismatch(left, right).in1 - left.begin());
    text += fmt::format("  {} differs at {}\n  expected: {}\n  actual:   {}\n", what, at, from_difference(left, at),
                        from_difference(right, at));
  };
  compare("output", expected.output, actual.output);
  compare("error", expected.error, actual.error);
  return text;
}

}  // namespace fble
