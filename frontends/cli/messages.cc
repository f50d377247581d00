// Tested by tests/robustness/edges_test.cc.
#include "frontends/cli/messages.h"

#include <cstring>

#include "frontends/std/native/file.h"
#include "gc/log.h"

namespace fble {

void print_output(std::string_view text) {
  File::standard_output().put_bytes({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

void print_message(std::string_view text) {
  if (text.empty()) return;
  flush_standard_streams();
  log_text(text);
}

bool save_file(const std::string& name, std::string_view bytes) {
  const int problem = write_file(name, bytes);
  if (problem != 0) print_error(fmt::format("cannot write '{}': {}", name, std::strerror(problem)));
  return problem == 0;
}

void print_error(std::string_view message) { print_message("error: {}\n", message); }

}  // namespace fble
