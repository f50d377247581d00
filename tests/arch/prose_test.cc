// Refuses the phrases that CONTRIBUTING.md lists under "Voice": in sources, with their comments and strings, in Fble
// programs, documents, tables and scripts. A phrase is found in any case and across the lines of a comment or a string.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/arch/prose_files.h"
#include "tests/arch/text_of.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBegin = "<!-- phrases -->";
constexpr std::string_view kEnd = "<!-- end -->";

bool is_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// A text in lower case in which each run of blanks is one blank, and so is each line end with the signs around it
/// that continue a comment, a string or a quotation. `lines` has the line of each character.
struct Words {
  std::string text;
  std::vector<size_t> lines;
};

Words words_of(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  constexpr std::string_view kBetweenLines = " \t\r\n/#\"*|>\\";
  Words words;
  size_t line = 1;
  const auto add = [&](char c) {
    words.text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    words.lines.push_back(line);
  };
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find_first_not_of(kBetweenLines, at), text.size());
    size_t line_ends = static_cast<size_t>(std::count(text.begin() + at, text.begin() + end, '\n'));
    if (line_ends == 0) end = std::min(text.find_first_not_of(kBlank, at), text.size());
    if (end == at) {
      add(text[at++]);
      continue;
    }
    add(' ');
    line += line_ends;
    at = end;
  }
  return words;
}

/// Returns the lines in which the phrase is.
std::vector<size_t> lines_with(const Words& words, std::string_view phrase) {
  std::vector<size_t> lines;
  for (size_t at = words.text.find(phrase); at != std::string::npos; at = words.text.find(phrase, at + 1)) {
    const size_t end = at + phrase.size();
    if (at != 0 && is_letter(words.text[at - 1])) continue;
    if (end != words.text.size() && is_letter(words.text[end])) continue;
    lines.push_back(words.lines[at]);
  }
  return lines;
}

/// Returns the phrases of a table whose rows are `| phrase, phrase | what to write instead |`. Its first two rows are
/// the heading.
std::vector<std::string> phrases_in(const std::string& text) {
  std::vector<std::string> phrases;
  const size_t begin = text.find(kBegin);
  const size_t end = text.find(kEnd, begin);
  if (begin == std::string::npos || end == std::string::npos) return phrases;
  std::istringstream lines(text.substr(begin + kBegin.size(), end - begin - kBegin.size()));
  int row = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| ") && !line.starts_with("|-")) continue;
    if (++row <= 2) continue;
    std::istringstream cell(line.substr(2, line.find(" |") - 2));
    for (std::string phrase; std::getline(cell >> std::ws, phrase, ',');) phrases.push_back(phrase);
  }
  return phrases;
}

/// Returns the text without what is between kBegin and kEnd. Lines keep their numbers.
std::string without_phrases(std::string text) {
  const size_t begin = text.find(kBegin);
  const size_t end = text.find(kEnd, begin);
  if (begin == std::string::npos || end == std::string::npos) return text;
  std::replace_if(
      text.begin() + static_cast<ptrdiff_t>(begin), text.begin() + static_cast<ptrdiff_t>(end),
      [](char c) { return c != '\n'; }, ' ');
  return text;
}

TEST(Prose, RefusesThePhrasesOfTheVoiceSection) {
  const fs::path root = FBLE_SOURCE_DIR;
  const std::vector<std::string> phrases = phrases_in(text_of(root / "CONTRIBUTING.md"));
  ASSERT_GT(phrases.size(), 10u);
  const std::vector<std::string> searched = prose_files();
  ASSERT_GT(searched.size(), 500u) << "below " << root;
  std::vector<std::string> uses;
  for (const std::string& file : searched) {
    const Words words = words_of(without_phrases(text_of(root / file)));
    for (const std::string& phrase : phrases) {
      for (const size_t line : lines_with(words, phrase))
        uses.push_back(file + ":" + std::to_string(line) + ": \"" + phrase + "\"");
    }
  }
  EXPECT_THAT(uses, testing::IsEmpty()) << "CONTRIBUTING.md, under Voice, has better words";
}

TEST(Prose, FindsPhrases) {
  const Words words =
      words_of("x;\n  // This is Up\n  // down,  up down. f(\"up \"\n \"down\") up_down up. down updown");
  EXPECT_THAT(lines_with(words, "up down"), testing::ElementsAre(2u, 3u, 3u));
  EXPECT_THAT(lines_with(words, "up"), testing::ElementsAre(2u, 3u, 3u, 4u));
  EXPECT_THAT(lines_with(words, "down up"), testing::IsEmpty());
}

TEST(Prose, ReadsThePhrases) {
  const std::string text =
      "Up\n<!-- phrases -->\n\n| No | Yes |\n|---|---|\n| up down, down up | left, right |\n| in | out |\n<!-- end "
      "-->\n| a | b |\n";
  EXPECT_THAT(phrases_in(text), testing::ElementsAre("up down", "down up", "in"));
  EXPECT_THAT(lines_with(words_of(without_phrases(text)), "up"), testing::ElementsAre(1u));
  EXPECT_THAT(lines_with(words_of(without_phrases(text)), "b"), testing::ElementsAre(9u));
}

}  // namespace
}  // namespace fble
