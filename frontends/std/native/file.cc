// Tested by tests/unit/std/file_test.cc.
#include "frontends/std/native/file.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

// What the process shares is never destroyed: handles on it may outlive main.
std::string& failure_text() {
  static std::string& text = *new std::string;
  return text;
}

/// Waits until a descriptor that does not block by itself is ready again.
void wait_until_ready(int descriptor, short events) {
  pollfd entry{.fd = descriptor, .events = events, .revents = 0};
  poll(&entry, 1, -1);
}

/// Handle on a file, as programs hold it. The standard streams are not owned.
class FileHandle final : public NativeResource {
 public:
  explicit FileHandle(File& file) : file(file) {}
  explicit FileHandle(std::unique_ptr<File> opened) : file(*opened), owned_(std::move(opened)) {}

  File& file;

 private:
  std::unique_ptr<File> owned_;
};

/// The file of a handle; null when the word is none.
File* file_of(Word word) {
  FileHandle* handle = handle_resource<FileHandle>(word);
  return handle == nullptr ? nullptr : &handle->file;
}

Word fail_output(NativeCall& call) { return call.fail(output_failure()); }

Word standard_handle(NativeCall& call, File& file) {
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  return call.make_native(std::make_unique<FileHandle>(file));
}

Word get_stdin(NativeCall& call) { return standard_handle(call, File::standard_input()); }
Word get_stdout(NativeCall& call) { return standard_handle(call, File::standard_output()); }
Word get_stderr(NativeCall& call) { return standard_handle(call, File::standard_error()); }

Word open_file(NativeCall& call) {
  const Read<std::string> path = read_string(call.arg(0), call.int_form());
  if (path.error != ReadError::kNone) return fail_read(call, path.error, "file path");
  const Read<std::string> mode = read_string(call.arg(1), call.int_form());
  if (mode.error != ReadError::kNone) return fail_read(call, mode.error, "file mode");
  // The system cannot name such a file.
  if (path.value.find('\0') != std::string::npos) return nothing_word();

  std::unique_ptr<File> file = File::open(path.value, mode.value);
  if (file == nullptr && (errno == EMFILE || errno == ENFILE)) {
    // Files are closed when nothing refers to them any more: find those.
    call.collect_all();
    file = File::open(path.value, mode.value);
  }
  if (file == nullptr) return nothing_word();
  if (!call.reserve(2 * object_words(1))) return kOutOfMemory;
  return call.make_union(0, 2, call.make_native(std::make_unique<FileHandle>(std::move(file))));
}

/// All that GetByte can return: just 0, just 1 ... just 255.
struct JustBytes {
  Word words[256];
  explicit JustBytes(IntForm form) {
    // The int of a byte looks like the character's.
    for (uint32_t byte = 0; byte < 256; ++byte) words[byte] = pack_union(char_word(byte, form), tag_width(2), 0);
  }
};
const JustBytes kJustBytes[] = {JustBytes(IntForm::kUnions), JustBytes(IntForm::kMachine)};

Word get_byte(NativeCall& call) {
  File* file = file_of(call.arg(0));
  if (file == nullptr) return fail_handle(call, call.arg(0), "file");
  const int byte = file->get_byte();
  return byte == File::kEnd ? nothing_word() : kJustBytes[static_cast<size_t>(call.int_form())].words[byte];
}

Word put_byte(NativeCall& call) {
  File* file = file_of(call.arg(0));
  if (file == nullptr) return fail_handle(call, call.arg(0), "file");
  const Read<IntValue> byte = read_int(call.arg(1), call.int_form());
  if (byte.error != ReadError::kNone) return fail_read(call, byte.error, "byte");
  return file->put_byte(byte.value.low_byte()) ? kUnitWord : fail_output(call);
}

Word flush(NativeCall& call) {
  File* file = file_of(call.arg(0));
  if (file == nullptr) return fail_handle(call, call.arg(0), "file");
  return file->flush() ? kUnitWord : fail_output(call);
}

constexpr const char* kBinary = "/Std/Io/File/Binary%";
constexpr NativeRow kRows[] = {
    {kBinary, "GetStdin", 1, NativeEffect::kReadsWorld, get_stdin},
    {kBinary, "GetStdout", 1, NativeEffect::kReadsWorld, get_stdout},
    {kBinary, "GetStderr", 1, NativeEffect::kReadsWorld, get_stderr},
    {kBinary, "Open", 3, NativeEffect::kWritesWorld, open_file},
    {kBinary, "GetByte", 2, NativeEffect::kMayBlock, get_byte},
    {kBinary, "PutByte", 3, NativeEffect::kWritesWorld, put_byte},
    {kBinary, "Flush", 2, NativeEffect::kWritesWorld, flush},
};

}  // namespace

File::File(int descriptor, Direction direction, std::string name)
    : descriptor_(descriptor),
      direction_(direction),
      line_buffered_(direction == Direction::kWrite && isatty(descriptor) != 0),
      buffer_(new uint8_t[kBufferBytes]),
      name_(std::move(name)) {}

File::~File() {
  if (direction_ == Direction::kWrite) flush();
  if (descriptor_ <= STDERR_FILENO) return;
  if (close(descriptor_) != 0 && errno != EINTR && direction_ == Direction::kWrite && output_failure().empty()) {
    failure_text() = "cannot write to " + name_ + ": " + std::strerror(errno);
  }
}

std::unique_ptr<File> File::open(const std::string& path, const std::string& mode) {
  int flags = O_CLOEXEC;
  if (mode == "r" || mode == "rb") {
    flags |= O_RDONLY;
  } else if (mode == "w" || mode == "wb") {
    flags |= O_WRONLY | O_CREAT | O_TRUNC;
  } else if (mode == "a" || mode == "ab") {
    flags |= O_WRONLY | O_CREAT | O_APPEND;
  } else {
    errno = EINVAL;
    return nullptr;
  }
  int descriptor;
  do {
    descriptor = ::open(path.c_str(), flags, 0666);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return nullptr;
  const Direction direction = (flags & O_ACCMODE) == O_RDONLY ? Direction::kRead : Direction::kWrite;
  return std::make_unique<File>(descriptor, direction, "'" + path + "'");
}

File& File::standard_input() {
  static File& file = *new File(STDIN_FILENO, Direction::kRead, "standard input");
  return file;
}
File& File::standard_output() {
  static File& file = *new File(STDOUT_FILENO, Direction::kWrite, "standard output");
  return file;
}
File& File::standard_error() {
  static File& file = *new File(STDERR_FILENO, Direction::kWrite, "standard error");
  return file;
}

int File::refill() {
  if (direction_ != Direction::kRead || at_end_) return kEnd;
  for (;;) {
    const ssize_t count = read(descriptor_, buffer_.get(), kBufferBytes);
    if (count > 0) {
      end_ = static_cast<size_t>(count);
      next_ = 1;
      return buffer_[0];
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      wait_until_ready(descriptor_, POLLIN);
      continue;
    }
    at_end_ = true;
    return kEnd;
  }
}

bool File::flush() {
  if (direction_ != Direction::kWrite) return true;
  if (failed_) return false;
  for (size_t written = 0; written < end_;) {
    const ssize_t count = write(descriptor_, buffer_.get() + written, end_ - written);
    if (count >= 0) {
      written += static_cast<size_t>(count);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_until_ready(descriptor_, POLLOUT);
    } else if (errno != EINTR) {
      failed_ = true;
      if (failure_text().empty()) failure_text() = "cannot write to " + name_ + ": " + std::strerror(errno);
      end_ = 0;
      return false;
    }
  }
  end_ = 0;
  return true;
}

const std::string& output_failure() { return failure_text(); }

void flush_standard_streams() {
  File::standard_output().flush();
  File::standard_error().flush();
}

void prepare_standard_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    // Opened the wrong way round, so that using it is still an error.
    if (fcntl(descriptor, F_GETFD) < 0) ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

std::span<const NativeRow> file_natives() { return kRows; }

}  // namespace fble
