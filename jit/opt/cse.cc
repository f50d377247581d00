// Common subexpressions: an instruction equal to an earlier one is not computed again.
//
// All data is immutable and all functions are pure, so equality of operation and
// operands is enough: no store can come in between, no barrier ends an
// expression's life. The same holds for guards, and for operations that leave
// when their result does not fit: if the first did not leave, the second does
// not either, whatever its snapshot is.
//
// Objects are not shared, although no program could tell: two objects made from
// the same values are rare, and if they are separate, each may be virtual where
// the other is not.
//
// Tested by tests/unit/jit/opt/passes_test.cc and tests/ir/cse.
#include "jit/opt/forward.h"

namespace fble {

namespace {

uint64_t mix(uint64_t hash, uint64_t more) { return (hash ^ more) * 0x9e3779b97f4a7c15u; }

uint64_t hash_of(const IrIns& ins) {
  uint64_t hash = mix(static_cast<uint64_t>(ins.op), uint64_t{index_of(ins.a)} << 32 | index_of(ins.b));
  hash = mix(hash ^ hash >> 29, uint64_t{static_cast<uint32_t>(ins.n)} << 32 | ins.m);
  hash = mix(hash ^ hash >> 29, ins.x);
  hash = mix(hash ^ hash >> 29, reinterpret_cast<uintptr_t>(ins.code));
  for (const IrRef ref : ins.list) hash = mix(hash ^ hash >> 29, index_of(ref));
  return hash ^ hash >> 32;
}

bool equal(const IrIns& a, const IrIns& b) {
  return a.op == b.op && a.a == b.a && a.b == b.b && a.n == b.n && a.m == b.m && a.x == b.x && a.raw == b.raw &&
         a.narrowed == b.narrowed && a.code == b.code && a.list == b.list;
}

}  // namespace

IrRef CseTable::find(const IrIns& ins) const {
  const size_t mask = entries_.size() - 1;
  for (size_t at = hash_of(ins) & mask; entries_[at] != kEmpty; at = (at + 1) & mask) {
    const IrRef ref{entries_[at]};
    if (equal(trace_->at(ref), ins)) return ref;
  }
  return kNoRef;
}

void CseTable::place(uint32_t entry) {
  const size_t mask = entries_.size() - 1;
  size_t at = hash_of(trace_->ins[entry]) & mask;
  while (entries_[at] != kEmpty) at = (at + 1) & mask;
  entries_[at] = entry;
}

void CseTable::insert(IrRef ref) {
  if (2 * ++count_ > entries_.size()) {
    std::vector<uint32_t> old(2 * entries_.size(), kEmpty);
    old.swap(entries_);
    for (const uint32_t entry : old) {
      if (entry != kEmpty) place(entry);
    }
  }
  place(index_of(ref));
}

Answer eliminate_common(Forward& forward, IrIns& ins) {
  if (!ir_has_effect(ins.op, 'p')) return {};
  const IrRef found = forward.cse.find(ins);
  if (found == kNoRef) return {};
  if (!ir_has_result(ins.op)) return {Answer::kDrop};
  return {Answer::kReplace, found};
}

}  // namespace fble
