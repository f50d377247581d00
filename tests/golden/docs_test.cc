// The first program of docs/threads.md does what the text after it says.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "tests/support/command.h"

namespace fble {
namespace {

class DocsTest : public CommandTest {
 protected:
  static std::string text_of(const std::string& name) {
    std::ifstream stream(FBLE_SOURCE_DIR "/docs/" + name);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  /// Returns the first lines that are indented as code, without the indent.
  static std::string first_program(const std::string& text) {
    std::istringstream stream(text);
    std::string program;
    for (std::string line; std::getline(stream, line);) {
      if (line.starts_with("    ")) {
        program += line.substr(4) + "\n";
      } else if (!program.empty()) {
        break;
      }
    }
    return program;
  }
};

TEST_F(DocsTest, ThreadsBeginWithAProgramOfTenLines) {
  const std::string text = text_of("threads.md");
  const std::string program = first_program(text);
  EXPECT_LE(std::ranges::count(program, '\n'), 10);
  write("Main.fble", program);
  const std::string says = "It prints `";
  const size_t begin = text.find(says) + says.size();
  const std::string printed = text.substr(begin, text.find('`', begin) - begin);
  for (const char* mode : {"--jit=off", "--jit=on", "--jit=eager", "--threads-seed=1", "--threads-move"}) {
    const CommandResult result = run({mode, "Main.fble"});
    EXPECT_EQ(result.out, printed) << mode;
    EXPECT_EQ(result.err, "") << mode;
    EXPECT_EQ(result.status, 0) << mode;
  }
}

}  // namespace
}  // namespace fble
