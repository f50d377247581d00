import Bench

countDown :: Binary -> List Binary
countDown End = Nil
countDown n = n :. countDown (decr n)

mapped :: List Binary -> (Binary -> Binary) -> List Binary
mapped Nil _ = Nil
mapped (first :. rest) change = change first :. mapped rest change

total :: List Binary -> Binary
total Nil = zero
total (first :. rest) = add first (total rest)

main :: IO ()
main = program 500000 (\n -> display (total (mapped (countDown n) incr)))
