from bench import ZERO, add, decr, incr, program, show


class Leaf:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


class Node:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left = left
        self.right = right


class Result:
    __slots__ = ("state", "result")

    def __init__(self, state, result):
        self.state = state
        self.result = result


class Monad:
    __slots__ = ("unit", "bind")

    def __init__(self, unit, bind):
        self.unit = unit
        self.bind = bind


class State:
    __slots__ = ("get", "put")

    def __init__(self, get, put):
        self.get = get
        self.put = put


def unit(a):
    return lambda s: Result(s, a)


def bind(action, following):
    def run(s):
        first = action(s)
        return following(first.result)(first.state)

    return run


MONAD = Monad(unit, bind)
STATE = State(lambda s: Result(s, s), lambda s: lambda _: Result(s, None))


def fresh(m, s):
    return m.bind(s.get, lambda n: m.bind(s.put(incr(n)), lambda _: m.unit(n)))


def label(m, s, tree):
    if isinstance(tree, Leaf):
        return m.bind(fresh(m, s), lambda n: m.unit(Leaf(n)))
    return m.bind(
        label(m, s, tree.left),
        lambda left: m.bind(label(m, s, tree.right), lambda right: m.unit(Node(left, right))))


def make(depth):
    if depth is ZERO:
        return Leaf(None)
    below = decr(depth)
    return Node(make(below), make(below))


def sum_of_left(total, tree):
    while isinstance(tree, Node):
        left = tree.left
        total = add(total, left.value) if isinstance(left, Leaf) else sum_of_left(total, left)
        tree = tree.right
    return total


program(18, lambda n: show(sum_of_left(ZERO, label(MONAD, STATE, make(n))(ZERO).result)))
