import Bench

data Tally = Tally {longest :: Binary, total :: Binary}

turn :: Binary -> List Binary -> List Binary -> List Binary
turn End taken list = append taken list
turn count taken (first :. rest) = turn (decr count) (first :. taken) rest
turn _ _ Nil = error "the list is too short"

turns :: Binary -> List Binary -> Binary
turns _ Nil = error "the list is empty"
turns n list@(first :. _) = if eq first one then n else turns (incr n) (turn first Nil list)

note :: Tally -> List Binary -> Tally
note tally list =
  let n = turns zero list
   in Tally {longest = if less (longest tally) n then n else longest tally, total = add (total tally) n}

orders :: Tally -> List Binary -> List Binary -> Tally
orders tally chosen Nil = note tally chosen
orders tally chosen rest = choose tally chosen Nil rest

choose :: Tally -> List Binary -> List Binary -> List Binary -> Tally
choose tally _ _ Nil = tally
choose tally chosen before (item :. others) =
  let next = orders tally (item :. chosen) (reverseOnto before others)
   in choose next chosen (item :. before) others

countTo :: Binary -> List Binary -> List Binary
countTo End list = list
countTo n list = countTo (decr n) (n :. list)

main :: IO ()
main = program 9 $ \n ->
  let tally = orders (Tally zero zero) Nil (countTo n Nil)
   in display (longest tally) ++ " " ++ display (total tally)
