// Files as natives use them: a descriptor with a buffer, and the standard
// streams, which the process shares.
//
// The effects are those of C's stdio as programs for the reference see them:
// input is read as it comes, output is written when flushed, when the buffer is
// full, and when the file is closed or the process ends; a terminal also sees
// each line at once. What differs: an output that cannot be written is not
// ignored. The first failure is remembered for the process (`output_failure`),
// ends the program at the native that noticed, and decides the exit status.
//
// Tested by tests/unit/std/file_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "gc/object.h"

namespace fble {

class File {
 public:
  enum class Direction : uint8_t { kRead, kWrite };

  /// Takes ownership of the descriptor unless it is a standard one. `name` is for messages.
  File(int descriptor, Direction direction, std::string name);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// Opens a file as fopen does for the modes r, w and a, each also with b. Null with errno set.
  static std::unique_ptr<File> open(const std::string& path, const std::string& mode);

  static File& standard_input();
  static File& standard_output();
  static File& standard_error();

  static constexpr int kEnd = -1;

  /// The next byte, or kEnd at the end of the file or if it cannot be read.
  int get_byte() {
    if (next_ != end_) return buffer_[next_++];
    return refill();
  }
  /// False when the output has failed, now or before.
  bool put_byte(uint8_t byte) {
    if (direction_ != Direction::kWrite) return true;  // as in C, no effect
    if (end_ == kBufferBytes && !flush()) return false;
    buffer_[end_++] = byte;
    return !(line_buffered_ && byte == '\n') || flush();
  }
  /// Makes the output visible to others. False when the output has failed, now or before.
  bool flush();

 private:
  static constexpr size_t kBufferBytes = size_t{1} << 16;

  int refill();

  const int descriptor_;
  const Direction direction_;
  bool line_buffered_ = false;
  bool at_end_ = false;
  bool failed_ = false;
  std::unique_ptr<uint8_t[]> buffer_;
  size_t next_ = 0;  ///< reading: first byte not yet handed out
  size_t end_ = 0;   ///< bytes in the buffer
  std::string name_;
};

/// Why an output of this process could not be written, such as "cannot write to
/// standard output: Broken pipe"; empty while all is well.
const std::string& output_failure();

/// Writes out the standard streams. Files that programs opened are written when
/// they are closed, at the latest with the heap that holds them.
void flush_standard_streams();

/// Prepares the process: a closed pipe becomes an error that is reported, and no
/// file that is opened later takes the place of a missing standard stream.
void prepare_standard_streams();

}  // namespace fble
