// Calls per sequence, in all kinds of calls, and their encoding for pprof.
#include "interp/profile.h"

#include <gtest/gtest.h>

#include <map>

#include "frontends/cli/pprof.h"
#include "frontends/fble/lower.h"
#include "interp/machine.h"
#include "tests/support/checked_source.h"

namespace fble {
namespace {

constexpr const char* kPrelude = R"(
  Unit@ = *(); Unit@ U = Unit@();
  Bool@ = +(Unit@ true, Unit@ false);
  N@ = +(Unit@ zero, N@ more);
  N@ 0 = N@(zero: U); N@ 3 = N@(more: N@(more: N@(more: 0)));
  (Bool@) { Bool@; } Not = (Bool@ b) { b.?(true: Bool@(false: U), false: Bool@(true: U)); };
)";

class ProfileTest : public testing::Test {
 protected:
  /// Runs the module and keeps "a > b" => calls, names without the module's.
  void run(const std::string& text) {
    SourceProgram source;
    source.add("/M%", kPrelude + text);
    const CheckedProgram* checked = source.check();
    ASSERT_NE(checked, nullptr) << source.diagnostics().render();
    code_ = lower_program(*checked);
    profile_ = std::make_unique<Profile>(*code_);
    Machine machine(*code_, natives_, {.steps = profile_.get()});
    EXPECT_TRUE(machine.run_modules()) << machine.error().render();
    profile_->for_each([&](const std::vector<uint32_t>& path, uint64_t calls, uint64_t samples) {
      std::string key;
      for (size_t i = 2; i < path.size(); ++i) {
        key += (i == 2 ? "" : " > ") + profile_->blocks()[path[i]].name.substr(4);
      }
      if (path.size() > 2) calls_[key] += calls;
      samples_ += samples;
    });
  }

  std::unique_ptr<ProgramCode> code_;
  NativeTable natives_;
  std::unique_ptr<Profile> profile_;
  std::map<std::string, uint64_t> calls_;
  uint64_t samples_ = 0;
};

using Calls = std::map<std::string, uint64_t>;

TEST_F(ProfileTest, CallsAndTailCallsAreChildren) {
  run("(Bool@) { Bool@; } Twice = (Bool@ b) { Not(Not(b)); }; Twice(Twice(Bool@(true: U)));");
  EXPECT_EQ(calls_, (Calls{{"Twice", 2}, {"Twice > Not", 4}}));
  EXPECT_GT(samples_, 8u);
}

TEST_F(ProfileTest, RecursionIsOneStepOfASequence) {
  run("(N@) { Bool@; } Even = (N@ n) { n.?(zero: Bool@(true: U), more: Not(Even(n.more))); }; Even(3);");
  EXPECT_EQ(calls_, (Calls{{"Even", 4}, {"Even > Not", 3}}));
}

TEST_F(ProfileTest, LoopsOfTailCallsAreOneStepToo) {
  run("(N@, Bool@) { Bool@; } Loop = (N@ n, Bool@ b) { n.?(zero: b, more: Loop(n.more, Not(b))); };"
      "Loop(3, Bool@(true: U));");
  EXPECT_EQ(calls_, (Calls{{"Loop", 4}, {"Loop > Not", 3}}));
}

TEST_F(ProfileTest, PartialApplicationsCountWhenTheyRun) {
  run("(Bool@, Bool@) { Bool@; } Second = (Bool@ _, Bool@ b) { Not(b); };"
      "(Bool@) { Bool@; } half = Second(Bool@(true: U)); half(half(Bool@(true: U)));");
  EXPECT_EQ(calls_, (Calls{{"Second", 2}, {"Second > Not", 2}}));
}

TEST_F(ProfileTest, ArgumentsLeftOverAreACallOfTheCaller) {
  run("(Unit@) { (Bool@) { Bool@; }; } Get = (Unit@ _) { (Bool@) { Bool@; } f = Not; f; };"
      "(Bool@) { Bool@; } F = (Bool@ b) { Bool@ x = Get(U, b); x; }; F(Bool@(true: U));");
  EXPECT_EQ(calls_, (Calls{{"F", 1}, {"F > Get", 1}, {"F > Not", 1}}));
}

/// Splits a message into (field, value) pairs; a number's value is its text.
std::vector<std::pair<uint64_t, std::string>> fields_of(const std::string& bytes) {
  std::vector<std::pair<uint64_t, std::string>> fields;
  size_t at = 0;
  auto varint = [&] {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const unsigned char byte = static_cast<unsigned char>(bytes.at(at++));
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.size()) {
    const uint64_t key = varint();
    const uint64_t value = varint();
    if ((key & 7) == 0) {
      fields.emplace_back(key >> 3, std::to_string(value));
    } else {
      fields.emplace_back(key >> 3, bytes.substr(at, value));
      at += value;
    }
  }
  return fields;
}

TEST_F(ProfileTest, PprofHasAllSequencesAndNames) {
  run("Not(Not(Bool@(true: U)));");
  const std::string bytes = encode_pprof(*profile_, 0);
  std::map<uint64_t, int> count;
  std::vector<std::string> strings;
  for (const auto& [field, value] : fields_of(bytes)) {
    ++count[field];
    if (field == 6) strings.push_back(value);
  }
  EXPECT_EQ(count[1], 2);  // calls, samples
  EXPECT_EQ(count[2], 3);  // [root]; the module; Not
  EXPECT_EQ(count[4], static_cast<int>(profile_->blocks().size()));
  EXPECT_EQ(count[5], count[4]);
  ASSERT_FALSE(strings.empty());
  EXPECT_EQ(strings[0], "");
  EXPECT_NE(std::find(strings.begin(), strings.end(), "/M%.Not"), strings.end());
}

TEST_F(ProfileTest, APeriodThinsOutSamples) {
  run("Not(Not(Bool@(true: U)));");
  int samples = 0;
  for (const auto& [field, value] : fields_of(encode_pprof(*profile_, samples_ + 1))) samples += field == 2;
  EXPECT_EQ(samples, 0);
  for (const auto& [field, value] : fields_of(encode_pprof(*profile_, samples_))) samples += field == 2;
  EXPECT_EQ(samples, 1);
}

}  // namespace
}  // namespace fble
