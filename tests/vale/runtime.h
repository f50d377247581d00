// What the variants do differently: how nodes are searched at the same time, and how a search waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "tests/vale/node.h"
#include "tests/vale/operation.h"

namespace vale {

/// Searches that run at the same time, and what they have come to. The runtime guards it.
struct Join {
  Tally tally;
  int64_t running = 0;
  Operation* waiting = nullptr;  ///< for the end of the last of them; null: nothing waits
};

/// Alike in all variants.
struct Limits {
  int64_t searches = 1;  ///< that run at the same time, the first one included
  int64_t files = 1;     ///< that are open at the same time
  size_t stack = 0;      ///< bytes for the stack of an OS thread; 0: what the system gives
};

/// Its functions are called where libc has room: from the stacks of OS threads, which carriers are, too. A runtime is
/// never destroyed, as OS threads that are about to end may still use it.
class Runtime {
 public:
  virtual ~Runtime() = default;

  /// Searches a node and all that is below.
  virtual Tally run(Node& root, Context& context) = 0;
  /// Begins a search beside the caller's, and notes it in `join`. False if enough run: then the caller does it itself.
  virtual bool fork(Node& node, Context& context, Join& join) = 0;
  /// Closes a file that an operation opened.
  virtual void close(int descriptor) = 0;
  /// Does an operation while the OS thread waits.
  virtual void perform(Operation& operation) = 0;
  /// Has `when_all_read` called when `count` reads are under way.
  virtual void expect_reads(int64_t count) = 0;

  std::function<void(int64_t count)> when_all_read;
};

/// The one that runs. Set before anything is searched.
extern Runtime* runtime;

/// T: OS threads that run searches as they are.
Runtime& make_os_threads(const Limits& limits);
/// V1: OS threads as carriers of a virtual thread each, whose stacks have the computed sizes.
Runtime& make_carriers(const Limits& limits);
/// V2: virtual threads of one carrier, which wait by io_uring.
Runtime& make_virtual_threads(const Limits& limits);
/// A: coroutines, which wait by io_uring.
Runtime& make_coroutines(const Limits& limits);

}  // namespace vale
