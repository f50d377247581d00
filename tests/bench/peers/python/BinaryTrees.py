from bench import ONE, ZERO, decr, double, incr, program, show


class Leaf:
    __slots__ = ()


class Node:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left = left
        self.right = right


LEAF = Leaf()


def make(depth):
    if depth is ZERO:
        return LEAF
    below = decr(depth)
    return Node(make(below), make(below))


def count(n, tree):
    while tree is not LEAF:
        n = count(n, tree.left)
        tree = tree.right
    return incr(n)


def short(depth, trees, n):
    while trees is not ZERO:
        n = count(n, make(depth))
        trees = decr(trees)
    return n


def depths(depth, trees, n):
    while True:
        n = short(depth, trees, n)
        if depth is ZERO:
            return n
        depth = decr(depth)
        trees = double(trees)


def work(n):
    long_lived = make(n)
    return show(count(depths(n, ONE, ZERO), long_lived))


program(18, work)
