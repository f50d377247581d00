(* What Lists.fble does, for comparison. lists KIND LENGTH ROUNDS *)

type ints = Cons of int * ints | Nil

let rec deep n =
  if n = 0 then Nil
  else
    let tail = deep (n - 1) in
    Cons (n, tail)

let rec loop n list = if n = 0 then list else loop (n - 1) (Cons (n, list))

let () =
  let build = if Sys.argv.(1) = "deep" then deep else fun n -> loop n Nil in
  let length = int_of_string Sys.argv.(2) in
  let sum = ref 0 in
  for _ = 1 to int_of_string Sys.argv.(3) do
    match build length with Cons (head, _) -> sum := !sum + head | Nil -> ()
  done;
  print_int !sum
