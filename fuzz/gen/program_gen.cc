// A program is a row of definitions (types, values, functions, groups of recursive
// functions, monads, circular data), then a text that shows all values.
//
// Well typed by construction: expressions are made for a type that is wanted, from
// variables in scope, constructors, selects, calls and so on, with a size that shrinks.
//
// Ending by construction: everything has a cost, which is an upper bound of the steps
// that it takes. Recursive functions have a counter among their arguments, which goes
// down by one in each call of the group, so they cost their counter's first value times
// what a turn costs; who calls one chooses that value to fit its own limit. What a
// function value costs when it is called is bounded by its type (`cap`): only
// functions that are cheap enough become values. Nothing loops over data unless a counter
// limits it, since data may be shared, circular or long.
//
// Programs that may fail have accesses of whatever tag, vacuous values and accesses
// that come too early; others have none.
//
// Some programs have deopt-here! comments, with options, in front of expressions.
//
// Vocabulary: a *place* is a variable or a path such as `x.t1.head`, known to be there.
//
// Tested by fuzz/tests/program_gen_test.cc.
#include "fuzz/gen/program_gen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <set>

#include "frontends/fble/lexer.h"
#include "fuzz/gen/library.h"

namespace fble {
namespace {

enum class TypeKind : uint8_t {
  kUnit,
  kStruct,
  kUnion,
  kFunction,
  kList,
  kMaybe,
  kNat,
  kInt,
  kChar,
  kUnary,
  kRing,
  kParam
};

struct Type;
struct Field {
  std::string name;
  const Type* type;
};

struct Type {
  TypeKind kind = TypeKind::kUnit;
  std::string text;           ///< how it is written
  std::vector<Field> fields;  ///< of structs, unions, rings; the arguments of functions
  const Type* of = nullptr;   ///< items of lists and maybes; result of functions, never itself a function
  int order = 0;              ///< 0 for data without functions
  bool anonymous = false;     ///< a struct type that has no name
  uint32_t number = 0;
};

/// What a call of a function value of the type may cost.
double cap(const Type* type) {
  double cost = 30;
  for (int i = 1; i < type->order; ++i) cost *= 3;
  return cost;
}

/// A place with a value.
struct Place {
  std::string text;
  const Type* type;
};

/// A function that can be called by name.
struct Function {
  std::string name;
  std::vector<const Type*> params;  ///< type parameters
  std::vector<const Type*> args;
  const Type* result;
  double cost = 1;
  int counter = -1;              ///< index of the counter among the arguments
  double turn_cost = 0;          ///< with a counter: for each turn
  bool doubling = false;         ///< two calls in each turn
  bool cheap_type_args = false;  ///< type arguments must be data
};

using Binding = std::map<const Type*, const Type*>;

class Generator {
 public:
  Generator(Choices& choices, const ProgramGenOptions& options) : c_(choices) {
    constexpr std::array<uint32_t, 4> kBudgets = {3000, 12000, 60000, 400000};
    constexpr std::array<uint32_t, 4> kWeights = {30, 45, 20, 5};
    budget_ = std::min<double>(kBudgets[c_.weighted(kWeights)], options.max_cost);
    may_fail_ = c_.chance(25);
    with_int_ = c_.chance(50) && options.integers;
    with_bits_ = options.own_library;
  }

  /// The text with some deopt-here! comments. They are chosen last, so that all else does not
  /// depend on them. Those in front of what is no expression, or is not evaluated, do nothing.
  std::string with_marks(const std::string& text) {
    constexpr std::array<uint32_t, 4> kCounts = {0, 1, 4, 16};
    constexpr std::array<uint32_t, 4> kWeights = {55, 15, 20, 10};
    const uint32_t count = kCounts[c_.weighted(kWeights)];
    if (count == 0) return text;
    std::vector<size_t> places;
    Lexer lexer(text);
    TokenKind before = TokenKind::kSemicolon;
    for (Token token = lexer.next(); token.kind != TokenKind::kEnd; token = lexer.next()) {
      const size_t start = static_cast<size_t>(token.text.data() - text.data()) - (token.quoted ? 1 : 0);
      if (may_precede_expression(before)) places.push_back(start);
      before = token.kind;
    }
    std::map<size_t, std::string> marks;
    for (uint32_t i = 0; i < count; ++i) marks[c_.of(places)] += "# deopt-here!" + mark_options() + "\n";
    std::string result;
    size_t done = 0;
    for (const auto& [place, comments] : marks) {
      result += text.substr(done, place - done) + "\n" + comments;
      done = place;
    }
    return result + text.substr(done);
  }

  static bool may_precede_expression(TokenKind kind) {
    switch (kind) {
      case TokenKind::kSemicolon:
      case TokenKind::kOpenBrace:
      case TokenKind::kOpenParen:
      case TokenKind::kOpenBracket:
      case TokenKind::kDotAtOpenParen:
      case TokenKind::kComma:
      case TokenKind::kColon:
      case TokenKind::kEquals:
      case TokenKind::kDotEquals:
      case TokenKind::kColonEquals: return true;
      default: return false;
    }
  }

  std::string mark_options() {
    constexpr std::array<uint32_t, 5> kNumbers = {1, 2, 3, 10, 50};
    std::string options;
    if (c_.chance(30)) options += fmt::format(" after={}", c_.of(kNumbers));
    if (c_.chance(50)) options += fmt::format(" every={}", c_.of(kNumbers));
#define FBLE_MARK_NUMBER(name, least, doc)
#define FBLE_MARK_FLAG(name, doc) \
  if (c_.chance(15)) options += " " #name;
#include "interp/mark_options.def"
#undef FBLE_MARK_NUMBER
#undef FBLE_MARK_FLAG
    return options;
  }

  GeneratedProgram run() {
    need("Out");
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
    const uint32_t definitions = 1 + c_.below(9);
    for (uint32_t i = 0; i < definitions; ++i) top_level_definition();
    show_all();

    GeneratedProgram program;
    program.text = with_marks(indented(imports_ + types_ + constants_ + body_));
    program.command_text = with_footer(program.text);
    program.cost = cost_;
    program.may_fail = may_fail_;
    program.choices = c_.taken();
    return program;
  }

 private:
  // -------------------------------------------------------------------------
  // Types

  const Type* new_type(TypeKind kind, std::string text) {
    types_made_.emplace_back();
    types_made_.back().kind = kind;
    types_made_.back().text = std::move(text);
    types_made_.back().number = static_cast<uint32_t>(types_made_.size());
    return &types_made_.back();
  }
  static Type* mutable_type(const Type* type) { return const_cast<Type*>(type); }

  const Type* interned(TypeKind kind, const std::string& text, const std::function<void(Type&)>& fill) {
    const Type*& type = by_text_[text];
    if (type == nullptr) {
      type = new_type(kind, text);
      fill(*mutable_type(type));
    }
    return type;
  }
  const Type* list_of(const Type* item) {
    need("List");
    return interned(TypeKind::kList, "List@<" + item->text + ">",
                    [&](Type& type) { type.of = item, type.order = item->order; });
  }
  const Type* maybe_of(const Type* item) {
    need("Maybe");
    return interned(TypeKind::kMaybe, "Maybe@<" + item->text + ">",
                    [&](Type& type) { type.of = item, type.order = item->order; });
  }
  /// A function type; arguments of a result that is a function are added to its own.
  const Type* function_type(std::vector<const Type*> args, const Type* result) {
    if (result->kind == TypeKind::kFunction) {
      for (const Field& arg : result->fields) args.push_back(arg.type);
      result = result->of;
    }
    std::string text = "(";
    int order = result->order;
    for (const Type* arg : args) {
      if (text.size() > 1) text += ", ";
      text += arg->text;
      order = std::max(order, arg->order);
    }
    text += ") { " + result->text + "; }";
    return interned(TypeKind::kFunction, text, [&](Type& type) {
      for (const Type* arg : args) type.fields.push_back({"", arg});
      type.of = result;
      type.order = order + 1;
    });
  }
  const Type* anonymous_struct(const std::vector<Field>& fields) {
    std::string text = "*(";
    int order = 0;
    for (const Field& field : fields) {
      if (text.size() > 2) text += ", ";
      text += field.type->text + " " + field.name;
      order = std::max(order, field.type->order);
    }
    text += ")";
    return interned(TypeKind::kStruct, text, [&](Type& type) {
      type.fields = fields;
      type.order = order;
      type.anonymous = true;
    });
  }

  const Type* small_type() {
    switch (c_.below(4)) {
      case 0: return bool_;
      case 1: return nat_;
      case 2: return c_.of(declared_);
      default: return with_int_ ? use_int() : nat_;
    }
  }
  const Type* use_int() {
    need("Int");
    return int_;
  }
  const Type* any_type(int max_order = 1) {
    const Type* type = any_type_once(max_order);
    return type->order <= max_order ? type : nat_;
  }
  const Type* any_type_once(int max_order) {
    if (with_int_ && c_.chance(20)) return use_int();
    constexpr std::array<uint32_t, 11> kWeights = {4, 3, 10, 6, 2, 2, 2, 4, 1, 1, 2};
    switch (c_.weighted(kWeights)) {
      case 0: return nat_;
      case 1: return bool_;
      case 2: return c_.of(declared_);
      case 3: return with_int_ ? use_int() : nat_;
      case 4: return list_of(any_type(max_order));
      case 5: return maybe_of(any_type(max_order));
      case 6: return need("Unary"), unary_;
      case 7: return max_order > 0 ? some_function_type(max_order) : nat_;
      case 8: return list_of(letter_);
      case 9: return unit_;
      default:
        if (!rings_.empty() && c_.chance(50)) return c_.of(rings_);
        if (!with_int_) return nat_;
        need("Char");
        return char_;
    }
  }
  const Type* some_function_type(int max_order) {
    std::vector<const Type*> args;
    for (uint32_t count = 1 + c_.below(3); count > 0; --count) args.push_back(any_type(max_order - 1));
    return function_type(std::move(args), any_type(0));
  }

  const Type* substitute(const Type* type, const Binding& binding) {
    switch (type->kind) {
      case TypeKind::kParam: {
        const auto found = binding.find(type);
        return found != binding.end() ? found->second : type;
      }
      case TypeKind::kList: return list_of(substitute(type->of, binding));
      case TypeKind::kMaybe: return maybe_of(substitute(type->of, binding));
      case TypeKind::kFunction: {
        std::vector<const Type*> args;
        for (const Field& arg : type->fields) args.push_back(substitute(arg.type, binding));
        return function_type(std::move(args), substitute(type->of, binding));
      }
      default: return type;
    }
  }
  /// Whether `pattern` becomes `wanted` when type parameters are replaced.
  bool matches(const Type* pattern, const Type* wanted, const std::vector<const Type*>& params, Binding& binding) {
    if (pattern->kind == TypeKind::kParam && std::ranges::find(params, pattern) != params.end()) {
      const auto [at, added] = binding.emplace(pattern, wanted);
      return added || at->second == wanted;
    }
    if (pattern == wanted) return true;
    if (pattern->kind != wanted->kind) return false;
    if (pattern->kind == TypeKind::kList || pattern->kind == TypeKind::kMaybe) {
      return matches(pattern->of, wanted->of, params, binding);
    }
    return false;
  }

  void declare_struct() {
    constexpr std::array<uint32_t, 15> kWeights = {2, 6, 20, 14, 8, 6, 5, 4, 4, 5, 6, 5, 4, 3, 3};
    const uint32_t count = c_.weighted(kWeights);
    const std::string name = fmt::format("S{}@", next_name_++);
    std::vector<Field> fields;
    int order = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const Type* field = count > 4 ? small_type() : any_type();
      fields.push_back({fmt::format("f{}", i), field});
      order = std::max(order, field->order);
    }
    const Type* type = new_type(TypeKind::kStruct, name);
    mutable_type(type)->fields = fields;
    mutable_type(type)->order = order;
    types_ += name + " = *(" + field_list(fields) + ");\n";
    declared_.push_back(type);
  }

  static std::string field_list(const std::vector<Field>& fields) {
    std::string text;
    for (const Field& field : fields) {
      if (!text.empty()) text += ", ";
      text += field.type->text + " " + field.name;
    }
    return text;
  }

  /// One union, or two that refer to each other. The first field is no way into recursion.
  void declare_unions() {
    constexpr std::array<uint32_t, 12> kTags = {2, 3, 1, 4, 5, 8, 9, 16, 17, 32, 33, 40};
    constexpr std::array<uint32_t, 12> kWeights = {20, 25, 3, 10, 6, 3, 3, 3, 3, 2, 2, 2};
    std::vector<const Type*> group;
    for (uint32_t i = c_.chance(15) ? 2 : 1; i > 0; --i) {
      group.push_back(new_type(TypeKind::kUnion, fmt::format("U{}@", next_name_++)));
    }
    std::string text;
    for (const Type* type : group) {
      const uint32_t count = kTags[c_.weighted(kWeights)];
      const uint32_t recursive = c_.chance(40) ? 60 : 0;
      std::vector<Field> fields;
      int order = 0;
      const auto part = [&](bool may_recur) -> const Type* {
        if (may_recur && c_.chance(recursive)) return c_.of(group);
        return c_.chance(50) ? small_type() : any_type();
      };
      for (uint32_t i = 0; i < count; ++i) {
        const Type* field = unit_;
        if (c_.chance(count > 9 ? 15 : 65)) {
          if (c_.chance(40)) {
            std::vector<Field> parts;
            for (uint32_t n = 1 + c_.below(4); n > 0; --n)
              parts.push_back({fmt::format("a{}", parts.size()), part(i > 0)});
            field = anonymous_struct(parts);
          } else {
            field = part(i > 0);
          }
        }
        order = std::max(order, field->order);
        fields.push_back({fmt::format("t{}", i), field});
      }
      mutable_type(type)->fields = fields;
      // Functions of all members count for all.
      for (const Type* member : group) mutable_type(member)->order = std::max(member->order, order);
      text += (text.empty() ? "" : ",\n") + type->text + " = +(" + field_list(fields) + ")";
    }
    types_ += text + ";\n";
    for (const Type* type : group) declared_.push_back(type);
  }

  // -------------------------------------------------------------------------
  // Names, the library, constants

  std::string fresh(const char* prefix) { return fmt::format("{}{}", prefix, next_name_++); }

  static std::string quoted(char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) ? std::string(1, letter) : fmt::format("'{}'", letter);
  }

  void need(std::string_view name) {
    if (!needed_.insert(std::string(name)).second) return;
    for (const LibraryPiece& piece : library_pieces()) {
      if (piece.name != name) continue;
      std::string_view rest = piece.needs;
      while (!rest.empty()) {
        const size_t end = std::min(rest.find(' '), rest.size());
        need(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      imports_ += piece.text;
    }
  }
  /// Defines a constant before everything else, once.
  std::string constant(const std::string& name, const std::string& definition) {
    if (constants_made_.insert(name).second) constants_ += definition + "\n";
    return name;
  }
  std::string nat_constant(uint32_t value) {
    if (value == 0) return "n0";
    std::string digits;
    for (uint32_t rest = value; rest > 0; rest >>= 1) digits += rest & 1 ? '1' : '0';
    return constant(fmt::format("n{}", value), fmt::format("n{} = N|{};", value, digits));
  }
  std::string int_constant(uint64_t magnitude, bool negative) {
    need("Int");
    if (magnitude == 0) return constant("i0", "i0 = /Std/Int%.0;");
    need("IntConst");
    const std::string name = fmt::format("i{}{}", negative ? "m" : "", magnitude);
    if (name == "i10") need("PushInt");
    if (name == "i10") return name;
    return constant(name, negative ? fmt::format("{} = /Std/Int%.Neg(I|{});", name, magnitude)
                                   : fmt::format("{} = I|{};", name, magnitude));
  }
  std::string some_int_constant() {
    constexpr std::array<uint32_t, 4> kWeights = {50, 20, 10, 20};
    uint64_t magnitude = 0;
    switch (c_.weighted(kWeights)) {
      case 0: magnitude = c_.below(12); break;
      case 1: magnitude = c_.below(2000); break;
      case 2: magnitude = uint64_t{1} << c_.below(63); break;
      default: magnitude = (uint64_t{1} << (31 * (1 + c_.below(2)))) + c_.below(5) - 2; break;  // 2^31, 2^62
    }
    return int_constant(magnitude, c_.chance(30));
  }
  std::string unary_constant(uint32_t value) {
    need("Unary");
    const std::string name = fmt::format("u{}", value);
    if (name == "u70") return need("Add"), name;
    return constant(name, fmt::format("{} = Grow({}, Un@(z: Unit));", name, nat_constant(value)));
  }
  std::string list_constant(uint32_t value) {
    need("Down");
    return constant(fmt::format("l{}", value), fmt::format("l{} = Down({});", value, nat_constant(value)));
  }

  // -------------------------------------------------------------------------
  // Cost and scope

  void spend(double cost) { cost_ += cost; }
  double room() const { return limit_ - cost_; }

  struct Scope {
    explicit Scope(Generator& generator)
        : generator(generator), places(generator.places_.size()), functions(generator.functions_.size()) {}
    ~Scope() {
      generator.places_.resize(places);
      generator.functions_.resize(functions);
    }
    Generator& generator;
    size_t places;
    size_t functions;
  };

  /// The body of a function: what it costs is the caller's.
  struct Body {
    Body(Generator& generator, double limit)
        : generator(generator), cost(generator.cost_), limit(generator.limit_), pending(std::move(generator.pending_)) {
      generator.cost_ = 0;
      generator.limit_ = limit;
      generator.pending_ = {};
      ++generator.depth_;
    }
    ~Body() {
      generator.cost_ = cost;
      generator.limit_ = limit;
      generator.pending_ = std::move(pending);
      --generator.depth_;
    }
    Generator& generator;
    double cost;
    double limit;
    Place pending;
  };

  // -------------------------------------------------------------------------
  // Expressions

  std::string expression(const Type* type, int size) {
    if (size <= 0 || room() < 4 || nesting_ > 40) return leaf(type);
    ++nesting_;
    constexpr std::array<uint32_t, 9> kWeights = {12, 16, 14, 24, 10, 8, 5, 3, 3};
    std::string text;
    if (type->kind == TypeKind::kInt && c_.chance(40)) {
      text = int_operation(size);
      --nesting_;
      return text;
    }
    switch (c_.weighted(kWeights)) {
      case 0: break;
      case 1: text = construct(type, size); break;
      case 2: text = select(type, size); break;
      case 3: text = call(type, size); break;
      case 4: text = call_value(type, size); break;
      case 5: text = block(type, size - 1); break;
      case 6: text = access(type, size); break;
      case 7: text = copy(type, size); break;
      default: text = may_fail_ && c_.chance(60) ? risky_access(type, size) : ""; break;
    }
    --nesting_;
    return text.empty() ? leaf(type) : text;
  }

  /// Places of the type, fields of structs among them.
  std::vector<std::string> places_of(const Type* type) {
    std::vector<std::string> found;
    for (auto place = places_.rbegin(); place != places_.rend() && found.size() < 12; ++place) {
      if (place->type == type) found.push_back(place->text);
      if (place->type->kind != TypeKind::kStruct && place->type->kind != TypeKind::kRing) continue;
      for (const Field& field : place->type->fields) {
        if (field.type == type) found.push_back(place->text + "." + field.name);
      }
    }
    return found;
  }

  std::string leaf(const Type* type) {
    if (pending_.type == type && pending_.type != nullptr) {
      pending_.type = nullptr;
      return pending_.text;
    }
    const std::vector<std::string> places = places_of(type);
    if (!places.empty() && (type->kind == TypeKind::kParam || type->kind == TypeKind::kRing || !c_.chance(12))) {
      return c_.of(places);
    }
    return minimal(type);
  }

  /// The simplest value.
  std::string minimal(const Type* type) {
    switch (type->kind) {
      case TypeKind::kUnit: return "Unit";
      case TypeKind::kStruct:
      case TypeKind::kUnion: return build(type, [&](const Type* part) { return minimal(part); }, 0);
      case TypeKind::kFunction: {
        const Scope scope(*this);
        std::string args;
        for (const Field& arg : type->fields) {
          const std::string name = fresh("_a");
          args += (args.empty() ? "" : ", ") + arg.type->text + " " + name;
          if (arg.type->kind == TypeKind::kParam) places_.push_back({name, arg.type});
        }
        return "(" + args + ") { " + minimal(type->of) + "; }";
      }
      case TypeKind::kList: return type->text + "(nil: Unit)";
      case TypeKind::kMaybe: return type->text + "(none: Unit)";
      case TypeKind::kNat: return c_.chance(50) ? nat_constant(c_.below(300)) : "n0";
      case TypeKind::kInt: return some_int_constant();
      case TypeKind::kChar: return need("Char"), "/Std/Char%.Char(" + int_constant(c_.below(300), false) + ")";
      case TypeKind::kUnary: return unary_constant(c_.chance(30) ? 55 + c_.below(12) : c_.below(4));
      case TypeKind::kRing:
      case TypeKind::kParam: return places_of(type).at(0);
    }
    return "";
  }

  /// A struct or a union of the given tag, made of what `part` makes.
  template <typename Part>
  std::string build(const Type* type, Part&& part, uint32_t tag) {
    spend(1);
    if (type->kind == TypeKind::kUnion) {
      const Field& field = type->fields[tag];
      return type->text + "(" + field.name + ": " + part(field.type) + ")";
    }
    const bool named = type->anonymous || (type->fields.size() > 0 && c_.chance(15));
    std::string text = (named ? "@" : type->text) + "(";
    for (size_t i = 0; i < type->fields.size(); ++i) {
      if (i > 0) text += ", ";
      if (named) text += type->fields[i].name + ": ";
      text += part(type->fields[i].type);
    }
    return text + ")";
  }

  std::string construct(const Type* type, int size) {
    switch (type->kind) {
      case TypeKind::kStruct: {
        const int share = size / static_cast<int>(type->fields.size() + 1);
        return build(type, [&](const Type* part) { return expression(part, share); }, 0);
      }
      case TypeKind::kUnion: {
        const uint32_t tag = c_.below(static_cast<uint32_t>(type->fields.size()));
        return build(
            type,
            [&](const Type* part) { return part->anonymous ? construct(part, size - 1) : expression(part, size - 1); },
            tag);
      }
      case TypeKind::kFunction: return closure(type, size);
      case TypeKind::kList: {
        spend(2);
        if (type->of == letter_ && c_.chance(50)) {
          std::string text = "Str|";
          for (uint32_t i = 1 + c_.below(6); i > 0; --i) text += static_cast<char>('a' + c_.below(26));
          return text;
        }
        if (c_.chance(60))
          return type->text + "(cons: @(head: " + expression(type->of, size / 2) +
                 ", tail: " + expression(type, size / 2) + "))";
        std::string text = "L<" + type->of->text + ">[";
        const uint32_t count = c_.below(4);
        for (uint32_t i = 0; i < count; ++i)
          text += (i > 0 ? ", " : "") + expression(type->of, size / static_cast<int>(count + 1));
        return text + "]";
      }
      case TypeKind::kMaybe: return spend(1), type->text + "(some: " + expression(type->of, size - 1) + ")";
      case TypeKind::kNat: return nat_operation(size);
      case TypeKind::kInt: return int_operation(size);
      case TypeKind::kChar: return spend(3), "/Std/Char%.Char(" + expression(int_, size - 1) + ")";
      case TypeKind::kUnary: return spend(1), "Un@(s: " + expression(unary_, size - 1) + ")";
      case TypeKind::kRing: {
        spend(1);
        std::string text = type->text + "(";
        for (size_t i = 0; i < type->fields.size(); ++i) {
          text +=
              (i > 0 ? ", " : "") + expression(type->fields[i].type, size / static_cast<int>(type->fields.size()) - 1);
        }
        return text + ")";
      }
      case TypeKind::kUnit:
      case TypeKind::kParam: return "";
    }
    return "";
  }

  std::string nat_operation(int size) {
    switch (c_.below(6)) {
      case 0: return nat_constant(c_.chance(20) ? c_.below(100000) : c_.below(20));
      case 1: return spend(3), "Inc(" + expression(nat_, size - 1) + ")";
      case 2: return spend(3), "Dec(" + expression(nat_, size - 1) + ")";
      case 3: return spend(2), "Half(" + expression(nat_, size - 1) + ")";
      case 4: return spend(2), "Dbl(" + expression(nat_, size - 1) + ")";
      default:
        if (room() < 40) return "";
        need("Add");
        spend(30);
        return "Add(" + expression(nat_, size / 2) + ", " + expression(nat_, size / 2) + ")";
    }
  }

  std::string int_operation(int size) {
    spend(3);
    const auto one = [&] { return expression(int_, size - 1); };
    const auto two = [&] {
      const std::string first = expression(int_, size / 2);
      return first + ", " + expression(int_, size / 2);
    };
    const auto positive = [&] { return int_constant(1 + c_.below(200), false); };
    // In programs that may fail, some divisors are zero and some shifts negative.
    const auto divisor = [&](uint32_t bound) {
      if (may_fail_ && c_.chance(5)) return int_constant(0, false);
      return int_constant(1 + c_.below(bound), c_.chance(30));
    };
    const auto count = [&](uint32_t bound) {
      if (may_fail_ && c_.chance(5)) return one();
      return int_constant(c_.below(bound), false);
    };
    switch (c_.below(with_bits_ ? 23 : 18)) {
      case 0: return some_int_constant();
      case 1: return "/Std/Int%.Incr(" + one() + ")";
      case 2: return "/Std/Int%.Add(" + two() + ")";
      case 3: return "/Std/Int%.Sub(" + two() + ")";
      case 4: return "/Std/Int%.Neg(" + one() + ")";
      case 5: return "/Std/Int/Sign%.Abs(" + one() + ")";
      case 6: return "/Std/Int%.Mul(" + one() + ", " + positive() + ")";
      case 7:
        return "/Std/Int/Div%.Mod(/Std/Int%.Mul(" + two() + "), " +
               int_constant((uint64_t{1} << (3 + c_.below(59))) - 1, false) + ")";
      case 8: return "/Std/Int/Cmp%.Min(" + two() + ")";
      case 9: return "/Std/Int/Cmp%.Max(" + two() + ")";
      case 10: return "/Std/Int/Div%.Quot(" + one() + ", " + divisor(10) + ")";
      case 11: return "/Std/Int/Div%.Mod(" + one() + ", " + divisor(1000) + ")";
      case 12: return "/Std/Int%.Decr(" + one() + ")";
      case 13: return "/Std/Int%.Mul2(" + one() + ")";
      case 14: return "/Std/Char%.Pos(" + (need("Char"), expression(char_, size - 1)) + ")";
      case 15: return "/Std/Int%.Shr(" + one() + ", " + count(40) + ")";
      case 16: return "/Std/Int%.Shl(" + one() + ", " + int_constant(c_.below(5), false) + ")";
      case 17: return "/Std/Int%.Exp2(/Std/Int/Div%.Mod(" + one() + ", " + int_constant(70, false) + "))";
      case 18: return "/Std/Int/Bits%.And(" + two() + ")";
      case 19: return "/Std/Int/Bits%.Or(" + two() + ")";
      case 20: return "/Std/Int/Bits%.Xor(" + two() + ")";
      case 21: return "/Std/Int/Bits%.Not(" + one() + ")";
      default: return "/Std/Int/Bits%.Length(" + one() + ")";
    }
  }

  std::string condition(int size) {
    const auto compare = [&](const char* name) {
      spend(2);
      const std::string first = expression(int_, size / 2);
      return fmt::format("/Std/Int/Cmp%.{}({}, {})", name, first, expression(int_, size / 2));
    };
    if (with_int_ && c_.chance(60)) {
      need("Int");
      switch (c_.below(with_bits_ ? 9 : 8)) {
        case 0: return compare("Lt");
        case 1: return compare("Le");
        case 2: return compare("Gt");
        case 5: return compare("Ge");
        case 6: {
          spend(2);
          const std::string low = some_int_constant();
          return "/Std/Int/Cmp%.InRange(" + low + ", " + some_int_constant() + ", " + expression(int_, size) + ")";
        }
        case 7: return spend(2), "/Std/Int/Sign%.IsPositive(" + expression(int_, size) + ")";
        case 8:
          return spend(2),
                 "/Std/Int/Bits%.Test(" + expression(int_, size) + ", " + int_constant(c_.below(70), false) + ")";
        case 3: return spend(2), "/Std/Int/Sign%.IsZero(" + expression(int_, size) + ")";
        default: return spend(2), "/Std/Int/Sign%.IsNegative(" + expression(int_, size) + ")";
      }
    }
    need("Odd");
    spend(2);
    return "Odd(" + expression(nat_, size) + ")";
  }

  /// A function value. Arguments may come in two steps, with something done between.
  std::string closure(const Type* type, int size) {
    std::string text;
    {
      const Body body(*this, cap(type));
      text = function_text(type, size);
    }
    spend(2);
    return text;
  }
  /// Within a Body.
  std::string function_text(const Type* type, int size) {
    const Scope scope(*this);
    const size_t count = type->fields.size();
    const size_t first = count > 1 && c_.chance(20) ? 1 + c_.below(static_cast<uint32_t>(count - 1)) : count;
    std::string text = args_text(type, 0, first) + " {\n";
    if (first == count) {
      text += statements(type->of, size);
    } else {
      text += let_statement(size / 3);
      text += args_text(type, first, count) + " {\n" + statements(type->of, size / 2) + "};\n";
    }
    return text + "}";
  }
  std::string args_text(const Type* type, size_t from, size_t to) {
    std::string text = "(";
    for (size_t i = from; i < to; ++i) {
      const std::string name = fresh("a");
      text += (i > from ? ", " : "") + type->fields[i].type->text + " " + name;
      places_.push_back({name, type->fields[i].type});
    }
    return text + ")";
  }

  // Selects

  /// The fields that can be told apart, and how they are called.
  std::vector<Field> alternatives(const Type* type) {
    switch (type->kind) {
      case TypeKind::kUnion: return type->fields;
      case TypeKind::kNat: return {{"z", unit_}, {"e", nat_}, {"o", nat_}};
      case TypeKind::kUnary: return {{"z", unit_}, {"s", unary_}};
      case TypeKind::kMaybe: return {{"none", unit_}, {"some", type->of}};
      case TypeKind::kList: return {{"cons", anonymous_struct({{"head", type->of}, {"tail", type}})}, {"nil", unit_}};
      default: return {};
    }
  }
  /// Something to select on: its text, its type, and whether it is a place.
  Place subject(int size, bool& is_place) {
    std::vector<Place> found;
    for (auto place = places_.rbegin(); place != places_.rend() && found.size() < 6; ++place) {
      if (!alternatives(place->type).empty()) found.push_back(*place);
      if (place->type->kind != TypeKind::kStruct && place->type->kind != TypeKind::kRing) continue;
      for (const Field& field : place->type->fields) {
        if (!alternatives(field.type).empty() && found.size() < 6)
          found.push_back({place->text + "." + field.name, field.type});
      }
    }
    is_place = !found.empty() && !c_.chance(30);
    if (is_place) return c_.of(found);
    if (with_int_ && c_.chance(20)) {
      spend(3);
      if (c_.chance(40)) return {"/Std/Int/Sign%.Sgn(" + expression(int_, size / 3) + ")", sign_};
      const std::string first = expression(int_, size / 6);
      return {"/Std/Int/Cmp%.Cmp(" + first + ", " + expression(int_, size / 6) + ")", compared_};
    }
    if (c_.chance(60)) return {condition(size / 3), bool_};
    const Type* type = c_.of(declared_);
    if (alternatives(type).empty()) type = nat_;
    return {enclosed(expression(type, size / 3)), type};
  }
  /// As the object of an access or select.
  static std::string enclosed(const std::string& text) { return text.starts_with("(") ? "{ " + text + "; }" : text; }

  /// What is known in an alternative.
  void add_alternative(const Place& subject, bool is_place, const Field& field) {
    if (!is_place || field.type == unit_) return;
    const std::string text = subject.text + "." + field.name;
    places_.push_back({text, field.type});
    // The parts of structs that have no name of their own are found by places_of.
  }

  std::string select(const Type* type, int size) {
    bool is_place = false;
    const Place on = subject(size, is_place);
    spend(1);
    const std::vector<Field> fields = alternatives(on.type);
    std::vector<size_t> chosen;
    const bool with_default = fields.size() > 5 || c_.chance(30);
    for (size_t i = 0; i < fields.size(); ++i) {
      if (!with_default || c_.chance(fields.size() > 5 ? 20 : 60)) chosen.push_back(i);
    }
    if (chosen.empty()) chosen.push_back(c_.below(static_cast<uint32_t>(fields.size())));
    const int share = size / static_cast<int>(chosen.size() + 1);
    const double before = cost_;
    double most = before;
    const Place pending = pending_;
    std::string text = on.text + ".?(\n";
    for (const size_t i : chosen) {
      const Scope scope(*this);
      cost_ = before;
      pending_ = pending;
      add_alternative(on, is_place, fields[i]);
      text += fields[i].name + ": " + expression(type, share) + ",\n";
      most = std::max(most, cost_);
    }
    if (with_default) {
      cost_ = before;
      pending_ = pending;
      text += ": " + expression(type, share) + "\n";
      most = std::max(most, cost_);
    } else {
      text.erase(text.size() - 2, 1);
    }
    cost_ = most;
    return text + ")";
  }

  // Calls

  std::vector<uint32_t> count_choices(double most) {
    std::vector<uint32_t> counts;
    for (const uint32_t count : {0, 1, 2, 3, 5, 9, 20, 40, 64, 70, 100, 150, 300, 600, 1000, 2000, 4000, 10000}) {
      if (count <= most) counts.push_back(count);
    }
    return counts;
  }
  std::string counter_value(const Type* type, uint32_t count) {
    switch (type->kind) {
      case TypeKind::kInt: return int_constant(count, false);
      case TypeKind::kUnary: return unary_constant(count);
      case TypeKind::kList: return list_constant(count);
      default: return nat_constant(count);
    }
  }
  /// The most turns that the function may do here.
  double turns(const Function& function, double room) {
    double most = (room - 5) / function.turn_cost;
    if (function.doubling) {
      double depth = 0;
      while (most > 3) most /= 2, ++depth;
      return std::min(depth, 12.0);
    }
    return most;
  }

  std::string call(const Type* type, int size) {
    struct Candidate {
      const Function* function;
      Binding binding;
      size_t given;  ///< arguments; fewer than all for a partial application
    };
    std::vector<Candidate> candidates;
    size_t seen = 0;
    for (auto at = functions_.rbegin(); at != functions_.rend() && candidates.size() < 8 && seen < 40; ++at, ++seen) {
      const Function& function = *at;
      Binding binding;
      if (function.counter >= 0 ? room() > function.turn_cost * 2 + 6 : function.cost < room()) {
        if (matches(function.result, type, function.params, binding)) {
          candidates.push_back({&function, binding, function.args.size()});
          continue;
        }
      }
      // The rest of its type after some arguments.
      if (type->kind != TypeKind::kFunction || function.counter >= 0 || !function.params.empty()) continue;
      if (function.cost > cap(type) || function.args.size() < type->fields.size() || function.result != type->of)
        continue;
      const size_t given = function.args.size() - type->fields.size();
      bool same = true;
      for (size_t i = 0; i < type->fields.size(); ++i) same &= function.args[given + i] == type->fields[i].type;
      if (same) candidates.push_back({&function, {}, given});
    }
    if (candidates.empty()) return "";
    const Candidate chosen = candidates[c_.below(static_cast<uint32_t>(candidates.size()))];
    return call_of(*chosen.function, chosen.binding, chosen.given, size);
  }

  /// The function may go out of `functions_` meanwhile: what is needed is copied.
  std::string call_of(const Function function, Binding binding, size_t given, int size) {
    for (const Type* param : function.params) {
      if (!binding.contains(param)) binding[param] = any_type(0);
      if (function.cheap_type_args && binding[param]->order > 0) return "";
    }
    std::string text = function.name;
    if (!function.params.empty()) {
      for (size_t i = 0; i < function.params.size(); ++i) {
        text += (i == 0 ? "<" : ", ") + binding[function.params[i]]->text;
      }
      text += ">";
    }
    if (given == 0) return text;
    // What the call itself takes is put aside before the arguments are made.
    uint32_t count = 0;
    if (given == function.args.size()) {
      double cost = function.cost;
      if (function.counter >= 0) {
        const std::vector<uint32_t> counts = count_choices(std::min(turns(function, room() * 0.8), 10000.0));
        if (counts.empty()) return "";
        count = counts[counts.size() - 1 - c_.below(static_cast<uint32_t>(std::min<size_t>(counts.size(), 6)))];
        cost = function.turn_cost * (function.doubling ? static_cast<double>(uint64_t{2} << count) : count + 1.0);
      }
      spend(cost + 1);
    } else {
      spend(2);
    }
    text += "(";
    for (size_t i = 0; i < given; ++i) {
      if (i > 0) text += ", ";
      const Type* arg = substitute(function.args[i], binding);
      text += static_cast<int>(i) == function.counter ? counter_value(arg, count)
                                                      : expression(arg, size / static_cast<int>(given + 1));
    }
    return text + ")";
  }

  /// A call of a function value, with all arguments or, if that is wanted, with some.
  std::string call_value(const Type* type, int size) {
    std::vector<Place> candidates;
    std::vector<size_t> counts;
    const auto consider = [&](const std::string& text, const Type* at) {
      if (at->kind != TypeKind::kFunction || candidates.size() >= 6 || cap(at) + 2 > room()) return;
      if (at->of == type) {
        candidates.push_back({text, at});
        counts.push_back(at->fields.size());
      } else if (type->kind == TypeKind::kFunction && at->of == type->of && at->fields.size() > type->fields.size()) {
        const size_t given = at->fields.size() - type->fields.size();
        for (size_t i = 0; i < type->fields.size(); ++i) {
          if (at->fields[given + i].type != type->fields[i].type) return;
        }
        candidates.push_back({text, at});
        counts.push_back(given);
      }
    };
    for (auto place = places_.rbegin(); place != places_.rend(); ++place) {
      consider(place->text, place->type);
      if (place->type->kind != TypeKind::kStruct) continue;
      for (const Field& field : place->type->fields) consider(place->text + "." + field.name, field.type);
    }
    std::string text;
    const Type* function = nullptr;
    size_t given = 0;
    if (!candidates.empty() && !c_.chance(15)) {
      const uint32_t index = c_.below(static_cast<uint32_t>(candidates.size()));
      text = candidates[index].text;
      function = candidates[index].type;
      given = counts[index];
    } else {
      if (room() < 100) return "";
      function = function_type({any_type(0)}, type);
      given = 1;
      text = enclosed(expression(function, size / 2));
      if (cap(function) > room()) return "";
    }
    spend(cap(function) + 1);
    text += "(";
    const bool in_steps = given > 1 && c_.chance(10);
    for (size_t i = 0; i < given; ++i) {
      if (i > 0) text += in_steps ? ")(" : ", ";
      text += expression(function->fields[i].type, size / static_cast<int>(given + 1));
    }
    return text + ")";
  }

  // Access

  std::string access(const Type* type, int size) {
    std::vector<std::pair<const Type*, std::string>> candidates;
    for (const Type* declared : declared_) {
      if (declared->kind != TypeKind::kStruct) continue;
      for (const Field& field : declared->fields) {
        if (field.type == type) candidates.push_back({declared, field.name});
      }
    }
    spend(1);
    if (candidates.empty() || c_.chance(20)) {
      return "@(x: " + expression(type, size - 1) + ", y: " + expression(small_type(), size / 3) + ").x";
    }
    const auto& [object, field] = c_.of(candidates);
    return enclosed(expression(object, size - 1)) + "." + field;
  }

  std::string copy(const Type* type, int size) {
    if (type->kind != TypeKind::kStruct || type->fields.empty()) return "";
    std::string text = enclosed(expression(type, size / 2)) + ".@(";
    const uint32_t from = c_.below(static_cast<uint32_t>(type->fields.size()));
    const uint32_t to = from + 1 + c_.below(static_cast<uint32_t>(type->fields.size()) - from);
    for (uint32_t i = from; i < to; ++i) {
      text += (i > from ? ", " : "") + type->fields[i].name + ": " + expression(type->fields[i].type, size / 3);
    }
    spend(2);
    return text + ")";
  }

  /// Fails unless the tag is the right one.
  std::string risky_access(const Type* type, int size) {
    struct Candidate {
      const Type* object;
      std::string path;
    };
    std::vector<Candidate> candidates;
    for (const Type* declared : declared_) {
      if (declared->kind != TypeKind::kUnion) continue;
      for (const Field& field : declared->fields) {
        if (field.type == type) candidates.push_back({declared, field.name});
        if (!field.type->anonymous) continue;
        for (const Field& part : field.type->fields) {
          if (part.type == type) candidates.push_back({declared, field.name + "." + part.name});
        }
      }
    }
    if (type == nat_) candidates.push_back({nat_, c_.chance(50) ? "o" : "e"});
    if (candidates.empty()) candidates.push_back({list_of(type), "cons.head"});
    const Candidate& chosen = candidates[c_.below(static_cast<uint32_t>(candidates.size()))];
    spend(1);
    return enclosed(expression(chosen.object, size - 1)) + "." + chosen.path;
  }

  // -------------------------------------------------------------------------
  // Statements

  std::string block(const Type* type, int size) {
    const Scope scope(*this);
    return "{\n" + statements(type, size) + "}";
  }

  /// Statements, then an expression of the type; a line or more each.
  std::string statements(const Type* type, int size) {
    const Scope scope(*this);
    std::string text;
    const uint32_t count = size <= 1 ? 0 : c_.below(4);
    const int share = size / static_cast<int>(count + 2);
    double most = 0;
    for (uint32_t i = 0; i < count && room() > 10; ++i) {
      constexpr std::array<uint32_t, 3> kWeights = {70, 22, 8};
      switch (c_.weighted(kWeights)) {
        case 0: text += let_statement(share); break;
        case 1: text += early_return(type, share, most); break;
        default: {
          // A bind: the rest of the block is a function.
          need("Use");
          const Type* bound = any_type();
          spend(6);
          const std::string value = expression(bound, share);
          const std::string name = fresh("b");
          text += bound->text + " " + name + " := Use<" + bound->text + ", " + type->text + ">(" + value + ");\n";
          places_.push_back({name, bound});
          break;
        }
      }
    }
    text += expression(type, share * 2) + ";\n";
    cost_ = std::max(cost_, most);
    return text;
  }

  /// "x.?(a: ...);": the rest of the block is the default.
  std::string early_return(const Type* type, int size, double& most) {
    bool is_place = false;
    const Place on = subject(size, is_place);
    spend(1);
    const std::vector<Field> fields = alternatives(on.type);
    std::vector<size_t> chosen;
    const uint32_t percent = fields.size() > 5 ? 10 : 40;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (c_.chance(percent)) chosen.push_back(i);
    }
    if (chosen.empty()) chosen.push_back(c_.below(static_cast<uint32_t>(fields.size())));
    const double before = cost_;
    const Place pending = pending_;
    std::string text = on.text + ".?(";
    for (const size_t i : chosen) {
      const Scope scope(*this);
      cost_ = before;
      pending_ = pending;
      add_alternative(on, is_place, fields[i]);
      if (i != chosen.front()) text += ",\n";
      text += fields[i].name + ": " + expression(type, size / static_cast<int>(chosen.size()));
      most = std::max(most, cost_);
    }
    cost_ = before;
    pending_ = pending;
    if (chosen.size() + 1 == fields.size()) {
      for (size_t i = 0; i < fields.size(); ++i) {
        if (std::ranges::find(chosen, i) == chosen.end()) add_alternative(on, is_place, fields[i]);
      }
    }
    return text + ");\n";
  }

  std::string let_statement(int size) {
    constexpr std::array<uint32_t, 5> kWeights = {60, 12, 12, 10, 6};
    switch (c_.weighted(kWeights)) {
      case 0: break;
      case 1: return local_function(size);
      case 2:
        if (room() > 60 && depth_ < 5) return group(size, true);
        break;
      case 3: {
        // Fields of a struct.
        std::vector<const Type*> structs;
        for (const Type* type : declared_) {
          if (type->kind == TypeKind::kStruct && !type->fields.empty()) structs.push_back(type);
        }
        if (structs.empty()) break;
        const Type* type = c_.of(structs);
        const std::string value = expression(type, size);
        spend(1);
        std::string text;
        std::vector<Place> bound;
        for (const Field& field : type->fields) {
          if (!text.empty() && c_.chance(50)) continue;
          bound.push_back({fresh("p"), field.type});
          text += (text.empty() ? "" : ", ") + field.type->text + " " + bound.back().text + "(." + field.name + ")";
        }
        for (Place& place : bound) places_.push_back(std::move(place));
        return text + " .= " + value + ";\n";
      }
      default: {
        // Two at once, which do not know of each other.
        const Type* first = any_type();
        const Type* second = any_type();
        const std::string first_value = expression(first, size / 2);
        const std::string second_value = expression(second, size / 2);
        const std::string first_name = fresh("x");
        const std::string second_name = fresh("x");
        places_.push_back({first_name, first});
        places_.push_back({second_name, second});
        return first->text + " " + first_name + " = " + first_value + ", " + second->text + " " + second_name + " = " +
               second_value + ";\n";
      }
    }
    return value_statement(any_type(), size);
  }
  std::string value_statement(const Type* type, int size) {
    const std::string value = expression(type, size);
    const std::string name = fresh("x");
    places_.push_back({name, type});
    return (c_.chance(30) ? "" : type->text + " ") + name + " = " + value + ";\n";
  }

  /// A function that is not recursive.
  std::string local_function(int size) {
    const double limit = std::min(room(), static_cast<double>(std::array{30, 200, 2000}[c_.below(3)]));
    std::vector<const Type*> args;
    for (uint32_t count = 1 + c_.below(4); count > 0; --count) args.push_back(any_type());
    return function_definition({}, args, any_type(), limit, size);
  }
  std::string function_definition(const std::vector<const Type*>& params, const std::vector<const Type*>& args,
                                  const Type* result, double limit, int size) {
    const Type* type = function_type(args, result);
    Function function{fresh("f"), params, {}, type->of};
    for (const Field& arg : type->fields) function.args.push_back(arg.type);
    std::string text = params_text(params) + type->text + " " + function.name + " = " + params_text(params);
    {
      const Body body(*this, limit);
      text += function_text(type, size);
      function.cost = cost_ + 2;
    }
    spend(2);
    text += ";\n";
    function.cheap_type_args = !params.empty();
    functions_.push_back(function);
    if (params.empty() && function.cost <= cap(type)) places_.push_back({function.name, type});
    return text;
  }
  static std::string params_text(const std::vector<const Type*>& params) {
    std::string text;
    for (const Type* param : params) text += (text.empty() ? "<@ " : ", @ ") + param->text;
    return text.empty() ? "" : text + ">";
  }

  // -------------------------------------------------------------------------
  // Recursive functions

  /// A group of functions that call one another, with a counter.
  std::string group(int size, bool local, const std::vector<const Type*>& params = {}) {
    constexpr std::array<uint32_t, 3> kCounts = {65, 22, 13};
    const uint32_t count = params.empty() ? 1 + c_.weighted(kCounts) : 1;
    const bool doubling = count <= 2 && c_.chance(12);
    const Type* counter = nullptr;
    constexpr std::array<uint32_t, 4> kCounters = {40, 20, 20, 20};
    switch (c_.weighted(kCounters)) {
      case 0: counter = nat_; break;
      case 1: counter = with_int_ ? use_int() : nat_; break;
      case 2: need("Unary"), counter = unary_; break;
      default: need("Down"), counter = list_of(nat_); break;
    }
    if (counter == int_) need("IntSign");
    const Type* common = c_.chance(75) ? result_type(params) : nullptr;
    std::vector<Function> members;
    for (uint32_t i = 0; i < count; ++i) {
      Function member{fresh("r"), params, {}, common != nullptr ? common : result_type(params)};
      for (const Type* param : params) member.args.push_back(param);
      for (uint32_t args = c_.below(4); args > 0; --args) {
        member.args.push_back(!params.empty() && c_.chance(40) ? param_type(params) : any_type());
      }
      member.counter = static_cast<int>(c_.below(static_cast<uint32_t>(member.args.size() + 1)));
      member.args.insert(member.args.begin() + member.counter, counter);
      member.doubling = doubling;
      members.push_back(std::move(member));
    }
    double limit = static_cast<double>(std::array{25, 60, 200}[c_.below(3)]);
    if (local) limit = std::min(limit, room() / 2);

    std::string text;
    double turn = 0;
    for (const Function& member : members) {
      const Type* type = function_type(member.args, member.result);
      if (!text.empty()) text += ",\n";
      text += params_text(params) + type->text + " " + member.name + " = " + params_text(params);
      const Body body(*this, limit);
      text += recursive_function(member, members, type, size / static_cast<int>(count));
      turn = std::max(turn, cost_ + 4);
    }
    text += ";\n";
    spend(3);
    for (Function& member : members) {
      member.turn_cost = turn;
      member.cheap_type_args = !params.empty();
      functions_.push_back(member);
    }
    return text;
  }
  const Type* result_type(const std::vector<const Type*>& params) {
    const Type* type = !params.empty() && c_.chance(60) ? param_type(params) : any_type();
    return type->kind == TypeKind::kFunction ? nat_ : type;
  }
  const Type* param_type(const std::vector<const Type*>& params) {
    const Type* param = c_.of(params);
    switch (c_.below(5)) {
      case 0: return param;
      case 1: return list_of(param);
      case 2: return maybe_of(param);
      case 3: return function_type({param}, param);
      default: return function_type({param, any_type(0)}, c_.chance(50) ? param : any_type(0));
    }
  }

  std::string recursive_function(const Function& self, const std::vector<Function>& members, const Type* type,
                                 int size) {
    const Scope scope(*this);
    std::string text = args_text(type, 0, type->fields.size()) + " {\n";
    const std::string counter = places_[places_.size() - type->fields.size() + static_cast<size_t>(self.counter)].text;
    const Type* counter_type = type->fields[static_cast<size_t>(self.counter)].type;
    // The end.
    std::string base = expression(self.result, size / 4);
    std::string less;
    switch (counter_type->kind) {
      case TypeKind::kNat: text += counter + ".?(z: " + base + ");\n", less = "Dec(" + counter + ")"; break;
      case TypeKind::kUnary: text += counter + ".?(z: " + base + ");\n", less = counter + ".s"; break;
      case TypeKind::kInt:
        text += "IsZero(" + counter + ").?(true: " + base + ");\n";
        less = c_.chance(50) ? "/Std/Int%.Decr(" + counter + ")"
                             : "/Std/Int%.Sub(" + counter + ", " + int_constant(1, false) + ")";
        break;
      default:
        text += counter + ".?(nil: " + base + ");\n", less = counter + ".cons.tail";
        places_.push_back({counter + ".cons.head", nat_});
        break;
    }
    if (c_.chance(40)) {
      const std::string name = fresh("m");
      text += counter_type->text + " " + name + " = " + less + ";\n";
      less = name;
    }
    for (uint32_t i = c_.below(3); i > 0 && room() > 10; --i) text += let_statement(size / 4);
    if (self.doubling) {
      for (int i = 0; i < 2; ++i) {
        const Function& other = c_.of(members);
        const std::string name = fresh("y");
        text += other.result->text + " " + name + " = " + recursive_call(other, less, size / 4) + ";\n";
        places_.push_back({name, other.result});
      }
      text += expression(self.result, size / 2) + ";\n";
    } else {
      text += turn_end(self, members, less, size);
    }
    return text + "}";
  }

  std::string recursive_call(const Function& callee, const std::string& less, int size) {
    std::string text = callee.name;
    for (size_t i = 0; i < callee.params.size(); ++i) text += (i == 0 ? "<" : ", ") + callee.params[i]->text;
    if (!callee.params.empty()) text += ">";
    text += "(";
    for (size_t i = 0; i < callee.args.size(); ++i) {
      if (i > 0) text += ", ";
      text += static_cast<int>(i) == callee.counter
                  ? less
                  : expression(callee.args[i], size / static_cast<int>(callee.args.size()));
    }
    return text + ")";
  }

  /// At most one call of a member, in tail position or not. Lines of a block.
  std::string turn_end(const Function& self, const std::vector<Function>& members, const std::string& less, int size) {
    const Function& callee = c_.of(members);
    const bool can_tail = callee.result == self.result;
    constexpr std::array<uint32_t, 4> kWeights = {40, 25, 20, 15};
    switch (can_tail ? c_.weighted(kWeights) : 2 + c_.below(2)) {
      case 0: return recursive_call(callee, less, size) + ";\n";
      case 1: {
        // A choice of ends.
        if (size < 4) return recursive_call(callee, less, size) + ";\n";
        bool is_place = false;
        const Place on = subject(size, is_place);
        const std::vector<Field> fields = alternatives(on.type);
        const double before = cost_;
        double most = before;
        std::string text = on.text + ".?(\n";
        const size_t shown = std::min<size_t>(fields.size(), 3);
        for (size_t i = 0; i < shown; ++i) {
          const Scope scope(*this);
          cost_ = before;
          add_alternative(on, is_place, fields[i]);
          text += fields[i].name + ": {\n" + turn_end(self, members, less, size / 3) + "}";
          text += i + 1 < shown ? ",\n" : "\n";
          most = std::max(most, cost_);
        }
        if (shown < fields.size()) {
          cost_ = before;
          text.back() = ',';
          text += "\n: {\n" + turn_end(self, members, less, size / 3) + "}\n";
          most = std::max(most, cost_);
        }
        cost_ = most + 1;
        return text + ");\n";
      }
      case 2: {
        const std::string name = fresh("y");
        std::string text = callee.result->text + " " + name + " = " + recursive_call(callee, less, size / 2) + ";\n";
        places_.push_back({name, callee.result});
        return text + statements(self.result, size / 2);
      }
      default: {
        // Somewhere within the result.
        pending_ = {recursive_call(callee, less, size / 2), callee.result};
        std::string text = construct(self.result, size / 2);
        if (text.empty()) text = leaf(self.result);
        pending_ = {};
        return text + ";\n";
      }
    }
  }

  // -------------------------------------------------------------------------
  // The top level

  void top_level_definition() {
    constexpr std::array<uint32_t, 8> kWeights = {22, 20, 12, 34, 6, 6, 5, 3};
    const int size = 6 + static_cast<int>(c_.below(20));
    switch (c_.weighted(kWeights)) {
      case 0: declare_unions(); break;
      case 1: declare_struct(); break;
      case 2: body_ += value_statement(any_type(), size); break;
      case 3: {
        const size_t before = functions_.size();
        body_ += group(size, false);
        drive(functions_[before + c_.below(static_cast<uint32_t>(functions_.size() - before))]);
        break;
      }
      case 4: poly_definition(size); break;
      case 5: body_ += monad(size); break;
      case 6: body_ += ring(size); break;
      default:
        if (may_fail_ && c_.chance(40))
          body_ += vacuous();
        else
          body_ += local_function(size);
        break;
    }
    if (c_.chance(40)) library_functions();
  }

  /// A value that comes from many turns of the function.
  void drive(const Function function) {  // of no type parameters
    const double limit = limit_;
    limit_ = cost_ + room() * 0.6;
    Binding binding;
    std::string text = call_of(function, binding, function.args.size(), 4);
    limit_ = limit;
    if (text.empty()) return;
    const std::string name = fresh("d");
    body_ += function.result->text + " " + name + " = " + text + ";\n";
    places_.push_back({name, function.result});
  }

  void poly_definition(int size) {
    std::vector<const Type*> params;
    for (uint32_t count = 1 + c_.below(2); count > 0; --count)
      params.push_back(new_type(TypeKind::kParam, fresh("T") + "@"));
    const size_t before = functions_.size();
    if (c_.chance(60)) {
      body_ += group(size, false, params);
    } else {
      std::vector<const Type*> args = params;
      for (uint32_t count = c_.below(4); count > 0; --count)
        args.push_back(c_.chance(60) ? param_type(params) : any_type());
      const Type* result = c_.chance(70) ? param_type(params) : any_type();
      body_ += function_definition(params, args, result, 200, size);
    }
    const Function function = functions_[before];
    // Used at once, where all its parameters are known.
    Binding binding;
    for (const Type* param : params) binding[param] = any_type(0);
    const double limit = limit_;
    limit_ = cost_ + room() * 0.5;
    const std::string text = call_of(function, binding, function.args.size(), 6);
    limit_ = limit;
    if (text.empty()) return;
    const Type* result = substitute(function.result, binding);
    const std::string name = fresh("d");
    body_ += result->text + " " + name + " = " + text + ";\n";
    places_.push_back({name, result});
  }

  /// Some of the library's higher functions become known.
  void library_functions() {
    const Type* a = new_type(TypeKind::kParam, fresh("?a"));
    const Type* b = new_type(TypeKind::kParam, fresh("?b"));
    const Type* c = new_type(TypeKind::kParam, fresh("?c"));
    const uint32_t which = c_.below(9);
    const auto add = [&](const char* name, std::vector<const Type*> params, std::vector<const Type*> args,
                         const Type* result, double cost) {
      if (needed_.contains(name)) return;
      need(name);
      functions_.push_back({name, std::move(params), std::move(args), result, cost});
    };
    const auto f1 = [&](const Type* x, const Type* y) { return function_type({x}, y); };
    switch (which) {
      case 0: add("Id", {a}, {a}, a, 2); break;
      case 1: add("Compose", {a, b, c}, {f1(b, c), f1(a, b), a}, c, 65); break;
      case 2: add("Flip", {a, b, c}, {function_type({a, b}, c), b, a}, c, 35); break;
      case 3: add("Twice", {a}, {f1(a, a), a}, a, 65); break;
      case 4: add("MapMaybe", {a, b}, {f1(a, b), maybe_of(a)}, maybe_of(b), 35); break;
      case 5: add("GetOr", {a}, {a, maybe_of(a)}, a, 3); break;
      case 6:
        if (needed_.contains("Map")) break;
        add("Map", {a, b}, {nat_, f1(a, b), list_of(a)}, list_of(b), 0);
        functions_.back().counter = 0;
        functions_.back().turn_cost = 40;
        break;
      case 7:
        if (needed_.contains("Fold")) break;
        add("Fold", {a, b}, {nat_, function_type({b, a}, b), b, list_of(a)}, b, 0);
        functions_.back().counter = 0;
        functions_.back().turn_cost = 40;
        break;
      default: break;
    }
    // Type arguments that are functions would make the function values cost more than is counted.
    if (!functions_.empty()) functions_.back().cheap_type_args |= !functions_.back().params.empty() && which != 0;
  }

  /// A monad's dictionary, a loop in it, and its run.
  std::string monad(int size) {
    need("Monad");
    const std::string number = fmt::format("{}", next_name_++);
    const std::string m = "M" + number + "@";
    const std::string dictionary = "m" + number;
    const Type* value = result_type({});
    std::string text;
    const Type* state = nullptr;
    const uint32_t kind = c_.below(3);
    if (kind == 0) {  // state
      state = result_type({});
      text += m + " = <@ A@>(" + state->text + ") { *(A@ v, " + state->text + " s); };\n";
      text += "Monad@<" + m + "> " + dictionary + " = Monad@<" + m + ">(" + m + ",\n";
      text += "<@ A@>(A@ a, " + state->text + " s) { @(v: a, s: s); },\n";
      text += "<@ A@>(" + m + "<A@> x)<@ B@>((A@) { " + m + "<B@>; } f)(" + state->text + " s) {\n";
      text += "*(A@ v, " + state->text + " s) r = x(s);\nf(r.v, r.s);\n});\n";
    } else if (kind == 1) {  // maybe
      need("Maybe");
      text += m + " = <@ A@> { Maybe@<A@>; };\n";
      text += "Monad@<" + m + "> " + dictionary + " = Monad@<" + m + ">(" + m + ",\n";
      text += "<@ A@>(A@ a) { Maybe@<A@>(some: a); },\n";
      text +=
          "<@ A@>(Maybe@<A@> x)<@ B@>((A@) { Maybe@<B@>; } f) { x.?(none: Maybe@<B@>(none: Unit)); f(x.some); });\n";
    } else {  // io
      text += m + " = <@ A@>(Unit@) { A@; };\n";
      text += "Monad@<" + m + "> " + dictionary + " = Monad@<" + m + ">(" + m + ",\n";
      text += "<@ A@>(A@ a, Unit@ _) { a; },\n";
      text += "<@ A@>(" + m + "<A@> x)<@ B@>((A@) { " + m + "<B@>; } f)(Unit@ u) { f(x(u), u); });\n";
    }
    spend(5);
    // The step.
    const std::string step = "s" + number;
    {
      const Scope scope(*this);
      const Body body(*this, 60);
      const std::string arg = fresh("a");
      places_.push_back({arg, value});
      if (kind == 0) {
        const std::string s = fresh("a");
        places_.push_back({s, state});
        text += "(" + value->text + ") { " + m + "<" + value->text + ">; } " + step + " = (" + value->text + " " + arg +
                ", " + state->text + " " + s + ") {\n";
        text += "@(v: " + expression(value, size / 2) + ", s: " + expression(state, size / 2) + ");\n};\n";
      } else if (kind == 1) {
        text += step + " = (" + value->text + " " + arg + ") {\n" + statements(maybe_of(value), size / 2) + "};\n";
      } else {
        text += "(" + value->text + ") { " + m + "<" + value->text + ">; } " + step + " = (" + value->text + " " + arg +
                ", Unit@ _) {\n" + statements(value, size / 2) + "};\n";
      }
    }
    // The loop, for any monad.
    const std::string loop = "r" + number;
    double turn = 0;
    {
      const Scope scope(*this);
      const Body body(*this, 100);
      const std::string m_type = "<<@>@ N@>(Monad@<N@>, (" + value->text + ") { N@<" + value->text + ">; }, Nat@, " +
                                 value->text + ") { N@<" + value->text + ">; }";
      const std::string x = fresh("a");
      const std::string y = fresh("b");
      places_.push_back({x, value});
      text += m_type + "\n" + loop + " = <<@>@ N@>(Monad@<N@> m, (" + value->text + ") { N@<" + value->text +
              ">; } step, Nat@ n, " + value->text + " " + x + ") {\n";
      text += "n.?(z: m.return(" + expression(value, size / 4) + "));\n";
      text += value->text + " " + y + " := m.do(step(" + expression(value, size / 4) + "));\n";
      places_.push_back({y, value});
      if (c_.chance(50)) {
        const std::string z = fresh("b");
        text += value->text + " " + z + " := m.do(" + (c_.chance(50) ? "m.return(" : "step(") +
                expression(value, size / 4) + "));\n";
        places_.push_back({z, value});
      }
      text += loop + "<N@>(m, step, Dec(n), " + expression(value, size / 4) + ");\n};\n";
      turn = cost_ + 160;
    }
    const std::vector<uint32_t> counts = count_choices(std::clamp(room() * 0.5 / turn, 1.0, 3000.0));
    const uint32_t count =
        counts[counts.size() - 1 - c_.below(static_cast<uint32_t>(std::min<size_t>(counts.size(), 4)))];
    spend(turn * count + 5);
    const std::string start = expression(value, size / 4);
    const std::string run =
        loop + "<" + m + ">(" + dictionary + ", " + step + ", " + nat_constant(count) + ", " + start + ")";
    const std::string name = fresh("d");
    const Type* result = value;
    if (kind == 0) {
      result = anonymous_struct({{"v", value}, {"s", state}});
      text += result->text + " " + name + " = " + run + "(" + expression(state, size / 4) + ");\n";
    } else if (kind == 1) {
      result = maybe_of(value);
      text += result->text + " " + name + " = " + run + ";\n";
    } else {
      text += result->text + " " + name + " = " + run + "(Unit);\n";
    }
    places_.push_back({name, result});
    return text;
  }

  /// Data that refers to itself, maybe made in a function, and a walk through it.
  std::string ring(int size) {
    const Type* type = new_type(TypeKind::kRing, fmt::format("C{}@", next_name_++));
    std::vector<Field> fields;
    const uint32_t values = 1 + c_.below(3);
    for (uint32_t i = 0; i < values; ++i) fields.push_back({fmt::format("f{}", i), any_type(0)});
    for (Field& field : fields) {
      if (field.type->kind == TypeKind::kRing) field.type = nat_;
    }
    const bool by_function = c_.chance(25);
    fields.insert(fields.begin() + c_.below(values + 1), {"next", type});
    if (by_function) mutable_type(type)->order = 1;
    mutable_type(type)->fields = fields;
    types_ += type->text + " = *(" + field_list(fields) + ");\n";

    const uint32_t count = 1 + c_.below(3);
    std::string text;
    std::vector<std::string> names;
    for (uint32_t i = 0; i < count; ++i) names.push_back(fresh("c"));
    const auto members = [&](int share) {
      std::string lines;
      for (uint32_t i = 0; i < count; ++i) {
        lines += (i > 0 ? ",\n" : "") + type->text + " " + names[i] + " = " + type->text + "(";
        for (size_t f = 0; f < fields.size(); ++f) {
          lines += (f > 0 ? ", " : "") +
                   (fields[f].type == type ? names[c_.below(count)] : expression(fields[f].type, share));
        }
        lines += ")";
      }
      spend(2 * count);
      return lines + ";\n";
    };
    if (by_function) {
      const Scope scope(*this);
      const Body body(*this, 100);
      const std::string arg = fresh("a");
      text += "(Nat@) { " + type->text + "; } k" + type->text.substr(0, type->text.size() - 1) + " = (Nat@ " + arg +
              ") {\n";
      places_.push_back({arg, nat_});
      text += members(size / 6) + names[0] + ";\n};\n";
    }
    if (by_function) {
      spend(110);
      const std::string maker = "k" + type->text.substr(0, type->text.size() - 1);
      functions_.push_back({maker, {}, {nat_}, type, 110});
      const std::string name = fresh("c");
      text += type->text + " " + name + " = " + maker + "(" + nat_constant(c_.below(50)) + ");\n";
      places_.push_back({name, type});
    } else {
      text += members(size / 4);
      for (const std::string& name : names) places_.push_back({name, type});
    }
    rings_.push_back(type);
    return text;
  }

  std::string vacuous() {
    const Type* type = any_type(0);
    const std::string x = fresh("v");
    const std::string y = fresh("v");
    switch (c_.below(3)) {
      case 0: return type->text + " " + x + " = " + y + ", " + type->text + " " + y + " = " + x + ";\n";
      case 1: return "Bool@ " + x + " = " + y + ".?(true: False, false: True), Bool@ " + y + " = " + x + ";\n";
      default: return "Nat@ " + x + " = Inc(" + x + ");\n";
    }
  }

  // -------------------------------------------------------------------------
  // Showing values

  void show_all() {
    // Some more, made of what there is.
    const size_t extra = 1 + c_.below(3);
    for (size_t i = 0; i < extra; ++i) body_ += value_statement(any_type(0), 6);
    std::string text;
    uint32_t count = 0;
    const std::vector<Place> places = places_;
    for (const Place& place : places) {
      if (place.type->kind == TypeKind::kFunction) continue;
      const std::string show = shower(place.type);
      text += fmt::format("Out@ o{} = {}({}, Push(Str|' ', Out@({}, {})));\n", count + 1, show, place.text,
                          count == 0 ? "Text@(nil: Unit)" : fmt::format("o{}.text", count), nat_constant(160));
      ++count;
    }
    if (!shows_.empty()) body_ += shows_ + ";\n";
    body_ += text + fmt::format("Text@ said = o{}.text;\nsaid;\n", count);
  }

  /// The name of the function that shows values of the type. All are in one group, as
  /// those of recursive types need each other.
  std::string shower(const Type* type) {
    switch (type->kind) {
      case TypeKind::kNat: return "PushNat";
      case TypeKind::kInt: need("PushInt"); return "PushInt";
      default: break;
    }
    const std::string name = fmt::format("Show{}", type->number);
    if (!shown_.insert(type->number).second) return name;
    std::string self;
    const std::string head =
        "(" + type->text + ", Out@) { Out@; } " + name + " = (" + type->text + " x, Out@ o) {\no.left.?(z: o);\n";
    const auto call = [&](const Type* part, const std::string& value, const std::string& out) {
      return shower(part) + "(" + value + ", " + out + ")";
    };
    switch (type->kind) {
      case TypeKind::kUnit: self = head + "_ = x;\nPush(Str|q, o);\n}"; break;
      case TypeKind::kChar: self = head + call(int_, "/Std/Char%.Pos(x)", "Push(Str|c, o)") + ";\n}"; break;
      case TypeKind::kUnary:
        need("PushUnary");
        self = head + "PushUn(x, n0, o);\n}";
        break;
      case TypeKind::kStruct:
      case TypeKind::kRing: {
        std::string out = "Push(Str|s, o)";
        for (const Field& field : type->fields) out = call(field.type, "x." + field.name, out);
        self = head + out + ";\n}";
        break;
      }
      case TypeKind::kMaybe:
      case TypeKind::kUnion: {
        const std::vector<Field> fields = alternatives(type);
        self = head + "x.?(\n";
        for (size_t i = 0; i < fields.size(); ++i) {
          std::string out = fmt::format("Push(Str|t{}, o)", i);
          if (fields[i].type != unit_) out = call(fields[i].type, "x." + fields[i].name, out);
          self += fields[i].name + ": " + out + (i + 1 < fields.size() ? ",\n" : ");\n");
        }
        self += "}";
        break;
      }
      case TypeKind::kList:
        if (type->of == letter_) {
          // Characters as they are.
          self = head + "x.?(nil: Push(Str|'-', o));\n" + name +
                 "(x.cons.tail, Out@(Cons(x.cons.head, o.text), Dec(o.left)));\n}";
          break;
        }
        self = head + "x.?(nil: Push(Str|')', o));\n" + name + "(x.cons.tail, " +
               call(type->of, "x.cons.head", "Push(Str|'(', o)") + ");\n}";
        break;
      case TypeKind::kFunction: {
        // What it does to something simple.
        std::string args;
        bool simple = type->of->kind != TypeKind::kFunction && cap(type) + 20 < room();
        for (const Field& arg : type->fields) {
          if (arg.type->kind == TypeKind::kRing && places_of(arg.type).empty()) simple = false;
        }
        if (!simple) {
          self = head + "_ = x;\nPush(Str|f, o);\n}";
          break;
        }
        spend(cap(type) * 2);
        for (const Field& arg : type->fields) args += (args.empty() ? "" : ", ") + minimal(arg.type);
        self = head + call(type->of, "x(" + args + ")", "Push(Str|f, o)") + ";\n}";
        break;
      }
      default: self = head + "_ = x;\nPush(Str|x, o);\n}"; break;
    }
    shows_ += (shows_.empty() ? "" : ",\n") + self;
    return name;
  }

  /// Indents lines by the brackets that are open.
  static std::string indented(const std::string& text) {
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

  Choices& c_;
  double budget_ = 0;
  bool may_fail_ = false;
  bool with_int_ = false;
  bool with_bits_ = false;

  std::deque<Type> types_made_;
  std::map<std::string, const Type*> by_text_;
  const Type* unit_ = nullptr;
  const Type* nat_ = nullptr;
  const Type* unary_ = nullptr;
  const Type* int_ = nullptr;
  const Type* char_ = nullptr;
  const Type* compared_ = nullptr;
  const Type* sign_ = nullptr;
  const Type* bool_ = nullptr;
  const Type* letter_ = nullptr;
  std::vector<const Type*> declared_;
  std::vector<const Type*> rings_;

  std::string imports_;
  std::string types_;
  std::string constants_;
  std::string body_;
  std::string shows_;
  std::set<std::string> needed_;
  std::set<std::string> constants_made_;
  std::set<uint32_t> shown_;
  uint32_t next_name_ = 1;

  std::vector<Place> places_;
  std::vector<Function> functions_;
  /// A call that is to be used once, where its type is wanted.
  Place pending_{"", nullptr};
  double cost_ = 0;
  double limit_ = 0;
  int depth_ = 0;
  int nesting_ = 0;
};

}  // namespace

GeneratedProgram generate_program(Choices& choices, const ProgramGenOptions& options) {
  return Generator(choices, options).run();
}

std::string with_footer(const std::string& module_text) {
  constexpr std::string_view kEnd = "said;\n";
  std::string text = module_text;
  if (text.ends_with(kEnd)) text.erase(text.size() - kEnd.size());
  return text + std::string(command_footer());
}

}  // namespace fble
