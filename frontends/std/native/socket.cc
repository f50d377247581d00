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

#include "frontends/std/native/file_waiting.h"
#include "frontends/std/native/long_work.h"
#include "frontends/std/native/values.h"
#include "frontends/std/native/waiting.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

/// A listening socket, or a connection of /Network/Sockets/Native%.
class Socket final : public NativeResource {
 public:
  Socket(OwnedDescriptor descriptor, IoDriver& io)
      : descriptor_(descriptor.release(), &io, SharedDescriptor::Kind::kStream) {}

  bool is_open() const { return descriptor_.descriptor >= 0; }
  SharedDescriptor& descriptor() { return descriptor_; }

  bool has_bytes() const { return next_ != end_; }
  /// Reads what there is, in place or without waiting. Returns false, with errno set, if it must wait.
  bool fetch(bool in_place) {
    const int flags = in_place ? 0 : MSG_DONTWAIT;
    const ssize_t count = wait_in([&] { return recv(descriptor_.descriptor, buffer_, sizeof(buffer_), flags); });
    if (count < 0 && errno == EAGAIN) return false;
    next_ = 0;
    end_ = count <= 0 ? 0 : static_cast<size_t>(count);
    return true;
  }
  int get_byte() { return next_ == end_ ? File::kEnd : buffer_[next_++]; }

  /// Sends a byte. Returns false if it must wait.
  bool put_byte(uint8_t byte, bool in_place) {
    if (!is_open()) return true;
    const int flags = MSG_NOSIGNAL | (in_place ? 0 : MSG_DONTWAIT);
    return wait_in([&] { return send(descriptor_.descriptor, &byte, 1, flags); }) >= 0 || errno != EAGAIN;
  }

  void close() {
    descriptor_.close();
    next_ = end_ = 0;
  }

 private:
  SharedDescriptor descriptor_;
  size_t next_ = 0;
  size_t end_ = 0;
  uint8_t buffer_[4096];
};

using Addresses = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

/// Does what getaddrinfo does.
class LookUp final : public Operation {
 public:
  LookUp(std::string host, std::string port, int flags) : host_(std::move(host)), port_(std::move(port)) {
    hints_.ai_family = AF_UNSPEC;
    hints_.ai_socktype = SOCK_STREAM;
    hints_.ai_flags = AI_NUMERICSERV | flags;
  }

  void work() override {
    addrinfo* list = nullptr;
    const int status = getaddrinfo(host_.c_str(), port_.c_str(), &hints_, &list);
    if (status == 0) {
      found.reset(list);
    } else {
      reason = status == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(status);
    }
  }

  Addresses found{nullptr, freeaddrinfo};
  std::string reason;  ///< why nothing is found

 private:
  const std::string host_;
  const std::string port_;
  addrinfo hints_{};
};

/// Looks up in place, which would not stop for a signal.
void look_up_in_place(const std::shared_ptr<LookUp>& look_up) {
  if (!finish_long_work([look_up] { look_up->work(); })) look_up->reason = std::strerror(EINTR);
}

OwnedDescriptor open_socket(const addrinfo& address, int flags) {
  return OwnedDescriptor(socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | flags, address.ai_protocol));
}

void send_without_delay(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/// Returns the outcome of connecting, when the descriptor is ready: 0 or an errno value.
int connect_problem(int descriptor) {
  int problem = 0;
  socklen_t size = sizeof(problem);
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 ? problem : errno;
}

bool connect_in_place(int descriptor, const addrinfo& address) {
  if (interrupt_requested()) return false;
  if (connect(descriptor, address.ai_addr, address.ai_addrlen) == 0) return true;
  if (errno != EINTR) return false;
  // The attempt continues by itself.
  pollfd entry{.fd = descriptor, .events = POLLOUT, .revents = 0};
  if (wait_in([&] { return poll(&entry, 1, -1); }) < 0) return false;
  return (errno = connect_problem(descriptor)) == 0;
}

bool listen_at(int descriptor, const addrinfo& address) {
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  return bind(descriptor, address.ai_addr, address.ai_addrlen) == 0 && listen(descriptor, SOMAXCONN) == 0;
}

/// Returns a socket at the first usable address of the list, of version 4 if there is one.
OwnedDescriptor listen_at_first(const addrinfo* addresses) {
  // Clients of "localhost" try version 4 in any case, but not always version 6.
  for (const bool is_first_round : {true, false}) {
    for (const addrinfo* address = addresses; address != nullptr; address = address->ai_next) {
      if ((address->ai_family == AF_INET) != is_first_round) continue;
      OwnedDescriptor descriptor = open_socket(*address, 0);
      if (descriptor.is_open() && listen_at(descriptor.number(), *address)) return descriptor;
    }
  }
  return OwnedDescriptor();
}

/// A connection that is being made: addresses are tried one after the other.
class Connecting final : public Unfinished {
 public:
  Connecting(Addresses addresses, IoDriver& io) : addresses_(std::move(addresses)), next_(addresses_.get()), io_(io) {}
  void abandon(Scheduler&, VirtualThread&) override { delete this; }

  enum class State : uint8_t { kWaits, kConnected, kFailed };
  /// Continues as far as possible; `problem` is set with kFailed.
  State go_on() {
    if (watch_ != nullptr) {
      pollfd entry{.fd = watch_->descriptor, .events = POLLOUT, .revents = 0};
      if (poll(&entry, 1, 0) == 0) return State::kWaits;
      problem = connect_problem(watch_->descriptor);
      if (problem == 0) return State::kConnected;
      watch_.reset();
    }
    for (; next_ != nullptr; next_ = next_->ai_next) {
      OwnedDescriptor descriptor = open_socket(*next_, SOCK_NONBLOCK);
      if (!descriptor.is_open()) {
        problem = errno;
        continue;
      }
      const int result = connect(descriptor.number(), next_->ai_addr, next_->ai_addrlen);
      problem = errno;
      if (result != 0 && problem != EINPROGRESS && problem != EINTR) continue;
      watch_ = std::make_unique<SharedDescriptor>(descriptor.release(), &io_, SharedDescriptor::Kind::kConnection);
      if (result == 0) return State::kConnected;
      next_ = next_->ai_next;
      return State::kWaits;
    }
    return State::kFailed;
  }

  SharedDescriptor& watch() { return *watch_; }
  std::unique_ptr<SharedDescriptor> take() { return std::move(watch_); }
  int problem = EHOSTUNREACH;

 private:
  Addresses addresses_;
  const addrinfo* next_;
  IoDriver& io_;
  std::unique_ptr<SharedDescriptor> watch_;
};

int64_t port_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

Word init(NativeCall&) { return kUnitWord; }

/// The host and port of a call, which are its arguments 0 and 1, and what is known of them.
struct Endpoint {
  std::string host;
  IntValue port;
  Addresses addresses{nullptr, freeaddrinfo};
  std::string reason;  ///< why there are no addresses

  /// Its name in messages.
  std::string name() const { return "'" + host + "' port " + std::to_string(port.magnitude); }
};

/// Reads the arguments. Returns false after an error.
bool read_endpoint(NativeCall& call, Endpoint& endpoint) {
  Read<std::string> host = read_string(call.arg(0), call.int_form());
  const Read<IntValue> port = read_int(call.arg(1), call.int_form());
  if (host.error != ReadError::kNone) {
    fail_read(call, host.error, "host name");
  } else if (port.error != ReadError::kNone) {
    fail_read(call, port.error, "port");
  }
  endpoint.host = std::move(host.value);
  endpoint.port = port.value;
  return host.error == ReadError::kNone && port.error == ReadError::kNone;
}

/// Looks for the addresses, for either side.
Waiting look_up(NativeCall& call, int flags, Endpoint& endpoint) {
  if (!endpoint.port.in_range(0, 65535)) {
    endpoint.reason = "the port is not a number from 0 to 65535";
    return std::nullopt;
  }
  if (endpoint.host.find('\0') != std::string::npos) {
    endpoint.reason = gai_strerror(EAI_NONAME);
    return std::nullopt;
  }
  std::unique_ptr<LookUp> operation = finished<LookUp>(call);
  if (operation == nullptr) {
    operation = std::make_unique<LookUp>(endpoint.host, std::to_string(endpoint.port.magnitude), flags);
    if (!io_of(call).must_share()) {
      const std::shared_ptr<LookUp> shared = std::move(operation);
      look_up_in_place(shared);
      // After an interrupt the work may continue, but then nothing is taken from it.
      if (!interrupt_requested()) endpoint.addresses = std::move(shared->found);
      endpoint.reason = interrupt_requested() ? std::strerror(EINTR) : shared->reason;
      return std::nullopt;
    }
    if (const Waiting waiting = perform(call, operation)) return waiting;
  }
  endpoint.addresses = std::move(operation->found);
  endpoint.reason = operation->reason;
  return std::nullopt;
}

/// Reports a failed look-up on standard error, as the reference's library does.
void complain(const Endpoint& endpoint) {
  if (endpoint.addresses != nullptr) return;
  File& file = File::standard_error();
  for (const char byte : "getaddrinfo failed: " + endpoint.reason + "\n") file.put_byte(static_cast<uint8_t>(byte));
  file.flush();
}

/// What a call that connects comes to.
struct Connected {
  OwnedDescriptor descriptor;                ///< in place
  std::unique_ptr<SharedDescriptor> shared;  ///< else; never blocks
  std::string reason;                        ///< of a failure

  bool is_open() const { return descriptor.is_open() || shared != nullptr; }
  int number() const { return shared != nullptr ? shared->descriptor : descriptor.number(); }
};

/// Connects to the host and port of the call.
Waiting connect_or_wait(NativeCall& call, Endpoint& endpoint, bool complains, Connected& connected) {
  VirtualThread& thread = thread_of(call);
  auto* connecting = dynamic_cast<Connecting*>(thread.unfinished);
  if (connecting == nullptr) {
    if (const Waiting waiting = look_up(call, 0, endpoint)) return waiting;
    if (complains) complain(endpoint);
    connected.reason = endpoint.reason;
    if (endpoint.addresses == nullptr) return std::nullopt;
    if (!io_of(call).must_share()) {
      for (const addrinfo* each = endpoint.addresses.get(); each != nullptr; each = each->ai_next) {
        OwnedDescriptor descriptor = open_socket(*each, 0);
        if (!descriptor.is_open() || !connect_in_place(descriptor.number(), *each)) continue;
        connected.descriptor = std::move(descriptor);
        return std::nullopt;
      }
      connected.reason = std::strerror(errno);
      return std::nullopt;
    }
    connecting = new Connecting(std::move(endpoint.addresses), io_of(call));
  }
  thread.unfinished = nullptr;
  std::unique_ptr<Connecting> attempt(connecting);
  for (Connecting::State state; (state = attempt->go_on()) != Connecting::State::kConnected;) {
    if (state == Connecting::State::kFailed) {
      connected.reason = std::strerror(attempt->problem);
      return std::nullopt;
    }
    const Waiting waiting = wait_for(call, attempt->watch(), Readiness::kOutput, kNoLimit);
    if (waiting == kParked) thread.unfinished = attempt.release();
    if (waiting) return waiting;
  }
  connected.shared = attempt->take();
  return std::nullopt;
}

Word client(NativeCall& call) {
  Endpoint endpoint;
  if (!read_endpoint(call, endpoint)) return 0;
  Connected connected;
  if (const Waiting waiting = connect_or_wait(call, endpoint, true, connected)) return *waiting;
  if (!connected.is_open()) return nothing_word();
  send_without_delay(connected.number());
  if (!call.reserve(2 * object_words(1))) return kOutOfMemory;
  std::unique_ptr<Socket> socket;
  if (connected.shared != nullptr) {
    // Its calls say themselves whether they wait.
    const int number = std::exchange(connected.shared->descriptor, -1);
    fcntl(number, F_SETFL, fcntl(number, F_GETFL) & ~O_NONBLOCK);
    connected.descriptor = OwnedDescriptor(number);
  }
  return call.make_union(0, 2,
                         call.make_native(std::make_unique<Socket>(std::move(connected.descriptor), io_of(call))));
}

Word server(NativeCall& call) {
  Endpoint endpoint;
  if (!read_endpoint(call, endpoint)) return 0;
  if (const Waiting waiting = look_up(call, AI_PASSIVE, endpoint)) return *waiting;
  complain(endpoint);
  OwnedDescriptor descriptor = listen_at_first(endpoint.addresses.get());
  if (!descriptor.is_open()) return nothing_word();
  const int64_t actual_port = port_of(descriptor.number());
  if (!call.reserve(int_words(actual_port, call.int_form()) + object_words(1) + object_words(2))) return kOutOfMemory;
  const Word handle = call.make_native(std::make_unique<Socket>(std::move(descriptor), io_of(call)));
  const Word fields[] = {make_int(call, actual_port), handle};
  return call.make_union_struct(0, 2, fields);
}

/// Accepts the next connection to a listening socket. There is none, with errno set, if there can be none.
Waiting accept_next(NativeCall& call, Socket& listener, OwnedDescriptor& descriptor) {
  const int listening = listener.descriptor().descriptor;
  const bool shares = must_not_wait(call);
  if (shares) {
    const int flags = fcntl(listening, F_GETFL);
    if ((flags & O_NONBLOCK) == 0) fcntl(listening, F_SETFL, flags | O_NONBLOCK);
  }
  took_too_long(call);
  for (bool collected = false;;) {
    descriptor = OwnedDescriptor(wait_in([&] { return accept4(listening, nullptr, nullptr, SOCK_CLOEXEC); }));
    if (descriptor.is_open()) {
      send_without_delay(descriptor.number());
      return std::nullopt;
    }
    // These concern one peer, which has closed the connection: wait for the next.
    constexpr int kPassing[] = {ECONNABORTED, EPROTO, ENETDOWN,     ENOPROTOOPT,
                                EHOSTDOWN,    ENONET, EHOSTUNREACH, ENETUNREACH};
    const int problem = errno;
    if (problem == EAGAIN) {
      if (shares) {
        const Waiting waiting = wait_for(call, listener.descriptor(), Readiness::kInput, kNoLimit);
        if (waiting) return waiting;
      } else {
        // Other threads have made it so that it does not block.
        pollfd entry{.fd = listening, .events = POLLIN, .revents = 0};
        wait_in([&] { return poll(&entry, 1, -1); });
      }
    } else if (problem == EMFILE || problem == ENFILE) {
      // A collection closes what is no longer referenced; other threads may close what is.
      if (!collected) {
        call.collect_all();
        collected = true;
      } else if (shares) {
        return wait_for_descriptor(call);
      } else {
        errno = problem;
        return std::nullopt;
      }
    } else if (std::ranges::find(kPassing, problem) == std::end(kPassing)) {
      errno = problem;
      return std::nullopt;
    }
  }
}

Word accept_client(NativeCall& call) {
  Socket* listener = handle_resource<Socket>(call.arg(0));
  if (listener == nullptr) return fail_handle(call, call.arg(0), "socket");
  if (!listener->is_open()) return call.fail("cannot accept a connection: the socket is closed");
  OwnedDescriptor descriptor;
  if (const Waiting waiting = accept_next(call, *listener, descriptor)) return *waiting;
  if (!descriptor.is_open()) return call.fail(std::string("cannot accept a connection: ") + std::strerror(errno));
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  return call.make_native(std::make_unique<Socket>(std::move(descriptor), io_of(call)));
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
  while (!socket->has_bytes() && socket->is_open()) {
    if (socket->fetch(!must_not_wait(call))) break;
    if (const Waiting waiting = wait_for(call, socket->descriptor(), Readiness::kInput, kNoLimit)) return *waiting;
  }
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
  while (!socket->put_byte(byte.value.low_byte(), !must_not_wait(call))) {
    if (const Waiting waiting = wait_for(call, socket->descriptor(), Readiness::kOutput, kNoLimit)) return *waiting;
  }
  return kUnitWord;
}

// ---- /Std/Io/Network% --------------------------------------------------------

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

/// Makes a Connection@ as the ok of a result: its two directions are files that share the descriptor.
Word make_connection(NativeCall& call, std::shared_ptr<SharedDescriptor> descriptor, const std::string& name,
                     int patience_ms) {
  if (!call.reserve(2 * object_words(1) + object_words(2))) return kOutOfMemory;
  const auto make_file = [&](File::Direction direction) {
    auto file = std::make_unique<File>(descriptor, direction, name, patience_ms);
    return call.make_native(std::make_unique<FileHandle>(std::move(file)));
  };
  const Word in = make_file(File::Direction::kRead);
  const Word fields[] = {in, make_file(File::Direction::kWrite)};
  return call.make_union_struct(0, 2, fields);
}

/// Does the same for a descriptor that blocks.
Word make_connection(NativeCall& call, OwnedDescriptor descriptor, const std::string& name, int patience_ms) {
  fcntl(descriptor.number(), F_SETFL, fcntl(descriptor.number(), F_GETFL) | O_NONBLOCK);
  auto shared =
      std::make_shared<SharedDescriptor>(descriptor.release(), &io_of(call), SharedDescriptor::Kind::kConnection);
  return make_connection(call, std::move(shared), name, patience_ms);
}

Word connect_to_server(NativeCall& call) {
  Endpoint endpoint;
  int patience_ms = 0;
  if (!read_endpoint(call, endpoint) || !read_patience(call, 2, patience_ms)) return 0;
  Connected connected;
  if (const Waiting waiting = connect_or_wait(call, endpoint, false, connected)) return *waiting;
  if (!connected.is_open()) {
    return make_error(call, "cannot connect to " + endpoint.name() + ": " + connected.reason);
  }
  send_without_delay(connected.number());
  if (connected.shared == nullptr) {
    return make_connection(call, std::move(connected.descriptor), endpoint.name(), patience_ms);
  }
  return make_connection(call, std::shared_ptr(std::move(connected.shared)), endpoint.name(), patience_ms);
}

Word listen_for_clients(NativeCall& call) {
  Endpoint endpoint;
  if (!read_endpoint(call, endpoint)) return 0;
  if (const Waiting waiting = look_up(call, AI_PASSIVE, endpoint)) return *waiting;
  OwnedDescriptor descriptor = listen_at_first(endpoint.addresses.get());
  if (!descriptor.is_open()) {
    const std::string reason = endpoint.addresses == nullptr ? endpoint.reason : std::strerror(errno);
    return make_error(call, "cannot listen at " + endpoint.name() + ": " + reason);
  }
  const int64_t port = port_of(descriptor.number());
  if (!call.reserve(int_words(port, call.int_form()) + object_words(1) + object_words(2))) return kOutOfMemory;
  const Word handle = call.make_native(std::make_unique<Socket>(std::move(descriptor), io_of(call)));
  const Word fields[] = {make_int(call, port), handle};
  return call.make_union_struct(0, 2, fields);
}

Word accept_connection(NativeCall& call) {
  Socket* listener = handle_resource<Socket>(call.arg(0));
  if (listener == nullptr) return fail_handle(call, call.arg(0), "listener");
  int patience_ms = 0;
  if (!read_patience(call, 1, patience_ms)) return 0;
  if (!listener->is_open()) return make_error(call, "cannot accept a connection: listening has ended");
  // A program that tries to connect sees the earlier output.
  publish_output(call);
  OwnedDescriptor descriptor;
  if (const Waiting waiting = accept_next(call, *listener, descriptor)) return *waiting;
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
