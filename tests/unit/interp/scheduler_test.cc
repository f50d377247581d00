// Virtual threads where call stacks are small and few: frames move, and nothing is lost.
// What programs see of threads is tested by tests/std/Threads, in all modes.
#include "interp/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "frontends/fble/loader.h"
#include "frontends/fble/lower.h"
#include "frontends/fble/typecheck.h"
#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"
#include "interp/carrier.h"
#include "interp/machine.h"
#include "interp/profile.h"
#include "interp/sent_counter.h"
#include "jit/engine/trace_engine.h"
#include "tests/support/refused.h"

namespace fble {
namespace {

/// Runs a program of tests/std/Threads. `look(machine)` is called while it is still there.
template <typename Look>
void run_program(const char* name, MachineOptions options, bool eager, Look&& look,
                 const std::function<StepObserver*(const ProgramCode&)>& observer = {}) {
  Diagnostics diagnostics;
  LoadOptions load;
  load.roots = {FBLE_SOURCE_DIR "/tests/std", FBLE_SOURCE_DIR "/frontends/std"};
  const std::unique_ptr<Program> program =
      load_program(ModulePath{{Symbol("Threads"), Symbol(name)}}, load, diagnostics);
  ASSERT_NE(program, nullptr) << diagnostics.render();
  const std::unique_ptr<CheckedProgram> checked = typecheck(*program, diagnostics);
  ASSERT_NE(checked, nullptr) << diagnostics.render();
  const std::unique_ptr<ProgramCode> code = lower_program(*checked);
  NativeTable natives;
  register_std(natives);
  if (observer) options.steps = observer(*code);
  Machine machine(*code, natives, options);
  std::unique_ptr<TraceEngine> engine;
  if (eager) {
    JitOptions jit;
    jit.eager = true;
    engine = std::make_unique<TraceEngine>(machine.carrier(), jit);
  }
  ASSERT_TRUE(machine.run_modules()) << machine.error().render();
  const IoFunctions functions = io_functions();
  const Word parts = machine.build([&](NativeCall& call) {
    const Word monad[] = {kUnitWord, functions.return_function, functions.do_function};
    const Word io[] = {functions.run_function};
    const Word both[] = {call.make_struct(monad), call.make_struct(io)};
    return call.make_struct(both);
  });
  const Word arguments[] = {struct_field(parts, 0, 2), struct_field(parts, 1, 2), nothing_word(), kUnitWord};
  EXPECT_TRUE(machine.call_result(arguments)) << machine.error().render();
  look(machine);
}

TEST(Scheduler, DeepThreadsMoveToTheLargestStack) {
  for (const bool eager : {false, true}) {
    // A further call stack has 256 KiB, a sixty-fourth: less than either thread needs.
    MachineOptions options;
    options.stack_bytes = size_t{16} << 20;
    options.heap.verify = true;
    testing::internal::CaptureStdout();
    run_program("Deep", options, eager, [](Machine& machine) {
      const ThreadStats& stats = machine.carrier().machine.scheduler.stats();
      EXPECT_EQ(stats.started, 1u);
      EXPECT_GT(stats.moves, 0u);
    });
    testing::internal::GetCapturedStdout();
  }
}

TEST(Scheduler, ManyThreadsShareFewStacks) {
  for (const bool eager : {false, true}) {
    run_program("Many", {}, eager, [](Machine& machine) {
      const Scheduler& scheduler = machine.carrier().machine.scheduler;
      EXPECT_EQ(scheduler.stats().started, 1000u);
      EXPECT_EQ(scheduler.stats().most_at_once, 1000u);
      EXPECT_GT(scheduler.stats().moves, 2000u);
      EXPECT_TRUE(scheduler.is_alone());
      EXPECT_EQ(scheduler.waiting_bytes(nullptr), 0u);
    });
  }
}

// Threads that only wait cost a collection nothing: each visit follows a turn.
TEST(Scheduler, CollectionsVisitThreadsThatHaveRun) {
  MachineOptions options;
  options.heap.nursery_bytes = 1024;
  run_program("Many", options, false, [](Machine& machine) {
    const ThreadStats& stats = machine.carrier().machine.scheduler.stats();
    EXPECT_GT(stats.visited, stats.started);
    EXPECT_LE(stats.visited, stats.started + stats.switches);
    EXPECT_GT(machine.heap().stats().minor_collections * stats.started, 10 * (stats.started + stats.switches));
  });
}

TEST(Scheduler, TwoThreadsDoNotMove) {
  run_program("PingPong", {}, false, [](Machine& machine) {
    const ThreadStats& stats = machine.carrier().machine.scheduler.stats();
    EXPECT_GT(stats.switches, 1000u);
    EXPECT_LE(stats.moves, stats.started);  // each is moved in when it begins
  });
}

TEST(Scheduler, MovesFramesAtEachSwitchIfAskedTo) {
  MachineOptions options;
  options.threads.moves = true;
  run_program("PingPong", options, false, [](Machine& machine) {
    const ThreadStats& stats = machine.carrier().machine.scheduler.stats();
    EXPECT_GT(stats.moves, 2 * stats.switches - 100);
  });
}

TEST(Scheduler, RunsThreadsAheadOfTheirTurns) {
  for (const bool eager : {false, true}) {
    MachineOptions options;
    options.threads.yield = 3;
    run_program("PingPong", options, eager, [](Machine& machine) {
      EXPECT_GT(machine.carrier().machine.scheduler.stats().ahead, 100u);
      EXPECT_EQ(machine.carrier().machine.scheduler.stats().preempted, 0u);
    });
  }
}

TEST(Scheduler, DeoptPointsYieldAndEvict) {
  run_program("DeoptPoints", {}, true, [](Machine& machine) {
    MachineState& state = machine.carrier().machine;
    EXPECT_GT(state.scheduler.stats().ahead, 10u);
    EXPECT_GT(state.code_epoch, 5u);
  });
}

TEST(Scheduler, CountsWaits) {
  run_program("PingPong", {}, false, [](Machine& machine) {
    const ThreadStats& stats = machine.carrier().machine.scheduler.stats();
    EXPECT_GT(stats.waits[static_cast<size_t>(Wait::kReceive)], 1000u);
    EXPECT_EQ(stats.waits[static_cast<size_t>(Wait::kTime)], 0u);
    EXPECT_GT(stats.most_chunk_bytes, 3 * sizeof(Word));
    EXPECT_LT(stats.most_chunk_bytes, 10'000u);
  });
}

TEST(Scheduler, ProfilesGiveCallsToTheirThreads) {
  // Two threads go down, two compute sums. None calls what the others do, though they switch all the time.
  std::unique_ptr<Profile> profile;
  uint64_t sums = 0;
  const auto make = [&](const ProgramCode& code) {
    profile = std::make_unique<Profile>(code);
    return profile.get();
  };
  MachineOptions options;
  options.threads.yield = 3;
  run_program("DeoptPoints", options, false, [](Machine&) {}, make);
  profile->for_each([&](const std::vector<uint32_t>& path, uint64_t calls, uint64_t) {
    const auto has = [&](const char* name) {
      return std::ranges::any_of(path, [&](uint32_t block) { return profile->blocks()[block].name == name; });
    };
    if (calls == 0 || !has("/Threads/DeoptPoints%.Sum")) return;
    EXPECT_FALSE(has("/Threads/DeoptPoints%.Down"));
    EXPECT_TRUE(has("/Threads/DeoptPoints%.Sums"));
    if (profile->blocks()[path.back()].name == "/Threads/DeoptPoints%.Sum") sums += calls;
  });
  EXPECT_EQ(sums, 6u * (201u + 151u));
}

TEST(Scheduler, SleepsWithoutWaitingWhereTimeIsVirtual) {
  MachineOptions options;
  options.threads.seed = 1;
  run_program("Sleeping", options, false,
              [](Machine& machine) { EXPECT_EQ(machine.carrier().machine.scheduler.now(), 3 * 200'000'000); });
}

TEST(Scheduler, CountsWhatIsSent) {
  MachineOptions options;
  run_program("PingPong", options, false, [](Machine& machine) { EXPECT_EQ(machine.sent().items(), 0u); });
  options.threads.params.count_sent = 1;
  run_program("PingPong", options, false, [](Machine& machine) {
    EXPECT_GT(machine.sent().items(), 1000u);
    // Its items are numbers.
    EXPECT_EQ(machine.sent().objects(), 0u);
  });
  run_program("Combined", options, false, [](Machine& machine) {
    EXPECT_GT(machine.sent().items(), 0u);
    EXPECT_LE(16 * machine.sent().objects(), machine.sent().bytes());
  });
}

TEST(Scheduler, OneScheduleIsOneRun) {
  const auto run = [](const ThreadOptions& threads, Schedule& departures) {
    MachineOptions options;
    options.threads = threads;
    uint64_t turns = 0;
    run_program("Combined", options, false, [&](Machine& machine) {
      departures = machine.carrier().machine.scheduler.turns().departures();
      turns = machine.carrier().machine.scheduler.turns().turn();
    });
    return turns;
  };
  Schedule recorded;
  Schedule replayed;
  const uint64_t once = run({.seed = 5, .records = true}, recorded);
  EXPECT_GT(recorded.size(), 10u);
  EXPECT_EQ(run({.schedule = recorded, .records = true}, replayed), once);
  EXPECT_EQ(replayed, recorded);
}

TEST(Ticker, AsksForAttentionWhileItIsWanted) {
  run_program("PingPong", {}, false, [](Machine& machine) {
    Carrier& carrier = machine.carrier();
    Ticker ticker([&] { carrier.request(Attention::kTick); }, std::chrono::milliseconds(1));
    const auto await_tick = [&] {
      for (int i = 0; i < 10'000 && !carrier.take_request(Attention::kTick); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    };
    EXPECT_FALSE(carrier.is_asked(Attention::kTick));
    for (int i = 0; i < 3; ++i) {
      ticker.want(true);
      await_tick();
      await_tick();
      ticker.want(false);
      // One may be under way.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      carrier.take_request(Attention::kTick);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      EXPECT_FALSE(carrier.is_asked(Attention::kTick));
    }
  });
}

/// Without a thread of its own there are no ticks, until one can be started.
TEST(Ticker, IsSilentWhereItCannotStart) {
  std::atomic<int> ticks = 0;
  Ticker ticker([&] { ++ticks; }, std::chrono::milliseconds(1));
  EXPECT_TRUE(run_refused({{SYS_clone, EAGAIN}, {SYS_clone3, EAGAIN}}, [&] {
    ticker.want(true);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ticker.want(false);
  }));
  EXPECT_EQ(ticks, 0);
}

/// Returns the OS thread of the first tick.
std::thread::id ticking_thread() {
  std::mutex mutex;
  std::condition_variable changed;
  std::thread::id id;
  Ticker ticker(
      [&] {
        const std::lock_guard lock(mutex);
        id = std::this_thread::get_id();
        changed.notify_one();
      },
      std::chrono::milliseconds(1));
  ticker.want(true);
  std::unique_lock lock(mutex);
  changed.wait_for(lock, std::chrono::seconds(60), [&] { return id != std::thread::id(); });
  return id;
}

TEST(KeptTickers, HaveTheirThreadsUsedAgain) {
  const KeptTickers outer;
  const std::thread::id first = ticking_thread();
  EXPECT_NE(first, std::thread::id());
  {
    const KeptTickers inner;
    EXPECT_EQ(ticking_thread(), first);
  }
  EXPECT_EQ(ticking_thread(), first);
  // While a ticker has the thread, the next one needs another.
  const Ticker other([] {}, std::chrono::milliseconds(1));
  EXPECT_NE(ticking_thread(), first);
}

TEST(Attention, IsASetOfReasons) {
  run_program("PingPong", {}, false, [](Machine& machine) {
    Carrier& carrier = machine.carrier();
    carrier.request(Attention::kYield);
    carrier.request(Attention::kTick);
    carrier.request(Attention::kYield);
    EXPECT_EQ(carrier.alloc_limit, nullptr);
    EXPECT_TRUE(carrier.take_request(Attention::kYield));
    EXPECT_FALSE(carrier.take_request(Attention::kYield));
    EXPECT_TRUE(carrier.is_asked(Attention::kTick));
    carrier.restore_limits();
    EXPECT_EQ(carrier.alloc_limit, nullptr);
    EXPECT_TRUE(carrier.take_request(Attention::kTick));
    carrier.restore_limits();
    EXPECT_NE(carrier.alloc_limit, nullptr);
  });
}

TEST(Scheduler, ListsAreFirstInFirstOut) {
  VirtualThread threads[3];
  ThreadList list;
  for (VirtualThread& thread : threads) list.push(thread);
  list.remove(threads[1]);
  EXPECT_EQ(threads[1].list, nullptr);
  EXPECT_EQ(list.size(), 2u);
  list.push(threads[1]);
  EXPECT_EQ(&list.pop(), &threads[0]);
  EXPECT_EQ(&list.pop(), &threads[2]);
  EXPECT_EQ(&list.pop(), &threads[1]);
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace fble
