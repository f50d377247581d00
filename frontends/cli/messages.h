// The output and the messages of commands. Both use the writer of gc/log.h, and neither throws when it cannot be
// written.
// Tested by tests/robustness/edges_test.cc.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace fble {

/// Appends a command's output to standard output, which gets it in large pieces. A failure to write is
/// remembered, and reported when the command ends (frontends/cli/ending.h).
void print_output(std::string_view text);

/// Writes a message to standard error, after the output that came before it. A message that cannot be written is lost.
void print_message(std::string_view text);

/// Writes the message "error: MESSAGE".
void print_error(std::string_view message);

/// Replaces or creates the file with these bytes. Returns false, after a message, if that fails.
bool save_file(const std::string& name, std::string_view bytes);

/// Formats a text for `print_output`.
template <typename First, typename... Args>
void print_output(fmt::format_string<First, Args...> format, First&& first, Args&&... args) {
  print_output(std::string_view(fmt::format(format, std::forward<First>(first), std::forward<Args>(args)...)));
}

/// Formats a text for `print_message`.
template <typename First, typename... Args>
void print_message(fmt::format_string<First, Args...> format, First&& first, Args&&... args) {
  print_message(std::string_view(fmt::format(format, std::forward<First>(first), std::forward<Args>(args)...)));
}

}  // namespace fble
