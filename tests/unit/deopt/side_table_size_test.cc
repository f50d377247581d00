// The size of side tables: traces are simulated over the bytecode of a real program, with
// guards, inlined calls, registers and virtual objects roughly as from a recorder and a
// register allocator.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "deopt/side_table.h"
#include "deopt/side_table_verify.h"
#include "frontends/fble/loader.h"
#include "frontends/fble/lower.h"
#include "frontends/fble/typecheck.h"
#include "tests/support/checked_source.h"
#include "tests/unit/deopt/exit_gen.h"

namespace fble {
namespace {

std::unique_ptr<ProgramCode> compile(const char* module) {
  Diagnostics diagnostics;
  LoadOptions options;
  options.roots = {FBLE_SOURCE_DIR "/examples", FBLE_SOURCE_DIR "/frontends/std"};
  const std::unique_ptr<Program> program = load_program(SourceProgram::path_of(module), options, diagnostics);
  if (program == nullptr) return nullptr;
  const auto checked = typecheck(*program, diagnostics);
  return checked == nullptr ? nullptr : lower_program(*checked);
}

/// A trace: a path through the code, with the known facts and the places of values.
class TraceSimulator {
 public:
  TraceSimulator(const std::vector<Code*>& codes, Code& start, uint32_t seed) : codes_(codes), random_(seed) {
    ExitFrame root;
    root.code = &start;
    root.pc = start.start;
    root.in_memory = true;
    entry_.frames.push_back(root);
  }

  std::vector<ExitEntry> run() {
    for (int i = 0; i < 60 && !ended_; ++i) step();
    return std::move(exits_);
  }

 private:
  struct Known {
    Location location;
    uint8_t facts = 0;
  };

  ExitFrame& frame() { return entry_.frames.back(); }
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_()) % limit; }

  /// A value that is used comes into a register and stays there.
  Known& use(uint32_t slot) {
    Known& known = slots_[frame().base + static_cast<int32_t>(slot)];
    if (known.location.kind == LocationKind::kNone) known.location = new_register();
    return known;
  }
  void set(uint32_t slot, const Known& known) { slots_[frame().base + static_cast<int32_t>(slot)] = known; }

  Location new_register() {
    static constexpr int32_t kRegisters[] = {0, 1, 2, 3, 6, 8, 9, 10, 11, 12};
    const Location fresh{LocationKind::kRegister, kRegisters[next_register_++ % 10], 0};
    // The value that had the register is spilled.
    const Location spilled{LocationKind::kSpill, static_cast<int32_t>(next_spill_), 0};
    auto spill = [&](Location& location) {
      if (location == fresh) location = spilled;
    };
    for (auto& [slot, known] : slots_) spill(known.location);
    for (VirtualValue& value : entry_.virtuals) {
      for (Location& field : value.fields) spill(field);
    }
    for (ExitFrame& outer : entry_.frames) spill(outer.closure);
    if (next_register_ > 10) ++next_spill_;
    return fresh;
  }

  void exit_here() {
    ExitEntry exit = entry_;
    exit.slots.clear();
    for (const auto& [slot, known] : slots_) {
      if (known.location.kind != LocationKind::kNone) exit.slots.push_back({slot, known.location, known.facts});
    }
    exits_.push_back(exit);
  }

  void guard(uint32_t slot, uint8_t fact) {
    Known& known = use(slot);
    if (known.location.kind != LocationKind::kRegister && known.location.kind != LocationKind::kSpill) return;
    if (fact == 0 || (known.facts & fact) == 0) exit_here();
    // Random paths may contradict what was known.
    if (fact != 0) known.facts = fact;
  }
  uint8_t packed_or_pointer(uint32_t slot) {
    const uint8_t facts = use(slot).facts & (kFactPacked | kFactPointer);
    return facts != 0 ? facts : below(2) == 0 ? kFactPacked : kFactPointer;
  }

  void make_virtual(uint32_t slot, VirtualValue value, std::vector<uint32_t> fields) {
    for (uint32_t field : fields) use(field);
    for (uint32_t field : fields) value.fields.push_back(use(field).location);
    const uint32_t count = static_cast<uint32_t>(fields.size()) + (value.code != nullptr ? 1 : 0);
    if (count == 0 || below(3) == 0) {
      // It escapes: an object that has been made.
      set(slot, {new_register(), kFactPointer});
      return;
    }
    value.header = Object::make_header(value.code != nullptr ? ObjectKind::kClosure : ObjectKind::kStruct, count);
    entry_.virtuals.push_back(value);
    set(slot, {{LocationKind::kVirtual, static_cast<int32_t>(entry_.virtuals.size() - 1), 0}, kFactPointer});
  }

  void step() {
    const uint32_t* pc = frame().pc;
    const Op op = static_cast<Op>(*pc);
    const OpInfo& info = op_info(op);
    frame().pc = pc + instruction_length(pc);
    auto at_instruction = [&](auto&& body) {
      const uint32_t* next = frame().pc;
      frame().pc = pc;
      body();
      frame().pc = next;
    };
    const std::span<const uint32_t> jumps = select_jumps(pc);
    if (!jumps.empty()) {
      const uint32_t condition = op == Op::kSelect ? pc[1] : pc[2];
      at_instruction([&] {
        guard(condition, packed_or_pointer(condition));
        guard(condition, 0);  // the tag
      });
      if (op == Op::kSelectArg) {
        set(pc[1], {new_register(), static_cast<uint8_t>(use(condition).facts & kFactPacked)});
      }
      frame().pc = pc + jumps[below(static_cast<uint32_t>(jumps.size()))];
    } else if (op == Op::kJump) {
      frame().pc = pc + pc[1];
    } else if (op == Op::kField || op == Op::kArg || op == Op::kKnownArg) {
      at_instruction([&] { guard(pc[2], packed_or_pointer(pc[2])); });
      set(pc[1], {new_register(), static_cast<uint8_t>(use(pc[2]).facts & kFactPacked)});
    } else if (op == Op::kMove) {
      set(pc[1], use(pc[2]));
    } else if (op == Op::kConstant) {
      const Word word = frame().code->constants[pc[2]];
      set(pc[1], {{LocationKind::kConstant, 0, word}, facts_of_word(word)});
    } else if (op == Op::kStruct || op == Op::kUnionStruct) {
      std::vector<uint32_t> fields;
      for_each_operand(pc, [&](char letter, uint32_t at) {
        if (letter == 'L') fields.push_back(pc[at]);
      });
      make_virtual(pc[1], {}, fields);
    } else if (op == Op::kClosure) {
      std::vector<uint32_t> fields;
      for (uint32_t i = 0; i < pc[3]; ++i)
        fields.push_back((pc[4 + i] & 1) != 0 ? frame().code->frame_slots : pc[4 + i] / 2);
      VirtualValue value;
      value.code = frame().code->functions[pc[2]];
      make_virtual(pc[1], value, fields);
    } else if (std::string_view(info.operands).ends_with("DB") ||
               std::string_view(info.name).starts_with("tail_call")) {
      call(pc, info);
    } else if (op == Op::kReturn) {
      leave_function(pc);
    } else if (op == Op::kHalt || op == Op::kDeclare || op == Op::kForeign || op == Op::kNativeBody ||
               op == Op::kApplyHeld) {
      ended_ = true;
    } else if (std::string_view(info.operands).starts_with("D")) {
      set(pc[1], {new_register(), 0});
    }
  }

  void call(const uint32_t* pc, const OpInfo& info) {
    const bool is_tail = std::string_view(info.name).starts_with("tail_call");
    const bool of_global = std::string_view(info.operands).starts_with("G");
    std::vector<uint32_t> args;
    for_each_operand(pc, [&](char letter, uint32_t at) {
      if (letter == 'S' || letter == 'L') args.push_back(pc[at]);
    });
    Location closure{LocationKind::kConstant, 0, 0};
    const uint32_t* next = frame().pc;
    frame().pc = pc;
    if (!of_global) {
      guard(args[0], kFactPointer);
      guard(args[0], 0);  // the code
      closure = use(args[0]).location;
      args.erase(args.begin());
    }
    frame().pc = next;
    std::vector<Code*> fitting;
    for (Code* code : codes_) {
      if (code->arity == args.size()) fitting.push_back(code);
    }
    if (fitting.empty() || entry_.frames.size() > 4 || below(100) < 40) {
      ended_ = true;
      if (is_tail) return;
      // An opaque call: all values are in memory.
      exit_here();
      ExitEntry& exit = exits_.back();
      exit.is_return = true;
      exit.virtuals.clear();
      for (ExitFrame& outer : exit.frames) outer.in_memory = true;
      for (ExitSlot& slot : exit.slots) slot.location = {LocationKind::kSlot, slot.slot, 0};
      return;
    }
    Code* code = fitting[below(static_cast<uint32_t>(fitting.size()))];
    if (of_global) closure.word = code->function_value();
    std::vector<Known> values;
    for (uint32_t arg : args) use(arg);
    for (uint32_t arg : args) values.push_back(use(arg));
    if (!is_tail) {
      ExitFrame inner;
      inner.base = frame().base + static_cast<int32_t>(next[-1]);
      entry_.frames.push_back(inner);
    }
    frame().code = code;
    frame().pc = code->start;
    frame().in_memory = false;
    frame().closure = closure;
    forget_from(frame().base);
    for (uint32_t i = 0; i < values.size(); ++i) set(i, values[i]);
  }

  void leave_function(const uint32_t* pc) {
    const Known result = use(pc[1]);
    ended_ = entry_.frames.size() == 1;
    if (ended_) return;
    forget_from(frame().base);
    entry_.frames.pop_back();
    set(frame().pc[-2], result);
  }

  void forget_from(int32_t base) { slots_.erase(slots_.lower_bound(base), slots_.end()); }

  const std::vector<Code*>& codes_;
  std::mt19937 random_;
  ExitEntry entry_;
  std::map<int32_t, Known> slots_;
  uint32_t next_register_ = 0;
  uint32_t next_spill_ = 0;
  bool ended_ = false;
  std::vector<ExitEntry> exits_;
};

TEST(SideTableSize, EightBytesForAnExit) {
  const std::unique_ptr<ProgramCode> program = compile("/Md5%");
  ASSERT_NE(program, nullptr);
  const std::vector<Code*> codes = all_codes(*program);
  size_t exits = 0;
  size_t bytes = 0;
  size_t traces = 0;
  size_t slots = 0;
  size_t frames = 0;
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    const std::vector<ExitEntry> simulated = TraceSimulator(codes, *codes[seed % codes.size()], seed).run();
    if (simulated.empty()) continue;
    SideTableBuilder builder;
    for (const ExitEntry& exit : simulated) builder.add(exit);
    const SideTable table = builder.finish();
    ++traces;
    exits += simulated.size();
    bytes += table.bytes.size();
    for (uint32_t i = 0; i < simulated.size(); ++i) {
      const ExitEntry exit = decode_exit(table, i);
      ASSERT_EQ(SameExits(simulated[i], exit).difference(), "") << "seed " << seed;
      ASSERT_EQ(verify_exit(exit), "") << "seed " << seed;
      slots += exit.slots.size();
      frames += exit.frames.size();
    }
  }
  const auto each = [&](size_t count) { return static_cast<double>(count) / static_cast<double>(exits); };
  const std::string facts = fmt::format("{} traces, {} exits, {:.2f} bytes each, {:.1f} slots listed, {:.1f} frames",
                                        traces, exits, each(bytes), each(slots), each(frames));
  RecordProperty("facts", facts);
  EXPECT_GT(each(slots), 1.5) << facts;
  EXPECT_LE(each(bytes), 8.0) << facts;
}

}  // namespace
}  // namespace fble
