// Tested by tests/robustness/edges_test.cc.
#include "frontends/cli/ending.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <new>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "frontends/cli/messages.h"
#include "frontends/std/native/file.h"
#include "gc/log.h"
#include "interp/machine.h"

namespace fble {
namespace {

constexpr const char* kOutOfMemoryText = "out of memory: the system has none left";

StatusSet statuses_of_command = StatusSet::kProgram;

/// The machine that the next SIGINT asks to stop.
std::atomic<Machine*> interruptible{nullptr};

// A signal that arrives just before a system call does not interrupt it. So after the first SIGINT a timer repeats a
// signal, whose only effect is to interrupt system calls, until the run has ended.

constexpr long kRepeatNanoseconds = 20'000'000;
timer_t repeater;
bool has_repeater = false;

/// Starts or stops the signals.
void repeat_signals(bool on) {
  const timespec period{.tv_sec = 0, .tv_nsec = on ? kRepeatNanoseconds : 0};
  const itimerspec times{.it_interval = period, .it_value = period};
  if (has_repeater) timer_settime(repeater, 0, &times, nullptr);
}

/// Without the timer, the first SIGINT may come at the wrong time, and a second one is needed.
void prepare_repeater() {
  struct sigaction action{};
  action.sa_handler = [](int) {};
  sigaction(SIGRTMIN, &action, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGRTMIN;
  has_repeater = timer_create(CLOCK_MONOTONIC, &event, &repeater) == 0;
}

/// Writes a message from a signal handler, which must not wait for long.
void write_last_message(std::string_view text) { write_all(STDERR_FILENO, text, {.milliseconds = kLastPatienceMs}); }

extern "C" void on_interrupt(int) {
  const int saved_errno = errno;
  if (Machine* machine = interruptible.exchange(nullptr); machine != nullptr) {
    machine->request_interrupt();
    repeat_signals(true);
    errno = saved_errno;
    return;
  }
  rescue_standard_output();
  write_last_message("error: interrupted\n");
  _exit(exit_status(Status::kInterrupted, statuses_of_command));
}

/// The machine that SIGQUIT asks for its threads.
std::atomic<Machine*> shown{nullptr};

extern "C" void on_quit(int) {
  if (Machine* machine = shown.load(); machine != nullptr) machine->request_dump();
}

extern "C" void on_termination(int signal) {
  rescue_standard_output();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// Ends the process for lack of memory. Called by operator new, by the heap, and by libraries that cannot return the
/// error. The stack is not unwound: between here and main there may be machine code, and destructors that need memory.
[[noreturn]] void end_out_of_memory() {
  static std::atomic<bool> entered{false};
  if (!entered.exchange(true)) {
    flush_standard_streams();
    flush_open_files();
  }
  log_text("error: ");
  log_text(kOutOfMemoryText);
  log_text("\n");
  std::_Exit(exit_status(Status::kOutOfMemory, statuses_of_command));
}

[[noreturn]] void end_by_exception() {
  Status status = Status::kOtherError;
  try {
    if (const std::exception_ptr thrown = std::current_exception()) std::rethrow_exception(thrown);
    log_text("error: unexpected end\n");
  } catch (const std::exception& problem) {
    status = report_exception(problem);
  } catch (...) {
    log_text("error: unexpected exception\n");
  }
  std::_Exit(exit_status(status, statuses_of_command));
}

/// Installs the handler for the signal. Returns false, and does nothing, if the signal is ignored.
bool handle(int signal, void (*handler)(int)) {
  struct sigaction action{};
  sigaction(signal, nullptr, &action);
  if (action.sa_handler == SIG_IGN) return false;  // as for jobs in the background, or under nohup
  action = {};
  action.sa_handler = handler;
  sigaction(signal, &action, nullptr);
  return true;
}

bool handles_quit = false;

constexpr int kTerminations[] = {SIGTERM, SIGHUP, SIGXCPU};

}  // namespace

int exit_status(Status status, StatusSet set) {
  constexpr int kStatuses[][3] = {
#define FBLE_STATUS(Name, program, evaluation, tool) {program, evaluation, tool},
#include "frontends/cli/statuses.def"
#undef FBLE_STATUS
  };
  return kStatuses[static_cast<size_t>(status)][static_cast<size_t>(set)];
}

void prepare_endings(StatusSet statuses) {
  statuses_of_command = statuses;
  std::set_new_handler(end_out_of_memory);
  std::set_terminate(end_by_exception);
  prepare_repeater();
  handle(SIGINT, on_interrupt);
  for (const int signal : kTerminations) handle(signal, on_termination);
}

Status report_exception(const std::exception& problem) {
  // For the user, a container that cannot grow is the same, and so is a system call that fails for lack of memory.
  const auto* refused = dynamic_cast<const std::system_error*>(&problem);
  const bool out_of_memory = dynamic_cast<const std::bad_alloc*>(&problem) != nullptr ||
                             dynamic_cast<const std::length_error*>(&problem) != nullptr ||
                             (refused != nullptr && refused->code() == std::errc::not_enough_memory);
  print_error(out_of_memory ? kOutOfMemoryText : problem.what());
  return out_of_memory ? Status::kOutOfMemory : Status::kOtherError;
}

Status finish_output(Status status) {
  if (status == Status::kInterrupted) return status;
  flush_standard_streams();
  if (output_failure().empty()) return status;
  print_error(output_failure());
  return Status::kOtherError;
}

EndingDelay::EndingDelay() {
  sigset_t delayed;
  sigemptyset(&delayed);
  sigaddset(&delayed, SIGINT);
  for (const int signal : kTerminations) sigaddset(&delayed, signal);
  pthread_sigmask(SIG_BLOCK, &delayed, &before_);
}
EndingDelay::~EndingDelay() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

InterruptibleRun::InterruptibleRun(Machine& machine) {
  interruptible.store(&machine);
  shown.store(&machine);
  handles_quit = handle(SIGQUIT, on_quit);
}
InterruptibleRun::~InterruptibleRun() {
  interruptible.store(nullptr);
  shown.store(nullptr);
  if (handles_quit) std::signal(SIGQUIT, SIG_DFL);
  repeat_signals(false);
}

}  // namespace fble
