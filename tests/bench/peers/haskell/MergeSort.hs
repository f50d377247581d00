import Bench

mask :: Binary
mask = fromInt 131071

numbers :: Binary -> Binary -> List Binary -> List Binary
numbers End _ list = list
numbers count seed list =
  let next = random mask seed
   in numbers (decr count) next (next :. list)

merge :: List Binary -> List Binary -> List Binary -> List Binary
merge Nil b merged = reverseOnto merged b
merge a Nil merged = reverseOnto merged a
merge a@(x :. as) b@(y :. bs) merged =
  if less y x then merge a bs (y :. merged) else merge as b (x :. merged)

deal :: List Binary -> List Binary -> List Binary -> List Binary
deal Nil a b = merge (sort a) (sort b) Nil
deal (first :. rest) a b = deal rest b (first :. a)

sort :: List Binary -> List Binary
sort Nil = Nil
sort list@(_ :. Nil) = list
sort list = deal list Nil Nil

sumOfEverySecond :: List Binary -> Binary -> Binary
sumOfEverySecond Nil total = total
sumOfEverySecond (x :. Nil) total = add total x
sumOfEverySecond (x :. _ :. rest) total = sumOfEverySecond rest (add total x)

main :: IO ()
main = program 50000 (\n -> display (sumOfEverySecond (sort (numbers n one Nil)) zero))
