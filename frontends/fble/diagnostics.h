// Located messages to the user: errors, warnings and their follow-up lines.
#pragma once

#include <string>
#include <vector>

#include "interp/loc.h"

namespace fble {

enum class Severity { kError, kWarning, kNote };

struct Diagnostic {
  Severity severity;
  Loc loc;
  std::string message;  ///< may have several lines; no newline at the end
};

/// Collects messages in the order in which they are reported. Nothing is
/// printed until the owner says so.
class Diagnostics {
 public:
  void error(const Loc& loc, std::string message) {
    messages_.push_back({Severity::kError, loc, std::move(message)});
    ++error_count_;
  }
  void warning(const Loc& loc, std::string message) {
    messages_.push_back({Severity::kWarning, loc, std::move(message)});
  }
  /// A line that belongs to the message before, printed as "FILE:L:C: note: ...".
  void note(const Loc& loc, std::string message) { messages_.push_back({Severity::kNote, loc, std::move(message)}); }
  /// Adds to the text of the message before.
  void append_to_last(const std::string& text) { messages_.back().message += text; }

  size_t error_count() const { return error_count_; }
  const std::vector<Diagnostic>& messages() const { return messages_; }

  /// All messages, one "FILE:LINE:COL: error: TEXT" line each.
  std::string render() const;
  void clear() {
    messages_.clear();
    error_count_ = 0;
  }

 private:
  std::vector<Diagnostic> messages_;
  size_t error_count_ = 0;
};

}  // namespace fble
