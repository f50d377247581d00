// The oracle for whole programs: all modes must do the same.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/reference/thread_model.h"

namespace fble {

/// The programs and comparisons that a mode is for (modes.def).
enum class FuzzModeKind : uint8_t { kAny, kThreads, kTurns };

struct FuzzMode {
  const char* name;
  FuzzModeKind kind;
  const char* flags;
  const char* doc;
};
const std::vector<FuzzMode>& fuzz_modes();
/// Returns the number of modes that are for all programs: the first ones.
size_t modes_for_any_program();
/// Returns the index in fuzz_modes() of the mode that judges the mode at an index.
size_t judge_of(size_t mode);

/// Returns the mode's flags for one program: `seed` chooses the random values,
/// `cost` is the approximate cost of the program (gen/program_gen.h).
std::string mode_flags(const FuzzMode& mode, uint64_t seed, double cost);

/// The ending of a run.
struct Outcome {
  enum class End : uint8_t { kValue, kError, kOutOfMemory, kTimeout };
  End end = End::kValue;
  std::string output;  ///< the text that is the module's value
  std::string error;   ///< with the stack trace
  double seconds = 0;
  uint64_t traces = 0;  ///< number of compiled traces
  uint64_t exits = 0;   ///< number of failed guards
  uint64_t deopt_point_hits = 0;
};

struct Difference {
  std::string mode;
  std::string flags;
  Outcome outcome;
  Outcome expected;  ///< of the judge, or what the model says
};

struct Verdict {
  enum class Kind : uint8_t { kAgree, kDiffer, kRejected, kTooSlow, kOutOfMemory };
  Kind kind = Kind::kAgree;
  std::string message;  ///< kRejected: what the checker says
  Outcome judge;
  std::vector<Difference> differences;
  uint64_t traces = 0;  ///< in all modes
  uint64_t exits = 0;
  uint64_t deopt_point_hits = 0;  ///< deopt points at which machine code was left
};

struct ModesOptions {
  uint64_t seed = 0;
  double cost = 0;
  /// The module's value is an external computation with threads, which is run in the modes for those, too.
  bool has_threads = false;
  /// It sleeps, so time is virtual in all modes.
  bool has_times = false;
  /// What it must do in the usual order of turns; null if that is not known.
  const ThreadProgram* model = nullptr;
  /// Names of modes to compare with the judge; all if empty.
  std::vector<std::string> modes;
  /// Seconds of processor time for the judge, then for each other mode; 0 for no limit.
  double judge_seconds = 0;
  double mode_seconds = 0;
  /// If true, all modes run the code that was lowered once. If not, each lowers the program anew, which is slower
  /// and must change nothing.
  bool share_code = true;
  /// Gets the outcome of each mode, in the order of fuzz_modes(), if given.
  std::vector<Outcome>* outcomes = nullptr;
  /// Called before each mode starts, with its index in fuzz_modes().
  std::function<void(size_t)> progress;
};

/// Runs modules whose value is a list of letters (gen/library.h) in this process. With threads, the value is an
/// external computation, and the output is what it says (gen/thread_gen.h).
class ModesOracle {
 public:
  ModesOracle();
  ~ModesOracle();
  Verdict check(const std::string& module_text, const ModesOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Describes a difference in a few lines: flags, and both outcomes from where they differ.
std::string describe(const Difference& difference);

}  // namespace fble
