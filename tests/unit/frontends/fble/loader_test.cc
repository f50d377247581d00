#include "frontends/fble/loader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace fble {
namespace {

namespace fs = std::filesystem;

/// A folder of modules that is removed in the end.
class LoaderTest : public testing::Test {
 protected:
  LoaderTest() {
    std::string pattern = (fs::temp_directory_path() / "fble-loader-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~LoaderTest() override { fs::remove_all(root_); }

  void write(const std::string& name, std::string_view text) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << text;
  }

  /// Loads and returns the messages, with the root left out of file names.
  std::string load(std::string_view main, LoadFor purpose = LoadFor::kExecution) {
    Diagnostics diagnostics;
    LoadOptions options;
    for (const std::string& root : roots_) options.roots.push_back((root_ / root).string());
    if (roots_.empty()) options.roots.push_back(root_.string());
    options.purpose = purpose;
    for (const char* path : more_mains_) options.more_mains.push_back(*parse_module_path(path, diagnostics));
    for (const char* path : types_of_) options.types_of.push_back(*parse_module_path(path, diagnostics));
    program_ = load_program(*parse_module_path(main, diagnostics), options, diagnostics, &files_);
    EXPECT_EQ(program_ == nullptr, diagnostics.error_count() > 0);
    return without_root(diagnostics.render());
  }

  std::string without_root(std::string text) {
    const std::string root = root_.string() + "/";
    for (size_t at = text.find(root); at != std::string::npos; at = text.find(root)) text.erase(at, root.size());
    return text;
  }

  /// Returns the modules in order, each with its dependencies.
  std::string modules() {
    std::string text;
    for (const Module* module : program_->modules) {
      text += module->path.str() + ":";
      for (const Module* dep : module->deps) text += " " + dep->path.str();
      text += "\n";
    }
    return text;
  }

  std::string files() {
    std::string text;
    for (const std::string& file : files_) text += without_root(file) + "\n";
    return text;
  }

  fs::path root_;
  std::vector<std::string> roots_;
  std::vector<const char*> more_mains_;
  std::vector<const char*> types_of_;
  std::unique_ptr<Program> program_;
  std::vector<std::string> files_;
};

TEST_F(LoaderTest, DependenciesComeFirstInOrderOfMention) {
  write("Main.fble", "a = /B%; b = /A%; c = /B%; /C/D%;");
  write("A.fble", "/C/D%;");
  write("B.fble", "@();");
  write("C/D.fble", "@();");
  EXPECT_EQ(load("/Main%"), "");
  EXPECT_EQ(modules(), "/B%:\n/C/D%:\n/A%: /C/D%\n/Main%: /B% /A% /C/D%\n");
  EXPECT_EQ(files(), "Main.fble\nB.fble\nA.fble\nC/D.fble\n");
  EXPECT_EQ(program_->files.size(), 4u);
  EXPECT_EQ(without_root(program_->modules.back()->loc.file.str()), "Main.fble");
  EXPECT_EQ(program_->modules.back()->loc.line, 1u);
  EXPECT_EQ(program_->modules.back()->loc.column, 0u);
}

TEST_F(LoaderTest, TheFirstRootThatHasTheFileWins) {
  write("one/A.fble", "@();");
  write("two/A.fble", "syntax error");
  write("two/Main.fble", "/A%;");
  roots_ = {"missing", "one", "two"};
  EXPECT_EQ(load("/Main%"), "");
  EXPECT_EQ(files(), "two/Main.fble\none/A.fble\n");
}

TEST_F(LoaderTest, QuotedWordsNameFilesLiterally) {
  write("a b/it's.fble", "@();");
  EXPECT_EQ(load("/'a b'/'it''s'%"), "");
}

TEST_F(LoaderTest, MissingModulesAreReportedWhereMentioned) {
  EXPECT_EQ(load("/Main%"), "'/Main%':1:1: error: module /Main% not found\n");
  write("Main.fble", "a = /No%;\nb = /No%; /'x/y'%;");
  EXPECT_EQ(load("/Main%"),
            "Main.fble:1:5: error: module /No% not found\n"
            "Main.fble:2:11: error: module /'x/y'% not found\n");
  EXPECT_EQ(files(), "Main.fble\n");
}

TEST_F(LoaderTest, AWordWithASlashIsNeverFound) {
  write("x/y.fble", "@();");
  EXPECT_EQ(load("/'x/y'%"), "'/'x/y'%':1:1: error: module /'x/y'% not found\n");
}

TEST_F(LoaderTest, CyclesAreReportedWhereTheyClose) {
  write("Main.fble", "/A%;");
  write("A.fble", "x = /B%; x;");
  write("B.fble", "\n /A%;");
  EXPECT_EQ(load("/Main%"), "B.fble:2:2: error: module /A% recursively depends on itself\n");
  write("Self.fble", "/Self%;");
  EXPECT_EQ(load("/Self%"), "Self.fble:1:1: error: module /Self% recursively depends on itself\n");
}

TEST_F(LoaderTest, SyntaxErrorsOfSeveralFilesAreReported) {
  write("Main.fble", "a = /A%; b = /B%; c d e");
  write("A.fble", "(");
  write("B.fble", "@();\n)");
  EXPECT_EQ(load("/Main%"),
            "Main.fble:1:23: error: syntax error, unexpected WORD, expecting .= or := or (. or ',' or ';' or '='\n"
            "A.fble:1:2: error: syntax error, unexpected end of file, expecting expression\n"
            "B.fble:2:1: error: syntax error, unexpected ')', expecting end of file\n");
}

TEST_F(LoaderTest, HeadersAreReadBesideValues) {
  write("Main.fble", "/A%;");
  write("A.fble.@", "/T%;");
  write("A.fble", "x = /U%; /T%;");
  write("T.fble", "@();");
  write("U.fble", "@();");
  EXPECT_EQ(load("/Main%"), "");
  EXPECT_EQ(files(), "Main.fble\nA.fble.@\nA.fble\nT.fble\nU.fble\n");
  EXPECT_EQ(modules(), "/T%:\n/U%:\n/A%: /T% /U%\n/Main%: /A%\n");
  const Module* a = program_->modules[2];
  EXPECT_NE(a->type, nullptr);
  EXPECT_NE(a->value, nullptr);
  EXPECT_EQ(without_root(a->loc.file.str()), "A.fble");
}

TEST_F(LoaderTest, CompilingOneModuleReadsOnlyHeadersOfOthers) {
  write("Main.fble", "a = /A%; /B%;");
  write("Main.fble.@", "@();");
  write("A.fble.@", "@();");
  write("A.fble", "not read");
  write("B.fble", "@();");
  EXPECT_EQ(load("/Main%", LoadFor::kModule), "");
  EXPECT_EQ(files(), "Main.fble.@\nMain.fble\nA.fble.@\nB.fble\n");
  EXPECT_EQ(program_->modules[0]->value, nullptr);
  EXPECT_NE(program_->modules[0]->type, nullptr);
  EXPECT_EQ(without_root(program_->modules[0]->loc.file.str()), "A.fble.@");
}

TEST_F(LoaderTest, AHeaderAloneIsEnoughOnlyForOthers) {
  write("Main.fble", "/A%;");
  write("A.fble.@", "@();");
  EXPECT_EQ(load("/Main%", LoadFor::kModule), "");
  EXPECT_EQ(load("/Main%"), "Main.fble:1:1: error: module /A% not found\n");
}

TEST_F(LoaderTest, ErrorsOfHeaderAndValue) {
  write("A.fble.@", ")");
  write("A.fble", ")");
  EXPECT_EQ(load("/A%"),
            "A.fble.@:1:1: error: syntax error, unexpected ')', expecting expression\n"
            "A.fble:1:1: error: syntax error, unexpected ')', expecting expression\n");
}

TEST_F(LoaderTest, ModulesWantedForTheirTypesComeAfterTheMainModule) {
  write("Main.fble", "/A%;");
  write("A.fble", "@();");
  write("B.fble", "a = /A%; /C%;");
  write("C.fble", "@();");
  types_of_ = {"/A%", "/B%", "/C%", "/Missing%"};
  EXPECT_EQ(load("/Main%"), "");
  EXPECT_EQ(modules(), "/A%:\n/Main%: /A%\n/C%:\n/B%: /A% /C%\n");
}

TEST_F(LoaderTest, AllMainModulesHaveTheirValuesAndAreLoadedOnce) {
  write("A.fble", "/Headed%;");
  write("Headed.fble.@", "*();");
  write("Headed.fble", "/B%;");
  write("B.fble", "/Written%;");
  write("Written.fble.@", "*();");
  more_mains_ = {"/B%", "/Headed%", "/A%"};
  EXPECT_EQ(load("/A%", LoadFor::kModule), "");
  EXPECT_EQ(modules(), "/Written%:\n/B%: /Written%\n/Headed%: /B%\n/A%: /Headed%\n");
  EXPECT_EQ(files(), "A.fble\nHeaded.fble.@\nHeaded.fble\nB.fble\nWritten.fble.@\n");
}

TEST_F(LoaderTest, MainModulesAreLoadedAfterOthersHaveFailed) {
  write("A.fble", "a = ;");
  write("B.fble", "/Missing%;");
  write("C.fble", "c = ;");
  more_mains_ = {"/B%", "/C%"};
  EXPECT_EQ(load("/A%"),
            "A.fble:1:5: error: syntax error, unexpected ';', expecting expression\n"
            "B.fble:1:1: error: module /Missing% not found\n"
            "C.fble:1:5: error: syntax error, unexpected ';', expecting expression\n");
}

TEST_F(LoaderTest, WhatIsNoReadableFileIsReported) {
  write("Main.fble", "a = /Folder%; b = /Pipe%; c = /Link%; @();");
  fs::create_directory(root_ / "Folder.fble");
  ASSERT_EQ(mkfifo((root_ / "Pipe.fble").c_str(), 0600), 0);
  fs::create_symlink("nowhere", root_ / "Link.fble");
  EXPECT_EQ(load("/Main%"),
            "Main.fble:1:5: error: unable to read Folder.fble of module /Folder%: Is a directory\n"
            "Main.fble:1:19: error: unable to read Pipe.fble of module /Pipe%: Not a regular file\n"
            "Main.fble:1:31: error: module /Link% not found\n");
  if (geteuid() != 0) {
    write("Secret.fble", "@();");
    fs::permissions(root_ / "Secret.fble", fs::perms::none);
    EXPECT_EQ(load("/Secret%"),
              "'/Secret%':1:1: error: unable to read Secret.fble of module /Secret%: Permission denied\n");
  }
}

TEST_F(LoaderTest, LongChainsOfModulesNeedNoStack) {
  const int kCount = 3000;
  for (int i = 0; i < kCount; ++i) {
    write("M" + std::to_string(i) + ".fble", "/M" + std::to_string(i + 1) + "%;");
  }
  write("M" + std::to_string(kCount) + ".fble", "@();");
  EXPECT_EQ(load("/M0%"), "");
  EXPECT_EQ(program_->modules.size(), kCount + 1u);
  EXPECT_EQ(program_->modules.back()->path.str(), "/M0%");
}

}  // namespace
}  // namespace fble
