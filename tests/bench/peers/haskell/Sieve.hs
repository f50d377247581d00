import Bench

newtype Stream = Stream (() -> Cell)
data Cell = Cell Binary Stream

force :: Stream -> Cell
force (Stream stream) = stream ()

from :: Binary -> Stream
from n = Stream $ \_ ->
  let next = incr n
   in Cell n (from next)

without :: Binary -> Binary -> Stream -> Stream
without prime multiple stream = Stream (\_ -> skip prime multiple (force stream))

skip :: Binary -> Binary -> Cell -> Cell
skip prime multiple cell@(Cell first rest) =
  if less first multiple
    then Cell first (without prime multiple rest)
    else
      let next = add multiple prime
       in if eq first multiple then skip prime next (force rest) else skip prime next cell

total :: Binary -> Stream -> Binary -> Binary
total End _ sum' = sum'
total count stream sum' =
  let Cell prime rest = force stream
      multiple = add prime prime
   in total (decr count) (without prime multiple rest) (add sum' prime)

main :: IO ()
main = program 1500 (\n -> display (total n (from (incr one)) zero))
