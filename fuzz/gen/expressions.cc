// Expressions of a given type.
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

std::string Generator::expression(const Type* type, int size) {
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

std::vector<std::string> Generator::places_of(const Type* type) {
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

std::string Generator::leaf(const Type* type) {
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

std::string Generator::minimal(const Type* type) {
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

std::string Generator::construct(const Type* type, int size) {
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

std::string Generator::nat_operation(int size) {
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

std::string Generator::int_operation(int size) {
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

std::string Generator::condition(int size) {
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

std::string Generator::closure(const Type* type, int size) {
  std::string text;
  {
    const Body body(*this, cap(type));
    text = function_text(type, size);
  }
  spend(2);
  return text;
}

std::string Generator::function_text(const Type* type, int size) {
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

std::string Generator::args_text(const Type* type, size_t from, size_t to) {
  std::string text = "(";
  for (size_t i = from; i < to; ++i) {
    const std::string name = fresh("a");
    text += (i > from ? ", " : "") + type->fields[i].type->text + " " + name;
    places_.push_back({name, type->fields[i].type});
  }
  return text + ")";
}

std::vector<Field> Generator::alternatives(const Type* type) {
  switch (type->kind) {
    case TypeKind::kUnion: return type->fields;
    case TypeKind::kNat: return {{"z", unit_}, {"e", nat_}, {"o", nat_}};
    case TypeKind::kUnary: return {{"z", unit_}, {"s", unary_}};
    case TypeKind::kMaybe: return {{"none", unit_}, {"some", type->of}};
    case TypeKind::kList: return {{"cons", anonymous_struct({{"head", type->of}, {"tail", type}})}, {"nil", unit_}};
    default: return {};
  }
}

Place Generator::subject(int size, bool& is_place) {
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

void Generator::add_alternative(const Place& subject, bool is_place, const Field& field) {
  if (!is_place || field.type == unit_) return;
  const std::string text = subject.text + "." + field.name;
  places_.push_back({text, field.type});
  // The parts of structs that have no name of their own are found by places_of.
}

std::string Generator::select(const Type* type, int size) {
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

std::vector<uint32_t> Generator::count_choices(double most) {
  std::vector<uint32_t> counts;
  for (const uint32_t count : {0, 1, 2, 3, 5, 9, 20, 40, 64, 70, 100, 150, 300, 600, 1000, 2000, 4000, 10000}) {
    if (count <= most) counts.push_back(count);
  }
  return counts;
}

std::string Generator::counter_value(const Type* type, uint32_t count) {
  switch (type->kind) {
    case TypeKind::kInt: return int_constant(count, false);
    case TypeKind::kUnary: return unary_constant(count);
    case TypeKind::kList: return list_constant(count);
    default: return nat_constant(count);
  }
}

double Generator::turns(const Function& function, double room) {
  double most = (room - 5) / function.turn_cost;
  if (function.doubling) {
    double depth = 0;
    while (most > 3) most /= 2, ++depth;
    return std::min(depth, 12.0);
  }
  return most;
}

std::string Generator::call(const Type* type, int size) {
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

std::string Generator::call_of(const Function function, Binding binding, size_t given, int size) {
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
  // The cost of the call itself is reserved before the arguments are made.
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

std::string Generator::call_value(const Type* type, int size) {
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

std::string Generator::access(const Type* type, int size) {
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

std::string Generator::copy(const Type* type, int size) {
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

std::string Generator::risky_access(const Type* type, int size) {
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

}  // namespace fble::program_gen
