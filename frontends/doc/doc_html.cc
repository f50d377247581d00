// Documentation as HTML: a page for each module and an index. A page needs no other file, so
// it can be opened from a folder or sent by mail.
//
// The text of comments is shown as it is, with three conventions of the library's comments:
// blank lines separate paragraphs, lines that are indented further are shown as code, and
// lines that begin with "- " are the items of a list. Module paths in comments and names in
// definitions become links where there is a page to go to.
//
// Tested by tests/unit/frontends/cli/doc_test.cc.
#include <fmt/format.h>

#include <cctype>
#include <optional>

#include "frontends/doc/doc_format.h"
#include "frontends/fble/lexer.h"
#include "frontends/html/html.h"

namespace fble {
namespace {

constexpr std::string_view kStyle = R"(
  body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper);
         max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
  a { color: var(--link); text-decoration: none; }
  a:hover { text-decoration: underline; }
  nav { font-size: .9rem; color: var(--soft); }
  h1 { font: 600 1.6rem ui-monospace, monospace; margin: .4rem 0 1rem; overflow-wrap: anywhere; }
  pre, code { font: .86rem/1.5 ui-monospace, monospace; }
  pre { overflow-x: auto; margin: .6rem 0; padding: .6rem .8rem; background: var(--panel); border-radius: 6px; }
  pre .comment { color: var(--soft); }
  .names { columns: 14rem; padding: 0; list-style: none; border-block: 1px solid var(--line); padding-block: .6rem; }
  .names, .modules { font: .86rem/1.7 ui-monospace, monospace; }
  section { margin-top: 1.6rem; }
  section > pre { font-weight: 600; border-left: 3px solid var(--link); border-radius: 0 6px 6px 0; }
  section > :not(pre) { margin-left: .8rem; }
  section:target > pre { outline: 2px solid var(--link); }
  .origin { color: var(--soft); }
  table { border-collapse: collapse; width: 100%; }
  td { padding: .15rem .8rem .15rem 0; vertical-align: top; }
)";

/// Returns the text with all bytes but letters and digits in base 16: safe in file names and addresses.
std::string encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      result += c;
    } else {
      result += fmt::format("_{:02x}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

std::string anchor_of(std::string_view name) { return "x-" + encoded(name); }

std::string link(const std::string& target, std::string_view text) {
  return fmt::format("<a href=\"{}\">{}</a>", target, escape_html(text));
}

std::string page_start(std::string_view title) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title>\n<style>{}{}</style>\n</head>\n<body>\n",
      escape_html(title), kHtmlColours, kStyle);
}

constexpr std::string_view kPageEnd = "</body>\n</html>\n";

/// Returns the module path at the start of the text, as comments write them: /Words/Of/It%. Empty if there is none.
std::string_view plain_path_at(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && text[end] == '/') {
    const size_t word = ++end;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) ++end;
    if (end == word) return {};
  }
  return end != 0 && end < text.size() && text[end] == '%' ? text.substr(0, end + 1) : std::string_view();
}

ModulePath path_of_plain(std::string_view text) {
  ModulePath path;
  for (size_t start = 1; start < text.size();) {
    const size_t end = std::min(text.find_first_of("/%", start), text.size());
    path.words.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return path;
}

/// Returns the text of a comment with links to the modules that it mentions.
std::string linked_text(std::string_view text, const DocPages& pages) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const std::string_view path = text[at] == '/' ? plain_path_at(text.substr(at)) : std::string_view();
    if (!path.empty() && pages.contains(path_of_plain(path))) {
      result += link(page_name(path_of_plain(path)), path);
      at += path.size();
    } else {
      result += escape_html(text.substr(at, 1));
      ++at;
    }
  }
  return result;
}

/// Writes a comment as paragraphs, code and lists.
class CommentWriter {
 public:
  explicit CommentWriter(const DocPages& pages) : pages_(pages) {}

  std::string write(const std::vector<std::string>& comment) {
    for (const std::string& line : comment) add(line);
    open(Block::kNone);
    return std::move(html_);
  }

 private:
  enum class Block { kNone, kParagraph, kCode, kItem };

  void add(const std::string& line) {
    const size_t indent = line.find_first_not_of(' ');
    if (indent == std::string::npos) {
      // Between lines of code a blank line is one of them; elsewhere it ends the block.
      if (block_ == Block::kCode) {
        ++blank_lines_;
      } else {
        open(Block::kNone);
      }
      return;
    }
    if (line.compare(indent, 2, "- ") == 0) {
      item_indent_ = indent + 2;
      if (block_ == Block::kItem) html_ += "</li>\n<li>";
      open(Block::kItem);
      html_ += linked_text(std::string_view(line).substr(item_indent_), pages_);
    } else if (block_ == Block::kItem && indent >= item_indent_) {
      html_ += "\n" + linked_text(std::string_view(line).substr(indent), pages_);
    } else if (indent >= 2) {
      const bool goes_on = block_ == Block::kCode;
      open(Block::kCode);
      if (goes_on) html_ += std::string(blank_lines_ + 1, '\n');
      blank_lines_ = 0;
      html_ += linked_text(std::string_view(line).substr(2), pages_);
    } else {
      const bool goes_on = block_ == Block::kParagraph;
      open(Block::kParagraph);
      if (goes_on) html_ += "\n";
      html_ += linked_text(line, pages_);
    }
  }

  void open(Block block) {
    if (block == block_) return;
    switch (block_) {
      case Block::kNone: break;
      case Block::kParagraph: html_ += "</p>\n"; break;
      case Block::kCode: html_ += "</pre>\n"; break;
      case Block::kItem: html_ += "</li></ul>\n"; break;
    }
    blank_lines_ = 0;
    block_ = block;
    switch (block_) {
      case Block::kNone: break;
      case Block::kParagraph: html_ += "<p>"; break;
      case Block::kCode: html_ += "<pre>"; break;
      case Block::kItem: html_ += "<ul><li>"; break;
    }
  }

  const DocPages& pages_;
  std::string html_;
  Block block_ = Block::kNone;
  size_t item_indent_ = 0;
  size_t blank_lines_ = 0;
};

/// Writes a piece of source with links from its names and module paths.
class CodeWriter {
 public:
  CodeWriter(std::string_view code, const DocScope& scope, const ModulePath& here, const DocPages& pages)
      : code_(code), scope_(scope), here_(here), pages_(pages) {
    Lexer lexer(code);
    do {
      tokens_.push_back(lexer.next());
    } while (tokens_.back().kind != TokenKind::kEnd && tokens_.back().kind != TokenKind::kInvalid);
    tokens_.pop_back();
  }

  std::string write() {
    for (size_t i = 0; i < tokens_.size();) {
      if (const size_t count = path_length(i); count != 0) {
        i = write_path(i, count);
      } else if (tokens_[i].kind == TokenKind::kWord) {
        i = write_name(i);
      } else {
        write_to(end_of(i++));
      }
    }
    write_to(code_.size());
    return std::move(html_);
  }

 private:
  size_t start_of(size_t i) const {
    return static_cast<size_t>(tokens_[i].text.data() - code_.data()) - (tokens_[i].quoted ? 1 : 0);
  }
  size_t end_of(size_t i) const { return start_of(i) + tokens_[i].text.size() + (tokens_[i].quoted ? 2 : 0); }
  bool is(size_t i, TokenKind kind) const { return i < tokens_.size() && tokens_[i].kind == kind; }

  /// Returns the number of tokens of a module path that starts with the i-th, or 0.
  size_t path_length(size_t i) const {
    size_t end = i;
    while (is(end, TokenKind::kSlash) && is(end + 1, TokenKind::kWord)) end += 2;
    return end != i && is(end, TokenKind::kPercent) ? end + 1 - i : 0;
  }

  /// Copies the code up to an offset; between tokens there are blanks and comments.
  void write_to(size_t end) {
    bool in_comment = false;
    for (; done_ < end; ++done_) {
      const char c = code_[done_];
      if (c == '#' && between_tokens(done_) && !in_comment) {
        html_ += "<span class=\"comment\">";
        in_comment = true;
      }
      if (c == '\n' && in_comment) {
        html_ += "</span>";
        in_comment = false;
      }
      html_ += escape_html(std::string_view(&c, 1));
    }
    if (in_comment) html_ += "</span>";
  }

  bool between_tokens(size_t offset) const {
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (start_of(i) <= offset && offset < end_of(i)) return false;
    }
    return true;
  }

  void write_link(const DocTarget& target, std::string_view anchor, size_t start, size_t end) {
    write_to(start);
    std::string address = target.module == here_ ? "" : page_name(target.module);
    if (!anchor.empty()) address += "#" + anchor_of(anchor);
    html_ += link(address, code_.substr(start, end - start));
    done_ = end;
  }

  size_t write_path(size_t first, size_t count) {
    ModulePath path;
    for (size_t i = first + 1; i < first + count; i += 2) path.words.push_back(word_symbol(tokens_[i]));
    size_t next = first + count;
    std::string name;
    if (is(next, TokenKind::kDot) && is(next + 1, TokenKind::kWord)) {
      name = word_text(tokens_[next + 1]);
      next += 2;
      if (is(next, TokenKind::kAt)) {
        name += "@";
        ++next;
      }
    }
    if (pages_.contains(path)) {
      write_link({path, name}, name, start_of(first), end_of(next - 1));
    } else {
      write_to(end_of(next - 1));
    }
    return next;
  }

  size_t write_name(size_t i) {
    const bool is_type = is(i + 1, TokenKind::kAt);
    const size_t last = is_type ? i + 1 : i;
    const auto found = scope_.find(word_text(tokens_[i]) + (is_type ? "@" : ""));
    // Values are rarely mentioned in types, but fields often have the same names.
    if (is_type && found != scope_.end() && pages_.contains(found->second.module)) {
      write_link(found->second, found->second.name, start_of(i), end_of(last));
    } else {
      write_to(end_of(last));
    }
    return last + 1;
  }

  const std::string_view code_;
  const DocScope& scope_;
  const ModulePath& here_;
  const DocPages& pages_;
  std::vector<Token> tokens_;
  std::string html_;
  size_t done_ = 0;
};

/// Returns the name for an anchor: as it is known in scopes, without quotes.
std::string plain_name(const ExportDoc& one) {
  Lexer lexer(one.name);
  return word_text(lexer.next()) + (one.is_type ? "@" : "");
}

}  // namespace

std::string page_name(const ModulePath& path) {
  std::string name;
  for (const Symbol word : path.words) name += (name.empty() ? "" : "-") + encoded(word.str());
  // A module with such a name would overwrite the index, or would get no name at all.
  return name == "index" || name.empty() ? name + "-.html" : name + ".html";
}

std::string module_page(const ModuleDoc& doc, const DocPages& pages) {
  const std::string title = doc.path.str();
  std::string html = page_start(title);
  html += fmt::format("<nav>{}</nav>\n<h1>{}</h1>\n", link(kIndexPage, "All modules"), escape_html(title));
  std::vector<std::string> comment = doc.comment;
  // In the source it continues a line after "/Path%: "; here it starts the text.
  if (!comment.empty())
    comment.front()[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(comment.front()[0])));
  html += CommentWriter(pages).write(comment);
  if (!doc.value_type.empty()) {
    const std::string value = title + " : " + doc.value_type;
    html +=
        fmt::format("<section>\n<pre>{}</pre>\n</section>\n", CodeWriter(value, *doc.scope, doc.path, pages).write());
  }
  if (doc.exports.size() > 1) {
    html += "<ul class=\"names\">\n";
    for (const ExportDoc& one : doc.exports) {
      html += fmt::format("<li>{}</li>\n", link("#" + anchor_of(plain_name(one)), one.name));
    }
    html += "</ul>\n";
  }
  for (const ExportDoc& one : doc.exports) {
    html += fmt::format("<section id=\"{}\">\n<pre>{}</pre>\n", anchor_of(plain_name(one)),
                        CodeWriter(one.definition, *one.scope, doc.path, pages).write());
    html += CommentWriter(pages).write(one.comment);
    if (one.origin) {
      const std::string name = one.origin->str();
      html += fmt::format("<p class=\"origin\">It comes from {}.</p>\n",
                          pages.contains(*one.origin) ? link(page_name(*one.origin), name) : escape_html(name));
    }
    html += "</section>\n";
  }
  html += kPageEnd;
  return html;
}

std::string index_page(std::span<const ModuleSummary> modules) {
  std::string html = page_start("Modules");
  html += "<h1>Modules</h1>\n<table>\n";
  DocPages pages;
  for (const ModuleSummary& module : modules) pages.insert(module.path);
  for (const ModuleSummary& module : modules) {
    html += fmt::format("<tr><td class=\"modules\">{}</td><td>{}</td></tr>\n",
                        link(page_name(module.path), module.path.str()), linked_text(module.summary, pages));
  }
  html += "</table>\n";
  html += kPageEnd;
  return html;
}

}  // namespace fble
