// The command line: what a command is, its options and its exit statuses.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gc/heap.h"
#include "interp/io_driver.h"
#include "interp/thread_options.h"
#include "jit/engine/options.h"

namespace fble {

/// The ways for a command to end: the rows of statuses.def.
enum class Status : uint8_t {
#define FBLE_STATUS(Name, program, evaluation, tool) k##Name,
#include "frontends/cli/statuses.def"
#undef FBLE_STATUS
};

/// The columns of statuses.def.
enum class StatusSet : uint8_t { kProgram, kEvaluation, kTool };

/// Returns the exit status of a command that ended like this.
int exit_status(Status status, StatusSet set);

/// The largest status that is the program's own; the smallest is 0.
inline constexpr int kLargestProgramStatus = 111;
/// The status that stands for a program's own status that is negative or larger.
inline constexpr int kOtherProgramStatus = 112;

/// The ending of a command, with the status of the program that it ran, if one returned.
struct CommandEnding {
  CommandEnding(Status how) : status(how) {}
  CommandEnding(Status how, int of_program) : status(how), program_status(of_program) {}

  Status status;
  int program_status = 0;  ///< 0 to kOtherProgramStatus; counts only when all went well
};

/// Sets of options that commands share; see options.def.
enum OptionGroup : unsigned {
  kInfoGroup = 1 << 0,
  kModuleGroup = 1 << 1,
  kEngineGroup = 1 << 2,
  kProfileGroup = 1 << 3,
  kDepsFileGroup = 1 << 4,
  kMemTestGroup = 1 << 5,
  kDepsGroup = 1 << 6,
  kSuiteGroup = 1 << 7,
  kDocGroup = 1 << 8,
  kBisectGroup = 1 << 9,
  kTestingGroup = 1 << 10,
  kExploreGroup = 1 << 11,
  kStackGroup = 1 << 12,
  kSamplingGroup = 1 << 13,
  kViewGroup = 1 << 14,
  kImageUseGroup = 1 << 15,
  kImageGroup = 1 << 16,
  kBuildGroup = 1 << 17,
  kCheckGroup = 1 << 18,
};

/// The options that the words after the command give.
struct Options {
  bool help = false;
  bool version = false;

  std::vector<std::string> roots;   ///< folders of -I and -p, in order
  std::string module;               ///< module path as given, or empty
  std::string file;                 ///< the file given instead
  bool all = false;                 ///< all modules below the roots instead
  std::vector<std::string> images;  ///< files of images to use
  bool no_cache = false;            ///< use no other images

  bool interprets = false;  ///< --jit=off: there is no engine
  JitOptions jit;
  HeapOptions heap;
  IoKind io = IoKind::kUring;
  ThreadOptions threads;
  std::string threads_record;  ///< file for the schedule, or empty
  bool stats = false;

  std::string profile;  ///< file for the profile, or empty
  uint64_t profile_period = 0;
  std::string profile_blocks;  ///< file for exact counts of functions, or empty

  uint64_t rate = 1000;     ///< samples in a second of processor time
  bool live = false;        ///< the profile is shown while the program runs
  size_t alloc_period = 0;  ///< bytes of allocation between samples; 0: samples are of time
  bool counts = false;      ///< calls and instructions are counted instead
  std::string flame_page;   ///< file for it, or empty; likewise the next ones
  std::string pprof;
  std::string speedscope;
  std::string folded;
  std::string annotate;  ///< source file, or empty

  bool stack = false;       ///< the stack that functions need, instead of bytecode
  bool uses_stack = false;  ///< and use, in a run with `args`

  std::string deps_file;
  std::string deps_target;
  std::string target;
  bool compile = false;

  bool growth = false;
  bool debug = false;

  std::string suite;  ///< folder of the suite
  std::string suite_root;
  std::vector<std::string> modes;
  std::vector<std::string> filters;
  unsigned jobs = 0;
  unsigned timeout_seconds = 60;

  bool evaluate = false;
  uint64_t seeds = 20;

  uint32_t bound = 2;     ///< departures from the usual order of turns
  uint64_t runs = 10000;  ///< at most

  std::string html;      ///< folder for the pages of `doc`, or the file for the page of `view`, or empty
  bool missing = false;  ///< list what has no comment
  std::vector<std::string> search;
  std::string search_type;

  std::string before;  ///< page of the run to compare with, or empty

  std::string output;       ///< file for an executable or images, or empty
  std::string print_image;  ///< file of images to print, or empty

  std::vector<std::string> args;  ///< the program's

  std::vector<std::string> words;   ///< all of them, as given
  size_t words_before_program = 0;  ///< number of words before the file or the program's arguments
};

/// The meaning of words that are no options.
enum class Positional : uint8_t {
  kProgram,  ///< a file, then the program's arguments; after -m, arguments only
  kFile,     ///< a file instead of -m
  kFileRun,  ///< the same; after --, arguments of a run
  kModule,   ///< a module path or a file, as a word or with -m, or neither
  kFolder,   ///< the suite's folder
  kHeld,     ///< the program is given; after --, its arguments
};

struct Command {
  const char* name;  ///< empty for running a program
  const char* synopsis;
  const char* summary;      ///< one line for the list of commands
  const char* description;  ///< paragraphs for --help
  const char* results;      ///< the exit statuses that say what was found, a line each
  const char* other_errors = "other error, such as output that cannot be written";  ///< the meaning of kOtherError
  const char* examples = "";                                                        ///< with a heading
  unsigned groups;
  Positional positional;
  StatusSet statuses;
  CommandEnding (*run)(const Options& options);
};

std::span<const Command> commands();

/// Parses the words after the command. Returns false after a mistake, which has
/// been reported in one line on standard error.
bool parse_options(const Command& command, std::span<const std::string> words, Options& options);

/// Returns what the --help of the command ends with: all its exit statuses, and examples.
std::string help_epilogue(const Command& command);

/// Prints the --help of the command.
void print_help(const Command& command);

/// Runs a whole command line. Returns the exit status.
int run_command_line(int argc, const char* const* argv);

CommandEnding run_program(const Options& options);
CommandEnding run_test(const Options& options);
CommandEnding run_mem_test(const Options& options);
CommandEnding run_check(const Options& options);
CommandEnding run_disassemble(const Options& options);
CommandEnding run_deps(const Options& options);
CommandEnding run_suite(const Options& options);
CommandEnding run_doc(const Options& options);
CommandEnding run_view(const Options& options);
CommandEnding run_bisect(const Options& options);
CommandEnding run_explore(const Options& options);
CommandEnding run_profile(const Options& options);
CommandEnding run_image(const Options& options);
CommandEnding run_build(const Options& options);

}  // namespace fble
