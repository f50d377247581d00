// Interpreter and machine code: small programs in bytecode that walk a list and do one
// operation at each item, /off interpreted and /on compiled. The cost of an operation is the
// difference to BM_TailCall.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "interp/bytecode_text.h"
#include "interp/bytecode_verify.h"
#include "interp/machine.h"
#include "jit/engine/trace_engine.h"

namespace fble {
namespace {

// Numbers as linked unions of binary digits, as in packing_bench.cc.
Word number(uint64_t n) {
  if (n == 0) return pack_union(kUnitWord, 2, 0);
  return pack_union(number(n / 2), 2, n % 2 == 0 ? 1 : 2);
}

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

/// Returns the program whose functions are the globals g0, g1... ; its value is g0.
std::string program_text(std::initializer_list<const char*> functions, std::initializer_list<Word> constants) {
  std::string tables = "constants";
  for (const Word word : constants) tables += " " + std::to_string(word);
  tables += "\nfunctions";
  for (size_t i = 1; i <= functions.size(); ++i) tables += " " + std::to_string(i);
  tables += "\n";
  std::string text = "globals 10\nmodule \"/Bench%\" code 0 global 9\n";
  text += "code 0 \"/Bench%\" at \"Bench.fble\":1:0 arity 0 slots 4 captures 0\n" + tables + "{\n";
  size_t global = 0;
  for (const char* function : functions) {
    // Code with captures gets closures where it is used, and no global.
    if (std::string_view(function).find("captures 0\n") != std::string_view::npos) {
      text += "function s0 f" + std::to_string(global) + "\nset_global g" + std::to_string(global) + " s0\n";
    }
    ++global;
  }
  text += "global s0 g0\nreturn s0\n}\n";
  size_t index = 1;
  for (const char* function : functions) {
    const std::string body = function;
    const size_t line_end = body.find('\n');
    text += "code " + std::to_string(index) + " \"/Bench%.f\" at \"Bench.fble\":2:1 " + body.substr(0, line_end) +
            "\n" + tables + "{" + body.substr(line_end) + "\n}\n";
    ++index;
  }
  return text;
}

constexpr bool kInterpreted = false;
constexpr bool kCompiled = true;

class Program {
 public:
  Program(bool compiled, std::initializer_list<const char*> functions, std::initializer_list<Word> constants = {},
          const JitOptions& options = {}) {
    const std::string text = program_text(functions, constants);
    BytecodeParse parse = parse_bytecode(text, "bench");
    if (parse.program == nullptr) fail(parse.error + "\n" + text);
    code_ = std::move(parse.program);
    const std::string problem = verify_bytecode(*code_);
    if (!problem.empty()) fail(problem);
    machine_ = std::make_unique<Machine>(*code_, natives_);
    if (compiled) {
      engine_ = std::make_unique<TraceEngine>(machine_->carrier(), options);
      if (!engine_->usable()) fail("there is no machine code on this machine");
    }
    if (!machine_->run_modules()) fail(machine_->error().render());
    function_ = machine_->keep(machine_->result());
  }

  /// Makes and keeps a list whose items are in turn the two values of a union of units.
  size_t list(int64_t length) {
    const Word empty = pack_union(kUnitWord, 1, 1);
    size_t kept = machine_->keep(empty);
    while (length > 0) {
      const int64_t part = std::min<int64_t>(length, 1000);
      const Word word = machine_->build([&](NativeCall& call) {
        if (!call.reserve(static_cast<size_t>(part) * object_words(2))) fail("out of memory");
        Word list = machine_->kept(kept);
        for (int64_t i = 0; i < part; ++i) {
          const std::array<Word, 2> fields{pack_union(kUnitWord, 1, static_cast<unsigned>(i % 2)), list};
          list = call.make_union_struct(0, 2, fields);
        }
        return list;
      });
      kept = machine_->keep(word);
      length -= part;
    }
    return kept;
  }

  void call(size_t kept_argument) {
    machine_->set_result(machine_->kept(function_));
    const std::array<Word, 1> args{machine_->kept(kept_argument)};
    if (!machine_->call_result(args)) fail(machine_->error().render());
    benchmark::DoNotOptimize(machine_->result());
  }

  const TraceEngine* engine() const { return engine_.get(); }

 private:
  NativeTable natives_;
  std::unique_ptr<ProgramCode> code_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<TraceEngine> engine_;
  size_t function_ = 0;
};

/// The number of calls before the measurement: enough for all hot code to be compiled.
constexpr int kWarmUpCalls = 200;

void walk(benchmark::State& state, Program& program, int64_t length = 1000) {
  const size_t list = program.list(length);
  for (int i = 0; i < kWarmUpCalls && length <= 1000; ++i) program.call(list);
  const uint64_t exits = program.engine() == nullptr ? 0 : program.engine()->stats().exits;
  for (auto _ : state) program.call(list);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * length);
  if (program.engine() != nullptr) {
    const auto left = static_cast<double>(program.engine()->stats().exits - exits);
    state.counters["exits"] = left / static_cast<double>(state.iterations());
  }
}

#define FBLE_BENCHMARK_TIERS(function)            \
  BENCHMARK_CAPTURE(function, off, kInterpreted); \
  BENCHMARK_CAPTURE(function, on, kCompiled)

/// A select, a field, a tail call.
void BM_TailCall(benchmark::State& state, bool compiled) {
  Program program{compiled, {R"(arity 1 slots 20 captures 0
      select_arg s1 s0 w1 [more end]
    more:
      field s2 s1 1 2
      tail_call_global1 g0 s2
    end:
      return s0)"}};
  walk(state, program);
}
FBLE_BENCHMARK_TIERS(BM_TailCall);

/// Measures a loop in which each second item takes another path, in machine code over a bridge.
void BM_TwoWays(benchmark::State& state, bool compiled) {
  Program program{compiled, {R"(arity 1 slots 20 captures 0
      select_arg s1 s0 w1 [more end]
    more:
      field s3 s1 0 2
      field s2 s1 1 2
      select s3 w1 [one two]
    one:
      tail_call_global1 g0 s2
    two:
      tail_call_global1 g0 s2
    end:
      return s0)"}};
  walk(state, program);
}
FBLE_BENCHMARK_TIERS(BM_TwoWays);

/// Leaves machine code at every guard. The counter shows the number of exits.
void BM_ExitAtEveryGuard(benchmark::State& state) {
  JitOptions options;
  options.deopt_every = 1;
  Program program(kCompiled,
                  {R"(arity 1 slots 20 captures 0
      select_arg s1 s0 w1 [more end]
    more:
      field s2 s1 1 2
      call_global1 g1 s2 s3 b10
      tail_call_global1 g0 s2
    end:
      return s0)",
                   "arity 1 slots 4 captures 0\n return s0"},
                  {}, options);
  walk(state, program);
}
BENCHMARK(BM_ExitAtEveryGuard);

/// A call of a global, and its return.
void BM_CallAndReturn(benchmark::State& state, bool compiled) {
  Program program{compiled,
                  {R"(arity 1 slots 20 captures 0
      select_arg s1 s0 w1 [more end]
    more:
      field s2 s1 1 2
      call_global1 g1 s2 s3 b10
      tail_call_global1 g0 s2
    end:
      return s0)",
                   "arity 1 slots 4 captures 0\n return s0"}};
  walk(state, program);
}
FBLE_BENCHMARK_TIERS(BM_CallAndReturn);

/// The same with the function in a slot.
void BM_CallClosureAndReturn(benchmark::State& state, bool compiled) {
  Program program{compiled,
                  {R"(arity 1 slots 20 captures 0
      select_arg s1 s0 w1 [more end]
    more:
      field s2 s1 1 2
      function s4 f1
      call1 s4 s2 s3 b10
      tail_call_global1 g0 s2
    end:
      return s0)",
                   "arity 1 slots 4 captures 0\n return s0"}};
  walk(state, program);
}
FBLE_BENCHMARK_TIERS(BM_CallClosureAndReturn);

/// Calls within calls, to the length of the list.
void BM_DeepCall(benchmark::State& state, bool compiled) {
  Program program{compiled, {R"(arity 1 slots 20 captures 0
      select_arg s1 s0 w1 [more end]
    more:
      field s2 s1 1 2
      call_global1 g0 s2 s3 b10
      return s3
    end:
      return s0)"}};
  walk(state, program, state.range(0));
}
BENCHMARK_CAPTURE(BM_DeepCall, off, kInterpreted)->Arg(100)->Arg(10'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(BM_DeepCall, on, kCompiled)->Arg(100)->Arg(10'000)->Arg(1'000'000);

/// A cons cell.
void BM_MakeCell(benchmark::State& state, bool compiled) {
  Program program{compiled, {R"(arity 1 slots 20 captures 0
      select_arg s1 s0 w1 [more end]
    more:
      field s2 s1 1 2
      union_struct s3 0 w1 (s0 s0)
      tail_call_global1 g0 s2
    end:
      return s0)"}};
  walk(state, program);
}
FBLE_BENCHMARK_TIERS(BM_MakeCell);

/// A closure that captures two values.
void BM_MakeClosure(benchmark::State& state, bool compiled) {
  Program program{compiled,
                  {R"(arity 1 slots 20 captures 0
      select_arg s1 s0 w1 [more end]
    more:
      field s2 s1 1 2
      closure s3 f1 (s0 s2)
      tail_call_global1 g0 s2
    end:
      return s0)",
                   "arity 1 slots 4 captures 2\n capture s1 c0\n return s1"}};
  walk(state, program);
}
FBLE_BENCHMARK_TIERS(BM_MakeClosure);

/// A function of two arguments gets them one by one.
void BM_PartialApplication(benchmark::State& state, bool compiled) {
  Program program{compiled,
                  {R"(arity 1 slots 20 captures 0
      select_arg s1 s0 w1 [more end]
    more:
      field s2 s1 1 2
      call_global1 g1 s2 s3 b10
      call1 s3 s2 s4 b10
      tail_call_global1 g0 s2
    end:
      return s0)",
                   "arity 2 slots 4 captures 0\n return s0"}};
  walk(state, program);
}
FBLE_BENCHMARK_TIERS(BM_PartialApplication);

/// The sum of two packed numbers of 28 digits, digit by digit (compare BM_AddDigits).
void BM_AddDigitsInFble(benchmark::State& state, bool compiled) {
  Program program(compiled,
                  {R"(arity 1 slots 20 captures 0
      select_arg s1 s0 w1 [more end]
    more:
      field s2 s1 1 2
      constant s3 k0
      constant s4 k1
      call_global2 g1 s3 s4 s5 b10
      tail_call_global1 g0 s2
    end:
      return s0)",
                   R"(arity 2 slots 20 captures 0
      select_arg s2 s0 w2 [end even odd]
    end:
      return s1
    even:
      select_arg s3 s1 w2 [even_end even_even even_odd]
    even_end:
      return s0
    even_even:
      call_global2 g1 s2 s3 s4 b10
      union s4 1 w2 s4
      return s4
    even_odd:
      call_global2 g1 s2 s3 s4 b10
      union s4 2 w2 s4
      return s4
    odd:
      select_arg s3 s1 w2 [odd_end odd_even odd_odd]
    odd_end:
      return s0
    odd_even:
      call_global2 g1 s2 s3 s4 b10
      union s4 2 w2 s4
      return s4
    odd_odd:
      call_global2 g1 s2 s3 s4 b10
      call_global1 g2 s4 s4 b10
      union s4 1 w2 s4
      return s4)",
                   R"(arity 1 slots 20 captures 0
      select_arg s1 s0 w2 [end even odd]
    end:
      union s0 2 w2 s0
      return s0
    even:
      union s0 2 w2 s1
      return s0
    odd:
      call_global1 g2 s1 s2 b10
      union s2 1 w2 s2
      return s2)"},
                  {number(0xa5c3e17), number(0x96f04db)});
  walk(state, program);
}
FBLE_BENCHMARK_TIERS(BM_AddDigitsInFble);

}  // namespace
}  // namespace fble
