-- A compiler that eliminates common expressions would make one subtree and use it twice.
{-# OPTIONS_GHC -fno-cse #-}

import Bench

data Tree = Leaf | Node Tree Tree

make :: Binary -> Tree
make End = Leaf
make depth =
  let below = decr depth
      left = make below
      right = make below
   in Node left right

count :: Binary -> Tree -> Binary
count n Leaf = incr n
count n (Node left right) = count (count n left) right

short :: Binary -> Binary -> Binary -> Binary
short _ End n = n
short depth trees n = short depth (decr trees) (count n (make depth))

depths :: Binary -> Binary -> Binary -> Binary
depths depth trees n =
  let next = short depth trees n
   in case depth of
        End -> next
        _ -> depths (decr depth) (double trees) next

main :: IO ()
main = program 18 $ \n ->
  let longLived = make n
   in display (count (depths n one zero) longLived)
