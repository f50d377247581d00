// The sampler: a signal at regular times of processor use looks where the program is, and notes the whole stack.
//
// Samples are taken between yield points, in the signal handler. Others wait for the next yield point, and so never see
// the code between two of them. Three properties of this machine make it possible without help from what is
// interrupted: the registers for the frame and the position have fixed roles (interp/machine_registers.h), machine code
// keeps frames as the interpreter does, and a frame is found from its callee's return position, whose words never move.
// Closures and other objects are not read, so a collection may be under way. Where registers do not tell:
//
//   in machine code    the compiler's code map has the activations at the address (MachinePositions); frames
//                      that machine code has called have their return positions beside the return addresses on the
//                      native stack (interp/native_stack.h)
//   in C++ called by machine code    machine_call (interp/whereabouts.h) has the address of the call
//   in other C++       the carrier has the position, since all C++ that may look at the stack gets it there
//
// Every word that is read as a position is looked up among those of all code first, and every frame must be inside of
// the stack. So a sample that comes at a bad moment (a few instructions of a call or return) is at worst one whose
// stack does not reach the root, and is counted as such.
//
// The clock (interp/sample_clock.h) counts processor time of the thread that runs the program. A sample has the time
// since the last one as its weight. A sample that takes long, as for a deep stack, makes the next ones rarer: the time
// for samples stays below a sixteenth.
//
// A deep stack is not walked again and again. Frames below the watermark cannot have changed (interp/call_stack.h), so
// the nodes of some of them are remembered, and the walk ends at one.
//
// Tested by tests/unit/interp/sampler_test.cc and tests/unit/frontends/cli/profile_test.cc.
#pragma once

#include <array>
#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "interp/code.h"
#include "interp/sample_clock.h"
#include "interp/sample_table.h"
#include "interp/whereabouts.h"

namespace fble {

struct MachinePosition;

struct SamplerOptions {
  uint64_t period_ns = 1'000'000;  ///< of processor time, on average
  uint64_t seed = 1;               ///< of the variation
};

/// One at a time may run. It belongs to the OS thread that starts it, and has to run the program.
class Sampler final : public CodeListener {
 public:
  Sampler(Carrier& carrier, const SamplerOptions& options);
  ~Sampler() override;
  Sampler(const Sampler&) = delete;

  /// Starts. Returns why there are no samples, or empty.
  [[nodiscard]] std::string start();
  void stop();

  const SampleTable& table() const { return table_; }
  /// Calls `look(table, broken)` in another OS thread, while samples wait: their time counts for the next one.
  template <typename Look>
  void look(Look&& look) {
    is_looked_at_.store(true);
    while (is_sampling_.load()) std::this_thread::yield();
    look(table_, broken_);
    is_looked_at_.store(false);
  }
  /// Returns the number of samples whose stack does not reach the root.
  uint64_t broken() const { return broken_; }

  void note_code(const Code& code) override;

  /// The registers of what was interrupted.
  struct Registers {
    const void* instruction = nullptr;
    const uint32_t* pc = nullptr;
    Word* fp = nullptr;
    const void* thread = nullptr;
    const Word* native_stack = nullptr;
  };
  /// Takes a sample; for the signal handler, tests and samples of another kind. Without registers, it is where the
  /// carrier's position is. Returns its leaf in the table, or 0.
  uint32_t sample(const Registers& registers, uint64_t ns);
  /// See SampleTable.
  void take_back(uint32_t leaf, uint64_t ns) { table_.take_back(leaf, ns); }
  void note_survivor(uint32_t leaf, Survived survived, uint64_t bytes) { table_.note_survivor(leaf, survived, bytes); }

 private:
  struct CodeRange {
    const uint32_t* begin;
    const uint32_t* end;
    const Code* code;
  };
  /// A function on the stack, with the place where it is called.
  struct Step {
    const uint32_t* site;
    const Code* code;
    size_t slot;  ///< of its frame, from the stack's base; 0 for one that is inlined
  };
  /// The node of a frame that cannot have changed.
  struct Known {
    size_t slot;
    uint32_t node;
  };
  struct Leaf {
    const uint32_t* pc = nullptr;
    Tier tier = Tier::kRuntime;
    uint32_t trace = 0;
  };

  static CodeRange range_of(const Code& code);
  static void on_signal(int, siginfo_t*, void* context);

  const Code* code_at(const uint32_t* position);
  bool is_frame(const Word* fp) const;
  const uint32_t* position_after(const Word* fp) const;
  bool is_return_address(Word word) const;
  bool is_memo(Word word) const;
  void find_native_calls(const Word* fp, const Word* native_stack);
  const void* place_before_sled(const Registers& registers) const;
  bool pass_native_call();
  bool has_return_position(const Word* fp);
  void forget_changed();
  void push(const uint32_t* site, const Code* code, size_t slot);
  bool walk_callers(const Word* fp);
  bool walk_unknown(const Word* fp);
  bool walk_inlined(const MachinePosition& position, const Word* fp);
  bool walk_frame(const uint32_t* pc, const Code* code, const Word* fp);
  bool walk(const Registers& registers);
  uint32_t enter_steps();

  Carrier& carrier_;
  SampleTable table_;
  std::vector<CodeRange> codes_;  ///< ascending
  std::array<CodeRange, 1024> recent_codes_{};
  ReservedArray<Step> steps_;   ///< of the stack that is walked, innermost first
  ReservedArray<Known> known_;  ///< ascending
  uint32_t base_node_ = 0;      ///< where the steps begin: the root, or the node of a frame that is known
  Leaf leaf_;
  // The frames that machine code has called have no return words. The topmost of them, and the place of its return
  // address on the native stack; null if no frame above the present one is left.
  const Word* unwritten_ = nullptr;
  const Word* native_call_ = nullptr;
  const VirtualThread* thread_ = nullptr;  ///< whose frames are known
  uint64_t broken_ = 0;

  Mapping signal_stack_;
  SampleClock clock_;
  bool is_started_ = false;
  std::atomic<bool> is_sampling_{false};
  std::atomic<bool> is_looked_at_{false};
  struct sigaction action_before_{};
  stack_t stack_before_{};
};

}  // namespace fble
