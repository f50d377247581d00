final class IntegerLoop extends Bench {
  static long sum(long n) {
    long total = 0;
    for (long i = 1; i <= n; ++i) total += i;
    return total;
  }

  public static void main(String[] arguments) {
    program(arguments, 20_000_000, n -> Long.toString(sum(toInt(n))));
  }
}
