#include "interp/instruction_counts.h"

namespace fble {

InstructionCounts::~InstructionCounts() {
  for (const Counters& counters : all_) counters.code->counts = nullptr;
}

void InstructionCounts::begin(const Code& code) {
  FBLE_ASSERT(code.counts == nullptr);
  all_.push_back({&code, std::make_unique<uint64_t[]>(code.words.size())});
  code.counts = all_.back().words.get();
}

}  // namespace fble
