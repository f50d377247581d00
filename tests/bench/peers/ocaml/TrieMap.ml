open Bench

type 'a map = Empty | Node of { value : 'a option; even : 'a map; odd : 'a map }

let rec get map key = match map with
  | Empty -> None
  | Node { value; even; odd } ->
    match key with
    | End -> value
    | D0 rest -> get even rest
    | D1 rest -> get odd rest

let rec update map key change =
  let value, even, odd = match map with
    | Empty -> None, Empty, Empty
    | Node { value; even; odd } -> value, even, odd in
  match key with
  | End -> Node { value = Some (change value); even; odd }
  | D0 rest -> Node { value; even = update even rest change; odd }
  | D1 rest -> Node { value; even; odd = update odd rest change }

let rec size map n = match map with
  | Empty -> n
  | Node { value; even; odd } ->
    let own = match value with Some _ -> incr n | None -> n in
    size odd (size even own)

let mask = from_int 65535

let half n = match n with End -> n | D0 rest | D1 rest -> rest

let rec fill count seed map = match count with
  | End -> map
  | _ ->
    let next = random mask seed in
    let key = match next with
      | End -> next
      | D0 rest -> rest
      | D1 End -> next
      | D1 rest -> half rest in
    fill (decr count) next
      (update map key (fun old -> match old with Some n -> incr n | None -> one))

type found = { hits : num; sum : num }

let rec search count seed map found = match count with
  | End -> found
  | _ ->
    let next = random mask seed in
    search (decr count) next map
      (match get map next with
       | Some value -> { hits = incr found.hits; sum = add found.sum value }
       | None -> found)

let () = program 100_000 (fun n ->
  let map = fill n one Empty in
  let found = search n (from_int 4711) map { hits = zero; sum = zero } in
  show (size map zero) ^ " " ^ show found.hits ^ " " ^ show found.sum)
