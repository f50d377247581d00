import java.util.function.Function;

/**
 * What the programs share: numbers, lists and the command line. The same as tests/bench/programs/Bench.
 *
 * <p>A program extends this class, so that it has the names of these types and functions. Where Fble makes a
 * tail call to the same function, there is a loop.
 */
class Bench {
  sealed interface Num {}
  record End() implements Num {}
  record D0(Num rest) implements Num {}
  record D1(Num rest) implements Num {}

  static final Num ZERO = new End();
  static final Num ONE = new D1(ZERO);

  static Num twice(Num a) {
    return a instanceof End ? a : new D0(a);
  }

  static Num incr(Num a) {
    if (a instanceof D0 m) return new D1(m.rest);
    if (a instanceof D1 m) return new D0(incr(m.rest));
    return ONE;
  }

  static Num decr(Num a) {
    if (a instanceof D0 m) return new D1(decr(m.rest));
    if (a instanceof D1 m) return twice(m.rest);
    return a;
  }

  static Num add(Num a, Num b) {
    if (a instanceof D0 m) {
      if (b instanceof D0 n) return new D0(add(m.rest, n.rest));
      if (b instanceof D1 n) return new D1(add(m.rest, n.rest));
      return a;
    }
    if (a instanceof D1 m) {
      if (b instanceof D0 n) return new D1(add(m.rest, n.rest));
      if (b instanceof D1 n) return new D0(addCarry(m.rest, n.rest));
      return a;
    }
    return b;
  }

  static Num addCarry(Num a, Num b) {
    if (a instanceof D0 m) {
      if (b instanceof D0 n) return new D1(add(m.rest, n.rest));
      if (b instanceof D1 n) return new D0(addCarry(m.rest, n.rest));
      return new D1(m.rest);
    }
    if (a instanceof D1 m) {
      if (b instanceof D0 n) return new D0(addCarry(m.rest, n.rest));
      if (b instanceof D1 n) return new D1(addCarry(m.rest, n.rest));
      return new D0(incr(m.rest));
    }
    return incr(b);
  }

  static boolean eq(Num a, Num b) {
    for (;;) {
      if (a instanceof D0 m && b instanceof D0 n) {
        a = m.rest;
        b = n.rest;
      } else if (a instanceof D1 m && b instanceof D1 n) {
        a = m.rest;
        b = n.rest;
      } else {
        return a instanceof End && b instanceof End;
      }
    }
  }

  static boolean less(Num a, Num b) {
    boolean result = false;
    for (;;) {
      if (a instanceof D0 m) {
        a = m.rest;
        if (b instanceof D0 n) {
          b = n.rest;
        } else if (b instanceof D1 n) {
          b = n.rest;
          result = true;
        } else {
          return false;
        }
      } else if (a instanceof D1 m) {
        a = m.rest;
        if (b instanceof D0 n) {
          b = n.rest;
          result = false;
        } else if (b instanceof D1 n) {
          b = n.rest;
        } else {
          return false;
        }
      } else {
        return b instanceof End ? result : true;
      }
    }
  }

  static Num half(Num a) {
    if (a instanceof D0 m) return m.rest;
    if (a instanceof D1 m) return m.rest;
    return a;
  }

  /** Returns the low digits of a, as many as the mask has. */
  static Num low(Num mask, Num a) {
    if (mask instanceof End) return mask;
    if (a instanceof D0 m) return twice(low(half(mask), m.rest));
    if (a instanceof D1 m) return new D1(low(half(mask), m.rest));
    return a;
  }

  static final Num SEVEN = fromInt(7);

  static Num random(Num mask, Num x) {
    return low(mask, add(add(x, twice(twice(x))), SEVEN));
  }

  static Num fromInt(long n) {
    if (n == 0) return ZERO;
    return n % 2 == 0 ? new D0(fromInt(n / 2)) : new D1(fromInt(n / 2));
  }

  static long toInt(Num a) {
    if (a instanceof D0 m) return 2 * toInt(m.rest);
    if (a instanceof D1 m) return 2 * toInt(m.rest) + 1;
    return 0;
  }

  static String show(Num a) {
    return Long.toString(toInt(a));
  }

  sealed interface List<T> {}
  record Nil<T>() implements List<T> {}
  record Cons<T>(T head, List<T> tail) implements List<T> {}

  private static final List<?> NIL = new Nil<>();

  @SuppressWarnings("unchecked")
  static <T> List<T> nil() {
    return (List<T>) NIL;
  }

  static <T> List<T> reverseOnto(List<T> a, List<T> b) {
    while (a instanceof Cons<T> items) {
      b = new Cons<>(items.head, b);
      a = items.tail;
    }
    return b;
  }

  static <T> List<T> reverse(List<T> a) {
    return reverseOnto(a, nil());
  }

  static <T> List<T> append(List<T> a, List<T> b) {
    return a instanceof Cons<T> items ? new Cons<>(items.head, append(items.tail, b)) : b;
  }

  static <T> Num length(List<T> a) {
    Num n = ZERO;
    while (a instanceof Cons<T> items) {
      n = incr(n);
      a = items.tail;
    }
    return n;
  }

  /** Bytes of stack. A thread needs this much only in DeepRecursion; it is not used before it is needed. */
  private static final long STACK = 1L << 32;

  /** Prints what work gives for the size, as often as asked. */
  static void program(String[] arguments, int size, Function<Num, String> work) {
    int n = arguments.length > 0 ? Integer.parseInt(arguments[0]) : size;
    int repetitions = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1;
    Thread thread = new Thread(null, () -> {
      for (int i = 0; i < repetitions; ++i) System.out.println(work.apply(fromInt(n)));
    }, "work", STACK);
    thread.setUncaughtExceptionHandler((t, failure) -> {
      System.err.println(failure);
      System.exit(1);
    });
    thread.start();
  }
}
