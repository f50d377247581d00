// Files of natives: a descriptor with a buffer, and the standard streams, which
// the process shares.
//
// The effects are those of C's stdio as programs for the reference see them: input
// is read when it arrives; output is written when it is flushed, when the buffer
// is full, and when the file is closed or the process ends; on a terminal also
// after each line. The program itself never sees a delay: before it opens, reads
// or examines a file, its output to other files is written (`flush_open_files`).
// One thing differs: an output that cannot be written is not ignored. The first
// failure is remembered for the process (`output_failure`), ends the program at
// the native that noticed it, and determines the exit status, unless the native
// returns it to the program instead (`claim_failure`).
//
// Tested by tests/unit/frontends/std/file_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "gc/log.h"
#include "interp/foreign.h"

namespace fble {

class File {
 public:
  enum class Direction : uint8_t { kRead, kWrite };

  /// Makes a file. Takes ownership of the descriptor unless it is a standard one. `name` is for messages.
  File(int descriptor, Direction direction, std::string name);
  /// Makes a file for one direction of a connection. It waits at most `patience_ms`, or
  /// without limit if that is negative. Only the program handles a peer that has closed
  /// the connection.
  static std::unique_ptr<File> of_connection(int descriptor, Direction direction, std::string name, int patience_ms);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// Opens a file as fopen does for the modes r, w, a and wx, each also with b. Returns null, with errno set, if that
  /// fails.
  static std::unique_ptr<File> open(const std::string& path, const std::string& mode);

  static File& standard_input();
  static File& standard_output();
  static File& standard_error();

  static constexpr int kEnd = -1;

  /// Reads the next byte. Returns kEnd at the end of the file or if it cannot be read.
  int get_byte() {
    if (next_ != end_) return buffer_[next_++];
    return refill();
  }
  /// Returns the same without consuming the byte.
  int peek_byte() {
    const int byte = get_byte();
    if (byte != kEnd) --next_;
    return byte;
  }
  /// Returns the available bytes. Waits only if there is none; returns none at the end.
  std::span<const uint8_t> peek_bytes() {
    if (peek_byte() == kEnd) return {};
    return {buffer_.get() + next_, end_ - next_};
  }
  /// Returns whether the next byte is available.
  bool has_bytes() const { return next_ != end_; }
  /// Skips `count` bytes. Requires that they are available.
  void skip_bytes(size_t count) { next_ += count; }

  /// Writes a byte. Returns false if the output has failed, now or before.
  bool put_byte(uint8_t byte) {
    if (direction_ != Direction::kWrite) return true;  // as in C, no effect
    if (end_ == kBufferBytes && !make_room()) return failure_.empty();
    buffer_[end_++] = byte;
    return !(line_buffered_ && byte == '\n') || flush();
  }
  /// Writes several bytes, likewise.
  bool put_bytes(std::span<const uint8_t> bytes);
  /// Writes the buffered output. Returns false if the output has failed, now or before. After an interrupt
  /// (`interrupt_requested`) it does not wait for the reader, and may leave a part in the buffer.
  bool flush();
  /// Does the same, interrupted or not, within the limits of the patience.
  bool write_out(const WritePatience& patience);
  /// Does the same if a reader may be waiting: not for files on disk.
  bool publish() { return !is_watched_ || flush(); }

  /// Ends the use of the file, unless it is a standard stream. Returns false if the output has failed, now or before.
  bool close();

  /// Returns why the input ended early or the output failed; empty without an error.
  const std::string& failure() const { return failure_; }
  /// Returns the same for the program, which handles the failure from then on.
  const std::string& claim_failure();

  /// Writes the buffer without checking the result and without waiting for long. Safe in a signal handler.
  void rescue() const;

 private:
  static constexpr size_t kBufferBytes = size_t{1} << 16;
  static constexpr int kClosed = -1;

  int refill();
  /// Writes until the buffer is no longer full. Returns false if the output has failed, or after an interrupt.
  bool make_room();
  bool wait_until_ready(short events) const;
  bool fail_output(int error);
  bool fail_output(const char* why);
  friend void flush_open_files();

  int descriptor_;
  const Direction direction_;
  bool line_buffered_ = false;
  bool is_watched_ = false;
  bool is_connection_ = false;
  int patience_ms_ = -1;
  bool at_end_ = false;
  volatile bool is_flushing_ = false;
  std::string failure_;
  std::unique_ptr<uint8_t[]> buffer_;
  size_t next_ = 0;  ///< reading: the first byte that is not consumed yet
  size_t end_ = 0;   ///< bytes in the buffer
  std::string name_;
  /// The list of all files that are open for writing, without the standard streams.
  static File* first_output;
  File* next_output_ = nullptr;
  File* previous_output_ = nullptr;
};

/// Flushes the files that programs have opened.
void flush_open_files();

/// Opens a file for a native, like File::open. Files close when they are no
/// longer referenced, so a collection finds those first if descriptors run out.
std::unique_ptr<File> open_or_collect(NativeCall& call, const std::string& path, const std::string& mode);

/// The handle on a file in a program. It does not own the standard streams.
class FileHandle final : public NativeResource {
 public:
  explicit FileHandle(File& file) : file(file) {}
  explicit FileHandle(std::unique_ptr<File> opened) : file(*opened), owned_(std::move(opened)) {}

  File& file;

 private:
  std::unique_ptr<File> owned_;
};

/// Returns the file of a handle; null, with an error, if the argument is none.
File* file_arg(NativeCall& call, uint32_t index);

/// Makes the result of a native that returns a standard stream.
Word standard_handle(NativeCall& call, File& file);

/// Returns why an output of this process could not be written, such as "cannot
/// write to standard output: Broken pipe"; empty without an error.
const std::string& output_failure();

/// The limits for waiting, in milliseconds: none, and that after the process was asked to end.
inline constexpr int kNoLimit = -1;
inline constexpr int kLastPatienceMs = 1000;

/// Flushes the standard streams. Files that programs opened are written when
/// they are closed, at the latest when their heap is destroyed.
void flush_standard_streams(int patience_ms = kNoLimit);

/// Does the same for standard output from a signal handler, before the process ends.
void rescue_standard_output();

/// Prepares the process: a closed pipe and a file that may not grow become reported errors, and no file
/// that is opened later gets the descriptor of a missing standard stream.
void prepare_standard_streams();

}  // namespace fble
