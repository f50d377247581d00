// Programs that compute with numbers as linked digits: machine code remembers such calls, or computes several digits at
// a time.
#pragma once

#include <cstdint>
#include <string>

namespace fble {

/// Numbers as linked digits, and functions on them.
inline const std::string kNumbers = R"(
Unit@ = *(); Unit@ Unit = Unit@();
Bool@ = +(Unit@ true, Unit@ false);
Bool@ True = Bool@(true: Unit); Bool@ False = Bool@(false: Unit);
Num@ = +(Unit@ end, Num@ 0, Num@ 1);
Num@ Zero = Num@(end: Unit);
Num@ One = Num@(1: Zero);
(Num@) { Num@; } Double = (Num@ a) { a.?(end: a); Num@(0: a); };
(Num@) { Num@; } Rest = (Num@ a) { a.?(end: a, 0: a.0, 1: a.1); };
(Num@) { Num@; } Incr = (Num@ a) { a.?(end: One, 0: Num@(1: a.0), 1: Num@(0: Incr(a.1))); };
(Num@) { Num@; } Decr = (Num@ a) { a.?(end: a, 0: Num@(1: Decr(a.0)), 1: Double(a.1)); };
(Num@, Num@) { Num@; }
Add = (Num@ a, Num@ b) {
  a.?(
    end: b,
    0: b.?(end: a, 0: Num@(0: Add(a.0, b.0)), 1: Num@(1: Add(a.0, b.1))),
    1: b.?(end: a, 0: Num@(1: Add(a.1, b.0)), 1: Num@(0: AddCarry(a.1, b.1))));
},
(Num@, Num@) { Num@; }
AddCarry = (Num@ a, Num@ b) {
  a.?(
    end: Incr(b),
    0: b.?(end: Num@(1: a.0), 0: Num@(1: Add(a.0, b.0)), 1: Num@(0: AddCarry(a.0, b.1))),
    1: b.?(end: Num@(0: Incr(a.1)), 0: Num@(0: AddCarry(a.1, b.0)), 1: Num@(1: AddCarry(a.1, b.1))));
};
(Num@, Num@, Bool@) { Bool@; }
LessOr = (Num@ a, Num@ b, Bool@ otherwise) {
  a.?(
    end: b.?(end: otherwise, : True),
    0: b.?(end: False, 0: LessOr(a.0, b.0, otherwise), 1: LessOr(a.0, b.1, True)),
    1: b.?(end: False, 0: LessOr(a.1, b.0, False), 1: LessOr(a.1, b.1, otherwise)));
};
(Num@, Num@) { Num@; }
Low = (Num@ digits, Num@ a) {
  Num@ rest = digits.?(end: Zero, 0: digits.0, 1: digits.1);
  digits.?(end: Zero);
  a.?(end: a, 0: Double(Low(rest, a.0)), 1: Num@(1: Low(rest, a.1)));
};
(Num@, Num@) { Num@; }
Random = (Num@ mask, Num@ x) { Low(mask, Incr(Incr(Incr(Add(x, Double(Double(x))))))); };
)";

/// Returns the number's digits from the lowest on, as an expression.
inline std::string number(uint64_t value) {
  return value == 0 ? "Zero" : "Num@(" + std::to_string(value & 1) + ": " + number(value >> 1) + ")";
}

/// A program that adds up what `expression` is for numbers x and y below 2^digits, for many of them.
inline std::string loop(const std::string& functions, const std::string& expression, unsigned digits,
                        unsigned count = 400) {
  const std::string mask = number((uint64_t{1} << digits) - 1);
  return kNumbers + functions + R"(
Num@ Mask = )" +
         mask + R"(;
(Num@, Num@, Num@) { Num@; }
Loop = (Num@ n, Num@ x, Num@ total) {
  n.?(end: total);
  Num@ y = Random(Mask, Incr(x));
  Loop(Decr(n), Random(Mask, y), Low()" +
         number((uint64_t{1} << 28) - 1) + ", Add(" + expression + ", total)));\n};\nLoop(" + number(count) + ", " +
         number(0x2545f491 & ((uint64_t{1} << digits) - 1)) + ", Zero);\n";
}

}  // namespace fble
