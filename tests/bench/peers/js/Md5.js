'use strict';
const { incr, decr, double, eq, low, fromInt, empty, items, program } = require('./bench.js');

// Bits are the constants 0 and 1.
const byte = (b7, b6, b5, b4, b3, b2, b1, b0) => ({ b7, b6, b5, b4, b3, b2, b1, b0 });
const word = (w3, w2, w1, w0) => ({ w3, w2, w1, w0 });

const choose = (a, b, c) => (a === 0 ? c : b);
const chooseByLast = (a, b, c) => (c === 0 ? b : a);
const not = (a) => (a === 0 ? 1 : 0);
const parity = (a, b, c) => (a === b ? c : not(c));
const uneven = (a, b, c) => {
  const either = a === 0 ? not(c) : 1;
  return b === 0 ? either : not(either);
};
const majority = (a, b, c) => (a === b ? a : c);

function ofBytes(f, a, b, c) {
  return byte(
    f(a.b7, b.b7, c.b7), f(a.b6, b.b6, c.b6), f(a.b5, b.b5, c.b5), f(a.b4, b.b4, c.b4),
    f(a.b3, b.b3, c.b3), f(a.b2, b.b2, c.b2), f(a.b1, b.b1, c.b1), f(a.b0, b.b0, c.b0));
}

function ofWords(f, a, b, c) {
  return word(
    ofBytes(f, a.w3, b.w3, c.w3), ofBytes(f, a.w2, b.w2, c.w2),
    ofBytes(f, a.w1, b.w1, c.w1), ofBytes(f, a.w0, b.w0, c.w0));
}

function addBytes(a, b, c0) {
  const c1 = majority(a.b0, b.b0, c0);
  const c2 = majority(a.b1, b.b1, c1);
  const c3 = majority(a.b2, b.b2, c2);
  const c4 = majority(a.b3, b.b3, c3);
  const c5 = majority(a.b4, b.b4, c4);
  const c6 = majority(a.b5, b.b5, c5);
  const c7 = majority(a.b6, b.b6, c6);
  const c8 = majority(a.b7, b.b7, c7);
  return {
    byte: byte(
      parity(a.b7, b.b7, c7), parity(a.b6, b.b6, c6), parity(a.b5, b.b5, c5), parity(a.b4, b.b4, c4),
      parity(a.b3, b.b3, c3), parity(a.b2, b.b2, c2), parity(a.b1, b.b1, c1), parity(a.b0, b.b0, c0)),
    carry: c8,
  };
}

function add(a, b) {
  const s0 = addBytes(a.w0, b.w0, 0);
  const s1 = addBytes(a.w1, b.w1, s0.carry);
  const s2 = addBytes(a.w2, b.w2, s1.carry);
  const s3 = addBytes(a.w3, b.w3, s2.carry);
  return word(s3.byte, s2.byte, s1.byte, s0.byte);
}

const shift1 = (hi, lo) =>
  byte(hi.b6, hi.b5, hi.b4, hi.b3, hi.b2, hi.b1, hi.b0, lo.b7);
const shift2 = (hi, lo) =>
  byte(hi.b5, hi.b4, hi.b3, hi.b2, hi.b1, hi.b0, lo.b7, lo.b6);
const shift4 = (hi, lo) =>
  byte(hi.b3, hi.b2, hi.b1, hi.b0, lo.b7, lo.b6, lo.b5, lo.b4);
const shifted = (shift, a) =>
  word(shift(a.w3, a.w2), shift(a.w2, a.w1), shift(a.w1, a.w0), shift(a.w0, a.w3));
const by1 = (a) => shifted(shift1, a);
const by2 = (a) => shifted(shift2, a);
const by4 = (a) => shifted(shift4, a);
const by8 = (a) => word(a.w2, a.w1, a.w0, a.w3);
const by16 = (a) => word(a.w1, a.w0, a.w3, a.w2);
const by5 = (a) => by4(by1(a));
const by6 = (a) => by4(by2(a));
const by7 = (a) => by4(by2(by1(a)));
const by9 = (a) => by8(by1(a));
const by10 = (a) => by8(by2(a));
const by11 = (a) => by8(by2(by1(a)));
const by12 = (a) => by8(by4(a));
const by14 = (a) => by8(by6(a));
const by15 = (a) => by8(by7(a));
const by17 = (a) => by16(by1(a));
const by20 = (a) => by16(by4(a));
const by21 = (a) => by16(by5(a));
const by22 = (a) => by16(by6(a));
const by23 = (a) => by16(by7(a));

function byteOf(n) {
  const bit = (k) => (n >> k) & 1;
  return byte(bit(7), bit(6), bit(5), bit(4), bit(3), bit(2), bit(1), bit(0));
}

function w(digits) {
  const at = (k) => byteOf(parseInt(digits.substr(k, 2), 16));
  return word(at(0), at(2), at(4), at(6));
}

const step = (mix, rotate, pick, constant) => ({ mix, rotate, pick, constant: w(constant) });
const f = (rotate, pick, constant) => step(choose, rotate, pick, constant);
const g = (rotate, pick, constant) => step(chooseByLast, rotate, pick, constant);
const h = (rotate, pick, constant) => step(parity, rotate, pick, constant);
const i = (rotate, pick, constant) => step(uneven, rotate, pick, constant);

const steps = [
  f(by7, (b) => b.m0, 'd76aa478'),
  f(by12, (b) => b.m1, 'e8c7b756'),
  f(by17, (b) => b.m2, '242070db'),
  f(by22, (b) => b.m3, 'c1bdceee'),
  f(by7, (b) => b.m4, 'f57c0faf'),
  f(by12, (b) => b.m5, '4787c62a'),
  f(by17, (b) => b.m6, 'a8304613'),
  f(by22, (b) => b.m7, 'fd469501'),
  f(by7, (b) => b.m8, '698098d8'),
  f(by12, (b) => b.m9, '8b44f7af'),
  f(by17, (b) => b.m10, 'ffff5bb1'),
  f(by22, (b) => b.m11, '895cd7be'),
  f(by7, (b) => b.m12, '6b901122'),
  f(by12, (b) => b.m13, 'fd987193'),
  f(by17, (b) => b.m14, 'a679438e'),
  f(by22, (b) => b.m15, '49b40821'),
  g(by5, (b) => b.m1, 'f61e2562'),
  g(by9, (b) => b.m6, 'c040b340'),
  g(by14, (b) => b.m11, '265e5a51'),
  g(by20, (b) => b.m0, 'e9b6c7aa'),
  g(by5, (b) => b.m5, 'd62f105d'),
  g(by9, (b) => b.m10, '02441453'),
  g(by14, (b) => b.m15, 'd8a1e681'),
  g(by20, (b) => b.m4, 'e7d3fbc8'),
  g(by5, (b) => b.m9, '21e1cde6'),
  g(by9, (b) => b.m14, 'c33707d6'),
  g(by14, (b) => b.m3, 'f4d50d87'),
  g(by20, (b) => b.m8, '455a14ed'),
  g(by5, (b) => b.m13, 'a9e3e905'),
  g(by9, (b) => b.m2, 'fcefa3f8'),
  g(by14, (b) => b.m7, '676f02d9'),
  g(by20, (b) => b.m12, '8d2a4c8a'),
  h(by4, (b) => b.m5, 'fffa3942'),
  h(by11, (b) => b.m8, '8771f681'),
  h(by16, (b) => b.m11, '6d9d6122'),
  h(by23, (b) => b.m14, 'fde5380c'),
  h(by4, (b) => b.m1, 'a4beea44'),
  h(by11, (b) => b.m4, '4bdecfa9'),
  h(by16, (b) => b.m7, 'f6bb4b60'),
  h(by23, (b) => b.m10, 'bebfbc70'),
  h(by4, (b) => b.m13, '289b7ec6'),
  h(by11, (b) => b.m0, 'eaa127fa'),
  h(by16, (b) => b.m3, 'd4ef3085'),
  h(by23, (b) => b.m6, '04881d05'),
  h(by4, (b) => b.m9, 'd9d4d039'),
  h(by11, (b) => b.m12, 'e6db99e5'),
  h(by16, (b) => b.m15, '1fa27cf8'),
  h(by23, (b) => b.m2, 'c4ac5665'),
  i(by6, (b) => b.m0, 'f4292244'),
  i(by10, (b) => b.m7, '432aff97'),
  i(by15, (b) => b.m14, 'ab9423a7'),
  i(by21, (b) => b.m5, 'fc93a039'),
  i(by6, (b) => b.m12, '655b59c3'),
  i(by10, (b) => b.m3, '8f0ccc92'),
  i(by15, (b) => b.m10, 'ffeff47d'),
  i(by21, (b) => b.m1, '85845dd1'),
  i(by6, (b) => b.m8, '6fa87e4f'),
  i(by10, (b) => b.m15, 'fe2ce6e0'),
  i(by15, (b) => b.m6, 'a3014314'),
  i(by21, (b) => b.m13, '4e0811a1'),
  i(by6, (b) => b.m4, 'f7537e82'),
  i(by10, (b) => b.m11, 'bd3af235'),
  i(by15, (b) => b.m2, '2ad7d2bb'),
  i(by21, (b) => b.m9, 'eb86d391'),
].reduceRight((rest, step) => items(step, rest), empty);

const hash = (a, b, c, d) => ({ a, b, c, d });

function mix(steps, block, h) {
  while (steps.tag !== 0) {
    const step = steps.head;
    const sum = add(add(h.a, ofWords(step.mix, h.b, h.c, h.d)), add(step.constant, step.pick(block)));
    h = hash(h.d, add(h.b, step.rotate(sum)), h.b, h.c);
    steps = steps.tail;
  }
  return h;
}

const lowBit = (n) => (n.tag === 2 ? 1 : 0);
const half = (n) => (n.tag === 0 ? n : n.rest);

function split(n0) {
  const n1 = half(n0);
  const n2 = half(n1);
  const n3 = half(n2);
  const n4 = half(n3);
  const n5 = half(n4);
  const n6 = half(n5);
  const n7 = half(n6);
  return {
    byte: byte(
      lowBit(n7), lowBit(n6), lowBit(n5), lowBit(n4), lowBit(n3), lowBit(n2), lowBit(n1), lowBit(n0)),
    rest: half(n7),
  };
}

const sourceOf = (left, end) => ({ left, end });
const read = (got, source) => ({ got, source });

function readByte(source) {
  if (source.left.tag === 0) {
    return read(source.end.head, sourceOf(source.left, source.end.tail));
  }
  return read(split(source.left).byte, sourceOf(decr(source.left), source.end));
}

function readWord(source) {
  const r0 = readByte(source);
  const r1 = readByte(r0.source);
  const r2 = readByte(r1.source);
  const r3 = readByte(r2.source);
  return read(word(r3.got, r2.got, r1.got, r0.got), r3.source);
}

function blocks(h, source) {
  while (source.left.tag !== 0 || source.end.tag !== 0) {
    const r0 = readWord(source);
    const r1 = readWord(r0.source);
    const r2 = readWord(r1.source);
    const r3 = readWord(r2.source);
    const r4 = readWord(r3.source);
    const r5 = readWord(r4.source);
    const r6 = readWord(r5.source);
    const r7 = readWord(r6.source);
    const r8 = readWord(r7.source);
    const r9 = readWord(r8.source);
    const r10 = readWord(r9.source);
    const r11 = readWord(r10.source);
    const r12 = readWord(r11.source);
    const r13 = readWord(r12.source);
    const r14 = readWord(r13.source);
    const r15 = readWord(r14.source);
    const m = mix(steps, {
      m0: r0.got, m1: r1.got, m2: r2.got, m3: r3.got,
      m4: r4.got, m5: r5.got, m6: r6.got, m7: r7.got,
      m8: r8.got, m9: r9.got, m10: r10.got, m11: r11.got,
      m12: r12.got, m13: r13.got, m14: r14.got, m15: r15.got,
    }, h);
    h = hash(add(h.a, m.a), add(h.b, m.b), add(h.c, m.c), add(h.d, m.d));
    source = r15.source;
  }
  return h;
}

const byte00 = byteOf(0);
const byte80 = byteOf(128);

function bytes(count, n) {
  if (count.tag === 0) return empty;
  const s = split(n);
  return items(s.byte, bytes(decr(count), s.rest));
}

const num56 = fromInt(56);
const num63 = fromInt(63);

function zeros(position, length) {
  if (eq(position, num56)) return length;
  return items(byte00, zeros(low(num63, incr(position)), length));
}

function md5(n) {
  const length = bytes(fromInt(8), double(double(double(n))));
  const end = items(byte80, zeros(low(num63, incr(n)), length));
  return blocks(hash(w('67452301'), w('efcdab89'), w('98badcfe'), w('10325476')), sourceOf(n, end));
}

function showByte(b) {
  const n = b.b7 * 128 + b.b6 * 64 + b.b5 * 32 + b.b4 * 16 + b.b3 * 8 + b.b2 * 4 + b.b1 * 2 + b.b0;
  return n.toString(16).padStart(2, '0');
}

const showWord = (a) => showByte(a.w0) + showByte(a.w1) + showByte(a.w2) + showByte(a.w3);

program(50_000, (n) => {
  const h = md5(n);
  return showWord(h.a) + showWord(h.b) + showWord(h.c) + showWord(h.d);
});
