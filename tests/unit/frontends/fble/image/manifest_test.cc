#include "frontends/fble/image/manifest.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/use_image.h"

namespace fble {
namespace {

const Digest kCommand = digest_of("this command");

Manifest some_manifest() {
  const FileStamp stamp{1, 18'446'744'073'709'551'615U, 0, -5, 1'700'000'000'000'000'000};
  return {.facts = {{FactKind::kMissing, "./A.fble.@", {}, {}},
                    {FactKind::kRead, "./A.fble", stamp, digest_of("a")},
                    {FactKind::kRead, "./B.fble", {}, digest_of("b")},
                    {FactKind::kThere, "/a \"b\"\\n\nc", {}, {}}},
          .messages = "A.fble:1:1: warning: \"a\\b\"\n",
          .bundle = "bytes of a bundle"};
}

TEST(Manifest, ParsesWhatWasPrinted) {
  for (const bool has_bundle : {true, false}) {
    Manifest manifest = some_manifest();
    if (!has_bundle) manifest.bundle = "";
    const std::string file = print_manifest(manifest, kCommand);
    const std::optional<Manifest> parsed = parse_manifest(file, kCommand);
    ASSERT_TRUE(parsed) << file;
    EXPECT_EQ(parsed->facts, manifest.facts);
    EXPECT_EQ(parsed->messages, manifest.messages);
    EXPECT_EQ(parsed->bundle, manifest.bundle);
    EXPECT_EQ((parsed->bundle.data() - file.data()) % 8, 0);
  }
}

TEST(Manifest, OfAnotherCommandIsNotUsed) {
  EXPECT_FALSE(parse_manifest(print_manifest(some_manifest(), digest_of("another")), kCommand));
  EXPECT_FALSE(parse_manifest("", kCommand));
  EXPECT_FALSE(parse_manifest(kManifestMagic, kCommand));
}

TEST(Manifest, AnyChangeBeforeTheBundleIsFound) {
  const std::string file = print_manifest(some_manifest(), kCommand);
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
