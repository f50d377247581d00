import java.util.function.UnaryOperator;

final class DeepRecursion extends Bench {
  static List<Num> countDown(Num n) {
    return n instanceof End ? nil() : new Cons<>(n, countDown(decr(n)));
  }

  static List<Num> map(List<Num> list, UnaryOperator<Num> change) {
    return list instanceof Cons<Num> items ? new Cons<>(change.apply(items.head()), map(items.tail(), change)) : list;
  }

  static Num sum(List<Num> list) {
    return list instanceof Cons<Num> items ? add(items.head(), sum(items.tail())) : ZERO;
  }

  public static void main(String[] arguments) {
    program(arguments, 500_000, n -> show(sum(map(countDown(n), a -> incr(a)))));
  }
}
