import java.util.function.Function;
import java.util.function.UnaryOperator;

final class Md5 extends Bench {
  enum Bit { O, I }

  record Byte(Bit b7, Bit b6, Bit b5, Bit b4, Bit b3, Bit b2, Bit b1, Bit b0) {}
  record Word(Byte w3, Byte w2, Byte w1, Byte w0) {}

  interface BitFunction {
    Bit apply(Bit a, Bit b, Bit c);
  }

  static Bit choose(Bit a, Bit b, Bit c) {
    return a == Bit.O ? c : b;
  }

  static Bit chooseByLast(Bit a, Bit b, Bit c) {
    return c == Bit.O ? b : a;
  }

  static Bit not(Bit a) {
    return a == Bit.O ? Bit.I : Bit.O;
  }

  static Bit parity(Bit a, Bit b, Bit c) {
    return a == b ? c : not(c);
  }

  static Bit uneven(Bit a, Bit b, Bit c) {
    Bit either = a == Bit.O ? not(c) : Bit.I;
    return b == Bit.O ? either : not(either);
  }

  static Bit majority(Bit a, Bit b, Bit c) {
    return a == b ? a : c;
  }

  static Byte ofBytes(BitFunction f, Byte a, Byte b, Byte c) {
    return new Byte(
        f.apply(a.b7, b.b7, c.b7), f.apply(a.b6, b.b6, c.b6), f.apply(a.b5, b.b5, c.b5), f.apply(a.b4, b.b4, c.b4),
        f.apply(a.b3, b.b3, c.b3), f.apply(a.b2, b.b2, c.b2), f.apply(a.b1, b.b1, c.b1), f.apply(a.b0, b.b0, c.b0));
  }

  static Word ofWords(BitFunction f, Word a, Word b, Word c) {
    return new Word(
        ofBytes(f, a.w3, b.w3, c.w3), ofBytes(f, a.w2, b.w2, c.w2),
        ofBytes(f, a.w1, b.w1, c.w1), ofBytes(f, a.w0, b.w0, c.w0));
  }

  record Sum(Byte sum, Bit carry) {}

  static Sum addBytes(Byte a, Byte b, Bit c0) {
    Bit c1 = majority(a.b0, b.b0, c0);
    Bit c2 = majority(a.b1, b.b1, c1);
    Bit c3 = majority(a.b2, b.b2, c2);
    Bit c4 = majority(a.b3, b.b3, c3);
    Bit c5 = majority(a.b4, b.b4, c4);
    Bit c6 = majority(a.b5, b.b5, c5);
    Bit c7 = majority(a.b6, b.b6, c6);
    Bit c8 = majority(a.b7, b.b7, c7);
    Byte sum = new Byte(
        parity(a.b7, b.b7, c7), parity(a.b6, b.b6, c6), parity(a.b5, b.b5, c5), parity(a.b4, b.b4, c4),
        parity(a.b3, b.b3, c3), parity(a.b2, b.b2, c2), parity(a.b1, b.b1, c1), parity(a.b0, b.b0, c0));
    return new Sum(sum, c8);
  }

  static Word add(Word a, Word b) {
    Sum s0 = addBytes(a.w0, b.w0, Bit.O);
    Sum s1 = addBytes(a.w1, b.w1, s0.carry);
    Sum s2 = addBytes(a.w2, b.w2, s1.carry);
    Sum s3 = addBytes(a.w3, b.w3, s2.carry);
    return new Word(s3.sum, s2.sum, s1.sum, s0.sum);
  }

  interface Shift {
    Byte apply(Byte hi, Byte lo);
  }

  static Byte shift1(Byte hi, Byte lo) {
    return new Byte(hi.b6, hi.b5, hi.b4, hi.b3, hi.b2, hi.b1, hi.b0, lo.b7);
  }

  static Byte shift2(Byte hi, Byte lo) {
    return new Byte(hi.b5, hi.b4, hi.b3, hi.b2, hi.b1, hi.b0, lo.b7, lo.b6);
  }

  static Byte shift4(Byte hi, Byte lo) {
    return new Byte(hi.b3, hi.b2, hi.b1, hi.b0, lo.b7, lo.b6, lo.b5, lo.b4);
  }

  static Word shifted(Shift shift, Word a) {
    return new Word(shift.apply(a.w3, a.w2), shift.apply(a.w2, a.w1), shift.apply(a.w1, a.w0), shift.apply(a.w0, a.w3));
  }

  static Word by1(Word a) {
    return shifted(Md5::shift1, a);
  }

  static Word by2(Word a) {
    return shifted(Md5::shift2, a);
  }

  static Word by4(Word a) {
    return shifted(Md5::shift4, a);
  }

  static Word by5(Word a) {
    return by4(by1(a));
  }

  static Word by6(Word a) {
    return by4(by2(a));
  }

  static Word by7(Word a) {
    return by4(by2(by1(a)));
  }

  static Word by8(Word a) {
    return new Word(a.w2, a.w1, a.w0, a.w3);
  }

  static Word by9(Word a) {
    return by8(by1(a));
  }

  static Word by10(Word a) {
    return by8(by2(a));
  }

  static Word by11(Word a) {
    return by8(by2(by1(a)));
  }

  static Word by12(Word a) {
    return by8(by4(a));
  }

  static Word by14(Word a) {
    return by8(by6(a));
  }

  static Word by15(Word a) {
    return by8(by7(a));
  }

  static Word by16(Word a) {
    return new Word(a.w1, a.w0, a.w3, a.w2);
  }

  static Word by17(Word a) {
    return by16(by1(a));
  }

  static Word by20(Word a) {
    return by16(by4(a));
  }

  static Word by21(Word a) {
    return by16(by5(a));
  }

  static Word by22(Word a) {
    return by16(by6(a));
  }

  static Word by23(Word a) {
    return by16(by7(a));
  }

  static Bit bit(int n, int k) {
    return (n >> k & 1) == 0 ? Bit.O : Bit.I;
  }

  static Byte byteOf(int n) {
    return new Byte(bit(n, 7), bit(n, 6), bit(n, 5), bit(n, 4), bit(n, 3), bit(n, 2), bit(n, 1), bit(n, 0));
  }

  static Word word(int n) {
    return new Word(byteOf(n >> 24), byteOf(n >> 16), byteOf(n >> 8), byteOf(n));
  }

  record Block(
      Word m0, Word m1, Word m2, Word m3, Word m4, Word m5, Word m6, Word m7,
      Word m8, Word m9, Word ma, Word mb, Word mc, Word md, Word me, Word mf) {}

  record Step(BitFunction mix, UnaryOperator<Word> rotate, Function<Block, Word> pick, Word constant) {}

  static List<Step> step(
      BitFunction mix, UnaryOperator<Word> rotate, Function<Block, Word> pick, int constant, List<Step> rest) {
    return new Cons<>(new Step(mix, rotate, pick, word(constant)), rest);
  }

  static List<Step> steps() {
    BitFunction f = Md5::choose;
    BitFunction g = Md5::chooseByLast;
    BitFunction h = Md5::parity;
    BitFunction i = Md5::uneven;
    List<Step> list = nil();
    list = step(i, Md5::by21, Block::m9, 0xeb86d391, list);
    list = step(i, Md5::by15, Block::m2, 0x2ad7d2bb, list);
    list = step(i, Md5::by10, Block::mb, 0xbd3af235, list);
    list = step(i, Md5::by6, Block::m4, 0xf7537e82, list);
    list = step(i, Md5::by21, Block::md, 0x4e0811a1, list);
    list = step(i, Md5::by15, Block::m6, 0xa3014314, list);
    list = step(i, Md5::by10, Block::mf, 0xfe2ce6e0, list);
    list = step(i, Md5::by6, Block::m8, 0x6fa87e4f, list);
    list = step(i, Md5::by21, Block::m1, 0x85845dd1, list);
    list = step(i, Md5::by15, Block::ma, 0xffeff47d, list);
    list = step(i, Md5::by10, Block::m3, 0x8f0ccc92, list);
    list = step(i, Md5::by6, Block::mc, 0x655b59c3, list);
    list = step(i, Md5::by21, Block::m5, 0xfc93a039, list);
    list = step(i, Md5::by15, Block::me, 0xab9423a7, list);
    list = step(i, Md5::by10, Block::m7, 0x432aff97, list);
    list = step(i, Md5::by6, Block::m0, 0xf4292244, list);
    list = step(h, Md5::by23, Block::m2, 0xc4ac5665, list);
    list = step(h, Md5::by16, Block::mf, 0x1fa27cf8, list);
    list = step(h, Md5::by11, Block::mc, 0xe6db99e5, list);
    list = step(h, Md5::by4, Block::m9, 0xd9d4d039, list);
    list = step(h, Md5::by23, Block::m6, 0x04881d05, list);
    list = step(h, Md5::by16, Block::m3, 0xd4ef3085, list);
    list = step(h, Md5::by11, Block::m0, 0xeaa127fa, list);
    list = step(h, Md5::by4, Block::md, 0x289b7ec6, list);
    list = step(h, Md5::by23, Block::ma, 0xbebfbc70, list);
    list = step(h, Md5::by16, Block::m7, 0xf6bb4b60, list);
    list = step(h, Md5::by11, Block::m4, 0x4bdecfa9, list);
    list = step(h, Md5::by4, Block::m1, 0xa4beea44, list);
    list = step(h, Md5::by23, Block::me, 0xfde5380c, list);
    list = step(h, Md5::by16, Block::mb, 0x6d9d6122, list);
    list = step(h, Md5::by11, Block::m8, 0x8771f681, list);
    list = step(h, Md5::by4, Block::m5, 0xfffa3942, list);
    list = step(g, Md5::by20, Block::mc, 0x8d2a4c8a, list);
    list = step(g, Md5::by14, Block::m7, 0x676f02d9, list);
    list = step(g, Md5::by9, Block::m2, 0xfcefa3f8, list);
    list = step(g, Md5::by5, Block::md, 0xa9e3e905, list);
    list = step(g, Md5::by20, Block::m8, 0x455a14ed, list);
    list = step(g, Md5::by14, Block::m3, 0xf4d50d87, list);
    list = step(g, Md5::by9, Block::me, 0xc33707d6, list);
    list = step(g, Md5::by5, Block::m9, 0x21e1cde6, list);
    list = step(g, Md5::by20, Block::m4, 0xe7d3fbc8, list);
    list = step(g, Md5::by14, Block::mf, 0xd8a1e681, list);
    list = step(g, Md5::by9, Block::ma, 0x02441453, list);
    list = step(g, Md5::by5, Block::m5, 0xd62f105d, list);
    list = step(g, Md5::by20, Block::m0, 0xe9b6c7aa, list);
    list = step(g, Md5::by14, Block::mb, 0x265e5a51, list);
    list = step(g, Md5::by9, Block::m6, 0xc040b340, list);
    list = step(g, Md5::by5, Block::m1, 0xf61e2562, list);
    list = step(f, Md5::by22, Block::mf, 0x49b40821, list);
    list = step(f, Md5::by17, Block::me, 0xa679438e, list);
    list = step(f, Md5::by12, Block::md, 0xfd987193, list);
    list = step(f, Md5::by7, Block::mc, 0x6b901122, list);
    list = step(f, Md5::by22, Block::mb, 0x895cd7be, list);
    list = step(f, Md5::by17, Block::ma, 0xffff5bb1, list);
    list = step(f, Md5::by12, Block::m9, 0x8b44f7af, list);
    list = step(f, Md5::by7, Block::m8, 0x698098d8, list);
    list = step(f, Md5::by22, Block::m7, 0xfd469501, list);
    list = step(f, Md5::by17, Block::m6, 0xa8304613, list);
    list = step(f, Md5::by12, Block::m5, 0x4787c62a, list);
    list = step(f, Md5::by7, Block::m4, 0xf57c0faf, list);
    list = step(f, Md5::by22, Block::m3, 0xc1bdceee, list);
    list = step(f, Md5::by17, Block::m2, 0x242070db, list);
    list = step(f, Md5::by12, Block::m1, 0xe8c7b756, list);
    list = step(f, Md5::by7, Block::m0, 0xd76aa478, list);
    return list;
  }

  static final List<Step> STEPS = steps();

  record Hash(Word a, Word b, Word c, Word d) {}

  static Hash mix(Block block, Hash h) {
    List<Step> steps = STEPS;
    while (steps instanceof Cons<Step> items) {
      Step step = items.head();
      Word sum = add(add(h.a, ofWords(step.mix, h.b, h.c, h.d)), add(step.constant, step.pick.apply(block)));
      h = new Hash(h.d, add(h.b, step.rotate.apply(sum)), h.b, h.c);
      steps = items.tail();
    }
    return h;
  }

  record Source(Num left, List<Byte> ending) {}

  record Split(Byte low, Num rest) {}

  static Bit lowBit(Num n) {
    return n instanceof D1 ? Bit.I : Bit.O;
  }

  static Split split(Num n0) {
    Num n1 = half(n0);
    Num n2 = half(n1);
    Num n3 = half(n2);
    Num n4 = half(n3);
    Num n5 = half(n4);
    Num n6 = half(n5);
    Num n7 = half(n6);
    Byte low = new Byte(
        lowBit(n7), lowBit(n6), lowBit(n5), lowBit(n4), lowBit(n3), lowBit(n2), lowBit(n1), lowBit(n0));
    return new Split(low, half(n7));
  }

  record Read<T>(T got, Source source) {}

  static Read<Byte> readByte(Source source) {
    if (source.left instanceof End) {
      Cons<Byte> ending = (Cons<Byte>) source.ending;
      return new Read<>(ending.head(), new Source(source.left, ending.tail()));
    }
    return new Read<>(split(source.left).low, new Source(decr(source.left), source.ending));
  }

  static Read<Word> readWord(Source source) {
    Read<Byte> r0 = readByte(source);
    Read<Byte> r1 = readByte(r0.source);
    Read<Byte> r2 = readByte(r1.source);
    Read<Byte> r3 = readByte(r2.source);
    return new Read<>(new Word(r3.got, r2.got, r1.got, r0.got), r3.source);
  }

  static Hash blocks(Hash h, Source source) {
    while (!(source.left instanceof End && source.ending instanceof Nil)) {
      Read<Word> r0 = readWord(source);
      Read<Word> r1 = readWord(r0.source);
      Read<Word> r2 = readWord(r1.source);
      Read<Word> r3 = readWord(r2.source);
      Read<Word> r4 = readWord(r3.source);
      Read<Word> r5 = readWord(r4.source);
      Read<Word> r6 = readWord(r5.source);
      Read<Word> r7 = readWord(r6.source);
      Read<Word> r8 = readWord(r7.source);
      Read<Word> r9 = readWord(r8.source);
      Read<Word> r10 = readWord(r9.source);
      Read<Word> r11 = readWord(r10.source);
      Read<Word> r12 = readWord(r11.source);
      Read<Word> r13 = readWord(r12.source);
      Read<Word> r14 = readWord(r13.source);
      Read<Word> r15 = readWord(r14.source);
      Block block = new Block(
          r0.got, r1.got, r2.got, r3.got, r4.got, r5.got, r6.got, r7.got,
          r8.got, r9.got, r10.got, r11.got, r12.got, r13.got, r14.got, r15.got);
      Hash m = mix(block, h);
      h = new Hash(add(h.a, m.a), add(h.b, m.b), add(h.c, m.c), add(h.d, m.d));
      source = r15.source;
    }
    return h;
  }

  static List<Byte> bytes(Num count, Num n) {
    if (count instanceof End) return nil();
    Split split = split(n);
    return new Cons<>(split.low, bytes(decr(count), split.rest));
  }

  static List<Byte> zeros(Num position, List<Byte> length) {
    return eq(position, fromInt(56))
        ? length
        : new Cons<>(byteOf(0), zeros(low(fromInt(63), incr(position)), length));
  }

  static Hash md5(Num n) {
    List<Byte> length = bytes(fromInt(8), twice(twice(twice(n))));
    List<Byte> ending = new Cons<>(byteOf(0x80), zeros(low(fromInt(63), incr(n)), length));
    Hash start = new Hash(word(0x67452301), word(0xefcdab89), word(0x98badcfe), word(0x10325476));
    return blocks(start, new Source(n, ending));
  }

  static String show(Byte b) {
    int value = 0;
    for (Bit bit : new Bit[] {b.b7, b.b6, b.b5, b.b4, b.b3, b.b2, b.b1, b.b0}) value = 2 * value + bit.ordinal();
    return String.format("%02x", value);
  }

  static String show(Word w) {
    return show(w.w0) + show(w.w1) + show(w.w2) + show(w.w3);
  }

  public static void main(String[] arguments) {
    program(arguments, 50_000, n -> {
      Hash h = md5(n);
      return show(h.a) + show(h.b) + show(h.c) + show(h.d);
    });
  }
}
