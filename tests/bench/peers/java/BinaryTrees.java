final class BinaryTrees extends Bench {
  sealed interface Tree {}
  record Leaf() implements Tree {}
  record Node(Tree left, Tree right) implements Tree {}

  static final Tree LEAF = new Leaf();

  static Tree make(Num depth) {
    if (depth instanceof End) return LEAF;
    Num below = decr(depth);
    return new Node(make(below), make(below));
  }

  static Num count(Num n, Tree tree) {
    while (tree instanceof Node node) {
      n = count(n, node.left);
      tree = node.right;
    }
    return incr(n);
  }

  static Num depths(Num depth, Num trees, Num n) {
    for (;;) {
      for (Num left = trees; !(left instanceof End); left = decr(left)) n = count(n, make(depth));
      if (depth instanceof End) return n;
      depth = decr(depth);
      trees = twice(trees);
    }
  }

  public static void main(String[] arguments) {
    program(arguments, 18, n -> {
      Tree longLived = make(n);
      return show(count(depths(n, ONE, ZERO), longLived));
    });
  }
}
