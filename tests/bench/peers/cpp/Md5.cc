// A bit is a bool, bytes and words are structs that are passed by value.
#include "bench.h"

using Bit = bool;
struct Byte {
  Bit bit[8];
};
struct Word {
  Byte byte[4];
};

static Bit choose(Bit a, Bit b, Bit c) { return a ? b : c; }
static Bit choose_by_last(Bit a, Bit b, Bit c) { return c ? a : b; }
static Bit parity(Bit a, Bit b, Bit c) { return a == b ? c : !c; }
static Bit uneven(Bit a, Bit b, Bit c) {
  const Bit either = a ? true : !c;
  return b ? !either : either;
}
static Bit majority(Bit a, Bit b, Bit c) { return a == b ? a : c; }

using Mix = Bit (*)(Bit, Bit, Bit);

static Word of_words(Mix f, const Word& a, const Word& b, const Word& c) {
  Word result;
  for (int i = 0; i < 4; ++i) {
    for (int k = 0; k < 8; ++k) result.byte[i].bit[k] = f(a.byte[i].bit[k], b.byte[i].bit[k], c.byte[i].bit[k]);
  }
  return result;
}

static Word add(const Word& a, const Word& b) {
  Word result;
  Bit carry = false;
  for (int i = 0; i < 4; ++i) {
    for (int k = 0; k < 8; ++k) {
      const Bit x = a.byte[i].bit[k];
      const Bit y = b.byte[i].bit[k];
      result.byte[i].bit[k] = parity(x, y, carry);
      carry = majority(x, y, carry);
    }
  }
  return result;
}

static Byte shift1(const Byte& hi, const Byte& lo) {
  return {lo.bit[7], hi.bit[0], hi.bit[1], hi.bit[2], hi.bit[3], hi.bit[4], hi.bit[5], hi.bit[6]};
}
static Byte shift2(const Byte& hi, const Byte& lo) {
  return {lo.bit[6], lo.bit[7], hi.bit[0], hi.bit[1], hi.bit[2], hi.bit[3], hi.bit[4], hi.bit[5]};
}
static Byte shift4(const Byte& hi, const Byte& lo) {
  return {lo.bit[4], lo.bit[5], lo.bit[6], lo.bit[7], hi.bit[0], hi.bit[1], hi.bit[2], hi.bit[3]};
}
using Shift = Byte (*)(const Byte&, const Byte&);
static Word shifted(Shift shift, const Word& a) {
  return {shift(a.byte[0], a.byte[3]), shift(a.byte[1], a.byte[0]), shift(a.byte[2], a.byte[1]),
          shift(a.byte[3], a.byte[2])};
}
static Word by1(const Word& a) { return shifted(shift1, a); }
static Word by2(const Word& a) { return shifted(shift2, a); }
static Word by4(const Word& a) { return shifted(shift4, a); }
static Word by8(const Word& a) { return {a.byte[3], a.byte[0], a.byte[1], a.byte[2]}; }
static Word by16(const Word& a) { return {a.byte[2], a.byte[3], a.byte[0], a.byte[1]}; }
static Word by5(const Word& a) { return by4(by1(a)); }
static Word by6(const Word& a) { return by4(by2(a)); }
static Word by7(const Word& a) { return by4(by2(by1(a))); }
static Word by9(const Word& a) { return by8(by1(a)); }
static Word by10(const Word& a) { return by8(by2(a)); }
static Word by11(const Word& a) { return by8(by2(by1(a))); }
static Word by12(const Word& a) { return by8(by4(a)); }
static Word by14(const Word& a) { return by8(by6(a)); }
static Word by15(const Word& a) { return by8(by7(a)); }
static Word by17(const Word& a) { return by16(by1(a)); }
static Word by20(const Word& a) { return by16(by4(a)); }
static Word by21(const Word& a) { return by16(by5(a)); }
static Word by22(const Word& a) { return by16(by6(a)); }
static Word by23(const Word& a) { return by16(by7(a)); }

static Byte byte_of(unsigned n) {
  Byte result;
  for (int k = 0; k < 8; ++k) result.bit[k] = (n >> k & 1) != 0;
  return result;
}
static Word word_of(uint32_t n) {
  return {byte_of(n & 255), byte_of(n >> 8 & 255), byte_of(n >> 16 & 255), byte_of(n >> 24)};
}

struct Step {
  Mix mix;
  Word (*rotate)(const Word&);
  int pick;
  Word constant;
};

static const Step kSteps[64] = {
    {choose, by7, 0, word_of(0xd76aa478)},           {choose, by12, 1, word_of(0xe8c7b756)},
    {choose, by17, 2, word_of(0x242070db)},          {choose, by22, 3, word_of(0xc1bdceee)},
    {choose, by7, 4, word_of(0xf57c0faf)},           {choose, by12, 5, word_of(0x4787c62a)},
    {choose, by17, 6, word_of(0xa8304613)},          {choose, by22, 7, word_of(0xfd469501)},
    {choose, by7, 8, word_of(0x698098d8)},           {choose, by12, 9, word_of(0x8b44f7af)},
    {choose, by17, 10, word_of(0xffff5bb1)},         {choose, by22, 11, word_of(0x895cd7be)},
    {choose, by7, 12, word_of(0x6b901122)},          {choose, by12, 13, word_of(0xfd987193)},
    {choose, by17, 14, word_of(0xa679438e)},         {choose, by22, 15, word_of(0x49b40821)},
    {choose_by_last, by5, 1, word_of(0xf61e2562)},   {choose_by_last, by9, 6, word_of(0xc040b340)},
    {choose_by_last, by14, 11, word_of(0x265e5a51)}, {choose_by_last, by20, 0, word_of(0xe9b6c7aa)},
    {choose_by_last, by5, 5, word_of(0xd62f105d)},   {choose_by_last, by9, 10, word_of(0x02441453)},
    {choose_by_last, by14, 15, word_of(0xd8a1e681)}, {choose_by_last, by20, 4, word_of(0xe7d3fbc8)},
    {choose_by_last, by5, 9, word_of(0x21e1cde6)},   {choose_by_last, by9, 14, word_of(0xc33707d6)},
    {choose_by_last, by14, 3, word_of(0xf4d50d87)},  {choose_by_last, by20, 8, word_of(0x455a14ed)},
    {choose_by_last, by5, 13, word_of(0xa9e3e905)},  {choose_by_last, by9, 2, word_of(0xfcefa3f8)},
    {choose_by_last, by14, 7, word_of(0x676f02d9)},  {choose_by_last, by20, 12, word_of(0x8d2a4c8a)},
    {parity, by4, 5, word_of(0xfffa3942)},           {parity, by11, 8, word_of(0x8771f681)},
    {parity, by16, 11, word_of(0x6d9d6122)},         {parity, by23, 14, word_of(0xfde5380c)},
    {parity, by4, 1, word_of(0xa4beea44)},           {parity, by11, 4, word_of(0x4bdecfa9)},
    {parity, by16, 7, word_of(0xf6bb4b60)},          {parity, by23, 10, word_of(0xbebfbc70)},
    {parity, by4, 13, word_of(0x289b7ec6)},          {parity, by11, 0, word_of(0xeaa127fa)},
    {parity, by16, 3, word_of(0xd4ef3085)},          {parity, by23, 6, word_of(0x04881d05)},
    {parity, by4, 9, word_of(0xd9d4d039)},           {parity, by11, 12, word_of(0xe6db99e5)},
    {parity, by16, 15, word_of(0x1fa27cf8)},         {parity, by23, 2, word_of(0xc4ac5665)},
    {uneven, by6, 0, word_of(0xf4292244)},           {uneven, by10, 7, word_of(0x432aff97)},
    {uneven, by15, 14, word_of(0xab9423a7)},         {uneven, by21, 5, word_of(0xfc93a039)},
    {uneven, by6, 12, word_of(0x655b59c3)},          {uneven, by10, 3, word_of(0x8f0ccc92)},
    {uneven, by15, 10, word_of(0xffeff47d)},         {uneven, by21, 1, word_of(0x85845dd1)},
    {uneven, by6, 8, word_of(0x6fa87e4f)},           {uneven, by10, 15, word_of(0xfe2ce6e0)},
    {uneven, by15, 6, word_of(0xa3014314)},          {uneven, by21, 13, word_of(0x4e0811a1)},
    {uneven, by6, 4, word_of(0xf7537e82)},           {uneven, by10, 11, word_of(0xbd3af235)},
    {uneven, by15, 2, word_of(0x2ad7d2bb)},          {uneven, by21, 9, word_of(0xeb86d391)},
};

struct Hash {
  Word a, b, c, d;
};

static Hash mix(const Word (&block)[16], Hash h) {
  for (const Step& step : kSteps) {
    const Word sum = add(add(h.a, of_words(step.mix, h.b, h.c, h.d)), add(step.constant, block[step.pick]));
    h = {h.d, add(h.b, step.rotate(sum)), h.b, h.c};
  }
  return h;
}

static Byte low_byte(Num n, Num* rest) {
  Byte result;
  for (int k = 0; k < 8; ++k) {
    result.bit[k] = n->tag == kOdd;
    if (n->tag != kEnd) n = n->rest;
  }
  *rest = n;
  return result;
}

static std::string show_word(const Word& a) {
  std::string result;
  for (const Byte& byte : a.byte) {
    unsigned n = 0;
    for (int k = 0; k < 8; ++k) n |= static_cast<unsigned>(byte.bit[k]) << k;
    char text[3];
    std::snprintf(text, sizeof text, "%02x", n);
    result += text;
  }
  return result;
}

int main(int argc, char** argv) {
  return program(argc, argv, 50'000, [](Num n) {
    std::vector<Byte> end{byte_of(128)};
    const Num num_56 = from_int(56);
    const Num num_63 = from_int(63);
    for (Num p = low(num_63, incr(n)); !eq(p, num_56); p = low(num_63, incr(p))) end.push_back(byte_of(0));
    Num length = double_of(double_of(double_of(n)));
    for (int i = 0; i < 8; ++i) end.push_back(low_byte(length, &length));

    Hash h{word_of(0x67452301), word_of(0xefcdab89), word_of(0x98badcfe), word_of(0x10325476)};
    for (size_t at = 0; n->tag != kEnd || at < end.size();) {
      Word block[16];
      for (Word& word : block) {
        for (Byte& byte : word.byte) {
          Num rest;
          byte = n->tag == kEnd ? end[at++] : low_byte(n, &rest);
          n = decr(n);
        }
      }
      clear_numbers_but(n);
      const Hash m = mix(block, h);
      h = {add(h.a, m.a), add(h.b, m.b), add(h.c, m.c), add(h.d, m.d)};
    }
    return show_word(h.a) + show_word(h.b) + show_word(h.c) + show_word(h.d);
  });
}
