from bench import NIL, ONE, ZERO, Cons, add, append, decr, eq, incr, less, program, reverse_onto, show


class Tally:
    __slots__ = ("longest", "total")

    def __init__(self, longest, total):
        self.longest = longest
        self.total = total


def flip(count, items):
    taken = NIL
    while count is not ZERO:
        taken = Cons(items.head, taken)
        items = items.tail
        count = decr(count)
    return append(taken, items)


def flips(items):
    n = ZERO
    while not eq(items.head, ONE):
        n = incr(n)
        items = flip(items.head, items)
    return n


def note(tally, items):
    n = flips(items)
    return Tally(n if less(tally.longest, n) else tally.longest, add(tally.total, n))


def orders(tally, chosen, rest):
    return note(tally, chosen) if rest is NIL else choose(tally, chosen, rest)


def choose(tally, chosen, after):
    before = NIL
    while after is not NIL:
        item = after.head
        tally = orders(tally, Cons(item, chosen), reverse_onto(before, after.tail))
        before = Cons(item, before)
        after = after.tail
    return tally


def count_to(n):
    items = NIL
    while n is not ZERO:
        items = Cons(n, items)
        n = decr(n)
    return items


def work(n):
    tally = orders(Tally(ZERO, ZERO), NIL, count_to(n))
    return show(tally.longest) + " " + show(tally.total)


program(9, work)
