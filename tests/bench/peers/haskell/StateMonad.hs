-- A compiler that eliminates common expressions would make one subtree and use it twice.
{-# OPTIONS_GHC -fno-cse #-}
{-# LANGUAGE RankNTypes #-}

import Bench

data Tree a = Leaf a | Node (Tree a) (Tree a)

data Result a = Result {state :: Binary, result :: a}
type Counter a = Binary -> Result a

data Monadic = Monadic
  { unit :: forall a. a -> Counter a,
    bind :: forall a b. Counter a -> (a -> Counter b) -> Counter b
  }
data State = State {get :: Counter Binary, put :: Binary -> Counter ()}

monad :: Monadic
monad =
  Monadic
    { unit = \a s -> Result s a,
      bind = \action next s ->
        let first = action s
         in next (result first) (state first)
    }

counter :: State
counter = State {get = \s -> Result s s, put = \s _ -> Result s ()}

fresh :: Monadic -> State -> Counter Binary
fresh m s =
  bind m (get s) $ \n ->
    let next = incr n
     in bind m (put s next) (\_ -> unit m n)

label :: Monadic -> State -> Tree () -> Counter (Tree Binary)
label m s (Leaf _) = bind m (fresh m s) (\n -> unit m (Leaf n))
label m s (Node left right) =
  bind m (label m s left) $ \labelledLeft ->
    bind m (label m s right) $ \labelledRight ->
      unit m (Node labelledLeft labelledRight)

make :: Binary -> Tree ()
make End = Leaf ()
make depth =
  let below = decr depth
      left = make below
      right = make below
   in Node left right

sumOfLeft :: Binary -> Tree Binary -> Binary
sumOfLeft total (Leaf _) = total
sumOfLeft total (Node left right) =
  let next = case left of
        Leaf n -> add total n
        _ -> sumOfLeft total left
   in sumOfLeft next right

main :: IO ()
main = program 18 (\n -> display (sumOfLeft zero (result (label monad counter (make n) zero))))
