// Files of natives: a descriptor with a buffer, and the standard streams, which
// the process shares. Natives that use them while other threads could run do so by
// file_waiting.h; what waits here, waits in place.
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

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "frontends/std/native/descriptor.h"
#include "gc/log.h"
#include "interp/foreign.h"

namespace fble {

/// Buffers take memory only while they are in use, so that a connection that waits is small.
class File final : public Unfinished, public Lingering {
 public:
  enum class Direction : uint8_t { kRead, kWrite };

  /// Makes a file for one direction of a descriptor. It waits at most `patience_ms`, or without limit if that is
  /// negative. A closed connection is reported to the program and does not end it. `name` is for messages.
  File(std::shared_ptr<SharedDescriptor> descriptor, Direction direction, std::string name, int patience_ms = -1);
  ~File() override;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// Opens a file as fopen does for the modes r, w, a and wx, each also with b. Returns null, with errno set, if that
  /// fails.
  static std::unique_ptr<File> open(const std::string& path, const std::string& mode, IoDriver* io = nullptr);
  /// The flags for such a mode; nothing, with errno set, if there is no such mode or the system cannot name the file.
  static std::optional<int> open_flags(const std::string& path, const std::string& mode);
  /// Makes a file for a descriptor that was opened with the flags.
  static std::unique_ptr<File> of_opened(int descriptor, int flags, const std::string& path, IoDriver* io);
  /// Ends a file that nothing refers to any more, without waiting if other threads could run: what cannot be written
  /// yet is written later.
  static void finish(std::unique_ptr<File> file);

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
  /// Returns the bytes that are available, without waiting for any.
  std::span<const uint8_t> available() const { return {buffer_.get() + next_, end_ - next_}; }
  /// Returns whether no more bytes will be available.
  bool is_at_end() const { return at_end_ || direction_ != Direction::kRead; }
  /// Skips `count` bytes. Requires that they are available.
  void skip_bytes(size_t count) { next_ += count; }

  /// Writes a byte. Returns false if the output has failed, now or before.
  bool put_byte(uint8_t byte) {
    if (direction_ != Direction::kWrite) return true;  // as in C, no effect
    if (end_ == output_limit_ && !make_room()) return failure_.empty();
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
  /// Threads that wait for it learn that it is closed. Waits for readers as `flush` does, but after an interrupt not
  /// for long.
  bool close();
  /// Does the same, and waits at most `patience_ms` for readers. What is not written then is lost, which is a failure.
  bool close(int patience_ms);

  // Without waiting.

  enum class Fetched : uint8_t { kSome, kEnd, kMustWait };
  /// Gets more input behind what is available.
  Fetched try_fetch(IoDriver& io);
  /// Adds input that was read from `offset()`: its bytes, or an error number if `problem` is not 0. No bytes mean the
  /// end.
  void take_input(std::span<const uint8_t> bytes, int problem);
  int64_t offset() const { return offset_; }
  /// Ends the input early.
  void fail_input(int error);

  enum class Flushed : uint8_t { kAll, kFailed, kMustWait };
  /// Writes the buffered output as far as possible.
  Flushed try_flush();
  /// Returns the number of bytes to read at the offset: what is there, if that is known to be little.
  size_t bytes_to_read() const;
  /// Appends output, whatever room there is. Returns false if the output has failed, now or before.
  bool append(std::span<const uint8_t> bytes);
  /// Returns whether the buffered output must be written before more is added.
  bool is_full() const { return end_ >= kBufferBytes; }
  bool is_line_buffered() const { return line_buffered_; }
  /// Returns whether a reader may be waiting: not for files on disk.
  bool is_watched() const { return is_watched_; }
  /// Does what `publish` does, but what must wait is written when that is possible.
  void publish_soon(IoDriver& io);
  /// Continues with output that had to wait. May end the file.
  void write_later();
  bool fail_output(int error);

  // Turns of threads (file_waiting.h).

  /// The thread that others let finish; null if none is in the middle of something.
  VirtualThread* writer = nullptr;
  ThreadList next_writers;
  VirtualThread* reader = nullptr;
  ThreadList next_readers;
  /// The writer is done, and the next one takes its turn.
  void pass_on(Scheduler& scheduler);
  /// The reader is done; the others look again.
  void end_reading(Scheduler& scheduler);
  void abandon(Scheduler& scheduler, VirtualThread&) override { pass_on(scheduler); }

  void give_up() override { end_ = 0; }

  /// Null once it is closed.
  const std::shared_ptr<SharedDescriptor>& descriptor() const { return descriptor_; }
  int patience_ms() const { return patience_ms_; }
  static constexpr size_t kBufferBytes = size_t{1} << 16;

  /// Returns why the input ended early or the output failed; empty without an error.
  const std::string& failure() const { return failure_; }
  /// Returns whether there is such an error of the output.
  bool has_failed_output() const { return direction_ == Direction::kWrite && !failure_.empty(); }
  /// Returns the failure for the program, which handles the failure from then on.
  const std::string& claim_failure();

  /// Writes the buffer without checking the result and without waiting for long. Safe in a signal handler.
  void rescue() const;

 private:
  static constexpr size_t kLeastBytes = 1024;

  int refill();
  /// Makes room for a byte of output, if need be by flushing. Returns false if the output has failed, or after an
  /// interrupt.
  bool make_room();
  bool wait_until_ready(short events) const;
  bool fail_output(const char* why);
  bool begin_writing_later(IoDriver& io);
  void flush_for_others();
  void resize(size_t capacity);
  void make_input_room();
  void after_writing(size_t left);
  void note_output();
  void forget_output();
  int number() const { return descriptor_ == nullptr ? -1 : descriptor_->descriptor; }
  bool is_standard() const { return descriptor_ != nullptr && number() <= STDERR_FILENO; }
  bool is_connection() const { return descriptor_ != nullptr && descriptor_->is_connection(); }
  friend void flush_open_files();

  std::shared_ptr<SharedDescriptor> descriptor_;
  const Direction direction_;
  bool line_buffered_ = false;
  bool is_watched_ = false;
  int patience_ms_ = -1;
  bool at_end_ = false;
  bool has_output_ = false;       ///< it is in the list of files with output
  bool writes_later_ = false;     ///< continues when the descriptor is ready
  bool is_lingering_ = false;     ///< nothing refers to it but the driver
  bool reads_by_offset_ = false;  ///< the system's place in the file is not up to date
  volatile bool is_flushing_ = false;
  std::string failure_;
  std::unique_ptr<uint8_t[]> buffer_;
  size_t capacity_ = 0;
  size_t output_limit_ = 0;  ///< writing: bytes that fit before make_room has something to do
  size_t next_ = 0;          ///< reading: the first byte that is not consumed yet
  size_t end_ = 0;           ///< bytes in the buffer
  int64_t offset_ = 0;       ///< reading from a disk: where the next bytes are
  std::string name_;
  /// The list of all files with output that is not written, without the standard streams.
  static File* first_output;
  File* next_output_ = nullptr;
  File* previous_output_ = nullptr;
};

/// Flushes the files that programs have written to.
void flush_open_files();

/// The handle on a file in a program. It does not own the standard streams.
class FileHandle final : public NativeResource {
 public:
  explicit FileHandle(File& file) : file(file) {}
  explicit FileHandle(std::unique_ptr<File> opened) : file(*opened), owned_(std::move(opened)) {}
  ~FileHandle() override {
    if (owned_ != nullptr) File::finish(std::move(owned_));
  }

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
