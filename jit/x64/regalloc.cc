#include "jit/x64/regalloc.h"

#include <algorithm>
#include <limits>
#include <map>

#include "gc/integer.h"
#include "interp/call_frame.h"
#include "interp/exit_state.h"

namespace fble::x64 {

Code* called_code(const Trace& trace, const IrIns& ins) {
  if (ins.code != nullptr) return ins.code;
  const IrIns& closure = trace.at(ins.a);
  return closure.op == IrOp::kConstant ? closure_code(as_object(closure.x)) : nullptr;
}

namespace {

constexpr uint32_t kNever = std::numeric_limits<uint32_t>::max();
constexpr int32_t kNoSlot = std::numeric_limits<int32_t>::min();
constexpr uint32_t kNoValue = kNever;

enum class Immediate : uint8_t { kNone, kB, kEither };
enum class ListNeed : uint8_t { kNone, kRegisters, kAnywhere, kRegistersIfFew };
enum class ResultNeed : uint8_t { kNone, kUsual, kSharesA, kLate, kLateDivided, kEarly };

/// A packed struct with more fields than this reads them from memory.
constexpr size_t kFieldsInRegisters = 4;

// ---- the functions of ir_needs.def -------------------------------------------

int none(const IrIns&) { return 0; }
int one(const IrIns&) { return 1; }
int two(const IrIns&) { return 2; }
int for_shift(const IrIns& ins) { return ins.fits || ins.n == 0 ? 0 : 1; }
int for_tag_is(const IrIns& ins) { return ins.m <= 1 || ins.n == 0 ? 0 : 1; }
int for_tag_from(const IrIns& ins) { return ins.n <= 1 || (ins.m <= 24 && ins.n == 1 << (ins.m - 1)) ? 0 : 1; }
int for_tag_in(const IrIns& ins) { return std::has_single_bit(ins.x) ? 0 : 1; }
int for_stack_check(const IrIns& ins) { return ins.n == 0 ? 0 : 1; }
int for_pack_union(const IrIns& ins) { return ins.fits || ins.m <= 1 ? 0 : 1; }
int for_pack_struct(const IrIns& ins) { return ins.list.size() <= 1 ? 0 : 3; }
int for_packed_field(const IrIns& ins) { return ins.m <= 1 ? 0 : 2; }

bool never(const IrIns&) { return false; }
bool always(const IrIns&) { return true; }
bool may_not_fit(const IrIns& ins) { return !ins.fits; }
bool pack_union_may_not_fit(const IrIns& ins) { return !ins.fits && ins.m != 0; }
bool pack_struct_may_not_fit(const IrIns& ins) { return !ins.fits && ins.list.size() > 1; }
bool shift_may_not_fit(const IrIns& ins) { return !ins.fits && ins.n != 0; }
bool has_tag(const IrIns& ins) { return ins.m != 0; }
bool has_minimum(const IrIns& ins) { return ins.n != 0; }

/// A row of ir_needs.def.
struct Needs {
  IrOp op;
  int (*scratch)(const IrIns&);
  Immediate immediate;
  ListNeed list;
  ResultNeed result;
  bool (*leaves)(const IrIns&);

  bool divides() const { return result == ResultNeed::kLateDivided; }
  bool is_late() const { return result == ResultNeed::kLate || divides(); }
};

constexpr Needs kNeeds[] = {
#define FBLE_NEEDS(Name, scratch, immediate, list, result, leaves) \
  {IrOp::k##Name, scratch, Immediate::k##immediate, ListNeed::k##list, ResultNeed::k##result, leaves},
#include "jit/x64/ir_needs.def"
#undef FBLE_NEEDS
};

constexpr bool rows_are_in_order() {
  for (size_t i = 0; i < std::size(kNeeds); ++i) {
    if (static_cast<size_t>(kNeeds[i].op) != i) return false;
  }
  return std::size(kNeeds) == static_cast<size_t>(IrOp::kCount);
}
static_assert(rows_are_in_order(), "ir_needs.def has the rows of ir_ops.def, in their order");

const Needs& needs_of(IrOp op) { return kNeeds[static_cast<size_t>(op)]; }

ListNeed list_need(const IrIns& ins) {
  const ListNeed need = needs_of(ins.op).list;
  if (need != ListNeed::kRegistersIfFew) return need;
  return ins.list.size() <= kFieldsInRegisters ? ListNeed::kRegisters : ListNeed::kAnywhere;
}

class Allocator {
 public:
  /// `in_memory` are the invariants that are not in registers when the loop is entered.
  Allocator(const Trace& trace, const std::vector<uint32_t>& in_memory, const SpillChoice& spill)
      : trace_(trace), in_memory_(in_memory), spill_choice_(spill) {}

  Allocation run();
  /// The invariants that would have had to be in `in_memory`.
  std::vector<uint32_t> evicted_invariants;

 private:
  struct Value {
    bool is_constant = false;
    Word word = 0;
    int32_t reg = kNoRegister;
    int32_t spill = -1;
    int32_t home = kNoSlot;  ///< a frame slot that holds it
    int32_t hint = kNoRegister;
    // The ranges of uses by instructions and by snapshots, ascending; `_at` is the first use that has not been passed.
    uint32_t use_at = 0, use_end = 0;
    uint32_t exit_at = 0, exit_end = 0;
  };

  const IrIns& ins(uint32_t i) const { return trace_.ins[i]; }
  uint32_t value_of(IrRef ref) const { return same_as_[index_of(ref)]; }
  Value& value(IrRef ref) { return values_[value_of(ref)]; }

  void find_start_values();
  void find_loop();
  void find_uses();
  template <typename Visit>
  void visit_leaves(const Snapshot& snapshot, Visit&& visit);
  template <typename Visit>
  void visit_leaf(IrRef ref, Visit& visit);

  uint32_t next_use(uint32_t v, uint32_t i);
  uint32_t next_exit(uint32_t v, uint32_t i);
  bool needed(uint32_t v, uint32_t i) { return next_use(v, i) != kNever || next_exit(v, i) != kNever; }
  bool has_copy(const Value& value) const { return value.is_constant || value.spill >= 0 || value.home != kNoSlot; }

  uint32_t slot_value(int32_t slot) const {
    const auto found = slots_.find(slot);
    return found == slots_.end() ? kNoValue : found->second;
  }
  void set_slot(int32_t slot, uint32_t v);
  void forget_slot(int32_t slot);

  void add_move(const Location& to, const Location& from) { out_.moves.push_back({Move::Kind::kCopy, to, from}); }
  void occupy(int reg, uint32_t v) {
    reg_value_[reg] = v;
    values_[v].reg = reg;
  }
  void release(uint32_t v) {
    Value& value = values_[v];
    if (value.reg == kNoRegister) return;
    reg_value_[value.reg] = kNoValue;
    value.reg = kNoRegister;
  }
  void find_layouts();
  int scratch_count(uint32_t i) const;
  int32_t new_spill(uint32_t v, uint32_t i);
  void spill(uint32_t v, uint32_t i);
  void evict(int reg, uint32_t i);
  int free_register(uint32_t avoid, int hint) const;
  int take_register(uint32_t i, uint32_t avoid, int hint = kNoRegister);
  void load(uint32_t v, uint32_t i, uint32_t avoid);
  void vacate(int reg, uint32_t i, uint32_t avoid);
  void save_slot(int32_t slot, uint32_t i, uint32_t avoid);

  Location locate(uint32_t v);
  Location locate_leaf(IrRef ref, ExitEntry& entry);
  static ExitEntry room_for(const Snapshot& snapshot);
  void make_exit(uint32_t i);
  void make_return_exit(uint32_t i);

  void disturb(uint32_t i);
  void general(uint32_t i);
  void store(uint32_t i);
  void call(uint32_t i);
  void loop_start(uint32_t i);
  void loop_back(uint32_t i);
  void release_dead(uint32_t i);

  const Trace& trace_;
  const std::vector<uint32_t>& in_memory_;
  const SpillChoice& spill_choice_;
  Allocation out_;
  std::vector<uint32_t> same_as_;
  std::vector<Value> values_;
  std::vector<uint32_t> uses_;
  std::vector<uint32_t> exit_uses_;
  std::vector<uint32_t> stamps_;
  uint32_t stamp_ = 0;
  uint32_t reg_value_[16];
  std::vector<uint32_t> spill_value_;
  std::map<int32_t, uint32_t> slots_;  ///< the known values in frame slots
  uint32_t loop_start_ = kNever;
  uint32_t loop_back_ = kNever;
  bool in_loop_ = false;
  std::map<uint32_t, Location> head_;  ///< the places to which loop_back must move values
  /// The index of a virtual in the exit with the stamp.
  struct DescribedVirtual {
    uint32_t stamp = 0;
    int32_t index = 0;
  };
  std::vector<DescribedVirtual> virtuals_;  ///< by instruction; empty if there are none
  // Of the instruction that is allocated; kept to reuse the memory.
  std::vector<uint32_t> wanted_;  ///< values that it needs in registers
  std::vector<uint32_t> done_;    ///< values whose register its result may take
};

void Allocator::find_start_values() {
  std::fill(std::begin(reg_value_), std::end(reg_value_), kNoValue);
  const uint32_t count = static_cast<uint32_t>(trace_.ins.size());
  values_.resize(count);
  same_as_.resize(count);
  uint32_t result = kNoValue;
  for (uint32_t i = 0; i < count; ++i) {
    same_as_[i] = i;
    Value& value = values_[i];
    const IrIns& at = ins(i);
    const auto in_frame_slot = [&](int32_t slot) {
      const uint32_t known = slot_value(slot);
      if (known != kNoValue) {
        same_as_[i] = known;
      } else {
        set_slot(slot, i);
      }
    };
    switch (at.op) {
      case IrOp::kConstant:
        value.is_constant = true;
        value.word = at.x;
        break;
      case IrOp::kSlot:
        if (is_register_argument(trace_, at)) {
          const int reg = kArgumentRegisters[static_cast<size_t>(at.n)];
          if (reg_value_[reg] != kNoValue) {
            same_as_[i] = reg_value_[reg];
          } else {
            occupy(reg, i);
          }
        } else {
          in_frame_slot(at.n);
        }
        break;
      case IrOp::kResult:
        if (result != kNoValue) {
          same_as_[i] = result;
        } else {
          result = i;
          occupy(kValueRegister, i);
        }
        break;
      case IrOp::kInherit: {
        const Location& location = trace_.inherited[static_cast<size_t>(at.n)].location;
        switch (location.kind) {
          case LocationKind::kConstant:
            value.is_constant = true;
            value.word = location.word;
            break;
          case LocationKind::kRegister:
            if (reg_value_[location.index] != kNoValue) {
              same_as_[i] = reg_value_[location.index];
            } else {
              occupy(location.index, i);
            }
            break;
          case LocationKind::kSpill: {
            const size_t index = static_cast<size_t>(location.index);
            if (spill_value_.size() <= index) spill_value_.resize(index + 1, kNoValue);
            if (spill_value_[index] != kNoValue) {
              same_as_[i] = spill_value_[index];
            } else {
              spill_value_[index] = i;
              value.spill = location.index;
            }
            break;
          }
          case LocationKind::kSlot: in_frame_slot(location.index); break;
          default: FBLE_BUG("an inherited value has no place");
        }
        break;
      }
      default: break;
    }
  }
}

void Allocator::find_loop() {
  for (uint32_t i = 0; i < trace_.ins.size(); ++i) {
    if (ins(i).op == IrOp::kLoopStart) loop_start_ = i;
    if (ins(i).op == IrOp::kLoopBack) loop_back_ = i;
  }
}

void Allocator::find_layouts() {
  out_.layouts.assign(trace_.ins.size(), 0);
  std::map<IrRef, std::pair<Word, uint32_t>> known;
  for (uint32_t i = 0; i < trace_.ins.size(); ++i) {
    const IrIns& at = ins(i);
    if (at.op == IrOp::kLayoutIs) known[at.a] = {at.x, at.m};
    if (at.op != IrOp::kPackedField || known.empty()) continue;
    const auto found = known.find(at.a);
    if (found != known.end() && found->second.second == at.m) out_.layouts[i] = found->second.first;
  }
}

int Allocator::scratch_count(uint32_t i) const {
  return out_.layouts[i] != 0 ? 0 : needs_of(ins(i).op).scratch(ins(i));
}

/// Calls `visit(value)` for each value that the snapshot needs in some place.
template <typename Visit>
void Allocator::visit_leaves(const Snapshot& snapshot, Visit&& visit) {
  ++stamp_;
  for (const SnapshotFrame& frame : snapshot.frames) {
    if (frame.closure != kNoRef) visit_leaf(frame.closure, visit);
  }
  for (const SnapshotSlot& slot : snapshot.slots) visit_leaf(slot.ref, visit);
}

template <typename Visit>
void Allocator::visit_leaf(IrRef ref, Visit& visit) {
  uint32_t& stamp = stamps_[index_of(ref)];
  if (stamp == stamp_) return;
  stamp = stamp_;
  const IrIns& at = trace_.at(ref);
  if (at.sunk) {
    for_each_ref(at, [&](IrRef part) { visit_leaf(part, visit); });
  } else {
    visit(value_of(ref));
  }
}

void Allocator::find_uses() {
  struct Use {
    uint32_t value;
    uint32_t at;
  };
  const uint32_t count = static_cast<uint32_t>(trace_.ins.size());
  stamps_.assign(count, 0);
  std::vector<Use> uses;
  std::vector<Use> exits;
  uses.reserve(2 * size_t{count});
  exits.reserve(4 * size_t{count});
  for (uint32_t i = 0; i < count; ++i) {
    const IrIns& at = ins(i);
    if (at.sunk) continue;
    for_each_ref(at, [&](IrRef ref) {
      if (at.op == IrOp::kLoopStart) return;
      if (index_of(ref) >= i) return;  // an object of the group, at a known address
      uses.push_back({value_of(ref), i});
    });
    if (can_leave(at) && at.op != IrOp::kCall) {
      visit_leaves(trace_.snapshots[at.snapshot], [&](uint32_t v) { exits.push_back({v, i}); });
    }
  }
  if (loop_back_ != kNever) {
    // The next turn needs a value that the loop uses and does not make. Its first use there is as far after loop_back
    // as after loop_start.
    const auto is_invariant = [&](uint32_t v) {
      return is_start_value(ins(v).op) || (v < loop_start_ && ins(v).op != IrOp::kPhi);
    };
    std::vector<uint32_t> first(count, kNever);
    for (const Use& use : uses) {
      if (use.at > loop_start_ && is_invariant(use.value)) first[use.value] = std::min(first[use.value], use.at);
    }
    std::vector<bool> live(count, false);
    for (uint32_t v = 0; v < count; ++v) {
      live[v] = first[v] != kNever;
      if (live[v]) uses.push_back({v, loop_back_ + (first[v] - loop_start_)});
    }
    for (size_t i = 0, size = exits.size(); i < size; ++i) {
      const uint32_t v = exits[i].value;
      if (exits[i].at > loop_start_ && is_invariant(v) && !live[v]) {
        live[v] = true;
        exits.push_back({v, loop_back_ + 1});
      }
    }
  }
  const auto sort_in = [&](const std::vector<Use>& found, std::vector<uint32_t>& sorted, uint32_t Value::* begin,
                           uint32_t Value::* end) {
    std::vector<uint32_t> counts(count + 1, 0);
    for (const Use& use : found) ++counts[use.value + 1];
    for (uint32_t v = 0; v < count; ++v) counts[v + 1] += counts[v];
    for (uint32_t v = 0; v < count; ++v) values_[v].*begin = values_[v].*end = counts[v];
    sorted.resize(found.size());
    for (const Use& use : found) sorted[(values_[use.value].*end)++] = use.at;
  };
  sort_in(uses, uses_, &Value::use_at, &Value::use_end);
  sort_in(exits, exit_uses_, &Value::exit_at, &Value::exit_end);
  for (uint32_t i = 0; i < count; ++i) {
    if (ins(i).op == IrOp::kReturn) value(ins(i).a).hint = kValueRegister;
    if (ins(i).op != IrOp::kCall && ins(i).op != IrOp::kTailCall) continue;
    for (size_t k = 0; k < arguments_in_registers(ins(i)); ++k) value(ins(i).list[k]).hint = kArgumentRegisters[k];
  }
}

uint32_t Allocator::next_use(uint32_t v, uint32_t i) {
  Value& value = values_[v];
  while (value.use_at < value.use_end && uses_[value.use_at] < i) ++value.use_at;
  return value.use_at < value.use_end ? uses_[value.use_at] : kNever;
}

uint32_t Allocator::next_exit(uint32_t v, uint32_t i) {
  Value& value = values_[v];
  while (value.exit_at < value.exit_end && exit_uses_[value.exit_at] < i) ++value.exit_at;
  return value.exit_at < value.exit_end ? exit_uses_[value.exit_at] : kNever;
}

void Allocator::forget_slot(int32_t slot) {
  const uint32_t v = slot_value(slot);
  if (v == kNoValue) return;
  slots_.erase(slot);
  Value& value = values_[v];
  if (value.home != slot) return;
  value.home = kNoSlot;
  for (const auto& [other, held] : slots_) {
    if (held == v) value.home = other;
  }
}

void Allocator::set_slot(int32_t slot, uint32_t v) {
  forget_slot(slot);
  slots_[slot] = v;
  if (values_[v].home == kNoSlot) values_[v].home = slot;
}

int32_t Allocator::new_spill(uint32_t v, uint32_t i) {
  size_t index = 0;
  while (index < spill_value_.size() && spill_value_[index] != kNoValue) {
    const uint32_t owner = spill_value_[index];
    if (!needed(owner, i) && !(in_loop_ && head_.contains(owner))) {
      values_[owner].spill = -1;
      break;
    }
    ++index;
  }
  if (index == spill_value_.size()) spill_value_.push_back(kNoValue);
  spill_value_[index] = v;
  if (spill_value_.size() > kSpillSlots) out_.failure = AbortReason::kTooManySpills;
  out_.spill_slots = std::max(out_.spill_slots, static_cast<uint32_t>(index + 1));
  return static_cast<int32_t>(index);
}

void Allocator::spill(uint32_t v, uint32_t i) {
  // The slot of an argument is free until something is stored there.
  if (is_register_argument(trace_, ins(v)) && slot_value(ins(v).n) == kNoValue) {
    add_move(in_slot(ins(v).n), in_register(values_[v].reg));
    set_slot(ins(v).n, v);
    return;
  }
  const int32_t index = new_spill(v, i);
  values_[v].spill = index;
  add_move(in_spill(index), in_register(values_[v].reg));
}

/// Frees the register. Saves its value if it is needed from instruction i on.
void Allocator::evict(int reg, uint32_t i) {
  const uint32_t v = reg_value_[reg];
  if (v == kNoValue) return;
  if (in_loop_) {
    const auto head = head_.find(v);
    if (head != head_.end() && is_register(head->second) && ins(v).op != IrOp::kPhi) evicted_invariants.push_back(v);
  }
  if (needed(v, i) && !has_copy(values_[v])) spill(v, i);
  release(v);
}

int Allocator::free_register(uint32_t avoid, int hint) const {
  if (hint != kNoRegister && (avoid & bit(hint)) == 0 && reg_value_[hint] == kNoValue) return hint;
  for (const Register reg : kAllocatable) {
    if ((avoid & bit(reg)) == 0 && reg_value_[reg] == kNoValue) return reg;
  }
  return kNoRegister;
}

int Allocator::take_register(uint32_t i, uint32_t avoid, int hint) {
  const int free = free_register(avoid, hint);
  if (free != kNoRegister) return free;
  int best = kNoRegister;
  uint64_t best_score = 0;
  for (const Register reg : kAllocatable) {
    if ((avoid & bit(reg)) != 0) continue;
    const uint32_t v = reg_value_[reg];
    // A value that can be loaded again without having been stored counts as farther away.
    constexpr uint64_t kStoreCost = 12;
    const uint32_t use = next_use(v, i);
    const uint64_t score = (use == kNever ? uint64_t{1} << 32 : use - i) + (has_copy(values_[v]) ? kStoreCost : 0) + 1;
    if (score > best_score) {
      best_score = score;
      best = reg;
    }
  }
  if (best == kNoRegister) FBLE_BUG("an instruction needs more registers than there are");
  evict(best, i);
  return best;
}

/// Loads the value into a register.
void Allocator::load(uint32_t v, uint32_t i, uint32_t avoid) {
  if (values_[v].reg != kNoRegister) return;
  const Location from = locate(v);
  const int reg = take_register(i, avoid, values_[v].hint);
  add_move(in_register(reg), from);
  occupy(reg, v);
}

/// Frees the register. Moves its value to another one if there is a free one.
void Allocator::vacate(int reg, uint32_t i, uint32_t avoid) {
  const uint32_t v = reg_value_[reg];
  if (v == kNoValue) return;
  const int other = free_register(avoid | bit(reg), kNoRegister);
  if (other == kNoRegister) {
    evict(reg, i);
    return;
  }
  add_move(in_register(other), in_register(reg));
  release(v);
  occupy(other, v);
}

/// Saves the value of a slot that is about to be overwritten, if it is needed later and has no other place.
void Allocator::save_slot(int32_t slot, uint32_t i, uint32_t avoid) {
  const uint32_t v = slot_value(slot);
  if (v == kNoValue) return;
  if (needed(v, i + 1)) {
    Value& value = values_[v];
    bool elsewhere = value.is_constant || value.spill >= 0 || value.reg != kNoRegister;
    for (const auto& [other, held] : slots_) elsewhere |= held == v && other != slot;
    if (!elsewhere) load(v, i, avoid);
  }
  forget_slot(slot);
}

Location Allocator::locate(uint32_t v) {
  const Value& value = values_[v];
  if (value.is_constant) return constant_location(value.word);
  if (value.reg != kNoRegister) return in_register(value.reg);
  if (value.spill >= 0) return in_spill(value.spill);
  if (value.home != kNoSlot) return in_slot(value.home);
  FBLE_BUG("a value is lost");
}

/// Returns the place of a value at the exit that is being made. Requires: stamp_ is new for this exit.
Location Allocator::locate_leaf(IrRef ref, ExitEntry& entry) {
  const IrIns& at = trace_.at(ref);
  if (!at.sunk) return locate(value_of(ref));
  if (virtuals_.empty()) virtuals_.resize(trace_.ins.size());
  DescribedVirtual& known = virtuals_[index_of(ref)];
  if (known.stamp == stamp_) return {LocationKind::kVirtual, known.index, 0};
  known = {stamp_, static_cast<int32_t>(entry.virtuals.size())};
  const Location location{LocationKind::kVirtual, known.index, 0};
  VirtualValue made;
  switch (at.op) {
    case IrOp::kNew:
      made.header = at.x;
      made.code = at.code;
      break;
    case IrOp::kPackUnion:
      made.kind = VirtualValue::Kind::kPackedUnion;
      made.tag = static_cast<uint32_t>(at.n);
      made.width = at.m;
      break;
    default: made.kind = VirtualValue::Kind::kPackedStruct;
  }
  entry.virtuals.push_back(std::move(made));
  std::vector<Location> fields;
  fields.reserve(at.list.size() + 2);
  for_each_ref(at, [&](IrRef part) { fields.push_back(locate_leaf(part, entry)); });
  entry.virtuals[static_cast<size_t>(location.index)].fields = std::move(fields);
  return location;
}

/// Returns an entry with room for what the snapshot has.
ExitEntry Allocator::room_for(const Snapshot& snapshot) {
  ExitEntry entry;
  entry.frames.reserve(snapshot.frames.size());
  entry.slots.reserve(snapshot.slots.size());
  return entry;
}

void Allocator::make_exit(uint32_t i) {
  const Snapshot& snapshot = trace_.snapshots[ins(i).snapshot];
  ExitEntry entry = room_for(snapshot);
  ++stamp_;
  for (const SnapshotFrame& frame : snapshot.frames) {
    ExitFrame made{.code = frame.code, .pc = frame.pc, .base = frame.base, .in_memory = frame.in_memory};
    if (frame.closure != kNoRef) made.closure = locate_leaf(frame.closure, entry);
    entry.frames.push_back(made);
  }
  for (const SnapshotSlot& slot : snapshot.slots) {
    ExitSlot made{.slot = slot.slot, .facts = slot.facts};
    const bool in_place = !trace_.at(slot.ref).sunk && slot_value(slot.slot) == value_of(slot.ref);
    made.location = in_place && value(slot.ref).reg == kNoRegister ? in_slot(slot.slot) : locate_leaf(slot.ref, entry);
    entry.slots.push_back(made);
  }
  InsPlan& plan = out_.plans[i];
  plan.exit = static_cast<int32_t>(out_.exits.size());
  if (ins(i).a != kNoRef && !trace_.at(ins(i).a).sunk) {
    const Value& operand = value(ins(i).a);
    if (operand.reg != kNoRegister || has_copy(operand)) plan.exit_operand = locate(value_of(ins(i).a));
  }
  out_.exits.push_back(std::move(entry));
}

/// Makes the exit for the state at the return of the call, when registers hold no values.
void Allocator::make_return_exit(uint32_t i) {
  const Snapshot& snapshot = trace_.snapshots[ins(i).snapshot];
  ExitEntry entry = room_for(snapshot);
  entry.is_return = true;
  for (const SnapshotFrame& frame : snapshot.frames) {
    ExitFrame made{.code = frame.code, .pc = frame.pc, .base = frame.base, .in_memory = frame.in_memory};
    if (frame.closure != kNoRef) {
      const Value& closure = value(frame.closure);
      if (closure.is_constant) {
        made.closure = constant_location(closure.word);
      } else if (closure.home != kNoSlot) {
        made.closure = in_slot(closure.home);
      } else {
        FBLE_BUG("a value is lost across a call");
      }
    }
    entry.frames.push_back(made);
  }
  for (const SnapshotSlot& slot : snapshot.slots) {
    ExitSlot made{.slot = slot.slot, .facts = slot.facts};
    const Value& held = value(slot.ref);
    if (slot_value(slot.slot) == value_of(slot.ref)) {
      made.location = in_slot(slot.slot);
    } else if (held.is_constant) {
      made.location = constant_location(held.word);
    } else if (held.home != kNoSlot) {
      made.location = in_slot(held.home);
    } else {
      FBLE_BUG("a value is lost across a call");
    }
    entry.slots.push_back(made);
  }
  out_.plans[i].exit = static_cast<int32_t>(out_.exits.size());
  out_.exits.push_back(std::move(entry));
}

void Allocator::general(uint32_t i) {
  const IrIns& at = ins(i);
  const bool leaves = can_leave(at);
  const bool has_result = ir_has_result(at.op);
  const Needs& needs = needs_of(at.op);
  const ListNeed list = list_need(at);
  InsPlan& plan = out_.plans[i];

  uint32_t avoid = 0;
  if (needs.divides()) {
    for (const int reg : {kRax, kRdx}) {
      vacate(reg, i, bit(kRax) | bit(kRdx));
      avoid |= bit(reg);
    }
  }

  // Operands.
  const auto immediate = [&](IrRef ref) {
    // The immediate operand of mul is the magnitude.
    const Word word = value(ref).word;
    return value(ref).is_constant && fits_imm32(at.op == IrOp::kMul ? packed_magnitude(word) : word);
  };
  const bool b_immediate = at.b != kNoRef && needs.immediate != Immediate::kNone && immediate(at.b);
  const bool a_immediate = at.a != kNoRef && needs.immediate == Immediate::kEither && !b_immediate && immediate(at.a);
  const bool a_anywhere = at.op == IrOp::kReturn || at.op == IrOp::kPhi;
  std::vector<uint32_t>& wanted = wanted_;
  wanted.clear();
  if (at.a != kNoRef && !a_immediate && !a_anywhere) wanted.push_back(value_of(at.a));
  if (at.b != kNoRef && !b_immediate) wanted.push_back(value_of(at.b));
  if (list == ListNeed::kRegisters) {
    for (const IrRef ref : at.list) {
      if (!value(ref).is_constant) wanted.push_back(value_of(ref));
    }
  }
  for (const uint32_t v : wanted) {
    if (values_[v].reg != kNoRegister) avoid |= bit(values_[v].reg);
  }
  for (const uint32_t v : wanted) {
    load(v, i, avoid);
    avoid |= bit(values_[v].reg);
  }
  if (list == ListNeed::kAnywhere) {
    for (const IrRef ref : at.list) {
      if (index_of(ref) >= i || value(ref).is_constant) continue;
      Value& element = value(ref);
      if (element.reg == kNoRegister && free_register(avoid, kNoRegister) != kNoRegister) load(value_of(ref), i, avoid);
    }
  }
  for (int k = 0, count = scratch_count(i); k < count; ++k) {
    plan.scratch[k] = static_cast<Register>(take_register(i, avoid));
    avoid |= bit(plan.scratch[k]);
  }
  int hint = values_[i].hint;
  // Packing reads the fields one by one while it makes the result.
  const bool early_result = needs.result == ResultNeed::kEarly;
  if (early_result) {
    plan.result = static_cast<Register>(take_register(i, avoid, hint));
    avoid |= bit(plan.result);
  }
  if (at.a != kNoRef)
    plan.a = a_immediate  ? constant_location(value(at.a).word)
             : a_anywhere ? locate(value_of(at.a))
                          : in_register(value(at.a).reg);
  if (at.b != kNoRef) plan.b = b_immediate ? constant_location(value(at.b).word) : in_register(value(at.b).reg);
  plan.list_begin = static_cast<uint32_t>(out_.operands.size());
  for (const IrRef ref : at.list) {
    if (index_of(ref) >= i) {
      out_.operands.push_back({LocationKind::kVirtual, static_cast<int32_t>(index_of(ref)), 0});
    } else {
      out_.operands.push_back(locate(value_of(ref)));
    }
  }
  plan.list_end = static_cast<uint32_t>(out_.operands.size());

  if (!has_result) {
    if (leaves) make_exit(i);
    return;
  }

  // The result takes the register of an operand that is not needed any more. If the
  // instruction writes its result before it may leave, the exit's values are needed.
  const uint32_t exits_from = leaves && !needs.is_late() ? i : i + 1;
  std::vector<uint32_t>& done = done_;
  done.clear();
  const auto give_up = [&](IrRef ref) {
    const uint32_t v = value_of(ref);
    const Value& operand = values_[v];
    if (operand.reg == kNoRegister || next_use(v, i + 1) != kNever) return;
    if (next_exit(v, exits_from) != kNever && !has_copy(operand)) return;
    avoid &= ~bit(operand.reg);
    done.push_back(v);
  };
  if (at.a != kNoRef) give_up(at.a);
  if (at.b != kNoRef && (needs.result != ResultNeed::kSharesA || at.a == at.b)) give_up(at.b);
  if (at.op == IrOp::kNew || at.op == IrOp::kIntrinsic || at.op == IrOp::kNative || at.op == IrOp::kChoose ||
      is_recall(at.op)) {
    for (const IrRef ref : at.list) {
      if (index_of(ref) < i) give_up(ref);
    }
  }
  if (needs.divides()) {
    avoid &= ~(bit(kRax) | bit(kRdx));
    if (hint == kNoRegister) hint = at.op == IrOp::kMod ? kRdx : kRax;
  }
  if (!early_result) {
    const auto is_done = [&](int reg) {
      return std::any_of(done.begin(), done.end(), [&](uint32_t v) { return values_[v].reg == reg; });
    };
    const bool hint_is_good =
        hint != kNoRegister && (avoid & bit(hint)) == 0 && (reg_value_[hint] == kNoValue || is_done(hint));
    plan.result = static_cast<Register>(hint_is_good    ? hint
                                        : !done.empty() ? values_[done.front()].reg
                                                        : take_register(i, avoid, hint));
  }
  if (exits_from == i + 1 && leaves) make_exit(i);
  for (const uint32_t v : done) release(v);
  if (exits_from == i && leaves) make_exit(i);
  occupy(plan.result, i);
}

void Allocator::store(uint32_t i) {
  const IrIns& at = ins(i);
  const uint32_t v = value_of(at.a);
  InsPlan& plan = out_.plans[i];
  if (slot_value(at.n) == v) {
    plan.skip = true;
    return;
  }
  const bool immediate = values_[v].is_constant && fits_imm32(values_[v].word);
  if (!immediate) load(v, i, 0);
  const uint32_t avoid = immediate ? 0 : bit(values_[v].reg);
  save_slot(at.n, i, avoid);
  plan.a = immediate ? constant_location(values_[v].word) : in_register(values_[v].reg);
  set_slot(at.n, v);
}

/// Allocates a call or tail call: the arguments and the closure are moved in parallel. If its code is not known, the
/// closure is in rax, too.
void Allocator::call(uint32_t i) {
  const IrIns& at = ins(i);
  InsPlan& plan = out_.plans[i];
  const bool is_tail = at.op == IrOp::kTailCall;
  const int32_t base = is_tail ? 0 : at.n;
  const size_t in_registers = arguments_in_registers(at);
  uint32_t avoid = bit(kRax);
  for (size_t k = 0; k < in_registers; ++k) avoid |= bit(kArgumentRegisters[k]);
  const bool code_known = called_code(trace_, at) != nullptr;
  if (!code_known) {
    load(value_of(at.a), i, avoid);
    avoid |= bit(value(at.a).reg);
  }
  for (int k = 0; k < 2; ++k) {
    plan.scratch[k] = static_cast<Register>(take_register(i, avoid));
    avoid |= bit(plan.scratch[k]);
  }
  const Location closure = locate(value_of(at.a));
  std::vector<Move> moves;
  const bool in_place = slot_value(base + kClosureSlot) == value_of(at.a);
  moves.push_back({Move::Kind::kCopy, in_slot(base + kClosureSlot), in_place ? in_slot(base + kClosureSlot) : closure});
  if (!code_known) moves.push_back({Move::Kind::kCopy, in_register(kRax), closure});
  plan.a = code_known ? in_slot(base + kClosureSlot) : in_register(kRax);
  for (size_t k = 0; k < in_registers; ++k) {
    moves.push_back({Move::Kind::kCopy, in_register(kArgumentRegisters[k]), locate(value_of(at.list[k]))});
  }
  for (size_t k = in_registers; k < at.list.size(); ++k) {
    const int32_t slot = base + static_cast<int32_t>(k);
    const uint32_t v = value_of(at.list[k]);
    moves.push_back({Move::Kind::kCopy, in_slot(slot), slot_value(slot) == v ? in_slot(slot) : locate(v)});
  }
  order_moves(moves, in_register(plan.scratch[1]), out_.moves);
  if (!is_tail) {
    for (int32_t slot = base - kHeaderSlots; slot < base + static_cast<int32_t>(at.list.size()); ++slot)
      forget_slot(slot);
    make_return_exit(i);
  }
}

void Allocator::loop_start(uint32_t i) {
  for (uint32_t k = i + 1; k < loop_back_; ++k) {
    if (ins(k).op == IrOp::kStore) save_slot(ins(k).n, i, 0);
  }
  for (const Register reg : kAllocatable) {
    const uint32_t v = reg_value_[reg];
    if (v == kNoValue || ins(v).op == IrOp::kPhi) continue;
    Value& held = values_[v];
    const bool in_memory = std::find(in_memory_.begin(), in_memory_.end(), v) != in_memory_.end();
    if (in_memory && !has_copy(held)) spill(v, i);
    if (held.is_constant || in_memory || (has_copy(held) && next_use(v, i + 1) == kNever)) release(v);
  }
  for (size_t k = 0; k < ins(i).list.size(); ++k) {
    const IrRef ref = ins(i).list[k];
    Value& variable = value(ref);
    // A variable has one place; copies hold its value in the first turn only.
    for (auto at = slots_.begin(); at != slots_.end();) {
      at = at->second == value_of(ref) ? slots_.erase(at) : std::next(at);
    }
    variable.home = kNoSlot;
    if (variable.reg != kNoRegister) variable.spill = -1;
    if (variable.reg == kNoRegister && variable.spill < 0) {
      // The variable is not used.
      variable.spill = new_spill(value_of(ref), i);
    }
    head_[value_of(ref)] = variable.reg != kNoRegister ? in_register(variable.reg) : in_spill(variable.spill);
    if (is_register(head_[value_of(ref)])) {
      Value& next = value(ins(loop_back_).list[k]);
      if (next.hint == kNoRegister) next.hint = variable.reg;
    }
  }
  for (const Register reg : kAllocatable) {
    const uint32_t v = reg_value_[reg];
    if (v != kNoValue) head_[v] = in_register(reg);
  }
  in_loop_ = true;
}

void Allocator::loop_back(uint32_t i) {
  make_exit(i);
  std::vector<Move> moves;
  const std::vector<IrRef>& variables = ins(loop_start_).list;
  for (const auto& [v, head] : head_) {
    if (ins(v).op == IrOp::kPhi) continue;
    if (is_register(head)) moves.push_back({Move::Kind::kCopy, head, locate(v)});
  }
  for (size_t k = 0; k < variables.size(); ++k) {
    moves.push_back({Move::Kind::kCopy, head_[value_of(variables[k])], locate(value_of(ins(i).list[k]))});
  }
  InsPlan& plan = out_.plans[i];
  plan.leaves_late = move_exit(out_.exits[static_cast<size_t>(plan.exit)], moves);
  const Location spare = in_spill(new_spill(kNoValue, i));
  order_moves(moves, spare, out_.moves);
}

void Allocator::release_dead(uint32_t i) {
  for (const Register reg : kAllocatable) {
    const uint32_t v = reg_value_[reg];
    if (v != kNoValue && !needed(v, i + 1)) release(v);
  }
}

void Allocator::disturb(uint32_t i) {
  uint32_t occupied = 0;
  for (const Register reg : kAllocatable) {
    if (reg_value_[reg] != kNoValue) occupied |= bit(reg);
  }
  if (occupied == 0) return;
  if (const int reg = spill_choice_(occupied); reg >= 0) evict(reg, i);
}

Allocation Allocator::run() {
  find_start_values();
  find_loop();
  find_layouts();
  find_uses();
  const uint32_t count = static_cast<uint32_t>(trace_.ins.size());
  out_.plans.resize(count);
  out_.exits.reserve(trace_.snapshots.size());
  for (const Register reg : kAllocatable) {
    const uint32_t v = reg_value_[reg];
    if (v != kNoValue && !needed(v, 0)) release(v);
  }
  for (uint32_t i = 0; i < count && !out_.failure; ++i) {
    const IrIns& at = ins(i);
    InsPlan& plan = out_.plans[i];
    plan.moves_begin = static_cast<uint32_t>(out_.moves.size());
    const bool unused = ir_has_result(at.op) && !ir_is_guard(at.op) && at.op != IrOp::kNew && !needed(i, 0);
    switch (at.op) {
      case IrOp::kConstant:
      case IrOp::kSlot:
      case IrOp::kInherit:
      case IrOp::kResult: plan.skip = true; break;
      case IrOp::kStore: store(i); break;
      case IrOp::kCall:
      case IrOp::kTailCall: call(i); break;
      case IrOp::kLoopStart: loop_start(i); break;
      case IrOp::kLoopBack: loop_back(i); break;
      default:
        plan.skip = at.sunk || (unused && at.op != IrOp::kPhi);
        if (plan.skip) break;
        if (spill_choice_) disturb(i);
        general(i);
    }
    plan.moves_end = static_cast<uint32_t>(out_.moves.size());
    release_dead(i);
  }
  return std::move(out_);
}

}  // namespace

bool can_leave(const IrIns& ins) { return !ins.sunk && needs_of(ins.op).leaves(ins); }

bool writes_result_last(IrOp op) { return needs_of(op).is_late(); }

uint32_t used_registers(const Trace& trace, const Allocation& allocation, size_t first) {
  uint32_t used = 0;
  const auto use_register = [&](int reg) { used |= reg == kNoRegister ? 0 : bit(reg); };
  const auto use = [&](const Location& location) {
    if (is_register(location)) use_register(location.index);
  };
  for (size_t i = first; i < trace.ins.size(); ++i) {
    const InsPlan& plan = allocation.plans[i];
    use_register(plan.result);
    std::ranges::for_each(plan.scratch, use_register);
    if (needs_of(trace.ins[i].op).divides()) used |= bit(kRax) | bit(kRdx);
    for (const Location& location : {plan.a, plan.b, plan.exit_operand}) use(location);
    for (uint32_t k = plan.list_begin; k < plan.list_end; ++k) use(allocation.operands[k]);
    for (uint32_t k = plan.moves_begin; k < plan.moves_end; ++k) {
      use(allocation.moves[k].to);
      use(allocation.moves[k].from);
    }
    if (plan.exit < 0) continue;
    const ExitEntry& exit = allocation.exits[static_cast<size_t>(plan.exit)];
    for (const ExitFrame& frame : exit.frames) use(frame.closure);
    for (const ExitSlot& slot : exit.slots) use(slot.location);
    for (const VirtualValue& value : exit.virtuals) std::ranges::for_each(value.fields, use);
  }
  return used;
}

Allocation allocate_registers(const Trace& trace, const SpillChoice& spill) {
  std::vector<uint32_t> in_memory;
  constexpr int kAttempts = 4;
  for (int attempt = 1;; ++attempt) {
    Allocator allocator(trace, in_memory, spill);
    Allocation allocation = allocator.run();
    if (attempt == kAttempts || allocator.evicted_invariants.empty()) return allocation;
    in_memory.insert(in_memory.end(), allocator.evicted_invariants.begin(), allocator.evicted_invariants.end());
  }
}

}  // namespace fble::x64
