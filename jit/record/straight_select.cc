#include "jit/record/straight_select.h"

#include <algorithm>

#include "gc/object.h"
#include "interp/bytecode.h"

namespace fble {

namespace {

constexpr uint32_t kUnknown = UINT32_MAX;

// A select of more than this is left to guards: the arm that is not taken costs too much.
constexpr uint32_t kMostChoices = 8;
constexpr uint32_t kMostInstructions = 48;
constexpr uint32_t kMostDepth = 4;
// A union of more than two tags often tells what else is done, so a guard on its tag pays. Two results at most depend
// on it.
constexpr uint32_t kMostTests = 2;
constexpr uint32_t kMostTagWidth = 6;  // of tag_in

/// An activation of a function, in one of the arms.
struct Activation {
  const Code* code = nullptr;
  std::vector<uint32_t> slots;  ///< nodes; kUnknown: as before the select, in a function inside of it undefined
  uint32_t depth = 0;           ///< of calls
};

/// How a walk through code ends.
enum class End : uint8_t { kFails, kReturns, kJumps, kArrives };

struct Walked {
  End end = End::kFails;
  uint32_t value = kUnknown;     ///< that is returned
  const uint32_t* at = nullptr;  ///< the target of the jump, or where it has arrived
};

class SelectWalk {
 public:
  SelectWalk(const Code& code, const Word* globals) : globals_(globals) {
    frame_.code = &code;
    frame_.slots.assign(code.frame_slots, kUnknown);
  }

  std::optional<StraightSelect> run(const uint32_t* pc) {
    const Walked whole = select(frame_, pc);
    if (has_failed_ || whole.end == End::kFails) return std::nullopt;
    if (whole.end == End::kReturns) {
      if (return_ == nullptr) return std::nullopt;
      for (const Arm& arm : other_ends_) runs(arm).push_back({frame_.code, return_, false});
      found_.returns = true;
      found_.next = return_;
      found_.results = {{return_[1], whole.value}};
      return std::move(found_);
    }
    found_.next = whole.at;
    for (uint32_t slot = 0; slot < frame_.slots.size(); ++slot) {
      const uint32_t node = frame_.slots[slot];
      if (node == kUnknown || found_.nodes[node] == slot_node(slot)) continue;
      found_.results.push_back({slot, node});
    }
    return std::move(found_);
  }

 private:
  using Kind = StraightSelect::Kind;
  using Node = StraightSelect::Node;
  /// An arm of a decision.
  struct Arm {
    uint32_t decision = 0;
    uint32_t tag = 0;
  };

  /// A packed union, by whose tag an arm is taken.
  struct Union {
    uint32_t node = 0;
    uint32_t width = 0;
  };
  struct ArmCode {
    const uint32_t* start = nullptr;
    Word tags = 0;  ///< with which it is taken
  };

  std::vector<ArmTally::Step>& runs(const Arm& arm) { return found_.decisions[arm.decision].tally.runs[arm.tag]; }

  static Node slot_node(uint32_t slot) { return {.kind = Kind::kSlot, .index = slot}; }

  uint32_t fail() {
    has_failed_ = true;
    return 0;
  }

  uint32_t add(const Node& node) {
    const auto known = std::ranges::find(found_.nodes, node);
    if (known != found_.nodes.end()) return static_cast<uint32_t>(known - found_.nodes.begin());
    if (node.kind == Kind::kChoose) {
      if (++choices_ > kMostChoices) return fail();
      if (found_.nodes[node.condition].kind == Kind::kTagIn && ++tests_ > kMostTests) return fail();
    }
    found_.nodes.push_back(node);
    return static_cast<uint32_t>(found_.nodes.size() - 1);
  }
  uint32_t constant(Word word) { return add({.kind = Kind::kWord, .word = word}); }
  uint32_t choose(uint32_t condition, uint32_t first, uint32_t second) {
    if (first == second) return first;
    return add({.kind = Kind::kChoose, .condition = condition, .first = first, .second = second});
  }

  uint32_t slot(Activation& frame, uint32_t number) {
    uint32_t& node = frame.slots[number];
    if (node == kUnknown) node = frame.depth == 0 ? add(slot_node(number)) : fail();
    return node;
  }
  uint32_t capture(const Activation& frame, uint32_t index) {
    return frame.depth == 0 ? add({.kind = Kind::kCapture, .index = index}) : fail();
  }
  uint32_t source(Activation& frame, uint32_t source) {
    const uint32_t index = source >> kSourceShift;
    switch (source_kind(source)) {
      case Source::kSlot: return slot(frame, index);
      case Source::kWord: return constant(index);
      case Source::kCapture: return capture(frame, index);
      case Source::kGlobal: return add({.kind = Kind::kGlobal, .index = index});
    }
    return fail();
  }

  /// Walks from an instruction to `stop` (null: as far as it goes), a jump or a return.
  Walked walk(Activation& frame, const uint32_t* pc, const uint32_t* stop) {
    while (pc != stop) {
      if (++instructions_ > kMostInstructions) return {};
      const uint32_t* next = pc + instruction_length(pc);
      const bool is_the_return = frame.depth == 0 && return_ == nullptr && static_cast<Op>(*pc) == Op::kReturn;
      if (!is_the_return) runs(arm_).push_back({frame.code, pc});
      switch (const Op op = static_cast<Op>(*pc)) {
        case Op::kMove: frame.slots[pc[1]] = slot(frame, pc[2]); break;
        case Op::kConstant: frame.slots[pc[1]] = constant(frame.code->constants[pc[2]]); break;
        case Op::kCapture: frame.slots[pc[1]] = capture(frame, pc[2]); break;
        case Op::kGlobal: frame.slots[pc[1]] = add({.kind = Kind::kGlobal, .index = pc[2]}); break;
        case Op::kChoose: {
          const std::optional<TwoWays> ways = two_ways(pc);
          if (!ways) return {};
          uint32_t condition = slot(frame, pc[2]);
          if (ways->tags != 0) {
            condition = add({.kind = Kind::kTagIn, .index = pc[3], .word = ways->tags, .condition = condition});
          }
          const uint32_t first = source(frame, ways->first);
          frame.slots[pc[1]] = choose(condition, first, source(frame, ways->second));
          break;
        }
        case Op::kSelect:
        case Op::kSelectArg: {
          const Walked inner = select(frame, pc);
          if (inner.end != End::kArrives) return inner;
          next = inner.at;
          break;
        }
        case Op::kCallGlobal1:
        case Op::kCallGlobal2:
        case Op::kCallGlobal3: {
          const uint32_t count = static_cast<uint32_t>(op) - static_cast<uint32_t>(Op::kCallGlobal1) + 1;
          frame.slots[pc[2 + count]] = call(frame, pc, count);
          break;
        }
        case Op::kTailCallGlobal1:
        case Op::kTailCallGlobal2:
        case Op::kTailCallGlobal3: {
          const uint32_t count = static_cast<uint32_t>(op) - static_cast<uint32_t>(Op::kTailCallGlobal1) + 1;
          const uint32_t value = call(frame, pc, count);
          if (frame.depth == 0) other_ends_.push_back(arm_);
          return has_failed_ ? Walked{} : Walked{End::kReturns, value, pc};
        }
        case Op::kJump: return {End::kJumps, kUnknown, pc + pc[1]};
        case Op::kReturn: {
          if (is_the_return) {
            return_ = pc;
          } else if (frame.depth == 0) {
            other_ends_.push_back(arm_);
          }
          const uint32_t value = slot(frame, pc[1]);
          return has_failed_ ? Walked{} : Walked{End::kReturns, value, pc};
        }
        default: return {};
      }
      if (has_failed_) return {};
      pc = next;
    }
    return {End::kArrives, kUnknown, pc};
  }

  /// Walks through both arms of a select.
  Walked select(Activation& frame, const uint32_t* pc) {
    const Arm outer = arm_;
    const Walked walked = select_arms(frame, pc);
    arm_ = outer;
    return walked;
  }

  Walked select_arms(Activation& frame, const uint32_t* pc) {
    const bool takes = static_cast<Op>(*pc) == Op::kSelectArg;
    const uint32_t* operands = pc + (takes ? 2 : 1);
    Union by{slot(frame, operands[0]), operands[1]};
    if (by.width == 0 || by.width > kMostTagWidth) return {};
    if (takes) frame.slots[pc[1]] = add({.kind = Kind::kArg, .index = by.width, .condition = by.node});
    // Tags from the last one on take the last jump.
    const std::span<const uint32_t> jumps = select_jumps(pc);
    std::vector<ArmCode> arms;
    for (uint32_t tag = 0; tag < 1u << by.width; ++tag) {
      const uint32_t* start = pc + jumps[std::min<size_t>(tag, jumps.size() - 1)];
      const auto known = std::ranges::find(arms, start, &ArmCode::start);
      ArmCode& arm = known != arms.end() ? *known : arms.emplace_back(ArmCode{start, 0});
      arm.tags |= Word{1} << tag;
    }
    if (arms.size() < 2) return {};
    std::ranges::sort(arms, {}, &ArmCode::start);
    return walk_arms(frame, by, arms, nullptr);
  }

  /// Walks through arms, in their order in the code: each ends with a jump past all of them but the last, which arrives
  /// there, or all return. `join` is where those before have jumped to, if there are some.
  Walked walk_arms(Activation& frame, Union by, std::span<const ArmCode> arms, const uint32_t* join) {
    if (arms.size() == 1) return walk(frame, arms[0].start, join);
    // The tag of a union of two tells by itself.
    const bool is_second = by.width > 1 || arms[0].tags == 2;
    const uint32_t condition =
        by.width > 1 ? add({.kind = Kind::kTagIn, .index = by.width, .word = arms[0].tags, .condition = by.node})
                     : by.node;
    if (has_failed_) return {};
    const auto number = static_cast<uint32_t>(found_.decisions.size());
    StraightSelect::Decision& decision = found_.decisions.emplace_back();
    decision.condition = condition;
    decision.tally.outer = arm_.decision;
    decision.tally.arm = arm_.tag;
    Activation other = frame;
    arm_ = {number, is_second ? 1u : 0u};
    const Walked first = walk(frame, arms[0].start, nullptr);
    const auto choice = [&](uint32_t of_first, uint32_t of_others) {
      return is_second ? choose(condition, of_others, of_first) : choose(condition, of_first, of_others);
    };
    arm_ = {number, is_second ? 0u : 1u};
    if (first.end == End::kReturns) {
      if (join != nullptr) return {};
      const Walked others = walk_arms(other, by, arms.subspan(1), nullptr);
      if (others.end != End::kReturns) return {};
      const uint32_t value = choice(first.value, others.value);
      return has_failed_ ? Walked{} : Walked{End::kReturns, value, arms[0].start};
    }
    if (first.end != End::kJumps || (join != nullptr && join != first.at)) return {};
    if (walk_arms(other, by, arms.subspan(1), first.at).end != End::kArrives) return {};
    for (uint32_t i = 0; i < frame.slots.size(); ++i) {
      if (frame.slots[i] == other.slots[i]) continue;
      // In a function inside of the select, a slot that only one arm has written is not needed after it.
      const bool is_unneeded = frame.depth != 0 && (frame.slots[i] == kUnknown || other.slots[i] == kUnknown);
      frame.slots[i] = is_unneeded ? kUnknown : choice(slot(frame, i), slot(other, i));
    }
    return has_failed_ ? Walked{} : Walked{End::kArrives, kUnknown, first.at};
  }

  /// Walks through the function that the instruction calls, and returns its value.
  uint32_t call(Activation& frame, const uint32_t* pc, uint32_t count) {
    const Word word = globals_ == nullptr ? 0 : globals_[pc[1]];
    if (word == 0 || !is_pointer(word) || frame.depth == kMostDepth) return fail();
    const Object* closure = as_object(word);
    if (closure->kind() != ObjectKind::kClosure) return fail();
    const Code& code = *closure_code(closure);
    if (code.arity != count || code.capture_count != 0 || code.native != nullptr || code.is_glue) return fail();
    Activation callee{&code, std::vector<uint32_t>(code.frame_slots, kUnknown), frame.depth + 1};
    for (uint32_t i = 0; i < count; ++i) callee.slots[i] = slot(frame, pc[2 + i]);
    const Walked walked = walk(callee, code.start, nullptr);
    return walked.end == End::kReturns ? walked.value : fail();
  }

  const Word* globals_;
  Activation frame_;
  StraightSelect found_;
  const uint32_t* return_ = nullptr;  ///< a return in the frame of the select
  Arm arm_;                           ///< that the walk is in
  std::vector<Arm> other_ends_;       ///< arms that end the frame of the select with another instruction
  uint32_t choices_ = 0;
  uint32_t tests_ = 0;  ///< choices by tags of unions of more than two
  uint32_t instructions_ = 0;
  bool has_failed_ = false;
};

}  // namespace

std::optional<TwoWays> two_ways(const uint32_t* pc) {
  const uint32_t width = pc[3];
  const std::span<const uint32_t> sources(pc + 5, pc[4]);
  if (width == 1 && sources.size() == 2) return TwoWays{0, sources[0], sources[1]};
  if (width > kMostTagWidth || sources.size() < 2) return std::nullopt;
  TwoWays ways{0, sources[0], sources[0]};
  for (uint32_t tag = 0; tag < 1u << width; ++tag) {
    const uint32_t source = sources[std::min<size_t>(tag, sources.size() - 1)];
    if (source == ways.first) continue;
    if (ways.tags == 0) ways.second = source;
    if (source != ways.second) return std::nullopt;
    ways.tags |= Word{1} << tag;
  }
  return ways.tags != 0 ? std::optional(ways) : std::nullopt;
}

std::optional<StraightSelect> find_straight_select(const Code& code, const uint32_t* pc, const Word* globals) {
  if (static_cast<Op>(*pc) != Op::kSelect && static_cast<Op>(*pc) != Op::kSelectArg) return std::nullopt;
  return SelectWalk(code, globals).run(pc);
}

}  // namespace fble
