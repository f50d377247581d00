// Tested by tests/unit/frontends/fble/typecheck_test.cc.
#include "frontends/fble/typecheck.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontends/fble/big_stack.h"
#include "frontends/fble/checker.h"
#include "frontends/fble/image/module_image.h"
#include "frontends/fble/loader.h"
#include "frontends/fble/module_interfaces.h"
#include "frontends/fble/unused.h"
#include "gc/base.h"

namespace fble {

std::string name_text(const Name& name) { return quote_word(name.text.str()) + (name.is_type ? "@" : ""); }

Checker::Checker(TypeContext& types, Diagnostics& diagnostics, const Module& module)
    : types_(types),
      diagnostics_(diagnostics),
      module_(module),
      arena_(std::make_shared<Arena>()),
      mentioned_deps_(module.deps.size()) {}

Checked Checker::failed() {
  return {types_.error_type(), for_value_ ? make<CoreTypeValue>(CoreKind::kTypeValue, here_) : nullptr};
}

Checked Checker::check(const Expr* expr) {
  here_ = expr->loc;
  if (stack_nearly_exhausted()) throw TypeTooDeep{};
  const size_t deopt_points_before = deopt_points_.size();
  Checked result = check_case(expr);
  // An expression whose type is a type of types is known without being evaluated (spec 2.1).
  if (for_value_ && TypeContext::value_of(result.type)) {
    drop_deopt_points(deopt_points_before, deopt_points_.size());
    if (result.core->kind != CoreKind::kTypeValue) result.core = make<CoreTypeValue>(CoreKind::kTypeValue, expr->loc);
  }
  return result;
}

Checked Checker::check_case(const Expr* expr) {
  switch (expr->kind) {
    case ExprKind::kTypeof:
    case ExprKind::kDataType:
    case ExprKind::kFuncType:
    case ExprKind::kPackageType: {
      Type* type = check_type(expr);
      Core* core = for_value_ ? make<CoreTypeValue>(CoreKind::kTypeValue, expr->loc) : nullptr;
      return {types_.type_of(expr->loc, type), core};
    }
    case ExprKind::kVar: return check_var(*static_cast<const VarExpr*>(expr));
    case ExprKind::kModuleRef: return check_module_ref(*static_cast<const ModuleRefExpr*>(expr));
    case ExprKind::kStructExport: return check_export(*static_cast<const StructExportExpr*>(expr));
    case ExprKind::kStructCopy: return check_copy(*static_cast<const StructCopyExpr*>(expr));
    case ExprKind::kStructImport: return check_import(*static_cast<const StructImportExpr*>(expr));
    case ExprKind::kUnionValue: return check_union_value(*static_cast<const UnionValueExpr*>(expr));
    case ExprKind::kDataAccess: return check_access(*static_cast<const DataAccessExpr*>(expr));
    case ExprKind::kUnionSelect: return check_select(*static_cast<const UnionSelectExpr*>(expr));
    case ExprKind::kApply: return check_apply(*static_cast<const ApplyExpr*>(expr));
    case ExprKind::kPolyApply: return check_poly_apply(*static_cast<const PolyApplyExpr*>(expr));
    case ExprKind::kFuncValue:
    case ExprKind::kPolyValue: return check_abstraction(expr);
    case ExprKind::kList: return check_list(*static_cast<const ListExpr*>(expr));
    case ExprKind::kLiteral: return check_literal(*static_cast<const LiteralExpr*>(expr));
    case ExprKind::kPrivate: return check_private(*static_cast<const PrivateExpr*>(expr));
    case ExprKind::kLet: return check_let(*static_cast<const LetExpr*>(expr));
    case ExprKind::kForeign: return check_foreign(*static_cast<const ForeignExpr*>(expr));
    case ExprKind::kDeoptPoint: return check_deopt_point(*static_cast<const DeoptPointExpr*>(expr));
  }
  FBLE_BUG("no such kind of expression");
}

// --- Deopt points ------------------------------------------------------------------

Checked Checker::check_deopt_point(const DeoptPointExpr& expr) {
  Checked body = check(expr.body);
  if (!for_value_ || TypeContext::value_of(body.type)) {
    warn_unevaluated(expr);
    return body;
  }
  return {body.type, add_deopt_point(expr, body.core)};
}

Core* Checker::add_deopt_point(const DeoptPointExpr& expr, Core* core) {
  deopt_points_.push_back(&expr);
  return make<CoreDeoptPoint>(CoreKind::kDeoptPoint, expr.point.loc, expr.point.options, core);
}

void Checker::warn_unevaluated(const DeoptPointExpr& expr) {
  diagnostics_.warning(expr.point.loc, "deopt-here! marks an expression that is never evaluated");
}

/// Forgets these deopt points: their core is not used after all.
void Checker::drop_deopt_points(size_t from, size_t to) {
  for (size_t i = from; i < to; ++i) warn_unevaluated(*deopt_points_[i]);
  deopt_points_.erase(deopt_points_.begin() + static_cast<ptrdiff_t>(from),
                      deopt_points_.begin() + static_cast<ptrdiff_t>(to));
}

Core* Checker::take_deopt_points(Core* core, CoreDeoptPoints& points) {
  while (core->kind == CoreKind::kDeoptPoint) {
    points.push_back(static_cast<CoreDeoptPoint*>(core));
    core = points.back()->body;
  }
  return core;
}

Core* Checker::put_deopt_points(const CoreDeoptPoints& points, Core* core) {
  for (size_t i = points.size(); i-- > 0;) {
    points[i]->body = core;
    core = points[i];
  }
  return core;
}

/// Checks a module (spec 8.4).
Type* Checker::check_module(CoreProgramModule& core) {
  types_.set_viewer(module_.path);
  const size_t errors_before = diagnostics_.error_count();
  const size_t messages_before = diagnostics_.messages().size();
  Type* type = types_.error_type();
  try {
    check_parts(core, type);
  } catch (const TypeTooDeep&) {
    error(here_, "expression nested too deeply");
  }
  if (diagnostics_.error_count() > errors_before) {
    note_undefined_again();
    diagnostics_.sort_from(messages_before);
  }
  return type;
}

/// Checks header and value. `type` gets the module's type as far as it is known, even if this throws.
void Checker::check_parts(CoreProgramModule& core, Type*& type) {
  const size_t errors_before = diagnostics_.error_count();
  const auto no_errors = [&] { return diagnostics_.error_count() == errors_before; };
  if (module_.type) {
    TypesOnly types_only(*this);
    type = check(module_.type).type;
    if (no_errors()) warn_unused(module_.type, diagnostics_);
  }
  if (!module_.value) return;

  mentioned_deps_.assign(module_.deps.size(), false);
  Checked value = check(module_.value);
  if (no_errors()) warn_unused(module_.value, diagnostics_);
  if (!module_.type) {
    // If the header failed to load, the module's type is not known.
    if (!module_.failed) type = value.type;
  } else if (differ(type, value.type)) {
    error(module_.value->loc, fmt::format("the type {} does not match interface type {} for module {}",
                                          text(value.type), text(type), module_.path.str()));
  }
  if (!no_errors()) return;

  core.path = module_.path;
  core.loc = module_.loc;
  core.body = value.core;
  core.var_count = var_count_;
  core.deopt_point_count = static_cast<uint32_t>(deopt_points_.size());
  core.arena = arena_;
  for (size_t i = 0; i < module_.deps.size(); ++i) {
    if (mentioned_deps_[i]) core.deps.push_back(module_.deps[i]->path);
  }
}

/// Adds a note with the other places of each undefined name: it is one mistake, however often it is repeated.
void Checker::note_undefined_again() {
  std::vector<Diagnostics::LateNote> notes;
  for (const auto& [name, undefined] : undefined_) {
    if (undefined.again.line == 0) continue;
    std::string also = "also used here";
    if (undefined.more != 0)
      also += fmt::format(" and in {} more place{}", undefined.more, undefined.more > 1 ? "s" : "");
    notes.push_back({undefined.message, undefined.again, std::move(also)});
  }
  diagnostics_.add_late_notes(std::move(notes));
}

namespace {

/// Takes modules from their images. Lives as long as a type may have to be made.
class ImagedModules : public std::enable_shared_from_this<ImagedModules> {
 public:
  ImagedModules(TypeContext& types, std::shared_ptr<ModuleInterfaces> interfaces, Diagnostics& diagnostics)
      : types_(types), interfaces_(std::move(interfaces)), diagnostics_(diagnostics) {}

  /// Repeats the messages of a module, and prepares its type and code to be made when they are needed.
  void take(const Module& module, CheckedProgram& checked) {
    interfaces_->take(module);
    module.image->repeat_check_messages(module.files, diagnostics_);
    types_.delayed_module_types.emplace(module.path,
                                        [self = shared_from_this(), &module] { return self->make_type(module); });
    if (!module.image->has_value()) return;
    CoreProgramModule core;
    core.path = module.path;
    core.loc = Loc{module.files.value, 1, 0};
    core.image = module.image;
    for (const ImageMention& item : module.image->mentions(module.files)) {
      if (item.is_used) core.deps.push_back(item.mention.path);
    }
    checked.modules.push_back(std::move(core));
  }

 private:
  Type* make_type(const Module& module) {
    Type* type =
        module.image->type({.types = types_,
                            .origins = [this](const ModulePath& path) { return interfaces_->origins_of(path); },
                            .module_type = [this](const ModulePath& path) { return types_.module_type(path); }});
    if (type != nullptr) {
      interfaces_->add_type(module, type);
      return type;
    }
    // The interfaces would have to be wrong.
    diagnostics_.error(
        Loc{module.files.value, 1, 0},
        fmt::format("the image of module {} does not fit the modules that it mentions", module.path.str()));
    return types_.error_type();
  }

  TypeContext& types_;
  std::shared_ptr<ModuleInterfaces> interfaces_;
  Diagnostics& diagnostics_;
};

}  // namespace

bool images_count(const Program& program) {
  ModuleInterfaces interfaces(program);
  return std::ranges::all_of(program.modules, [&](const Module* module) {
    if (!interfaces.fits_image(*module)) return false;
    interfaces.take(*module);
    return true;
  });
}

std::unique_ptr<CheckedProgram> typecheck(Program& program, Diagnostics& diagnostics) {
  auto checked = std::make_unique<CheckedProgram>();
  checked->types = std::make_shared<TypeContext>();
  checked->interfaces = std::make_shared<ModuleInterfaces>(program);
  size_t errors_before = diagnostics.error_count();
  const auto check_all = [&] {
    TypeContext& types = *checked->types;
    ModuleInterfaces& interfaces = *checked->interfaces;
    const auto imaged = std::make_shared<ImagedModules>(types, checked->interfaces, diagnostics);
    for (Module* module : program.modules) {
      // The memory for types is used up, and all other modules would get the same message.
      if (types.is_full()) break;
      const size_t messages_before = diagnostics.messages().size();
      if (interfaces.fits_image(*module)) {
        imaged->take(*module, *checked);
      } else {
        if (module->image != nullptr) parse_again(*module, *program.arena, diagnostics);
        const size_t errors_before_module = diagnostics.error_count();
        CoreProgramModule core;
        Type* type = Checker(types, diagnostics, *module).check_module(core);
        types.module_types.emplace(module->path, type);
        if (core.body) checked->modules.push_back(std::move(core));
        if (module->source_key && !module->failed && diagnostics.error_count() == errors_before_module) {
          interfaces.find(*module, type);
          interfaces.add_type(*module, type);
        }
      }
      checked->messages.push_back({messages_before, diagnostics.messages().size()});
    }
    types.set_viewer({});
  };
  images_count(program) ? check_all() : run_on_big_stack(check_all);
  const bool complete = std::ranges::none_of(program.modules, &Module::failed);
  if (!complete || diagnostics.error_count() > errors_before) return nullptr;
  return checked;
}

std::string module_type_text(const CheckedProgram& checked, const ModulePath& module) {
  const Type* type = checked.types->module_type(module);
  return type == nullptr ? "" : checked.types->text(type);
}

std::optional<bool> module_has_type(const CheckedProgram& checked, const ModulePath& module,
                                    const ModulePath& type_module, Symbol type_field) {
  TypeContext& types = *checked.types;
  Type* value = types.module_type(module);
  Type* exporter = types.module_type(type_module);
  if (value == nullptr || exporter == nullptr) return std::nullopt;
  std::optional<bool> result;
  run_on_big_stack([&] {
    try {
      types.set_viewer({});
      DataType* exports = types.as_struct(exporter);
      if (!exports) return;
      for (const TypeField& field : exports->all_fields()) {
        if (!field.is_type || field.name != type_field) continue;
        result = types.equal(TypeContext::value_of(field.type), value);
      }
    } catch (const TypeTooDeep&) {
      result = false;
    }
  });
  return result;
}

}  // namespace fble
