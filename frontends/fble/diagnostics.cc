// Tested by tests/unit/frontends/parser_test.cc.
#include "frontends/fble/diagnostics.h"

#include <fmt/format.h>

#include <iterator>

namespace fble {

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
  return text;
}

}  // namespace fble
