// Bytes are choices, choices make a program, and the modes that they choose must agree about it.
//
// An input runs in a few modes only, and its program is small: what counts for a search that coverage guides is the
// number of inputs. Other inputs, which mutation makes of this one, run in the other modes.
#include "fuzz/gen/program_gen.h"
#include "fuzz/oracle/modes_agree.h"
#include "fuzz/targets/target.h"

using namespace fble;

FBLE_FUZZ_TARGET(modes) {
  static ModesOracle oracle;
  constexpr uint32_t kModes = 3;
  Choices choices = Choices::from_bytes(bytes);
  ModesOptions options{.judge_seconds = 5};
  // The judge is the first mode and always runs.
  const auto others = static_cast<uint32_t>(modes_for_any_program()) - 1;
  const uint32_t first = choices.below(others);
  for (uint32_t i = 0; i < kModes; ++i) {
    options.modes.push_back(fuzz_modes()[1 + (first + i * others / kModes) % others].name);
  }
  options.seed = choices.below(65536);
  const GeneratedProgram program = generate_program(choices, {.max_cost = 2000});
  options.cost = program.cost;
  const Verdict verdict = oracle.check(program.text, options);
  require(verdict.kind != Verdict::Kind::kRejected, "the generator's program does not compile",
          verdict.message + program.text);
  for (const Difference& difference : verdict.differences) require(false, describe(difference), program.text);
}
