// /Std/Io/File%: files in our own library, whole lines and texts at a time, with
// reasons for failures. /Std/Io/File/{Binary,Utf8}% use it.
//
// UTF-8 is read as /Std/Io/File/Utf8% says: up to six bytes, in the shortest form.
// A malformed sequence reads as U+FFFD, and reading continues with the first byte
// that cannot belong to it.
//
// Tested by tests/unit/frontends/std/io_test.cc.
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "frontends/std/native/file_waiting.h"
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"
#include "gc/integer.h"

namespace fble {
namespace {

constexpr uint32_t kReplacement = 0xfffd;

/// A part of a list that is written at a time.
class Piece {
 public:
  void add(uint8_t byte) { bytes_[size_++] = byte; }
  void add_utf8(uint64_t code_point) {
    if (code_point < 0x80) return add(static_cast<uint8_t>(code_point));
    std::string bytes;
    append_utf8(bytes, code_point);
    for (const char byte : bytes) add(static_cast<uint8_t>(byte));
  }
  /// Returns whether there may be no room for one more character.
  bool is_full() const { return size_ >= kFullBytes; }
  /// Takes elements of the list as long as `quick(element, byte)` makes a byte of each.
  template <typename Quick>
  void add_cells(ListReader& elements, Quick&& quick) {
    uint8_t* const end = bytes_ + size_;
    size_ +=
        elements.take_cells(sizeof(bytes_) - size_, [&](Word element, size_t i) { return quick(element, end[i]); });
  }
  std::span<const uint8_t> take() { return {bytes_, std::exchange(size_, 0)}; }

 private:
  static constexpr size_t kFullBytes = 4096;
  static constexpr size_t kLongestCharacter = 6;

  size_t size_ = 0;
  uint8_t bytes_[kFullBytes + kLongestCharacter];
};

// ---- reading ----------------------------------------------------------------

/// Reads the next character, and waits for all of it. Returns false at the end.
bool get_char(File& file, uint32_t& code_point) {
  const int lead = file.get_byte();
  if (lead == File::kEnd) return false;
  code_point = static_cast<uint32_t>(lead);
  if (lead < 0x80) return true;
  const int length = std::countl_one(static_cast<uint8_t>(lead));
  if (length < 2 || length > 6) {
    code_point = kReplacement;
    return true;
  }
  code_point = static_cast<uint32_t>(lead) & (0x7fu >> length);
  for (int i = 1; i < length; ++i) {
    const int byte = file.peek_byte();
    if (byte == File::kEnd || (byte & 0xc0) != 0x80) {
      code_point = kReplacement;
      return true;
    }
    file.skip_bytes(1);
    code_point = code_point << 6 | (static_cast<uint32_t>(byte) & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0x80, 0x800, 0x10000, 0x200000, 0x4000000};
  if (code_point < kSmallest[length - 2]) code_point = kReplacement;
  return true;
}

/// Returns whether the available bytes have all of the next character, whatever comes after them.
bool has_char(const File& file) {
  const std::span<const uint8_t> bytes = file.available();
  if (bytes.empty()) return false;
  const auto length = static_cast<size_t>(std::countl_one(bytes[0]));
  if (length < 2 || length > 6) return true;
  for (size_t i = 1; i < length; ++i) {
    if (i == bytes.size()) return false;
    if ((bytes[i] & 0xc0) != 0x80) return true;
  }
  return true;
}

/// Counts input that waits in a file's buffer for the native against the limit of the heap, as far as it is unusually
/// large. Returns false, with an error, when memory has run out.
class InputCharge {
 public:
  InputCharge(NativeCall& call, const File& file) : call_(call), file_(file) {}
  [[nodiscard]] bool update() {
    const size_t bytes = file_.available().size();
    if (bytes <= charged_) return true;
    const size_t more = std::max(bytes - charged_, charged_);
    if (!call_.charge(more)) return false;
    charged_ += more;
    return true;
  }

 private:
  NativeCall& call_;
  const File& file_;
  size_t charged_ = File::kBufferBytes;  ///< such a buffer is not counted
};

/// Waits for input like wait_for_input, and counts it.
template <typename IsEnough>
Waiting wait_for_much(NativeCall& call, File& file, IsEnough&& is_enough) {
  InputCharge charge(call, file);
  bool has_memory = true;
  const Waiting waiting = wait_for_input(call, file, [&] {
    has_memory = charge.update();
    return !has_memory || is_enough();
  });
  return has_memory ? waiting : kOutOfMemory;
}

Word read_byte(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  if (const Waiting waiting = wait_for_byte(call, *file)) return *waiting;
  const int byte = file->get_byte();
  if (byte == File::kEnd) return nothing_word();
  return pack_union(char_word(static_cast<uint32_t>(byte), call.int_form()), tag_width(2), 0);
}

Word read_character(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  if (const Waiting waiting = wait_for_input(call, *file, [&] { return has_char(*file); })) return *waiting;
  uint32_t code_point;
  if (!get_char(*file, code_point)) return nothing_word();
  return pack_union(char_word(code_point, call.int_form()), tag_width(2), 0);
}

/// Reads the argument as the number of items to read, at least one. Returns false after an error.
bool read_limit(NativeCall& call, uint32_t index, size_t& limit) {
  const Read<IntValue> value = read_int(call.arg(index), call.int_form());
  if (value.error != ReadError::kNone) {
    fail_read(call, value.error, "number to read");
    return false;
  }
  const IntValue& number = value.value;
  if (number.negative || (number.magnitude == 0 && !number.overflow)) {
    call.fail("undefined: the number to read must be positive");
    return false;
  }
  limit = number.overflow ? SIZE_MAX : number.magnitude;
  return true;
}

/// Takes available bytes, as integers or characters: the words are the same.
Word take_bytes(NativeCall& call, File& file, std::span<const uint8_t> bytes) {
  if (!call.reserve(list_words(bytes.size()))) return kOutOfMemory;
  const IntForm form = call.int_form();
  Word list = packed_enum(1, 2);
  for (size_t i = bytes.size(); i-- > 0;) list = call.make_cons(char_word(bytes[i], form), list);
  file.skip_bytes(bytes.size());
  return list;
}

Word read_bytes(NativeCall& call) {
  File* file = file_arg(call, 0);
  size_t limit = 0;
  if (file == nullptr || !read_limit(call, 1, limit)) return 0;
  if (const Waiting waiting = wait_for_byte(call, *file)) return *waiting;
  const std::span<const uint8_t> bytes = file->peek_bytes();
  return take_bytes(call, *file, bytes.first(std::min(limit, bytes.size())));
}

/// Returns whether the text is ASCII. Most text is, and then there is a faster way.
bool is_ascii(std::span<const uint8_t> bytes) {
  uint8_t all = 0;
  for (const uint8_t byte : bytes) all |= byte;
  return all < 0x80;
}

/// Reads up to `limit` characters, or until `is_last` holds for one.
template <typename IsLast>
Word read_while(NativeCall& call, File& file, size_t limit, IsLast&& is_last) {
  Gathered<uint32_t> text(call);
  for (uint32_t code_point; text.size() < limit && get_char(file, code_point);) {
    if (!text.add(code_point)) return kOutOfMemory;
    if (is_last(code_point)) break;
  }
  if (interrupt_requested() || !call.reserve(list_words(text.size()))) return 0;
  return make_string(call, text.items());
}

Word read_line(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  size_t looked_at = 0;
  const Waiting waiting = wait_for_much(call, *file, [&] {
    const std::span<const uint8_t> fresh = file->available().subspan(looked_at);
    looked_at += fresh.size();
    return !fresh.empty() && std::memchr(fresh.data(), '\n', fresh.size()) != nullptr;
  });
  if (waiting) return *waiting;
  const std::span<const uint8_t> bytes = file->peek_bytes();
  const void* end = bytes.empty() ? nullptr : std::memchr(bytes.data(), '\n', bytes.size());
  if (end != nullptr) {
    const auto line = bytes.first(static_cast<size_t>(static_cast<const uint8_t*>(end) - bytes.data()) + 1);
    if (is_ascii(line)) return take_bytes(call, *file, line);
  }
  return read_while(call, *file, SIZE_MAX, [](uint32_t code_point) { return code_point == '\n'; });
}

Word read_text(NativeCall& call) {
  File* file = file_arg(call, 0);
  size_t limit = 0;
  if (file == nullptr || !read_limit(call, 1, limit)) return 0;
  if (const Waiting waiting = wait_for_input(call, *file, [&] { return has_char(*file); })) return *waiting;
  const std::span<const uint8_t> bytes = file->peek_bytes();
  const auto ascii = bytes.first(std::min(limit, bytes.size()));
  if (!ascii.empty() && is_ascii(ascii)) return take_bytes(call, *file, ascii);
  return read_while(call, *file, limit, [&](uint32_t) { return !has_char(*file); });
}

Word read_all(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  if (const Waiting waiting = wait_for_much(call, *file, [] { return false; })) return *waiting;
  return read_while(call, *file, SIZE_MAX, [](uint32_t) { return false; });
}

Word failure(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  if (file->failure().empty()) return nothing_word();
  if (!call.charge(decoded_bytes(file->failure()))) return kOutOfMemory;
  const std::vector<uint32_t> text = decode_name(file->claim_failure());
  if (!call.reserve(list_words(text.size()) + object_words(1))) return kOutOfMemory;
  return call.make_union(0, 2, make_string(call, text));
}

// ---- writing ----------------------------------------------------------------

enum class Written { kAll, kOutputFailed, kArgumentFailed, kMustWait };

/// The argument that is written. While the native waits, it is the part that is not written yet.
constexpr uint32_t kList = 1;

/// Writes to a file, for one native.
struct Output {
  NativeCall& call;
  File& file;
  OutputTurn turn{call, file};
  Word waiting = 0;  ///< what the native returns after kMustWait

  Written wait(Word result) {
    waiting = result;
    return Written::kMustWait;
  }
  /// Writes the bytes and forgets them. `rest` is the part of the argument after them.
  Written put(Piece& piece, Word rest) {
    if (!turn.put(piece.take())) return Written::kOutputFailed;
    return turn.must_flush() ? flush(rest) : Written::kAll;
  }
  Written flush(Word rest) {
    call.set_arg(kList, rest);
    if (const Waiting result = turn.flush()) return wait(*result);
    return file.has_failed_output() ? Written::kOutputFailed : Written::kAll;
  }
};

/// Writes the elements of the list, as far as it is defined, to the file: `quick` makes a byte of one if it can, and
/// `append` appends any.
template <typename Quick, typename Append>
Written put_list(NativeCall& call, Output& output, const char* what, Quick&& quick, Append&& append) {
  if (const Waiting waiting = output.turn.begin()) return output.wait(*waiting);
  if (output.turn.must_flush()) {
    if (const Written flushed = output.flush(call.arg(kList)); flushed != Written::kAll) return flushed;
  }
  Piece piece;
  ListReader elements(call.arg(kList));
  ReadError error = ReadError::kNone;
  Word before;
  for (;;) {
    piece.add_cells(elements, quick);
    before = elements.rest();
    if (!piece.is_full()) {
      Word element;
      if (!elements.next(element)) break;
      error = append(piece, element);
      if (error != ReadError::kNone) break;
    }
    if (!piece.is_full()) continue;
    if (const Written written = output.put(piece, elements.rest()); written != Written::kAll) return written;
  }
  if (const Written written = output.put(piece, before); written != Written::kAll) return written;
  if (error == ReadError::kNone) error = elements.error();
  if (error == ReadError::kNone) return Written::kAll;
  fail_read(call, error, what);
  return Written::kArgumentFailed;
}

Written put_byte_list(NativeCall& call, Output& output) {
  const IntForm form = call.int_form();
  const auto quick = [form](Word element, uint8_t& byte) {
    byte = static_cast<uint8_t>(packed_magnitude(element));
    return form == IntForm::kMachine && is_natural(element);
  };
  return put_list(call, output, "byte", quick, [form](Piece& piece, Word element) {
    const Read<IntValue> byte = read_int(element, form);
    if (byte.error == ReadError::kNone) piece.add(byte.value.low_byte());
    return byte.error;
  });
}

Written put_text(NativeCall& call, Output& output) {
  const IntForm form = call.int_form();
  const auto quick = [form](Word element, uint8_t& byte) {
    byte = static_cast<uint8_t>(packed_magnitude(element));
    return form == IntForm::kMachine && is_natural(element) && packed_magnitude(element) < 0x80;
  };
  return put_list(call, output, "text", quick, [form](Piece& piece, Word element) {
    const Read<uint64_t> letter = read_char(element, form);
    if (letter.error == ReadError::kNone) piece.add_utf8(letter.value);
    if (letter.error != ReadError::kNotUnicode) return letter.error;
    piece.add_utf8(kReplacement);
    return ReadError::kNone;
  });
}

using PutList = Written (*)(NativeCall& call, Output& output);

/// Writes, and returns whether that succeeded.
template <PutList kPut>
Word write_list(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  Output output{call, *file};
  switch (kPut(call, output)) {
    case Written::kAll: return ok_unit();
    case Written::kOutputFailed: return make_error(call, file->claim_failure());
    case Written::kMustWait: return output.waiting;
    default: return 0;
  }
}

/// Writes without delay if a reader may be waiting; the program ends if that is impossible.
template <PutList kPut>
Word put_list_out(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  Output output{call, *file};
  Written written = kPut(call, output);
  if (written == Written::kAll && file->is_watched()) written = output.flush(packed_enum(1, 2));
  switch (written) {
    case Written::kAll: return kUnitWord;
    case Written::kMustWait: return output.waiting;
    case Written::kArgumentFailed: return 0;
    default: return output_failure().empty() ? call.fail(file->failure()) : call.fail_output(file->failure());
  }
}

Word flush_file(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  OutputTurn turn(call, *file);
  if (const Waiting waiting = turn.flush()) return *waiting;
  return file->has_failed_output() ? make_error(call, file->claim_failure()) : ok_unit();
}

// ---- opening and closing ----------------------------------------------------

Word get_stdin(NativeCall& call) { return standard_handle(call, File::standard_input()); }
Word get_stdout(NativeCall& call) { return standard_handle(call, File::standard_output()); }
Word get_stderr(NativeCall& call) { return standard_handle(call, File::standard_error()); }

Word open_file(NativeCall& call) {
  const Read<std::string> path = read_name(call.arg(0), call.int_form());
  if (path.error != ReadError::kNone) return fail_read(call, path.error, "file path");
  static constexpr const char* kModes[] = {"r", "w", "a", "wx"};
  const Read<uint32_t> mode = read_enum(call.arg(1), std::size(kModes));
  if (mode.error != ReadError::kNone) return fail_read(call, mode.error, "file mode");

  std::unique_ptr<File> file;
  if (const Waiting waiting = open_or_wait(call, path.value, kModes[mode.value], file)) return *waiting;
  if (file == nullptr) return make_error(call, "cannot open '" + path.value + "': " + std::strerror(errno));
  if (!call.reserve(2 * object_words(1))) return kOutOfMemory;
  return ok_word(call, call.make_native(std::make_unique<FileHandle>(std::move(file))));
}

Word closed(NativeCall& call, File& file, bool ok) { return ok ? ok_unit() : make_error(call, file.claim_failure()); }

Word close_file(NativeCall& call) {
  File* file = file_arg(call, 0);
  if (file == nullptr) return 0;
  OutputTurn turn(call, *file);
  if (const Waiting waiting = turn.flush()) return *waiting;
  return closed(call, *file, file->close());
}

Word close_file_now(NativeCall& call) {
  File* file = file_arg(call, 0);
  return file == nullptr ? 0 : closed(call, *file, file->close(0));
}

constexpr const char* kFile = "/Std/Io/File%";
constexpr NativeRow kRows[] = {
    {kFile, "Stdin", 1, NativeEffect::kReadsWorld, get_stdin},
    {kFile, "Stdout", 1, NativeEffect::kReadsWorld, get_stdout},
    {kFile, "Stderr", 1, NativeEffect::kReadsWorld, get_stderr},
    {kFile, "Open", 3, NativeEffect::kWritesWorld, open_file},
    {kFile, "Close", 2, NativeEffect::kWritesWorld, close_file},
    {kFile, "CloseNow", 2, NativeEffect::kWritesWorld, close_file_now},
    {kFile, "ReadByte", 2, NativeEffect::kMayBlock, read_byte},
    {kFile, "ReadBytes", 3, NativeEffect::kMayBlock, read_bytes},
    {kFile, "ReadChar", 2, NativeEffect::kMayBlock, read_character},
    {kFile, "ReadLine", 2, NativeEffect::kMayBlock, read_line},
    {kFile, "ReadText", 3, NativeEffect::kMayBlock, read_text},
    {kFile, "ReadAll", 2, NativeEffect::kMayBlock, read_all},
    {kFile, "Failure", 2, NativeEffect::kReadsWorld, failure},
    {kFile, "WriteBytes", 3, NativeEffect::kWritesWorld, write_list<put_byte_list>},
    {kFile, "WriteText", 3, NativeEffect::kWritesWorld, write_list<put_text>},
    {kFile, "Flush", 2, NativeEffect::kWritesWorld, flush_file},
    {kFile, "PutBytes", 3, NativeEffect::kWritesWorld, put_list_out<put_byte_list>},
    {kFile, "PutText", 3, NativeEffect::kWritesWorld, put_list_out<put_text>},
};

}  // namespace

std::span<const NativeRow> io_natives() { return kRows; }

}  // namespace fble
