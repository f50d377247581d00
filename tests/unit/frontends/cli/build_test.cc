// `fble-jit build` and the executables that it makes: frontends/cli/build.cc, executable.cc and held_program.cc.
#include <elf.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstring>

#include "tests/support/command.h"

namespace fble {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kImports = R"(
Str .= /Std/Char/Ascii%;
StringE .= /Std/Char/Ascii/Stream%;
Int@ .= /Std/Int%;
Int .= /Std/Int/Lit%;
Io@ .= /Std/Io%;
Main@ .= /Std/Io/Cli%;
List@ .= /Std/List%;
Monad@ .= /Std/Monad%;
String .= /Std/Stream/String%;
String@ .= /Std/String%;
Unit@ .= /Std/Unit%;
Char@ .= /Std/Char%;
Out@ .= /Std/Stream/Out%;
)";

class BuildTest : public CommandTest {
 protected:
  /// Writes a program with the body, which may use m, io, args and out.
  void write_program(const std::string& name, const std::string& body) const {
    write(name, std::string(kImports) + "_ = @(Str, Int, StringE, String, Int@, Unit@);\n" +
                    "Main@ Main = <<@>@ M@>(Monad@<M@> m, Io@<M@> io, List@<String@> args) {\n" +
                    "  Out@<Char@, M@> out := m.do(/Std/Io/File/Utf8%.Stdout(m, io));\n  _ = @(args, out);\n" + body +
                    "};\nMain;\n");
  }
  /// Writes a program that prints its arguments and counts.
  void write_echo() const {
    write("src/Tools/Text.fble", R"(
List@ .= /Std/List%;
String@ .= /Std/String%;
Str .= /Std/Char/Ascii%;
(List@<String@>) { String@; } Joined = (List@<String@> words) { /Std/List%.Join(words, Str|'|'); };
@(Joined);
)");
    write_program("src/Echo.fble", R"(
  (Int@, Int@) { Int@; } Count = (Int@ n, Int@ sum) {
    /Std/Int/Eq%.Eq(n, Int|0).?(true: sum);
    Count(/Std/Int%.Decr(n), /Std/Int%.Add(n, sum));
  };
  Unit@ _ := m.do(out(String(/Tools/Text%.Joined(args))));
  /Std/Int/Eq%.Eq(Count(Int|300, Int|0), Int|45150).?(true: m.return(Int|3), false: m.return(Int|4));
)");
  }

  void build(const std::vector<std::string>& words) const {
    std::vector<std::string> all{"build"};
    all.insert(all.end(), words.begin(), words.end());
    const CommandResult result = run(all);
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err, "");
  }

  /// Runs an executable of the working folder.
  CommandResult run_built(const std::string& name, const std::vector<std::string>& words = {},
                          const std::vector<std::string>& environment = {}) const {
    return run(words, "", environment, "shift; exec ./" + name + " \"$@\"");
  }

  unsigned mode_of(const std::string& name) const {
    struct stat status{};
    EXPECT_EQ(stat((folder() + "/" + name).c_str(), &status), 0);
    return status.st_mode & 07777;
  }
};

TEST_F(BuildTest, RunsWithoutTheSources) {
  write_echo();
  const CommandResult usual = run({"-I", "src", "-m", "/Echo%", "--", "a", "b c"});
  EXPECT_EQ(usual.out, "a|b c");
  EXPECT_EQ(usual.status, 3);
  build({"-I", "src", "-m", "/Echo%", "-o", "echo"});
  build({"src/Echo.fble", "--output=from-file"});
  fs::remove_all(folder() + "/src");
  for (const char* name : {"echo", "from-file"}) {
    const CommandResult result = run_built(name, {"a", "b c"}, {"FBLE_JIT_STD=/nowhere"});
    EXPECT_EQ(result.out, usual.out);
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(result.status, usual.status);
  }
}

TEST_F(BuildTest, RunsAlikeInAllModes) {
  write_echo();
  build({"src/Echo.fble", "-o", "echo"});
#define FBLE_MODE(name, flags, doc)                                                                          \
  {                                                                                                          \
    const CommandResult result = run_built("echo", {"x", "y"}, {std::string("FBLE_JIT_OPTIONS= ") + flags}); \
    EXPECT_EQ(result.out, "x|y") << name;                                                                    \
    EXPECT_EQ(result.err, "") << name;                                                                       \
    EXPECT_EQ(result.status, 3) << name;                                                                     \
  }
#include "frontends/cli/modes.def"
#undef FBLE_MODE
}

TEST_F(BuildTest, ArgumentsAreTheProgramsUnlessTwoDashesAreThere) {
  write_echo();
  build({"src/Echo.fble", "-o", "echo"});
  EXPECT_EQ(run_built("echo").out, "");
  EXPECT_EQ(run_built("echo", {"--help", "--stats", "-m", "/M%", "", "\xe2\x82\xac"}).out,
            "--help|--stats|-m|/M%||\xe2\x82\xac");
  EXPECT_EQ(run_built("echo", {"--", "a", "--", "b"}).out, "a|--|b");
  const CommandResult with_options = run_built("echo", {"--stats", "--jit=eager", "--", "a"});
  EXPECT_EQ(with_options.out, "a");
  EXPECT_THAT(with_options.err, HasSubstr("collections:"));
  const CommandResult from_environment = run_built("echo", {"--stats"}, {"FBLE_JIT_OPTIONS=--stats  --jit=off"});
  EXPECT_EQ(from_environment.out, "--stats");
  EXPECT_THAT(from_environment.err, HasSubstr("collections:"));
  const CommandResult help = run_built("echo", {"--help", "--"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, HasSubstr("--jit off|on|eager"));
  EXPECT_THAT(help.out, testing::Not(HasSubstr("--image")));
}

TEST_F(BuildTest, MistakesInOptions) {
  write_echo();
  build({"src/Echo.fble", "-o", "echo"});
  for (const CommandResult& result :
       {run_built("echo", {"--jit=no", "--", "a"}), run_built("echo", {"a"}, {"FBLE_JIT_OPTIONS=--jit=no"})}) {
    EXPECT_EQ(result.status, 116);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err, "Error: --jit must be 'off', 'on' or 'eager', not 'no' (try: --help --)\n");
  }
  for (const char* word : {"a", "-m", "-I.", "--no-cache", "--deps-file=x"}) {
    const CommandResult result = run_built("echo", {word, "--"});
    EXPECT_EQ(result.status, 116) << word;
    EXPECT_THAT(result.err, StartsWith(std::string("Error: invalid argument: '") + word + "'"));
  }
  EXPECT_EQ(run_built("echo", {"\xff"}).err, "error: argument 1 is not valid UTF-8\n");
}

TEST_F(BuildTest, WritesProfiles) {
  write_echo();
  build({"src/Echo.fble", "-o", "echo"});
  EXPECT_EQ(run({"--profile=usual", "src/Echo.fble"}).status, 3);
  EXPECT_EQ(run_built("echo", {}, {"FBLE_JIT_OPTIONS=--profile=built"}).status, 3);
  EXPECT_THAT(read("usual"), HasSubstr("/Echo%.Main.Count"));
  EXPECT_EQ(read("built"), read("usual"));
}

TEST_F(BuildTest, ErrorsAreLocated) {
  write_program("src/Fails.fble", "  /Std/Undef%.Undef.undef<M@<Int@>>;\n");
  const CommandResult usual = run({"src/Fails.fble"});
  EXPECT_EQ(usual.status, 115);
  EXPECT_THAT(usual.err, HasSubstr("src/Fails.fble:"));
  build({"src/Fails.fble", "-o", "fails"});
  fs::remove_all(folder() + "/src");
  const CommandResult built = run_built("fails");
  EXPECT_EQ(built.status, usual.status);
  EXPECT_EQ(built.err, usual.err);
}

TEST_F(BuildTest, WarningsAreThoseOfTheBuild) {
  write_program("Warns.fble", "  spare = Int|1;\n  m.return(Int|0);\n");
  const CommandResult result = run({"build", "Warns.fble", "-o", "warns"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("warning: variable 'spare' defined but not used"));
  EXPECT_EQ(run_built("warns").err, "");
}

TEST_F(BuildTest, TheSameSourcesGiveTheSameBytes) {
  write_echo();
  build({"-I", "src", "-m", "/Echo%", "-o", "one"});
  // Neither a cache, nor the place of the working folder, nor what was there before changes anything.
  fs::create_directory(folder() + "/other");
  fs::copy(folder() + "/src", folder() + "/other/src", fs::copy_options::recursive);
  const std::vector<std::string> cached{"XDG_CACHE_HOME=" + folder() + "/cache"};
  EXPECT_EQ(run({"-I", "src", "-m", "/Echo%"}, "", cached).status, 3);
  EXPECT_EQ(run({"build", "-I", "src", "-m", "/Echo%", "-o", "one"}, "", cached, "cd other; exec \"$@\"").status, 0);
  EXPECT_EQ(read("other/one"), read("one"));
  build({"-I", "src", "-m", "/Echo%", "-o", "one"});
  EXPECT_EQ(read("other/one"), read("one"));
  write("src/Tools/Text.fble", read("src/Tools/Text.fble") + "# more\n");
  build({"-I", "src", "-m", "/Echo%", "-o", "commented"});
  EXPECT_EQ(read("commented"), read("one"));
}

TEST_F(BuildTest, TheFileIsExecutable) {
  write_echo();
  CommandResult result = run({"build", "src/Echo.fble", "-o", "echo"}, "", {}, "umask 022; exec \"$@\"");
  EXPECT_EQ(mode_of("echo"), 0755);
  result = run({"build", "src/Echo.fble", "-o", "echo"}, "", {}, "umask 077; exec \"$@\"");
  EXPECT_EQ(mode_of("echo"), 0700);
  // Over an executable that runs.
  result = run({"build", "src/Echo.fble", "-o", "command"}, "", {}, "cp \"$1\" command; shift; exec ./command \"$@\"");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(run_built("command", {"a"}).out, "a");
}

TEST_F(BuildTest, FilesThatCannotBeWritten) {
  write_echo();
  for (const auto& [name, problem] : {std::pair{"none/echo", "No such file or directory"},
                                      {"src", "Is a directory"},
                                      {"/dev/full", "No space left on device"}}) {
    const CommandResult result = run({"build", "src/Echo.fble", "-o", name});
    EXPECT_EQ(result.status, 5);
    EXPECT_EQ(result.err, std::string("error: cannot write '") + name + "': " + problem + "\n");
  }
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  write("made/echo", "old");
  const CommandResult limited =
      run({"build", "src/Echo.fble", "-o", "made/echo"}, "", {}, "ulimit -f 100; exec \"$@\"");
  EXPECT_EQ(limited.status, 5);
  EXPECT_EQ(limited.err, "error: cannot write 'made/echo': File too large\n");
  EXPECT_EQ(read("made/echo"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder() + "/made"), fs::directory_iterator()), 1);
}

TEST_F(BuildTest, OnlyProgramsThatCompile) {
  write("Unit.fble", "*();\n");
  write("Wrong.fble", "x;\n");
  write("old", "old");
  const CommandResult no_program = run({"build", "Unit.fble", "-o", "old"});
  EXPECT_EQ(no_program.status, 1);
  EXPECT_THAT(no_program.err, StartsWith("error: module /Unit% is not a program"));
  const CommandResult wrong = run({"build", "Wrong.fble", "-o", "old"});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.err, HasSubstr("Wrong.fble:1:1: error: variable 'x' not defined"));
  EXPECT_EQ(read("old"), "old");
  EXPECT_EQ(run({"build", "Unit.fble"}).status, 2);
  EXPECT_EQ(run({"build", "-o", "x"}).status, 2);
  EXPECT_EQ(run({"build", "Unit.fble", "-o", "x", "argument"}).status, 2);
}

TEST_F(BuildTest, DependencyFiles) {
  write_echo();
  build({"src/Echo.fble", "-o", "echo", "--deps-file", "echo.d", "--deps-target", "echo"});
  EXPECT_THAT(read("echo.d"), StartsWith("echo:"));
  EXPECT_THAT(read("echo.d"), HasSubstr("src/Tools/Text.fble"));
}

TEST_F(BuildTest, DamagedExecutablesSaySo) {
  write_echo();
  build({"src/Echo.fble", "-o", "echo"});
  const std::string whole = read("echo");
  const auto expect_damaged = [&](const std::string& bytes, const std::string& problem) {
    write("echo", bytes);
    const CommandResult result = run_built("echo");
    EXPECT_EQ(result.status, 117);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith("error: the program in this executable is damaged: "));
    EXPECT_THAT(result.err, HasSubstr(problem));
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1);
  };
  const size_t bundle = whole.rfind("FbleBnd1");
  ASSERT_NE(bundle, std::string::npos);
  for (const size_t size : {whole.size() - 1, bundle + 100, bundle + 1, bundle}) {
    expect_damaged(whole.substr(0, size), "its file ends early");
  }
  for (const size_t at : {bundle, bundle + 9, bundle + 40, bundle + 3000, whole.size() - 5000}) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    expect_damaged(damaged, "");
  }
  // A program that is longer than it was is none the worse.
  write("echo", whole + "more");
  EXPECT_EQ(run_built("echo", {"a"}).out, "a");
}

TEST_F(BuildTest, FindsItsFileWhereverItIs) {
  write_echo();
  build({"src/Echo.fble", "-o", "echo"});
  EXPECT_EQ(run({}, "", {}, "mkdir bin; mv echo bin/tool; PATH=bin:$PATH exec tool a b").out, "a|b");
  // Execution is allowed, reading is not; this needs another user than root.
  if (geteuid() != 0) {
    EXPECT_EQ(chmod((folder() + "/bin/tool").c_str(), 0111), 0);
    const CommandResult result = run_built("bin/tool");
    EXPECT_EQ(result.status, 117);
    EXPECT_THAT(result.err, EndsWith("its file cannot be read\n"));
  }
}

/// Returns the types of an executable's program headers.
std::vector<unsigned> segment_types(const std::string& bytes) {
  std::vector<unsigned> types;
  Elf64_Ehdr header;
  EXPECT_GT(bytes.size(), sizeof header);
  std::memcpy(&header, bytes.data(), sizeof header);
  EXPECT_EQ(std::memcmp(header.e_ident, ELFMAG, SELFMAG), 0);
  for (size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof segment, sizeof segment);
    types.push_back(segment.p_type);
  }
  return types;
}

TEST_F(BuildTest, NeedsNoSharedLibrary) {
#if __has_feature(address_sanitizer) || defined(FBLE_COVERAGE)
  GTEST_SKIP() << "such builds of the command are linked dynamically";
#endif
  write_echo();
  build({"src/Echo.fble", "-o", "echo"});
  EXPECT_THAT(segment_types(read("echo")), testing::Not(testing::Contains(testing::AnyOf(PT_INTERP, PT_DYNAMIC))));
}

}  // namespace
}  // namespace fble
