// Writing: the loop under every write of the process, text on standard error, and whole files.
//
// Full disks, descriptors that do not block, readers that are slow or gone, interrupted and short writes: all of
// this is known here and nowhere else. Nothing here throws, and nothing ends the process.
// Tested by tests/unit/gc/log_test.cc.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace fble {

/// The limits of a write: how long it may take, and what ends it early.
struct WritePatience {
  int milliseconds = -1;        ///< of waiting for the reader without any progress; negative: no limit
  bool (*give_up)() = nullptr;  ///< asked after each interrupted call; true ends the write with EINTR
};

/// Writes the bytes to the descriptor and takes what is written from their front. Returns 0, or an errno value when
/// some are left: ETIMEDOUT and EINTR when the patience ended. With a limit it does not block for longer, whatever
/// the descriptor is. Safe in signal handlers.
int write_all(int descriptor, std::string_view& bytes, const WritePatience& patience = {});

/// Writes text to standard error in one piece. What cannot be written is lost.
/// The command's messages go through frontends/cli/messages.h, which keeps them behind the program's output.
void log_text(std::string_view text);

/// Formats a text for `log_text`.
template <typename... Args>
void log_print(fmt::format_string<Args...> format, Args&&... args) {
  fmt::memory_buffer text;
  fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
  log_text({text.data(), text.size()});
}

/// Replaces or creates the file with these bytes. Returns 0, or the errno value of what failed; a file that is only
/// partly written is left behind, as far as it goes.
int write_file(const std::string& name, std::string_view bytes);

/// Appends the bytes to the file, which is created if it is missing. Returns 0 or an errno value.
int append_to_file(const std::string& name, std::string_view bytes);

}  // namespace fble
