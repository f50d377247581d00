#include "jit/ir/ir_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

namespace fble {

namespace {

constexpr const char* kKindNames[] = {"function", "bridge", "continuation"};

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

// ---- printing ---------------------------------------------------------------

class Printer {
 public:
  explicit Printer(const Trace& trace) : trace_(trace) {
    note(trace.code);
    for (const IrIns& ins : trace.ins) {
      note(ins.code);
      if (ins.op == IrOp::kConstant && !ins.raw) note(function_of(ins.x));
    }
    for (const Snapshot& snapshot : trace.snapshots) {
      for (const SnapshotFrame& frame : snapshot.frames) note(frame.code);
    }
    for (const Assumption& assumption : trace.assumptions) note(assumption.facts.code);
  }

  std::string print() {
    for (size_t i = 0; i < codes_.size(); ++i) {
      line("code c{} {} arity {} captures {}", i, quoted(codes_[i]->block.str()), codes_[i]->arity,
           codes_[i]->capture_count);
    }
    line("trace {} {} {} extent {}", trace_.id, trace_kind_text(trace_.kind), code(trace_.code), trace_.extent);
    if (trace_.kind != TraceKind::kFunction) line("parent {} exit {}", trace_.parent, trace_.parent_exit);
    if (trace_.kind == TraceKind::kContinuation) line("callee_base {}", trace_.callee_base);
    for (const Inherited& inherited : trace_.inherited) line("inherited {}", location(inherited.location));
    line("{{");
    for (size_t i = 0; i < trace_.ins.size(); ++i) {
      line("  {}", instruction(IrRef{static_cast<uint32_t>(i)}));
      for (const Assumption& assumption : trace_.assumptions) {
        if (index_of(assumption.ref) != i) continue;
        line("  assume {} {}", ref(assumption.ref), facts(assumption.facts));
      }
    }
    line("}}");
    for (size_t i = 0; i < trace_.snapshots.size(); ++i) snapshot(i);
    return std::move(text_);
  }

  TraceListing list() const {
    TraceListing listing;
    for (size_t i = 0; i < trace_.ins.size(); ++i) {
      listing.instructions.push_back(bare_instruction(IrRef{static_cast<uint32_t>(i)}));
    }
    listing.codes = codes_;
    return listing;
  }

  /// Returns an instruction with its snapshot and position.
  std::string instruction(IrRef at) const {
    const IrIns& ins = trace_.at(at);
    std::string text = bare_instruction(at);
    if (ins.snapshot != kNoSnapshot) text += fmt::format(" @s{}", ins.snapshot);
    if (ins.pc != nullptr) {
      for (const Code* candidate : codes_) {
        const auto& words = candidate->words;
        if (words.empty() || ins.pc < words.data() || ins.pc >= words.data() + words.size()) continue;
        text += " at " + position(candidate, ins.pc);
        break;
      }
    }
    return text;
  }

  std::string bare_instruction(IrRef at) const {
    const IrIns& ins = trace_.at(at);
    const IrOpInfo& info = ir_op_info(ins.op);
    std::string text;
    if (ir_has_result(ins.op)) text = ref(at) + " = ";
    text += info.name;
    for (const char* operand = info.operands; *operand != 0; ++operand) {
      text += ' ';
      switch (*operand) {
        case 'A': text += ref(ins.a); break;
        case 'B': text += ref(ins.b); break;
        case 'N': text += fmt::format("{}", ins.n); break;
        case 'M': text += fmt::format("{}", ins.m); break;
        case 'X': text += ins.op == IrOp::kConstant && !ins.raw ? constant(ins.x) : fmt::format("{:#x}", ins.x); break;
        case 'C': text += code(ins.code); break;
        case 'L':
          text += '(';
          for (size_t i = 0; i < ins.list.size(); ++i) text += (i == 0 ? "" : " ") + ref(ins.list[i]);
          text += ')';
          break;
        default: FBLE_BUG("unknown letter in ir_ops.def");
      }
    }
    if (ins.recursive) text += " recursive";
    if (ins.sunk) text += " sunk";
    if (ins.fits) text += " fits";
    if (ins.raw) text += " raw";
    return text;
  }

  std::string facts(const Facts& facts) const {
    std::string text;
    auto word = [&](std::string_view part) {
      if (!text.empty()) text += ' ';
      text += part;
    };
    if (facts.packed) word("packed");
    if (facts.pointer) word("pointer");
    if (facts.natural) word("natural");
    if (facts.not_packed) word("not_packed");
    if (facts.header >= 0) word(fmt::format("header {}", facts.header));
    if (facts.code != nullptr) word("code " + code(facts.code));
    if (facts.arity >= 0) word(fmt::format("arity {}", facts.arity));
    if (facts.tag >= 0) word(fmt::format("tag {}", facts.tag));
    if (facts.not_tags != 0) word(fmt::format("not_tags {:#x}", facts.not_tags));
    if (facts.bits != kMaxPackedBits) word(fmt::format("bits {}", facts.bits));
    if (facts.least_bits != 0) word(fmt::format("least_bits {}", facts.least_bits));
    return text;
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  /// Returns the code whose permanent function value is the word, or null.
  static const Code* function_of(Word word) {
    if (word == 0 || !is_pointer(word)) return nullptr;
    const Object* object = as_object(word);
    if (!object->is_permanent() || object->kind() != ObjectKind::kClosure) return nullptr;
    const Code* code = closure_code(object);
    return code->function_value() == word ? code : nullptr;
  }

  void note(const Code* code) {
    if (code == nullptr || !numbers_.try_emplace(code, codes_.size()).second) return;
    codes_.push_back(code);
  }

  std::string ref(IrRef ref) const { return ref == kNoRef ? "-" : fmt::format("%{}", index_of(ref)); }
  std::string code(const Code* code) const {
    if (code == nullptr) return "-";
    const auto found = numbers_.find(code);
    return found == numbers_.end() ? "c?" : fmt::format("c{}", found->second);
  }
  std::string constant(Word word) const {
    const Code* function = function_of(word);
    return function != nullptr ? "&" + code(function) : fmt::format("{:#x}", word);
  }
  std::string position(const Code* of, const uint32_t* pc) const {
    return pc == nullptr || of == nullptr ? code(of) : fmt::format("{}+{}", code(of), pc - of->words.data());
  }

  static std::string location(const Location& location) {
    switch (location.kind) {
      case LocationKind::kNone: return "none";
      case LocationKind::kRegister: return fmt::format("register {}", register_name(location.index));
      case LocationKind::kSpill: return fmt::format("spill {}", location.index);
      case LocationKind::kConstant: return fmt::format("constant {:#x}", location.word);
      case LocationKind::kVirtual: return fmt::format("virtual {}", location.index);
      case LocationKind::kSlot: return fmt::format("slot {}", location.index);
    }
    FBLE_BUG("unknown kind of location");
  }

  void snapshot(size_t index) {
    const Snapshot& snapshot = trace_.snapshots[index];
    line("snapshot s{}{}", index, snapshot.settled ? " settled" : "");
    for (const SnapshotFrame& frame : snapshot.frames) {
      line("  frame {} base {}{}", position(frame.code, frame.pc), frame.base,
           frame.in_memory ? " memory" : " closure " + ref(frame.closure));
    }
    for (const SnapshotSlot& slot : snapshot.slots) {
      line("  slot {} {}{}{}{}", slot.slot, ref(slot.ref), (slot.facts & kFactPacked) != 0 ? " packed" : "",
           (slot.facts & kFactPointer) != 0 ? " pointer" : "", (slot.facts & kFactNatural) != 0 ? " natural" : "");
    }
  }

  const Trace& trace_;
  std::vector<const Code*> codes_;
  std::unordered_map<const Code*, size_t> numbers_;
  std::string text_;
};

// ---- parsing ----------------------------------------------------------------

enum class TokenKind { kWord, kString, kPunctuation, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
};

struct Line {
  size_t number;
  std::vector<Token> tokens;  ///< not empty
};

/// An error, thrown within this file only: it unwinds from the place of the error to parse_trace.
struct ParseError {
  size_t line;
  std::string message;
};

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::vector<Line> split(std::string_view text) {
  std::vector<Line> lines;
  size_t number = 1;
  Line line{number, {}};
  for (size_t at = 0;; ++at) {
    if (at == text.size() || text[at] == '\n') {
      if (!line.tokens.empty()) lines.push_back(std::move(line));
      if (at == text.size()) return lines;
      line = {++number, {}};
    } else if (text[at] == ';') {
      while (at + 1 < text.size() && text[at + 1] != '\n') ++at;
    } else if (text[at] == ' ' || text[at] == '\t' || text[at] == '\r') {
      continue;
    } else if (text[at] == '"') {
      Token token{TokenKind::kString, ""};
      for (++at;; ++at) {
        if (at == text.size() || text[at] == '\n') throw ParseError{number, "string does not end"};
        if (text[at] == '"') break;
        if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] != '\n') ++at;
        token.text += text[at];
      }
      line.tokens.push_back(std::move(token));
    } else if (is_word_char(text[at])) {
      const size_t start = at;
      while (at + 1 < text.size() && is_word_char(text[at + 1])) ++at;
      line.tokens.push_back({TokenKind::kWord, std::string(text.substr(start, at + 1 - start))});
    } else {
      line.tokens.push_back({TokenKind::kPunctuation, std::string(1, text[at])});
    }
  }
}

class Parser {
 public:
  Parser(std::string_view text, const CodeResolver& resolve)
      : resolve_(resolve), trace_(std::make_unique<Trace>()), lines_(split(text)) {}

  std::unique_ptr<Trace> parse() {
    while (!at_end() && is("code")) code_line();
    header();
    open("{");
    number_names();
    while (!is("}")) {
      if (at_end()) fail("'}' is missing");
      if (accept("assume")) {
        const IrRef about = ref();
        trace_->assumptions.push_back({about, facts()});
      } else {
        instruction();
      }
      end_line();
    }
    open("}");
    while (!at_end()) snapshot();
    return std::move(trace_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    const size_t line = lines_.empty() ? 1 : lines_[std::min(line_, lines_.size() - 1)].number;
    throw ParseError{line, message};
  }

  // Tokens. The current one is never after the end of the current line.

  bool at_end() const { return line_ == lines_.size(); }
  const Token& peek() const {
    static const Token kNone;
    if (at_end() || token_ >= lines_[line_].tokens.size()) return kNone;
    return lines_[line_].tokens[token_];
  }
  bool is(std::string_view text) const { return peek().kind != TokenKind::kString && peek().text == text; }
  bool accept(std::string_view text) {
    if (!is(text)) return false;
    ++token_;
    return true;
  }
  void expect(std::string_view text) {
    if (!accept(text)) fail(fmt::format("expected '{}' instead of '{}'", text, peek().text));
  }
  void end_line() {
    if (peek().kind != TokenKind::kEnd) fail(fmt::format("unexpected '{}'", peek().text));
    ++line_;
    token_ = 0;
  }
  void open(std::string_view brace) {
    expect(brace);
    end_line();
  }
  std::string word() {
    if (peek().kind != TokenKind::kWord) fail(fmt::format("expected a word instead of '{}'", peek().text));
    return lines_[line_].tokens[token_++].text;
  }
  template <typename T>
  T number() {
    const bool is_negative = accept("-");
    const std::string text = word();
    std::string_view digits = text;
    const bool is_hex = digits.starts_with("0x");
    if (is_hex) digits.remove_prefix(2);
    uint64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, problem] = std::from_chars(digits.data(), end, value, is_hex ? 16 : 10);
    if (problem != std::errc() || stop != end) fail("malformed number '" + text + "'");
    const T result = static_cast<T>(is_negative ? -value : value);
    const bool fits = is_negative ? std::is_signed_v<T> && value <= uint64_t{1} << 63 && result <= 0 &&
                                        static_cast<uint64_t>(-static_cast<int64_t>(result)) == value
                                  : result >= 0 && static_cast<uint64_t>(result) == value;
    if (!fits) fail("number " + text + " is out of range");
    return result;
  }

  // Parts.

  void code_line() {
    expect("code");
    const std::string name = word();
    CodeMention mention;
    if (name.size() < 2 || name[0] != 'c' ||
        std::from_chars(name.data() + 1, name.data() + name.size(), mention.index).ptr != name.data() + name.size()) {
      fail("code objects are called c0, c1...");
    }
    if (peek().kind != TokenKind::kString) fail("expected the code's block");
    mention.block = lines_[line_].tokens[token_++].text;
    expect("arity");
    mention.arity = number<uint32_t>();
    if (accept("captures")) mention.captures = number<uint32_t>();
    Code* code = resolve_(mention);
    if (code == nullptr) fail("there is no code " + name);
    if (!codes_.try_emplace(name, code).second) fail("a second " + name);
    end_line();
  }

  Code* code() {
    if (accept("-")) return nullptr;
    const std::string name = word();
    const auto found = codes_.find(name);
    if (found == codes_.end()) fail("no code is called '" + name + "'");
    return found->second;
  }

  const uint32_t* position(Code* code) {
    if (!accept("+")) return nullptr;
    const auto offset = number<uint32_t>();
    if (code == nullptr || offset > code->words.size()) fail("the position is not in the code");
    return code->words.data() + offset;
  }

  void header() {
    expect("trace");
    trace_->id = number<uint32_t>();
    const std::string kind = word();
    const auto found = std::ranges::find(kKindNames, kind);
    if (found == std::end(kKindNames)) fail("no kind of trace is called '" + kind + "'");
    trace_->kind = static_cast<TraceKind>(found - std::begin(kKindNames));
    trace_->code = code();
    expect("extent");
    trace_->extent = number<uint32_t>();
    end_line();
    while (!is("{")) {
      if (accept("parent")) {
        trace_->parent = number<uint32_t>();
        expect("exit");
        trace_->parent_exit = number<uint32_t>();
      } else if (accept("callee_base")) {
        trace_->callee_base = number<uint32_t>();
      } else {
        expect("inherited");
        trace_->inherited.push_back({location()});
      }
      end_line();
    }
  }

  Location location() {
    Location location;
    const std::string kind = word();
    if (kind == "register") {
      const std::string name = word();
      const auto found = std::ranges::find(kRegisterNames, name);
      if (found == std::end(kRegisterNames)) fail("no register is called '" + name + "'");
      location = {LocationKind::kRegister, static_cast<int32_t>(found - std::begin(kRegisterNames)), 0};
    } else if (kind == "spill") {
      location = {LocationKind::kSpill, number<int32_t>(), 0};
    } else if (kind == "constant") {
      location = {LocationKind::kConstant, 0, number<Word>()};
    } else if (kind == "slot") {
      location = {LocationKind::kSlot, number<int32_t>(), 0};
    } else if (kind != "none") {
      fail("no kind of location is called '" + kind + "'");
    }
    return location;
  }

  /// Numbers instructions and snapshots from here on, since names may be used before.
  void number_names() {
    uint32_t index = 0;
    bool in_block = true;
    for (size_t i = line_; i < lines_.size(); ++i) {
      const std::vector<Token>& tokens = lines_[i].tokens;
      if (tokens[0].text == "snapshot" && tokens.size() > 1) {
        const auto number = static_cast<uint32_t>(snapshots_.size());
        if (!snapshots_.try_emplace(tokens[1].text, number).second) {
          line_ = i;
          fail("a second snapshot " + tokens[1].text);
        }
      }
      if (tokens[0].text == "}") in_block = false;
      if (!in_block || tokens[0].text == "assume") continue;
      if (tokens.size() > 2 && tokens[0].text == "%" && tokens[2].text == "=") {
        if (!names_.try_emplace(tokens[1].text, IrRef{index}).second) {
          line_ = i;
          fail("a second %" + tokens[1].text);
        }
      }
      ++index;
    }
  }

  IrRef ref() {
    expect("%");
    const std::string name = word();
    const auto found = names_.find(name);
    if (found == names_.end()) fail("there is no %" + name);
    return found->second;
  }

  uint32_t snapshot_number() {
    const std::string name = word();
    const auto found = snapshots_.find(name);
    if (found == snapshots_.end()) fail("there is no snapshot " + name);
    return found->second;
  }

  void instruction() {
    bool has_name = false;
    if (accept("%")) {
      word();
      expect("=");
      has_name = true;
    }
    IrIns& ins = trace_->ins.emplace_back();
    const std::string name = word();
    for (size_t i = 0; i < static_cast<size_t>(IrOp::kCount); ++i) {
      if (name == ir_op_info(static_cast<IrOp>(i)).name) ins.op = static_cast<IrOp>(i);
    }
    if (ins.op == IrOp::kCount) fail("no instruction is called '" + name + "'");
    if (has_name != ir_has_result(ins.op)) fail(name + (has_name ? " has no result" : " has a result"));
    for (const char* operand = ir_op_info(ins.op).operands; *operand != 0; ++operand) {
      switch (*operand) {
        case 'A': ins.a = ref(); break;
        case 'B': ins.b = ref(); break;
        case 'N': ins.n = number<int32_t>(); break;
        case 'M': ins.m = number<uint32_t>(); break;
        case 'X': ins.x = ins.op == IrOp::kConstant ? constant() : number<Word>(); break;
        case 'C': ins.code = code(); break;
        case 'L':
          expect("(");
          while (!accept(")")) ins.list.push_back(ref());
          break;
        default: FBLE_BUG("unknown letter in ir_ops.def");
      }
    }
    while (peek().kind != TokenKind::kEnd) {
      if (accept("recursive")) {
        ins.recursive = true;
      } else if (accept("sunk")) {
        ins.sunk = true;
      } else if (accept("fits")) {
        ins.fits = true;
      } else if (accept("raw")) {
        ins.raw = true;
      } else if (accept("@")) {
        ins.snapshot = snapshot_number();
      } else {
        expect("at");
        Code* of = code();
        ins.pc = position(of);
      }
    }
  }

  Word constant() {
    if (accept("&")) {
      const Code* function = code();
      if (function == nullptr) fail("expected a code object");
      return function->function_value();
    }
    const auto word = number<Word>();
    if (!is_packed(word) && !is("raw")) fail("only packed words and functions can be read back as constants");
    return word;
  }

  Facts facts() {
    Facts facts;
    while (peek().kind != TokenKind::kEnd) {
      if (accept("packed")) {
        facts.packed = true;
      } else if (accept("pointer")) {
        facts.pointer = true;
      } else if (accept("natural")) {
        facts.natural = true;
      } else if (accept("not_packed")) {
        facts.not_packed = true;
      } else if (accept("header")) {
        facts.header = number<uint32_t>();
      } else if (accept("code")) {
        facts.code = code();
      } else if (accept("arity")) {
        facts.arity = number<int32_t>();
      } else if (accept("tag")) {
        facts.tag = number<int32_t>();
      } else if (accept("not_tags")) {
        facts.not_tags = number<uint32_t>();
      } else if (accept("least_bits")) {
        facts.least_bits = number<uint8_t>();
      } else {
        expect("bits");
        facts.bits = number<uint8_t>();
      }
    }
    return facts;
  }

  void snapshot() {
    expect("snapshot");
    word();
    Snapshot& snapshot = trace_->snapshots.emplace_back();
    snapshot.settled = accept("settled");
    end_line();
    while (!at_end() && !is("snapshot")) {
      if (accept("frame")) {
        SnapshotFrame& frame = snapshot.frames.emplace_back();
        frame.code = code();
        frame.pc = position(frame.code);
        expect("base");
        frame.base = number<int32_t>();
        frame.in_memory = accept("memory");
        if (!frame.in_memory) {
          expect("closure");
          frame.closure = ref();
        }
      } else {
        expect("slot");
        SnapshotSlot& slot = snapshot.slots.emplace_back();
        slot.slot = number<int32_t>();
        slot.ref = ref();
        if (accept("packed")) slot.facts |= kFactPacked;
        if (accept("pointer")) slot.facts |= kFactPointer;
        if (accept("natural")) slot.facts |= kFactNatural;
      }
      end_line();
    }
  }

  const CodeResolver& resolve_;
  std::unique_ptr<Trace> trace_;
  std::vector<Line> lines_;
  size_t line_ = 0;
  size_t token_ = 0;
  std::unordered_map<std::string, Code*> codes_;
  std::unordered_map<std::string, IrRef> names_;
  std::unordered_map<std::string, uint32_t> snapshots_;
};

}  // namespace

const char* trace_kind_text(TraceKind kind) { return kKindNames[static_cast<size_t>(kind)]; }

std::string to_text(const Trace& trace) { return Printer(trace).print(); }
std::string to_text(const Trace& trace, IrRef ref) { return Printer(trace).instruction(ref); }
TraceListing list_trace(const Trace& trace) { return Printer(trace).list(); }
std::string to_text(const Facts& facts) {
  const Trace none;
  return Printer(none).facts(facts);
}

TraceParse parse_trace(std::string_view text, std::string_view file_name, const CodeResolver& resolve) {
  try {
    return {Parser(text, resolve).parse(), ""};
  } catch (const ParseError& error) {
    return {nullptr, fmt::format("{}:{}: error: {}", file_name, error.line, error.message)};
  }
}

}  // namespace fble
