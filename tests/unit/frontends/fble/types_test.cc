#include "frontends/fble/types.h"

#include <gtest/gtest.h>

#include "frontends/fble/big_stack.h"
#include "frontends/fble/infer.h"
#include "tests/support/checked_source.h"

namespace fble {
namespace {

/// A test with hand-made types, without places in a source.
class TypesTest : public testing::Test {
 protected:
  Type* data(bool is_struct, std::initializer_list<std::pair<const char*, Type*>> fields) {
    std::vector<TypeField> list;
    for (auto [name, type] : fields) list.push_back({type, Symbol(name), false});
    return types.data_type({}, is_struct, list);
  }
  Type* unit() { return data(true, {}); }
  Type* func(Type* arg, Type* result) { return types.func_type({}, arg, result); }
  Type* apply(Type* poly, Type* arg) { return types.apply_type({}, poly, arg); }
  Type* poly(ParamType* param, Type* body) { return types.poly_type({}, param, body); }
  ParamType* param(const char* name, uint32_t level, KindRef kind = nullptr) {
    return types.param_type({}, level, kind ? kind : types.kinds().basic(), Symbol(name));
  }
  VarType* var(const char* name, uint32_t level = 0) { return types.var_type({}, level, Symbol(name)); }
  KindRef one_arg() { return types.kinds().poly(types.kinds().basic(), types.kinds().basic()); }

  /// Makes name@ = +(*(element head, name@ tail) items, *() empty), a new one each time.
  VarType* list_of(const char* name, Type* element, uint32_t level = 0) {
    VarType* list = var(name, level);
    list->value = data(false, {{"items", data(true, {{"head", element}, {"tail", list}})}, {"empty", unit()}});
    return list;
  }
  /// Makes <@ T@> { L@ = ...; L@; }
  Type* list_poly() {
    ParamType* t = param("T", 1);
    return poly(t, list_of("L", t, 1));
  }
  ModulePath path(const char* text) { return SourceProgram::path_of(text); }

  TypeContext types;
};

TEST_F(TypesTest, KindsAreInterned) {
  KindTable& kinds = types.kinds();
  EXPECT_EQ(one_arg(), kinds.poly(kinds.basic(), kinds.basic()));
  EXPECT_EQ(kind_text(kinds.basic()), "@");
  EXPECT_EQ(kind_text(kinds.poly(one_arg(), one_arg())), "<<@>@, @>@");
}

TEST_F(TypesTest, MorePolymorphicKindsMayStandForLess) {
  KindTable& kinds = types.kinds();
  EXPECT_TRUE(kind_compatible(kinds.basic(), one_arg()));
  EXPECT_FALSE(kind_compatible(one_arg(), kinds.basic()));
  EXPECT_TRUE(kind_compatible(one_arg(), kinds.poly(one_arg(), kinds.basic())));
  EXPECT_FALSE(kind_compatible(kinds.poly(one_arg(), kinds.basic()), one_arg()));
}

TEST_F(TypesTest, DataTypesCompareKindNamesAndOrderOfFields) {
  Type* a = data(true, {{"x", unit()}, {"y", unit()}});
  EXPECT_TRUE(types.equal(a, data(true, {{"x", unit()}, {"y", unit()}})));
  EXPECT_FALSE(types.equal(a, data(false, {{"x", unit()}, {"y", unit()}})));
  EXPECT_FALSE(types.equal(a, data(true, {{"y", unit()}, {"x", unit()}})));
  EXPECT_FALSE(types.equal(a, data(true, {{"x", unit()}})));
  EXPECT_FALSE(types.equal(a, data(true, {{"x", unit()}, {"y", a}})));
}

TEST_F(TypesTest, RecursiveTypesAreEqualWhenTheirUnfoldingsAre) {
  VarType* one = list_of("One", unit());
  // The same type, unfolded once more on each turn.
  VarType* two = var("Two");
  Type* inner = data(false, {{"items", data(true, {{"head", unit()}, {"tail", two}})}, {"empty", unit()}});
  two->value = data(false, {{"items", data(true, {{"head", unit()}, {"tail", inner}})}, {"empty", unit()}});
  EXPECT_TRUE(types.equal(one, two));
  EXPECT_TRUE(types.equal(two, one));
  EXPECT_FALSE(types.equal(one, list_of("Other", one)));
}

TEST_F(TypesTest, RecursionThroughFunctionsOnly) {
  VarType* f = var("F");
  VarType* g = var("G");
  f->value = func(f, unit());
  g->value = func(func(g, unit()), unit());
  EXPECT_TRUE(types.equal(f, g));
}

TEST_F(TypesTest, ApplicationUnfoldsToOneNode) {
  Type* list = list_poly();
  Type* element = unit();
  Type* first = types.normal(apply(list, element));
  EXPECT_EQ(first, types.normal(apply(list, element)));
  EXPECT_TRUE(types.equal(apply(list, unit()), list_of("L", unit())));
  EXPECT_FALSE(types.equal(apply(list, unit()), apply(list, apply(list, unit()))));
}

TEST_F(TypesTest, RecursionThroughAnApplicationEnds) {
  // Tree@ = *(List@<Tree@> children), L@ = F@<L@> with F@ = <@ T@> { *(T@ x); }
  Type* list = list_poly();
  VarType* tree = var("Tree");
  tree->value = data(true, {{"children", apply(list, tree)}});
  VarType* other = var("Other");
  other->value = data(true, {{"children", list_of("L", other)}});
  EXPECT_TRUE(types.equal(tree, other));

  auto loop = [&](const char* name) {
    ParamType* t = param("T", 1);
    VarType* l = var(name);
    l->value = apply(poly(t, data(true, {{"x", t}})), l);
    return l;
  };
  EXPECT_TRUE(types.equal(loop("A"), loop("B")));
  EXPECT_FALSE(types.is_vacuous(loop("A")));
}

TEST_F(TypesTest, BoundParametersAreRenamed) {
  ParamType* a = param("A", 1);
  ParamType* b = param("B", 1);
  ParamType* c = param("C", 2);
  EXPECT_TRUE(types.equal(poly(a, func(a, unit())), poly(b, func(b, unit()))));
  EXPECT_FALSE(types.equal(poly(a, func(a, a)), poly(b, func(b, unit()))));
  // <A, C> (A) C is not <B, C> (C) B.
  ParamType* d = param("D", 2);
  EXPECT_FALSE(types.equal(poly(a, poly(c, func(a, c))), poly(b, poly(d, func(d, b)))));
}

TEST_F(TypesTest, ParametersOfOuterAndInnerTurnsOfARecursionDiffer) {
  // L@ = <@ S@> { *(L@ l, S@ s); } against <@ U@> { M@ = <@ V@> { *(M@ l, U@ s); }; *(M@ l, U@ s); }
  ParamType* s = param("S", 1);
  VarType* l = var("L");
  l->value = poly(s, data(true, {{"l", l}, {"s", s}}));
  ParamType* u = param("U", 1);
  ParamType* v = param("V", 2);
  VarType* m = var("M", 1);
  m->value = poly(v, data(true, {{"l", m}, {"s", u}}));
  EXPECT_FALSE(types.equal(l, poly(u, data(true, {{"l", m}, {"s", u}}))));

  ParamType* w = param("W", 1);
  VarType* n = var("N");
  n->value = poly(w, data(true, {{"l", l}, {"s", w}}));
  EXPECT_TRUE(types.equal(l, n));
}

TEST_F(TypesTest, KindsOfParametersCount) {
  ParamType* a = param("A", 1);
  ParamType* f = param("F", 1, one_arg());
  EXPECT_FALSE(types.equal(poly(a, unit()), poly(f, unit())));
}

TEST_F(TypesTest, EtaReduction) {
  ParamType* t = param("T", 1);
  ParamType* f = param("F", 1, one_arg());
  ParamType* u = param("U", 2);
  Type* list = list_poly();
  EXPECT_TRUE(types.equal(poly(t, apply(list, t)), list));
  // <@ U@> { F@<U@>; } is F@ as long as F@ does not mention U@.
  EXPECT_TRUE(types.equal(poly(f, apply(f, unit())), poly(f, apply(poly(u, apply(f, u)), unit()))));
  ParamType* g = param("G", 1, types.kinds().poly(types.kinds().basic(), one_arg()));
  Type* twice = poly(u, apply(apply(g, u), u));
  EXPECT_EQ(types.normal(twice), twice);
}

TEST_F(TypesTest, NothingFreeIsCaught) {
  // Q = <F:<@,@>@> <S, U> *(F<U><S> x); applied to Q<X> it must not confuse its own S and U.
  KindRef two = types.kinds().poly(types.kinds().basic(), one_arg());
  ParamType* f = param("F", 1, two);
  ParamType* s = param("S", 2);
  ParamType* u = param("U", 3);
  Type* q = poly(f, poly(s, poly(u, data(true, {{"x", apply(apply(f, u), s)}}))));
  ParamType* a = param("A", 1);
  ParamType* b = param("B", 2);
  Type* pair = poly(a, poly(b, func(a, b)));
  Type* flipped_twice = apply(q, apply(q, pair));
  Type* one = data(true, {{"one", unit()}});
  Type* result = apply(apply(flipped_twice, unit()), one);
  // Each layer flips: *( *( (Unit) One x ) x ).
  EXPECT_TRUE(types.equal(result, data(true, {{"x", data(true, {{"x", func(unit(), one)}})}})));
}

TEST_F(TypesTest, NestedCopiesKeepTheirParametersApart) {
  // A substitution deep in scope makes copies of two nested binders.
  ParamType* m = param("M", 1);
  ParamType* a = param("A", 2);
  ParamType* b = param("B", 3);
  Type* step = poly(m, poly(a, func(m, poly(b, func(a, b)))));
  ParamType* deep = param("Deep", 9);
  Type* applied = types.normal(apply(apply(step, deep), unit()));
  ASSERT_EQ(applied->kind, TypeKind::kFunc);
  Type* inner = types.normal(static_cast<FuncType*>(applied)->result);
  EXPECT_TRUE(types.equal(apply(inner, deep), func(unit(), deep)));
}

TEST_F(TypesTest, VacuousTypes) {
  VarType* a = var("A");
  VarType* b = var("B");
  a->value = b;
  b->value = a;
  EXPECT_TRUE(types.is_vacuous(a));
  ParamType* t = param("T", 1);
  VarType* c = var("C");
  c->value = apply(poly(t, t), c);
  EXPECT_TRUE(types.is_vacuous(c));
  VarType* d = var("D");
  d->value = poly(t, d);
  EXPECT_TRUE(types.is_vacuous(d));
  EXPECT_FALSE(types.is_vacuous(list_poly()));
}

TEST_F(TypesTest, OpenVariablesEqualOnlyThemselvesUntilTheyAreDefined) {
  VarType* a = var("A");
  VarType* b = var("B");
  EXPECT_TRUE(types.equal(a, a));
  EXPECT_FALSE(types.equal(a, b));
  EXPECT_EQ(types.normal(a), a);
  a->value = unit();
  b->value = unit();
  EXPECT_TRUE(types.equal(a, b));
}

TEST_F(TypesTest, PrivateTypesDependOnTheViewer) {
  Type* inner = data(true, {{"x", unit()}});
  Type* hidden = types.private_type({}, inner, path("/A%"));
  Type* again = types.private_type({}, data(true, {{"x", unit()}}), path("/A%"));
  Type* other = types.private_type({}, inner, path("/B%"));

  types.set_viewer(path("/C%"));
  EXPECT_FALSE(types.equal(inner, hidden));
  EXPECT_TRUE(types.equal(hidden, again));
  EXPECT_FALSE(types.equal(hidden, other));
  EXPECT_EQ(types.as_struct(hidden), nullptr);

  types.set_viewer(path("/A/Deep%"));
  EXPECT_TRUE(types.equal(inner, hidden));
  EXPECT_TRUE(types.equal(func(inner, hidden), func(hidden, inner)));
  EXPECT_FALSE(types.equal(hidden, other));
  EXPECT_EQ(types.as_struct(hidden), inner);

  types.set_viewer(path("/C%"));
  EXPECT_FALSE(types.equal(inner, hidden));
}

TEST_F(TypesTest, APrivatePolyTypeHasTheBasicKindOutside) {
  Type* hidden = types.private_type({}, list_poly(), path("/A%"));
  types.set_viewer(path("/A%"));
  EXPECT_EQ(types.kind_of(hidden), one_arg());
  types.set_viewer({});
  EXPECT_EQ(types.kind_of(hidden), types.kinds().basic());
}

TEST_F(TypesTest, TypesOfTypesMoveOutwards) {
  ParamType* t = param("T", 1);
  Type* poly_of_type = poly(t, types.type_of({}, t));
  ASSERT_EQ(poly_of_type->kind, TypeKind::kTypeOf);
  Type* applied = apply(poly_of_type, unit());
  EXPECT_EQ(TypeContext::type_level(applied), 1);
  EXPECT_TRUE(types.equal(TypeContext::value_of(applied), unit()));
  EXPECT_EQ(TypeContext::type_level(types.type_of({}, applied)), 2);
  EXPECT_EQ(TypeContext::value_of(unit()), nullptr);
}

TEST_F(TypesTest, ListShape) {
  Type* element = data(true, {{"e", unit()}});
  EXPECT_EQ(types.list_element(list_of("L", element)), element);
  EXPECT_EQ(types.list_element(apply(list_poly(), element)), element);
  EXPECT_EQ(types.list_element(unit()), nullptr);
  EXPECT_EQ(types.list_element(data(false, {{"a", unit()}, {"b", unit()}})), nullptr);
  // The tail must be the list itself.
  VarType* list = list_of("L", element);
  EXPECT_EQ(
      types.list_element(data(false, {{"items", data(true, {{"head", unit()}, {"tail", list}})}, {"empty", unit()}})),
      nullptr);
}

TEST_F(TypesTest, InferenceTakesTheFirstTypeThatStandsForAParameter) {
  ParamType* t = param("T", 1);
  Type* one = data(true, {{"one", unit()}});
  std::vector<TypeBinding> bindings{{t}};
  EXPECT_FALSE(types.match(func(t, t), func(unit(), one), bindings));
  EXPECT_TRUE(types.equal(bindings[0].value, unit()));

  bindings = {{t}};
  EXPECT_TRUE(types.match(apply(list_poly(), t), list_of("Any", one), bindings));
  EXPECT_EQ(bindings[0].value, one);
}

TEST_F(TypesTest, StripParamsLooksThroughNames) {
  ParamType* a = param("A", 1);
  ParamType* b = param("B", 2);
  VarType* name = var("F");
  name->value = poly(a, poly(b, func(a, b)));
  std::vector<TypeBinding> bindings;
  Type* form = strip_params(types, name, bindings);
  EXPECT_EQ(form->kind, TypeKind::kFunc);
  ASSERT_EQ(bindings.size(), 2u);
  EXPECT_EQ(bindings[0].param, a);
  EXPECT_EQ(inferred_types_text(types, bindings), "\nInferred types:\n  A@: ???\n  B@: ???");
}

TEST_F(TypesTest, Text) {
  ParamType* t = param("T", 1);
  ParamType* m = param("M", 2, one_arg());
  VarType* named = list_of("My list", unit());
  EXPECT_EQ(types.text(named), "'My list'@");
  EXPECT_EQ(types.text(named->value), "+(*(*() head, 'My list'@ tail) items, *() empty)");
  EXPECT_EQ(types.text(func(unit(), func(named, unit()))), "(*(), 'My list'@) { *(); }");
  EXPECT_EQ(types.text(poly(t, poly(m, apply(m, t)))), "<@ T@, <@>@ M@> { M@<T@>; }");
  EXPECT_EQ(types.text(apply(apply(m, unit()), t)), "M@<*(), T@>");
  EXPECT_EQ(types.text(types.type_of({}, unit())), "@<*()>");
  EXPECT_EQ(types.text(types.package_type({}, path("/A/'b c'%"))), "@/A/'b c'%");
  Type* hidden = types.private_type({}, unit(), path("/P%"));
  EXPECT_EQ(types.text(hidden), "*().%(@/P%)");
  VarType* name = var("H");
  name->value = hidden;
  EXPECT_EQ(types.text(name), "H@.%(@/P%)");
}

TEST_F(TypesTest, TextOfSharedPartsIsCut) {
  Type* type = unit();
  for (int i = 0; i < 60; ++i) type = data(true, {{"a", type}, {"b", type}});
  EXPECT_LT(types.text(type).size(), 100'000u);
}

TEST_F(TypesTest, SharedPartsAreComparedOnce) {
  auto tower = [&] {
    Type* type = unit();
    for (int i = 0; i < 60; ++i) type = data(true, {{"a", type}, {"b", type}});
    return type;
  };
  EXPECT_TRUE(types.equal(tower(), tower()));
  EXPECT_FALSE(types.equal(tower(), data(true, {{"a", tower()}, {"b", tower()}})));
}

TEST_F(TypesTest, DeepTypesEndInAnException) {
  auto tower = [&](int height) {
    Type* type = unit();
    for (int i = 0; i < height; ++i) type = func(type, unit());
    return type;
  };
  run_on_big_stack([&] { EXPECT_TRUE(types.equal(tower(10'000), tower(10'000))); });
  Type* a = tower(200'000);
  Type* b = tower(200'000);
  EXPECT_THROW(types.equal(a, b), TypeTooDeep);  // on the ordinary stack
}

TEST_F(TypesTest, TypesThatExplodeEndInAnException) {
  types.node_bytes_limit = 8 << 20;
  ParamType* a = param("A", 1);
  Type* twice = poly(a, data(true, {{"a", a}, {"b", a}}));
  for (int i = 0; i < 40; ++i) {
    ParamType* b = param("B", 1);
    twice = poly(b, apply(twice, apply(twice, b)));
  }
  EXPECT_THROW(types.equal(apply(twice, unit()), apply(twice, unit())), TypeTooDeep);
}

}  // namespace
}  // namespace fble
