// The examples, as people run them: sessions at a command line with what is printed.
//
// tests/examples/X.session and the indented blocks of examples/README.md have commands in
// lines that begin with "$ " and continue in lines that begin with "> ". Each is followed
// by its output, standard error included, and by "[status N]" if its exit status is not
// 0. In a session, lines that begin with "#" are comments, and output ends before an
// empty line followed by one of these or a command. Commands run in the project's folder;
// "$TMP" is a folder for files. They are run by bash, with a pipe that reads their
// output, and in several modes, which must make no difference: examples with threads in all of them.
//
// `fble-jit-tests --gtest_filter='*ExampleSession*' --update-goldens` rewrites the output.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/golden.h"

namespace fble {
namespace {

const std::string kRoot = FBLE_SOURCE_DIR;
constexpr std::string_view kIndent = "    ";
constexpr std::string_view kPrompt = "$ ";
constexpr std::string_view kContinued = "> ";

struct Mode {
  const char* name;
  const char* options;
};
constexpr Mode kModes[] = {
    {"off", "--jit=off"},
    {"on", "--jit=on"},
    {"stress", "--jit=eager --gc-stress=101 --heap-verify"},
};

/// Those that the options above leave out, for programs with threads. Stress is rarer than that of `fble-jit suite`:
/// these programs also have files and clients to wait for.
constexpr Mode kThreadModes[] = {
#define FBLE_MODE(name, flags, doc) {name, flags},
#include "frontends/cli/modes.def"
#undef FBLE_MODE
};

struct Session {
  std::string name;
  std::string file;
  bool indented;  ///< only blocks that are indented count, without that indent
};

// For the names of the tests' parameters.
void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.options; }
void PrintTo(const Session& session, std::ostream* out) { *out << session.name; }

std::vector<Session> sessions() {
  std::vector<Session> all{{"Readme", kRoot + "/examples/README.md", true}};
  for (const auto& entry : std::filesystem::directory_iterator(kRoot + "/tests/examples")) {
    if (entry.path().extension() == ".session") all.push_back({entry.path().stem(), entry.path(), false});
  }
  std::ranges::sort(all, {}, &Session::name);
  return all;
}

/// The sessions of programs with threads.
std::vector<Session> thread_sessions() {
  std::vector<Session> all = sessions();
  std::erase_if(all, [](const Session& session) {
    std::ifstream stream(kRoot + "/examples/" + session.name + ".fble");
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    return text.find("/Std/Io/Thread%") == std::string::npos;
  });
  return all;
}

/// A command and the lines that are its output, counted from 0.
struct Step {
  std::string command;
  size_t output_begin;
  size_t output_end;
};

class ExampleSession : public CommandTest, public testing::WithParamInterface<std::tuple<Session, Mode>> {
 protected:
  ExampleSession() {
    std::ifstream stream(session().file);
    for (std::string line; std::getline(stream, line);) lines_.push_back(line);
  }

  static const Session& session() { return std::get<0>(GetParam()); }
  static const Mode& mode() { return std::get<1>(GetParam()); }

  bool counts(size_t i) const { return i < lines_.size() && (!session().indented || lines_[i].starts_with(kIndent)); }
  std::string text(size_t i) const { return lines_[i].substr(session().indented ? kIndent.size() : 0); }
  bool is_command(size_t i) const { return counts(i) && text(i).starts_with(kPrompt); }
  /// Returns whether the line ends the output. An empty line does so only before a comment or command.
  bool ends_output(size_t i) const {
    if (!counts(i) || is_command(i)) return true;
    if (session().indented) return false;
    if (text(i).starts_with("#")) return true;
    if (!text(i).empty()) return false;
    while (i < lines_.size() && text(i).empty()) ++i;
    return i == lines_.size() || is_command(i) || text(i).starts_with("#");
  }

  std::vector<Step> steps() const {
    std::vector<Step> all;
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (!is_command(i)) continue;
      std::string command = text(i).substr(kPrompt.size());
      size_t begin = i + 1;
      for (; counts(begin) && text(begin).starts_with(kContinued); ++begin) {
        command += "\n" + text(begin).substr(kContinued.size());
      }
      size_t end = begin;
      while (!ends_output(end)) ++end;
      all.push_back({command, begin, end});
    }
    return all;
  }

  std::vector<std::string> lines_;
};

TEST_P(ExampleSession, PrintsTheSame) {
  write("bin/fble-jit", "#!/bin/sh\nexec \"" FBLE_JIT_COMMAND "\" $MODE \"$@\"\n");
  std::filesystem::permissions(folder() + "/bin/fble-jit", std::filesystem::perms::owner_all);
  std::vector<std::string> updated;
  size_t copied = 0;
  for (const Step& step : steps()) {
    write("command", step.command);
    const CommandResult result = run(
        {}, "", {"TMP=" + folder(), "ROOT=" + kRoot, "MODE=" + std::string(mode().options)},
        "PATH=$TMP/bin:$PATH; cd \"$ROOT\"; exec bash -c 'bash \"$TMP/command\" 2>&1 | cat; exit ${PIPESTATUS[0]}'");
    std::string got = result.out;
    if (result.status != 0) got += "[status " + std::to_string(result.status) + "]\n";
    std::string want;
    for (size_t i = step.output_begin; i < step.output_end; ++i) want += text(i) + "\n";
    if (!update_goldens) {
      EXPECT_EQ(got, want) << session().file << ":" << step.output_begin << ": $ " << step.command;
      continue;
    }
    updated.insert(updated.end(), lines_.begin() + static_cast<ptrdiff_t>(copied),
                   lines_.begin() + static_cast<ptrdiff_t>(step.output_begin));
    for (size_t start = 0; start < got.size();) {
      const size_t end = std::min(got.find('\n', start), got.size());
      updated.push_back((session().indented ? std::string(kIndent) : "") + got.substr(start, end - start));
      start = end + 1;
    }
    copied = step.output_end;
  }
  if (!update_goldens) return;
  updated.insert(updated.end(), lines_.begin() + static_cast<ptrdiff_t>(copied), lines_.end());
  std::ofstream stream(session().file);
  for (const std::string& line : updated) stream << line << "\n";
}

std::string name_of(const testing::TestParamInfo<std::tuple<Session, Mode>>& info) {
  std::string name = std::get<0>(info.param).name + "_" + std::get<1>(info.param).name;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, ExampleSession,
                         testing::Combine(testing::ValuesIn(sessions()), testing::ValuesIn(kModes)), name_of);
INSTANTIATE_TEST_SUITE_P(ThreadsInModes, ExampleSession,
                         testing::Combine(testing::ValuesIn(thread_sessions()), testing::ValuesIn(kThreadModes)),
                         name_of);

TEST(ExampleSessions, EachExampleHasOne) {
  std::string all;
  for (const Session& session : sessions()) {
    std::ifstream stream(session.file);
    if (!session.indented) all.append(std::istreambuf_iterator<char>(stream), {});
  }
  for (const auto& entry : std::filesystem::directory_iterator(kRoot + "/examples")) {
    if (entry.path().extension() != ".fble" || entry.path().stem() == "Tool") continue;
    EXPECT_NE(all.find("examples/" + entry.path().filename().string()), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace fble
