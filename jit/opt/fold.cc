// Folding: computes constants, and replaces instructions by simpler ones.
//
// Each rule examines an instruction and the instructions of its operands. It
// returns the value, finds that a guard always holds, or rewrites the
// instruction, to which the rules are then applied again. Constants are computed
// as in the interpreter: by gc/value.h, and fold_packed of interp/intrinsics.h.
// Where a rule removes a chance to leave (`x + 2 - 1` is `x + 1`), an earlier
// instruction that is still there leaves in that case, or the case is impossible.
//
// The most important rule: a select on a comparison. `less` gives a Bool@, and the
// select's `tag_is` on it becomes `is_less` or `not_less` of the operands, one compare and
// one jump. Then the Bool@ itself is not needed: at the exit it is known from the guard's
// failure.
//
// Signed integers become numbers, are computed, and become words again, which the next
// operation converts to numbers: `int_of` and `int_word` of each other are removed,
// except for the check that the number fits.
//
// The rules themselves are in fold_rules.h, in a form that tests also prove.
//
// Tested by tests/unit/jit/opt/passes_test.cc, fold_proof_test.cc and tests/ir/fold.
#include <algorithm>

#include "gc/integer.h"
#include "interp/intrinsics.h"
#include "jit/opt/fold_rules.h"

namespace fble {

void Forward::settle(IrIns& guard, Word word) {
  std::vector<Snapshot>& snapshots = trace_.snapshots;
  if (guard.snapshot == kNoSnapshot) return;
  const std::vector<SnapshotSlot>& slots = snapshots[guard.snapshot].slots;
  if (std::ranges::find(slots, guard.a, &SnapshotSlot::ref) == slots.end()) return;
  const IrRef known = constant(word);
  // Other guards of the same bytecode instruction share the snapshot.
  Snapshot own = snapshots[guard.snapshot];
  own.settled = true;
  for (SnapshotSlot& slot : own.slots) {
    if (slot.ref == guard.a) slot = {slot.slot, known, value_facts(table[known])};
  }
  guard.snapshot = add_snapshot(std::move(own));
}

Word Forward::fold_intrinsic(Intrinsic intrinsic, const std::vector<IrRef>& args) const {
  Word words[8];
  FBLE_ASSERT(args.size() <= std::size(words));
  for (size_t i = 0; i < args.size(); ++i) words[i] = word_of(args[i]);
  return fold_packed(intrinsic, words);
}

Word Forward::pack_fields(const IrIns& ins) const {
  return pack_struct(static_cast<uint32_t>(ins.list.size()), [&](uint32_t i) { return word_of(ins.list[i]); });
}

bool Forward::fields_fit(const IrIns& ins) const {
  const Word word = pack_fields(ins);
  return word != 0 && pack_union(word, ins.m, 0) != 0;
}

bool Forward::has_tag(const IrIns& ins) const { return packed_bits(word_of(ins.a)) >= static_cast<unsigned>(ins.n); }

bool Forward::has_fields(const IrIns& ins) const {
  const Word word = word_of(ins.a);
  const unsigned header = kOffsetBits * (ins.m - 1);
  if (packed_bits(word) < header) return false;
  unsigned start = 0;
  for (uint32_t i = 0; i + 1 < ins.m; ++i) {
    const unsigned end = word >> (1 + kOffsetBits * i) & 63;
    if (end < start) return false;
    start = end;
  }
  return packed_bits(word) >= header + start;
}

Answer fold(Forward& forward, IrIns& ins) { return FoldRules<Forward>(forward, ins).fold(); }

}  // namespace fble
