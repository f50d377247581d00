from bench import NIL, ZERO, Cons, add, append, decr, from_int, incr, length, less, program, reverse, reverse_onto, show

# Letters and digits are constants.
LETTERS = "abcdefghijklmnopqrstuvwxyz"
E = LETTERS.index("e")
SPACE = 26
NEWLINE = 27


def letters(word):
    items = NIL
    for letter in reversed(word):
        items = Cons(LETTERS.index(letter), items)
    return items


ONES = [letters(word) for word in ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")]
TEENS = [letters(word) for word in (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")]
TENS = [letters(word) for word in (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")]
HUNDRED = letters("hundred")
THOUSAND = letters("thousand")


def following(n):
    if n is NIL:
        return Cons(1, n)
    if n.head == 9:
        return Cons(0, following(n.tail))
    return Cons(n.head + 1, n.tail)


def word(items, rest):
    return append(items, Cons(SPACE, rest))


def ones(digit, rest):
    return rest if digit == 0 else word(ONES[digit], rest)


def tens(digit, unit, rest):
    if digit == 0:
        return ones(unit, rest)
    if digit == 1:
        return word(TEENS[unit], rest)
    return word(TENS[digit], ones(unit, rest))


def first(n):
    return 0 if n is NIL else n.head


def others(n):
    return n if n is NIL else n.tail


def group(n, text):
    low = tens(first(others(n)), first(n), text)
    hundreds = first(others(others(n)))
    return low if hundreds == 0 else ones(hundreds, word(HUNDRED, low))


def spell(n, text):
    thousands = others(others(others(n)))
    if thousands is NIL:
        return group(n, text)
    return group(thousands, word(THOUSAND, group(n, text)))


def numbers(count):
    text = NIL
    n = Cons(1, NIL)
    while count is not ZERO:
        text = reverse_onto(spell(n, NIL), text)
        n = following(n)
        count = decr(count)
    return text


WIDTH = from_int(60)


def wrap(text):
    word = NIL
    line = ZERO
    lines = NIL
    while text is not NIL:
        if text.head == SPACE:
            longer = add(line, incr(length(word)))
            if less(WIDTH, longer):
                line = length(word)
                lines = append(word, Cons(NEWLINE, lines))
            else:
                line = longer
                lines = append(word, Cons(SPACE, lines))
            word = NIL
        else:
            word = Cons(text.head, word)
        text = text.tail
    return lines


def count(text, which):
    n = ZERO
    while text is not NIL:
        if which(text.head):
            n = incr(n)
        text = text.tail
    return n


def work(n):
    text = reverse(wrap(reverse(numbers(n))))
    lines = count(text, lambda letter: letter == NEWLINE)
    es = count(text, lambda letter: letter == E)
    return show(lines) + " " + show(length(text)) + " " + show(es)


program(20_000, work)
