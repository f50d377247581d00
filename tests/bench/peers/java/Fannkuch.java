final class Fannkuch extends Bench {
  record Tally(Num longest, Num total) {}

  static List<Num> flip(Num count, List<Num> list) {
    List<Num> taken = nil();
    while (!(count instanceof End)) {
      Cons<Num> items = (Cons<Num>) list;
      taken = new Cons<>(items.head(), taken);
      list = items.tail();
      count = decr(count);
    }
    return append(taken, list);
  }

  static Num flips(List<Num> list) {
    Num n = ZERO;
    for (;;) {
      Num first = ((Cons<Num>) list).head();
      if (eq(first, ONE)) return n;
      n = incr(n);
      list = flip(first, list);
    }
  }

  static Tally note(Tally tally, List<Num> list) {
    Num n = flips(list);
    return new Tally(less(tally.longest, n) ? n : tally.longest, add(tally.total, n));
  }

  static Tally orders(Tally tally, List<Num> chosen, List<Num> rest) {
    return rest instanceof Nil ? note(tally, chosen) : choose(tally, chosen, rest);
  }

  static Tally choose(Tally tally, List<Num> chosen, List<Num> after) {
    List<Num> before = nil();
    while (after instanceof Cons<Num> items) {
      Num item = items.head();
      tally = orders(tally, new Cons<>(item, chosen), reverseOnto(before, items.tail()));
      before = new Cons<>(item, before);
      after = items.tail();
    }
    return tally;
  }

  static List<Num> countTo(Num n) {
    List<Num> list = nil();
    while (!(n instanceof End)) {
      list = new Cons<>(n, list);
      n = decr(n);
    }
    return list;
  }

  public static void main(String[] arguments) {
    program(arguments, 9, n -> {
      Tally tally = orders(new Tally(ZERO, ZERO), nil(), countTo(n));
      return show(tally.longest) + " " + show(tally.total);
    });
  }
}
