// The decisions of the engine: when code is compiled, shared, limited, flushed.
// tests/lang in JIT modes and fuzz/ check that results are right.
#include "jit/engine/trace_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "frontends/fble/lower.h"
#include "interp/bytecode.h"
#include "interp/interpreter.h"
#include "interp/machine.h"
#include "interp/machine_state.h"
#include "interp/native_stack.h"
#include "tests/support/checked_source.h"

namespace fble {
namespace {

using testing::HasSubstr;

/// A sum of binary numbers by digits, which are random enough: deep recursion,
/// calls with several returns, and a tail-recursive loop around them. The value is
/// a number.
constexpr const char* kSums = R"(
Unit@ = *();
Nat@ = +(Unit@ 1, Nat@ 2, Nat@ 3);
Nat@ 1 = Nat@(1: Unit@());
(Nat@) { Nat@; } Incr = (Nat@ x) {
  x.?(1: Nat@(2: 1), 2: Nat@(3: x.2), 3: Nat@(2: Incr(x.3)));
};
(Nat@, Nat@) { Nat@; } Add = (Nat@ a, Nat@ b) {
  a.?(
    1: Incr(b),
    2: b.?(1: Nat@(3: a.2), 2: Nat@(2: Add(a.2, b.2)), 3: Nat@(3: Add(a.2, b.3))),
    3: b.?(1: Nat@(2: Incr(a.3)), 2: Nat@(3: Add(a.3, b.2)), 3: Nat@(2: Incr(Add(a.3, b.3)))));
};
(Nat@) { Nat@; } Double = (Nat@ x) { Nat@(2: x); };
Bool@ = +(Unit@ true, Unit@ false);
(Nat@, Nat@, Nat@) { Nat@; } Sum = (Nat@ n, Nat@ step, Nat@ sum) {
  n.?(1: sum, 2: Sum(n.2, Incr(step), Add(sum, Add(step, sum))), 3: Sum(n.3, Incr(step), Add(sum, step)));
};
(Nat@, Nat@) { Nat@; } Repeat = (Nat@ times, Nat@ x) {
  times.?(1: x, 2: Repeat(times.2, Repeat(times.2, Sum(times, x, 1))), 3: Repeat(times.3, Sum(times, x, x)));
};
Repeat(Double(Double(Double(Double(Double(Double(1)))))), 1);
)";

/// A program that counts in base 8, and adds up the lowest digits modulo 8.
constexpr const char* kDigits = R"(
Unit@ = *();
Unit@ u = Unit@();
Nat@ = +(Unit@ 1, Nat@ 2, Nat@ 3);
Nat@ 1 = Nat@(1: u);
D@ = +(Unit@ 0, Unit@ 1, Unit@ 2, Unit@ 3, Unit@ 4, Unit@ 5, Unit@ 6, Unit@ 7);
(D@) { D@; } Next = (D@ d) {
  d.?(0: D@(1: u), 1: D@(2: u), 2: D@(3: u), 3: D@(4: u), 4: D@(5: u), 5: D@(6: u), 6: D@(7: u), 7: D@(0: u));
};
(D@) { D@; } Next2 = (D@ d) { Next(Next(d)); };
(D@, D@) { D@; } Add = (D@ a, D@ b) {
  a.?(0: b, 1: Next(b), 2: Next2(b), 3: Next(Next2(b)), 4: Next2(Next2(b)), 5: Add(D@(4: u), Next(b)), 6: Next2(Add(D@(4: u), b)),
      7: Next(Add(D@(6: u), b)));
};
# Those from 5 on have a way in common.
(D@) { Nat@; } Show = (D@ d) { d.?(0: 1, 1: Nat@(2: 1), 2: Nat@(3: 1), 3: Nat@(2: Nat@(2: 1)), 4: Nat@(3: Nat@(2: 1)), : Show(Next(d))); };
(D@, D@, D@, D@, D@) { D@; } Count = (D@ a, D@ b, D@ c, D@ d, D@ sum) {
  t = Add(a, Show(sum).?(1: sum, 2: Next(sum), 3: Next2(sum)));
  e = Next(a);
  e.?(0: Next(b).?(0: Next(c).?(0: Next(d).?(0: t, : Count(e, e, e, Next(d), t)), : Count(e, e, Next(c), d, t)), : Count(e, Next(b), c, d, t)),
      : Count(e, b, c, d, t));
};
D@ zero = D@(0: u);
Show(Add(Count(zero, zero, zero, zero, zero), Count(zero, Next(zero), zero, zero, zero)));
)";

/// A program with a deopt point in two trees, and one after a call, which is in a tree of its own.
constexpr const char* kTreesWithDeoptPoints = R"(
Unit@ = *();
Nat@ = +(Unit@ 1, Nat@ 2, Nat@ 3);
(Nat@) { Nat@; } Marked = (Nat@ n) {
  # deopt-here! invalidate
  Nat@(2: n);
};
(Nat@, Nat@) { Nat@; } Left = (Nat@ n, Nat@ last) { n.?(1: last, 2: Left(n.2, Marked(n.2)), 3: last); };
(Nat@, Nat@) { Nat@; } Right = (Nat@ n, Nat@ last) { n.?(1: last, 2: Right(n.2, Marked(n)), 3: Right(n.3, last)); };
(Nat@) { Nat@; } Up = (Nat@ n) {
  n.?(1: n, 3: n);
  Nat@ above = Up(n.2);
  # deopt-here! invalidate
  Nat@(2: above);
};
(Nat@, Nat@) { Nat@; } Repeat = (Nat@ times, Nat@ n) {
  times.?(1: n, 3: n);
  Nat@ left = Left(Up(n), n);
  Nat@ right = Right(n, left);
  Repeat(times.2, Repeat(times.2, n));
};
(Nat@, Nat@) { Nat@; } Twos = (Nat@ n, Nat@ end) { n.?(1: end, 2: Nat@(2: Twos(n.2, end)), 3: end); };
Nat@ 1 = Nat@(1: Unit@());
Nat@ 4 = Nat@(2: Nat@(2: Nat@(2: Nat@(2: 1))));
Nat@ 8 = Twos(4, 4);
Repeat(8, 8);
)";

/// A program that calls partial applications of one argument and of two, which it does not know, on the way back from
/// deep recursion.
constexpr const char* kUnknownCallees = R"(
Unit@ = *();
Nat@ = +(Unit@ 1, Nat@ 2, Nat@ 3);
F@ = (Nat@) { Nat@; };
Nat@ 1 = Nat@(1: Unit@());
(Nat@, Nat@) { Nat@; } Turn = (Nat@ a, Nat@ x) { x.?(1: a, 2: Nat@(3: x.2), 3: Nat@(2: x.3)); };
(Nat@, Nat@, Nat@) { Nat@; } Keep = (Nat@ a, Nat@ b, Nat@ x) { x.?(1: a, 2: x, 3: b); };
(Nat@) { Nat@; } Same = (Nat@ x) { x; };
(F@, Nat@) { F@; } Nest = (F@ f, Nat@ n) {
  n.?(1: Same);
  F@ g = Nest(f, n.?(1: n, 2: n.2, 3: n.3));
  (Nat@ x) { f(g(x)); };
};
(Nat@, Nat@) { Nat@; } Twos = (Nat@ n, Nat@ end) { n.?(1: end, 2: Nat@(2: Twos(n.2, end)), 3: end); };
Nat@ 4 = Nat@(2: Nat@(2: Nat@(2: Nat@(2: 1))));
Nat@ 16 = Twos(4, Twos(4, Twos(4, 4)));
(Nat@, Nat@) { Nat@; } Repeat = (Nat@ times, Nat@ x) {
  times.?(1: x, 3: x);
  Nat@ y = Nest(Turn(Nat@(2: 1)), 16)(x);
  Nat@ z = Nest(Keep(x, y), 16)(y);
  Repeat(times.2, Nest(Nest(Turn(z), 16), 16)(z));
};
Repeat(Twos(16, Twos(16, Twos(16, 16))), Nat@(3: 1));
)";

class Engine : public testing::Test {
 protected:
  /// Runs the program; its result is a word that needs no heap.
  Word run(const JitOptions* options, const MachineOptions& machine = {}) {
    engine_ = nullptr;
    machine_ = nullptr;
    if (checked_ == nullptr) checked_ = source_.add("/P%", text_).check();
    program_ = lower_program(*checked_);
    machine_ = std::make_unique<Machine>(*program_, natives_, machine);
    if (options != nullptr) engine_ = std::make_unique<TraceEngine>(machine_->carrier(), *options);
    EXPECT_TRUE(machine_->run_modules()) << machine_->error().render();
    Word word = 0;
    for (Word value = machine_->result(); union_tag(value, 2) != 0; value = union_arg(value, 2)) {
      word = word * 3 + union_tag(value, 2);
    }
    return word;
  }
  /// Returns the interpreter's result.
  static Word expected() {
    static const Word word = [] {
      class Interpreted final : public Engine {
        void TestBody() override {}
      };
      return Interpreted().run(nullptr);
    }();
    return word;
  }
  /// Returns the statistics of chaos and aborts, which do not depend on time.
  std::string after_chaos() const {
    const std::string text = engine_->stats_text();
    return text.substr(text.find("chaos:"));
  }
  const JitStats& stats() const { return engine_->stats(); }

  const char* text_ = kSums;
  SourceProgram source_;
  const CheckedProgram* checked_ = nullptr;
  NativeTable natives_;
  std::unique_ptr<ProgramCode> program_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<TraceEngine> engine_;
};

TEST_F(Engine, CompilesWhatIsHotAndLeavesItRarely) {
  JitOptions options;
  EXPECT_EQ(run(&options), expected());
  EXPECT_GE(stats().traces[static_cast<size_t>(TraceKind::kFunction)], 2u);
  EXPECT_GE(stats().traces[static_cast<size_t>(TraceKind::kBridge)], 3u);
  EXPECT_GE(stats().traces[static_cast<size_t>(TraceKind::kContinuation)], 2u);
  // Each exit is taken until it is hot, then there is a bridge.
  EXPECT_LE(stats().exits, (stats().guards + 1) * options.params.hot_exits);
  EXPECT_EQ(stats().flushes, 0u);
}

TEST_F(Engine, NumbersThatNoRecordCanCountToAreNeverReached) {
  // The lowest 16 bits of these numbers would be reached soon.
  JitOptions options;
  options.params.hot_exits = options.params.hot_returns = (1 << 16) + 1;
  EXPECT_EQ(run(&options), expected());
  EXPECT_GE(stats().traces[static_cast<size_t>(TraceKind::kFunction)], 2u);
  EXPECT_EQ(stats().traces[static_cast<size_t>(TraceKind::kBridge)], 0u);
  EXPECT_EQ(stats().traces[static_cast<size_t>(TraceKind::kContinuation)], 0u);
}

TEST_F(Engine, ContinuationsAreSharedByAllCallsThatReturnToAPlace) {
  JitOptions options;
  options.eager = true;
  EXPECT_EQ(run(&options), expected());
  size_t calls = 0;
  for (const Code& code : program_->codes) {
    for (size_t at = 0; at < code.words.size(); at += instruction_length(&code.words[at])) {
      calls += std::string_view(op_info(static_cast<Op>(code.words[at])).operands).ends_with("DB") ? 1 : 0;
    }
  }
  // The number does not depend on how many traces make the call. (Inlining may give a place two frames.)
  EXPECT_LE(stats().traces[static_cast<size_t>(TraceKind::kContinuation)], 2 * calls);
}

TEST_F(Engine, PartialApplicationsThatAreNotKnownHaveMachineCode) {
  text_ = kUnknownCallees;
  const Word result = run(nullptr);
  JitOptions options;
  EXPECT_EQ(run(&options), result);
  GlueCode& glue = machine_->carrier().machine.glue;
  const auto in_interpreter = reinterpret_cast<const void*>(&leave_by_call);
  EXPECT_NE(glue.apply_held(1, 1)->native_entry, in_interpreter);
  EXPECT_NE(glue.apply_held(2, 1)->native_entry, in_interpreter);
  // One that is made when the program has ended.
  EXPECT_EQ(glue.apply_held(5, 1)->native_entry, in_interpreter);
  EXPECT_NE(glue.apply_held(5, 1)->engine_index, 0u);
  engine_ = nullptr;
  EXPECT_EQ(glue.apply_held(1, 1)->native_entry, in_interpreter);
  EXPECT_EQ(glue.apply_held(5, 2)->engine_index, 0u);
}

TEST_F(Engine, NativesThatAreNotKnownHaveMachineCode) {
  // More functions come to one call than it gets guards for.
  constexpr int kNatives = 12;
  std::string text = R"(
Unit@ = *();
Nat@ = +(Unit@ 1, Nat@ 2, Nat@ 3);
F@ = (Nat@) { Nat@; };
Nat@ 1 = Nat@(1: Unit@());
(F@, Nat@, Nat@) { Nat@; } Rec = (F@ f, Nat@ n, Nat@ x) { n.?(1: x, 2: f(Rec(f, n.2, x)), 3: x); };
(Nat@, Nat@) { Nat@; } Twos = (Nat@ n, Nat@ end) { n.?(1: end, 2: Nat@(2: Twos(n.2, end)), 3: end); };
Nat@ 4 = Nat@(2: Nat@(2: Nat@(2: Nat@(2: 1))));
Nat@ 16 = Twos(4, Twos(4, Twos(4, 4)));
)";
  std::string all = "x";
  std::vector<std::string> names;
  for (int i = 0; i < kNatives; ++i) {
    names.push_back("F" + std::to_string(i));
    text += "(Nat@) { Nat@; } " + names.back() + ";\n";
    all = "Rec(" + names.back() + ", 16, " + all + ")";
  }
  text += "(Nat@, Nat@) { Nat@; } Repeat = (Nat@ times, Nat@ x) { times.?(1: x, 2: Repeat(times.2, " + all +
          "), 3: x); };\n";
  text += "Repeat(Twos(16, Twos(16, Twos(16, 16))), Nat@(2: Nat@(3: 1)));\n";
  std::vector<NativeRow> rows;
  for (int i = 0; i < kNatives; ++i) {
    const NativeEffect effect = i == 0 ? NativeEffect::kReadsWorld : NativeEffect::kPure;
    rows.push_back({"/P%", names[i].c_str(), 1, effect, [](NativeCall& call) { return call.arg(0); }});
  }
  natives_.add(rows);
  text_ = text.c_str();
  JitOptions options;
  EXPECT_EQ(run(&options), 1u * 3 + 2);
  int compiled = 0;
  machine_->carrier().machine.glue.for_each([&](const Code& code) {
    if (code.native == nullptr) return;
    const bool is_compiled = code.native_entry != reinterpret_cast<const void*>(&leave_by_call) &&
                             code.native_entry != reinterpret_cast<const void*>(&leave_by_native_call);
    compiled += is_compiled ? 1 : 0;
    // Its effects come from the interpreter.
    if (!code.is_pure) EXPECT_FALSE(is_compiled);
    // The interpreter runs the native itself.
    EXPECT_EQ(code.entry, entry_by_table());
  });
  EXPECT_GE(compiled, 2);
}

TEST_F(Engine, SelectsAmongManyTagsGetNodes) {
  text_ = kDigits;
  const Word interpreted = run(nullptr);
  JitOptions options;
  options.params.hot_calls = 20;
  options.params.hot_exits = 10;
  EXPECT_EQ(run(&options), interpreted);
  EXPECT_GE(stats().dispatch_nodes, 2u);
  const uint64_t exits = stats().exits;
  // All the ways are found in the end.
  EXPECT_LE(exits, (stats().guards + 8 * stats().dispatch_nodes) * options.params.hot_exits);
  options.eager = true;
  EXPECT_EQ(run(&options), interpreted);
  EXPECT_GE(stats().dispatch_nodes, 2u);
  // If guards are made to fail, the tag is not known, and there are no dispatch tables.
  options.deopt_every = 3;
  EXPECT_EQ(run(&options), interpreted);
  EXPECT_EQ(stats().dispatch_nodes, 0u);
}

TEST_F(Engine, EvictsTheTreesThatContainADeoptPointAndNoOthers) {
  std::string text = kSums;
  const std::string_view place = "3: Nat@(2: Incr(x.3))";
  text.replace(text.find(place), place.size(), "3: Nat@(2: # deopt-here! invalidate every=20\nIncr(x.3))");
  text_ = text.c_str();
  for (const bool eager : {false, true}) {
    JitOptions options;
    options.eager = eager;
    options.params.hot_calls = 20;
    options.params.hot_exits = 10;
    EXPECT_EQ(run(&options), expected());
    EXPECT_GE(stats().evictions, 3u);
    EXPECT_EQ(stats().flushes, 0u);
    // One function is compiled again and again, and it is inlined in few others.
    EXPECT_LE(stats().traces[static_cast<size_t>(TraceKind::kFunction)], 3 * stats().evictions + 6);
  }
}

TEST_F(Engine, EvictedCodeIsNotRunAgain) {
  text_ = kTreesWithDeoptPoints;
  const Word interpreted = run(nullptr);
  JitOptions options;
  options.params.hot_calls = options.params.hot_returns = options.params.hot_exits = 20;
  EXPECT_EQ(run(&options), interpreted);
  const std::vector<DeoptPointReport> reports = engine_->deopt_point_reports();
  ASSERT_EQ(reports.size(), 2u);
  for (const DeoptPointReport& report : reports) {
    // Each hit evicts all trees with the deopt point. They are compiled again when the interpreter
    // has passed the deopt point twenty times; but remaining code is hit at each pass.
    EXPECT_GE(report.hits, 50u);
    EXPECT_LE(report.hits, report.interpreted / 6);
  }
}

TEST_F(Engine, IsFlushedWhenThereAreTooManyTraces) {
  JitOptions options;
  options.eager = true;
  options.params.max_traces = 5;
  EXPECT_EQ(run(&options), expected());
  EXPECT_GE(stats().flushes, 3u);
}

TEST_F(Engine, IsFlushedWhenTheCodeCacheIsFull) {
  JitOptions options;
  options.eager = true;
  options.params.code_kbytes = 4;
  EXPECT_EQ(run(&options), expected());
  EXPECT_GE(stats().flushes, 1u);
  EXPECT_THAT(engine_->stats_text(), HasSubstr("code cache full"));
}

TEST_F(Engine, StopsGrowingATree) {
  JitOptions options;
  options.eager = true;
  options.params.max_bridges = 1;
  EXPECT_EQ(run(&options), expected());
  const uint64_t roots = stats().traces[static_cast<size_t>(TraceKind::kFunction)] +
                         stats().traces[static_cast<size_t>(TraceKind::kContinuation)];
  EXPECT_LE(stats().traces[static_cast<size_t>(TraceKind::kBridge)], roots);
  EXPECT_GT(stats().exits, 100u) << "an exit without a bridge continues in the interpreter";
}

TEST_F(Engine, LeavesAtEveryGuard) {
  JitOptions options;
  options.eager = true;
  options.deopt_every = 1;
  EXPECT_EQ(run(&options), expected());
  EXPECT_GT(stats().exits, 1000u);
}

TEST_F(Engine, SweepsAllGuards) {
  for (const bool eager : {true, false}) {
    JitOptions options;
    options.eager = eager;
    options.deopt_sweep = true;
    EXPECT_EQ(run(&options), expected());
    EXPECT_GT(stats().guards, 30u);
    EXPECT_EQ(stats().failed_guards, stats().guards);
    EXPECT_EQ(stats().rehearsed_guards, stats().guards);
    EXPECT_THAT(engine_->stats_text(), HasSubstr(" 0 of which never failed"));
  }
}

TEST_F(Engine, WithoutSweepManyGuardsNeverFail) {
  JitOptions options;
  EXPECT_EQ(run(&options), expected());
  EXPECT_LT(stats().failed_guards, stats().guards);
}

TEST_F(Engine, SweepsWhileMemoryIsShort) {
  JitOptions options;
  options.eager = true;
  options.deopt_sweep = true;
  MachineOptions machine;
  machine.heap.stress = 1;
  machine.heap.verify = true;
  EXPECT_EQ(run(&options, machine), expected());
  EXPECT_EQ(stats().failed_guards, stats().guards);
}

TEST_F(Engine, OneExitFailsWheneverItIsReached) {
  JitOptions options;
  EXPECT_EQ(run(&options), expected());
  const uint64_t usual = stats().exits + stats().yields;
  uint64_t most = 0;
  for (uint32_t exit = 0; exit < 6; ++exit) {
    options.deopt_at = {0, exit};
    EXPECT_EQ(run(&options), expected());
    most = std::max(most, stats().exits + stats().yields);
  }
  EXPECT_GT(most, usual + 200);
}

TEST_F(Engine, ComparesAllExitsWithTheInterpreter) {
  JitOptions options;
  options.eager = true;
  options.deopt_every = 2;
  options.shadow_check = true;
  EXPECT_EQ(run(&options), expected());
  EXPECT_EQ(stats().exits_checked, stats().exits + stats().yields);
  EXPECT_GT(stats().exits_checked, 1000u);
  EXPECT_EQ(stats().exits_unchecked, 0u);
}

TEST_F(Engine, ChaosChangesNothingAndIsRepeatable) {
  JitOptions options;
  options.eager = true;
  for (options.chaos = 1; options.chaos <= 10; ++options.chaos) {
    EXPECT_EQ(run(&options), expected());
    const std::string once = after_chaos();
    EXPECT_EQ(run(&options), expected());
    EXPECT_EQ(after_chaos(), once);
    EXPECT_GT(stats().exits, 20u);
  }
  options.chaos_fuel = 5;
  EXPECT_EQ(run(&options), expected());
  EXPECT_THAT(engine_->stats_text(), HasSubstr("chaos:       5 disturbances"));
}

/// Returns the frames of an exit, outermost first, each with its position, in the form of the side table.
using Frames = std::vector<std::pair<const Code*, const uint32_t*>>;

Frames frames_of_entry(const ExitEntry& entry) {
  Frames frames;
  for (const ExitFrame& frame : entry.frames) frames.emplace_back(frame.code, frame.pc);
  return frames;
}

Frames frames_of_position(const MachinePosition& position) {
  Frames frames;
  const uint32_t* pc = position.pc;
  for (uint32_t site = position.site; site != kNoSite; site = position.sites[site].parent) {
    frames.emplace(frames.begin(), position.sites[site].code, pc);
    pc = position.sites[site].return_position;
  }
  return frames;
}

/// Compares the code maps of all exits with the side tables. Sets the number of exits in inlined calls.
void check_code_maps(const TraceEngine& engine, size_t& inlined) {
  const CompiledTraces& traces = engine.traces();
  ASSERT_GT(traces.size(), 5u);
  for (uint32_t id = 0; id < traces.size(); ++id) {
    const CompiledTrace& trace = traces[id];
    const CodeMap& map = *trace.code_map;
    ASSERT_EQ(code_map_problem(map), "") << "trace " << id << '\n' << to_text(map);
    ASSERT_EQ(map.bytes, trace.code_bytes);
    for (uint32_t i = 0; i < trace.exit_count; ++i) {
      MachinePosition position;
      ASSERT_TRUE(engine.traces().find_position(load_site(trace.machine_code(), i).stub, position));
      EXPECT_EQ(position.trace, id);
      const ExitEntry entry = decode_exit(side_table_of(trace.machine_code()), i);
      const Frames expected = frames_of_entry(entry);
      const Frames found = frames_of_position(position);
      // A loop leaves for the start of its function; the code map has the tail call.
      const bool is_start = expected.size() == 1 && expected[0].second == trace.code->start;
      if (is_start && found.back().second != trace.code->start) continue;
      EXPECT_EQ(found, expected) << "trace " << id << " exit " << i << '\n' << to_text(map);
      inlined += found.size() > 1;
    }
  }
  MachinePosition position;
  EXPECT_FALSE(engine.traces().find_position(&position, position));
}

TEST_F(Engine, CodeMapsHaveTheFramesOfTheSideTables) {
  JitOptions options;
  options.keep_code_maps = true;
  size_t inlined = 0;
  run(&options);
  check_code_maps(*engine_, inlined);
  options.eager = true;
  run(&options);
  check_code_maps(*engine_, inlined);
  EXPECT_GT(inlined, 3u);
}

class DispatchNodes final : public EventSink {
 public:
  void take(const EngineEvent& event) override {
    if (const auto* made = std::get_if<DispatchEvent>(&event)) nodes.push_back(made->node);
  }
  std::vector<DispatchNode> nodes;
};

TEST_F(Engine, CodeMapsKnowDispatchTables) {
  text_ = kDigits;
  DispatchNodes made;
  JitOptions options;
  options.keep_code_maps = true;
  options.events = &made;
  run(&options);
  size_t inlined = 0;
  check_code_maps(*engine_, inlined);
  ASSERT_GT(stats().dispatch_nodes, 0u);
  for (const DispatchNode& node : made.nodes) {
    MachinePosition position;
    ASSERT_TRUE(engine_->traces().find_position(node.table - 1, position));
    EXPECT_FALSE(engine_->traces().find_position(node.table, position));
  }
  EXPECT_EQ(made.nodes.size(), stats().dispatch_nodes);
  engine_ = nullptr;
}

/// Counts events, and keeps the lines that the log prints for them.
class Counts final : public EventSink {
 public:
  void take(const EngineEvent& event) override {
    const std::string_view kind = event_text(event);
    ++of[std::string(kind)];
    if (const auto* exit = std::get_if<ExitEvent>(&event)) ++exits[static_cast<size_t>(exit->kind)];
    if (const auto* abort = std::get_if<AbortEvent>(&event)) ++aborts[static_cast<size_t>(abort->reason)];
    if (const auto* evict = std::get_if<EvictEvent>(&event)) evicted += evict->roots.size();
    if (kind != "exit" && kind != "collect") order += std::string(kind) + " ";
    if (const std::string line = log_line(event); !line.empty()) lines.push_back(line);
  }

  std::map<std::string, uint64_t> of;
  uint64_t exits[4] = {};
  uint64_t aborts[static_cast<size_t>(AbortReason::kCount)] = {};
  uint64_t evicted = 0;
  std::string order;
  std::vector<std::string> lines;
};

TEST_F(Engine, EventsAreWhatTheStatisticsCount) {
  JitOptions usual;
  JitOptions eager;
  eager.eager = true;
  JitOptions small = eager;
  small.params.max_traces = 5;
  JitOptions interrupted = eager;
  interrupted.chaos = 3;
  MachineOptions machine;
  machine.heap.stress = 1000;
  uint64_t collections = 0;
  for (const char* text : {kSums, kDigits, kTreesWithDeoptPoints}) {
    for (JitOptions options : {usual, eager, small, interrupted}) {
      Counts counts;
      options.events = &counts;
      text_ = text;
      checked_ = nullptr;
      source_ = SourceProgram();
      run(&options, machine);
      const JitStats& s = stats();
      const uint64_t traces = s.traces[0] + s.traces[1] + s.traces[2];
      const uint64_t aborts = std::accumulate(std::begin(s.aborts), std::end(s.aborts), uint64_t{0});
      EXPECT_EQ(counts.of["compile"], traces);
      EXPECT_EQ(counts.of["record"], traces + aborts);
      EXPECT_EQ(counts.of["dispatch"], s.dispatch_nodes);
      EXPECT_EQ(counts.of["flush"], s.flushes);
      EXPECT_GE(s.evictions, counts.evicted == 0 ? 0 : 1);
      EXPECT_THAT(counts.exits, testing::ElementsAre(s.exits, s.yields, s.cold_returns, s.deopt_point_hits));
      EXPECT_THAT(counts.aborts, testing::ElementsAreArray(s.aborts));
      collections += counts.of["collect"];
      engine_ = nullptr;
      EXPECT_EQ(counts.of["end"], 1u);
      machine_->collect_all();  // the listener is gone
    }
  }
  EXPECT_GT(collections, 10u);
}

TEST_F(Engine, EventsOfATraceComeInOrder) {
  text_ = kTreesWithDeoptPoints;
  Counts counts;
  JitOptions options;
  options.eager = true;
  options.events = &counts;
  run(&options);
  engine_ = nullptr;
  EXPECT_THAT(counts.order, testing::EndsWith(" end "));
  EXPECT_THAT(counts.order,
              testing::StartsWith("record pass pass pass pass pass pass pass optimize assemble compile "));
  EXPECT_THAT(counts.order, HasSubstr("compile link "));
  EXPECT_THAT(counts.order, HasSubstr(" evict "));
  EXPECT_EQ(counts.lines.size(), counts.of["compile"] + counts.of["abort"] -
                                     counts.aborts[static_cast<size_t>(AbortReason::kRunEnded)] -
                                     counts.aborts[static_cast<size_t>(AbortReason::kFlushed)] + counts.of["evict"] +
                                     counts.of["flush"] + counts.of["memo"]);
  EXPECT_THAT(counts.lines, testing::Contains(testing::MatchesRegex(
                                "\\[trace 0 function /P%[.A-Za-z]* [0-9]+:[0-9]+: compiled -> [a-z ]+, [0-9]+ IR "
                                "instructions, [0-9]+ exits, [0-9]+ bytes\\]")));
  EXPECT_THAT(counts.lines,
              testing::Contains(testing::MatchesRegex("\\[trace evict: [0-9]+ trees, deopt point is not hit [01]\\]")));
}

TEST_F(Engine, GivesCodeBackToTheInterpreter) {
  JitOptions options;
  options.eager = true;
  EXPECT_EQ(run(&options), expected());
  engine_ = nullptr;
  for (const Code& code : program_->codes) {
    EXPECT_EQ(code.entry, handler_of(static_cast<Op>(code.words[0])));
    EXPECT_EQ(code.engine_index, 0u);
  }
  EXPECT_TRUE(machine_->run_modules());
}

TEST(JitParams, AreSetByName) {
  JitParams params;
  EXPECT_TRUE(set_jit_param(params, "hot_calls", 7));
  EXPECT_EQ(params.hot_calls, 7u);
  EXPECT_FALSE(set_jit_param(params, "hot_dogs", 7));
}

}  // namespace
}  // namespace fble
