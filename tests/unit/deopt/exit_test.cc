// Leaving machine code, without machine code: registers, spill slots and frame slots are
// filled by hand, the exit is taken, and the interpreter's state is compared with the
// description of the exit. Then a collection must find all of it.
#include "deopt/exit.h"

#include <gtest/gtest.h>

#include <bitset>
#include <tuple>

#include "deopt/force.h"
#include "deopt/rebuild.h"
#include "deopt/side_table_text.h"
#include "deopt/side_table_verify.h"
#include "interp/carrier.h"
#include "interp/interpreter.h"
#include "interp/liveness.h"
#include "interp/observer.h"
#include "tests/unit/deopt/exit_gen.h"

namespace fble {
namespace {

MachineOptions options_of(size_t nursery_bytes, unsigned stress, unsigned full_period) {
  MachineOptions options;
  options.heap.nursery_bytes = nursery_bytes;
  options.heap.stress = stress;
  options.heap.stress_full_period = full_period;
  options.heap.verify = true;
  options.stack_bytes = size_t{1} << 26;
  return options;
}

/// A thread whose root frame is called by two frames that run code 0.
class Activation {
 public:
  explicit Activation(const MachineOptions& options)
      : program(parse_exit_program()), codes(all_codes(*program)), machine(*program, natives_, options) {
    Word* bottom = carrier.current->stack->base() + kHeaderSlots;
    const uint32_t* behind_call = codes[0]->start + 12;
    const size_t distance = behind_call[-1];
    for (int i = 0; i < 2; ++i) {
      Word* frame = bottom + static_cast<size_t>(i) * distance;
      frame[kClosureSlot] = codes[0]->function_value();
      frame[kReturnPositionSlot] = i == 0 ? 0 : reinterpret_cast<Word>(behind_call);
      frame[kReturnAddressSlot] = i == 0 ? 0 : reinterpret_cast<Word>(interpreter_return());
      for (size_t slot = 0; slot < distance - kHeaderSlots; ++slot) frame[slot] = kUnitWord;
    }
    root = bottom + 2 * distance;
    write_root_header();
    state().at(RegisterRole::kFp) = reinterpret_cast<Word>(root);
    for (Word& word : state().spill) word = kUnitWord;
  }

  ExitState& state() { return carrier.exit_state; }

  /// Makes an object whose first field identifies it. Requires that there is room.
  Word make_object() {
    Word* object = carrier.ap;
    carrier.ap += object_words(12);
    object[0] = Object::make_header(ObjectKind::kStruct, 12, 0);
    for (int i = 2; i <= 12; ++i) object[i] = kUnitWord;
    object[1] = 2 * (1000 + made_++) + 1;
    return reinterpret_cast<Word>(object);
  }
  Word make_closure(Code* code) {
    Word* object = carrier.ap;
    carrier.ap += object_words(1 + code->capture_count);
    object[0] = Object::make_header(ObjectKind::kClosure, 1 + code->capture_count);
    object[1] = Code::from_code(code);
    for (uint32_t i = 0; i < code->capture_count; ++i) object[2 + i] = kUnitWord;
    return reinterpret_cast<Word>(object);
  }

  /// Makes room while the caller of the root frame is about to call: before any object is made.
  void make_room(size_t words) {
    carrier.fp = root - codes[0]->start[11];
    carrier.pc = codes[0]->start + 5;
    ASSERT_TRUE(carrier.make_room(words));
    write_root_header();
  }
  void write_root_header() {
    root[kClosureSlot] = codes[0]->function_value();
    root[kReturnPositionSlot] = reinterpret_cast<Word>(codes[0]->start + 12);
    root[kReturnAddressSlot] = reinterpret_cast<Word>(interpreter_return());
  }

  [[nodiscard]] bool leave(const ExitEntry& entry) {
    SideTableBuilder builder;
    builder.add(entry);
    const SideTable table = builder.finish();
    std::string message;
    EXPECT_TRUE(verify_side_table(table, &message, codes)) << message;
    state().at(RegisterRole::kAp) = reinterpret_cast<Word>(carrier.ap);
    ExitEntry decoded;
    decode_exit(table, 0, decoded);
    return leave_at(carrier, decoded);
  }

  std::unique_ptr<ProgramCode> program;
  std::vector<Code*> codes;
  NativeTable natives_;
  Machine machine;
  Carrier& carrier = machine.carrier();
  Word* root = nullptr;

 private:
  Word made_ = 0;
};

/// The identity of a word, wherever it may have moved.
using Key = std::pair<Word, Word>;
Key key_of(Word word) {
  if (!is_pointer(word)) return {0, word};
  return {as_object(word)->header, as_object(word)->fields[0]};
}

/// The state of an exit before it is taken, and the comparison afterwards.
class Expectation {
 public:
  Expectation(Activation& activation, const ExitEntry& entry) : activation_(activation), entry_(entry) {
    for (const ExitSlot& slot : entry.slots) note(slot.location);
    for (const ExitFrame& frame : entry.frames) {
      note(frame.closure);
      for_each_live(frame, [&](int32_t slot) { note({LocationKind::kSlot, slot, 0}); });
      if (frame.in_memory) note({LocationKind::kSlot, frame.base + kClosureSlot, 0});
    }
    for (const VirtualValue& value : entry.virtuals) {
      for (const Location& field : value.fields) note(field);
    }
  }

  /// Computes the values of packed virtuals. Returns false if one does not fit: then the exit is impossible.
  bool packed_fit() {
    for (const VirtualValue& value : entry_.virtuals) packed_.push_back(pack(value));
    for (size_t i = 0; i < packed_.size(); ++i) {
      if (entry_.virtuals[i].kind != VirtualValue::Kind::kObject && packed_[i] == 0) return false;
    }
    return true;
  }

  void check() {
    made_.assign(entry_.virtuals.size(), 0);
    const Carrier& carrier = activation_.carrier;
    ASSERT_EQ(carrier.pc, entry_.frames.back().pc);
    ASSERT_EQ(carrier.fp, activation_.root + entry_.frames.back().base);
    auto listed = entry_.slots.begin();
    for (size_t i = 0; i < entry_.frames.size(); ++i) {
      const ExitFrame& frame = entry_.frames[i];
      const Location closure =
          frame.in_memory ? Location{LocationKind::kSlot, frame.base + kClosureSlot, 0} : frame.closure;
      expect(closure, activation_.root[frame.base + kClosureSlot], "closure");
      if (i > 0 && !frame.in_memory) {
        EXPECT_EQ(activation_.root[frame.base + kReturnPositionSlot], reinterpret_cast<Word>(entry_.frames[i - 1].pc));
        const Word address = activation_.root[frame.base + kReturnAddressSlot];
        EXPECT_TRUE(address == reinterpret_cast<Word>(interpreter_return()) ||
                    address == reinterpret_cast<Word>(watermark_return()));
      }
      for_each_live(frame, [&](int32_t slot) {
        while (listed != entry_.slots.end() && listed->slot < slot) ++listed;
        const bool is_listed = listed != entry_.slots.end() && listed->slot == slot;
        expect(is_listed ? listed->location : Location{LocationKind::kSlot, slot, 0}, activation_.root[slot],
               "slot " + std::to_string(slot));
      });
    }
    while (!to_check_.empty()) {
      const size_t index = to_check_.back();
      to_check_.pop_back();
      const VirtualValue& value = entry_.virtuals[index];
      const Object* object = as_object(made_[index]);
      ASSERT_EQ(object->header, value.header);
      const Word* field = object->fields;
      if (value.code != nullptr) {
        ASSERT_EQ(*field++, Code::from_code(value.code));
      }
      for (const Location& location : value.fields) expect(location, *field++, "field");
    }
  }

 private:
  template <typename Visit>
  void for_each_live(const ExitFrame& frame, Visit&& visit) {
    for_each_live_slot(*frame.code, frame.pc, &frame != &entry_.frames.back(),
                       [&](int32_t slot) { visit(frame.base + slot); });
  }
  static std::pair<int, int32_t> id(const Location& location) {
    return {static_cast<int>(location.kind), location.index};
  }
  void note(const Location& location) {
    if (location.kind == LocationKind::kNone || location.kind == LocationKind::kVirtual) return;
    if (location.kind == LocationKind::kConstant) return;
    keys_[id(location)] = key_of(read_location(activation_.state(), activation_.root, location));
  }
  Word pack(const VirtualValue& value) {
    if (value.kind == VirtualValue::Kind::kObject) return 0;
    std::vector<Word> fields;
    for (const Location& field : value.fields) {
      Word word = field.kind == LocationKind::kVirtual ? packed_[static_cast<size_t>(field.index)]
                                                       : read_location(activation_.state(), activation_.root, field);
      if (!is_packed(word)) return 0;
      fields.push_back(word);
    }
    if (value.kind == VirtualValue::Kind::kPackedUnion) return pack_union(fields[0], value.width, value.tag);
    return pack_struct(static_cast<uint32_t>(fields.size()), [&](uint32_t i) { return fields[i]; });
  }
  void expect(const Location& location, Word word, const std::string& what) {
    if (location.kind == LocationKind::kConstant) {
      EXPECT_EQ(word, location.word) << what;
    } else if (location.kind != LocationKind::kVirtual) {
      EXPECT_EQ(key_of(word), keys_.at(id(location))) << what;
    } else if (const size_t index = static_cast<size_t>(location.index); packed_[index] != 0) {
      EXPECT_EQ(word, packed_[index]) << what;
    } else if (made_[index] == 0) {
      made_[index] = word;
      to_check_.push_back(index);
    } else {
      // Shared ones are made once.
      EXPECT_EQ(word, made_[index]) << what;
    }
  }

  Activation& activation_;
  const ExitEntry& entry_;
  std::map<std::pair<int, int32_t>, Key> keys_;
  std::vector<Word> packed_;
  std::vector<Word> made_;
  std::vector<size_t> to_check_;
};

Location in_its_place(const ExitFrame& frame) { return {LocationKind::kSlot, frame.base + kClosureSlot, 0}; }

/// Gives each frame a closure that runs the frame's code.
void give_closures(ExitEntry& entry, ExitGenerator& generator) {
  for (size_t i = 0; i < entry.frames.size(); ++i) {
    ExitFrame& frame = entry.frames[i];
    if (frame.in_memory) continue;
    const uint32_t kind = generator.below(4);
    if (kind == 3) {
      frame.closure = in_its_place(frame);
    } else if (kind == 0) {
      frame.closure = {LocationKind::kConstant, 0, frame.code->function_value()};
    } else if (kind == 1) {
      frame.closure = {LocationKind::kSpill, 200 + static_cast<int32_t>(i), 0};
    } else {
      VirtualValue value;
      value.code = frame.code;
      value.header = Object::make_header(ObjectKind::kClosure, 1 + frame.code->capture_count);
      for (uint32_t k = 0; k < frame.code->capture_count; ++k) value.fields.push_back({LocationKind::kRegister, 9, 0});
      frame.closure = {LocationKind::kVirtual, static_cast<int32_t>(entry.virtuals.size()), 0};
      entry.virtuals.push_back(value);
    }
  }
}

/// Restricts the exit: registers 0 to 2, spill slots 0 to 3 and slots 0 to 1 hold packed values.
void restrict_packed_fields(ExitEntry& entry) {
  for (VirtualValue& value : entry.virtuals) {
    if (value.kind == VirtualValue::Kind::kObject) continue;
    for (Location& field : value.fields) {
      if (field.kind == LocationKind::kRegister) field.index %= 3;
      if (field.kind == LocationKind::kSpill) field.index %= 4;
      if (field.kind == LocationKind::kSlot) field.index %= 2;
    }
  }
}

void fill(Activation& activation, const ExitEntry& entry, ExitGenerator& generator) {
  auto any_word = [&](bool packed) {
    return packed || generator.chance(30) ? 2 * Word{generator.below(6)} + 3 : activation.make_object();
  };
  for (int i : {0, 1, 2, 3, 6, 8, 9, 10, 11, 12}) activation.state().registers[i] = any_word(i < 3);
  for (uint32_t i = 0; i < kSpillSlots; ++i) activation.state().spill[i] = any_word(i < 4);
  const ExitFrame& last = entry.frames.back();
  for (int32_t i = 0; i < last.base + static_cast<int32_t>(last.code->frame_slots); ++i) {
    activation.root[i] = any_word(i < 2);
  }
  for (size_t i = 0; i < entry.frames.size(); ++i) {
    Word* frame = activation.root + entry.frames[i].base;
    activation.state().spill[200 + i] = activation.make_closure(entry.frames[i].code);
    if (i == 0 || entry.frames[i].in_memory || entry.frames[i].closure == in_its_place(entry.frames[i])) {
      frame[kClosureSlot] = activation.make_closure(entry.frames[i].code);
    }
    if (i == 0 || !entry.frames[i].in_memory) continue;
    frame[kReturnPositionSlot] = reinterpret_cast<Word>(entry.frames[i - 1].pc);
    frame[kReturnAddressSlot] = reinterpret_cast<Word>(interpreter_return());
  }
}

/// Forces the frames of the exit, checks them, and undoes that: the state must be as before. Returns false if
/// there was no room for the virtual values.
bool force_and_take_back(Activation& activation, const ExitEntry& entry, Expectation& expectation) {
  Carrier& carrier = activation.carrier;
  activation.state().at(RegisterRole::kAp) = reinterpret_cast<Word>(carrier.ap);
  if (!ForcedFrames::possible(carrier, entry)) return false;
  const ExitFrame& last = entry.frames.back();
  const std::vector<Word> stack(carrier.current->stack->base(),
                                activation.root + last.base + last.code->frame_slots + 64);
  const std::vector<Word> registers(std::begin(activation.state().registers), std::end(activation.state().registers));
  const auto state_of = [&] {
    return std::tuple(carrier.pc, carrier.fp, carrier.ap, carrier.value, carrier.current->stack->watermark().fp);
  };
  const auto before = state_of();
  const uint64_t collections = carrier.machine.heap.stats().minor_collections;
  ForcedFrames forced(carrier, entry);
  expectation.check();
  EXPECT_EQ(frames_problem(carrier.pc, carrier.fp, 128), "");
  forced.take_back();
  EXPECT_EQ(state_of(), before);
  EXPECT_TRUE(std::equal(stack.begin(), stack.end(), carrier.current->stack->base()));
  EXPECT_TRUE(std::equal(registers.begin(), registers.end(), activation.state().registers));
  EXPECT_EQ(carrier.machine.heap.stats().minor_collections, collections);
  EXPECT_TRUE(carrier.exit_roots.empty());
  return true;
}

constexpr size_t kRoomToFill = 30000;

void leave_randomly(const MachineOptions& options, uint32_t first_seed, uint32_t count) {
  uint32_t taken = 0;
  uint32_t with_virtuals = 0;
  uint32_t forced = 0;
  for (uint32_t seed = first_seed; seed < first_seed + count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Activation activation(options);
    ExitGenerator generator(*activation.program, seed);
    ExitEntry entry = generator.next();
    if (entry.is_return) continue;
    give_closures(entry, generator);
    restrict_packed_fields(entry);
    activation.make_room(kRoomToFill);
    fill(activation, entry, generator);
    // Some exits are taken with a full nursery, and not only under stress.
    if (generator.chance(50)) {
      while (static_cast<size_t>(activation.carrier.machine.heap.limit() - activation.carrier.ap) > 20)
        activation.make_object();
    }
    // The decoded form is compared: equal virtuals become one.
    SideTableBuilder builder;
    builder.add(entry);
    const ExitEntry decoded = decode_exit(builder.finish(), 0);
    ASSERT_EQ(SameExits(entry, decoded).difference(), "");
    Expectation expectation(activation, decoded);
    if (!expectation.packed_fit()) continue;
    ++taken;
    with_virtuals += !decoded.virtuals.empty();
    // First the frames are only shown: the exit then finds the state unchanged.
    forced += force_and_take_back(activation, decoded, expectation);
    if (!testing::Test::HasFailure()) {
      ASSERT_TRUE(activation.leave(entry)) << activation.carrier.error.render();
      expectation.check();
    }
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << print_exits({&decoded, 1}, activation.codes);
      return;
    }
    // New objects in all frames are found, although the last collection left a watermark.
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(activation.carrier.make_room(0));
      activation.make_object();
      expectation.check();
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(taken, count / 2);
  EXPECT_GT(with_virtuals, count / 4);
  EXPECT_GT(forced, count / 4);
}

TEST(Exit, RandomExitsInAUsualHeap) { leave_randomly(options_of(256 * 1024, 0, 8), 0, 1000); }
TEST(Exit, RandomExitsUnderStress) { leave_randomly(options_of(4096, 1, 1'000'000), 1000, 1000); }
TEST(Exit, RandomExitsWithFullCollections) { leave_randomly(options_of(4096, 1, 1), 2000, 300); }

ExitEntry parse_exit(Activation& activation, std::string_view text) {
  const ExitsParse parse = parse_exits(text, "t", activation.codes);
  EXPECT_EQ(parse.error, "");
  return parse.exits.at(0);
}

TEST(Exit, BadFramesAreSeen) {
  Activation activation(options_of(4096, 0, 8));
  const ExitEntry entry = parse_exit(activation, "exit 0 frame f0 +0 b0 memory s0 = s1 s1 = s0");
  activation.root[0] = activation.root[1] = 101;
  ASSERT_TRUE(activation.leave(entry));
  EXPECT_EQ(frames_problem(activation.carrier.pc, activation.carrier.fp, 128), "");
  EXPECT_EQ(innermost_lines(activation.carrier.pc, activation.carrier.fp, 128).size(), 3u);
  EXPECT_EQ(innermost_lines(activation.carrier.pc, activation.carrier.fp, 2).size(), 2u);
  const LiveSlots live = live_slots(*entry.frames[0].code, entry.frames[0].pc);
  ASSERT_NE(live.size(), 0u);
  Word& live_word = activation.root[*live.begin()];
  live_word = 0;
  EXPECT_NE(frames_problem(activation.carrier.pc, activation.carrier.fp, 128).find("is empty"), std::string::npos);
  Word forwarded = 8;
  live_word = reinterpret_cast<Word>(&forwarded);
  EXPECT_NE(frames_problem(activation.carrier.pc, activation.carrier.fp, 128).find("is no object"), std::string::npos);
  Word odd[2] = {Object::make_header(static_cast<ObjectKind>(7), 1), 3};
  live_word = reinterpret_cast<Word>(odd);
  EXPECT_NE(frames_problem(activation.carrier.pc, activation.carrier.fp, 128).find("is an object of no kind"),
            std::string::npos);
  live_word = 101;
  activation.root[kClosureSlot] = 3;
  EXPECT_NE(
      frames_problem(activation.carrier.pc, activation.carrier.fp, 128).find("frame 0: the closure 0x3 is no object"),
      std::string::npos);
  odd[0] = Object::make_header(ObjectKind::kStruct, 1);
  activation.root[kClosureSlot] = reinterpret_cast<Word>(odd);
  EXPECT_NE(frames_problem(activation.carrier.pc, activation.carrier.fp, 128).find("is no function"),
            std::string::npos);
  activation.root[kClosureSlot] = entry.frames[0].code->function_value();
  activation.carrier.pc = entry.frames[0].code->start + entry.frames[0].code->words.size();
  EXPECT_NE(frames_problem(activation.carrier.pc, activation.carrier.fp, 128).find("the position is not in"),
            std::string::npos);
}

TEST(Exit, SlotsMayTradePlaces) {
  Activation activation(options_of(4096, 0, 8));
  activation.root[0] = 101;
  activation.root[1] = 103;
  ASSERT_TRUE(activation.leave(parse_exit(activation, "exit 0 frame f0 +0 b0 memory s0 = s1 s1 = s0")));
  EXPECT_EQ(activation.root[0], 103u);
  EXPECT_EQ(activation.root[1], 101u);
}

TEST(Exit, AReturnGivesTheResultToTheCaller) {
  Activation activation(options_of(4096, 0, 8));
  const ExitEntry entry = parse_exit(activation, "return 0 frame f0 +12 b0 memory s2 = s2 packed");
  // The callee's frame has no return words.
  activation.root[2] = 107;
  activation.state().at(RegisterRole::kFp) = reinterpret_cast<Word>(activation.root);
  activation.state().at(RegisterRole::kValue) = 105;
  Word* ap = activation.carrier.ap;
  ASSERT_TRUE(activation.leave(entry));
  EXPECT_EQ(activation.carrier.pc, entry.frames[0].pc);
  EXPECT_EQ(activation.carrier.fp, activation.root);
  EXPECT_EQ(activation.carrier.ap, ap);
  EXPECT_EQ(activation.root[3], 105u);
  EXPECT_EQ(activation.root[2], 107u);
}

TEST(Exit, CirclesOfFunctions) {
  for (unsigned stress : {0u, 1u}) {
    Activation activation(options_of(4096, stress, 1));
    activation.state().registers[0] = activation.make_object();
    const Key key = key_of(activation.state().registers[0]);
    ASSERT_TRUE(activation.leave(parse_exit(activation, R"(exit 0
      frame f0 +0 b0 memory
      s0 = v0
      s1 = v1
      v0 = closure f1 (v1 rax)
      v1 = closure f1 (v0 v1))")));
    const Object* first = as_object(activation.root[0]);
    const Object* second = as_object(activation.root[1]);
    EXPECT_EQ(closure_code(first), activation.codes[1]);
    EXPECT_EQ(as_object(first->fields[1]), second);
    EXPECT_EQ(key_of(first->fields[2]), key);
    EXPECT_EQ(as_object(second->fields[1]), first);
    EXPECT_EQ(as_object(second->fields[2]), second);
  }
}

/// Rebuilds without recursion a chain far deeper than the C++ stack.
TEST(Exit, ChainsOfAnyLength) {
  constexpr int kLength = 150'000;
  Activation activation(options_of(256 * 1024, 0, 8));
  ExitEntry entry = parse_exit(activation, "exit 0 frame f0 +0 b0 memory s0 = v0 s1 = rax");
  activation.state().registers[0] = 9;
  for (int i = 0; i < kLength; ++i) {
    VirtualValue cell;
    cell.header = Object::make_header(ObjectKind::kStruct, 2);
    cell.fields.push_back({LocationKind::kConstant, 0, 2 * static_cast<Word>(i) + 3});
    cell.fields.push_back(i + 1 == kLength ? Location{LocationKind::kRegister, 0, 0}
                                           : Location{LocationKind::kVirtual, i + 1, 0});
    entry.virtuals.push_back(cell);
  }
  ASSERT_TRUE(activation.leave(entry));
  Word word = activation.root[0];
  for (int i = 0; i < kLength; ++i) {
    ASSERT_EQ(as_object(word)->fields[0], 2 * static_cast<Word>(i) + 3);
    word = as_object(word)->fields[1];
  }
  EXPECT_EQ(word, 9u);
}

/// Leaves machine code in the middle of an inlined call: the interpreter ends the call,
/// its caller, and the run.
TEST(Exit, TheInterpreterGoesOn) {
  for (unsigned stress : {0u, 1u}) {
    const std::unique_ptr<ProgramCode> program = parse_exit_program(R"(
      code 0 "/A%" arity 2 slots 20 captures 0
      {
        call1 s0 s1 s2 b8
        struct s3 (s1 s2)
        return s3
      }
      code 1 "/A%.f" arity 1 slots 9 captures 1
      {
        capture s1 c0
        struct s2 (s0 s1)
        return s2
      })");
    const std::vector<Code*> codes = all_codes(*program);
    NativeTable natives;
    Machine machine(*program, natives, options_of(4096, stress, 1));
    Carrier& carrier = machine.carrier();
    const Code* run = carrier.machine.glue.run(2);
    Word* bottom = carrier.current->stack->base() + kHeaderSlots;
    bottom[kClosureSlot] = run->function_value();
    bottom[kReturnPositionSlot] = bottom[kReturnAddressSlot] = 0;
    const uint32_t* behind_call = run->start + instruction_length(run->start);
    Word* root = bottom + behind_call[-1];
    root[kClosureSlot] = codes[0]->function_value();
    root[kReturnPositionSlot] = reinterpret_cast<Word>(behind_call);
    root[kReturnAddressSlot] = reinterpret_cast<Word>(interpreter_return());
    carrier.exit_state.registers[3] = 107;
    carrier.exit_state.at(RegisterRole::kFp) = reinterpret_cast<Word>(root);
    carrier.exit_state.at(RegisterRole::kAp) = reinterpret_cast<Word>(carrier.ap);

    const ExitsParse parse = parse_exits(R"(exit 0
      frame f0 +5 b0 memory
      frame f1 +0 b8 closure v1
      s1 = v0
      s8 = rbx
      v0 = struct t0 (f1 rbx)
      v1 = closure f1 (v0))",
                                         "t", codes);
    ASSERT_EQ(parse.error, "");
    ASSERT_EQ(verify_exit(parse.exits[0]), "");
    ASSERT_TRUE(leave_at(carrier, parse.exits[0]));
    enter_interpreter(carrier, carrier.pc, carrier.fp);
    ASSERT_TRUE(is_pointer(carrier.value));
    const Object* result = as_object(carrier.value);
    const Object* shared = as_object(result->fields[0]);
    const Object* inner = as_object(result->fields[1]);
    EXPECT_EQ(shared->fields[0], codes[1]->function_value());
    EXPECT_EQ(shared->fields[1], 107u);
    EXPECT_EQ(inner->fields[0], 107u);
    EXPECT_EQ(as_object(inner->fields[1]), shared);
  }
}

TEST(Exit, NoRoomIsAnError) {
  MachineOptions options = options_of(4096, 0, 8);
  options.heap.max_bytes = 200'000;
  Activation activation(options);
  ExitEntry entry = parse_exit(activation, "exit 0 frame f0 +0 b0 memory s0 = v0 s1 = rax");
  activation.state().registers[0] = 9;
  VirtualValue large;
  large.header = Object::make_header(ObjectKind::kStruct, 50'000);
  large.fields.assign(50'000, {LocationKind::kRegister, 0, 0});
  entry.virtuals.push_back(large);
  ASSERT_FALSE(activation.leave(entry));
  EXPECT_TRUE(activation.carrier.error.out_of_memory);
  EXPECT_TRUE(activation.carrier.exit_roots.empty());
  EXPECT_NE(activation.carrier.error.render().find("out of memory: the heap has reached its limit"), std::string::npos);
}

}  // namespace
}  // namespace fble
