// Tested by tests/unit/frontends/fble/parser_test.cc.
#include "frontends/fble/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <unordered_map>

namespace fble {

void Diagnostics::add(Severity severity, const Loc& loc, std::string message) {
  if (text_bytes_ > kDiagnosticsLimit) {
    left_out_ += severity != Severity::kNote;
    return;
  }
  text_bytes_ += message.size();
  messages_.push_back({severity, loc, std::move(message)});
}

void Diagnostics::append_to_last(const std::string& text) {
  if (left_out_ != 0) return;
  text_bytes_ += text.size();
  messages_.back().message += text;
}

void Diagnostics::add_late_notes(std::vector<LateNote> notes) {
  std::ranges::sort(notes, {}, &LateNote::message);
  std::vector<Diagnostic> all;
  all.reserve(messages_.size() + notes.size());
  auto note = notes.begin();
  for (size_t i = 0; i < messages_.size(); ++i) {
    all.push_back(std::move(messages_[i]));
    for (; note != notes.end() && note->message == i; ++note) {
      text_bytes_ += note->text.size();
      all.push_back({Severity::kNote, note->loc, std::move(note->text)});
    }
  }
  messages_ = std::move(all);
}

void Diagnostics::sort_from(size_t begin) {
  const auto is_error = [](const Diagnostic& message) { return message.severity == Severity::kError; };
  const auto is_note = [](const Diagnostic& message) { return message.severity == Severity::kNote; };
  auto from = messages_.begin() + static_cast<ptrdiff_t>(begin);
  if (std::none_of(messages_.begin(), from, is_error)) {
    from = std::find_if(from, messages_.end(), is_error);
    if (from == messages_.end()) return;
    from = std::find_if_not(from + 1, messages_.end(), is_note);
  }

  struct Group {
    std::tuple<size_t, uint32_t, uint32_t, size_t> place;  ///< file, line, column, index
    std::vector<Diagnostic> messages;
  };
  std::unordered_map<Symbol, size_t> files;
  std::vector<Group> groups;
  for (auto message = from; message != messages_.end(); ++message) {
    if (groups.empty() || !is_note(*message)) {
      const size_t file = files.try_emplace(message->loc.file, files.size()).first->second;
      groups.push_back({{file, message->loc.line, message->loc.column, groups.size()}, {}});
    }
    groups.back().messages.push_back(std::move(*message));
  }
  std::ranges::sort(groups, {}, &Group::place);
  for (Group& group : groups) from = std::ranges::move(group.messages, from).out;
}

std::string Diagnostics::render() const {
  std::string text;
  auto out = std::back_inserter(text);
  for (const Diagnostic& message : messages_) {
    const char* severity = message.severity == Severity::kError     ? "error"
                           : message.severity == Severity::kWarning ? "warning"
                                                                    : "note";
    const Loc& loc = message.loc;
    if (loc.line != 0) {
      fmt::format_to(out, "{}:{}:{}: ", loc.file.str(), loc.line, loc.column);
    } else if (!loc.file.empty_text()) {
      fmt::format_to(out, "{}: ", loc.file.str());
    }
    fmt::format_to(out, "{}: {}\n", severity, message.message);
  }
  if (left_out_ != 0) fmt::format_to(out, "error: {} more messages are left out\n", left_out_);
  return text;
}

}  // namespace fble
