import Bench

safe :: List Binary -> Binary -> Binary -> Binary -> Bool
safe Nil _ _ _ = True
safe (queen :. rest) column up down =
  not (eq queen column) && not (eq queen up) && not (eq queen down)
    && safe rest column (incr up) (decr down)

queens :: Binary -> Binary
queens n = row n Nil zero
  where
    row :: Binary -> List Binary -> Binary -> Binary
    row End _ count = incr count
    row rows placed count = column n (decr rows) placed count

    column :: Binary -> Binary -> List Binary -> Binary -> Binary
    column End _ _ count = count
    column col rows placed count =
      let next = decr col
       in if safe placed col (incr col) next
            then column next rows placed (row rows (col :. placed) count)
            else column next rows placed count

main :: IO ()
main = program 11 (\n -> display (queens n))
