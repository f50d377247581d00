final class NQueens extends Bench {
  static boolean safe(List<Num> queens, Num column, Num up, Num down) {
    while (queens instanceof Cons<Num> items) {
      Num queen = items.head();
      if (eq(queen, column) || eq(queen, up) || eq(queen, down)) return false;
      queens = items.tail();
      up = incr(up);
      down = decr(down);
    }
    return true;
  }

  static Num row(Num n, Num rows, List<Num> queens, Num count) {
    return rows instanceof End ? incr(count) : column(n, decr(rows), queens, count);
  }

  static Num column(Num n, Num rows, List<Num> queens, Num count) {
    Num column = n;
    while (!(column instanceof End)) {
      Num next = decr(column);
      if (safe(queens, column, incr(column), next)) count = row(n, rows, new Cons<>(column, queens), count);
      column = next;
    }
    return count;
  }

  public static void main(String[] arguments) {
    program(arguments, 11, n -> show(row(n, n, nil(), ZERO)));
  }
}
