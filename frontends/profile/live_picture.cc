// Tested by tests/unit/frontends/cli/profile_test.cc.
#include <fmt/format.h>

#include <algorithm>

#include "frontends/profile/profile_formats.h"

namespace fble {

namespace {

/// The rows that are no functions or lines: the first one, and two headings with an empty row each.
constexpr size_t kOtherRows = 5;

/// Appends the beginning of a row that fits, with its end.
void append_row(std::string& text, std::string_view row, size_t columns) {
  // Names may have letters of several bytes: none is cut.
  size_t end = 0;
  for (size_t shown = 0; end < row.size(); ++end) {
    const bool is_start = (static_cast<unsigned char>(row[end]) & 0xc0) != 0x80;
    if (is_start && ++shown > columns) break;
  }
  text += row.substr(0, end);
  text += '\n';
}

double percent_of(uint64_t part, const CallTree& tree) {
  return 100 * static_cast<double>(part) / static_cast<double>(std::max<uint64_t>(1, tree.ns()));
}

}  // namespace

std::string live_picture(const CallTree& tree, size_t rows, size_t columns) {
  std::vector<LineTime> lines;
  for (const std::string& file : profiled_files(tree)) {
    const std::vector<LineTime> of_file = line_times(tree, file);
    lines.insert(lines.end(), of_file.begin(), of_file.end());
  }
  std::ranges::sort(lines, {}, [](const LineTime& line) { return std::pair(~line.self_ns, line.line); });
  const std::vector<FunctionTime> functions = function_times(tree);

  const size_t room = rows > kOtherRows ? rows - kOtherRows : 0;
  const size_t most_functions = std::min(functions.size(), room - room / 3);
  const size_t most_lines = std::min(lines.size(), room / 3);
  std::string text;
  append_row(text, measured_text(tree), columns);
  append_row(text, "", columns);
  append_row(text, "   self    total  function", columns);
  for (size_t i = 0; i < most_functions; ++i) {
    const ProfiledFunction& function = tree.functions[functions[i].function];
    append_row(text,
               fmt::format("{:5.1f} %  {:5.1f} %  {}", percent_of(functions[i].self_ns, tree),
                           percent_of(functions[i].total_ns, tree), function.name),
               columns);
  }
  append_row(text, "", columns);
  append_row(text, "   self    total  line", columns);
  for (size_t i = 0; i < most_lines; ++i) {
    append_row(text,
               fmt::format("{:5.1f} %  {:5.1f} %  {}:{}", percent_of(lines[i].self_ns, tree),
                           percent_of(lines[i].total_ns, tree), lines[i].line.file, lines[i].line.line),
               columns);
  }
  return text;
}

}  // namespace fble
