// Man pages. The texts are those of --help: paragraphs are filled, indented lines are kept as they are.
// Tested by tests/unit/frontends/cli/pages_test.cc.
#include <fmt/format.h>

#include <string_view>

#include "frontends/cli/option_table.h"
#include "frontends/cli/pages.h"

namespace fble {
namespace {

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// Returns the text escaped, so that roff prints it as it is.
std::string escaped(std::string_view text) {
  std::string result;
  if (text.starts_with('.') || text.starts_with('\'')) result = "\\&";
  for (const char c : text) {
    switch (c) {
      case '\\': result += "\\e"; break;
      case '-': result += "\\-"; break;
      case '`': result += "\\(ga"; break;
      case '\'': result += "\\(aq"; break;
      case '~': result += "\\(ti"; break;
      case '^': result += "\\(ha"; break;
      default: result += c;
    }
  }
  return result;
}

std::string upper_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return result;
}

/// Appends paragraphs. A line that begins in the first column and ends in a colon after an empty line or at the start
/// is a heading if `has_headings`.
void append_text(std::string& page, std::string_view text, bool has_headings) {
  bool is_literal = false;
  bool is_first_of_paragraph = !has_headings;
  bool follows_gap = true;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) {
      follows_gap = true;
      continue;
    }
    const bool is_indented = line.front() == ' ';
    if (is_literal && !is_indented) page += ".fi\n.RE\n";
    if (has_headings && !is_indented && follows_gap && line.ends_with(':')) {
      page += fmt::format(".SH {}\n", escaped(upper_case(line.substr(0, line.size() - 1))));
      is_first_of_paragraph = true;
    } else {
      if (is_indented && !is_literal) page += ".RS 2\n.nf\n";
      if (follows_gap && !is_first_of_paragraph) page += is_indented && is_literal ? ".sp\n" : ".PP\n";
      page += escaped(is_indented ? line.substr(2) : line) + "\n";
      is_first_of_paragraph = false;
    }
    is_literal = is_indented;
    follows_gap = false;
  }
  if (is_literal) page += ".fi\n.RE\n";
}

std::string page_name(const Command& command) {
  return command.name[0] == '\0' ? "fble-jit" : fmt::format("fble-jit-{}", command.name);
}

}  // namespace

std::string man_page(const Command& command, const std::string& version) {
  const bool is_main = command.name[0] == '\0';
  std::string page = fmt::format(
      ".\\\" Generated from the texts of --help.\n"
      ".TH {} 1 \"\" \"fble\\-jit {}\" \"User Commands\"\n"
      ".SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.nf\n",
      upper_case(escaped(page_name(command))), version, escaped(page_name(command)), escaped(command.summary));
  constexpr std::string_view kUsage = "Usage: ";
  for (std::string_view synopsis = command.synopsis; !synopsis.empty();) {
    page += escaped(take_line(synopsis).substr(kUsage.size())) + "\n";
  }
  page += ".fi\n.SH DESCRIPTION\n";
  append_text(page, command.description, false);
  if (is_main) {
    page += ".SH COMMANDS\n";
    for (const Command& other : commands()) {
      if (other.name[0] != '\0')
        page += fmt::format(".TP\n.BR {} (1)\n{}\n", escaped(page_name(other)), escaped(other.summary));
    }
  }
  page += ".SH OPTIONS\n";
  for (const auto& [group, title] : option_groups()) {
    if ((command.groups & group) == 0) continue;
    page += fmt::format(".SS {}\n", escaped(title));
    for (const OptionRow& row : option_rows()) {
      if (row.group == group) page += fmt::format(".TP\n.B {}\n{}\n", escaped(option_heading(row)), escaped(row.doc));
    }
  }
  append_text(page, help_epilogue(command), true);
  page += ".SH SEE ALSO\n";
  std::string names;
  for (const Command& other : commands()) {
    if (&other != &command)
      names += fmt::format("{}.BR {} (1)", names.empty() ? "" : " ,\n", escaped(page_name(other)));
  }
  return page + names + "\n";
}

}  // namespace fble
