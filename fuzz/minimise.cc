// First the choices (shrinking a generator's choices keeps its programs well typed and
// ending, whatever is left out), then the text, line by line.
//
// Tested by fuzz/tests/minimise_test.cc.
#include "fuzz/minimise.h"

#include <algorithm>
#include <chrono>

namespace fble {
namespace {

class Deadline {
 public:
  explicit Deadline(double seconds) : end_(std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds)) {}
  bool passed() const { return std::chrono::steady_clock::now() > end_; }

 private:
  std::chrono::time_point<std::chrono::steady_clock, std::chrono::duration<double>> end_;
};

}  // namespace

std::vector<uint32_t> minimise_choices(std::vector<uint32_t> choices,
                                       const std::function<bool(const std::vector<uint32_t>&)>& fails,
                                       const MinimiseOptions& options) {
  const Deadline deadline(options.seconds);
  const auto try_it = [&](std::vector<uint32_t> candidate) {
    if (deadline.passed() || !fails(candidate)) return false;
    choices = std::move(candidate);
    return true;
  };
  bool changed = true;
  while (changed && !deadline.passed()) {
    changed = false;
    // Cuts the end: all choices after it are 0, the simplest.
    for (size_t step = choices.size(); step > 0; step /= 2) {
      while (choices.size() >= step) {
        if (!try_it({choices.begin(), choices.end() - static_cast<ptrdiff_t>(step)})) break;
        changed = true;
      }
    }
    // Leaves parts out, from the end, since later ones depend on earlier ones.
    for (size_t length = std::max<size_t>(choices.size() / 2, 1); length > 0; length /= 2) {
      for (size_t at = choices.size(); at > 0 && !deadline.passed();) {
        at = at > length ? at - length : 0;
        if (at + length > choices.size()) continue;
        std::vector<uint32_t> candidate = choices;
        candidate.erase(candidate.begin() + static_cast<ptrdiff_t>(at),
                        candidate.begin() + static_cast<ptrdiff_t>(at + length));
        changed |= try_it(std::move(candidate));
      }
    }
    // Makes choices simpler: zero for several, then a smaller number for each.
    for (size_t length = 16; length > 0; length /= 4) {
      for (size_t at = 0; at < choices.size() && !deadline.passed(); at += length) {
        const size_t end = std::min(at + length, choices.size());
        std::vector<uint32_t> candidate = choices;
        std::fill(candidate.begin() + static_cast<ptrdiff_t>(at), candidate.begin() + static_cast<ptrdiff_t>(end), 0);
        if (candidate != choices) changed |= try_it(std::move(candidate));
      }
    }
    for (size_t at = 0; at < choices.size() && !deadline.passed(); ++at) {
      for (uint32_t less : {choices[at] / 2, choices[at] - 1}) {
        if (at >= choices.size() || choices[at] == 0 || less >= choices[at]) continue;
        std::vector<uint32_t> candidate = choices;
        candidate[at] = less;
        changed |= try_it(std::move(candidate));
      }
    }
  }
  return choices;
}

std::string minimise_text(std::string text, const std::function<bool(const std::string&)>& fails,
                          const MinimiseOptions& options) {
  const Deadline deadline(options.seconds);
  const auto try_it = [&](const std::string& candidate) {
    if (deadline.passed() || candidate == text || !fails(candidate)) return false;
    text = candidate;
    return true;
  };
  const auto lines_of = [](const std::string& whole) {
    std::vector<std::string> lines;
    for (size_t at = 0; at < whole.size();) {
      const size_t end = std::min(whole.find('\n', at), whole.size() - 1);
      lines.push_back(whole.substr(at, end - at + 1));
      at = end + 1;
    }
    return lines;
  };
  const auto joined = [](const std::vector<std::string>& lines, size_t skip_from, size_t skip_to) {
    std::string whole;
    for (size_t i = 0; i < lines.size(); ++i) {
      if (i < skip_from || i >= skip_to) whole += lines[i];
    }
    return whole;
  };
  bool changed = true;
  while (changed && !deadline.passed()) {
    changed = false;
    // Leaves out whole statements: a line and the lines that belong to it, which are indented more or close it.
    for (size_t at = lines_of(text).size(); at > 0 && !deadline.passed();) {
      const std::vector<std::string> lines = lines_of(text);
      at = std::min(at, lines.size());
      if (at == 0) break;
      --at;
      const auto indent = [&](size_t line) { return lines[line].find_first_not_of(' '); };
      size_t end = at + 1;
      while (end < lines.size() && indent(end) != std::string::npos && indent(end) > indent(at)) ++end;
      const bool closes = end < lines.size() && indent(end) == indent(at) &&
                          std::string_view(")}]").find(lines[end][indent(end)]) != std::string_view::npos;
      if (closes && try_it(joined(lines, at, end + 1)))
        changed = true;
      else if (end > at + 1 && try_it(joined(lines, at, end)))
        changed = true;
      else if (try_it(joined(lines, at, at + 1)))
        changed = true;
    }
    // Shrinks bracketed parts: "(...)" and "{...}" become empty, or are replaced by their content.
    for (size_t at = 0; at < text.size() && !deadline.passed(); ++at) {
      if (text[at] != '(' && text[at] != '{') continue;
      int depth = 0;
      size_t end = at;
      for (; end < text.size(); ++end) {
        if (text[end] == '(' || text[end] == '{' || text[end] == '[') ++depth;
        if (text[end] == ')' || text[end] == '}' || text[end] == ']') --depth;
        if (depth == 0) break;
      }
      if (end >= text.size()) continue;
      size_t start = at;  // includes the applied expression: "f(...)" or "U1@(t0: ...)"
      while (start > 0 && (std::isalnum(static_cast<unsigned char>(text[start - 1])) || text[start - 1] == '@' ||
                           text[start - 1] == '_'))
        --start;
      const std::string inside = text.substr(at + 1, end - at - 1);
      const std::string before = text.substr(0, start);
      const std::string after = text.substr(end + 1);
      bool smaller = false;
      for (const char* other : {"n0", "Unit", "True"}) {
        if (end - start > 5 && !smaller) smaller = try_it(before + other + after);
      }
      if (!smaller) smaller = try_it(before + inside + after);
      if (const size_t colon = inside.find(": "); !smaller && colon != std::string::npos && colon < 8) {
        smaller = try_it(before + inside.substr(colon + 2) + after);
      }
      if (const size_t comma = inside.find(", "); !smaller && comma != std::string::npos) {
        smaller = try_it(text.substr(0, at + 1) + inside.substr(comma + 2) + text.substr(end)) ||
                  try_it(text.substr(0, at + 1) + inside.substr(0, inside.rfind(", ")) + text.substr(end));
      }
      changed |= smaller;
    }
  }
  return text;
}

}  // namespace fble
