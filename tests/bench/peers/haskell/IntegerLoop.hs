import Bench

sumTo :: Int -> Int -> Int -> Int
sumTo n i total = if n < i then total else sumTo n (i + 1) (total + i)

main :: IO ()
main = program 20000000 (\n -> show (sumTo (toInt n) 1 0))
