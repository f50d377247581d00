// Samples taken at each instruction of the interpreter, where the right stack is known, and by the clock.
#include "interp/sampler.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "frontends/fble/lower.h"
#include "frontends/std/register_std.h"
#include "interp/machine.h"
#include "interp/step_observer.h"
#include "jit/engine/trace_engine.h"
#include "tests/support/checked_source.h"

namespace fble {
namespace {

using Path = std::vector<const Code*>;

/// Takes cycles out of a path: an end that is there twice in a row is there once.
void fold(Path& path) {
  for (size_t length = 1; 2 * length <= path.size(); ++length) {
    if (std::equal(path.end() - static_cast<ptrdiff_t>(length), path.end(),
                   path.end() - static_cast<ptrdiff_t>(2 * length))) {
      path.resize(path.size() - length);
      return;
    }
  }
}

/// Takes a sample before each instruction, and notes the path that the frames have.
class EachStep final : public StepObserver {
 public:
  void step(const Word*, const uint32_t* pc, const Word* fp, size_t) override {
    if (sampler == nullptr) return;
    Path frames;
    for_each_frame(pc, fp, [&](const Word* frame, const uint32_t*) {
      frames.push_back(&code_of_frame(frame));
      return true;
    });
    most_frames = std::max(most_frames, frames.size());
    if (frames.front()->is_glue) return;
    Path path;
    for (size_t i = frames.size(); i-- > 0;) {
      if (frames[i]->is_glue) continue;
      path.push_back(frames[i]);
      fold(path);
    }
    ++expected[path];
    sampler->sample({nullptr, pc, const_cast<Word*>(fp), carrier, nullptr}, 1);
  }
  void begin_run() override {}
  void start_thread(uint32_t, uint32_t) override {}
  void end_thread(uint32_t) override {}
  void select_thread(uint32_t) override {}

  Sampler* sampler = nullptr;
  Carrier* carrier = nullptr;
  std::map<Path, uint64_t> expected;
  size_t most_frames = 0;
};

std::map<Path, uint64_t> paths_of(const SampleTable& table) {
  std::map<Path, uint64_t> paths;
  for (uint32_t i = 0; i < table.nodes(); ++i) {
    Path path;
    for (uint32_t node = i; node != 0; node = table.node(node).parent) path.insert(path.begin(), table.node(node).code);
    table.for_each_leaf(i, [&](const SampleTable::Leaf& leaf) { paths[path] += leaf.samples; });
  }
  return paths;
}

constexpr const char* kCalls = R"(
  Unit@ = *(); Unit@ U = Unit@();
  Bool@ = +(Unit@ true, Unit@ false);
  N@ = +(Unit@ 1, N@ 2, N@ 3);
  N@ 1 = N@(1: U);
  (N@) { N@; } Incr = (N@ x) { x.?(1: N@(2: 1), 2: N@(3: x.2), 3: N@(2: Incr(x.3))); };
  (N@, N@) { N@; } Add = (N@ a, N@ b) {
    a.?(1: Incr(b), 2: b.?(1: N@(3: a.2), 2: N@(2: Add(a.2, b.2)), 3: N@(3: Add(a.2, b.3))),
        3: b.?(1: N@(2: Incr(a.3)), 2: N@(3: Add(a.3, b.2)), 3: N@(2: Incr(Add(a.3, b.3)))));
  };
  ((N@) { N@; }, N@) { N@; } Twice = ((N@) { N@; } f, N@ n) { f(f(n)); };
  (N@, N@) { N@; } Even = (N@ n, N@ sum) { n.?(1: sum); Odd(n.?(1: n, 2: n.2, 3: n.3), Twice(Add(sum), n)); },
  (N@, N@) { N@; } Odd = (N@ n, N@ sum) { n.?(1: sum); Incr(Even(n.?(1: n, 2: n.2, 3: n.3), Twice(Incr, sum))); };
)";

class SamplerTest : public testing::Test {
 protected:
  void prepare(const std::string& text, StepObserver* steps, const MachineOptions& options = {}) {
    source_ = std::make_unique<SourceProgram>();
    const CheckedProgram* checked = source_->add("/M%", kCalls + text).check();
    ASSERT_NE(checked, nullptr) << source_->diagnostics().render();
    code_ = lower_program(*checked);
    MachineOptions with_steps = options;
    with_steps.steps = steps;
    machine_ = std::make_unique<Machine>(*code_, natives_, with_steps);
  }

  std::unique_ptr<SourceProgram> source_;
  std::unique_ptr<ProgramCode> code_;
  NativeTable natives_;
  std::unique_ptr<Machine> machine_;
};

TEST_F(SamplerTest, SeesAllFramesAtEachInstruction) {
  for (const unsigned stress : {0u, 1u}) {
    EachStep steps;
    prepare("N@ n = N@(2: N@(3: N@(2: N@(3: N@(2: N@(2: N@(3: 1))))))); Even(n, Odd(n, 1));", &steps,
            {.heap = {.stress = stress}});
    Sampler sampler(machine_->carrier(), {});
    steps.sampler = &sampler;
    steps.carrier = &machine_->carrier();
    ASSERT_TRUE(machine_->run_modules()) << machine_->error().render();
    EXPECT_GT(sampler.table().samples(), 500u);
    EXPECT_EQ(sampler.broken(), 0u);
    EXPECT_EQ(paths_of(sampler.table()), steps.expected) << "stress " << stress;
  }
}

TEST_F(SamplerTest, AnUnchangedPartOfTheStackIsWalkedOnce) {
  EachStep steps;
  // A recursion whose frames wait while another function works.
  std::string number = "1";
  for (int i = 0; i < 150; ++i) number = "N@(2: " + number + ")";
  prepare("N@ n = " + number +
              "; (N@, N@) { N@; } Deep = (N@ a, N@ b) { a.?(1: Add(b, b)); Incr(Deep(a.?(1: a, 2: a.2, 3: a.3), Add(b, "
              "a))); };"
              "Deep(n, N@(2: 1));",
          &steps, {.heap = {.nursery_bytes = 4096}});
  Sampler sampler(machine_->carrier(), {});
  steps.sampler = &sampler;
  steps.carrier = &machine_->carrier();
  ASSERT_TRUE(machine_->run_modules()) << machine_->error().render();
  EXPECT_GT(steps.most_frames, 150u);
  EXPECT_EQ(sampler.broken(), 0u);
  EXPECT_EQ(paths_of(sampler.table()), steps.expected);
}

TEST_F(SamplerTest, RegistersWithoutMeaningAreNotFollowed) {
  EachStep steps;
  prepare("Add(1, 1);", &steps);
  Carrier& carrier = machine_->carrier();
  Sampler sampler(carrier, {});
  // Between runs, whatever the registers hold.
  sampler.sample({nullptr, nullptr, nullptr, &carrier, nullptr}, 1);
  ASSERT_TRUE(machine_->run_modules());
  carrier.fp = carrier.current->stack->base() + kHeaderSlots;
  carrier.pc = nullptr;
  carrier.native_stack = carrier.native_stack_begin();  // as during a run
  Word* const base = carrier.current->stack->base();
  for (Word* const fp : {base, base + 1, base + kHeaderSlots, base + 100, reinterpret_cast<Word*>(8),
                         reinterpret_cast<Word*>(reinterpret_cast<uintptr_t>(base) + 41)}) {
    for (const Word position : {Word{0}, Word{8}, reinterpret_cast<Word>(code_->codes.front().words.data()),
                                reinterpret_cast<Word>(code_->codes.front().words.data() + 2)}) {
      base[100 + kReturnPositionSlot] = base[1] = position;
      for (const uint32_t* const pc : {static_cast<const uint32_t*>(nullptr), code_->codes.front().start + 1}) {
        sampler.sample({nullptr, pc, fp, &carrier, nullptr}, 1);
      }
    }
  }
  base[100 + kReturnPositionSlot] = base[1] = 0;
  carrier.fp = nullptr;
  carrier.native_stack = nullptr;
  EXPECT_EQ(sampler.table().samples(), 1u + 6 * 4 * 2);
  EXPECT_GT(sampler.broken(), 0u);
}

/// Notes what places of machine code are asked for, and knows nothing of them.
class AskedPositions final : public MachinePositions {
 public:
  bool is_machine_code(const void* address) const override {
    return address >= code.data() && address < code.data() + code.size();
  }
  bool find_position(const void* address, MachinePosition&) const override {
    asked.push_back(static_cast<const uint8_t*>(address) - code.data());
    return false;
  }
  std::vector<uint8_t> code = std::vector<uint8_t>(200);
  mutable std::vector<ptrdiff_t> asked;
};

TEST_F(SamplerTest, ASledIsTheExitWhereThePushesBegan) {
  prepare("Add(1, 1);", nullptr);
  Carrier& carrier = machine_->carrier();
  Sampler sampler(carrier, {});
  ASSERT_TRUE(machine_->run_modules());
  AskedPositions positions;
  carrier.machine.positions = &positions;
  carrier.fp = carrier.current->stack->base() + kHeaderSlots;
  carrier.fp[kReturnPositionSlot] = 0;
  Word native[20] = {};
  carrier.native_stack = native + 20;
  current_activity = Activity::kProgram;
  const auto first_asked_at = [&](const void* instruction, const Word* native_stack) {
    positions.asked.clear();
    sampler.sample({instruction, nullptr, carrier.fp, &carrier, native_stack}, 1);
    return positions.asked.at(0);
  };
  const auto first_asked = [&](size_t instruction, const Word* native_stack) {
    return first_asked_at(positions.code.data() + instruction, native_stack);
  };
  EXPECT_EQ(first_asked(100, native + 10), 100);
  // Machine code has pushed three words in a sled that began at 97, and is about to call shared code.
  for (int i = 7; i < 10; ++i) native[i] = reinterpret_cast<Word>(native + i + 1);
  EXPECT_EQ(first_asked(100, native + 7), 97);
  EXPECT_EQ(first_asked(98, native + 9), 97);
  // It is on the way, and there.
  native[6] = reinterpret_cast<Word>(positions.code.data() + 100 + kSledCallBytes);
  EXPECT_EQ(first_asked_at(reinterpret_cast<const void*>(&leave_by_sled), native + 6), 97);
  EXPECT_EQ(first_asked(20, native + 6), 97);
  EXPECT_EQ(first_asked(20, nullptr), 20);
  // Above an empty native stack there may be no memory.
  EXPECT_EQ(first_asked(20, native + 20), 20);
  native[19] = reinterpret_cast<Word>(native + 20);
  EXPECT_EQ(first_asked(20, native + 19), 19);
  carrier.machine.positions = nullptr;
  carrier.fp = nullptr;
  carrier.native_stack = nullptr;
}

#if __has_feature(address_sanitizer)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

/// Runs with the clock until there are some samples.
void run_sampled(Machine& machine, Sampler& sampler, uint64_t samples) {
  ASSERT_EQ(sampler.start(), "");
  for (int i = 0; i < 2000 && sampler.table().samples() < samples; ++i) {
    ASSERT_TRUE(machine.run_modules()) << machine.error().render();
  }
  sampler.stop();
}

TEST_F(SamplerTest, TheClockFindsWholeStacksInAllTiers) {
  std::string number = "1";
  for (int i = 0; i < 24; ++i) number = "N@(" + std::to_string(2 + i % 2) + ": " + number + ")";
  const std::string text = "N@ n = " + number +
                           "; (N@, N@, N@) { N@; } Loop = (N@ times, N@ a, N@ b) { times.?(1: a); "
                           "Loop(times.?(1: times, 2: times.2, 3: times.3), Even(b, a), b); };"
                           "Loop(n, n, n);";
  struct Case {
    const char* name;
    bool has_engine;
    JitOptions jit;
    HeapOptions heap;
  };
  const Case cases[] = {
      {"interpreter", false, {}, {}},
      {"machine code", true, {}, {}},
      {"eager", true, {.eager = true}, {.nursery_bytes = 4096}},
      {"every third guard", true, {.eager = true, .deopt_every = 3}, {}},
      {"chaos", true, {.eager = true, .chaos = 1}, {}},
      {"collections", true, {.eager = true}, {.stress = 1}},
  };
  for (const Case& how : cases) {
    prepare(text, nullptr, {.heap = how.heap});
    std::unique_ptr<TraceEngine> engine;
    JitOptions jit = how.jit;
    jit.keep_code_maps = true;
    if (how.has_engine) engine = std::make_unique<TraceEngine>(machine_->carrier(), jit);
    Sampler sampler(machine_->carrier(), {.period_ns = 50'000});
    run_sampled(*machine_, sampler, 400);
    const SampleTable& table = sampler.table();
    EXPECT_GT(table.samples(), 200u) << how.name;
    // The interpreter's handlers have the position in registers, but with a sanitizer not always in the same.
    if (how.has_engine || !kIsSanitized) EXPECT_LE(sampler.broken() * 100, table.samples()) << how.name;
    std::set<std::string> names;
    for (uint32_t i = 1; i < table.nodes(); ++i) {
      names.insert(table.node(i).code->block.str());
      // The module ends with a tail call of the loop.
      if (table.node(i).parent == 0) EXPECT_TRUE(table.node(i).code->block.str().starts_with("/M%")) << how.name;
    }
    EXPECT_TRUE(names.contains("/M%.Loop") || names.contains("/M%.Even")) << how.name;
    EXPECT_TRUE(names.contains("/M%.Add")) << how.name;
    uint64_t in_machine_code = 0;
    for (uint32_t i = 0; i < table.nodes(); ++i) {
      table.for_each_leaf(i, [&](const SampleTable::Leaf& leaf) {
        if (leaf.tier == Tier::kMachineCode) in_machine_code += leaf.samples;
      });
    }
    EXPECT_EQ(in_machine_code > 0, how.has_engine) << how.name;
  }
}

TEST_F(SamplerTest, OneSamplerRunsAtATime) {
  prepare("1;", nullptr);
  Sampler first(machine_->carrier(), {});
  Sampler second(machine_->carrier(), {});
  ASSERT_EQ(first.start(), "");
  EXPECT_NE(second.start(), "");
  second.stop();
  first.stop();
  EXPECT_EQ(second.start(), "");
}

}  // namespace
}  // namespace fble
