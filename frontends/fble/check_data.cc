// Struct values (spec 3.2 to 3.5) and union values (spec 4.2 to 4.4).
// Tested by tests/unit/frontends/fble/typecheck_test.cc.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "frontends/fble/checker.h"

namespace fble {
namespace {

std::string field_text(const TypeField& field) { return quote_word(field.name.str()) + (field.is_type ? "@" : ""); }

Type* field_type(Type* form, size_t i) { return static_cast<DataType*>(form)->fields[i].type; }

/// Fields of smaller types are compared one by one.
constexpr uint32_t kFewFields = 32;

}  // namespace

/// Returns the index of the field with the name, from index `from` on; the number of fields if there is none.
uint32_t Checker::find_field(const DataType& data, const Name& name, uint32_t from) {
  if (data.field_count <= kFewFields) {
    uint32_t i = from;
    while (i < data.field_count && (data.fields[i].name != name.text || data.fields[i].is_type != name.is_type)) ++i;
    return i;
  }
  PointerMap<uint32_t>& fields = field_indices_[&data];
  if (fields.size() == 0) {
    for (uint32_t i = 0; i < data.field_count; ++i)
      fields[name_key({data.fields[i].name, data.fields[i].is_type, {}})] = i;
  }
  const uint32_t* i = fields.find(name_key(name));
  return i != nullptr && *i >= from ? *i : data.field_count;
}

/// Checks a struct value (spec 3.2). `type` is the applied type; `form` is the struct below its parameters.
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
  if (!for_value_) return {applied};
  return {applied, make<CoreStruct>(CoreKind::kStruct, expr.loc, std::move(fields))};
}

/// Checks a struct export (spec 3.4). Fields are checked from the last to the first.
Checked Checker::check_export(const StructExportExpr& expr) {
  size_t count = expr.args.size();
  std::vector<Checked> args(count);
  for (size_t i = count; i > 0; --i) args[i - 1] = check(expr.args[i - 1].value);

  bool ok = true;
  std::vector<TypeField> fields;
  PointerSet seen;
  for (size_t i = 0; i < count; ++i) {
    const Name& name = expr.args[i].name;
    if (!check_namespace(name, args[i].type)) args[i].type = types_.error_type();
    fields.push_back({args[i].type, name.text, name.is_type});
    if (!seen.insert(name_key(name))) {
      error(name.loc, fmt::format("duplicate field name '{}'", name_text(name)));
      ok = false;
    }
  }
  if (!ok) return failed();

  Type* type = types_.data_type(expr.loc, true, fields);
  if (!for_value_) return {type};
  std::vector<Core*> values;
  for (const Checked& arg : args) values.push_back(arg.core);
  return {type, make<CoreStruct>(CoreKind::kStruct, expr.loc, std::move(values))};
}

/// Checks a struct copy (spec 3.5). Arguments are checked from the last to the first.
Checked Checker::check_copy(const StructCopyExpr& expr) {
  Checked source = check(expr.source);
  DataType* data = types_.as_struct(source.type);
  if (!data && !types_.is_error(source.type)) {
    error(expr.source->loc,
          fmt::format("expected value of struct type, but found value of type {}", text(source.type)));
  }

  size_t count = expr.args.size();
  std::vector<Checked> args(count);
  for (size_t i = count; i > 0; --i) args[i - 1] = check(expr.args[i - 1].value);
  if (!data) return failed();

  std::vector<Core*> fields(data->field_count);
  uint32_t from = 0;
  for (size_t i = 0; i < count; ++i) {
    const Name& name = expr.args[i].name;
    const Checked& arg = args[i];
    const uint32_t field = find_field(*data, name, from);
    if (field == data->field_count) {
      error(name.loc, fmt::format("expected next field in struct, but found '{}'", name_text(name)));
      continue;
    }
    if (differ(data->fields[field].type, arg.type)) {
      error(without_types(expr.args[i].value)->loc,
            fmt::format("expected type {}, but found {}", text(data->fields[field].type), text(arg.type)));
    }
    fields[field] = arg.core;
    from = field + 1;
  }
  if (!for_value_) return {data};
  return {data, make<CoreStructCopy>(CoreKind::kStructCopy, expr.loc, source.core, std::move(fields))};
}

/// Checks an access to a struct or union (spec 3.3, 4.3).
Checked Checker::check_access(const DataAccessExpr& expr) {
  Checked object = check(expr.object);
  Type* form = types_.normal(object.type);
  if (!form || (form->kind != TypeKind::kStruct && form->kind != TypeKind::kUnion)) {
    if (!types_.is_error(object.type)) {
      error(expr.object->loc,
            fmt::format("expected value of type struct or union, but found value of type {}", text(object.type)));
    }
    return failed();
  }

  DataType* data = static_cast<DataType*>(form);
  uint32_t i = find_field(*data, expr.field);
  if (i == data->field_count) {
    error(expr.field.loc, fmt::format("'{}' is not a field of type {}", name_text(expr.field), text(object.type)));
    return failed();
  }
  Type* type = data->fields[i].type;
  if (!for_value_) return {type};
  if (data->kind == TypeKind::kStruct) {
    return {type, make<CoreStructAccess>(CoreKind::kStructAccess, expr.field.loc, object.core, i, data->field_count)};
  }
  return {type, make<CoreUnionAccess>(CoreKind::kUnionAccess, expr.field.loc, object.core, i, data->field_count)};
}

/// Checks a union value (spec 4.2).
Checked Checker::check_union_value(const UnionValueExpr& expr) {
  Type* type = check_type(expr.type);
  std::vector<TypeBinding> bindings;
  Type* form = strip_params(types_, type, bindings);
  DataType* data = form && form->kind == TypeKind::kUnion ? static_cast<DataType*>(form) : nullptr;
  uint32_t tag = 0;
  bool has_tag = false;
  if (data) {
    tag = find_field(*data, expr.field);
    has_tag = tag < data->field_count;
    if (!has_tag) {
      error(expr.field.loc, fmt::format("'{}' is not a field of type {}", name_text(expr.field), text(type)));
    }
  } else if (!types_.is_error(type)) {
    error(expr.type->loc, fmt::format("expected a union type, but found {}", text(type)));
  }
  Checked arg = check(expr.arg);
  if (!has_tag) return failed();

  Args found{{arg.type}, {without_types(expr.arg)->loc}};
  Type* applied = apply_to_args(type, form, bindings, 1, found, expr.loc,
                                [tag](Type* union_form, size_t) { return field_type(union_form, tag); });
  if (!for_value_) return {applied};
  return {applied, make<CoreUnion>(CoreKind::kUnion, expr.loc, tag, data->field_count, arg.core)};
}

/// Checks a select (spec 4.4).
Checked Checker::check_select(const UnionSelectExpr& expr) {
  Checked condition = check(expr.condition);
  DataType* data = types_.as_union(condition.type);
  if (!data && !types_.is_error(condition.type)) {
    error(expr.condition->loc,
          fmt::format("expected value of union type, but found value of type {}", text(condition.type)));
  }

  // The type of the select: that of the first branch whose type is known.
  Type* type = types_.error_type();
  bool same = true;
  const auto check_choice = [&](const Expr* choice) {
    Checked body = check(choice);
    if (type == types_.error_type()) {
      type = body.type;
    } else if (differ(type, body.type)) {
      error(choice->loc, fmt::format("expected type {}, but found {}", text(type), text(body.type)));
      same = false;
    }
    return body;
  };

  Checked default_choice{};
  const size_t first_default_deopt_point = deopt_points_.size();
  if (expr.default_choice) default_choice = check_choice(expr.default_choice);
  const size_t last_default_deopt_point = deopt_points_.size();

  // Each name that is out of place and each missing tag is reported once, but
  // no tag that has a wrong name in its place.
  std::vector<CoreChoice> choices;
  const uint32_t tag_count = data ? data->field_count : 0;
  uint32_t tag = 0;      // the first tag that the next choice may be for
  bool excused = false;  // the tag has a wrong name
  PointerSet missing;
  const auto miss = [&](uint32_t missed) {
    const TypeField& field = data->fields[missed];
    missing.insert(name_key({field.name, field.is_type, {}}));
  };
  for (const NamedExpr& choice : expr.choices) {
    const Name& name = choice.name;
    const uint32_t place = data ? find_field(*data, name, tag) : 0;
    if (place < tag_count) {
      if (!expr.default_choice && place > tag) {
        if (!excused || place > tag + 1) {
          const uint32_t first = tag + excused;
          error(name.loc,
                fmt::format("expected tag '{}', but found '{}'", field_text(data->fields[first]), name_text(name)));
        }
        for (; tag < place; ++tag) miss(tag);
      }
      tag = place + 1;
      excused = false;
    } else if (data && !expr.default_choice && tag < tag_count) {
      error(name.loc, fmt::format("expected tag '{}', but found '{}'", field_text(data->fields[tag]), name_text(name)));
      miss(tag);
      excused = true;
    } else if (data && missing.insert(name_key(name))) {
      error(name.loc, fmt::format("illegal use of tag '{}' in union select", name_text(name)));
    }
    Checked body = check_choice(choice.value);
    if (for_value_) choices.push_back({place, name.text, body.core});
  }
  for (; !expr.default_choice && tag < tag_count; ++tag) {
    if (!std::exchange(excused, false)) {
      error(expr.loc, fmt::format("tag '{}' missing from union select", field_text(data->fields[tag])));
    }
  }

  if (!same) return failed();
  if (!for_value_) return {type};
  if (!data) return {type, failed().core};
  const bool is_complete = choices.size() == tag_count;
  if (is_complete) drop_deopt_points(first_default_deopt_point, last_default_deopt_point);
  Core* otherwise = is_complete ? nullptr : default_choice.core;
  return {type, make<CoreUnionSelect>(CoreKind::kUnionSelect, expr.loc, condition.core, tag_count, std::move(choices),
                                      otherwise)};
}

}  // namespace fble
