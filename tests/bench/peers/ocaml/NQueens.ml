open Bench

let rec safe queens column up down = match queens with
  | [] -> true
  | queen :: rest ->
    not (eq queen column) && not (eq queen up) && not (eq queen down)
    && safe rest column (incr up) (decr down)

let queens n =
  let rec row rows queens count = match rows with
    | End -> incr count
    | _ -> column n (decr rows) queens count
  and column col rows queens count = match col with
    | End -> count
    | _ ->
      let next = decr col in
      if safe queens col (incr col) next
      then column next rows queens (row rows (col :: queens) count)
      else column next rows queens count
  in
  row n [] zero

let () = program 11 (fun n -> show (queens n))
