// The front end, step by step, in lines of source per second: the program /Md5% of
// tests/bench/programs with the modules of the library that it needs.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "frontends/fble/lexer.h"
#include "frontends/fble/loader.h"
#include "frontends/fble/lower.h"
#include "frontends/fble/parser.h"
#include "frontends/fble/typecheck.h"
#include "interp/bytecode_verify.h"

namespace fble {
namespace {

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

std::unique_ptr<Program> load() {
  ModulePath path;
  path.words.emplace_back("Md5");
  LoadOptions options;
  options.roots = {FBLE_SOURCE_DIR "/tests/bench/programs", FBLE_SOURCE_DIR "/frontends/std"};
  Diagnostics diagnostics;
  std::unique_ptr<Program> program = load_program(path, options, diagnostics);
  if (program == nullptr) fail(diagnostics.render());
  return program;
}

struct Source {
  std::string name;
  std::string text;
};

struct Sources {
  std::vector<Source> files;
  int64_t lines = 0;
  int64_t bytes = 0;
};

const Sources& sources() {
  static const Sources* all = [] {
    auto* made = new Sources;
    const std::unique_ptr<Program> program = load();
    for (const std::string& name : program->files) {
      std::ifstream file(name);
      std::stringstream text;
      text << file.rdbuf();
      made->files.push_back({name, text.str()});
      made->lines += std::count(made->files.back().text.begin(), made->files.back().text.end(), '\n');
      made->bytes += static_cast<int64_t>(made->files.back().text.size());
    }
    return made;
  }();
  return *all;
}

// Loading and checking recurse on a large stack, in a thread of their own, so the time
// of the whole process counts.

/// Reports the rate in lines per second.
void report_lines(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * sources().lines);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * sources().bytes);
  state.counters["lines"] = static_cast<double>(sources().lines);
}

void BM_Lex(benchmark::State& state) {
  for (auto _ : state) {
    for (const Source& source : sources().files) {
      Lexer lexer(source.text);
      while (lexer.next().kind != TokenKind::kEnd) {}
    }
  }
  report_lines(state);
}
BENCHMARK(BM_Lex)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

void BM_Parse(benchmark::State& state) {
  for (auto _ : state) {
    Arena arena;
    Diagnostics diagnostics;
    for (const Source& source : sources().files) {
      std::vector<ModuleMention> mentions;
      benchmark::DoNotOptimize(parse_source(source.text, Symbol(source.name), arena, diagnostics, mentions));
    }
  }
  report_lines(state);
}
BENCHMARK(BM_Parse)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

/// Measures finding, reading and parsing the files.
void BM_Load(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(load());
  report_lines(state);
}
BENCHMARK(BM_Load)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

void BM_Typecheck(benchmark::State& state) {
  const std::unique_ptr<Program> program = load();
  for (auto _ : state) {
    Diagnostics diagnostics;
    benchmark::DoNotOptimize(typecheck(*program, diagnostics));
  }
  report_lines(state);
}
BENCHMARK(BM_Typecheck)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

void BM_Lower(benchmark::State& state) {
  const std::unique_ptr<Program> program = load();
  Diagnostics diagnostics;
  const std::unique_ptr<CheckedProgram> checked = typecheck(*program, diagnostics);
  for (auto _ : state) benchmark::DoNotOptimize(lower_program(*checked));
  report_lines(state);
}
BENCHMARK(BM_Lower)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

void BM_Verify(benchmark::State& state) {
  const std::unique_ptr<Program> program = load();
  Diagnostics diagnostics;
  const std::unique_ptr<ProgramCode> code = lower_program(*typecheck(*program, diagnostics));
  for (auto _ : state) benchmark::DoNotOptimize(verify_bytecode(*code));
  report_lines(state);
}
BENCHMARK(BM_Verify)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

void BM_WholeFrontEnd(benchmark::State& state) {
  for (auto _ : state) {
    const std::unique_ptr<Program> program = load();
    Diagnostics diagnostics;
    const std::unique_ptr<CheckedProgram> checked = typecheck(*program, diagnostics);
    benchmark::DoNotOptimize(lower_program(*checked));
  }
  report_lines(state);
}
BENCHMARK(BM_WholeFrontEnd)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fble
