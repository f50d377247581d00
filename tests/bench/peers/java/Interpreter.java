final class Interpreter extends Bench {
  sealed interface Index {}
  record Here() implements Index {}
  record Out(Index index) implements Index {}

  sealed interface Term {}
  record Number(Num n) implements Term {}
  record Variable(Index index) implements Term {}
  record Function(Term body) implements Term {}
  record Apply(Term function, Term argument) implements Term {}
  record Add(Term left, Term right) implements Term {}
  record Pred(Term term) implements Term {}
  record IfLess(Term left, Term right, Term yes, Term no) implements Term {}

  sealed interface Value {}
  record NumberValue(Num n) implements Value {}
  record Closure(Term body, List<Value> environment) implements Value {}

  static Value lookup(List<Value> environment, Index index) {
    while (index instanceof Out out) {
      environment = ((Cons<Value>) environment).tail();
      index = out.index;
    }
    return ((Cons<Value>) environment).head();
  }

  static Num number(Value value) {
    return ((NumberValue) value).n;
  }

  static Value eval(List<Value> environment, Term term) {
    for (;;) {
      if (term instanceof Number number) return new NumberValue(number.n);
      if (term instanceof Variable variable) return lookup(environment, variable.index);
      if (term instanceof Function function) return new Closure(function.body, environment);
      if (term instanceof Apply apply) {
        Value function = eval(environment, apply.function);
        Value argument = eval(environment, apply.argument);
        Closure closure = (Closure) function;
        environment = new Cons<>(argument, new Cons<>(function, closure.environment));
        term = closure.body;
      } else if (term instanceof Add add) {
        Value left = eval(environment, add.left);
        Value right = eval(environment, add.right);
        return new NumberValue(add(number(left), number(right)));
      } else if (term instanceof Pred pred) {
        return new NumberValue(decr(number(eval(environment, pred.term))));
      } else if (term instanceof IfLess test) {
        Value left = eval(environment, test.left);
        Value right = eval(environment, test.right);
        term = less(number(left), number(right)) ? test.yes : test.no;
      }
    }
  }

  static final Term X = new Variable(new Here());
  static final Term SELF = new Variable(new Out(new Here()));

  static final Term FIBONACCI = new Function(new IfLess(
      X, new Number(incr(ONE)),
      X,
      new Add(new Apply(SELF, new Pred(X)), new Apply(SELF, new Pred(new Pred(X))))));

  public static void main(String[] arguments) {
    program(arguments, 29, n -> show(number(eval(nil(), new Apply(FIBONACCI, new Number(n))))));
  }
}
