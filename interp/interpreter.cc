// The interpreter: one handler per opcode, each ending in a tail call to the next.
//
// A handler (interp/handler.h) first reads all it needs, then checks that it can
// finish (room in the nursery, room on the stack, defined operands), and only then
// writes. So an instruction whose check fails has not happened: after a collection
// or any other interruption it runs again. Slow paths are tail calls, so the
// handlers stay leaves.
//
// Tested by tests/unit/interp/interpreter_test.cc and by all of tests/lang.
#include "interp/interpreter.h"

#include <algorithm>
#include <cstring>

#include "interp/engine_hooks.h"
#include "interp/foreign.h"
#include "interp/handler.h"
#include "interp/intrinsics.h"
#include "interp/make_struct.h"
#include "interp/native_stack.h"
#include "interp/observer.h"
#include "interp/step_observer.h"

#define OP(Name) FBLE_HANDLER_CC static void op_##Name(HANDLER)
/// Defines the handler of an instruction that packs or unpacks words: it shifts by variable distances and counts bits.
/// It is compiled twice, without and with BMI, BMI2 and LZCNT (interp/cpu.h).
#define OP_ON_BITS(Name)                                                                      \
  __attribute__((always_inline)) FBLE_HANDLER_CC static inline void body_of_##Name(HANDLER);  \
  OP(Name) { TAIL body_of_##Name(REGISTERS); }                                                \
  __attribute__((target("bmi,bmi2,lzcnt"))) FBLE_HANDLER_CC static void bmi_##Name(HANDLER) { \
    TAIL body_of_##Name(REGISTERS);                                                           \
  }                                                                                           \
  template <>                                                                                 \
  constexpr Handler kBmiTwin<Op::k##Name> = bmi_##Name;                                       \
  FBLE_HANDLER_CC static inline void body_of_##Name(HANDLER)
#define COLD __attribute__((noinline, cold)) FBLE_HANDLER_CC static void

namespace fble {

namespace {

constexpr Word kEmptyList = (kUnitWord - 1) * 2 + 3;  // tag 1 of 2, unit

Code* running_code(const Word* fp) { return &code_of_frame(fp); }

/// The opcode's handler that uses the extensions of interp/cpu.h; null where they would gain nothing.
template <Op>
constexpr Handler kBmiTwin = nullptr;

// ---- slow paths -------------------------------------------------------------

/// Publishes the registers for C++ code that may read the stack.
inline void publish(Carrier* carrier, const uint32_t* pc, Word* fp, Word* ap) {
  carrier->pc = pc;
  carrier->fp = fp;
  carrier->ap = ap;
}

// Code that needs a std::string is kept out of the handlers, which must have nothing to destroy.
__attribute__((noinline)) void raise(Carrier* carrier, const char* message) { carrier->raise(message); }
__attribute__((noinline)) void raise_at(Carrier* carrier, Loc loc, const char* message) {
  carrier->raise_at(loc, message);
}
__attribute__((noinline)) void raise_out_of_memory(Carrier* carrier, const char* message) {
  carrier->raise_out_of_memory(message);
}

/// Ends the run at the user's request.
__attribute__((noinline, cold)) void end_interrupted(Carrier* carrier) {
  carrier->take_request(Attention::kInterrupt);
  carrier->restore_limits();
  carrier->raise_interrupted();
}

FBLE_HANDLER_CC void resume(HANDLER);

using Attended = Scheduler::Attended;

/// Handles the requests for attention.
__attribute__((noinline)) Attended attend(Carrier* carrier) {
  uint32_t reasons = carrier->attention.exchange(0);
  if (carrier->stepped.no_collections) {
    // Requests wait for the end of the rehearsal, which is no part of the program.
    carrier->put_off |= reasons;
    carrier->lift_limits();
    return Attended::kContinue;
  }
  if ((reasons & bit(Attention::kInterrupt)) != 0) {
    end_interrupted(carrier);
    return Attended::kStop;
  }
  if (carrier->machine.yield_distance != 0 && !std::exchange(carrier->current->has_yielded, false)) {
    reasons |= bit(Attention::kYield);
  }
  Attended attended = Attended::kContinue;
  if (reasons != 0) attended = carrier->machine.scheduler.attend(*carrier, reasons);
  carrier->restore_limits();
  return attended;
}

/// Collects because the allocation of `value` words at pc did not fit, and runs pc again: by the plain handler, since
/// the recorder and the profiler have seen it already.
COLD slow_allocate(HANDLER) {
  publish(carrier, pc, fp, ap);
  if (const Attended attended = attend(carrier); attended != Attended::kContinue) {
    if (attended == Attended::kStop) return;
    TAIL resume(REGISTERS);
  }
  if (ap > carrier->machine.heap.limit() || static_cast<size_t>(carrier->machine.heap.limit() - ap) < value) {
    if (!carrier->make_room(value)) return;
    ap = carrier->ap;
  }
  carrier->note_allocation(value);
  carrier->let_pass(carrier->alloc_limit, ap + value);
  TAIL handler_of(static_cast<Op>(*pc))(REGISTERS);
}

/// Makes room for a frame up to `end`, which is beyond the limit. At the soft limit, a collection moves the watermark
/// up, so that no collection has to visit more than a step of the stack. If the stack is too small, the frames move:
/// carrier->fp changes.
__attribute__((noinline, cold)) Attended make_stack(Carrier* carrier, Word* end) {
  if (end > carrier->current->stack->limit()) {
    // The frames have moved. The instruction runs again, with room.
    if (carrier->machine.scheduler.move_to_largest(*carrier)) return Attended::kContinue;
    raise_out_of_memory(carrier, "out of memory: the call stack has reached its limit");
    return Attended::kStop;
  }
  if (const Attended attended = attend(carrier); attended != Attended::kContinue) return attended;
  if (end > carrier->current->stack->soft_limit()) {
    if (!carrier->make_room(0)) return Attended::kStop;
    carrier->allow_stack(end);
  }
  carrier->let_pass(carrier->stack_limit, end);
  carrier->let_pass(carrier->machine_stack_limit, end);
  return Attended::kContinue;
}

/// Makes room for the call at pc, which needs the stack up to fp + `value`. Then runs it again, by the plain handler,
/// as slow_allocate does.
COLD slow_stack(HANDLER) {
  publish(carrier, pc, fp, ap);
  if (const Attended attended = make_stack(carrier, fp + value); attended != Attended::kContinue) {
    if (attended == Attended::kStop) return;
    TAIL resume(REGISTERS);
  }
  fp = carrier->fp;
  ap = carrier->ap;
  TAIL handler_of(static_cast<Op>(*pc))(REGISTERS);
}

/// Makes room at the entry of a function, for callers that leave the check to it.
COLD slow_entry(HANDLER) {
  publish(carrier, pc, fp, ap);
  Code* const entered = running_code(fp);
  if (const Attended attended = make_stack(carrier, fp + value); attended != Attended::kContinue) {
    if (attended == Attended::kStop) return;
    // When the thread is resumed, the plain handler runs, which does not count.
    if (carrier->machine.counts != nullptr) carrier->machine.counts->add(*entered, pc, 1);
    TAIL resume(REGISTERS);
  }
  fp = carrier->fp;
  ap = carrier->ap;
  DISPATCH();
}

#define COLD_ERROR(name, message) \
  COLD name(HANDLER) {            \
    publish(carrier, pc, fp, ap); \
    raise(carrier, message);      \
  }
COLD_ERROR(fail_struct_access, "undefined struct value access")
COLD_ERROR(fail_union_access, "undefined union value access")
COLD_ERROR(fail_wrong_tag, "union field access undefined: wrong tag")
COLD_ERROR(fail_union_select, "undefined union value select")
COLD_ERROR(fail_call, "called undefined function")

__attribute__((noinline, cold)) void note_pending(Carrier* carrier, Word* object) {
  carrier->groups.note(reinterpret_cast<Object*>(object));
}

#define NEED_WORDS(count)                                \
  do {                                                   \
    if (UNLIKELY(ap + (count) > carrier->alloc_limit)) { \
      value = (count);                                   \
      TAIL slow_allocate(REGISTERS);                     \
    }                                                    \
  } while (0)

// ---- moving values ----------------------------------------------------------

OP(Move) {
  fp[pc[1]] = fp[pc[2]];
  NEXT(3);
}

OP(Constant) {
  fp[pc[1]] = running_code(fp)->constants[pc[2]];
  NEXT(3);
}

OP(Capture) {
  fp[pc[1]] = as_object(fp[kClosureSlot])->fields[1 + pc[2]];
  NEXT(3);
}

OP(Projected) {
  const Word word = as_object(fp[kClosureSlot])->fields[1 + pc[2]];
  if (UNLIKELY(is_placeholder(word) && is_promise(word))) TAIL fail_struct_access(REGISTERS);
  fp[pc[1]] = word;
  NEXT(3);
}

OP(Global) {
  fp[pc[1]] = carrier->globals[pc[2]];
  NEXT(3);
}

OP(SetGlobal) {
  carrier->set_global(pc[1], fp[pc[2]]);
  NEXT(3);
}

// ---- data -------------------------------------------------------------------

/// The fields of a struct as operands: their common properties, and packing them.
struct Operands {
  const Word* fp;
  const uint32_t* slots;
  uint32_t count;

  Word operator()(uint32_t index) const { return fp[slots[index]]; }
  __attribute__((noinline)) Word pack() const {
    switch (count) {
      case 3: return pack_struct(3, *this);
      default: return pack_struct(count, *this);
    }
  }
};

/// Returns whether the struct of two fields cannot be packed because one is an
/// object, and neither is a placeholder: the most common struct by far.
bool is_plain_pair(Word first, Word second) {
  return (first & second & 1) == 0 && (placeholder_mask(first) | placeholder_mask(second)) == 0;
}

/// Makes a struct of two fields. Requires: there is room.
Word make_pair(Word*& ap, Word header, Word first, Word second) {
  Word* object = ap;
  ap += 3;
  object[0] = header;
  object[1] = first;
  object[2] = second;
  return reinterpret_cast<Word>(object);
}

/// The place where handlers make structs: the nursery, if there is room.
struct HandlerSink {
  Carrier* carrier;
  Word*& ap;
  const uint32_t* pc;

  uint32_t tag() const { return pc[2]; }
  unsigned width() const { return pc[3]; }

  Word pack(uint32_t, const Operands& operands) const { return operands.pack(); }
  Word* take(size_t words) const {
    if (UNLIKELY(ap + words > carrier->alloc_limit)) return nullptr;
    Word* object = ap;
    ap += words;
    return object;
  }
  void note(Object* object) const { note_pending(carrier, reinterpret_cast<Word*>(object)); }
};

// No local variable of a handler may have its address taken in sanitized builds: clang 19 cannot realign the stack
// there.
#if __has_feature(address_sanitizer)
#define INLINE_IN_HANDLER __attribute__((noinline))
#else
#define INLINE_IN_HANDLER __attribute__((always_inline)) inline
#endif

/// A struct, 0 if there was no room, and the allocation pointer after it.
struct MadeStruct {
  Word word;
  Word* ap;
};

/// Makes a struct or a union. The operands are the result's slot, for a union its tag and width, and the list of
/// fields.
template <bool kIsUnion>
constexpr uint32_t kFieldsOf = kIsUnion ? 5 : 3;

template <bool kIsUnion>
INLINE_IN_HANDLER MadeStruct make_struct_of(Carrier* carrier, const uint32_t* pc, const Word* fp, Word* ap) {
  const uint32_t* const fields = pc + kFieldsOf<kIsUnion>;
  const Word word =
      make_struct_value<kIsUnion>(fields[-1], Operands{fp, fields, fields[-1]}, HandlerSink{carrier, ap, pc});
  return {word, ap};
}

template <bool kIsUnion>
__attribute__((noinline)) FBLE_HANDLER_CC void rest_of_struct(HANDLER) {
  const uint32_t count = pc[kFieldsOf<kIsUnion> - 1];
  publish(carrier, pc, fp, ap);  // for the sampler: packing needs all registers
  const MadeStruct made = make_struct_of<kIsUnion>(carrier, pc, fp, ap);
  if (UNLIKELY(made.word == 0)) {
    value = object_words(count);
    TAIL slow_allocate(REGISTERS);
  }
  ap = made.ap;
  fp[pc[1]] = made.word;
  NEXT(kFieldsOf<kIsUnion> + count);
}

OP_ON_BITS(Struct) {
  const uint32_t count = pc[2];
  if (count == 2) {
    const Word first = fp[pc[3]];
    const Word second = fp[pc[4]];
    if ((first & second & 1) != 0) {
      const Word packed = pack_pair(first, second);
      if (LIKELY(packed != 0)) {
        fp[pc[1]] = packed;
        NEXT(5);
      }
      NEED_WORDS(3);
      fp[pc[1]] = make_pair(ap, Object::make_header(ObjectKind::kStruct, 2), first, second);
      NEXT(5);
    }
    if (is_plain_pair(first, second)) {
      NEED_WORDS(3);
      fp[pc[1]] = make_pair(ap, Object::make_header(ObjectKind::kStruct, 2), first, second);
      NEXT(5);
    }
  }
  TAIL rest_of_struct<false>(REGISTERS);
}

OP_ON_BITS(Union) {
  const Word arg = fp[pc[4]];
  const unsigned width = pc[3];
  const uint32_t tag = pc[2];
  if (is_packed(arg)) {
    const Word packed = pack_union(arg, width, tag);
    if (LIKELY(packed != 0)) {
      fp[pc[1]] = packed;
      NEXT(5);
    }
  }
  NEED_WORDS(2);
  Word* object = ap;
  ap += 2;
  object[0] = Object::make_header(ObjectKind::kUnion, 1, tag);
  object[1] = arg;
  if (UNLIKELY(is_placeholder(arg))) note_pending(carrier, object);
  fp[pc[1]] = reinterpret_cast<Word>(object);
  NEXT(5);
}

/// Returns the tag as it is in a header. It is read with the byte before it, which is the
/// highest of the slot for the result and 0: no frame is so large (interp/bytecode_verify.cc).
Word tag_in_header(const uint32_t* operand) {
  uint32_t bits;
  std::memcpy(&bits, reinterpret_cast<const char*>(operand) - 1, sizeof(bits));
  return bits;
}

OP(UnionStruct) {
  const uint32_t count = pc[4];
  if (count == 2) {
    const Word first = fp[pc[5]];
    const Word second = fp[pc[6]];
    const bool both_packed = (first & second & 1) != 0;
    if (both_packed ? code_of_frame(fp).cells.are_objects : is_plain_pair(first, second)) {
      NEED_WORDS(3);
      fp[pc[1]] = make_pair(ap, Object::make_header(ObjectKind::kStruct, 2) | tag_in_header(pc + 2), first, second);
      NEXT(7);
    }
  }
  TAIL rest_of_struct<true>(REGISTERS);
}

/// Reads a field of a packed struct of any size. narrow_field reads those of two fields, the most common.
__attribute__((noinline)) Word wide_field(Word word, uint32_t index, uint32_t count) {
  return packed_field(word, index, count);
}
__attribute__((always_inline)) inline Word narrow_field(Word word, uint32_t index, uint32_t count) {
  if (LIKELY(count == 2)) return packed_half(word, index);
  return wide_field(word, index, count);
}

/// Reads the field of an instruction with the operands D, the struct's, I, I.
#define FIELD_OF(object)                                                  \
  do {                                                                    \
    if (LIKELY(is_pointer(object))) {                                     \
      fp[pc[1]] = as_object(object)->fields[pc[3]];                       \
      NEXT(5);                                                            \
    }                                                                     \
    if (UNLIKELY(!is_packed(object))) TAIL fail_struct_access(REGISTERS); \
    fp[pc[1]] = narrow_field(object, pc[3], pc[4]);                       \
    NEXT(5);                                                              \
  } while (0)

OP(Field) {
  const Word object = fp[pc[2]];
  FIELD_OF(object);
}

OP(CaptureField) {
  const Word object = as_object(fp[kClosureSlot])->fields[1 + pc[2]];
  FIELD_OF(object);
}

OP(GlobalField) {
  const Word object = carrier->globals[pc[2]];
  FIELD_OF(object);
}

OP(Project) {
  const Word object = fp[pc[2]];
  if (LIKELY(is_pointer(object))) {
    fp[pc[1]] = as_object(object)->fields[pc[3]];
  } else if (is_packed(object)) {
    fp[pc[1]] = packed_field(object, pc[3], pc[4]);
  } else {
    fp[pc[1]] = object | promise_bits(pc[3], pc[4]);
  }
  NEXT(5);
}

OP_ON_BITS(Arg) {
  const Word object = fp[pc[2]];
  const unsigned width = pc[4];
  if (is_packed(object)) {
    if (UNLIKELY(packed_tag(object, width) != pc[3])) TAIL fail_wrong_tag(REGISTERS);
    fp[pc[1]] = packed_arg(object, width);
    NEXT(5);
  }
  if (UNLIKELY(is_placeholder(object))) TAIL fail_union_access(REGISTERS);
  if (UNLIKELY(as_object(object)->tag() != pc[3])) TAIL fail_wrong_tag(REGISTERS);
  fp[pc[1]] = union_arg(object, width);
  NEXT(5);
}

/// Fails because the argument is not a struct yet: an error of the outer access, not of the access to the union.
COLD fail_inner_access(HANDLER) {
  publish(carrier, pc, fp, ap);
  const Code* code = running_code(fp);
  const uint32_t end = static_cast<uint32_t>(pc - code->start) + instruction_length(pc);
  raise_at(carrier, code->loc_at(end - 1), "undefined struct value access");
}

OP_ON_BITS(ArgField) {
  const Word object = fp[pc[2]];
  Word arg;
  if (is_packed(object)) {
    const unsigned width = pc[4];
    if (UNLIKELY(packed_tag(object, width) != pc[3])) TAIL fail_wrong_tag(REGISTERS);
    arg = packed_arg(object, width);
  } else {
    if (UNLIKELY(is_placeholder(object))) TAIL fail_union_access(REGISTERS);
    if (UNLIKELY(as_object(object)->tag() != pc[3])) TAIL fail_wrong_tag(REGISTERS);
    arg = as_object(object)->kind() == ObjectKind::kUnion ? as_object(object)->fields[0] : object;
  }
  if (LIKELY(is_pointer(arg))) {
    fp[pc[1]] = as_object(arg)->fields[pc[5]];
    NEXT(7);
  }
  if (UNLIKELY(!is_packed(arg))) TAIL fail_inner_access(REGISTERS);
  fp[pc[1]] = narrow_field(arg, pc[5], pc[6]);
  NEXT(7);
}

OP_ON_BITS(KnownArg) {
  fp[pc[1]] = union_arg(fp[pc[2]], pc[3]);
  NEXT(4);
}

OP_ON_BITS(Select) {
  const Word condition = fp[pc[1]];
  uint32_t tag;
  if (is_packed(condition)) {
    tag = packed_tag(condition, pc[2]);
  } else {
    if (UNLIKELY(is_placeholder(condition))) TAIL fail_union_select(REGISTERS);
    tag = as_object(condition)->tag();
  }
  const uint32_t last = pc[3] - 1;
  NEXT(pc[4 + (tag < last ? tag : last)]);
}

OP_ON_BITS(SelectArg) {
  const Word condition = fp[pc[2]];
  uint32_t tag;
  if (is_packed(condition)) {
    const unsigned width = pc[3];
    tag = packed_tag(condition, width);
    fp[pc[1]] = packed_arg(condition, width);
  } else {
    if (UNLIKELY(is_placeholder(condition))) TAIL fail_union_select(REGISTERS);
    const Object* object = as_object(condition);
    tag = object->tag();
    fp[pc[1]] = object->kind() == ObjectKind::kUnion ? object->fields[0] : condition;
  }
  const uint32_t last = pc[4] - 1;
  NEXT(pc[5 + (tag < last ? tag : last)]);
}

OP_ON_BITS(Choose) {
  const Word condition = fp[pc[2]];
  uint32_t tag;
  if (is_packed(condition)) {
    tag = packed_tag(condition, pc[3]);
  } else {
    if (UNLIKELY(is_placeholder(condition))) TAIL fail_union_select(REGISTERS);
    tag = as_object(condition)->tag();
  }
  const uint32_t count = pc[4];
  const uint32_t source = pc[5 + (tag < count - 1 ? tag : count - 1)];
  const uint32_t index = source >> kSourceShift;
  // The instruction exists to avoid branches that depend on the tag. Slots and words are selected without one; only
  // captures and globals, and lists with any of them, branch.
  if (LIKELY((source & 2) == 0)) {
    const bool is_word = (source & 1) != 0;
    const Word slot = fp[is_word ? 0 : index];
    fp[pc[1]] = is_word ? index : slot;
    NEXT(5 + count);
  }
  fp[pc[1]] = source_kind(source) == Source::kCapture ? as_object(fp[kClosureSlot])->fields[1 + index]
                                                      : carrier->globals[index];
  NEXT(5 + count);
}

OP(Jump) { NEXT(pc[1]); }

/// Prepends cells to `tail`, last element first. Returns the list; moves `ap`.
Word cons(Word head, Word tail, Word*& ap, Word& placeholders) {
  if ((head & tail & 1) != 0) {
    Word packed = pack_struct(2, [&](uint32_t i) { return i == 0 ? head : tail; });
    if (packed != 0) packed = pack_union(packed, 1, 0);
    if (packed != 0) return packed;
  }
  Word* object = ap;
  ap += 3;
  object[0] = Object::make_header(ObjectKind::kStruct, 2, 0);
  object[1] = head;
  object[2] = tail;
  placeholders = placeholder_mask(head) | placeholder_mask(tail);
  return reinterpret_cast<Word>(object);
}

OP(List) {
  const uint32_t count = pc[2];
  NEED_WORDS(3 * static_cast<size_t>(count));
  Word list = kEmptyList;
  for (uint32_t i = count; i-- > 0;) {
    Word placeholders = 0;
    list = cons(fp[pc[3 + i]], list, ap, placeholders);
    if (UNLIKELY(placeholders != 0)) note_pending(carrier, reinterpret_cast<Word*>(list));
  }
  fp[pc[1]] = list;
  NEXT(3 + count);
}

/// Makes the literal's list; there is room for all of it at carrier->ap, which moves.
__attribute__((noinline)) Word build_literal(Carrier* carrier, const LiteralData& literal) {
  Word* ap = carrier->ap;
  std::vector<Word> letters;
  letters.reserve(literal.alphabet.size());
  for (const TagPath& path : literal.alphabet) {
    Word word = kUnitWord;
    for (size_t i = path.size(); i-- > 0;) {
      const unsigned width = tag_width(path[i].tag_count);
      const Word packed = is_packed(word) ? pack_union(word, width, path[i].tag) : 0;
      if (packed != 0) {
        word = packed;
        continue;
      }
      Word* object = ap;
      ap += 2;
      object[0] = Object::make_header(ObjectKind::kUnion, 1, path[i].tag);
      object[1] = word;
      word = reinterpret_cast<Word>(object);
    }
    letters.push_back(word);
  }
  Word list = kEmptyList;
  Word placeholders = 0;
  for (size_t i = literal.letters.size(); i-- > 0;) list = cons(letters[literal.letters[i]], list, ap, placeholders);
  carrier->ap = ap;
  carrier->set_global(literal.global, list);
  return list;
}

size_t literal_words(const LiteralData& literal) {
  size_t words = 3 * literal.letters.size();
  for (const TagPath& path : literal.alphabet) words += 2 * path.size();
  return words;
}

OP(Literal) {
  const LiteralData& literal = running_code(fp)->literals[pc[2]];
  Word list = carrier->globals[literal.global];
  if (UNLIKELY(list == 0)) {
    NEED_WORDS(literal_words(literal));
    publish(carrier, pc, fp, ap);
    list = build_literal(carrier, literal);
    ap = carrier->ap;
  }
  fp[pc[1]] = list;
  NEXT(3);
}

// ---- functions --------------------------------------------------------------

OP(Closure) {
  const uint32_t count = pc[3];
  NEED_WORDS(2 + static_cast<size_t>(count));
  Code* running = running_code(fp);
  const Object* closure = as_object(fp[kClosureSlot]);
  Word* object = ap;
  ap += 2 + static_cast<size_t>(count);
  object[0] = Object::make_header(ObjectKind::kClosure, 1 + count);
  object[1] = Code::from_code(running->functions[pc[2]]);
  Word placeholders = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t source = pc[4 + i];
    const Word word = (source & 1) != 0 ? closure->fields[1 + (source >> 1)] : fp[source >> 1];
    object[2 + i] = word;
    placeholders |= placeholder_mask(word);
  }
  if (UNLIKELY(placeholders != 0)) note_pending(carrier, object);
  fp[pc[1]] = reinterpret_cast<Word>(object);
  NEXT(4 + count);
}

OP(Function) {
  fp[pc[1]] = running_code(fp)->functions[pc[2]]->function_value();
  NEXT(3);
}

/// The layout of a call's operands. Calls of up to three arguments have a fixed
/// length (kFixed of them), others a list (kFixed is -1).
template <int kFixed>
struct CallOperands {
  const uint32_t* pc;

  uint32_t count() const { return kFixed < 0 ? pc[2] : static_cast<uint32_t>(kFixed); }
  const uint32_t* slots() const { return pc + (kFixed < 0 ? 3 : 2); }
  /// Returns the operands after the arguments: slot of the result, distance to the callee's frame.
  const uint32_t* rest() const { return slots() + count(); }
  const uint32_t* next() const { return rest() + 2; }
};

FBLE_HANDLER_CC void return_here(HANDLER);
extern const HandlerTable* plain;
extern const HandlerTable* counting;

/// Returns whether the caller of the running frame is glue that waits for a
/// function, to apply it to `count` arguments, and the return has no other
/// effect.
inline bool is_awaited(const Carrier* carrier, const Word* fp, uint32_t count) {
  const Code* glue = carrier->machine.glue.known_apply_rest(count);
  return glue != nullptr &&
         fp[kReturnPositionSlot] == reinterpret_cast<Word>(glue->start + GlueCode::kApplyRestPosition) &&
         fp[kReturnAddressSlot] == reinterpret_cast<Word>(&return_here);
}

/// Makes a call whose function is not a plain closure of exactly that number of
/// arguments. `value` is the function. Handles undefined functions, partial and
/// over-application.
template <bool kIsTail, int kFixed>
__attribute__((noinline)) FBLE_HANDLER_CC void call_inexact(HANDLER) {
  if (!is_pointer(value)) TAIL fail_call(REGISTERS);
  const CallOperands<kFixed> operands{pc};
  const uint32_t count = operands.count();
  const uint32_t* slots = operands.slots();
  Object* func = as_object(value);
  Code* code = closure_code(func);

  if (code->arity > count) {
    if constexpr (kIsTail) {
      // Chains of computations (monads) have this form: the caller waits for a
      // function, to apply it to the remaining arguments, and gets a partial
      // application that lacks exactly those. Then one call is made with all
      // arguments.
      const uint32_t missing = code->arity - count;
      const bool is_usual = table == plain || table == counting;
      if (is_usual && count <= 1 + kHeaderSlots && is_awaited(carrier, fp, missing)) {
        Word* frame = caller_of(fp);
        if (LIKELY(frame + code->frame_slots <= carrier->stack_limit)) {
          // The slots of this frame are above the place of the arguments.
          for (uint32_t i = missing; i-- > 0;) frame[count + i] = frame[i];
          for (uint32_t i = 0; i < count; ++i) frame[i] = fp[slots[i]];
          frame[kClosureSlot] = value;
          fp = frame;
          pc = code->start;
          TAIL code->entry(REGISTERS);
        }
      }
    }
    // A partial application of a partial application holds all arguments itself.
    const bool nested = static_cast<Op>(code->words[0]) == Op::kApplyHeld;
    const uint32_t inner = nested ? func->count() - 2 : 0;
    const uint32_t held = inner + count;
    NEED_WORDS(3 + static_cast<size_t>(held));
    Word* object = ap;
    ap += 3 + static_cast<size_t>(held);
    object[0] = Object::make_header(ObjectKind::kClosure, 2 + held);
    object[1] = Code::from_code(carrier->machine.glue.apply_held(held, code->arity - count));
    object[2] = nested ? func->fields[1] : value;
    for (uint32_t i = 0; i < inner; ++i) object[3 + i] = func->fields[2 + i];
    Word placeholders = 0;
    for (uint32_t i = 0; i < count; ++i) {
      object[3 + inner + i] = fp[slots[i]];
      placeholders |= placeholder_mask(fp[slots[i]]);
    }
    // Placeholders among the inner arguments may still be there, too.
    for (uint32_t i = 0; i < inner; ++i) placeholders |= placeholder_mask(object[3 + i]);
    if (UNLIKELY(placeholders != 0)) note_pending(carrier, object);
    value = reinterpret_cast<Word>(object);
    if constexpr (kIsTail) {
      RETURN_VALUE();
    } else {
      fp[operands.rest()[0]] = value;
      pc = operands.next();
      DISPATCH();
    }
  }

  // Over-application: a frame of glue waits for the function that the call
  // returns and then applies it to the remaining arguments.
  const uint32_t arity = code->arity;
  const uint32_t rest = count - arity;
  Code* glue = carrier->machine.glue.apply_rest(rest);
  const uint32_t glue_base = rest + 1 + kHeaderSlots;
  Word* frame = kIsTail ? fp : fp + operands.rest()[1];
  uint32_t extent = std::max(glue_base + code->frame_slots, glue->frame_slots);
  uint32_t staging = 0;
  if constexpr (kIsTail) {
    // The arguments are in slots that are about to be overwritten: they move by
    // way of free slots above both frames.
    staging = std::max(running_code(fp)->frame_slots, glue_base + arity);
    extent = std::max(extent, staging + count);
  }
  if (frame + extent > carrier->stack_limit) {
    value = static_cast<Word>(frame - fp) + extent;
    TAIL slow_stack(REGISTERS);
  }
  Word* callee = frame + glue_base;
  if constexpr (kIsTail) {
    for (uint32_t i = 0; i < count; ++i) fp[staging + i] = fp[slots[i]];
    for (uint32_t i = 0; i < rest; ++i) frame[i] = fp[staging + arity + i];
    for (uint32_t i = 0; i < arity; ++i) callee[i] = fp[staging + i];
  } else {
    for (uint32_t i = 0; i < rest; ++i) frame[i] = fp[slots[arity + i]];
    for (uint32_t i = 0; i < arity; ++i) callee[i] = fp[slots[i]];
    frame[kReturnPositionSlot] = reinterpret_cast<Word>(operands.next());
    frame[kReturnAddressSlot] = reinterpret_cast<Word>(interpreter_return());
  }
  frame[kClosureSlot] = glue->function_value();
  callee[kClosureSlot] = value;
  callee[kReturnPositionSlot] = reinterpret_cast<Word>(glue->start + GlueCode::kApplyRestPosition);
  callee[kReturnAddressSlot] = reinterpret_cast<Word>(interpreter_return());
  pc = code->start;
  fp = callee;
  TAIL code->entry(REGISTERS);
}

FBLE_HANDLER_CC void return_here(HANDLER) {
  pc = return_position(fp);
  fp -= frame_distance(pc);
  fp[result_slot(pc)] = value;
  DISPATCH();
}

enum class Callee { kSlot, kGlobal };

template <Callee kCallee>
inline Word callee_value(const uint32_t* pc, const Word* fp, const Carrier* carrier) {
  return kCallee == Callee::kGlobal ? carrier->globals[pc[1]] : fp[pc[1]];
}

/// Completes a call whose function takes exactly that number of arguments.
template <int kFixed>
__attribute__((always_inline)) inline FBLE_HANDLER_CC void push_and_enter(HANDLER) {
  const CallOperands<kFixed> operands{pc};
  const uint32_t count = operands.count();
  Code* code = closure_code(as_object(value));
  Word* callee = fp + operands.rest()[1];
  if (UNLIKELY(callee + code->frame_slots > carrier->stack_limit)) {
    value = static_cast<Word>(callee - fp) + code->frame_slots;
    TAIL slow_stack(REGISTERS);
  }
  for (uint32_t i = 0; i < count; ++i) callee[i] = fp[operands.slots()[i]];
  callee[kClosureSlot] = value;
  callee[kReturnPositionSlot] = reinterpret_cast<Word>(operands.next());
  callee[kReturnAddressSlot] = reinterpret_cast<Word>(&return_here);
  fp = callee;
  pc = code->start;
  TAIL code->entry(REGISTERS);
}

template <int kFixed>
FBLE_HANDLER_CC void call_exact(HANDLER) {
  TAIL push_and_enter<kFixed>(REGISTERS);
}

template <Callee kCallee, int kFixed>
FBLE_HANDLER_CC void call(HANDLER) {
  value = callee_value<kCallee>(pc, fp, carrier);
  if (UNLIKELY(!is_pointer(value))) TAIL call_inexact<false, kFixed>(REGISTERS);
  Code* code = closure_code(as_object(value));
  if (UNLIKELY(code->arity != CallOperands<kFixed>{pc}.count())) TAIL call_inexact<false, kFixed>(REGISTERS);
  if constexpr (kFixed >= 0) {
    if (code->direct != nullptr) TAIL code->direct(REGISTERS);
  }
  TAIL push_and_enter<kFixed>(REGISTERS);
}

/// Moves arguments down by way of the free slots after the frame: every frame
/// leaves room for its outgoing arguments.
inline void move_arguments(Word* fp, const uint32_t* slots, uint32_t count, Word* end) {
  Word* staging = end - count;
  for (uint32_t i = 0; i < count; ++i) staging[i] = fp[slots[i]];
  for (uint32_t i = 0; i < count; ++i) fp[i] = staging[i];
}

template <Callee kCallee, int kFixed>
FBLE_HANDLER_CC void tail_call(HANDLER) {
  const CallOperands<kFixed> operands{pc};
  const uint32_t count = operands.count();
  value = callee_value<kCallee>(pc, fp, carrier);
  if (UNLIKELY(!is_pointer(value))) TAIL call_inexact<true, kFixed>(REGISTERS);
  Code* code = closure_code(as_object(value));
  if (UNLIKELY(code->arity != count)) TAIL call_inexact<true, kFixed>(REGISTERS);
  if (UNLIKELY(fp + code->frame_slots > carrier->stack_limit)) {
    value = code->frame_slots;
    TAIL slow_stack(REGISTERS);
  }
  if constexpr (kFixed < 0) {
    move_arguments(fp, operands.slots(), count, fp + running_code(fp)->frame_slots);
  } else {
    // Not an array: a handler's frame must hold no object with an address.
    const uint32_t* slots = operands.slots();
    const Word arg0 = fp[slots[0]];
    const Word arg1 = kFixed > 1 ? fp[slots[1]] : 0;
    const Word arg2 = kFixed > 2 ? fp[slots[2]] : 0;
    fp[0] = arg0;
    if constexpr (kFixed > 1) fp[1] = arg1;
    if constexpr (kFixed > 2) fp[2] = arg2;
  }
  fp[kClosureSlot] = value;
  pc = code->start;
  TAIL code->entry(REGISTERS);
}

constexpr Handler op_Call = call<Callee::kSlot, -1>;
constexpr Handler op_Call1 = call<Callee::kSlot, 1>;
constexpr Handler op_Call2 = call<Callee::kSlot, 2>;
constexpr Handler op_Call3 = call<Callee::kSlot, 3>;
constexpr Handler op_CallGlobal = call<Callee::kGlobal, -1>;
constexpr Handler op_CallGlobal1 = call<Callee::kGlobal, 1>;
constexpr Handler op_CallGlobal2 = call<Callee::kGlobal, 2>;
constexpr Handler op_CallGlobal3 = call<Callee::kGlobal, 3>;
constexpr Handler op_TailCall = tail_call<Callee::kSlot, -1>;
constexpr Handler op_TailCall1 = tail_call<Callee::kSlot, 1>;
constexpr Handler op_TailCall2 = tail_call<Callee::kSlot, 2>;
constexpr Handler op_TailCall3 = tail_call<Callee::kSlot, 3>;
constexpr Handler op_TailCallGlobal = tail_call<Callee::kGlobal, -1>;
constexpr Handler op_TailCallGlobal1 = tail_call<Callee::kGlobal, 1>;
constexpr Handler op_TailCallGlobal2 = tail_call<Callee::kGlobal, 2>;
constexpr Handler op_TailCallGlobal3 = tail_call<Callee::kGlobal, 3>;

OP(Return) {
  value = fp[pc[1]];
  if (LIKELY(fp[kReturnAddressSlot] == reinterpret_cast<Word>(&return_here))) {
    // Does the same as a jump there.
    pc = return_position(fp);
    fp -= frame_distance(pc);
    fp[result_slot(pc)] = value;
    DISPATCH();
  }
  RETURN_VALUE();
}

OP(ApplyHeld) {
  const Object* held = as_object(fp[kClosureSlot]);
  const uint32_t held_count = held->count() - 2;
  const Word func = held->fields[1];
  Code* code = closure_code(as_object(func));
  if (UNLIKELY(fp + code->frame_slots > carrier->stack_limit)) {
    value = code->frame_slots;
    TAIL slow_stack(REGISTERS);
  }
  const uint32_t fresh = code->arity - held_count;
  for (uint32_t i = fresh; i-- > 0;) fp[held_count + i] = fp[i];
  for (uint32_t i = 0; i < held_count; ++i) fp[i] = held->fields[2 + i];
  fp[kClosureSlot] = func;
  pc = code->start;
  TAIL code->entry(REGISTERS);
}

/// Runs C++; what it allocates moves carrier->ap, even if it fails. Not inlined: a
/// local object with an address has no place in a handler's frame.
__attribute__((noinline)) Word run_native(Carrier* carrier, Word* fp, Word* ap, NativeBody body) {
  NativeCall call(*carrier, fp, ap);
  Word result = 0;
  if (LIKELY(!interrupt_requested())) result = body(call);
  carrier->ap = call.allocation_pointer();
  // The result of a native that was interrupted is not used, and its error is only the consequence. If its thread
  // waits, the scheduler handles the interrupt.
  if (UNLIKELY(interrupt_requested()) && result != kParked) {
    end_interrupted(carrier);
    return 0;
  }
  return result;
}

/// Continues at the carrier's position: see resume_interpreter.
FBLE_HANDLER_CC void resume(HANDLER) {
  pc = carrier->pc;
  fp = carrier->fp;
  ap = carrier->ap;
  value = carrier->value;
  carrier->value = 0;
  if (value != 0) RETURN_VALUE();
  // This is the plain handler: the profile has counted a native that runs again.
  TAIL handler_of(static_cast<Op>(*pc))(REGISTERS);
}

/// Leaves a native without a result: its thread waits, or has an error.
__attribute__((noinline)) FBLE_HANDLER_CC void leave_native(HANDLER) {
  if (value == 0 || !carrier->machine.scheduler.switch_threads(*carrier)) return;
  TAIL resume(REGISTERS);
}

OP(NativeBody) {
  publish(carrier, pc, fp, ap);
  value = run_native(carrier, fp, ap, running_code(fp)->native);
  if (UNLIKELY(value <= kParked)) TAIL leave_native(REGISTERS);
  ap = carrier->ap;
  RETURN_VALUE();
}

OP(Halt) {
  publish(carrier, pc, fp, ap);
  carrier->value = fp[pc[1]];
  if (LIKELY(carrier->current == &carrier->machine.main) || !carrier->machine.scheduler.finish(*carrier)) return;
  TAIL resume(REGISTERS);
}

COLD show_frames(HANDLER) {
  const DeoptPoint& point = carrier->machine.program.deopt_points[pc[1]];
  if (point.options.force) {
    publish(carrier, pc, fp, ap);
    carrier->machine.observer->look(*carrier, point);
    ap = carrier->ap;
  }
  NEXT(2);
}

/// Deopt points act in machine code (interp/deopt_point.h). The interpreter only shows frames and counts.
OP(DeoptPoint) {
  ++carrier->machine.deopt_point_passes[pc[1]];
  if (UNLIKELY(carrier->machine.observer != nullptr)) TAIL show_frames(REGISTERS);
  NEXT(2);
}

// ---- recursive values, natives ----------------------------------------------

OP(Declare) {
  publish(carrier, pc, fp, ap);
  carrier->groups.declare(pc[1], fp + pc[2]);
  carrier->machine_stack_limit = nullptr;
  NEXT(3);
}

COLD fail_vacuous(HANDLER) {
  publish(carrier, pc, fp, ap);
  const Code* code = running_code(fp);
  raise_at(carrier, code->loc_at(static_cast<uint32_t>(pc + value - code->start)), "vacuous value");
}

OP(Define) {
  publish(carrier, pc, fp, ap);
  const uint32_t count = pc[1];
  const int vacuous =
      carrier->groups.define(count, fp + pc[2], pc + 3, fp, carrier->machine.globals, carrier->machine.heap);
  if (UNLIKELY(vacuous >= 0)) {
    value = 3 + static_cast<Word>(vacuous);
    TAIL fail_vacuous(REGISTERS);
  }
  if (!carrier->groups.any_open()) carrier->machine_stack_limit = carrier->stack_limit;
  NEXT(3 + count);
}

COLD fail_foreign(HANDLER) {
  publish(carrier, pc, fp, ap);
  raise_at(carrier, running_code(fp)->foreigns[pc[2]].loc, "foreign value not found");
}

OP(Foreign) {
  const ForeignRef& ref = running_code(fp)->foreigns[pc[2]];
  const NativeRow* row = carrier->machine.natives.find(ref.module, ref.name);
  if (UNLIKELY(row == nullptr)) TAIL fail_foreign(REGISTERS);
  if (row->arity == 0) {
    publish(carrier, pc, fp, ap);
    value = run_native(carrier, fp, ap, row->body);
    if (UNLIKELY(value == 0)) return;
    ap = carrier->ap;
    fp[pc[1]] = value;
  } else {
    fp[pc[1]] = carrier->machine.glue.native(ref, *row)->function_value();
  }
  NEXT(3);
}

/// The return address of the frame at the watermark: see interp/call_stack.h.
FBLE_HANDLER_CC void return_through_watermark(HANDLER) {
  const Handler real = carrier->current->stack->return_through_watermark();
  TAIL real(REGISTERS);
}

constexpr HandlerTable kPortableHandlers = {.handlers{
#define FBLE_OP(Name, text, operands, effects, doc) op_##Name,
#include "interp/opcodes.def"
#undef FBLE_OP
}};

constexpr HandlerTable kBmiHandlers = {.handlers{
#define FBLE_OP(Name, text, operands, effects, doc) \
  kBmiTwin<Op::k##Name> != nullptr ? kBmiTwin<Op::k##Name> : op_##Name,
#include "interp/opcodes.def"
#undef FBLE_OP
}};

COLD begin_counts(HANDLER) {
  carrier->machine.counts->begin(*running_code(fp));
  DISPATCH();
}

/// The entry of an opcode, whose handler is kPlain, in the table for runs that are counted.
template <Handler kPlain>
FBLE_HANDLER_CC void run_counted(HANDLER) {
  const Code* code = running_code(fp);
  if (UNLIKELY(code->counts == nullptr)) TAIL begin_counts(REGISTERS);
  ++code->counts[pc - code->start];
  TAIL kPlain(REGISTERS);
}

// Halt is not counted: it is in glue, and no code runs when C++ stops a run.
constexpr HandlerTable kPortableCountingHandlers = {.handlers{
#define FBLE_OP(Name, text, operands, effects, doc) Op::k##Name == Op::kHalt ? op_Halt : run_counted<op_##Name>,
#include "interp/opcodes.def"
#undef FBLE_OP
}};

constexpr HandlerTable kBmiCountingHandlers = {.handlers{
#define FBLE_OP(Name, text, operands, effects, doc) \
  Op::k##Name == Op::kHalt ? op_Halt                \
                           : run_counted<kBmiTwin<Op::k##Name> != nullptr ? kBmiTwin<Op::k##Name> : op_##Name>,
#include "interp/opcodes.def"
#undef FBLE_OP
}};

/// The tables of runs that are neither observed nor recorded. They run on every processor until choose_handlers has
/// looked at this one.
constinit const HandlerTable* plain = &kPortableHandlers;
constinit const HandlerTable* counting = &kPortableCountingHandlers;
[[maybe_unused]] const bool kChosen = (choose_handlers(cpu_extensions()), true);

__attribute__((noinline)) void observe_step(Carrier* carrier, const uint32_t* pc, Word* fp) {
  carrier->machine.steps->step(carrier->globals, pc, fp, static_cast<size_t>(fp - carrier->current->stack->base()));
}

/// The entry of every opcode in the table for observers (interp/step_observer.h).
FBLE_HANDLER_CC void run_observed(HANDLER) {
  observe_step(carrier, pc, fp);
  TAIL plain->handlers[*pc](REGISTERS);
}

/// The entry of code while instructions are observed. It dispatches by the table, so the first instruction is observed,
/// too.
FBLE_HANDLER_CC void enter_by_table(HANDLER) { DISPATCH(); }

constexpr HandlerTable kObservingHandlers = {.handlers{
#define FBLE_OP(Name, text, operands, effects, doc) run_observed,
#include "interp/opcodes.def"
#undef FBLE_OP
}};

// ---- hot code ---------------------------------------------------------------

/// The entry of code that machine code may call, too: callers there leave the
/// check of the stack to the callee.
FBLE_HANDLER_CC void enter_checked(HANDLER) {
  const Code* code = running_code(fp);
  pc = code->start;
  if (UNLIKELY(fp + code->frame_slots > carrier->stack_limit)) {
    value = code->frame_slots;
    TAIL slow_entry(REGISTERS);
  }
  DISPATCH();
}

COLD enter_hot(HANDLER) {
  publish(carrier, pc, fp, ap);
  carrier->machine.engine->on_hot_function(*carrier, *running_code(fp));
  ap = carrier->ap;
  table = carrier->table;
  DISPATCH();
}

/// The same entry for code that is counted until it is hot.
FBLE_HANDLER_CC void enter_counted(HANDLER) {
  Code* code = running_code(fp);
  pc = code->start;
  if (UNLIKELY(fp + code->frame_slots > carrier->stack_limit)) {
    value = code->frame_slots;
    TAIL slow_entry(REGISTERS);
  }
  if (UNLIKELY(--code->hotness == 0)) TAIL enter_hot(REGISTERS);
  DISPATCH();
}

__attribute__((noinline)) void recording_step(Carrier* carrier, const uint32_t* pc, Word* fp, Word* ap) {
  publish(carrier, pc, fp, ap);
  InstructionCounts* const counts = carrier->machine.counts.get();
  if (counts != nullptr && static_cast<Op>(*pc) != Op::kHalt) counts->add(code_of_frame(fp), pc, 1);
  carrier->machine.engine->on_step(*carrier);
}

/// The entry of every opcode in the table for recordings.
FBLE_HANDLER_CC void run_recorded(HANDLER) {
  recording_step(carrier, pc, fp, ap);
  // The recorder may have moved past a call whose result is remembered, or past a select of which it has recorded the
  // arms.
  pc = carrier->pc;
  fp = carrier->fp;
  ap = carrier->ap;
  table = carrier->table;
  TAIL plain->handlers[*pc](REGISTERS);
}

constexpr HandlerTable kRecordingHandlers = {.handlers{
#define FBLE_OP(Name, text, operands, effects, doc) run_recorded,
#include "interp/opcodes.def"
#undef FBLE_OP
}};

/// Returns whether the instruction in the frame belongs to the whole step that is under way.
bool is_in_whole_step(SteppedRun& run, const uint32_t* pc, const Word* fp) {
  if (run.calls) {
    run.calls = false;
    run.callee = fp;
  }
  if (run.callee != nullptr) return fp >= run.callee;
  if (run.end == nullptr) return false;
  return fp > run.frame || (fp == run.frame && pc != run.end && *pc != static_cast<uint32_t>(Op::kReturn));
}

/// Counts the instruction in the frame, which is about to run. Returns false if the run must stop before it.
__attribute__((noinline)) bool count_step(Carrier* carrier, const uint32_t* pc, const Word* fp) {
  SteppedRun& run = carrier->stepped;
  if (is_in_whole_step(run, pc, fp)) return true;
  run.callee = nullptr;
  run.end = nullptr;
  if (run.steps_to_go-- == 0) return false;
  if (!run.whole_steps.empty() && run.whole_steps.front().number == run.steps_done) {
    run.end = run.whole_steps.front().end;
    run.frame = fp;
    run.calls = run.end == nullptr;
    run.whole_steps = run.whole_steps.subspan(1);
  }
  ++run.steps_done;
  return true;
}

/// The entry of every opcode in the table that runs a given number of instructions.
FBLE_HANDLER_CC void run_stepped(HANDLER) {
  if (!count_step(carrier, pc, fp)) {
    publish(carrier, pc, fp, ap);
    return;
  }
  TAIL plain->handlers[*pc](REGISTERS);
}

constexpr HandlerTable kSteppingHandlers = {.handlers{
#define FBLE_OP(Name, text, operands, effects, doc) run_stepped,
#include "interp/opcodes.def"
#undef FBLE_OP
}};

/// The entry of an intrinsic while instructions are counted. Rehearsals, which step, are no part of the program.
FBLE_HANDLER_CC void enter_counted_intrinsic(HANDLER) {
  Code* const code = running_code(fp);
  if (LIKELY(table != &kSteppingHandlers)) carrier->machine.counts->add(*code, code->start, 1);
  TAIL intrinsic_entry(code->intrinsic)(REGISTERS);
}

}  // namespace

FBLE_HANDLER_CC void native_call_entry(HANDLER) {
  Code* code = running_code(fp);
  if (UNLIKELY(--code->hotness == 0)) TAIL enter_hot(REGISTERS);
  TAIL code->entry(REGISTERS);
}

const uint32_t* stop_position() {
  static constexpr uint32_t kStop[] = {static_cast<uint32_t>(Op::kHalt), 0};
  return kStop;
}
Word* stop_frame() {
  static thread_local Word frame[1];
  frame[0] = 0;
  return frame;
}

Handler exact_call(uint32_t arity) { return arity == 1 ? call_exact<1> : arity == 2 ? call_exact<2> : call_exact<3>; }

void choose_handlers(const CpuExtensions& present) {
  const bool has_bmi = present.bmi1 && present.bmi2 && present.lzcnt;
  plain = has_bmi ? &kBmiHandlers : &kPortableHandlers;
  counting = has_bmi ? &kBmiCountingHandlers : &kPortableCountingHandlers;
}
const HandlerTable& plain_handlers() { return *plain; }
const HandlerTable& usual_handlers(const MachineState& machine) {
  if (machine.steps != nullptr) return kObservingHandlers;
  return machine.counts != nullptr ? *counting : *plain;
}
const HandlerTable& recording_handlers() { return kRecordingHandlers; }
const HandlerTable& stepping_handlers() { return kSteppingHandlers; }
Handler checked_entry() { return &enter_checked; }
Handler counted_entry() { return &enter_counted; }

Handler interpreter_return() { return &return_here; }
Handler watermark_return() { return &return_through_watermark; }
Handler handler_of(Op op) { return plain->handlers[static_cast<size_t>(op)]; }

Handler entry_by_table() { return &enter_by_table; }
Handler counted_intrinsic_entry() { return &enter_counted_intrinsic; }

void run_steps(Carrier& carrier) {
  const HandlerTable* table = carrier.table = &kSteppingHandlers;
  enter_handler(table->handlers[*carrier.pc], carrier.pc, carrier.fp, carrier, carrier.ap, 0);
}

void resume_interpreter(Carrier& carrier) {
  carrier.table = &usual_handlers(carrier.machine);
  enter_handler(&resume, carrier.pc, carrier.fp, carrier, carrier.ap, 0);
}

void enter_interpreter(Carrier& carrier, const uint32_t* pc, Word* fp) {
  const HandlerTable* table = carrier.table = &usual_handlers(carrier.machine);
  enter_handler(table->handlers[*pc], pc, fp, carrier, carrier.ap, 0);
}

}  // namespace fble
