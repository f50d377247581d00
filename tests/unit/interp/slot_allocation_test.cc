// Allocated code against the code before: on every path each read gives the value that the same instruction wrote.
// Frames are minimal where the minimum is easy to see.
#include "interp/slot_allocation.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "interp/bytecode_text.h"
#include "interp/bytecode_verify.h"

namespace fble {
namespace {

std::unique_ptr<ProgramCode> parse(std::string_view body, uint32_t arity, uint32_t slots) {
  BytecodeParse parsed = parse_bytecode(fmt::format(R"(globals 2
    module "/A%" code 0 global 0
    code 0 "/A%" arity 0 slots 1 captures 0 constants 0x3 {{
      constant s0 k0
      return s0
    }}
    code 1 "/A%.f" arity {} slots {} captures 2 functions 2 {{
      {}
    }}
    code 2 "/A%.g" arity 1 slots 1 captures 2 {{
      return s0
    }}
    )",
                                                    arity, slots, body),
                                        "test");
  EXPECT_NE(parsed.program, nullptr) << parsed.error << "\n" << body;
  return std::move(parsed.program);
}

/// Returns the instructions of `body` after allocation, one in a line, without their offsets.
std::string allocated(std::string_view body, uint32_t arity = 2, uint32_t slots = 20) {
  const std::unique_ptr<ProgramCode> program = parse(body, arity, slots);
  Code& code = program->codes[1];
  allocate_slots(code);
  EXPECT_EQ(verify_bytecode(*program), "");
  std::string text = fmt::format("slots {}\n", code.frame_slots);
  for (uint32_t at = 0; at < code.words.size(); at += instruction_length(&code.words[at])) {
    const std::string line = print_instruction(code, at);
    text += line.substr(0, line.find_last_not_of(" ", line.find(';') - 1) + 1) + "\n";
  }
  return text;
}

TEST(SlotAllocation, ValuesThatAreNotNeededAtTheSameTimeShareASlot) {
  EXPECT_EQ(allocated(R"(
      struct s2 (s0 s1)
      struct s3 (s2 s0)
      struct s4 (s3 s0)
      return s4)"),
            "slots 3\nstruct s2 (s0 s1)\nstruct s1 (s2 s0)\nstruct s2 (s1 s0)\nreturn s2\n");
}

TEST(SlotAllocation, ArgumentsThatNobodyReadsGiveTheirSlotsAway) {
  EXPECT_EQ(allocated("global s5 g1\n return s5", 3), "slots 3\nglobal s0 g1\nreturn s0\n");
}

TEST(SlotAllocation, CalleesFrameIsAboveWhatIsNeededDuringTheCall) {
  // A recursion keeps: one value, one slot for argument and result, and the header.
  EXPECT_EQ(allocated(R"(
      struct s1 (s0)
      call_global1 g1 s1 s2 b0
      struct s3 (s0 s2)
      return s3)",
                      1),
            "slots 6\nstruct s1 (s0)\ncall_global1 g1 s1 s1 b5\nstruct s2 (s0 s1)\nreturn s2\n");
  EXPECT_EQ(allocated("call_global g1 () s9 b0\n return s9", 0), "slots 4\ncall_global g1 () s0 b4\nreturn s0\n");
}

TEST(SlotAllocation, AResultThatNobodyReadsHasASlot) {
  EXPECT_EQ(allocated("call1 s0 s1 s2 b0\n call1 s0 s1 s3 b0\n return s1"),
            "slots 7\ncall1 s0 s1 s2 b6\ncall1 s0 s1 s0 b5\nreturn s1\n");
}

TEST(SlotAllocation, BranchesUseTheSameSlots) {
  EXPECT_EQ(allocated(R"(
      select s0 w1 [a b]
    a:
      struct s2 (s1)
      struct s3 (s2)
      jump end
    b:
      global s4 g1
      struct s3 (s4 s1)
    end:
      return s3)"),
            "slots 3\nselect s0 w1 [L6 L16]\nstruct s0 (s1)\nstruct s2 (s0)\njump L24\nglobal s0 g1\n"
            "struct s2 (s0 s1)\nreturn s2\n");
}

TEST(SlotAllocation, AGroupStaysTogetherToItsEnd) {
  EXPECT_EQ(allocated(R"(
      struct s2 (s0 s1)
      declare 2 s5
      closure s7 f0 (s5 s2)
      closure s8 f0 (s6 s2)
      define s5 (s7 s8)
      struct s9 (s5 s6)
      return s9)"),
            "slots 5\nstruct s2 (s0 s1)\ndeclare 2 s3\nclosure s0 f0 (s3 s2)\nclosure s1 f0 (s4 s2)\n"
            "define s3 (s0 s1)\nstruct s0 (s3 s4)\nreturn s0\n");
}

TEST(SlotAllocation, CapturedAndChosenSlotsAreRenamed) {
  EXPECT_EQ(allocated(R"(
      global s7 g1
      closure s8 f0 (s7 c1)
      choose s9 s0 w1 (s8 c1)
      return s9)"),
            "slots 3\nglobal s1 g1\nclosure s2 f0 (s1 c1)\nchoose s1 s0 w1 (s2 c1)\nreturn s1\n");
}

/// Writes random code in which each value has a slot of its own, as lowering does.
class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}

  std::string function(uint32_t arity) {
    for (uint32_t i = 0; i < arity; ++i) known_.push_back(next_slot_++);
    end(3);
    return body_;
  }
  uint32_t slots() const { return next_slot_; }

 private:
  uint32_t below(uint64_t limit) { return static_cast<uint32_t>(random_() % limit); }
  std::string known() { return fmt::format("s{}", known_[below(known_.size())]); }
  std::string label() { return fmt::format("L{}", next_label_++); }

  /// Writes instructions that make new values.
  void some(int depth) {
    for (uint32_t left = below(6); left > 0; --left) {
      const uint32_t made = next_slot_++;
      switch (below(depth > 0 ? 8 : 6)) {
        case 0: body_ += fmt::format("call1 {} {} s{} b0\n", known(), known(), made); break;
        case 1:
          body_ += fmt::format("call {} ({} {} {} {}) s{} b0\n", known(), known(), known(), known(), known(), made);
          break;
        case 2: body_ += fmt::format("closure s{} f0 ({} c1)\n", made, known()); break;
        case 3: body_ += fmt::format("choose s{} {} w2 ({} 7 {} c1)\n", made, known(), known(), known()); break;
        case 4: {
          const uint32_t first = next_slot_;
          next_slot_ += 2;
          body_ += fmt::format("struct s{} ({})\ndeclare 2 s{}\n", made, known(), first);
          known_.insert(known_.end(), {made, first, first + 1});
          some(0);
          body_ += fmt::format("define s{} ({} {})\n", first, known(), known());
          break;
        }
        case 6: branches(depth - 1, made); break;
        default: body_ += fmt::format("struct s{} ({} {})\n", made, known(), known());
      }
      known_.push_back(made);
    }
  }

  /// The value of `made` that stands for no slot: `branches` writes a select whose branches write the slot, or, for
  /// kEnd, end the function.
  static constexpr uint32_t kEnd = UINT32_MAX;
  void branches(int depth, uint32_t made) {
    const std::string end_label = label();
    const std::string labels[] = {label(), label(), label()};
    const std::string condition = known();
    const size_t before = known_.size();
    if (below(2) == 0) {
      body_ += fmt::format("select {} w2 [{} {} {}]\n", condition, labels[0], labels[1], labels[2]);
    } else {
      known_.push_back(next_slot_);
      body_ +=
          fmt::format("select_arg s{} {} w2 [{} {} {}]\n", next_slot_++, condition, labels[0], labels[1], labels[2]);
    }
    const std::vector<uint32_t> known_to_all = known_;
    for (const std::string& at : labels) {
      body_ += at + ":\n";
      if (made == kEnd) {
        end(depth);
      } else {
        some(depth);
        body_ += fmt::format("struct s{} ({})\njump {}\n", made, known(), end_label);
      }
      known_ = known_to_all;
    }
    known_.resize(before);
    if (made != kEnd) body_ += end_label + ":\n";
  }

  void end(int depth) {
    some(depth);
    switch (below(depth > 0 ? 5 : 3)) {
      case 0:
        body_ += fmt::format("tail_call {} ({} {} {} {} {})\n", known(), known(), known(), known(), known(), known());
        break;
      case 1: body_ += fmt::format("tail_call2 {} {} {}\n", known(), known(), known()); break;
      case 2: body_ += fmt::format("return {}\n", known()); break;
      default: branches(depth - 1, kEnd);
    }
  }

  std::mt19937_64 random_;
  std::string body_;
  std::vector<uint32_t> known_;
  uint32_t next_slot_ = 0;
  uint32_t next_label_ = 0;
};

/// The last writer of each slot: the offset of the instruction and the index of its slot.
using Written = std::map<uint32_t, std::pair<uint32_t, uint32_t>>;

/// Follows one random path of both.
void compare_on_a_path(const Code& before, const Code& after, std::mt19937_64& random) {
  Written written_before, written_after;
  for (uint32_t arg = 0; arg < before.arity; ++arg) {
    written_before[arg] = written_after[arg] = {UINT32_MAX, arg};
  }
  for (uint32_t at = 0;;) {
    ASSERT_EQ(before.words[at], after.words[at]);
    std::vector<std::pair<uint32_t, bool>> slots;
    uint32_t index = 0;
    for_each_slot(&before.words[at], [&](uint32_t slot, bool is_write) { slots.emplace_back(slot, is_write); });
    for_each_slot(&after.words[at], [&](uint32_t slot, bool is_write) {
      if (!is_write) {
        ASSERT_EQ(written_before.at(slots[index].first), written_after.at(slot)) << "s" << slot << " at " << at;
      }
      ++index;
    });
    index = 0;
    for_each_slot(&after.words[at], [&](uint32_t slot, bool is_write) {
      if (is_write) written_before[slots[index].first] = written_after[slot] = {at, index};
      ++index;
    });
    if (testing::Test::HasFatalFailure()) return;
    const Op op = static_cast<Op>(after.words[at]);
    const std::span<const uint32_t> jumps = select_jumps(&after.words[at]);
    if (op_ends_activation(op)) return;
    if (op == Op::kJump) {
      at += after.words[at + 1];
    } else if (!jumps.empty()) {
      at += jumps[random() % jumps.size()];
    } else {
      at += instruction_length(&after.words[at]);
    }
  }
}

TEST(SlotAllocation, RandomCodeReadsWhatItReadBefore) {
  std::mt19937_64 random(7);
  size_t slots_before = 0;
  size_t slots_after = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const uint32_t arity = 1 + static_cast<uint32_t>(seed % 4);
    Writer writer(seed);
    const std::string body = writer.function(arity);
    const std::unique_ptr<ProgramCode> before = parse(body, arity, writer.slots());
    const std::unique_ptr<ProgramCode> after = parse(body, arity, writer.slots());
    ASSERT_NE(after, nullptr);
    allocate_slots(after->codes[1]);
    ASSERT_EQ(verify_bytecode(*after), "") << print_bytecode(*before);
    for (int path = 0; path < 10; ++path) {
      compare_on_a_path(before->codes[1], after->codes[1], random);
      if (HasFatalFailure()) FAIL() << print_bytecode(*before) << print_bytecode(*after);
    }
    slots_before += writer.slots();
    slots_after += after->codes[1].frame_slots;
  }
  EXPECT_LT(slots_after, slots_before);
}

}  // namespace
}  // namespace fble
