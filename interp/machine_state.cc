#include "interp/machine_state.h"

#include "interp/interpreter.h"
#include "interp/liveness.h"

namespace fble {

namespace {

/// The number of globals that a marking visits in the time of a call frame.
constexpr size_t kGlobalsPerFrame = 8;

/// The words that a program allocates, or puts on its call stack, between two yield points, or so.
constexpr uint32_t kWordsPerYield = 4;

}  // namespace

MachineState::MachineState(ProgramCode& program_code, const NativeTable& native_table, const MachineOptions& options)
    : program(program_code),
      natives(native_table),
      io(options.io),
      heap(options.heap),
      counts(options.counts_instructions ? std::make_unique<InstructionCounts>() : nullptr),
      frames(options.heap.verify),
      scheduler(*this, main, options.threads),
      yield_distance(options.threads.yield == 0 ? 0 : options.threads.yield * kWordsPerYield),
      steps(options.steps) {
  globals.words.resize(program.global_count);
  kept.push_back(kUnitWord);
  deopt_point_passes.resize(program.deopt_points.size());
  prepare_liveness(program);
  // Only a library with machine integers declares the natives that compute with them.
  for (const Code& code : program.codes) {
    for (const ForeignRef& ref : code.foreigns) {
      const NativeRow* row = natives.find(ref.module, ref.name);
      if (row != nullptr && row->intrinsic != Intrinsic::kNone) int_form = IntForm::kMachine;
    }
  }
  FBLE_ASSERT(steps == nullptr || counts == nullptr);
  if (counts != nullptr) glue.have_intrinsics_counted();
  if (steps != nullptr || counts != nullptr) {
    for (Code& code : program.codes) code.entry = entry_by_table();
  }
}

void MachineState::visit_roots(Collector& collector) {
  for (uint32_t index : globals.dirty) collector.visit(globals.words[index]);
  globals.dirty.clear();
  collector.visit_range(kept.data(), kept.size());
  for (std::vector<Word>* words : rooted_words) collector.visit_range(words->data(), words->size());
}

bool MachineState::mark_globals(Collector& collector, size_t count) {
  const size_t rest = unmarked_globals / kGlobalsPerFrame > count ? unmarked_globals - count * kGlobalsPerFrame : 0;
  while (unmarked_globals > rest) {
    Word& word = globals.words[--unmarked_globals];
    if (word != 0) collector.visit(word);  // 0: not yet defined
  }
  return rest == 0;
}

}  // namespace fble
