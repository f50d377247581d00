#include "frontends/fble/program_bundle.h"

#include <gmock/gmock.h>

#include <functional>
#include <random>

#include "frontends/fble/image/bundle.h"
#include "interp/bytecode_verify.h"
#include "tests/support/imaged_program.h"
#include "tests/support/use_image.h"

namespace fble {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class ProgramBundleTest : public testing::Test {
 protected:
  ProgramBundleTest() {
    write_rich_modules(folder_);
    folder_.write("Top.fble", "Bool@ .= /Bool%; f .= /Header%; Not .= /Main%;\n(Bool@ b) { f(Not(b)); };\n");
    load("/Top%");
  }

  void load(const std::string& module) {
    loaded_ = load_with_images({module_path(module)}, {folder_.root()}, nullptr);
    ASSERT_NE(loaded_->code, nullptr) << loaded_->diagnostics.render();
    bundle_ = make_bundle(*loaded_->program, *loaded_->checked, *loaded_->code).value();
  }

  std::unique_ptr<ProgramCode> link(const std::string& bundle) {
    problem_.clear();
    std::unique_ptr<ProgramCode> code = link_bundle(bundle, problem_);
    EXPECT_EQ(code == nullptr, !problem_.empty());
    return code;
  }

  /// Returns the bundle without one of its modules, or with one twice.
  std::string with_other_modules(const std::function<void(std::vector<BundledModule>&)>& change) {
    std::vector<BundledModule> modules = read_bundle(bundle_, problem_).value();
    change(modules);
    return write_bundle(modules);
  }

  ModuleFolder folder_;
  std::unique_ptr<LoadedProgram> loaded_;
  std::string bundle_;
  std::string problem_;
};

TEST_F(ProgramBundleTest, HasTheCodeThatLoweringGave) {
  const auto code = link(bundle_);
  ASSERT_NE(code, nullptr) << problem_;
  EXPECT_EQ(print_bytecode(*code), print_bytecode(*loaded_->code));
  EXPECT_EQ(code->global_names, loaded_->code->global_names);
  ASSERT_EQ(code->modules.size(), loaded_->code->modules.size());
  for (size_t i = 0; i < code->modules.size(); ++i) {
    EXPECT_EQ(code->modules[i].path, loaded_->code->modules[i].path);
    EXPECT_EQ(code->modules[i].body->loc, loaded_->code->modules[i].body->loc);
  }
}

TEST_F(ProgramBundleTest, IsTheSameEachTime) {
  const std::string first = bundle_;
  load("/Top%");
  EXPECT_EQ(bundle_, first);
}

TEST_F(ProgramBundleTest, HasNeitherTypesNorWarnings) {
  EXPECT_THAT(loaded_->diagnostics.render(), HasSubstr("variable 'unused' defined but not used"));
  EXPECT_EQ(bundle_.find("not used"), std::string::npos);
  EXPECT_EQ(bundle_.find("Forest@"), std::string::npos);
  EXPECT_NE(bundle_.find("/Main%.Loop"), std::string::npos);
}

TEST_F(ProgramBundleTest, NeedsAllModulesInOrder) {
  EXPECT_EQ(link(with_other_modules([](auto& modules) { modules.erase(modules.begin()); })), nullptr);
  EXPECT_THAT(problem_, EndsWith("/Unit% is missing"));
  EXPECT_EQ(link(with_other_modules([](auto& modules) { modules.push_back(modules.front()); })), nullptr);
  EXPECT_THAT(problem_, EndsWith("/Unit% is there twice"));
  EXPECT_EQ(link(with_other_modules([](auto& modules) { std::ranges::reverse(modules); })), nullptr);
  EXPECT_THAT(problem_, HasSubstr(" is missing"));
}

TEST_F(ProgramBundleTest, ADamagedImageIsFound) {
  for (size_t at = bundle_.find("FbleMod1"); at < bundle_.size(); at += 97) {
    std::string damaged = bundle_;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    if (link(damaged) == nullptr) continue;
    // Only zeros between images are not looked at.
    EXPECT_EQ(bundle_[at], 0) << at;
  }
}

TEST_F(ProgramBundleTest, ChangedOnesWithTheRightChecksumsAreHarmless) {
  std::mt19937 random(1);
  constexpr int kRounds = 3000;
  int accepted = 0;
  for (int i = 0; i < kRounds; ++i) {
    std::string changed = bundle_;
    for (unsigned changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t at = 16 + random() % (changed.size() - 16);
      changed[at] = static_cast<char>(random() % 4 == 0 ? random() : changed[at] + 1 - random() % 3);
    }
    mend_bundle(changed);
    const auto code = link(changed);
    if (code == nullptr) continue;
    ++accepted;
    EXPECT_EQ(verify_bytecode(*code), "");
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, kRounds);
}

}  // namespace
}  // namespace fble
