final class MergeSort extends Bench {
  static final Num MASK = fromInt(131071);

  static List<Num> numbers(Num count) {
    List<Num> list = nil();
    Num seed = ONE;
    while (!(count instanceof End)) {
      seed = random(MASK, seed);
      list = new Cons<>(seed, list);
      count = decr(count);
    }
    return list;
  }

  static List<Num> merge(List<Num> a, List<Num> b) {
    List<Num> merged = nil();
    while (a instanceof Cons<Num> x) {
      if (!(b instanceof Cons<Num> y)) return reverseOnto(merged, a);
      if (less(y.head(), x.head())) {
        merged = new Cons<>(y.head(), merged);
        b = y.tail();
      } else {
        merged = new Cons<>(x.head(), merged);
        a = x.tail();
      }
    }
    return reverseOnto(merged, b);
  }

  static List<Num> deal(List<Num> list) {
    List<Num> a = nil();
    List<Num> b = nil();
    while (list instanceof Cons<Num> items) {
      List<Num> more = new Cons<>(items.head(), a);
      a = b;
      b = more;
      list = items.tail();
    }
    return merge(sort(a), sort(b));
  }

  static List<Num> sort(List<Num> list) {
    return list instanceof Cons<Num> items && items.tail() instanceof Cons ? deal(list) : list;
  }

  static Num sumOfEverySecond(List<Num> list) {
    Num sum = ZERO;
    while (list instanceof Cons<Num> items) {
      sum = add(sum, items.head());
      list = items.tail() instanceof Cons<Num> second ? second.tail() : items.tail();
    }
    return sum;
  }

  public static void main(String[] arguments) {
    program(arguments, 50_000, n -> show(sumOfEverySecond(sort(numbers(n)))));
  }
}
