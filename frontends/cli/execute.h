// Running compiled modules: a machine set up by the options, and its errors told.
#pragma once

#include "frontends/cli/cli.h"
#include "interp/machine.h"

namespace fble {

/// The machine options that the command line asks for.
MachineOptions machine_options(const Options& options);

/// Tells why the machine stopped, after the program's own output.
Status report_run_error(const Machine& machine);

/// For --stats.
void print_stats(const Machine& machine);

/// Writes out what the program left in buffers, to be called when the machine is
/// gone. An output that failed turns success into an error.
Status finish_output(Status status);

/// From here on SIGINT ends the process with a message and kInterruptedStatus,
/// and SIGTERM as it does, both after what the program has written so far.
void stop_on_interrupt();

}  // namespace fble
