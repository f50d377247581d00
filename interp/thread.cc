#include "interp/thread.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "interp/engine_hooks.h"
#include "interp/intrinsics.h"
#include "interp/profile.h"

namespace fble {

namespace {

/// Room above the stack limit: small frames of glue and deoptimisation need no check.
constexpr size_t kGuardSlots = 256;

/// The stack grows by so much between collections.
constexpr size_t kStackStepSlots = 128 * 1024;

/// So much unused stack is kept, and so much is given back in one collection, if anything.
constexpr size_t kKeptStackBytes = size_t{8} << 20;
constexpr size_t kFewestGivenBackBytes = size_t{64} << 10;
constexpr size_t kMostGivenBackBytes = size_t{4} << 20;
/// Of what is kept because it was wanted again, a part is forgotten at each collection while little of it is in use.
constexpr size_t kForgetStackPart = 65536;

/// Frames that are visited slot by slot, so many at most that they stay in the cache.
constexpr size_t kMostInColumn = 256;

/// Lines of an error trace that are kept at its inner and outer end.
constexpr size_t kInnerLines = 100;
constexpr size_t kOuterLines = 20;

std::atomic<bool> interrupt_pending{false};

const uint32_t* return_position(const Word* fp) { return reinterpret_cast<const uint32_t*>(fp[kReturnPositionSlot]); }

Code& code_of_frame(const Word* fp) { return *closure_code(as_object(fp[kClosureSlot])); }

/// Whoever reads a slot that liveness calls dead shall notice.
void spoil_dead_slots(Word* frame, size_t end, const std::vector<uint32_t>& live) {
  auto next = live.begin();
  for (size_t slot = 0; slot < end; ++slot) {
    if (next != live.end() && *next == slot) {
      ++next;
    } else {
      frame[slot] = 0xdeaddeaddeadde00;
    }
  }
}

}  // namespace

Thread::Thread(ProgramCode& program_code, const NativeTable& native_table, const MachineOptions& options)
    : heap(options.heap), profile(options.profile), program(program_code), natives(native_table) {
  global_words.resize(program.global_count);
  mark_passes.resize(program.marks.size());
  globals = global_words.data();
  size_t bytes = options.stack_bytes;
  if (options.heap.max_bytes != 0) bytes = std::min(bytes, options.heap.max_bytes + kGuardSlots * sizeof(Word));
  bytes = std::max<size_t>(bytes, 64 * 1024);
  // The native stack grows down from below the call stack. Each call takes three words of the one
  // at least, and one of the other.
  constexpr size_t kNativeRoom = size_t{8} << 20;
  stacks = MAP_FAILED;
  for (; bytes >= 64 * 1024; bytes /= 2) {
    const size_t native_bytes = (bytes / 3 + kNativeRoom) / 4096 * 4096;
    stacks_bytes = native_bytes + bytes;
    stacks = mmap(nullptr, stacks_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stacks == MAP_FAILED) continue;
    native_stack_begin = static_cast<char*>(stacks) + native_bytes;
    break;
  }
  if (stacks == MAP_FAILED) throw std::runtime_error("cannot reserve memory for the call stack");
  stack_base = static_cast<Word*>(native_stack_begin);
  real_stack_limit = stack_base + bytes / sizeof(Word) - kGuardSlots;
  stack_high_water = stack_base;
  ap = heap.nursery_start();
  raise_soft_stack_limit(stack_base);
  find_int_form();
  if (profile != nullptr) {
    for (Code& code : program.codes) code.entry = entry_by_table();
  }
}

Thread::~Thread() {
  if (stack_base != nullptr) munmap(stacks, stacks_bytes);
}

void Thread::raise_soft_stack_limit(const Word* top) {
  const size_t room = static_cast<size_t>(real_stack_limit - top);
  soft_stack_limit = stack_base + (top - stack_base) + std::min(room, kStackStepSlots);
  restore_limits();
}

void Thread::request(Attention reason) {
  if (reason == Attention::kInterrupt) {
    interrupt_pending.store(true);
    attention.store(static_cast<int>(reason));
  } else {
    // Nothing that has been asked for is forgotten.
    int none = 0;
    attention.compare_exchange_strong(none, static_cast<int>(reason));
  }
  // Plain stores of a word; the running code compares with them at its next poll.
  *const_cast<Word* volatile*>(&alloc_limit) = nullptr;
  *const_cast<Word* volatile*>(&stack_limit) = nullptr;
  *const_cast<Word* volatile*>(&machine_stack_limit) = nullptr;
}

size_t Thread::stack_bytes() const { return fp == nullptr ? 0 : static_cast<size_t>(fp - stack_base) * sizeof(Word); }

void Thread::report_roots(Collector& collector, bool minor) {
  if (!minor || !dirty_globals.empty()) {
    if (minor) {
      for (uint32_t index : dirty_globals) collector.visit(globals[index]);
    } else {
      for (Word& word : global_words) {
        if (word != 0) collector.visit(word);  // 0: not yet defined
      }
    }
  }
  dirty_globals.clear();
  collector.visit_range(kept.data(), kept.size());
  collector.visit_range(exit_roots.data(), exit_roots.size());
  for (std::vector<Word>* words : more_roots) collector.visit_range(words->data(), words->size());
  if (value != 0) collector.visit(value);
  for (Pending& entry : pending) {
    if (entry.object == nullptr) continue;
    Word word = from_object(entry.object);
    collector.visit(word);
    entry.object = as_object(word);
  }
  if (!minor || fp == nullptr) return;

  // The running frame and those above the watermark.
  visit_running_frame(collector);
  size_t unlimited = SIZE_MAX;
  visit_callers(collector, fp, watermark_fp, unlimited);
  // If frames have returned to below what was left to mark, they were visited just now.
  if (unmarked_fp != nullptr) unmarked_fp = std::min(unmarked_fp, watermark_fp == nullptr ? stack_base : watermark_fp);
  roots_are_old();
}

/// Moves the watermark up to the running frame.
void Thread::roots_are_old() {
  if (fp == nullptr) return;
  if (watermark_fp != nullptr) {
    watermark_fp[kReturnAddressSlot] = reinterpret_cast<Word>(watermark_return_address);
    watermark_fp = nullptr;
  }
  if (return_position(fp) != nullptr) {
    watermark_fp = fp;
    watermark_return_address = reinterpret_cast<Handler>(fp[kReturnAddressSlot]);
    fp[kReturnAddressSlot] = reinterpret_cast<Word>(watermark_return());
  }
  give_back_stack();
  raise_soft_stack_limit(fp);
}

/// The slots of a frame that waits at a position and hold values: those that are live, but for the one that the
/// result goes to.
const std::vector<int>& Thread::waiting_slots(Word* frame, const uint32_t* position) {
  WaitingSlots& known =
      waiting_slots_[reinterpret_cast<uintptr_t>(position) / sizeof(uint32_t) % waiting_slots_.size()];
  if (known.position != position) {
    known.position = position;
    known.slots.clear();
    const int result_slot = static_cast<int>(position[-2]);
    for (uint32_t slot : live_slots(code_of_frame(frame), position)) {
      if (static_cast<int>(slot) != result_slot) known.slots.push_back(static_cast<int>(slot));
    }
  }
  return known.slots;
}

void Thread::visit_running_frame(Collector& collector) {
  const std::vector<uint32_t>& live = live_slots(code_of_frame(fp), pc);
  if (heap.options().verify) spoil_dead_slots(fp, code_of_frame(fp).frame_slots, live);
  for (uint32_t slot : live) collector.visit(fp[slot]);
  collector.visit(fp[kClosureSlot]);
}

/// Visits the callers of a frame, down to `last` or the bottom of the stack, but up to `count` only, from which it
/// subtracts them. Returns the lowest frame visited.
Word* Thread::visit_callers(Collector& collector, Word* frame, const Word* last, size_t& count) {
  while (count > 0 && frame != last) {
    const uint32_t* const position = return_position(frame);
    if (position == nullptr) break;
    // In a recursion frames that wait at the same position lie side by side: a column of them is visited slot by slot.
    const ptrdiff_t distance = static_cast<ptrdiff_t>(position[-1]);
    const Word* const furthest =
        std::max<const Word*>(last, frame - distance * static_cast<ptrdiff_t>(std::min(count, kMostInColumn)));
    Word& closure = frame[kClosureSlot - distance];
    Word differences = 0;
    Word* end = frame;
    do {
      end -= distance;
      differences |= end[kClosureSlot] ^ closure;
    } while (end > furthest && return_position(end) == position);
    count -= static_cast<size_t>((frame - end) / distance);
    if (heap.options().verify) {
      for (Word* at = frame; at != end;) {
        at -= distance;
        spoil_dead_slots(at, position[-1] - kHeaderSlots, live_slots(code_of_frame(at), position));
      }
    }
    auto visit_column = [&](int slot) {
      Word known = 0;  // what was visited is not visited again at once
      for (Word *at = frame + slot, *const top = end + slot; at != top;) {
        at -= distance;
        if (!is_pointer(*at) || *at == known) continue;
        collector.visit(*at);
        known = *at;
      }
    };
    for (const int slot : waiting_slots(frame - distance, position)) visit_column(slot);
    const Word common = closure;
    collector.visit(closure);
    if (differences != 0 || closure != common) visit_column(kClosureSlot);
    frame = end;
  }
  return frame;
}

void Thread::begin_frames(Collector& collector) {
  unmarked_fp = fp;
  if (fp != nullptr) visit_running_frame(collector);
}

bool Thread::report_frames(Collector& collector, size_t count) {
  // The callers of unmarked_fp are below the watermark: they hold old pointers
  // only and wait for a result.
  if (unmarked_fp != nullptr && unmarked_fp > stack_base) {
    unmarked_fp = visit_callers(collector, unmarked_fp, stack_base, count);
    if (count == 0 && unmarked_fp > stack_base && return_position(unmarked_fp) != nullptr) return false;
  }
  unmarked_fp = nullptr;
  return true;
}

/// Gives back the pages of a recursion that has ended, from its end. A part of
/// them in one collection: freeing a page takes its time, and the next recursion
/// may be as deep. When one has been, what it used is kept for as long as that goes on.
void Thread::give_back_stack() {
  Word* const top = fp + code_of_frame(fp).frame_slots;
  const size_t used = static_cast<size_t>(top - stack_base);
  if (top > stack_high_water) {
    if (stack_high_water < stack_given_back_end) wanted_stack_slots = std::max(wanted_stack_slots, used);
    stack_high_water = top;
  } else if (used < wanted_stack_slots / 2) {
    wanted_stack_slots -= wanted_stack_slots / kForgetStackPart;
  }
  const Word* const kept_end = stack_base + std::max(used + kKeptStackBytes / sizeof(Word), wanted_stack_slots);
  if (stack_high_water <= kept_end) return;
  const size_t unused = static_cast<size_t>(stack_high_water - kept_end) * sizeof(Word);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t bytes = std::min(unused / 16, kMostGivenBackBytes) / page * page;
  if (bytes < kFewestGivenBackBytes) return;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(stack_high_water) + page - 1) / page * page;
  madvise(reinterpret_cast<void*>(end - bytes), bytes, MADV_DONTNEED);
  stack_given_back_end = std::max(stack_given_back_end, reinterpret_cast<Word*>(end));
  stack_high_water = reinterpret_cast<Word*>(end - bytes);
}

bool Thread::make_room(size_t words) {
  if (no_collections) return false;
  Word* room = heap.make_room(ap, words, *this);
  ap = room != nullptr ? room : heap.nursery_start();
  restore_limits();
  if (room == nullptr) raise_out_of_memory("out of memory: the heap has reached its limit");
  return room != nullptr;
}

void Thread::set_global(uint32_t index, Word word) {
  globals[index] = word;
  if (is_pointer(word)) dirty_globals.push_back(index);
  if (is_placeholder(word)) pending.push_back({nullptr, index});
}

int Thread::define_group(uint32_t count, Word* slots, const uint32_t* value_slots, Word* frame) {
  const uint64_t first = next_placeholder - count;
  auto in_group = [&](Word word) { return is_placeholder(word) && placeholder_id(word) >= first; };
  // A definition may be a variable of the group: follow the chain to a value.
  // A chain longer than the group is a cycle.
  std::vector<Word> values(count);
  for (uint32_t i = 0; i < count; ++i) {
    Word word = frame[value_slots[i]];
    for (uint32_t steps = 0; in_group(word); ++steps) {
      if (steps > count) return static_cast<int>(i);
      word = frame[value_slots[placeholder_id(word) - first]];
    }
    values[i] = word;
  }
  const size_t mark = group_marks.back();
  group_marks.pop_back();
  size_t keep = mark;
  for (size_t at = mark; at < pending.size(); ++at) {
    const Pending entry = pending[at];
    bool still_pending = false;
    auto patch = [&](Word& word) {
      // A promise becomes the field, which may be a variable of the group again.
      while (in_group(word)) {
        const Word value = values[placeholder_id(word) - first];
        if (!is_promise(word)) {
          word = value;
        } else if (is_placeholder(value)) {
          word = value | promise_bits(promised_index(word), promised_count(word));
        } else {
          word = struct_field(value, promised_index(word), promised_count(word));
        }
      }
      still_pending |= is_placeholder(word);
    };
    if (entry.object == nullptr) {
      patch(globals[entry.global]);
      if (is_pointer(globals[entry.global])) dirty_globals.push_back(entry.global);
    } else {
      for (uint32_t i = entry.object->first_value(); i < entry.object->count(); ++i) patch(entry.object->fields[i]);
      heap.remember(entry.object);
    }
    if (still_pending) pending[keep++] = entry;
  }
  pending.resize(keep);
  next_placeholder = first;
  for (uint32_t i = 0; i < count; ++i) slots[i] = values[i];
  return -1;
}

// ---- glue -------------------------------------------------------------------

Code* Thread::make_apply_held_code(uint32_t held, uint32_t rest) {
  Code*& known = all_apply_held_[{held, rest}];
  if (known == nullptr) {
    Code& code = glue_.emplace_back();
    code.words = {static_cast<uint32_t>(Op::kApplyHeld)};
    code.arity = rest;
    code.frame_slots = held + rest + kHeaderSlots;
    code.capture_count = 1 + held;
    code.is_glue = true;
    finish_code(code);
    known = &code;
    if (held < kGlueSizes && rest < kGlueSizes) apply_held_[held][rest] = known;
  }
  return known;
}

Code* Thread::make_apply_rest_code(uint32_t count) {
  Code*& known = all_apply_rest_[count];
  if (known == nullptr) {
    Code& code = glue_.emplace_back();
    // The first call is never run: it tells where the awaited result goes.
    code.words = {static_cast<uint32_t>(Op::kCall), count, 0, count, count + 1 + kHeaderSlots};
    FBLE_ASSERT(code.words.size() == kApplyRestPosition);
    if (count <= 3) {
      code.words.insert(code.words.end(), {static_cast<uint32_t>(Op::kTailCall) + count, count});
    } else {
      code.words.insert(code.words.end(), {static_cast<uint32_t>(Op::kTailCall), count, count});
    }
    for (uint32_t i = 0; i < count; ++i) code.words.push_back(i);
    code.arity = count;
    code.frame_slots = 2 * count + 2 + kHeaderSlots;
    code.is_glue = true;
    finish_code(code);
    known = &code;
    if (count < kGlueSizes) apply_rest_[count] = known;
  }
  return known;
}

Code* Thread::run_code(uint32_t count) {
  if (run_.size() <= count) run_.resize(count + 1);
  if (run_[count] == nullptr) {
    Code& code = glue_.emplace_back();
    code.words = {static_cast<uint32_t>(Op::kCall), 0, count};
    for (uint32_t i = 0; i < count; ++i) code.words.push_back(1 + i);
    code.words.insert(code.words.end(), {0, count + 1 + kHeaderSlots, static_cast<uint32_t>(Op::kHalt), 0});
    code.arity = count + 1;
    code.frame_slots = 2 * count + 2 + 2 * kHeaderSlots;
    code.is_glue = true;
    finish_code(code);
    run_[count] = &code;
  }
  return run_[count];
}

/// Only a library with machine integers declares the natives that compute with them.
void Thread::find_int_form() {
  for (const Code& code : program.codes) {
    for (const ForeignRef& ref : code.foreigns) {
      const NativeRow* row = natives.find(ref.module, ref.name);
      if (row != nullptr && row->intrinsic != Intrinsic::kNone) int_form = IntForm::kMachine;
    }
  }
}

const Code* Thread::native_code(const ForeignRef& ref, const NativeRow& row) {
  Code*& code = native_codes_[ref.module + ref.name];
  if (code == nullptr) {
    code = &glue_.emplace_back();
    code->words = {static_cast<uint32_t>(Op::kNativeBody)};
    code->arity = row.arity;
    code->frame_slots = row.arity + kHeaderSlots;
    code->native = row.body;
    code->is_pure = row.effect == NativeEffect::kPure;
    code->intrinsic = row.intrinsic;
    code->block = Symbol(ref.module + "." + ref.name);
    code->loc = ref.loc;
    finish_code(*code);
    // By the table, so that the body is an instruction like any other for whoever watches them.
    code->entry = row.intrinsic != Intrinsic::kNone ? intrinsic_entry(row.intrinsic) : entry_by_table();
    if (row.intrinsic != Intrinsic::kNone) code->direct = intrinsic_direct(row.intrinsic);
  }
  return code;
}

bool Thread::run(Word func, std::span<const Word> args) {
  Code* code = run_code(static_cast<uint32_t>(args.size()));
  fp = stack_base + kHeaderSlots;
  fp[kClosureSlot] = code->function_value();
  fp[kReturnPositionSlot] = 0;
  fp[kReturnAddressSlot] = 0;
  fp[0] = func;
  std::copy(args.begin(), args.end(), fp + 1);
  pending.clear();
  group_marks.clear();
  value = 0;
  error = RunError{};
  raise_soft_stack_limit(stack_base);
  if (profile != nullptr) profile->begin_run();
  enter_interpreter(*this, code->start, fp);
  if (engine != nullptr) engine->on_run_end(*this);
  fp = watermark_fp = unmarked_fp = nullptr;
  return value != 0;
}

// ---- errors -----------------------------------------------------------------

void Thread::raise(const std::string& message) { raise_with(nullptr, message); }
void Thread::raise_at(const Loc& loc, const std::string& message) { raise_with(&loc, message); }
void Thread::raise_out_of_memory(const char* what) {
  raise(what);
  error.out_of_memory = true;
}

void Thread::raise_interrupted() {
  interrupt_pending.store(false);
  raise("interrupted");
  error.interrupted = true;
}

void Thread::raise_with(const Loc* loc, const std::string& message) {
  error = RunError{};
  value = 0;
  bool pending_message = true;
  size_t skipped = 0;
  std::deque<ErrorLine> outer;
  const uint32_t* position = pc;
  for (const Word* frame = fp; frame != nullptr;) {
    const Code& code = code_of_frame(frame);
    // A native has no position of its own: its line is that of the call.
    if (!code.is_glue && code.native == nullptr) {
      ErrorLine line;
      const uint32_t offset = static_cast<uint32_t>(position - code.start) - (frame == fp ? 0 : 1);
      line.loc = pending_message && loc != nullptr ? *loc : code.loc_at(offset);
      line.block = code.block.str();
      if (pending_message) line.message = message;
      pending_message = false;
      if (error.lines.size() < kInnerLines) {
        error.lines.push_back(std::move(line));
      } else {
        outer.push_back(std::move(line));
        if (outer.size() > kOuterLines) {
          outer.pop_front();
          ++skipped;
        }
      }
    }
    position = return_position(frame);
    if (position == nullptr) break;
    frame -= position[-1];
  }
  if (skipped != 0) error.lines.push_back({Loc{}, "", fmt::format("({} more calls)", skipped)});
  for (ErrorLine& line : outer) error.lines.push_back(std::move(line));
  if (pending_message) error.lines.push_back({Loc{}, "", message});
}

std::string RunError::render() const {
  std::string text;
  for (const ErrorLine& line : lines) {
    if (line.loc.line != 0) {
      text += fmt::format("{}:{}:{}: error: in {}", line.loc.file.str(), line.loc.line, line.loc.column, line.block);
      if (!line.message.empty()) text += ": " + line.message;
    } else if (!line.block.empty()) {
      text += fmt::format("error: in {}{}{}", line.block, line.message.empty() ? "" : ": ", line.message);
    } else if (line.message.starts_with('(')) {
      text += "  " + line.message;
    } else {
      text += "error: " + line.message;
    }
    text += '\n';
  }
  return text;
}

// ---- natives ----------------------------------------------------------------

void NativeTable::add(std::span<const NativeRow> rows) {
  for (const NativeRow& row : rows) rows_[std::string(row.module) + row.name] = row;
}

const NativeRow* NativeTable::find(std::string_view module, std::string_view name) const {
  auto row = rows_.find(std::string(module) + std::string(name));
  return row == rows_.end() ? nullptr : &row->second;
}

IntForm NativeCall::int_form() const { return thread_.int_form; }

bool NativeCall::has_room(size_t words) const { return ap_ + words <= thread_.alloc_limit; }

bool NativeCall::reserve(size_t words) {
  if (has_room(words)) return true;
  if (mode_ == Mode::kTrial) return false;
  Thread& th = thread_;
  th.ap = ap_;
  const bool made = th.make_room(words);
  ap_ = th.ap;
  return made;
}

void NativeCall::collect_all() {
  thread_.ap = ap_ = thread_.heap.collect_all(ap_, thread_);
  thread_.restore_limits();
}

Word NativeCall::make_struct(std::span<const Word> fields) {
  const uint32_t count = static_cast<uint32_t>(fields.size());
  Word common = 1;
  Word placeholders = 0;
  for (Word field : fields) {
    common &= field;
    placeholders |= placeholder_mask(field);
  }
  if (common != 0) {
    const Word packed = pack_struct(count, [&](uint32_t i) { return fields[i]; });
    if (packed != 0) return packed;
  }
  Word* object = take(object_words(count));
  object[0] = Object::make_header(ObjectKind::kStruct, count);
  std::copy(fields.begin(), fields.end(), object + 1);
  if (placeholders != 0) thread_.note_pending(reinterpret_cast<Object*>(object));
  return reinterpret_cast<Word>(object);
}

Word NativeCall::make_union(uint32_t tag, uint32_t tag_count, Word arg) {
  if (is_packed(arg)) {
    const Word packed = pack_union(arg, tag_width(tag_count), tag);
    if (packed != 0) return packed;
  }
  Word* object = take(object_words(1));
  object[0] = Object::make_header(ObjectKind::kUnion, 1, tag);
  object[1] = arg;
  if (is_placeholder(arg)) thread_.note_pending(reinterpret_cast<Object*>(object));
  return reinterpret_cast<Word>(object);
}

Word NativeCall::make_union_struct(uint32_t tag, uint32_t tag_count, std::span<const Word> fields) {
  const Word arg = make_struct(fields);
  if (is_packed(arg)) {
    const Word packed = pack_union(arg, tag_width(tag_count), tag);
    if (packed != 0) return packed;
    // The struct alone is packed, the union is not: it becomes an object of its own.
    const uint32_t count = static_cast<uint32_t>(fields.size());
    Word* object = take(object_words(count));
    object[0] = Object::make_header(ObjectKind::kStruct, count, tag);
    std::copy(fields.begin(), fields.end(), object + 1);
    return reinterpret_cast<Word>(object);
  }
  as_object(arg)->header |= static_cast<Word>(tag) << 8;
  return arg;
}

Word NativeCall::make_cons(Word head, Word tail) {
  if (is_packed(head & tail)) {
    // Only the end of a list may be packed: pack_union of pack_struct, done at once.
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

Word NativeCall::make_native(std::unique_ptr<NativeResource> resource) {
  Word* object = take(object_words(1));
  object[0] = Object::make_header(ObjectKind::kNative, 1);
  object[1] = reinterpret_cast<Word>(resource.release());
  thread_.heap.register_native(reinterpret_cast<Object*>(object));
  return reinterpret_cast<Word>(object);
}

Word NativeCall::fail(std::string message) {
  if (mode_ == Mode::kFinal) thread_.raise(message);
  return 0;
}

Word NativeCall::fail_out_of_memory(const char* message) {
  if (mode_ == Mode::kFinal) thread_.raise_out_of_memory(message);
  return 0;
}

bool interrupt_requested() { return interrupt_pending.load(std::memory_order_relaxed); }

Word NativeCall::fail_undefined() { return fail("undefined value passed to native code"); }

}  // namespace fble
