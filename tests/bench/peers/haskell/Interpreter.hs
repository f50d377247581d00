import Bench

data Index = Here | Out Index

data Term
  = Number Binary
  | Variable Index
  | Function Term
  | Apply Term Term
  | Add Term Term
  | Pred Term
  | IfLess {left :: Term, right :: Term, yes :: Term, no :: Term}

data Value
  = VNumber Binary
  | Closure Term (List Value)

search :: List Value -> Index -> Value
search (value :. _) Here = value
search (_ :. rest) (Out index) = search rest index
search Nil _ = error "a variable is not bound"

number :: Value -> Binary
number (VNumber n) = n
number _ = error "not a number"

eval :: List Value -> Term -> Value
eval environment term = case term of
  Number n -> VNumber n
  Variable index -> search environment index
  Function body -> Closure body environment
  Apply function argument ->
    let f = eval environment function
        x = eval environment argument
     in case f of
          Closure body outer -> eval (x :. f :. outer) body
          _ -> error "not a function"
  Add a b ->
    let x = eval environment a
        y = eval environment b
     in VNumber (add (number x) (number y))
  Pred a -> VNumber (decr (number (eval environment a)))
  IfLess a b yes no ->
    let x = eval environment a
        y = eval environment b
     in if less (number x) (number y) then eval environment yes else eval environment no

fibonacci :: Term
fibonacci =
  Function
    IfLess
      { left = x,
        right = Number (incr one),
        yes = x,
        no = Add (Apply self (Pred x)) (Apply self (Pred (Pred x)))
      }
  where
    x = Variable Here
    self = Variable (Out Here)

main :: IO ()
main = program 29 (\n -> display (number (eval Nil (Apply fibonacci (Number n)))))
