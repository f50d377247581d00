// The refusals of verify_exit: one exit that is right, and changes that make it wrong.
#include "deopt/side_table_verify.h"

#include <gtest/gtest.h>

#include "deopt/side_table_text.h"
#include "tests/unit/deopt/exit_gen.h"

namespace fble {
namespace {

class SideTableVerify : public testing::Test {
 protected:
  /// Returns the problem with the first exit of the text.
  std::string problem(std::string_view text) {
    const ExitsParse parse = parse_exits(text, "t", codes_);
    EXPECT_EQ(parse.error, "") << text;
    return parse.exits.empty() ? "no exit" : verify_exit(parse.exits[0]);
  }

  std::unique_ptr<ProgramCode> program_ = parse_exit_program();
  std::vector<Code*> codes_ = all_codes(*program_);
};

TEST_F(SideTableVerify, AllIsWell) {
  EXPECT_EQ(problem(R"(exit 0
    frame f0 +12 b0 memory
    frame f1 +3 b12 closure v2
    s1 = spill255 packed natural
    s2 = s2
    s12 = v0 packed
    s13 = v2 pointer
    v0 = packed_struct (rcx 0x5)
    v1 = struct t0 (v0 v2 f1)
    v2 = closure f1 (v1 v2))"),
            "");
  EXPECT_EQ(problem("return 0 frame f0 +12 b0 memory s2 = s2 pointer"), "");
}

TEST_F(SideTableVerify, Frames) {
  EXPECT_EQ(problem("exit 0"), "no frame");
  EXPECT_EQ(problem("exit 0 frame f0 +6 b0 memory"), "frame 0: no position of an instruction");
  EXPECT_EQ(problem("exit 0 frame f0 +5 b0 memory frame f1 +0 b12 memory"), "frame 0: no position behind a call");
  EXPECT_EQ(problem("return 0 frame f0 +5 b0 memory"), "frame 0: no position behind a call");
  EXPECT_EQ(problem("exit 0 frame f0 +12 b0 memory frame f1 +0 b13 memory"), "frame 1: base 13 where its call has 12");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b3 memory"), "frame 0: base 3 where its call has 0");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 closure rsp"), "closure of frame 0: register 4");
  EXPECT_EQ(problem("return 0 frame f0 +12 b0 closure rax"), "frame 0: not in memory at a return");
  ExitEntry entry;
  entry.frames.resize(1);
  EXPECT_EQ(verify_exit(entry), "frame 0: no position of an instruction") << "no code";
  entry.frames[0].code = codes_[0];
  entry.frames[0].pc = codes_[0]->start - 1;
  EXPECT_EQ(verify_exit(entry), "frame 0: no position of an instruction") << "before the code";
  entry.frames[0].pc = codes_[0]->start + codes_[0]->words.size();
  EXPECT_EQ(verify_exit(entry), "frame 0: no position of an instruction") << "after the code";
  entry.frames[0].pc = codes_[0]->start;
  entry.frames[0].in_memory = true;
  EXPECT_EQ(verify_exit(entry), "");
  entry.frames[0].closure = {LocationKind::kRegister, 0, 0};
  EXPECT_EQ(verify_exit(entry), "frame 0: in memory, and has a closure");
}

TEST_F(SideTableVerify, Slots) {
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s1 = rax s0 = rbx"), "slot 0 is out of order");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s1 = rax s1 = rax"), "slot 1 is out of order");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s2 = rax"), "slot 2 is not live");
  EXPECT_EQ(problem("return 0 frame f0 +12 b0 memory s3 = s3 packed"), "slot 3 is not live");
  EXPECT_EQ(problem("exit 0 frame f0 +12 b0 memory frame f1 +0 b12 memory s3 = s3 packed"), "slot 3 is not live");
  EXPECT_EQ(problem("return 0 frame f0 +12 b0 memory s2 = rax"), "slot 2: not in memory at a return");
  for (const char* name : {"rsp", "rbp", "rdi", "r13", "r14", "r15"}) {
    EXPECT_NE(problem(std::string("exit 0 frame f0 +0 b0 memory s0 = ") + name), "") << name;
  }
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s0 = spill256"), "slot 0: spill slot 256");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s0 = nowhere"), "slot 0: no location");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s0 = s24"), "slot 0: in slot 24, outside of the frames");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s0 = s-4"), "slot 0: in slot -4, outside of the frames");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s0 = 0x6"), "slot 0: constant 0x6");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s0 = v0"), "slot 0: virtual 0");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s0 = 0x1"), "slot 0: constant 0x1");
  ExitEntry entry = parse_exits("exit 0 frame f0 +0 b0 memory s0 = rax", "t", codes_).exits.at(0);
  entry.slots[0].location.index = 16;
  EXPECT_EQ(verify_exit(entry), "slot 0: register 16");
  entry.slots[0].location.index = -1;
  EXPECT_EQ(verify_exit(entry), "slot 0: register -1");
}

TEST_F(SideTableVerify, Facts) {
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s0 = rax packed pointer"), "slot 0: facts 3 contradict each other");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s0 = 0x5 natural"), "slot 0: facts 4 are not those of 0x5");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s0 = v0 packed v0 = struct t0 (rax)"),
            "slot 0: facts 1 are not those of its virtual");
  EXPECT_EQ(problem("exit 0 frame f0 +0 b0 memory s0 = v0 pointer v0 = packed_struct (rax)"),
            "slot 0: facts 2 are not those of its virtual");
  ExitEntry entry = parse_exits("exit 0 frame f0 +0 b0 memory s0 = rax", "t", codes_).exits.at(0);
  entry.slots[0].facts = kAllFacts + 1;
  EXPECT_EQ(verify_exit(entry), "slot 0: facts 8 contradict each other");
}

TEST_F(SideTableVerify, Virtuals) {
  auto with = [&](std::string_view virtuals) {
    return problem("exit 0 frame f0 +0 b0 memory s0 = v0 " + std::string(virtuals));
  };
  EXPECT_EQ(with("v0 = closure f1 (rax)"), "virtual 0: 1 captured values where the code has 2");
  EXPECT_EQ(with("v0 = packed_union t4 w2 (rax)"), "virtual 0: tag 4 of width 2");
  EXPECT_EQ(with("v0 = packed_union t1 w2 (rax rbx)"), "virtual 0: a union has one field");
  EXPECT_EQ(with("v0 = union t1 (rax rbx)"), "virtual 0: header 0x200000103 does not fit its fields");
  EXPECT_EQ(with("v0 = struct t1 (v2)"), "virtual 0, field 0: virtual 2");
  EXPECT_EQ(with("v0 = packed_struct (f1)"), "virtual 0, field 0: not packed");
  EXPECT_EQ(with("v0 = packed_struct (v1) v1 = struct t0 ()"), "virtual 0, field 0: not packed");
  EXPECT_EQ(with("v0 = struct t0 ()"), "virtual 0: an object without fields");
  EXPECT_EQ(with("v0 = packed_struct (v1) v1 = packed_struct ()"),
            "virtual 0, field 0: names a virtual that comes later");
  EXPECT_EQ(with("v0 = struct t0 (v1) v1 = packed_struct ()"), "virtual 0, field 0: names a virtual that comes later");
  EXPECT_EQ(with("v0 = packed_struct (v0)"), "virtual 0, field 0: names a virtual that comes later");
  EXPECT_EQ(with("v0 = struct t0 (v0)"), "");
  EXPECT_EQ(with("v0 = struct t0 (rsp)"), "virtual 0, field 0: register 4");
  EXPECT_EQ(with("v0 = packed_union t0 w25 (rax)"), "virtual 0: tag 0 of width 25");
  EXPECT_EQ(with("v0 = packed_union t0 w1 (v1) v1 = packed_struct (rax)"),
            "virtual 0, field 0: names a virtual that comes later");
  ExitEntry entry =
      parse_exits("exit 0 frame f0 +0 b0 memory s0 = v0 v0 = closure f1 (rax rbx)", "t", codes_).exits.at(0);
  VirtualValue& value = entry.virtuals[0];
  EXPECT_EQ(verify_exit(entry), "");
  const Word closure_header = value.header;
  value.header = Object::make_header(ObjectKind::kClosure, 3, 1);
  EXPECT_NE(verify_exit(entry), "") << "a closure with a tag";
  value.header = Object::make_header(ObjectKind::kStruct, 3, 0);
  EXPECT_NE(verify_exit(entry), "") << "a struct with code";
  value.header = Object::make_header(ObjectKind::kUnion, 3, 0);
  EXPECT_NE(verify_exit(entry), "") << "a union with code";
  value.header = Object::make_header(ObjectKind::kBytes, 3, 0);
  EXPECT_NE(verify_exit(entry), "") << "bytes";
  value.header = closure_header;
  value.code = nullptr;
  EXPECT_NE(verify_exit(entry), "") << "a closure without code";
}

}  // namespace
}  // namespace fble
