// How the process ends: by its command's return, by a signal, or because memory has run out.
// Tested by tests/robustness/edges_test.cc.
#pragma once

#include <csignal>
#include <exception>

#include "frontends/cli/cli.h"

namespace fble {

/// Prepares all ways to end of a command with these statuses:
///
/// - SIGINT makes the machine's run fail where it is, if there is one (`InterruptibleRun`), and signals interrupt what
///   it waits for until it has ended. Otherwise, and the second time, it ends the process with a message and the status
///   of kInterrupted. SIGTERM, SIGHUP and SIGXCPU end it as they always do. All of these first flush what the program
///   or tool has written so far. A signal that was ignored when the process started stays ignored.
/// - An allocation that fails ends the process with a message and the status of kOutOfMemory, wherever it happens.
///   The files of the program are flushed.
/// - An exception that is not caught ends it with its message and the status of kOtherError.
void prepare_endings(StatusSet statuses);

/// Prints the message of an exception, and returns its status.
Status report_exception(const std::exception& problem);

/// Flushes the output. An output that could not be written is reported and turns any other ending into an error;
/// but an interrupted command stays interrupted, as it does not wait for readers.
Status finish_output(Status status);

/// While it exists, the signals that prepare_endings handles wait.
class EndingDelay {
 public:
  EndingDelay();
  ~EndingDelay();
  EndingDelay(const EndingDelay&) = delete;

 private:
  sigset_t before_;
};

class Machine;

/// A run that SIGINT can stop: while it exists, the first SIGINT makes the machine's run fail where it is, with its
/// stack trace.
class InterruptibleRun {
 public:
  explicit InterruptibleRun(Machine& machine);
  ~InterruptibleRun();
  InterruptibleRun(const InterruptibleRun&) = delete;
};

}  // namespace fble
