// The front end must survive any text that is passed to it as a program.
//
// Takes our own programs (tests/lang, tests/golden, frontends/std, examples),
// mutates them in many ways and passes the result to the parser and, if it can
// be parsed, to the checker. Neither may crash, hang or contradict itself: there
// is a result exactly when there is no error, and the checker's core is sound.
//
// Variant i depends on the seed and on i alone, so a failure is repeated by
//
//   FBLE_ROBUSTNESS_FIRST=i FBLE_ROBUSTNESS_COUNT=1 fble-jit-tests --gtest_filter='FrontEndRobustness*'
//
// FBLE_ROBUSTNESS_COUNT    number of variants (2000; try 10000)
// FBLE_ROBUSTNESS_SEED     another seed
// FBLE_ROBUSTNESS_SECONDS  the time one variant may take (20)
//
// The current variant is in a file whose name is printed if the test fails.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "frontends/fble/big_stack.h"
#include "frontends/fble/core_verify.h"
#include "frontends/fble/parser.h"
#include "frontends/fble/typecheck.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

// ---------------------------------------------------------------------------
// The programs we start from

/// Our own files: texts to mutate, and modules that the results may mention.
struct Corpus {
  std::vector<std::string> texts;
  std::map<std::string, std::string> modules;  ///< text of "/A/B%"

  Corpus() {
    for (const char* root : {"tests/lang", "tests/golden/diagnostics", "frontends/std", "examples"}) {
      const fs::path folder = fs::path(FBLE_SOURCE_DIR) / root;
      if (!fs::is_directory(folder)) continue;
      std::vector<fs::path> files;
      for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        const std::string name = entry.path().filename();
        if (name.ends_with(".fble") || name.ends_with(".fble.@")) files.push_back(entry.path());
      }
      std::ranges::sort(files);
      for (const fs::path& file : files) {
        std::ifstream stream(file, std::ios::binary);
        std::string text{std::istreambuf_iterator<char>(stream), {}};
        if (file.extension() == ".fble") {
          const fs::path name_path = file.lexically_relative(folder).replace_extension();
          ModulePath path;
          for (const fs::path& word : name_path) path.words.emplace_back(word.string());
          modules.emplace(path.str(), text);
        }
        texts.push_back(std::move(text));
      }
    }
  }
};

// ---------------------------------------------------------------------------
// How they are mutated

/// Makes variants. All choices come from one generator, seeded for each variant.
class Spoiler {
 public:
  Spoiler(const Corpus& corpus, uint64_t seed) : corpus_(corpus), random_(seed) {}

  std::string variant() {
    const uint64_t way = below(20);
    if (way == 0) return noise();
    if (way == 1) return nest();
    if (way == 2) return token_soup();
    std::string text = any_text();
    if (way < 6) return truncate(std::move(text));
    if (way < 9) return splice(text, any_text());
    const bool gently = way >= 12;
    for (uint64_t edits = 1 + below(4); edits > 0; --edits) gently ? edit_gently(text) : edit(text);
    return text;
  }

 private:
  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }
  const std::string& any_text() { return corpus_.texts[below(corpus_.texts.size())]; }

  template <typename Container>
  const auto& any_of(const Container& container) {
    return container[below(std::size(container))];
  }

  static std::string truncate_at(std::string text, size_t size) {
    text.resize(std::min(size, text.size()));
    return text;
  }
  std::string truncate(std::string text) {
    const size_t size = below(text.size() + 1);
    if (below(2) == 0) return text.substr(size);
    return truncate_at(std::move(text), size);
  }

  /// Joins the front of one text and the back of another, at line boundaries or anywhere.
  std::string splice(const std::string& a, const std::string& b) {
    return a.substr(0, boundary(a)) + b.substr(boundary(b));
  }
  size_t boundary(const std::string& text) {
    const size_t at = below(text.size() + 1);
    if (below(2) == 0) return at;
    const size_t line = text.find('\n', at);
    return line == std::string::npos ? text.size() : line + 1;
  }

  static constexpr std::string_view kTokens[] = {
      "*(",     "+(",       "(.",   ".@(",  ".?(",    ".%(",   ".=",
      ":=",     "(",        ")",    "{",    "}",      "[",     "]",
      ";",      ",",        ":",    "?",    "=",      ".",     "<",
      ">",      "+",        "*",    "-",    "!",      "$",     "@",
      "~",      "&",        "|",    "%",    "/",      "^",     "'",
      "''",     "#",        "\n",   " ",    "x",      "x@",    "'a b'",
      "T@",     "@<",       "@(",   "<@>",  "<@ T@>", "*()()", "(T@ x) { x; }",
      "x = y;", "\xce\xbb", "\xff", "/A/B%"};

  void edit(std::string& text) {
    const size_t at = below(text.size() + 1);
    switch (below(9)) {
      case 0:  // flip a bit
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 1:  // another byte
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      case 2: text.insert(at, any_of(kTokens)); break;
      case 3: text.erase(at, 1 + below(3)); break;
      case 4: text.erase(at, below(200)); break;
      case 5: {  // a piece twice
        const std::string piece = text.substr(at, below(100));
        text.insert(below(text.size() + 1), piece);
        break;
      }
      case 6: {  // a piece of another file
        const std::string& other = any_text();
        text.insert(at, other.substr(below(other.size() + 1), below(100)));
        break;
      }
      case 7: replace_word(text); break;
      default: {  // two places exchanged
        const size_t other = below(text.size() + 1);
        if (at < text.size() && other < text.size()) std::swap(text[at], text[other]);
        break;
      }
    }
  }

  /// Makes an edit after which a text can often still be parsed.
  void edit_gently(std::string& text) { below(3) == 0 ? replace_group(text) : replace_word(text); }

  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }
  /// Replaces a word by another word of the same text: names still exist, types become wrong.
  void replace_word(std::string& text) {
    std::vector<std::pair<size_t, size_t>> words;
    for (size_t i = 0; i < text.size();) {
      size_t end = i;
      while (end < text.size() && is_word(text[end])) ++end;
      if (end > i) words.emplace_back(i, end - i);
      i = std::max(end, i + 1);
    }
    if (words.empty()) return;
    const auto [from, from_size] = words[below(words.size())];
    const auto [to, to_size] = words[below(words.size())];
    const std::string word = text.substr(from, from_size);
    text.replace(to, to_size, word);
  }

  /// Replaces the content of brackets by that of other brackets of the same sort.
  void replace_group(std::string& text) {
    constexpr std::string_view kOpen = "({[", kClose = ")}]";
    const size_t sort = below(kOpen.size());
    std::vector<std::pair<size_t, size_t>> groups;
    std::vector<size_t> open;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == kOpen[sort]) open.push_back(i);
      if (text[i] == kClose[sort] && !open.empty()) {
        groups.emplace_back(open.back(), i + 1 - open.back());
        open.pop_back();
      }
    }
    if (groups.empty()) return;
    const auto [from, from_size] = groups[below(groups.size())];
    const auto [to, to_size] = groups[below(groups.size())];
    const std::string group = text.substr(from, from_size);
    text.replace(to, to_size, group);
  }

  std::string noise() {
    std::string text(below(400), ' ');
    const bool ascii = below(2) == 0;
    for (char& c : text) c = static_cast<char>(ascii ? 32 + below(96) : below(256));
    return text;
  }

  std::string token_soup() {
    std::string text;
    for (uint64_t count = below(300); count > 0; --count) {
      text += any_of(kTokens);
      if (below(3) == 0) text += ' ';
    }
    return text;
  }

  /// Repeats some opening very often, with or without its closing.
  std::string nest() {
    static constexpr std::pair<std::string_view, std::string_view> kPairs[] = {
        {"{", ";}"},         {"x(", ")"},         {"*(", " x)"},       {"+(", " x)"},
        {"@(a: ", ")"},      {"x.?(a: ", ")"},    {"x[", "]"},         {"(*() x) {", ";}"},
        {"<@ T@> {", ";}"},  {"@<", ">"},         {"x<", ">"},         {"x.%(", ")"},
        {"x.@(a: ", ")"},    {"a = {", "; b; }"}, {"(", ") { *(); }"}, {"*() x := ", "; x"},
        {"x.?(a: x); ", ""}, {"x = y; ", ""},     {"a .= ", ""},       {"f = (*() u) { f = ", ""},
        {"x.", "x"},         {"x|a", ""},         {"<<@> ", ""},       {"T@ = <@ T@> { T@ = ", ""}};
    const auto& [open, close] = any_of(kPairs);
    const uint64_t depth = 1 + below(below(4) == 0 ? 100000 : 3000);
    std::string text;
    for (uint64_t i = 0; i < depth; ++i) text += open;
    text += any_of(kTokens);
    if (below(4) != 0) {
      for (uint64_t i = 0; i < depth; ++i) text += close;
    }
    return text + (below(4) != 0 ? ";" : "");
  }

  const Corpus& corpus_;
  std::mt19937_64 random_;
};

// ---------------------------------------------------------------------------
// Checking a variant

/// Ends the process when a variant takes too long.
class Watchdog {
 public:
  explicit Watchdog(std::chrono::seconds limit) : limit_(limit), thread_([this] { watch(); }) {}
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  void start(std::string what) {
    const std::lock_guard lock(mutex_);
    what_ = std::move(what);
    deadline_ = std::chrono::steady_clock::now() + limit_;
    changed_.notify_all();
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    deadline_ = std::chrono::steady_clock::time_point::max();
  }

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    while (!done_) {
      const auto now = std::chrono::steady_clock::now();
      if (deadline_ == std::chrono::steady_clock::time_point::max()) {
        changed_.wait(lock);
      } else if (now >= deadline_) {
        std::fprintf(stderr, "%s takes longer than %lld seconds\n", what_.c_str(),
                     static_cast<long long>(limit_.count()));
        std::abort();
      } else {
        changed_.wait_until(lock, deadline_);
      }
    }
  }

  const std::chrono::seconds limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string what_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  bool done_ = false;
  std::thread thread_;
};

/// A program in memory: the variant and the modules of the corpus that it mentions.
class MemoryProgram {
 public:
  explicit MemoryProgram(const Corpus& corpus) : corpus_(corpus) { program_.arena = std::make_shared<Arena>(); }

  /// Parses the text as the value of the module and loads what it mentions,
  /// depth first. Returns null if it cannot be parsed or mentions a module that
  /// is missing.
  Module* add(const std::string& name, const std::string& text) {
    if (const auto known = modules_.find(name); known != modules_.end()) return known->second;
    modules_[name] = nullptr;  // a mention from within is a cycle
    Diagnostics ignored;
    const std::optional<ModulePath> path = parse_module_path(name, ignored);
    if (!path) return nullptr;
    Diagnostics diagnostics;
    std::vector<ModuleMention> mentions;
    const Expr* value = parse_source(text, Symbol(name), *program_.arena, diagnostics, mentions);
    EXPECT_EQ(value == nullptr, diagnostics.error_count() != 0) << diagnostics.render();
    if (value == nullptr) return nullptr;
    Module* module = program_.arena->make<Module>(Module{*path, Loc{Symbol(name), 1, 0}});
    module->value = value;
    for (const ModuleMention& mention : mentions) {
      const auto found = corpus_.modules.find(mention.path.str());
      if (found == corpus_.modules.end()) return nullptr;
      Module* dep = add(found->first, found->second);
      if (dep == nullptr) return nullptr;
      module->deps.push_back(dep);
    }
    modules_[name] = module;
    program_.modules.push_back(module);
    return module;
  }

  Program& program() { return program_; }

 private:
  const Corpus& corpus_;
  Program program_;
  std::map<std::string, Module*> modules_;
};

enum class Outcome { kUnreadable, kIllTyped, kWellTyped };

Outcome try_front_end(const Corpus& corpus, const std::string& text) {
  Outcome outcome = Outcome::kUnreadable;
  run_on_big_stack([&] {
    MemoryProgram memory(corpus);
    if (memory.add("/Spoiled%", text) == nullptr) return;
    outcome = Outcome::kIllTyped;
    Diagnostics diagnostics;
    const std::unique_ptr<CheckedProgram> checked = typecheck(memory.program(), diagnostics);
    EXPECT_EQ(checked == nullptr, diagnostics.error_count() != 0) << diagnostics.render();
    EXPECT_EQ(diagnostics.render().empty(), diagnostics.messages().empty());
    if (checked == nullptr) return;
    outcome = Outcome::kWellTyped;
    for (const CoreProgramModule& module : checked->modules) {
      for (const std::string& problem : verify_core(module)) ADD_FAILURE() << problem;
    }
    EXPECT_NE(module_type_text(*checked, memory.program().modules.back()->path), "");
  });
  return outcome;
}

TEST(FrontEndRobustness, Variants) {
  const Corpus corpus;
  ASSERT_GT(corpus.texts.size(), 100u);
  const uint64_t seed = setting("FBLE_ROBUSTNESS_SEED", 20240601);
  const uint64_t first = setting("FBLE_ROBUSTNESS_FIRST", 0);
  const uint64_t count = setting("FBLE_ROBUSTNESS_COUNT", 2000);
  const std::chrono::seconds limit(setting("FBLE_ROBUSTNESS_SECONDS", 20));
  const std::string file = testing::TempDir() + "fble-robustness-" + std::to_string(getpid()) + ".fble";
  std::printf("the variant at work is in %s\n", file.c_str());
  std::fflush(stdout);

  uint64_t outcomes[3] = {};
  Watchdog watchdog(limit);
  for (uint64_t i = first; i < first + count; ++i) {
    const std::string text = Spoiler(corpus, seed * 1000003 + i).variant();
    std::ofstream(file, std::ios::binary) << text;
    const std::string name = "variant " + std::to_string(i) + " of seed " + std::to_string(seed);
    SCOPED_TRACE(name);
    watchdog.start(name);
    ++outcomes[static_cast<int>(try_front_end(corpus, text))];
    watchdog.stop();
    if (HasFailure()) {
      std::printf("%s is kept in %s\n", name.c_str(), file.c_str());
      return;
    }
  }
  fs::remove(file);
  std::printf("%llu unreadable, %llu ill typed, %llu well typed\n", static_cast<unsigned long long>(outcomes[0]),
              static_cast<unsigned long long>(outcomes[1]), static_cast<unsigned long long>(outcomes[2]));
}

/// Checks the files themselves, to be sure that the tests above reach the checker.
TEST(FrontEndRobustness, OurOwnFilesAreUnderstood) {
  const Corpus corpus;
  size_t well_typed = 0, all = 0;
  for (const auto& [name, text] : corpus.modules) {
    if (!name.starts_with("/Std/")) continue;
    ++all;
    SCOPED_TRACE(name);
    well_typed += try_front_end(corpus, text) == Outcome::kWellTyped;
  }
  // Private types of the library are closed to a module of another name.
  EXPECT_GT(well_typed, all / 2) << "of " << all;
}

}  // namespace
}  // namespace fble
