// Sockets: frontends/std/native/socket.cc, against plain sockets of the system.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"
#include "interp/carrier.h"
#include "interp/machine.h"

namespace fble {
namespace {

class SocketTest : public testing::Test {
 protected:
  SocketTest() { register_std(natives_); }

  Word call(const char* name, std::vector<Word> args) {
    const NativeRow* row = natives_.find("/Network/Sockets/Native%", name);
    args.resize(row->arity, kUnitWord);
    Carrier& carrier = machine_.carrier();
    NativeCall call(carrier, args.data(), carrier.ap);
    const Word result = row->body(call);
    carrier.ap = call.allocation_pointer();
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
  /// Returns the byte of GetByte, or -1.
  int get(Word socket) {
    const Word byte = call("GetByte", {socket});
    return byte == nothing_word() ? -1 : read_int(just(byte)).value.low_byte();
  }

  ProgramCode program_;
  NativeTable natives_;
  Machine machine_{program_, natives_};
};

/// Makes a plain connection to a port of this machine.
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
  // No server listens there: an ordinary Nothing.
  const Word server = call("Server", {string("localhost"), integer(0)});
  call("Close", {struct_field(just(server), 1, 2)});
  EXPECT_EQ(call("Client", {string("localhost"), struct_field(just(server), 0, 2)}), nothing_word());
}

TEST_F(SocketTest, APortInUse) {
  const Word first = call("Server", {string("127.0.0.1"), integer(0)});
  EXPECT_EQ(call("Server", {string("127.0.0.1"), struct_field(just(first), 0, 2)}), nothing_word());
}

}  // namespace
}  // namespace fble
