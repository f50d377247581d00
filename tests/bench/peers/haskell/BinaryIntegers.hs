import Bench

sumTo :: Binary -> Binary -> Binary
sumTo End total = total
sumTo n total = sumTo (decr n) (add total n)

main :: IO ()
main = program 1000000 (\n -> display (sumTo n zero))
