// Terminals without blocking.
//
// A pipe that poll reports as ready takes PIPE_BUF bytes. A terminal promises a single one: its writer sleeps
// until all bytes are taken, which is never if nothing reads at its other end, and RWF_NOWAIT is refused. O_NONBLOCK
// belongs to the open file description, which other programs share, so it is never set there. But a terminal can be
// opened once more by its number: that makes a description of our own.
//
// Tested by tests/unit/gc/terminal_test.cc.
#pragma once

#include <cstddef>

namespace fble {

/// Opens the terminal behind the descriptor once more, so that reads and writes by the result do not block. Returns -1
/// if it is none, or if the system refuses. The caller closes the result. Safe in signal handlers.
int open_terminal_again(int descriptor);

/// Returns the number of bytes that the descriptor takes without blocking when poll reports that it is ready.
size_t ready_bytes(int descriptor);

}  // namespace fble
