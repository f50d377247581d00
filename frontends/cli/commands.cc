// The commands and what their --help says.
// Tested by tests/unit/frontends/cli/commands_test.cc.
#include <malloc.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "frontends/cli/cli.h"
#include "frontends/cli/ending.h"
#include "frontends/cli/executable.h"
#include "frontends/cli/held_program.h"
#include "frontends/cli/messages.h"
#include "frontends/std/native/file.h"

namespace fble {
namespace {

constexpr unsigned kEvaluateGroups =
    kInfoGroup | kModuleGroup | kImageUseGroup | kEngineGroup | kTestingGroup | kProfileGroup | kDepsFileGroup;

constexpr Command kCommands[] = {
    {
        .name = "",
        .synopsis = "Usage: fble-jit [OPTION...] -m MODULE_PATH [--] [ARG...]\n"
                    "       fble-jit [OPTION...] FILE.fble [ARG...]\n"
                    "       fble-jit COMMAND [OPTION...]",
        .summary = "runs programs written in Fble",
        .description = "Runs a program: a module whose value has the type /Std/Io/Cli%.Main@. It is\n"
                       "given by its module path, or as the file that holds it. Words after the module\n"
                       "path, from the first that is no option, and all words after FILE.fble are the\n"
                       "program's own arguments.\n"
                       "\n"
                       "The module /A/B% is the file A/B.fble in the first folder of the search path\n"
                       "that has it: the folders of -I and -p in the order given, then the library that\n"
                       "comes with fble-jit, unless one of the former holds a library /Std of its own.\n"
                       "The search path of a file starts with the nearest folder above it from where\n"
                       "all modules that it mentions are found.",
        .results = "  0 to 111  what the program returned\n"
                   "  112       the program returned a negative or larger number\n"
                   "  114       the program does not compile\n"
                   "  115       run-time error\n",
        .examples = "Examples:\n"
                    "  fble-jit hello.fble\n"
                    "      runs the program in hello.fble\n"
                    "  fble-jit -I src -m /Tools/Sort% -- --reverse words.txt\n"
                    "      runs src/Tools/Sort.fble with the arguments --reverse and words.txt\n"
                    "  FBLE_PACKAGE_PATH=~/pkgs fble-jit -p std -p md5 -m /Md5/Main% file\n"
                    "      uses the packages ~/pkgs/std and ~/pkgs/md5\n",
        .groups = kEvaluateGroups,
        .positional = Positional::kProgram,
        .statuses = StatusSet::kProgram,
        .run = run_program,
    },
    {
        .name = "test",
        .synopsis = "Usage: fble-jit test [OPTION...] -m MODULE_PATH\n"
                    "       fble-jit test [OPTION...] FILE.fble",
        .summary = "evaluates a module and drops its value",
        .description = "Evaluates a module of any type, with all modules that it depends on, and drops\n"
                       "the value. A program is not started by this.",
        .results = "  0    the module compiles and has a value\n"
                   "  1    a deopt point was not hit, or machine code came to another value\n"
                   "  2    it does not compile\n"
                   "  3    run-time error\n",
        .examples = "Example:\n"
                    "  fble-jit test -I src -m /Tools/Sort/Tests%\n",
        .groups = kEvaluateGroups,
        .positional = Positional::kFile,
        .statuses = StatusSet::kEvaluation,
        .run = run_test,
    },
    {
        .name = "mem-test",
        .synopsis = "Usage: fble-jit mem-test [OPTION...] -m MODULE_PATH\n"
                    "       fble-jit mem-test [OPTION...] FILE.fble",
        .summary = "tests how the memory that a function needs grows",
        .description = "The module's value must be a function of a number: a list of its bits, lowest\n"
                       "last, in the encoding of the language's memory tests. It is called with 1000\n"
                       "and 2000; the test passes if both need about the same memory, or with --growth\n"
                       "if they do not. What counts is the peak of live values and call stack.",
        .results = "  0    memory behaves as expected\n"
                   "  2    the module does not compile\n"
                   "  3    run-time error\n",
        .other_errors = "memory does not behave as expected, or other error, such as output that\n"
                        "       cannot be written",
        .examples = "Example:\n"
                    "  fble-jit mem-test -I src -m /Tools/Sort/Leak%\n",
        .groups = kEvaluateGroups | kMemTestGroup,
        .positional = Positional::kFile,
        .statuses = StatusSet::kEvaluation,
        .run = run_mem_test,
    },
    {
        .name = "check",
        .synopsis = "Usage: fble-jit check [OPTION...] -m MODULE_PATH\n"
                    "       fble-jit check [OPTION...] FILE.fble\n"
                    "       fble-jit check [OPTION...] --all -I DIR",
        .summary = "type checks modules without running them",
        .description = "Checks that a module compiles, or with --all that all modules below some folders\n"
                       "do. Of other modules only the headers (.fble.@ files) are read where there are\n"
                       "any, so that a module can be checked before those it depends on are written.",
        .results = "  0    the modules compile\n"
                   "  1    one does not\n",
        .examples = "Examples:\n"
                    "  fble-jit check src/Tools/Sort.fble\n"
                    "  fble-jit check --all -I src\n",
        .groups = kInfoGroup | kModuleGroup | kCheckGroup | kImageUseGroup | kDepsFileGroup,
        .positional = Positional::kFile,
        .statuses = StatusSet::kTool,
        .run = run_check,
    },
    {
        .name = "disassemble",
        .synopsis = "Usage: fble-jit disassemble [OPTION...] -m MODULE_PATH\n"
                    "       fble-jit disassemble [OPTION...] FILE.fble\n"
                    "       fble-jit disassemble --stack [OPTION...] FILE.fble [-- ARG...]",
        .summary = "prints the bytecode of a module, or the stack that it needs",
        .description = "Compiles a module like `fble-jit check` and prints its bytecode. The format is for\n"
                       "reading and for tests and changes from version to version;\n"
                       "interp/opcodes.def explains the instructions.\n"
                       "\n"
                       "With --stack, it prints a line for each function. 'frame' is its own call frame,\n"
                       "'need' the stack that it needs with all functions that it is known to call, 'used'\n"
                       "the most that one of its calls used in the run, each in words of 8 bytes. A need\n"
                       "is a bound, unless the line says why it is not: recursion, which can go to any\n"
                       "depth, or calls of functions that are values.",
        .results = "  0    success\n"
                   "  1    the module does not compile, or the run ended with an error\n",
        .examples = "Example:\n"
                    "  fble-jit disassemble -I src -m /Tools/Sort%\n"
                    "  fble-jit disassemble --stack sort.fble -- words.txt\n"
                    "      runs the program, and prints the stack that its functions need and used\n",
        .groups = kInfoGroup | kModuleGroup | kImageUseGroup | kStackGroup,
        .positional = Positional::kFileRun,
        .statuses = StatusSet::kTool,
        .run = run_disassemble,
    },
    {
        .name = "deps",
        .synopsis = "Usage: fble-jit deps [OPTION...] -t TARGET -m MODULE_PATH\n"
                    "       fble-jit deps [OPTION...] -t TARGET FILE.fble",
        .summary = "lists the files that a module depends on",
        .description = "Prints a rule for make and ninja: TARGET depends on all files that were read to\n"
                       "load the module. After an error, these are the files read until then.",
        .results = "  0    success\n"
                   "  1    some module cannot be loaded\n",
        .examples = "Example:\n"
                    "  fble-jit deps -t build/sort.stamp -I src -m /Tools/Sort% > build/sort.d\n",
        .groups = kInfoGroup | kModuleGroup | kDepsGroup,
        .positional = Positional::kFile,
        .statuses = StatusSet::kTool,
        .run = run_deps,
    },
    {
        .name = "doc",
        .synopsis = "Usage: fble-jit doc [OPTION...]\n"
                    "       fble-jit doc [OPTION...] --search WORDS\n"
                    "       fble-jit doc [OPTION...] --type TYPE\n"
                    "       fble-jit doc [OPTION...] MODULE_PATH[.NAME]\n"
                    "       fble-jit doc [OPTION...] FILE.fble",
        .summary = "prints the documentation of modules",
        .description = "Prints what the comments in a module say about it and about the names that it\n"
                       "exports, with their types; with NAME, about this name only. Without a module,\n"
                       "lists all modules below the folders of the search path, or writes their pages.\n"
                       "\n"
                       "--search and --type find exported names in all these modules, one in a line with\n"
                       "its type and the first sentence of its comment. Upper and lower case are the same\n"
                       "to --search. In a TYPE, Int@ is that of /Std/Int%, and so on for all exported\n"
                       "types; single capital letters such as A@ are type variables. Values of that type\n"
                       "come first, then those of more general types, then functions that take the\n"
                       "arguments in another order, then those that take one or two more arguments.\n"
                       "\n"
                       "The comment of a module is the one at the start of its file. The comment of an\n"
                       "exported name is the one right above its definition, or above its place in the\n"
                       "export. A definition right below another one, without a blank line in between,\n"
                       "shares its comment. A name from another module that has none here has the one\n"
                       "from there. In pages, indented lines are shown as code.",
        .results = "  0    success\n"
                   "  1    a module does not compile, a name is not exported, something is missing\n"
                   "       (--missing), or nothing is found\n",
        .examples = "Examples:\n"
                    "  fble-jit doc\n"
                    "      lists the modules of the library\n"
                    "  fble-jit doc /Std/List%\n"
                    "  fble-jit doc /Std/List%.ForEach\n"
                    "  fble-jit doc --search 'list reverse'\n"
                    "  fble-jit doc --type '(List@<A@>, (A@) { B@; }) { List@<B@>; }'\n"
                    "  fble-jit doc -I src --html site\n"
                    "      writes site/index.html and a page for each module below src and of the library\n",
        .groups = kInfoGroup | kModuleGroup | kDocGroup,
        .positional = Positional::kModule,
        .statuses = StatusSet::kTool,
        .run = run_doc,
    },
    {
        .name = "profile",
        .synopsis = "Usage: fble-jit profile [OPTION...] -m MODULE_PATH [--] [ARG...]\n"
                    "       fble-jit profile [OPTION...] FILE.fble [ARG...]",
        .summary = "runs a program and shows where its time goes",
        .description = "Runs a program as usual, and looks many times a second where it is. Then prints on\n"
                       "standard error which functions the time went to: `self` is the time in a function,\n"
                       "`total` with what it calls. Functions that are compiled into others have their own\n"
                       "lines. What is not the program's own code is in brackets: [collect minor] and\n"
                       "[collect full], garbage collection; [record], [optimise] and [assemble], the\n"
                       "compiler; [exit], leaving machine code; [check], the front end; [native NAME],\n"
                       "functions of the library in C++. With --alloc, it shows instead which lines\n"
                       "allocate, and how much of that survives collections, and with --counts the exact\n"
                       "numbers of calls. An interrupted run is shown, too. docs/profiling.md explains what\n"
                       "to do with it.",
        .results = "  0 to 112  what the program returned, as without `profile`\n"
                   "  114       the program does not compile\n"
                   "  115       run-time error\n",
        .examples = "Examples:\n"
                    "  fble-jit profile --html profile.html examples/Fannkuch.fble 9\n"
                    "  fble-jit profile --alloc=64K examples/Fannkuch.fble 9\n"
                    "  fble-jit profile --counts --annotate Fannkuch.fble examples/Fannkuch.fble 9\n"
                    "  fble-jit profile --annotate Sort.fble -I src -m /Tools/Sort% words.txt\n",
        .groups =
            kInfoGroup | kModuleGroup | kImageUseGroup | kEngineGroup | kTestingGroup | kDepsFileGroup | kSamplingGroup,
        .positional = Positional::kProgram,
        .statuses = StatusSet::kProgram,
        .run = run_profile,
    },
    {
        .name = "view",
        .synopsis = "Usage: fble-jit view --html FILE [OPTION...] -m MODULE_PATH [--] [ARG...]\n"
                    "       fble-jit view --html FILE [OPTION...] PROGRAM.fble [ARG...]",
        .summary = "runs a program and writes a page that shows its traces",
        .description = "Runs a program like `fble-jit` without a command, with the same output and exit\n"
                       "status, and writes a page of HTML that shows what the compiler did. Of each trace\n"
                       "it has the source, the bytecode, the intermediate form after each pass and the\n"
                       "machine code side by side, and its exits: how often they were taken, where they\n"
                       "lead and what they rebuild. It has all traces as a graph and over time, and what\n"
                       "differs from an earlier run. The page needs no other file and makes no requests.\n"
                       "docs/traces.md explains how to read it.",
        .results = "  0 to 111  what the program returned\n"
                   "  112       the program returned a negative or larger number\n"
                   "  114       the program does not compile\n"
                   "  115       run-time error\n",
        .other_errors = "other error, such as a page that cannot be written",
        .examples = "Examples:\n"
                    "  fble-jit view --html sort.html -I src -m /Tools/Sort% words.txt\n"
                    "  fble-jit view --html new.html --before sort.html -I src -m /Tools/Sort% words.txt\n"
                    "      shows also what is different from the first run\n",
        .groups = kInfoGroup | kModuleGroup | kImageUseGroup | kEngineGroup | kTestingGroup | kViewGroup,
        .positional = Positional::kProgram,
        .statuses = StatusSet::kProgram,
        .run = run_view,
    },
    {
        .name = "bisect",
        .synopsis = "Usage: fble-jit bisect [OPTION...] -m MODULE_PATH [--] [ARG...]\n"
                    "       fble-jit bisect [OPTION...] FILE.fble [ARG...]",
        .summary = "finds the disturbance that makes a program go wrong",
        .description = "Runs a program with --jit=off and with --chaos, each run in a process of its own\n"
                       "without input. If output or exit status differ, looks for the least --chaos-fuel\n"
                       "with which they do: its last disturbance is the first bad decision. For finding\n"
                       "mistakes in fble-jit itself; a program that does not do the same twice is refused.",
        .results = "  0    nothing goes wrong\n"
                   "  1    something does\n",
        .other_errors = "other error, such as a program that does not do the same twice, or output\n"
                        "       that cannot be written",
        .examples = "Example:\n"
                    "  fble-jit bisect --jit=eager --seeds 100 -I src -m /Tools/Sort% words.txt\n",
        .groups = kInfoGroup | kModuleGroup | kImageUseGroup | kEngineGroup | kTestingGroup | kBisectGroup,
        .positional = Positional::kProgram,
        .statuses = StatusSet::kEvaluation,
        .run = run_bisect,
    },
    {
        .name = "explore",
        .synopsis = "Usage: fble-jit explore [OPTION...] -m MODULE_PATH [--] [ARG...]\n"
                    "       fble-jit explore [OPTION...] FILE.fble [ARG...]",
        .summary = "runs a program with threads in many orders",
        .description = "Runs a program in the usual order of its threads' turns, then in all orders with one\n"
                       "departure from it, with two, and so on. Each run has no input, and virtual time. Ends\n"
                       "with the first run that fails, or whose output or exit status is not that of the\n"
                       "usual order, and says how to repeat it. docs/threads.md explains turns.",
        .results = "  0    the program does the same in all orders\n"
                   "  1    it does not, or fails\n"
                   "  2    it does not compile\n",
        .examples = "Example:\n"
                    "  fble-jit explore --bound 3 -I src -m /Tools/Bank%\n",
        .groups = kInfoGroup | kModuleGroup | kImageUseGroup | kEngineGroup | kTestingGroup | kExploreGroup,
        .positional = Positional::kProgram,
        .statuses = StatusSet::kEvaluation,
        .run = run_explore,
    },
    {
        .name = "build",
        .synopsis = "Usage: fble-jit build [OPTION...] -m MODULE_PATH --output FILE\n"
                    "       fble-jit build [OPTION...] PROGRAM.fble --output FILE",
        .summary = "makes an executable of a program",
        .description = "Makes one file of a program and all that it depends on. It runs where neither\n"
                       "fble-jit nor the sources are, and does what `fble-jit` does with the program: the\n"
                       "same output, messages and exit statuses. All words of its command line are the\n"
                       "program's arguments; but if `--` is among them, those before it are options as\n"
                       "`fble-jit` has them, and so are the words of the variable FBLE_JIT_OPTIONS. The\n"
                       "same sources give the same bytes. docs/executables.md says more.",
        .results = "  0    success\n"
                   "  1    the module does not compile, or is not a program\n",
        .other_errors = "other error, such as a file that cannot be written",
        .examples = "Example:\n"
                    "  fble-jit build -I src -m /Tools/Sort% --output sort\n"
                    "  ./sort --reverse words.txt\n"
                    "  FBLE_JIT_OPTIONS='--jit=off --stats' ./sort --reverse words.txt\n",
        .groups = kInfoGroup | kModuleGroup | kBuildGroup | kDepsFileGroup,
        .positional = Positional::kFile,
        .statuses = StatusSet::kTool,
        .run = run_build,
    },
    {
        .name = "image",
        .synopsis = "Usage: fble-jit image [OPTION...] --output FILE\n"
                    "       fble-jit image [OPTION...] --output FILE MODULE_PATH\n"
                    "       fble-jit image --print FILE",
        .summary = "writes what checking modules gave to a file",
        .description = "Checks and lowers all modules of the library and of the folders of -I and -p, or one\n"
                       "module and all that it depends on, and writes the results to a file. With\n"
                       "--image FILE, programs start without checking these modules again, as long as their\n"
                       "sources are the same. Messages and everything else are as without. Only the same\n"
                       "build of fble-jit reads the file.",
        .results = "  0    success\n"
                   "  1    some module does not compile\n",
        .other_errors = "other error, such as a file that cannot be written",
        .examples = "Example:\n"
                    "  fble-jit image -I src --output tools.images\n"
                    "  fble-jit --image tools.images -I src -m /Tools/Sort% words.txt\n",
        .groups = kInfoGroup | kModuleGroup | kImageGroup,
        .positional = Positional::kModule,
        .statuses = StatusSet::kTool,
        .run = run_image,
    },
    {
        .name = "suite",
        .synopsis = "Usage: fble-jit suite [OPTION...] DIR",
        .summary = "runs the annotated tests below a folder",
        .description = "Runs all .fble files below DIR that have a line with @@fble-test@@ KIND, in\n"
                       "parallel, each in a process of its own. The kinds:\n"
                       "\n"
                       "  no-error             the module has a value\n"
                       "  compile-error L:C    it does not compile; an error is reported at line L, column C\n"
                       "  compile-warning L:C  it has a value; a warning is reported there\n"
                       "  runtime-error L:C    evaluating it ends with an error there\n"
                       "  memory-constant      `mem-test` passes\n"
                       "  memory-growth        `mem-test --growth` passes\n"
                       "  compile-module       `check` passes\n"
                       "  none                 no test, but a module that tests use\n"
                       "\n"
                       "Prints a line for each failure, and last `N passed, N failed`. Modes:\n"
                       "\n"
#define FBLE_MODE(name, flags, doc) "  " name ": " doc "\n"
#include "frontends/cli/modes.def"
#undef FBLE_MODE
        ,
        .results = "  0    all tests passed\n"
                   "  1    some failed, or there are none\n",
        .examples = "Example:\n"
                    "  fble-jit suite tests/lang --modes interp,gc-stress\n",
        .groups = kInfoGroup | kSuiteGroup,
        .positional = Positional::kFolder,
        .statuses = StatusSet::kTool,
        .run = run_suite,
    },
};

/// What an executable with a program in it does.
constexpr Command kHeldProgram = {
    .name = "",
    .synopsis =
        "Usage: PROGRAM [ARG...]\n"
        "       PROGRAM [OPTION...] -- [ARG...]",
    .summary = "an executable with a program in it, made by `fble-jit build`",
    .description =
        "Runs the program. If `--` is among the words, those before it are options, and so\n"
        "are the words of the variable FBLE_JIT_OPTIONS. All other words are the program's\n"
        "own arguments.",
    .results =
        "  0 to 111  what the program returned\n"
        "  112       the program returned a negative or larger number\n"
        "  115       run-time error\n",
    .groups = kInfoGroup | kEngineGroup | kTestingGroup | kProfileGroup,
    .positional = Positional::kHeld,
    .statuses = StatusSet::kProgram,
    .run = run_held_program,
};

/// Runs the command. Its last output may still be unwritten afterwards.
CommandEnding run_command(const Command& command, std::span<const std::string> words) {
  Options options;
  if (!parse_options(command, words, options)) return Status::kUsageError;
  if (options.help) {
    print_help(command);
    return Status::kOk;
  }
  if (options.version) {
    print_output("fble-jit {}\n", FBLE_VERSION);
    return Status::kOk;
  }
  return command.run(options);
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

int run_command_line(int argc, const char* const* argv) {
  prepare_standard_streams();
  // The front end runs on a thread of its own (big_stack.h), but no other
  // thread runs at that time: one arena that grows in large steps is the
  // fastest.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TOP_PAD, 1 << 18);
  const bool is_held = holds_program();
  const bool has_name = !is_held && argc > 1 && argv[1][0] != '\0';
  const Command* command = is_held ? &kHeldProgram : &kCommands[0];
  for (const Command& named : kCommands) {
    if (has_name && std::strcmp(named.name, argv[1]) == 0) command = &named;
  }
  prepare_endings(command->statuses);
  const int first = *command->name == '\0' ? 1 : 2;
  std::vector<std::string> words(argv + std::min(argc, first), argv + argc);
  if (is_held) words = held_program_words(std::move(words));
  CommandEnding outcome = Status::kOtherError;
  try {
    outcome = run_command(*command, words);
  } catch (const std::exception& problem) {
    outcome = report_exception(problem);
  }
  const Status status = finish_output(outcome.status);
  return status == Status::kOk ? outcome.program_status : exit_status(status, command->statuses);
}

}  // namespace fble
