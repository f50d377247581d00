#include "interp/machine_state.h"

#include "interp/interpreter.h"

namespace fble {

MachineState::MachineState(ProgramCode& program_code, const NativeTable& native_table, const MachineOptions& options)
    : program(program_code),
      natives(native_table),
      heap(options.heap),
      frames(options.heap.verify),
      scheduler(*this, main),
      profile(options.profile) {
  globals.words.resize(program.global_count);
  kept.push_back(kUnitWord);
  deopt_point_passes.resize(program.deopt_points.size());
  // Only a library with machine integers declares the natives that compute with them.
  for (const Code& code : program.codes) {
    for (const ForeignRef& ref : code.foreigns) {
      const NativeRow* row = natives.find(ref.module, ref.name);
      if (row != nullptr && row->intrinsic != Intrinsic::kNone) int_form = IntForm::kMachine;
    }
  }
  if (profile != nullptr) {
    for (Code& code : program.codes) code.entry = entry_by_table();
  }
}

void MachineState::visit_roots(Collector& collector, bool minor) {
  if (minor) {
    for (uint32_t index : globals.dirty) collector.visit(globals.words[index]);
  } else {
    for (Word& word : globals.words) {
      if (word != 0) collector.visit(word);  // 0: not yet defined
    }
  }
  globals.dirty.clear();
  collector.visit_range(kept.data(), kept.size());
  for (std::vector<Word>* words : rooted_words) collector.visit_range(words->data(), words->size());
}

}  // namespace fble
