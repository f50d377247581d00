// Random traces that a recorder could have made.
//
// The generator chooses an input, the witness, and runs the model on it
// (tests/reference/ir_interp.h), as the recorder watches the interpreter. Guards
// hold for the witness, and the requirements of instructions are met. The same
// instructions are appended as they are and through the forward passes.
//
// Values have shapes, which serve as types: inputs() makes other values of the
// same shapes, packed or not, with other tags, for which guards fail.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "jit/opt/pipeline.h"
#include "tests/reference/ir_interp.h"
#include "tests/support/ir_codes.h"

namespace fble {

struct IrGenOptions {
  size_t instructions = 40;
  bool ends_in_self_call = false;  ///< for loops
  bool tallies = false;            ///< some `tally` and `counted_recall`
  bool bits = false;               ///< many operations on bits
  bool tag_sets = false;           ///< some `tag_in`
};

class IrGen {
 public:
  static constexpr int kTallies = 3;  ///< groups of counters of `tally` and `tally_bits`

  explicit IrGen(uint64_t seed, const IrGenOptions& options = {});

  Trace plain;      ///< as recorded, without any pass
  Trace optimised;  ///< through the forward passes

  reference::IrHeap heap;
  const reference::IrInput& witness() const { return witness_; }
  /// Makes another input with values of the same shapes.
  reference::IrInput input();

 private:
  struct Shape;
  using ShapeRef = std::shared_ptr<const Shape>;
  struct Shape {
    enum class Kind { kInt, kUnion, kStruct, kClosure } kind = Kind::kInt;
    uint32_t width = 0;
    std::vector<ShapeRef> parts;  ///< arguments by tag, fields, captured values
    Code* code = nullptr;
  };
  /// A value of the trace: its names in both traces.
  struct Value {
    IrRef plain;
    IrRef optimised;
    ShapeRef shape;
    std::optional<uint32_t> tag;  ///< guarded
    bool rep_known = false;       ///< packed or pointer has been guarded
    bool code_known = false;
    bool natural = false;
  };

  uint32_t random(uint32_t end) { return std::uniform_int_distribution<uint32_t>(0, end - 1)(random_); }
  bool chance(uint32_t percent) { return random(100) < percent; }

  ShapeRef random_shape(int depth);
  Word random_value(const Shape& shape);
  Word random_int();
  Word word(const Value& value) const { return run_->value(value.plain); }

  /// Appends to both traces; the instruction's references are to `values_`, by index.
  std::optional<size_t> append(IrIns ins, ShapeRef shape);
  uint32_t snapshot();
  size_t add_value(Value value);
  void know(size_t index);
  void take_apart(size_t index);
  void guard_code(size_t index);
  void compute();
  /// The results of an instruction in the two traces.
  struct Bare {
    IrRef plain = kNoRef;
    IrRef optimised = kNoRef;
  };
  Bare append_bare(IrOp op, const Bare& a, const Bare& b, int32_t n, const Bare& listed);
  Bare append_bare(IrOp op, const Bare& a, const Bare& b, int32_t n) { return append_bare(op, a, b, n, Bare()); }
  void compute_signed();
  void compute_bits();
  void call_native();
  void recall();
  void tally();
  void test_tag();
  bool are_known_bits(size_t a, size_t b) const;
  void make();
  void make_group();
  /// Returns a value of the shape: an existing one, or a new one.
  std::optional<size_t> build(const ShapeRef& shape, int depth);
  void step();
  void finish();
  size_t pick() { return random(static_cast<uint32_t>(values_.size())); }
  /// Chooses a value with the property, or a constant.
  size_t pick_packed();
  size_t pick_natural();
  size_t pick_bit();
  size_t constant(Word word, ShapeRef shape);

  IrGenOptions options_;
  std::mt19937_64 random_;
  IrCodes codes_;
  Code* root_ = nullptr;
  Code* other_ = nullptr;
  Code* natives_[3] = {};                                 ///< by number of arguments - 1
  std::unique_ptr<MemoTable> memos_[kMostMemoArguments];  ///< likewise
  std::vector<ShapeRef> argument_shapes_;
  ShapeRef closure_shape_;
  ShapeRef int_shape_, unit_shape_, bool_shape_, compared_shape_;
  reference::IrInput witness_;
  std::unique_ptr<reference::IrRun> run_;
  std::unique_ptr<IrBuilder> builder_;
  std::vector<Value> values_;
  uint32_t pc_ = 2;  ///< two words precede a return position
  bool failed_ = false;
};

}  // namespace fble
