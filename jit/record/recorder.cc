#include "jit/record/recorder.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "gc/log.h"
#include "interp/foreign.h"
#include "interp/interpreter.h"
#include "interp/liveness.h"
#include "jit/ir/facts.h"
#include "jit/record/cell_kinds.h"
#include "jit/record/integers.h"

namespace fble {

namespace {

constexpr uint32_t word_of(Op op) { return static_cast<uint32_t>(op); }

bool is_apply_held(const Code& code) { return code.words[0] == word_of(Op::kApplyHeld); }

int32_t low_header(Word word) { return static_cast<int32_t>(static_cast<uint32_t>(as_object(word)->header)); }

Facts facts_of_bits(uint8_t bits) {
  Facts facts;
  facts.packed = (bits & (kFactPacked | kFactNatural)) != 0;
  facts.pointer = (bits & kFactPointer) != 0;
  facts.natural = (bits & kFactNatural) != 0;
  return facts;
}

/// What distinguishes the call opcodes from one another.
struct CallForm {
  bool tail = false;
  bool global = false;
  int fixed = -1;  ///< number of arguments, or -1 for a list
};

CallForm call_form(Op op) {
  switch (op) {
    case Op::kCall: return {false, false, -1};
    case Op::kCall1: return {false, false, 1};
    case Op::kCall2: return {false, false, 2};
    case Op::kCall3: return {false, false, 3};
    case Op::kCallGlobal: return {false, true, -1};
    case Op::kCallGlobal1: return {false, true, 1};
    case Op::kCallGlobal2: return {false, true, 2};
    case Op::kCallGlobal3: return {false, true, 3};
    case Op::kTailCall: return {true, false, -1};
    case Op::kTailCall1: return {true, false, 1};
    case Op::kTailCall2: return {true, false, 2};
    case Op::kTailCall3: return {true, false, 3};
    case Op::kTailCallGlobal: return {true, true, -1};
    case Op::kTailCallGlobal1: return {true, true, 1};
    case Op::kTailCallGlobal2: return {true, true, 2};
    case Op::kTailCallGlobal3: return {true, true, 3};
    default: FBLE_BUG("not a call");
  }
}

}  // namespace

const char* trace_link_text(TraceLink link) {
  switch (link) {
    case TraceLink::kNone: return "none";
    case TraceLink::kReturn: return "return";
    case TraceLink::kCall: return "call";
    case TraceLink::kTailCall: return "tail-call";
    case TraceLink::kLoop: return "loop";
    case TraceLink::kInterpreter: return "interpreter";
  }
  return "?";
}

Recorder::Recorder(Carrier& carrier, IrBuilder& builder, CallPolicy& policy, const RecorderLimits& limits,
                   RememberedCalls* remembered)
    : Appender(carrier, builder),
      policy_(policy),
      remembered_(remembered),
      limits_(limits),
      slot_check_(carrier.machine) {}

// ---- starting ---------------------------------------------------------------

void Recorder::start_function(Code& code) {
  root_fp_ = carrier_.fp;
  Trace& trace = builder_.trace();
  trace.kind = TraceKind::kFunction;
  trace.code = &code;
  trace.extent = code.frame_slots;
  trace.sites.push_back({.code = &code});
  ShadowFrame& root = frames_.emplace_back();
  root.code = &code;
  root.in_memory = root.closure_in_memory = true;
  root.slots.assign(code.frame_slots, kNoRef);
  for (uint32_t i = 0; i < arguments_in_registers(trace); ++i) operand(i);
}

void Recorder::start_continuation(const ExitEntry& entry, const BridgeStart& start) {
  Trace& trace = builder_.trace();
  trace.kind = TraceKind::kContinuation;
  mixed_signs_ = start.mixed_signs;
  mixed_layouts_ = start.mixed_layouts;
  const ExitFrame& innermost = entry.frames.back();
  trace.callee_base = static_cast<uint32_t>(innermost.base) + innermost.pc[-1];
  root_fp_ = carrier_.fp - innermost.base;
  begin_sites(entry);
  // The caller has checked that there is room for the frames themselves.
  root_extent_ = 0;
  for (const ExitFrame& from : entry.frames) {
    root_extent_ = std::max(root_extent_, static_cast<uint32_t>(from.base) + from.code->frame_slots);
    ShadowFrame& shadow = frames_.emplace_back();
    shadow.code = from.code;
    shadow.site = static_cast<uint32_t>(frames_.size() - 1);
    shadow.base = from.base;
    shadow.in_memory = shadow.closure_in_memory = true;
    shadow.return_position = from.pc;
    shadow.slots.assign(from.code->frame_slots, kNoRef);
  }
  trace.extent = root_extent_;
  trace.code = frames_.front().code;
  frames_.front().past.push_back(start.root_code);
  frame().slots[innermost.pc[-2]] = append(IrOp::kResult);
  append_stack_check(builder_.add_snapshot(make_snapshot(innermost.pc, false)));
}

/// Begins with the activations of the exit: one site for each of its frames, in their order.
void Recorder::begin_sites(const ExitEntry& entry) {
  std::vector<InlineSite>& sites = builder_.trace().sites;
  for (const ExitFrame& frame : entry.frames) {
    const uint32_t caller = static_cast<uint32_t>(sites.size()) - 1;
    sites.push_back({frame.code, sites.empty() ? nullptr : entry.frames[caller].pc, caller});
  }
  site_ = static_cast<uint32_t>(sites.size()) - 1;
}

/// Appends a stack check of size 0 to a bridge or continuation; `end` sets the size if the trace needs more than its
/// root.
void Recorder::append_stack_check(uint32_t snapshot) {
  IrIns check{.op = IrOp::kStackCheck};
  check.snapshot = snapshot;
  check.site = site_;
  stack_check_ = IrRef{static_cast<uint32_t>(builder_.trace().ins.size())};
  builder_.append_raw(std::move(check));
}

void Recorder::start_bridge(const ExitEntry& entry, const BridgeStart& start) {
  Trace& trace = builder_.trace();
  trace.kind = TraceKind::kBridge;
  mixed_signs_ = start.mixed_signs || shows_mixed_signs(start.guard);
  mixed_layouts_ = start.mixed_layouts || start.guard == IrOp::kLayoutIs;
  starts_unknown_ = is_recall(start.guard);
  failed_native_ = start.guard == IrOp::kNative || start.guard == IrOp::kExit;
  root_fp_ = carrier_.fp - entry.frames.back().base;
  root_extent_ = start.root_extent;
  trace.extent = start.root_extent;
  begin_sites(entry);
  ExitValues values(*this, builder_, entry);
  // Each object is made twice: one copy for the start's snapshot alone, and one for the trace, which may need it later.
  // Allocating the second copy may leave to the start.
  ExitValues::Refs copies = values.make_packed();
  ExitValues::Refs objects = copies;
  values.make_objects(copies, true, kNoSnapshot);
  take_frames(entry, values, copies);
  frames_.front().past.push_back(start.root_code);
  trace.code = frames_.front().code;
  const uint32_t start_snapshot = builder_.add_snapshot(make_snapshot(entry.frames.back().pc, false));
  append_stack_check(start_snapshot);
  values.make_objects(objects, false, start_snapshot);
  take_frames(entry, values, objects);
  frames_.front().past.push_back(start.root_code);
  // The parent's guard has failed, so the opposite of its condition holds.
  if (start.operand.kind == LocationKind::kNone) return;
  const IrRef operand = values.known(start.operand);
  if (operand == kNoRef) return;
  builder_.assume(operand, facts_of_failed(start));
  if (start.may_dispatch) {
    dispatched_ = operand;
    dispatch_width_ = start.m;
  }
}

/// Makes shadow frames of the exit's frames, with the values that they have in the trace.
void Recorder::take_frames(const ExitEntry& entry, ExitValues& values, const ExitValues::Refs& virtuals) {
  frames_.clear();
  for (const ExitFrame& from : entry.frames) {
    ShadowFrame& shadow = frames_.emplace_back();
    shadow.code = from.code;
    shadow.site = static_cast<uint32_t>(frames_.size() - 1);
    shadow.base = from.base;
    shadow.in_memory = from.in_memory || frames_.size() == 1;
    shadow.closure_in_memory = from.in_memory;
    if (!from.in_memory) {
      shadow.closure = values.at(from.closure, virtuals);
      builder_.assume(shadow.closure, Facts{.pointer = true, .code = from.code});
    }
    shadow.return_position = from.pc;
    shadow.slots.assign(from.code->frame_slots, kNoRef);
  }
  for (const ExitSlot& slot : entry.slots) {
    auto owner = std::find_if(frames_.rbegin(), frames_.rend(),
                              [&](const ShadowFrame& shadow) { return shadow.base <= slot.slot; });
    const IrRef ref = values.at(slot.location, virtuals);
    if (slot.facts != 0) builder_.assume(ref, facts_of_bits(slot.facts));
    owner->slots[static_cast<size_t>(slot.slot - owner->base)] = ref;
  }
}

/// Returns the facts about a guard's operand after the guard has failed.
Facts Recorder::facts_of_failed(const BridgeStart& start) {
  Facts facts;
  switch (start.guard) {
    case IrOp::kTagIs:
      facts.packed = true;
      if (start.n >= 0 && start.n < 32) facts.not_tags = 1u << start.n;
      break;
    case IrOp::kTagFrom:
      facts.packed = true;
      if (start.n >= 0 && start.n < 32) facts.not_tags = ~0u << start.n;
      break;
    // There are no placeholders while machine code runs, nor during a recording.
    case IrOp::kIsPacked: facts.pointer = facts.not_packed = true; break;
    default: break;
  }
  return facts;
}

// ---- ending -----------------------------------------------------------------

Recorder::Status Recorder::end(TraceLink link) {
  link_ = link;
  Trace& trace = builder_.trace();
  trace.steps = steps_ + 1;
  if (stack_check_ != kNoRef && trace.extent > root_extent_) {
    trace.at(stack_check_).n = static_cast<int32_t>(trace.extent);
  }
  return Status::kEnded;
}

Recorder::Status Recorder::end_with_exit() {
  if (steps_ == 0) return abort(AbortReason::kNothingRecorded);
  IrIns ins{.op = IrOp::kExit};
  ins.snapshot = snapshot();
  append(std::move(ins));
  return end(TraceLink::kInterpreter);
}

Recorder::Status Recorder::abort(AbortReason reason) {
  abort_reason_ = reason;
  return Status::kAborted;
}

// ---- shadow state -----------------------------------------------------------

IrRef Recorder::closure_ref(ShadowFrame& shadow) {
  if (shadow.closure == kNoRef) {
    shadow.closure = append(IrOp::kSlot, kNoRef, kNoRef, shadow.base + kClosureSlot);
    builder_.assume(shadow.closure, Facts{.pointer = true, .code = shadow.code});
  }
  return shadow.closure;
}
IrRef Recorder::closure_ref() { return closure_ref(frame()); }

Operand Recorder::operand(uint32_t slot) {
  IrRef& ref = frame().slots[slot];
  if (ref == kNoRef) ref = append(IrOp::kSlot, kNoRef, kNoRef, frame().base + static_cast<int32_t>(slot));
  return {ref, carrier_.fp[slot]};
}

Operands Recorder::operands(const uint32_t* slots, uint32_t count) {
  Operands result;
  result.reserve(count);
  for (uint32_t i = 0; i < count; ++i) result.push_back(operand(slots[i]));
  return result;
}

uint32_t Recorder::snapshot() {
  if (in_group_) return group_snapshot_;
  if (snapshot_ == kNoSnapshot) snapshot_ = builder_.add_snapshot(make_snapshot(carrier_.pc, false));
  return snapshot_;
}

/// Makes a snapshot. With `at_return`, all frames wait for the return of a call, and all values are in memory.
Snapshot Recorder::make_snapshot(const uint32_t* pc, bool at_return) {
  Snapshot result;
  result.steps = steps_;
  result.frames.reserve(frames_.size());
  for (size_t i = 0; i < frames_.size(); ++i) {
    ShadowFrame& shadow = frames_[i];
    const bool innermost = i + 1 == frames_.size();
    const uint32_t* position = innermost ? pc : shadow.return_position;
    SnapshotFrame& out = result.frames.emplace_back();
    out.code = shadow.code;
    out.pc = position;
    out.base = shadow.base;
    out.in_memory = at_return || (shadow.in_memory && shadow.closure_in_memory);
    if (!out.in_memory) out.closure = closure_ref(shadow);
    // All callees that return to this position share its continuation, so its snapshot has no facts about the values.
    if (at_return) continue;
    const int64_t waiting = innermost ? -1 : static_cast<int64_t>(position[-2]);
    const LiveSlots live = live_slots(*shadow.code, position);
    if (result.slots.empty()) result.slots.reserve(live.size());
    for (uint32_t slot : live) {
      if (slot == waiting) continue;
      const IrRef ref = shadow.slots[slot];
      if (ref == kNoRef) continue;
      result.slots.push_back({shadow.base + static_cast<int32_t>(slot), ref, value_facts(builder_.facts(ref))});
    }
  }
  return result;
}

void Recorder::push_frame(Code* code, IrRef closure, int32_t base, const Operands& args) {
  std::vector<InlineSite>& sites = builder_.trace().sites;
  sites.push_back({code, frame().return_position, frame().site});
  ShadowFrame& shadow = frames_.emplace_back();
  shadow.code = code;
  shadow.site = static_cast<uint32_t>(sites.size() - 1);
  shadow.base = base;
  shadow.closure = closure;
  shadow.slots.assign(code->frame_slots, kNoRef);
  for (size_t i = 0; i < args.size(); ++i) shadow.slots[i] = args[i].ref;
  Trace& trace = builder_.trace();
  trace.extent = std::max(trace.extent, static_cast<uint32_t>(base) + code->frame_slots);
}

void Recorder::replace_frame(Code* code, IrRef closure, const Operands& args) {
  ShadowFrame& shadow = frame();
  std::vector<InlineSite>& sites = builder_.trace().sites;
  InlineSite site = sites[shadow.site];
  site.code = code;
  sites.push_back(site);
  shadow.site = static_cast<uint32_t>(sites.size() - 1);
  shadow.past.push_back(shadow.code);
  shadow.code = code;
  shadow.closure = closure;
  shadow.closure_in_memory = false;
  shadow.slots.assign(code->frame_slots, kNoRef);
  for (size_t i = 0; i < args.size(); ++i) shadow.slots[i] = args[i].ref;
  Trace& trace = builder_.trace();
  trace.extent = std::max(trace.extent, static_cast<uint32_t>(shadow.base) + code->frame_slots);
}

bool Recorder::on_stack(const Code* code) const {
  if (is_apply_held(*code)) return false;
  size_t count = 0;
  for (const ShadowFrame& shadow : frames_) {
    count += shadow.code == code ? 1 : 0;
    count += static_cast<size_t>(std::count(shadow.past.begin(), shadow.past.end(), code));
  }
  // The glue of monads nests without recursion, so more of it is allowed.
  const size_t allowed = code->is_glue && code != builder_.trace().code ? 4 : 0;
  return count > allowed;
}

// ---- data -------------------------------------------------------------------

IrRef Recorder::pointer(Operand value) {
  append(IrOp::kIsPointer, value.ref);
  return value.ref;
}

void Recorder::guard_code(IrRef func, Code* code) {
  append(IrOp::kIsPointer, func);
  IrIns ins{.op = IrOp::kCodeIs};
  ins.a = func;
  ins.code = code;
  ins.snapshot = snapshot();
  append(std::move(ins));
}

IrRef Recorder::make_object(Word header, Code* code, const Operands& fields) {
  IrIns ins{.op = IrOp::kNew};
  ins.x = header;
  ins.code = code;
  ins.list.reserve(fields.size());
  for (const Operand& field : fields) ins.list.push_back(field.ref);
  ins.snapshot = snapshot();
  if (in_group_) {
    group_objects_.push_back(std::move(ins));
    return IrRef{kFirstToken + 0x10000 + static_cast<uint32_t>(group_objects_.size() - 1)};
  }
  return append(std::move(ins));
}

/// Makes a struct of the fields, or a union whose argument is that struct (`is_struct`) or the only field, in the
/// representation that the interpreter chooses.
IrRef Recorder::make_data(std::optional<UnionShape> shape, const Operands& fields, bool is_struct) {
  const uint32_t count = static_cast<uint32_t>(fields.size());
  const uint32_t tag = shape ? shape->tag : 0;
  const ObjectKind kind = is_struct ? ObjectKind::kStruct : ObjectKind::kUnion;
  const Word header = Object::make_header(kind, count, tag);
  const auto token = std::find_if(fields.begin(), fields.end(), [&](const Operand& f) { return is_token(f.ref); });
  if (token != fields.end()) return make_object(header, nullptr, fields);
  if (count > 1 && kOffsetBits * (count - 1) > kMaxPackedBits) return make_object(header, nullptr, fields);

  const auto known =
      std::find_if(fields.begin(), fields.end(), [&](const Operand& f) { return builder_.facts(f.ref).pointer; });
  const auto boxed = known != fields.end() ? known : std::find_if(fields.begin(), fields.end(), [](const Operand& f) {
    return !is_packed(f.word);
  });
  if (boxed != fields.end()) {
    pointer(*boxed);
    return make_object(header, nullptr, fields);
  }
  for (const Operand& field : fields) packed(field);
  Word word = pack_struct(count, [&](uint32_t i) { return fields[i].word; });
  if (word != 0 && shape) word = pack_union(word, shape->width, shape->tag);
  if (word == 0) {
    IrIns ins{.op = IrOp::kNoFit};
    for (const Operand& field : fields) ins.list.push_back(field.ref);
    ins.m = shape ? shape->width : 0;
    ins.snapshot = snapshot();
    append(std::move(ins));
    return make_object(header, nullptr, fields);
  }
  IrRef ref = kNoRef;
  if (count == 0) {
    ref = constant(kUnitWord);
  } else if (count == 1) {
    ref = fields[0].ref;
  } else {
    IrIns ins{.op = IrOp::kPackStruct};
    for (const Operand& field : fields) ins.list.push_back(field.ref);
    ins.snapshot = snapshot();
    ref = append(std::move(ins));
  }
  if (!shape) return ref;
  return append(IrOp::kPackUnion, ref, kNoRef, static_cast<int32_t>(shape->tag), shape->width);
}

/// Makes a union of a struct made for it.
IrRef Recorder::make_union_struct(UnionShape shape, const Operands& fields) {
  if (fields.size() != 2) return make_data(shape, fields, true);
  Code* const code = frame().code;
  if (code->cells.are_objects)
    return make_object(Object::make_header(ObjectKind::kStruct, 2, shape.tag), nullptr, fields);
  note_cell(*code, fields[0].word, fields[1].word);
  if (std::ranges::find(cell_makers_, code) == cell_makers_.end()) cell_makers_.push_back(code);
  return make_data(shape, fields, true);
}

IrRef Recorder::record_list(const Operands& elements) {
  constexpr Word kEmptyList = (kUnitWord - 1) * 2 + 3;
  Operand list{constant(kEmptyList), kEmptyList};
  for (size_t i = elements.size(); i-- > 0;) {
    const Operands fields{elements[i], list};
    Word word = 0;
    if (is_packed(elements[i].word & list.word)) {
      word = pack_struct(2, [&](uint32_t f) { return fields[f].word; });
      if (word != 0) word = pack_union(word, 1, 0);
    }
    // The word of a cell that does not exist yet may be any pointer.
    list = {make_data(UnionShape{0, 1}, fields, true), word != 0 ? word : Word{8}};
  }
  return list.ref;
}

/// Returns the argument of a union. Its representation and header have been guarded.
IrRef Recorder::argument(Operand object, unsigned width) {
  if (is_packed(object.word)) return append(IrOp::kPackedArg, object.ref, kNoRef, static_cast<int32_t>(width));
  if (as_object(object.word)->kind() == ObjectKind::kUnion) return append(IrOp::kField, object.ref, kNoRef, 0);
  return object.ref;
}

/// Guards that the union has its present tag if that is below `last`, and otherwise any tag from `last` on.
void Recorder::select_tag(Operand object, unsigned width, uint32_t last) {
  if (is_packed(object.word)) {
    packed(object);
    const uint32_t tag = packed_tag(object.word, width);
    rely_on_tag(object.ref, width, tag, last);
    append(tag < last ? IrOp::kTagIs : IrOp::kTagFrom, object.ref, kNoRef, static_cast<int32_t>(std::min(tag, last)),
           width);
  } else {
    pointer(object);
    append(IrOp::kHeaderIs, object.ref, kNoRef, low_header(object.word));
  }
}

/// Notes that the bridge relies on the tag, if this is its first instruction and the parent's guard on the same tag has
/// failed: then a dispatch table leads here.
void Recorder::rely_on_tag(IrRef object, unsigned width, uint32_t tag, uint32_t last) {
  if (steps_ != 0 || object != dispatched_ || width != dispatch_width_) return;
  Facts facts;
  if (tag < last) {
    facts.packed = true;
    facts.tag = static_cast<int32_t>(tag);
    tags_ = {tag, tag + 1};
  } else if (last > 0 && last < 32) {
    facts.packed = true;
    facts.not_tags = (1u << last) - 1;
    tags_ = {last, 1u << width};
  }
  builder_.assume(object, facts);
}

/// Returns whether the fields of the packed struct can be expected at the same places whenever the trace runs: it has
/// several fields of a few bits each, as structs of enumerations do.
bool Recorder::expects_layout(Operand object, uint32_t count) const {
  constexpr uint32_t kFewestFields = 4;
  constexpr unsigned kMostBits = 4;
  const IrOp op = builder_.trace().at(object.ref).op;
  if (mixed_layouts_ || op == IrOp::kPackStruct || op == IrOp::kConstant) return false;
  const unsigned most = count < kFewestFields ? 1 : kMostBits;
  for (uint32_t i = 0; i < count; ++i) {
    const unsigned bits = packed_bits(packed_field(object.word, i, count));
    if (bits > most || (count < kFewestFields && bits != 1)) return false;
  }
  return true;
}

/// Guards that the packed word has the layout that it has now (see packed_layout).
void Recorder::layout(Operand object, uint32_t count) {
  IrIns ins{.op = IrOp::kLayoutIs};
  ins.a = object.ref;
  ins.x = packed_layout(object.word, count);
  ins.m = count;
  ins.snapshot = snapshot();
  append(std::move(ins));
}

/// Returns a field of a struct that is no placeholder.
IrRef Recorder::struct_field(Operand object, uint32_t index, uint32_t count) {
  if (!is_packed(object.word)) {
    pointer(object);
    return append(IrOp::kField, object.ref, kNoRef, static_cast<int32_t>(index));
  }
  packed(object);
  if (count == 1) return object.ref;
  if (expects_layout(object, count)) layout(object, count);
  return append(IrOp::kPackedField, object.ref, kNoRef, static_cast<int32_t>(index), count);
}

/// Returns a global that is defined: a constant unless it may still move.
Operand Recorder::global(uint32_t index) {
  const Word word = carrier_.globals[index];
  const bool fixed = is_packed(word) || !carrier_.machine.heap.in_nursery(as_object(word));
  return {fixed ? constant(word) : append(IrOp::kGlobal, kNoRef, kNoRef, static_cast<int32_t>(index)), word};
}

Operand Recorder::capture(uint32_t index) {
  const uint32_t field = 1 + index;
  return {append(IrOp::kField, closure_ref(), kNoRef, static_cast<int32_t>(field)),
          as_object(carrier_.fp[kClosureSlot])->fields[field]};
}

// ---- natives ----------------------------------------------------------------

/// Runs a pure native now. Returns its packed result; 0 if it has none or would have to collect.
Word Recorder::try_native(const Code& code, const Operands& args) {
  Word words[kMaxNativeArguments];
  for (size_t i = 0; i < args.size(); ++i) words[i] = args[i].word;
  NativeCall call(carrier_, words, carrier_.ap, NativeCall::Mode::kTrial);
  const Word result = code.native(call);
  return is_packed(result) ? result : 0;
}

/// Records the body of a pure native, which has a frame like any function: the trace calls the native. A bridge from
/// the exit of a failed call leaves the call to the interpreter, which may collect.
///
/// A native that is called as an unknown function has a trace of its own. For an intrinsic, that is what it computes
/// with operands of the kind that was seen first; others are left to a call.
Recorder::Status Recorder::record_native() {
  Code* const code = frame().code;
  std::vector<uint32_t> slots(code->arity);
  std::iota(slots.begin(), slots.end(), 0);
  const Operands args = operands(slots.data(), code->arity);
  if (steps_ == 0 && frames_.size() == 1 && !failed_native_) {
    if (code->intrinsic != Intrinsic::kNone && can_record_intrinsic(code->intrinsic, args)) {
      return record_return(record_intrinsic(*this, code->intrinsic, args, mixed_signs_));
    }
    return record_return(append_native(code, args));
  }
  if (steps_ == 0) {
    if (frames_.size() == 1 || !guard_return_words(frame())) return end_with_exit();
    const IrRef func = closure_ref();
    const int32_t base = frame().base;
    frames_.pop_back();
    builder_.trace().path.back() = {};
    return end_with_call(func, code, args, base);
  }
  // A call with known arguments is computed once, while recording: literals of numbers, mostly.
  const bool is_known = std::ranges::all_of(args, [&](const Operand& arg) {
    const IrOp op = builder_.trace().at(arg.ref).op;
    return op == IrOp::kConstant || op == IrOp::kGlobal;
  });
  if (is_known) {
    if (const Word result = try_native(*code, args); result != 0) return record_return(constant(result));
  }
  return record_return(append_native(code, args));
}

IrRef Recorder::append_native(Code* code, const Operands& args) {
  IrIns ins{.op = IrOp::kNative};
  ins.code = code;
  for (const Operand& arg : args) ins.list.push_back(arg.ref);
  ins.snapshot = snapshot();
  return append(std::move(ins));
}

// ---- calls ------------------------------------------------------------------

/// Delivers the result of a call that needed no frame.
Recorder::Status Recorder::deliver(const CallSite& site, IrRef result) {
  if (site.tail) return record_return(result);
  set(site.result_slot, result);
  return Status::kRecording;
}

/// Guards that the watermark is not at a frame from before the trace. Only the frame's return address shows that.
bool Recorder::guard_return_words(const ShadowFrame& shadow) {
  if (!shadow.in_memory) return true;
  const Word expected = reinterpret_cast<Word>(interpreter_return());
  if (root_fp_[shadow.base + kReturnAddressSlot] != expected) return false;
  const IrRef address = append(IrOp::kSlot, kNoRef, kNoRef, shadow.base + kReturnAddressSlot);
  append(IrOp::kIsEqual, address, raw_constant(expected));
  return true;
}

/// Prepares the replacement of a frame by an inlined tail call: exits write the new frame with its return words. Those
/// of the root frame are never written.
bool Recorder::release_return_words() {
  if (frames_.size() == 1 || !frame().in_memory) return true;
  if (!guard_return_words(frame())) return false;
  closure_ref();
  frame().in_memory = frame().closure_in_memory = false;
  return true;
}

Recorder::Status Recorder::record_return(IrRef result) {
  if (frames_.size() == 1) {
    append(IrOp::kReturn, result);
    return end(TraceLink::kReturn);
  }
  if (!guard_return_words(frame())) return end_with_exit();
  frames_.pop_back();
  set(frame().return_position[-2], result);
  return Status::kRecording;
}

void Recorder::enter_frame(const CallSite& site, Code* code) {
  if (site.tail) {
    replace_frame(code, site.func.ref, site.args);
  } else {
    frame().return_position = site.next;
    push_frame(code, site.func.ref, frame().base + static_cast<int32_t>(site.distance), site.args);
  }
  entered_ = code;
}

Recorder::Status Recorder::record_call(CallSite site) {
  if (!is_pointer(site.func.word)) return end_with_exit();
  const Object* func = as_object(site.func.word);
  Code* code = closure_code(func);
  const uint32_t count = static_cast<uint32_t>(site.args.size());
  if (code->arity == count) return record_exact_call(site);

  if (code->arity > count) {
    guard_code(site.func.ref, code);
    const bool nested = is_apply_held(*code);
    const uint32_t inner = nested ? func->count() - 2 : 0;
    Operands fields;
    fields.push_back(nested ? Operand{append(IrOp::kField, site.func.ref, kNoRef, 1), func->fields[1]} : site.func);
    for (uint32_t i = 0; i < inner; ++i) {
      fields.push_back({append(IrOp::kField, site.func.ref, kNoRef, static_cast<int32_t>(2 + i)), func->fields[2 + i]});
    }
    fields.insert(fields.end(), site.args.begin(), site.args.end());
    const uint32_t held = inner + count;
    return deliver(site, make_object(Object::make_header(ObjectKind::kClosure, 2 + held),
                                     carrier_.machine.glue.apply_held(held, code->arity - count), fields));
  }

  // Over-application: a frame of glue waits for the function and applies it to the rest.
  snapshot();
  if (site.tail && !release_return_words()) return end_with_exit();
  const uint32_t arity = code->arity;
  const uint32_t rest = count - arity;
  Code* glue = carrier_.machine.glue.apply_rest(rest);
  const Operands left(site.args.begin() + arity, site.args.end());
  const IrRef closure = constant(glue->function_value());
  if (site.tail) {
    replace_frame(glue, closure, left);
  } else {
    frame().return_position = site.next;
    push_frame(glue, closure, frame().base + static_cast<int32_t>(site.distance), left);
  }
  CallSite first;
  first.func = site.func;
  first.args.assign(site.args.begin(), site.args.begin() + arity);
  first.result_slot = rest;
  first.distance = rest + 1 + kHeaderSlots;
  first.next = glue->start + GlueCode::kApplyRestPosition;
  return record_exact_call(first);
}

Recorder::Status Recorder::record_exact_call(CallSite& site) {
  Code* code = closure_code(as_object(site.func.word));
  const IrRef func = site.func.ref;
  if (code->intrinsic != Intrinsic::kNone) {
    snapshot();
    if (can_record_intrinsic(code->intrinsic, site.args)) {
      guard_code(func, code);
      builder_.trace().path.back().native = code;
      return deliver(site, record_intrinsic(*this, code->intrinsic, site.args, mixed_signs_));
    }
  }
  append(IrOp::kIsPointer, func);
  // All partial applications with that number of arguments begin here, so the next one calls another function.
  if (steps_ == 0 && builder_.trace().kind == TraceKind::kFunction && is_apply_held(*frame().code)) {
    return end_with_tail_call(func, nullptr, site.args);
  }
  const bool known = builder_.facts(func).code == code;
  const bool repeated = on_stack(code);
  if (repeated) policy_.note_recursive(*code);
  if (code->is_pure && code->intrinsic != Intrinsic::kNone && steps_ != 0) {
    snapshot();
    guard_code(func, code);
    builder_.trace().path.back().native = code;
    return deliver(site, append_native(code, site.args));
  }
  if (code->is_pure && code->intrinsic == Intrinsic::kNone && code->arity <= kMaxNativeArguments &&
      (known || policy_.may_guard_site(carrier_.pc, *code))) {
    if (site.tail && !release_return_words()) return end_with_exit();
    if (!known) guard_code(func, code);
    enter_frame(site, code);
    return Status::kRecording;
  }
  if (known && !repeated && code->native == nullptr) {
    if (const std::optional<Status> recalled = record_recall(site, code)) return *recalled;
  }
  if (code->native == nullptr && !repeated && frames_.size() < limits_.max_depth &&
      builder_.trace().ins.size() < limits_.max_instructions && policy_.may_inline(*code) &&
      (known || policy_.may_guard_site(carrier_.pc, *code))) {
    if (site.tail && !release_return_words()) return end_with_exit();
    if (!known) guard_code(func, code);
    enter_frame(site, code);
    return Status::kRecording;
  }
  if (!known) append(IrOp::kArityIs, func, kNoRef, static_cast<int32_t>(site.args.size()));
  Code* const target = known ? code : nullptr;
  if (!site.tail) {
    frame().return_position = site.next;
    return end_with_call(func, target, site.args, frame().base + static_cast<int32_t>(site.distance));
  }
  if (frames_.size() == 1) return end_with_tail_call(func, target, site.args);
  if (!guard_return_words(frame())) return end_with_exit();
  const int32_t base = frame().base;
  frames_.pop_back();
  return end_with_call(func, target, site.args, base);
}

/// Records a call as a look into a memo. If the memo has the result, delivers it, and the interpreter continues after
/// the call.
std::optional<Recorder::Status> Recorder::record_recall(const CallSite& site, Code* code) {
  if (remembered_ == nullptr || (steps_ == 0 && starts_unknown_)) return std::nullopt;
  Trace& trace = builder_.trace();
  MemoTable* const table = remembered_->table_of(*code, *trace.code);
  if (table == nullptr || site.args.size() > kMostMemoArguments) return std::nullopt;
  std::vector<Word> words;
  for (const Operand& arg : site.args) words.push_back(arg.word);
  const Word result = std::ranges::all_of(words, is_packed) ? table->find(words) : 0;
  if (result == 0) return std::nullopt;
  // The frame that a tail call ends must return to the interpreter in the usual way, now and whenever the trace runs.
  if (site.tail &&
      (frames_.size() == 1 || carrier_.fp[kReturnAddressSlot] != reinterpret_cast<Word>(interpreter_return()) ||
       !guard_return_words(frame()))) {
    return std::nullopt;
  }
  const auto known = std::ranges::find(trace.memos, table);
  InstructionCounts* const counts = carrier_.machine.counts.get();
  IrIns ins{.op = counts == nullptr ? IrOp::kRecall : IrOp::kCountedRecall};
  ins.n = static_cast<int32_t>(known - trace.memos.begin());
  if (known == trace.memos.end()) trace.memos.push_back(table);
  ins.code = code;
  for (const Operand& arg : site.args) ins.list.push_back(packed(arg));
  ins.snapshot = snapshot();
  const IrRef ref = append(std::move(ins));
  trace.whole_steps.push_back({steps_});
  const uint32_t* next = site.next;
  uint32_t slot = site.result_slot;
  if (site.tail) {
    next = frames_[frames_.size() - 2].return_position;
    slot = result_slot(next);
    carrier_.fp -= frame_distance(next);
  }
  carrier_.fp[slot] = result;
  carrier_.pc = next;
  has_moved_ = true;
  if (counts != nullptr) {
    table->count_hit(words);
    // The recorder moves to this instruction, so the interpreter will not count it.
    counts->add(code_of_frame(carrier_.fp), next, 1);
  }
  return deliver(site, ref);
}

/// Ends the trace with the tail call of the root frame.
Recorder::Status Recorder::end_with_tail_call(IrRef func, Code* code, const Operands& args) {
  IrIns ins{.op = IrOp::kTailCall};
  ins.a = func;
  ins.code = code;
  for (const Operand& arg : args) ins.list.push_back(arg.ref);
  Trace& trace = builder_.trace();
  trace.extent = std::max(trace.extent, static_cast<uint32_t>(args.size()));
  append(std::move(ins));
  return end(code == trace.code && trace.kind == TraceKind::kFunction ? TraceLink::kLoop : TraceLink::kTailCall);
}

/// Stores all live values in their slots, then ends the trace with the call.
/// Every frame waits at its return position.
Recorder::Status Recorder::end_with_call(IrRef func, Code* code, const Operands& args, int32_t base) {
  Trace& trace = builder_.trace();
  auto store = [&](int32_t slot, IrRef ref) { append(IrOp::kStore, ref, kNoRef, slot); };
  for (ShadowFrame& shadow : frames_) {
    const uint32_t* position = shadow.return_position;
    const uint32_t waiting = position[-2];
    if (!shadow.closure_in_memory) store(shadow.base + kClosureSlot, shadow.closure);
    if (!shadow.in_memory) {
      const ShadowFrame& caller = *(&shadow - 1);
      store(shadow.base + kReturnPositionSlot, raw_constant(reinterpret_cast<Word>(caller.return_position)));
      store(shadow.base + kReturnAddressSlot, raw_constant(reinterpret_cast<Word>(interpreter_return())));
    }
    for (uint32_t slot : live_slots(*shadow.code, position)) {
      const IrRef ref = shadow.slots[slot];
      if (slot == waiting || ref == kNoRef) continue;
      const IrIns& ins = trace.at(ref);
      const int32_t at = shadow.base + static_cast<int32_t>(slot);
      if (ins.op == IrOp::kSlot && ins.n == at && !is_register_argument(trace, ins)) continue;
      store(at, ref);
    }
  }
  trace.extent = std::max(trace.extent, static_cast<uint32_t>(base) + static_cast<uint32_t>(args.size()));
  IrIns ins{.op = IrOp::kCall};
  ins.a = func;
  ins.code = code;
  ins.n = base;
  for (const Operand& arg : args) ins.list.push_back(arg.ref);
  ins.snapshot = builder_.add_snapshot(make_snapshot(frame().return_position, true));
  append(std::move(ins));
  return end(TraceLink::kCall);
}

// ---- recursive values -------------------------------------------------------

/// Returns whether the instructions between the declaration and its definition only make values.
bool Recorder::group_is_simple(const uint32_t* declare) const {
  const Code& code = *frames_.back().code;
  const uint32_t* end = code.start + code.words.size();
  for (const uint32_t* at = declare + instruction_length(declare); at < end; at += instruction_length(at)) {
    switch (static_cast<Op>(*at)) {
      case Op::kClosure:
      case Op::kFunction:
      case Op::kCapture:
      case Op::kProjected:
      case Op::kProject:
      case Op::kConstant:
      case Op::kGlobal:
      case Op::kMove:
      case Op::kDeoptPoint:
      case Op::kStruct:
      case Op::kUnion:
      case Op::kUnionStruct: break;
      case Op::kDefine: return at[1] == declare[1] && at[2] == declare[2];
      default: return false;
    }
  }
  return false;
}

Recorder::Status Recorder::record_define() {
  const uint32_t* pc = carrier_.pc;
  const uint32_t count = pc[1];
  std::vector<IrRef> values(count);
  auto is_variable = [&](IrRef ref) { return is_token(ref) && index_of(ref) < kFirstToken + 0x10000; };
  for (uint32_t i = 0; i < count; ++i) {
    IrRef ref = frame().slots[pc[3 + i]];
    if (ref == kNoRef) ref = operand(pc[3 + i]).ref;
    for (uint32_t steps = 0; is_variable(ref); ++steps) {
      if (steps > count) return end_with_exit();
      ref = frame().slots[pc[3 + (index_of(ref) - kFirstToken)]];
    }
    values[i] = ref;
  }
  const uint32_t first = static_cast<uint32_t>(builder_.trace().ins.size());
  auto resolve = [&](IrRef ref) {
    if (is_variable(ref)) ref = values[index_of(ref) - kFirstToken];
    return is_token(ref) ? IrRef{first + index_of(ref) - kFirstToken - 0x10000} : ref;
  };
  for (IrIns& object : group_objects_) {
    for (IrRef& ref : object.list) ref = resolve(ref);
    object.recursive = true;
    object.pc = pc;
    object.site = site_;
    builder_.append_raw(std::move(object));
  }
  group_objects_.clear();
  for (IrRef& ref : frame().slots) {
    if (ref != kNoRef) ref = resolve(ref);
  }
  for (uint32_t i = 0; i < count; ++i) set(pc[2] + i, resolve(values[i]));
  in_group_ = false;
  return Status::kRecording;
}

// ---- instructions -----------------------------------------------------------

Recorder::Status Recorder::step() {
  entered_ = nullptr;
  has_moved_ = false;
  if (carrier_.fp != root_fp_ + frame().base || carrier_.pc < frame().code->start ||
      carrier_.pc >= frame().code->start + frame().code->words.size()) {
    return abort(AbortReason::kLostTrack);
  }
#ifndef NDEBUG
  check_slots();
#endif
  if (!in_group_) {
    snapshot_ = kNoSnapshot;
    const Trace& trace = builder_.trace();
    // After a select whose arms return, the position is that of one arm, where no exit may be.
    const bool may_end = !std::exchange(is_behind_returns_, false);
    if (may_end && (trace.ins.size() > limits_.max_instructions || trace.snapshots.size() > limits_.max_snapshots)) {
      return end_with_exit();
    }
  }
  site_ = frame().site;
  builder_.trace().path.push_back({frame().code, carrier_.pc});
  const Status status = record(carrier_.pc);
  ++steps_;
  return status;
}

/// Stops the process if the shadow frames differ from the call frames.
void Recorder::check_slots() {
  const std::string problem = slot_check_.problem(builder_, frames_, root_fp_, carrier_.pc);
  if (problem.empty()) return;
  log_print("recording of {}, step {}: {}\n", frame().code->block.str(), steps_, problem);
  FBLE_BUG("the recorder's shadow slots differ from the call frames");
}

Recorder::Status Recorder::record_call_at(const uint32_t* pc) {
  const CallForm form = call_form(static_cast<Op>(*pc));
  const uint32_t count = form.fixed < 0 ? pc[2] : static_cast<uint32_t>(form.fixed);
  const uint32_t* slots = pc + (form.fixed < 0 ? 3 : 2);
  CallSite site;
  site.tail = form.tail;
  if (form.global) {
    site.func = global(pc[1]);
  } else {
    site.func = operand(pc[1]);
  }
  site.args = operands(slots, count);
  if (!form.tail) {
    site.result_slot = slots[count];
    site.distance = slots[count + 1];
    site.next = slots + count + 2;
  }
  return record_call(std::move(site));
}

Recorder::Status Recorder::record(const uint32_t* pc) {
  const Op op = static_cast<Op>(*pc);
  switch (op) {
    case Op::kMove: {
      IrRef ref = frame().slots[pc[2]];
      if (ref == kNoRef) ref = operand(pc[2]).ref;
      set(pc[1], ref);
      break;
    }
    case Op::kConstant: set(pc[1], constant(frame().code->constants[pc[2]])); break;
    case Op::kCapture:
    case Op::kProjected: set(pc[1], capture(pc[2]).ref); break;
    case Op::kGlobal:
      if (!is_defined(carrier_.globals[pc[2]])) return end_with_exit();
      set(pc[1], global(pc[2]).ref);
      break;
    case Op::kStruct: set(pc[1], make_data(std::nullopt, operands(pc + 3, pc[2]), true)); break;
    case Op::kUnion: set(pc[1], make_data(UnionShape{pc[2], pc[3]}, operands(pc + 4, 1), false)); break;
    case Op::kUnionStruct: set(pc[1], make_union_struct(UnionShape{pc[2], pc[3]}, operands(pc + 5, pc[4]))); break;
    case Op::kField:
    case Op::kProject: {
      const Operand object = operand(pc[2]);
      if (is_placeholder(object.word)) return end_with_exit();
      set(pc[1], struct_field(object, pc[3], pc[4]));
      break;
    }
    case Op::kCaptureField:
    case Op::kGlobalField: {
      if (op == Op::kGlobalField && !is_defined(carrier_.globals[pc[2]])) return end_with_exit();
      const Operand object = op == Op::kGlobalField ? global(pc[2]) : capture(pc[2]);
      if (is_placeholder(object.word)) return end_with_exit();
      set(pc[1], struct_field(object, pc[3], pc[4]));
      break;
    }
    case Op::kArg: {
      const Operand object = operand(pc[2]);
      const uint32_t tag = pc[3];
      const unsigned width = pc[4];
      if (is_placeholder(object.word) || union_tag(object.word, width) != tag) return end_with_exit();
      select_tag(object, width, tag + 1);
      set(pc[1], argument(object, width));
      break;
    }
    case Op::kArgField: {
      const Operand object = operand(pc[2]);
      const uint32_t tag = pc[3];
      const unsigned width = pc[4];
      if (is_placeholder(object.word) || union_tag(object.word, width) != tag) return end_with_exit();
      const Word arg = union_arg(object.word, width);
      if (is_placeholder(arg)) return end_with_exit();
      select_tag(object, width, tag + 1);
      set(pc[1], struct_field({argument(object, width), arg}, pc[5], pc[6]));
      break;
    }
    case Op::kKnownArg: {
      const Operand object = operand(pc[2]);
      if (is_placeholder(object.word)) return end_with_exit();
      if (is_packed(object.word)) {
        packed(object);
      } else {
        pointer(object);
        append(IrOp::kHeaderIs, object.ref, kNoRef, low_header(object.word));
      }
      set(pc[1], argument(object, pc[3]));
      break;
    }
    case Op::kSelect: {
      const Operand object = operand(pc[1]);
      if (is_placeholder(object.word)) return end_with_exit();
      if (record_straight_select(object)) break;
      select_tag(object, pc[2], pc[3] - 1);
      break;
    }
    case Op::kSelectArg: {
      const Operand object = operand(pc[2]);
      if (is_placeholder(object.word)) return end_with_exit();
      if (record_straight_select(object)) break;
      select_tag(object, pc[3], pc[4] - 1);
      set(pc[1], argument(object, pc[3]));
      break;
    }
    case Op::kChoose: {
      const Operand object = operand(pc[2]);
      if (is_placeholder(object.word)) return end_with_exit();
      const uint32_t last = pc[4] - 1;
      const uint32_t chosen = std::min(union_tag(object.word, pc[3]), last);
      const auto is_there = [&](uint32_t source) {
        return source_kind(source) != Source::kGlobal || is_defined(carrier_.globals[source >> kSourceShift]);
      };
      const auto source_value = [&](uint32_t source) -> Operand {
        const uint32_t index = source >> kSourceShift;
        switch (source_kind(source)) {
          case Source::kSlot: return operand(index);
          case Source::kWord: return {constant(index), index};
          case Source::kCapture: return capture(index);
          case Source::kGlobal: return global(index);
        }
        FBLE_BUG("unknown kind of source");
      };
      const std::optional<TwoWays> ways = two_ways(pc);
      const bool is_known = builder_.facts(object.ref).tag >= 0;
      if (ways && !is_known && is_packed(object.word) && is_there(ways->first) && is_there(ways->second)) {
        Operand condition = object;
        if (ways->tags != 0) {
          const bool is_in = (ways->tags >> packed_tag(object.word, pc[3]) & 1) != 0;
          condition = {tag_in(object, pc[3], ways->tags), pack_union(kUnitWord, 1, is_in ? 1 : 0)};
        }
        const Operand first = source_value(ways->first);
        set(pc[1], choose_alike(condition, first, source_value(ways->second)));
        break;
      }
      if (!is_there(pc[5 + chosen])) return end_with_exit();
      select_tag(object, pc[3], last);
      set(pc[1], source_value(pc[5 + chosen]).ref);
      break;
    }
    case Op::kJump: break;
    case Op::kDeoptPoint: append(IrOp::kDeoptPoint, kNoRef, kNoRef, static_cast<int32_t>(pc[1])); break;
    case Op::kClosure: {
      const uint32_t count = pc[3];
      Operands captured;
      for (uint32_t i = 0; i < count; ++i) {
        const uint32_t source = pc[4 + i];
        captured.push_back((source & 1) != 0 ? capture(source >> 1) : operand(source >> 1));
      }
      set(pc[1],
          make_object(Object::make_header(ObjectKind::kClosure, 1 + count), frame().code->functions[pc[2]], captured));
      break;
    }
    case Op::kFunction: set(pc[1], constant(frame().code->functions[pc[2]]->function_value())); break;
    case Op::kReturn: {
      const Operand result = operand(pc[1]);
      return record_return(result.ref);
    }
    case Op::kList: set(pc[1], record_list(operands(pc + 3, pc[2]))); break;
    case Op::kLiteral: {
      const uint32_t list = frame().code->literals[pc[2]].global;
      if (carrier_.globals[list] == 0) return end_with_exit();
      set(pc[1], global(list).ref);
      break;
    }
    case Op::kDeclare: {
      if (!group_is_simple(pc)) return end_with_exit();
      group_snapshot_ = snapshot();
      in_group_ = true;
      for (uint32_t i = 0; i < pc[1]; ++i) set(pc[2] + i, IrRef{kFirstToken + i});
      break;
    }
    case Op::kDefine:
      if (!in_group_) return end_with_exit();
      return record_define();
    case Op::kForeign: {
      const ForeignRef& ref = frame().code->foreigns[pc[2]];
      const NativeRow* row = carrier_.machine.natives.find(ref.module, ref.name);
      if (row == nullptr || row->arity == 0) return end_with_exit();
      set(pc[1], constant(const_cast<Code*>(carrier_.machine.glue.native(ref, *row))->function_value()));
      break;
    }
    case Op::kApplyHeld: {
      const Object* held = as_object(carrier_.fp[kClosureSlot]);
      const uint32_t held_count = held->count() - 2;
      const uint32_t fresh = frame().code->arity;
      CallSite site;
      site.tail = true;
      site.func = {append(IrOp::kField, closure_ref(), kNoRef, 1), held->fields[1]};
      for (uint32_t i = 0; i < held_count; ++i) {
        site.args.push_back(
            {append(IrOp::kField, closure_ref(), kNoRef, static_cast<int32_t>(2 + i)), held->fields[2 + i]});
      }
      for (uint32_t i = 0; i < fresh; ++i) site.args.push_back(operand(i));
      return record_exact_call(site);
    }
    case Op::kCall:
    case Op::kCall1:
    case Op::kCall2:
    case Op::kCall3:
    case Op::kCallGlobal:
    case Op::kCallGlobal1:
    case Op::kCallGlobal2:
    case Op::kCallGlobal3:
    case Op::kTailCall:
    case Op::kTailCall1:
    case Op::kTailCall2:
    case Op::kTailCall3:
    case Op::kTailCallGlobal:
    case Op::kTailCallGlobal1:
    case Op::kTailCallGlobal2:
    case Op::kTailCallGlobal3: return record_call_at(pc);
    case Op::kNativeBody: return record_native();
    // Modules are evaluated once, and a run ends once.
    case Op::kSetGlobal:
    case Op::kHalt: return end_with_exit();
    case Op::kCount: FBLE_BUG("not an instruction");
  }
  return Status::kRecording;
}

}  // namespace fble
