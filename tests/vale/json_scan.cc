#include "tests/vale/json_scan.h"

#include <string_view>

#include "tests/vale/switch.h"
#include "tests/vale/text.h"

namespace vale {
namespace {

/// Nesting that is accepted. OS threads with the smallest stacks have room for it.
constexpr int kMostDepth = 64;

void skip_blanks(JsonScan& scan) {
  while (scan.at != scan.end && (*scan.at == ' ' || *scan.at == '\n' || *scan.at == '\t' || *scan.at == '\r'))
    ++scan.at;
}

/// Takes the character if it is the next one but for blanks.
bool take(JsonScan& scan, char wanted) {
  skip_blanks(scan);
  if (scan.at == scan.end || *scan.at != wanted) return false;
  ++scan.at;
  return true;
}

/// Reads four hexadecimal digits; below 0 if they are not.
int32_t take_unit(JsonScan& scan) {
  if (scan.end - scan.at < 4) return -1;
  int32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = *scan.at++;
    const char lower = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      unit = unit * 16 + (c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      unit = unit * 16 + (lower - 'a' + 10);
    } else {
      return -1;
    }
  }
  return unit;
}

/// Reads what follows `\u`: one unit of UTF-16, or the two of a pair. Below 0 if it is no character.
int32_t take_character(JsonScan& scan) {
  const int32_t first = take_unit(scan);
  if (first < 0xd800 || first > 0xdfff) return first;
  if (first > 0xdbff || scan.end - scan.at < 2 || scan.at[0] != '\\' || scan.at[1] != 'u') return -1;
  scan.at += 2;
  const int32_t second = take_unit(scan);
  if (second < 0xdc00 || second > 0xdfff) return -1;
  return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

/// Writes a character in UTF-8.
char* put_character(char* to, int32_t character) {
  const auto put = [&](int32_t byte) { *to++ = static_cast<char>(byte); };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xc0 | character >> 6);
    put(0x80 | (character & 0x3f));
  } else if (character < 0x10000) {
    put(0xe0 | character >> 12);
    put(0x80 | (character >> 6 & 0x3f));
    put(0x80 | (character & 0x3f));
  } else {
    put(0xf0 | character >> 18);
    put(0x80 | (character >> 12 & 0x3f));
    put(0x80 | (character >> 6 & 0x3f));
    put(0x80 | (character & 0x3f));
  }
  return to;
}

/// What stands for itself or one character behind a backslash; 0 if nothing.
char escaped(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

/// Reads a string behind its first quotation mark, and decodes it where it is: that is never longer. The bytes are then
/// from where it began up to `end`. False if it is no string.
bool take_string(JsonScan& scan, char*& end) {
  char* to = scan.at;
  while (scan.at != scan.end) {
    const char c = *scan.at++;
    if (c == '"') {
      end = to;
      return true;
    }
    if (static_cast<unsigned char>(c) < 0x20) return false;
    if (c != '\\') {
      *to++ = c;
      continue;
    }
    if (scan.at == scan.end) return false;
    const char kind = *scan.at++;
    if (kind == 'u') {
      const int32_t character = take_character(scan);
      if (character < 0) return false;
      to = put_character(to, character);
    } else {
      const char plain = escaped(kind);
      if (plain == 0) return false;
      *to++ = plain;
    }
  }
  return false;
}

/// Reads a word or a number: letters, digits and signs.
bool take_literal(JsonScan& scan) {
  const char* begin = scan.at;
  while (scan.at != scan.end) {
    const char c = *scan.at;
    const char lower = static_cast<char>(c | 0x20);
    const bool belongs = (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') || c == '+' || c == '-' || c == '.';
    if (!belongs) break;
    ++scan.at;
  }
  return scan.at != begin;
}

/// The recursive call.
bool scan_nested(int64_t is_concurrent, JsonScan& scan, Context& context) {
  return is_concurrent != 0 ? scan_value_on_chunk(is_concurrent, scan, context)
                            : scan_value(is_concurrent, scan, context);
}

/// Reads the name of a member, and what separates it from its value.
bool take_name(JsonScan& scan) {
  char* end = nullptr;
  return take(scan, '"') && take_string(scan, end) && take(scan, ':');
}

}  // namespace

bool scan_value(int64_t is_concurrent, JsonScan& scan, Context& context) {
  if (take(scan, '"')) {
    char* begin = scan.at;
    char* end = nullptr;
    if (!take_string(scan, end)) return false;
    if (!scan.found && static_cast<size_t>(end - begin) >= context.word.size()) {
      on_carrier(is_concurrent,
                 [&] { scan.found = contains({begin, static_cast<size_t>(end - begin)}, context.word); });
    }
    return true;
  }
  const bool is_object = take(scan, '{');
  if (!is_object && !take(scan, '[')) return take_literal(scan);
  const char close = is_object ? '}' : ']';
  if (take(scan, close)) return true;
  if (++scan.depth > kMostDepth) return false;
  do {
    if (is_object && !take_name(scan)) return false;
    if (!scan_nested(is_concurrent, scan, context)) return false;
  } while (take(scan, ','));
  --scan.depth;
  return take(scan, close);
}

bool scan_json(int64_t is_concurrent, JsonScan& scan, Context& context) {
  if (!scan_nested(is_concurrent, scan, context)) return false;
  skip_blanks(scan);
  return scan.at == scan.end;
}

}  // namespace vale
