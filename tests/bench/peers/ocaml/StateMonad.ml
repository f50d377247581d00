open Bench

type 'a tree = Leaf of 'a | Node of { left : 'a tree; right : 'a tree }

type 'a result = { state : num; result : 'a }
type 'a counter = num -> 'a result

type monad = {
  return : 'a. 'a -> 'a counter;
  bind : 'a 'b. 'a counter -> ('a -> 'b counter) -> 'b counter;
}
type state = { get : num counter; put : num -> unit counter }

let m = {
  return = (fun a s -> { state = s; result = a });
  bind = (fun action next ->
    fun s ->
      let first = action s in
      next first.result first.state);
}
let s = {
  get = (fun s -> { state = s; result = s });
  put = (fun s _ -> { state = s; result = () });
}

let fresh m s =
  m.bind s.get (fun n ->
    m.bind (s.put (incr n)) (fun () ->
      m.return n))

let rec label m s tree = match tree with
  | Leaf () -> m.bind (fresh m s) (fun n -> m.return (Leaf n))
  | Node { left; right } ->
    m.bind (label m s left) (fun left ->
      m.bind (label m s right) (fun right ->
        m.return (Node { left; right })))

let rec make depth = match depth with
  | End -> Leaf ()
  | _ ->
    let below = decr depth in
    let left = make below in
    let right = make below in
    Node { left; right }

let rec sum_of_left sum tree = match tree with
  | Leaf _ -> sum
  | Node { left; right } ->
    let next = match left with
      | Leaf n -> add sum n
      | _ -> sum_of_left sum left in
    sum_of_left next right

let () = program 18 (fun n -> show (sum_of_left zero (label m s (make n) zero).result))
