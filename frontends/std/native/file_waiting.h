// Files that threads share: natives wait for them so that other threads run meanwhile.
//
// What a native needs is in the file's buffer before it consumes any of it, and grows there if need be. Input that is
// on a disk is read by one thread at a time, so each byte is read once. Output of one native is not mixed with that of
// another: a thread that has to wait in the middle keeps its turn, and others come after it in order.
//
// A program without other threads waits in place, with the same results.
//
// Tested by tests/std/Threads in all modes.
#pragma once

#include "frontends/std/native/file.h"
#include "frontends/std/native/waiting.h"

namespace fble {

/// Opens a file like File::open: null, with errno set, if that fails. Files close when they are no longer referenced,
/// so a collection finds those first if descriptors run out.
Waiting open_or_wait(NativeCall& call, const std::string& path, const std::string& mode, std::unique_ptr<File>& file);

/// Waits until `is_enough()` or the end of the input; it is asked whenever there are more bytes. When no other thread
/// could run, returns without waiting: then the native waits in place.
template <typename IsEnough>
Waiting wait_for_input(NativeCall& call, File& file, IsEnough&& is_enough);

/// Waits for a byte in this way.
inline Waiting wait_for_byte(NativeCall& call, File& file);

/// Returns whether natives must not wait in place, or have not now.
inline bool must_not_wait(NativeCall& call) {
  const VirtualThread& thread = thread_of(call);
  return thread.unfinished != nullptr || thread.timed_out || io_of(call).must_share();
}

/// Gets more input, or has reached the end of it, unless the native must wait. Requires: must_not_wait.
Waiting fetch(NativeCall& call, File& file);

/// Publishes what is in the buffer of standard output. What must wait there while other threads could run is written
/// when that is possible.
void publish_output(NativeCall& call);

/// What one native does to write to a file.
class OutputTurn {
 public:
  OutputTurn(NativeCall& call, File& file);
  ~OutputTurn();
  OutputTurn(const OutputTurn&) = delete;

  /// Waits until no other thread is in the middle of writing. The others wait for it themselves.
  Waiting begin();
  /// Waits until there is room.
  Waiting make_room();
  /// Writes what there is room for. Requires: make_room. Returns false if the output has failed, now or before.
  bool put_byte(uint8_t byte);
  /// Writes several bytes. Returns false likewise. Afterwards, the native waits for `flush` if it `must_flush`.
  bool put(std::span<const uint8_t> bytes);
  bool must_flush() const { return must_flush_; }
  /// Writes the buffered output; whether it has failed is the file's `failure`.
  Waiting flush();

 private:
  NativeCall& call_;
  File& file_;
  const bool shares_;
  bool is_held_ = false;
  bool must_flush_ = false;
};

inline Waiting wait_for_byte(NativeCall& call, File& file) {
  // A thread that has begun to read a file from a disk has found no bytes, and others wait until it is done. So none
  // are there, and what it has begun is not forgotten.
  if (file.has_bytes()) return std::nullopt;
  return wait_for_input(call, file, [&] { return file.has_bytes(); });
}

template <typename IsEnough>
Waiting wait_for_input(NativeCall& call, File& file, IsEnough&& is_enough) {
  if (!must_not_wait(call)) return std::nullopt;
  while (!is_enough() && !file.is_at_end()) {
    if (const Waiting waiting = fetch(call, file)) return waiting;
  }
  return std::nullopt;
}

}  // namespace fble
