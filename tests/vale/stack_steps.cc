// stack_steps ZORK [ARG...]: runs zork instruction by instruction, and prints how much stack each function used on
// chunks:
//
//     FUNCTION BYTES    from the return address down, the most of all its calls
//
// It watches the stack pointer from the start of the first virtual thread on, and knows nothing of sizes. Unlike an
// audit (chunk.h) it also sees the functions that have no chunk of their own. zork must have one OS thread: V2.
#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/vale/elf_program.h"

namespace {

using Function = vale::ElfProgram::Function;

/// A call that has not returned.
struct Activation {
  const Function* function;
  uint64_t entry;   ///< where its return address is
  uint64_t lowest;  ///< that the stack pointer was, in it and in what it called
};

/// A stack, and its stack pointer while another one is in use.
struct Stack {
  uint64_t pointer = 0;
  std::vector<Activation> activations;
};

/// A range of addresses of a process.
struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// The first mapping of a process whose line ends like this.
Range mapping(pid_t pid, std::string_view name) {
  std::ifstream maps(fmt::format("/proc/{}/maps", pid));
  for (std::string line; std::getline(maps, line);) {
    Range range;
    if (line.ends_with(name) && std::sscanf(line.c_str(), "%lx-%lx", &range.begin, &range.end) == 2) return range;
  }
  return {};
}

class Watcher {
 public:
  Watcher(const vale::ElfProgram& program, uint64_t base, Range carrier_stack)
      : base_(base), carrier_stack_(carrier_stack) {
    for (const auto& [address, function] : program.functions()) functions_.emplace(base + address, &function);
  }

  /// Notes what was reached by one instruction.
  void step(uint64_t pc, uint64_t sp) {
    if (changes_stack(sp)) change_stack(sp);
    last_pointer_ = sp;
    std::vector<Activation>& calls = stack_->activations;
    while (!calls.empty() && calls.back().entry < sp) end_call(calls);
    const auto found = functions_.find(pc);
    in_switch_ = is_switch(pc);
    if (found != functions_.end()) {
      const bool is_loop = !calls.empty() && calls.back().function == found->second && calls.back().entry == sp;
      if (!is_loop) calls.push_back({found->second, sp, sp});
    }
    if (!calls.empty()) calls.back().lowest = std::min(calls.back().lowest, sp);
  }

  void print() const {
    for (const auto& [symbol, bytes] : used_) fmt::print("{} {}\n", symbol, bytes);
  }

 private:
  /// Whether the address is in the assembler that changes stacks.
  bool is_switch(uint64_t pc) const {
    auto next = functions_.upper_bound(pc);
    if (next == functions_.begin()) return false;
    const Function& function = *std::prev(next)->second;
    return pc - base_ < function.end && function.symbol.starts_with("vale_");
  }

  /// Only that assembler gives the stack pointer a value that is not beside the one before.
  bool changes_stack(uint64_t sp) const {
    const uint64_t distance = sp > last_pointer_ ? sp - last_pointer_ : last_pointer_ - sp;
    return in_switch_ && distance > sizeof(uint64_t);
  }

  void change_stack(uint64_t sp) {
    stack_->pointer = last_pointer_;
    std::erase_if(stacks_, [&](const Stack& each) { return each.activations.empty(); });
    const auto known = std::ranges::find(stacks_, sp, &Stack::pointer);
    stack_ = known == stacks_.end() ? &stacks_.emplace_back() : &*known;
  }

  void end_call(std::vector<Activation>& calls) {
    const Activation ended = calls.back();
    calls.pop_back();
    if (!calls.empty()) calls.back().lowest = std::min(calls.back().lowest, ended.lowest);
    if (ended.entry >= carrier_stack_.begin && ended.entry < carrier_stack_.end) return;
    uint64_t& most = used_[ended.function->symbol];
    most = std::max(most, ended.entry + sizeof(uint64_t) - ended.lowest);
  }

  const uint64_t base_;
  const Range carrier_stack_;
  std::map<uint64_t, const Function*> functions_;  ///< by where they begin in the process
  std::vector<Stack> stacks_{1};
  Stack* stack_ = &stacks_.back();
  uint64_t last_pointer_ = 0;
  bool in_switch_ = false;  ///< the last instruction was of the assembler that changes stacks
  std::map<std::string, uint64_t> used_;
};

/// Runs the process up to an address.
bool run_to(pid_t pid, uint64_t address) {
  constexpr long kBreakpoint = 0xcc;
  const long word = ptrace(PTRACE_PEEKTEXT, pid, address, nullptr);
  ptrace(PTRACE_POKETEXT, pid, address, (word & ~0xffL) | kBreakpoint);
  ptrace(PTRACE_CONT, pid, nullptr, nullptr);
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) return false;
  ptrace(PTRACE_POKETEXT, pid, address, word);
  user_regs_struct registers{};
  ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
  registers.rip = address;
  ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
  return true;
}

int fail(std::string_view what) {
  fmt::print(stderr, "stack_steps: {}\n", what);
  return 1;
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) return fail("usage: stack_steps ZORK [ARG...]");
  const vale::ElfProgram program(words[1]);
  const auto begin =
      std::ranges::find_if(program.functions(), [](const auto& each) { return each.second.symbol == "vale_begin"; });
  if (begin == program.functions().end()) return fail("this is not zork");

  const pid_t pid = fork();
  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    close(1);
    execv(words[1], words + 1);
    _exit(127);
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) return fail("zork does not start");
  char path[4096];
  if (realpath(words[1], path) == nullptr) return fail("zork is gone");
  const uint64_t base = mapping(pid, path).begin;
  if (!run_to(pid, base + begin->first)) return fail("there is no virtual thread");
  // The carrier's stack may grow.
  Range carrier_stack = mapping(pid, "[stack]");
  carrier_stack.begin -= 8 << 20;

  Watcher watcher(program, base, carrier_stack);
  while (WIFSTOPPED(status)) {
    user_regs_struct registers{};
    ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
    watcher.step(registers.rip, registers.rsp);
    ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr);
    if (waitpid(pid, &status, 0) != pid) return fail("zork is gone");
  }
  watcher.print();
  return 0;
}
