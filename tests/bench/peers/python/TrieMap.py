from bench import D0, ONE, ZERO, add, decr, from_int, half, incr, program, random, show


class Nothing:
    __slots__ = ()


class Just:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


class Empty:
    __slots__ = ()


class Node:
    __slots__ = ("value", "even", "odd")

    def __init__(self, value, even, odd):
        self.value = value
        self.even = even
        self.odd = odd


NOTHING = Nothing()
EMPTY = Empty()


def get(tree, key):
    while tree is not EMPTY:
        if key is ZERO:
            return tree.value
        tree = tree.even if isinstance(key, D0) else tree.odd
        key = key.rest
    return NOTHING


def update(tree, key, change):
    if tree is EMPTY:
        value, even, odd = NOTHING, EMPTY, EMPTY
    else:
        value, even, odd = tree.value, tree.even, tree.odd
    if key is ZERO:
        return Node(Just(change(value)), even, odd)
    if isinstance(key, D0):
        return Node(value, update(even, key.rest, change), odd)
    return Node(value, even, update(odd, key.rest, change))


def entries(tree, n):
    while tree is not EMPTY:
        if tree.value is not NOTHING:
            n = incr(n)
        n = entries(tree.even, n)
        tree = tree.odd
    return n


MASK = from_int(65535)


def fill(count, seed):
    tree = EMPTY
    while count is not ZERO:
        seed = random(MASK, seed)
        key = seed
        if isinstance(seed, D0):
            key = seed.rest
        elif seed is not ZERO and seed.rest is not ZERO:
            key = half(seed.rest)
        tree = update(tree, key, lambda old: ONE if old is NOTHING else incr(old.value))
        count = decr(count)
    return tree


class Found:
    __slots__ = ("hits", "total")

    def __init__(self, hits, total):
        self.hits = hits
        self.total = total


def search(count, seed, tree):
    found = Found(ZERO, ZERO)
    while count is not ZERO:
        seed = random(MASK, seed)
        value = get(tree, seed)
        if value is not NOTHING:
            found = Found(incr(found.hits), add(found.total, value.value))
        count = decr(count)
    return found


def work(n):
    tree = fill(n, ONE)
    found = search(n, from_int(4711), tree)
    return show(entries(tree, ZERO)) + " " + show(found.hits) + " " + show(found.total)


program(100_000, work)
