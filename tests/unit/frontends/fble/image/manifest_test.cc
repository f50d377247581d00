#include "frontends/fble/image/manifest.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/use_image.h"

namespace fble {
namespace {

const Digest kCommand = digest_of("this command");

const FileStamp kStamp{1, 18'446'744'073'709'551'615U, 0, -5, 1'700'000'000'000'000'000};

std::vector<ManifestModule> some_modules() {
  return {
      {.path = "/B%", .interface = digest_of("B"), .sources = {0, 3}, .has_messages = true, .mentions = {}},
      {.path = "/A/'\"'%", .interface = digest_of("A"), .sources = {1, 2}, .has_messages = false, .mentions = {0, 1}}};
}

const std::string& module_lines() {
  static const std::string lines = print_manifest_modules(some_modules());
  return lines;
}

FolderFacts some_folder() {
  return {
      "./A", kStamp, {{FactKind::kMissing, "./A/A.fble.@", {}, {}}, {FactKind::kThere, "./A/a \"b\"\\n\nc", {}, {}}}};
}

Manifest some_manifest() {
  static const std::string lines = print_folder_lines(some_folder());
  return {.facts = {{FactKind::kMissing, "./A.fble.@", {}, {}},
                    {FactKind::kRead, "./A.fble", kStamp, digest_of("a")},
                    {FactKind::kRead, "./B.fble", {}, digest_of("b")},
                    {FactKind::kThere, "/a \"b\"\\n\nc", {}, {}}},
          .folders = {{"./A", kStamp, lines}, {"", {}, ""}},
          .messages = "A.fble:1:1: warning: \"a\\b\"\n",
          .modules = module_lines(),
          .bundle = "bytes of a bundle"};
}

TEST(Manifest, ParsesWhatWasPrinted) {
  for (const bool has_bundle : {true, false}) {
    Manifest manifest = some_manifest();
    (has_bundle ? manifest.modules : manifest.bundle) = "";
    const std::string file = print_manifest(manifest, kCommand);
    const std::optional<Manifest> parsed = parse_manifest(file, kCommand);
    ASSERT_TRUE(parsed) << file;
    EXPECT_EQ(parsed->facts, manifest.facts);
    ASSERT_EQ(parsed->folders.size(), 2u);
    EXPECT_EQ(parsed->folders[0].name, some_folder().name);
    EXPECT_EQ(parsed->folders[0].stamp, some_folder().stamp);
    EXPECT_EQ(parse_folder_lines(parsed->folders[0]), some_folder().facts);
    EXPECT_EQ(parsed->folders[1].stamp, std::nullopt);
    EXPECT_EQ(parsed->messages, manifest.messages);
    EXPECT_EQ(parsed->modules, manifest.modules);
    EXPECT_EQ(parsed->bundle, manifest.bundle);
    EXPECT_EQ((parsed->bundle.data() - file.data()) % 8, 0);
  }
}

TEST(Manifest, LinesOfFoldersAndModulesAreChecked) {
  const auto folder = [](std::string_view lines) { return parse_folder_lines({"f", {}, lines}); };
  EXPECT_TRUE(folder("missing \"a\"\n"));
  for (const char* lines : {"missing \"\"\n", "missing \"a/b\"\n", "missing \"a\"\nx", "messages \"a\"\n"}) {
    EXPECT_FALSE(folder(lines)) << lines;
  }
  EXPECT_FALSE(folder("read " + digest_of("a").str() + " \"a\"\n"));

  EXPECT_EQ(parse_manifest_modules(module_lines(), 3), some_modules());
  EXPECT_EQ(parse_manifest_modules("", 0), std::vector<ManifestModule>());
  EXPECT_FALSE(parse_manifest_modules(module_lines(), 2)) << "a fact that is not there";
  std::vector<ManifestModule> others = some_modules();
  others[0].mentions = {2};
  EXPECT_FALSE(parse_manifest_modules(print_manifest_modules(others), 3)) << "a module that is not there";
  for (size_t at = 0; at < module_lines().size(); ++at) {
    std::string changed = module_lines();
    changed[at] ^= 1;
    EXPECT_FALSE(parse_manifest_modules(changed, 3)) << at;
    EXPECT_EQ(parse_manifest_modules(module_lines().substr(0, at), 3).has_value(), at == 0) << at;
  }
}

TEST(Manifest, OfAnotherCommandIsNotUsed) {
  EXPECT_FALSE(parse_manifest(print_manifest(some_manifest(), digest_of("another")), kCommand));
  EXPECT_FALSE(parse_manifest("", kCommand));
  EXPECT_FALSE(parse_manifest(kManifestMagic, kCommand));
}

TEST(Manifest, AnyChangeBeforeTheBundleIsFound) {
  Manifest manifest = some_manifest();
  manifest.modules = "";
  const std::string file = print_manifest(manifest, kCommand);
  const size_t bundle = file.size() - some_manifest().bundle.size();
  for (size_t at = 0; at < bundle; ++at) {
    for (const char change : {'\x01', '\x10', '\x80'}) {
      std::string changed = file;
      changed[at] ^= change;
      EXPECT_FALSE(parse_manifest(changed, kCommand)) << at;
    }
    EXPECT_FALSE(parse_manifest(file.substr(0, at), kCommand)) << at;
  }
  EXPECT_FALSE(parse_manifest(file + '\0', kCommand));
}

TEST(Manifest, WhatIsAcceptedPrintsAsTheSame) {
  std::mt19937_64 random(3);
  const std::string file = print_manifest(some_manifest(), kCommand);
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = file;
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t at = random() % changed.size();
      switch (random() % 4) {
        case 0: changed[at] = static_cast<char>(random()); break;
        case 1: changed[at] = "0-\"\\n\n "[random() % 7]; break;
        case 2: changed.erase(at, 1 + random() % 4); break;
        default: changed.insert(at, changed.substr(random() % changed.size(), random() % 20)); break;
      }
    }
    mend_manifest(changed, kCommand);
    const std::optional<Manifest> parsed = parse_manifest(changed, kCommand);
    if (!parsed) continue;
    ++accepted;
    ASSERT_EQ(print_manifest(*parsed, kCommand), changed);
  }
  EXPECT_GT(accepted, 500);
  EXPECT_LT(accepted, 20'000);
}

}  // namespace
}  // namespace fble
