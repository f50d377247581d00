// Tested by tests/unit/frontends/fble/invisible_test.cc.
#include "frontends/fble/invisible.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "frontends/fble/lexer.h"

namespace fble {
namespace {

struct InvisibleKind {
  uint32_t first;
  uint32_t last;
  const char* name;
  bool reorders;
};

constexpr InvisibleKind kKinds[] = {
#define FBLE_INVISIBLE(first, last, name, reorders) {first, last, name, reorders},
#include "frontends/fble/invisible_chars.def"
#undef FBLE_INVISIBLE
};

enum Place { kName, kQuoted, kComment };

struct Invisible {
  uint32_t code;
  const InvisibleKind* kind;
  size_t offset;
};

/// Returns the code point of the UTF-8 sequence at the start of the text, which
/// begins with a byte above 0x7F; 0 for an invalid sequence.
uint32_t code_point(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const uint32_t lead = byte(0);
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
  if (length == 0) return 0;
  uint32_t code = lead & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3F);
  }
  return code;
}

/// Returns all invisible characters of the text, in order.
std::vector<Invisible> find_invisible(std::string_view text) {
  std::vector<Invisible> found;
  for (size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) < 0x80) [[likely]]
      continue;
    const uint32_t code = code_point(text.substr(i));
    for (const InvisibleKind& kind : kKinds) {
      if (kind.first <= code && code <= kind.last) found.push_back({code, &kind, i});
    }
  }
  return found;
}

}  // namespace

void warn_invisible(std::string_view text, Symbol file, Diagnostics& diagnostics) {
  const std::vector<Invisible> found = find_invisible(text);
  if (found.empty()) return;

  struct Report {
    const Invisible* first;
    size_t count;
  };
  std::map<std::pair<Place, uint32_t>, Report> reports;
  Lexer lexer(text);
  Token token = lexer.next();
  for (const Invisible& one : found) {
    const char* at = text.data() + one.offset;
    while (token.kind != TokenKind::kEnd && token.text.data() + token.text.size() <= at) token = lexer.next();
    const bool in_token = token.kind != TokenKind::kEnd && token.text.data() <= at;
    const Place place = !in_token ? kComment : token.quoted ? kQuoted : kName;
    if (place != kName && !one.kind->reorders) continue;
    ++reports.try_emplace({place, one.code}, Report{&one, 0}).first->second.count;
  }

  std::vector<std::pair<Place, Report>> in_order;
  for (const auto& [key, report] : reports) in_order.emplace_back(key.first, report);
  std::ranges::sort(in_order, {}, [](const auto& entry) { return entry.second.first->offset; });
  for (const auto& [place, report] : in_order) {
    const Invisible& one = *report.first;
    const std::string_view before = text.substr(0, one.offset);
    const size_t line_start = before.rfind('\n') + 1;  // 0 if there is none
    const Loc loc{file, static_cast<uint32_t>(std::ranges::count(before, '\n') + 1),
                  static_cast<uint32_t>(one.offset - line_start + 1)};
    std::string message = fmt::format("U+{:04X} ({}) ", one.code, one.kind->name);
    message +=
        place == kName ? "is not seen, and is a part of the word here" : "makes text look different from what is read";
    if (report.count > 1)
      message += fmt::format("; it is in {} more place{}", report.count - 1, report.count > 2 ? "s" : "");
    diagnostics.warning(loc, std::move(message));
  }
}

}  // namespace fble
