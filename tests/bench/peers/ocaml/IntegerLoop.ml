open Bench

let rec sum n i total = if n < i then total else sum n (i + 1) (total + i)

let () = program 20_000_000 (fun n -> string_of_int (sum (to_int n) 1 0))
