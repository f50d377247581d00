// The messages of pprof and their field numbers are those of its profile.proto.
#include "frontends/profile/run_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "frontends/profile/profile_formats.h"
#include "frontends/profile/wire_format.h"
#include "interp/instruction_counts.h"

namespace fble {

namespace {

/// Adds the counts of the code to those of its function.
void add_code(const Code& code, FunctionCounts& function) {
  function.calls += code.counts[0];
  // Neighbours are mostly of one line.
  Loc latest;
  LineCounts* line = nullptr;
  for (uint32_t at = 0; at < code.words.size(); at += instruction_length(&code.words[at])) {
    const uint64_t times = code.counts[at];
    if (times == 0) continue;
    function.instructions += times;
    const Loc loc = code.loc_at(at);
    if (line == nullptr || loc.line != latest.line || loc.file != latest.file) {
      line = &function.lines[line_of(code, &code.words[at])];
      latest = loc;
    }
    line->instructions += times;
    line->times = std::max(line->times, times);
  }
}

/// A location of pprof: a line of a function. The numbers of both begin with 1.
Message location_message(uint64_t id, uint64_t function, uint32_t line_number) {
  Message line;
  line.number(1, function);
  line.number(2, line_number);
  Message location;
  location.number(1, id);
  location.message(4, line);
  return location;
}

Message function_message(Strings& strings, uint64_t id, const ProfiledFunction& function) {
  Message message;
  const uint64_t name = strings.index(function.name);
  message.number(1, id);
  message.number(2, name);
  message.number(3, name);
  message.number(4, strings.index(function.start.file));
  message.number(5, function.start.line);
  return message;
}

}  // namespace

std::vector<FunctionCounts> counts_of_run(const InstructionCounts& counts) {
  std::map<std::pair<SourceLine, std::string>, FunctionCounts> found;
  counts.for_each([&](const Code& code) {
    if (code.is_glue) return;
    const ProfiledFunction function = profiled_function(code);
    FunctionCounts& all = found[{function.start, function.name}];
    all.function = function;
    add_code(code, all);
  });
  std::vector<FunctionCounts> functions;
  for (auto& [name, function] : found) {
    if (function.instructions != 0) functions.push_back(std::move(function));
  }
  std::ranges::sort(functions, [](const FunctionCounts& a, const FunctionCounts& b) {
    if (a.instructions != b.instructions) return a.instructions > b.instructions;
    return std::tie(a.function.start, a.function.name) < std::tie(b.function.start, b.function.name);
  });
  return functions;
}

std::string counts_text(const std::vector<FunctionCounts>& functions, size_t most_functions) {
  uint64_t calls = 0;
  uint64_t instructions = 0;
  for (const FunctionCounts& counts : functions) {
    calls += counts.calls;
    instructions += counts.instructions;
  }
  std::string text =
      fmt::format("{} calls and {} instructions\n\n       calls   instructions  function\n", calls, instructions);
  const auto row = [&](const FunctionCounts& counts) {
    text += fmt::format("{:>12}  {:>13}  {}", counts.calls, counts.instructions, counts.function.name);
    const SourceLine& start = counts.function.start;
    text += start.line != 0 ? fmt::format("  {}:{}\n", start.file, start.line) : "\n";
  };
  FunctionCounts rest;
  for (size_t i = 0; i < functions.size(); ++i) {
    if (i < most_functions) {
      row(functions[i]);
    } else {
      rest.calls += functions[i].calls;
      rest.instructions += functions[i].instructions;
    }
  }
  if (functions.size() <= most_functions) return text;
  rest.function.name = fmt::format("{} more", functions.size() - most_functions);
  row(rest);
  return text;
}

std::vector<std::string> counted_files(const std::vector<FunctionCounts>& functions) {
  std::set<std::string> files;
  for (const FunctionCounts& counts : functions) {
    for (const auto& [line, unused] : counts.lines) files.insert(line.file);
  }
  return {files.begin(), files.end()};
}

std::string annotated_counts(const std::vector<FunctionCounts>& functions, const std::string& file,
                             std::string_view source) {
  std::map<uint32_t, LineCounts> lines;
  for (const FunctionCounts& counts : functions) {
    for (const auto& [line, in_function] : counts.lines) {
      if (line.file != file) continue;
      lines[line.line].times = std::max(lines[line.line].times, in_function.times);
      lines[line.line].instructions += in_function.instructions;
    }
  }
  return annotated_lines(fmt::format("       times   instructions  {}\n", file), source, [&](uint32_t number) {
    const auto found = lines.find(number);
    if (found == lines.end()) return std::string(27, ' ');
    return fmt::format("{:>12}  {:>13}", found->second.times, found->second.instructions);
  });
}

std::string counts_pprof(const std::vector<FunctionCounts>& functions) {
  Message file;
  Strings strings;
  for (const char* type : {"calls", "samples"}) file.message(1, value_type(strings, type, "count"));
  constexpr uint64_t kRoot = 1;
  std::vector<Message> locations = {location_message(kRoot, kRoot, 0)};
  for (size_t i = 0; i < functions.size(); ++i) {
    const FunctionCounts& counts = functions[i];
    // The calls are at the line of the function's start, even if no instruction is.
    std::map<SourceLine, LineCounts> lines = counts.lines;
    lines.try_emplace(counts.function.start);
    for (const auto& [line, on_line] : lines) {
      const uint64_t id = locations.size() + 1;
      locations.push_back(location_message(id, kRoot + 1 + i, line.line));
      Message sample;
      sample.numbers(1, {id, kRoot});
      sample.numbers(2, {line == counts.function.start ? counts.calls : 0, on_line.instructions});
      file.message(2, sample);
    }
  }
  for (const Message& location : locations) file.message(4, location);
  file.message(5, function_message(strings, kRoot, {"[root]", {}}));
  for (size_t i = 0; i < functions.size(); ++i) {
    file.message(5, function_message(strings, kRoot + 1 + i, functions[i].function));
  }
  for (const std::string& text : strings.texts) file.bytes(6, text);
  return file.take();
}

}  // namespace fble
