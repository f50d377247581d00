// Call frames and shadow frames that agree, and all the ways in which they may not.
#include "jit/record/slot_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "frontends/fble/lower.h"
#include "interp/carrier.h"
#include "interp/engine_hooks.h"
#include "interp/interpreter.h"
#include "jit/opt/forward.h"
#include "jit/record/recorder.h"
#include "tests/support/checked_source.h"
#include "tests/unit/deopt/exit_gen.h"

namespace fble {
namespace {

using testing::HasSubstr;

constexpr Word packed(Word content) { return content << 1 | 1; }

/// Code 0 has called code 1, by the instruction that ends before its word 12: its slots 1 and 2 are live there, and
/// slot 3 waits for the result. Code 1 is at its start, where slot 0 is live. The root frame's slots hold packed words,
/// but slot 2 an object. Each live slot is a reference that a Slot instruction has read, so nothing is known of it.
class SlotCheckTest : public testing::Test {
 protected:
  SlotCheckTest() : codes_(all_codes(*program_)), machine_(*program_, natives_, options()) {
    const uint32_t* const position = codes_[0]->start + 12;
    root_ = carrier().current->stack->base() + kHeaderSlots;
    inner_ = root_ + frame_distance(position);
    machine_.keep(make_struct(packed(5)));
    root_[kClosureSlot] = codes_[0]->function_value();
    root_[kReturnPositionSlot] = root_[kReturnAddressSlot] = 0;
    for (uint32_t slot = 0; slot < frame_distance(position) - kHeaderSlots; ++slot) root_[slot] = packed(100 + slot);
    root_[2] = machine_.kept(1);
    inner_[kClosureSlot] = codes_[1]->function_value();
    inner_[kReturnPositionSlot] = reinterpret_cast<Word>(position);
    inner_[kReturnAddressSlot] = reinterpret_cast<Word>(interpreter_return());
    inner_[0] = packed(7);

    trace_.code = codes_[0];
    frames_.resize(2);
    frames_[0].code = codes_[0];
    frames_[0].return_position = position;
    frames_[1].code = codes_[1];
    frames_[1].base = static_cast<int32_t>(inner_ - root_);
    for (ShadowFrame& shadow : frames_) shadow.slots.assign(shadow.code->frame_slots, kNoRef);
    for (const int32_t slot : {1, 2}) frames_[0].slots[static_cast<size_t>(slot)] = read(slot);
    frames_[1].slots[0] = read(frames_[1].base);
  }

  static MachineOptions options() {
    MachineOptions options;
    options.stack_bytes = size_t{1} << 20;
    return options;
  }

  Carrier& carrier() { return machine_.carrier(); }
  Word make_struct(Word first) {
    return machine_.build([&](NativeCall& call) {
      // Too many fields to be packed.
      const std::vector<Word> fields(11, first);
      EXPECT_TRUE(call.reserve(object_words(11)));
      return call.make_struct(fields);
    });
  }

  IrRef read(int32_t slot) { return builder_.append({.op = IrOp::kSlot, .n = slot}); }
  std::string problem() { return check_.problem(builder_, frames_, root_, codes_[1]->start); }

  std::unique_ptr<ProgramCode> program_ = parse_exit_program();
  std::vector<Code*> codes_;
  NativeTable natives_;
  Machine machine_;
  Word* root_ = nullptr;
  Word* inner_ = nullptr;
  Trace trace_;
  Forward builder_{trace_};
  std::vector<ShadowFrame> frames_;
  SlotCheck check_{machine_.carrier().machine};
};

TEST_F(SlotCheckTest, FramesThatAgree) {
  EXPECT_EQ(problem(), "");
  EXPECT_EQ(problem(), "");
}

TEST_F(SlotCheckTest, AValueThatChangesUnderItsReference) {
  EXPECT_EQ(problem(), "");
  root_[1] = packed(9);
  EXPECT_THAT(problem(), HasSubstr("frame 0, slot 1: 0x13, but v0 was 0xcb"));
  root_[1] = packed(101);
  inner_[0] = packed(8);
  EXPECT_THAT(problem(), HasSubstr("frame 1, slot 0: "));
}

TEST_F(SlotCheckTest, OneReferenceWithTwoValues) {
  frames_[1].slots[0] = frames_[0].slots[1];
  EXPECT_THAT(problem(), HasSubstr("frame 1, slot 0: 0xf, but v0 was 0xcb"));
}

TEST_F(SlotCheckTest, EqualObjectsAreOneValue) {
  EXPECT_EQ(problem(), "");
  root_[2] = make_struct(packed(5));
  ASSERT_NE(root_[2], machine_.kept(1));
  EXPECT_EQ(problem(), "");
  root_[2] = make_struct(packed(6));
  EXPECT_THAT(problem(), HasSubstr("frame 0, slot 2: "));
}

TEST_F(SlotCheckTest, Constants) {
  frames_[0].slots[1] = builder_.constant(packed(101));
  EXPECT_EQ(problem(), "");
  frames_[0].slots[1] = builder_.constant(packed(102));
  EXPECT_THAT(problem(), HasSubstr("frame 0, slot 1: 0xcb, but the constant 0xcd in the trace"));
}

TEST_F(SlotCheckTest, WhatGuardsSay) {
  builder_.assume(frames_[0].slots[1], {.packed = true});
  builder_.assume(frames_[0].slots[2], {.pointer = true, .not_packed = true});
  EXPECT_EQ(problem(), "");
  // Which bits are the tag is not known.
  builder_.assume(frames_[0].slots[1], {.tag = 3, .not_tags = 1});
  EXPECT_EQ(problem(), "");
  builder_.assume(frames_[0].slots[2], {.code = codes_[2]});
  EXPECT_THAT(problem(), HasSubstr("frame 0, slot 2: "));
  EXPECT_THAT(problem(), HasSubstr("is not what the trace knows of v1"));
}

/// Dead slots, the slot that waits for a result, and values that are in memory only.
TEST_F(SlotCheckTest, WhatIsNotCompared) {
  const IrRef other = builder_.constant(packed(1));
  for (const size_t slot : {0u, 3u, 4u}) frames_[0].slots[slot] = other;
  frames_[1].slots[1] = other;
  frames_[0].slots[1] = kNoRef;
  EXPECT_EQ(problem(), "");
  // The variables of an open group are numbered beyond the trace.
  frames_[0].slots[1] = IrRef{0x80000000};
  root_[1] = make_placeholder(1);
  EXPECT_EQ(problem(), "");
}

TEST_F(SlotCheckTest, Closures) {
  frames_[1].closure = builder_.constant(codes_[1]->function_value());
  EXPECT_EQ(problem(), "");
  frames_[1].closure = builder_.constant(codes_[2]->function_value());
  EXPECT_THAT(problem(), HasSubstr("frame 1, closure: "));
}

TEST_F(SlotCheckTest, FrameHeaders) {
  frames_[1].code = codes_[2];
  EXPECT_EQ(problem(), "frame 1: another function runs");
  frames_[1].code = codes_[1];
  inner_[kReturnPositionSlot] = reinterpret_cast<Word>(codes_[0]->start + 19);
  EXPECT_EQ(problem(), "frame 1: it returns to another position");
  // The shadow frame is elsewhere, and so is a call frame like it.
  inner_[kReturnPositionSlot] = reinterpret_cast<Word>(codes_[0]->start + 12);
  std::copy_backward(inner_ + kClosureSlot, inner_ + 1, inner_ + 2);
  ++frames_[1].base;
  EXPECT_EQ(problem(), "frame 1: its caller's frame is elsewhere");
}

/// Collections move what a slot was seen to hold.
TEST_F(SlotCheckTest, Collections) {
  EXPECT_EQ(problem(), "");
  const Word before = machine_.kept(1);
  machine_.collect_all();
  ASSERT_NE(machine_.kept(1), before);
  root_[2] = machine_.kept(1);
  // New objects are where the old one was.
  for (int i = 0; i < 4; ++i) make_struct(packed(6));
  EXPECT_EQ(problem(), "");
  root_[2] = make_struct(packed(6));
  EXPECT_THAT(problem(), HasSubstr("frame 0, slot 2: "));
}

// ---- the recorder -----------------------------------------------------------

/// Passes on what the recorder appends, but reads field 0 for field 1 if it lies.
class Builder final : public IrBuilder {
 public:
  Builder(Trace& trace, bool lies) : forward_(trace), lies_(lies) {}

  IrRef append(IrIns ins) override {
    if (lies_ && ins.op == IrOp::kField && ins.n == 1) ins.n = 0;
    return forward_.append(std::move(ins));
  }
  IrRef append_raw(IrIns ins) override { return forward_.append_raw(std::move(ins)); }
  Facts facts(IrRef ref) const override { return forward_.facts(ref); }
  void assume(IrRef ref, const Facts& facts) override { forward_.assume(ref, facts); }
  Trace& trace() override { return forward_.trace(); }

 private:
  Forward forward_;
  bool lies_;
};

/// Records the body of the module, and has all calls inlined.
class Recording final : public EngineHooks, public CallPolicy {
 public:
  explicit Recording(bool lies) : builder_(trace_, lies) {}

  bool may_inline(const Code&) override { return true; }
  bool may_guard_site(const uint32_t*, const Code&) override { return true; }
  void note_recursive(const Code&) override {}

  void on_hot_function(Carrier&, Code&) override {}
  void on_run_end(Carrier&) override {}
  void on_step(Carrier& carrier) override {
    if (!recorder_) {
      recorder_.emplace(carrier, builder_, *this, RecorderLimits{});
      recorder_->start_function(code_of_frame(carrier.fp));
    } else if (status_ != Recorder::Status::kRecording) {
      return;
    }
    status_ = recorder_->step();
  }

  uint32_t steps() const { return recorder_ ? recorder_->steps() : 0; }

 private:
  Trace trace_;
  Builder builder_;
  std::optional<Recorder> recorder_;
  Recorder::Status status_ = Recorder::Status::kRecording;
};

/// Takes apart a pair that does not fit into a packed word. Returns the number of recorded steps.
uint32_t record(bool lies) {
  SourceProgram source;
  const CheckedProgram* checked = source
                                      .add("/P%", R"(
Unit@ = *();
Bool@ = +(Unit@ true, Unit@ false);
Pair@ = *((Bool@) { Bool@; } left, (Bool@) { Bool@; } right);
Bool@ true = Bool@(true: Unit@());
(Bool@) { Bool@; } Same = (Bool@ x) { x; };
(Bool@) { Bool@; } Not = (Bool@ x) { x.?(true: Bool@(false: Unit@()), false: true); };
(Pair@, Bool@) { Bool@; } Both = (Pair@ pair, Bool@ x) {
  (Bool@) { Bool@; } left = pair.left;
  (Bool@) { Bool@; } right = pair.right;
  left(right(left(x)));
};
Both(Pair@(Same, Not), true);
)")
                                      .check();
  const std::unique_ptr<ProgramCode> program = lower_program(*checked);
  NativeTable natives;
  Machine machine(*program, natives);
  Recording recording(lies);
  machine.carrier().machine.engine = &recording;
  for (Code& code : program->codes) code.entry = entry_by_table();
  // The run begins with the plain handlers: the function's entry changes that.
  for (Code& code : program->codes) {
    if (code.arity != 2) continue;
    code.entry = [](const uint32_t* pc, Word* fp, Carrier* carrier, Word* ap, const HandlerTable*, Word value)
                     FBLE_HANDLER_CC {
                       carrier->table = &recording_handlers();
                       entry_by_table()(pc, fp, carrier, ap, carrier->table, value);
                     };
  }
  EXPECT_TRUE(machine.run_modules()) << machine.error().render();
  machine.carrier().machine.engine = nullptr;
  return recording.steps();
}

TEST(SlotCheckOfTheRecorder, FindsNothingInARightTrace) { EXPECT_GT(record(false), 5u); }

#ifndef NDEBUG
TEST(SlotCheckOfTheRecorderDeathTest, StopsAWrongTrace) {
  EXPECT_DEATH(record(true), "the recorder's shadow slots differ from the call frames");
}
#endif

}  // namespace
}  // namespace fble
