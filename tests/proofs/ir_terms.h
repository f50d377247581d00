// What IR instructions compute, as terms of the SMT solver: the third definition beside machine code and
// tests/reference/ir_interp.h.
//
// Tested by ir_terms_test.cc against that model, on random words.
#pragma once

#include <optional>

#include "interp/code.h"
#include "jit/ir/ir.h"
#include "tests/proofs/terms.h"

namespace fble::proofs {

/// Of an instruction for given operands.
struct Meaning {
  z3::expr requires_;  ///< what earlier guards and types have made sure of
  z3::expr leaves;     ///< the guard fails, or there is no result
  z3::expr value;      ///< the result where it does not leave
};

struct Operands {
  IrOp op = IrOp::kCount;
  std::optional<z3::expr> a;
  std::optional<z3::expr> b;
  z3::expr n = bits_of(0);
  z3::expr m = bits_of(0);
  z3::expr x = bits_of(0);
  std::vector<z3::expr> list;
  Intrinsic intrinsic = Intrinsic::kNone;
};

/// Empty for instructions that have no meaning of their own: objects, frames, control.
std::optional<Meaning> meaning_of(const Operands& operands);

z3::expr max_packed_int();
z3::expr is_packed_word(const z3::expr& word);  ///< and has a sentinel
z3::expr is_natural_word(const z3::expr& word);
z3::expr content_bits(const z3::expr& word);  ///< of a packed word
z3::expr tag_of(const z3::expr& word, const z3::expr& width);
z3::expr number_of(const z3::expr& word);
z3::expr word_of_number(const z3::expr& number);
z3::expr number_fits(const z3::expr& number);
/// The packed union, 0 if it does not fit.
z3::expr packed_union(const z3::expr& arg, const z3::expr& width, const z3::expr& tag);
/// The packed struct, 0 if it does not fit.
z3::expr packed_struct(const std::vector<z3::expr>& fields);
z3::expr field_of_struct(const z3::expr& word, uint32_t index, uint32_t count);
z3::expr layout_of_struct(const z3::expr& word, uint32_t count);
z3::expr is_struct_of(const z3::expr& word, uint32_t count);

}  // namespace fble::proofs
