#include "interp/foreign.h"

#include "interp/carrier.h"
#include "interp/make_struct.h"

namespace fble {

void NativeTable::add(std::span<const NativeRow> rows) {
  for (const NativeRow& row : rows) rows_[std::string(row.module) + row.name] = row;
}

const NativeRow* NativeTable::find(std::string_view module, std::string_view name) const {
  auto row = rows_.find(std::string(module) + std::string(name));
  return row == rows_.end() ? nullptr : &row->second;
}

MachineState& NativeCall::machine() const { return carrier_.machine; }
VirtualThread& NativeCall::thread() const { return *carrier_.current; }
const uint32_t* NativeCall::pc() const { return carrier_.pc; }
const Word* NativeCall::fp() const { return carrier_.fp; }
IntForm NativeCall::int_form() const { return carrier_.machine.int_form; }

bool NativeCall::has_room(size_t words) const { return ap_ + words <= carrier_.alloc_limit; }

bool NativeCall::reserve(size_t words) {
  if (has_room(words)) return true;
  if (mode_ == Mode::kTrial) return false;
  Carrier& carrier = carrier_;
  carrier.ap = ap_;
  const Word* const limit = carrier.machine.heap.limit();
  // Only the sampler may have lowered the limit.
  const bool has_room = carrier.machine.allocations != nullptr && !carrier.is_asked() && ap_ + words <= limit;
  const bool made = has_room || carrier.make_room(words);
  if (made) carrier.note_allocation(words);
  ap_ = carrier.ap;
  return made;
}

bool NativeCall::charge(size_t bytes) {
  Heap& heap = carrier_.machine.heap;
  const size_t limit = heap.options().max_bytes;
  if (limit == 0 || bytes <= limit) {
    heap.hold(bytes);
    charged_bytes_ += bytes;
    if (heap.is_within_limit(carrier_)) return true;
    if (mode_ == Mode::kTrial) return false;
    collect_all();
    if (heap.is_within_limit(carrier_)) return true;
  }
  fail_out_of_memory(Carrier::kHeapIsFull);
  return false;
}

void NativeCall::release_charge() { carrier_.machine.heap.release(charged_bytes_); }

void NativeCall::collect_all() {
  carrier_.ap = ap_;
  carrier_.collect_all();
  ap_ = carrier_.ap;
}

Word NativeCall::make_union(uint32_t tag, uint32_t tag_count, Word arg) {
  if (is_packed(arg)) {
    const Word packed = pack_union(arg, tag_width(tag_count), tag);
    if (packed != 0) return packed;
  }
  Word* object = take(object_words(1));
  object[0] = Object::make_header(ObjectKind::kUnion, 1, tag);
  object[1] = arg;
  if (is_placeholder(arg)) carrier_.groups.note(reinterpret_cast<Object*>(object));
  return reinterpret_cast<Word>(object);
}

/// The place where a call makes structs: the words that it has reserved.
struct NativeCall::Sink {
  NativeCall& call;
  uint32_t union_tag = 0;
  uint32_t tag_count = 1;

  uint32_t tag() const { return union_tag; }
  unsigned width() const { return tag_width(tag_count); }
  template <typename Fields>
  Word pack(uint32_t count, const Fields& fields) const {
    return pack_struct(count, fields);
  }
  Word* take(size_t words) const { return call.take(words); }
  void note(Object* object) const { call.carrier_.groups.note(object); }
};

Word NativeCall::make_struct(std::span<const Word> fields) {
  const uint32_t count = static_cast<uint32_t>(fields.size());
  return make_struct_value<false>(count, [&](uint32_t i) { return fields[i]; }, Sink{*this});
}

Word NativeCall::make_union_struct(uint32_t tag, uint32_t tag_count, std::span<const Word> fields) {
  const uint32_t count = static_cast<uint32_t>(fields.size());
  return make_struct_value<true>(count, [&](uint32_t i) { return fields[i]; }, Sink{*this, tag, tag_count});
}

Word NativeCall::make_cons_of_any(Word head, Word tail) {
  if (is_packed(head & tail)) {
    // Only the end of a list may be packed: pack_union of pack_struct, in one step.
    const unsigned head_bits = packed_bits(head);
    if (1 + kOffsetBits + head_bits + packed_bits(tail) <= kMaxPackedBits) {
      const Word content = (tail >> 1 << head_bits) | ((head >> 1) ^ (Word{1} << head_bits));
      return (content << (2 + kOffsetBits)) | (static_cast<Word>(head_bits) << 2) | 1;
    }
  } else if (placeholder_mask(head) != 0 || placeholder_mask(tail) != 0) {
    const Word fields[] = {head, tail};
    return make_union_struct(0, 2, fields);
  }
  Word* object = take(object_words(2));
  object[0] = Object::make_header(ObjectKind::kStruct, 2, 0);
  object[1] = head;
  object[2] = tail;
  return reinterpret_cast<Word>(object);
}

Word NativeCall::make_bytes(uint32_t tag, uint32_t count) {
  Word* object = take(object_words(count));
  object[0] = Object::make_header(ObjectKind::kBytes, count, tag);
  return reinterpret_cast<Word>(object);
}

Word NativeCall::make_handle(NativeResource* resource, uint32_t tag) {
  Word* object = take(object_words(1));
  object[0] = Object::make_header(ObjectKind::kNative, 1, tag);
  object[1] = reinterpret_cast<Word>(resource);
  carrier_.machine.heap.register_native(reinterpret_cast<Object*>(object));
  return reinterpret_cast<Word>(object);
}

Word NativeCall::fail(const std::string& message) {
  if (mode_ == Mode::kFinal) carrier_.raise(message);
  return 0;
}

Word NativeCall::fail_out_of_memory(const char* message) {
  if (mode_ == Mode::kFinal) carrier_.raise_out_of_memory(message);
  return 0;
}

Word NativeCall::fail_output(const std::string& message) {
  fail(message);
  carrier_.error.output_failed = true;
  return 0;
}

Word NativeCall::fail_undefined() { return fail("undefined value passed to native code"); }

}  // namespace fble
