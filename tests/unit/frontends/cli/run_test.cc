// Running programs: frontends/cli/run.cc.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// The first lines of the programs of these tests.
constexpr const char* kImports = R"(
Char@ .= /Std/Char%;
Str .= /Std/Char/Ascii%;
StringE .= /Std/Char/Ascii/Stream%;
Int@ .= /Std/Int%;
Int .= /Std/Int/Lit%;
Io@ .= /Std/Io%;
Main@ .= /Std/Io/Cli%;
List@ .= /Std/List%;
Maybe@ .= /Std/Maybe%;
Monad@ .= /Std/Monad%;
In@ .= /Std/Stream/In%;
Out@ .= /Std/Stream/Out%;
String .= /Std/Stream/String%;
String@ .= /Std/String%;
Unit@ .= /Std/Unit%;
)";

/// Interrupts the program some time after it has opened the file `ready`, however long that takes.
constexpr const char* kInterruptOnceReady =
    "rm -f ready; (while ! test -e ready; do sleep 0.02; done; sleep 0.5; kill -INT $$) & exec \"$@\"";
constexpr const char* kOpenReady = R"(
    Maybe@<Out@<Char@, M@>> opened := m.do(/Std/Io/File/Utf8%.Write(m, io, Str|ready));
    Out@<Char@, M@> file = opened.?(just: opened.just, nothing: out);
)";

class RunTest : public CommandTest {
 protected:
  /// Writes Main.fble: a program with the body, which may use m, io, args, out.
  void write_program(const std::string& body) {
    std::string text = kImports;
    // All names are used, so that there are no warnings.
    text += "_ = @(Str, Int, StringE, String, Int@, Maybe@, In@, Unit@);\n";
    text += "Main@ Main = <<@>@ M@>(Monad@<M@> m, Io@<M@> io, List@<String@> args) {\n";
    text += "  Out@<Char@, M@> out := m.do(/Std/Io/File/Utf8%.Stdout(m, io));\n";
    text += "  _ = @(args, out);\n";
    text += body;
    text += "};\nMain;\n";
    write("Main.fble", text);
  }
};

TEST_F(RunTest, OutputAndStatus) {
  write_program("Unit@ _ := m.do(out(StringE|'hello, world\\n')); m.return(Int|0);");
  const CommandResult result = run({"Main.fble"});
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out, "hello, world\n");
  EXPECT_EQ(result.status, 0);
}

TEST_F(RunTest, StatusesOfPrograms) {
  for (const auto& [value, status] :
       {std::pair{"Int|7", 7}, {"Int|111", 111}, {"Int|112", 112}, {"Int|200", 112}, {"/Std/Int%.Neg(Int|1)", 112}}) {
    write_program(std::string("m.return(") + value + ");");
    EXPECT_EQ(run({"Main.fble"}).status, status) << value;
  }
}

TEST_F(RunTest, Arguments) {
  write_program("Unit@ _ := m.do(out(String(/Std/List%.Join(args, Str|'|')))); m.return(Int|0);");
  EXPECT_EQ(run({"Main.fble", "a", "--", "-m", "", "\xe2\x82\xac"}).out, "a|--|-m||\xe2\x82\xac");
  EXPECT_EQ(run({"-m", "/Main%", "-I.", "--", "--help"}).out, "--help");
  EXPECT_EQ(run({"Main.fble"}).out, "");
}

TEST_F(RunTest, ArgumentsMustBeText) {
  write_program("m.return(Int|0);");
  const CommandResult result = run({"Main.fble", "ok", "b\xff"});
  EXPECT_EQ(result.status, 116);
  EXPECT_EQ(result.err, "error: argument 2 is not valid UTF-8\n");
}

TEST_F(RunTest, StandardInputIsBinary) {
  write_program(R"(
    In@<Int@, M@> in := m.do(/Std/Io/File/Binary%.Stdin(m, io));
    Out@<Int@, M@> bytes := m.do(/Std/Io/File/Binary%.Stdout(m, io));
    (Unit@) { M@<Int@>; } Loop = (Unit@ unit) {
      Maybe@<Int@> byte := m.do(in);
      byte.?(nothing: m.return(Int|0));
      Unit@ _ := m.do(bytes(/Std/Stream%.Put(byte.just)));
      Loop(unit);
    };
    Loop(Unit@());
  )");
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  EXPECT_EQ(run({"Main.fble"}, all).out, all);
  // Every allocation collects: natives hold nothing that moves.
  EXPECT_EQ(run({"--gc-stress", "--heap-verify", "Main.fble"}, "abc").out, "abc");
}

TEST_F(RunTest, FilesOfPrograms) {
  write_program(R"(
    Maybe@<Out@<Int@, M@>> file := m.do(/Std/Io/File/Binary%.Append(m, io, Str|'out'));
    file.?(nothing: m.return(Int|1));
    Unit@ _ := m.do(file.just(/Std/Stream%.Put(Int|65)));
    Maybe@<In@<Int@, M@>> missing := m.do(/Std/Io/File/Binary%.Read(m, io, Str|'missing'));
    missing.?(just: m.return(Int|2));
    m.return(Int|0);
  )");
  EXPECT_EQ(run({"Main.fble"}).status, 0);
  EXPECT_EQ(run({"--gc-stress", "Main.fble"}).status, 0);
  EXPECT_EQ(read("out"), "AA");
}

// Sanitizers need descriptors of their own to look at memory, and report errors when there are none.
#if !__has_feature(address_sanitizer)
TEST_F(RunTest, FilesThatNobodyUsesAreClosed) {
  write_program(R"(
    (Int@) { M@<Int@>; } Loop = (Int@ n) {
      /Std/Int/Eq%.Eq(n, Int|0).?(true: m.return(Int|0));
      Maybe@<In@<Int@, M@>> file := m.do(/Std/Io/File/Binary%.Read(m, io, Str|'Main.fble'));
      file.?(nothing: m.return(Int|1));
      Loop(/Std/Int%.Decr(n));
    };
    Loop(Int|300);
  )");
  EXPECT_EQ(run({"Main.fble"}, "", {}, "ulimit -n 40; exec \"$@\"").status, 0);
}
#endif

TEST_F(RunTest, Environment) {
  write_program(R"(
    Maybe@<String@> value := m.do(/Std/Io/Env%.GetVar(m, io, Str|'FBLE_TEST_VARIABLE'));
    value.?(nothing: m.return(Int|1));
    Unit@ _ := m.do(out(String(value.just)));
    m.return(Int|0);
  )");
  EXPECT_EQ(run({"Main.fble"}).status, 1);
  EXPECT_EQ(run({"Main.fble"}, "", {"FBLE_TEST_VARIABLE=\xc3\xa9t\xc3\xa9"}).out, "\xc3\xa9t\xc3\xa9");
  const CommandResult malformed = run({"Main.fble"}, "", {"FBLE_TEST_VARIABLE=\xff"});
  EXPECT_EQ(malformed.status, 115);
  EXPECT_THAT(malformed.err, HasSubstr("the value of environment variable 'FBLE_TEST_VARIABLE' is not valid UTF-8"));
}

TEST_F(RunTest, OutputComesBeforeTheErrorThatEndsAProgram) {
  write_program("Unit@ _ := m.do(out(StringE|'before\\n')); /Std/Undef%.Undef.undef<M@<Int@>>;");
  const CommandResult result = run({"Main.fble"}, "", {}, "exec \"$@\" 2>&1");
  EXPECT_EQ(result.status, 115);
  EXPECT_THAT(result.out, StartsWith("before\n"));
  EXPECT_THAT(result.out, HasSubstr("./Main.fble:21:61: error: in /Main%.Main: "));
}

TEST_F(RunTest, TracesShowTheProgramOnly) {
  write_program("Int@ _ := m.do(/Std/Undef%.Undef.undef<M@<Int@>>); m.return(Int|0);");
  const CommandResult result = run({"Main.fble"});
  EXPECT_EQ(result.status, 115);
  EXPECT_EQ(result.err, "./Main.fble:21:34: error: in /Main%.Main: union field access undefined: wrong tag\n");
}

TEST_F(RunTest, OutputThatCannotBeWritten) {
  if (access("/dev/full", W_OK) != 0) return;
  write_program("Unit@ _ := m.do(out(StringE|'x')); m.return(Int|0);");
  const CommandResult result = run({"Main.fble"}, "", {}, "exec \"$@\" > /dev/full");
  EXPECT_EQ(result.status, 117);
  EXPECT_EQ(result.err, "error: cannot write to standard output: No space left on device\n");
  EXPECT_EQ(run({"Main.fble"}, "", {}, "exec \"$@\" >&-").err,
            "error: cannot write to standard output: Bad file descriptor\n");
}

TEST_F(RunTest, AClosedPipeEndsAProgramThatWouldGoOnForever) {
  write_program(R"(
    (Unit@) { M@<Int@>; } Loop = (Unit@ unit) { Unit@ _ := m.do(out(StringE|'y\n')); Loop(unit); };
    Loop(Unit@());
  )");
  const CommandResult result = run({"Main.fble"}, "", {}, "{ \"$@\"; echo $? > status; } | head -n 2");
  EXPECT_EQ(result.out, "y\ny\n");
  EXPECT_EQ(result.err, "error: cannot write to standard output: Broken pipe\n");
  EXPECT_EQ(read("status"), "117\n");
}

TEST_F(RunTest, Interrupts) {
  write_program(
      "(Unit@) { M@<Int@>; } Loop = (Unit@ unit) { Unit@ _ := m.do(m.return(unit)); Loop(unit); }; Loop(Unit@());");
  const CommandResult result = run({"Main.fble"}, "", {}, "timeout -s INT 1 \"$@\"; echo $?");
  EXPECT_EQ(result.err, "error: interrupted\n");
}

constexpr const char* kEndlessList =
    "(List@<Int@>) { M@<Int@>; } Loop = (List@<Int@> l) { Loop(/Std/List%.Items(Int|1, l)); }; "
    "Loop(/Std/List%.List<Int@>[]);";
constexpr const char* kEndlessRecursion =
    "(Int@) { Int@; } Deep = (Int@ n) { Int@ r = Deep(/Std/Int%.Incr(n)); /Std/Int%.Incr(r); }; "
    "m.return(Deep(Int|1));";

TEST_F(RunTest, InterruptsHaveAStackTrace) {
  write_program(std::string(kOpenReady) + R"(
    _ = file;
    (Int@) { M@<Int@>; } Spin = (Int@ n) { Spin(/Std/Int%.Add(n, Int|1)); };
    Spin(Int|0);
  )");
  for (const char* jit : {"--jit=off", "--jit=on", "--jit=eager"}) {
    const CommandResult result = run({jit, "Main.fble"}, "", {}, kInterruptOnceReady);
    EXPECT_THAT(result.err, HasSubstr(": error: in /Main%.Main.Spin: interrupted\n")) << jit;
    EXPECT_EQ(result.status, 130) << jit;
  }
}

TEST_F(RunTest, InterruptedProgramsHaveFiguresAndAProfile) {
  write_program(std::string(kOpenReady) + R"(
    Unit@ _ := m.do(file(StringE|'a line\n'));
    (Int@) { M@<Int@>; } Spin = (Int@ n) { Spin(/Std/Int%.Add(n, Int|1)); };
    Spin(Int|0);
  )");
  const CommandResult result = run({"--stats", "--profile=spin.pb", "Main.fble"}, "", {}, kInterruptOnceReady);
  EXPECT_THAT(result.err, HasSubstr(": interrupted\n"));
  EXPECT_THAT(result.err, HasSubstr("collections: "));
  EXPECT_EQ(result.status, 130);
  EXPECT_THAT(read("spin.pb"), HasSubstr("/Main%.Main.Spin"));
  EXPECT_EQ(read("ready"), "a line\n");
}

TEST_F(RunTest, WaitsAreInterrupted) {
  write_program(std::string(kOpenReady) + R"(
    _ = file;
    Unit@ _ := m.do(io.run(/Std/Io/Clock%.Sleep(Int|60000000000)));
    m.return(Int|0);
  )");
  const CommandResult result = run({"Main.fble"}, "", {}, kInterruptOnceReady);
  EXPECT_THAT(result.err, HasSubstr(": interrupted\n"));
  EXPECT_EQ(result.status, 130);
}

TEST_F(RunTest, MemoryLimit) {
  write_program(kEndlessList);
  for (const char* jit : {"--jit=off", "--jit=on"}) {
    const CommandResult result = run({jit, "--max-heap=8M", "Main.fble"});
    EXPECT_EQ(result.status, 118) << jit;
    EXPECT_THAT(result.err, HasSubstr("Main.fble:")) << jit;
    EXPECT_THAT(result.err, HasSubstr("out of memory: the heap has reached its limit")) << jit;
  }
  const CommandResult stressed = run({"--max-heap=64K", "--gc-stress=3", "Main.fble"});
  EXPECT_EQ(stressed.status, 118);
  EXPECT_THAT(stressed.err, HasSubstr("out of memory"));
}

TEST_F(RunTest, MemoryLimitForTheCallStack) {
  write_program(kEndlessRecursion);
  for (const char* jit : {"--jit=off", "--jit=on"}) {
    const CommandResult result = run({jit, "--max-heap=8M", "Main.fble"});
    EXPECT_EQ(result.status, 118) << jit;
    EXPECT_THAT(result.err, HasSubstr("Main.fble:")) << jit;
    EXPECT_THAT(result.err, HasSubstr("out of memory")) << jit;
  }
}

TEST_F(RunTest, HostileModesChangeNothing) {
  write_program("m.return(Int|3);");
  for (const char* mode : {"--gc-stress", "--gc-stress=7", "--nursery=1", "--nursery=300", "--nursery=4M"}) {
    const CommandResult result = run({mode, "--heap-verify", "--stats", "Main.fble"});
    EXPECT_EQ(result.status, 3) << mode;
  }
}

TEST_F(RunTest, Statistics) {
  write_program("m.return(Int|0);");
  const CommandResult result = run({"--stats", "--nursery=256", "Main.fble"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, StartsWith("collections: "));
  for (const char* word :
       {" minor", " full", "allocated: ", " survived", "peak: ", " live", "median ", " the longest"}) {
    EXPECT_THAT(result.err, HasSubstr(word));
  }
}

TEST_F(RunTest, NativesWithOtherTypesThanTheLibraryGives) {
  // The mistake is the program's, but it must not bring the process down.
  write("Std/Io/Env.fble",
        "Unit@ = *();\n"
        "(Unit@, Unit@) { Unit@; } GetVar;\n"
        "(Unit@) { Unit@; } f = (Unit@ x) { GetVar(x, x); };\n"
        "f(Unit@());\n");
  const CommandResult result = run({"test", "Std/Io/Env.fble"});
  EXPECT_GE(result.status, 0);
}

}  // namespace
}  // namespace fble
