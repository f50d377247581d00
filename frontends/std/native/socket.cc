// TCP connections: /Network/Sockets/Native% for programs that expect the reference's, and
// /Std/Io/Network%, whose connections are pairs of files (file.h).
//
// In the former, writes are sent byte by byte as the interface requires, without waiting to
// fill packets; reads are buffered, which no program can observe. Actions of a peer
// (refusing, closing) are ordinary results; only an Accept that can never succeed is an
// error.
//
// Tested by tests/unit/frontends/std/socket_test.cc and, as to /Std/Io/Network%, io_test.cc.
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "frontends/std/native/file.h"
#include "frontends/std/native/long_work.h"
#include "frontends/std/native/values.h"
#include "frontends/std/native/waiting.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

/// A descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }
  /// Releases the descriptor, which stays open: the caller closes it.
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

class Socket final : public NativeResource {
 public:
  explicit Socket(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  int get_byte() {
    if (next_ != end_) return buffer_[next_++];
    if (!descriptor_.is_open()) return File::kEnd;
    const ssize_t count = wait_in([&] { return recv(descriptor_.number(), buffer_, sizeof(buffer_), 0); });
    if (count <= 0) return File::kEnd;
    end_ = static_cast<size_t>(count);
    next_ = 1;
    return buffer_[0];
  }

  void put_byte(uint8_t byte) {
    if (!descriptor_.is_open()) return;
    wait_in([&] { return send(descriptor_.number(), &byte, 1, MSG_NOSIGNAL); });
  }

  void close() {
    descriptor_.close();
    next_ = end_ = 0;
  }

  const Descriptor& descriptor() const { return descriptor_; }

 private:
  Descriptor descriptor_;
  size_t next_ = 0;
  size_t end_ = 0;
  uint8_t buffer_[4096];
};

using Addresses = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

/// Does what getaddrinfo does, which would not stop for a signal. EAI_SYSTEM with EINTR after an interrupt.
int find_addresses(const std::string& host, const std::string& port, const addrinfo& hints, addrinfo*& found) {
  struct Lookup {
    std::string host;
    std::string port;
    addrinfo hints;
    Addresses found{nullptr, freeaddrinfo};
    int status = 0;
    int problem = 0;
  };
  const auto lookup = std::make_shared<Lookup>(Lookup{.host = host, .port = port, .hints = hints});
  const auto look = [lookup] {
    addrinfo* list = nullptr;
    lookup->status = getaddrinfo(lookup->host.c_str(), lookup->port.c_str(), &lookup->hints, &list);
    lookup->problem = errno;
    if (lookup->status == 0) lookup->found.reset(list);
  };
  if (!finish_long_work(look)) {
    errno = EINTR;
    return EAI_SYSTEM;
  }
  errno = lookup->problem;
  found = lookup->found.release();
  return lookup->status;
}

/// Looks up a host and port for either side. Returns null, with the reason, if there is none.
Addresses look_up(const std::string& host, const IntValue& port, int flags, std::string& reason) {
  const char* problem = nullptr;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* found = nullptr;
  if (!port.in_range(0, 65535)) {
    problem = "the port is not a number from 0 to 65535";
  } else if (host.find('\0') != std::string::npos) {
    problem = gai_strerror(EAI_NONAME);
  } else {
    const int status = find_addresses(host, std::to_string(port.magnitude), hints, found);
    if (status == EAI_SYSTEM) {
      problem = std::strerror(errno);
    } else if (status != 0) {
      problem = gai_strerror(status);
    }
  }
  if (problem != nullptr) reason = problem;
  return Addresses(found, freeaddrinfo);
}

/// Does the same, but reports a failure on standard error, as the reference's library does.
Addresses look_up_or_complain(const std::string& host, const IntValue& port, int flags) {
  std::string reason;
  Addresses found = look_up(host, port, flags, reason);
  if (found != nullptr) return found;
  File& file = File::standard_error();
  for (const char byte : "getaddrinfo failed: " + reason + "\n") file.put_byte(static_cast<uint8_t>(byte));
  file.flush();
  return found;
}

Descriptor open_socket(const addrinfo& address) {
  return Descriptor(socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol));
}

void send_without_delay(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

bool connect_to(int descriptor, const addrinfo& address) {
  if (interrupt_requested()) return false;
  if (connect(descriptor, address.ai_addr, address.ai_addrlen) == 0) return true;
  if (errno != EINTR) return false;
  // The attempt continues by itself.
  pollfd entry{.fd = descriptor, .events = POLLOUT, .revents = 0};
  if (wait_in([&] { return poll(&entry, 1, -1); }) < 0) return false;
  int problem = 0;
  socklen_t size = sizeof(problem);
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 && problem == 0;
}

bool listen_at(int descriptor, const addrinfo& address) {
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  return bind(descriptor, address.ai_addr, address.ai_addrlen) == 0 && listen(descriptor, 10) == 0;
}

/// Returns the first usable address of the list, in the given family if there is one.
template <typename Use>
Descriptor first_usable(const addrinfo* addresses, bool version_4_first, Use&& use) {
  for (const bool first_round : {true, false}) {
    if (first_round && !version_4_first) continue;
    for (const addrinfo* address = addresses; address != nullptr; address = address->ai_next) {
      if (version_4_first && (address->ai_family == AF_INET) != first_round) continue;
      Descriptor descriptor = open_socket(*address);
      if (descriptor.is_open() && use(descriptor.number(), *address)) return descriptor;
    }
  }
  return Descriptor();
}

int64_t port_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

Word init(NativeCall&) { return kUnitWord; }

Word client(NativeCall& call) {
  const Read<std::string> host = read_string(call.arg(0), call.int_form());
  if (host.error != ReadError::kNone) return fail_read(call, host.error, "host name");
  const Read<IntValue> port = read_int(call.arg(1), call.int_form());
  if (port.error != ReadError::kNone) return fail_read(call, port.error, "port");

  const Addresses addresses = look_up_or_complain(host.value, port.value, 0);
  Descriptor descriptor = first_usable(addresses.get(), false, connect_to);
  if (!descriptor.is_open()) return nothing_word();
  send_without_delay(descriptor.number());
  if (!call.reserve(2 * object_words(1))) return kOutOfMemory;
  return call.make_union(0, 2, call.make_native(std::make_unique<Socket>(std::move(descriptor))));
}

Word server(NativeCall& call) {
  const Read<std::string> host = read_string(call.arg(0), call.int_form());
  if (host.error != ReadError::kNone) return fail_read(call, host.error, "host name");
  const Read<IntValue> port = read_int(call.arg(1), call.int_form());
  if (port.error != ReadError::kNone) return fail_read(call, port.error, "port");

  const Addresses addresses = look_up_or_complain(host.value, port.value, AI_PASSIVE);
  // Clients of "localhost" try version 4 in any case, but not always version 6.
  Descriptor descriptor = first_usable(addresses.get(), true, listen_at);
  if (!descriptor.is_open()) return nothing_word();
  const int64_t actual_port = port_of(descriptor.number());
  if (!call.reserve(int_words(actual_port, call.int_form()) + object_words(1) + object_words(2))) return kOutOfMemory;
  const Word handle = call.make_native(std::make_unique<Socket>(std::move(descriptor)));
  const Word fields[] = {make_int(call, actual_port), handle};
  return call.make_union_struct(0, 2, fields);
}

/// Accepts the next connection to a listening socket. Returns none, with errno set, if there can be none.
Descriptor accept_next(NativeCall& call, const Socket& listener) {
  for (bool collected = false;;) {
    const int listening = listener.descriptor().number();
    Descriptor descriptor(wait_in([&] { return accept4(listening, nullptr, nullptr, SOCK_CLOEXEC); }));
    if (descriptor.is_open()) {
      send_without_delay(descriptor.number());
      return descriptor;
    }
    // These concern one peer, which has closed the connection: wait for the next.
    constexpr int kPassing[] = {ECONNABORTED, EPROTO,       ENETDOWN,    ENOPROTOOPT, EHOSTDOWN,
                                ENONET,       EHOSTUNREACH, ENETUNREACH, EAGAIN};
    const int problem = errno;
    if ((problem == EMFILE || problem == ENFILE) && !collected) {
      call.collect_all();  // closes the sockets that are no longer referenced
      collected = true;
    } else if (std::ranges::find(kPassing, problem) == std::end(kPassing)) {
      errno = problem;
      return Descriptor();
    }
  }
}

Word accept_client(NativeCall& call) {
  Socket* listener = handle_resource<Socket>(call.arg(0));
  if (listener == nullptr) return fail_handle(call, call.arg(0), "socket");
  if (!listener->descriptor().is_open()) return call.fail("cannot accept a connection: the socket is closed");
  Descriptor descriptor = accept_next(call, *listener);
  if (!descriptor.is_open()) return call.fail(std::string("cannot accept a connection: ") + std::strerror(errno));
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  return call.make_native(std::make_unique<Socket>(std::move(descriptor)));
}

Word close_socket(NativeCall& call) {
  Socket* socket = handle_resource<Socket>(call.arg(0));
  if (socket == nullptr) return fail_handle(call, call.arg(0), "socket");
  socket->close();
  return kUnitWord;
}

Word get_byte(NativeCall& call) {
  Socket* socket = handle_resource<Socket>(call.arg(0));
  if (socket == nullptr) return fail_handle(call, call.arg(0), "socket");
  const int byte = socket->get_byte();
  // The word of a byte as Int@ is the same as that of the character.
  if (byte == File::kEnd) return nothing_word();
  return pack_union(char_word(static_cast<uint32_t>(byte), call.int_form()), tag_width(2), 0);
}

Word put_byte(NativeCall& call) {
  Socket* socket = handle_resource<Socket>(call.arg(0));
  if (socket == nullptr) return fail_handle(call, call.arg(0), "socket");
  const Read<IntValue> byte = read_int(call.arg(1), call.int_form());
  if (byte.error != ReadError::kNone) return fail_read(call, byte.error, "byte");
  socket->put_byte(byte.value.low_byte());
  return kUnitWord;
}

// ---- /Std/Io/Network% --------------------------------------------------------

/// The host and port of a call, as arguments 0 and 1, and their addresses. read_endpoint
/// returns false after an error in the arguments; there are no addresses, but a reason,
/// if the look-up fails.
struct Endpoint {
  std::string name;  ///< for messages: "localhost:80"
  Addresses addresses{nullptr, freeaddrinfo};
  std::string reason;
};
bool read_endpoint(NativeCall& call, int flags, Endpoint& endpoint) {
  const Read<std::string> host = read_string(call.arg(0), call.int_form());
  if (host.error != ReadError::kNone) fail_read(call, host.error, "host name");
  const Read<IntValue> port = read_int(call.arg(1), call.int_form());
  if (host.error == ReadError::kNone && port.error != ReadError::kNone) fail_read(call, port.error, "port");
  if (host.error != ReadError::kNone || port.error != ReadError::kNone) return false;
  endpoint.addresses = look_up(host.value, port.value, flags, endpoint.reason);
  endpoint.name = "'" + host.value + "' port " + std::to_string(port.value.magnitude);
  return true;
}

/// Reads the time to wait for a peer, in milliseconds and rounded up; -1 if there is no limit. Returns false after an
/// error.
bool read_patience(NativeCall& call, uint32_t index, int& patience_ms) {
  const Read<IntValue> time = read_int(call.arg(index), call.int_form());
  if (time.error != ReadError::kNone) {
    fail_read(call, time.error, "time");
    return false;
  }
  constexpr uint64_t kMillisecond = 1'000'000;
  const uint64_t rounded = time.value.magnitude / kMillisecond + (time.value.magnitude % kMillisecond != 0 ? 1 : 0);
  const bool has_limit = time.value.in_range(1, kMillisecond * INT32_MAX);
  patience_ms = has_limit ? static_cast<int>(rounded) : -1;
  return true;
}

/// Makes a Connection@ as the ok of a result: its two directions are files with descriptors of their own.
Word make_connection(NativeCall& call, Descriptor descriptor, const std::string& name, int patience_ms) {
  fcntl(descriptor.number(), F_SETFL, fcntl(descriptor.number(), F_GETFL) | O_NONBLOCK);
  Descriptor second(fcntl(descriptor.number(), F_DUPFD_CLOEXEC, 0));
  if (!second.is_open()) return make_error(call, "cannot use a connection: " + std::string(std::strerror(errno)));
  if (!call.reserve(2 * object_words(1) + object_words(2))) return kOutOfMemory;
  const auto make_file = [&](Descriptor& from, File::Direction direction) {
    auto file = File::of_connection(from.release(), direction, name, patience_ms);
    return call.make_native(std::make_unique<FileHandle>(std::move(file)));
  };
  const Word in = make_file(descriptor, File::Direction::kRead);
  const Word fields[] = {in, make_file(second, File::Direction::kWrite)};
  return call.make_union_struct(0, 2, fields);
}

Word connect_to_server(NativeCall& call) {
  Endpoint endpoint;
  int patience_ms = 0;
  if (!read_endpoint(call, 0, endpoint) || !read_patience(call, 2, patience_ms)) return 0;
  Descriptor descriptor = first_usable(endpoint.addresses.get(), false, connect_to);
  if (!descriptor.is_open()) {
    const std::string reason = endpoint.addresses == nullptr ? endpoint.reason : std::strerror(errno);
    return make_error(call, "cannot connect to " + endpoint.name + ": " + reason);
  }
  send_without_delay(descriptor.number());
  return make_connection(call, std::move(descriptor), endpoint.name, patience_ms);
}

Word listen_for_clients(NativeCall& call) {
  Endpoint endpoint;
  if (!read_endpoint(call, AI_PASSIVE, endpoint)) return 0;
  Descriptor descriptor = first_usable(endpoint.addresses.get(), true, listen_at);
  if (!descriptor.is_open()) {
    const std::string reason = endpoint.addresses == nullptr ? endpoint.reason : std::strerror(errno);
    return make_error(call, "cannot listen at " + endpoint.name + ": " + reason);
  }
  const int64_t port = port_of(descriptor.number());
  if (!call.reserve(int_words(port, call.int_form()) + object_words(1) + object_words(2))) return kOutOfMemory;
  const Word handle = call.make_native(std::make_unique<Socket>(std::move(descriptor)));
  const Word fields[] = {make_int(call, port), handle};
  return call.make_union_struct(0, 2, fields);
}

Word accept_connection(NativeCall& call) {
  Socket* listener = handle_resource<Socket>(call.arg(0));
  if (listener == nullptr) return fail_handle(call, call.arg(0), "listener");
  int patience_ms = 0;
  if (!read_patience(call, 1, patience_ms)) return 0;
  if (!listener->descriptor().is_open()) return make_error(call, "cannot accept a connection: listening has ended");
  // A program that tries to connect sees the earlier output.
  File::standard_output().publish();
  Descriptor descriptor = accept_next(call, *listener);
  if (!descriptor.is_open())
    return make_error(call, std::string("cannot accept a connection: ") + std::strerror(errno));
  return make_connection(call, std::move(descriptor), "the connection", patience_ms);
}

constexpr const char* kNetwork = "/Std/Io/Network%";
constexpr const char* kSockets = "/Network/Sockets/Native%";
constexpr NativeRow kRows[] = {
    {kNetwork, "Connect", 4, NativeEffect::kMayBlock, connect_to_server},
    {kNetwork, "Listen", 3, NativeEffect::kMayBlock, listen_for_clients},
    {kNetwork, "Accept", 3, NativeEffect::kMayBlock, accept_connection},
    {kNetwork, "Stop", 2, NativeEffect::kWritesWorld, close_socket},
    {kSockets, "Init", 1, NativeEffect::kPure, init},
    {kSockets, "Client", 3, NativeEffect::kMayBlock, client},
    {kSockets, "Server", 3, NativeEffect::kMayBlock, server},
    {kSockets, "Accept", 2, NativeEffect::kMayBlock, accept_client},
    {kSockets, "Close", 2, NativeEffect::kWritesWorld, close_socket},
    {kSockets, "GetByte", 2, NativeEffect::kMayBlock, get_byte},
    {kSockets, "PutByte", 3, NativeEffect::kMayBlock, put_byte},
};

}  // namespace

std::span<const NativeRow> socket_natives() { return kRows; }

}  // namespace fble
