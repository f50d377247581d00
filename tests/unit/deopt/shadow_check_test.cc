// Comparing states of the interpreter, and running from one to another.
#include "deopt/shadow_check.h"

#include <gmock/gmock.h>

#include "deopt/same_value.h"
#include "frontends/fble/lower.h"
#include "gc/integer.h"
#include "interp/carrier.h"
#include "interp/engine_hooks.h"
#include "interp/interpreter.h"
#include "interp/machine.h"
#include "tests/support/checked_source.h"

namespace fble {
namespace {

using testing::HasSubstr;

/// An object outside of any heap.
class Made {
 public:
  Made(ObjectKind kind, std::vector<Word> fields, uint32_t tag = 0) : words_(std::move(fields)) {
    words_.insert(words_.begin(), Object::make_header(kind, static_cast<uint32_t>(words_.size()), tag));
  }
  Word word() const { return reinterpret_cast<Word>(words_.data()); }
  Word& field(size_t i) { return words_[1 + i]; }

 private:
  std::vector<Word> words_;
};

/// A frame that is about to return its only slot.
class Compared : public testing::Test {
 protected:
  Compared() {
    code_.words = {static_cast<uint32_t>(Op::kReturn), 0};
    code_.arity = code_.frame_slots = 1;
    code_.block = Symbol("/A%.f");
    finish_code(code_);
  }
  FramesState state(Word slot) {
    FramesState state;
    state.frames.push_back({&code_, code_.start, 0});
    state.words = {code_.function_value(), slot};
    return state;
  }
  std::string compare(Word left, Word right) { return difference(state(left), state(right)); }

  Code code_;
};

TEST_F(Compared, PackedWordsAreEqualOrNot) {
  EXPECT_EQ(compare(9, 9), "");
  EXPECT_THAT(compare(9, 11), HasSubstr("slot 0 of frame 0: 0xb where the interpreter has 0x9"));
}

TEST_F(Compared, ObjectsAreComparedByStructure) {
  const Made inner(ObjectKind::kUnion, {5}, 3);
  const Made same(ObjectKind::kUnion, {5}, 3);
  const Made other_tag(ObjectKind::kUnion, {5}, 2);
  const Made other_field(ObjectKind::kUnion, {7}, 3);
  const Made pair(ObjectKind::kStruct, {9, inner.word()});
  EXPECT_EQ(compare(pair.word(), Made(ObjectKind::kStruct, {9, same.word()}).word()), "");
  EXPECT_NE(compare(pair.word(), Made(ObjectKind::kStruct, {9, other_tag.word()}).word()), "");
  EXPECT_NE(compare(pair.word(), Made(ObjectKind::kStruct, {9, other_field.word()}).word()), "");
  EXPECT_NE(compare(pair.word(), Made(ObjectKind::kStruct, {9, inner.word(), 3}).word()), "");
  EXPECT_NE(compare(pair.word(), Made(ObjectKind::kStruct, {9, 9}).word()), "");
  EXPECT_THAT(compare(9, pair.word()), HasSubstr("struct(0x9, union tag 3(0x5)) where"));
}

TEST_F(Compared, ClosuresHaveTheSameCode) {
  Code other;
  const Made closure(ObjectKind::kClosure, {Code::from_code(&code_), 5});
  EXPECT_EQ(compare(closure.word(), Made(ObjectKind::kClosure, {Code::from_code(&code_), 5}).word()), "");
  EXPECT_NE(compare(closure.word(), Made(ObjectKind::kClosure, {Code::from_code(&other), 5}).word()), "");
  EXPECT_NE(compare(closure.word(), Made(ObjectKind::kClosure, {Code::from_code(&code_), 7}).word()), "");
}

TEST_F(Compared, CirclesEnd) {
  Made left(ObjectKind::kStruct, {3, 3});
  left.field(1) = left.word();
  Made right(ObjectKind::kStruct, {3, 3});
  right.field(1) = right.word();
  EXPECT_EQ(compare(left.word(), right.word()), "");
  right.field(0) = 5;
  EXPECT_NE(compare(left.word(), right.word()), "");
}

TEST_F(Compared, FlagsOfTheCollectorAreNotCompared) {
  Made left(ObjectKind::kStruct, {3, 3});
  const Made right(ObjectKind::kStruct, {3, 3});
  *reinterpret_cast<Word*>(left.word()) |= kPermanentFlag;
  EXPECT_EQ(compare(left.word(), right.word()), "");
}

TEST_F(Compared, NothingIsEqualToNothingElse) {
  const Made object(ObjectKind::kStruct, {3});
  EXPECT_EQ(compare(0, 0), "");
  EXPECT_NE(compare(0, object.word()), "");
  EXPECT_NE(compare(object.word(), 0), "");
  EXPECT_NE(compare(object.word(), 3), "");
  EXPECT_NE(compare(object.word(), Made(ObjectKind::kUnion, {3}).word()), "") << "another kind";
  EXPECT_EQ(compare(Made(ObjectKind::kBytes, {2, 8}).word(), Made(ObjectKind::kBytes, {2, 8}).word()), "");
  EXPECT_NE(compare(Made(ObjectKind::kBytes, {2, 8}).word(), Made(ObjectKind::kBytes, {2, 16}).word()), "");
}

TEST_F(Compared, TheFirstDifferenceIsTold) {
  FramesState other = state(11);
  other.words[0] = 9;
  EXPECT_THAT(difference(state(9), other), HasSubstr("the closure of frame 0"));
}

/// Compares a value that occurs twice only once; values that were equal until a difference need not be equal later.
TEST_F(Compared, AfterADifference) {
  SameValue same([](const Code& a, const Code& b) { return &a == &b; });
  const Made one(ObjectKind::kStruct, {3, 5});
  const Made other(ObjectKind::kStruct, {3, 7});
  const Made pair(ObjectKind::kStruct, {one.word(), one.word()});
  const Made other_pair(ObjectKind::kStruct, {one.word(), other.word()});
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(same(pair.word(), other_pair.word()));
    EXPECT_EQ(same.path(), ".1.1");
    EXPECT_EQ(same.left(), 5u);
    EXPECT_EQ(same.right(), 7u);
    EXPECT_FALSE(same(one.word(), other.word()));
    EXPECT_EQ(same.path(), ".1");
  }
  const Made twin(ObjectKind::kStruct, {3, 5});
  EXPECT_TRUE(same(one.word(), twin.word()));
  EXPECT_TRUE(same(pair.word(), Made(ObjectKind::kStruct, {twin.word(), twin.word()}).word()));
}

/// A list of 1, 2 and 3 as a word, as objects, and half of it as a word.
TEST_F(Compared, CellsMayBeWordsOrObjects) {
  SameValue same([](const Code& a, const Code& b) { return &a == &b; });
  const auto packed_cell = [](Word head, Word tail) {
    return pack_union(pack_struct(2, [&](uint32_t i) { return i == 0 ? head : tail; }), 1, 0);
  };
  const Word empty = pack_union(kUnitWord, 1, 1);
  const Word one = pack_int(1), two = pack_int(2), three = pack_int(3);
  const Word word = packed_cell(one, packed_cell(two, packed_cell(three, empty)));
  const Made last(ObjectKind::kStruct, {three, empty});
  const Made middle(ObjectKind::kStruct, {two, last.word()});
  const Made whole(ObjectKind::kStruct, {one, middle.word()});
  const Made half(ObjectKind::kStruct, {one, packed_cell(two, packed_cell(three, empty))});
  EXPECT_TRUE(same(word, whole.word()));
  EXPECT_TRUE(same(whole.word(), word));
  EXPECT_TRUE(same(half.word(), word));
  EXPECT_TRUE(same(half.word(), whole.word()));
  EXPECT_FALSE(same(packed_cell(one, packed_cell(two, packed_cell(two, empty))), whole.word()));
  EXPECT_FALSE(same(packed_cell(one, packed_cell(two, empty)), whole.word()));
  EXPECT_FALSE(same(word, middle.word()));
  EXPECT_FALSE(same(one, whole.word()));

  // The second of 100 tags.
  const Word pair = pack_struct(2, [&](uint32_t i) { return i == 0 ? one : two; });
  EXPECT_TRUE(same(pack_union(pair, 7, 1), Made(ObjectKind::kStruct, {one, two}, 1).word()));
  EXPECT_FALSE(same(pack_union(pair, 7, 2), Made(ObjectKind::kStruct, {one, two}, 1).word()));
}

TEST_F(Compared, SlotsMayBeLeftOut) {
  const int32_t slot = 0;
  EXPECT_EQ(difference(state(9), state(11), {&slot, 1}), "");
  const int32_t other = 1;
  EXPECT_NE(difference(state(9), state(11), {&other, 1}), "");
}

TEST_F(Compared, FramesAreTheSameOnes) {
  FramesState longer = state(9);
  longer.frames.push_back(longer.frames[0]);
  EXPECT_EQ(difference(state(9), longer), "other frames");
  FramesState elsewhere = state(9);
  elsewhere.frames[0].pc += 1;
  EXPECT_EQ(difference(state(9), elsewhere), "other frames");
}

TEST_F(Compared, StatesCanBeRead) {
  const std::string text = describe(state(9));
  EXPECT_THAT(text, HasSubstr("frame 0: /A%.f at 0, base 0"));
  EXPECT_THAT(text, HasSubstr("slot 0: 0x9"));
  EXPECT_EQ(describe(FramesState{}), "  no frames\n");
  Word nothing[4] = {0, 2 /* a placeholder */, 9, 9};
  EXPECT_THAT(describe(state(nothing[0])), HasSubstr("nothing"));
  EXPECT_THAT(describe(state(nothing[1])), HasSubstr("placeholder 0x2"));
  const Made bytes(ObjectKind::kBytes, {1, 2, 3});
  EXPECT_THAT(describe(state(bytes.word())), HasSubstr("object()"));
  const Made wide(ObjectKind::kStruct, {3, 3, 3, 3, 3, 3, 3, 3, 9});
  EXPECT_THAT(describe(state(wide.word())), HasSubstr("struct(0x3, 0x3, 0x3, 0x3, 0x3, 0x3, 0x3, 0x3)\n"));
}

/// Repeats every step of a run from the one before.
TEST(Rehearsals, RepeatWhatWasRun) {
  SourceProgram source;
  const CheckedProgram* checked = source
                                      .add("/P%", R"(
Unit@ = *();
List@ = +(Cell@ cons, Unit@ nil), Cell@ = *(Unit@ head, List@ tail);
List@ nil = List@(nil: Unit@());
(List@, List@) { List@; } Append = (List@ a, List@ b) {
  a.?(cons: List@(cons: Cell@(a.cons.head, Append(a.cons.tail, b))), nil: b);
};
List@ one = List@(cons: Cell@(Unit@(), nil));
Append(one, Append(Append(one, one), one));
)")
                                      .check();
  const std::unique_ptr<ProgramCode> program = lower_program(*checked);
  NativeTable natives;
  Machine machine(*program, natives);
  Carrier& carrier = machine.carrier();

  // Stops before each instruction.
  class Stepper final : public EngineHooks {
   public:
    void on_hot_function(Carrier&, Code&) override {}
    void on_run_end(Carrier&) override {}
    void on_step(Carrier& carrier) override {
      Word* root = carrier.fp;
      while (reinterpret_cast<const uint32_t*>(root[kReturnPositionSlot]) != nullptr) {
        root -= reinterpret_cast<const uint32_t*>(root[kReturnPositionSlot])[-1];
      }
      const FramesState now = take_frames(carrier, root);
      const Word* ap = carrier.ap;
      if (start.frames.empty()) start = now;
      {
        Rehearsal rehearsal(carrier, root);
        ASSERT_TRUE(rehearsal.replay(start, steps, {}));
        EXPECT_FALSE(rehearsal.failed());
        EXPECT_EQ(difference(now, take_frames(carrier, root)), "") << steps;
        // One step away it is another state.
        if (steps > 0) {
          ASSERT_TRUE(rehearsal.replay(start, steps - 1, {}));
          EXPECT_NE(difference(now, take_frames(carrier, root)), "");
        }
      }
      EXPECT_EQ(carrier.ap, ap);
      EXPECT_EQ(difference(now, take_frames(carrier, root)), "") << "nothing has happened";
      ++steps;
    }
    FramesState start;
    uint32_t steps = 0;
  } stepper;
  carrier.machine.engine = &stepper;
  for (Code& code : program->codes) code.entry = entry_by_table();
  // The run sets the table to the plain handlers: the first instruction changes it.
  Code& body = *program->modules.back().body;
  body.entry = [](const uint32_t* pc, Word* fp, Carrier* carrier, Word* ap, const HandlerTable*, Word value)
                   FBLE_HANDLER_CC {
                     carrier->table = &recording_handlers();
                     entry_by_table()(pc, fp, carrier, ap, carrier->table, value);
                   };
  EXPECT_TRUE(machine.run_modules()) << machine.error().render();
  EXPECT_GT(stepper.steps, 30u);
  carrier.machine.engine = nullptr;
}

}  // namespace
}  // namespace fble
