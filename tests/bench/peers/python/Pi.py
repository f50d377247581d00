"""Digits of pi, as examples/Pi.fble prints them: Pi.py [--spigot] [DIGITS]

By the same series of the Chudnovskys and binary splitting; with --spigot digit by
digit with linear fractional transformations (Gibbons 2006), whose integers are the
larger the further it goes. Measures Python's integers against ours.
"""
import math
import sys

CUBED = 640320**3 // 24


def term(k):
    if k == 0:
        return 1, 1, 13591409
    p = -(6 * k - 5) * (2 * k - 1) * (6 * k - 1)
    return p, k * k * k * CUBED, p * (13591409 + 545140134 * k)


def total(a, b):
    middle = (a + b) >> 1
    if a == middle:
        return term(a)
    p, q, t = total(a, middle)
    x, y, z = total(middle, b)
    return p * x, q * y, t * y + p * z


def series(n):
    more = n + 10
    _, q, t = total(0, more // 14 + 2)
    pi = q * 426880 * math.isqrt(10005 * 10 ** (2 * more)) // t
    return str(pi // 10**11)


def spigot(n):
    """For the transformation x -> (q x + r) / t and the next k digits are taken while they are certain."""
    digits = []
    q, r, t, k = 1, 0, 1, 1
    while len(digits) < n:
        digit = (3 * q + r) // t
        if digit == (4 * q + r) // t:
            digits.append(str(digit))
            q, r = 10 * q, 10 * (r - digit * t)
        else:
            q, r, t, k = q * k, (2 * q + r) * (2 * k + 1), t * (2 * k + 1), k + 1
    return "".join(digits)


def main(words):
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(100_000)
    make = spigot if words[:1] == ["--spigot"] else series
    numbers = [word for word in words if word != "--spigot"]
    n = int(numbers[0]) if numbers else 50
    digits = make(n)
    for at in range(0, n, 10):
        row = digits[at:min(at + 10, n)]
        print(f"{row}\t:{at + len(row)}")


main(sys.argv[1:])
