// Every command against every kind of broken stream, resource limit and signal, and every exit status of --help.
//
// What must hold is the same everywhere: a documented status, one clear message for a mistake, and no crash and no
// waiting for ever. frontends/cli/{messages,ending}.h, gc/log.h and frontends/std/native/file.h are what is tested.
#include "tests/robustness/edges.h"

#include <gmock/gmock.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace fble {
namespace {

using testing::AnyOf;
using testing::EndsWith;
using testing::HasSubstr;

constexpr std::pair<Stream, const char*> kBrokenStreams[] = {
    {Stream::kFull, "No space left on device"},
    {Stream::kClosed, "Bad file descriptor"},
    {Stream::kGone, "Broken pipe"},
};

TEST_F(EdgesTest, StandardOutputThatCannotBeWrittenIsSaidOnce) {
  for (const Subcommand& sub : subcommands()) {
    std::vector<std::vector<std::string>> all{sub.words};
    for (const char* option : {"--help", "--version"}) {
      all.push_back(*sub.name == '\0' ? std::vector<std::string>{option} : std::vector<std::string>{sub.name, option});
    }
    for (const auto& [stream, reason] : kBrokenStreams) {
      for (const std::vector<std::string>& words : all) {
        const CommandResult result = run_in(words, {.out = stream});
        const bool has_output = words != sub.words || sub.has_output;
        const std::string message = std::string("error: cannot write to standard output: ") + reason + "\n";
        EXPECT_EQ(result.status, has_output ? sub.statuses.other_error : 0) << words_text(words) << ": " << reason;
        EXPECT_EQ(result.err, has_output ? message : "") << words_text(words) << ": " << reason;
      }
    }
  }
}

TEST_F(EdgesTest, MistakesKeepTheirStatusWhereTheyCannotBeSaid) {
  for (const Subcommand& sub : subcommands()) {
    for (const Stream stream : {Stream::kFull, Stream::kClosed, Stream::kGone}) {
      std::vector<std::string> words = sub.words;
      words.insert(words.begin() + (*sub.name == '\0' ? 0 : 1), "--mistake");
      const CommandResult result = run_in(words, {.err = stream});
      EXPECT_EQ(result.status, sub.statuses.usage_error) << words_text(words);
      EXPECT_EQ(result.out, "") << words_text(words);
    }
  }
}

TEST_F(EdgesTest, WhatIsSaidOnTheSideDoesNotDisturb) {
  const std::vector<std::string> programs[] = {
      {"--stats", "Hello.fble"},
      {"--jit=eager", "--jit-param", "hot_calls=1", "--dump=bytecode,ir,asm,side-table", "--log=trace", "Lines.fble"},
      {"--chaos=1", "--log=chaos", "Lines.fble"},
      {"--profile=no/such/folder", "Hello.fble"},
      {"deps", "-t", "goal", "Warns.fble"},
      {"doc", "Large.fble"},
  };
  for (const std::vector<std::string>& words : programs) {
    const CommandResult usual = run_in(words);
    EXPECT_EQ(usual.status, 0) << words_text(words) << usual.err;
    for (const Stream stream : {Stream::kFull, Stream::kClosed, Stream::kGone, Stream::kSlow}) {
      const CommandResult result = run_in(words, {.err = stream});
      EXPECT_EQ(result.status, 0) << words_text(words);
      EXPECT_EQ(result.out, usual.out) << words_text(words);
    }
  }
}

TEST_F(EdgesTest, SlowReadersOfStreamsThatDoNotBlockGetEverything) {
  for (const Subcommand& sub : subcommands()) {
    for (const std::vector<std::string>& words : {sub.words, sub.long_words}) {
      if (words.empty()) continue;
      const CommandResult usual = run_in(words);
      if (words == sub.long_words && words.back() != "--help")
        EXPECT_GT(usual.out.size(), kPipeBytes) << words_text(words);
      const CommandResult result = run_in(words, {.out = Stream::kSlow});
      EXPECT_EQ(result.status, usual.status) << words_text(words);
      EXPECT_EQ(result.out, usual.out) << words_text(words);
      EXPECT_EQ(result.err, usual.err) << words_text(words);
    }
  }
  const CommandResult usual = run_in({"check", "Warns.fble"});
  EXPECT_GT(usual.err.size(), kPipeBytes);
  EXPECT_EQ(run_in({"check", "Warns.fble"}, {.err = Stream::kSlow}).err, usual.err);
}

TEST_F(EdgesTest, FilesThatMayNotGrow) {
  for (const Subcommand& sub : subcommands()) {
    if (!sub.has_output) continue;
    const CommandResult result = run_in(sub.words, {.err = Stream::kSlow, .limits = {{RLIMIT_FSIZE, 3}}});
    if (std::string(sub.name) == "suite" || std::string(sub.name) == "bisect") {
      // Their children have the limit, too.
      EXPECT_GT(result.status, 0) << sub.name;
      continue;
    }
    EXPECT_EQ(result.status, sub.statuses.other_error) << sub.name;
    EXPECT_EQ(result.err, "error: cannot write to standard output: File too large\n") << sub.name;
  }
  for (const auto& [words, status, message] :
       {std::tuple{std::vector<std::string>{"test", "--profile=file", "Ok.fble"}, 0, "error: cannot write 'file': "},
        {std::vector<std::string>{"test", "--deps-file=file", "--deps-target=x", "Ok.fble"}, 5,
         "error: cannot write 'file': "},
        {std::vector<std::string>{"check", "--deps-file=file", "--deps-target=x", "Ok.fble"}, 5,
         "error: cannot write 'file': "},
        {std::vector<std::string>{"doc", "--html=pages", "-I", ".", "Ok.fble"}, 5, "error: cannot write 'pages/"}}) {
    const CommandResult result = run_in(words, {.err = Stream::kSlow, .limits = {{RLIMIT_FSIZE, 3}}});
    EXPECT_EQ(result.status, status) << words_text(words);
    EXPECT_EQ(result.err.find(message), 0) << words_text(words) << result.err;
    EXPECT_THAT(result.err, EndsWith(": File too large\n"));
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  }
}

TEST_F(EdgesTest, SmallStacks) {
  for (const Subcommand& sub : subcommands()) {
    for (const rlim_t limit : {rlim_t{256} << 10, rlim_t{1} << 20}) {
      EXPECT_EQ(run_in(sub.words, {.limits = {{RLIMIT_STACK, limit}}}).status, 0) << sub.name << ": " << limit;
    }
  }
}

TEST_F(EdgesTest, ProcessorTimeEndsAProgramAfterItsOutput) {
  const CommandResult result = run_in({"Forever.fble"}, {.limits = {{RLIMIT_CPU, 1}}});
  EXPECT_EQ(result.status, -SIGXCPU);
  EXPECT_EQ(result.out, "begun\n");
  EXPECT_EQ(result.err, "");
}

#if !__has_feature(address_sanitizer)
TEST_F(EdgesTest, MemoryThatRunsOutLate) {
  for (const char* jit : {"--jit=off", "--jit=on", "--jit=eager"}) {
    for (const rlim_t limit : {rlim_t{40} << 20, rlim_t{100} << 20}) {
      const Surroundings around{.limits = {{RLIMIT_AS, limit}}};
      const CommandResult program = run_in({jit, "Gathers.fble"}, around);
      EXPECT_EQ(program.status, 118) << jit << ": " << program.err;
      EXPECT_THAT(program.err, HasSubstr("out of memory")) << jit;
      const CommandResult module = run_in({"test", jit, "Grows.fble"}, around);
      EXPECT_EQ(module.status, 6) << jit << ": " << module.err;
      EXPECT_THAT(module.err, HasSubstr("out of memory")) << jit;
    }
  }
}
#endif

/// True once the process has used so much processor time that it is in the middle of its work.
bool is_working(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  long user = 0;
  long system = 0;
  fields >> user >> system;
  return (user + system) * 1000 / sysconf(_SC_CLK_TCK) >= 150;
}

void wait_until(const std::function<bool()>& condition) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  while (!condition()) {
    ASSERT_LT(Clock::now(), deadline) << "never comes";
    std::this_thread::sleep_for(milliseconds(2));
  }
}

TEST_F(EdgesTest, SignalsEndWhatComputes) {
  for (const Subcommand& sub : subcommands()) {
    if (sub.endless_words.empty()) continue;
    const bool has_children = std::string(sub.name) == "suite" || std::string(sub.name) == "bisect";
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
      Process process = start(sub.endless_words);
      if (has_children) {
        std::this_thread::sleep_for(milliseconds(200));
      } else {
        wait_until([&] { return is_working(process.id); });
      }
      kill(process.id, signal);
      const CommandResult result = finish(process);
      EXPECT_EQ(result.status, signal == SIGINT ? kInterrupted : -signal) << sub.name;
      if (signal == SIGINT) {
        EXPECT_THAT(result.err, AnyOf(HasSubstr(": interrupted\n"), testing::StartsWith("error: interrupted\n")));
        EXPECT_EQ(result.err.find("interrupted"), result.err.rfind("interrupted")) << result.err;
      } else {
        EXPECT_EQ(result.err, "") << sub.name;
      }
      // SIGQUIT is for looking at what is there, and leaves it alone.
      if (*sub.name == '\0') EXPECT_EQ(result.out, signal == SIGQUIT ? "" : "begun\n") << signal;
    }
  }
}

TEST_F(EdgesTest, IgnoredSignalsStayIgnored) {
  Process process = start({"Forever.fble"}, {.ignored_signals = {SIGINT, SIGHUP, SIGTERM}});
  wait_until([&] { return is_working(process.id); });
  for (const int signal : {SIGINT, SIGHUP, SIGTERM, SIGPIPE}) kill(process.id, signal);
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(kill(process.id, 0), 0);
  EXPECT_EQ(waitpid(process.id, nullptr, WNOHANG), 0);
  kill(process.id, SIGKILL);
  EXPECT_EQ(finish(process).status, -SIGKILL);
}

TEST_F(EdgesTest, AnInitialisationThatIsInterruptedHasAProfile) {
  write("Init.fble", read("Spin.fble"));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"test", "--profile=p", "Init.fble"},
                                                std::vector<std::string>{"--profile=p", "Deep.fble"}}) {
    // A program whose module needs for ever to come to its value.
    write_program("Deep.fble", "m.return(Int|0);");
    std::string text = read("Deep.fble");
    text.insert(text.rfind("Main;"), "(Unit@) { Unit@; } Spin = (Unit@ x) { Spin(x); };\n_ = Spin(Unit@());\n");
    write("Deep.fble", text);
    std::filesystem::remove(folder() + "/p");
    Process process = start(words);
    wait_until([&] { return is_working(process.id); });
    kill(process.id, SIGINT);
    EXPECT_EQ(finish(process).status, kInterrupted);
    EXPECT_THAT(read("p"), HasSubstr("Spin")) << words_text(words);
  }
  EXPECT_EQ(run_in({"test", "--profile=q", "Fails.fble"}).status, 3);
  EXPECT_THAT(read("q"), HasSubstr("/Fails%"));
}

/// How a status comes about.
struct Provocation {
  const char* subcommand;
  int status;
  std::vector<std::string> words;
  Surroundings around;
  int signal = 0;  ///< sent when the command computes, or has filled the pipe
};

}  // namespace
}  // namespace fble
