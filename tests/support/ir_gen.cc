#include "tests/support/ir_gen.h"

#include "gc/integer.h"
#include "interp/foreign.h"
#include "interp/intrinsics.h"
#include "jit/ir/facts.h"

namespace fble {

namespace {

/// The base of the frame of an inlined call. It is the word before a return position, and all words of IrCodes have
/// this value.
constexpr int32_t kInnerBase = static_cast<int32_t>(Op::kApplyHeld);

/// A native that does the same in machine code as in the model.
template <uint32_t kCount>
Word mix_native(NativeCall& call) {
  Word words[kCount];
  for (uint32_t i = 0; i < kCount; ++i) words[i] = call.arg(i);
  return reference::mix_words(words);
}

}  // namespace

IrGen::IrGen(uint64_t seed, const IrGenOptions& options) : options_(options), random_(seed) {
  int_shape_ = std::make_shared<Shape>();
  unit_shape_ = std::make_shared<Shape>(Shape{Shape::Kind::kStruct, 0, {}, nullptr});
  bool_shape_ = std::make_shared<Shape>(Shape{Shape::Kind::kUnion, 1, {unit_shape_, unit_shape_}, nullptr});
  compared_shape_ =
      std::make_shared<Shape>(Shape{Shape::Kind::kUnion, 2, {unit_shape_, unit_shape_, unit_shape_}, nullptr});
  // Machine code gets the first arguments in registers, and the others in memory.
  constexpr auto kInRegisters = static_cast<uint32_t>(kArgumentRegisters.size());
  const uint32_t arity = 1 + random(kInRegisters) + (chance(30) ? 2 : 0);
  root_ = codes_.make("/A%.f", arity, 2);
  other_ = codes_.make("/A%.g", 2, 2);
  for (uint32_t i = 0; i < 3; ++i) natives_[i] = codes_.make("/A%.mix", 1 + i, 0);
  natives_[0]->native = mix_native<1>;
  natives_[1]->native = mix_native<2>;
  natives_[2]->native = mix_native<3>;
  for (std::unique_ptr<MemoTable>& memo : memos_) {
    memo = std::make_unique<MemoTable>();
    memo->make_rows(4, options_.tallies);
    for (Trace* trace : {&plain, &optimised}) trace->memos.push_back(memo.get());
  }
  for (uint32_t i = 0; i < arity; ++i) {
    // Neighbours may have one shape, so that they can change places.
    argument_shapes_.push_back(i > 0 && chance(30) ? argument_shapes_.back() : random_shape(3));
  }
  if (options_.ends_in_self_call) argument_shapes_[0] = int_shape_;
  closure_shape_ = std::make_shared<Shape>(Shape{Shape::Kind::kClosure, 0, {int_shape_, random_shape(2)}, root_});
  witness_ = input();
  for (Trace* trace : {&plain, &optimised}) {
    trace->code = root_;
    trace->extent = 64;
  }
  builder_ = make_builder(optimised);
  run_ = std::make_unique<reference::IrRun>(plain, witness_, heap);
  for (int32_t i = -1; i < static_cast<int32_t>(arity); ++i) {
    IrIns ins;
    ins.op = IrOp::kSlot;
    ins.n = i < 0 ? -3 : i;
    const auto index = append(ins, i < 0 ? closure_shape_ : argument_shapes_[static_cast<size_t>(i)]);
    if (i < 0) {
      values_[*index].rep_known = values_[*index].code_known = true;
    }
  }
  while (plain.ins.size() < options_.instructions) step();
  finish();
  run_->step();
}

reference::IrInput IrGen::input() {
  reference::IrInput input;
  input.slots[-3] = random_value(*closure_shape_);
  for (size_t i = 0; i < argument_shapes_.size(); ++i) {
    // Often only some arguments differ, so that guards far down are reached.
    const auto slot = static_cast<int32_t>(i);
    const bool same = !witness_.slots.empty() && chance(60);
    input.slots[slot] = same ? witness_.slots[slot] : random_value(*argument_shapes_[i]);
  }
  if (!witness_.slots.empty() && chance(50)) input.slots[-3] = witness_.slots[-3];
  return input;
}

IrGen::ShapeRef IrGen::random_shape(int depth) {
  const uint32_t kind = random(depth == 0 ? 2 : 8);
  if (kind == 0) return int_shape_;
  if (kind == 1) return bool_shape_;
  Shape shape;
  if (kind < 5) {
    shape.kind = Shape::Kind::kUnion;
    const uint32_t tags = 1 + random(5);
    shape.width = tag_width(tags);
    for (uint32_t i = 0; i < tags; ++i) shape.parts.push_back(chance(40) ? unit_shape_ : random_shape(depth - 1));
  } else if (kind < 7) {
    shape.kind = Shape::Kind::kStruct;
    const uint32_t fields = random(4);
    for (uint32_t i = 0; i < fields; ++i) shape.parts.push_back(random_shape(depth - 1));
  } else {
    shape.kind = Shape::Kind::kClosure;
    shape.code = other_;
    if (chance(50)) shape.parts.push_back(random_shape(depth - 1));
  }
  return std::make_shared<Shape>(shape);
}

Word IrGen::random_int() {
  switch (random(6)) {
    case 0: return pack_int(static_cast<int64_t>(random(3)));
    case 1: return pack_int(-static_cast<int64_t>(random(100)));
    case 2: return pack_int(kMaxPackedInt - random(3));
    case 3: return pack_int(int64_t{1} << random(60));
    default: return pack_int(static_cast<int64_t>(random(100)));
  }
}

Word IrGen::random_value(const Shape& shape) {
  switch (shape.kind) {
    case Shape::Kind::kInt: return random_int();
    case Shape::Kind::kUnion: {
      const uint32_t tag = random(static_cast<uint32_t>(shape.parts.size()));
      const Word arg = random_value(*shape.parts[tag]);
      const Word whole = is_packed(arg) && chance(80) ? pack_union(arg, shape.width, tag) : 0;
      return whole != 0 ? whole : heap.make(Object::make_header(ObjectKind::kUnion, 1, tag), {arg});
    }
    case Shape::Kind::kStruct: {
      std::vector<Word> fields;
      bool packed = shape.parts.empty() || chance(80);
      for (const ShapeRef& part : shape.parts) {
        fields.push_back(random_value(*part));
        packed &= is_packed(fields.back());
      }
      const auto count = static_cast<uint32_t>(fields.size());
      const Word whole = packed ? pack_struct(count, [&](uint32_t i) { return fields[i]; }) : 0;
      return whole != 0 ? whole : heap.make(Object::make_header(ObjectKind::kStruct, count), fields);
    }
    case Shape::Kind::kClosure: {
      if (shape.parts.empty() && chance(70)) return shape.code->function_value();
      std::vector<Word> fields{Code::from_code(shape.code)};
      for (const ShapeRef& part : shape.parts) fields.push_back(random_value(*part));
      return heap.make(Object::make_header(ObjectKind::kClosure, static_cast<uint32_t>(fields.size())), fields);
    }
  }
  FBLE_BUG("unknown kind of shape");
}

size_t IrGen::add_value(Value value) {
  values_.push_back(std::move(value));
  return values_.size() - 1;
}

std::optional<size_t> IrGen::append(IrIns ins, ShapeRef shape) {
  IrIns other = ins;
  for_each_ref(ins, [&](IrRef& ref) { ref = values_[index_of(ref)].plain; });
  for_each_ref(other, [&](IrRef& ref) { ref = values_[index_of(ref)].optimised; });
  if (ir_is_guard(ins.op) || ins.op == IrOp::kNew) {
    other.snapshot = snapshot();
    ins.snapshot = static_cast<uint32_t>(plain.snapshots.size()) - 1;
  }
  Value value;
  value.plain = IrRef{static_cast<uint32_t>(plain.ins.size())};
  plain.ins.push_back(std::move(ins));
  if (run_->step()) {
    // The witness would leave here: a result that does not fit is not used.
    FBLE_ASSERT(run_->outcome().kind == reference::IrOutcome::Kind::kExit);
    failed_ = true;
  }
  value.optimised = builder_->append(std::move(other));
  value.shape = std::move(shape);
  if (!ir_has_result(plain.ins.back().op)) return std::nullopt;
  return add_value(std::move(value));
}

/// Makes a snapshot: some values in some slots, and sometimes an inlined call.
uint32_t IrGen::snapshot() {
  Snapshot taken[2];
  for (int which = 0; which < 2; ++which) {
    taken[which].frames.push_back({root_, root_->start + pc_, 0, true, kNoRef});
  }
  ++pc_;
  auto ref_of = [&](int which, const Value& value) { return which == 0 ? value.plain : value.optimised; };
  if (!values_.empty() && chance(30)) {
    const size_t closure = pick();
    for (int which = 0; which < 2; ++which) {
      taken[which].frames.push_back({other_, other_->start + pc_, kInnerBase, false, ref_of(which, values_[closure])});
    }
  }
  for (int32_t slot = static_cast<int32_t>(root_->arity); slot < kInnerBase + 4 && !values_.empty(); ++slot) {
    if (slot >= 17 && slot < kInnerBase) continue;
    if (!chance(15)) continue;
    // Exits mention the newest values most often.
    const size_t index = chance(25) ? values_.size() - 1 : pick();
    const uint8_t facts = value_facts(builder_->facts(values_[index].optimised));
    taken[0].slots.push_back({slot, values_[index].plain, 0});
    taken[1].slots.push_back({slot, values_[index].optimised, facts});
  }
  plain.snapshots.push_back(std::move(taken[0]));
  return builder_->add_snapshot(std::move(taken[1]));
}

/// Appends a guard that the value is packed, or that it is not.
void IrGen::know(size_t index) {
  if (values_[index].rep_known && chance(80)) return;
  IrIns ins;
  ins.op = is_packed(word(values_[index])) ? IrOp::kIsPacked : IrOp::kIsPointer;
  ins.a = IrRef{static_cast<uint32_t>(index)};
  append(ins, nullptr);
  values_[index].rep_known = true;
}

void IrGen::guard_code(size_t index) {
  IrIns ins;
  ins.op = chance(30) ? IrOp::kArityIs : IrOp::kCodeIs;
  ins.a = IrRef{static_cast<uint32_t>(index)};
  if (ins.op == IrOp::kCodeIs) {
    ins.code = values_[index].shape->code;
    values_[index].code_known = true;
  } else {
    ins.n = static_cast<int32_t>(values_[index].shape->code->arity);
  }
  append(ins, nullptr);
}

/// Reads a part of the value.
void IrGen::take_apart(size_t index) {
  know(index);
  const ShapeRef shape = values_[index].shape;
  const Word whole = word(values_[index]);
  IrIns ins;
  ins.a = IrRef{static_cast<uint32_t>(index)};
  switch (shape->kind) {
    case Shape::Kind::kInt:
      if (!is_natural(whole)) return;
      ins.op = IrOp::kIsNatural;
      append(ins, nullptr);
      values_[index].natural = true;
      return;
    case Shape::Kind::kUnion: {
      const uint32_t tag = union_tag(whole, shape->width);
      IrIns guard = ins;
      if (is_packed(whole)) {
        guard.op = IrOp::kTagIs;
        guard.n = static_cast<int32_t>(tag);
        guard.m = shape->width;
        if (tag > 0 && chance(30)) {
          guard.op = IrOp::kTagFrom;
          guard.n = 1 + static_cast<int32_t>(random(tag));
        }
      } else {
        guard.op = IrOp::kHeaderIs;
        guard.n = static_cast<int32_t>(static_cast<uint32_t>(as_object(whole)->header));
      }
      append(guard, nullptr);
      if (guard.op == IrOp::kTagFrom) return;
      values_[index].tag = tag;
      ins.op = is_packed(whole) ? IrOp::kPackedArg : IrOp::kField;
      ins.n = is_packed(whole) ? static_cast<int32_t>(shape->width) : 0;
      const size_t part = *append(ins, shape->parts[tag]);
      values_[part].rep_known = is_packed(whole);
      return;
    }
    case Shape::Kind::kStruct: {
      if (shape->parts.empty()) return;
      const uint32_t field = random(static_cast<uint32_t>(shape->parts.size()));
      if (is_packed(whole) && shape->parts.size() > 1 && chance(50)) {
        IrIns layout = ins;
        layout.op = IrOp::kLayoutIs;
        layout.m = static_cast<uint32_t>(shape->parts.size());
        layout.x = packed_layout(whole, layout.m);
        append(layout, nullptr);
      }
      ins.op = is_packed(whole) ? IrOp::kPackedField : IrOp::kField;
      ins.n = static_cast<int32_t>(field);
      ins.m = is_packed(whole) ? static_cast<uint32_t>(shape->parts.size()) : 0;
      const size_t part = *append(ins, shape->parts[field]);
      values_[part].rep_known = is_packed(whole);
      return;
    }
    case Shape::Kind::kClosure:
      guard_code(index);
      if (!values_[index].code_known || shape->parts.empty()) return;
      ins.op = IrOp::kField;
      ins.n = 1 + static_cast<int32_t>(random(static_cast<uint32_t>(shape->parts.size())));
      append(ins, shape->parts[static_cast<size_t>(ins.n - 1)]);
      return;
  }
}

size_t IrGen::constant(Word word, ShapeRef shape) {
  IrIns ins;
  ins.op = IrOp::kConstant;
  ins.x = word;
  const bool natural = shape == int_shape_ && is_natural(word);
  const size_t index = *append(ins, std::move(shape));
  values_[index].rep_known = true;
  values_[index].natural = natural;
  return index;
}

size_t IrGen::pick_packed() {
  for (int i = 0; i < 10; ++i) {
    const size_t index = pick();
    if (values_[index].rep_known && is_packed(word(values_[index]))) return index;
  }
  const Word small = random_int();
  return constant(small, int_shape_);
}

size_t IrGen::pick_natural() {
  for (int i = 0; i < 10; ++i) {
    const size_t index = pick();
    if (values_[index].natural) return index;
  }
  return constant(pack_int(random(chance(80) ? 10 : 100000)), int_shape_);
}

/// Returns a value that is known to be one bit, or sometimes only happens to be one now.
size_t IrGen::pick_bit() {
  for (int i = 0; i < 20; ++i) {
    const size_t index = pick();
    const Shape* shape = values_[index].shape.get();
    if (shape == nullptr || shape->kind != Shape::Kind::kUnion || shape->width != 1) continue;
    const Word whole = word(values_[index]);
    if (!is_packed(whole) || packed_bits(whole) != 1) continue;
    const bool is_guarded = chance(90);
    if (!is_guarded || chance(50)) know(index);
    values_[index].rep_known = true;
    IrIns layout;
    layout.op = IrOp::kLayoutIs;
    layout.a = IrRef{static_cast<uint32_t>(index)};
    layout.m = 1;
    layout.x = packed_layout(whole, 1);
    if (is_guarded) append(layout, nullptr);
    return index;
  }
  return constant(chance(50) ? 5 : 7, bool_shape_);
}

/// Makes choices among bits, and what such choices become.
bool IrGen::are_known_bits(size_t a, size_t b) const {
  FactTable facts(plain);
  for (const IrIns& each : plain.ins) facts.append(each);
  return is_bit(facts[values_[a].plain]) && is_bit(facts[values_[b].plain]);
}

void IrGen::compute_bits() {
  const auto ref = [](size_t index) { return IrRef{static_cast<uint32_t>(index)}; };
  IrIns ins;
  ins.a = ref(pick_bit());
  const size_t first = pick_bit();
  if (chance(70)) {
    ins.op = IrOp::kChoose;
    ins.list = {ref(first), ref(pick_bit())};
  } else {
    // They require bits, and choices that are known to be some are not all that are.
    constexpr IrOp kOps[] = {IrOp::kBitAnd, IrOp::kBitOr, IrOp::kBitXor};
    ins.op = kOps[random(3)];
    ins.b = ref(first);
    if (!are_known_bits(index_of(ins.a), first)) return;
  }
  values_[*append(ins, bool_shape_)].rep_known = true;
}

/// Makes arithmetic, comparisons, intrinsics.
void IrGen::compute() {
  IrIns ins;
  const size_t a = pick_natural();
  const size_t b = pick_natural();
  ins.a = IrRef{static_cast<uint32_t>(a)};
  const Word x = word(values_[a]) >> 2;
  const Word y = word(values_[b]) >> 2;
  const uint32_t kind = random(16);
  auto binary = [&](IrOp op) {
    ins.op = op;
    ins.b = IrRef{static_cast<uint32_t>(b)};
  };
  ShapeRef shape = int_shape_;
  bool natural = true;
  switch (kind) {
    case 0:
      if (x + y > static_cast<Word>(kMaxPackedInt)) return;
      binary(IrOp::kAdd);
      break;
    case 1:
      if (x < y) return;
      binary(IrOp::kSub);
      break;
    case 2:
      if (static_cast<unsigned __int128>(x) * y > static_cast<Word>(kMaxPackedInt)) return;
      binary(IrOp::kMul);
      break;
    case 3:
    case 4:
      if (y == 0) return;
      binary(kind == 3 ? IrOp::kDiv : IrOp::kMod);
      break;
    case 5: binary(chance(50) ? IrOp::kAnd : chance(50) ? IrOp::kOr : IrOp::kXor); break;
    case 6: {
      const uint32_t count = random(10);
      if (x << count > static_cast<Word>(kMaxPackedInt) || x << count >> count != x) return;
      ins.op = IrOp::kShiftLeft;
      ins.n = static_cast<int32_t>(count);
      break;
    }
    case 7:
      ins.op = IrOp::kShiftRight;
      ins.n = static_cast<int32_t>(random(62));
      break;
    case 8:
    case 9: {
      constexpr IrOp kBooleans[] = {IrOp::kLess, IrOp::kLessEqual, IrOp::kEqual, IrOp::kUnequal};
      binary(kBooleans[random(4)]);
      shape = bool_shape_;
      natural = false;
      break;
    }
    case 10:
      binary(IrOp::kCompare);
      shape = compared_shape_;
      natural = false;
      break;
    case 11:
    case 12:
      binary(x < y ? IrOp::kIsLess : x == y ? IrOp::kIsEqual : chance(50) ? IrOp::kNotLess : IrOp::kNotEqual);
      append(ins, nullptr);
      return;
    default: {
      const auto count = static_cast<uint32_t>(Intrinsic::kCount) - 1;
      const auto intrinsic = static_cast<Intrinsic>(1 + random(count));
      const IntrinsicInfo& info = intrinsic_info(intrinsic);
      ins.a = kNoRef;
      ins.op = IrOp::kIntrinsic;
      ins.n = static_cast<int32_t>(intrinsic);
      Word args[4];
      for (uint32_t i = 0; i < info.arity; ++i) {
        size_t arg = chance(70) ? pick_natural() : pick_packed();
        // A value that is no integer is read as one all the same, but the result must not depend on packing.
        if (values_[arg].shape != int_shape_) arg = pick_natural();
        ins.list.push_back(IrRef{static_cast<uint32_t>(arg)});
        args[i] = word(values_[arg]);
      }
      const Word result = fold_packed(intrinsic, args);
      if (result == 0) return;
      const std::string_view doc = info.doc;
      if (doc.starts_with("Bool@")) shape = bool_shape_;
      if (doc.starts_with("Compared@") || doc.starts_with("Sign@")) shape = compared_shape_;
      if (intrinsic == Intrinsic::kIntDivide) {
        shape = std::make_shared<Shape>(Shape{Shape::Kind::kStruct, 0, {int_shape_, int_shape_}, nullptr});
      }
      natural = false;
    }
  }
  const size_t index = *append(ins, shape);
  values_[index].rep_known = true;
  values_[index].natural = natural;
}

/// Appends an instruction with operands in both traces, whose result is no value that others pick.
IrGen::Bare IrGen::append_bare(IrOp op, const Bare& a, const Bare& b, int32_t n, const Bare& listed) {
  IrIns ins{.op = op};
  IrIns other{.op = op};
  if (listed.plain != kNoRef) {
    ins.list = {listed.plain};
    other.list = {listed.optimised};
  }
  ins.a = a.plain;
  other.a = a.optimised;
  ins.b = b.plain;
  other.b = b.optimised;
  ins.n = other.n = n;
  if (ir_is_guard(op)) {
    other.snapshot = snapshot();
    ins.snapshot = static_cast<uint32_t>(plain.snapshots.size()) - 1;
  }
  const Bare result{IrRef{static_cast<uint32_t>(plain.ins.size())}, kNoRef};
  plain.ins.push_back(std::move(ins));
  if (run_->step()) failed_ = true;
  return {result.plain, builder_->append(std::move(other))};
}

/// Makes signed integers, and choices between them.
void IrGen::compute_signed() {
  const auto pick_int = [&] {
    for (int i = 0; i < 10; ++i) {
      const size_t index = pick();
      if (values_[index].rep_known && values_[index].shape == int_shape_ && is_packed(word(values_[index])))
        return index;
    }
    return constant(random_int(), int_shape_);
  };
  const auto bare = [&](size_t index) { return Bare{values_[index].plain, values_[index].optimised}; };
  const auto give = [&](const Bare& result, ShapeRef shape) {
    Value value;
    value.plain = result.plain;
    value.optimised = result.optimised;
    value.shape = std::move(shape);
    value.rep_known = true;
    add_value(std::move(value));
  };
  const size_t a = pick_int();
  const size_t b = pick_int();
  const int64_t x = unpack_int(word(values_[a]));
  const int64_t y = unpack_int(word(values_[b]));
  const uint32_t kind = random(10);
  if (kind >= 6) {
    const Bare first = append_bare(IrOp::kOrderKey, bare(a), {}, 0);
    const Bare second = append_bare(IrOp::kOrderKey, bare(b), {}, 0);
    if (kind == 6) {
      append_bare(x < y ? IrOp::kIsLess : IrOp::kNotLess, first, second, 0);
      return;
    }
    if (kind == 9) return give(append_bare(IrOp::kCompare, first, second, 0), compared_shape_);
    const Bare less = append_bare(chance(50) ? IrOp::kLess : IrOp::kLessEqual, first, second, 0);
    give(less, bool_shape_);
    if (kind == 7) return;
    IrIns ins{.op = IrOp::kChoose};
    ins.a = IrRef{static_cast<uint32_t>(values_.size() - 1)};
    ins.list = {IrRef{static_cast<uint32_t>(a)}, IrRef{static_cast<uint32_t>(b)}};
    values_[*append(ins, int_shape_)].rep_known = true;
    return;
  }
  // An instruction at which the witness would leave is not used.
  constexpr IrOp kOps[] = {IrOp::kIntAdd, IrOp::kIntSub,        IrOp::kIntMul,
                           IrOp::kIntDiv, IrOp::kIntShiftRight, IrOp::kIntOf};
  const IrOp op = kOps[kind];
  const __int128 product = static_cast<__int128>(x) * y;
  if (op == IrOp::kIntAdd && !int_fits(x + y)) return;
  if (op == IrOp::kIntSub && !int_fits(x - y)) return;
  if (op == IrOp::kIntMul && (product > kMaxPackedInt || product < kMinPackedInt)) return;
  if (op == IrOp::kIntDiv && y == 0) return;
  Bare number = append_bare(IrOp::kIntOf, bare(a), {}, 0);
  if (op == IrOp::kIntShiftRight) {
    number = append_bare(op, number, {}, static_cast<int32_t>(random(62)));
  } else if (op != IrOp::kIntOf) {
    const Bare second = append_bare(IrOp::kIntOf, bare(b), {}, 0);
    const Bare result = append_bare(op, number, second, 0);
    number = op == IrOp::kIntDiv && chance(50) ? append_bare(IrOp::kIntRem, number, second, 0, result) : result;
  }
  give(append_bare(IrOp::kIntWord, number, {}, 0), int_shape_);
}

/// Calls a pure native with any values: its result is an integer without known facts.
void IrGen::call_native() {
  IrIns ins{.op = IrOp::kNative};
  std::vector<Word> words;
  for (uint32_t count = 1 + random(3); words.size() < count;) {
    const size_t index = pick();
    ins.list.push_back(IrRef{static_cast<uint32_t>(index)});
    words.push_back(word(values_[index]));
  }
  ins.code = natives_[words.size() - 1];
  if (reference::mix_words(words) != 0) append(ins, int_shape_);
}

/// Looks in a memo that remembers the call of the witness: its result is an integer.
void IrGen::recall() {
  IrIns ins{.op = options_.tallies && chance(50) ? IrOp::kCountedRecall : IrOp::kRecall};
  std::vector<Word> words;
  for (uint32_t count = 1 + random(kMostMemoArguments); words.size() < count;) {
    const size_t index = pick_packed();
    ins.list.push_back(IrRef{static_cast<uint32_t>(index)});
    words.push_back(word(values_[index]));
  }
  const size_t which = words.size() - 1;
  ins.n = static_cast<int32_t>(which);
  ins.code = natives_[which];
  const Word result = reference::mix_words(words);
  const bool is_known = memos_[which]->find(words) != 0;
  MemoRow& row = memos_[which]->row_for(words);
  if (result == 0 || (row.result != 0 && !is_known)) return;
  std::ranges::copy(words, row.arguments);
  row.result = result;
  values_[*append(ins, int_shape_)].rep_known = true;
}

/// Counts the lowest bit of a packed value, or two bits.
void IrGen::tally() {
  IrIns ins{.op = IrOp::kTally};
  ins.n = static_cast<int32_t>(random(kTallies));
  if (options_.bits && chance(50)) {
    ins.op = IrOp::kTallyBits;
    const size_t a = pick_bit();
    const size_t b = pick_bit();
    if (!are_known_bits(a, b)) return;
    ins.a = IrRef{static_cast<uint32_t>(a)};
    ins.b = IrRef{static_cast<uint32_t>(b)};
  } else {
    ins.a = IrRef{static_cast<uint32_t>(pick_packed())};
  }
  append(ins, nullptr);
}

/// Asks whether the tag of a packed union is one of some, and chooses by the answer.
void IrGen::test_tag() {
  const size_t index = pick_packed();
  const Shape* shape = values_[index].shape.get();
  constexpr uint32_t kMostWidth = 6;
  if (shape == nullptr || shape->kind != Shape::Kind::kUnion || shape->width == 0 || shape->width > kMostWidth) return;
  IrIns ins{.op = IrOp::kTagIn};
  ins.a = IrRef{static_cast<uint32_t>(index)};
  ins.m = shape->width;
  const uint32_t tags = 1u << shape->width;
  ins.x = chance(50) ? Word{1} << random(tags) : random_() >> (64 - tags);
  const size_t bit = *append(ins, bool_shape_);
  values_[bit].rep_known = true;
  if (chance(50)) return;
  IrIns choice{.op = IrOp::kChoose};
  choice.a = IrRef{static_cast<uint32_t>(bit)};
  choice.list = {IrRef{static_cast<uint32_t>(pick_natural())}, IrRef{static_cast<uint32_t>(pick_natural())}};
  values_[*append(choice, int_shape_)].rep_known = true;
}

/// Makes a struct, union or closure, packed or not.
void IrGen::make() {
  IrIns ins;
  const uint32_t kind = random(4);
  const bool packed = chance(50);
  std::vector<ShapeRef> parts;
  auto part = [&] {
    const size_t index = packed && kind < 3 ? pick_packed() : pick();
    parts.push_back(values_[index].shape);
    ins.list.push_back(IrRef{static_cast<uint32_t>(index)});
  };
  Shape shape;
  if (kind == 3) {
    part();
    if (chance(40)) part();
    shape = {Shape::Kind::kClosure, 0, parts, other_};
    ins.op = IrOp::kNew;
    ins.code = other_;
    ins.x = Object::make_header(ObjectKind::kClosure, static_cast<uint32_t>(parts.size() + 1));
  } else if (kind == 2) {
    const uint32_t fields = random(4);
    for (uint32_t i = 0; i < fields; ++i) part();
    shape = {Shape::Kind::kStruct, 0, parts, nullptr};
    if (packed) {
      if (pack_struct(fields, [&](uint32_t i) { return word(values_[index_of(ins.list[i])]); }) == 0) {
        // The interpreter makes an object then.
        IrIns guard = ins;
        guard.op = IrOp::kNoFit;
        append(guard, nullptr);
        ins.op = IrOp::kNew;
        ins.x = Object::make_header(ObjectKind::kStruct, fields);
        values_[*append(ins, std::make_shared<Shape>(shape))].rep_known = true;
        return;
      }
      ins.op = IrOp::kPackStruct;
    } else {
      ins.op = IrOp::kNew;
      ins.x = Object::make_header(ObjectKind::kStruct, fields);
    }
  } else {
    part();
    const uint32_t tags = 1 + random(4);
    const uint32_t tag = random(tags);
    shape = {Shape::Kind::kUnion, tag_width(tags), {}, nullptr};
    for (uint32_t i = 0; i < tags; ++i) shape.parts.push_back(i == tag ? parts[0] : unit_shape_);
    if (packed) {
      const IrRef arg = ins.list[0];
      if (pack_union(word(values_[index_of(arg)]), shape.width, tag) == 0) return;
      ins.list.clear();
      ins.op = IrOp::kPackUnion;
      ins.a = arg;
      ins.n = static_cast<int32_t>(tag);
      ins.m = shape.width;
    } else {
      ins.op = IrOp::kNew;
      ins.x = Object::make_header(ObjectKind::kUnion, 1, tag);
    }
  }
  const size_t index = *append(ins, std::make_shared<Shape>(shape));
  values_[index].rep_known = true;
  values_[index].code_known = shape.kind == Shape::Kind::kClosure;
}

/// Makes two or three closures that capture each other.
void IrGen::make_group() {
  const uint32_t count = 2 + random(2);
  const auto first_plain = static_cast<uint32_t>(plain.ins.size());
  const auto first_optimised = static_cast<uint32_t>(optimised.ins.size());
  const size_t first_value = values_.size();
  const size_t captured = pick();
  const uint32_t taken = snapshot();
  // The captures of the other members are not described: shapes would be endless.
  const auto shape = std::make_shared<Shape>(Shape{Shape::Kind::kClosure, 0, {values_[captured].shape}, other_});
  for (uint32_t i = 0; i < count; ++i) {
    IrIns ins;
    ins.op = IrOp::kNew;
    ins.recursive = true;
    ins.code = other_;
    ins.x = Object::make_header(ObjectKind::kClosure, 3);
    ins.snapshot = taken;
    IrIns other = ins;
    ins.snapshot = static_cast<uint32_t>(plain.snapshots.size()) - 1;
    const uint32_t next = (i + 1) % count;
    ins.list = {values_[captured].plain, IrRef{first_plain + next}};
    other.list = {values_[captured].optimised, IrRef{first_optimised + next}};
    plain.ins.push_back(std::move(ins));
    builder_->append_raw(std::move(other));
    Value value;
    value.plain = IrRef{first_plain + i};
    value.optimised = IrRef{first_optimised + i};
    value.shape = shape;
    value.rep_known = value.code_known = true;
    values_.push_back(std::move(value));
  }
  run_->step();
  // Read through one of them.
  IrIns ins;
  ins.op = IrOp::kField;
  ins.a = IrRef{static_cast<uint32_t>(first_value)};
  ins.n = 2;
  append(ins, shape);
}

std::optional<size_t> IrGen::build(const ShapeRef& shape, int depth) {
  if (depth == 0 || shape == int_shape_ || chance(40)) {
    for (int tries = 0; tries < 20; ++tries) {
      const size_t index = pick();
      if (values_[index].shape == shape) return index;
    }
    if (shape == int_shape_) return constant(random_int(), int_shape_);
    if (depth == 0) return std::nullopt;
  }
  IrIns ins;
  const uint32_t tag = shape->kind == Shape::Kind::kUnion ? random(static_cast<uint32_t>(shape->parts.size())) : 0;
  const bool is_union = shape->kind == Shape::Kind::kUnion;
  bool packed = shape->kind != Shape::Kind::kClosure;
  for (size_t i = 0; i < (is_union ? 1 : shape->parts.size()); ++i) {
    const auto part = build(shape->parts[is_union ? tag : i], depth - 1);
    if (!part) return std::nullopt;
    if (chance(50)) know(*part);
    packed = packed && values_[*part].rep_known && is_packed(word(values_[*part]));
    ins.list.push_back(IrRef{static_cast<uint32_t>(*part)});
  }
  const auto count = static_cast<uint32_t>(ins.list.size());
  const Word fields = packed ? pack_struct(count, [&](uint32_t i) { return word(values_[index_of(ins.list[i])]); }) : 0;
  packed = fields != 0 && (!is_union || pack_union(fields, shape->width, tag) != 0) && chance(60);
  if (packed && is_union) {
    ins.op = IrOp::kPackUnion;
    ins.a = ins.list[0];
    ins.n = static_cast<int32_t>(tag);
    ins.m = shape->width;
    ins.list.clear();
  } else if (packed) {
    ins.op = IrOp::kPackStruct;
  } else {
    ins.op = IrOp::kNew;
    ins.code = shape->code;
    ins.x = shape->code != nullptr ? Object::make_header(ObjectKind::kClosure, count + 1)
            : is_union             ? Object::make_header(ObjectKind::kUnion, 1, tag)
                                   : Object::make_header(ObjectKind::kStruct, count);
  }
  const size_t index = *append(ins, shape);
  values_[index].rep_known = true;
  values_[index].code_known = shape->code != nullptr;
  return index;
}

void IrGen::step() {
  if (options_.bits && chance(40)) return compute_bits();
  if (options_.tag_sets && chance(20)) return test_tag();
  switch (random(10)) {
    case 0:
    case 1:
    case 2:
    case 3: take_apart(pick()); break;
    case 4:
    case 5:
    case 6:
      chance(15)                      ? call_native()
      : chance(15)                    ? recall()
      : options_.tallies&& chance(15) ? tally()
      : chance(70)                    ? compute()
                                      : compute_signed();
      break;
    case 7:
    case 8: make(); break;
    default:
      if (chance(30)) build(argument_shapes_[random(static_cast<uint32_t>(argument_shapes_.size()))], 3);
      if (chance(20)) make_group();
      break;
  }
}

/// Ends the trace with a return, a call or a tail call.
void IrGen::finish() {
  IrIns ins;
  const uint32_t kind = options_.ends_in_self_call ? 3 : random(3);
  auto list = [&](uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) ins.list.push_back(IrRef{static_cast<uint32_t>(pick())});
  };
  if (kind == 0) {
    ins.op = IrOp::kReturn;
    ins.a = IrRef{static_cast<uint32_t>(pick())};
  } else if (kind < 3) {
    const size_t closure =
        constant(other_->function_value(), std::make_shared<Shape>(Shape{Shape::Kind::kClosure, 0, {}, other_}));
    const uint32_t stores = kind == 1 ? random(5) : 0;
    for (uint32_t i = 0; i < stores; ++i) {
      IrIns store;
      store.op = IrOp::kStore;
      store.n = 10 + static_cast<int32_t>(i);
      store.a = IrRef{static_cast<uint32_t>(pick())};
      append(store, nullptr);
    }
    ins.op = kind == 1 ? IrOp::kCall : IrOp::kTailCall;
    ins.a = IrRef{static_cast<uint32_t>(closure)};
    if (chance(60)) ins.code = other_;
    if (kind == 1) ins.n = 40;
    list(2);
  } else {
    // Each argument gets a value of its own shape: most stay, some change.
    ins.op = IrOp::kTailCall;
    ins.a = IrRef{0};
    if (chance(30)) {
      const auto closure = build(closure_shape_, 2);
      if (closure && values_[*closure].code_known) ins.a = IrRef{static_cast<uint32_t>(*closure)};
    }
    ins.code = root_;
    for (size_t i = 0; i < argument_shapes_.size(); ++i) {
      size_t next = i + 1;
      if (chance(60)) next = build(argument_shapes_[i], 3).value_or(next);
      ins.list.push_back(IrRef{static_cast<uint32_t>(next)});
    }
    for (size_t i = 1; i < argument_shapes_.size(); ++i) {
      if (argument_shapes_[i] == argument_shapes_[i - 1] && chance(40)) std::swap(ins.list[i], ins.list[i - 1]);
    }
  }
  // A call's snapshot lists nothing: its frames are in memory.
  IrIns other = ins;
  for_each_ref(ins, [&](IrRef& ref) { ref = values_[index_of(ref)].plain; });
  for_each_ref(other, [&](IrRef& ref) { ref = values_[index_of(ref)].optimised; });
  if (ins.op == IrOp::kCall) {
    Snapshot taken;
    taken.frames.push_back({root_, root_->start + pc_++, 0, true, kNoRef});
    plain.snapshots.push_back(taken);
    ins.snapshot = static_cast<uint32_t>(plain.snapshots.size()) - 1;
    other.snapshot = builder_->add_snapshot(std::move(taken));
  }
  plain.ins.push_back(std::move(ins));
  builder_->append(std::move(other));
}

}  // namespace fble
