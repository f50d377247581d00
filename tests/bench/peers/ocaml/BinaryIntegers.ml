open Bench

let rec sum n total = match n with
  | End -> total
  | _ -> sum (decr n) (add total n)

let () = program 1_000_000 (fun n -> show (sum n zero))
