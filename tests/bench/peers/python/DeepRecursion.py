from bench import NIL, ZERO, Cons, add, decr, incr, program, show


def count_down(n):
    return NIL if n is ZERO else Cons(n, count_down(decr(n)))


def mapped(items, change):
    return NIL if items is NIL else Cons(change(items.head), mapped(items.tail, change))


def total(items):
    return ZERO if items is NIL else add(items.head, total(items.tail))


program(500_000, lambda n: show(total(mapped(count_down(n), incr))))
