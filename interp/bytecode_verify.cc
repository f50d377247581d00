#include "interp/bytecode_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "interp/bytecode_text.h"
#include "interp/call_frame.h"

namespace fble {

namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr uint32_t kMaxTagWidth = 24;
/// The limit for the number of slots: the highest byte of an operand that names a slot is 0, see tag_in_header in
/// interp/interpreter.cc.
constexpr uint32_t kMostSlots = 1u << 24;

/// The frame of malformed code may be of any size. In a frame of more slots than this, slots are numbered by their rank
/// among those that the code mentions.
constexpr uint32_t kMostDirectSlots = 1024;

/// A set of slots, by their ranks: themselves in a frame of usual size.
class RankSet {
 public:
  explicit RankSet(size_t size) : count_((size + 63) / 64) {
    if (count_ > kFew) many_.resize(count_);
  }
  void add(uint32_t rank) { words()[rank / 64] |= bit(rank); }
  void remove(uint32_t rank) { words()[rank / 64] &= ~bit(rank); }
  bool contains(uint32_t rank) const { return (words()[rank / 64] & bit(rank)) != 0; }
  void merge(const RankSet& other) {
    for (size_t i = 0; i < count_; ++i) words()[i] |= other.words()[i];
  }
  void intersect(const RankSet& other) {
    for (size_t i = 0; i < count_; ++i) words()[i] &= other.words()[i];
  }
  void clear() { std::fill_n(words(), count_, 0); }
  /// Returns the highest rank; kNone for the empty set.
  uint32_t highest() const {
    for (size_t i = count_; i-- > 0;) {
      const uint64_t word = words()[i];
      if (word != 0) return static_cast<uint32_t>(i * 64) + 63 - static_cast<uint32_t>(std::countl_zero(word));
    }
    return kNone;
  }

 private:
  static constexpr size_t kFew = 2;
  static uint64_t bit(uint32_t rank) { return uint64_t{1} << (rank % 64); }
  uint64_t* words() { return count_ > kFew ? many_.data() : few_.data(); }
  const uint64_t* words() const { return count_ > kFew ? many_.data() : few_.data(); }

  size_t count_;  ///< number of words
  std::array<uint64_t, kFew> few_{};
  std::vector<uint64_t> many_;  ///< instead, if there are more
};

/// What the rows of opcodes.def say about an instruction.
struct OpShape {
  bool ends = false;   ///< the activation
  bool jumps = false;  ///< always
  bool calls = false;  ///< has the base of a callee's frame
};

const OpShape& shape_of(Op op) {
  static const auto shapes = [] {
    std::array<OpShape, static_cast<size_t>(Op::kCount)> all;
    for (size_t i = 0; i < all.size(); ++i) {
      const OpInfo& info = op_info(static_cast<Op>(i));
      const std::string_view effects = info.effects;
      all[i].ends = effects.find('t') != std::string_view::npos;
      all[i].jumps = effects.find('j') != std::string_view::npos;
      all[i].calls = std::string_view(info.operands).find('B') != std::string_view::npos;
    }
    return all;
  }();
  return shapes[static_cast<size_t>(op)];
}

/// A problem, thrown within this file only.
struct Problem {
  std::string text;
};

/// Verifies codes of a program, one after the other.
class CodeVerifier {
 public:
  /// `codes`: those of the program, sorted.
  CodeVerifier(const ProgramCode& program, const std::vector<const Code*>& codes) : program_(program), codes_(codes) {}

  void verify(const Code& code, size_t number) {
    code_ = &code;
    number_ = number;
    check_tables();
    find_instructions();
    for (const uint32_t start : starts_) check_operands(start);
    check_groups();
    rank_slots();
    find_uses();
    check_writes();
    check_frames();
  }

 private:
  // ---- messages -------------------------------------------------------------

  [[noreturn]] void fail(const std::string& message) const {
    throw Problem{fmt::format("code {} \"{}\": {}\n", number_, code_->block.str(), message)};
  }

  /// Reports a problem of the instruction at `start`.
  [[noreturn]] void fail_at(uint32_t start, const std::string& message) const {
    std::string text = fmt::format("code {} \"{}\", word {}: {}\n", number_, code_->block.str(), start, message);
    const auto here = std::lower_bound(starts_.begin(), starts_.end(), start);
    const auto first = here - std::min<ptrdiff_t>(2, here - starts_.begin());
    const auto last = here + std::min<ptrdiff_t>(3, starts_.end() - here);
    for (auto at = first; at != last; ++at) {
      text += fmt::format("{} {:>5}  {}\n", *at == start ? '>' : ' ', *at, print_instruction(*code_, *at));
    }
    throw Problem{text};
  }

  // ---- tables ---------------------------------------------------------------

  void check_tables() const {
    if (code_->frame_slots > kMostSlots) {
      fail(fmt::format("{} slots are more than a frame can have", code_->frame_slots));
    }
    if (code_->arity > code_->frame_slots) {
      fail(fmt::format("{} arguments do not fit into {} slots", code_->arity, code_->frame_slots));
    }
    for (const Word word : code_->constants) {
      if (!is_packed(word) || word < kUnitWord) fail(fmt::format("constant {:#x} is not a packed word", word));
    }
    for (const Code* function : code_->functions) {
      if (!std::ranges::binary_search(codes_, function, std::less<>())) fail("a function is not one of the program");
    }
    for (const LiteralData& literal : code_->literals) check_literal(literal);
    uint32_t end = 0;
    for (const LocEntry& entry : code_->locs) {
      if (entry.end <= end) fail(fmt::format("locations are not in order at the one that ends at {}", entry.end));
      end = entry.end;
    }
    if (end > code_->words.size()) fail(fmt::format("a location ends at {}, behind the code", end));
    if (code_->words.empty()) fail("there are no instructions");
    if (code_->start != code_->words.data()) fail("the code is not finished");
  }

  void check_literal(const LiteralData& literal) const {
    if (literal.global >= program_.global_count) fail(fmt::format("literal with global g{}", literal.global));
    for (const TagPath& path : literal.alphabet) {
      for (const TagStep& step : path) {
        if (step.tag >= step.tag_count || step.tag_count > Object::kMaxTag) {
          fail(fmt::format("literal with tag {}/{}", step.tag, step.tag_count));
        }
      }
    }
    for (const uint32_t letter : literal.letters) {
      if (letter >= literal.alphabet.size()) fail(fmt::format("literal with letter {}", letter));
    }
  }

  // ---- instructions one by one ----------------------------------------------

  void find_instructions() {
    starts_.clear();
    instruction_at_.assign(code_->words.size(), kNone);
    for (uint32_t start = 0; start < code_->words.size();) {
      instruction_at_[start] = static_cast<uint32_t>(starts_.size());
      starts_.push_back(start);
      const uint32_t length = whole_instruction_length(std::span(code_->words).subspan(start));
      if (length == 0) fail_at(start, "this is no whole instruction");
      start += length;
    }
    if (!shape(starts_.back()).ends) fail_at(starts_.back(), "control passes the end of the code");
  }

  uint32_t word(uint32_t start, uint32_t at) const { return code_->words[start + at]; }
  Op op(uint32_t start) const { return static_cast<Op>(code_->words[start]); }
  const OpShape& shape(uint32_t start) const { return shape_of(op(start)); }
  template <typename Visit>
  void operands(uint32_t start, Visit&& visit) const {
    for_each_operand(&code_->words[start], [&](char letter, uint32_t at) { visit(letter, code_->words[start + at]); });
  }

  void check_index(uint32_t start, const char* what, uint32_t index, size_t size) const {
    if (index >= size) fail_at(start, fmt::format("{}{} is not in a table of {}", what, index, size));
  }
  void check_slot(uint32_t start, uint32_t slot) const {
    if (slot >= code_->frame_slots) {
      fail_at(start, fmt::format("s{} is outside of the frame of {} slots", slot, code_->frame_slots));
    }
  }

  void check_operands(uint32_t start) const {
    operands(start, [&](char letter, uint32_t value) {
      switch (letter) {
        case 'D':
        case 'S':
        case 'L': check_slot(start, value); break;
        case 'P':
          if ((value & 1) == 0) check_slot(start, value >> 1);
          if ((value & 1) != 0) check_index(start, "capture c", value >> 1, code_->capture_count);
          break;
        case 'V': check_source(start, source_kind(value), value >> kSourceShift); break;
        case 'C': check_index(start, "capture c", value, code_->capture_count); break;
        case 'G': check_index(start, "global g", value, program_.global_count); break;
        case 'K': check_index(start, "constant k", value, code_->constants.size()); break;
        case 'F': check_index(start, "function f", value, code_->functions.size()); break;
        case 'W':
          if (value > kMaxTagWidth) fail_at(start, fmt::format("no tag has {} bits", value));
          break;
        case 'J':
        case 'T': check_jump(start, value); break;
        default: break;
      }
    });
    switch (op(start)) {
      case Op::kUnion:
      case Op::kUnionStruct: check_tag(start, word(start, 2), word(start, 3)); break;
      case Op::kArg: check_tag(start, word(start, 3), word(start, 4)); break;
      case Op::kField:
      case Op::kProject:
      case Op::kCaptureField:
      case Op::kGlobalField: check_field(start, word(start, 3), word(start, 4)); break;
      case Op::kArgField:
        check_tag(start, word(start, 3), word(start, 4));
        check_field(start, word(start, 5), word(start, 6));
        break;
      case Op::kSelect: check_select(start, word(start, 2), word(start, 3)); break;
      case Op::kSelectArg:
      case Op::kChoose: check_select(start, word(start, 3), word(start, 4)); break;
      case Op::kClosure:
        if (word(start, 3) == 0) fail_at(start, "a closure without captured values is a function");
        check_captures(start, word(start, 3));
        break;
      case Op::kFunction: check_captures(start, 0); break;
      case Op::kLiteral: check_index(start, "literal ", word(start, 2), code_->literals.size()); break;
      case Op::kForeign: check_index(start, "foreign ", word(start, 2), code_->foreigns.size()); break;
      case Op::kDeoptPoint: check_index(start, "deopt point ", word(start, 1), program_.deopt_points.size()); break;
      case Op::kTailCall:
      case Op::kTailCallGlobal: check_staging(start); break;
      case Op::kApplyHeld:
      case Op::kNativeBody:
      case Op::kHalt: fail_at(start, "this instruction is for the interpreter's own code only");
      default: break;
    }
  }

  void check_tag(uint32_t start, uint32_t tag, uint32_t width) const {
    if (tag >> width != 0) fail_at(start, fmt::format("tag {} does not fit into {} bits", tag, width));
  }

  void check_field(uint32_t start, uint32_t field, uint32_t count) const {
    if (field >= count) fail_at(start, fmt::format("a struct of {} has no field {}", count, field));
  }

  void check_select(uint32_t start, uint32_t width, uint32_t choices) const {
    if (choices == 0) fail_at(start, "a select needs a choice");
    if (choices > size_t{1} << width) fail_at(start, "there are more choices than tags");
  }

  void check_source(uint32_t start, Source kind, uint32_t index) const {
    switch (kind) {
      case Source::kSlot: return check_slot(start, index);
      case Source::kCapture: return check_index(start, "capture c", index, code_->capture_count);
      case Source::kGlobal: return check_index(start, "global g", index, program_.global_count);
      case Source::kWord:
        if (!is_packed(index) || index < kUnitWord) fail_at(start, fmt::format("{} is not a packed word", index));
    }
  }

  void check_captures(uint32_t start, uint32_t count) const {
    const Code* function = code_->functions[word(start, 2)];
    if (function->capture_count != count) {
      fail_at(start, fmt::format("the code has {} captures and gets {}", function->capture_count, count));
    }
  }

  void check_jump(uint32_t start, uint32_t distance) const {
    const uint64_t target = uint64_t{start} + distance;
    if (distance == 0 || distance > INT32_MAX) fail_at(start, "a jump that is not forward");
    if (target >= instruction_at_.size() || instruction_at_[target] == kNone) {
      fail_at(start, fmt::format("no instruction starts at the jump's target, word {}", target));
    }
  }

  /// Checks the staging slots: a tail call with a list of arguments moves them by way of the last slots of the frame.
  void check_staging(uint32_t start) const {
    const uint32_t count = word(start, 2);
    uint64_t needed = count;
    for (uint32_t i = 0; i < count; ++i) needed = std::max(needed, uint64_t{word(start, 3 + i)} + 1 + count);
    if (needed > code_->frame_slots) {
      fail_at(start, fmt::format("moving the arguments takes {} slots, the frame has {}", needed, code_->frame_slots));
    }
  }

  // ---- groups of recursive values -------------------------------------------

  /// Checks that groups nest in the text of the code. Fills `group_at_`: the
  /// innermost group that is open before each instruction, as the start of its
  /// Declare. Empty if there are no groups.
  void check_groups() {
    group_at_.clear();
    if (std::ranges::none_of(starts_,
                             [&](uint32_t start) { return op(start) == Op::kDeclare || op(start) == Op::kDefine; })) {
      return;
    }
    struct Open {
      uint32_t start;
      uint32_t count;
      uint32_t first;
    };
    std::vector<Open> open;
    for (const uint32_t start : starts_) {
      const uint32_t group = open.empty() ? kNone : open.back().start;
      group_at_.emplace(start, group);
      if (group != kNone && shape(start).ends) fail_at(start, "the activation ends within a group");
      if (op(start) == Op::kDeclare) {
        const uint32_t count = word(start, 1);
        const uint32_t first = word(start, 2);
        if (count == 0) fail_at(start, "a group without values");
        if (uint64_t{first} + count > code_->frame_slots) check_slot(start, std::max(first, code_->frame_slots));
        open.push_back({start, count, first});
      } else if (op(start) == Op::kDefine) {
        if (open.empty()) fail_at(start, "no group is open");
        if (open.back().count != word(start, 1) || open.back().first != word(start, 2)) {
          fail_at(start, fmt::format("the open group is that of word {}", open.back().start));
        }
        open.pop_back();
      }
    }
    if (!open.empty()) fail_at(open.back().start, "this group is never defined");
    for (const uint32_t start : starts_) {
      operands(start, [&](char letter, uint32_t value) {
        if (letter != 'J' && letter != 'T') return;
        if (group_at_.at(start) != group_at_.at(start + value)) fail_at(start, "a jump into or out of a group");
      });
    }
  }

  // ---- slots ----------------------------------------------------------------

  template <typename Visit>
  void slots(uint32_t start, Visit&& visit) const {
    for_each_slot(&code_->words[start], visit);
  }

  void rank_slots() {
    rank_count_ = code_->frame_slots;
    mentioned_.clear();
    if (rank_count_ <= kMostDirectSlots) return;
    for (const uint32_t start : starts_) {
      slots(start, [&](uint32_t slot, bool) { mentioned_.push_back(slot); });
    }
    std::sort(mentioned_.begin(), mentioned_.end());
    mentioned_.erase(std::unique(mentioned_.begin(), mentioned_.end()), mentioned_.end());
    rank_count_ = static_cast<uint32_t>(mentioned_.size());
  }
  bool ranks_are_slots() const { return code_->frame_slots <= kMostDirectSlots; }
  uint32_t slot_of(uint32_t rank) const { return ranks_are_slots() ? rank : mentioned_[rank]; }
  uint32_t rank(uint32_t slot) const {
    if (ranks_are_slots()) return slot;
    return static_cast<uint32_t>(std::lower_bound(mentioned_.begin(), mentioned_.end(), slot) - mentioned_.begin());
  }

  /// Finds the slots and jumps of each instruction. Groups are checked before: they are within the frame.
  void find_uses() {
    uses_.clear();
    targets_.clear();
    parts_.clear();
    target_count_ = 0;
    target_number_.assign(starts_.size(), kNone);
    for (const uint32_t start : starts_) {
      parts_.push_back({static_cast<uint32_t>(uses_.size()), static_cast<uint32_t>(targets_.size())});
      slots(start, [&](uint32_t slot, bool is_write) {
        const uint32_t slot_rank = rank(slot);
        const bool continues = uses_.size() > parts_.back().first_use && uses_.back().is_write == is_write &&
                               uses_.back().end == slot_rank;
        if (continues) {
          ++uses_.back().end;
        } else {
          uses_.push_back({slot_rank, slot_rank + 1, is_write});
        }
      });
      operands(start, [&](char letter, uint32_t value) {
        if (letter != 'J' && letter != 'T') return;
        uint32_t& number = target_number_[instruction_at_[start + value]];
        if (number == kNone) number = target_count_++;
        targets_.push_back(number);
      });
    }
    parts_.push_back({static_cast<uint32_t>(uses_.size()), static_cast<uint32_t>(targets_.size())});
  }

  /// Calls `visit(rank)` for the slots that the instruction reads, or for those that it writes.
  template <typename Visit>
  void each_use(size_t instruction, bool is_write, Visit&& visit) const {
    for (uint32_t i = parts_[instruction].first_use; i < parts_[instruction + 1].first_use; ++i) {
      if (uses_[i].is_write != is_write) continue;
      for (uint32_t slot_rank = uses_[i].begin; slot_rank < uses_[i].end; ++slot_rank) visit(slot_rank);
    }
  }
  /// Returns the numbers of the instruction's jump targets.
  std::span<const uint32_t> targets_of(size_t instruction) const {
    const uint32_t first = parts_[instruction].first_target;
    return std::span(targets_).subspan(first, parts_[instruction + 1].first_target - first);
  }

  /// Checks forwards which slots are written on every path.
  void check_writes() const {
    std::vector<std::optional<RankSet>> at_target(target_count_);
    RankSet arguments(rank_count_);
    for (uint32_t i = 0; i < rank_count_ && slot_of(i) < code_->arity; ++i) arguments.add(i);
    std::optional<RankSet> written = std::move(arguments);  // nothing where no path leads
    RankSet in_group(rank_count_);
    for (size_t at = 0; at < starts_.size(); ++at) {
      const uint32_t start = starts_[at];
      if (target_number_[at] != kNone && at_target[target_number_[at]]) {
        RankSet& on_jumps = *at_target[target_number_[at]];
        if (written) on_jumps.intersect(*written);
        written = std::move(on_jumps);
      }
      if (op(start) == Op::kDefine) {
        for (uint32_t i = 0; i < word(start, 1); ++i) in_group.remove(rank(word(start, 2) + i));
      }
      if (written) {
        each_use(at, false, [&](uint32_t slot_rank) {
          if (!written->contains(slot_rank)) {
            fail_at(start, fmt::format("s{} is read before it is written", slot_of(slot_rank)));
          }
        });
      }
      each_use(at, true, [&](uint32_t slot_rank) {
        if (in_group.contains(slot_rank))
          fail_at(start, fmt::format("s{} belongs to an open group", slot_of(slot_rank)));
        if (written) written->add(slot_rank);
      });
      if (op(start) == Op::kDeclare) each_use(at, true, [&](uint32_t slot_rank) { in_group.add(slot_rank); });
      if (written) {
        for (const uint32_t target : targets_of(at)) {
          if (at_target[target]) {
            at_target[target]->intersect(*written);
          } else {
            at_target[target] = written;
          }
        }
      }
      if (shape(start).ends || shape(start).jumps) written.reset();
    }
  }

  /// Checks backwards which slots are in use where a callee's frame is pushed.
  void check_frames() const {
    std::vector<RankSet> at_target(target_count_, RankSet(rank_count_));
    RankSet live(rank_count_);
    for (size_t at = starts_.size(); at-- > 0;) {
      const uint32_t start = starts_[at];
      if (shape(start).ends || shape(start).jumps) live.clear();
      for (const uint32_t target : targets_of(at)) live.merge(at_target[target]);
      each_use(at, true, [&](uint32_t slot_rank) { live.remove(slot_rank); });
      each_use(at, false, [&](uint32_t slot_rank) { live.add(slot_rank); });
      if (shape(start).calls) check_base(start, live);
      if (target_number_[at] != kNone) at_target[target_number_[at]] = live;
    }
  }

  /// Checks the base of a callee's frame. `used`: the slots that the instruction reads and those needed after it.
  void check_base(uint32_t start, const RankSet& used) const {
    uint64_t count = 0;
    uint64_t base = 0;
    operands(start, [&](char letter, uint32_t value) {
      if (letter == 'S' || letter == 'L') ++count;
      if (letter == 'B') base = value;
    });
    if (op_info(op(start)).operands[0] == 'S') --count;  // the first is the function
    const uint32_t highest = used.highest();
    const uint64_t above = highest == kNone ? 0 : uint64_t{slot_of(highest)} + 1;
    if (base < above + kHeaderSlots) {
      fail_at(start, fmt::format("b{} must be b{} or above: {} slots and the header are below it", base,
                                 above + kHeaderSlots, above));
    }
    if (base + count > code_->frame_slots) {
      fail_at(start, fmt::format("the arguments at b{} need {} slots, the frame has {}", base, base + count,
                                 code_->frame_slots));
    }
  }

  /// Some consecutive slots, by their ranks.
  struct Use {
    uint32_t begin;
    uint32_t end;
    bool is_write;
  };
  /// Where the uses and targets of an instruction begin; those of the next one follow.
  struct Parts {
    uint32_t first_use;
    uint32_t first_target;
  };

  const ProgramCode& program_;
  const std::vector<const Code*>& codes_;

  // Of the code that is verified:
  const Code* code_ = nullptr;
  size_t number_ = 0;
  std::vector<uint32_t> starts_;          ///< where instructions start
  std::vector<uint32_t> instruction_at_;  ///< for each word, the instruction that starts there, or kNone
  std::unordered_map<uint32_t, uint32_t> group_at_;
  uint32_t rank_count_ = 0;          ///< all ranks are below
  std::vector<uint32_t> mentioned_;  ///< slots, ascending; not of a frame of usual size
  std::vector<Use> uses_;
  std::vector<uint32_t> targets_;  ///< of jumps, by their numbers
  std::vector<Parts> parts_;       ///< for each instruction, and the end
  uint32_t target_count_ = 0;
  std::vector<uint32_t> target_number_;  ///< for each instruction, or kNone if no jump leads there
};

void check_modules(const ProgramCode& program, const std::vector<const Code*>& codes) {
  if (program.global_names.size() > program.global_count) {
    throw Problem{fmt::format("{} names for {} globals\n", program.global_names.size(), program.global_count)};
  }
  for (const ProgramCode::ModuleCode& module : program.modules) {
    auto fail = [&](const std::string& message) {
      throw Problem{fmt::format("module {}: {}\n", module.path, message)};
    };
    if (!std::ranges::binary_search(codes, module.body, std::less<>())) fail("its code is not in the program");
    if (module.body->arity != 0 || module.body->capture_count != 0) fail("its code has arguments or captures");
    if (module.global >= program.global_count) fail(fmt::format("there is no global g{}", module.global));
  }
}

/// Verifies the codes from number `first` to the last, after `check(codes)` of these, sorted.
template <typename Check>
std::string verify_from(const ProgramCode& program, size_t first, Check&& check) {
  std::vector<const Code*> codes;
  codes.reserve(program.codes.size() - first);
  for (size_t i = first; i < program.codes.size(); ++i) codes.push_back(&program.codes[i]);
  std::ranges::sort(codes, std::less<>());
  try {
    check(codes);
    CodeVerifier verifier(program, codes);
    for (size_t i = first; i < program.codes.size(); ++i) verifier.verify(program.codes[i], i);
  } catch (const Problem& problem) {
    return problem.text;
  }
  return "";
}

}  // namespace

std::string verify_bytecode(const ProgramCode& program) {
  return verify_from(program, 0, [&](const std::vector<const Code*>& codes) { check_modules(program, codes); });
}

std::string verify_codes(const ProgramCode& program, size_t first) {
  return verify_from(program, first, [](const std::vector<const Code*>&) {});
}

}  // namespace fble
