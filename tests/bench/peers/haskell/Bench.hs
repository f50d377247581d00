-- What the programs share: numbers, lists and the command line.
-- The same as tests/bench/programs/Bench.
--
-- All modules are compiled with -XStrict: fields, arguments and bindings are strict, as in Fble. Lists
-- are of a type of their own, since those of the Prelude are lazy.
module Bench where

import Control.Monad (replicateM_)
import Data.IORef
import System.Environment (getArgs)
import System.IO

data Binary = End | D0 Binary | D1 Binary

zero, one :: Binary
zero = End
one = D1 End

double :: Binary -> Binary
double End = End
double a = D0 a

incr :: Binary -> Binary
incr End = one
incr (D0 n) = D1 n
incr (D1 n) = D0 (incr n)

decr :: Binary -> Binary
decr End = End
decr (D0 n) = D1 (decr n)
decr (D1 n) = double n

add :: Binary -> Binary -> Binary
add End b = b
add a End = a
add (D0 m) (D0 n) = D0 (add m n)
add (D0 m) (D1 n) = D1 (add m n)
add (D1 m) (D0 n) = D1 (add m n)
add (D1 m) (D1 n) = D0 (addCarry m n)

addCarry :: Binary -> Binary -> Binary
addCarry End b = incr b
addCarry (D0 m) End = D1 m
addCarry (D1 m) End = D0 (incr m)
addCarry (D0 m) (D0 n) = D1 (add m n)
addCarry (D0 m) (D1 n) = D0 (addCarry m n)
addCarry (D1 m) (D0 n) = D0 (addCarry m n)
addCarry (D1 m) (D1 n) = D1 (addCarry m n)

eq :: Binary -> Binary -> Bool
eq End End = True
eq (D0 m) (D0 n) = eq m n
eq (D1 m) (D1 n) = eq m n
eq _ _ = False

lessOr :: Binary -> Binary -> Bool -> Bool
lessOr End End otherwise' = otherwise'
lessOr End _ _ = True
lessOr _ End _ = False
lessOr (D0 m) (D0 n) otherwise' = lessOr m n otherwise'
lessOr (D0 m) (D1 n) _ = lessOr m n True
lessOr (D1 m) (D0 n) _ = lessOr m n False
lessOr (D1 m) (D1 n) otherwise' = lessOr m n otherwise'

less :: Binary -> Binary -> Bool
less a b = lessOr a b False

half :: Binary -> Binary
half End = End
half (D0 n) = n
half (D1 n) = n

-- The low digits of `a`, as many as the mask has.
low :: Binary -> Binary -> Binary
low End _ = End
low _ End = End
low mask (D0 n) = double (low (half mask) n)
low mask (D1 n) = D1 (low (half mask) n)

random :: Binary -> Binary -> Binary
random mask x = low mask (add (add x (double (double x))) seven)

seven :: Binary
seven = fromInt 7

fromInt :: Int -> Binary
fromInt 0 = End
fromInt n = if even n then D0 (fromInt (n `quot` 2)) else D1 (fromInt (n `quot` 2))

toInt :: Binary -> Int
toInt End = 0
toInt (D0 n) = 2 * toInt n
toInt (D1 n) = 2 * toInt n + 1

display :: Binary -> String
display = show . toInt

infixr 5 :.
data List a = Nil | a :. List a

reverseOnto :: List a -> List a -> List a
reverseOnto Nil b = b
reverseOnto (first :. rest) b = reverseOnto rest (first :. b)

reversed :: List a -> List a
reversed a = reverseOnto a Nil

append :: List a -> List a -> List a
append Nil b = b
append (first :. rest) b = first :. append rest b

lengthPlus :: List a -> Binary -> Binary
lengthPlus Nil n = n
lengthPlus (_ :. rest) n = lengthPlus rest (incr n)

size :: List a -> Binary
size a = lengthPlus a zero

-- Prints what `work` gives for the size, as often as asked. The size is read from a variable each time:
-- else the compiler would compute the result once for all repetitions.
program :: Int -> (Binary -> String) -> IO ()
program usual work = do
  arguments <- getArgs
  let argument index other = case drop index arguments of
        [] -> other
        text : _ -> read text
  variable <- newIORef (argument 0 usual)
  hSetBuffering stdout LineBuffering
  replicateM_ (argument 1 1) $ do
    n <- readIORef variable
    putStrLn (work (fromInt n))
