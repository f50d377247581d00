open Bench

type tree = Leaf | Node of { left : tree; right : tree }

let rec make depth = match depth with
  | End -> Leaf
  | _ ->
    let below = decr depth in
    let left = make below in
    let right = make below in
    Node { left; right }

let rec count n tree = match tree with
  | Leaf -> incr n
  | Node { left; right } -> count (count n left) right

let rec short depth trees n = match trees with
  | End -> n
  | _ -> short depth (decr trees) (count n (make depth))

let rec depths depth trees n =
  let next = short depth trees n in
  match depth with
  | End -> next
  | _ -> depths (decr depth) (double trees) next

let () = program 18 (fun n ->
  let long_lived = make n in
  show (count (depths n one zero) long_lived))
