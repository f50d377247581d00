open Bench

type tally = { longest : num; total : num }

let rec flip count taken list = match count with
  | End -> append taken list
  | _ -> flip (decr count) (List.hd list :: taken) (List.tl list)

let rec flips n list =
  let first = List.hd list in
  if eq first one then n else flips (incr n) (flip first [] list)

let note tally list =
  let n = flips zero list in
  { longest = if less tally.longest n then n else tally.longest; total = add tally.total n }

let rec orders tally chosen rest = match rest with
  | [] -> note tally chosen
  | _ -> choose tally chosen [] rest

and choose tally chosen before after = match after with
  | [] -> tally
  | item :: others ->
    let next = orders tally (item :: chosen) (reverse_onto before others) in
    choose next chosen (item :: before) others

let rec count_to n list = match n with
  | End -> list
  | _ -> count_to (decr n) (n :: list)

let () = program 9 (fun n ->
  let tally = orders { longest = zero; total = zero } [] (count_to n []) in
  show tally.longest ^ " " ^ show tally.total)
