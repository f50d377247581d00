// A program is a row of definitions (types, values, functions, groups of recursive
// functions, monads, circular data), then a text that shows all values.
//
// Well typed by construction: expressions are made for a type that is wanted, from
// variables in scope, constructors, selects, calls and so on, with a size that shrinks.
//
// Ending by construction: everything has a cost, which is an upper bound of the steps
// that it takes. Recursive functions have a counter among their arguments, which
// decreases by one in each call of the group, so their cost is the counter's first value
// times the cost of a turn; the caller chooses that value to fit its own limit. The cost
// of calling a function value is bounded by its type (`cap`): only functions that are
// cheap enough become values. Nothing loops over data unless a counter limits it, since
// data may be shared, circular or long.
//
// Programs that may fail have accesses with any tag, vacuous values and accesses
// that come too early; others have none.
//
// Some programs have deopt-here! comments, with options, before expressions.
//
// Vocabulary: a *place* is a variable or a path such as `x.t1.head`, known to be there.
//
// Tested by fuzz/tests/program_gen_test.cc.
#include "fuzz/gen/program_gen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include "fuzz/gen/generator.h"
#include "fuzz/gen/library.h"

namespace fble {

namespace program_gen {

// ---- public --------------------------------------------------------------------

Generator::Generator(Choices& choices, const ProgramGenOptions& options) : c_(choices) {
  constexpr std::array<uint32_t, 4> kBudgets = {3000, 12000, 60000, 400000};
  constexpr std::array<uint32_t, 4> kWeights = {30, 45, 20, 5};
  budget_ = std::min<double>(kBudgets[c_.weighted(kWeights)], options.max_cost);
  may_fail_ = c_.chance(25);
  with_int_ = c_.chance(50) && options.integers;
  with_bits_ = options.own_library;
}

GeneratedProgram Generator::run() {
  need("Nat");
  need("Text");
  need("Bool");
  unit_ = new_type(TypeKind::kUnit, "Unit@");
  nat_ = new_type(TypeKind::kNat, "Nat@");
  unary_ = new_type(TypeKind::kUnary, "Un@");
  int_ = new_type(TypeKind::kInt, "Int@");
  char_ = new_type(TypeKind::kChar, "Char@");
  bool_ = new_type(TypeKind::kUnion, "Bool@");
  mutable_type(bool_)->fields = {{"true", unit_}, {"false", unit_}};
  letter_ = new_type(TypeKind::kUnion, "Letter@");
  for (const char letter : letters()) mutable_type(letter_)->fields.push_back({quoted(letter), unit_});
  compared_ = new_type(TypeKind::kUnion, "/Std/Cmp%.Compared@");
  mutable_type(compared_)->fields = {{"less", unit_}, {"equal", unit_}, {"greater", unit_}};
  sign_ = new_type(TypeKind::kUnion, "/Std/Int/Sign%.Sign@");
  mutable_type(sign_)->fields = {{"'-'", unit_}, {"0", unit_}, {"'+'", unit_}};
  declared_ = {bool_};

  limit_ = budget_;
  // Most programs are small, as each definition takes the same time in each mode.
  constexpr std::array<uint32_t, 9> kDefinitions = {16, 18, 18, 14, 10, 8, 6, 5, 5};
  const uint32_t definitions = 1 + c_.weighted(kDefinitions);
  for (uint32_t i = 0; i < definitions; ++i) top_level_definition();
  show_all();

  GeneratedProgram program;
  program.text = with_deopt_points(indented(imports_ + types_ + constants_ + body_));
  program.command_text = with_footer(program.text);
  program.cost = cost_;
  program.may_fail = may_fail_;
  program.choices = c_.taken();
  return program;
}

// ---- showing values ------------------------------------------------------------

void Generator::show_all() {
  // Some more, made of the values in scope.
  const size_t extra = 1 + c_.below(3);
  for (size_t i = 0; i < extra; ++i) body_ += value_statement(any_type(0), 6);
  std::string text;
  uint32_t count = 0;
  const std::vector<Place> places = places_;
  for (const Place& place : places) {
    if (place.type->kind == TypeKind::kFunction) continue;
    const std::string show = shower(place.type);
    text += fmt::format("Out@ o{} = {}({}, {});\n", count + 1, show, place.text,
                        say(" ", fmt::format("Out@({}, all)",
                                             count == 0 ? "List@<Said@>(nil: Unit)" : fmt::format("o{}.text", count))));
    ++count;
  }
  need(needed_.contains("Int") ? "Number" : "NoNumber");
  need("Out");
  if (shown_unary_) need("PutUnary");
  if (needed_.contains("Int")) need("PutInt");
  if (!shows_.empty()) body_ += shows_ + ";\n";
  body_ += text + fmt::format("List@<Said@> said = o{}.text;\nsaid;\n", count);
}

std::string Generator::say(std::string_view text, std::string out) {
  for (const char letter : text) out = fmt::format("Put(Said@({}: Unit), {})", quoted(letter), out);
  return out;
}

std::string Generator::shower(const Type* type) {
  switch (type->kind) {
    case TypeKind::kNat: return "PutNat";
    case TypeKind::kInt: return "PutInt";
    default: break;
  }
  const std::string name = fmt::format("Show{}", type->number);
  if (!shown_.insert(type->number).second) return name;
  std::string self;
  const std::string head =
      "(" + type->text + ", Out@) { Out@; } " + name + " = (" + type->text + " x, Out@ o) {\no.left.?(nil: o);\n";
  const auto call = [&](const Type* part, const std::string& value, const std::string& out) {
    return shower(part) + "(" + value + ", " + out + ")";
  };
  switch (type->kind) {
    case TypeKind::kUnit: self = head + "_ = x;\n" + say("q", "o") + ";\n}"; break;
    case TypeKind::kChar: self = head + call(int_, "/Std/Char%.Pos(x)", say("c", "o")) + ";\n}"; break;
    case TypeKind::kUnary:
      shown_unary_ = true;
      self = head + "PutUn(x, n0, o);\n}";
      break;
    case TypeKind::kStruct:
    case TypeKind::kRing: {
      std::string out = say("s", "o");
      for (const Field& field : type->fields) out = call(field.type, "x." + field.name, out);
      self = head + out + ";\n}";
      break;
    }
    case TypeKind::kMaybe:
    case TypeKind::kUnion: {
      const std::vector<Field> fields = alternatives(type);
      self = head + "x.?(\n";
      for (size_t i = 0; i < fields.size(); ++i) {
        std::string out = say(fmt::format("t{}", i), "o");
        if (fields[i].type != unit_) out = call(fields[i].type, "x." + fields[i].name, out);
        self += fields[i].name + ": " + out + (i + 1 < fields.size() ? ",\n" : ");\n");
      }
      self += "}";
      break;
    }
    case TypeKind::kList:
      if (type->of == letter_) {
        // Characters as they are.
        self = head + "x.?(nil: " + say("-", "o") + ");\n" + name +
               "(x.cons.tail, Put(Said@(letter: x.cons.head), o));\n}";
        break;
      }
      self = head + "x.?(nil: " + say(")", "o") + ");\n" + name + "(x.cons.tail, " +
             call(type->of, "x.cons.head", say("(", "o")) + ");\n}";
      break;
    case TypeKind::kFunction: {
      // Shows its result for a simple argument.
      std::string args;
      bool simple = type->of->kind != TypeKind::kFunction && cap(type) + 20 < room();
      for (const Field& arg : type->fields) {
        if (arg.type->kind == TypeKind::kRing && places_of(arg.type).empty()) simple = false;
      }
      if (!simple) {
        self = head + "_ = x;\n" + say("f", "o") + ";\n}";
        break;
      }
      spend(cap(type) * 2);
      for (const Field& arg : type->fields) args += (args.empty() ? "" : ", ") + minimal(arg.type);
      self = head + call(type->of, "x(" + args + ")", say("f", "o")) + ";\n}";
      break;
    }
    default: self = head + "_ = x;\n" + say("x", "o") + ";\n}"; break;
  }
  shows_ += (shows_.empty() ? "" : ",\n") + self;
  return name;
}

std::string Generator::indented(const std::string& text) {
  std::string result;
  int depth = 0;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line(text.data() + at, end - at);
    while (line.starts_with(' ')) line.remove_prefix(1);
    int change = 0;
    size_t closing = 0;
    bool leading = true;
    bool in_quotes = false;
    for (const char letter : line) {
      if (letter == '\'') in_quotes = !in_quotes;
      if (in_quotes || letter == '\'') {
        leading = false;
        continue;
      }
      if (letter == '#') break;
      if (letter == '(' || letter == '{' || letter == '[')
        ++change, leading = false;
      else if (letter == ')' || letter == '}' || letter == ']')
        --change, closing += leading ? 1 : 0;
      else
        leading = false;
    }
    const int indent = std::max(0, depth - static_cast<int>(closing));
    if (!line.empty()) result += std::string(static_cast<size_t>(std::min(indent, 20)) * 2, ' ');
    result += line;
    result += '\n';
    depth += change;
    at = end + 1;
  }
  return result;
}

}  // namespace program_gen

GeneratedProgram generate_program(Choices& choices, const ProgramGenOptions& options) {
  return program_gen::Generator(choices, options).run();
}

std::string with_footer(const std::string& module_text) {
  constexpr std::string_view kEnd = "said;\n";
  std::string text = module_text;
  if (text.ends_with(kEnd)) text.erase(text.size() - kEnd.size());
  return text + command_footer(module_text.find("Number@ = Int@") != std::string::npos);
}

}  // namespace fble
