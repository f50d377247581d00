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

#include "frontends/std/native/file_waiting.h"
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
  std::unique_ptr<File> file;
  if (const Waiting waiting = open_or_wait(call, path.value, mode.value, file)) return *waiting;
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
Word just_byte(int byte, IntForm form) {
  // Made when the first byte is read, since most programs read none.
  static const JustBytes all[] = {JustBytes(IntForm::kUnions), JustBytes(IntForm::kMachine)};
  return all[static_cast<size_t>(form)].words[byte];
}

Word get_byte(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  if (const Waiting waiting = wait_for_byte(call, *file)) return *waiting;
  const int byte = file->get_byte();
  return byte == File::kEnd ? nothing_word() : just_byte(byte, call.int_form());
}

Word put_byte(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  const Read<IntValue> byte = read_int(call.arg(1), call.int_form());
  if (byte.error != ReadError::kNone) return fail_read(call, byte.error, "byte");
  // Without others there are no turns.
  if (!must_not_wait(call)) return file->put_byte(byte.value.low_byte()) ? kUnitWord : fail_output(call);
  OutputTurn turn(call, *file);
  if (const Waiting waiting = turn.make_room()) return *waiting;
  return turn.put_byte(byte.value.low_byte()) ? kUnitWord : fail_output(call);
}

Word flush(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  OutputTurn turn(call, *file);
  if (const Waiting waiting = turn.flush()) return *waiting;
  return file->has_failed_output() ? fail_output(call) : kUnitWord;
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

File::File(std::shared_ptr<SharedDescriptor> descriptor, Direction direction, std::string name, int patience_ms)
    : descriptor_(std::move(descriptor)), direction_(direction), patience_ms_(patience_ms), name_(std::move(name)) {
  if (direction != Direction::kWrite) return;
  is_watched_ = is_connection() || has_reader(number());
  line_buffered_ = !is_connection() && isatty(number()) != 0;
}

File::~File() {
  close();
  forget_output();
}

File* File::first_output = nullptr;

void File::note_output() {
  if (has_output_ || is_standard()) return;
  has_output_ = true;
  next_output_ = first_output;
  if (next_output_ != nullptr) next_output_->previous_output_ = this;
  first_output = this;
}

void File::forget_output() {
  if (!has_output_) return;
  has_output_ = false;
  if (next_output_ != nullptr) next_output_->previous_output_ = previous_output_;
  (previous_output_ != nullptr ? previous_output_->next_output_ : first_output) = next_output_;
  next_output_ = previous_output_ = nullptr;
}

void flush_open_files() {
  for (File* file = File::first_output; file != nullptr;) {
    File* next = file->next_output_;
    file->flush_for_others();
    file = next;
  }
}

void File::flush_for_others() {
  IoDriver* io = descriptor_ == nullptr ? nullptr : descriptor_->io();
  if (io == nullptr || !io->must_share()) {
    flush();
  } else if (try_flush() == Flushed::kMustWait && begin_writing_later(*io)) {
    forget_output();
  }
}

void File::finish(std::unique_ptr<File> file) {
  IoDriver* io = file->descriptor_ == nullptr ? nullptr : file->descriptor_->io();
  if (io == nullptr || !io->must_share() || file->try_flush() != Flushed::kMustWait) return;
  if (!file->begin_writing_later(*io)) return;
  file->is_lingering_ = true;
  const int64_t until = time_after(file->patience_ms_);
  io->keep(std::move(file), until);
}

bool File::close() { return close(interrupt_requested() ? kLastPatienceMs : patience_ms_); }

bool File::close(int patience_ms) {
  bool ok = write_out({.milliseconds = patience_ms, .give_up = interrupt_requested});
  if (descriptor_ == nullptr || is_standard()) return ok;
  const bool writes = direction_ == Direction::kWrite;
  if (descriptor_->output == this) descriptor_->output = nullptr;
  // The other direction may continue.
  if (is_connection() && writes) shutdown(number(), SHUT_WR);
  Scheduler* scheduler = descriptor_->io() == nullptr ? nullptr : descriptor_->io()->scheduler();
  if (scheduler != nullptr) scheduler->wake_all(writes ? descriptor_->writers : descriptor_->readers);
  if (descriptor_.use_count() == 1) {
    const int problem = descriptor_->close();
    if (problem != 0 && writes && ok) ok = fail_output(problem);
  }
  // From now on it is a file that has no input and accepts no output.
  descriptor_.reset();
  next_ = end_ = output_limit_ = 0;
  at_end_ = true;
  return ok;
}

bool File::fail_output(int error) {
  return fail_output(descriptor_ == nullptr ? "it is closed" : std::strerror(error));
}

bool File::fail_output(const char* why) {
  failure_ = "cannot write to " + name_ + ": " + why;
  if (failure_text().empty() && !is_connection()) failure_text() = failure_;
  if (direction_ == Direction::kWrite) after_writing(0);
  return false;
}

const std::string& File::claim_failure() {
  if (failure_text() == failure_) failure_text().clear();
  return failure_;
}

std::optional<int> File::open_flags(const std::string& path, const std::string& mode) {
  const bool has_name = path.find('\0') == std::string::npos;
  if (has_name && (mode == "r" || mode == "rb")) return O_CLOEXEC | O_RDONLY;
  if (has_name && (mode == "w" || mode == "wb")) return O_CLOEXEC | O_WRONLY | O_CREAT | O_TRUNC;
  if (has_name && (mode == "wx" || mode == "wbx")) return O_CLOEXEC | O_WRONLY | O_CREAT | O_EXCL;
  if (has_name && (mode == "a" || mode == "ab")) return O_CLOEXEC | O_WRONLY | O_CREAT | O_APPEND;
  errno = EINVAL;
  return std::nullopt;
}

std::unique_ptr<File> File::of_opened(int descriptor, int flags, const std::string& path, IoDriver* io) {
  const Direction direction = (flags & O_ACCMODE) == O_RDONLY ? Direction::kRead : Direction::kWrite;
  auto shared = std::make_shared<SharedDescriptor>(descriptor, io, SharedDescriptor::Kind::kUnknown);
  return std::make_unique<File>(std::move(shared), direction, "'" + path + "'");
}

std::unique_ptr<File> File::open(const std::string& path, const std::string& mode, IoDriver* io) {
  flush_open_files();
  const std::optional<int> flags = open_flags(path, mode);
  if (!flags) return nullptr;
  const int descriptor = wait_in([&] { return ::open(path.c_str(), *flags, 0666); });
  return descriptor < 0 ? nullptr : of_opened(descriptor, *flags, path, io);
}

std::unique_ptr<File> standard_stream(int number, File::Direction direction, const char* name) {
  auto shared = std::make_shared<SharedDescriptor>(number, nullptr, SharedDescriptor::Kind::kUnknown);
  return std::make_unique<File>(std::move(shared), direction, name);
}

File& File::standard_input() {
  static File& file = *standard_stream(STDIN_FILENO, Direction::kRead, "standard input").release();
  return file;
}
File& File::standard_output() {
  static File& file =
      *(standard_output_file = standard_stream(STDOUT_FILENO, Direction::kWrite, "standard output").release());
  return file;
}
File& File::standard_error() {
  static File& file =
      *(standard_error_file = standard_stream(STDERR_FILENO, Direction::kWrite, "standard error").release());
  return file;
}

/// Waits until a non-blocking descriptor is ready again. Returns false, with errno set, if that takes too long or
/// the user interrupts it.
bool File::wait_until_ready(short events) const {
  pollfd entry{.fd = number(), .events = events, .revents = 0};
  const int ready = wait_in([&] { return poll(&entry, 1, patience_ms_); });
  if (ready == 0) errno = ETIMEDOUT;
  return ready > 0;
}

void File::resize(size_t capacity) {
  std::unique_ptr<uint8_t[]> larger(capacity == 0 ? nullptr : new uint8_t[capacity]);
  if (end_ != 0) std::copy_n(buffer_.get(), end_, larger.get());
  // A signal handler may read the buffer.
  is_flushing_ = true;
  buffer_ = std::move(larger);
  capacity_ = capacity;
  is_flushing_ = false;
}

// ---- input ------------------------------------------------------------------

int File::refill() {
  if (direction_ != Direction::kRead || at_end_) return kEnd;
  // The user who is asked for input should have seen the question.
  if (number() == STDIN_FILENO) standard_output().publish();
  flush_open_files();
  next_ = end_ = 0;
  make_input_room();
  for (;;) {
    const ssize_t count = wait_in([&] {
      return reads_by_offset_ ? pread(number(), buffer_.get(), capacity_, offset_)
                              : read(number(), buffer_.get(), capacity_);
    });
    if (count > 0) {
      offset_ += count;
      end_ = static_cast<size_t>(count);
      next_ = 1;
      return buffer_[0];
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && wait_until_ready(POLLIN)) continue;
    if (count < 0) fail_input(errno);
    at_end_ = true;
    return kEnd;
  }
}

void File::fail_input(int error) {
  failure_ = "cannot read " + name_ + ": " + std::strerror(error);
  at_end_ = true;
}

/// Makes room behind the input that is not consumed yet. A small buffer that the last input has filled grows.
void File::make_input_room() {
  if (next_ == end_) {
    const bool was_full = end_ == capacity_ && end_ != 0;
    next_ = end_ = 0;
    if (was_full && capacity_ < kBufferBytes) return resize(std::min(2 * capacity_, kBufferBytes));
  }
  if (end_ != capacity_) return;
  if (next_ >= capacity_ / 2 && next_ != 0) {
    std::copy(buffer_.get() + next_, buffer_.get() + end_, buffer_.get());
    end_ -= next_;
    next_ = 0;
  } else {
    resize(capacity_ == 0 ? kBufferBytes : 2 * capacity_);
  }
}

size_t File::bytes_to_read() const {
  const int64_t left = descriptor_->size() - offset_;
  return left <= 0 ? kBufferBytes : static_cast<size_t>(std::clamp<int64_t>(left, kLeastBytes, kBufferBytes));
}

File::Fetched File::try_fetch(IoDriver& io) {
  if (is_at_end()) return Fetched::kEnd;
  if (number() == STDIN_FILENO) standard_output().publish_soon(io);
  flush_open_files();
  const bool is_stored = descriptor_->kind() == SharedDescriptor::Kind::kStored;
  const bool is_beginning = is_stored && offset_ == 0;
  if (is_beginning && !io.should_look(io.contents)) return Fetched::kMustWait;
  // Of connections and files there may be many: only what has come takes memory.
  const bool copies = is_connection() || (is_stored && capacity_ == 0);
  if (!copies) make_input_room();
  uint8_t* const place = copies ? io.scratch() : buffer_.get() + end_;
  const size_t room = copies ? IoDriver::kScratchBytes : capacity_ - end_;
  const ssize_t count = descriptor_->try_read(place, room, offset_);
  if (is_beginning) io.contents.note(count >= 0 || errno != EAGAIN);
  if (count < 0 && errno == EAGAIN) {
    if (copies && next_ == end_) {
      next_ = end_ = 0;
      resize(0);
    }
    return Fetched::kMustWait;
  }
  if (count > 0 && !copies) {
    end_ += static_cast<size_t>(count);
    offset_ += count;
    reads_by_offset_ |= is_stored;
    return Fetched::kSome;
  }
  const int problem = count < 0 ? errno : 0;
  take_input({place, count < 0 ? size_t{0} : static_cast<size_t>(count)}, problem);
  return at_end_ ? Fetched::kEnd : Fetched::kSome;
}

void File::take_input(std::span<const uint8_t> bytes, int problem) {
  if (is_at_end()) return;  // it was closed meanwhile
  if (problem != 0) return fail_input(problem);
  if (bytes.empty()) {
    at_end_ = true;
    return;
  }
  if (next_ == end_) next_ = end_ = 0;
  if (capacity_ - end_ < bytes.size()) resize(std::max(end_ + bytes.size(), end_ == 0 ? kLeastBytes : 2 * capacity_));
  std::ranges::copy(bytes, buffer_.get() + end_);
  end_ += bytes.size();
  offset_ += static_cast<int64_t>(bytes.size());
  if (descriptor_->kind() == SharedDescriptor::Kind::kStored) reads_by_offset_ = true;
}

void File::end_reading(Scheduler& scheduler) {
  reader = nullptr;
  scheduler.wake_all(next_readers);
}

// ---- output -----------------------------------------------------------------

bool File::make_room() {
  if (descriptor_ == nullptr) return fail_output(EBADF);
  note_output();
  if (end_ == capacity_ && capacity_ >= kBufferBytes && (!flush() || end_ == capacity_)) return false;
  if (end_ == capacity_) resize(capacity_ == 0 ? (is_connection() ? kLeastBytes : kBufferBytes) : 2 * capacity_);
  note_output();
  output_limit_ = capacity_;
  return true;
}

bool File::put_bytes(std::span<const uint8_t> bytes) {
  if (direction_ != Direction::kWrite) return fail_output("it is open for reading");
  if (descriptor_ == nullptr) return fail_output(EBADF);
  const bool ends_line = line_buffered_ && std::ranges::find(bytes, '\n') != bytes.end();
  while (!bytes.empty()) {
    if (end_ == output_limit_ && !make_room()) return failure_.empty();
    const size_t count = std::min(bytes.size(), output_limit_ - end_);
    std::copy_n(bytes.data(), count, buffer_.get() + end_);
    end_ += count;
    bytes = bytes.subspan(count);
  }
  return !ends_line || flush();
}

bool File::append(std::span<const uint8_t> bytes) {
  if (direction_ != Direction::kWrite) return fail_output("it is open for reading");
  if (descriptor_ == nullptr) return fail_output(EBADF);
  if (!failure_.empty()) return false;
  if (bytes.empty()) return true;
  if (capacity_ - end_ < bytes.size()) resize(std::max({end_ + bytes.size(), 2 * capacity_, kLeastBytes}));
  std::ranges::copy(bytes, buffer_.get() + end_);
  end_ += bytes.size();
  output_limit_ = std::max(end_, std::min(capacity_, kBufferBytes));
  note_output();
  return true;
}

bool File::flush() { return write_out({.milliseconds = patience_ms_, .give_up = interrupt_requested}); }

bool File::write_out(const WritePatience& patience) {
  if (direction_ != Direction::kWrite) return true;
  if (!failure_.empty()) return false;
  is_flushing_ = true;
  std::string_view rest(reinterpret_cast<const char*>(buffer_.get()), end_);
  const int problem = write_all(number(), rest, patience);
  std::copy(rest.begin(), rest.end(), buffer_.get());
  after_writing(rest.size());
  // After an interrupt the rest is written when the run has ended.
  return problem == 0 || problem == EINTR || fail_output(problem);
}

File::Flushed File::try_flush() {
  if (direction_ != Direction::kWrite) return Flushed::kAll;
  if (!failure_.empty()) return Flushed::kFailed;
  if (end_ == 0) return Flushed::kAll;
  is_flushing_ = true;
  std::string_view rest(reinterpret_cast<const char*>(buffer_.get()), end_);
  const int problem = descriptor_ == nullptr ? EBADF : descriptor_->try_write(rest);
  std::copy(rest.begin(), rest.end(), buffer_.get());
  after_writing(rest.size());
  if (problem == 0) return Flushed::kAll;
  if (problem == EAGAIN || problem == EINTR) return Flushed::kMustWait;
  fail_output(problem);
  return Flushed::kFailed;
}

/// The first `left` bytes of the buffer are what is not written.
void File::after_writing(size_t left) {
  end_ = left;
  is_flushing_ = false;
  if (left != 0) return;
  forget_output();
  output_limit_ = 0;
  if (is_connection() || capacity_ > kBufferBytes) resize(0);
}

bool File::begin_writing_later(IoDriver& io) {
  if (io.watch(*descriptor_) != 0) return false;
  descriptor_->output = this;
  writes_later_ = true;
  return true;
}

void File::write_later() {
  if (!writes_later_) return;
  const size_t before = end_;
  const bool must_wait = try_flush() == Flushed::kMustWait;
  if (is_lingering_ && must_wait && end_ != before) descriptor_->io()->extend(*this, time_after(patience_ms_));
  writes_later_ = must_wait;
  if (is_lingering_ && !must_wait) descriptor_->io()->forget(*this);
}

void File::publish_soon(IoDriver& io) {
  if (is_watched_ && try_flush() == Flushed::kMustWait) begin_writing_later(io);
}

void File::pass_on(Scheduler& scheduler) {
  writer = nullptr;
  if (next_writers.empty()) return;
  writer = next_writers.first();
  writer->unfinished = this;
  scheduler.wake(*writer);
}

void File::rescue() const {
  // A part of the buffer may be written already.
  if (is_flushing_) return;
  std::string_view rest(reinterpret_cast<const char*>(buffer_.get()), end_);
  write_all(number(), rest, {.milliseconds = kLastPatienceMs});
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
