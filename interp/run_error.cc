#include "interp/run_error.h"

#include <fmt/format.h>

#include <deque>

#include "interp/call_frame.h"

namespace fble {

namespace {

/// The number of lines of an error trace that are kept at its inner and outer end.
constexpr size_t kInnerLines = 100;
constexpr size_t kOuterLines = 20;

/// Calls `visit(code, line)` for the frames that have a line in a trace, until that returns false. Glue has none. Nor
/// has a native: its line is that of the call.
template <typename Visit>
void for_each_line(const uint32_t* pc, const Word* fp, Visit&& visit) {
  for_each_frame(pc, fp, [&](const Word* frame, const uint32_t* position) {
    const Code& code = code_of_frame(frame);
    if (code.is_glue || code.native != nullptr) return true;
    const uint32_t offset = static_cast<uint32_t>(position - code.start) - (frame == fp ? 0 : 1);
    return visit(ErrorLine{code.place_at(offset), code.block.str(), ""});
  });
}

}  // namespace

RunError make_error(const uint32_t* pc, const Word* fp, const Loc* loc, const std::string& message) {
  RunError error;
  bool pending_message = true;
  size_t skipped = 0;
  std::deque<ErrorLine> outer;
  for_each_line(pc, fp, [&](ErrorLine line) {
    if (pending_message) {
      if (loc != nullptr) line.loc = *loc;
      line.message = message;
      pending_message = false;
    }
    if (error.lines.size() < kInnerLines) {
      error.lines.push_back(std::move(line));
      return true;
    }
    outer.push_back(std::move(line));
    if (outer.size() > kOuterLines) {
      outer.pop_front();
      ++skipped;
    }
    return true;
  });
  if (skipped != 0) error.lines.push_back({Loc{}, "", fmt::format("({} more calls)", skipped)});
  for (ErrorLine& line : outer) error.lines.push_back(std::move(line));
  // Monads are glue: what an action calls last has no caller with a line. A native has that of its declaration.
  if (pending_message && fp != nullptr && code_of_frame(fp).native != nullptr) {
    error.lines.push_back({code_of_frame(fp).loc, code_of_frame(fp).block.str(), message});
  } else if (pending_message) {
    error.lines.push_back({Loc{}, "", message});
  }
  return error;
}

std::vector<ErrorLine> innermost_lines(const uint32_t* pc, const Word* fp, size_t most) {
  std::vector<ErrorLine> lines;
  for_each_line(pc, fp, [&](ErrorLine line) {
    lines.push_back(std::move(line));
    return lines.size() < most;
  });
  return lines;
}

std::string RunError::first_line() const {
  std::string text = RunError{.lines = {lines.begin(), lines.begin() + (lines.empty() ? 0 : 1)}, .notes = {}}.render();
  if (!text.empty()) text.pop_back();
  return text;
}

std::string RunError::render() const {
  std::string text;
  for (const ErrorLine& line : lines) {
    if (line.loc.line != 0) {
      text += fmt::format("{}:{}:{}: error: in {}", line.loc.file.str(), line.loc.line, line.loc.column, line.block);
      if (!line.message.empty()) text += ": " + line.message;
    } else if (!line.block.empty()) {
      text += fmt::format("error: in {}{}{}", line.block, line.message.empty() ? "" : ": ", line.message);
    } else if (line.message.starts_with('(')) {
      text += "  " + line.message;
    } else {
      text += "error: " + line.message;
    }
    text += '\n';
  }
  return text + notes;
}

}  // namespace fble
