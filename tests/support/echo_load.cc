// A load generator: connects to a server on this computer any number of times and sends it messages, each of which it
// must send back; or asks an HTTP server for a file again and again.
//
//   echo_load PORT CONNECTIONS MESSAGES BYTES|PATH [PID]
//
// MESSAGES is the number of all messages; each connection has one on its way at a time. A message of BYTES begins with
// the numbers of its connection and of itself, so that one that is lost, changed or out of order is noticed: then the
// status is 1. With a PATH, which begins with a slash, a message is a request for it that keeps the connection, and all
// answers must have the status 200 and the same body. Prints a line
//
//   MESSAGES messages in SECONDS s, LATENCY us at the median, LATENCY us at 99 %
//
// and with the PID of the server its processor time per message and the memory per connection that it has while all
// connections are idle.
//
// Used by tests/std/servers.py and tests/bench/waiting/run.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "echo_load: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(2);
}

struct Connection {
  int descriptor = -1;
  uint64_t sent = 0;    ///< messages, the one on its way included
  size_t received = 0;  ///< bytes of that one
  std::string answer;   ///< of an HTTP server, as far as it is there
  Clock::time_point sent_at;
};

/// Returns the number of bytes of the answer of an HTTP server, once its head is there; else 0.
size_t length_of(std::string_view answer) {
  const size_t end = answer.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  constexpr std::string_view kName = "\r\ncontent-length:";
  std::string head(answer.substr(0, end));
  std::ranges::transform(head, head.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const size_t at = head.find(kName);
  if (!head.starts_with("http/1.1 200 ") || at == std::string::npos) {
    std::fprintf(stderr, "echo_load: the server answers\n%s\n", head.c_str());
    std::exit(1);
  }
  return end + 4 + std::strtoul(head.c_str() + at + kName.size(), nullptr, 10);
}

/// The bytes of a message.
void fill(std::string& bytes, uint64_t connection, uint64_t number) {
  const uint64_t head[] = {connection, number};
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i < sizeof(head) ? head[i / 8] >> (i % 8 * 8) : number + i);
  }
}

/// Processor time of a process so far, in seconds.
double processor_time(long process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  // The name may have spaces; the fields after it do not.
  const size_t end = text.rfind(')');
  if (end == std::string::npos) give_up("no such server");
  std::vector<std::string> fields;
  size_t at = end + 2;
  while (at < text.size()) {
    const size_t next = std::min(text.find(' ', at), text.size());
    fields.push_back(text.substr(at, next - at));
    at = next + 1;
  }
  return (std::stod(fields[11]) + std::stod(fields[12])) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// Memory of a process in bytes.
double resident(long process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  double size = 0;
  double pages = 0;
  file >> size >> pages;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace

int main(int count, char** words) {
  if (count < 5) {
    std::fprintf(stderr, "usage: echo_load PORT CONNECTIONS MESSAGES BYTES|PATH [PID]\n");
    return 2;
  }
  const int port = std::atoi(words[1]);
  const size_t connection_count = std::strtoul(words[2], nullptr, 10);
  const uint64_t message_count = std::strtoull(words[3], nullptr, 10);
  const bool is_http = words[4][0] == '/';
  const std::string request =
      is_http ? "GET " + std::string(words[4]) + " HTTP/1.1\r\nHost: localhost\r\n\r\n" : std::string();
  const size_t bytes = is_http ? request.size() : std::max<size_t>(std::strtoul(words[4], nullptr, 10), 16);
  const long process = count > 5 ? std::atol(words[5]) : 0;

  const double empty = process == 0 ? 0 : resident(process);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections(connection_count);
  for (size_t i = 0; i < connection_count; ++i) {
    Connection& each = connections[i];
    each.descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (each.descriptor < 0) give_up("socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(each.descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) give_up("connect");
    const int on = 1;
    setsockopt(each.descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(epoll, EPOLL_CTL_ADD, each.descriptor, &event);
  }

  std::string message = is_http ? request : std::string(bytes, '\0');
  std::string first_body;
  uint64_t sent = 0;
  uint64_t received = 0;
  std::vector<float> latencies;
  latencies.reserve(message_count);
  const auto send_next = [&](size_t index) {
    Connection& each = connections[index];
    if (!is_http) fill(message, index, each.sent);
    ++each.sent;
    ++sent;
    each.received = 0;
    each.sent_at = Clock::now();
    for (size_t at = 0; at < bytes;) {
      const ssize_t n = send(each.descriptor, message.data() + at, bytes - at, MSG_NOSIGNAL);
      if (n < 0 && errno != EINTR) give_up("send");
      if (n > 0) at += static_cast<size_t>(n);
    }
  };
  /// Takes bytes of an answer. Returns whether it is complete.
  const auto take = [&](size_t index, std::string_view input) {
    Connection& each = connections[index];
    if (is_http) {
      each.answer += input;
      const size_t length = length_of(each.answer);
      if (length == 0 || each.answer.size() < length) return false;
      const std::string_view body = std::string_view(each.answer).substr(each.answer.find("\r\n\r\n") + 4);
      if (first_body.empty()) first_body = body;
      if (body != first_body) {
        std::fprintf(stderr, "echo_load: answer %lu on connection %zu is another one\n", each.sent - 1, index);
        std::exit(1);
      }
      each.answer.clear();
      return true;
    }
    fill(message, index, each.sent - 1);
    if (each.received + input.size() > bytes || message.compare(each.received, input.size(), input) != 0) {
      std::fprintf(stderr, "echo_load: message %lu of connection %zu comes back changed\n", each.sent - 1, index);
      std::exit(1);
    }
    each.received += input.size();
    return each.received == bytes;
  };
  std::vector<epoll_event> events(1024);
  std::string input(size_t{1} << 16, '\0');
  const auto run_until = [&](uint64_t end) {
    for (size_t i = 0; i < connection_count && sent < end; ++i) send_next(i);
    while (received < end) {
      const int ready = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 30'000);
      if (ready == 0) {
        std::fprintf(stderr, "echo_load: %lu messages of %lu are lost\n", end - received, end);
        std::exit(1);
      }
      for (int i = 0; i < ready; ++i) {
        const size_t index = events[static_cast<size_t>(i)].data.u64;
        Connection& each = connections[index];
        const ssize_t n = recv(each.descriptor, input.data(), input.size(), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (n <= 0) give_up("the server has closed a connection");
        if (!take(index, {input.data(), static_cast<size_t>(n)})) continue;
        ++received;
        latencies.push_back(std::chrono::duration<float, std::micro>(Clock::now() - each.sent_at).count());
        if (sent < end) send_next(index);
      }
    }
  };

  // A message on each connection, so that the server has accepted all of them.
  run_until(connection_count);
  sent = received = 0;
  latencies.clear();
  if (process != 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const double idle = process == 0 ? 0 : resident(process);
  const double time_before = process == 0 ? 0 : processor_time(process);
  const Clock::time_point start = Clock::now();
  run_until(message_count);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::ranges::sort(latencies);
  const auto at = [&](double part) {
    return latencies.empty() ? 0.0f : latencies[static_cast<size_t>(part * static_cast<double>(latencies.size() - 1))];
  };
  std::printf("%lu messages in %.2f s, %.0f us at the median, %.0f us at 99 %%\n", message_count, seconds, at(0.5),
              at(0.99));
  if (process != 0) {
    std::printf("the server: %.2f us of processor time per message, %.0f bytes per idle connection\n",
                (processor_time(process) - time_before) / static_cast<double>(message_count) * 1e6,
                (idle - empty) / static_cast<double>(connection_count));
  }
  return 0;
}
