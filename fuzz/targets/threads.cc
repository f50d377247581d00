// Bytes are choices, choices make a program with threads, and the model and the modes that they choose must agree
// about it.
//
// As in modes.cc, an input runs in a few modes only.
#include "fuzz/gen/thread_gen.h"
#include "fuzz/oracle/modes_agree.h"
#include "fuzz/targets/target.h"

using namespace fble;

FBLE_FUZZ_TARGET(threads) {
  static ModesOracle oracle;
  Choices choices = Choices::from_bytes(bytes);
  ModesOptions options{.judge_seconds = 5};
  // One that is compared with the usual order, and one with a random order.
  const auto usual = static_cast<uint32_t>(judge_of(fuzz_modes().size() - 1));
  const auto random = static_cast<uint32_t>(fuzz_modes().size()) - usual;
  options.modes = {fuzz_modes()[1 + choices.below(usual - 1)].name,
                   fuzz_modes()[usual + 1 + choices.below(random - 1)].name};
  options.seed = choices.below(65536);
  const GeneratedProgram program = generate_thread_program(choices);
  options.cost = program.cost;
  options.has_threads = true;
  options.has_times = program.threads->has_times;
  options.model = &*program.threads;
  const Verdict verdict = oracle.check(program.text, options);
  require(verdict.kind != Verdict::Kind::kRejected, "the generator's program does not compile",
          verdict.message + program.text);
  for (const Difference& difference : verdict.differences) require(false, describe(difference), program.text);
}
