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

/// The limit, in bytes, of the text of all messages together; it is not exact.
/// Further messages are counted and left out: no user reads that far, and a
/// large source with mistakes everywhere would otherwise take memory without
/// bound.
inline constexpr size_t kDiagnosticsLimit = size_t{1} << 20;

/// Some messages of a Diagnostics, by their indices: from `first` to before `end`.
struct MessageRange {
  size_t first = 0;
  size_t end = 0;
};

/// Collects messages in the order in which they are reported. Nothing is
/// printed until the owner asks for it.
class Diagnostics {
 public:
  void error(const Loc& loc, std::string message) {
    add(Severity::kError, loc, std::move(message));
    ++error_count_;
  }
  void warning(const Loc& loc, std::string message) { add(Severity::kWarning, loc, std::move(message)); }
  /// Adds a line that belongs to the message before, printed as "FILE:L:C: note: ...".
  void note(const Loc& loc, std::string message) { add(Severity::kNote, loc, std::move(message)); }
  /// Adds to the text of the message before.
  void append_to_last(const std::string& text);

  /// A note for the message with that index; one for each message at most.
  struct LateNote {
    size_t message;
    Loc loc;
    std::string text;
  };
  /// Puts each note after its message.
  void add_late_notes(std::vector<LateNote> notes);

  /// Sorts the messages from index `begin` on by file (in order of appearance),
  /// line and column; notes stay with their messages. The first error of all,
  /// and what comes before it, stays first: that is where checking failed first.
  void sort_from(size_t begin);

  size_t error_count() const { return error_count_; }
  const std::vector<Diagnostic>& messages() const { return messages_; }
  /// Returns whether no message was left out.
  bool is_complete() const { return left_out_ == 0; }

  /// Returns all messages, one "FILE:LINE:COL: error: TEXT" line each, and the number of those left out.
  std::string render() const;
  void clear() { *this = Diagnostics(); }

 private:
  void add(Severity severity, const Loc& loc, std::string message);

  std::vector<Diagnostic> messages_;
  size_t error_count_ = 0;
  size_t left_out_ = 0;  ///< errors and warnings
  size_t text_bytes_ = 0;
};

}  // namespace fble
