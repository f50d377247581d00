// Sockets: frontends/std/native/socket.cc, against plain sockets of the system.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "frontends/std/native/file.h"
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"
#include "gc/integer.h"
#include "interp/machine.h"
#include "interp/thread.h"

namespace fble {
namespace {

class SocketTest : public testing::Test {
 protected:
  SocketTest() { register_std(natives_); }

  Word call(const char* name, std::vector<Word> args) { return call_of("/Network/Sockets/Native%", name, args); }
  Word call_of(const char* module, const char* name, std::vector<Word> args) {
    const NativeRow* row = natives_.find(module, name);
    args.resize(row->arity, kUnitWord);
    Thread& thread = machine_.thread();
    NativeCall call(thread, args.data(), thread.ap);
    const Word result = row->body(call);
    thread.ap = call.allocation_pointer();
    return result;
  }

  Word string(const std::string& text) {
    return machine_.build([&](NativeCall& call) {
      const std::vector<uint32_t> letters = *decode_utf8(text);
      if (!call.reserve(list_words(letters.size()))) return kOutOfMemory;
      return make_string(call, letters);
    });
  }
  Word integer(int64_t value) {
    return machine_.build([&](NativeCall& call) {
      if (!call.reserve(int_words(value))) return kOutOfMemory;
      return make_int(call, value);
    });
  }
  static Word just(Word maybe) { return union_arg(maybe, 1); }
  /// The byte that GetByte gives, or -1.
  int get(Word socket) {
    const Word byte = call("GetByte", {socket});
    return byte == nothing_word() ? -1 : read_int(just(byte)).value.low_byte();
  }

  ProgramCode program_;
  NativeTable natives_;
  Machine machine_{program_, natives_};
};

/// A plain connection to a port of this machine.
int connect_plainly(uint64_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return descriptor;
}

TEST_F(SocketTest, ServerAndClient) {
  EXPECT_EQ(call("Init", {kUnitWord}), kUnitWord);
  const Word server = call("Server", {string("localhost"), integer(0)});
  ASSERT_NE(server, nothing_word());
  const Word port = struct_field(just(server), 0, 2);
  const Word listener = struct_field(just(server), 1, 2);
  EXPECT_GT(read_int(port).value.magnitude, 0u);

  const Word client = just(call("Client", {string("localhost"), port}));
  const Word peer = call("Accept", {listener});
  for (const int byte : {0, 1, 127, 255}) {
    EXPECT_EQ(call("PutByte", {client, integer(byte)}), kUnitWord);
    EXPECT_EQ(get(peer), byte);
  }
  call("PutByte", {peer, integer(-1)});
  EXPECT_EQ(get(client), 255);
  call("Close", {client});
  EXPECT_EQ(get(peer), -1);
  EXPECT_EQ(get(peer), -1);
  call("Close", {client});
  EXPECT_EQ(get(client), -1);
  EXPECT_EQ(call("PutByte", {client, integer(1)}), kUnitWord);
}

TEST_F(SocketTest, PeersMayBeAnybody) {
  const Word server = call("Server", {string("127.0.0.1"), integer(0)});
  ASSERT_NE(server, nothing_word());
  std::thread visitor([&] {
    const int descriptor = connect_plainly(read_int(struct_field(just(server), 0, 2)).value.magnitude);
    EXPECT_EQ(write(descriptor, "hi", 2), 2);
    close(descriptor);
  });
  const Word peer = call("Accept", {struct_field(just(server), 1, 2)});
  EXPECT_EQ(get(peer), 'h');
  EXPECT_EQ(get(peer), 'i');
  EXPECT_EQ(get(peer), -1);
  visitor.join();
}

TEST_F(SocketTest, WritingToAPeerWhoHasLeft) {
  const Word server = call("Server", {string("127.0.0.1"), integer(0)});
  close(connect_plainly(read_int(struct_field(just(server), 0, 2)).value.magnitude));
  const Word peer = call("Accept", {struct_field(just(server), 1, 2)});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(call("PutByte", {peer, integer(i)}), kUnitWord);
}

TEST_F(SocketTest, WhatCannotWork) {
  testing::internal::CaptureStderr();
  for (const char* side : {"Client", "Server"}) {
    EXPECT_EQ(call(side, {string("no-such-host.invalid"), integer(80)}), nothing_word());
    EXPECT_EQ(call(side, {string("localhost"), integer(70000)}), nothing_word());
    EXPECT_EQ(call(side, {string("localhost"), integer(-1)}), nothing_word());
  }
  const std::string errors = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(errors, '\n'), 6);
  EXPECT_TRUE(errors.starts_with("getaddrinfo failed: ")) << errors;
  // Nobody listens there: an ordinary Nothing.
  const Word server = call("Server", {string("localhost"), integer(0)});
  call("Close", {struct_field(just(server), 1, 2)});
  EXPECT_EQ(call("Client", {string("localhost"), struct_field(just(server), 0, 2)}), nothing_word());
}

TEST_F(SocketTest, APortInUse) {
  const Word first = call("Server", {string("127.0.0.1"), integer(0)});
  EXPECT_EQ(call("Server", {string("127.0.0.1"), struct_field(just(first), 0, 2)}), nothing_word());
}

// ---- /Std/Io/Network% --------------------------------------------------------

/// Nothing here is collected: what is kept in variables stays where it is.
class NetworkTest : public SocketTest {
 protected:
  NetworkTest() { machine_.thread().int_form = IntForm::kMachine; }

  Word network(const char* name, std::vector<Word> args) { return call_of("/Std/Io/Network%", name, std::move(args)); }
  Word file(const char* name, std::vector<Word> args) { return call_of("/Std/Io/File%", name, std::move(args)); }
  static Word number(int64_t value) { return pack_int(value); }

  /// The value of a result that is well.
  static Word ok(Word result) {
    EXPECT_EQ(view_union(result, 2).tag, 0u);
    return union_arg(result, 1);
  }
  static std::string error(Word result) {
    EXPECT_EQ(view_union(result, 2).tag, 1u);
    return read_string(union_arg(result, 1), IntForm::kMachine).value;
  }
  static std::string text_of(Word text) { return read_string(text, IntForm::kMachine).value; }
  static Word in(Word connection) { return struct_field(connection, 0, 2); }
  static Word out(Word connection) { return struct_field(connection, 1, 2); }
};

TEST_F(NetworkTest, BothSidesReadWhatTheOtherOneWrites) {
  const Word server = ok(network("Listen", {string("localhost"), number(0)}));
  const Word port = struct_field(server, 0, 2);
  const Word client = ok(network("Connect", {string("localhost"), port, number(0)}));
  const Word peer = ok(network("Accept", {struct_field(server, 1, 2), number(0)}));

  EXPECT_EQ(file("WriteText", {out(client), string("how are you\n\u00e4nd so on")}), ok_unit());
  EXPECT_EQ(file("Flush", {out(client)}), ok_unit());
  EXPECT_EQ(text_of(file("ReadLine", {in(peer)})), "how are you\n");
  // The end of one direction is not that of the other one.
  EXPECT_EQ(file("Close", {out(client)}), ok_unit());
  EXPECT_EQ(text_of(file("ReadAll", {in(peer)})), "\u00e4nd so on");
  EXPECT_EQ(text_of(file("ReadLine", {in(peer)})), "");
  EXPECT_EQ(file("Failure", {in(peer)}), nothing_word());
  EXPECT_EQ(file("WriteText", {out(peer), string("well")}), ok_unit());
  EXPECT_EQ(file("Close", {out(peer)}), ok_unit());
  EXPECT_EQ(text_of(file("ReadAll", {in(client)})), "well");
}

TEST_F(NetworkTest, PatienceEnds) {
  const Word server = ok(network("Listen", {string("127.0.0.1"), number(0)}));
  const Word client = ok(network("Connect", {string("127.0.0.1"), struct_field(server, 0, 2), number(20'000'000)}));
  const Word peer = ok(network("Accept", {struct_field(server, 1, 2), number(20'000'000)}));
  EXPECT_EQ(file("ReadByte", {in(peer)}), nothing_word());
  EXPECT_EQ(text_of(union_arg(file("Failure", {in(peer)}), 1)), "cannot read the connection: Connection timed out");
  // Nobody reads: at some time nothing more fits in between.
  const Word much = string(std::string(1 << 20, 'x'));
  Word written = ok_unit();
  for (int i = 0; i < 100 && written == ok_unit(); ++i) written = file("WriteText", {out(client), much});
  EXPECT_TRUE(error(written).starts_with("cannot write to '127.0.0.1' port ")) << error(written);
  EXPECT_TRUE(error(written).ends_with(": Connection timed out")) << error(written);
}

TEST_F(NetworkTest, APeerWhoHasGoneIsNoFailureOfTheProcess) {
  const Word server = ok(network("Listen", {string("127.0.0.1"), number(0)}));
  close(connect_plainly(read_int(struct_field(server, 0, 2), IntForm::kMachine).value.magnitude));
  const Word peer = ok(network("Accept", {struct_field(server, 1, 2), number(0)}));
  Word flushed = ok_unit();
  for (int i = 0; i < 100 && flushed == ok_unit(); ++i) {
    file("WriteText", {out(peer), string("x")});
    flushed = file("Flush", {out(peer)});
  }
  EXPECT_EQ(error(flushed), "cannot write to the connection: Broken pipe");
  EXPECT_EQ(output_failure(), "");
}

TEST_F(NetworkTest, ReasonsForWhatCannotWork) {
  const Word server = ok(network("Listen", {string("127.0.0.1"), number(0)}));
  const Word port = struct_field(server, 0, 2);
  const std::string name = "'127.0.0.1' port " + std::to_string(read_int(port, IntForm::kMachine).value.magnitude);
  EXPECT_EQ(error(network("Listen", {string("127.0.0.1"), port})),
            "cannot listen at " + name + ": Address already in use");
  EXPECT_EQ(network("Stop", {struct_field(server, 1, 2)}), kUnitWord);
  EXPECT_EQ(error(network("Accept", {struct_field(server, 1, 2), number(0)})),
            "cannot accept a connection: Bad file descriptor");
  EXPECT_EQ(error(network("Connect", {string("127.0.0.1"), port, number(0)})),
            "cannot connect to " + name + ": Connection refused");
  EXPECT_EQ(error(network("Connect", {string("localhost"), number(65536), number(0)})),
            "cannot connect to 'localhost' port 65536: the port is not a number from 0 to 65535");
  EXPECT_TRUE(error(network("Connect", {string("no-such-host.invalid"), number(80), number(0)}))
                  .starts_with("cannot connect to 'no-such-host.invalid' port 80: "));
}

}  // namespace
}  // namespace fble
