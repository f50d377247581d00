#include "frontends/fble/image/type_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "frontends/fble/image/type_anchors.h"
#include "gc/base.h"

namespace fble {
namespace {

constexpr uint32_t word_of(TypeKind kind) { return static_cast<uint32_t>(kind); }

// ---- writing ------------------------------------------------------------------

class TypeWriter {
 public:
  TypeWriter(TableWriter& writer, const NamedModules& others) : writer_(writer), others_(others) {}

  uint32_t write(const Type* root) {
    const uint32_t index = add_all(root);
    while (!open_vars_.empty()) {
      const VarType* var = open_vars_.back();
      open_vars_.pop_back();
      const uint32_t value = add_all(var->value);
      writer_.tables.at<TypeRecord>(indices_.at(var)).b = value;
    }
    return index;
  }

 private:
  /// Adds a node and what it is made of, below variables excepted. Types nest deeply: the path to the node is not on
  /// the stack.
  uint32_t add_all(const Type* root) {
    std::vector<const Type*> pending{root};
    std::unordered_set<const Type*> entered;
    while (!pending.empty()) {
      const Type* type = pending.back();
      if (indices_.contains(type)) {
        pending.pop_back();
        continue;
      }
      const TypeAnchor* anchor = others_.find_anchor(type);
      parts_.clear();
      if (anchor == nullptr) collect_parts(type);
      const size_t before = pending.size();
      for (size_t i = parts_.size(); i-- > 0;) {
        if (!indices_.contains(parts_[i])) pending.push_back(parts_[i]);
      }
      if (pending.size() == before) {
        pending.pop_back();
        indices_.emplace(type, anchor == nullptr ? add(type) : add_anchor(*anchor));
        if (type->kind == TypeKind::kVar && anchor == nullptr) open_vars_.push_back(static_cast<const VarType*>(type));
      } else if (!entered.insert(type).second) {
        throw NoImage{};  // a cycle without a variable
      }
    }
    return indices_.at(root);
  }

  void collect_parts(const Type* type) {
    switch (type->kind) {
      case TypeKind::kStruct:
      case TypeKind::kUnion:
        for (const TypeField& field : static_cast<const DataType*>(type)->all_fields()) parts_.push_back(field.type);
        return;
      case TypeKind::kFunc:
        parts_ = {static_cast<const FuncType*>(type)->arg, static_cast<const FuncType*>(type)->result};
        return;
      case TypeKind::kPoly:
        parts_ = {static_cast<const PolyType*>(type)->param, static_cast<const PolyType*>(type)->body};
        return;
      case TypeKind::kApply:
        parts_ = {static_cast<const ApplyType*>(type)->poly, static_cast<const ApplyType*>(type)->arg};
        return;
      case TypeKind::kPrivate: parts_ = {static_cast<const PrivateType*>(type)->inner}; return;
      case TypeKind::kTypeOf: parts_ = {static_cast<const TypeOfType*>(type)->type}; return;
      case TypeKind::kVar:
        if (static_cast<const VarType*>(type)->value == nullptr) throw NoImage{};
        return;
      case TypeKind::kPackage:
      case TypeKind::kParam: return;
      case TypeKind::kError: throw NoImage{};
    }
  }

  uint32_t index(const Type* type) const { return indices_.at(type); }

  uint32_t add_anchor(const TypeAnchor& anchor) {
    const uint32_t index = writer_.tables.add(AnchorRecord{writer_.path(anchor.module), anchor.place});
    return writer_.tables.add(TypeRecord{.kind = kAnchorKind, .module = kNoRecord, .a = index});
  }

  void set_origin(TypeRecord& record, const Loc& loc) {
    const ImageFile* file = writer_.file_of(loc);
    if (file == nullptr) {
      if (loc != Loc{}) throw NoImage{};
      return;
    }
    record.module = writer_.path(file->module);
    if (file->module == writer_.module()) {
      record.origin = writer_.origin({file->source(), loc.line, loc.column});
      return;
    }
    const std::optional<uint32_t> origin = others_.find_origin(file->module, loc);
    if (!origin) throw NoImage{};
    record.origin = *origin;
  }

  uint32_t add(const Type* type) {
    TypeRecord record{.kind = word_of(type->kind), .module = kNoRecord};
    set_origin(record, type->loc);
    switch (type->kind) {
      case TypeKind::kStruct:
      case TypeKind::kUnion: {
        const auto* data = static_cast<const DataType*>(type);
        record.a = writer_.tables.count<FieldRecord>();
        record.b = data->field_count;
        for (const TypeField& field : data->all_fields()) {
          writer_.tables.add(FieldRecord{index(field.type), writer_.string(field.name.str()), field.is_type});
        }
        break;
      }
      case TypeKind::kFunc:
        record.a = index(static_cast<const FuncType*>(type)->arg);
        record.b = index(static_cast<const FuncType*>(type)->result);
        break;
      case TypeKind::kPoly:
        record.a = index(static_cast<const PolyType*>(type)->param);
        record.b = index(static_cast<const PolyType*>(type)->body);
        break;
      case TypeKind::kApply:
        record.a = index(static_cast<const ApplyType*>(type)->poly);
        record.b = index(static_cast<const ApplyType*>(type)->arg);
        break;
      case TypeKind::kPackage: record.a = writer_.path(*static_cast<const PackageType*>(type)->path); break;
      case TypeKind::kPrivate:
        record.a = index(static_cast<const PrivateType*>(type)->inner);
        record.b = writer_.path(*static_cast<const PrivateType*>(type)->package);
        break;
      case TypeKind::kParam:
        record.a = writer_.string(static_cast<const ParamType*>(type)->name.str());
        record.b = writer_.kind(static_cast<const ParamType*>(type)->param_kind);
        record.c = type->level;
        break;
      case TypeKind::kVar:  // the value comes later
        record.a = writer_.string(static_cast<const VarType*>(type)->name.str());
        record.c = type->level;
        break;
      case TypeKind::kTypeOf: record.a = index(static_cast<const TypeOfType*>(type)->type); break;
      case TypeKind::kError: FBLE_BUG("refused above");
    }
    return writer_.tables.add(record);
  }

  TableWriter& writer_;
  const NamedModules& others_;
  std::unordered_map<const Type*, uint32_t> indices_;
  std::vector<const VarType*> open_vars_;  ///< with a node, and a value that has none yet
  std::vector<const Type*> parts_;
};

// ---- verifying ----------------------------------------------------------------

/// A problem, thrown within this file only.
struct Problem {
  std::string text;
};

class TypeVerifier {
 public:
  explicit TypeVerifier(const ImageView& image) : image_(image) {}

  void verify() {
    check_kinds();
    const std::span<const TypeRecord> types = image_.all<TypeRecord>();
    levels_.resize(types.size());
    is_bound_.resize(types.size());
    for (at_ = 0; at_ < types.size(); ++at_) levels_[at_] = level_of(types[at_]);
    for (at_ = 0; at_ < types.size(); ++at_) check_origin(types[at_]);
    for (at_ = 0; at_ < types.size(); ++at_) {
      if (types[at_].kind == word_of(TypeKind::kVar)) check_var(types[at_]);
    }
    if (next_origin_ != image_.all<OriginRecord>().size()) throw Problem{"an origin belongs to no type"};
    if (next_field_ != image_.all<FieldRecord>().size()) throw Problem{"a field belongs to no type"};
    for (const ModuleRecord& module : image_.all<ModuleRecord>()) {
      at_ = module.type;
      if (levels_[module.type] != 0) fail("the module's type has a parameter that is not bound");
    }
  }

 private:
  [[noreturn]] void fail(const char* message) const { throw Problem{fmt::format("type {}: {}", at_, message)}; }

  void check_kinds() const {
    const std::span<const KindRecord> kinds = image_.all<KindRecord>();
    for (uint32_t i = 0; i < kinds.size(); ++i) {
      if (i == 0 ? kinds[i].arg != 0 || kinds[i].result != 0 : kinds[i].arg >= i || kinds[i].result >= i) {
        throw Problem{fmt::format("kind {} is not of earlier ones", i)};
      }
    }
  }

  /// Checks the origin of a node, as far as it is one of the module's own. Origins are in the order of the nodes.
  void check_origin(const TypeRecord& type) {
    const std::span<const OriginRecord> origins = image_.all<OriginRecord>();
    if (type.module == kNoRecord && type.origin != 0) fail("this has an origin in no module");
    if (type.module != image_.at<ModuleRecord>(0).path) return;
    if (type.origin > next_origin_ || type.origin >= origins.size())
      fail("the origin is not the next one of its table");
    next_origin_ = std::max(next_origin_, type.origin + 1);
  }

  /// Returns the level of an earlier node.
  uint32_t part(uint32_t index) const {
    if (index >= at_) fail("a part is not an earlier type");
    return levels_[index];
  }
  /// Returns the same for a part that no type of a type can be.
  uint32_t plain_part(uint32_t index) const {
    const uint32_t level = part(index);
    if (image_.at<TypeRecord>(index).kind == word_of(TypeKind::kTypeOf)) fail("a part is the type of a type");
    return level;
  }
  void check_index(uint32_t index, size_t size) const {
    if (index >= size) fail("a reference leads out of its table");
  }

  /// Checks a node. Returns its level, as the types' constructors compute it.
  uint32_t level_of(const TypeRecord& type) {
    switch (type.kind) {
      case word_of(TypeKind::kStruct):
      case word_of(TypeKind::kUnion): return level_of_data(type);
      case word_of(TypeKind::kFunc): {
        const uint32_t arg = part(type.a);
        return std::max(arg, part(type.b));
      }
      case word_of(TypeKind::kPoly): {
        const uint32_t param = part(type.a);
        if (image_.at<TypeRecord>(type.a).kind != word_of(TypeKind::kParam))
          fail("this binds something else than a parameter");
        if (is_bound_[type.a]) fail("the parameter is bound already");
        is_bound_[type.a] = true;
        return std::min(plain_part(type.b), param - 1);
      }
      case word_of(TypeKind::kApply): {
        const uint32_t poly = plain_part(type.a);
        return std::max(poly, part(type.b));
      }
      case word_of(TypeKind::kPackage): check_index(type.a, image_.all<PathRecord>().size()); return 0;
      case word_of(TypeKind::kPrivate): check_index(type.b, image_.all<PathRecord>().size()); return plain_part(type.a);
      case word_of(TypeKind::kParam):
        check_index(type.a, image_.all<StringRecord>().size());
        check_index(type.b, image_.all<KindRecord>().size());
        if (type.c == 0 || type.c > kMostLevels) fail("this is no level of a parameter");
        return type.c;
      case word_of(TypeKind::kVar):
        check_index(type.a, image_.all<StringRecord>().size());
        check_index(type.b, image_.all<TypeRecord>().size());
        if (type.c > kMostLevels) fail("this is no level of a variable");
        return type.c;
      case word_of(TypeKind::kTypeOf): return part(type.a);
      case kAnchorKind: check_index(type.a, image_.all<AnchorRecord>().size()); return 0;
      default: fail("there is no such kind of type");
    }
  }

  uint32_t level_of_data(const TypeRecord& type) {
    const std::span<const FieldRecord> fields = image_.all<FieldRecord>();
    if (type.a != next_field_ || type.b > fields.size() - type.a) fail("fields are not the next ones of their table");
    next_field_ += type.b;
    uint32_t level = 0;
    for (const FieldRecord& field : fields.subspan(type.a, type.b)) {
      level = std::max(level, part(field.type));
      if (field.is_type > 1) fail("a field is neither a type nor none");
    }
    return level;
  }

  void check_var(const TypeRecord& type) const {
    if (levels_[type.b] > type.c) fail("the value has a parameter that the variable has not");
    // A variable that is defined as itself has no normal form.
    uint32_t value = type.b;
    for (size_t steps = 0; image_.at<TypeRecord>(value).kind == word_of(TypeKind::kVar); ++steps) {
      if (steps > image_.all<TypeRecord>().size()) fail("the variable is defined as itself");
      value = image_.at<TypeRecord>(value).b;
    }
  }

  /// Sources nest no deeper: a parameter takes a byte.
  static constexpr uint32_t kMostLevels = 1u << 31;

  const ImageView& image_;
  uint32_t at_ = 0;           ///< the node that is being checked
  uint32_t next_field_ = 0;   ///< the first field that no node has had
  uint32_t next_origin_ = 0;  ///< likewise
  std::vector<uint32_t> levels_;
  std::vector<bool> is_bound_;  ///< of each parameter, by a poly type
};

// ---- reading ------------------------------------------------------------------

class TypeReader {
 public:
  TypeReader(const ImageView& image, const TypeSurroundings& surroundings)
      : image_(image), surroundings_(surroundings), types_(surroundings.types) {}

  Type* read() {
    origins_.resize(image_.all<PathRecord>().size());
    for (const KindRecord& kind : image_.all<KindRecord>()) {
      kinds_.push_back(kinds_.empty() ? types_.kinds().basic()
                                      : types_.kinds().poly(kinds_[kind.arg], kinds_[kind.result]));
    }
    const std::span<const TypeRecord> records = image_.all<TypeRecord>();
    nodes_.reserve(records.size());
    for (const TypeRecord& record : records) {
      nodes_.push_back(make(record));
      if (nodes_.back() == nullptr) return nullptr;
    }
    for (size_t i = 0; i < records.size(); ++i) {
      if (records[i].kind == word_of(TypeKind::kVar)) static_cast<VarType*>(nodes_[i])->value = nodes_[records[i].b];
    }
    return nodes_[image_.at<ModuleRecord>(0).type];
  }

 private:
  Symbol symbol(uint32_t index) const { return Symbol(image_.string(index)); }

  Type* make(const TypeRecord& record) {
    Loc loc;
    if (record.module != kNoRecord) {
      std::optional<std::span<const Loc>>& origins = origins_[record.module];
      if (!origins) origins = surroundings_.origins(read_path(image_, record.module));
      if (record.origin >= origins->size()) return nullptr;
      loc = (*origins)[record.origin];
    }
    switch (record.kind) {
      case word_of(TypeKind::kStruct):
      case word_of(TypeKind::kUnion): {
        fields_.clear();
        for (const FieldRecord& field : image_.some<FieldRecord>(record.a, record.b)) {
          fields_.push_back({nodes_[field.type], symbol(field.name), field.is_type != 0});
        }
        return types_.data_type(loc, record.kind == word_of(TypeKind::kStruct), fields_);
      }
      case word_of(TypeKind::kFunc): return types_.func_type(loc, nodes_[record.a], nodes_[record.b]);
      case word_of(TypeKind::kPoly):
        return types_.poly_type(loc, static_cast<ParamType*>(nodes_[record.a]), nodes_[record.b]);
      case word_of(TypeKind::kApply): return types_.apply_type(loc, nodes_[record.a], nodes_[record.b]);
      case word_of(TypeKind::kPackage): return types_.package_type(loc, read_path(image_, record.a));
      case word_of(TypeKind::kPrivate): return types_.private_type(loc, nodes_[record.a], read_path(image_, record.b));
      case word_of(TypeKind::kParam): return types_.param_type(loc, record.c, kinds_[record.b], symbol(record.a));
      case word_of(TypeKind::kVar): return types_.var_type(loc, record.c, symbol(record.a));
      case word_of(TypeKind::kTypeOf): return types_.type_of(loc, nodes_[record.a]);
      default: {
        const AnchorRecord& anchor = image_.at<AnchorRecord>(record.a);
        Type* of_module = surroundings_.module_type(read_path(image_, anchor.module));
        return of_module == nullptr ? nullptr : anchored_type(of_module, anchor.place);
      }
    }
  }

  const ImageView& image_;
  const TypeSurroundings& surroundings_;
  TypeContext& types_;
  std::vector<std::optional<std::span<const Loc>>> origins_;  ///< by path, of those that were needed
  std::vector<KindRef> kinds_;
  std::vector<Type*> nodes_;
  std::vector<TypeField> fields_;
};

}  // namespace

uint32_t write_types(TableWriter& writer, const Type* type, const NamedModules& others) {
  return TypeWriter(writer, others).write(type);
}

std::string verify_types(const ImageView& image) {
  try {
    TypeVerifier(image).verify();
  } catch (const Problem& problem) {
    return problem.text;
  }
  return "";
}

Type* read_types(const ImageView& image, const TypeSurroundings& surroundings) {
  return TypeReader(image, surroundings).read();
}

ModulePath read_path(const ImageView& image, uint32_t index) {
  ModulePath path;
  const PathRecord& record = image.at<PathRecord>(index);
  for (const WordRecord& word : image.some<WordRecord>(record.words, record.words_count)) {
    path.words.emplace_back(image.string(word.text));
  }
  return path;
}

}  // namespace fble
