import Bench hiding (D0, D1)

data Letter
  = A | B | C | D | E | F | G | H | I | J | K | L | M | N | O | P | Q | R | S | T | U | V | W | X
  | Y | Z | Space | Newline

data Digit = D0 | D1 | D2 | D3 | D4 | D5 | D6 | D7 | D8 | D9

-- Numbers in decimal, the last digit first.
type Decimal = List Digit
type Text = List Letter

next :: Decimal -> Decimal
next n = case n of
  Nil -> D1 :. Nil
  D0 :. rest -> D1 :. rest
  D1 :. rest -> D2 :. rest
  D2 :. rest -> D3 :. rest
  D3 :. rest -> D4 :. rest
  D4 :. rest -> D5 :. rest
  D5 :. rest -> D6 :. rest
  D6 :. rest -> D7 :. rest
  D7 :. rest -> D8 :. rest
  D8 :. rest -> D9 :. rest
  D9 :. rest -> D0 :. next rest

word :: Text -> Text -> Text
word letters rest = append letters (Space :. rest)

ones :: Digit -> Text -> Text
ones digit rest = case digit of
  D0 -> rest
  D1 -> word (O :. N :. E :. Nil) rest
  D2 -> word (T :. W :. O :. Nil) rest
  D3 -> word (T :. H :. R :. E :. E :. Nil) rest
  D4 -> word (F :. O :. U :. R :. Nil) rest
  D5 -> word (F :. I :. V :. E :. Nil) rest
  D6 -> word (S :. I :. X :. Nil) rest
  D7 -> word (S :. E :. V :. E :. N :. Nil) rest
  D8 -> word (E :. I :. G :. H :. T :. Nil) rest
  D9 -> word (N :. I :. N :. E :. Nil) rest

teens :: Digit -> Text -> Text
teens digit rest = case digit of
  D0 -> word (T :. E :. N :. Nil) rest
  D1 -> word (E :. L :. E :. V :. E :. N :. Nil) rest
  D2 -> word (T :. W :. E :. L :. V :. E :. Nil) rest
  D3 -> word (T :. H :. I :. R :. T :. E :. E :. N :. Nil) rest
  D4 -> word (F :. O :. U :. R :. T :. E :. E :. N :. Nil) rest
  D5 -> word (F :. I :. F :. T :. E :. E :. N :. Nil) rest
  D6 -> word (S :. I :. X :. T :. E :. E :. N :. Nil) rest
  D7 -> word (S :. E :. V :. E :. N :. T :. E :. E :. N :. Nil) rest
  D8 -> word (E :. I :. G :. H :. T :. E :. E :. N :. Nil) rest
  D9 -> word (N :. I :. N :. E :. T :. E :. E :. N :. Nil) rest

tens :: Digit -> Digit -> Text -> Text
tens digit unit rest = case digit of
  D0 -> ones unit rest
  D1 -> teens unit rest
  D2 -> word (T :. W :. E :. N :. T :. Y :. Nil) (ones unit rest)
  D3 -> word (T :. H :. I :. R :. T :. Y :. Nil) (ones unit rest)
  D4 -> word (F :. O :. R :. T :. Y :. Nil) (ones unit rest)
  D5 -> word (F :. I :. F :. T :. Y :. Nil) (ones unit rest)
  D6 -> word (S :. I :. X :. T :. Y :. Nil) (ones unit rest)
  D7 -> word (S :. E :. V :. E :. N :. T :. Y :. Nil) (ones unit rest)
  D8 -> word (E :. I :. G :. H :. T :. Y :. Nil) (ones unit rest)
  D9 -> word (N :. I :. N :. E :. T :. Y :. Nil) (ones unit rest)

first :: Decimal -> Digit
first Nil = D0
first (digit :. _) = digit

others :: Decimal -> Decimal
others Nil = Nil
others (_ :. rest) = rest

group :: Decimal -> Text -> Text
group n text =
  let below = tens (first (others n)) (first n) text
   in case first (others (others n)) of
        D0 -> below
        hundreds -> ones hundreds (word (H :. U :. N :. D :. R :. E :. D :. Nil) below)

spell :: Decimal -> Text -> Text
spell n text = case others (others (others n)) of
  Nil -> group n text
  thousands -> group thousands (word (T :. H :. O :. U :. S :. A :. N :. D :. Nil) (group n text))

numbers :: Binary -> Decimal -> Text -> Text
numbers End _ text = text
numbers count n text = numbers (decr count) (next n) (reverseOnto (spell n Nil) text)

width :: Binary
width = fromInt 60

wrap :: Text -> Text -> Binary -> Text -> Text
wrap Nil _ _ wrapped = wrapped
wrap (Space :. text) letters line wrapped =
  let long = add line (incr (size letters))
   in if less width long
        then wrap text Nil (size letters) (append letters (Newline :. wrapped))
        else wrap text Nil long (append letters (Space :. wrapped))
wrap (letter :. text) letters line wrapped = wrap text (letter :. letters) line wrapped

count :: Text -> (Letter -> Bool) -> Binary -> Binary
count Nil _ n = n
count (letter :. text) which n = count text which (if which letter then incr n else n)

isNewline, isE :: Letter -> Bool
isNewline Newline = True
isNewline _ = False
isE E = True
isE _ = False

main :: IO ()
main = program 20000 $ \n ->
  let backwards = numbers n (D1 :. Nil) Nil
      text = reversed (wrap (reversed backwards) Nil zero Nil)
      lines' = count text isNewline zero
      es = count text isE zero
   in display lines' ++ " " ++ display (size text) ++ " " ++ display es
