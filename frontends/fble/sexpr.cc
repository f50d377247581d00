// Tested by tests/unit/frontends/fble/core_text_test.cc.
#include "frontends/fble/sexpr.h"

#include <fmt/format.h>

#include <algorithm>

namespace fble {
namespace {

constexpr size_t kLineWidth = 110;
constexpr size_t kMaxIndent = 60;  // deeper nesting must not make lines endless

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

bool is_bare_char(char c) {
  return static_cast<unsigned char>(c) > ' ' && c != '(' && c != ')' && c != '"' && c != ';' && c != '\x7f';
}

std::string written_atom(const std::string& atom) {
  if (!atom.empty() && std::all_of(atom.begin(), atom.end(), is_bare_char)) return atom;
  std::string text = "\"";
  for (char c : atom) {
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      text += c;
    }
  }
  return text + '"';
}

/// Prints an expression that fits on a line, so the recursion is shallow.
void print_flat(const Sexpr& sexpr, std::string& out) {
  if (!sexpr.is_list) {
    out += written_atom(sexpr.atom);
    return;
  }
  out += '(';
  for (size_t i = 0; i < sexpr.items.size(); ++i) {
    if (i > 0) out += ' ';
    print_flat(*sexpr.items[i], out);
  }
  out += ')';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

const Sexpr* make_atom(Arena& arena, std::string text) {
  Sexpr* sexpr = arena.make<Sexpr>();
  sexpr->width = written_atom(text).size();
  sexpr->atom = std::move(text);
  return sexpr;
}

const Sexpr* make_list(Arena& arena, std::vector<const Sexpr*> items) {
  Sexpr* sexpr = arena.make<Sexpr>();
  sexpr->is_list = true;
  sexpr->width = 2 + (items.empty() ? 0 : items.size() - 1);
  for (const Sexpr* item : items) sexpr->width += item->width;
  sexpr->items = std::move(items);
  return sexpr;
}

std::string print_sexpr(const Sexpr& root) {
  struct Open {
    const Sexpr* list;
    size_t next;
  };
  std::string out;
  std::vector<Open> open;
  auto indent = [&] { return std::min(2 * open.size(), kMaxIndent); };
  auto print = [&](const Sexpr& sexpr) {
    if (!sexpr.is_list || sexpr.width + indent() <= kLineWidth) {
      print_flat(sexpr, out);
    } else {
      out += '(';
      open.push_back({&sexpr, 0});
    }
  };
  print(root);
  bool only_atoms = true;  // of the innermost open list, so far
  while (!open.empty()) {
    Open& current = open.back();
    if (current.next == current.list->items.size()) {
      out += ')';
      open.pop_back();
      only_atoms = false;
      continue;
    }
    size_t index = current.next++;
    const Sexpr& item = *current.list->items[index];
    if (index == 0) only_atoms = true;
    only_atoms = only_atoms && !item.is_list;
    if (index > 0) {
      if (only_atoms) {
        out += ' ';
      } else {
        out += '\n';
        out.append(indent(), ' ');
      }
    }
    print(item);
  }
  out += '\n';
  return out;
}

const Sexpr* parse_sexpr(std::string_view text, Symbol file, Arena& arena, Diagnostics& diagnostics) {
  struct Open {
    uint32_t line;
    uint32_t column;
    std::vector<const Sexpr*> items;
  };
  std::vector<Open> open;
  const Sexpr* result = nullptr;
  size_t pos = 0;
  size_t line_start = 0;
  uint32_t line = 1;
  auto column = [&] { return static_cast<uint32_t>(pos - line_start + 1); };
  auto fail = [&](const char* message) -> const Sexpr* {
    diagnostics.error(Loc{file, line, column()}, message);
    return nullptr;
  };
  auto place = [](const Sexpr* sexpr, uint32_t at_line, uint32_t at_column) {
    Sexpr* placed = const_cast<Sexpr*>(sexpr);  // just made by us
    placed->line = at_line;
    placed->column = at_column;
    return sexpr;
  };

  while (pos < text.size()) {
    char c = text[pos];
    if (c == '\n') {
      ++line;
      line_start = ++pos;
      continue;
    }
    if (is_blank(c)) {
      ++pos;
      continue;
    }
    if (c == ';') {
      pos = std::min(text.find('\n', pos), text.size());
      continue;
    }
    if (result != nullptr) return fail("text after the end");
    uint32_t start_line = line;
    uint32_t start_column = column();
    const Sexpr* done = nullptr;
    if (c == '(') {
      ++pos;
      open.push_back({start_line, start_column, {}});
      continue;
    }
    if (c == ')') {
      if (open.empty()) return fail("')' without '('");
      ++pos;
      done = make_list(arena, std::move(open.back().items));
      start_line = open.back().line;
      start_column = open.back().column;
      open.pop_back();
    } else if (c == '"') {
      ++pos;
      std::string atom;
      for (;;) {
        if (pos >= text.size()) return fail("string without end");
        char next = text[pos];
        if (next == '"') break;
        if (next == '\n') return fail("string without end on this line");
        if (next != '\\') {
          atom += next;
          ++pos;
        } else if (pos + 1 < text.size() && (text[pos + 1] == '"' || text[pos + 1] == '\\')) {
          atom += text[pos + 1];
          pos += 2;
        } else if (pos + 3 < text.size() && text[pos + 1] == 'x' && hex_digit(text[pos + 2]) >= 0 &&
                   hex_digit(text[pos + 3]) >= 0) {
          atom += static_cast<char>(16 * hex_digit(text[pos + 2]) + hex_digit(text[pos + 3]));
          pos += 4;
        } else {
          return fail("unknown escape");
        }
      }
      ++pos;
      done = make_atom(arena, std::move(atom));
    } else {
      size_t start = pos;
      while (pos < text.size() && is_bare_char(text[pos])) ++pos;
      if (pos == start) return fail("unexpected character");
      done = make_atom(arena, std::string(text.substr(start, pos - start)));
    }
    place(done, start_line, start_column);
    if (open.empty()) {
      result = done;
    } else {
      open.back().items.push_back(done);
    }
  }
  if (!open.empty()) return fail("missing ')'");
  if (result == nullptr) return fail("nothing here");
  return result;
}

}  // namespace fble
