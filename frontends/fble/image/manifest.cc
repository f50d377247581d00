#include "frontends/fble/image/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "frontends/fble/image/checksum.h"

namespace fble {
namespace {

constexpr size_t kAlignment = 8;
constexpr size_t kChecksumDigits = 8;
constexpr std::string_view kChecksum = "checksum ";

std::string command_line(const Digest& command) { return fmt::format("command {}\n", command.str()); }

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

/// Returns the number that eight hexadecimal digits stand for. Sets `wrong` to something else than 0 if they are not
/// all digits or letters from a to f. Works on all of them at once.
uint32_t hexadecimal(const char* digits, uint64_t& wrong) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHigh = 0x80 * kOnes;
  uint64_t bytes;
  std::memcpy(&bytes, digits, sizeof bytes);
  wrong |= bytes & kHigh;
  bytes &= ~kHigh;
  // Bit 7 of each byte says whether the byte is at least a limit.
  const auto at_least = [&](char limit) { return (bytes + (0x80 - static_cast<uint64_t>(limit)) * kOnes) & kHigh; };
  const uint64_t letters = at_least('a') & ~at_least('f' + 1);
  const uint64_t decimals = at_least('0') & ~at_least('9' + 1);
  wrong |= ~(letters | decimals) & kHigh;
  uint64_t values = (bytes & 0x0f * kOnes) + (letters >> 7) * 9;
  // The first digit is the lowest byte: neighbours are joined, then their neighbours.
  values = (values << 4 | values >> 8) & 0x00ff00ff00ff00ff;
  values = (values << 8 | values >> 16) & 0x0000ffff0000ffff;
  return static_cast<uint32_t>(values << 16 | values >> 32);
}

void append_stamp(std::string& text, const std::optional<FileStamp>& stamp) {
  if (!stamp) return;
  text += fmt::format("stamp {:016x} {:016x} {:016x} {:016x} {:016x}\n", stamp->device, stamp->inode, stamp->bytes,
                      static_cast<uint64_t>(stamp->modified_ns), static_cast<uint64_t>(stamp->changed_ns));
}

void append_fact(std::string& text, const FileFact& fact, std::string_view name) {
  switch (fact.kind) {
    case FactKind::kMissing: text += "missing "; break;
    case FactKind::kThere: text += "there "; break;
    case FactKind::kRead: text += fmt::format("read {} ", fact.digest.str()); break;
  }
  append_text(text, name);
  append_stamp(text, fact.stamp);
}

/// Takes a file apart, from its begin. What is not there is not taken, and the result false.
class Parser {
 public:
  explicit Parser(std::string_view file) : file_(file) {}

  bool take(std::string_view word) {
    if (!file_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  /// Takes a decimal number without a sign, written as print_manifest does, and what comes after it.
  template <typename Number>
  bool take_number(Number& number, char after) {
    const char* begin = file_.data() + at_;
    const auto [end, problem] = std::from_chars(begin, file_.data() + file_.size(), number);
    if (problem != std::errc{} || (*begin == '0' && end - begin > 1)) return false;
    at_ += static_cast<size_t>(end - begin);
    return take({&after, 1});
  }

  /// Takes a digest, and the blank after it.
  bool take_digest(Digest& digest) {
    constexpr size_t kDigits = 8;
    if (file_.size() - at_ < digest.words.size() * kDigits) return false;
    uint64_t wrong = 0;
    for (uint32_t& word : digest.words) {
      word = hexadecimal(&file_[at_], wrong);
      at_ += kDigits;
    }
    if (wrong != 0) return false;
    return take(" ");
  }

  /// Takes a text in quotes, and the end of the line.
  bool take_text(std::string& text) {
    if (!take("\"")) return false;
    for (;;) {
      size_t end = at_;
      while (end != file_.size() && file_[end] != '"' && file_[end] != '\\' && file_[end] != '\n') ++end;
      if (end == file_.size() || file_[end] == '\n') return false;
      text.append(file_, at_, end - at_);
      at_ = end + 1;
      if (file_[end] == '"') return take("\n");
      if (at_ == file_.size() || std::string_view("\"\\n").find(file_[at_]) == std::string_view::npos) return false;
      text += file_[at_] == 'n' ? '\n' : file_[at_];
      ++at_;
    }
  }

  /// Takes 16 hexadecimal digits, and what comes after them.
  template <typename Number>
  bool take_word(Number& number, char after) {
    constexpr size_t kDigits = 8;
    if (file_.size() - at_ < 2 * kDigits) return false;
    uint64_t wrong = 0;
    const uint64_t high = hexadecimal(&file_[at_], wrong);
    number = static_cast<Number>(high << 32 | hexadecimal(&file_[at_ + kDigits], wrong));
    at_ += 2 * kDigits;
    return wrong == 0 && take({&after, 1});
  }

  bool take_stamp(std::optional<FileStamp>& stamp) {
    if (!take("stamp ")) return true;
    stamp.emplace();
    return take_word(stamp->device, ' ') && take_word(stamp->inode, ' ') && take_word(stamp->bytes, ' ') &&
           take_word(stamp->modified_ns, ' ') && take_word(stamp->changed_ns, '\n');
  }

  bool take_facts(std::vector<FileFact>& facts) {
    for (;;) {
      FileFact fact{FactKind::kMissing, {}, {}, {}};
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
      if (!take_text(fact.name) || (fact.kind == FactKind::kRead && !take_stamp(fact.stamp))) return false;
      facts.push_back(std::move(fact));
    }
  }

  bool take_folders(std::vector<ManifestFolder>& folders) {
    while (take("folder ")) {
      ManifestFolder folder;
      size_t bytes = 0;
      if (!take_number(bytes, ' ') || !take_text(folder.name) || !take_stamp(folder.stamp) ||
          !take_bytes(bytes, folder.lines)) {
        return false;
      }
      folders.push_back(std::move(folder));
    }
    return true;
  }

  bool take_bytes(size_t count, std::string_view& bytes) {
    if (count > file_.size() - at_) return false;
    bytes = file_.substr(at_, count);
    at_ += count;
    return true;
  }

  size_t at() const { return at_; }

 private:
  std::string_view file_;
  size_t at_ = 0;
};

}  // namespace

std::string print_folder_lines(const FolderFacts& folder) {
  std::string lines;
  for (const FileFact& fact : folder.facts) {
    append_fact(lines, fact, std::string_view(fact.name).substr(folder.name.size() + 1));
  }
  return lines;
}

std::optional<std::vector<FileFact>> parse_folder_lines(const ManifestFolder& folder) {
  Parser parser(folder.lines);
  std::vector<FileFact> facts;
  if (!parser.take_facts(facts) || parser.at() != folder.lines.size()) return std::nullopt;
  for (FileFact& fact : facts) {
    const bool is_name = !fact.name.empty() && fact.name.find('/') == std::string::npos;
    if (fact.kind == FactKind::kRead || !is_name) return std::nullopt;
    fact.name.insert(0, folder.name + "/");
  }
  return facts;
}

std::optional<FactsNow> check_manifest(Manifest& manifest) {
  std::optional<FactsNow> now = check_facts(manifest.facts);
  if (!now) return std::nullopt;
  for (ManifestFolder& folder : manifest.folders) {
    if (folder.stamp && has_stamp(folder.name, *folder.stamp)) continue;
    folder.stamp = folder_stamp(folder.name);
    const std::optional<std::vector<FileFact>> facts = parse_folder_lines(folder);
    if (!facts || !hold_in_folder(*facts)) return std::nullopt;
    now->has_settled |= folder.stamp && is_settled(*folder.stamp);
  }
  return now;
}

std::string print_manifest_modules(const std::vector<ManifestModule>& modules) {
  std::string text;
  if (modules.empty()) return text;
  for (const ManifestModule& module : modules) {
    text += fmt::format("module {} {} {} {} {} ", module.interface.str(), module.sources[0], module.sources[1],
                        module.has_messages ? 1 : 0, module.mentions.size());
    for (const uint32_t mention : module.mentions) text += fmt::format("{} ", mention);
    append_text(text, module.path);
  }
  return fmt::format("{}{:08x}\n{}", kChecksum, checksum_of(text), text);
}

std::optional<std::vector<ManifestModule>> parse_manifest_modules(std::string_view lines, size_t fact_count) {
  std::vector<ManifestModule> modules;
  if (lines.empty()) return modules;
  constexpr size_t kBytesPerModule = 128;  // about
  modules.reserve(lines.size() / kBytesPerModule);
  Parser parser(lines);
  std::string_view checksum;
  if (!parser.take(kChecksum) || !parser.take_bytes(kChecksumDigits, checksum) || !parser.take("\n") ||
      checksum != fmt::format("{:08x}", checksum_of(lines.substr(parser.at()))) || parser.at() == lines.size()) {
    return std::nullopt;
  }
  while (parser.take("module ")) {
    ManifestModule module;
    uint32_t has_messages = 0;
    uint32_t count = 0;
    if (!parser.take_digest(module.interface) || !parser.take_number(module.sources[0], ' ') ||
        !parser.take_number(module.sources[1], ' ') || !parser.take_number(has_messages, ' ') ||
        !parser.take_number(count, ' ') || has_messages > 1 || std::ranges::max(module.sources) > fact_count) {
      return std::nullopt;
    }
    module.has_messages = has_messages != 0;
    module.mentions.reserve(std::min<size_t>(count, lines.size()));
    for (uint32_t mention = 0; count != 0; --count) {
      if (!parser.take_number(mention, ' ')) return std::nullopt;
      module.mentions.push_back(mention);
    }
    if (!parser.take_text(module.path)) return std::nullopt;
    modules.push_back(std::move(module));
  }
  if (parser.at() != lines.size()) return std::nullopt;
  for (const ManifestModule& module : modules) {
    if (std::ranges::any_of(module.mentions, [&](uint32_t mention) { return mention >= modules.size(); })) {
      return std::nullopt;
    }
  }
  return modules;
}

std::string print_manifest(const Manifest& manifest, const Digest& command) {
  std::string text;
  for (const FileFact& fact : manifest.facts) append_fact(text, fact, fact.name);
  for (const ManifestFolder& folder : manifest.folders) {
    text += fmt::format("folder {} ", folder.lines.size());
    append_text(text, folder.name);
    append_stamp(text, folder.stamp);
    text += folder.lines;
  }
  text += "messages ";
  append_text(text, manifest.messages);
  text += fmt::format("modules {}\nbundle {}\n", manifest.modules.size(), manifest.bundle.size());

  std::string file(kManifestMagic);
  file += command_line(command);
  file += fmt::format("{}{:08x} {}\n", kChecksum, checksum_of(text), text.size());
  file += text;
  file += manifest.modules;
  file.resize(aligned(file.size()));
  file += manifest.bundle;
  return file;
}

namespace {

/// Takes the lines before those that the checksum covers, and finds those. Returns whether they are there.
bool take_begin(Parser& parser, std::string_view file, const Digest& command, std::string_view& covered,
                std::string_view& checksum) {
  size_t bytes = 0;
  if (!parser.take(kManifestMagic) || !parser.take(command_line(command)) || !parser.take(kChecksum) ||
      !parser.take_bytes(kChecksumDigits, checksum) || !parser.take(" ") || !parser.take_number(bytes, '\n') ||
      bytes > file.size() - parser.at()) {
    return false;
  }
  covered = file.substr(parser.at(), bytes);
  return true;
}

}  // namespace

std::optional<Manifest> parse_manifest(std::string_view file, const Digest& command) {
  Parser parser(file);
  std::string_view covered;
  std::string_view checksum;
  if (!take_begin(parser, file, command, covered, checksum)) return std::nullopt;
  if (checksum != fmt::format("{:08x}", checksum_of(covered))) return std::nullopt;
  const size_t end = parser.at() + covered.size();
  Manifest manifest;
  size_t modules_bytes = 0;
  size_t bytes = 0;
  if (!parser.take_facts(manifest.facts) || !parser.take_folders(manifest.folders) || !parser.take("messages ") ||
      !parser.take_text(manifest.messages) || !parser.take("modules ") || !parser.take_number(modules_bytes, '\n') ||
      !parser.take("bundle ") || !parser.take_number(bytes, '\n') || parser.at() != end ||
      !parser.take_bytes(modules_bytes, manifest.modules)) {
    return std::nullopt;
  }
  const size_t begin = aligned(parser.at());
  if (begin > file.size() || bytes != file.size() - begin) return std::nullopt;
  if (file.substr(parser.at(), begin - parser.at()).find_first_not_of('\0') != std::string_view::npos)
    return std::nullopt;
  manifest.bundle = file.substr(begin);
  return manifest;
}

std::optional<std::pair<uint32_t, size_t>> manifest_checksum(std::string_view file, const Digest& command) {
  Parser parser(file);
  std::string_view covered;
  std::string_view checksum;
  if (!take_begin(parser, file, command, covered, checksum)) return std::nullopt;
  return std::pair(checksum_of(covered), static_cast<size_t>(checksum.data() - file.data()));
}

}  // namespace fble
