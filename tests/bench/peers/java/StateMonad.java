import java.util.function.Function;

final class StateMonad extends Bench {
  enum Unit { UNIT }

  sealed interface Tree<T> {}
  record Leaf<T>(T value) implements Tree<T> {}
  record Node<T>(Tree<T> left, Tree<T> right) implements Tree<T> {}

  record Result<T>(Num state, T result) {}

  interface Counter<T> extends Function<Num, Result<T>> {}

  interface Monad {
    <A> Counter<A> unit(A a);
    <A, B> Counter<B> bind(Counter<A> action, Function<A, Counter<B>> next);
  }

  record State(Counter<Num> get, Function<Num, Counter<Unit>> put) {}

  static final Monad MONAD = new Monad() {
    @Override
    public <A> Counter<A> unit(A a) {
      return s -> new Result<>(s, a);
    }

    @Override
    public <A, B> Counter<B> bind(Counter<A> action, Function<A, Counter<B>> next) {
      return s -> {
        Result<A> first = action.apply(s);
        return next.apply(first.result).apply(first.state);
      };
    }
  };

  static final State STATE = new State(s -> new Result<>(s, s), s -> ignored -> new Result<>(s, Unit.UNIT));

  static Counter<Num> fresh(Monad m, State s) {
    return m.bind(s.get, n ->
        m.bind(s.put.apply(incr(n)), done ->
            m.unit(n)));
  }

  static Counter<Tree<Num>> label(Monad m, State s, Tree<Unit> tree) {
    return tree instanceof Node<Unit> node
        ? m.bind(label(m, s, node.left), left ->
            m.bind(label(m, s, node.right), right ->
                m.unit(new Node<>(left, right))))
        : m.bind(fresh(m, s), n -> m.unit(new Leaf<>(n)));
  }

  static Tree<Unit> make(Num depth) {
    if (depth instanceof End) return new Leaf<>(Unit.UNIT);
    Num below = decr(depth);
    return new Node<>(make(below), make(below));
  }

  static Num sumOfLeft(Num sum, Tree<Num> tree) {
    while (tree instanceof Node<Num> node) {
      sum = node.left instanceof Leaf<Num> leaf ? add(sum, leaf.value) : sumOfLeft(sum, node.left);
      tree = node.right;
    }
    return sum;
  }

  public static void main(String[] arguments) {
    program(arguments, 18, n -> show(sumOfLeft(ZERO, label(MONAD, STATE, make(n)).apply(ZERO).result)));
  }
}
