// GMP's own numbers, and operations on them that may take seconds.
//
// GMP cannot be interrupted and cannot do without memory that it asks for. So what may take long is computed on copies
// of the arguments on another thread (long_work.h), and what GMP may need is charged to the heap's limit before.
//
// Tested by tests/unit/frontends/std/int_test.cc.
#pragma once

#include <gmp.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "frontends/std/native/limbs.h"
#include "frontends/std/native/long_work.h"
#include "interp/foreign.h"

namespace fble {

/// A number with memory of its own.
class BigNumber {
 public:
  BigNumber() { mpz_init(number_); }
  ~BigNumber() { mpz_clear(number_); }
  BigNumber(const BigNumber&) = delete;
  BigNumber& operator=(const BigNumber&) = delete;
  operator mpz_ptr() { return number_; }
  operator mpz_srcptr() const { return number_; }

 private:
  mpz_t number_;
};

/// The input of an operation (`a`, `b`, `text`) and its results.
struct BigOperation {
  BigNumber a;
  BigNumber b;
  std::string text;
  BigNumber result;
  BigNumber second_result;
};

/// The memory that GMP 6.2 needs at most, results included, in units of the limbs named. Measured:
/// int_test.cc compares.
inline constexpr size_t kProductLimbs = 5;   ///< of both factors
inline constexpr size_t kDivisionLimbs = 6;  ///< of dividend and divisor
inline constexpr size_t kGcdLimbs = 7;       ///< of both numbers
inline constexpr size_t kRootLimbs = 6;      ///< of the number
inline constexpr size_t kPowerLimbs = 8;     ///< of the result
inline constexpr size_t kTextLimbs = 12;     ///< of the number, for its digits
inline constexpr size_t kDigitsLimbs = 8;    ///< of the number that is made of digits

/// Charges memory for GMP, unless it is little. The same holds as for NativeCall::charge.
[[nodiscard]] inline bool charge_limbs(NativeCall& call, size_t limbs) {
  constexpr size_t kFewLimbs = 4096;
  return limbs <= kFewLimbs || call.charge(limbs * sizeof(mp_limb_t));
}

/// Returns whether an operation is computed on a thread of its own. The sizes, in limbs, are such that the time of the
/// simplest algorithm grows with their product. Below, it takes some tens of milliseconds at most; above, starting a
/// thread is nothing.
inline bool takes_long(size_t a, size_t b) {
  constexpr size_t kLongProduct = size_t{1} << 26;
  return b != 0 && a >= kLongProduct / b;
}

/// Lets `compute(operation)` work on copies of up to two arguments, which are integers, and of the text. GMP may need
/// `limbs` besides the copies. Null after an error or an interrupt, and when the call is a trial.
template <typename Compute>
std::shared_ptr<BigOperation> compute_apart(NativeCall& call, std::initializer_list<uint32_t> arguments,
                                            std::string_view text, size_t limbs, Compute compute) {
  if (call.is_trial()) return nullptr;
  for (const uint32_t index : arguments) limbs += Limbs(int_of(call.arg(index))).size();
  if (!call.charge(limbs * sizeof(mp_limb_t) + text.size())) return nullptr;
  const auto operation = std::make_shared<BigOperation>();
  operation->text = text;
  mpz_ptr copy = operation->a;
  for (const uint32_t index : arguments) {
    mpz_t space;
    mpz_set(copy, Limbs(int_of(call.arg(index))).as_mpz(space));
    copy = operation->b;
  }
  if (!finish_long_work([operation, compute] { compute(*operation); })) return nullptr;
  return operation;
}

}  // namespace fble
