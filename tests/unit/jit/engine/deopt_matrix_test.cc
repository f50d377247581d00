// The counts of exits for tests/deopt/matrix.py.
#include "jit/engine/deopt_matrix.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "deopt/side_table_text.h"
#include "interp/carrier.h"
#include "tests/unit/deopt/exit_gen.h"

namespace fble {
namespace {

/// The matrix of one process, which is written to a file at its end.
class Matrix : public testing::Test {
 protected:
  Matrix() : file_(std::filesystem::path(testing::TempDir()) / fmt_name()) { std::filesystem::remove(file_); }
  ~Matrix() override { std::filesystem::remove(file_); }

  ExitEntry exit(std::string_view text) {
    const ExitsParse parse = parse_exits(text, "t", codes_);
    EXPECT_EQ(parse.error, "") << text;
    return parse.exits.at(0);
  }
  /// Returns position, location and reason of the lines, without the counts.
  std::set<std::string> cells() {
    std::set<std::string> cells;
    std::ifstream in(file_);
    for (std::string line; std::getline(in, line);) cells.insert(line.substr(0, line.rfind('\t')));
    return cells;
  }

  std::unique_ptr<ProgramCode> program_ = parse_exit_program();
  std::vector<Code*> codes_ = all_codes(*program_);
  std::filesystem::path file_;

 private:
  static std::string fmt_name() {
    return "fble-matrix-" +
           std::to_string(std::hash<std::string>()(testing::UnitTest::GetInstance()->current_test_info()->name()));
  }
};

TEST_F(Matrix, PlacesOfLiveValues) {
  {
    DeoptMatrix matrix(file_);
    // In +3 of f1 the argument is live; in +12 of f0 two values and the callee's frame.
    matrix.note(exit(R"(exit 0
      frame f0 +12 b0 memory
      frame f1 +3 b12 closure v3
      s1 = spill3
      s2 = s0
      s12 = 0x5
      v0 = packed_union t0 w1 (rbx)
      v1 = packed_struct (rax v0)
      v2 = union t0 (v1)
      v3 = closure f1 (v2 v2))"),
                "tag_is");
    matrix.note(exit("exit 0 frame f0 +0 b0 memory s0 = rax s1 = f1"), "deopt_point");
    matrix.note(exit("return 0 frame f0 +12 b0 memory s1 = s1 packed"), "call");
  }
  EXPECT_EQ(cells(), (std::set<std::string>{
                         "behind call\tmemory\ttag_is",
                         "behind call\tspill slot\ttag_is",
                         "behind call\tother slot\ttag_is",
                         "at select\tvirtual closure\ttag_is",
                         "at select\tnested\ttag_is",
                         "at select\tshared\ttag_is",
                         "at select\tmemory\ttag_is",
                         "at select\tpacked constant\ttag_is",
                         "at struct\tmemory\tdeopt_point",
                         "at struct\tregister\tdeopt_point",
                         "at struct\tconstant object\tdeopt_point",
                         "behind call\tmemory\tcall",
                     }));
}

TEST_F(Matrix, KindsOfVirtualValues) {
  const ExitEntry entry = exit(R"(exit 0
    frame f0 +0 b0 memory
    s0 = v3
    v0 = packed_union t0 w1 (rax)
    v1 = packed_struct (rax v0)
    v2 = union t0 (v1)
    v3 = struct t0 (v2 v3))");
  using Kinds = std::vector<const char*>;
  const auto kinds = [&](int32_t number) {
    std::vector<std::string> texts;
    for (const char* kind : location_kinds(entry, {LocationKind::kVirtual, number, 0}, 0)) texts.emplace_back(kind);
    return texts;
  };
  EXPECT_EQ(kinds(0), (std::vector<std::string>{"packed union"}));
  EXPECT_EQ(kinds(1), (std::vector<std::string>{"packed struct", "nested"}));
  EXPECT_EQ(kinds(2), (std::vector<std::string>{"virtual union", "nested"}));
  EXPECT_EQ(kinds(3), (std::vector<std::string>{"virtual struct", "nested", "shared", "recursive"}));
  EXPECT_EQ(location_kinds(entry, {}, 0), Kinds{});
}

/// Checks errors of the instruction at which machine code was left, or of a native that it calls.
TEST_F(Matrix, ErrorsAreReasons) {
  NativeTable natives;
  Machine machine(*program_, natives, MachineOptions{});
  Carrier& carrier = machine.carrier();
  Code native;
  native.words = {static_cast<uint32_t>(Op::kNativeBody)};
  native.native = [](NativeCall&) -> Word { return 0; };
  finish_code(native);
  Word* frame = carrier.current->stack->base() + kHeaderSlots;
  frame[kClosureSlot] = codes_[0]->function_value();
  frame[kReturnPositionSlot] = 0;
  const uint32_t* call = codes_[0]->start + 5;
  const uint32_t* behind_call = codes_[0]->start + 12;
  const uint32_t* tail_call = codes_[1]->start + 21;
  Word* callee = frame + behind_call[-1];
  callee[kClosureSlot] = native.function_value();
  callee[kReturnPositionSlot] = reinterpret_cast<Word>(behind_call);
  const auto run = [&](const uint32_t* taken, Word* fp_at_end, const uint32_t* pc_at_end, bool fails, bool no_memory) {
    std::filesystem::remove(file_);
    {
      DeoptMatrix matrix(file_);
      matrix.note_end(carrier.pc, carrier.fp, carrier.error);
      matrix.note(taken == tail_call ? exit("exit 0 frame f1 +21 b0 memory") : exit("exit 0 frame f0 +5 b0 memory"),
                  "tag_is");
      carrier.fp = frame;
      carrier.pc = taken;
      if (taken != nullptr) matrix.note_taken(carrier.pc, carrier.fp);
      carrier.error = RunError{};
      if (fails) carrier.error.lines.push_back({});
      carrier.error.out_of_memory = no_memory;
      carrier.fp = fp_at_end;
      carrier.pc = pc_at_end;
      matrix.note_end(carrier.pc, carrier.fp, carrier.error);
    }
    const std::set<std::string> all = cells();
    return all.contains("at call\tmemory\terror") || all.contains("at tail_call1\tmemory\terror");
  };
  EXPECT_TRUE(run(call, frame, call, true, false));
  EXPECT_TRUE(run(call, callee, native.start, true, false)) << "the native that is called";
  frame[kClosureSlot] = native.function_value();
  EXPECT_FALSE(run(call, frame, native.start, true, false)) << "a native that is not called there";
  ASSERT_EQ(static_cast<Op>(*tail_call), Op::kTailCall1);
  EXPECT_TRUE(run(tail_call, frame, native.start, true, false)) << "by a tail call";
  frame[kClosureSlot] = codes_[0]->function_value();
  EXPECT_FALSE(run(call, frame, call, false, false)) << "no error";
  EXPECT_FALSE(run(call, frame, call, true, true)) << "no memory";
  EXPECT_FALSE(run(call, frame, behind_call, true, false)) << "later";
  EXPECT_FALSE(run(call, callee, call, true, false)) << "elsewhere";
  EXPECT_FALSE(run(call, nullptr, call, true, false)) << "no frame";
  EXPECT_FALSE(run(nullptr, frame, call, true, false)) << "an exit that was not taken";
  carrier.fp = nullptr;
}

TEST_F(Matrix, IsThereIfSomebodyWantsIt) {
  ASSERT_EQ(unsetenv("FBLE_DEOPT_MATRIX"), 0);
  EXPECT_EQ(DeoptMatrix::if_wanted(), nullptr);
  ASSERT_EQ(setenv("FBLE_DEOPT_MATRIX", file_.c_str(), 1), 0);
  DeoptMatrix::if_wanted()->note(exit("exit 0 frame f0 +0 b0 memory"), "exit");
  ASSERT_EQ(unsetenv("FBLE_DEOPT_MATRIX"), 0);
  EXPECT_EQ(cells(), (std::set<std::string>{"at struct\tmemory\texit"}));
  // If the file cannot be written, there is no error.
  DeoptMatrix("/nowhere/at/all").note(exit("exit 0 frame f0 +0 b0 memory"), "exit");
}

}  // namespace
}  // namespace fble
