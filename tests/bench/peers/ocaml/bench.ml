(* What the programs share: numbers, lists' helpers and the command line.
   The same as tests/bench/programs/Bench. *)

type num = End | D0 of num | D1 of num

let zero = End
let one = D1 End

let double a = match a with End -> a | _ -> D0 a

let rec incr a = match a with
  | End -> one
  | D0 n -> D1 n
  | D1 n -> D0 (incr n)

let rec decr a = match a with
  | End -> a
  | D0 n -> D1 (decr n)
  | D1 n -> double n

let rec add a b = match a, b with
  | End, _ -> b
  | _, End -> a
  | D0 m, D0 n -> D0 (add m n)
  | D0 m, D1 n -> D1 (add m n)
  | D1 m, D0 n -> D1 (add m n)
  | D1 m, D1 n -> D0 (add_carry m n)

and add_carry a b = match a, b with
  | End, _ -> incr b
  | D0 m, End -> D1 m
  | D1 m, End -> D0 (incr m)
  | D0 m, D0 n -> D1 (add m n)
  | D0 m, D1 n -> D0 (add_carry m n)
  | D1 m, D0 n -> D0 (add_carry m n)
  | D1 m, D1 n -> D1 (add_carry m n)

let rec eq a b = match a, b with
  | End, End -> true
  | D0 m, D0 n -> eq m n
  | D1 m, D1 n -> eq m n
  | _ -> false

let rec less_or a b otherwise = match a, b with
  | End, End -> otherwise
  | End, _ -> true
  | _, End -> false
  | D0 m, D0 n -> less_or m n otherwise
  | D0 m, D1 n -> less_or m n true
  | D1 m, D0 n -> less_or m n false
  | D1 m, D1 n -> less_or m n otherwise

let less a b = less_or a b false

let rec low digits a = match digits with
  | End -> End
  | D0 rest | D1 rest ->
    match a with
    | End -> a
    | D0 n -> double (low rest n)
    | D1 n -> D1 (low rest n)

let seven = incr (double (incr (double one)))
let random mask x = low mask (add (add x (double (double x))) seven)

let rec from_int n =
  if n = 0 then End
  else if n land 1 = 0 then D0 (from_int (n lsr 1))
  else D1 (from_int (n lsr 1))

let rec to_int a = match a with
  | End -> 0
  | D0 n -> 2 * to_int n
  | D1 n -> 2 * to_int n + 1

let show a = string_of_int (to_int a)

(* Lists are the built-in ones, which are an algebraic type. *)
let rec reverse_onto a b = match a with
  | [] -> b
  | head :: tail -> reverse_onto tail (head :: b)

let reverse a = reverse_onto a []

let rec append a b = match a with
  | [] -> b
  | head :: tail -> head :: append tail b

let rec length_plus a n = match a with
  | [] -> n
  | _ :: tail -> length_plus tail (incr n)

let length a = length_plus a zero

let argument index default =
  if Array.length Sys.argv > index then int_of_string Sys.argv.(index) else default

(* Prints what [work] gives for the size, as often as asked. *)
let program default work =
  let size = from_int (argument 1 default) in
  for _ = 1 to argument 2 1 do
    print_endline (work size)
  done
