#include "interp/sampler.h"

#include <ucontext.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "interp/bytecode.h"
#include "interp/carrier.h"
#include "interp/machine_position.h"
#include "interp/native_stack.h"

namespace fble {

namespace {

constexpr size_t kSignalStackBytes = size_t{64} << 10;

/// The address space for the steps of one stack, and for the frames that are known.
constexpr size_t kMostSteps = size_t{1} << 29;
constexpr size_t kMostKnown = size_t{1} << 24;
/// One frame in this many is remembered.
constexpr size_t kStepsBetweenKnown = 32;

std::atomic<Sampler*> active_sampler{nullptr};

/// Returns a place in the call before the position, for its location.
const uint32_t* word_before(const uint32_t* position) { return position == nullptr ? nullptr : position - 1; }

/// Returns whether the instruction at pc is the call that returns to the position, which is in the same code. A
/// register may hold a pc in the middle of an instruction.
bool is_call_before(const uint32_t* pc, const uint32_t* position) {
  constexpr ptrdiff_t kLeastLength = 5;
  const ptrdiff_t length = position - pc;
  if (length < kLeastLength) return false;
  for (const Op list_form : {Op::kCall, Op::kCallGlobal}) {
    const uint32_t fixed = *pc - static_cast<uint32_t>(list_form);
    if (fixed <= 3) return length == static_cast<ptrdiff_t>(fixed == 0 ? 5 + size_t{pc[2]} : 4 + fixed);
  }
  return false;
}

/// Returns whether the instruction is one of those with which machine code is left. They are few bytes; more are no
/// harm.
bool leaves_machine_code(const void* instruction) {
  constexpr uintptr_t kMostBytes = 96;
  for (void (*const function)() :
       {&return_by_frame, &write_return_words, &leave_by_call, &leave_by_native_call, &leave_by_sled}) {
    if (reinterpret_cast<uintptr_t>(instruction) - reinterpret_cast<uintptr_t>(function) < kMostBytes) return true;
  }
  return false;
}

/// Keeps the signal away while what its handler reads changes.
class WithoutSamples {
 public:
  WithoutSamples() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPROF);
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  ~WithoutSamples() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  WithoutSamples(const WithoutSamples&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Sampler::Sampler(Carrier& carrier, const SamplerOptions& options)
    : carrier_(carrier), steps_(kMostSteps), known_(kMostKnown), clock_(options.period_ns, options.seed) {
  carrier.machine.for_each_code([&](const Code& code) { codes_.push_back(range_of(code)); });
  std::ranges::sort(codes_, {}, &CodeRange::begin);
  code_listener = this;
}

Sampler::~Sampler() {
  stop();
  unchanged_frames.stack.store(nullptr);
  code_listener = nullptr;
}

// ---- code -------------------------------------------------------------------

Sampler::CodeRange Sampler::range_of(const Code& code) {
  return {code.words.data(), code.words.data() + code.words.size(), &code};
}

void Sampler::note_code(const Code& code) {
  const WithoutSamples without;
  const CodeRange range = range_of(code);
  const auto at = std::ranges::upper_bound(codes_, range.begin, {}, &CodeRange::begin);
  if (at != codes_.begin() && at[-1].begin == range.begin) return;
  codes_.insert(at, range);
}

/// Returns the code that has the position; null if none has.
const Code* Sampler::code_at(const uint32_t* position) {
  CodeRange& recent = recent_codes_[reinterpret_cast<uintptr_t>(position) / sizeof(uint32_t) % recent_codes_.size()];
  if (recent.begin <= position && position <= recent.end && recent.code != nullptr) return recent.code;
  const auto after = std::ranges::upper_bound(codes_, position, {}, &CodeRange::begin);
  if (after == codes_.begin() || position > after[-1].end) return nullptr;
  recent = after[-1];
  return recent.code;
}

// ---- walking ----------------------------------------------------------------

bool Sampler::is_frame(const Word* fp) const {
  const CallStack* const stack = carrier_.current->stack;
  return stack != nullptr && fp >= stack->base() + kHeaderSlots && fp <= stack->limit() + kGuardSlots &&
         reinterpret_cast<uintptr_t>(fp) % sizeof(Word) == 0;
}

/// Returns the frame's return position, wherever it is.
const uint32_t* Sampler::position_after(const Word* fp) const {
  if (fp != unwritten_) return return_position(fp);
  const uint32_t* position;
  std::memcpy(&position, reinterpret_cast<const char*>(*native_call_) + kReturnPositionAt, sizeof position);
  return position;
}

/// Returns whether a word of the native stack is the return address of a call in machine code.
bool Sampler::is_return_address(Word word) const {
  const MachinePositions* const positions = carrier_.machine.positions;
  const auto* const address = reinterpret_cast<const void*>(word);
  MachinePosition position;
  return positions->is_machine_code(address) && positions->find_position(address, position) &&
         position.is_return_address;
}

/// Returns whether it is the return address of a memo that waits for its function.
bool Sampler::is_memo(Word word) const {
  const auto* const address = reinterpret_cast<const uint8_t*>(word);
  return carrier_.machine.positions->is_machine_code(address) && *address != kJumpByte;
}

/// Finds the return addresses on the native stack, if there are any. `fp` is the frame whose address is the topmost.
/// Above them is what a sled has pushed and its call, at most, or the registers that are saved around a call of C++.
void Sampler::find_native_calls(const Word* fp, const Word* native_stack) {
  constexpr int kMostWordsAbove = 24;
  const auto* const end = static_cast<const Word*>(carrier_.native_stack);
  unwritten_ = native_call_ = nullptr;
  for (int i = 0; i < kMostWordsAbove && native_stack != nullptr && native_stack < end; ++i, ++native_stack) {
    if (*native_stack == reinterpret_cast<Word>(&return_by_frame)) return;
    if (!is_return_address(*native_stack)) continue;
    unwritten_ = fp;
    native_call_ = native_stack;
    return;
  }
}

/// Passes from the topmost frame without return words to the next one. Returns false if there is no sense in the native
/// stack.
bool Sampler::pass_native_call() {
  uint32_t distance;
  std::memcpy(&distance, reinterpret_cast<const char*>(*native_call_) + kDistanceAt, sizeof distance);
  unwritten_ -= distance / sizeof(Word);
  ++native_call_;
  while (is_memo(*native_call_)) native_call_ += kMemoWords;
  if (is_return_address(*native_call_)) return true;
  unwritten_ = nullptr;
  return *native_call_ == reinterpret_cast<Word>(&return_by_frame);
}

/// Returns whether the frame, which is in the stack, has a caller that can be walked to, or is the outermost one.
bool Sampler::has_return_position(const Word* fp) {
  const uint32_t* const position = position_after(fp);
  if (position == nullptr) return true;
  const Code* const code = code_at(position);
  if (code == nullptr || position - code->words.data() < 2) return false;
  const size_t distance = frame_distance(position);
  return distance != 0 && distance <= static_cast<size_t>(fp - carrier_.current->stack->base()) - kHeaderSlots;
}

/// Forgets the frames that may have changed since the last sample.
void Sampler::forget_changed() {
  const CallStack* const stack = carrier_.current->stack;
  if (unchanged_frames.stack.load() != stack || thread_ != carrier_.current) {
    known_.clear();
    thread_ = carrier_.current;
    unchanged_frames.stack.store(stack);
  }
  const Word* const end = unchanged_frames.end.load();
  const size_t slots = end == nullptr ? 0 : static_cast<size_t>(end - stack->base());
  while (known_.size() != 0 && known_.back().slot >= slots) known_.pop();
  unchanged_frames.end.store(stack->watermark().fp);
}

/// Adds the caller of what was added before. Glue is no step: what it calls is called by its caller.
void Sampler::push(const uint32_t* site, const Code* code, size_t slot) {
  if (!code->is_glue) return steps_.push({site, code, slot});
  if (steps_.size() != 0) {
    steps_.back().site = site;
  } else {
    leaf_.pc = word_before(site);
  }
}

/// Adds the callers of the frame, up to the root or to a frame that is known. Returns false if they do not reach it.
/// Requires: has_return_position(fp).
bool Sampler::walk_callers(const Word* fp) {
  const Word* const base = carrier_.current->stack->base();
  while (const uint32_t* const position = position_after(fp)) {
    const Code* const code = code_at(position);
    const Word* const callee = fp;
    fp -= frame_distance(position);
    if (callee == unwritten_ && !pass_native_call()) return false;
    const auto slot = static_cast<size_t>(fp - base);
    while (known_.size() != 0 && known_.back().slot > slot) known_.pop();
    if (known_.size() != 0 && known_.back().slot == slot) {
      base_node_ = known_.back().node;
      return true;
    }
    if (steps_.is_full() || !has_return_position(fp)) return false;
    push(position_after(fp), code, slot);
  }
  return true;
}

/// Adds the callers of a frame whose own activation is not known.
bool Sampler::walk_unknown(const Word* fp) {
  if (!has_return_position(fp)) return false;
  leaf_.pc = word_before(position_after(fp));
  return walk_callers(fp);
}

/// Adds the activations that machine code stands for, and the callers of the root frame. `fp`: the register.
bool Sampler::walk_inlined(const MachinePosition& position, const Word* fp) {
  const Word* const root = fp - position.fp_slots;
  if (position.site == kNoSite) return walk_unknown(fp);
  if (!is_frame(root) || !has_return_position(root)) return false;
  leaf_.pc = position.pc;
  leaf_.trace = position.trace;
  if (position.native != nullptr && position.native != position.sites[position.site].code) {
    push(position.pc + instruction_length(position.pc), position.native, 0);
    leaf_.pc = position.native->start;
  }
  for (uint32_t site = position.site; site != kNoSite; site = position.sites[site].parent) {
    const InlineSite& at = position.sites[site];
    push(at.parent == kNoSite ? position_after(root) : at.return_position, at.code, 0);
  }
  return walk_callers(root);
}

/// Adds the activation of the frame, whose position is in the code, and its callers. Requires: has_return_position(fp).
bool Sampler::walk_frame(const uint32_t* pc, const Code* code, const Word* fp) {
  leaf_.pc = pc;
  const uint32_t* const caller = position_after(fp);
  // In the middle of a call or return, the position is that of the caller, still or already.
  if (caller != nullptr && (pc == caller || is_call_before(pc, caller))) return walk_callers(fp);
  push(caller, code, static_cast<size_t>(fp - carrier_.current->stack->base()));
  return walk_callers(fp);
}

/// Returns where machine code is, or where it came into the sled that it is in or has called shared code from.
const void* Sampler::place_before_sled(const Registers& registers) const {
  const auto* const at = static_cast<const uint8_t*>(registers.instruction);
  const auto* const end = static_cast<const Word*>(carrier_.native_stack);
  if (registers.native_stack == nullptr || registers.native_stack >= end) return at;
  if (const size_t pushes = sled_pushes(registers.native_stack, end); pushes != 0) return at - pushes;
  const size_t pushes = sled_pushes(registers.native_stack + 1, end);
  if (pushes == 0) return at;
  return reinterpret_cast<const uint8_t*>(*registers.native_stack) - kSledCallBytes - pushes;
}

/// Adds all activations, innermost first. Returns whether they reach the root.
bool Sampler::walk(const Registers& registers) {
  const MachinePositions* const positions = carrier_.machine.positions;
  MachinePosition position;
  if (const void* const call = machine_call.address.load(); call != nullptr) {
    const Word* const fp = machine_call.fp.load();
    if (!is_frame(fp)) return false;
    find_native_calls(fp, machine_call.native_stack.load());
    if (positions == nullptr || !positions->find_position(call, position)) return walk_unknown(fp);
    return walk_inlined(position, fp);
  }
  // Other activities have the position from the carrier. A handler that needs many registers keeps those for the
  // position and the frame, but not always that for the thread.
  const Code* const code = code_at(registers.pc);
  const bool are_pinned = current_activity.load() == Activity::kProgram && is_frame(registers.fp) &&
                          (registers.thread == &carrier_ || code != nullptr);
  const bool is_machine_code = positions != nullptr && positions->is_machine_code(registers.instruction);
  if (are_pinned && (is_machine_code || leaves_machine_code(registers.instruction))) {
    leaf_.tier = Tier::kMachineCode;
    const bool is_known = positions != nullptr && positions->find_position(place_before_sled(registers), position);
    find_native_calls(registers.fp - (is_known ? position.fp_slots : 0), registers.native_stack);
    if (!is_known) return walk_unknown(registers.fp);
    position.native = nullptr;  // is not running
    return walk_inlined(position, registers.fp);
  }
  if (are_pinned && has_return_position(registers.fp)) {
    leaf_.tier = Tier::kInterpreter;
    return code != nullptr ? walk_frame(registers.pc, code, registers.fp) : walk_unknown(registers.fp);
  }
  const Code* const known = code_at(carrier_.pc);
  if (known == nullptr || !is_frame(carrier_.fp) || !has_return_position(carrier_.fp)) return false;
  return walk_frame(carrier_.pc, known, carrier_.fp);
}

/// Returns the node of the innermost step. Remembers some frames on the way.
uint32_t Sampler::enter_steps() {
  uint32_t node = base_node_;
  size_t since_known = 0;
  for (size_t i = steps_.size(); i-- > 0;) {
    const Step& step = steps_[i];
    node = table_.enter(node, step.site, step.code);
    if (++since_known < kStepsBetweenKnown || step.slot == 0 || known_.is_full()) continue;
    known_.push({step.slot, node});
    since_known = 0;
  }
  return node;
}

uint32_t Sampler::sample(const Registers& registers, uint64_t ns) {
  const Activity activity = current_activity.load();
  if (carrier_.native_stack == nullptr || carrier_.fp == nullptr)
    return table_.add(0, nullptr, Activity::kRuntime, Tier::kRuntime, 0, ns);
  if (carrier_.current->stack == nullptr) {
    ++broken_;
    return table_.add(0, nullptr, Activity::kUnknown, Tier::kRuntime, 0, ns);
  }
  forget_changed();
  steps_.clear();
  base_node_ = 0;
  leaf_ = {};
  unwritten_ = native_call_ = nullptr;
  if (!walk(registers)) {
    ++broken_;
    return table_.add(0, nullptr, Activity::kUnknown, Tier::kRuntime, 0, ns);
  }
  if (leaf_.tier != Tier::kMachineCode) leaf_.trace = 0;
  return table_.add(enter_steps(), leaf_.pc, activity, leaf_.tier, leaf_.trace, ns);
}

// ---- the clock --------------------------------------------------------------

void Sampler::on_signal(int, siginfo_t* info, void* context) {
  Sampler* const sampler = active_sampler.load();
  if (sampler == nullptr) return;
  const int saved_errno = errno;
  const greg_t* const words = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
  const auto* const instruction = reinterpret_cast<const void*>(words[REG_RIP]);
  const SampleClock::Due due = sampler->clock_.begin(*info, instruction);
  sampler->is_sampling_.store(true);
  const bool is_sampled = due.is_due && !sampler->is_looked_at_.load();
  if (is_sampled) {
    sampler->sample(
        {instruction, reinterpret_cast<const uint32_t*>(words[REG_R12]), reinterpret_cast<Word*>(words[REG_R13]),
         reinterpret_cast<const void*>(words[REG_R14]), reinterpret_cast<const Word*>(words[REG_RSP])},
        due.ns);
  }
  sampler->is_sampling_.store(false);
  sampler->clock_.end(is_sampled);
  errno = saved_errno;
}

std::string Sampler::start() {
  Sampler* none = nullptr;
  if (!active_sampler.compare_exchange_strong(none, this)) return "another profile is being made";
  is_started_ = true;
  // The handler has a stack of its own: that of machine code may be nearly full.
  signal_stack_ = Mapping(kSignalStackBytes);
  if (signal_stack_.begin() == nullptr) system_out_of_memory();
  stack_t stack{};
  stack.ss_sp = signal_stack_.begin();
  stack.ss_size = kSignalStackBytes;
  sigaltstack(&stack, &stack_before_);
  struct sigaction action{};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGPROF, &action, &action_before_);
  std::string problem;
  {
    // The clock is complete before its first signal.
    const WithoutSamples without;
    problem = clock_.start();
  }
  if (!problem.empty()) stop();
  return problem;
}

void Sampler::stop() {
  if (!is_started_) return;
  is_started_ = false;
  {
    const WithoutSamples without;
    clock_.stop();
    active_sampler.store(nullptr);
    unchanged_frames.stack.store(nullptr);
  }
  // A signal that was on its way finds the handler, and no sampler.
  sigaction(SIGPROF, &action_before_, nullptr);
  sigaltstack(&stack_before_, nullptr);
}

}  // namespace fble
