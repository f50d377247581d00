// Files as natives use them: a descriptor with a buffer, and the standard
// streams, which the process shares.
//
// The effects are those of C's stdio as programs for the reference see them:
// input is read as it comes, output is written when flushed, when the buffer is
// full, and when the file is closed or the process ends; a terminal also sees
// each line at once. The program itself never sees a delay: before it opens, reads
// or looks at a file, what it has written to others is there (`flush_open_files`).
// What differs: an output that cannot be written is not
// ignored. The first failure is remembered for the process (`output_failure`),
// ends the program at the native that noticed, and decides the exit status,
// unless the native tells the program instead (`claim_failure`).
//
// Tested by tests/unit/std/file_test.cc.
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

  /// Takes ownership of the descriptor unless it is a standard one. `name` is for messages.
  File(int descriptor, Direction direction, std::string name);
  /// One direction of a connection. Waits at most `patience_ms`, or as long as it takes if
  /// that is negative. A peer who has gone is the business of the program alone.
  static std::unique_ptr<File> of_connection(int descriptor, Direction direction, std::string name, int patience_ms);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// Opens a file as fopen does for the modes r, w, a and wx, each also with b. Null with errno set.
  static std::unique_ptr<File> open(const std::string& path, const std::string& mode);

  static File& standard_input();
  static File& standard_output();
  static File& standard_error();

  static constexpr int kEnd = -1;

  /// False when nothing can be written to it.
  bool is_output() const { return direction_ == Direction::kWrite; }

  /// The next byte, or kEnd at the end of the file or if it cannot be read.
  int get_byte() {
    if (next_ != end_) return buffer_[next_++];
    return refill();
  }
  /// The same, but the byte stays there.
  int peek_byte() {
    const int byte = get_byte();
    if (byte != kEnd) --next_;
    return byte;
  }
  /// All bytes that are there without waiting for more than one; none at the end.
  std::span<const uint8_t> peek_bytes() {
    if (peek_byte() == kEnd) return {};
    return {buffer_.get() + next_, end_ - next_};
  }
  /// True if the next byte is there already.
  bool has_bytes() const { return next_ != end_; }
  /// Requires: so many are there.
  void skip_bytes(size_t count) { next_ += count; }

  /// False when the output has failed, now or before.
  bool put_byte(uint8_t byte) {
    if (direction_ != Direction::kWrite) return true;  // as in C, no effect
    if (end_ == kBufferBytes && !make_room()) return failure_.empty();
    buffer_[end_++] = byte;
    return !(line_buffered_ && byte == '\n') || flush();
  }
  /// The same for many.
  bool put_bytes(std::span<const uint8_t> bytes);
  /// Makes the output visible to others. False when the output has failed, now or before. After an interrupt
  /// (`interrupt_requested`) it does not wait for the reader, and may leave some of it in the buffer.
  bool flush();
  /// The same, interrupted or not, as far as the patience goes.
  bool write_out(const WritePatience& patience);
  /// The same if somebody may be waiting for it: not for files on disk.
  bool publish() { return !is_watched_ || flush(); }

  /// Ends the use of the file, unless it is a standard stream. False when the output has failed, now or before.
  bool close();

  /// Why the input ended early or the output failed; empty while all is well.
  const std::string& failure() const { return failure_; }
  /// The same to be told to the program, whose business it is from then on.
  const std::string& claim_failure();

  /// Writes what is in the buffer, without looking at the outcome and without waiting for long; safe in a signal
  /// handler.
  void rescue() const;

 private:
  static constexpr size_t kBufferBytes = size_t{1} << 16;
  static constexpr int kClosed = -1;

  int refill();
  /// Writes until the buffer is not full any more. False when the output has failed, or for an interrupt.
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
  size_t next_ = 0;  ///< reading: first byte not yet handed out
  size_t end_ = 0;   ///< bytes in the buffer
  std::string name_;
  /// All files that are open for writing, but for the standard streams.
  static File* first_output;
  File* next_output_ = nullptr;
  File* previous_output_ = nullptr;
};

/// Writes out the files that programs have opened.
void flush_open_files();

/// File::open for a native. Files close when nothing refers to them any more, so
/// when descriptors run out those are found first.
std::unique_ptr<File> open_or_collect(NativeCall& call, const std::string& path, const std::string& mode);

/// Handle on a file, as programs hold it. The standard streams are not owned.
class FileHandle final : public NativeResource {
 public:
  explicit FileHandle(File& file) : file(file) {}
  explicit FileHandle(std::unique_ptr<File> opened) : file(*opened), owned_(std::move(opened)) {}

  File& file;

 private:
  std::unique_ptr<File> owned_;
};

/// The file of a handle; null, with an error, when the argument is none.
File* file_arg(NativeCall& call, uint32_t index);

/// What a native returns that gives out a standard stream.
Word standard_handle(NativeCall& call, File& file);

/// Why an output of this process could not be written, such as "cannot write to
/// standard output: Broken pipe"; empty while all is well.
const std::string& output_failure();

/// Waiting without a limit, and what there is time for when the process has been asked to end.
inline constexpr int kNoLimit = -1;
inline constexpr int kLastPatienceMs = 1000;

/// Writes out the standard streams. Files that programs opened are written when
/// they are closed, at the latest with the heap that holds them.
void flush_standard_streams(int patience_ms = kNoLimit);

/// The same for standard output from a signal handler, before the process ends.
void rescue_standard_output();

/// Prepares the process: a closed pipe and a file that may not grow become errors that are reported, and no
/// file that is opened later takes the place of a missing standard stream.
void prepare_standard_streams();

}  // namespace fble
