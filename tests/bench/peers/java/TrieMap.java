import java.util.Optional;
import java.util.function.Function;

final class TrieMap extends Bench {
  sealed interface Map<T> {}
  record Empty<T>() implements Map<T> {}
  record Node<T>(Optional<T> value, Map<T> even, Map<T> odd) implements Map<T> {}

  static final Node<Num> NEW = new Node<>(Optional.empty(), new Empty<>(), new Empty<>());

  static Optional<Num> get(Map<Num> map, Num key) {
    while (map instanceof Node<Num> node) {
      if (key instanceof D0 digit) {
        map = node.even;
        key = digit.rest();
      } else if (key instanceof D1 digit) {
        map = node.odd;
        key = digit.rest();
      } else {
        return node.value;
      }
    }
    return Optional.empty();
  }

  static Map<Num> update(Map<Num> map, Num key, Function<Optional<Num>, Num> change) {
    Node<Num> old = map instanceof Node<Num> node ? node : NEW;
    if (key instanceof D0 digit) return new Node<>(old.value, update(old.even, digit.rest(), change), old.odd);
    if (key instanceof D1 digit) return new Node<>(old.value, old.even, update(old.odd, digit.rest(), change));
    return new Node<>(Optional.of(change.apply(old.value)), old.even, old.odd);
  }

  static Num size(Map<Num> map, Num n) {
    while (map instanceof Node<Num> node) {
      if (node.value.isPresent()) n = incr(n);
      n = size(node.even, n);
      map = node.odd;
    }
    return n;
  }

  static final Num MASK = fromInt(65535);

  static Map<Num> fill(Num count, Num seed) {
    Map<Num> map = new Empty<>();
    while (!(count instanceof End)) {
      seed = random(MASK, seed);
      Num key = seed;
      if (seed instanceof D0 digit) {
        key = digit.rest();
      } else if (seed instanceof D1 digit && !(digit.rest() instanceof End)) {
        key = half(digit.rest());
      }
      map = update(map, key, old -> old.isPresent() ? incr(old.get()) : ONE);
      count = decr(count);
    }
    return map;
  }

  record Found(Num hits, Num sum) {}

  static Found search(Num count, Num seed, Map<Num> map) {
    Found found = new Found(ZERO, ZERO);
    while (!(count instanceof End)) {
      seed = random(MASK, seed);
      Optional<Num> value = get(map, seed);
      if (value.isPresent()) found = new Found(incr(found.hits), add(found.sum, value.get()));
      count = decr(count);
    }
    return found;
  }

  public static void main(String[] arguments) {
    program(arguments, 100_000, n -> {
      Map<Num> map = fill(n, ONE);
      Found found = search(n, fromInt(4711), map);
      return show(size(map, ZERO)) + " " + show(found.hits) + " " + show(found.sum);
    });
  }
}
