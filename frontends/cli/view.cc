// `fble-jit view`: runs a program and writes a page that shows its traces.
// Tested by tests/unit/frontends/cli/view_test.cc.
#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "frontends/cli/execute.h"
#include "frontends/cli/front_end.h"
#include "frontends/cli/messages.h"
#include "frontends/view/page.h"

namespace fble {
namespace {

/// Reads the data of an earlier run's page. Returns false after a message.
bool read_before(const std::string& file, std::string& data) {
  std::ifstream stream(file, std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(stream), {}};
  std::optional<std::string> found = view_data_of(page);
  if (!stream || !found) {
    print_error(fmt::format("'{}' is no page of fble-jit view", file));
    return false;
  }
  data = std::move(*found);
  return true;
}

}  // namespace

CommandEnding run_view(const Options& options) {
  std::string before;
  if (!options.before.empty() && !read_before(options.before, before)) return Status::kUsageError;
  MainModule main;
  if (!find_main_module(options, main)) return Status::kUsageError;
  Status status;
  const std::unique_ptr<ProgramCode> code = compile_module(options, {.must_be_program = true}, status);
  if (code == nullptr) return status;

  ViewCollector collector(main.path.str());
  Options observed = options;
  observed.jit.events = &collector;
  const CommandEnding ending = run_compiled(observed, *code);
  if (ending.status == Status::kUsageError) return ending;
  const bool is_written = save_file(options.html, view_page(collector.finish(), before));
  return is_written || ending.status != Status::kOk ? ending : CommandEnding(Status::kOtherError);
}

}  // namespace fble
