from bench import ONE, ZERO, add, decr, eq, incr, less, program, show


class Cell:
    """The head and the tail, a stream, of a stream: a stream is a function that gives a cell."""
    __slots__ = ("head", "tail")

    def __init__(self, head, tail):
        self.head = head
        self.tail = tail


def numbers(n):
    return lambda: Cell(n, numbers(incr(n)))


def without(prime, multiple, stream):
    return lambda: skip(prime, multiple, stream())


def skip(prime, multiple, cell):
    while not less(cell.head, multiple):
        following = add(multiple, prime)
        if eq(cell.head, multiple):
            cell = cell.tail()
        multiple = following
    return Cell(cell.head, without(prime, multiple, cell.tail))


def total(count, stream):
    result = ZERO
    while count is not ZERO:
        cell = stream()
        prime = cell.head
        result = add(result, prime)
        stream = without(prime, add(prime, prime), cell.tail)
        count = decr(count)
    return result


program(1_500, lambda n: show(total(n, numbers(incr(ONE)))))
