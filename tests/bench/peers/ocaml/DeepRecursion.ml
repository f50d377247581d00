open Bench

let rec count_down n = match n with
  | End -> []
  | _ -> n :: count_down (decr n)

let rec map list change = match list with
  | [] -> []
  | head :: tail ->
    let first = change head in
    first :: map tail change

let rec sum list = match list with
  | [] -> zero
  | head :: tail -> add head (sum tail)

let () = program 500_000 (fun n -> show (sum (map (count_down n) incr)))
