// Library calls that gather data without end, wait, or take long: what they hold stays within --max-heap, and the
// first SIGINT ends them.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <regex>

#include "tests/robustness/edges.h"

namespace fble {
namespace {

using testing::HasSubstr;

[[maybe_unused]] constexpr const char* kJits[] = {"--jit=off", "--jit=on", "--jit=eager"};

/// A socket of the system that is closed in the end.
struct Plain {
  explicit Plain(int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) : number(number) {}
  ~Plain() { close(number); }
  Plain(const Plain&) = delete;
  const int number;
};

class NativesEdgesTest : public EdgesTest {
 protected:
  NativesEdgesTest() {
    EXPECT_EQ(pipe2(idle_, O_CLOEXEC), 0);
    EXPECT_EQ(mkfifo((folder() + "/fifo").c_str(), 0600), 0);
  }
  ~NativesEdgesTest() override {
    for (const int end : idle_) close(end);
  }

  /// Writes a program with the body, in which more of the library has a name.
  void write_native_program(const std::string& name, const std::string& body) const {
    write(name, R"(
Bool@ .= /Std/Bool%;
Char@ .= /Std/Char%;
Int@ .= /Std/Int%;
Int .= /Std/Int/Lit%;
Maybe@ .= /Std/Maybe%;
Io@ .= /Std/Io%;
File = /Std/Io/File%;
File@ .= File;
Main@ .= /Std/Io/Cli%;
List@, List, Items, Empty .= /Std/List%;
Map = /Std/Map%;
Map@ .= Map;
Monad@ .= /Std/Monad%;
Network = /Std/Io/Network%;
String@ .= /Std/String%;
Result@ .= /Std/Result%;
Str .= /Std/Char/Ascii%;
Unit@ .= /Std/Unit%;
List@<Int@> Ones = Items(Int|1, Ones);
Char@ Letter = /Std/Char/Ascii%.Char|a;
String@ Letters = Items(Letter, Letters);
String@ Digits = Items(/Std/Char/Ascii%.Char|7, Digits);
Exp = /Std/Int%.Exp;
(Int@) { Int@; } Ones2 = (Int@ bits) { /Std/Int%.Decr(/Std/Int%.Exp2(bits)); };
(Int@) { Bool@; } IsLarge = (Int@ n) { /Std/Int/Cmp%.Gt(n, Int|1000); };
Main@ Main = <<@>@ M@>(Monad@<M@> m, Io@<M@> io, List@<String@> args) {
)" + body + "\n  m.return(Int|0);\n};\nMain;\n");
    const CommandResult checked = run_in({"check", name});
    ASSERT_EQ(checked.status, 0) << body << checked.err;
  }

  /// Waits until all threads of the process sleep, and have done so for some time. (The front end has a thread of its
  /// own, which the main thread waits for.)
  static void wait_until_asleep(pid_t process) {
    std::string before;
    wait_until([&] {
      std::this_thread::sleep_for(milliseconds(60));
      std::string text;
      bool still = true;
      std::error_code gone;
      for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", process), gone)) {
        std::ifstream file(thread.path() / "stat");
        const std::string line{std::istreambuf_iterator<char>(file), {}};
        still = still && line.find(") S ") != std::string::npos;
        text += line;
      }
      still = still && !text.empty() && text == before;
      before = text;
      return still;
    });
  }

  /// Sends SIGINT, after which the process must end soon, with one line that says where it was.
  void interrupt(Process& process, const std::string& what) const {
    const double before = processor_seconds(process.id) + seconds_of_children();
    kill(process.id, SIGINT);
    const CommandResult result = finish(process);
    EXPECT_LT(seconds_of_children() - before, kSoonSeconds) << what;
    EXPECT_EQ(result.status, kInterrupted) << what;
    EXPECT_TRUE(
        std::regex_search(result.err, std::regex("(^|\n)[^ \n]+:[0-9]+:[0-9]+: error: in [^\n]*: interrupted\n")))
        << what << ": " << result.err;
    EXPECT_EQ(result.err.find("interrupted"), result.err.rfind("interrupted")) << what << ": " << result.err;
  }

#if __has_feature(address_sanitizer)
  static constexpr double kSoonSeconds = 5;
#else
  static constexpr double kSoonSeconds = 1;
#endif
  int idle_[2];  ///< a pipe that never has anything
};

/// With the options of a mode.
class NativesInModesTest : public NativesEdgesTest, public testing::WithParamInterface<Mode> {
 protected:
  Process start_in_mode(const std::string& program, const Surroundings& around = {}) const {
    std::vector<std::string> words = GetParam().flags;
    words.push_back(program);
    return start(words, around);
  }
};

INSTANTIATE_TEST_SUITE_P(All, NativesInModesTest, testing::ValuesIn(all_modes()), mode_name);

/// A part of a program, and the natives in which it will be.
struct Row {
  const char* name;
  const char* body;
};

constexpr Row kWaiting[] = {
    {"ReadByte", "File@ in := m.do(io.run(File.Stdin)); Maybe@<Int@> _ := m.do(io.run(File.ReadByte(in)));"},
    {"ReadBytes", "File@ in := m.do(io.run(File.Stdin)); List@<Int@> _ := m.do(io.run(File.ReadBytes(in, Int|5)));"},
    {"ReadChar", "File@ in := m.do(io.run(File.Stdin)); Maybe@<Char@> _ := m.do(io.run(File.ReadChar(in)));"},
    {"ReadLine", "File@ in := m.do(io.run(File.Stdin)); String@ _ := m.do(io.run(File.ReadLine(in)));"},
    {"ReadText", "File@ in := m.do(io.run(File.Stdin)); String@ _ := m.do(io.run(File.ReadText(in, Int|5)));"},
    {"ReadAll", "File@ in := m.do(io.run(File.Stdin)); String@ _ := m.do(io.run(File.ReadAll(in)));"},
    {"Sleep", "Unit@ _ := m.do(io.run(/Std/Io/Clock%.Sleep(Int|1000000000000000000000)));"},
    {"Accept",
     "Result@<Network.Server@> s := m.do(io.run(Network.Listen(Str|localhost, Int|0)));"
     "Result@<Network.Connection@> _ := m.do(io.run(Network.Accept(s.ok.listener, Int|0)));"},
    {"Connect", "Result@<Network.Connection@> _ := m.do(io.run(Network.Connect(Str|'127.0.0.1', Port, Int|0)));"},
    {"Open", "Result@<File@> _ := m.do(io.run(File.Open(Str|fifo, File.Read)));"},
    {"WriteText",
     "Result@<File@> f := m.do(io.run(File.Open(Str|fifo, File.Write)));"
     "Result@<Unit@> _ := m.do(io.run(File.WriteText(f.ok, Letters)));"},
    {"Close",
     "Result@<File@> f := m.do(io.run(File.Open(Str|fifo, File.Write)));"
     "Result@<Unit@> _ := m.do(io.run(File.WriteText(f.ok, /Std/Int/Show%.Text(Int|10, Exp(Int|10, Int|20000)))));"
     "Result@<Unit@> _ := m.do(io.run(File.Close(f.ok)));"},
};

/// The port of a socket that listens, but lets no connection through.
int make_full_listener(const Plain& listener, std::vector<std::unique_ptr<Plain>>& clients) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(listener.number, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(listener.number, 0), 0);
  EXPECT_EQ(getsockname(listener.number, reinterpret_cast<sockaddr*>(&address), &size), 0);
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<Plain>());
    fcntl(clients.back()->number, F_SETFL, O_NONBLOCK);
    connect(clients.back()->number, reinterpret_cast<sockaddr*>(&address), size);
  }
  return ntohs(address.sin_port);
}

TEST_P(NativesInModesTest, TheFirstInterruptEndsWhatWaits) {
  const Plain listener;
  std::vector<std::unique_ptr<Plain>> clients;
  const std::string port = std::to_string(make_full_listener(listener, clients));
  // A reader, so that the fifo can be opened for writing; but it does not read.
  for (const Row& row : kWaiting) {
    // Where turns are random, time is virtual: a sleep ends immediately.
    if (std::string_view(row.name) == "Sleep" && std::string_view(GetParam().name).starts_with("turns")) continue;
    write_native_program("Waits.fble", "Int@ Port = Int|" + port + ";\n" + row.body);
    if (HasFailure()) continue;
    const bool opens = std::string_view(row.name) == "Open";
    const int reader = opens ? -1 : open((folder() + "/fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (reader >= 0) fcntl(reader, F_SETPIPE_SZ, kPipeBytes);
    Process process = start_in_mode("Waits.fble", {.in = idle_[0]});
    wait_until_asleep(process.id);
    interrupt(process, row.name);
    if (reader >= 0) close(reader);
  }
}

TEST_F(NativesEdgesTest, TheFirstInterruptIsNotLostBeforeAWait) {
  for (const auto& [name, call] : {std::pair{"Sleep", "sleep"}, {"Accept", "accept"}}) {
    const Row& row = *std::ranges::find(kWaiting, std::string_view(name), [](const Row& r) { return r.name; });
    write_native_program("Waits.fble", row.body);
    Surroundings around;
    around.environment = {std::string("LD_PRELOAD=") + FBLE_FAULT_SHIM,
                          std::string("FBLE_FAULT_PLAN=") + call + ":SIGINT:1"};
    Process process = start({"Waits.fble"}, around, FBLE_DYNAMIC_COMMAND);
    const CommandResult result = finish(process);
    EXPECT_EQ(result.status, kInterrupted) << name;
    EXPECT_THAT(result.err, HasSubstr(": interrupted\n")) << name;
  }
}

constexpr Row kLong[] = {
    {"Exp", "Bool@ _ = IsLarge(Exp(Int|3, Int|400000000));"},
    {"Mul", "Int@ n = Ones2(Int|800000000); Bool@ _ = IsLarge(/Std/Int%.Mul(n, n));"},
    {"Quot", "Bool@ _ = IsLarge(/Std/Int/Div%.Quot(Ones2(Int|1600000000), Ones2(Int|700000000)));"},
    {"Mod", "Bool@ _ = IsLarge(/Std/Int/Div%.Mod(Ones2(Int|1600000000), Ones2(Int|700000000)));"},
    {"Div", "/Std/Int/Div%.QR@ _ = /Std/Int/Div%.Div(Ones2(Int|1600000000), Ones2(Int|700000000));"},
    {"Gcd", "Bool@ _ = IsLarge(/Std/Int/Div%.Gcd(Exp(Int|3, Int|9000000), Exp(Int|7, Int|5000000)));"},
    {"Sqrt", "/Std/Int/Sqrt%.QR@ _ = /Std/Int/Sqrt%.Sqrt(Ones2(Int|1600000000));"},
    {"Text", "String@ _ = /Std/Int/Show%.Text(Int|10, Ones2(Int|200000000));"},
    {"Radix",
     "String@ digits = /Std/Int/Show%.Text(Int|2, Ones2(Int|1000000));"
     "Maybe@<Int@> _ = /Std/Int/Parse%.Radix(Int|1000, digits);"},
    {"Radix", "Maybe@<Int@> _ = /Std/Int/Parse%.Radix(Int|10, Digits);"},
    {"Reverse", "List@<Int@> _ = /Std/List%.Reverse<Int@>(Ones);"},
    {"Append", "List@<Int@> _ = /Std/List%.Append<Int@>(Ones, Ones);"},
    {"Init", "List@<Int@> _ = /Std/List%.Init<Int@>(Ones);"},
    {"Escape", "String@ _ = /Std/String/Escape%.Escape(Letters);"},
    {"Eq", "Bool@ _ = /Std/String/Eq%.Eq(Letters, /Std/List%.Items(Letter, Letters));"},
    {"Cmp", "/Std/Cmp%.Compared@ _ = /Std/String/Cmp%.Cmp(Letters, /Std/List%.Items(Letter, Letters));"},
    {"PutText", "Map@<String@, Int@> _ = Map.Put(/Std/String/Data%.Data, Map.Empty<String@, Int@>, Letters, Int|1);"},
    {"WriteText",
     "Result@<File@> f := m.do(io.run(File.Open(Str|'/dev/null', File.Write)));"
     "Result@<Unit@> _ := m.do(io.run(File.WriteText(f.ok, Letters)));"},
    {"WriteBytes",
     "Result@<File@> f := m.do(io.run(File.Open(Str|'/dev/null', File.Write)));"
     "Result@<Unit@> _ := m.do(io.run(File.WriteBytes(f.ok, Ones)));"},
};

TEST_P(NativesInModesTest, TheFirstInterruptEndsWhatTakesLong) {
  write_native_program("Nothing.fble", "");
  const double before = seconds_of_children();
  Process nothing = start_in_mode("Nothing.fble");
  EXPECT_EQ(finish(nothing).status, 0);
  const double start_seconds = seconds_of_children() - before;
  for (const Row& row : kLong) {
    write_native_program("Long.fble", row.body);
    if (HasFailure()) continue;
    Process process = start_in_mode("Long.fble");
    wait_until([&] { return is_working(process.id, start_seconds); });
    interrupt(process, row.name);
  }
}

#if !__has_feature(address_sanitizer)
constexpr Row kGathering[] = {
    {"ReadLine", "File@ in := m.do(io.run(File.Stdin)); String@ _ := m.do(io.run(File.ReadLine(in)));"},
    {"ReadAll", "File@ in := m.do(io.run(File.Stdin)); String@ _ := m.do(io.run(File.ReadAll(in)));"},
    {"Reverse", "List@<Int@> _ = /Std/List%.Reverse<Int@>(Ones);"},
    {"Radix", "Maybe@<Int@> _ = /Std/Int/Parse%.Radix(Int|10, Digits);"},
    {"Exp", "Bool@ _ = IsLarge(Exp(Int|3, Int|400000000));"},
    {"Mul", "Int@ n = Exp(Int|3, Int|40000000); Bool@ _ = IsLarge(/Std/Int%.Mul(n, n));"},
    {"Text", "String@ _ = /Std/Int/Show%.Text(Int|10, Ones2(Int|40000000));"},
};

TEST_F(NativesEdgesTest, WhatIsGatheredIsPartOfTheLimit) {
  constexpr size_t kLimit = size_t{64} << 20;
  constexpr size_t kRest = size_t{32} << 20;  ///< the command itself, and what its allocator keeps
  for (const Row& row : kGathering) {
    write_native_program("Gathers.fble", row.body);
    if (HasFailure()) continue;
    for (const char* jit : kJits) {
      int ends[2];
      ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
      Process process = start({jit, "--max-heap=64M", "Gathers.fble"}, {.in = ends[0]});
      close(ends[0]);
      std::thread feeder([end = ends[1]] {
        const std::string letters(size_t{1} << 16, 'x');
        while (::write(end, letters.data(), letters.size()) > 0) {}
        close(end);
      });
      const size_t most = watch_memory(process);
      const CommandResult result = finish(process);
      feeder.join();
      EXPECT_EQ(result.status, 118) << row.name << " with " << jit << ": " << result.err;
      EXPECT_THAT(result.err, HasSubstr(": out of memory: ")) << row.name << " with " << jit;
      EXPECT_LT(most, kLimit + kRest) << row.name << " with " << jit;
    }
  }
}
#endif

}  // namespace
}  // namespace fble
