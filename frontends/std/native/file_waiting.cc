#include "frontends/std/native/file_waiting.h"

#include <fcntl.h>
#include <liburing.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace fble {
namespace {

/// Opens a file, which is closed with it.
class OpenOperation final : public Operation {
 public:
  OpenOperation(std::string path, int flags) : path_(std::move(path)), flags_(flags) {}

  void work() override {
    const int descriptor = wait_in([&] { return open(path_.c_str(), flags_, kMode); });
    take_result(descriptor < 0 ? -errno : descriptor);
  }
  bool prepare(io_uring_sqe& entry) override {
    io_uring_prep_openat(&entry, AT_FDCWD, path_.c_str(), flags_, kMode);
    return true;
  }
  void take_result(int result) override {
    if (result < 0) {
      problem = -result;
    } else {
      descriptor = OwnedDescriptor(result);
    }
  }

  OwnedDescriptor descriptor;
  int problem = 0;

 private:
  static constexpr mode_t kMode = 0666;

  const std::string path_;
  const int flags_;
};

/// Reads from a disk.
class ReadOperation final : public Operation {
 public:
  ReadOperation(File& reading, int64_t offset)
      : file(&reading),
        descriptor_(reading.descriptor()),
        offset_(offset),
        size_(reading.bytes_to_read()),
        bytes_(new uint8_t[size_]) {}

  void work() override {
    const ssize_t count = wait_in([&] { return pread(descriptor_->descriptor, bytes_.get(), size_, offset_); });
    take_result(count < 0 ? -errno : static_cast<int>(count));
  }
  bool prepare(io_uring_sqe& entry) override {
    io_uring_prep_read(&entry, descriptor_->descriptor, bytes_.get(), static_cast<unsigned>(size_),
                       static_cast<uint64_t>(offset_));
    return true;
  }
  void take_result(int result) override { result_ = result; }
  void abandon(Scheduler& scheduler, VirtualThread& thread) override {
    file->end_reading(scheduler);
    Operation::abandon(scheduler, thread);
  }

  std::span<const uint8_t> bytes() const { return {bytes_.get(), static_cast<size_t>(std::max(result_, 0))}; }
  int problem() const { return result_ < 0 ? -result_ : 0; }

  File* file;  ///< used while the thread waits only

 private:
  const std::shared_ptr<SharedDescriptor> descriptor_;
  const int64_t offset_;
  const size_t size_;
  const std::unique_ptr<uint8_t[]> bytes_;
  int result_ = 0;
};

/// Opens a file if the system knows its name already. Returns -1, with EAGAIN in errno, if not.
int open_known(const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags);
  how.resolve = RESOLVE_CACHED;
  const auto result = static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how)));
  if (result < 0 && errno != ENOENT && errno != EACCES && errno != ENOTDIR && errno != EMFILE) errno = EAGAIN;
  return result;
}

/// Opens a file for a native, whose thread may have waited for that. Returns -1, with errno set, if that fails.
Waiting open_for(NativeCall& call, const std::string& path, int flags, OwnedDescriptor& descriptor) {
  std::unique_ptr<OpenOperation> operation = finished<OpenOperation>(call);
  if (operation == nullptr) {
    flush_open_files();
    // A file that is not there may have been made by an open that waits.
    IoDriver& io = io_of(call);
    if (io.must_share() && (flags & O_ACCMODE) == O_RDONLY && io.should_look(io.names)) {
      descriptor = OwnedDescriptor(open_known(path, flags));
      const bool is_known = descriptor.is_open() || errno != EAGAIN;
      io.names.note(is_known);
      if (is_known) return std::nullopt;
    }
    operation = std::make_unique<OpenOperation>(path, flags);
    if (const Waiting waiting = perform(call, operation)) return waiting;
  }
  descriptor = std::move(operation->descriptor);
  errno = operation->problem;
  return std::nullopt;
}

}  // namespace

Waiting open_or_wait(NativeCall& call, const std::string& path, const std::string& mode, std::unique_ptr<File>& file) {
  const std::optional<int> flags = File::open_flags(path, mode);
  if (!flags) return std::nullopt;
  OwnedDescriptor descriptor;
  if (const Waiting waiting = open_for(call, path, *flags, descriptor)) return waiting;
  if (!descriptor.is_open() && (errno == EMFILE || errno == ENFILE)) {
    call.collect_all();
    descriptor = OwnedDescriptor(wait_in([&] { return ::open(path.c_str(), *flags, 0666); }));
  }
  if (descriptor.is_open()) file = File::of_opened(descriptor.release(), *flags, path, &io_of(call));
  return std::nullopt;
}

// ---- reading ----------------------------------------------------------------

Waiting fetch(NativeCall& call, File& file) {
  if (const std::unique_ptr<ReadOperation> read = finished<ReadOperation>(call); read != nullptr) {
    file.end_reading(scheduler_of(call));
    file.take_input(read->bytes(), read->problem());
    return std::nullopt;
  }
  if (file.reader != nullptr) return wait_in_line(call, file.next_readers);
  const bool late = took_too_long(call);
  // What has come in time may be an event that is not taken yet.
  if (late && file.descriptor() != nullptr) file.descriptor()->note_input();
  if (file.try_fetch(io_of(call)) != File::Fetched::kMustWait) return std::nullopt;
  if (file.descriptor()->kind() == SharedDescriptor::Kind::kStored) {
    auto read = std::make_unique<ReadOperation>(file, file.offset());
    const Waiting waiting = perform(call, read);
    if (!waiting) file.take_input(read->bytes(), read->problem());
    if (waiting == kParked) file.reader = &thread_of(call);
    return waiting;
  }
  if (late) {
    file.fail_input(ETIMEDOUT);
    return std::nullopt;
  }
  return wait_for(call, *file.descriptor(), Readiness::kInput, file.patience_ms());
}

// ---- writing ----------------------------------------------------------------

void publish_output(NativeCall& call) {
  File& output = File::standard_output();
  IoDriver& io = io_of(call);
  if (io.must_share()) {
    output.publish_soon(io);
  } else {
    output.publish();
  }
}

OutputTurn::OutputTurn(NativeCall& call, File& file) : call_(call), file_(file), shares_(must_not_wait(call)) {
  VirtualThread& thread = thread_of(call);
  if (thread.unfinished != &file) return;
  thread.unfinished = nullptr;
  // The native has waited in `flush`, which says whether that took too long.
  is_held_ = must_flush_ = true;
}

OutputTurn::~OutputTurn() {
  if (is_held_) file_.pass_on(scheduler_of(call_));
}

Waiting OutputTurn::begin() {
  if (is_held_ || file_.writer == nullptr) return std::nullopt;
  return wait_in_line(call_, file_.next_writers);
}

Waiting OutputTurn::make_room() {
  if (const Waiting waiting = begin()) return waiting;
  return must_flush_ || (shares_ && file_.is_full()) ? flush() : std::nullopt;
}

bool OutputTurn::put_byte(uint8_t byte) {
  if (!shares_ || !file_.is_line_buffered()) return file_.put_byte(byte);
  if (!file_.append({&byte, 1})) return false;
  if (byte == '\n') file_.publish_soon(io_of(call_));
  return file_.failure().empty();
}

bool OutputTurn::put(std::span<const uint8_t> bytes) {
  if (!shares_) return file_.put_bytes(bytes);
  const bool ends_line = file_.is_line_buffered() && std::ranges::find(bytes, '\n') != bytes.end();
  const bool ok = file_.append(bytes);
  must_flush_ = must_flush_ || ends_line || file_.is_full();
  return ok;
}

Waiting OutputTurn::flush() {
  if (const Waiting waiting = begin()) return waiting;
  if (!shares_) {
    file_.flush();
    return std::nullopt;
  }
  for (;;) {
    const bool late = took_too_long(call_);
    if (file_.try_flush() != File::Flushed::kMustWait) break;
    if (late) {
      file_.fail_output(ETIMEDOUT);
      break;
    }
    const Waiting waiting = wait_for(call_, *file_.descriptor(), Readiness::kOutput, file_.patience_ms());
    if (!waiting) continue;
    if (waiting == kParked) {
      VirtualThread& thread = thread_of(call_);
      file_.writer = &thread;
      thread.unfinished = &file_;
      is_held_ = false;
    }
    return waiting;
  }
  must_flush_ = false;
  return std::nullopt;
}

}  // namespace fble
