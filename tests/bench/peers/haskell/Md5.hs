import Bench hiding (add)
import Data.Bits (shiftR, testBit)
import Data.Char (intToDigit)
import Prelude hiding (Read, Word)

data Bit = O | I
data Byte = Byte {b7, b6, b5, b4, b3, b2, b1, b0 :: Bit}
data Word = Word {w3, w2, w1, w0 :: Byte}

type BitFunction = Bit -> Bit -> Bit -> Bit

choose, chooseByLast, parity, uneven, majority :: BitFunction
choose O _ c = c
choose I b _ = b
chooseByLast _ b O = b
chooseByLast a _ I = a
parity O O c = c
parity I I c = c
parity _ _ c = inverse c
uneven a b c =
  let either' = case a of
        O -> inverse c
        I -> I
   in case b of
        O -> either'
        I -> inverse either'
majority O O _ = O
majority I I _ = I
majority _ _ c = c

inverse :: Bit -> Bit
inverse O = I
inverse I = O

ofBytes :: BitFunction -> Byte -> Byte -> Byte -> Byte
ofBytes f a b c =
  let r7 = f (b7 a) (b7 b) (b7 c)
      r6 = f (b6 a) (b6 b) (b6 c)
      r5 = f (b5 a) (b5 b) (b5 c)
      r4 = f (b4 a) (b4 b) (b4 c)
      r3 = f (b3 a) (b3 b) (b3 c)
      r2 = f (b2 a) (b2 b) (b2 c)
      r1 = f (b1 a) (b1 b) (b1 c)
      r0 = f (b0 a) (b0 b) (b0 c)
   in Byte r7 r6 r5 r4 r3 r2 r1 r0

ofWords :: BitFunction -> Word -> Word -> Word -> Word
ofWords f a b c =
  Word (ofBytes f (w3 a) (w3 b) (w3 c)) (ofBytes f (w2 a) (w2 b) (w2 c))
    (ofBytes f (w1 a) (w1 b) (w1 c)) (ofBytes f (w0 a) (w0 b) (w0 c))

data Sum = Sum Byte Bit

addBytes :: Byte -> Byte -> Bit -> Sum
addBytes a b c0 =
  let c1 = majority (b0 a) (b0 b) c0
      c2 = majority (b1 a) (b1 b) c1
      c3 = majority (b2 a) (b2 b) c2
      c4 = majority (b3 a) (b3 b) c3
      c5 = majority (b4 a) (b4 b) c4
      c6 = majority (b5 a) (b5 b) c5
      c7 = majority (b6 a) (b6 b) c6
      c8 = majority (b7 a) (b7 b) c7
      byte =
        Byte
          { b7 = parity (b7 a) (b7 b) c7,
            b6 = parity (b6 a) (b6 b) c6,
            b5 = parity (b5 a) (b5 b) c5,
            b4 = parity (b4 a) (b4 b) c4,
            b3 = parity (b3 a) (b3 b) c3,
            b2 = parity (b2 a) (b2 b) c2,
            b1 = parity (b1 a) (b1 b) c1,
            b0 = parity (b0 a) (b0 b) c0
          }
   in Sum byte c8

add :: Word -> Word -> Word
add a b =
  let Sum s0 c0 = addBytes (w0 a) (w0 b) O
      Sum s1 c1 = addBytes (w1 a) (w1 b) c0
      Sum s2 c2 = addBytes (w2 a) (w2 b) c1
      Sum s3 _ = addBytes (w3 a) (w3 b) c2
   in Word s3 s2 s1 s0

type Shift = Byte -> Byte -> Byte

shift1, shift2, shift4 :: Shift
shift1 hi lo = Byte (b6 hi) (b5 hi) (b4 hi) (b3 hi) (b2 hi) (b1 hi) (b0 hi) (b7 lo)
shift2 hi lo = Byte (b5 hi) (b4 hi) (b3 hi) (b2 hi) (b1 hi) (b0 hi) (b7 lo) (b6 lo)
shift4 hi lo = Byte (b3 hi) (b2 hi) (b1 hi) (b0 hi) (b7 lo) (b6 lo) (b5 lo) (b4 lo)

shifted :: Shift -> Word -> Word
shifted shift (Word a3 a2 a1 a0) = Word (shift a3 a2) (shift a2 a1) (shift a1 a0) (shift a0 a3)

type Rotation = Word -> Word

by1, by2, by4, by5, by6, by7, by8, by9, by10, by11, by12, by14, by15, by16, by17, by20, by21, by22, by23 :: Rotation
by1 = shifted shift1
by2 = shifted shift2
by4 = shifted shift4
by5 a = by4 (by1 a)
by6 a = by4 (by2 a)
by7 a = by4 (by2 (by1 a))
by8 (Word a3 a2 a1 a0) = Word a2 a1 a0 a3
by9 a = by8 (by1 a)
by10 a = by8 (by2 a)
by11 a = by8 (by2 (by1 a))
by12 a = by8 (by4 a)
by14 a = by8 (by6 a)
by15 a = by8 (by7 a)
by16 (Word a3 a2 a1 a0) = Word a1 a0 a3 a2
by17 a = by16 (by1 a)
by20 a = by16 (by4 a)
by21 a = by16 (by5 a)
by22 a = by16 (by6 a)
by23 a = by16 (by7 a)

byteOf :: Int -> Byte
byteOf n =
  let bit k = if testBit n k then I else O
   in Byte (bit 7) (bit 6) (bit 5) (bit 4) (bit 3) (bit 2) (bit 1) (bit 0)

word :: Int -> Word
word n = Word (byteOf (shiftR n 24)) (byteOf (shiftR n 16)) (byteOf (shiftR n 8)) (byteOf n)

data Block = Block {m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, ma, mb, mc, md, me, mf :: Word}

data Step = Step {mixed :: BitFunction, rotate :: Rotation, pick :: Block -> Word, constant :: Word}

step :: BitFunction -> Rotation -> (Block -> Word) -> Int -> Step
step mixed rotate pick constant = Step mixed rotate pick (word constant)

steps :: List Step
steps =
  step choose by7 m0 0xd76aa478 :.
  step choose by12 m1 0xe8c7b756 :.
  step choose by17 m2 0x242070db :.
  step choose by22 m3 0xc1bdceee :.
  step choose by7 m4 0xf57c0faf :.
  step choose by12 m5 0x4787c62a :.
  step choose by17 m6 0xa8304613 :.
  step choose by22 m7 0xfd469501 :.
  step choose by7 m8 0x698098d8 :.
  step choose by12 m9 0x8b44f7af :.
  step choose by17 ma 0xffff5bb1 :.
  step choose by22 mb 0x895cd7be :.
  step choose by7 mc 0x6b901122 :.
  step choose by12 md 0xfd987193 :.
  step choose by17 me 0xa679438e :.
  step choose by22 mf 0x49b40821 :.
  step chooseByLast by5 m1 0xf61e2562 :.
  step chooseByLast by9 m6 0xc040b340 :.
  step chooseByLast by14 mb 0x265e5a51 :.
  step chooseByLast by20 m0 0xe9b6c7aa :.
  step chooseByLast by5 m5 0xd62f105d :.
  step chooseByLast by9 ma 0x02441453 :.
  step chooseByLast by14 mf 0xd8a1e681 :.
  step chooseByLast by20 m4 0xe7d3fbc8 :.
  step chooseByLast by5 m9 0x21e1cde6 :.
  step chooseByLast by9 me 0xc33707d6 :.
  step chooseByLast by14 m3 0xf4d50d87 :.
  step chooseByLast by20 m8 0x455a14ed :.
  step chooseByLast by5 md 0xa9e3e905 :.
  step chooseByLast by9 m2 0xfcefa3f8 :.
  step chooseByLast by14 m7 0x676f02d9 :.
  step chooseByLast by20 mc 0x8d2a4c8a :.
  step parity by4 m5 0xfffa3942 :.
  step parity by11 m8 0x8771f681 :.
  step parity by16 mb 0x6d9d6122 :.
  step parity by23 me 0xfde5380c :.
  step parity by4 m1 0xa4beea44 :.
  step parity by11 m4 0x4bdecfa9 :.
  step parity by16 m7 0xf6bb4b60 :.
  step parity by23 ma 0xbebfbc70 :.
  step parity by4 md 0x289b7ec6 :.
  step parity by11 m0 0xeaa127fa :.
  step parity by16 m3 0xd4ef3085 :.
  step parity by23 m6 0x04881d05 :.
  step parity by4 m9 0xd9d4d039 :.
  step parity by11 mc 0xe6db99e5 :.
  step parity by16 mf 0x1fa27cf8 :.
  step parity by23 m2 0xc4ac5665 :.
  step uneven by6 m0 0xf4292244 :.
  step uneven by10 m7 0x432aff97 :.
  step uneven by15 me 0xab9423a7 :.
  step uneven by21 m5 0xfc93a039 :.
  step uneven by6 mc 0x655b59c3 :.
  step uneven by10 m3 0x8f0ccc92 :.
  step uneven by15 ma 0xffeff47d :.
  step uneven by21 m1 0x85845dd1 :.
  step uneven by6 m8 0x6fa87e4f :.
  step uneven by10 mf 0xfe2ce6e0 :.
  step uneven by15 m6 0xa3014314 :.
  step uneven by21 md 0x4e0811a1 :.
  step uneven by6 m4 0xf7537e82 :.
  step uneven by10 mb 0xbd3af235 :.
  step uneven by15 m2 0x2ad7d2bb :.
  step uneven by21 m9 0xeb86d391 :.
  Nil

data Hash = Hash Word Word Word Word

mix :: List Step -> Block -> Hash -> Hash
mix Nil _ hash = hash
mix (Step mixed rotate pick constant :. rest) block (Hash a b c d) =
  let total = add (add a (ofWords mixed b c d)) (add constant (pick block))
      next = add b (rotate total)
   in mix rest block (Hash d next b c)

data Source = Source Binary (List Byte)

data Split = Split Byte Binary

lowBit :: Binary -> Bit
lowBit (D1 _) = I
lowBit _ = O

split :: Binary -> Split
split n0 =
  let n1 = half n0
      n2 = half n1
      n3 = half n2
      n4 = half n3
      n5 = half n4
      n6 = half n5
      n7 = half n6
      byte = Byte (lowBit n7) (lowBit n6) (lowBit n5) (lowBit n4) (lowBit n3) (lowBit n2) (lowBit n1) (lowBit n0)
   in Split byte (half n7)

data Read a = Read a Source

readByte :: Source -> Read Byte
readByte (Source End (byte :. rest)) = Read byte (Source End rest)
readByte (Source End Nil) = error "the source is empty"
readByte (Source left ending) =
  let Split byte _ = split left
      rest = decr left
   in Read byte (Source rest ending)

readWord :: Source -> Read Word
readWord source =
  let Read r0 s0 = readByte source
      Read r1 s1 = readByte s0
      Read r2 s2 = readByte s1
      Read r3 s3 = readByte s2
   in Read (Word r3 r2 r1 r0) s3

blocks :: Hash -> Source -> Hash
blocks hash (Source End Nil) = hash
blocks hash@(Hash a b c d) source =
  let Read r0 s0 = readWord source
      Read r1 s1 = readWord s0
      Read r2 s2 = readWord s1
      Read r3 s3 = readWord s2
      Read r4 s4 = readWord s3
      Read r5 s5 = readWord s4
      Read r6 s6 = readWord s5
      Read r7 s7 = readWord s6
      Read r8 s8 = readWord s7
      Read r9 s9 = readWord s8
      Read r10 s10 = readWord s9
      Read r11 s11 = readWord s10
      Read r12 s12 = readWord s11
      Read r13 s13 = readWord s12
      Read r14 s14 = readWord s13
      Read r15 s15 = readWord s14
      block = Block r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 r11 r12 r13 r14 r15
      Hash p q r s = mix steps block hash
   in blocks (Hash (add a p) (add b q) (add c r) (add d s)) s15

bytes :: Binary -> Binary -> List Byte
bytes End _ = Nil
bytes count n =
  let Split byte rest = split n
   in byte :. bytes (decr count) rest

zeros :: Binary -> List Byte -> List Byte
zeros position ending =
  if eq position (fromInt 56)
    then ending
    else byteOf 0 :. zeros (low (fromInt 63) (incr position)) ending

md5 :: Binary -> Hash
md5 n =
  let lengthBytes = bytes (fromInt 8) (double (double (double n)))
      ending = byteOf 0x80 :. zeros (low (fromInt 63) (incr n)) lengthBytes
   in blocks (Hash (word 0x67452301) (word 0xefcdab89) (word 0x98badcfe) (word 0x10325476)) (Source n ending)

displayByte :: Byte -> String
displayByte (Byte c7 c6 c5 c4 c3 c2 c1 c0) = [digit c7 c6 c5 c4, digit c3 c2 c1 c0]
  where
    digit a b c d = intToDigit (8 * value a + 4 * value b + 2 * value c + value d)
    value O = 0
    value I = 1

displayWord :: Word -> String
displayWord (Word c3 c2 c1 c0) = concatMap displayByte [c0, c1, c2, c3]

main :: IO ()
main = program 50000 $ \n ->
  let Hash a b c d = md5 n
   in concatMap displayWord [a, b, c, d]
