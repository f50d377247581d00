// The generator of programs: types, the scope, and a function for each kind of expression and definition.
// program_gen.cc explains the idea.
//
//   types.cc        types, names, the used parts of the library
//   expressions.cc  expressions of a given type
//   definitions.cc  blocks, functions, groups, monads, circular data
//   deopt_points.cc      deopt-here! comments
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

/// Returns the largest cost of a call of a function value of the type.
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
  // ---- deopt points -----------------------------------------------------------------
  /// Returns the text with some deopt-here! comments. They are chosen last, so that the rest
  /// does not depend on them. A comment has no effect before a part that is no expression or
  /// is not evaluated.
  std::string with_deopt_points(const std::string& text);
  static bool may_precede_expression(TokenKind kind);
  std::string deopt_point_options();

  // ---- types -----------------------------------------------------------------
  const Type* new_type(TypeKind kind, std::string text);
  static Type* mutable_type(const Type* type) { return const_cast<Type*>(type); }
  const Type* interned(TypeKind kind, const std::string& text, const std::function<void(Type&)>& fill);
  const Type* list_of(const Type* item);
  const Type* maybe_of(const Type* item);
  /// Makes a function type. The arguments of a result that is a function are added to its own.
  const Type* function_type(std::vector<const Type*> args, const Type* result);
  const Type* anonymous_struct(const std::vector<Field>& fields);
  const Type* small_type();
  const Type* use_int();
  const Type* any_type(int max_order = 1);
  const Type* any_type_once(int max_order);
  const Type* some_function_type(int max_order);
  const Type* substitute(const Type* type, const Binding& binding);
  /// Returns whether `pattern` becomes `wanted` when type parameters are replaced.
  bool matches(const Type* pattern, const Type* wanted, const std::vector<const Type*>& params, Binding& binding);
  void declare_struct();
  static std::string field_list(const std::vector<Field>& fields);
  /// Declares one union, or two that refer to each other. The first field never leads to recursion.
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
  /// The body of a function. The caller pays its cost.
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
  /// Returns the places of the type, fields of structs among them.
  std::vector<std::string> places_of(const Type* type);
  std::string leaf(const Type* type);
  /// Returns the simplest value.
  std::string minimal(const Type* type);
  /// Makes a struct, or a union of the given tag, from the parts that `part` makes.
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
  /// Makes a function value. It may take its arguments in two steps, with statements between.
  std::string closure(const Type* type, int size);
  /// Makes the text of a function, within a Body.
  std::string function_text(const Type* type, int size);
  std::string args_text(const Type* type, size_t from, size_t to);
  // Selects
  /// Returns the fields that a select can distinguish, with their names.
  std::vector<Field> alternatives(const Type* type);
  /// Makes an expression to select on: its text, its type, and whether it is a place.
  Place subject(int size, bool& is_place);
  /// Returns the text as the object of an access or select.
  static std::string enclosed(const std::string& text) { return text.starts_with("(") ? "{ " + text + "; }" : text; }
  /// Adds the facts that hold in an alternative to the scope.
  void add_alternative(const Place& subject, bool is_place, const Field& field);
  std::string select(const Type* type, int size);
  // Calls
  std::vector<uint32_t> count_choices(double most);
  std::string counter_value(const Type* type, uint32_t count);
  /// Returns the largest number of turns that the function may take here.
  double turns(const Function& function, double room);
  std::string call(const Type* type, int size);
  /// Makes a call. The function may be removed from `functions_` meanwhile, so it is passed by value.
  std::string call_of(const Function function, Binding binding, size_t given, int size);
  /// Makes a call of a function value, with all arguments or, for a function type, with some.
  std::string call_value(const Type* type, int size);
  // Access
  std::string access(const Type* type, int size);
  std::string copy(const Type* type, int size);
  /// Makes an access that fails if the tag is wrong.
  std::string risky_access(const Type* type, int size);

  // ---- statements ------------------------------------------------------------
  std::string block(const Type* type, int size);
  /// Makes statements, then an expression of the type; a line or more each.
  std::string statements(const Type* type, int size);
  /// Makes "x.?(a: ...);": the rest of the block is the default.
  std::string early_return(const Type* type, int size, double& most);
  std::string let_statement(int size);
  std::string value_statement(const Type* type, int size);
  /// Makes a function that is not recursive.
  std::string local_function(int size);
  std::string function_definition(const std::vector<const Type*>& params, const std::vector<const Type*>& args,
                                  const Type* result, double limit, int size);
  static std::string params_text(const std::vector<const Type*>& params);

  // ---- recursive functions ---------------------------------------------------
  /// Makes a group of functions that call one another, with a counter.
  std::string group(int size, bool local, const std::vector<const Type*>& params = {});
  const Type* result_type(const std::vector<const Type*>& params);
  const Type* param_type(const std::vector<const Type*>& params);
  std::string recursive_function(const Function& self, const std::vector<Function>& members, const Type* type,
                                 int size);
  std::string recursive_call(const Function& callee, const std::string& less, int size);
  /// Makes at most one call of a member, in tail position or not. Returns lines of a block.
  std::string turn_end(const Function& self, const std::vector<Function>& members, const std::string& less, int size);

  // ---- the top level ---------------------------------------------------------
  void top_level_definition();
  /// Defines a value that comes from many turns of the function.
  void drive(const Function function);
  void poly_definition(int size);
  /// Adds some of the library's higher-order functions to the scope.
  void library_functions();
  /// Makes a monad's dictionary, a loop in it, and its run.
  std::string monad(int size);
  /// Makes data that refers to itself, maybe inside of a function, and a walk through it.
  std::string ring(int size);
  std::string vacuous();

  // ---- showing values --------------------------------------------------------
  void show_all();
  /// Returns the name of the function that shows values of the type. All of them are
  /// in one group, as those of recursive types need each other.
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
  /// A call to be used once, where an expression of its type is needed.
  Place pending_{"", nullptr};
  double cost_ = 0;
  double limit_ = 0;
  int depth_ = 0;
  int nesting_ = 0;
};

}  // namespace fble::program_gen
