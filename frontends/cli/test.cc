// `fble-jit test`: evaluates a module and drops the value.
//
// A program with deopt points (`# deopt-here!`, interp/deopt_point.h) is evaluated twice if there is a compiler: by
// the interpreter, and with it. Both must come to the same value or error, and every deopt point must have
// been hit in machine code. If deopt points force call frames, both must have shown the same frames: those
// that machine code keeps in registers are compared with the interpreter's.
//
// Tested by tests/unit/frontends/cli/commands_test.cc and tests/unit/frontends/cli/deopt_points_test.cc.
#include <fmt/format.h>

#include <bit>

#include "frontends/cli/ending.h"
#include "frontends/cli/execute.h"
#include "frontends/cli/front_end.h"
#include "frontends/cli/messages.h"
#include "frontends/cli/testing/deopt_points.h"
#include "frontends/std/register_std.h"
#include "interp/observer.h"

namespace fble {
namespace {

/// Hashes the visible stack at each pass of a deopt point that forces it. Only deopt points that force at every pass
/// count: machine code counts turns of the others, and the interpreter does not.
class FramesSeen final : public FrameObserver {
 public:
  bool look(Carrier& carrier, const DeoptPoint& point) override {
    if (point.options.after != 0 || point.options.every != 1) return false;
    std::string text = fmt::format("{}:{}:{}: ", point.loc.file.str(), point.loc.line, point.loc.column);
    for (const ErrorLine& line : innermost_lines(carrier.pc, carrier.fp, kLines)) {
      text += fmt::format("{} {}:{}:{}, ", line.block, line.loc.file.str(), line.loc.line, line.loc.column);
    }
    ++count_;
    hash_ = std::rotl(hash_, 7) ^ std::hash<std::string>()(text);
    if (count_ <= kTexts) texts_.push_back(std::move(text));
    return false;
  }

  /// Returns how two runs differ; empty if they do not.
  static std::string difference(const FramesSeen& expected, const FramesSeen& found) {
    if (expected.count_ == found.count_ && expected.hash_ == found.hash_) return "";
    for (size_t i = 0; i < std::min(expected.texts_.size(), found.texts_.size()); ++i) {
      if (expected.texts_[i] == found.texts_[i]) continue;
      return fmt::format("forced frames differ at pass {}: the interpreter has\n{}\nmachine code\n{}", i + 1,
                         expected.texts_[i], found.texts_[i]);
    }
    return fmt::format("forced frames differ: {} passes in the interpreter, {} with machine code", expected.count_,
                       found.count_);
  }

 private:
  static constexpr size_t kLines = 20;
  static constexpr size_t kTexts = 10'000;

  size_t count_ = 0;
  size_t hash_ = 0;                 ///< of all texts, in their order
  std::vector<std::string> texts_;  ///< the first ones
};

/// Runs the program in the interpreter. Returns null without deopt points or compiler.
std::unique_ptr<Machine> interpret(const Options& options, ProgramCode& code, const NativeTable& natives,
                                   FramesSeen& seen, bool& ok) {
  if (code.deopt_points.empty() || options.interprets || !options.profile.empty()) return nullptr;
  MachineOptions uncounted = machine_options(options, nullptr);
  uncounted.counts_instructions = false;
  auto machine = std::make_unique<Machine>(code, natives, uncounted);
  machine->set_observer(&seen);
  const InterruptibleRun interruptible(*machine);
  ok = machine->run_modules();
  return machine;
}

/// Returns how the run differs from the interpreter's; an empty string if it does not.
std::string difference(const Machine& expected, bool expected_ok, const Machine& found, bool found_ok) {
  // The point at which memory runs out is not specified.
  if (expected.error().out_of_memory || found.error().out_of_memory) return "";
  if (expected_ok && found_ok) {
    const std::string where = value_difference(expected.result(), found.result());
    return where.empty() ? "" : "the interpreter's value differs at " + where;
  }
  const std::string text = expected_ok ? "" : expected.error().render();
  if (text == (found_ok ? "" : found.error().render())) return "";
  return expected_ok ? "the interpreter comes to a value" : "the interpreter says:\n" + text;
}

Status evaluate(const Options& options, ProgramCode& code) {
  NativeTable natives;
  register_std(natives);
  register_spec_tests(natives);
  bool expected_ok = false;
  FramesSeen expected_frames;
  FramesSeen frames;
  const std::unique_ptr<Machine> expected = interpret(options, code, natives, expected_frames, expected_ok);
  if (expected != nullptr && !expected_ok && expected->error().interrupted) return report_run_error(*expected);

  ProfileFile profile(options, code, 0);
  Machine machine(code, natives, machine_options(options, profile.profile()));
  const std::unique_ptr<TraceEngine> engine = attach_engine(options, machine);
  if (expected != nullptr) machine.set_observer(&frames);
  const InterruptibleRun interruptible(machine);
  const bool ok = machine.run_modules();
  Status status = ok ? Status::kOk : report_run_error(machine);
  if (expected != nullptr && engine != nullptr && status != Status::kInterrupted) {
    // In modes that leave machine code all the time, a run may never reach some deopt points in it.
    const bool must_hit = options.jit.deopt_every == 0 && options.heap.stress == 0 && !options.jit.deopt_sweep &&
                          !options.jit.deopt_at && options.jit.chaos == 0;
    const DeoptPointsText points = deopt_points_text(*engine, must_hit);
    print_message(points.lines);
    std::string problem = difference(*expected, expected_ok, machine, ok);
    const bool ran_out = expected->error().out_of_memory || machine.error().out_of_memory;
    if (problem.empty() && !ran_out) problem = FramesSeen::difference(expected_frames, frames);
    if (!problem.empty()) print_error(problem);
    if (!problem.empty() || (must_hit && points.missed != 0)) status = Status::kFailed;
  }
  if (options.stats) print_stats(machine, engine.get());
  profile.write();
  write_block_profile(options, machine);
  return status;
}

}  // namespace

CommandEnding run_test(const Options& options) {
  Status status;
  std::unique_ptr<ProgramCode> code = compile_module(options, {}, status);
  if (code != nullptr) status = evaluate(options, *code);
  return status;
}

}  // namespace fble
