// Liveness against its definition: a slot is live where some path leads to an
// instruction that reads it and none on the way writes it.
#include "interp/liveness.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "interp/bytecode_text.h"

namespace fble {
namespace {

using Slots = std::vector<uint32_t>;

Slots slots_at(Code& code, const uint32_t* at) {
  const LiveSlots live = live_slots(code, at);
  return {live.begin(), live.end()};
}

std::unique_ptr<ProgramCode> parse(std::string_view body, uint32_t arity = 2, uint32_t slots = 20) {
  BytecodeParse parsed =
      parse_bytecode(fmt::format("code 0 \"\" arity {} slots {} captures 0 {{\n{}\n}}\n", arity, slots, body), "test");
  EXPECT_NE(parsed.program, nullptr) << parsed.error;
  return std::move(parsed.program);
}

/// Returns the live slots at the start of the n-th instruction.
Slots live_at(std::string_view body, int index, uint32_t arity = 2) {
  const std::unique_ptr<ProgramCode> program = parse(body, arity);
  Code& code = program->codes[0];
  const uint32_t* at = code.start;
  for (; index > 0; --index) at += instruction_length(at);
  return slots_at(code, at);
}

TEST(Liveness, WhatIsReadLaterIsLive) {
  constexpr const char* kBody = R"(
      move s2 s0
      struct s3 (s1 s2 s2)
      move s1 s3
      return s1)";
  EXPECT_EQ(live_at(kBody, 0), (Slots{0, 1}));
  EXPECT_EQ(live_at(kBody, 1), (Slots{1, 2}));
  EXPECT_EQ(live_at(kBody, 2), (Slots{3}));
  EXPECT_EQ(live_at(kBody, 3), (Slots{1}));
}

TEST(Liveness, BranchesAddUp) {
  constexpr const char* kBody = R"(
      select s0 w2 [a b b c]
    a:
      move s5 s1
      jump end
    b:
      move s5 s2
      jump end
    c:
      tail_call s3 (s4)
    end:
      struct s6 (s5 s7)
      return s6)";
  EXPECT_EQ(live_at(kBody, 0), (Slots{0, 1, 2, 3, 4, 7}));
  EXPECT_EQ(live_at(kBody, 1), (Slots{1, 7}));
  EXPECT_EQ(live_at(kBody, 3), (Slots{2, 7}));
  EXPECT_EQ(live_at(kBody, 5), (Slots{3, 4}));
  EXPECT_EQ(live_at(kBody, 6), (Slots{5, 7}));
}

TEST(Liveness, OperandsOfAllKindsCount) {
  EXPECT_EQ(live_at("call s4 (s2 s3) s5 b9\n return s5", 0), (Slots{2, 3, 4}));
  EXPECT_EQ(live_at("call s4 (s2 s3) s5 b9\n return s5", 1), (Slots{5}));
  EXPECT_EQ(live_at("call_global2 g0 s2 s3 s5 b9\n return s5", 0), (Slots{2, 3}));
  EXPECT_EQ(live_at("closure s5 f0 (s1 c1 s3 c7)\n return s5", 0), (Slots{1, 3}));
  EXPECT_EQ(live_at("set_global g0 s3\n return s5", 0), (Slots{3, 5}));
  EXPECT_EQ(live_at("select_arg s4 s3 w1 [a]\n a: return s4", 0), (Slots{3}));
  EXPECT_EQ(live_at("apply_held", 0, 3), (Slots{0, 1, 2}));
  EXPECT_EQ(live_at("native_body", 0, 2), (Slots{0, 1}));
  EXPECT_EQ(live_at("halt s3", 0), (Slots{3}));
}

TEST(Liveness, GroupsKeepTheirSlotsToTheEnd) {
  constexpr const char* kBody = R"(
      declare 2 s2
      struct s4 (s0 s3)
      define s2 (s4 s1)
      return s2)";
  EXPECT_EQ(live_at(kBody, 0), (Slots{0, 1}));
  EXPECT_EQ(live_at(kBody, 1), (Slots{0, 1, 2, 3}));
  EXPECT_EQ(live_at(kBody, 2), (Slots{1, 2, 3, 4}));
  EXPECT_EQ(live_at(kBody, 3), (Slots{2}));
}

/// Checks a list of 2000 elements, as front ends make it: all slots are live in the middle.
TEST(Liveness, LargeFunctionsKeepLittle) {
  std::string text = "code 0 \"\" arity 1 slots 2010 captures 0 {\n";
  for (int i = 1; i <= 2000; ++i) text += fmt::format("struct s{} (s0 s0)\n", i);
  for (int i = 2000; i > 1; --i) text += fmt::format("struct s{} (s{} s{})\n", i - 1, i - 1, i);
  text += "return s1\n}\n";
  const BytecodeParse parsed = parse_bytecode(text, "test");
  ASSERT_NE(parsed.program, nullptr) << parsed.error;
  Code& code = parsed.program->codes[0];
  uint32_t made = 0;
  for (const uint32_t* at = code.start; made < 2000; at += instruction_length(at), ++made) {
    if (made % 100 != 99) continue;
    const Slots live = slots_at(code, at);
    ASSERT_EQ(live.size(), made + 1);
    EXPECT_EQ(live.back(), made);
  }
  // A set for each position would be 4000 times 32 words.
  EXPECT_LT(code.liveness->sets.bytes(), 4000 * 32 * sizeof(uint64_t) / 10);
}

/// What is known of functions of `count` calls whose results are all needed at the end, after each position has been
/// asked for.
size_t bytes_of_long_function(uint32_t count) {
  std::string text = fmt::format("code 0 \"\" arity 1 slots {} captures 0 {{\n", count + 10);
  for (uint32_t i = 1; i <= count; ++i) text += fmt::format("call1 s0 s0 s{} b{}\n", i, count + 4);
  for (uint32_t i = count; i > 1; --i) text += fmt::format("struct s{} (s{} s{})\n", i - 1, i - 1, i);
  text += "return s1\n}\n";
  const BytecodeParse parsed = parse_bytecode(text, "test");
  EXPECT_NE(parsed.program, nullptr) << parsed.error;
  if (parsed.program == nullptr) return 0;
  Code& code = parsed.program->codes[0];
  for (const uint32_t* at = code.start; at != code.start + code.words.size(); at += instruction_length(at)) {
    live_slots(code, at);
  }
  return code.liveness->bytes();
}

TEST(Liveness, MemoryIsLinearWhateverIsAskedFor) {
  const size_t small = bytes_of_long_function(1000);
  const size_t large = bytes_of_long_function(8000);
  EXPECT_LT(large, 10 * small);
  EXPECT_LT(large, size_t{8000} * 2 * 64);
}

/// Collections must not take long for large code, so it is prepared; all that is kept is counted.
TEST(Liveness, LargeCodeIsPreparedAndAllOfItCounted) {
  constexpr int kCount = 3000;
  std::string text = "code 0 \"\" arity 2 slots 5 captures 0 {\nstruct s3 (s0 s1)\nreturn s3\n}\n";
  text += fmt::format("code 1 \"\" arity 1 slots {} captures 0 {{\n", kCount + 10);
  for (int i = 1; i <= kCount; ++i) text += fmt::format("struct s{} (s0 s0)\n", i);
  for (int i = kCount; i > 1; --i) text += fmt::format("struct s{} (s{} s{})\n", i - 1, i - 1, i);
  text += "return s1\n}\n";
  const BytecodeParse parsed = parse_bytecode(text, "test");
  ASSERT_NE(parsed.program, nullptr) << parsed.error;
  ProgramCode& program = *parsed.program;
  Code& small = program.codes[0];
  Code& large = program.codes[1];
  prepare_liveness(program);
  EXPECT_EQ(small.liveness, nullptr);
  ASSERT_NE(large.liveness, nullptr);
  EXPECT_EQ(program.liveness_bytes, large.liveness->bytes());
  // The collector's questions make lists, not the pass.
  const Liveness* const prepared = large.liveness.get();
  const size_t before = program.liveness_bytes;
  for (Code* code : {&small, &large}) {
    for (const uint32_t* at = code->start; at != code->start + code->words.size(); at += instruction_length(at)) {
      live_slots(*code, at);
      size_t bytes = large.liveness->bytes();
      if (small.liveness != nullptr) bytes += small.liveness->bytes();
      ASSERT_EQ(program.liveness_bytes, bytes);
    }
  }
  EXPECT_EQ(large.liveness.get(), prepared);
  EXPECT_GT(program.liveness_bytes, before);
  // A second machine for the program counts what is there.
  prepare_liveness(program);
  EXPECT_EQ(program.liveness_bytes, small.liveness->bytes() + large.liveness->bytes());
}

/// Each of many arms ends the function, while many slots are needed behind all of them.
TEST(Liveness, EarlyReturnsShareWhatIsNeededLater) {
  const auto bytes_of = [](uint32_t count) {
    std::string text = fmt::format("code 0 \"\" arity {} slots {} captures 0 {{\n", count, count + 10);
    for (uint32_t i = 0; i < count; ++i) {
      text += fmt::format("select s0 w1 [r{} n{}]\nr{}: return s{}\nn{}:\n", i, i, i, i, i);
    }
    for (uint32_t i = count - 1; i > 0; --i) text += fmt::format("struct s{} (s{} s{})\n", i - 1, i - 1, i);
    text += "return s0\n}\n";
    const BytecodeParse parsed = parse_bytecode(text, "test");
    EXPECT_NE(parsed.program, nullptr) << parsed.error;
    if (parsed.program == nullptr) return size_t{0};
    Code& code = parsed.program->codes[0];
    EXPECT_EQ(live_slots(code, code.start).size(), count);
    return code.liveness->bytes();
  };
  // The trees of 8000 slots have twice the levels of those of 1000. Without sharing it would be 64 times as much.
  EXPECT_LT(bytes_of(8000), 16 * bytes_of(1000));
}

/// Returns whether a slot is live, by the definition: one path at a time.
bool is_live(const Code& code, uint32_t offset, uint32_t slot) {
  for (;;) {
    const uint32_t* words = &code.words[offset];
    const Op op = static_cast<Op>(words[0]);
    bool reads = false;
    bool writes = false;
    uint32_t count = 0;
    std::vector<uint32_t> jumps;
    for_each_operand(words, [&](char letter, uint32_t at) {
      const uint32_t word = words[at];
      if (letter == 'N') count = word;
      if (letter == 'S' || letter == 'L') reads |= word == slot;
      if (letter == 'P') reads |= word == 2 * slot;
      if (letter == 'V') reads |= word == make_source(Source::kSlot, slot);
      if (letter == 'D') writes |= word == slot;
      if (letter == 'R') (op == Op::kDefine ? reads : writes) |= slot >= word && slot < word + count;
      if (letter == 'J' || letter == 'T') jumps.push_back(offset + word);
    });
    if (reads) return true;
    if (writes || op == Op::kReturn || op == Op::kTailCall) return false;
    if (!jumps.empty()) {
      return std::any_of(jumps.begin(), jumps.end(), [&](uint32_t target) { return is_live(code, target, slot); });
    }
    offset += instruction_length(words);
  }
}

TEST(Liveness, RandomCodeAgreesWithTheDefinition) {
  std::mt19937_64 random(1);
  auto below = [&](uint64_t limit) { return static_cast<uint32_t>(random() % limit); };
  uint32_t stride = 1;
  auto slot = [&] { return fmt::format("s{}", stride * below(12)); };
  for (int run = 0; run < 400; ++run) {
    // Frames of one word and of several levels.
    stride = run < 300 ? 1 : 5 + 13 * below(30);
    const uint32_t count = 5 + below(25);
    std::string body;
    for (uint32_t i = 0; i < count; ++i) {
      // Every instruction has a label; the last ones end the activation.
      auto label = [&] { return fmt::format("L{}", i + 1 + below(std::min(6u, count - i))); };
      body += fmt::format("L{}:\n", i);
      switch (below(10)) {
        case 0: body += fmt::format("jump {}\n", label()); break;
        case 1: body += fmt::format("select {} w2 [{} {} {}]\n", slot(), label(), label(), label()); break;
        case 2: body += fmt::format("select_arg {} {} w1 [{} {}]\n", slot(), slot(), label(), label()); break;
        case 3: body += fmt::format("call {} ({} {}) {} b{}\n", slot(), slot(), slot(), slot(), 15 * stride); break;
        case 4: body += fmt::format("closure {} f0 ({} c1 {})\n", slot(), slot(), slot()); break;
        case 5: body += fmt::format("declare 2 s{}\n", stride * below(11)); break;
        case 9: body += fmt::format("choose {} {} w2 ({} 7 {} c1)\n", slot(), slot(), slot(), slot()); break;
        case 6: body += fmt::format("define s{} ({} {})\n", stride * below(11), slot(), slot()); break;
        default: body += fmt::format("struct {} ({} {})\n", slot(), slot(), slot());
      }
    }
    body += fmt::format("L{}: tail_call {} ({})\n return {}", count, slot(), slot(), slot());
    const std::unique_ptr<ProgramCode> program = parse(body, 2, 20 * stride);
    ASSERT_NE(program, nullptr);
    Code& code = program->codes[0];
    const auto may_occur = [&](uint32_t i) { return i < code.arity || i % stride <= 1; };
    for (uint32_t offset = 0; offset < code.words.size(); offset += instruction_length(&code.words[offset])) {
      Slots expected;
      for (uint32_t i = 0; i < code.frame_slots; ++i) {
        if (may_occur(i) && is_live(code, offset, i)) expected.push_back(i);
      }
      ASSERT_EQ(slots_at(code, code.start + offset), expected) << "at " << offset << "\n" << print_bytecode(*program);
    }
  }
}

}  // namespace
}  // namespace fble
