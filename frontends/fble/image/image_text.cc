#include "frontends/fble/image/image_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace fble {
namespace {

/// Records of one number are printed this many in a line.
constexpr uint32_t kNumbersInLine = 16;

bool is_plain_number(const SectionInfo& info) { return info.width == 1 && info.members[0].kind == MemberKind::kNumber; }

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

// ---- printing -----------------------------------------------------------------

void print_section(const ImageView& image, Section section, std::string& text) {
  const SectionInfo& info = section_info(section);
  const std::span<const uint32_t> words = image.words_of(section);
  const auto out = std::back_inserter(text);
  if (is_plain_number(info)) {
    for (size_t at = 0; at < words.size(); at += kNumbersInLine) {
      fmt::format_to(out, "{} {}:", info.name, at);
      for (const uint32_t word : words.subspan(at, std::min<size_t>(kNumbersInLine, words.size() - at))) {
        fmt::format_to(out, " {}", word);
      }
      text += '\n';
    }
    return;
  }
  for (size_t at = 0; at < words.size(); at += info.width) {
    fmt::format_to(out, "{} {}:", info.name, at / info.width);
    if (section == Section::kString && uint64_t{words[at]} + words[at + 1] <= image.bytes().size()) {
      fmt::format_to(out, " {}\n", quoted(image.bytes().substr(words[at], words[at + 1])));
      continue;
    }
    size_t word = at;
    for (const MemberInfo& member : info.members) {
      if (member.kind == MemberKind::kRange) {
        fmt::format_to(out, " {}={}+{}", member.name, words[word], words[word + 1]);
      } else if (member.kind == MemberKind::kOptional && words[word] == kNoRecord) {
        fmt::format_to(out, " {}=-", member.name);
      } else {
        fmt::format_to(out, " {}={}", member.name, words[word]);
      }
      word += member.width();
    }
    text += '\n';
  }
}

// ---- parsing ------------------------------------------------------------------

/// An error, thrown within this file only.
struct ParseError {
  std::string message;
};

/// Reads one line.
class LineParser {
 public:
  explicit LineParser(std::string_view line) : rest_(line) {}

  void parse(ImageTables& tables) {
    if (accept("image ")) return;  // the checksum is computed
    const std::optional<Section> section = section_name();
    if (!section) fail("the name of a section is expected");
    const SectionInfo& info = section_info(*section);
    std::vector<uint32_t>& words = tables.words_of(*section);
    expect(" ");
    if (number() != words.size() / info.width) fail("the records of a section must be in order");
    expect(":");
    if (is_plain_number(info)) {
      do {
        expect(" ");
        words.push_back(number());
      } while (!rest_.empty());
    } else if (accept(" \"")) {
      if (*section != Section::kString) fail("only strings are texts");
      const std::string text = string();
      words.push_back(static_cast<uint32_t>(tables.bytes().size()));
      words.push_back(static_cast<uint32_t>(text.size()));
      tables.bytes() += text;
    } else {
      for (const MemberInfo& member : info.members) add_member(member, words);
    }
    if (!rest_.empty()) fail("the line should end here");
  }

 private:
  [[noreturn]] void fail(const char* message) const { throw ParseError{message}; }

  bool accept(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  void expect(std::string_view text) {
    if (!accept(text)) throw ParseError{fmt::format("'{}' is expected", text)};
  }

  std::optional<Section> section_name() {
    const std::string_view name = rest_.substr(0, rest_.find(' '));
    for (size_t i = 0; i < kSections; ++i) {
      if (name != section_info(static_cast<Section>(i)).name) continue;
      rest_.remove_prefix(name.size());
      return static_cast<Section>(i);
    }
    return std::nullopt;
  }

  uint32_t number() {
    uint32_t value = 0;
    const auto [end, problem] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (problem != std::errc{}) fail("a number of 32 bits is expected");
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return value;
  }

  std::string string() {
    std::string text;
    for (;;) {
      if (rest_.empty()) fail("the text has no end");
      if (accept("\"")) return text;
      if (accept("\\x")) {
        unsigned value = 0;
        const char* end = rest_.data() + std::min<size_t>(2, rest_.size());
        const auto [stop, problem] = std::from_chars(rest_.data(), end, value, 16);
        if (problem != std::errc{} || stop != rest_.data() + 2) fail("two hexadecimal digits are expected");
        text += static_cast<char>(value);
        rest_.remove_prefix(2);
      } else {
        text += rest_.front();
        rest_.remove_prefix(1);
      }
    }
  }

  void add_member(const MemberInfo& member, std::vector<uint32_t>& words) {
    expect(" ");
    expect(member.name);
    expect("=");
    if (member.kind == MemberKind::kOptional && accept("-")) return words.push_back(kNoRecord);
    words.push_back(number());
    if (member.kind != MemberKind::kRange) return;
    expect("+");
    words.push_back(number());
  }

  std::string_view rest_;
};

}  // namespace

std::string print_image(const ImageView& image) {
  std::string text = fmt::format("image {:08x}\n", image.checksum());
  for (size_t i = 0; i < kSections; ++i) print_section(image, static_cast<Section>(i), text);
  return text;
}

ImageParse parse_image(std::string_view text) {
  ImageTables tables;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    try {
      LineParser(line).parse(tables);
    } catch (const ParseError& error) {
      return {"", fmt::format("line {}: {}", number, error.message)};
    }
  }
  return {tables.to_image(), ""};
}

}  // namespace fble
