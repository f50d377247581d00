open Bench

type bit = O | I
type byte = { b7 : bit; b6 : bit; b5 : bit; b4 : bit; b3 : bit; b2 : bit; b1 : bit; b0 : bit }
type word = { w3 : byte; w2 : byte; w1 : byte; w0 : byte }

let choose a b c = match a with O -> c | I -> b
let choose_by_last a b c = match c with O -> b | I -> a
let not a = match a with O -> I | I -> O
let parity a b c = match a, b with O, O | I, I -> c | _ -> not c
let uneven a b c =
  let either = match a with O -> not c | I -> I in
  match b with O -> either | I -> not either
let majority a b c = match a, b with O, O -> O | I, I -> I | _ -> c

let of_bytes f a b c = {
  b7 = f a.b7 b.b7 c.b7; b6 = f a.b6 b.b6 c.b6; b5 = f a.b5 b.b5 c.b5; b4 = f a.b4 b.b4 c.b4;
  b3 = f a.b3 b.b3 c.b3; b2 = f a.b2 b.b2 c.b2; b1 = f a.b1 b.b1 c.b1; b0 = f a.b0 b.b0 c.b0;
}
let of_words f a b c = {
  w3 = of_bytes f a.w3 b.w3 c.w3; w2 = of_bytes f a.w2 b.w2 c.w2;
  w1 = of_bytes f a.w1 b.w1 c.w1; w0 = of_bytes f a.w0 b.w0 c.w0;
}

type sum = { byte : byte; carry : bit }

let add_bytes a b c0 =
  let c1 = majority a.b0 b.b0 c0 in
  let c2 = majority a.b1 b.b1 c1 in
  let c3 = majority a.b2 b.b2 c2 in
  let c4 = majority a.b3 b.b3 c3 in
  let c5 = majority a.b4 b.b4 c4 in
  let c6 = majority a.b5 b.b5 c5 in
  let c7 = majority a.b6 b.b6 c6 in
  let c8 = majority a.b7 b.b7 c7 in
  { byte = {
      b7 = parity a.b7 b.b7 c7; b6 = parity a.b6 b.b6 c6;
      b5 = parity a.b5 b.b5 c5; b4 = parity a.b4 b.b4 c4;
      b3 = parity a.b3 b.b3 c3; b2 = parity a.b2 b.b2 c2;
      b1 = parity a.b1 b.b1 c1; b0 = parity a.b0 b.b0 c0 };
    carry = c8 }

let add a b =
  let s0 = add_bytes a.w0 b.w0 O in
  let s1 = add_bytes a.w1 b.w1 s0.carry in
  let s2 = add_bytes a.w2 b.w2 s1.carry in
  let s3 = add_bytes a.w3 b.w3 s2.carry in
  { w3 = s3.byte; w2 = s2.byte; w1 = s1.byte; w0 = s0.byte }

let shift1 hi lo = { b7 = hi.b6; b6 = hi.b5; b5 = hi.b4; b4 = hi.b3; b3 = hi.b2; b2 = hi.b1; b1 = hi.b0; b0 = lo.b7 }
let shift2 hi lo = { b7 = hi.b5; b6 = hi.b4; b5 = hi.b3; b4 = hi.b2; b3 = hi.b1; b2 = hi.b0; b1 = lo.b7; b0 = lo.b6 }
let shift4 hi lo = { b7 = hi.b3; b6 = hi.b2; b5 = hi.b1; b4 = hi.b0; b3 = lo.b7; b2 = lo.b6; b1 = lo.b5; b0 = lo.b4 }
let shifted shift a =
  { w3 = shift a.w3 a.w2; w2 = shift a.w2 a.w1; w1 = shift a.w1 a.w0; w0 = shift a.w0 a.w3 }
let by1 a = shifted shift1 a
let by2 a = shifted shift2 a
let by4 a = shifted shift4 a
let by8 a = { w3 = a.w2; w2 = a.w1; w1 = a.w0; w0 = a.w3 }
let by16 a = { w3 = a.w1; w2 = a.w0; w1 = a.w3; w0 = a.w2 }
let by5 a = by4 (by1 a)
let by6 a = by4 (by2 a)
let by7 a = by4 (by2 (by1 a))
let by9 a = by8 (by1 a)
let by10 a = by8 (by2 a)
let by11 a = by8 (by2 (by1 a))
let by12 a = by8 (by4 a)
let by14 a = by8 (by6 a)
let by15 a = by8 (by7 a)
let by17 a = by16 (by1 a)
let by20 a = by16 (by4 a)
let by21 a = by16 (by5 a)
let by22 a = by16 (by6 a)
let by23 a = by16 (by7 a)

let byte_of n =
  let bit k = if n land (1 lsl k) = 0 then O else I in
  { b7 = bit 7; b6 = bit 6; b5 = bit 5; b4 = bit 4; b3 = bit 3; b2 = bit 2; b1 = bit 1; b0 = bit 0 }

let w digits =
  let byte k = byte_of (int_of_string ("0x" ^ String.sub digits k 2)) in
  { w3 = byte 0; w2 = byte 2; w1 = byte 4; w0 = byte 6 }

type block = {
  m0 : word; m1 : word; m2 : word; m3 : word; m4 : word; m5 : word; m6 : word; m7 : word;
  m8 : word; m9 : word; ma : word; mb : word; mc : word; md : word; me : word; mf : word;
}

type step = {
  mix : bit -> bit -> bit -> bit;
  rotate : word -> word;
  pick : block -> word;
  constant : word;
}

let step mix rotate pick constant = { mix; rotate; pick; constant = w constant }
let f = step choose
let g = step choose_by_last
let h = step parity
let i = step uneven

let steps = [
  f by7 (fun b -> b.m0) "d76aa478";
  f by12 (fun b -> b.m1) "e8c7b756";
  f by17 (fun b -> b.m2) "242070db";
  f by22 (fun b -> b.m3) "c1bdceee";
  f by7 (fun b -> b.m4) "f57c0faf";
  f by12 (fun b -> b.m5) "4787c62a";
  f by17 (fun b -> b.m6) "a8304613";
  f by22 (fun b -> b.m7) "fd469501";
  f by7 (fun b -> b.m8) "698098d8";
  f by12 (fun b -> b.m9) "8b44f7af";
  f by17 (fun b -> b.ma) "ffff5bb1";
  f by22 (fun b -> b.mb) "895cd7be";
  f by7 (fun b -> b.mc) "6b901122";
  f by12 (fun b -> b.md) "fd987193";
  f by17 (fun b -> b.me) "a679438e";
  f by22 (fun b -> b.mf) "49b40821";
  g by5 (fun b -> b.m1) "f61e2562";
  g by9 (fun b -> b.m6) "c040b340";
  g by14 (fun b -> b.mb) "265e5a51";
  g by20 (fun b -> b.m0) "e9b6c7aa";
  g by5 (fun b -> b.m5) "d62f105d";
  g by9 (fun b -> b.ma) "02441453";
  g by14 (fun b -> b.mf) "d8a1e681";
  g by20 (fun b -> b.m4) "e7d3fbc8";
  g by5 (fun b -> b.m9) "21e1cde6";
  g by9 (fun b -> b.me) "c33707d6";
  g by14 (fun b -> b.m3) "f4d50d87";
  g by20 (fun b -> b.m8) "455a14ed";
  g by5 (fun b -> b.md) "a9e3e905";
  g by9 (fun b -> b.m2) "fcefa3f8";
  g by14 (fun b -> b.m7) "676f02d9";
  g by20 (fun b -> b.mc) "8d2a4c8a";
  h by4 (fun b -> b.m5) "fffa3942";
  h by11 (fun b -> b.m8) "8771f681";
  h by16 (fun b -> b.mb) "6d9d6122";
  h by23 (fun b -> b.me) "fde5380c";
  h by4 (fun b -> b.m1) "a4beea44";
  h by11 (fun b -> b.m4) "4bdecfa9";
  h by16 (fun b -> b.m7) "f6bb4b60";
  h by23 (fun b -> b.ma) "bebfbc70";
  h by4 (fun b -> b.md) "289b7ec6";
  h by11 (fun b -> b.m0) "eaa127fa";
  h by16 (fun b -> b.m3) "d4ef3085";
  h by23 (fun b -> b.m6) "04881d05";
  h by4 (fun b -> b.m9) "d9d4d039";
  h by11 (fun b -> b.mc) "e6db99e5";
  h by16 (fun b -> b.mf) "1fa27cf8";
  h by23 (fun b -> b.m2) "c4ac5665";
  i by6 (fun b -> b.m0) "f4292244";
  i by10 (fun b -> b.m7) "432aff97";
  i by15 (fun b -> b.me) "ab9423a7";
  i by21 (fun b -> b.m5) "fc93a039";
  i by6 (fun b -> b.mc) "655b59c3";
  i by10 (fun b -> b.m3) "8f0ccc92";
  i by15 (fun b -> b.ma) "ffeff47d";
  i by21 (fun b -> b.m1) "85845dd1";
  i by6 (fun b -> b.m8) "6fa87e4f";
  i by10 (fun b -> b.mf) "fe2ce6e0";
  i by15 (fun b -> b.m6) "a3014314";
  i by21 (fun b -> b.md) "4e0811a1";
  i by6 (fun b -> b.m4) "f7537e82";
  i by10 (fun b -> b.mb) "bd3af235";
  i by15 (fun b -> b.m2) "2ad7d2bb";
  i by21 (fun b -> b.m9) "eb86d391"
]

type hash = { a : word; b : word; c : word; d : word }

let rec mix steps block h = match steps with
  | [] -> h
  | step :: rest ->
    let sum = add (add h.a (of_words step.mix h.b h.c h.d)) (add step.constant (step.pick block)) in
    mix rest block { a = h.d; b = add h.b (step.rotate sum); c = h.b; d = h.c }

type source = { left : num; ending : byte list }

type split = { low : byte; rest : num }
let low_bit n = match n with D1 _ -> I | _ -> O
let half n = match n with End -> n | D0 rest | D1 rest -> rest
let split n0 =
  let n1 = half n0 in
  let n2 = half n1 in
  let n3 = half n2 in
  let n4 = half n3 in
  let n5 = half n4 in
  let n6 = half n5 in
  let n7 = half n6 in
  { low = {
      b7 = low_bit n7; b6 = low_bit n6; b5 = low_bit n5; b4 = low_bit n4;
      b3 = low_bit n3; b2 = low_bit n2; b1 = low_bit n1; b0 = low_bit n0 };
    rest = half n7 }

type 'a read = { got : 'a; source : source }

let read_byte source = match source.left with
  | End -> { got = List.hd source.ending; source = { left = source.left; ending = List.tl source.ending } }
  | _ -> { got = (split source.left).low; source = { left = decr source.left; ending = source.ending } }

let read_word source =
  let r0 = read_byte source in
  let r1 = read_byte r0.source in
  let r2 = read_byte r1.source in
  let r3 = read_byte r2.source in
  { got = { w3 = r3.got; w2 = r2.got; w1 = r1.got; w0 = r0.got }; source = r3.source }

let rec blocks h source = match source with
  | { left = End; ending = [] } -> h
  | _ ->
    let r0 = read_word source in
    let r1 = read_word r0.source in
    let r2 = read_word r1.source in
    let r3 = read_word r2.source in
    let r4 = read_word r3.source in
    let r5 = read_word r4.source in
    let r6 = read_word r5.source in
    let r7 = read_word r6.source in
    let r8 = read_word r7.source in
    let r9 = read_word r8.source in
    let r10 = read_word r9.source in
    let r11 = read_word r10.source in
    let r12 = read_word r11.source in
    let r13 = read_word r12.source in
    let r14 = read_word r13.source in
    let r15 = read_word r14.source in
    let m = mix steps {
      m0 = r0.got; m1 = r1.got; m2 = r2.got; m3 = r3.got;
      m4 = r4.got; m5 = r5.got; m6 = r6.got; m7 = r7.got;
      m8 = r8.got; m9 = r9.got; ma = r10.got; mb = r11.got;
      mc = r12.got; md = r13.got; me = r14.got; mf = r15.got } h in
    blocks { a = add h.a m.a; b = add h.b m.b; c = add h.c m.c; d = add h.d m.d } r15.source

let byte_00 = byte_of 0
let byte_80 = byte_of 128

let rec bytes count n = match count with
  | End -> []
  | _ ->
    let s = split n in
    s.low :: bytes (decr count) s.rest

let num_56 = from_int 56
let num_63 = from_int 63

let rec zeros position length =
  if eq position num_56 then length
  else byte_00 :: zeros (Bench.low num_63 (incr position)) length

let md5 n =
  let length = bytes (from_int 8) (double (double (double n))) in
  let ending = byte_80 :: zeros (Bench.low num_63 (incr n)) length in
  blocks { a = w "67452301"; b = w "efcdab89"; c = w "98badcfe"; d = w "10325476" }
    { left = n; ending }

let show_byte b =
  let bit x k = match x with O -> 0 | I -> 1 lsl k in
  Printf.sprintf "%02x"
    (bit b.b7 7 + bit b.b6 6 + bit b.b5 5 + bit b.b4 4 + bit b.b3 3 + bit b.b2 2 + bit b.b1 1 + bit b.b0 0)

let show_word w = show_byte w.w0 ^ show_byte w.w1 ^ show_byte w.w2 ^ show_byte w.w3

let () = program 50_000 (fun n ->
  let h = md5 n in
  show_word h.a ^ show_word h.b ^ show_word h.c ^ show_word h.d)
