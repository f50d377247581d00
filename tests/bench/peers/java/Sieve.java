import java.util.function.Supplier;

final class Sieve extends Bench {
  record Cell(Num head, Supplier<Cell> tail) {}

  static Supplier<Cell> from(Num n) {
    return () -> new Cell(n, from(incr(n)));
  }

  static Supplier<Cell> without(Num prime, Num multiple, Supplier<Cell> stream) {
    return () -> skip(prime, multiple, stream.get());
  }

  static Cell skip(Num prime, Num multiple, Cell cell) {
    while (!less(cell.head, multiple)) {
      Num next = add(multiple, prime);
      if (eq(cell.head, multiple)) cell = cell.tail.get();
      multiple = next;
    }
    return new Cell(cell.head, without(prime, multiple, cell.tail));
  }

  static Num sum(Num count, Supplier<Cell> stream) {
    Num total = ZERO;
    while (!(count instanceof End)) {
      Cell cell = stream.get();
      Num prime = cell.head;
      total = add(total, prime);
      stream = without(prime, add(prime, prime), cell.tail);
      count = decr(count);
    }
    return total;
  }

  public static void main(String[] arguments) {
    program(arguments, 1_500, n -> show(sum(n, from(incr(ONE)))));
  }
}
