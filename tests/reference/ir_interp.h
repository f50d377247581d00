// The slow twin of machine code: executes a trace's instructions one by one, by
// their rows in ir_ops.def. An executable definition, for tests only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "jit/ir/trace.h"

namespace fble::reference {

/// The objects of the model: never moved, freed with it.
class IrHeap {
 public:
  Word make(Word header, std::vector<Word> fields);
  Object* object(Word word) { return as_object(word); }

  /// Returns the value as text, followed to a depth: equal for values that no program can distinguish.
  std::string describe(Word word, int depth = 8) const;

 private:
  std::deque<std::unique_ptr<Word[]>> objects_;
};

/// The state in which a trace starts.
struct IrInput {
  std::map<int32_t, Word> slots;
  std::vector<Word> inherited;
  Word result = 0;
  std::vector<Word> globals;
};

/// Returns the key of a counter of a group (TallyGroup) in IrOutcome::tallies.
inline int32_t counter_key(int32_t group, uint32_t counter) { return group * 4 + static_cast<int32_t>(counter); }

/// Returns the key of the hits of a row (MemoTable::row_hits) in IrOutcome::tallies.
inline int32_t hits_key(int32_t memo, size_t row) { return -1 - (memo << 8 | static_cast<int32_t>(row)); }

/// The instruction at which a trace was left, and the state there.
struct IrOutcome {
  enum class Kind { kExit, kReturn, kTailCall, kCall, kBroken };
  Kind kind = Kind::kBroken;
  IrRef at = kNoRef;                    ///< the guard that left, or the ending
  uint32_t snapshot = kNoSnapshot;      ///< of kExit, kCall
  std::map<int32_t, Word> slots;        ///< memory after the stores, and after restoring at an exit
  std::map<int32_t, uint64_t> tallies;  ///< by counter_key and hits_key
  uint64_t turns = 0;                   ///< of the loop, that have begun
  std::vector<Word> values;             ///< returned value; closure and arguments
  Code* code = nullptr;                 ///< of the closure that is called
  int32_t frame = 0;                    ///< kCall
  std::vector<Word> closures;           ///< of the snapshot's frames; 0 where in memory
  std::string message;                  ///< kBroken: what an instruction requires and did not get
};

/// Computes the result of natives in random traces from their arguments: a packed integer, or 0, which leaves
/// the trace. All objects count as equal.
Word mix_words(std::span<const Word> words);

/// Runs instructions one at a time.
class IrRun {
 public:
  IrRun(const Trace& trace, const IrInput& input, IrHeap& heap);

  /// Returns whether a guard that may always leave (a yield point) leaves here.
  std::function<bool(const IrIns&)> leaves = [](const IrIns&) { return false; };
  /// Computes the result of natives; 0 leaves the trace.
  std::function<Word(const Code&, const std::vector<Word>&)> native = [](const Code&, const std::vector<Word>& words) {
    return mix_words(words);
  };
  /// The number of turns after which a loop counts as broken.
  int max_turns = 1000;

  /// Runs to the end.
  IrOutcome run();
  /// Executes the instructions up to the trace's present end. Returns whether the trace has been left.
  bool step();

  Word value(IrRef ref) const { return values_[index_of(ref)]; }
  const IrOutcome& outcome() const { return outcome_; }
  /// Returns the state that a snapshot describes, as far as its values have been computed.
  IrOutcome state(uint32_t snapshot) const;

 private:
  bool execute(const IrIns& ins);
  bool leave(const IrIns& ins);
  bool end(IrOutcome::Kind kind, const IrIns& ins);
  bool broken(const std::string& message);
  Word packed(IrRef ref);
  Word natural(IrRef ref);
  /// Returns what the bit is.
  bool bit(IrRef ref);
  Object* pointer(IrRef ref);

  const Trace& trace_;
  const IrInput& input_;
  IrHeap& heap_;
  size_t next_ = 0;
  size_t loop_start_ = 0;
  int turns_ = 0;
  bool is_done_ = false;
  std::vector<Word> values_;
  std::map<int32_t, Word> slots_;
  std::map<int32_t, uint64_t> tallies_;
  IrOutcome outcome_;
};

IrOutcome run_ir(const Trace& trace, const IrInput& input, IrHeap& heap);

/// Returns the outcome as text, with the values as `describe` prints them. Exits are
/// distinguished by their frames, not by instruction.
std::string to_text(const Trace& trace, const IrOutcome& outcome, const IrHeap& heap);

}  // namespace fble::reference
