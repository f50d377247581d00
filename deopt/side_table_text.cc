#include "deopt/side_table_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "gc/object.h"

namespace fble {

namespace {

struct FactName {
  uint8_t fact;
  const char* name;
};
constexpr FactName kFactNames[] = {{kFactPacked, "packed"}, {kFactPointer, "pointer"}, {kFactNatural, "natural"}};

uint32_t tag_of_header(Word header) { return static_cast<uint32_t>(header >> 8) & Object::kMaxTag; }

// ---- printing ---------------------------------------------------------------

class Printer {
 public:
  explicit Printer(std::span<Code* const> codes) : codes_(codes.begin(), codes.end()) {}

  std::string print(std::span<const ExitEntry> exits) {
    for (size_t i = 0; i < exits.size(); ++i) {
      text_ += fmt::format("{} {}\n", exits[i].is_return ? "return" : "exit", i);
      print_exit(exits[i]);
    }
    return std::move(text_);
  }

 private:
  void print_exit(const ExitEntry& exit) {
    for (const ExitFrame& frame : exit.frames) {
      text_ += fmt::format("  frame {} +{} b{} ", code_name(frame.code), frame.pc - frame.code->start, frame.base);
      text_ += frame.in_memory ? "memory" : "closure " + location(frame.closure);
      const std::string& block = frame.code->block.str();
      text_ += block.empty() ? "\n" : fmt::format("  ; {}\n", block);
    }
    for (const ExitSlot& slot : exit.slots) {
      text_ += fmt::format("  s{} = {}", slot.slot, location(slot.location));
      for (const FactName& row : kFactNames) {
        if ((slot.facts & row.fact) != 0) text_ += fmt::format(" {}", row.name);
      }
      text_ += '\n';
    }
    for (size_t i = 0; i < exit.virtuals.size(); ++i) {
      const VirtualValue& value = exit.virtuals[i];
      text_ += fmt::format("  v{} = {} (", i, head(value));
      for (size_t k = 0; k < value.fields.size(); ++k) text_ += (k == 0 ? "" : " ") + location(value.fields[k]);
      text_ += ")\n";
    }
  }

  std::string head(const VirtualValue& value) {
    switch (value.kind) {
      case VirtualValue::Kind::kPackedStruct: return "packed_struct";
      case VirtualValue::Kind::kPackedUnion: return fmt::format("packed_union t{} w{}", value.tag, value.width);
      case VirtualValue::Kind::kObject: break;
    }
    if (value.code != nullptr) return fmt::format("closure {}", code_name(value.code));
    const bool is_union = Object::kind_of(value.header) == ObjectKind::kUnion;
    return fmt::format("{} t{}", is_union ? "union" : "struct", tag_of_header(value.header));
  }

  std::string location(const Location& location) {
    switch (location.kind) {
      case LocationKind::kNone: return "nowhere";
      case LocationKind::kRegister: return register_name(location.index);
      case LocationKind::kSpill: return fmt::format("spill{}", location.index);
      case LocationKind::kVirtual: return fmt::format("v{}", location.index);
      case LocationKind::kSlot: return fmt::format("s{}", location.index);
      case LocationKind::kConstant: break;
    }
    for (size_t i = 0; i < codes_.size(); ++i) {
      if (codes_[i]->function_value() == location.word) return fmt::format("f{}", i);
    }
    return fmt::format("{:#x}", location.word);
  }

  std::string code_name(Code* code) {
    auto found = std::find(codes_.begin(), codes_.end(), code);
    if (found == codes_.end()) found = codes_.insert(found, code);
    return fmt::format("f{}", found - codes_.begin());
  }

  std::vector<Code*> codes_;
  std::string text_;
};

// ---- parsing ----------------------------------------------------------------

class Parser {
 public:
  Parser(std::string_view text, std::string_view file_name, std::span<Code* const> codes)
      : text_(text), file_name_(file_name), codes_(codes) {}

  ExitsParse parse() {
    next();
    while (!token_.empty() && error_.empty()) parse_exit();
    ExitsParse result;
    result.error = std::move(error_);
    if (result.error.empty()) result.exits = std::move(exits_);
    return result;
  }

 private:
  void parse_exit() {
    ExitEntry& exit = exits_.emplace_back();
    exit.is_return = token_ == "return";
    if (!exit.is_return && token_ != "exit") return fail("expected 'exit' or 'return'");
    next();
    if (read_number("", kMaxIndex) != exits_.size() - 1 && error_.empty()) {
      return fail(fmt::format("expected {}", exits_.size() - 1), previous_);
    }
    while (error_.empty() && token_ == "frame") parse_frame(exit);
    while (error_.empty() && token_.starts_with('s')) parse_slot(exit);
    while (error_.empty() && token_.starts_with('v')) parse_virtual(exit);
  }

  void parse_frame(ExitEntry& exit) {
    next();
    ExitFrame& frame = exit.frames.emplace_back();
    frame.code = read_code();
    if (frame.code == nullptr) return;
    frame.pc = frame.code->start + read_number("+", frame.code->words.size());
    frame.base = static_cast<int32_t>(read_number("b", kMaxIndex));
    if (token_ == "memory") {
      frame.in_memory = true;
      next();
    } else if (expect("closure")) {
      frame.closure = read_location();
    }
  }

  void parse_slot(ExitEntry& exit) {
    ExitSlot& slot = exit.slots.emplace_back();
    slot.slot = read_slot();
    expect("=");
    slot.location = read_location();
    for (const FactName& row : kFactNames) {
      if (token_ != row.name) continue;
      slot.facts |= row.fact;
      next();
    }
  }

  void parse_virtual(ExitEntry& exit) {
    VirtualValue& value = exit.virtuals.emplace_back();
    const size_t index = exit.virtuals.size() - 1;
    if (read_number("v", kMaxIndex) != index && error_.empty())
      return fail(fmt::format("expected v{}", index), previous_);
    expect("=");
    const std::string_view kind = token_;
    uint32_t tag = 0;
    auto read_tag = [&](uint64_t limit) { tag = static_cast<uint32_t>(read_number("t", limit)); };
    if (kind == "closure") {
      next();
      value.code = read_code();
    } else if (kind == "struct" || kind == "union") {
      next();
      read_tag(Object::kMaxTag);
    } else if (kind == "packed_union") {
      value.kind = VirtualValue::Kind::kPackedUnion;
      next();
      read_tag(std::numeric_limits<uint32_t>::max());
      value.tag = tag;
      value.width = static_cast<uint32_t>(read_number("w", 63));
    } else if (kind == "packed_struct") {
      value.kind = VirtualValue::Kind::kPackedStruct;
      next();
    } else {
      return fail("expected struct, union, closure, packed_union or packed_struct");
    }
    expect("(");
    while (error_.empty() && token_ != ")") value.fields.push_back(read_location());
    expect(")");
    if (value.kind != VirtualValue::Kind::kObject || !error_.empty()) return;
    const uint32_t count = static_cast<uint32_t>(value.fields.size()) + (value.code != nullptr ? 1 : 0);
    value.header = Object::make_header(kind == "closure" ? ObjectKind::kClosure
                                       : kind == "union" ? ObjectKind::kUnion
                                                         : ObjectKind::kStruct,
                                       count, tag);
  }

  Location read_location() {
    if (token_ == "nowhere") {
      next();
      return {};
    }
    for (int32_t i = 0; i < kRegisterCount; ++i) {
      if (token_ != register_name(i)) continue;
      next();
      return {LocationKind::kRegister, i, 0};
    }
    auto index = [&](std::string_view prefix) { return static_cast<int32_t>(read_number(prefix, kMaxIndex)); };
    if (token_.starts_with("spill")) return {LocationKind::kSpill, index("spill"), 0};
    if (token_.starts_with('v')) return {LocationKind::kVirtual, index("v"), 0};
    if (token_.starts_with('s')) return {LocationKind::kSlot, read_slot(), 0};
    if (token_.starts_with('f')) {
      const Code* code = read_code();
      return {LocationKind::kConstant, 0, code == nullptr ? 0 : code->function_value()};
    }
    if (token_.starts_with("0x")) return {LocationKind::kConstant, 0, read_number("0x", ~uint64_t{0}, 16)};
    fail("expected a location, such as rax, spill0, s0, v0, 0x3 or f0");
    return {};
  }

  Code* read_code() {
    const uint64_t number = read_number("f", kMaxIndex);
    if (!error_.empty()) return nullptr;
    if (number < codes_.size()) return codes_[number];
    fail("there is no such code object", previous_);
    return nullptr;
  }

  int32_t read_slot() {
    if (token_.starts_with("s-")) return -static_cast<int32_t>(read_number("s-", kMaxIndex));
    return static_cast<int32_t>(read_number("s", kMaxIndex));
  }

  uint64_t read_number(std::string_view prefix, uint64_t limit, int base = 10) {
    uint64_t number = 0;
    const char* end = token_.data() + token_.size();
    const bool has_prefix = token_.starts_with(prefix) && token_.size() > prefix.size();
    const auto read = has_prefix ? std::from_chars(token_.data() + prefix.size(), end, number, base)
                                 : std::from_chars_result{end, std::errc::invalid_argument};
    if (read.ec != std::errc() || read.ptr != end || number > limit) {
      fail(fmt::format("expected a number, such as {}0", prefix));
      return 0;
    }
    next();
    return number;
  }

  bool expect(std::string_view word) {
    if (!error_.empty()) return false;
    if (token_ == word) {
      next();
      return true;
    }
    fail(fmt::format("expected '{}'", word));
    return false;
  }

  void next() {
    previous_ = token_;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == ';') {
        while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
      } else if (!is_space(text_[at_])) {
        break;
      }
    }
    const size_t start = at_;
    if (at_ < text_.size() && is_punctuation(text_[at_])) {
      ++at_;
    } else {
      while (at_ < text_.size() && !is_space(text_[at_]) && !is_punctuation(text_[at_]) && text_[at_] != ';') ++at_;
    }
    token_ = text_.substr(start, at_ - start);
  }

  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
  static bool is_punctuation(char c) { return c == '(' || c == ')' || c == '='; }

  void fail(std::string_view message) { fail(message, token_); }
  void fail(std::string_view message, std::string_view at) {
    if (!error_.empty()) return;
    const std::string_view before = text_.substr(0, static_cast<size_t>(at.data() - text_.data()));
    const size_t line = static_cast<size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
    const size_t column = before.size() - (before.rfind('\n') + 1) + 1;
    error_ = fmt::format("{}:{}:{}: error: {}", file_name_, line, column, message);
    if (!at.empty()) error_ += fmt::format(", found '{}'", at);
  }

  static constexpr uint64_t kMaxIndex = 1 << 30;

  std::string_view text_;
  std::string_view file_name_;
  std::span<Code* const> codes_;
  size_t at_ = 0;
  std::string_view token_;     ///< empty at the end
  std::string_view previous_;  ///< the token before
  std::string error_;
  std::vector<ExitEntry> exits_;
};

}  // namespace

std::string print_exits(std::span<const ExitEntry> exits, std::span<Code* const> codes) {
  return Printer(codes).print(exits);
}

std::string print_side_table(SideTableView table, std::span<Code* const> codes) {
  std::vector<ExitEntry> exits;
  for (uint32_t i = 0; i < table.exits; ++i) exits.push_back(decode_exit(table, i));
  const double each = table.exits == 0 ? 0 : static_cast<double>(table.bytes.size()) / table.exits;
  return fmt::format("; {} exits, {} bytes, {:.1f} each\n", table.exits, table.bytes.size(), each) +
         print_exits(exits, codes);
}

ExitsParse parse_exits(std::string_view text, std::string_view file_name, std::span<Code* const> codes) {
  return Parser(text, file_name, codes).parse();
}

}  // namespace fble
