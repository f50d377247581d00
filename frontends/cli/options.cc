// Tested by tests/unit/frontends/cli/options_test.cc.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include "frontends/cli/cli.h"
#include "frontends/cli/messages.h"
#include "frontends/cli/option_table.h"
#include "frontends/cli/search_path.h"
#include "interp/allocation_sampler.h"

namespace fble {
namespace {

/// The resolution of the system's clock (interp/sampler.cc).
constexpr uint64_t kMostSamples = 100'000;

std::string jit_param_names() {
  std::string names;
#define FBLE_JIT_PARAM(name, value, doc) names += (names.empty() ? "" : ", ") + std::string(#name);
#include "jit/params.def"
#undef FBLE_JIT_PARAM
  return names;
}

std::string thread_param_names() {
  std::string names;
#define FBLE_THREAD_PARAM(name, value, doc) names += (names.empty() ? "" : ", ") + std::string(#name);
#include "interp/thread_params.def"
#undef FBLE_THREAD_PARAM
  return names;
}

/// A word of a list, such as that of --dump, and the option that it turns on.
using Flag = std::pair<std::string_view, bool& (*)(Options&)>;
template <bool JitOptions::* kMember>
bool& jit_flag(Options& options) {
  return options.jit.*kMember;
}
bool& thread_log(Options& options) { return options.threads.log; }
constexpr Flag kLogs[] = {
    {"trace", jit_flag<&JitOptions::log_traces>},
    {"chaos", jit_flag<&JitOptions::log_chaos>},
    {"threads", thread_log},
};
constexpr Flag kDumps[] = {
    {"bytecode", jit_flag<&JitOptions::dump_bytecode>},
    {"ir", jit_flag<&JitOptions::dump_ir>},
    {"asm", jit_flag<&JitOptions::dump_asm>},
    {"side-table", jit_flag<&JitOptions::dump_side_table>},
};

constexpr std::pair<std::string_view, IoKind> kIoKinds[] = {
#define FBLE_IO_KIND(Name, text, doc) {text, IoKind::k##Name},
#include "interp/io_kinds.def"
#undef FBLE_IO_KIND
};

constexpr OptionRow kOptions[] = {
#define FBLE_OPTION(Id, short_name, long_name, value, group, doc) \
  {OptionId::k##Id, short_name, long_name, value, group, doc},
#include "frontends/cli/options.def"
#undef FBLE_OPTION
};

constexpr std::pair<OptionGroup, const char*> kGroupTitles[] = {
    {kInfoGroup, "General"},
    {kModuleGroup, "Modules"},
    {kCheckGroup, "All modules"},
    {kImageUseGroup, "Images"},
    {kEngineGroup, "Execution"},
    {kMemTestGroup, "Test"},
    {kStackGroup, "Output"},
    {kDepsGroup, "Output"},
    {kSuiteGroup, "Suite"},
    {kDocGroup, "Output"},
    {kViewGroup, "Output"},
    {kImageGroup, "Output"},
    {kBuildGroup, "Output"},
    {kBisectGroup, "Search"},
    {kExploreGroup, "Search"},
    {kProfileGroup, "Profile"},
    {kSamplingGroup, "Profile"},
    {kDepsFileGroup, "Build dependencies (both or neither)"},
    {kTestingGroup, "Testing (of fble-jit itself)"},
};

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Parses a number of bytes, such as 4096, 64K, 512M or 2G.
std::optional<size_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "KMG";
  unsigned shift = 0;
  if (!text.empty()) {
    const size_t unit = kUnits.find(text.back() & ~0x20);
    if (unit != std::string_view::npos) {
      shift = 10 * static_cast<unsigned>(unit + 1);
      text.remove_suffix(1);
    }
  }
  const std::optional<size_t> number = parse_number<size_t>(text);
  if (!number || *number > SIZE_MAX >> shift) return std::nullopt;
  return *number << shift;
}

std::vector<std::string> split(std::string_view list, char separator) {
  std::vector<std::string> parts;
  for (size_t start = 0; start <= list.size();) {
    const size_t end = std::min(list.find(separator, start), list.size());
    if (end != start) parts.emplace_back(list.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

/// Reads the words once and stops at the first mistake.
class Parser {
 public:
  Parser(const Command& command, std::span<const std::string> words, Options& options)
      : command_(command), words_(words), options_(options) {
    options_.words.assign(words.begin(), words.end());
    options_.words_before_program = words.size();
  }

  bool parse() {
    while (!failed_ && !options_.help && !options_.version && next_ < words_.size()) {
      const std::string& word = words_[next_++];
      const bool is_program = word == "--" || word.size() < 2 || word[0] != '-';
      if (is_program) options_.words_before_program = std::min(options_.words_before_program, next_ - 1);
      if (word == "--") {
        if (command_.positional == Positional::kProgram || command_.positional == Positional::kHeld) {
          take_rest();
        } else if (command_.positional == Positional::kFileRun) {
          options_.uses_stack = true;
          take_rest();
        } else if (next_ < words_.size()) {
          fail(fmt::format("invalid argument: '{}'", words_[next_]));
        }
        break;
      }
      if (word.size() > 1 && word[0] == '-') {
        parse_option(word);
      } else {
        parse_positional(word);
      }
    }
    if (failed_) return false;
    if (options_.help || options_.version) return true;
    return check();
  }

 private:
  void fail(std::string_view message) {
    if (failed_) return;
    failed_ = true;
    const std::string name = command_.name[0] == '\0' ? "" : std::string(command_.name) + " ";
    const std::string help = command_.positional == Positional::kHeld ? "--help --" : "fble-jit " + name + "--help";
    print_message("Error: {} (try: {})\n", message, help);
  }

  void take_rest() {
    for (; next_ < words_.size(); ++next_) options_.args.push_back(words_[next_]);
  }

  void parse_option(const std::string& word) {
    for (const OptionRow& row : kOptions) {
      if ((row.group & command_.groups) == 0) continue;
      if ((row.short_name != nullptr && word == row.short_name) ||
          (row.long_name != nullptr && word == row.long_name)) {
        if (!row.takes_value()) return apply(row, word, "");
        if (next_ == words_.size()) return fail(fmt::format("missing argument to {} option.", word));
        return apply(row, word, words_[next_++]);
      }
      const bool is_include = row.short_name != nullptr && std::strcmp(row.short_name, "-I") == 0;
      if (is_include && word.starts_with("-I")) return apply(row, "-I", word.substr(2));
      if (row.long_name == nullptr || row.value.empty()) continue;
      const size_t length = std::strlen(row.long_name);
      if (word.size() > length && word[length] == '=' && word.starts_with(row.long_name)) {
        return apply(row, row.long_name, word.substr(length + 1));
      }
    }
    fail(fmt::format("invalid argument: '{}'", word));
  }

  void parse_positional(const std::string& word) {
    switch (command_.positional) {
      case Positional::kProgram:
        if (options_.module.empty()) {
          if (!word.ends_with(".fble")) return fail(fmt::format("invalid argument: '{}'", word));
          options_.file = word;
        } else {
          options_.args.push_back(word);
        }
        return take_rest();
      case Positional::kFile:
      case Positional::kFileRun:
        if (!word.ends_with(".fble")) return fail(fmt::format("invalid argument: '{}'", word));
        return set_once(options_.file, "file", word);
      case Positional::kModule:
        if (word.ends_with(".fble")) return set_once(options_.file, "file", word);
        if (!options_.module.empty()) return fail("duplicate module options");
        return set_once(options_.module, "module", word);
      case Positional::kFolder: return set_once(options_.suite, "folder", word);
      case Positional::kHeld: return fail(fmt::format("invalid argument: '{}'", word));
    }
  }

  void set_once(std::string& target, std::string_view option, const std::string& value) {
    if (!target.empty()) return fail(fmt::format("duplicate {} option.", option));
    if (value.empty()) return fail(fmt::format("the argument to {} is empty.", option));
    target = value;
  }

  template <typename Number>
  void set_number(Number& target, std::string_view option, std::optional<Number> number, const std::string& value) {
    if (!number || *number == 0) return fail(fmt::format("invalid argument to {} option: '{}'", option, value));
    target = *number;
  }

  /// Sets a tunable. `set(name, number)` returns false if there is no tunable of that name.
  template <typename Set>
  void add_param(const std::string& option, const std::string& text, const std::string& names, Set&& set) {
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const std::optional<uint32_t> number =
        equals == std::string::npos ? std::nullopt : parse_number<uint32_t>(std::string_view(text).substr(equals + 1));
    if (!set(name, number.value_or(0))) return fail(fmt::format("{} must be one of {}, not '{}'", option, names, name));
    const bool is_valid = number && (*number != 0 || jit_param_may_be_none(name));
    if (!is_valid) return fail(fmt::format("invalid argument to {} option: '{}'", option, text));
  }

  /// Parses a schedule, or the file that holds it.
  void set_schedule(const std::string& value) {
    std::string text = value;
    if (value.starts_with('@')) {
      std::ifstream file(value.substr(1), std::ios::binary);
      if (!file) return fail(fmt::format("cannot read the schedule: '{}'", value.substr(1)));
      text.assign(std::istreambuf_iterator<char>(file), {});
    }
    options_.threads.schedule = parse_schedule(text);
    if (!options_.threads.schedule) fail(fmt::format("--threads-schedule must be TURN:THREAD,..., not '{}'", value));
  }

  /// Turns on the options that a list separated by commas names.
  void set_flags(std::span<const Flag> known, const std::string& name, const std::string& list) {
    for (const std::string& word : split(list, ',')) {
      const auto found = std::ranges::find(known, std::string_view(word), &Flag::first);
      if (found == known.end()) return fail(fmt::format("invalid argument to {} option: '{}'", name, word));
      found->second(options_) = true;
    }
  }

  void set_deopt_at(const std::string& text) {
    const size_t slash = text.find('/');
    const std::optional<uint32_t> trace = parse_number<uint32_t>(std::string_view(text).substr(0, slash));
    const std::optional<uint32_t> exit =
        slash == std::string::npos ? std::nullopt : parse_number<uint32_t>(std::string_view(text).substr(slash + 1));
    if (!trace || !exit) return fail(fmt::format("--deopt-at must be TRACE/EXIT, not '{}'", text));
    options_.jit.deopt_at = {*trace, *exit};
  }

  void set_io(const std::string& value) {
    const auto* kind = std::ranges::find(kIoKinds, value, &std::pair<std::string_view, IoKind>::first);
    if (kind == std::end(kIoKinds))
      return fail(fmt::format("--io must be 'uring', 'epoll' or 'blocking', not '{}'", value));
    options_.io = kind->second;
  }

  void apply(const OptionRow& row, const std::string& name, const std::string& value) {
    switch (row.id) {
      case OptionId::kHelp: options_.help = true; return;
      case OptionId::kVersion: options_.version = true; return;
      case OptionId::kInclude:
      case OptionId::kSuiteInclude: options_.roots.push_back(value); return;
      case OptionId::kPackage: {
        const std::string folder = find_package(value);
        if (folder.empty()) return fail(fmt::format("package '{}' not found", value));
        options_.roots.push_back(folder);
        return;
      }
      case OptionId::kModule:
        if (!options_.module.empty()) return fail("duplicate module options");
        return set_once(options_.module, name, value);
      case OptionId::kAll: options_.all = true; return;
      case OptionId::kJit:
        options_.interprets = value == "off";
        options_.jit.eager = value == "eager";
        if (!options_.interprets && !options_.jit.eager && value != "on") {
          fail(fmt::format("--jit must be 'off', 'on' or 'eager', not '{}'", value));
        }
        return;
      case OptionId::kJitParam:
        return add_param("--jit-param", value, jit_param_names(), [&](std::string_view param, uint32_t number) {
          return set_jit_param(options_.jit.params, param, number);
        });
      case OptionId::kThreadParam:
        return add_param("--thread-param", value, thread_param_names(), [&](std::string_view param, uint32_t number) {
          return set_thread_param(options_.threads.params, param, number);
        });
      case OptionId::kThreadsSeed: {
        uint64_t seed = 0;
        set_number(seed, name, parse_number<uint64_t>(value), value);
        options_.threads.seed = seed;
        return;
      }
      case OptionId::kThreadsSchedule: return set_schedule(value);
      case OptionId::kThreadsRecord:
        options_.threads.records = true;
        return set_once(options_.threads_record, name, value);
      case OptionId::kThreadsYield:
        return set_number(options_.threads.yield, name, parse_number<uint32_t>(value), value);
      case OptionId::kThreadsMove: options_.threads.moves = true; return;
      case OptionId::kDeoptEvery:
        return set_number(options_.jit.deopt_every, name, parse_number<uint32_t>(value), value);
      case OptionId::kDeoptAt: return set_deopt_at(value);
      case OptionId::kDeoptSweep: options_.jit.deopt_sweep = true; return;
      case OptionId::kShadowCheck: options_.jit.shadow_check = true; return;
      case OptionId::kChaos: return set_number(options_.jit.chaos, name, parse_number<uint64_t>(value), value);
      case OptionId::kChaosFuel: {
        const std::optional<uint64_t> fuel = parse_number<uint64_t>(value);
        if (!fuel) return fail(fmt::format("invalid argument to {} option: '{}'", name, value));
        options_.jit.chaos_fuel = *fuel;
        return;
      }
      case OptionId::kEvaluate: options_.evaluate = true; return;
      case OptionId::kSeeds: return set_number(options_.seeds, name, parse_number<uint64_t>(value), value);
      case OptionId::kLog: return set_flags(kLogs, name, value);
      case OptionId::kDump:
        for (const auto& [dump, flag] : kDumps) flag(options_) = false;
        return set_flags(kDumps, name, value);
      case OptionId::kMaxHeap: return set_number(options_.heap.max_bytes, name, parse_size(value), value);
      case OptionId::kNursery: return set_number(options_.heap.nursery_bytes, name, parse_size(value), value);
      case OptionId::kIo: return set_io(value);
      case OptionId::kStats: options_.stats = true; return;
      case OptionId::kGcStress:
        if (name == row.long_name && value.empty()) {
          options_.heap.stress = 1;
          return;
        }
        return set_number(options_.heap.stress, name, parse_number<unsigned>(value), value);
      case OptionId::kHeapVerify: options_.heap.verify = true; return;
      case OptionId::kProfile: return set_once(options_.profile, name, value);
      case OptionId::kProfilePeriod:
        return set_number(options_.profile_period, name, parse_number<uint64_t>(value), value);
      case OptionId::kProfileBlocks: return set_once(options_.profile_blocks, name, value);
      case OptionId::kLive: options_.live = true; return;
      case OptionId::kCounts: options_.counts = true; return;
      case OptionId::kAlloc:
        if (name == row.long_name && value.empty()) {
          options_.alloc_period = AllocationSamplerOptions().period_bytes;
          return;
        }
        return set_number(options_.alloc_period, name, parse_size(value), value);
      case OptionId::kRate:
        set_number(options_.rate, name, parse_number<uint64_t>(value), value);
        if (options_.rate > kMostSamples) fail(fmt::format("{} must be at most {}, not {}", name, kMostSamples, value));
        return;
      case OptionId::kFlamePage: return set_once(options_.flame_page, name, value);
      case OptionId::kPprof: return set_once(options_.pprof, name, value);
      case OptionId::kSpeedscope: return set_once(options_.speedscope, name, value);
      case OptionId::kFolded: return set_once(options_.folded, name, value);
      case OptionId::kAnnotate: return set_once(options_.annotate, name, value);
      case OptionId::kDepsFile: return set_once(options_.deps_file, name, value);
      case OptionId::kDepsTarget: return set_once(options_.deps_target, name, value);
      case OptionId::kStack: options_.stack = true; return;
      case OptionId::kGrowth: options_.growth = true; return;
      case OptionId::kDebug: options_.debug = true; return;
      case OptionId::kTarget: return set_once(options_.target, name, value);
      case OptionId::kCompile: options_.compile = true; return;
      case OptionId::kViewHtml:
      case OptionId::kHtml: return set_once(options_.html, name, value);
      case OptionId::kBefore: return set_once(options_.before, name, value);
      case OptionId::kNoCache: options_.no_cache = true; return;
      case OptionId::kImage: options_.images.push_back(value); return;
      case OptionId::kBuildOutput:
      case OptionId::kImageOutput: return set_once(options_.output, name, value);
      case OptionId::kPrintImage: return set_once(options_.print_image, name, value);
      case OptionId::kSearch:
        for (std::string& word : split(value, ' ')) {
          if (!word.empty()) options_.search.push_back(std::move(word));
        }
        if (options_.search.empty()) fail(fmt::format("{} requires a word.", name));
        return;
      case OptionId::kType: return set_once(options_.search_type, name, value);
      case OptionId::kMissing: options_.missing = true; return;
      case OptionId::kRoot: return set_once(options_.suite_root, name, value);
      case OptionId::kModes:
        for (std::string& mode : split(value, ',')) options_.modes.push_back(std::move(mode));
        return;
      case OptionId::kJobs: return set_number(options_.jobs, name, parse_number<unsigned>(value), value);
      case OptionId::kFilter: options_.filters.push_back(value); return;
      case OptionId::kBound: return set_number(options_.bound, name, parse_number<uint32_t>(value), value);
      case OptionId::kRuns: return set_number(options_.runs, name, parse_number<uint64_t>(value), value);
      case OptionId::kExploreTimeout:
      case OptionId::kBisectTimeout:
      case OptionId::kTimeout: return set_number(options_.timeout_seconds, name, parse_number<unsigned>(value), value);
    }
  }

  /// Checks that the options go together.
  bool check() {
    if ((command_.groups & kModuleGroup) != 0) {
      const bool optional = command_.positional == Positional::kModule;
      const bool is_given = !options_.module.empty() || !options_.file.empty();
      if (options_.all && is_given) fail("--all goes without a module.");
      if (options_.all && options_.roots.empty()) fail("--all requires the folders of -I or -p.");
      if (!is_given && !options_.all && !optional) fail("missing required --module option.");
      if (!options_.module.empty() && !options_.file.empty()) {
        fail(fmt::format("invalid argument: '{}', as --module is given", options_.file));
      }
    }
    if ((command_.groups & kDepsGroup) != 0 && options_.target.empty()) fail("missing required --target option.");
    if ((command_.groups & kViewGroup) != 0 && options_.html.empty()) fail("missing required --html option.");
    if ((command_.groups & kBuildGroup) != 0 && options_.output.empty()) fail("missing required --output option.");
    if ((command_.groups & kImageGroup) != 0 && options_.output.empty() == options_.print_image.empty()) {
      fail("either --output or --print is required.");
    }
    if (options_.uses_stack && !options_.stack) fail("words after -- require --stack.");
    if (options_.jit.chaos != 0 && options_.jit.deopt_every != 0) fail("--chaos and --deopt-every do not go together.");
    if (options_.threads.seed && options_.threads.schedule) {
      fail("--threads-seed and --threads-schedule do not go together.");
    }
    if (options_.live && options_.alloc_period != 0) fail("--live and --alloc do not go together.");
    if (options_.counts) {
      const std::pair<const char*, bool> of_samples[] = {{"--live", options_.live},
                                                         {"--alloc", options_.alloc_period != 0},
                                                         {"--html", !options_.flame_page.empty()},
                                                         {"--speedscope", !options_.speedscope.empty()},
                                                         {"--folded", !options_.folded.empty()}};
      for (const auto& [other, is_given] : of_samples) {
        if (is_given) fail(fmt::format("--counts and {} do not go together.", other));
      }
    }
    if (!options_.profile.empty() && !options_.profile_blocks.empty()) {
      fail("--profile and --profile-blocks do not go together.");
    }
    if (options_.missing && !options_.html.empty()) fail("--html and --missing do not go together.");
    const bool searches = !options_.search.empty() || !options_.search_type.empty();
    if (searches &&
        (options_.missing || !options_.html.empty() || !options_.module.empty() || !options_.file.empty())) {
      fail("--search and --type go over all modules, without --html, --missing or a module.");
    } else if (!options_.search.empty() && !options_.search_type.empty()) {
      fail("--search and --type do not go together.");
    }
    if (options_.deps_target.empty() && !options_.deps_file.empty()) fail("--deps-file requires --deps-target.");
    if (options_.deps_file.empty() && !options_.deps_target.empty()) fail("--deps-target requires --deps-file.");
    if (command_.positional == Positional::kFolder && options_.suite.empty()) fail("missing the folder of the suite.");
    return !failed_;
  }

  const Command& command_;
  const std::span<const std::string> words_;
  Options& options_;
  size_t next_ = 0;
  bool failed_ = false;
};

/// Prints text in lines of at most 80 columns, all indented alike.
void print_wrapped(std::string_view text, size_t indent) {
  size_t column = 0;
  for (const std::string& word : split(text, ' ')) {
    if (column != 0 && column + 1 + word.size() > 80) {
      print_output("\n");
      column = 0;
    }
    if (column == 0) {
      print_output("{:{}}{}", "", indent, word);
      column = indent + word.size();
    } else {
      print_output(" {}", word);
      column += 1 + word.size();
    }
  }
  print_output("\n");
}

}  // namespace

std::span<const OptionRow> option_rows() { return kOptions; }

std::span<const std::pair<OptionGroup, const char*>> option_groups() { return kGroupTitles; }

std::string option_heading(const OptionRow& row) {
  std::string heading;
  if (row.short_name != nullptr) heading = row.short_name;
  if (row.long_name != nullptr) heading += (heading.empty() ? "" : ", ") + std::string(row.long_name);
  if (row.value_is_optional()) return heading + "[=" + std::string(row.value.substr(1));
  if (row.takes_value()) heading += " " + std::string(row.value);
  return heading;
}

bool parse_options(const Command& command, std::span<const std::string> words, Options& options) {
  return Parser(command, words, options).parse();
}

std::string help_epilogue(const Command& command) {
  const bool is_program = command.statuses == StatusSet::kProgram;
  const bool is_held = command.positional == Positional::kHeld;
  std::string text = fmt::format("Exit status:\n{}", command.results);
  const auto add = [&](Status status, std::string_view meaning) {
    text += fmt::format("  {:<{}}  {}\n", exit_status(status, command.statuses), is_program ? 8 : 3, meaning);
  };
  add(Status::kUsageError, is_held ? "mistake among the options" : "mistake on the command line");
  add(Status::kOtherError, command.other_errors);
  add(Status::kOutOfMemory, "out of memory");
  add(Status::kInterrupted, "interrupted (SIGINT)");
  return command.examples[0] == '\0' ? text : text + '\n' + command.examples;
}

void print_help(const Command& command) {
  const bool is_main = command.name[0] == '\0' && command.positional != Positional::kHeld;
  print_output("fble-jit{}{} - {}\n\n{}\n\n{}\n", command.name[0] == '\0' ? "" : " ", command.name, command.summary,
               command.synopsis, command.description);
  if (is_main) {
    print_output("\nCommands (fble-jit COMMAND --help says more):\n");
    for (const Command& other : commands()) {
      if (other.name[0] != '\0') print_output("  {:<14}{}\n", other.name, other.summary);
    }
  }
  for (const auto& [group, title] : kGroupTitles) {
    if ((command.groups & group) == 0) continue;
    print_output("\n{}:\n", title);
    for (const OptionRow& row : kOptions) {
      if (row.group != group) continue;
      print_output("  {}\n", option_heading(row));
      print_wrapped(row.doc, 6);
    }
  }
  print_output("\n{}", help_epilogue(command));
}

}  // namespace fble
