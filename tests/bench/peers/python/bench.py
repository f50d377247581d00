"""What the programs share: numbers, lists and the command line. The same as tests/bench/programs/Bench.

Where Fble makes a tail call to the same function, there is a loop.
"""
import sys


class End:
    __slots__ = ()


class D0:
    __slots__ = ("rest",)

    def __init__(self, rest):
        self.rest = rest


class D1:
    __slots__ = ("rest",)

    def __init__(self, rest):
        self.rest = rest


ZERO = End()
ONE = D1(ZERO)


def double(a):
    return a if a is ZERO else D0(a)


def incr(a):
    if isinstance(a, D0):
        return D1(a.rest)
    if isinstance(a, D1):
        return D0(incr(a.rest))
    return ONE


def decr(a):
    if isinstance(a, D0):
        return D1(decr(a.rest))
    if isinstance(a, D1):
        return double(a.rest)
    return a


def add(a, b):
    if a is ZERO:
        return b
    if b is ZERO:
        return a
    if isinstance(a, D0):
        return D0(add(a.rest, b.rest)) if isinstance(b, D0) else D1(add(a.rest, b.rest))
    return D1(add(a.rest, b.rest)) if isinstance(b, D0) else D0(add_carry(a.rest, b.rest))


def add_carry(a, b):
    if a is ZERO:
        return incr(b)
    if b is ZERO:
        return D1(a.rest) if isinstance(a, D0) else D0(incr(a.rest))
    if isinstance(a, D0):
        return D1(add(a.rest, b.rest)) if isinstance(b, D0) else D0(add_carry(a.rest, b.rest))
    return D0(add_carry(a.rest, b.rest)) if isinstance(b, D0) else D1(add_carry(a.rest, b.rest))


def eq(a, b):
    while a is not ZERO and b is not ZERO:
        if isinstance(a, D0) != isinstance(b, D0):
            return False
        a = a.rest
        b = b.rest
    return a is b


def less(a, b):
    result = False
    while a is not ZERO and b is not ZERO:
        if isinstance(a, D0):
            if isinstance(b, D1):
                result = True
        elif isinstance(b, D0):
            result = False
        a = a.rest
        b = b.rest
    if b is ZERO:
        return result if a is ZERO else False
    return True


def half(a):
    return a if a is ZERO else a.rest


def low(mask, a):
    """The low digits of a, as many as the mask has."""
    if mask is ZERO or a is ZERO:
        return ZERO
    if isinstance(a, D0):
        return double(low(mask.rest, a.rest))
    return D1(low(mask.rest, a.rest))


def from_int(n):
    if n == 0:
        return ZERO
    return D1(from_int(n // 2)) if n % 2 else D0(from_int(n // 2))


def to_int(a):
    if isinstance(a, D0):
        return 2 * to_int(a.rest)
    if isinstance(a, D1):
        return 2 * to_int(a.rest) + 1
    return 0


def show(a):
    return str(to_int(a))


SEVEN = from_int(7)


def random(mask, x):
    return low(mask, add(add(x, double(double(x))), SEVEN))


class Nil:
    __slots__ = ()


class Cons:
    __slots__ = ("head", "tail")

    def __init__(self, head, tail):
        self.head = head
        self.tail = tail


NIL = Nil()


def reverse_onto(a, b):
    while a is not NIL:
        b = Cons(a.head, b)
        a = a.tail
    return b


def reverse(a):
    return reverse_onto(a, NIL)


def append(a, b):
    return b if a is NIL else Cons(a.head, append(a.tail, b))


def length(a):
    n = ZERO
    while a is not NIL:
        n = incr(n)
        a = a.tail
    return n


def program(size, work):
    """Prints what work gives for the size, as often as asked."""
    sys.setrecursionlimit(4_000_000)
    n = from_int(int(sys.argv[1]) if len(sys.argv) > 1 else size)
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 1):
        print(work(n), flush=True)
