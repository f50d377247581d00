open Bench

type letter =
  | A | B | C | D | E | F | G | H | I | J | K | L | M | N | O | P | Q | R | S | T | U | V | W | X
  | Y | Z | Space | Newline

type digit = D0 | D1 | D2 | D3 | D4 | D5 | D6 | D7 | D8 | D9

let rec next n = match n with
  | [] -> [D1]
  | D0 :: rest -> D1 :: rest
  | D1 :: rest -> D2 :: rest
  | D2 :: rest -> D3 :: rest
  | D3 :: rest -> D4 :: rest
  | D4 :: rest -> D5 :: rest
  | D5 :: rest -> D6 :: rest
  | D6 :: rest -> D7 :: rest
  | D7 :: rest -> D8 :: rest
  | D8 :: rest -> D9 :: rest
  | D9 :: rest -> D0 :: next rest

let word word rest = append word (Space :: rest)

let ones digit rest = match digit with
  | D0 -> rest
  | D1 -> word [O; N; E] rest
  | D2 -> word [T; W; O] rest
  | D3 -> word [T; H; R; E; E] rest
  | D4 -> word [F; O; U; R] rest
  | D5 -> word [F; I; V; E] rest
  | D6 -> word [S; I; X] rest
  | D7 -> word [S; E; V; E; N] rest
  | D8 -> word [E; I; G; H; T] rest
  | D9 -> word [N; I; N; E] rest

let teens digit rest = match digit with
  | D0 -> word [T; E; N] rest
  | D1 -> word [E; L; E; V; E; N] rest
  | D2 -> word [T; W; E; L; V; E] rest
  | D3 -> word [T; H; I; R; T; E; E; N] rest
  | D4 -> word [F; O; U; R; T; E; E; N] rest
  | D5 -> word [F; I; F; T; E; E; N] rest
  | D6 -> word [S; I; X; T; E; E; N] rest
  | D7 -> word [S; E; V; E; N; T; E; E; N] rest
  | D8 -> word [E; I; G; H; T; E; E; N] rest
  | D9 -> word [N; I; N; E; T; E; E; N] rest

let tens digit unit rest = match digit with
  | D0 -> ones unit rest
  | D1 -> teens unit rest
  | D2 -> word [T; W; E; N; T; Y] (ones unit rest)
  | D3 -> word [T; H; I; R; T; Y] (ones unit rest)
  | D4 -> word [F; O; R; T; Y] (ones unit rest)
  | D5 -> word [F; I; F; T; Y] (ones unit rest)
  | D6 -> word [S; I; X; T; Y] (ones unit rest)
  | D7 -> word [S; E; V; E; N; T; Y] (ones unit rest)
  | D8 -> word [E; I; G; H; T; Y] (ones unit rest)
  | D9 -> word [N; I; N; E; T; Y] (ones unit rest)

let first n = match n with [] -> D0 | digit :: _ -> digit
let rest n = match n with [] -> n | _ :: rest -> rest

let group n text =
  let low = tens (first (rest n)) (first n) text in
  match first (rest (rest n)) with
  | D0 -> low
  | hundreds -> ones hundreds (word [H; U; N; D; R; E; D] low)

let spell n text = match rest (rest (rest n)) with
  | [] -> group n text
  | thousands -> group thousands (word [T; H; O; U; S; A; N; D] (group n text))

let rec numbers count n reversed = match count with
  | End -> reversed
  | _ -> numbers (decr count) (next n) (reverse_onto (spell n []) reversed)

let width = from_int 60

let rec wrap text word line lines = match text with
  | [] -> lines
  | Space :: text ->
    let long = add line (incr (length word)) in
    if less width long
    then wrap text [] (length word) (append word (Newline :: lines))
    else wrap text [] long (append word (Space :: lines))
  | letter :: text -> wrap text (letter :: word) line lines

let rec count text which n = match text with
  | [] -> n
  | letter :: text -> count text which (if which letter then incr n else n)

let () = program 20_000 (fun n ->
  let reversed = numbers n [D1] [] in
  let text = reverse (wrap (reverse reversed) [] zero []) in
  let lines = count text (fun letter -> match letter with Newline -> true | _ -> false) zero in
  let es = count text (fun letter -> match letter with E -> true | _ -> false) zero in
  show lines ^ " " ^ show (length text) ^ " " ^ show es)
