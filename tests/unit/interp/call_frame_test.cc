#include "interp/call_frame.h"

#include <gtest/gtest.h>

#include <vector>

namespace fble {
namespace {

/// Three activations of one function on a stack, the last words of whose call are its operands: the result goes to
/// slot 1, the callee's frame is 5 slots above.
class CallFrames : public testing::Test {
 protected:
  static constexpr uint32_t kDistance = 5;

  CallFrames() {
    code_.words = {static_cast<uint32_t>(Op::kCall1), 0, 0, 1, kDistance, static_cast<uint32_t>(Op::kReturn), 1};
    finish_code(code_);
    for (size_t i = 0; i < 3; ++i) {
      Word* fp = frame(i);
      fp[kClosureSlot] = code_.function_value();
      fp[kReturnPositionSlot] = i == 0 ? 0 : reinterpret_cast<Word>(code_.start + 5);
    }
  }
  Word* frame(size_t index) { return stack_.data() + kHeaderSlots + index * kDistance; }

  Code code_;
  std::vector<Word> stack_ = std::vector<Word>(32);
};

TEST_F(CallFrames, AreLinkedByDistances) {
  EXPECT_EQ(return_position(frame(2)), code_.start + 5);
  EXPECT_EQ(return_position(frame(0)), nullptr);
  EXPECT_EQ(result_slot(return_position(frame(2))), 1u);
  EXPECT_EQ(frame_distance(return_position(frame(2))), kDistance);
  EXPECT_EQ(caller_of(frame(2)), frame(1));
  EXPECT_EQ(&code_of_frame(frame(1)), &code_);
}

TEST_F(CallFrames, AreVisitedFromTheInnermostOn) {
  std::vector<Word*> frames;
  std::vector<const uint32_t*> positions;
  const auto note = [&](Word* fp, const uint32_t* position) {
    frames.push_back(fp);
    positions.push_back(position);
    return true;
  };
  for_each_frame(code_.start, frame(2), note);
  EXPECT_EQ(frames, (std::vector<Word*>{frame(2), frame(1), frame(0)}));
  EXPECT_EQ(positions, (std::vector<const uint32_t*>{code_.start, code_.start + 5, code_.start + 5}));
}

TEST_F(CallFrames, VisitsEndEarly) {
  size_t visits = 0;
  for_each_frame(code_.start, frame(2), [&](Word*, const uint32_t*) { return ++visits < 2; });
  EXPECT_EQ(visits, 2u);
  for_each_frame(code_.start, static_cast<Word*>(nullptr), [&](Word*, const uint32_t*) { return ++visits != 0; });
  EXPECT_EQ(visits, 2u) << "no run, no frames";
}

}  // namespace
}  // namespace fble
