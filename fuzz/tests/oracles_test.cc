// The oracles that are not about whole programs: they accept correct behaviour and
// notice wrong behaviour.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fuzz/oracle/front_end.h"
#include "fuzz/oracle/heap_model.h"
#include "fuzz/oracle/traces.h"

namespace fble {
namespace {

TEST(FrontEndOracle, AcceptsProgramsAndMistakes) {
  EXPECT_EQ(check_front_end("@ = 1"), "");
  EXPECT_EQ(check_front_end("B@ = +(*() t, *() f);\nB@ x = B@(t: *()());\nx.?(t: x, f: x);\n"), "");
  EXPECT_EQ(check_front_end("x;"), "");
  EXPECT_EQ(check_front_end(""), "");
  EXPECT_EQ(check_front_end(std::string(20000, '(')), "");
}

TEST(FrontEndOracle, BytecodeText) {
  EXPECT_EQ(
      check_bytecode_text("globals 1\nname \"/A%\"\nmodule \"/A%\" code 0 global 0\ncode 0 \"/A%\" at \"A.fble\":1:0\n"
                          "  arity 0 slots 1 captures 0\n  constants 0x3\n{\n  constant s0 k0\n  return s0\n}\n"),
      "");
  EXPECT_EQ(check_bytecode_text("globals"), "");
}

TEST(HeapOracle, RandomPrograms) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Choices choices = Choices::from_seed(seed);
    EXPECT_EQ(check_heap(choices), "") << seed;
  }
}

TEST(TraceOracles, RandomTraces) {
  for (uint8_t seed = 0; seed < 60; ++seed) {
    const uint8_t bytes[] = {static_cast<uint8_t>(seed * 3), static_cast<uint8_t>(seed % 4),
                             static_cast<uint8_t>(seed % 9), seed};
    EXPECT_EQ(check_passes(TraceChoices::from(bytes)), "") << int{seed};
    EXPECT_EQ(check_registers(TraceChoices::from(bytes)), "") << int{seed};
  }
}

}  // namespace
}  // namespace fble
