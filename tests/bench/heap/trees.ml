(* The same as Trees.fble. *)
type tree = Leaf of int | Node of tree * tree

let rec make depth leaf =
  if depth = 0 then leaf
  else
    let left = make (depth - 1) leaf in
    let right = make (depth - 1) leaf in
    Node (left, right)

let rec count n tree = match tree with
  | Leaf _ -> n + 1
  | Node (left, right) -> count (count n left) right

let rec trees depth left n leaf =
  if left = 0 then n else trees depth (left - 1) (count n (make depth leaf)) leaf

let rec depths depth n leaf =
  let next = trees depth (1 lsl (20 - depth)) n leaf in
  if depth = 20 then next else depths (depth + 1) next leaf

let () = Printf.printf "%d\n" (depths 14 0 (Leaf (1 lsl 40)))
