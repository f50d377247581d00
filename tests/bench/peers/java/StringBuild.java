import java.util.function.Predicate;

final class StringBuild extends Bench {
  enum Letter {
    A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z, SPACE, NEWLINE
  }

  enum Digit { D0, D1, D2, D3, D4, D5, D6, D7, D8, D9 }

  static List<Letter> letters(String word) {
    List<Letter> list = nil();
    for (int i = word.length() - 1; i >= 0; --i) list = new Cons<>(Letter.valueOf(word.substring(i, i + 1)), list);
    return list;
  }

  static final List<Letter> ONE_ = letters("ONE");
  static final List<Letter> TWO = letters("TWO");
  static final List<Letter> THREE = letters("THREE");
  static final List<Letter> FOUR = letters("FOUR");
  static final List<Letter> FIVE = letters("FIVE");
  static final List<Letter> SIX = letters("SIX");
  static final List<Letter> SEVEN_ = letters("SEVEN");
  static final List<Letter> EIGHT = letters("EIGHT");
  static final List<Letter> NINE = letters("NINE");
  static final List<Letter> TEN = letters("TEN");
  static final List<Letter> ELEVEN = letters("ELEVEN");
  static final List<Letter> TWELVE = letters("TWELVE");
  static final List<Letter> THIRTEEN = letters("THIRTEEN");
  static final List<Letter> FOURTEEN = letters("FOURTEEN");
  static final List<Letter> FIFTEEN = letters("FIFTEEN");
  static final List<Letter> SIXTEEN = letters("SIXTEEN");
  static final List<Letter> SEVENTEEN = letters("SEVENTEEN");
  static final List<Letter> EIGHTEEN = letters("EIGHTEEN");
  static final List<Letter> NINETEEN = letters("NINETEEN");
  static final List<Letter> TWENTY = letters("TWENTY");
  static final List<Letter> THIRTY = letters("THIRTY");
  static final List<Letter> FORTY = letters("FORTY");
  static final List<Letter> FIFTY = letters("FIFTY");
  static final List<Letter> SIXTY = letters("SIXTY");
  static final List<Letter> SEVENTY = letters("SEVENTY");
  static final List<Letter> EIGHTY = letters("EIGHTY");
  static final List<Letter> NINETY = letters("NINETY");
  static final List<Letter> HUNDRED = letters("HUNDRED");
  static final List<Letter> THOUSAND = letters("THOUSAND");

  static List<Digit> digits(Digit first, List<Digit> rest) {
    return new Cons<>(first, rest);
  }

  static List<Digit> next(List<Digit> n) {
    if (!(n instanceof Cons<Digit> items)) return digits(Digit.D1, n);
    List<Digit> rest = items.tail();
    return switch (items.head()) {
      case D0 -> digits(Digit.D1, rest);
      case D1 -> digits(Digit.D2, rest);
      case D2 -> digits(Digit.D3, rest);
      case D3 -> digits(Digit.D4, rest);
      case D4 -> digits(Digit.D5, rest);
      case D5 -> digits(Digit.D6, rest);
      case D6 -> digits(Digit.D7, rest);
      case D7 -> digits(Digit.D8, rest);
      case D8 -> digits(Digit.D9, rest);
      case D9 -> digits(Digit.D0, next(rest));
    };
  }

  static List<Letter> word(List<Letter> word, List<Letter> rest) {
    return append(word, new Cons<>(Letter.SPACE, rest));
  }

  static List<Letter> ones(Digit digit, List<Letter> rest) {
    return switch (digit) {
      case D0 -> rest;
      case D1 -> word(ONE_, rest);
      case D2 -> word(TWO, rest);
      case D3 -> word(THREE, rest);
      case D4 -> word(FOUR, rest);
      case D5 -> word(FIVE, rest);
      case D6 -> word(SIX, rest);
      case D7 -> word(SEVEN_, rest);
      case D8 -> word(EIGHT, rest);
      case D9 -> word(NINE, rest);
    };
  }

  static List<Letter> teens(Digit digit, List<Letter> rest) {
    return word(
        switch (digit) {
          case D0 -> TEN;
          case D1 -> ELEVEN;
          case D2 -> TWELVE;
          case D3 -> THIRTEEN;
          case D4 -> FOURTEEN;
          case D5 -> FIFTEEN;
          case D6 -> SIXTEEN;
          case D7 -> SEVENTEEN;
          case D8 -> EIGHTEEN;
          case D9 -> NINETEEN;
        },
        rest);
  }

  static List<Letter> tens(Digit digit, Digit unit, List<Letter> rest) {
    return switch (digit) {
      case D0 -> ones(unit, rest);
      case D1 -> teens(unit, rest);
      case D2 -> word(TWENTY, ones(unit, rest));
      case D3 -> word(THIRTY, ones(unit, rest));
      case D4 -> word(FORTY, ones(unit, rest));
      case D5 -> word(FIFTY, ones(unit, rest));
      case D6 -> word(SIXTY, ones(unit, rest));
      case D7 -> word(SEVENTY, ones(unit, rest));
      case D8 -> word(EIGHTY, ones(unit, rest));
      case D9 -> word(NINETY, ones(unit, rest));
    };
  }

  static Digit first(List<Digit> n) {
    return n instanceof Cons<Digit> items ? items.head() : Digit.D0;
  }

  static List<Digit> rest(List<Digit> n) {
    return n instanceof Cons<Digit> items ? items.tail() : n;
  }

  static List<Letter> group(List<Digit> n, List<Letter> text) {
    List<Letter> low = tens(first(rest(n)), first(n), text);
    Digit hundreds = first(rest(rest(n)));
    return hundreds == Digit.D0 ? low : ones(hundreds, word(HUNDRED, low));
  }

  static List<Letter> spell(List<Digit> n, List<Letter> text) {
    List<Digit> thousands = rest(rest(rest(n)));
    return thousands instanceof Nil ? group(n, text) : group(thousands, word(THOUSAND, group(n, text)));
  }

  static List<Letter> numbers(Num count) {
    List<Letter> reversed = nil();
    List<Digit> n = digits(Digit.D1, nil());
    while (!(count instanceof End)) {
      reversed = reverseOnto(spell(n, nil()), reversed);
      n = next(n);
      count = decr(count);
    }
    return reversed;
  }

  static final Num WIDTH = fromInt(60);

  static List<Letter> wrap(List<Letter> text) {
    List<Letter> word = nil();
    Num line = ZERO;
    List<Letter> lines = nil();
    while (text instanceof Cons<Letter> items) {
      if (items.head() == Letter.SPACE) {
        Num longer = add(line, incr(length(word)));
        if (less(WIDTH, longer)) {
          line = length(word);
          lines = append(word, new Cons<>(Letter.NEWLINE, lines));
        } else {
          line = longer;
          lines = append(word, new Cons<>(Letter.SPACE, lines));
        }
        word = nil();
      } else {
        word = new Cons<>(items.head(), word);
      }
      text = items.tail();
    }
    return lines;
  }

  static Num count(List<Letter> text, Predicate<Letter> which) {
    Num n = ZERO;
    while (text instanceof Cons<Letter> items) {
      if (which.test(items.head())) n = incr(n);
      text = items.tail();
    }
    return n;
  }

  public static void main(String[] arguments) {
    program(arguments, 20_000, n -> {
      List<Letter> text = reverse(wrap(reverse(numbers(n))));
      Num lines = count(text, letter -> letter == Letter.NEWLINE);
      Num es = count(text, letter -> letter == Letter.E);
      return show(lines) + " " + show(length(text)) + " " + show(es);
    });
  }
}
