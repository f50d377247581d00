// Blocks, functions, groups of recursive functions, monads, circular data.
//
// Tested by fuzz/tests/program_gen_test.cc.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include "fuzz/gen/generator.h"
#include "fuzz/gen/library.h"

namespace fble::program_gen {

// ---- statements ----------------------------------------------------------------

std::string Generator::block(const Type* type, int size) {
  const Scope scope(*this);
  return "{\n" + statements(type, size) + "}";
}

std::string Generator::statements(const Type* type, int size) {
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

std::string Generator::early_return(const Type* type, int size, double& most) {
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

std::string Generator::let_statement(int size) {
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
      // Two together that do not refer to each other.
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

std::string Generator::value_statement(const Type* type, int size) {
  const std::string value = expression(type, size);
  const std::string name = fresh("x");
  places_.push_back({name, type});
  return (c_.chance(30) ? "" : type->text + " ") + name + " = " + value + ";\n";
}

std::string Generator::local_function(int size) {
  const double limit = std::min(room(), static_cast<double>(std::array{30, 200, 2000}[c_.below(3)]));
  std::vector<const Type*> args;
  for (uint32_t count = 1 + c_.below(4); count > 0; --count) args.push_back(any_type());
  return function_definition({}, args, any_type(), limit, size);
}

std::string Generator::function_definition(const std::vector<const Type*>& params, const std::vector<const Type*>& args,
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

std::string Generator::params_text(const std::vector<const Type*>& params) {
  std::string text;
  for (const Type* param : params) text += (text.empty() ? "<@ " : ", @ ") + param->text;
  return text.empty() ? "" : text + ">";
}

// ---- recursive functions -------------------------------------------------------

std::string Generator::group(int size, bool local, const std::vector<const Type*>& params) {
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

const Type* Generator::result_type(const std::vector<const Type*>& params) {
  const Type* type = !params.empty() && c_.chance(60) ? param_type(params) : any_type();
  return type->kind == TypeKind::kFunction ? nat_ : type;
}

const Type* Generator::param_type(const std::vector<const Type*>& params) {
  const Type* param = c_.of(params);
  switch (c_.below(5)) {
    case 0: return param;
    case 1: return list_of(param);
    case 2: return maybe_of(param);
    case 3: return function_type({param}, param);
    default: return function_type({param, any_type(0)}, c_.chance(50) ? param : any_type(0));
  }
}

std::string Generator::recursive_function(const Function& self, const std::vector<Function>& members, const Type* type,
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

std::string Generator::recursive_call(const Function& callee, const std::string& less, int size) {
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

std::string Generator::turn_end(const Function& self, const std::vector<Function>& members, const std::string& less,
                                int size) {
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

// ---- the top level -------------------------------------------------------------

void Generator::top_level_definition() {
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

void Generator::drive(const Function function) {  // of no type parameters
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

void Generator::poly_definition(int size) {
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
  // Used right here, where all its parameters are known.
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

void Generator::library_functions() {
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
  // Type arguments that are functions would make the function values cost more than the counted cost.
  if (!functions_.empty()) functions_.back().cheap_type_args |= !functions_.back().params.empty() && which != 0;
}

std::string Generator::monad(int size) {
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
    text += "<@ A@>(Maybe@<A@> x)<@ B@>((A@) { Maybe@<B@>; } f) { x.?(none: Maybe@<B@>(none: Unit)); f(x.some); });\n";
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

std::string Generator::ring(int size) {
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
        lines +=
            (f > 0 ? ", " : "") + (fields[f].type == type ? names[c_.below(count)] : expression(fields[f].type, share));
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
    text +=
        "(Nat@) { " + type->text + "; } k" + type->text.substr(0, type->text.size() - 1) + " = (Nat@ " + arg + ") {\n";
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

std::string Generator::vacuous() {
  const Type* type = any_type(0);
  const std::string x = fresh("v");
  const std::string y = fresh("v");
  switch (c_.below(3)) {
    case 0: return type->text + " " + x + " = " + y + ", " + type->text + " " + y + " = " + x + ";\n";
    case 1: return "Bool@ " + x + " = " + y + ".?(true: False, false: True), Bool@ " + y + " = " + x + ";\n";
    default: return "Nat@ " + x + " = Inc(" + x + ");\n";
  }
}

}  // namespace fble::program_gen
