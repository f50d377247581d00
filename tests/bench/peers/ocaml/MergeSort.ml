open Bench

let mask = from_int 131071

let rec numbers count seed list = match count with
  | End -> list
  | _ ->
    let next = random mask seed in
    numbers (decr count) next (next :: list)

let rec merge a b merged = match a, b with
  | [], _ -> reverse_onto merged b
  | _, [] -> reverse_onto merged a
  | x :: a_rest, y :: b_rest ->
    if less y x then merge a b_rest (y :: merged) else merge a_rest b (x :: merged)

let rec deal list a b = match list with
  | [] -> merge (sort a) (sort b) []
  | head :: tail -> deal tail b (head :: a)

and sort list = match list with
  | [] | [_] -> list
  | _ -> deal list [] []

let rec sum_of_every_second list sum = match list with
  | [] -> sum
  | [x] -> add sum x
  | x :: _ :: rest -> sum_of_every_second rest (add sum x)

let () = program 50_000 (fun n ->
  show (sum_of_every_second (sort (numbers n one [])) zero))
