#include "frontends/fble/image/digest.h"

#include <gtest/gtest.h>

#include "frontends/fble/image/checksum.h"
#include "frontends/fble/image/module_key.h"
#include "tests/support/imaged_program.h"

namespace fble {
namespace {

TEST(Digest, IsThatOfTheParts) {
  const auto parts = [](std::initializer_list<std::string_view> all) {
    Digester digester;
    for (const std::string_view part : all) digester.add(part);
    return digester.finish();
  };
  EXPECT_EQ(parts({"a", "bc"}), parts({"a", "bc"}));
  EXPECT_NE(parts({"a", "bc"}), parts({"ab", "c"}));
  EXPECT_NE(parts({"a", ""}), parts({"a"}));
  EXPECT_EQ(parts({"a"}), digest_of("a"));
  EXPECT_EQ(digest_of("a").str().size(), 64u);
  EXPECT_NE(digest_of("a").str(), digest_of("b").str());
}

TEST(Digest, TheCommandHasOne) {
  ASSERT_TRUE(command_digest().has_value());
  EXPECT_EQ(command_digest(), command_digest());
  EXPECT_NE(*command_digest(), Digest{});
}

TEST(ModuleKey, DependsOnPathSourcesAndMentions) {
  const Digest none = digest_of("");
  const Digest x = digest_of("x");
  const auto key = [](std::string_view path, const SourceDigests& sources) {
    return source_key(module_path(path), sources).value();
  };
  const Digest a = key("/A%", {.value = x});
  EXPECT_EQ(a, key("/A%", {.value = x}));
  EXPECT_NE(a, key("/B%", {.value = x}));
  EXPECT_NE(a, key("/A/''%", {.value = x}));
  EXPECT_NE(a, key("/A%", {.value = digest_of("y")}));
  EXPECT_NE(a, key("/A%", {.header = x}));
  EXPECT_NE(a, key("/A%", {.header = none, .value = x}));
}

TEST(Checksum, IsThatOfGzip) {
  EXPECT_EQ(checksum_of(""), 0u);
  EXPECT_EQ(checksum_of("123456789"), 0xcbf43926u);
  EXPECT_EQ(checksum_of(std::string(32, '\xff')), 0xff6cab0bu);
}

}  // namespace
}  // namespace fble
