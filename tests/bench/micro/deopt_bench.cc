// Side tables and leaving machine code, without machine code: the cost of an exit from
// its stub to the interpreter's handler, and the cost of reading and writing the tables.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "deopt/exit.h"
#include "deopt/side_table_text.h"
#include "deopt/side_table_verify.h"
#include "interp/bytecode_text.h"
#include "interp/carrier.h"

namespace fble {
namespace {

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

// A function walks a list: it computes the tail's sum and adds the item by a function that is inlined.
constexpr std::string_view kProgram = R"(
globals 3
code 0 "/A%" arity 2 slots 24 captures 0
  functions 1
{
  select_arg s2 s0 w1 [more end]
end:
  return s1
more:
  field s3 s2 0 2
  field s4 s2 1 2
  call2 s1 s3 s4 s5 b14
  struct s6 (s3 s5)
  return s6
}
code 1 "/A%.f" arity 2 slots 14 captures 1
{
  capture s2 c0
  select s0 w2 [end more end end]
end:
  return s1
more:
  call1 s2 s0 s3 b8
  struct s4 (s3 s1)
  return s4
}
)";

// Exits in the order of a trace: each has a few more facts than the one before.
constexpr std::string_view kExits = R"(
exit 0
  frame f0 +0 b0 memory
  s0 = rax
  s1 = rbx pointer
exit 1
  frame f0 +0 b0 memory
  s0 = rax pointer
  s1 = rbx pointer
exit 2
  frame f0 +25 b0 memory
  frame f1 +0 b14 closure rbx
  s14 = rcx packed
  s15 = spill3
exit 3
  frame f0 +25 b0 memory
  frame f1 +3 b14 closure rbx
  s14 = rcx packed
  s15 = v0
  v0 = struct t0 (rcx rdx)
exit 4
  frame f0 +25 b0 memory
  frame f1 +3 b14 closure v1
  s14 = rcx packed
  s15 = v0
  v0 = struct t0 (rcx rdx)
  v1 = closure f1 (v0)
return 5
  frame f0 +25 b0 memory
)";

struct Exits {
  Exits() {
    BytecodeParse parsed = parse_bytecode(kProgram, "bench");
    if (parsed.program == nullptr) fail(parsed.error);
    program = std::move(parsed.program);
    for (Code& code : program->codes) codes.push_back(&code);
    ExitsParse exits = parse_exits(kExits, "bench", codes);
    if (!exits.error.empty()) fail(exits.error);
    entries = std::move(exits.exits);
    SideTableBuilder builder;
    for (const ExitEntry& entry : entries) builder.add(entry);
    table = builder.finish();
    std::string message;
    if (!verify_side_table(table, &message, codes)) fail(message);
  }

  std::unique_ptr<ProgramCode> program;
  std::vector<Code*> codes;
  std::vector<ExitEntry> entries;
  SideTable table;
};

void BM_EncodeExits(benchmark::State& state) {
  const Exits exits;
  for (auto _ : state) {
    SideTableBuilder builder;
    for (const ExitEntry& entry : exits.entries) builder.add(entry);
    benchmark::DoNotOptimize(builder.finish());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * exits.entries.size()));
  state.counters["bytes_per_exit"] =
      static_cast<double>(exits.table.bytes.size()) / static_cast<double>(exits.entries.size());
}
BENCHMARK(BM_EncodeExits);

/// Measures exits of a group: the later, the longer.
void BM_DecodeExit(benchmark::State& state) {
  const Exits exits;
  ExitEntry entry;
  for (auto _ : state) {
    decode_exit(exits.table, static_cast<uint32_t>(state.range(0)), entry);
    benchmark::DoNotOptimize(entry);
  }
}
BENCHMARK(BM_DecodeExit)->Arg(0)->Arg(2)->Arg(4);

/// Measures the way from the stub to the interpreter: 0 writes two slots, 2 also a frame, 4 also makes two objects.
void BM_LeaveMachineCode(benchmark::State& state) {
  Exits exits;
  NativeTable natives;
  Machine machine(*exits.program, natives, MachineOptions{});
  Carrier& carrier = machine.carrier();
  Word* root = carrier.current->stack->base() + 3 * kHeaderSlots;
  for (int i = 0; i < 100; ++i) root[i - static_cast<int>(kHeaderSlots)] = kUnitWord;
  root[kClosureSlot] = exits.codes[0]->function_value();
  for (Word& word : carrier.exit_state.spill) word = kUnitWord;
  for (Word& word : carrier.exit_state.registers) word = kUnitWord;
  Word* ap = carrier.ap;
  ExitEntry entry;
  for (auto _ : state) {
    carrier.exit_state.at(RegisterRole::kFp) = reinterpret_cast<Word>(root);
    carrier.exit_state.at(RegisterRole::kAp) = reinterpret_cast<Word>(ap);
    decode_exit(exits.table, static_cast<uint32_t>(state.range(0)), entry);
    if (!leave_at(carrier, entry)) fail("out of memory");
  }
}
BENCHMARK(BM_LeaveMachineCode)->Arg(0)->Arg(2)->Arg(4);

}  // namespace
}  // namespace fble
