// Integers of any size: frontends/std/native/int.cc, called as programs call it.
#include <gmpxx.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <random>

#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"
#include "gc/integer.h"
#include "interp/bytecode_text.h"
#include "interp/machine.h"

/// Prints a number in messages: the stream operator of GMP is in a library of its own.
template <typename T, typename U>
void PrintTo(const __gmp_expr<T, U>& number, std::ostream* out) {
  *out << mpz_class(number).get_str();
}

namespace fble {
namespace {

using Number = mpz_class;

Number read_number(Word word) {
  Number result;
  if (is_packed(word)) {
    const int64_t value = unpack_int(word);
    mpz_set_si(result.get_mpz_t(), value);
    return result;
  }
  const Object* object = as_object(word);
  EXPECT_EQ(object->kind(), ObjectKind::kBytes);
  mpz_import(result.get_mpz_t(), object->count(), -1, sizeof(Word), 0, 0, object->fields);
  // Canonical: a number that fits is packed, and there are no leading zeros.
  EXPECT_NE(object->fields[object->count() - 1], 0u);
  EXPECT_GT(result, Number(kMaxPackedInt));
  return big_is_negative(object) ? Number(-result) : result;
}

/// A program that consists of one native.
class Native {
 public:
  Native(const std::string& module, const std::string& name, const HeapOptions& heap = {}) {
    BytecodeParse parsed = parse_bytecode(
        "globals 1\nname \"M\"\nmodule \"M\" code 0 global 0\n"
        "code 0 \"M\" at \"M.fble\":1:0\narity 0 slots 4 captures 0\n"
        "foreign \"" +
            module + "\" \"" + name +
            "\" at 1:0\n"
            "{\nforeign s0 0\nreturn s0\n}\n",
        "test");
    EXPECT_NE(parsed.program, nullptr) << parsed.error;
    program_ = std::move(parsed.program);
    register_std(natives_);
    machine_ = std::make_unique<Machine>(*program_, natives_, MachineOptions{.heap = heap, .stack_bytes = 1 << 20});
    EXPECT_TRUE(machine_->run_modules()) << machine_->error().render();
    native_ = machine_->keep(machine_->result());
  }

  /// Keeps the number as an argument of the next call.
  Native& arg(const Number& number) {
    args_.push_back(machine_->keep(machine_->build([&](NativeCall& call) {
      if (number >= kMinPackedInt && number <= kMaxPackedInt) return pack_int(number.get_si());
      const size_t size = mpz_size(number.get_mpz_t());
      if (!call.reserve(object_words(static_cast<uint32_t>(size)))) return kOutOfMemory;
      std::copy_n(mpz_limbs_read(number.get_mpz_t()), size, call.room());
      return call.make_bytes(number < 0 ? 1 : 0, static_cast<uint32_t>(size));
    })));
    return *this;
  }
  Native& arg_word(Word word) {
    args_.push_back(machine_->keep(word));
    return *this;
  }
  Native& arg_list(const std::vector<Word>& elements) {
    return arg_word(machine_->build([&](NativeCall& call) {
      return call.reserve(list_words(elements.size())) ? make_list(call, elements) : kOutOfMemory;
    }));
  }
  Native& arg_text(const std::string& text) {
    std::vector<Word> letters;
    for (const char letter : text) letters.push_back(pack_int(letter));
    return arg_list(letters);
  }
  /// Makes a character around the last argument.
  Native& as_char() {
    const size_t last = args_.back();
    args_.back() = machine_->keep(machine_->build([&](NativeCall& call) {
      if (!call.reserve(object_words(1))) return kOutOfMemory;
      const Word field[] = {machine_->kept(last)};
      return call.make_struct(field);
    }));
    return *this;
  }

  /// Calls the native. Returns 0 after an error.
  Word call() {
    std::vector<Word> words;
    for (const size_t arg : args_) words.push_back(machine_->kept(arg));
    machine_->set_result(machine_->kept(native_));
    const bool ok = machine_->call_result(words);
    const Word function = machine_->kept(native_);
    machine_->drop_kept();
    native_ = machine_->keep(function);
    args_.clear();
    return ok ? machine_->result() : 0;
  }
  Number number() {
    const Word word = call();
    EXPECT_NE(word, 0u) << machine_->error().render();
    return word == 0 ? Number(0) : read_number(word);
  }
  bool truth() { return tag(2) == 0; }
  uint32_t tag(uint32_t tag_count) {
    const Word word = call();
    EXPECT_NE(word, 0u) << machine_->error().render();
    return union_tag(word, tag_width(tag_count));
  }
  std::string text() {
    const Word word = call();
    EXPECT_NE(word, 0u) << machine_->error().render();
    return read_string(word, IntForm::kMachine).value;
  }
  std::string error() {
    EXPECT_EQ(call(), 0u);
    return machine_->error().lines.back().message;
  }
  Machine& machine() { return *machine_; }

 private:
  std::unique_ptr<ProgramCode> program_;
  NativeTable natives_;
  std::unique_ptr<Machine> machine_;
  size_t native_ = 0;
  std::vector<size_t> args_;
};

Number power_of_2(size_t exponent) {
  Number result;
  mpz_setbit(result.get_mpz_t(), exponent);
  return result;
}

/// Makes numbers of all sizes, most of them near the limits of a form.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : random_(seed) {}

  Number next(size_t max_bits = 400) {
    Number value;
    switch (random_() % 6) {
      case 0: value = static_cast<long>(random_() % 200); break;
      case 1: {
        const size_t limits[] = {61, 62, 63, 64, 127, 128, 192};
        value = power_of_2(limits[random_() % std::size(limits)]);
        break;
      }
      case 2: value = power_of_2(random_() % max_bits); break;
      case 3: value = static_cast<unsigned long>(random_()); break;
      default:
        for (size_t bits = random_() % max_bits; mpz_sizeinbase(value.get_mpz_t(), 2) < bits;) {
          value = (value << 64) + static_cast<unsigned long>(random_());
        }
    }
    value += static_cast<long>(random_() % 5) - 2;
    return random_() % 2 == 0 ? value : Number(-value);
  }
  long below(long limit) { return static_cast<long>(random_() % static_cast<unsigned long>(limit)); }

 private:
  std::mt19937_64 random_;
};

Number floor_quotient(const Number& a, const Number& b) {
  Number result;
  mpz_fdiv_q(result.get_mpz_t(), a.get_mpz_t(), b.get_mpz_t());
  return result;
}

HeapOptions stress() { return {.nursery_bytes = 4096, .stress = 1, .stress_full_period = 3, .verify = true}; }

constexpr int kRounds = 3000;

struct IntTest : testing::TestWithParam<bool> {
  HeapOptions heap() const { return GetParam() ? stress() : HeapOptions{.nursery_bytes = 16 * 1024}; }
  int rounds() const { return GetParam() ? kRounds / 10 : kRounds; }
};

TEST_P(IntTest, OperationsOfTwoNumbers) {
  using Operation = std::function<Number(const Number&, const Number&)>;
  const std::tuple<const char*, const char*, Operation> all[] = {
      {"/Std/Int%", "Add", [](auto& a, auto& b) -> Number { return a + b; }},
      {"/Std/Int%", "Sub", [](auto& a, auto& b) -> Number { return a - b; }},
      {"/Std/Int%", "Mul", [](auto& a, auto& b) -> Number { return a * b; }},
      {"/Std/Int/Bits%", "And", [](auto& a, auto& b) -> Number { return a & b; }},
      {"/Std/Int/Bits%", "Or", [](auto& a, auto& b) -> Number { return a | b; }},
      {"/Std/Int/Bits%", "Xor", [](auto& a, auto& b) -> Number { return a ^ b; }},
      {"/Std/Int/Cmp%", "Min", [](auto& a, auto& b) -> Number { return a < b ? a : b; }},
      {"/Std/Int/Cmp%", "Max", [](auto& a, auto& b) -> Number { return a < b ? b : a; }},
      {"/Std/Int/Div%", "Quot", [](auto& a, auto& b) -> Number { return floor_quotient(a, b); }},
      {"/Std/Int/Div%", "Mod", [](auto& a, auto& b) -> Number { return a - b * floor_quotient(a, b); }},
      {"/Std/Int/Div%", "Gcd", [](auto& a, auto& b) -> Number { return gcd(a, b); }},
  };
  for (const auto& [module, name, operation] : all) {
    Native native(module, name, heap());
    Numbers numbers(7);
    for (int i = 0; i < rounds(); ++i) {
      const Number a = numbers.next();
      Number b = i % 8 == 0 ? a : numbers.next();
      if (b == 0 && std::string(module) == "/Std/Int/Div%") b = 1;
      ASSERT_EQ(native.arg(a).arg(b).number(), operation(a, b)) << name << " " << a.get_str() << " " << b.get_str();
    }
  }
}

TEST_P(IntTest, OperationsOfOneNumber) {
  using Operation = std::function<Number(const Number&)>;
  const std::tuple<const char*, const char*, Operation> all[] = {
      {"/Std/Int%", "Incr", [](auto& a) -> Number { return a + 1; }},
      {"/Std/Int%", "Decr", [](auto& a) -> Number { return a - 1; }},
      {"/Std/Int%", "Neg", [](auto& a) -> Number { return -a; }},
      {"/Std/Int%", "Mul2", [](auto& a) -> Number { return a * 2; }},
      {"/Std/Int/Sign%", "Abs", [](auto& a) -> Number { return abs(a); }},
      {"/Std/Int/Bits%", "Not", [](auto& a) -> Number { return -a - 1; }},
      {"/Std/Int/Bits%", "Length",
       [](auto& a) -> Number { return a == 0 ? 0 : static_cast<long>(mpz_sizeinbase(a.get_mpz_t(), 2)); }},
      {"/Std/Char%", "Char", [](auto& a) -> Number { return a; }},
  };
  for (const auto& [module, name, operation] : all) {
    Native native(module, name, heap());
    Numbers numbers(8);
    for (int i = 0; i < rounds(); ++i) {
      const Number a = numbers.next();
      if (std::string(name) == "Char") {
        const Word word = native.arg(a).call();
        ASSERT_EQ(read_number(struct_field(word, 0, 1)), a);
      } else {
        ASSERT_EQ(native.arg(a).number(), operation(a)) << name << " " << a.get_str();
      }
    }
  }
}

TEST_P(IntTest, Shifts) {
  Native left("/Std/Int%", "Shl", heap());
  Native right("/Std/Int%", "Shr", heap());
  Native power("/Std/Int%", "Exp2", heap());
  Native test("/Std/Int/Bits%", "Test", heap());
  Numbers numbers(9);
  for (int i = 0; i < rounds(); ++i) {
    const Number a = numbers.next();
    const long count = numbers.below(i % 2 == 0 ? 70 : 500);
    const Number factor = power_of_2(static_cast<size_t>(count));
    ASSERT_EQ(left.arg(a).arg(count).number(), Number(a * factor)) << a.get_str() << " " << count;
    ASSERT_EQ(right.arg(a).arg(count).number(), Number(a / factor)) << a.get_str() << " " << count;
    ASSERT_EQ(power.arg(count).number(), factor);
    ASSERT_EQ(test.arg(a).arg(count).truth(), mpz_tstbit(a.get_mpz_t(), static_cast<size_t>(count)) != 0);
  }
  EXPECT_EQ(left.arg(0).arg(power_of_2(70)).number(), 0);
  EXPECT_EQ(right.arg(power_of_2(300)).arg(power_of_2(70)).number(), 0);
  EXPECT_TRUE(test.arg(-1).arg(power_of_2(70)).truth());
  EXPECT_FALSE(test.arg(power_of_2(300)).arg(power_of_2(70)).truth());
}

TEST_P(IntTest, Order) {
  Native cmp("/Std/Int/Cmp%", "Cmp", heap());
  Native lt("/Std/Int/Cmp%", "Lt", heap());
  Native le("/Std/Int/Cmp%", "Le", heap());
  Native gt("/Std/Int/Cmp%", "Gt", heap());
  Native ge("/Std/Int/Cmp%", "Ge", heap());
  Native eq("/Std/Int/Eq%", "Eq", heap());
  Native ne("/Std/Int/Eq%", "Ne", heap());
  Native in_range("/Std/Int/Cmp%", "InRange", heap());
  Native sgn("/Std/Int/Sign%", "Sgn", heap());
  Native is_zero("/Std/Int/Sign%", "IsZero", heap());
  Native is_negative("/Std/Int/Sign%", "IsNegative", heap());
  Native is_positive("/Std/Int/Sign%", "IsPositive", heap());
  Numbers numbers(10);
  for (int i = 0; i < rounds(); ++i) {
    const Number a = numbers.next();
    const Number b = i % 4 == 0 ? a : i % 4 == 1 ? Number(-a) : i % 4 == 2 ? Number(a + 1) : numbers.next();
    const Number c = numbers.next();
    ASSERT_EQ(cmp.arg(a).arg(b).tag(3), a < b ? 0u : a == b ? 1u : 2u);
    ASSERT_EQ(lt.arg(a).arg(b).truth(), a < b);
    ASSERT_EQ(le.arg(a).arg(b).truth(), a <= b);
    ASSERT_EQ(gt.arg(a).arg(b).truth(), a > b);
    ASSERT_EQ(ge.arg(a).arg(b).truth(), a >= b);
    ASSERT_EQ(eq.arg(a).arg(b).truth(), a == b);
    ASSERT_EQ(ne.arg(a).arg(b).truth(), a != b);
    ASSERT_EQ(in_range.arg(a).arg(b).arg(c).truth(), a <= c && c <= b);
    ASSERT_EQ(sgn.arg(a).tag(3), a < 0 ? 0u : a == 0 ? 1u : 2u);
    ASSERT_EQ(is_zero.arg(a).truth(), a == 0);
    ASSERT_EQ(is_negative.arg(a).truth(), a < 0);
    ASSERT_EQ(is_positive.arg(a).truth(), a > 0);
  }
}

TEST_P(IntTest, PairsOfResults) {
  Native div("/Std/Int/Div%", "Div", heap());
  Native sqrt("/Std/Int/Sqrt%", "Sqrt", heap());
  Numbers numbers(11);
  for (int i = 0; i < rounds(); ++i) {
    const Number a = numbers.next();
    Number b = numbers.next(i % 2 == 0 ? 400 : 100);
    if (b == 0) b = 3;
    const Word both = div.arg(a).arg(b).call();
    ASSERT_NE(both, 0u);
    ASSERT_EQ(read_number(struct_field(both, 0, 2)), floor_quotient(a, b));
    ASSERT_EQ(read_number(struct_field(both, 1, 2)), Number(a - b * floor_quotient(a, b)));

    const Number square = i % 3 == 0 ? Number(a * a) : Number(abs(a));
    const Word roots = sqrt.arg(square).call();
    ASSERT_NE(roots, 0u);
    const Number root = ::sqrt(square);
    ASSERT_EQ(read_number(struct_field(roots, 0, 2)), root);
    ASSERT_EQ(read_number(struct_field(roots, 1, 2)), Number(square - root * root));
  }
}

TEST_P(IntTest, Powers) {
  Native native("/Std/Int%", "Exp", heap());
  Numbers numbers(12);
  for (int i = 0; i < rounds() / 10; ++i) {
    const Number base = numbers.next(100);
    const unsigned long exponent = static_cast<unsigned long>(numbers.below(40));
    Number expected;
    mpz_pow_ui(expected.get_mpz_t(), base.get_mpz_t(), exponent);
    ASSERT_EQ(native.arg(base).arg(exponent).number(), expected);
  }
  const Number huge = power_of_2(100);
  EXPECT_EQ(native.arg(0).arg(huge).number(), 0);
  EXPECT_EQ(native.arg(1).arg(huge).number(), 1);
  EXPECT_EQ(native.arg(-1).arg(huge).number(), 1);
  EXPECT_EQ(native.arg(-1).arg(huge + 1).number(), -1);
  EXPECT_EQ(native.arg(0).arg(0).number(), 1);
}

std::string reversed(std::string text) { return {text.rbegin(), text.rend()}; }

TEST_P(IntTest, TextAndBack) {
  Native text("/Std/Int/Show%", "Text", heap());
  Native backwards("/Std/Int/Show%", "Reversed", heap());
  Native parse("/Std/Int/Parse%", "Radix", heap());
  Numbers numbers(13);
  for (int i = 0; i < rounds() / 3; ++i) {
    const Number a = numbers.next();
    const long radix = i % 3 == 0 ? 10 : 2 + numbers.below(35);
    const std::string expected = a.get_str(static_cast<int>(radix));
    ASSERT_EQ(text.arg(radix).arg(a).text(), expected);
    ASSERT_EQ(backwards.arg(radix).arg(a).text(), reversed(expected));

    std::string spelled = expected;
    if (i % 2 == 0) {
      std::ranges::transform(spelled, spelled.begin(), [](char c) { return static_cast<char>(toupper(c)); });
    }
    if (i % 5 == 0) spelled.insert(spelled[0] == '-' ? 1 : 0, "000");
    if (i % 7 == 0 && a >= 0) spelled.insert(0, "+");
    const Word just = parse.arg(radix).arg_text(spelled).call();
    ASSERT_EQ(union_tag(just, 1), 0u) << spelled;
    ASSERT_EQ(read_number(union_arg(just, 1)), a) << spelled;
  }
}

TEST_P(IntTest, ParsesNoMoreThanNumbers) {
  Native parse("/Std/Int/Parse%", "Radix", heap());
  for (const char* text : {"", "-", "+", "--1", "+-1", "1-", " 1", "1 ", "a", "1a", "1.0", "0x10", "1_000", "-+1"}) {
    EXPECT_EQ(parse.arg(10).arg_text(text).call(), nothing_word()) << text;
  }
  // Bases without a notation of their own.
  EXPECT_EQ(parse.arg(0).arg_text("0").call(), nothing_word());
  EXPECT_EQ(parse.arg(-10).arg_text("0").call(), nothing_word());
  EXPECT_EQ(parse.arg(1).arg_text("1").call(), nothing_word());
  EXPECT_EQ(read_number(union_arg(parse.arg(1).arg_text("-000").call(), 1)), 0);
  EXPECT_EQ(read_number(union_arg(parse.arg(100).arg_text("-Zz").call(), 1)), -3535);
  EXPECT_EQ(read_number(union_arg(parse.arg(power_of_2(64)).arg_text("1z0").call(), 1)),
            power_of_2(128) + 35 * power_of_2(64));
  // The rest of the text after a character that is no digit does not matter.
  EXPECT_EQ(parse.arg(10).arg_list({pack_int('1'), pack_int('x'), make_placeholder(9)}).call(), nothing_word());
}

/// Makes the letter of a literal: Sep@ around the digit's union.
Word letter_of(unsigned radix, unsigned digit, bool upper) {
  Word word = pack_union(kUnitWord, tag_width(radix), digit);
  if (radix >= 10) {
    word = digit < 8 ? pack_union(pack_union(kUnitWord, 3, digit), 2, 0) : pack_union(kUnitWord, 2, digit - 7);
  }
  if (radix == 16) {
    word = digit < 10 ? pack_union(word, 4, 0) : pack_union(kUnitWord, 4, digit - 9 + (upper ? 6 : 0));
  }
  return pack_union(word, 1, 0);
}

TEST_P(IntTest, Literals) {
  const std::pair<const char*, unsigned> bases[] = {{"Bin", 2}, {"Oct", 8}, {"Int", 10}, {"Hex", 16}};
  for (const auto& [name, radix] : bases) {
    Native literal("/Std/Int/Lit%", name, heap());
    EXPECT_EQ(literal.arg_list({}).number(), 0);
    Numbers numbers(14);
    for (int i = 0; i < rounds() / 10; ++i) {
      const Number a = abs(numbers.next());
      std::vector<Word> letters;
      for (const char digit : a.get_str(static_cast<int>(radix))) {
        const int value = digit <= '9' ? digit - '0' : digit - 'a' + 10;
        letters.push_back(letter_of(radix, static_cast<unsigned>(value), i % 2 == 0));
        if (numbers.below(3) == 0) letters.push_back(pack_union(kUnitWord, 1, 1));
      }
      ASSERT_EQ(literal.arg_list(letters).number(), a) << name;
    }
  }
}

/// Returns the bits of /Std/Int/Data%, from the native's pairs of them.
std::string bits_of(Word word) {
  static const char* const kBits[] = {"", "0", "1", "00", "10", "01", "11"};  // reversed
  std::string bits;
  for (uint32_t tag = 7; tag > 2; word = union_arg(word, 3)) bits += kBits[tag = union_tag(word, 3)];
  return reversed(bits);
}

TEST_P(IntTest, DataKeepsOrder) {
  Native data("/Std/Int/Data%", "Bits", heap());
  EXPECT_EQ(bits_of(data.arg(0).call()), "01");
  EXPECT_EQ(bits_of(data.arg(1).call()), "10");
  EXPECT_EQ(bits_of(data.arg(6).call()), "111010");
  EXPECT_EQ(bits_of(data.arg(-1).call()), "001");
  EXPECT_EQ(bits_of(data.arg(-6).call()), "0000101");
  Numbers numbers(15);
  for (int i = 0; i < rounds() / 3; ++i) {
    const Number a = numbers.next();
    const Number b = i % 3 == 0 ? Number(a + 1) : numbers.next();
    const std::string a_bits = bits_of(data.arg(a).call());
    const std::string b_bits = bits_of(data.arg(b).call());
    ASSERT_EQ(a_bits < b_bits, a < b) << a.get_str() << " " << b.get_str();
    ASSERT_EQ(a_bits == b_bits, a == b);
    if (a != b) ASSERT_FALSE(a_bits.starts_with(b_bits) || b_bits.starts_with(a_bits));
  }
}

TEST_P(IntTest, CharactersOfAnySize) {
  Native eq("/Std/Char/Eq%", "Eq", heap());
  Native lt("/Std/Char/Cmp%", "Lt", heap());
  Native max("/Std/Char/Cmp%", "Max", heap());
  Native pos("/Std/Char%", "Pos", heap());
  Numbers numbers(16);
  for (int i = 0; i < rounds() / 3; ++i) {
    const Number a = numbers.next();
    const Number b = i % 3 == 0 ? a : numbers.next();
    ASSERT_EQ(eq.arg(a).as_char().arg(b).as_char().truth(), a == b);
    ASSERT_EQ(lt.arg(a).as_char().arg(b).as_char().truth(), a < b);
    ASSERT_EQ(pos.arg(a).as_char().number(), a);
    const Word larger = max.arg(a).as_char().arg(b).as_char().call();
    ASSERT_EQ(read_number(struct_field(larger, 0, 1)), a < b ? b : a);
  }
}

TEST_P(IntTest, CharactersWithLateDefinitions) {
  // A character made of a recursive value stays an object when that is defined.
  Native eq("/Std/Char/Eq%", "Eq", heap());
  alignas(8) Word object[] = {Object::make_header(ObjectKind::kStruct, 1, 0, kPermanentFlag), pack_int('a')};
  EXPECT_TRUE(eq.arg_word(reinterpret_cast<Word>(object)).arg('a').truth());
  EXPECT_FALSE(eq.arg('b').arg_word(reinterpret_cast<Word>(object)).truth());
}

/// What GMP has allocated, and the most that it had.
std::atomic<size_t> gmp_bytes;
std::atomic<size_t> gmp_peak_bytes;

void count_gmp(size_t more, size_t less) {
  gmp_bytes += more;
  gmp_bytes -= less;
  gmp_peak_bytes = std::max(gmp_peak_bytes.load(), gmp_bytes.load());
}

/// Counts in place of GMP's usual functions while it exists.
class GmpCounter {
 public:
  GmpCounter() {
    mp_get_memory_functions(&allocate_, &reallocate_, &free_);
    mp_set_memory_functions(
        [](size_t bytes) { return count_gmp(bytes, 0), malloc(bytes); },
        [](void* memory, size_t old, size_t bytes) { return count_gmp(bytes, old), realloc(memory, bytes); },
        [](void* memory, size_t bytes) { count_gmp(0, bytes), free(memory); });
  }
  ~GmpCounter() { mp_set_memory_functions(allocate_, reallocate_, free_); }

 private:
  void* (*allocate_)(size_t);
  void* (*reallocate_)(void*, size_t, size_t);
  void (*free_)(void*, size_t);
};

Number random_number(std::mt19937_64& random, size_t limbs) {
  std::vector<uint64_t> words(limbs);
  for (uint64_t& word : words) word = random() | 1;
  Number result;
  mpz_import(result.get_mpz_t(), limbs, -1, sizeof(uint64_t), 0, 0, words.data());
  return result;
}

/// Sizes at which GMP uses all its algorithms, on both sides of big_number.h's takes_long.
constexpr std::pair<size_t, size_t> kBigSizes[] = {
    {3000, 3000}, {8100, 8100}, {9000, 8500}, {20'000, 3000}, {20'000, 10'000}, {40'000, 40'000}, {200'000, 2},
};

TEST(BigInts, AreWhatGmpSays) {
  std::mt19937_64 random(21);
  Native mul("/Std/Int%", "Mul");
  Native exp("/Std/Int%", "Exp");
  Native quot("/Std/Int/Div%", "Quot");
  Native mod("/Std/Int/Div%", "Mod");
  Native div("/Std/Int/Div%", "Div");
  Native gcd_of("/Std/Int/Div%", "Gcd");
  Native sqrt("/Std/Int/Sqrt%", "Sqrt");
  Native text("/Std/Int/Show%", "Text");
  Native parse("/Std/Int/Parse%", "Radix");
  for (const auto& [a_size, b_size] : {kBigSizes[1], kBigSizes[2], kBigSizes[4]}) {
    const Number common = random_number(random, b_size / 2);
    const Number a = random_number(random, a_size - b_size / 2) * common;
    const Number b = -random_number(random, b_size - b_size / 2) * common;
    EXPECT_EQ(mul.arg(a).arg(b).number(), Number(a * b));
    EXPECT_EQ(quot.arg(a).arg(b).number(), floor_quotient(a, b));
    EXPECT_EQ(mod.arg(a).arg(b).number(), Number(a - b * floor_quotient(a, b)));
    const Word both = div.arg(a).arg(b).call();
    EXPECT_EQ(read_number(struct_field(both, 0, 2)), floor_quotient(a, b));
    EXPECT_EQ(read_number(struct_field(both, 1, 2)), Number(a - b * floor_quotient(a, b)));
    EXPECT_EQ(gcd_of.arg(a).arg(b).number(), gcd(a, b));
    const Word roots = sqrt.arg(a).call();
    EXPECT_EQ(read_number(struct_field(roots, 0, 2)), Number(::sqrt(a)));
    EXPECT_EQ(read_number(struct_field(roots, 1, 2)), Number(a - ::sqrt(a) * ::sqrt(a)));
    EXPECT_EQ(text.arg(36).arg(b).text(), b.get_str(36));
    EXPECT_EQ(read_number(union_arg(parse.arg(36).arg_text(b.get_str(36)).call(), 1)), b);
    Number power;
    mpz_pow_ui(power.get_mpz_t(), b.get_mpz_t(), 3);
    EXPECT_EQ(exp.arg(b).arg(3).number(), power);
  }
  // A base beyond 36 whose digits are 0 to 35.
  std::string digits;
  Number expected;
  const Number base = power_of_2(640);
  for (int i = 0; i < 1000; ++i) {
    digits.push_back("0123456789"[(7 * i + 1) % 10]);
    expected = expected * base + (7 * i + 1) % 10;
  }
  EXPECT_EQ(read_number(union_arg(parse.arg(base).arg_text("-" + digits).call(), 1)), Number(-expected));
}

TEST(BigInts, WhatGmpNeedsIsCharged) {
  std::mt19937_64 random(22);
  int charged = 0;
  const auto check = [&](Native& native, const char* name, size_t a_size, size_t b_size) {
    HeapStats before = native.machine().heap().stats();
    const GmpCounter counter;
    gmp_bytes = gmp_peak_bytes = 0;
    EXPECT_NE(native.call(), 0u) << name;
    constexpr size_t kLittle = 4096 * sizeof(mp_limb_t);
    const HeapStats& after = native.machine().heap().stats();
    EXPECT_EQ(before.peak_held_bytes, 0u);
    EXPECT_LE(gmp_peak_bytes.load(), after.peak_held_bytes + kLittle) << name << " " << a_size << " " << b_size;
    charged += after.peak_held_bytes > 0 ? 1 : 0;
  };
  for (const auto& [a_size, b_size] : kBigSizes) {
    const Number a = random_number(random, a_size);
    const Number b = random_number(random, b_size);
    for (const auto& [module, name] : {std::pair{"/Std/Int%", "Mul"},
                                       {"/Std/Int/Div%", "Div"},
                                       {"/Std/Int/Div%", "Quot"},
                                       {"/Std/Int/Div%", "Mod"},
                                       {"/Std/Int/Div%", "Gcd"},
                                       {"/Std/Int/Bits%", "And"},
                                       {"/Std/Int/Bits%", "Xor"}}) {
      Native native(module, name);
      check(native.arg(a).arg(b), name, a_size, b_size);
    }
    Native sqrt("/Std/Int/Sqrt%", "Sqrt");
    check(sqrt.arg(a), "Sqrt", a_size, 0);
    Native complement("/Std/Int/Bits%", "Not");
    check(complement.arg(a), "Not", a_size, 0);
    if (a_size > 100'000) continue;
    Native text("/Std/Int/Show%", "Text");
    check(text.arg(10).arg(a), "Text", a_size, 0);
    Native parse("/Std/Int/Parse%", "Radix");
    check(parse.arg(10).arg_text(a.get_str()), "Radix", a_size, 0);
    for (const unsigned long exponent : {2ul, 7ul, 8ul, 31ul}) {
      Native exp("/Std/Int%", "Exp");
      check(exp.arg(random_number(random, a_size / exponent)).arg(exponent), "Exp", a_size, exponent);
    }
    Native exp("/Std/Int%", "Exp");
    check(exp.arg(3).arg(a_size * 40), "Exp", a_size, 3);
  }
  EXPECT_GT(charged, 50);
}

TEST(BigInts, MeetTheLimitBeforeGmpDoes) {
  std::mt19937_64 random(23);
  const Number a = random_number(random, 20'000);
  for (const auto& [module, name] : {std::pair{"/Std/Int%", "Mul"}, {"/Std/Int/Div%", "Gcd"}}) {
    Native native(module, name, {.max_bytes = 1 << 20});
    native.arg(a).arg(a);
    const GmpCounter counter;
    gmp_bytes = gmp_peak_bytes = 0;
    EXPECT_EQ(native.error(), "out of memory: the heap has reached its limit");
    EXPECT_EQ(gmp_peak_bytes.load(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(, IntTest, testing::Bool(), [](const auto& info) { return info.param ? "Stress" : "Plain"; });

TEST(IntErrors, WhatHasNoResult) {
  EXPECT_EQ(Native("/Std/Int/Div%", "Div").arg(1).arg(0).error(), "undefined: division by zero");
  EXPECT_EQ(Native("/Std/Int/Div%", "Quot").arg(power_of_2(90)).arg(0).error(), "undefined: division by zero");
  EXPECT_EQ(Native("/Std/Int/Div%", "Mod").arg(0).arg(0).error(), "undefined: division by zero");
  EXPECT_EQ(Native("/Std/Int%", "Shl").arg(1).arg(-1).error(), "undefined: shift by a negative count");
  EXPECT_EQ(Native("/Std/Int%", "Shr").arg(0).arg(-power_of_2(70)).error(), "undefined: shift by a negative count");
  EXPECT_EQ(Native("/Std/Int%", "Exp2").arg(-1).error(), "undefined: power with a negative exponent");
  EXPECT_EQ(Native("/Std/Int%", "Exp").arg(1).arg(-1).error(), "undefined: power with a negative exponent");
  EXPECT_EQ(Native("/Std/Int/Sqrt%", "Sqrt").arg(-1).error(), "undefined: square root of a negative number");
  EXPECT_EQ(Native("/Std/Int/Bits%", "Test").arg(1).arg(-1).error(), "undefined: negative position of a bit");
  EXPECT_EQ(Native("/Std/Int/Show%", "Text").arg(1).arg(5).error(),
            "undefined: the base of digits must be from 2 to 36");
}

TEST(IntErrors, NumbersWithoutEnd) {
  const Number huge = power_of_2(40);
  for (const auto& [name, base] : {std::pair{"Shl", 1}, std::pair{"Exp", 3}, std::pair{"Exp", -2}}) {
    Native native("/Std/Int%", name);
    EXPECT_EQ(native.arg(base).arg(huge).error(), "out of memory: the integer has too many digits");
    EXPECT_TRUE(native.machine().error().out_of_memory);
  }
  EXPECT_EQ(Native("/Std/Int%", "Exp2").arg(power_of_2(70)).error(), "out of memory: the integer has too many digits");
  // Also when it is the user's limit.
  Native limited("/Std/Int%", "Exp2", {.nursery_bytes = 4096, .max_bytes = 1 << 20});
  EXPECT_EQ(limited.arg(1 << 30).error(), "out of memory: the heap has reached its limit");
}

TEST(IntErrors, UndefinedArguments) {
  NativeTable natives;
  register_std(natives);
  for (const NativeRow& row : int_natives()) {
    // Making a character does not read its argument; values have no arguments.
    if (row.arity == 0 || std::string(row.name) == "Char") continue;
    for (uint32_t position = 0; position < row.arity; ++position) {
      Native native(row.module, row.name);
      for (uint32_t i = 0; i < row.arity; ++i) native.arg_word(i == position ? make_placeholder(77) : pack_int(10));
      // Natives on lists may find fault with the other argument first.
      EXPECT_EQ(native.call(), 0u) << row.module << row.name;
      if (row.arity > 1) continue;
      EXPECT_EQ(native.machine().error().lines.back().message, "undefined value passed to native code");
    }
  }
}

TEST(IntErrors, ValuesOfOtherTypes) {
  alignas(8) static Word object[] = {Object::make_header(ObjectKind::kClosure, 1, 0, kPermanentFlag), 0};
  for (const NativeRow& row : int_natives()) {
    if (row.arity == 0 || std::string(row.name) == "Char") continue;
    Native native(row.module, row.name);
    for (uint32_t i = 0; i < row.arity; ++i) native.arg_word(reinterpret_cast<Word>(object));
    EXPECT_EQ(native.call(), 0u) << row.module << row.name;
  }
}

TEST(IntSize, LargeNumbersTakeLittleTime) {
  // Quadratic algorithms would need minutes.
  Native power("/Std/Int%", "Exp");
  Native text("/Std/Int/Show%", "Text");
  Native parse("/Std/Int/Parse%", "Radix");
  Number expected;
  mpz_ui_pow_ui(expected.get_mpz_t(), 7, 1000000);
  EXPECT_EQ(power.arg(7).arg(1000000).number(), expected);
  const std::string digits = expected.get_str();
  EXPECT_EQ(text.arg(10).arg(expected).text(), digits);
  EXPECT_EQ(read_number(union_arg(parse.arg(10).arg_text(digits).call(), 1)), expected);
}

}  // namespace
}  // namespace fble
