from bench import ZERO, add, decr, program, show


def total(n):
    result = ZERO
    while n is not ZERO:
        result = add(result, n)
        n = decr(n)
    return result


program(1_000_000, lambda n: show(total(n)))
