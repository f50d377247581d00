// Tested by tests/unit/frontends/std/file_test.cc.
#include "frontends/std/native/file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "frontends/std/native/values.h"
#include "frontends/std/native/waiting.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

// The shared streams of the process are never destroyed: handles on them may outlive main.
File* standard_output_file = nullptr;  ///< null until its first use, like the next
File* standard_error_file = nullptr;

std::string& failure_text() {
  static std::string& text = *new std::string;
  return text;
}

/// Returns true for terminals, pipes and sockets, which may have a waiting reader.
bool has_reader(int descriptor) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0) return false;
  return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || isatty(descriptor) != 0;
}

Word fail_output(NativeCall& call) { return call.fail_output(output_failure()); }

Word get_stdin(NativeCall& call) { return standard_handle(call, File::standard_input()); }
Word get_stdout(NativeCall& call) { return standard_handle(call, File::standard_output()); }
Word get_stderr(NativeCall& call) { return standard_handle(call, File::standard_error()); }

Word open_file(NativeCall& call) {
  const Read<std::string> path = read_string(call.arg(0), call.int_form());
  if (path.error != ReadError::kNone) return fail_read(call, path.error, "file path");
  const Read<std::string> mode = read_string(call.arg(1), call.int_form());
  if (mode.error != ReadError::kNone) return fail_read(call, mode.error, "file mode");
  std::unique_ptr<File> file = open_or_collect(call, path.value, mode.value);
  if (file == nullptr) return nothing_word();
  if (!call.reserve(2 * object_words(1))) return kOutOfMemory;
  return call.make_union(0, 2, call.make_native(std::make_unique<FileHandle>(std::move(file))));
}

/// The results of GetByte: just 0, just 1 ... just 255.
struct JustBytes {
  Word words[256];
  explicit JustBytes(IntForm form) {
    // The word of a byte as Int@ is the same as that of the character.
    for (uint32_t byte = 0; byte < 256; ++byte) words[byte] = pack_union(char_word(byte, form), tag_width(2), 0);
  }
};
const JustBytes kJustBytes[] = {JustBytes(IntForm::kUnions), JustBytes(IntForm::kMachine)};

Word get_byte(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  const int byte = file->get_byte();
  return byte == File::kEnd ? nothing_word() : kJustBytes[static_cast<size_t>(call.int_form())].words[byte];
}

Word put_byte(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  const Read<IntValue> byte = read_int(call.arg(1), call.int_form());
  if (byte.error != ReadError::kNone) return fail_read(call, byte.error, "byte");
  return file->put_byte(byte.value.low_byte()) ? kUnitWord : fail_output(call);
}

Word flush(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
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
      is_watched_(direction == Direction::kWrite && has_reader(descriptor)),
      buffer_(new uint8_t[kBufferBytes]),
      name_(std::move(name)) {
  if (direction != Direction::kWrite || descriptor <= STDERR_FILENO) return;
  next_output_ = first_output;
  if (next_output_ != nullptr) next_output_->previous_output_ = this;
  first_output = this;
}

File::~File() {
  close();
  if (next_output_ != nullptr) next_output_->previous_output_ = previous_output_;
  if (previous_output_ != nullptr) previous_output_->next_output_ = next_output_;
  if (first_output == this) first_output = next_output_;
}

File* File::first_output = nullptr;

void flush_open_files() {
  for (File* file = File::first_output; file != nullptr; file = file->next_output_) file->flush();
}

std::unique_ptr<File> File::of_connection(int descriptor, Direction direction, std::string name, int patience_ms) {
  auto file = std::make_unique<File>(descriptor, direction, std::move(name));
  file->is_connection_ = true;
  file->patience_ms_ = patience_ms;
  return file;
}

bool File::close() {
  // After an interrupt little time is left for readers.
  const int patience_ms = interrupt_requested() ? kLastPatienceMs : patience_ms_;
  bool ok = write_out({.milliseconds = patience_ms, .give_up = interrupt_requested});
  if (descriptor_ <= STDERR_FILENO) return ok;
  // The other direction has a descriptor of its own, and may continue.
  if (is_connection_ && direction_ == Direction::kWrite) shutdown(descriptor_, SHUT_WR);
  if (::close(descriptor_) != 0 && errno != EINTR && direction_ == Direction::kWrite && ok) ok = fail_output(errno);
  // From now on it is a file that has no input and accepts no output.
  descriptor_ = kClosed;
  next_ = end_ = 0;
  at_end_ = true;
  return ok;
}

bool File::fail_output(int error) {
  return fail_output(descriptor_ == kClosed ? "it is closed" : std::strerror(error));
}

bool File::fail_output(const char* why) {
  failure_ = "cannot write to " + name_ + ": " + why;
  if (failure_text().empty() && !is_connection_) failure_text() = failure_;
  if (direction_ == Direction::kWrite) end_ = 0;
  return false;
}

const std::string& File::claim_failure() {
  if (failure_text() == failure_) failure_text().clear();
  return failure_;
}

std::unique_ptr<File> open_or_collect(NativeCall& call, const std::string& path, const std::string& mode) {
  std::unique_ptr<File> file = File::open(path, mode);
  if (file == nullptr && (errno == EMFILE || errno == ENFILE)) {
    call.collect_all();
    file = File::open(path, mode);
  }
  return file;
}

std::unique_ptr<File> File::open(const std::string& path, const std::string& mode) {
  flush_open_files();
  int flags = O_CLOEXEC;
  if (path.find('\0') != std::string::npos) {  // the system cannot name such a file
    errno = EINVAL;
    return nullptr;
  }
  if (mode == "r" || mode == "rb") {
    flags |= O_RDONLY;
  } else if (mode == "w" || mode == "wb") {
    flags |= O_WRONLY | O_CREAT | O_TRUNC;
  } else if (mode == "wx" || mode == "wbx") {
    flags |= O_WRONLY | O_CREAT | O_EXCL;
  } else if (mode == "a" || mode == "ab") {
    flags |= O_WRONLY | O_CREAT | O_APPEND;
  } else {
    errno = EINVAL;
    return nullptr;
  }
  const int descriptor = wait_in([&] { return ::open(path.c_str(), flags, 0666); });
  if (descriptor < 0) return nullptr;
  const Direction direction = (flags & O_ACCMODE) == O_RDONLY ? Direction::kRead : Direction::kWrite;
  return std::make_unique<File>(descriptor, direction, "'" + path + "'");
}

File& File::standard_input() {
  static File& file = *new File(STDIN_FILENO, Direction::kRead, "standard input");
  return file;
}
File& File::standard_output() {
  static File& file = *(standard_output_file = new File(STDOUT_FILENO, Direction::kWrite, "standard output"));
  return file;
}
File& File::standard_error() {
  static File& file = *(standard_error_file = new File(STDERR_FILENO, Direction::kWrite, "standard error"));
  return file;
}

/// Waits until a non-blocking descriptor is ready again. Returns false, with errno set, if that takes too long or
/// the user interrupts it.
bool File::wait_until_ready(short events) const {
  pollfd entry{.fd = descriptor_, .events = events, .revents = 0};
  const int ready = wait_in([&] { return poll(&entry, 1, patience_ms_); });
  if (ready == 0) errno = ETIMEDOUT;
  return ready > 0;
}

int File::refill() {
  if (direction_ != Direction::kRead || at_end_) return kEnd;
  // The user who is asked for input should have seen the question.
  if (descriptor_ == STDIN_FILENO) standard_output().publish();
  flush_open_files();
  for (;;) {
    const ssize_t count = wait_in([&] { return read(descriptor_, buffer_.get(), kBufferBytes); });
    if (count > 0) {
      end_ = static_cast<size_t>(count);
      next_ = 1;
      return buffer_[0];
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && wait_until_ready(POLLIN)) continue;
    if (count < 0) failure_ = "cannot read " + name_ + ": " + std::strerror(errno);
    at_end_ = true;
    return kEnd;
  }
}

bool File::put_bytes(std::span<const uint8_t> bytes) {
  if (direction_ != Direction::kWrite) return fail_output("it is open for reading");
  if (descriptor_ == kClosed) return fail_output(EBADF);
  const bool ends_line = line_buffered_ && std::ranges::find(bytes, '\n') != bytes.end();
  while (!bytes.empty()) {
    if (end_ == kBufferBytes && !make_room()) return failure_.empty();
    const size_t count = std::min(bytes.size(), kBufferBytes - end_);
    std::copy_n(bytes.data(), count, buffer_.get() + end_);
    end_ += count;
    bytes = bytes.subspan(count);
  }
  return !ends_line || flush();
}

bool File::flush() { return write_out({.milliseconds = patience_ms_, .give_up = interrupt_requested}); }

bool File::write_out(const WritePatience& patience) {
  if (direction_ != Direction::kWrite) return true;
  if (!failure_.empty()) return false;
  is_flushing_ = true;
  std::string_view rest(reinterpret_cast<const char*>(buffer_.get()), end_);
  const int problem = write_all(descriptor_, rest, patience);
  std::copy(rest.begin(), rest.end(), buffer_.get());
  end_ = rest.size();
  is_flushing_ = false;
  // After an interrupt the rest is written when the run has ended.
  return problem == 0 || problem == EINTR || fail_output(problem);
}

bool File::make_room() { return flush() && end_ != kBufferBytes; }

void File::rescue() const {
  // A part of the buffer may be written already.
  if (is_flushing_) return;
  std::string_view rest(reinterpret_cast<const char*>(buffer_.get()), end_);
  write_all(descriptor_, rest, {.milliseconds = kLastPatienceMs});
}

const std::string& output_failure() { return failure_text(); }

void flush_standard_streams(int patience_ms) {
  for (File* file : {standard_output_file, standard_error_file}) {
    if (file != nullptr) file->write_out({.milliseconds = patience_ms});
  }
}

void rescue_standard_output() {
  if (standard_output_file != nullptr) standard_output_file->rescue();
}

void prepare_standard_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    // Opened for the opposite direction, so that its use is still an error.
    if (fcntl(descriptor, F_GETFD) < 0) ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

File* file_arg(NativeCall& call, uint32_t index) {
  FileHandle* handle = handle_resource<FileHandle>(call.arg(index));
  if (handle != nullptr) return &handle->file;
  fail_handle(call, call.arg(index), "file");
  return nullptr;
}

Word standard_handle(NativeCall& call, File& file) {
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  return call.make_native(std::make_unique<FileHandle>(file));
}

std::span<const NativeRow> file_natives() { return kRows; }

}  // namespace fble
