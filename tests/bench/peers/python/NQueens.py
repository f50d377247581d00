from bench import NIL, ZERO, Cons, decr, eq, incr, program, show


def safe(queens, column, up, down):
    while queens is not NIL:
        queen = queens.head
        if eq(queen, column) or eq(queen, up) or eq(queen, down):
            return False
        queens = queens.tail
        up = incr(up)
        down = decr(down)
    return True


def place(n):
    def row(rows, queens, count):
        return incr(count) if rows is ZERO else column(decr(rows), queens, count)

    def column(rows, queens, count):
        col = n
        while col is not ZERO:
            below = decr(col)
            if safe(queens, col, incr(col), below):
                count = row(rows, Cons(col, queens), count)
            col = below
        return count

    return row(n, NIL, ZERO)


program(11, lambda n: show(place(n)))
