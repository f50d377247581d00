// Natives: values of a program that C++ implements (spec chapter 10).
//
// A native is a row of a table: the module and name that identify it, its number
// of arguments, its effects and its body. Bodies get their arguments as words of
// the running call frame and return a word. They run on the carrier's C++ stack
// and never call back into Fble.
//
// GC safety: a body may collect only by calling `NativeCall::reserve`, `charge` or `collect_all`. Afterwards
// `arg(i)` is up to date, any other word that pointed into the heap is stale, and
// the reserved number of words can be allocated without a collection. So the
// usual body computes what it needs, reserves once, then builds its result.
//
// Memory: what a body holds outside the heap and what grows with its arguments or its input is
// charged before it is allocated (`charge`, interp/gathered.h), so that --max-heap bounds it, too.
//
// Interrupts: a body that may run or wait for long asks `interrupt_requested` again and again, and
// returns 0 when it is true. The run ends then, whatever the body returns.
//
// Machine code calls pure natives on trial: then no collection runs and no error is
// raised, `reserve` returns false instead, and 0 as the result means that the
// interpreter has to make the call again.
//
// Tested by tests/unit/interp/interpreter_test.cc, tests/unit/interp/gathered_test.cc and tests/unit/frontends/std.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include "gc/object.h"
#include "interp/code.h"

namespace fble {

enum class NativeEffect : uint8_t {
  kPure,  ///< result depends on the arguments only
  kReadsWorld,
  kWritesWorld,
  kMayBlock,  ///< may wait for the world
};

struct NativeRow {
  const char* module;  ///< "/Std/Io/File/Binary%"
  const char* name;    ///< "GetByte"
  uint32_t arity;      ///< 0 for a value, computed where it is declared
  NativeEffect effect;
  NativeBody body;
  /// The intrinsic that replaces the body in common cases.
  Intrinsic intrinsic = Intrinsic::kNone;
};

/// The form of Int@ in the library of a program: the reference's has linked
/// unions (frontends/std/native/values.h), ours has machine integers
/// (gc/integer.h). Natives that both declare depend on it.
enum class IntForm : uint8_t { kUnions, kMachine };

/// The natives that a program may use.
class NativeTable {
 public:
  void add(std::span<const NativeRow> rows);
  /// Returns the native; null if there is none.
  const NativeRow* find(std::string_view module, std::string_view name) const;

 private:
  std::unordered_map<std::string, NativeRow> rows_;
};

/// A call of a native: its arguments, and functions to make its result.
class NativeCall {
 public:
  enum class Mode : uint8_t { kFinal, kTrial };

  NativeCall(Carrier& carrier, Word* args, Word* ap, Mode mode = Mode::kFinal)
      : carrier_(carrier), args_(args), ap_(ap), mode_(mode) {}
  ~NativeCall() {
    if (charged_bytes_ != 0) release_charge();
  }
  NativeCall(const NativeCall&) = delete;
  NativeCall& operator=(const NativeCall&) = delete;

  /// Whether the call may be made again, by the interpreter: work that takes long is not worth beginning.
  bool is_trial() const { return mode_ == Mode::kTrial; }

  Word arg(uint32_t index) const { return args_[index]; }
  /// Keeps a word in the place of an argument, where collections find it.
  void set_arg(uint32_t index, Word word) { args_[index] = word; }

  /// Makes room for `words` words (object_words(n) per object with n fields),
  /// collecting if necessary. Returns false if memory has run out: then return
  /// fail().
  [[nodiscard]] bool reserve(size_t words);
  /// Returns whether reserve(words) has nothing to do.
  bool has_room(size_t words) const;
  /// Counts bytes that the body is about to allocate outside the heap against the limit of the heap, until the call
  /// ends. May collect, and ends what was reserved. False when they would pass the limit: then return kOutOfMemory.
  [[nodiscard]] bool charge(size_t bytes);
  /// Runs a full collection, so that the resources of forgotten handles are
  /// released. Words reserved before are no longer reserved.
  void collect_all();

  /// Makes a struct value; takes at most object_words(fields.size()) reserved words.
  Word make_struct(std::span<const Word> fields);
  /// Makes a union value; takes at most object_words(1).
  Word make_union(uint32_t tag, uint32_t tag_count, Word arg);
  /// Makes a union value whose argument is a new struct; takes at most object_words(fields.size()).
  Word make_union_struct(uint32_t tag, uint32_t tag_count, std::span<const Word> fields);
  /// Makes the cell of a list: tag 0 of 2 and two fields.
  Word make_cons(Word head, Word tail) {
    if (!is_packed(head) || !is_pointer(tail)) return make_cons_of_any(head, tail);
    room()[0] = head;
    room()[1] = tail;
    return make_object(ObjectKind::kStruct, 0, 2);
  }
  /// Returns the address of the next object's fields: the words for make_bytes and make_object may be written there
  /// before.
  Word* room() const { return ap_ + 1; }
  /// Makes an object of `count` fields that are at room() already, all of them defined. Requires: the value
  /// does not fit in a packed word.
  Word make_object(ObjectKind kind, uint32_t tag, uint32_t count) {
    Word* object = take(object_words(count));
    object[0] = Object::make_header(kind, count, tag);
    return reinterpret_cast<Word>(object);
  }
  /// Makes an object of raw data whose `count` words are at room() already; takes object_words(count).
  Word make_bytes(uint32_t tag, uint32_t count);
  /// Makes a handle on a resource; takes object_words(1).
  template <typename Resource>
  Word make_native(std::unique_ptr<Resource> resource) {
    return make_handle(resource.release(), std::is_base_of_v<TracedResource, Resource> ? kTracedTag : 0);
  }

  /// Ends the program with a run-time error at the call. The body returns its result.
  Word fail(const std::string& message);
  /// Does the same for an argument that holds a placeholder, with the usual message.
  Word fail_undefined();
  /// Does the same for a result that is too large for any memory.
  Word fail_out_of_memory(const char* message);
  /// The same for an output of the process that could not be written.
  Word fail_output(const std::string& message);

  Carrier& carrier() { return carrier_; }
  MachineState& machine() const;
  /// Returns the thread that calls.
  VirtualThread& thread() const;
  /// The position of the call: valid in a final call, until the thread parks.
  const uint32_t* pc() const;
  const Word* fp() const;
  IntForm int_form() const;
  Word* allocation_pointer() const { return ap_; }

 private:
  struct Sink;

  void release_charge();
  Word make_cons_of_any(Word head, Word tail);
  Word make_handle(NativeResource* resource, uint32_t tag);
  Word* take(size_t words) {
    Word* at = ap_;
    ap_ += words;
    return at;
  }

  Carrier& carrier_;
  Word* args_;
  Word* ap_;
  const Mode mode_;
  size_t charged_bytes_ = 0;
};

/// What interrupt_requested returns; set by Carrier::request and heed_interrupt.
inline std::atomic<bool> interrupt_pending{false};

/// Whether the user has asked the program to stop, since its run began. Natives that wait or take long give up
/// then, with any result: the run ends with an error when they return.
inline bool interrupt_requested() { return interrupt_pending.load(std::memory_order_relaxed); }
/// Lets natives work again, for clean-ups after an interrupt, or has them give up again.
void heed_interrupt(bool requested);

/// Returns the resource of a handle word made by make_native.
inline NativeResource* native_resource(Word handle) {
  return reinterpret_cast<NativeResource*>(as_object(handle)->fields[0]);
}

}  // namespace fble
