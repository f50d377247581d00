// The oracle for whole programs: all modes must do the same.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fble {

struct FuzzMode {
  const char* name;
  const char* flags;
  const char* doc;
};
const std::vector<FuzzMode>& fuzz_modes();

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

/// Runs modules whose value is a list of letters (gen/library.h) in this process.
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
std::string describe(const Verdict& verdict, const Difference& difference);

}  // namespace fble
