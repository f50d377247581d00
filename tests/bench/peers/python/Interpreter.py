from bench import NIL, ONE, Cons, add, decr, incr, less, program, show


class Here:
    __slots__ = ()


class Out:
    __slots__ = ("index",)

    def __init__(self, index):
        self.index = index


class Number:
    __slots__ = ("n",)

    def __init__(self, n):
        self.n = n


class Variable:
    __slots__ = ("index",)

    def __init__(self, index):
        self.index = index


class Function:
    __slots__ = ("body",)

    def __init__(self, body):
        self.body = body


class Apply:
    __slots__ = ("function", "argument")

    def __init__(self, function, argument):
        self.function = function
        self.argument = argument


class Add:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left = left
        self.right = right


class Pred:
    __slots__ = ("term",)

    def __init__(self, term):
        self.term = term


class IfLess:
    __slots__ = ("left", "right", "yes", "no")

    def __init__(self, left, right, yes, no):
        self.left = left
        self.right = right
        self.yes = yes
        self.no = no


class NumberValue:
    __slots__ = ("n",)

    def __init__(self, n):
        self.n = n


class Closure:
    __slots__ = ("body", "environment")

    def __init__(self, body, environment):
        self.body = body
        self.environment = environment


def lookup(environment, index):
    while isinstance(index, Out):
        environment = environment.tail
        index = index.index
    return environment.head


def evaluate(environment, term):
    while True:
        if isinstance(term, Number):
            return NumberValue(term.n)
        if isinstance(term, Variable):
            return lookup(environment, term.index)
        if isinstance(term, Function):
            return Closure(term.body, environment)
        if isinstance(term, Apply):
            function = evaluate(environment, term.function)
            argument = evaluate(environment, term.argument)
            environment = Cons(argument, Cons(function, function.environment))
            term = function.body
        elif isinstance(term, Add):
            left = evaluate(environment, term.left)
            right = evaluate(environment, term.right)
            return NumberValue(add(left.n, right.n))
        elif isinstance(term, Pred):
            return NumberValue(decr(evaluate(environment, term.term).n))
        else:
            left = evaluate(environment, term.left)
            right = evaluate(environment, term.right)
            term = term.yes if less(left.n, right.n) else term.no


X = Variable(Here())
SELF = Variable(Out(Here()))

FIBONACCI = Function(
    IfLess(X, Number(incr(ONE)), X, Add(Apply(SELF, Pred(X)), Apply(SELF, Pred(Pred(X))))))

program(29, lambda n: show(evaluate(NIL, Apply(FIBONACCI, Number(n))).n))
