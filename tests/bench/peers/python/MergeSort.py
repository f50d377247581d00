from bench import NIL, ONE, ZERO, Cons, add, decr, from_int, less, program, random, reverse_onto, show

MASK = from_int(131071)


def numbers(count):
    items = NIL
    seed = ONE
    while count is not ZERO:
        seed = random(MASK, seed)
        items = Cons(seed, items)
        count = decr(count)
    return items


def merge(a, b):
    merged = NIL
    while a is not NIL and b is not NIL:
        if less(b.head, a.head):
            merged = Cons(b.head, merged)
            b = b.tail
        else:
            merged = Cons(a.head, merged)
            a = a.tail
    return reverse_onto(merged, b if a is NIL else a)


def deal(items):
    a = NIL
    b = NIL
    while items is not NIL:
        a, b = b, Cons(items.head, a)
        items = items.tail
    return merge(sort(a), sort(b))


def sort(items):
    return items if items is NIL or items.tail is NIL else deal(items)


def sum_of_every_second(items):
    total = ZERO
    while items is not NIL:
        total = add(total, items.head)
        items = items.tail if items.tail is NIL else items.tail.tail
    return total


program(50_000, lambda n: show(sum_of_every_second(sort(numbers(n)))))
