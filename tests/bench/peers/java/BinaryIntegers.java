final class BinaryIntegers extends Bench {
  static Num sum(Num n) {
    Num total = ZERO;
    while (!(n instanceof End)) {
      total = add(total, n);
      n = decr(n);
    }
    return total;
  }

  public static void main(String[] arguments) {
    program(arguments, 1_000_000, n -> show(sum(n)));
  }
}
