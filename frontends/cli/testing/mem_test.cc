// `fble-jit mem-test`: checks whether a function's memory grows with its argument.
//
// The module's value is a function of a number in binary, a list of bits:
//
//   BitS@ = +(BitP@ cons, Unit@ nil),  BitP@ = *(Bit@ msb, BitS@ tail),  Bit@ = +(Unit@ 0, Unit@ 1)
//
// It is run with 1000 and with 2000, written with the same number of bits. The
// heap collects at every allocation, so the peak of live bytes, call stack
// included, is exact: nurseries and thresholds have no effect on it.
//
// Tested by tests/unit/frontends/cli/commands_test.cc.
#include <fmt/format.h>

#include <bit>

#include "frontends/cli/ending.h"
#include "frontends/cli/execute.h"
#include "frontends/cli/front_end.h"
#include "frontends/cli/messages.h"
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"

namespace fble {
namespace {

constexpr uint64_t kSmall = 1000;
constexpr uint64_t kLarge = 2000;
/// The allowed difference, in bytes. Runs may differ by small constants: growth of less than a byte per unit of the
/// argument is no leak.
constexpr uint64_t kMargin = kLarge - kSmall - 1;

/// Builds the number as a list of bits, as long as that of kLarge.
Word build_bits(NativeCall& call, uint64_t number) {
  constexpr int kBits = std::bit_width(kLarge);
  if (!call.reserve(list_words(kBits))) return kOutOfMemory;
  std::vector<Word> bits;
  for (int bit = kBits; bit-- > 0;) bits.push_back(packed_enum(number >> bit & 1, 2));
  return make_list(call, bits);
}

/// Measures peak memory while the function runs. Returns false after an error.
bool measure(Machine& machine, size_t function, uint64_t number, uint64_t& peak_bytes) {
  machine.set_result(machine.kept(function));
  machine.collect_all();
  const Word bits = machine.build([&](NativeCall& call) { return build_bits(call, number); });
  if (bits == kOutOfMemory) return false;
  machine.heap().reset_peaks();
  if (!machine.call_result({&bits, 1})) return false;
  peak_bytes = machine.heap().stats().peak_live_bytes;
  return true;
}

Status compare(const Options& options, ProgramCode& code, Profile* profile) {
  NativeTable natives;
  register_std(natives);
  MachineOptions machine_options = fble::machine_options(options, profile);
  machine_options.heap.stress_full_period = 1;
  Machine machine(code, natives, machine_options);
  const std::unique_ptr<TraceEngine> engine = attach_engine(options, machine);
  const InterruptibleRun interruptible(machine);
  if (!machine.run_modules()) return report_run_error(machine);
  const size_t function = machine.keep(machine.result());
  machine.heap().set_stress(1);

  uint64_t peak = 0;
  if (options.debug) {
    for (uint64_t number = 0; number <= kLarge; ++number) {
      if (!measure(machine, function, number, peak)) return report_run_error(machine);
      print_message("{:4}: {}\n", number, peak);
    }
  }
  uint64_t peak_small = 0;
  uint64_t peak_large = 0;
  if (!measure(machine, function, kSmall, peak_small) || !measure(machine, function, kLarge, peak_large)) {
    return report_run_error(machine);
  }
  const bool grows = peak_large > peak_small + kMargin;
  if (grows == options.growth) return Status::kOk;
  if (grows) {
    print_error(fmt::format("memory growth of {} bytes: {} for n = {}, {} for n = {}", peak_large - peak_small,
                            peak_small, kSmall, peak_large, kLarge));
  } else {
    print_error(
        fmt::format("memory constant: {} bytes for n = {}, {} for n = {}", peak_small, kSmall, peak_large, kLarge));
  }
  return Status::kOtherError;
}

}  // namespace

CommandEnding run_mem_test(const Options& options) {
  Status status;
  std::unique_ptr<ProgramCode> code = compile_module(options, {}, status);
  if (code != nullptr) {
    ProfileFile profile(options, *code, 0);
    status = compare(options, *code, profile.profile());
    profile.write();
  }
  return status;
}

}  // namespace fble
