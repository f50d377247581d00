#include "frontends/fble/program_images.h"

#include <gtest/gtest.h>

#include "frontends/fble/image/image_text.h"
#include "tests/support/imaged_program.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

/// Returns all modules below a folder.
std::vector<ModulePath> modules_below(const fs::path& root) {
  std::vector<ModulePath> modules;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".fble") continue;
    ModulePath path;
    fs::path relative = entry.path().lexically_relative(root);
    for (const fs::path& part : relative.replace_extension()) path.words.emplace_back(part.string());
    modules.push_back(std::move(path));
  }
  std::ranges::sort(modules, {}, &ModulePath::str);
  return modules;
}

/// Loads a program without images, with those that this makes, and again. Returns the number of images.
size_t expect_same(const std::vector<ModulePath>& mains, const std::vector<std::string>& roots,
                   LoadFor purpose = LoadFor::kExecution) {
  const std::unique_ptr<LoadedProgram> plain = load_with_images(mains, roots, nullptr, purpose);
  ImageStore store;
  const std::unique_ptr<LoadedProgram> cold = load_with_images(mains, roots, &store, purpose);
  EXPECT_EQ(cold->text(), plain->text());
  if (cold->code == nullptr) return 0;
  const std::map<Digest, std::string> images = cold->images();
  EXPECT_EQ(store.add_bytes(image_file(images)), "");
  const std::unique_ptr<LoadedProgram> warm = load_with_images(mains, roots, &store, purpose);
  EXPECT_EQ(warm->text(), plain->text());
  EXPECT_EQ(warm->imaged_count(), images.size());
  return images.size();
}

TEST(ProgramImages, HaveAllThatAModuleHas) {
  ModuleFolder folder;
  write_rich_modules(folder);
  const std::unique_ptr<LoadedProgram> plain = load_with_images({module_path("/Main%")}, {folder.root()}, nullptr);
  ASSERT_NE(plain->code, nullptr) << plain->diagnostics.render();
  EXPECT_NE(plain->diagnostics.render().find("warning"), std::string::npos);
  EXPECT_EQ(expect_same({module_path("/Main%"), module_path("/Header%")}, {folder.root()}), 6u);
}

TEST(ProgramImages, OfTheLibraryAreLikeItsSources) {
  const std::string root = FBLE_SOURCE_DIR "/frontends/std";
  const std::vector<ModulePath> modules = modules_below(root);
  ASSERT_GT(modules.size(), 100u);
  EXPECT_EQ(expect_same(modules, {root}), modules.size());
}

TEST(ProgramImages, OfTheLanguageTestsAreLikeTheirSources) {
  const std::string root = FBLE_SOURCE_DIR "/tests/lang";
  size_t images = 0;
  for (const ModulePath& module : modules_below(root)) {
    SCOPED_TRACE(module.str());
    for (const LoadFor purpose : {LoadFor::kExecution, LoadFor::kModule})
      images += expect_same({module}, {root}, purpose);
    if (HasFailure()) return;
  }
  EXPECT_GT(images, 500u);
}

TEST(ProgramImages, AreTheSameForTheSameSources) {
  ModuleFolder one, other;
  write_rich_modules(one);
  write_rich_modules(other);
  ImageStore none;
  const auto images = load_with_images({module_path("/Main%")}, {one.root()}, &none)->images();
  EXPECT_EQ(images, load_with_images({module_path("/Main%")}, {other.root()}, &none)->images());
}

/// What is loaded after a change must be what is loaded without images.
class ChangedProgram : public testing::Test {
 protected:
  ChangedProgram() {
    write_rich_modules(folder_);
    ImageStore none;
    EXPECT_EQ(store_.add_bytes(image_file(load({}, &none)->images())), "");
    all_ = load({}, &store_)->imaged_count();
  }

  std::unique_ptr<LoadedProgram> load(const std::string& first_root, ImageStore* images) const {
    std::vector<std::string> roots;
    if (!first_root.empty()) roots.push_back(first_root);
    roots.push_back(folder_.root());
    return load_with_images({module_path("/Main%")}, roots, images);
  }

  /// Checks the program as it is now. Returns the number of modules that were not checked again.
  size_t imaged() {
    const std::unique_ptr<LoadedProgram> loaded = load({}, &store_);
    EXPECT_EQ(loaded->text(), load({}, nullptr)->text());
    return loaded->imaged_count();
  }

  ModuleFolder folder_;
  ImageStore store_;
  size_t all_ = 0;
};

TEST_F(ChangedProgram, ChecksWhatDependsOnTheChange) {
  EXPECT_EQ(imaged(), all_);
  folder_.write("Pack/Secret.fble", R"(Bool@ .= /Bool%;

Secret@ = Bool@.%(@/Pack%);
(Bool@) { Secret@; } Hide = (Bool@ b) { b.%(@/Pack%); };
Box@ = <@ A@> { *(A@ it).%(@/Pack%); };
@(Secret@, Hide, Box@);
)");
  EXPECT_EQ(imaged(), all_ - 1) << "not the main module: the types are the same";
  folder_.write("Unit.fble", "Unit@ = *(); Unit@ Unit = Unit@(); @(Unit@, Unit, Unit);");
  EXPECT_EQ(imaged(), 0u);
}

TEST_F(ChangedProgram, ReportsErrorsAsWithoutImages) {
  folder_.write("List.fble", "@(List@);");
  EXPECT_EQ(imaged(), 3u);
  folder_.write("Bool.fble", "Unit@ .= /Unit%; x = ;");
  EXPECT_EQ(imaged(), 1u);
  folder_.write("Bool.fble", "/Pack/Secret%;");
  imaged();
  fs::remove(fs::path(folder_.root()) / "Unit.fble");
  imaged();
}

TEST_F(ChangedProgram, TypesOfImagesAndSourcesGoTogether) {
  // The messages name types that come from images, and the places where they were defined.
  folder_.write("Main.fble",
                R"(Unit@ .= /Unit%; Bool@, True .= /Bool%; List@, One .= /List%; Secret@, Hide, Box@ .= /Pack/Secret%;
List@<Bool@> a = One(One(True));
Secret@ b = True;
List@<List@<Bool@>> c = One(One(True));
Box@<Bool@> d = Hide(True);
(Unit@) { Secret@; } e = (Unit@ _) { Hide(True); };
@(a, b, c, d, e);
)");
  EXPECT_EQ(imaged(), 4u);
  EXPECT_EQ(load({}, &store_)->diagnostics.error_count(), 3u) << load({}, &store_)->diagnostics.render();
}

TEST_F(ChangedProgram, AModuleThatIsFoundElsewhereCounts) {
  ModuleFolder first;
  first.write("Bool.fble",
              "Unit@, Unit .= /Unit%; Bool@ = +(Unit@ true, Unit@ false, Unit@ third);\n"
              "Bool@ True = Bool@(true: Unit); Bool@ False = Bool@(false: Unit); @(Bool@, True, False);");
  EXPECT_EQ(load(first.root(), &store_)->text(), load(first.root(), nullptr)->text());
  // A header that comes later.
  folder_.write("Pack/Secret.fble.@", "/Bool%.Bool@ a; @(a);");
  EXPECT_EQ(load({}, &store_)->text(), load({}, nullptr)->text());
}

}  // namespace
}  // namespace fble
