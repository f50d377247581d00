// Struct values (spec 3.2 to 3.5) and union values (spec 4.2 to 4.4).
// Tested by tests/unit/frontends/typecheck_test.cc.
#include <fmt/format.h>

#include <algorithm>

#include "frontends/fble/checker.h"

namespace fble {
namespace {

/// The index of the field with the name, or the number of fields.
uint32_t find_field(const DataType& data, const Name& name) {
  uint32_t i = 0;
  while (i < data.field_count && (data.fields[i].name != name.text || data.fields[i].is_type != name.is_type)) {
    ++i;
  }
  return i;
}

bool is_named(const TypeField& field, const Name& name) {
  return field.name == name.text && field.is_type == name.is_type;
}

std::string field_text(const TypeField& field) { return quote_word(field.name.str()) + (field.is_type ? "@" : ""); }

Type* field_type(Type* form, size_t i) { return static_cast<DataType*>(form)->fields[i].type; }

}  // namespace

/// spec 3.2. `type` is the applied type; `form` is the struct below its parameters.
Checked Checker::check_struct_value(const ApplyExpr& expr, Type* type, DataType* form,
                                    std::vector<TypeBinding>& bindings, std::span<const Checked> args) {
  Args found;
  std::vector<Core*> fields;
  for (size_t i = 0; i < args.size(); ++i) {
    found.types.push_back(args[i].type);
    found.locs.push_back(without_types(expr.args[i])->loc);
    fields.push_back(args[i].core);
  }
  Type* applied =
      apply_to_args(type, form, bindings, form->field_count, found, without_types(expr.func)->loc, field_type);
  if (!applied) return {};
  if (!for_value_) return {applied};
  return {applied, make<CoreStruct>(CoreKind::kStruct, expr.loc, std::move(fields))};
}

/// spec 3.4. Fields are checked from the last to the first.
Checked Checker::check_export(const StructExportExpr& expr) {
  size_t count = expr.args.size();
  std::vector<Checked> args(count);
  bool ok = true;
  for (size_t i = count; i > 0; --i) {
    args[i - 1] = check(expr.args[i - 1].value);
    ok &= args[i - 1].type != nullptr;
  }

  std::vector<TypeField> fields;
  PointerSet seen;
  for (size_t i = 0; i < count; ++i) {
    const Name& name = expr.args[i].name;
    if (args[i]) {
      ok &= check_namespace(name, args[i].type);
      fields.push_back({args[i].type, name.text, name.is_type});
    }
    if (!seen.insert(name_key(name))) {
      error(name.loc, fmt::format("duplicate field name '{}'", name_text(name)));
      ok = false;
    }
  }
  if (!ok) return {};

  Type* type = types_.data_type(expr.loc, true, fields);
  if (!for_value_) return {type};
  std::vector<Core*> values;
  for (const Checked& arg : args) values.push_back(arg.core);
  return {type, make<CoreStruct>(CoreKind::kStruct, expr.loc, std::move(values))};
}

/// spec 3.5. Arguments are checked from the last to the first.
Checked Checker::check_copy(const StructCopyExpr& expr) {
  Checked source = check(expr.source);
  if (!source) return {};
  DataType* data = types_.as_struct(source.type);
  if (!data) {
    error(expr.source->loc,
          fmt::format("expected value of struct type, but found value of type {}", text(source.type)));
    return {};
  }

  size_t count = expr.args.size();
  std::vector<Checked> args(count);
  bool ok = true;
  for (size_t i = count; i > 0; --i) {
    args[i - 1] = check(expr.args[i - 1].value);
    ok &= args[i - 1].type != nullptr;
  }

  std::vector<Core*> fields(data->field_count);
  size_t next = 0;
  for (uint32_t i = 0; i < data->field_count && next < count; ++i) {
    if (!is_named(data->fields[i], expr.args[next].name)) continue;
    const Checked& arg = args[next];
    if (arg && !types_.equal(data->fields[i].type, arg.type)) {
      error(without_types(expr.args[next].value)->loc,
            fmt::format("expected type {}, but found {}", text(data->fields[i].type), text(arg.type)));
      ok = false;
    }
    fields[i] = arg.core;
    ++next;
  }
  if (next < count) {
    const Name& name = expr.args[next].name;
    error(name.loc, fmt::format("expected next field in struct, but found '{}'", name_text(name)));
    ok = false;
  }
  if (!ok) return {};
  if (!for_value_) return {data};
  return {data, make<CoreStructCopy>(CoreKind::kStructCopy, expr.loc, source.core, std::move(fields))};
}

/// spec 3.3, 4.3
Checked Checker::check_access(const DataAccessExpr& expr) {
  Checked object = check(expr.object);
  if (!object) return {};
  Type* form = types_.normal(object.type);
  if (!form || (form->kind != TypeKind::kStruct && form->kind != TypeKind::kUnion)) {
    error(expr.object->loc,
          fmt::format("expected value of type struct or union, but found value of type {}", text(object.type)));
    return {};
  }

  DataType* data = static_cast<DataType*>(form);
  uint32_t i = find_field(*data, expr.field);
  if (i == data->field_count) {
    error(expr.field.loc, fmt::format("'{}' is not a field of type {}", name_text(expr.field), text(object.type)));
    return {};
  }
  Type* type = data->fields[i].type;
  if (!for_value_) return {type};
  if (data->kind == TypeKind::kStruct) {
    return {type, make<CoreStructAccess>(CoreKind::kStructAccess, expr.field.loc, object.core, i, data->field_count)};
  }
  return {type, make<CoreUnionAccess>(CoreKind::kUnionAccess, expr.field.loc, object.core, i, data->field_count)};
}

/// spec 4.2
Checked Checker::check_union_value(const UnionValueExpr& expr) {
  Type* type = check_type(expr.type);
  if (!type) return {};
  std::vector<TypeBinding> bindings;
  Type* form = strip_params(types_, type, bindings);
  if (!form || form->kind != TypeKind::kUnion) {
    error(expr.type->loc, fmt::format("expected a union type, but found {}", text(type)));
    return {};
  }
  DataType* data = static_cast<DataType*>(form);
  uint32_t tag = find_field(*data, expr.field);
  if (tag == data->field_count) {
    error(expr.field.loc, fmt::format("'{}' is not a field of type {}", name_text(expr.field), text(type)));
    return {};
  }
  Checked arg = check(expr.arg);
  if (!arg) return {};

  Args found{{arg.type}, {without_types(expr.arg)->loc}};
  Type* applied = apply_to_args(type, form, bindings, 1, found, expr.loc,
                                [tag](Type* union_form, size_t) { return field_type(union_form, tag); });
  if (!applied) return {};
  if (!for_value_) return {applied};
  return {applied, make<CoreUnion>(CoreKind::kUnion, expr.loc, tag, data->field_count, arg.core)};
}

/// spec 4.4
Checked Checker::check_select(const UnionSelectExpr& expr) {
  Checked condition = check(expr.condition);
  if (!condition) return {};
  DataType* data = types_.as_union(condition.type);
  if (!data) {
    error(expr.condition->loc,
          fmt::format("expected value of union type, but found value of type {}", text(condition.type)));
    return {};
  }

  bool ok = true;
  Checked default_choice;
  const size_t first_default_mark = marks_.size();
  if (expr.default_choice) {
    default_choice = check(expr.default_choice);
    ok = default_choice.type != nullptr;
  }
  const size_t last_default_mark = marks_.size();
  Type* type = default_choice.type;

  std::vector<CoreChoice> choices;
  size_t next = 0;
  for (uint32_t tag = 0; tag < data->field_count; ++tag) {
    const TypeField& field = data->fields[tag];
    if (next < expr.choices.size() && is_named(field, expr.choices[next].name)) {
      const NamedExpr& choice = expr.choices[next++];
      Checked body = check(choice.value);
      ok &= body.type != nullptr;
      if (!type) {
        type = body.type;
      } else if (body && !types_.equal(type, body.type)) {
        error(choice.value->loc, fmt::format("expected type {}, but found {}", text(type), text(body.type)));
        ok = false;
      }
      if (ok && for_value_) choices.push_back({tag, choice.name.text, body.core});
    } else if (!expr.default_choice) {
      ok = false;
      if (next < expr.choices.size()) {
        const Name& name = expr.choices[next].name;
        error(name.loc, fmt::format("expected tag '{}', but found '{}'", field_text(field), name_text(name)));
      } else {
        error(expr.loc, fmt::format("tag '{}' missing from union select", field_text(field)));
      }
    }
  }
  if (next < expr.choices.size()) {
    const Name& name = expr.choices[next].name;
    error(name.loc, fmt::format("illegal use of tag '{}' in union select", name_text(name)));
    ok = false;
  }
  if (!ok) return {};
  if (!for_value_) return {type};
  const bool is_complete = next == data->field_count;
  if (is_complete) drop_marks(first_default_mark, last_default_mark);
  Core* otherwise = is_complete ? nullptr : default_choice.core;
  return {type, make<CoreUnionSelect>(CoreKind::kUnionSelect, expr.loc, condition.core, data->field_count,
                                      std::move(choices), otherwise)};
}

}  // namespace fble
