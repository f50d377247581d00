from bench import program, to_int


def total(n):
    result = 0
    i = 1
    while i <= n:
        result += i
        i += 1
    return result


program(20_000_000, lambda n: str(total(to_int(n))))
