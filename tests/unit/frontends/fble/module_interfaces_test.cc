#include "frontends/fble/module_interfaces.h"

#include <gtest/gtest.h>

#include "tests/support/imaged_program.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

/// Modules that refer to each other in each way: /Main% mentions all but /Base%; /Sealed% has a header; /Through%
/// exports types of /Base% only, and /Copy% parts of types of /Base%.
struct SourceOf {
  const char* file;
  const char* text;
};
constexpr SourceOf kSources[] = {
    {"Base.fble", R"(# a comment
Unit@ = *();
Unit@ Unit = Unit@();
Bool@ = +(Unit@ true, Unit@ false);
Pair@ = <@ A@> { *(A@ first, *(A@ second, Bool@ is_set) rest); };
Bool@ True = Bool@(true: Unit);
(Bool@) { Bool@; } Not = (Bool@ b) { b.?(true: Bool@(false: Unit), false: True); };
(Bool@) { Bool@; } Hidden = (Bool@ b) { Not(b); };
(Bool@) { Bool@; } Use = (Bool@ b) { Hidden(b); };
@(Unit@, Unit, Bool@, Pair@, True, Not, Use);
)"},
    {"Through.fble", R"(Bool@, Pair@ .= /Base%;
@(Bool@, Pair@);
)"},
    {"Copy.fble", R"(Bool@, Pair@, True .= /Base%;
Pair@<Bool@> p = @(first: True, rest: @(second: True, is_set: True));
rest = p.rest;
(Pair@<Bool@>) { Bool@; } First = (Pair@<Bool@> q) { q.first; };
@(p, rest, First);
)"},
    {"Sealed.fble.@", R"(/Base%.Bool@ a;
(/Base%.Bool@) { /Base%.Bool@; } f;
@(a, f);
)"},
    {"Sealed.fble", R"(Bool@, True .= /Base%; unused = /Base%;
(Bool@) { Bool@; } f = (Bool@ b) { b; };
a = True;
@(a, f);
)"},
    {"Main.fble", R"(Bool@, Pair@ .= /Through%; Copy = /Copy%; Sealed = /Sealed%;
(Bool@) { Bool@; } g = (Bool@ b) { Sealed.f(Copy.First(Copy.p)); };
Pair@<Bool@> p = Copy.p;
@(g, p);
)"},
};

/// A change of one source: the first place of `from` becomes `to`.
struct Change {
  const char* what;
  const char* file;
  const char* from;
  const char* to;
  const char* checked_again;  ///< the modules that are checked again, in order
};
constexpr Change kChanges[] = {
    {"nothing", "Base.fble", "", "", ""},
    {"a comment", "Base.fble", "# a comment", "# another comment", "/Base%"},
    {"a new first line", "Base.fble", "# a comment", "# a comment\n# of two lines", "/Base%"},
    {"lines between", "Base.fble", "Pair@ =", "\n\n   Pair@ =", "/Base%"},
    {"the body of a function", "Base.fble", "{ Hidden(b); }", "{\n  Not(Hidden(Hidden(b)));\n}", "/Base%"},
    {"a definition that is not exported", "Base.fble", "@(Unit@,", "Spare = Unit;\n@(Unit@,", "/Base%"},
    {"the name of such a definition", "Base.fble", "Hidden = (Bool@ b) { Not(b); }", "Hidden = (Bool@ it) { Not(it); }",
     "/Base%"},
    {"a warning", "Base.fble", "Unit@ Unit =", "Spare@ = Unit@;\nUnit@ Unit =", "/Base%"},
    {"an export", "Base.fble", "Use);", "Use, Hidden);", "/Base% /Through% /Copy% /Sealed% /Main%"},
    {"a name of a field", "Base.fble", "second", "third", "/Base% /Through% /Copy% /Sealed% /Main%"},
    {"a name of a type", "Base.fble", "<@ A@> { *(A@ first, *(A@", "<@ B@> { *(B@ first, *(B@",
     "/Base% /Through% /Copy% /Sealed% /Main%"},
    {"the types of two fields", "Base.fble", "*(A@ second, Bool@ is_set)", "*(Bool@ second, A@ is_set)",
     "/Base% /Through% /Copy% /Sealed% /Main%"},
    {"a type", "Base.fble", "Unit@ false", "Unit@ false, Unit@ maybe", "/Base% /Through% /Copy% /Sealed% /Main%"},
    {"an error", "Base.fble", "Unit@();", "Unit@(;", "/Base% /Through% /Copy% /Sealed% /Main%"},
    {"a type error", "Base.fble", "{ Hidden(b); }", "{ Hidden(Unit); }", "/Base% /Through% /Copy% /Sealed% /Main%"},
    {"lines of what exports a type of another", "Through.fble", "@(Bool@", "\n\n@(Bool@", "/Through%"},
    {"the order of exports", "Through.fble", "@(Bool@, Pair@)", "@(Pair@, Bool@)", "/Through% /Main%"},
    {"the body of a function", "Copy.fble", "{ q.first; }", "{ q.rest.is_set; }", "/Copy%"},
    {"a type", "Copy.fble", "@(p, rest", "@(p, True, rest", "/Copy% /Main%"},
    {"the value behind a header", "Sealed.fble", "{ b; }", "{ True; }", "/Sealed%"},
    {"lines of a header", "Sealed.fble.@", "@(a, f)", "\n@(a,\n f)", "/Sealed%"},
    {"a header that does not fit", "Sealed.fble.@", "@(a, f)", "@(a)", "/Sealed% /Main%"},
    {"a program", "Main.fble", "Sealed.f(", "Sealed.f(Sealed.f(", "/Main%"},
    {"a program", "Main.fble", "{ Sealed.f(Copy", "{ b; } ; x = (Bool@ b) { Sealed.f(Copy", "/Main%"},
};

class ModuleInterfacesTest : public testing::Test {
 protected:
  ModuleInterfacesTest() {
    for (const SourceOf& source : kSources) folder_.write(source.file, source.text);
  }

  std::unique_ptr<LoadedProgram> load(ImageStore* images) const {
    return load_with_images({module_path("/Main%")}, {folder_.root()}, images);
  }

  /// Loads the program without images and with these. Returns what was checked from its sources.
  std::string checked_again(ImageStore& store) const {
    const std::unique_ptr<LoadedProgram> loaded = load(&store);
    EXPECT_EQ(loaded->text(), load(nullptr)->text());
    std::string names;
    for (const Module* module : loaded->program->modules) {
      if (module->image == nullptr) names += (names.empty() ? "" : " ") + module->path.str();
    }
    return names;
  }

  void change(const char* file, std::string_view from, std::string_view to) const {
    const auto source = std::ranges::find(kSources, std::string_view(file), &SourceOf::file);
    std::string text = source->text;
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    folder_.write(file, text);
  }

  ModuleFolder folder_;
};

TEST_F(ModuleInterfacesTest, OnlyWhatSeesAChangeIsCheckedAgain) {
  ImageStore none;
  const std::map<Digest, std::string> images = load(&none)->images();
  ASSERT_EQ(images.size(), 5u);
  for (const Change& change : kChanges) {
    SCOPED_TRACE(std::string(change.file) + ": " + change.what);
    ImageStore store;
    ASSERT_EQ(store.add_bytes(image_file(images)), "");
    this->change(change.file, change.from, change.to);
    EXPECT_EQ(checked_again(store), change.checked_again);
    // And back: the images of before are right again.
    this->change(change.file, "", "");
    EXPECT_EQ(checked_again(store), "");
  }
}

TEST_F(ModuleInterfacesTest, ImagesOfSourcesAndImagesGoTogether) {
  // After each change, the images of what was checked again are added, as a cache does, and then all have one.
  ImageStore none;
  for (const Change& change : kChanges) {
    SCOPED_TRACE(std::string(change.file) + ": " + change.what);
    std::map<Digest, std::string> images = load(&none)->images();
    this->change(change.file, change.from, change.to);
    ImageStore store;
    ASSERT_EQ(store.add_bytes(image_file(images)), "");
    const std::unique_ptr<LoadedProgram> loaded = load(&store);
    if (loaded->code != nullptr) {
      for (auto& [key, image] : loaded->images()) images[key] = image;
      ImageStore both;
      ASSERT_EQ(both.add_bytes(image_file(images)), "");
      EXPECT_EQ(checked_again(both), "");
    }
    this->change(change.file, "", "");
  }
}

TEST_F(ModuleInterfacesTest, MessagesHaveTheLinesOfNow) {
  // The image of /Copy% has parts of types of /Base%, whose lines have changed since.
  ImageStore none, store;
  ASSERT_EQ(store.add_bytes(image_file(load(&none)->images())), "");
  change("Base.fble", "# a comment", "# a comment\n\n\n\n");
  change("Main.fble", "@(g, p)", "/Base%.Unit@ u = Copy.rest; /Base%.Unit@ v = Copy.p; @(g, p, u, v)");
  EXPECT_EQ(checked_again(store), "/Base% /Main%");
  EXPECT_NE(load(&store)->diagnostics.render().find("Base.fble:9:30: note"), std::string::npos)
      << load(&store)->diagnostics.render();
}

TEST_F(ModuleInterfacesTest, AreTheSameHoweverTheOthersWereLoaded) {
  // Checked from sources alone, or with images of the others.
  ImageStore none;
  const std::unique_ptr<LoadedProgram> cold = load(&none);
  const std::map<Digest, std::string> images = cold->images();
  for (size_t left_out = 0; left_out < cold->program->modules.size(); ++left_out) {
    const Module& module = *cold->program->modules[left_out];
    std::map<Digest, std::string> others = images;
    others.erase(*module.source_key);
    ImageStore store;
    ASSERT_EQ(store.add_bytes(image_file(others)), "");
    const std::unique_ptr<LoadedProgram> warm = load(&store);
    EXPECT_EQ(*warm->checked->interfaces->of(*warm->program->modules[left_out]), *cold->checked->interfaces->of(module))
        << module.path.str();
  }
}

}  // namespace
}  // namespace fble
