// Runs the machine code of a trace without an interpreter: all its jump targets are
// handlers that store the state and return to the test.
#pragma once

#include <array>
#include <cstring>
#include <map>

#include "interp/handler.h"
#include "interp/machine.h"
#include "interp/native_stack.h"
#include "jit/x64/assemble.h"
#include "tests/reference/ir_interp.h"

namespace fble {

class CodeRunner {
 public:
  enum class End { kNone, kReturn, kExit, kCode, kSlowEntry };

  /// Runs traces that are assembled into the cache.
  explicit CodeRunner(const CodeCache& cache) : machine_(program_, natives_), carrier_(machine_.carrier()) {
    carrier_.exit_common = exit_common(cache);
    handlers_.handlers[0] = &left;
    std::fill(std::begin(stack_), std::end(stack_), Word{kUnitWord});
    reset_limits();
  }

  static RuntimeEntries entries() { return {.checked_entry = &slow_entry, .leave = &leave}; }
  /// Returns an entry for code objects, which notes that they are called.
  static Handler code_entry() { return &code_entered; }

  Word* frame() { return stack_ + kBase; }
  Carrier& carrier() { return carrier_; }
  Word* heap_begin() { return heap_; }

  void reset_limits() {
    carrier_.alloc_limit = std::end(heap_);
    carrier_.machine_stack_limit = std::end(stack_);
    carrier_.exit_fuel = 0;
    carrier_.table = &handlers_;
  }

  /// Enters at the address, the door of a function or an address that a frame returns to. `fp` is the offset of the
  /// frame register from frame().
  void enter(const uint8_t* start, Word value = 0, int32_t fp = 0) {
    frame()[fp + kReturnAddressSlot] = reinterpret_cast<Word>(&returned);
    enter_raw(start, value, fp);
  }
  /// Enters a trace that is no function. Makes the root frame return to the test.
  void enter_inside(const CodeCache& cache, const uint8_t* start, Word value, int32_t fp) {
    frame()[kReturnAddressSlot] = reinterpret_cast<Word>(&returned);
    end = End::kNone;
    current_ = this;
    carrier_.exit_state.at(RegisterRole::kValue) = value;
    enter_handler(trace_entry(cache), reinterpret_cast<const uint32_t*>(start), frame() + fp, carrier_, heap_, value);
  }
  /// Does the same without making the frame return to the test.
  void enter_raw(const uint8_t* start, Word value = 0, int32_t fp = 0) {
    end = End::kNone;
    current_ = this;
    const auto code = reinterpret_cast<Handler>(reinterpret_cast<uintptr_t>(start));
    enter_handler(code, nullptr, frame() + fp, carrier_, heap_, value);
  }

  /// Returns the exit of the code that was taken; 0xffffffff if it is not one of the code's.
  uint32_t exit_of(const AssembledTrace& code) const {
    if (return_address <= code.start || return_address > code.code().end()) return 0xffffffff;
    return exit_number(code.code(), return_address, pushes);
  }

  End end = End::kNone;
  Word value = 0;                           ///< kReturn
  const uint8_t* return_address = nullptr;  ///< kExit: see RuntimeEntries::leave
  uint64_t pushes = 0;
  const uint32_t* pc = nullptr;
  int32_t fp = 0;         ///< counted from frame()
  int64_t allocated = 0;  ///< words

  /// Returns the word that a location names after an exit, made by `heap` if it is virtual.
  Word word(const Location& location, const ExitEntry& entry, reference::IrHeap& heap,
            std::map<int32_t, Word>& virtuals) {
    switch (location.kind) {
      case LocationKind::kRegister: return carrier_.exit_state.registers[location.index];
      case LocationKind::kSpill: return carrier_.exit_state.spill[location.index];
      case LocationKind::kConstant: return location.word;
      case LocationKind::kSlot: return frame()[location.index];
      case LocationKind::kVirtual: break;
      case LocationKind::kNone: return 0;
    }
    const auto known = virtuals.find(location.index);
    if (known != virtuals.end()) return known->second;
    const VirtualValue& made = entry.virtuals[static_cast<size_t>(location.index)];
    const auto field = [&](size_t i) { return word(made.fields[i], entry, heap, virtuals); };
    const uint32_t count = static_cast<uint32_t>(made.fields.size());
    switch (made.kind) {
      case VirtualValue::Kind::kObject: {
        const size_t first = made.code != nullptr ? 1 : 0;
        const Word object = heap.make(made.header, std::vector<Word>(first + count, kUnitWord));
        virtuals[location.index] = object;
        if (first != 0) as_object(object)->fields[0] = Code::from_code(made.code);
        for (size_t i = 0; i < count; ++i) as_object(object)->fields[first + i] = field(i);
        return object;
      }
      case VirtualValue::Kind::kPackedUnion:
        return virtuals[location.index] = pack_union(field(0), made.width, made.tag);
      case VirtualValue::Kind::kPackedStruct: return virtuals[location.index] = pack_struct(count, field);
    }
    return 0;
  }

 private:
  static constexpr size_t kBase = 64;

  void note(End how, const uint32_t* at, Word* frame_pointer, Word* ap, Word result) {
    end = how;
    value = result;
    pc = at;
    fp = static_cast<int32_t>(frame_pointer - frame());
    allocated = ap - heap_;
  }

  FBLE_HANDLER_CC static void returned(HANDLER) { current_->note(End::kReturn, pc, fp, ap, value); }
  FBLE_HANDLER_CC static void code_entered(HANDLER) { current_->note(End::kCode, pc, fp, ap, value); }
  FBLE_HANDLER_CC static void slow_entry(HANDLER) { current_->note(End::kSlowEntry, pc, fp, ap, value); }
  FBLE_HANDLER_CC static void left(HANDLER) { current_->note(End::kExit, pc, fp, ap, value); }

  static void leave(Carrier* carrier, const uint8_t* return_address, uint64_t pushes) {
    static const uint32_t kOpcode = 0;
    current_->return_address = return_address;
    current_->pushes = pushes;
    // Called by the C++ convention: the compiler may rely on an aligned stack.
    alignas(16) volatile char probe[16];
    if (reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) % 16 != 0) FBLE_BUG("unaligned stack");
    probe[0] = 0;
    carrier->pc = &kOpcode;
    carrier->fp = carrier->exit_state.fp();
    carrier->ap = carrier->exit_state.ap();
    carrier->value = 0;
  }

  static inline CodeRunner* current_ = nullptr;

  ProgramCode program_;
  NativeTable natives_;
  Machine machine_;
  Carrier& carrier_;
  HandlerTable handlers_{};
  Word stack_[1024];
  Word heap_[4096];
};

}  // namespace fble
