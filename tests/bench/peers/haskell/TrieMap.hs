import Bench

data Option a = None | Some a

data Map a = Empty | Node (Option a) (Map a) (Map a)

get :: Map a -> Binary -> Option a
get Empty _ = None
get (Node value _ _) End = value
get (Node _ evens _) (D0 rest) = get evens rest
get (Node _ _ odds) (D1 rest) = get odds rest

update :: Map a -> Binary -> (Option a -> a) -> Map a
update map' key change =
  let (value, evens, odds) = case map' of
        Empty -> (None, Empty, Empty)
        Node v e o -> (v, e, o)
   in case key of
        End -> let new = change value in Node (Some new) evens odds
        D0 rest -> Node value (update evens rest change) odds
        D1 rest -> Node value evens (update odds rest change)

entries :: Map a -> Binary -> Binary
entries Empty n = n
entries (Node value evens odds) n =
  let own = case value of
        Some _ -> incr n
        None -> n
   in entries odds (entries evens own)

mask :: Binary
mask = fromInt 65535

fill :: Binary -> Binary -> Map Binary -> Map Binary
fill End _ map' = map'
fill count seed map' =
  let next = random mask seed
      key = case next of
        End -> next
        D0 rest -> rest
        D1 End -> next
        D1 rest -> half rest
   in fill (decr count) next (update map' key step)
  where
    step (Some n) = incr n
    step None = one

data Found = Found {hits :: Binary, total :: Binary}

search :: Binary -> Binary -> Map Binary -> Found -> Found
search End _ _ found = found
search count seed map' found =
  let next = random mask seed
      updated = case get map' next of
        Some value -> Found {hits = incr (hits found), total = add (total found) value}
        None -> found
   in search (decr count) next map' updated

main :: IO ()
main = program 100000 $ \n ->
  let filled = fill n one Empty
      found = search n (fromInt 4711) filled (Found zero zero)
   in display (entries filled zero) ++ " " ++ display (hits found) ++ " " ++ display (total found)
