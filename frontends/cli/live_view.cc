#include "frontends/cli/live_view.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "frontends/profile/profile_formats.h"
#include "gc/log.h"
#include "gc/without_signals.h"

namespace fble {

namespace {

constexpr std::chrono::milliseconds kTimeBetween{500};
/// Drawing takes at most this part of the time.
constexpr int kLeastDistance = 10;

// Control sequences of terminals (ECMA-48; the other screen is xterm's).
constexpr std::string_view kEnterOtherScreen = "\x1b[?1049h";
constexpr std::string_view kLeaveOtherScreen = "\x1b[?1049l";
constexpr std::string_view kClear = "\x1b[H\x1b[2J";

}  // namespace

LiveView::LiveView(Sampler& sampler, uint64_t period_ns, uint64_t check_ns)
    : sampler_(sampler), period_ns_(period_ns), check_ns_(check_ns), is_terminal_(isatty(STDERR_FILENO) != 0) {
  if (is_terminal_) log_text(kEnterOtherScreen);
  // Signals to the process are left to the thread that runs the program.
  const WithoutSignals without;
  thread_ = std::thread([this] { draw_until_end(); });
}

LiveView::~LiveView() {
  {
    const std::lock_guard<std::mutex> hold(lock_);
    is_ended_ = true;
  }
  ends_.notify_one();
  thread_.join();
  if (is_terminal_) log_text(kLeaveOtherScreen);
}

void LiveView::draw_until_end() {
  using Clock = std::chrono::steady_clock;
  Clock::duration wait = kTimeBetween;
  std::unique_lock<std::mutex> hold(lock_);
  while (!ends_.wait_for(hold, wait, [this] { return is_ended_; })) {
    hold.unlock();
    const Clock::time_point start = Clock::now();
    draw();
    wait = std::max<Clock::duration>(kTimeBetween, kLeastDistance * (Clock::now() - start));
    hold.lock();
  }
}

void LiveView::draw() {
  CallTree tree;
  sampler_.look(
      [&](const SampleTable& table, uint64_t broken) { tree = make_call_tree(table, period_ns_, broken, check_ns_); });
  winsize size{};
  const bool is_known = is_terminal_ && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row != 0;
  constexpr size_t kRows = 24;
  constexpr size_t kColumns = 80;
  // A newline after the last row would scroll the screen.
  const std::string picture = live_picture(tree, is_known ? size.ws_row - 1 : kRows, is_known ? size.ws_col : kColumns);
  log_text(is_terminal_ ? std::string(kClear) + picture : picture + "\n");
}

}  // namespace fble
