// Bytes are choices, choices make a program, and all modes must agree about it.
#include "fuzz/gen/program_gen.h"
#include "fuzz/oracle/modes_agree.h"
#include "fuzz/targets/target.h"

using namespace fble;

FBLE_FUZZ_TARGET(modes) {
  static ModesOracle oracle;
  Choices choices = Choices::from_bytes(bytes);
  const GeneratedProgram program = generate_program(choices, {.max_cost = 12000});
  const Verdict verdict = oracle.check(program.text, {.seed = bytes.size(), .cost = program.cost, .judge_seconds = 5});
  require(verdict.kind != Verdict::Kind::kRejected, "the generator's program does not compile",
          verdict.message + program.text);
  for (const Difference& difference : verdict.differences) require(false, describe(verdict, difference), program.text);
}
