#include "interp/bytecode_text.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <optional>
#include <set>
#include <unordered_map>

namespace fble {

namespace {

/// Returns whether a list follows an N operand, so that its length can be counted.
bool list_follows(const char* operand) {
  for (; *operand != 0; ++operand) {
    if (is_list_operand(*operand)) return true;
  }
  return false;
}

/// Returns the letter before an operand's number; 0 for a plain number.
char sigil(char operand) {
  switch (operand) {
    case 'D':
    case 'S':
    case 'L':
    case 'R': return 's';
    case 'G': return 'g';
    case 'K': return 'k';
    case 'C': return 'c';
    case 'F': return 'f';
    case 'W': return 'w';
    case 'B': return 'b';
    default: return 0;
  }
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

// ---- printing ---------------------------------------------------------------

class Printer {
 public:
  explicit Printer(const ProgramCode& program) : program_(program) {
    for (const Code& code : program.codes) numbers_.emplace(&code, numbers_.size());
  }

  std::string print() {
    line("globals {}", program_.global_count);
    for (const std::string& name : program_.global_names) line("name {}", quoted(name));
    for (const ProgramCode::ModuleCode& module : program_.modules) {
      line("module {} code {} global {}", quoted(module.path), number(module.body), module.global);
    }
    for (const DeoptPoint& deopt_point : program_.deopt_points) {
      line("deopt_point {}{}", location(deopt_point.loc, Symbol()), deopt_point_options_text(deopt_point.options));
    }
    for (const Code& code : program_.codes) print_code(code);
    return std::move(text_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  /// Returns the number of a code object, or text that does not parse.
  std::string number(const Code* code) const {
    auto found = numbers_.find(code);
    return found == numbers_.end() ? "?" : std::to_string(found->second);
  }

  static std::string location(const Loc& loc, Symbol file) {
    std::string text = fmt::format("{}:{}", loc.line, loc.column);
    return loc.file == file ? text : quoted(loc.file.str()) + ":" + text;
  }

  void print_code(const Code& code) {
    text_ += '\n';
    const std::string at = code.loc == Loc{} ? "" : " at " + location(code.loc, Symbol());
    line("code {} {}{}", number(&code), quoted(code.block.str()), at);
    line("  arity {} slots {} captures {}{}", code.arity, code.frame_slots, code.capture_count,
         code.is_glue ? " glue" : "");
    if (!code.functions.empty()) {
      text_ += "  functions";
      for (const Code* function : code.functions) text_ += ' ' + number(function);
      text_ += '\n';
    }
    if (!code.constants.empty()) {
      text_ += "  constants";
      for (const Word word : code.constants) text_ += fmt::format(" {:#x}", word);
      text_ += '\n';
    }
    for (const LiteralData& literal : code.literals) print_literal(literal);
    for (const ForeignRef& foreign : code.foreigns) {
      line("  foreign {} {} at {}", quoted(foreign.module), quoted(foreign.name), location(foreign.loc, code.loc.file));
    }
    print_body(code);
  }

  void print_literal(const LiteralData& literal) {
    text_ += fmt::format("  literal global {} alphabet", literal.global);
    for (const TagPath& path : literal.alphabet) {
      text_ += " (";
      for (const TagStep& step : path) {
        if (&step != &path[0]) text_ += ' ';
        text_ += fmt::format("{}/{}", step.tag, step.tag_count);
      }
      text_ += ')';
    }
    text_ += " letters";
    for (const uint32_t letter : literal.letters) text_ += fmt::format(" {}", letter);
    text_ += '\n';
  }

  /// Returns the table entries that the instruction refers to, for readers.
  std::string explain(const Code& code, uint32_t offset) const {
    const char* operands = op_info(static_cast<Op>(code.words[offset])).operands;
    for (uint32_t at = offset + 1; *operands != 0; ++operands, ++at) {
      const uint32_t index = code.words[at];
      if (*operands == 'G' && index < program_.global_names.size()) return ' ' + quoted(program_.global_names[index]);
      if (*operands == 'K' && index < code.constants.size()) return fmt::format(" {:#x}", code.constants[index]);
      if (static_cast<Op>(code.words[offset]) == Op::kDeoptPoint && index < program_.deopt_points.size()) {
        const DeoptPoint& deopt_point = program_.deopt_points[index];
        return fmt::format(" deopt-here!{} at {}", deopt_point_options_text(deopt_point.options),
                           location(deopt_point.loc, code.loc.file));
      }
      if (*operands == 'F' && index < code.functions.size()) return " code " + number(code.functions[index]);
      // The operands after a list have no fixed place, and need no explanation.
      if (*operands == 'N') break;
    }
    return "";
  }

  void print_body(const Code& code) {
    const uint32_t size = static_cast<uint32_t>(code.words.size());
    std::set<uint32_t> starts;
    std::set<uint32_t> labels;
    for (uint32_t start = 0; start < size;) {
      starts.insert(start);
      const uint32_t length = whole_instruction_length(std::span(code.words).subspan(start));
      if (length == 0) break;
      for_each_operand(&code.words[start], [&](char letter, uint32_t at) {
        if (letter == 'J' || letter == 'T') labels.insert(start + code.words[start + at]);
      });
      start += length;
    }
    std::erase_if(labels, [&](uint32_t target) { return !starts.contains(target); });

    bool in_order = code.locs.empty() || (code.locs.front().end != 0 && code.locs.back().end <= size);
    for (size_t i = 1; i < code.locs.size(); ++i) in_order &= code.locs[i - 1].end < code.locs[i].end;
    auto entry = code.locs.begin();
    if (!in_order) {
      for (; entry != code.locs.end(); ++entry) {
        line("  location {} {}", entry->end, location(entry->loc, code.loc.file));
      }
    }
    text_ += "{\n";
    for (const uint32_t start : starts) {
      if (labels.contains(start)) line("L{}:", start);
      const uint32_t length = whole_instruction_length(std::span(code.words).subspan(start));
      std::string text = "  " + instruction(code, start, &labels);
      const uint32_t end = length == 0 ? size : start + length;
      for (; entry != code.locs.end() && entry->end <= end; ++entry) {
        text += "  at ";
        if (entry->end != end) text += fmt::format("+{} ", entry->end - start);
        text += location(entry->loc, code.loc.file);
      }
      line("{:<44} ; {}{}", text, start, length == 0 ? "" : explain(code, start));
    }
    text_ += "}\n";
  }

 public:
  /// Returns an instruction as text. `labels`: targets that have one; null to show the offset of every target.
  static std::string instruction(const Code& code, uint32_t start, const std::set<uint32_t>* labels) {
    const std::span<const uint32_t> words = std::span(code.words).subspan(start);
    if (whole_instruction_length(words) == 0) {
      std::string text = "words";
      for (const uint32_t word : words) text += fmt::format(" {}", word);
      return text;
    }
    auto jump = [&](uint32_t distance) {
      const bool named = labels == nullptr || labels->contains(start + distance);
      return named ? fmt::format("L{}", start + distance) : fmt::format("+{}", distance);
    };
    const OpInfo& info = op_info(static_cast<Op>(words[0]));
    std::string text = info.name;
    uint32_t at = 1;
    uint32_t list = 0;
    for (const char* operand = info.operands; *operand != 0; ++operand) {
      switch (*operand) {
        case 'N':
          list = words[at++];
          if (!list_follows(operand)) text += fmt::format(" {}", list);
          break;
        case 'L':
        case 'P':
        case 'V':
        case 'T':
          text += *operand == 'T' ? " [" : " (";
          for (uint32_t i = 0; i < list; ++i, ++at) {
            if (i != 0) text += ' ';
            if (*operand == 'T') {
              text += jump(words[at]);
            } else if (*operand == 'P') {
              text += fmt::format("{}{}", (words[at] & 1) != 0 ? 'c' : 's', words[at] >> 1);
            } else if (*operand == 'V') {
              constexpr const char* kLetters[] = {"s", "", "c", "g"};
              text += fmt::format("{}{}", kLetters[words[at] & 3], words[at] >> kSourceShift);
            } else {
              text += fmt::format("s{}", words[at]);
            }
          }
          text += *operand == 'T' ? "]" : ")";
          break;
        case 'J': text += ' ' + jump(words[at++]); break;
        default:
          text += ' ';
          if (const char letter = sigil(*operand)) text += letter;
          text += fmt::format("{}", words[at++]);
      }
    }
    return text;
  }

 private:
  const ProgramCode& program_;
  std::unordered_map<const Code*, size_t> numbers_;
  std::string text_;
};

// ---- parsing ----------------------------------------------------------------

enum class TokenKind { kWord, kNumber, kString, kPunctuation, kNewline, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  ///< of a string without its quotes and escapes
  uint64_t number = 0;
  uint32_t line = 1;
  uint32_t column = 1;
};

/// An error, thrown within this file only: it unwinds from the place of the error to parse_bytecode.
struct ParseError {
  std::string message;
};

class Lexer {
 public:
  Lexer(std::string_view text, std::string_view file_name) : text_(text), file_name_(file_name) {}

  Token next() {
    skip_blanks();
    Token token;
    token.line = line_;
    token.column = static_cast<uint32_t>(at_ - line_start_) + 1;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (c == '\n') {
      token.kind = TokenKind::kNewline;
      ++at_;
      ++line_;
      line_start_ = at_;
    } else if (c == '"') {
      string(token);
    } else if (is_digit(c)) {
      number(token);
    } else if (is_letter(c)) {
      const size_t start = at_;
      while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
      token.kind = TokenKind::kWord;
      token.text = text_.substr(start, at_ - start);
    } else {
      token.kind = TokenKind::kPunctuation;
      token.text = c;
      ++at_;
    }
    return token;
  }

  [[noreturn]] void fail(const Token& token, const std::string& message) const {
    throw ParseError{fmt::format("{}:{}:{}: error: {}", file_name_, token.line, token.column, message)};
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

  void skip_blanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ';') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++at_;
      } else {
        return;
      }
    }
  }

  void number(Token& token) {
    const size_t start = at_;
    while (at_ < text_.size() && (is_digit(text_[at_]) || is_letter(text_[at_]))) ++at_;
    token.kind = TokenKind::kNumber;
    token.text = text_.substr(start, at_ - start);
    std::string_view digits = token.text;
    const bool is_hex = digits.starts_with("0x");
    if (is_hex) digits.remove_prefix(2);
    const char* end = digits.data() + digits.size();
    const auto [stop, problem] = std::from_chars(digits.data(), end, token.number, is_hex ? 16 : 10);
    if (problem == std::errc::result_out_of_range) fail(token, "number " + token.text + " does not fit in 64 bits");
    if (problem != std::errc() || stop != end) fail(token, "malformed number '" + token.text + "'");
  }

  void string(Token& token) {
    token.kind = TokenKind::kString;
    for (++at_;;) {
      if (at_ == text_.size() || text_[at_] == '\n') fail(token, "string does not end");
      const char c = text_[at_++];
      if (c == '"') return;
      if (c != '\\') {
        token.text += c;
        continue;
      }
      if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\\')) {
        token.text += text_[at_++];
        continue;
      }
      unsigned value = 0;
      const char* digits = text_.data() + at_ + 1;
      if (text_.size() - at_ < 3 || text_[at_] != 'x' ||
          std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) {
        fail(token, "unknown escape in string: only \\\\, \\\" and \\xHH are known");
      }
      token.text += static_cast<char>(value);
      at_ += 3;
    }
  }

  std::string_view text_;
  std::string_view file_name_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  uint32_t line_ = 1;
};

class Parser {
 public:
  Parser(std::string_view text, std::string_view file_name) : lexer_(text, file_name) {
    for (uint32_t i = 0; i < static_cast<uint32_t>(Op::kCount); ++i) {
      ops_.emplace(op_info(static_cast<Op>(i)).name, static_cast<Op>(i));
    }
    token_ = lexer_.next();
  }

  std::unique_ptr<ProgramCode> parse() {
    for (;;) {
      skip_newlines();
      if (token_.kind == TokenKind::kEnd) break;
      if (accept_word("globals")) {
        program_->global_count = index();
      } else if (accept_word("name")) {
        program_->global_names.push_back(string("the name of a global"));
      } else if (accept_word("module")) {
        module();
        continue;
      } else if (accept_word("deopt_point")) {
        deopt_point();
      } else if (accept_word("code")) {
        code();
      } else {
        fail("expected 'globals', 'name', 'module', 'deopt_point' or 'code'");
      }
      end_of_line();
    }
    for (const Reference& reference : references_) {
      if (reference.number >= program_->codes.size()) {
        lexer_.fail(reference.token, fmt::format("there is no code {}", reference.number));
      }
      reference.put(&program_->codes[reference.number]);
    }
    for (Code& code : program_->codes) {
      // Words that are no instruction can be shown but have no handler.
      if (code.words[0] < static_cast<uint32_t>(Op::kCount)) {
        finish_code(code);
      } else {
        code.start = code.words.data();
      }
    }
    return std::move(program_);
  }

 private:
  /// A code object named by its number, perhaps before it is defined.
  struct Reference {
    Token token;
    uint32_t number;
    std::function<void(Code*)> put;
  };

  // ---- tokens ---------------------------------------------------------------

  [[noreturn]] void fail(const std::string& expected) const {
    std::string found = "the end of the text";
    if (token_.kind == TokenKind::kNewline) found = "the end of the line";
    if (token_.kind == TokenKind::kString) found = quoted(token_.text);
    if (token_.kind == TokenKind::kWord || token_.kind == TokenKind::kNumber) found = "'" + token_.text + "'";
    if (token_.kind == TokenKind::kPunctuation) {
      const unsigned char c = static_cast<unsigned char>(token_.text[0]);
      found = c >= 0x20 && c < 0x7f ? "'" + token_.text + "'" : fmt::format("byte {:#04x}", c);
    }
    lexer_.fail(token_, fmt::format("{}, found {}", expected, found));
  }

  Token take() {
    Token taken = std::move(token_);
    token_ = lexer_.next();
    return taken;
  }
  bool at_word(std::string_view word) const { return token_.kind == TokenKind::kWord && token_.text == word; }
  bool accept_word(std::string_view word) {
    if (!at_word(word)) return false;
    take();
    return true;
  }
  void expect_word(std::string_view word) {
    if (!accept_word(word)) fail(fmt::format("expected '{}'", word));
  }
  bool at_mark(char mark) const { return token_.kind == TokenKind::kPunctuation && token_.text[0] == mark; }
  bool accept_mark(char mark) {
    if (!at_mark(mark)) return false;
    take();
    return true;
  }
  void expect_mark(char mark) {
    if (!accept_mark(mark)) fail(fmt::format("expected '{}'", mark));
  }
  void skip_newlines() {
    while (token_.kind == TokenKind::kNewline) take();
  }
  void end_of_line() {
    if (token_.kind != TokenKind::kEnd && token_.kind != TokenKind::kNewline) fail("expected the end of the line");
  }

  std::string string(const char* what) {
    if (token_.kind != TokenKind::kString) fail(fmt::format("expected {} in quotes", what));
    return take().text;
  }
  uint32_t index() {
    if (token_.kind != TokenKind::kNumber) fail("expected a number");
    if (token_.number > UINT32_MAX) lexer_.fail(token_, "number " + token_.text + " does not fit in 32 bits");
    return static_cast<uint32_t>(take().number);
  }
  /// Accepts a number with a letter before it, such as s3.
  std::optional<uint32_t> accept_sigil(char letter, uint32_t limit = UINT32_MAX) {
    if (token_.kind != TokenKind::kWord || token_.text[0] != letter) return std::nullopt;
    const char* begin = token_.text.data() + 1;
    const char* end = token_.text.data() + token_.text.size();
    uint32_t value = 0;
    const auto [stop, problem] = std::from_chars(begin, end, value);
    if (problem == std::errc::result_out_of_range || (problem == std::errc() && stop == end && value > limit)) {
      lexer_.fail(token_, fmt::format("the number in '{}' is too large", token_.text));
    }
    if (problem != std::errc() || stop != end) return std::nullopt;
    take();
    return value;
  }
  Loc location(Symbol file) {
    Loc loc{file};
    if (token_.kind == TokenKind::kString) {
      loc.file = Symbol(take().text);
      expect_mark(':');
    }
    loc.line = index();
    expect_mark(':');
    loc.column = index();
    return loc;
  }
  void reference(std::function<void(Code*)> put) {
    Token token = token_;
    const uint32_t number = index();
    references_.push_back({std::move(token), number, std::move(put)});
  }

  // ---- tables ---------------------------------------------------------------

  void module() {
    const size_t position = program_->modules.size();
    program_->modules.push_back({string("a module path"), nullptr, 0});
    expect_word("code");
    reference([this, position](Code* body) { program_->modules[position].body = body; });
    expect_word("global");
    program_->modules[position].global = index();
  }

  void deopt_point() {
    DeoptPoint& deopt_point = program_->deopt_points.emplace_back();
    deopt_point.loc = location(Symbol());
    while (token_.kind == TokenKind::kWord) {
      const Token option = take();
      std::string word = option.text;
      if (accept_mark('=')) word += fmt::format("={}", index());
      const std::string problem = add_deopt_point_option(deopt_point.options, word);
      if (!problem.empty()) lexer_.fail(option, problem);
    }
  }

  void code() {
    const Token number = token_;
    if (index() != program_->codes.size()) {
      lexer_.fail(number, fmt::format("code objects are numbered in order: this is {}", program_->codes.size()));
    }
    Code& code = program_->codes.emplace_back();
    code.block = Symbol(string("a block name"));
    if (accept_word("at")) code.loc = location(Symbol());
    for (;;) {
      skip_newlines();
      if (accept_word("arity")) {
        code.arity = index();
      } else if (accept_word("slots")) {
        code.frame_slots = index();
      } else if (accept_word("captures")) {
        code.capture_count = index();
      } else if (accept_word("glue")) {
        code.is_glue = true;
      } else if (accept_word("functions")) {
        while (token_.kind == TokenKind::kNumber) {
          const size_t position = code.functions.size();
          code.functions.push_back(nullptr);
          reference([&code, position](Code* function) { code.functions[position] = function; });
        }
      } else if (accept_word("constants")) {
        while (token_.kind == TokenKind::kNumber) code.constants.push_back(take().number);
      } else if (accept_word("literal")) {
        literal(code.literals.emplace_back());
      } else if (accept_word("foreign")) {
        ForeignRef& foreign = code.foreigns.emplace_back();
        foreign.module = string("a module path");
        foreign.name = string("the name of a native");
        expect_word("at");
        foreign.loc = location(code.loc.file);
      } else if (accept_word("location")) {
        const uint32_t end = index();
        code.locs.push_back({end, location(code.loc.file)});
      } else if (at_mark('{')) {
        break;
      } else {
        fail("expected a table of the code object, or '{'");
      }
    }
    body(code);
  }

  void literal(LiteralData& literal) {
    expect_word("global");
    literal.global = index();
    expect_word("alphabet");
    while (accept_mark('(')) {
      std::vector<TagStep> steps;
      while (!accept_mark(')')) {
        const uint32_t tag = index();
        expect_mark('/');
        steps.push_back({tag, index()});
      }
      literal.alphabet.emplace_back(steps);
    }
    expect_word("letters");
    while (token_.kind == TokenKind::kNumber) literal.letters.push_back(index());
  }

  // ---- instructions ---------------------------------------------------------

  struct LabelUse {
    Token token;
    uint32_t start;  ///< of the jump
    uint32_t at;     ///< the word to set
  };

  void body(Code& code) {
    const Token open = take();
    labels_.clear();
    uses_.clear();
    for (;;) {
      skip_newlines();
      if (accept_mark('}')) break;
      if (token_.kind != TokenKind::kWord) fail("expected an instruction, a label or '}'");
      const Token word = take();
      if (accept_mark(':')) {
        if (!labels_.emplace(word.text, code.words.size()).second) {
          lexer_.fail(word, "label '" + word.text + "' is already defined");
        }
        continue;
      }
      const uint32_t start = static_cast<uint32_t>(code.words.size());
      if (word.text == "words") {
        while (token_.kind == TokenKind::kNumber) code.words.push_back(index());
      } else {
        auto op = ops_.find(word.text);
        if (op == ops_.end()) lexer_.fail(word, "unknown instruction '" + word.text + "'");
        instruction(code, op->second);
      }
      while (accept_word("at")) {
        uint32_t end = static_cast<uint32_t>(code.words.size());
        if (accept_mark('+')) end = start + index();
        code.locs.push_back({end, location(code.loc.file)});
      }
      end_of_line();
    }
    if (code.words.empty()) lexer_.fail(open, "code without an instruction");
    for (const LabelUse& use : uses_) {
      auto label = labels_.find(use.token.text);
      if (label == labels_.end()) lexer_.fail(use.token, "label '" + use.token.text + "' is not defined");
      code.words[use.at] = static_cast<uint32_t>(label->second) - use.start;
    }
  }

  void instruction(Code& code, Op op) {
    const uint32_t start = static_cast<uint32_t>(code.words.size());
    code.words.push_back(static_cast<uint32_t>(op));
    uint32_t count_at = 0;  // the place of the list's length
    for (const char* operand = op_info(op).operands; *operand != 0; ++operand) {
      switch (*operand) {
        case 'N':
          count_at = static_cast<uint32_t>(code.words.size());
          code.words.push_back(list_follows(operand) ? 0 : index());
          break;
        case 'L':
        case 'P':
        case 'V':
        case 'T':
          expect_mark(*operand == 'T' ? '[' : '(');
          while (!accept_mark(*operand == 'T' ? ']' : ')')) {
            element(code, *operand, start);
            ++code.words[count_at];
          }
          break;
        default: element(code, *operand, start);
      }
    }
  }

  /// Parses one operand, or one element of a list of such operands.
  void element(Code& code, char operand, uint32_t start) {
    if (operand == 'J' || operand == 'T') {
      if (accept_mark('+')) {
        code.words.push_back(index());
      } else {
        if (token_.kind != TokenKind::kWord) fail("expected a label");
        uses_.push_back({take(), start, static_cast<uint32_t>(code.words.size())});
        code.words.push_back(0);
      }
      return;
    }
    if (operand == 'P') {
      constexpr uint32_t kLimit = UINT32_MAX / 2;
      if (const std::optional<uint32_t> slot = accept_sigil('s', kLimit)) {
        code.words.push_back(*slot * 2);
      } else if (const std::optional<uint32_t> capture = accept_sigil('c', kLimit)) {
        code.words.push_back(*capture * 2 + 1);
      } else {
        fail("expected a slot or a capture, such as s0 or c0");
      }
      return;
    }
    if (operand == 'V') {
      constexpr uint32_t kLimit = UINT32_MAX >> kSourceShift;
      if (const std::optional<uint32_t> slot = accept_sigil('s', kLimit)) {
        code.words.push_back(make_source(Source::kSlot, *slot));
      } else if (const std::optional<uint32_t> capture = accept_sigil('c', kLimit)) {
        code.words.push_back(make_source(Source::kCapture, *capture));
      } else if (const std::optional<uint32_t> global = accept_sigil('g', kLimit)) {
        code.words.push_back(make_source(Source::kGlobal, *global));
      } else {
        const Token word = token_;
        const uint32_t value = index();
        if (value > kLimit) lexer_.fail(word, fmt::format("the number {} is too large", value));
        code.words.push_back(make_source(Source::kWord, value));
      }
      return;
    }
    const char letter = sigil(operand);
    if (letter == 0) {
      code.words.push_back(index());
      return;
    }
    const std::optional<uint32_t> value = accept_sigil(letter);
    if (!value) fail(fmt::format("expected {}, such as {}0", name_of(letter), letter));
    code.words.push_back(*value);
  }

  static const char* name_of(char letter) {
    switch (letter) {
      case 's': return "a slot";
      case 'g': return "a global";
      case 'k': return "a constant";
      case 'c': return "a capture";
      case 'f': return "a function";
      case 'w': return "a tag width";
      default: return "a frame base";
    }
  }

  Lexer lexer_;
  Token token_;
  std::unordered_map<std::string, Op> ops_;
  std::unique_ptr<ProgramCode> program_ = std::make_unique<ProgramCode>();
  std::vector<Reference> references_;
  std::unordered_map<std::string, size_t> labels_;  ///< of the code object being read
  std::vector<LabelUse> uses_;
};

}  // namespace

uint32_t whole_instruction_length(std::span<const uint32_t> words) {
  if (words.empty() || words[0] >= static_cast<uint32_t>(Op::kCount)) return 0;
  uint64_t at = 1;
  uint64_t list = 0;
  for (const char* operand = op_info(static_cast<Op>(words[0])).operands; *operand != 0; ++operand) {
    if (at >= words.size() && !(list == 0 && (is_list_operand(*operand)))) return 0;
    switch (*operand) {
      case 'N': list = words[at++]; break;
      case 'L':
      case 'T':
      case 'P':
      case 'V': at += list; break;
      default: ++at;
    }
  }
  return at <= words.size() ? static_cast<uint32_t>(at) : 0;
}

std::string print_bytecode(const ProgramCode& program) { return Printer(program).print(); }

std::string print_instruction(const Code& code, uint32_t offset) {
  if (offset >= code.words.size()) return "(end of the code)";
  return Printer::instruction(code, offset, nullptr);
}

BytecodeParse parse_bytecode(std::string_view text, std::string_view file_name) {
  BytecodeParse result;
  try {
    result.program = Parser(text, file_name).parse();
  } catch (const ParseError& error) {
    result.error = error.message;
  }
  return result;
}

}  // namespace fble
