// Files, directories and time in our own library: frontends/std/native/{io,directory,clock,env}.cc, and the
// connections of socket.cc.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "frontends/std/native/file.h"
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"
#include "gc/integer.h"
#include "interp/carrier.h"
#include "interp/machine.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "/Std/Io/File%";
constexpr const char* kNetwork = "/Std/Io/Network%";
constexpr const char* kSockets = "/Network/Sockets/Native%";
constexpr const char* kDirectory = "/Std/Io/Directory%";

/// A test that keeps values as words over calls: the heap collects at every opportunity.
class IoTest : public testing::Test {
 protected:
  IoTest() {
    register_std(natives_);
    machine_.carrier().machine.int_form = IntForm::kMachine;
    std::string name = testing::TempDir() + "fble-io-test-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~IoTest() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string content(const std::string& name) const {
    std::ifstream stream(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }

  /// An argument: the index of a kept word.
  struct Arg {
    size_t index;
  };
  Arg keep(Word word) { return {machine_.keep(word)}; }
  Arg text(const std::string& name) {
    return keep(machine_.build([&](NativeCall& call) {
      const std::vector<uint32_t> letters = decode_name(name);
      return call.reserve(list_words(letters.size())) ? make_string(call, letters) : kOutOfMemory;
    }));
  }
  Arg list(const std::vector<Word>& elements) {
    return keep(machine_.build([&](NativeCall& call) {
      return call.reserve(list_words(elements.size())) ? make_list(call, elements) : kOutOfMemory;
    }));
  }
  Arg number(int64_t value) { return keep(pack_int(value)); }

  /// Calls a native. Returns 0 after an error.
  Word call(const char* module, const char* name, std::initializer_list<Arg> args) {
    const NativeRow* row = natives_.find(module, name);
    if (row == nullptr) {
      ADD_FAILURE() << "no native " << module << name;
      return 0;
    }
    EXPECT_EQ(row->arity, args.size() + 1) << name;
    Carrier& carrier = machine_.carrier();
    const size_t first = carrier.machine.kept.size();
    for (const Arg arg : args) machine_.keep(machine_.kept(arg.index));
    machine_.keep(kUnitWord);
    NativeCall call(carrier, carrier.machine.kept.data() + first, carrier.ap);
    const Word result = row->body(call);
    carrier.ap = call.allocation_pointer();
    carrier.machine.kept.resize(first);
    return result;
  }

  static std::string text_of(Word word) { return read_string(word, IntForm::kMachine).value; }
  static std::string error_of(Word result) {
    EXPECT_EQ(union_tag(result, 1), 1u);
    return union_tag(result, 1) == 1 ? text_of(union_arg(result, 1)) : "";
  }
  static Word value_of(Word result) {
    EXPECT_EQ(union_tag(result, 1), 0u);
    return union_arg(result, 1);
  }
  std::string run_error() { return machine_.error().lines.back().message; }

  enum Mode { kRead, kWrite, kAppend, kCreate };
  Word open_result(const std::string& name, Mode mode) {
    return call(kFile, "Open", {text(name), keep(packed_enum(mode, 4))});
  }
  Arg open(const std::string& name, Mode mode) { return keep(value_of(open_result(path(name), mode))); }

  std::string read_line(Arg file) { return text_of(call(kFile, "ReadLine", {file})); }
  void close(Arg file) { EXPECT_EQ(call(kFile, "Close", {file}), ok_unit()); }

  ProgramCode program_;
  NativeTable natives_;
  Machine machine_{program_, natives_, {.heap = {.nursery_bytes = 8192, .stress = 1, .verify = true}}};
  std::string folder_;
};

// ---- files ------------------------------------------------------------------

TEST_F(IoTest, LinesOfAnyKind) {
  std::string long_line(100000, 'x');
  write("a", "one\n\ntwo \xc3\xa9\n" + long_line + "\nlast");
  const Arg file = open("a", kRead);
  EXPECT_EQ(read_line(file), "one\n");
  EXPECT_EQ(read_line(file), "\n");
  EXPECT_EQ(read_line(file), "two \xc3\xa9\n");
  EXPECT_EQ(read_line(file), long_line + "\n");
  EXPECT_EQ(read_line(file), "last");
  EXPECT_EQ(read_line(file), "");
  EXPECT_EQ(read_line(file), "");
}

TEST_F(IoTest, CharactersAndBytes) {
  write("a", "a\xe2\x82\xac\xff");
  const Arg chars = open("a", kRead);
  for (const int64_t expected : {int64_t{'a'}, int64_t{0x20ac}, int64_t{0xfffd}}) {
    EXPECT_EQ(unpack_int(value_of(call(kFile, "ReadChar", {chars}))), expected);
  }
  EXPECT_EQ(call(kFile, "ReadChar", {chars}), nothing_word());
  const Arg bytes = open("a", kRead);
  for (const int64_t expected : {int64_t{'a'}, int64_t{0xe2}, int64_t{0x82}, int64_t{0xac}, int64_t{0xff}}) {
    EXPECT_EQ(unpack_int(value_of(call(kFile, "ReadByte", {bytes}))), expected);
  }
  EXPECT_EQ(call(kFile, "ReadByte", {bytes}), nothing_word());
}

TEST_F(IoTest, MalformedTextReadsAsReplacements) {
  const std::string r = "\xef\xbf\xbd";
  const std::pair<std::string, std::string> cases[] = {
      {"\x80", r},
      {"a\x80z", "a" + r + "z"},
      {"\xc3", r},
      {"\xc3z", r + "z"},
      {"\xe2\x82", r},
      {"\xe2\x82z", r + "z"},
      {"\xc0\x80", r},
      {"\xe0\x80\x80", r},
      {"\xff\xfe", r + r},
      {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
      {"\xc3\xc3\xa9", r + "\xc3\xa9"},
  };
  for (const auto& [bytes, expected] : cases) {
    write("a", bytes);
    EXPECT_EQ(text_of(call(kFile, "ReadAll", {open("a", kRead)})), expected) << testing::PrintToString(bytes);
  }
}

TEST_F(IoTest, ReadsAsMuchAsIsThere) {
  write("a", std::string(70000, 'x') + "\xc3\xa9");
  Arg file = open("a", kRead);
  EXPECT_EQ(text_of(call(kFile, "ReadText", {file, number(5)})), "xxxxx");
  std::string rest;
  for (std::string part = "x"; !part.empty(); rest += part) {
    part = text_of(call(kFile, "ReadText", {file, number(1000000)}));
  }
  EXPECT_EQ(rest, std::string(69995, 'x') + "\xc3\xa9");

  file = open("a", kRead);
  size_t count = 0;
  for (bool more = true; more;) {
    ListReader bytes(call(kFile, "ReadBytes", {file, number(100000)}));
    more = false;
    for (Word byte; bytes.next(byte); ++count) more = true;
  }
  EXPECT_EQ(count, 70002u);
  for (const char* name : {"ReadText", "ReadBytes"}) {
    EXPECT_EQ(call(kFile, name, {file, number(0)}), 0u);
    EXPECT_EQ(run_error(), "undefined: the number to read must be positive");
  }
}

TEST_F(IoTest, ReadsAllThatIsLeft) {
  std::string all;
  for (int i = 0; i < 20000; ++i) all += "line\n";
  write("a", all);
  const Arg file = open("a", kRead);
  EXPECT_EQ(read_line(file), "line\n");
  EXPECT_EQ(text_of(call(kFile, "ReadAll", {file})), all.substr(5));
  EXPECT_EQ(text_of(call(kFile, "ReadAll", {file})), "");
}

TEST_F(IoTest, WritesTextAndBytes) {
  const Arg file = open("a", kWrite);
  const std::string long_text(100000, 'y');
  EXPECT_EQ(call(kFile, "WriteText", {file, text("caf\xc3\xa9 ")}), ok_unit());
  EXPECT_EQ(call(kFile, "WriteText", {file, text(long_text)}), ok_unit());
  const Arg bytes = list({pack_int(0), pack_int(255), pack_int(256 + 'A'), pack_int(-1)});
  EXPECT_EQ(call(kFile, "WriteBytes", {file, bytes}), ok_unit());
  EXPECT_EQ(call(kFile, "WriteText", {file, list({pack_int(-1), pack_int(kMaxPackedInt)})}), ok_unit());
  EXPECT_EQ(call(kFile, "PutText", {file, text("!")}), kUnitWord);
  EXPECT_EQ(call(kFile, "PutBytes", {file, list({})}), kUnitWord);
  EXPECT_EQ(call(kFile, "Flush", {file}), ok_unit());
  EXPECT_EQ(content("a"), "caf\xc3\xa9 " + long_text +
                              std::string("\0\xff"
                                          "A\xff",
                                          4) +
                              "\xef\xbf\xbd\xef\xbf\xbd!");
  close(file);
}

TEST_F(IoTest, Modes) {
  close(open("a", kCreate));
  EXPECT_EQ(error_of(open_result(path("a"), kCreate)), "cannot open '" + path("a") + "': File exists");
  for (const auto& [mode, expected] : {std::pair{kWrite, "x"}, std::pair{kAppend, "xx"}, std::pair{kWrite, "x"}}) {
    const Arg file = open("a", mode);
    EXPECT_EQ(call(kFile, "WriteText", {file, text("x")}), ok_unit());
    close(file);
    EXPECT_EQ(content("a"), expected);
  }
}

TEST_F(IoTest, ReasonsForFailure) {
  EXPECT_EQ(error_of(open_result(path("none"), kRead)),
            "cannot open '" + path("none") + "': No such file or directory");
  EXPECT_EQ(error_of(open_result(std::string("a\0b", 3), kRead)),
            std::string("cannot open 'a\0b': Invalid argument", 35));
  const Arg folder = keep(value_of(open_result(folder_, kRead)));
  EXPECT_EQ(read_line(folder), "");
  EXPECT_EQ(text_of(value_of(call(kFile, "Failure", {folder}))), "cannot read '" + folder_ + "': Is a directory");
  EXPECT_EQ(call(kFile, "Failure", {open("a", kWrite)}), nothing_word());
}

TEST_F(IoTest, FailedOutputIsTheProgramsBusinessOnceTold) {
  if (access("/dev/full", W_OK) != 0) return;
  const std::string reason = "cannot write to '/dev/full': No space left on device";
  const Arg file = keep(value_of(open_result("/dev/full", kWrite)));
  EXPECT_EQ(call(kFile, "WriteText", {file, text("x")}), ok_unit());  // still in the buffer
  EXPECT_EQ(error_of(call(kFile, "Flush", {file})), reason);
  EXPECT_EQ(error_of(call(kFile, "WriteText", {file, text(std::string(100000, 'x'))})), reason);
  EXPECT_EQ(error_of(call(kFile, "Close", {file})), reason);
  EXPECT_EQ(output_failure(), "");

  const Arg other = keep(value_of(open_result("/dev/full", kWrite)));
  EXPECT_EQ(call(kFile, "PutText", {other, text(std::string(100000, 'x'))}), 0u);
  EXPECT_EQ(run_error(), reason);
  EXPECT_EQ(output_failure(), reason);
  call(kFile, "Failure", {other});
  EXPECT_EQ(output_failure(), "");
}

TEST_F(IoTest, ClosedFiles) {
  write("a", "text");
  const Arg input = open("a", kRead);
  close(input);
  close(input);
  EXPECT_EQ(read_line(input), "");
  const Arg output = open("b", kWrite);
  close(output);
  EXPECT_EQ(error_of(call(kFile, "WriteText", {output, text("x")})),
            "cannot write to '" + path("b") + "': it is closed");
}

TEST_F(IoTest, UndefinedPartsEndTheProgram) {
  const Arg file = open("a", kWrite);
  EXPECT_EQ(call(kFile, "WriteText", {file, list({pack_int('x'), make_placeholder(7), pack_int('y')})}), 0u);
  EXPECT_EQ(run_error(), "undefined value passed to native code");
  EXPECT_EQ(call(kFile, "ReadLine", {number(1)}), 0u);
  EXPECT_EQ(run_error(), "file has an unexpected type");
  close(file);
  EXPECT_EQ(content("a"), "x");
}

TEST_F(IoTest, CloseNowWaitsForNoReader) {
  mkfifo(path("pipe").c_str(), 0600);
  const int reader = ::open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK);
  const Arg file = open("pipe", kWrite);
  // More than the pipe takes, and less than the pipe and the buffer do.
  const std::string half(60'000, 'x');
  for (int i = 0; i < 2; ++i) EXPECT_EQ(call(kFile, "WriteText", {file, text(half)}), ok_unit());
  const std::string reason = "cannot write to '" + path("pipe") + "': ";
  EXPECT_EQ(error_of(call(kFile, "CloseNow", {file})), reason + "Connection timed out");
  EXPECT_EQ(error_of(call(kFile, "WriteText", {file, text("more")})), reason + "it is closed");
  EXPECT_EQ(call(kFile, "CloseNow", {open("b", kWrite)}), ok_unit());
  ::close(reader);
}

// ---- directories ------------------------------------------------------------

TEST_F(IoTest, Directories) {
  write("file", "12345");
  write("caf\xc3\xa9", "");
  write("byte\xff", "");
  fs::create_directory(path("sub"));
  fs::create_symlink("file", path("link"));
  mkfifo(path("pipe").c_str(), 0600);
  const Word entries = value_of(call(kDirectory, "List", {text(folder_)}));
  std::vector<std::string> found;
  ListReader reader(entries);
  for (Word entry; reader.next(entry);) {
    const uint32_t kind = union_tag(struct_field(entry, 1, 3), 2);
    std::string line = read_name(struct_field(entry, 0, 3), IntForm::kMachine).value + " " + std::to_string(kind);
    if (kind == 0) line += " " + std::to_string(unpack_int(struct_field(entry, 2, 3)));
    found.push_back(line);
  }
  const std::vector<std::string> expected{"byte\xff 0 0", "caf\xc3\xa9 0 0", "file 0 5", "link 2", "pipe 3", "sub 1"};
  EXPECT_EQ(found, expected);
  std::vector<std::string> names;
  ListReader names_reader(value_of(call(kDirectory, "Names", {text(folder_)})));
  for (Word name; names_reader.next(name);) names.push_back(read_name(name, IntForm::kMachine).value);
  EXPECT_EQ(names, (std::vector<std::string>{"byte\xff", "caf\xc3\xa9", "file", "link", "pipe", "sub"}));

  // A name that is not UTF-8 leads back to the file.
  const Word look = value_of(call(kDirectory, "Look", {text(path("byte\xff"))}));
  EXPECT_EQ(union_tag(struct_field(look, 1, 3), 2), 0u);
  EXPECT_EQ(error_of(call(kDirectory, "List", {text(path("file"))})),
            "cannot list '" + path("file") + "': Not a directory");
}

TEST_F(IoTest, ChangesToDirectories) {
  EXPECT_EQ(call(kDirectory, "Create", {text(path("d"))}), ok_unit());
  EXPECT_EQ(error_of(call(kDirectory, "Create", {text(path("d"))})),
            "cannot create the directory '" + path("d") + "': File exists");
  write("d/a", "x");
  EXPECT_EQ(call(kDirectory, "Rename", {text(path("d/a")), text(path("d/b"))}), ok_unit());
  EXPECT_EQ(content("d/b"), "x");
  EXPECT_EQ(error_of(call(kDirectory, "Rename", {text(path("d/a")), text(path("c"))})),
            "cannot rename '" + path("d/a") + "' to '" + path("c") + "': No such file or directory");
  EXPECT_EQ(error_of(call(kDirectory, "Remove", {text(path("d"))})),
            "cannot remove '" + path("d") + "': Directory not empty");
  EXPECT_EQ(call(kDirectory, "Remove", {text(path("d/b"))}), ok_unit());
  EXPECT_EQ(call(kDirectory, "Remove", {text(path("d"))}), ok_unit());
  EXPECT_FALSE(fs::exists(path("d")));
  EXPECT_EQ(error_of(call(kDirectory, "Look", {text(std::string("a\0", 2))})),
            "a path cannot have the character U+0000");
  EXPECT_EQ(text_of(value_of(call(kDirectory, "Current", {}))), fs::current_path().string());
}

// ---- connections ------------------------------------------------------------

class NetworkTest : public IoTest {
 protected:
  NetworkTest() { prepare_standard_streams(); }

  struct Connection {
    Arg in;
    Arg out;
  };
  struct Server {
    int64_t port;
    Arg listener;
  };

  Word network(const char* name, std::initializer_list<Arg> args) { return call(kNetwork, name, args); }
  Server listen() {
    const Arg server = keep(value_of(network("Listen", {text("127.0.0.1"), number(0)})));
    const Word both = machine_.kept(server.index);
    return {unpack_int(struct_field(both, 0, 2)), keep(struct_field(both, 1, 2))};
  }
  Connection connection(Word result) {
    const Arg both = keep(value_of(result));
    return {keep(struct_field(machine_.kept(both.index), 0, 2)), keep(struct_field(machine_.kept(both.index), 1, 2))};
  }
  Connection connect(const Server& server, int64_t patience = 0) {
    return connection(network("Connect", {text("127.0.0.1"), number(server.port), number(patience)}));
  }
  Connection accept(const Server& server, int64_t patience = 0) {
    return connection(network("Accept", {server.listener, number(patience)}));
  }
  static std::string name_of(const Server& server) { return "'127.0.0.1' port " + std::to_string(server.port); }
};

TEST_F(NetworkTest, BothSidesReadWhatTheOtherOneWrites) {
  const Server server = listen();
  const Connection client = connect(server);
  const Connection peer = accept(server);
  EXPECT_EQ(call(kFile, "WriteText", {client.out, text("how are you\nand so on")}), ok_unit());
  EXPECT_EQ(call(kFile, "Flush", {client.out}), ok_unit());
  EXPECT_EQ(read_line(peer.in), "how are you\n");
  // The end of one direction is not that of the other one.
  close(client.out);
  EXPECT_EQ(text_of(call(kFile, "ReadAll", {peer.in})), "and so on");
  EXPECT_EQ(read_line(peer.in), "");
  EXPECT_EQ(call(kFile, "Failure", {peer.in}), nothing_word());
  EXPECT_EQ(call(kFile, "WriteText", {peer.out, text("well")}), ok_unit());
  close(peer.out);
  EXPECT_EQ(text_of(call(kFile, "ReadAll", {client.in})), "well");
}

TEST_F(NetworkTest, PatienceEnds) {
  const Server server = listen();
  const Connection client = connect(server, 20'000'000);
  const Connection peer = accept(server, 20'000'000);
  EXPECT_EQ(call(kFile, "ReadByte", {peer.in}), nothing_word());
  EXPECT_EQ(text_of(union_arg(call(kFile, "Failure", {peer.in}), 1)),
            "cannot read the connection: Connection timed out");
  // The other side does not read: at some time nothing more fits in between.
  const Arg much = text(std::string(100'000, 'x'));
  Word written = ok_unit();
  for (int i = 0; i < 1000 && written == ok_unit(); ++i) written = call(kFile, "WriteText", {client.out, much});
  EXPECT_EQ(error_of(written), "cannot write to " + name_of(server) + ": Connection timed out");
}

TEST_F(NetworkTest, APeerWhoHasGoneIsNoFailureOfTheProcess) {
  const Server server = listen();
  const Connection client = connect(server);
  const Connection peer = accept(server);
  close(client.in);
  close(client.out);
  Word flushed = ok_unit();
  for (int i = 0; i < 1000 && flushed == ok_unit(); ++i) {
    call(kFile, "WriteText", {peer.out, text("x")});
    flushed = call(kFile, "Flush", {peer.out});
  }
  EXPECT_TRUE(error_of(flushed).starts_with("cannot write to the connection: ")) << error_of(flushed);
  EXPECT_EQ(output_failure(), "");
}

TEST_F(NetworkTest, ReasonsForWhatCannotWork) {
  const Server server = listen();
  EXPECT_EQ(error_of(network("Listen", {text("127.0.0.1"), number(server.port)})),
            "cannot listen at " + name_of(server) + ": Address already in use");
  EXPECT_EQ(network("Stop", {server.listener}), kUnitWord);
  EXPECT_EQ(error_of(network("Accept", {server.listener, number(0)})),
            "cannot accept a connection: listening has ended");
  EXPECT_EQ(error_of(network("Connect", {text("127.0.0.1"), number(server.port), number(0)})),
            "cannot connect to " + name_of(server) + ": Connection refused");
  EXPECT_EQ(error_of(network("Connect", {text("localhost"), number(65536), number(0)})),
            "cannot connect to 'localhost' port 65536: the port is not a number from 0 to 65535");
  EXPECT_EQ(error_of(network("Connect", {text(std::string("a\0b", 3)), number(80), number(0)})),
            std::string("cannot connect to 'a\0b' port 80: ", 33) + gai_strerror(EAI_NONAME));
  const std::string unknown = error_of(network("Connect", {text("no-such-host.invalid"), number(80), number(0)}));
  EXPECT_TRUE(unknown.starts_with("cannot connect to 'no-such-host.invalid' port 80: ")) << unknown;
}

TEST_F(NetworkTest, UndefinedArgumentsEndTheProgram) {
  const Server server = listen();
  const Arg undefined = keep(make_placeholder(7));
  const Arg host = text("localhost");
  const Arg zero = number(0);
  const auto expect = [&](const char* module, const char* name, std::initializer_list<Arg> args, const char* message) {
    EXPECT_EQ(call(module, name, args), 0u) << module << name;
    EXPECT_EQ(run_error(), message) << module << name;
  };
  constexpr const char* kUndefined = "undefined value passed to native code";
  for (const char* side : {"Client", "Server"}) {
    expect(kSockets, side, {undefined, zero}, kUndefined);
    expect(kSockets, side, {host, undefined}, kUndefined);
  }
  expect(kSockets, "PutByte", {server.listener, undefined}, kUndefined);
  expect(kNetwork, "Listen", {undefined, zero}, kUndefined);
  expect(kNetwork, "Connect", {host, undefined, zero}, kUndefined);
  expect(kNetwork, "Connect", {host, zero, undefined}, kUndefined);
  expect(kNetwork, "Accept", {server.listener, undefined}, kUndefined);
  for (const char* name : {"Accept", "Close", "GetByte"}) {
    expect(kSockets, name, {zero}, "socket has an unexpected type");
  }
  expect(kSockets, "PutByte", {zero, zero}, "socket has an unexpected type");
  expect(kNetwork, "Accept", {zero, zero}, "listener has an unexpected type");
  call(kSockets, "Close", {server.listener});
  expect(kSockets, "Accept", {server.listener}, "cannot accept a connection: the socket is closed");
}

TEST_F(NetworkTest, AddressesOfBothVersions) {
  const Word result = network("Listen", {text("::1"), number(0)});
  if (union_tag(result, 1) != 0) GTEST_SKIP() << "the system has no addresses of version 6";
  const Word both = value_of(result);
  const Server server{unpack_int(struct_field(both, 0, 2)), keep(struct_field(both, 1, 2))};
  EXPECT_GT(server.port, 0);
  const Connection client = connection(network("Connect", {text("::1"), number(server.port), number(0)}));
  const Connection peer = accept(server);
  EXPECT_EQ(call(kFile, "WriteText", {client.out, text("hello")}), ok_unit());
  close(client.out);
  EXPECT_EQ(text_of(call(kFile, "ReadAll", {peer.in})), "hello");
}

/// Returns the number of the descriptor that listens at the port.
int descriptor_of(int64_t port) {
  for (int number = 0; number < 1024; ++number) {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    int listens = 0;
    socklen_t listens_size = sizeof(listens);
    if (getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) != 0 || listens == 0) continue;
    if (getsockname(number, reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
    if (ntohs(address.sin_port) == port) return number;
  }
  return -1;
}

/// Other threads leave a listener so that it does not block.
TEST_F(NetworkTest, AcceptWaitsInPlaceAfterOtherThreads) {
  const Server server = listen();
  const int listening = descriptor_of(server.port);
  ASSERT_GE(listening, 0);
  ASSERT_EQ(fcntl(listening, F_SETFL, fcntl(listening, F_GETFL) | O_NONBLOCK), 0);
  std::thread visitor([&] {
    usleep(20'000);
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(send(descriptor, "hi", 2, 0), 2);
    ::close(descriptor);
  });
  const Connection peer = accept(server);
  EXPECT_EQ(text_of(call(kFile, "ReadAll", {peer.in})), "hi");
  visitor.join();
}

/// Lets the process open no more descriptors.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    const int free = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(free);
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit none{.rlim_cur = static_cast<rlim_t>(free), .rlim_max = before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoMoreDescriptors() { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before_), 0); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST_F(IoTest, OpenFailsWhereNoDescriptorIsLeft) {
  write("a", "still there");
  std::string error;
  {
    const NoMoreDescriptors none;
    error = error_of(open_result(path("a"), kRead));
  }
  EXPECT_EQ(error, "cannot open '" + path("a") + "': Too many open files");
  EXPECT_EQ(read_line(open("a", kRead)), "still there");
}

TEST_F(NetworkTest, AcceptFailsWhereNoDescriptorIsLeft) {
  const Server server = listen();
  // UBSan opens a pipe to look at the type of an object that it has not seen before.
  connect(server);
  accept(server);
  const Connection client = connect(server);
  auto none = std::make_unique<NoMoreDescriptors>();
  const std::string error = error_of(network("Accept", {server.listener, number(0)}));
  const Word other = call(kSockets, "Accept", {server.listener});
  none.reset();
  EXPECT_EQ(error, "cannot accept a connection: Too many open files");
  EXPECT_EQ(other, 0u);
  EXPECT_EQ(run_error(), "cannot accept a connection: Too many open files");
  // The connection was not lost.
  const Connection peer = accept(server);
  EXPECT_EQ(call(kFile, "WriteText", {client.out, text("still")}), ok_unit());
  close(client.out);
  EXPECT_EQ(text_of(call(kFile, "ReadAll", {peer.in})), "still");
}

// ---- time and environment ---------------------------------------------------

TEST_F(IoTest, Clocks) {
  const int64_t before = unpack_int(call("/Std/Io/Clock%", "Ticks", {}));
  EXPECT_EQ(call("/Std/Io/Clock%", "Sleep", {number(2'000'000)}), kUnitWord);
  EXPECT_GE(unpack_int(call("/Std/Io/Clock%", "Ticks", {})) - before, 2'000'000);
  EXPECT_EQ(call("/Std/Io/Clock%", "Sleep", {number(-1)}), kUnitWord);
  EXPECT_GT(unpack_int(call("/Std/Io/Clock%", "Now", {})), 1'700'000'000'000'000'000);
}

TEST_F(IoTest, AllVariables) {
  setenv("FBLE_IO_TEST", "a=b\xff", 1);
  ListReader variables(call("/Std/Io/Env%", "GetAll", {}));
  std::string found;
  for (Word variable; variables.next(variable);) {
    if (text_of(struct_field(variable, 0, 2)) == "FBLE_IO_TEST") {
      found = read_name(struct_field(variable, 1, 2), IntForm::kMachine).value;
    }
  }
  EXPECT_EQ(found, "a=b\xff");
}

// ---- the form of the library in use -----------------------------------------

TEST_F(IoTest, OldNativesFollowTheForm) {
  write("a", "\x07");
  for (const IntForm form : {IntForm::kUnions, IntForm::kMachine}) {
    machine_.carrier().machine.int_form = form;
    const Word file = value_of(call("/Std/Io/File/Binary%", "Open", {text(path("a")), text("rb")}));
    const Word byte = value_of(call("/Std/Io/File/Binary%", "GetByte", {keep(file)}));
    EXPECT_EQ(read_int(byte, form).value.magnitude, 7u);
    EXPECT_EQ(byte == pack_int(7), form == IntForm::kMachine);
  }
}

}  // namespace
}  // namespace fble
