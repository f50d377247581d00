local bench = require("bench")
local incr, decr, double, eq, low, from_int =
  bench.incr, bench.decr, bench.double, bench.eq, bench.low, bench.from_int
local empty, items = bench.empty, bench.items

-- Bits are the constants 0 and 1.
local function choose(a, b, c) if a == 0 then return c end return b end
local function choose_by_last(a, b, c) if c == 0 then return b end return a end
local function bit_not(a) if a == 0 then return 1 end return 0 end
local function parity(a, b, c) if a == b then return c end return bit_not(c) end
local function uneven(a, b, c)
  local either = 1
  if a == 0 then either = bit_not(c) end
  if b == 0 then return either end
  return bit_not(either)
end
local function majority(a, b, c) if a == b then return a end return c end

local function of_bytes(f, a, b, c)
  return {
    b7 = f(a.b7, b.b7, c.b7), b6 = f(a.b6, b.b6, c.b6), b5 = f(a.b5, b.b5, c.b5), b4 = f(a.b4, b.b4, c.b4),
    b3 = f(a.b3, b.b3, c.b3), b2 = f(a.b2, b.b2, c.b2), b1 = f(a.b1, b.b1, c.b1), b0 = f(a.b0, b.b0, c.b0),
  }
end

local function of_words(f, a, b, c)
  return {
    w3 = of_bytes(f, a.w3, b.w3, c.w3), w2 = of_bytes(f, a.w2, b.w2, c.w2),
    w1 = of_bytes(f, a.w1, b.w1, c.w1), w0 = of_bytes(f, a.w0, b.w0, c.w0),
  }
end

local function add_bytes(a, b, c0)
  local c1 = majority(a.b0, b.b0, c0)
  local c2 = majority(a.b1, b.b1, c1)
  local c3 = majority(a.b2, b.b2, c2)
  local c4 = majority(a.b3, b.b3, c3)
  local c5 = majority(a.b4, b.b4, c4)
  local c6 = majority(a.b5, b.b5, c5)
  local c7 = majority(a.b6, b.b6, c6)
  local c8 = majority(a.b7, b.b7, c7)
  return {
    byte = {
      b7 = parity(a.b7, b.b7, c7), b6 = parity(a.b6, b.b6, c6), b5 = parity(a.b5, b.b5, c5), b4 = parity(a.b4, b.b4, c4),
      b3 = parity(a.b3, b.b3, c3), b2 = parity(a.b2, b.b2, c2), b1 = parity(a.b1, b.b1, c1), b0 = parity(a.b0, b.b0, c0),
    },
    carry = c8,
  }
end

local function add(a, b)
  local s0 = add_bytes(a.w0, b.w0, 0)
  local s1 = add_bytes(a.w1, b.w1, s0.carry)
  local s2 = add_bytes(a.w2, b.w2, s1.carry)
  local s3 = add_bytes(a.w3, b.w3, s2.carry)
  return { w3 = s3.byte, w2 = s2.byte, w1 = s1.byte, w0 = s0.byte }
end

local function shift1(hi, lo)
  return { b7 = hi.b6, b6 = hi.b5, b5 = hi.b4, b4 = hi.b3, b3 = hi.b2, b2 = hi.b1, b1 = hi.b0, b0 = lo.b7 }
end
local function shift2(hi, lo)
  return { b7 = hi.b5, b6 = hi.b4, b5 = hi.b3, b4 = hi.b2, b3 = hi.b1, b2 = hi.b0, b1 = lo.b7, b0 = lo.b6 }
end
local function shift4(hi, lo)
  return { b7 = hi.b3, b6 = hi.b2, b5 = hi.b1, b4 = hi.b0, b3 = lo.b7, b2 = lo.b6, b1 = lo.b5, b0 = lo.b4 }
end
local function shifted(shift, a)
  return {
    w3 = shift(a.w3, a.w2), w2 = shift(a.w2, a.w1), w1 = shift(a.w1, a.w0), w0 = shift(a.w0, a.w3),
  }
end
local function by1(a) return shifted(shift1, a) end
local function by2(a) return shifted(shift2, a) end
local function by4(a) return shifted(shift4, a) end
local function by8(a) return { w3 = a.w2, w2 = a.w1, w1 = a.w0, w0 = a.w3 } end
local function by16(a) return { w3 = a.w1, w2 = a.w0, w1 = a.w3, w0 = a.w2 } end
local function by5(a) return by4(by1(a)) end
local function by6(a) return by4(by2(a)) end
local function by7(a) return by4(by2(by1(a))) end
local function by9(a) return by8(by1(a)) end
local function by10(a) return by8(by2(a)) end
local function by11(a) return by8(by2(by1(a))) end
local function by12(a) return by8(by4(a)) end
local function by14(a) return by8(by6(a)) end
local function by15(a) return by8(by7(a)) end
local function by17(a) return by16(by1(a)) end
local function by20(a) return by16(by4(a)) end
local function by21(a) return by16(by5(a)) end
local function by22(a) return by16(by6(a)) end
local function by23(a) return by16(by7(a)) end

local function byte_of(n)
  local function bit(k) return math.floor(n / 2 ^ k) % 2 end
  return {
    b7 = bit(7), b6 = bit(6), b5 = bit(5), b4 = bit(4), b3 = bit(3), b2 = bit(2), b1 = bit(1), b0 = bit(0),
  }
end

local function w(digits)
  local function at(k) return byte_of(tonumber(digits:sub(k, k + 1), 16)) end
  return { w3 = at(1), w2 = at(3), w1 = at(5), w0 = at(7) }
end

local function step(mix, rotate, pick, constant)
  return { mix = mix, rotate = rotate, pick = pick, constant = w(constant) }
end
local function f(rotate, pick, constant) return step(choose, rotate, pick, constant) end
local function g(rotate, pick, constant) return step(choose_by_last, rotate, pick, constant) end
local function h(rotate, pick, constant) return step(parity, rotate, pick, constant) end
local function i(rotate, pick, constant) return step(uneven, rotate, pick, constant) end

local in_order = {
  f(by7, function(b) return b.m0 end, "d76aa478"),
  f(by12, function(b) return b.m1 end, "e8c7b756"),
  f(by17, function(b) return b.m2 end, "242070db"),
  f(by22, function(b) return b.m3 end, "c1bdceee"),
  f(by7, function(b) return b.m4 end, "f57c0faf"),
  f(by12, function(b) return b.m5 end, "4787c62a"),
  f(by17, function(b) return b.m6 end, "a8304613"),
  f(by22, function(b) return b.m7 end, "fd469501"),
  f(by7, function(b) return b.m8 end, "698098d8"),
  f(by12, function(b) return b.m9 end, "8b44f7af"),
  f(by17, function(b) return b.m10 end, "ffff5bb1"),
  f(by22, function(b) return b.m11 end, "895cd7be"),
  f(by7, function(b) return b.m12 end, "6b901122"),
  f(by12, function(b) return b.m13 end, "fd987193"),
  f(by17, function(b) return b.m14 end, "a679438e"),
  f(by22, function(b) return b.m15 end, "49b40821"),
  g(by5, function(b) return b.m1 end, "f61e2562"),
  g(by9, function(b) return b.m6 end, "c040b340"),
  g(by14, function(b) return b.m11 end, "265e5a51"),
  g(by20, function(b) return b.m0 end, "e9b6c7aa"),
  g(by5, function(b) return b.m5 end, "d62f105d"),
  g(by9, function(b) return b.m10 end, "02441453"),
  g(by14, function(b) return b.m15 end, "d8a1e681"),
  g(by20, function(b) return b.m4 end, "e7d3fbc8"),
  g(by5, function(b) return b.m9 end, "21e1cde6"),
  g(by9, function(b) return b.m14 end, "c33707d6"),
  g(by14, function(b) return b.m3 end, "f4d50d87"),
  g(by20, function(b) return b.m8 end, "455a14ed"),
  g(by5, function(b) return b.m13 end, "a9e3e905"),
  g(by9, function(b) return b.m2 end, "fcefa3f8"),
  g(by14, function(b) return b.m7 end, "676f02d9"),
  g(by20, function(b) return b.m12 end, "8d2a4c8a"),
  h(by4, function(b) return b.m5 end, "fffa3942"),
  h(by11, function(b) return b.m8 end, "8771f681"),
  h(by16, function(b) return b.m11 end, "6d9d6122"),
  h(by23, function(b) return b.m14 end, "fde5380c"),
  h(by4, function(b) return b.m1 end, "a4beea44"),
  h(by11, function(b) return b.m4 end, "4bdecfa9"),
  h(by16, function(b) return b.m7 end, "f6bb4b60"),
  h(by23, function(b) return b.m10 end, "bebfbc70"),
  h(by4, function(b) return b.m13 end, "289b7ec6"),
  h(by11, function(b) return b.m0 end, "eaa127fa"),
  h(by16, function(b) return b.m3 end, "d4ef3085"),
  h(by23, function(b) return b.m6 end, "04881d05"),
  h(by4, function(b) return b.m9 end, "d9d4d039"),
  h(by11, function(b) return b.m12 end, "e6db99e5"),
  h(by16, function(b) return b.m15 end, "1fa27cf8"),
  h(by23, function(b) return b.m2 end, "c4ac5665"),
  i(by6, function(b) return b.m0 end, "f4292244"),
  i(by10, function(b) return b.m7 end, "432aff97"),
  i(by15, function(b) return b.m14 end, "ab9423a7"),
  i(by21, function(b) return b.m5 end, "fc93a039"),
  i(by6, function(b) return b.m12 end, "655b59c3"),
  i(by10, function(b) return b.m3 end, "8f0ccc92"),
  i(by15, function(b) return b.m10 end, "ffeff47d"),
  i(by21, function(b) return b.m1 end, "85845dd1"),
  i(by6, function(b) return b.m8 end, "6fa87e4f"),
  i(by10, function(b) return b.m15 end, "fe2ce6e0"),
  i(by15, function(b) return b.m6 end, "a3014314"),
  i(by21, function(b) return b.m13 end, "4e0811a1"),
  i(by6, function(b) return b.m4 end, "f7537e82"),
  i(by10, function(b) return b.m11 end, "bd3af235"),
  i(by15, function(b) return b.m2 end, "2ad7d2bb"),
  i(by21, function(b) return b.m9 end, "eb86d391"),
}
local steps = empty
for k = #in_order, 1, -1 do steps = items(in_order[k], steps) end

local function mix(steps, block, h)
  while steps.tag ~= 0 do
    local step = steps.head
    local sum = add(add(h.a, of_words(step.mix, h.b, h.c, h.d)), add(step.constant, step.pick(block)))
    h = { a = h.d, b = add(h.b, step.rotate(sum)), c = h.b, d = h.c }
    steps = steps.tail
  end
  return h
end

local function low_bit(n) if n.tag == 2 then return 1 end return 0 end
local function half(n) if n.tag == 0 then return n end return n.rest end

local function split(n0)
  local n1 = half(n0)
  local n2 = half(n1)
  local n3 = half(n2)
  local n4 = half(n3)
  local n5 = half(n4)
  local n6 = half(n5)
  local n7 = half(n6)
  return {
    byte = {
      b7 = low_bit(n7), b6 = low_bit(n6), b5 = low_bit(n5), b4 = low_bit(n4),
      b3 = low_bit(n3), b2 = low_bit(n2), b1 = low_bit(n1), b0 = low_bit(n0),
    },
    rest = half(n7),
  }
end

local function read_byte(source)
  if source.left.tag == 0 then
    return { got = source.ending.head, source = { left = source.left, ending = source.ending.tail } }
  end
  return { got = split(source.left).byte, source = { left = decr(source.left), ending = source.ending } }
end

local function read_word(source)
  local r0 = read_byte(source)
  local r1 = read_byte(r0.source)
  local r2 = read_byte(r1.source)
  local r3 = read_byte(r2.source)
  return { got = { w3 = r3.got, w2 = r2.got, w1 = r1.got, w0 = r0.got }, source = r3.source }
end

local function blocks(h, source)
  while source.left.tag ~= 0 or source.ending.tag ~= 0 do
    local r0 = read_word(source)
    local r1 = read_word(r0.source)
    local r2 = read_word(r1.source)
    local r3 = read_word(r2.source)
    local r4 = read_word(r3.source)
    local r5 = read_word(r4.source)
    local r6 = read_word(r5.source)
    local r7 = read_word(r6.source)
    local r8 = read_word(r7.source)
    local r9 = read_word(r8.source)
    local r10 = read_word(r9.source)
    local r11 = read_word(r10.source)
    local r12 = read_word(r11.source)
    local r13 = read_word(r12.source)
    local r14 = read_word(r13.source)
    local r15 = read_word(r14.source)
    local m = mix(steps, {
      m0 = r0.got, m1 = r1.got, m2 = r2.got, m3 = r3.got,
      m4 = r4.got, m5 = r5.got, m6 = r6.got, m7 = r7.got,
      m8 = r8.got, m9 = r9.got, m10 = r10.got, m11 = r11.got,
      m12 = r12.got, m13 = r13.got, m14 = r14.got, m15 = r15.got,
    }, h)
    h = { a = add(h.a, m.a), b = add(h.b, m.b), c = add(h.c, m.c), d = add(h.d, m.d) }
    source = r15.source
  end
  return h
end

local BYTE_00 = byte_of(0)
local BYTE_80 = byte_of(128)

local function bytes(count, n)
  if count.tag == 0 then return empty end
  local s = split(n)
  return items(s.byte, bytes(decr(count), s.rest))
end

local NUM_56 = from_int(56)
local NUM_63 = from_int(63)

local function zeros(position, length)
  if eq(position, NUM_56) then return length end
  return items(BYTE_00, zeros(low(NUM_63, incr(position)), length))
end

local function md5(n)
  local length = bytes(from_int(8), double(double(double(n))))
  local ending = items(BYTE_80, zeros(low(NUM_63, incr(n)), length))
  return blocks(
    { a = w("67452301"), b = w("efcdab89"), c = w("98badcfe"), d = w("10325476") },
    { left = n, ending = ending })
end

local function show_byte(b)
  return string.format("%02x",
    b.b7 * 128 + b.b6 * 64 + b.b5 * 32 + b.b4 * 16 + b.b3 * 8 + b.b2 * 4 + b.b1 * 2 + b.b0)
end

local function show_word(a)
  return show_byte(a.w0) .. show_byte(a.w1) .. show_byte(a.w2) .. show_byte(a.w3)
end

bench.program(50000, function(n)
  local h = md5(n)
  return show_word(h.a) .. show_word(h.b) .. show_word(h.c) .. show_word(h.d)
end)
