from bench import NIL, ZERO, Cons, D1, decr, double, eq, from_int, half, incr, low, program

# Bits are the constants 0 and 1.


class Byte:
    __slots__ = ("b7", "b6", "b5", "b4", "b3", "b2", "b1", "b0")

    def __init__(self, b7, b6, b5, b4, b3, b2, b1, b0):
        self.b7 = b7
        self.b6 = b6
        self.b5 = b5
        self.b4 = b4
        self.b3 = b3
        self.b2 = b2
        self.b1 = b1
        self.b0 = b0


class Word:
    __slots__ = ("w3", "w2", "w1", "w0")

    def __init__(self, w3, w2, w1, w0):
        self.w3 = w3
        self.w2 = w2
        self.w1 = w1
        self.w0 = w0


def choose(a, b, c):
    return b if a else c


def choose_by_last(a, b, c):
    return a if c else b


def inverse(a):
    return 0 if a else 1


def parity(a, b, c):
    return c if a == b else inverse(c)


def uneven(a, b, c):
    either = 1 if a else inverse(c)
    return inverse(either) if b else either


def majority(a, b, c):
    return a if a == b else c


def of_bytes(f, a, b, c):
    return Byte(
        f(a.b7, b.b7, c.b7), f(a.b6, b.b6, c.b6), f(a.b5, b.b5, c.b5), f(a.b4, b.b4, c.b4),
        f(a.b3, b.b3, c.b3), f(a.b2, b.b2, c.b2), f(a.b1, b.b1, c.b1), f(a.b0, b.b0, c.b0))


def of_words(f, a, b, c):
    return Word(
        of_bytes(f, a.w3, b.w3, c.w3), of_bytes(f, a.w2, b.w2, c.w2),
        of_bytes(f, a.w1, b.w1, c.w1), of_bytes(f, a.w0, b.w0, c.w0))


class Sum:
    __slots__ = ("byte", "carry")

    def __init__(self, byte, carry):
        self.byte = byte
        self.carry = carry


def add_bytes(a, b, c0):
    c1 = majority(a.b0, b.b0, c0)
    c2 = majority(a.b1, b.b1, c1)
    c3 = majority(a.b2, b.b2, c2)
    c4 = majority(a.b3, b.b3, c3)
    c5 = majority(a.b4, b.b4, c4)
    c6 = majority(a.b5, b.b5, c5)
    c7 = majority(a.b6, b.b6, c6)
    c8 = majority(a.b7, b.b7, c7)
    byte = Byte(
        parity(a.b7, b.b7, c7), parity(a.b6, b.b6, c6), parity(a.b5, b.b5, c5), parity(a.b4, b.b4, c4),
        parity(a.b3, b.b3, c3), parity(a.b2, b.b2, c2), parity(a.b1, b.b1, c1), parity(a.b0, b.b0, c0))
    return Sum(byte, c8)


def add(a, b):
    s0 = add_bytes(a.w0, b.w0, 0)
    s1 = add_bytes(a.w1, b.w1, s0.carry)
    s2 = add_bytes(a.w2, b.w2, s1.carry)
    s3 = add_bytes(a.w3, b.w3, s2.carry)
    return Word(s3.byte, s2.byte, s1.byte, s0.byte)


def shift1(hi, lo):
    return Byte(hi.b6, hi.b5, hi.b4, hi.b3, hi.b2, hi.b1, hi.b0, lo.b7)


def shift2(hi, lo):
    return Byte(hi.b5, hi.b4, hi.b3, hi.b2, hi.b1, hi.b0, lo.b7, lo.b6)


def shift4(hi, lo):
    return Byte(hi.b3, hi.b2, hi.b1, hi.b0, lo.b7, lo.b6, lo.b5, lo.b4)


def shifted(shift, a):
    return Word(shift(a.w3, a.w2), shift(a.w2, a.w1), shift(a.w1, a.w0), shift(a.w0, a.w3))


def by1(a):
    return shifted(shift1, a)


def by2(a):
    return shifted(shift2, a)


def by4(a):
    return shifted(shift4, a)


def by5(a):
    return by4(by1(a))


def by6(a):
    return by4(by2(a))


def by7(a):
    return by4(by2(by1(a)))


def by8(a):
    return Word(a.w2, a.w1, a.w0, a.w3)


def by9(a):
    return by8(by1(a))


def by10(a):
    return by8(by2(a))


def by11(a):
    return by8(by2(by1(a)))


def by12(a):
    return by8(by4(a))


def by14(a):
    return by8(by6(a))


def by15(a):
    return by8(by7(a))


def by16(a):
    return Word(a.w1, a.w0, a.w3, a.w2)


def by17(a):
    return by16(by1(a))


def by20(a):
    return by16(by4(a))


def by21(a):
    return by16(by5(a))


def by22(a):
    return by16(by6(a))


def by23(a):
    return by16(by7(a))


def byte_of(n):
    return Byte(n >> 7 & 1, n >> 6 & 1, n >> 5 & 1, n >> 4 & 1, n >> 3 & 1, n >> 2 & 1, n >> 1 & 1, n & 1)


def word(n):
    return Word(byte_of(n >> 24), byte_of(n >> 16), byte_of(n >> 8), byte_of(n))


class Block:
    __slots__ = ("m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9", "ma", "mb", "mc", "md", "me", "mf")

    def __init__(self, m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, ma, mb, mc, md, me, mf):
        self.m0 = m0
        self.m1 = m1
        self.m2 = m2
        self.m3 = m3
        self.m4 = m4
        self.m5 = m5
        self.m6 = m6
        self.m7 = m7
        self.m8 = m8
        self.m9 = m9
        self.ma = ma
        self.mb = mb
        self.mc = mc
        self.md = md
        self.me = me
        self.mf = mf


class Step:
    __slots__ = ("mix", "rotate", "pick", "constant")

    def __init__(self, mix, rotate, pick, constant):
        self.mix = mix
        self.rotate = rotate
        self.pick = pick
        self.constant = constant


STEPS = NIL
for step in reversed([
    Step(choose, by7, lambda b: b.m0, word(0xd76aa478)),
    Step(choose, by12, lambda b: b.m1, word(0xe8c7b756)),
    Step(choose, by17, lambda b: b.m2, word(0x242070db)),
    Step(choose, by22, lambda b: b.m3, word(0xc1bdceee)),
    Step(choose, by7, lambda b: b.m4, word(0xf57c0faf)),
    Step(choose, by12, lambda b: b.m5, word(0x4787c62a)),
    Step(choose, by17, lambda b: b.m6, word(0xa8304613)),
    Step(choose, by22, lambda b: b.m7, word(0xfd469501)),
    Step(choose, by7, lambda b: b.m8, word(0x698098d8)),
    Step(choose, by12, lambda b: b.m9, word(0x8b44f7af)),
    Step(choose, by17, lambda b: b.ma, word(0xffff5bb1)),
    Step(choose, by22, lambda b: b.mb, word(0x895cd7be)),
    Step(choose, by7, lambda b: b.mc, word(0x6b901122)),
    Step(choose, by12, lambda b: b.md, word(0xfd987193)),
    Step(choose, by17, lambda b: b.me, word(0xa679438e)),
    Step(choose, by22, lambda b: b.mf, word(0x49b40821)),
    Step(choose_by_last, by5, lambda b: b.m1, word(0xf61e2562)),
    Step(choose_by_last, by9, lambda b: b.m6, word(0xc040b340)),
    Step(choose_by_last, by14, lambda b: b.mb, word(0x265e5a51)),
    Step(choose_by_last, by20, lambda b: b.m0, word(0xe9b6c7aa)),
    Step(choose_by_last, by5, lambda b: b.m5, word(0xd62f105d)),
    Step(choose_by_last, by9, lambda b: b.ma, word(0x02441453)),
    Step(choose_by_last, by14, lambda b: b.mf, word(0xd8a1e681)),
    Step(choose_by_last, by20, lambda b: b.m4, word(0xe7d3fbc8)),
    Step(choose_by_last, by5, lambda b: b.m9, word(0x21e1cde6)),
    Step(choose_by_last, by9, lambda b: b.me, word(0xc33707d6)),
    Step(choose_by_last, by14, lambda b: b.m3, word(0xf4d50d87)),
    Step(choose_by_last, by20, lambda b: b.m8, word(0x455a14ed)),
    Step(choose_by_last, by5, lambda b: b.md, word(0xa9e3e905)),
    Step(choose_by_last, by9, lambda b: b.m2, word(0xfcefa3f8)),
    Step(choose_by_last, by14, lambda b: b.m7, word(0x676f02d9)),
    Step(choose_by_last, by20, lambda b: b.mc, word(0x8d2a4c8a)),
    Step(parity, by4, lambda b: b.m5, word(0xfffa3942)),
    Step(parity, by11, lambda b: b.m8, word(0x8771f681)),
    Step(parity, by16, lambda b: b.mb, word(0x6d9d6122)),
    Step(parity, by23, lambda b: b.me, word(0xfde5380c)),
    Step(parity, by4, lambda b: b.m1, word(0xa4beea44)),
    Step(parity, by11, lambda b: b.m4, word(0x4bdecfa9)),
    Step(parity, by16, lambda b: b.m7, word(0xf6bb4b60)),
    Step(parity, by23, lambda b: b.ma, word(0xbebfbc70)),
    Step(parity, by4, lambda b: b.md, word(0x289b7ec6)),
    Step(parity, by11, lambda b: b.m0, word(0xeaa127fa)),
    Step(parity, by16, lambda b: b.m3, word(0xd4ef3085)),
    Step(parity, by23, lambda b: b.m6, word(0x04881d05)),
    Step(parity, by4, lambda b: b.m9, word(0xd9d4d039)),
    Step(parity, by11, lambda b: b.mc, word(0xe6db99e5)),
    Step(parity, by16, lambda b: b.mf, word(0x1fa27cf8)),
    Step(parity, by23, lambda b: b.m2, word(0xc4ac5665)),
    Step(uneven, by6, lambda b: b.m0, word(0xf4292244)),
    Step(uneven, by10, lambda b: b.m7, word(0x432aff97)),
    Step(uneven, by15, lambda b: b.me, word(0xab9423a7)),
    Step(uneven, by21, lambda b: b.m5, word(0xfc93a039)),
    Step(uneven, by6, lambda b: b.mc, word(0x655b59c3)),
    Step(uneven, by10, lambda b: b.m3, word(0x8f0ccc92)),
    Step(uneven, by15, lambda b: b.ma, word(0xffeff47d)),
    Step(uneven, by21, lambda b: b.m1, word(0x85845dd1)),
    Step(uneven, by6, lambda b: b.m8, word(0x6fa87e4f)),
    Step(uneven, by10, lambda b: b.mf, word(0xfe2ce6e0)),
    Step(uneven, by15, lambda b: b.m6, word(0xa3014314)),
    Step(uneven, by21, lambda b: b.md, word(0x4e0811a1)),
    Step(uneven, by6, lambda b: b.m4, word(0xf7537e82)),
    Step(uneven, by10, lambda b: b.mb, word(0xbd3af235)),
    Step(uneven, by15, lambda b: b.m2, word(0x2ad7d2bb)),
    Step(uneven, by21, lambda b: b.m9, word(0xeb86d391)),
]):
    STEPS = Cons(step, STEPS)


class Hash:
    __slots__ = ("a", "b", "c", "d")

    def __init__(self, a, b, c, d):
        self.a = a
        self.b = b
        self.c = c
        self.d = d


def mix(block, h):
    steps = STEPS
    while steps is not NIL:
        step = steps.head
        total = add(add(h.a, of_words(step.mix, h.b, h.c, h.d)), add(step.constant, step.pick(block)))
        h = Hash(h.d, add(h.b, step.rotate(total)), h.b, h.c)
        steps = steps.tail
    return h


class Source:
    __slots__ = ("left", "ending")

    def __init__(self, left, ending):
        self.left = left
        self.ending = ending


class Split:
    __slots__ = ("low", "rest")

    def __init__(self, low, rest):
        self.low = low
        self.rest = rest


def low_bit(n):
    return 1 if isinstance(n, D1) else 0


def split(n0):
    n1 = half(n0)
    n2 = half(n1)
    n3 = half(n2)
    n4 = half(n3)
    n5 = half(n4)
    n6 = half(n5)
    n7 = half(n6)
    byte = Byte(low_bit(n7), low_bit(n6), low_bit(n5), low_bit(n4), low_bit(n3), low_bit(n2), low_bit(n1), low_bit(n0))
    return Split(byte, half(n7))


class Read:
    __slots__ = ("got", "source")

    def __init__(self, got, source):
        self.got = got
        self.source = source


def read_byte(source):
    if source.left is ZERO:
        return Read(source.ending.head, Source(source.left, source.ending.tail))
    return Read(split(source.left).low, Source(decr(source.left), source.ending))


def read_word(source):
    r0 = read_byte(source)
    r1 = read_byte(r0.source)
    r2 = read_byte(r1.source)
    r3 = read_byte(r2.source)
    return Read(Word(r3.got, r2.got, r1.got, r0.got), r3.source)


def blocks(h, source):
    while source.left is not ZERO or source.ending is not NIL:
        r0 = read_word(source)
        r1 = read_word(r0.source)
        r2 = read_word(r1.source)
        r3 = read_word(r2.source)
        r4 = read_word(r3.source)
        r5 = read_word(r4.source)
        r6 = read_word(r5.source)
        r7 = read_word(r6.source)
        r8 = read_word(r7.source)
        r9 = read_word(r8.source)
        r10 = read_word(r9.source)
        r11 = read_word(r10.source)
        r12 = read_word(r11.source)
        r13 = read_word(r12.source)
        r14 = read_word(r13.source)
        r15 = read_word(r14.source)
        m = mix(
            Block(
                r0.got, r1.got, r2.got, r3.got, r4.got, r5.got, r6.got, r7.got,
                r8.got, r9.got, r10.got, r11.got, r12.got, r13.got, r14.got, r15.got),
            h)
        h = Hash(add(h.a, m.a), add(h.b, m.b), add(h.c, m.c), add(h.d, m.d))
        source = r15.source
    return h


def bytes_of(count, n):
    if count is ZERO:
        return NIL
    parts = split(n)
    return Cons(parts.low, bytes_of(decr(count), parts.rest))


def zeros(position, ending):
    if eq(position, from_int(56)):
        return ending
    return Cons(byte_of(0), zeros(low(from_int(63), incr(position)), ending))


def md5(n):
    bits = bytes_of(from_int(8), double(double(double(n))))
    ending = Cons(byte_of(0x80), zeros(low(from_int(63), incr(n)), bits))
    start = Hash(word(0x67452301), word(0xefcdab89), word(0x98badcfe), word(0x10325476))
    return blocks(start, Source(n, ending))


def show_byte(b):
    value = 0
    for bit in (b.b7, b.b6, b.b5, b.b4, b.b3, b.b2, b.b1, b.b0):
        value = 2 * value + bit
    return f"{value:02x}"


def show_word(w):
    return show_byte(w.w0) + show_byte(w.w1) + show_byte(w.w2) + show_byte(w.w3)


def work(n):
    h = md5(n)
    return show_word(h.a) + show_word(h.b) + show_word(h.c) + show_word(h.d)


program(50_000, work)
