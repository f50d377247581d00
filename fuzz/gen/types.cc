// Types of generated programs, names, and the used parts of the library.
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

// ---- types ---------------------------------------------------------------------

const Type* Generator::new_type(TypeKind kind, std::string text) {
  types_made_.emplace_back();
  types_made_.back().kind = kind;
  types_made_.back().text = std::move(text);
  types_made_.back().number = static_cast<uint32_t>(types_made_.size());
  return &types_made_.back();
}

const Type* Generator::interned(TypeKind kind, const std::string& text, const std::function<void(Type&)>& fill) {
  const Type*& type = by_text_[text];
  if (type == nullptr) {
    type = new_type(kind, text);
    fill(*mutable_type(type));
  }
  return type;
}

const Type* Generator::list_of(const Type* item) {
  need("List");
  return interned(TypeKind::kList, "List@<" + item->text + ">",
                  [&](Type& type) { type.of = item, type.order = item->order; });
}

const Type* Generator::maybe_of(const Type* item) {
  need("Maybe");
  return interned(TypeKind::kMaybe, "Maybe@<" + item->text + ">",
                  [&](Type& type) { type.of = item, type.order = item->order; });
}

const Type* Generator::function_type(std::vector<const Type*> args, const Type* result) {
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

const Type* Generator::anonymous_struct(const std::vector<Field>& fields) {
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

const Type* Generator::small_type() {
  switch (c_.below(4)) {
    case 0: return bool_;
    case 1: return nat_;
    case 2: return c_.of(declared_);
    default: return with_int_ ? use_int() : nat_;
  }
}

const Type* Generator::use_int() {
  need("Int");
  return int_;
}

const Type* Generator::any_type(int max_order) {
  const Type* type = any_type_once(max_order);
  return type->order <= max_order ? type : nat_;
}

const Type* Generator::any_type_once(int max_order) {
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

const Type* Generator::some_function_type(int max_order) {
  std::vector<const Type*> args;
  for (uint32_t count = 1 + c_.below(3); count > 0; --count) args.push_back(any_type(max_order - 1));
  return function_type(std::move(args), any_type(0));
}

const Type* Generator::substitute(const Type* type, const Binding& binding) {
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

bool Generator::matches(const Type* pattern, const Type* wanted, const std::vector<const Type*>& params,
                        Binding& binding) {
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

void Generator::declare_struct() {
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

std::string Generator::field_list(const std::vector<Field>& fields) {
  std::string text;
  for (const Field& field : fields) {
    if (!text.empty()) text += ", ";
    text += field.type->text + " " + field.name;
  }
  return text;
}

void Generator::declare_unions() {
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

// ---- names, the library, constants ---------------------------------------------

std::string Generator::quoted(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) ? std::string(1, letter) : fmt::format("'{}'", letter);
}

void Generator::need(std::string_view name) {
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

std::string Generator::constant(const std::string& name, const std::string& definition) {
  if (constants_made_.insert(name).second) constants_ += definition + "\n";
  return name;
}

std::string Generator::nat_constant(uint32_t value) {
  if (value == 0) return "n0";
  std::string text;
  std::string end;
  for (uint32_t rest = value; rest > 0; rest >>= 1) {
    text += rest & 1 ? "Nat@(o: " : "Nat@(e: ";
    end += ')';
  }
  return constant(fmt::format("n{}", value), fmt::format("n{} = {}n0{};", value, text, end));
}

std::string Generator::int_constant(uint64_t magnitude, bool negative) {
  need("Int");
  if (magnitude == 0) return constant("i0", "i0 = /Std/Int%.0;");
  need("IntConst");
  const std::string name = fmt::format("i{}{}", negative ? "m" : "", magnitude);
  return constant(name, negative ? fmt::format("{} = /Std/Int%.Neg(I|{});", name, magnitude)
                                 : fmt::format("{} = I|{};", name, magnitude));
}

std::string Generator::some_int_constant() {
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

std::string Generator::unary_constant(uint32_t value) {
  need("Unary");
  const std::string name = fmt::format("u{}", value);
  return constant(name, fmt::format("{} = Grow({}, Un@(z: Unit));", name, nat_constant(value)));
}

std::string Generator::list_constant(uint32_t value) {
  need("Down");
  return constant(fmt::format("l{}", value), fmt::format("l{} = Down({});", value, nat_constant(value)));
}

}  // namespace fble::program_gen
