// `fble-jit disassemble --stack`: computed and used stack, of a small program and of the examples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/command.h"

namespace fble {
namespace {

using testing::HasSubstr;

/// A line of the table.
struct Row {
  size_t frame;
  size_t need;
  size_t used;  ///< 0 if the function was not called
  bool is_bound;
  std::string text;
};

class StackTest : public CommandTest {
 protected:
  /// Returns the rows after the header.
  static std::vector<Row> rows_of(const std::string& output) {
    std::istringstream stream(output);
    std::vector<Row> rows;
    bool is_table = false;
    for (std::string line; std::getline(stream, line);) {
      if (line.ends_with("used  function")) {
        is_table = true;
      } else if (is_table && !line.starts_with("the most")) {
        std::istringstream words(line);
        Row row{};
        std::string used;
        std::string block;
        std::string place;
        words >> row.frame >> row.need >> used >> block >> place;
        row.used = used == "-" ? 0 : std::stoul(used);
        row.is_bound = !place.ends_with(":");
        row.text = line;
        rows.push_back(row);
      }
    }
    return rows;
  }
};

constexpr const char* kExamples = FBLE_SOURCE_DIR "/examples/";

TEST_F(StackTest, NoFunctionUsesMoreThanItsBound) {
  const std::string data = std::string(kExamples) + "data/";
  const std::vector<std::vector<std::string>> programs = {
      {"BinaryTrees", "6"},
      {"Brainfuck", data + "hello.b"},
      {"Dpll", data + "random40.cnf"},
      {"Fannkuch", "5"},
      {"Json", ".", data + "cities.json"},
      {"Life", "5"},
      {"Md5", data + "letter.txt"},
      {"Pi", "30"},
      {"Queens", "6"},
      {"Spell", data + "words.txt", data + "letter.txt"},
      {"WordCount", data + "letter.txt"},
      {"Zork", data, "the"},
  };
  size_t bounds = 0;
  size_t equal = 0;
  for (const std::vector<std::string>& program : programs) {
    std::vector<std::string> words = {"disassemble", "--stack", kExamples + program[0] + ".fble", "--"};
    words.insert(words.end(), program.begin() + 1, program.end());
    const CommandResult result = run(words);
    EXPECT_EQ(result.status, 0) << program[0] << ": " << result.err;
    const std::vector<Row> rows = rows_of(result.out);
    EXPECT_GT(rows.size(), 5u) << program[0];
    for (const Row& row : rows) {
      EXPECT_LE(row.frame, row.need) << row.text;
      if (!row.is_bound || row.used == 0) continue;
      EXPECT_LE(row.used, row.need) << row.text;
      ++bounds;
      equal += row.used == row.need ? 1 : 0;
    }
  }
  EXPECT_GT(bounds, 20u);
  // Not equal: a function whose deepest branch was not taken, or that calls natives that need no frame most of the
  // time.
  EXPECT_GE(equal, bounds / 3);
}

TEST_F(StackTest, WithoutARunThereIsNoUse) {
  write("A.fble",
        "Unit@ = *();\n"
        "(Unit@) { Unit@; } A = (Unit@ x) { x; };\n"
        "(Unit@) { Unit@; } B = (Unit@ x) { A(A(x)); };\n"
        "((Unit@) { Unit@; }) { Unit@; } C = ((Unit@) { Unit@; } f) { f(Unit@()); };\n"
        "@(A, B, C);\n");
  const CommandResult result = run({"disassemble", "--stack", "A.fble"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("   frame     need  function\n"));
  EXPECT_THAT(result.out, HasSubstr("  /A%.B ./A.fble:3:36\n"));
  EXPECT_THAT(result.out, HasSubstr("  /A%.C ./A.fble:4:62: calls functions that are values\n"));
}

TEST_F(StackTest, Mistakes) {
  write("A.fble", "*()();\n");
  EXPECT_EQ(run({"disassemble", "A.fble", "--", "x"}).status, 2);
  EXPECT_THAT(run({"disassemble", "A.fble", "--", "x"}).err, HasSubstr("words after -- require --stack."));
  const CommandResult no_program = run({"disassemble", "--stack", "A.fble", "--"});
  EXPECT_EQ(no_program.status, 1);
  EXPECT_THAT(no_program.err, HasSubstr("is not a program"));
}

}  // namespace
}  // namespace fble
