#include "frontends/fble/image/manifest.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>

namespace fble {
namespace {

constexpr size_t kAlignment = 8;
constexpr size_t kChecksumDigits = 8;
constexpr std::string_view kChecksum = "checksum ";

std::string command_line(const Digest& command) { return fmt::format("command {}\n", command.str()); }

uint32_t checksum_of(std::string_view text) {
  return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

void append_text(std::string& file, std::string_view text) {
  file += '"';
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') file += '\\';
    if (letter == '\n') {
      file += "\\n";
    } else {
      file += letter;
    }
  }
  file += "\"\n";
}

size_t aligned(size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

/// Takes a file apart, from its begin. What is not there is not taken, and the result false.
class Parser {
 public:
  explicit Parser(std::string_view file) : file_(file) {}

  bool take(std::string_view word) {
    if (!file_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  /// Takes a decimal number, written as print_manifest does, and what comes after it.
  template <typename Number>
  bool take_number(Number& number, char after) {
    const char* begin = file_.data() + at_;
    const auto [end, problem] = std::from_chars(begin, file_.data() + file_.size(), number);
    if (problem != std::errc{}) return false;
    const bool has_zeros = *begin == '0' && end - begin > 1;
    if (has_zeros || (*begin == '-' && begin[1] == '0')) return false;
    at_ += static_cast<size_t>(end - begin);
    return take({&after, 1});
  }

  /// Takes a digest, and the blank after it.
  bool take_digest(Digest& digest) {
    constexpr size_t kDigits = 8;
    if (file_.size() - at_ < digest.words.size() * kDigits) return false;
    for (uint32_t& word : digest.words) {
      const char* begin = file_.data() + at_;
      const auto [end, problem] = std::from_chars(begin, begin + kDigits, word, 16);
      const bool is_lower =
          std::none_of(begin, begin + kDigits, [](char digit) { return digit >= 'A' && digit <= 'F'; });
      if (problem != std::errc{} || end != begin + kDigits || !is_lower) return false;
      at_ += kDigits;
    }
    return take(" ");
  }

  /// Takes a text in quotes, and the end of the line.
  bool take_text(std::string& text) {
    if (!take("\"")) return false;
    for (;;) {
      const size_t end = file_.find_first_of("\"\\\n", at_);
      if (end == std::string_view::npos || file_[end] == '\n') return false;
      text += file_.substr(at_, end - at_);
      at_ = end + 1;
      if (file_[end] == '"') return take("\n");
      if (at_ == file_.size() || std::string_view("\"\\n").find(file_[at_]) == std::string_view::npos) return false;
      text += file_[at_] == 'n' ? '\n' : file_[at_];
      ++at_;
    }
  }

  bool take_facts(std::vector<FileFact>& facts) {
    for (;;) {
      FileFact fact{FactKind::kMissing, {}, {}};
      if (take("missing ")) {
        fact.kind = FactKind::kMissing;
      } else if (take("there ")) {
        fact.kind = FactKind::kThere;
      } else if (take("read ")) {
        fact.kind = FactKind::kRead;
        if (!take_digest(fact.digest)) return false;
      } else {
        return true;
      }
      if (!take_text(fact.name)) return false;
      if (fact.kind == FactKind::kRead && take("stamp ")) {
        FileStamp& stamp = fact.stamp.emplace();
        if (!take_number(stamp.device, ' ') || !take_number(stamp.inode, ' ') || !take_number(stamp.bytes, ' ') ||
            !take_number(stamp.modified_ns, ' ') || !take_number(stamp.changed_ns, '\n')) {
          return false;
        }
      }
      facts.push_back(std::move(fact));
    }
  }

  size_t at() const { return at_; }

 private:
  std::string_view file_;
  size_t at_ = 0;
};

}  // namespace

std::string print_manifest(const Manifest& manifest, const Digest& command) {
  std::string text;
  for (const FileFact& fact : manifest.facts) {
    switch (fact.kind) {
      case FactKind::kMissing: text += "missing "; break;
      case FactKind::kThere: text += "there "; break;
      case FactKind::kRead: text += fmt::format("read {} ", fact.digest.str()); break;
    }
    append_text(text, fact.name);
    if (!fact.stamp) continue;
    const FileStamp& stamp = *fact.stamp;
    text += fmt::format("stamp {} {} {} {} {}\n", stamp.device, stamp.inode, stamp.bytes, stamp.modified_ns,
                        stamp.changed_ns);
  }
  text += "messages ";
  append_text(text, manifest.messages);
  text += fmt::format("bundle {}\n", manifest.bundle.size());

  std::string file(kManifestMagic);
  file += command_line(command);
  file += fmt::format("{}{:08x}\n", kChecksum, checksum_of(text));
  file += text;
  file.resize(aligned(file.size()));
  file += manifest.bundle;
  return file;
}

std::optional<Manifest> parse_manifest(std::string_view file, const Digest& command) {
  Parser parser(file);
  if (!parser.take(kManifestMagic) || !parser.take(command_line(command))) return std::nullopt;
  const auto checksum = manifest_checksum(file);
  if (!checksum || !parser.take(fmt::format("{}{:08x}\n", kChecksum, checksum->first))) return std::nullopt;
  Manifest manifest;
  size_t bytes = 0;
  if (!parser.take_facts(manifest.facts) || !parser.take("messages ") || !parser.take_text(manifest.messages) ||
      !parser.take("bundle ") || !parser.take_number(bytes, '\n')) {
    return std::nullopt;
  }
  const size_t begin = aligned(parser.at());
  if (begin > file.size() || bytes != file.size() - begin) return std::nullopt;
  if (file.substr(parser.at(), begin - parser.at()).find_first_not_of('\0') != std::string_view::npos)
    return std::nullopt;
  manifest.bundle = file.substr(begin);
  return manifest;
}

std::optional<std::pair<uint32_t, size_t>> manifest_checksum(std::string_view file) {
  const size_t at = kManifestMagic.size() + command_line({}).size() + kChecksum.size();
  const size_t begin = at + kChecksumDigits + 1;
  if (begin > file.size() || !file.starts_with(kManifestMagic)) return std::nullopt;
  constexpr std::string_view kBundle = "\nbundle ";
  const size_t last = file.find(kBundle, begin);
  const size_t end = last == std::string_view::npos ? last : file.find('\n', last + kBundle.size());
  if (end == std::string_view::npos) return std::nullopt;
  return std::pair(checksum_of(file.substr(begin, end + 1 - begin)), at);
}

}  // namespace fble
