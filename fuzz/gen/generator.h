// What makes programs: types, what is in scope, and a function for each kind of expression and definition.
// The idea is in program_gen.cc.
//
//   types.cc        types, names, what is used of the library
//   expressions.cc  expressions of a type that is wanted
//   definitions.cc  blocks, functions, groups, monads, circular data
//   marks.cc        deopt-here! comments
//   program_gen.cc  all together, and the text that shows the values
//
// Tested by fuzz/tests/program_gen_test.cc.
#pragma once

#include <fmt/format.h>

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/fble/lexer.h"
#include "fuzz/gen/choices.h"
#include "fuzz/gen/program_gen.h"

namespace fble::program_gen {

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
inline double cap(const Type* type) {
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
  Generator(Choices& choices, const ProgramGenOptions& options);
  GeneratedProgram run();

 private:
  // ---- marks -----------------------------------------------------------------
  /// The text with some deopt-here! comments. They are chosen last, so that all else does not
  /// depend on them. Those in front of what is no expression, or is not evaluated, do nothing.
  std::string with_marks(const std::string& text);
  static bool may_precede_expression(TokenKind kind);
  std::string mark_options();

  // ---- types -----------------------------------------------------------------
  const Type* new_type(TypeKind kind, std::string text);
  static Type* mutable_type(const Type* type) { return const_cast<Type*>(type); }
  const Type* interned(TypeKind kind, const std::string& text, const std::function<void(Type&)>& fill);
  const Type* list_of(const Type* item);
  const Type* maybe_of(const Type* item);
  /// A function type; arguments of a result that is a function are added to its own.
  const Type* function_type(std::vector<const Type*> args, const Type* result);
  const Type* anonymous_struct(const std::vector<Field>& fields);
  const Type* small_type();
  const Type* use_int();
  const Type* any_type(int max_order = 1);
  const Type* any_type_once(int max_order);
  const Type* some_function_type(int max_order);
  const Type* substitute(const Type* type, const Binding& binding);
  /// Whether `pattern` becomes `wanted` when type parameters are replaced.
  bool matches(const Type* pattern, const Type* wanted, const std::vector<const Type*>& params, Binding& binding);
  void declare_struct();
  static std::string field_list(const std::vector<Field>& fields);
  /// One union, or two that refer to each other. The first field is no way into recursion.
  void declare_unions();

  // ---- names, the library, constants -----------------------------------------
  std::string fresh(const char* prefix) { return fmt::format("{}{}", prefix, next_name_++); }
  static std::string quoted(char letter);
  void need(std::string_view name);
  /// Defines a constant before everything else, once.
  std::string constant(const std::string& name, const std::string& definition);
  std::string nat_constant(uint32_t value);
  std::string int_constant(uint64_t magnitude, bool negative);
  std::string some_int_constant();
  std::string unary_constant(uint32_t value);
  std::string list_constant(uint32_t value);

  // ---- cost and scope --------------------------------------------------------
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

  // ---- expressions -----------------------------------------------------------
  std::string expression(const Type* type, int size);
  /// Places of the type, fields of structs among them.
  std::vector<std::string> places_of(const Type* type);
  std::string leaf(const Type* type);
  /// The simplest value.
  std::string minimal(const Type* type);
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
  std::string construct(const Type* type, int size);
  std::string nat_operation(int size);
  std::string int_operation(int size);
  std::string condition(int size);
  /// A function value. Arguments may come in two steps, with something done between.
  std::string closure(const Type* type, int size);
  /// Within a Body.
  std::string function_text(const Type* type, int size);
  std::string args_text(const Type* type, size_t from, size_t to);
  // Selects
  /// The fields that can be told apart, and how they are called.
  std::vector<Field> alternatives(const Type* type);
  /// Something to select on: its text, its type, and whether it is a place.
  Place subject(int size, bool& is_place);
  /// As the object of an access or select.
  static std::string enclosed(const std::string& text) { return text.starts_with("(") ? "{ " + text + "; }" : text; }
  /// What is known in an alternative.
  void add_alternative(const Place& subject, bool is_place, const Field& field);
  std::string select(const Type* type, int size);
  // Calls
  std::vector<uint32_t> count_choices(double most);
  std::string counter_value(const Type* type, uint32_t count);
  /// The most turns that the function may do here.
  double turns(const Function& function, double room);
  std::string call(const Type* type, int size);
  /// The function may go out of `functions_` meanwhile: what is needed is copied.
  std::string call_of(const Function function, Binding binding, size_t given, int size);
  /// A call of a function value, with all arguments or, if that is wanted, with some.
  std::string call_value(const Type* type, int size);
  // Access
  std::string access(const Type* type, int size);
  std::string copy(const Type* type, int size);
  /// Fails unless the tag is the right one.
  std::string risky_access(const Type* type, int size);

  // ---- statements ------------------------------------------------------------
  std::string block(const Type* type, int size);
  /// Statements, then an expression of the type; a line or more each.
  std::string statements(const Type* type, int size);
  /// "x.?(a: ...);": the rest of the block is the default.
  std::string early_return(const Type* type, int size, double& most);
  std::string let_statement(int size);
  std::string value_statement(const Type* type, int size);
  /// A function that is not recursive.
  std::string local_function(int size);
  std::string function_definition(const std::vector<const Type*>& params, const std::vector<const Type*>& args,
                                  const Type* result, double limit, int size);
  static std::string params_text(const std::vector<const Type*>& params);

  // ---- recursive functions ---------------------------------------------------
  /// A group of functions that call one another, with a counter.
  std::string group(int size, bool local, const std::vector<const Type*>& params = {});
  const Type* result_type(const std::vector<const Type*>& params);
  const Type* param_type(const std::vector<const Type*>& params);
  std::string recursive_function(const Function& self, const std::vector<Function>& members, const Type* type,
                                 int size);
  std::string recursive_call(const Function& callee, const std::string& less, int size);
  /// At most one call of a member, in tail position or not. Lines of a block.
  std::string turn_end(const Function& self, const std::vector<Function>& members, const std::string& less, int size);

  // ---- the top level ---------------------------------------------------------
  void top_level_definition();
  /// A value that comes from many turns of the function.
  void drive(const Function function);
  void poly_definition(int size);
  /// Some of the library's higher functions become known.
  void library_functions();
  /// A monad's dictionary, a loop in it, and its run.
  std::string monad(int size);
  /// Data that refers to itself, maybe made in a function, and a walk through it.
  std::string ring(int size);
  std::string vacuous();

  // ---- showing values --------------------------------------------------------
  void show_all();
  /// The name of the function that shows values of the type. All are in one group, as
  /// those of recursive types need each other.
  std::string shower(const Type* type);
  /// `out` after the letters of `text`.
  static std::string say(std::string_view text, std::string out);
  /// Indents lines by the brackets that are open.
  static std::string indented(const std::string& text);

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
  bool shown_unary_ = false;
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

}  // namespace fble::program_gen
