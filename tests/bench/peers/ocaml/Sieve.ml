open Bench

type stream = unit -> cell
and cell = { head : num; tail : stream }

let rec from n : stream = fun () -> { head = n; tail = from (incr n) }

let rec without prime multiple stream : stream = fun () -> skip prime multiple (stream ())

and skip prime multiple cell =
  if less cell.head multiple
  then { head = cell.head; tail = without prime multiple cell.tail }
  else
    let next = add multiple prime in
    if eq cell.head multiple
    then skip prime next (cell.tail ())
    else skip prime next cell

let rec sum count (stream : stream) total = match count with
  | End -> total
  | _ ->
    let cell = stream () in
    let prime = cell.head in
    sum (decr count) (without prime (add prime prime) cell.tail) (add total prime)

let () = program 1500 (fun n -> show (sum n (from (incr one)) zero))
