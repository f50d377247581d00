// Descriptors of files and connections, and what reading and writing them without waiting is like.
//
// Tested by tests/unit/frontends/std/file_test.cc and tests/std/Threads.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "interp/io_driver.h"

struct iovec;

namespace fble {

/// A number of the system that is closed with its owner.
class OwnedDescriptor {
 public:
  explicit OwnedDescriptor(int number = -1) : number_(number) {}
  OwnedDescriptor(OwnedDescriptor&& other) noexcept : number_(other.release()) {}
  OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~OwnedDescriptor();

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }
  /// Releases the descriptor, which stays open: the caller closes it.
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

class File;

/// A descriptor that the two directions of a connection share, and operations under way. It is closed with the last of
/// them, unless it is a standard stream.
class SharedDescriptor final : public Watch {
 public:
  enum class Kind : uint8_t {
    kUnknown,     ///< not asked yet
    kConnection,  ///< never blocks
    kStream,      ///< can block, and be watched: a pipe, a terminal
    kStored,      ///< on a disk: read where `offset` says
    kInPlace,     ///< can neither be watched nor read elsewhere: devices, folders, standard input from a file
  };

  /// `io` is null for standard streams, which belong to no machine.
  SharedDescriptor(int number, IoDriver* io, Kind kind) : Watch(number), io_(io), kind_(kind) {}
  ~SharedDescriptor() override { close(); }

  bool is_connection() const { return kind_ == Kind::kConnection; }
  Kind kind();
  /// Returns the size in bytes that a file on a disk had when its kind was asked for; 0 if it is not known.
  int64_t size() const { return size_; }
  IoDriver* io() const { return io_; }
  /// Closes it, unless it is a standard stream. Returns 0 or an errno value.
  int close();

  // Without waiting. Fails with EAGAIN if that is impossible.

  /// Reads as read(2) does.
  ssize_t try_read(uint8_t* bytes, size_t size, int64_t offset);
  /// Writes and takes what is written from the front. Returns 0, or an errno value if some are left.
  int try_write(std::string_view& bytes);

  void ready(Scheduler& scheduler, bool readable, bool writable) override;

  File* output = nullptr;  ///< that writes to it, if there is one

 private:
  bool is_ready(short events) const;
  bool opens_again();
  ssize_t try_receive(uint8_t* bytes, size_t size);
  ssize_t try_write_some(std::string_view bytes);

  IoDriver* const io_;
  Kind kind_;
  bool has_opened_again_ = false;
  OwnedDescriptor again_;  ///< of a terminal, for calls that must not block
  int64_t size_ = 0;
};

}  // namespace fble
