// Words that are terms of the SMT solver, and the walk along all paths of code that computes with them.
//
// The rules of jit/opt/fold_rules.h run on these as they run on machine words. Where such code needs a
// bool, the walk decides which way to go: it runs the code once for each combination of answers that some
// words give. What the path has asked is what the solver knows at its end.
#pragma once

#include <z3++.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace fble::proofs {

/// Bits of a word: 64, or fewer where the solver cannot do 64.
inline unsigned word_bits = 64;

/// Words have this size while it exists.
class WordSize {
 public:
  explicit WordSize(unsigned bits) : before_(std::exchange(word_bits, bits)) {}
  ~WordSize() { word_bits = before_; }
  WordSize(const WordSize&) = delete;
  WordSize& operator=(const WordSize&) = delete;

 private:
  unsigned before_;
};

inline z3::context& context() {
  static z3::context the_context;
  return the_context;
}
inline z3::expr bits_of(uint64_t value) { return context().bv_val(value, word_bits); }
inline z3::expr fresh(const char* name) {
  static unsigned count = 0;
  return context().bv_const((std::string(name) + std::to_string(count++)).c_str(), word_bits);
}

/// Runs code along each of its paths.
class Walk {
 public:
  /// Of the solver, for one question. Unlike seconds they are the same on a busy machine.
  static constexpr unsigned kMaxSteps = 20000000;

  Walk() : solver_(context(), "QF_UFBV") {
    z3::params params(context());
    params.set("rlimit", kMaxSteps);
    solver_.set(params);
  }

  /// Calls `body` once per path; `done` when it has returned.
  void run(const std::function<void()>& body, const std::function<void()>& done);

  /// The truth of the condition on this path.
  bool decide(const z3::expr& condition);
  /// Both ways, without a condition.
  bool choose();
  void assume(const z3::expr& fact) { solver_.add(fact); }
  /// Asks whether the claim follows from what is known on this path: unsat is yes.
  z3::check_result refute(const z3::expr& claim);
  /// Returns the steps that the solver needed for the last claim.
  uint64_t steps() const { return steps_; }
  std::string model() const { return model_; }

  static Walk*& current() {
    static Walk* walk = nullptr;
    return walk;
  }
  struct Impossible {};  ///< thrown where no words lead

 private:
  struct Decision {
    bool value;
    bool other_is_open;
  };
  bool possible(const z3::expr& condition);

  z3::solver solver_;
  std::vector<Decision> decisions_;
  size_t next_ = 0;
  std::string model_;
  uint64_t steps_ = 0;
};

class Bool {
 public:
  Bool(bool value = false) : term(context().bool_val(value)) {}
  explicit Bool(const z3::expr& expr) : term(expr) {}
  explicit operator bool() const { return Walk::current()->decide(term); }
  friend Bool operator&(const Bool& a, const Bool& b) { return Bool(a.term && b.term); }
  friend Bool operator|(const Bool& a, const Bool& b) { return Bool(a.term || b.term); }
  Bool& operator|=(const Bool& b) { return *this = *this | b; }
  z3::expr term;
};

template <bool kSigned>
class Term {
 public:
  Term(uint64_t value = 0) : term(bits_of(value)) {}
  Term(int value) : term(bits_of(static_cast<uint64_t>(static_cast<int64_t>(value)))) {}
  Term(unsigned value) : term(bits_of(value)) {}
  explicit Term(const z3::expr& expr) : term(expr) {}
  explicit Term(const Term<!kSigned>& other) : term(other.term) {}

  friend Term operator+(const Term& a, const Term& b) { return Term(a.term + b.term); }
  friend Term operator-(const Term& a, const Term& b) { return Term(a.term - b.term); }
  friend Term operator*(const Term& a, const Term& b) { return Term(a.term * b.term); }
  friend Term operator/(const Term& a, const Term& b) {
    return Term(kSigned ? a.term / b.term : z3::udiv(a.term, b.term));
  }
  friend Term operator%(const Term& a, const Term& b) {
    return Term(kSigned ? z3::srem(a.term, b.term) : z3::urem(a.term, b.term));
  }
  friend Term operator&(const Term& a, const Term& b) { return Term(a.term & b.term); }
  friend Term operator|(const Term& a, const Term& b) { return Term(a.term | b.term); }
  friend Term operator^(const Term& a, const Term& b) { return Term(a.term ^ b.term); }
  template <bool kOther>
  friend Term shift_left(const Term& a, const Term<kOther>& n) {
    return Term(z3::shl(a.term, n.term));
  }
  Term operator-() const { return Term(-term); }
  Term operator~() const { return Term(~term); }
  friend Bool operator==(const Term& a, const Term& b) { return Bool(a.term == b.term); }
  friend Bool operator!=(const Term& a, const Term& b) { return Bool(a.term != b.term); }
  friend Bool operator<(const Term& a, const Term& b) {
    return Bool(kSigned ? a.term < b.term : z3::ult(a.term, b.term));
  }
  friend Bool operator<=(const Term& a, const Term& b) {
    return Bool(kSigned ? a.term <= b.term : z3::ule(a.term, b.term));
  }
  friend Bool operator>(const Term& a, const Term& b) { return b < a; }
  friend Bool operator>=(const Term& a, const Term& b) { return b <= a; }
  Term operator<<(const Term<true>& n) const { return Term(z3::shl(term, n.term)); }
  Term operator>>(const Term<true>& n) const { return Term(kSigned ? z3::ashr(term, n.term) : z3::lshr(term, n.term)); }
  Term operator<<(int n) const { return *this << Term<true>(n); }
  Term operator>>(int n) const { return *this >> Term<true>(n); }
  Term operator>>(unsigned n) const { return *this >> Term<true>(n); }
  z3::expr term;
};
using Unsigned = Term<false>;
using Signed = Term<true>;

/// The overloads of jit/opt/fold_rules.h.
inline bool add_overflows(const Unsigned& a, const Unsigned& b, Unsigned* sum) {
  *sum = a + b;
  return static_cast<bool>(*sum < a);
}
inline bool add_overflows(const Signed& a, const Signed& b, Signed* sum) {
  *sum = a + b;
  return static_cast<bool>(Bool(((a.term ^ sum->term) & (b.term ^ sum->term)) < 0));
}
inline bool sub_overflows(const Signed& a, const Signed& b, Signed* difference) {
  *difference = a - b;
  return static_cast<bool>(Bool(((a.term ^ b.term) & (a.term ^ difference->term)) < 0));
}
inline bool mul_overflows(const Unsigned& a, const Unsigned& b, Unsigned* product) {
  *product = a * b;
  return static_cast<bool>(Bool(!z3::bvmul_no_overflow(a.term, b.term, false)));
}
/// Whether the product of signed words is one. Z3 has a function for this, which 4.8.12 gets wrong for constants of
/// which one is negative: bvmul_no_overflow(9, -1, true) is false.
inline z3::expr product_fits(const z3::expr& a, const z3::expr& b) {
  const z3::expr product = z3::sext(a, word_bits) * z3::sext(b, word_bits);
  return product == z3::sext(product.extract(word_bits - 1, 0), word_bits);
}
inline bool mul_overflows(const Signed& a, const Signed& b, Signed* product) {
  *product = a * b;
  return static_cast<bool>(Bool(!product_fits(a.term, b.term)));
}
inline bool has_single_bit(const Unsigned& word) {
  return static_cast<bool>(Bool(word.term != 0 && (word.term & (word.term - 1)) == 0));
}
inline Signed exponent_of(const Unsigned& power) {
  z3::expr result = bits_of(0);
  for (unsigned i = 1; i < word_bits; ++i)
    result = z3::ite(power.term == bits_of(uint64_t{1} << i), bits_of(i), result);
  return Signed(result);
}

}  // namespace fble::proofs
