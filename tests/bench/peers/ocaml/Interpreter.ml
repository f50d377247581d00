open Bench

type index = Here | Out of index

type term =
  | Number of num
  | Variable of index
  | Function of term
  | Apply of { func : term; argument : term }
  | Add of { left : term; right : term }
  | Pred of term
  | IfLess of { left : term; right : term; yes : term; no : term }

type value =
  | VNumber of num
  | Closure of { body : term; environment : value list }

let rec lookup environment index = match index with
  | Here -> List.hd environment
  | Out rest -> lookup (List.tl environment) rest

let number value = match value with VNumber n -> n | _ -> failwith "not a number"

let rec eval environment term = match term with
  | Number n -> VNumber n
  | Variable index -> lookup environment index
  | Function body -> Closure { body; environment }
  | Apply { func; argument } ->
    let func = eval environment func in
    let argument = eval environment argument in
    (match func with
     | Closure { body; environment } -> eval (argument :: func :: environment) body
     | _ -> failwith "not a function")
  | Add { left; right } ->
    let left = eval environment left in
    let right = eval environment right in
    VNumber (add (number left) (number right))
  | Pred term -> VNumber (decr (number (eval environment term)))
  | IfLess { left; right; yes; no } ->
    let left = eval environment left in
    let right = eval environment right in
    if less (number left) (number right) then eval environment yes else eval environment no

let x = Variable Here
let self = Variable (Out Here)

let fibonacci = Function (IfLess {
  left = x; right = Number (incr one);
  yes = x;
  no = Add {
    left = Apply { func = self; argument = Pred x };
    right = Apply { func = self; argument = Pred (Pred x) } } })

let () = program 29 (fun n ->
  show (number (eval [] (Apply { func = fibonacci; argument = Number n }))))
