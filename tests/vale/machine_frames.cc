// machine_frames PROGRAM: reads from a program's machine code how much stack each function uses and where it calls
// others. It knows nothing of the compiler's figures: stack_need.py compares them with these.
//
//     frame FUNCTION BYTES           the most below the return address
//     call FUNCTION BYTES [CALLEE]   what is below the return address at a call; no callee: through a pointer
//     jump FUNCTION 0 CALLEE         a jump to another function
//     failed FUNCTION 0              the stack pointer changes in a way that is not followed
//
// Each function is followed from its first instruction along all jumps. Where the stack pointer gets a value from
// elsewhere, another stack begins, and the path ends.
#include <Zydis/Zydis.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/vale/elf_program.h"

namespace {

using vale::ElfProgram;
using Function = ElfProgram::Function;

/// What is known at an instruction: the bytes below the return address, and those when rbp was set to the stack
/// pointer.
struct State {
  int64_t depth = 0;
  std::optional<int64_t> frame_pointer;
};

struct Instruction {
  ZydisDecodedInstruction decoded;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  uint64_t address;
  uint64_t next;

  bool is_register(int operand, ZydisRegister name) const {
    return operands[operand].type == ZYDIS_OPERAND_TYPE_REGISTER && operands[operand].reg.value == name;
  }
  bool is_immediate(int operand) const { return operands[operand].type == ZYDIS_OPERAND_TYPE_IMMEDIATE; }
  int64_t immediate(int operand) const { return operands[operand].imm.value.s; }
  /// The address that a jump or a call leads to; none if that is computed.
  std::optional<uint64_t> target() const {
    if (!is_immediate(0)) return std::nullopt;
    return next + static_cast<uint64_t>(immediate(0));
  }
};

/// What becomes of the stack pointer.
enum class Effect : uint8_t { kFollowed, kOtherStack, kUnknown };

Effect apply(const Instruction& at, State& state) {
  const bool to_sp = at.is_register(0, ZYDIS_REGISTER_RSP);
  switch (at.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_PUSH: state.depth += 8; return Effect::kFollowed;
    case ZYDIS_MNEMONIC_POP:
      state.depth -= 8;
      if (at.is_register(0, ZYDIS_REGISTER_RBP)) state.frame_pointer.reset();
      return Effect::kFollowed;
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_ADD: {
      if (!to_sp) break;
      if (!at.is_immediate(1)) return Effect::kUnknown;
      const bool down = at.decoded.mnemonic == ZYDIS_MNEMONIC_SUB;
      state.depth += down ? at.immediate(1) : -at.immediate(1);
      return Effect::kFollowed;
    }
    case ZYDIS_MNEMONIC_MOV:
      if (at.is_register(0, ZYDIS_REGISTER_RBP)) {
        state.frame_pointer.reset();
        if (at.is_register(1, ZYDIS_REGISTER_RSP)) state.frame_pointer = state.depth;
      }
      if (!to_sp) break;
      if (!at.is_register(1, ZYDIS_REGISTER_RBP) || !state.frame_pointer) return Effect::kOtherStack;
      state.depth = *state.frame_pointer;
      return Effect::kFollowed;
    case ZYDIS_MNEMONIC_LEA:
      if (!to_sp) break;
      if (at.operands[1].mem.base == ZYDIS_REGISTER_RSP && at.operands[1].mem.index == ZYDIS_REGISTER_NONE) {
        state.depth -= at.operands[1].mem.disp.value;
      } else if (at.operands[1].mem.base == ZYDIS_REGISTER_RBP && state.frame_pointer) {
        state.depth = *state.frame_pointer - at.operands[1].mem.disp.value;
      } else {
        return Effect::kUnknown;
      }
      return Effect::kFollowed;
    case ZYDIS_MNEMONIC_LEAVE:
      if (!state.frame_pointer) return Effect::kUnknown;
      state.depth = *state.frame_pointer - 8;
      state.frame_pointer.reset();
      return Effect::kFollowed;
    default: break;
  }
  // Any other instruction that writes to the stack pointer, but for calls and returns.
  return to_sp && (at.operands[0].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0 ? Effect::kUnknown
                                                                                  : Effect::kFollowed;
}

class Reader {
 public:
  Reader(const ElfProgram& program, const Function& function)
      : program_(program), function_(function), code_(program.code(function.begin, function.end)) {
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  }

  void read_and_print() {
    paths_.push_back({function_.begin, {}});
    while (!paths_.empty() && !failed_) {
      auto [address, state] = paths_.back();
      paths_.pop_back();
      follow(address, state);
    }
    if (failed_) {
      fmt::print("failed {} 0\n", function_.symbol);
      return;
    }
    fmt::print("frame {} {}\n", function_.symbol, deepest_);
    for (const std::string& line : lines_) fmt::print("{}\n", line);
  }

 private:
  /// Follows the instructions from the address up to the first that was seen, or that nothing follows.
  void follow(uint64_t address, State state) {
    while (seen_.emplace(address, state.depth).second) {
      Instruction at;
      if (!decode(address, at)) {
        failed_ = true;
        return;
      }
      switch (at.decoded.meta.category) {
        case ZYDIS_CATEGORY_RET: return;
        case ZYDIS_CATEGORY_CALL: note_call(at, state); break;
        case ZYDIS_CATEGORY_COND_BR: jump(*at.target(), state); break;
        case ZYDIS_CATEGORY_UNCOND_BR:
          if (const auto target = at.target()) jump(*target, state);
          return;
        default:
          if (at.decoded.mnemonic == ZYDIS_MNEMONIC_UD2 || at.decoded.mnemonic == ZYDIS_MNEMONIC_HLT) return;
          const Effect effect = apply(at, state);
          if (effect == Effect::kOtherStack) return;
          failed_ = failed_ || effect == Effect::kUnknown;
          deepest_ = std::max(deepest_, state.depth);
      }
      address = at.next;
      if (address >= function_.end) return;
    }
  }

  bool decode(uint64_t address, Instruction& at) {
    const std::span<const uint8_t> rest = code_.subspan(address - function_.begin);
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder_, rest.data(), rest.size(), &at.decoded, at.operands)))
      return false;
    at.address = address;
    at.next = address + at.decoded.length;
    return true;
  }

  void jump(uint64_t target, const State& state) {
    if (target >= function_.begin && target < function_.end) {
      paths_.emplace_back(target, state);
    } else if (const auto found = program_.functions().find(target); found != program_.functions().end()) {
      lines_.push_back(fmt::format("jump {} 0 {}", function_.symbol, found->second.symbol));
    }
  }

  void note_call(const Instruction& at, const State& state) {
    deepest_ = std::max(deepest_, state.depth);
    std::string line = fmt::format("call {} {}", function_.symbol, state.depth);
    if (const auto target = at.target()) {
      const auto found = program_.functions().find(*target);
      line += found == program_.functions().end() ? " outside" : " " + found->second.symbol;
    }
    lines_.push_back(std::move(line));
  }

  const ElfProgram& program_;
  const Function& function_;
  const std::span<const uint8_t> code_;
  ZydisDecoder decoder_;
  std::vector<std::pair<uint64_t, State>> paths_;
  std::map<uint64_t, int64_t> seen_;  ///< the depth at each address
  std::vector<std::string> lines_;
  int64_t deepest_ = 0;
  bool failed_ = false;
};

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    fmt::print(stderr, "Usage: machine_frames PROGRAM\n");
    return 2;
  }
  const ElfProgram program(words[1]);
  if (program.functions().empty()) {
    fmt::print(stderr, "machine_frames: {} has no functions\n", words[1]);
    return 1;
  }
  for (const auto& [address, function] : program.functions()) {
    if (!program.code(function.begin, function.end).empty()) Reader(program, function).read_and_print();
  }
  return 0;
}
