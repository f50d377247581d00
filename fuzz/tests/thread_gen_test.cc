// Generated programs with threads are accepted, end, and do what the model says; and the model says what is written
// down here.
#include "fuzz/gen/thread_gen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "fuzz/oracle/modes_agree.h"

namespace fble {
namespace {

using ::testing::HasSubstr;
using Kind = ThreadOp::Kind;

GeneratedProgram from_seed(uint64_t seed) {
  Choices choices = Choices::from_seed(seed);
  return generate_thread_program(choices);
}

ModesOptions options_of(const GeneratedProgram& program, std::vector<std::string> modes) {
  return {.cost = program.cost,
          .has_threads = true,
          .has_times = program.threads->has_times,
          .model = &*program.threads,
          .modes = std::move(modes),
          .judge_seconds = 30};
}

void collect_kinds(const ThreadBody& body, std::set<Kind>& kinds) {
  for (const ThreadOp& op : body) {
    kinds.insert(op.kind);
    collect_kinds(op.body, kinds);
    collect_kinds(op.cleanup, kinds);
  }
}

TEST(ThreadGen, ProgramsAreAcceptedAndDoWhatTheModelSays) {
  ModesOracle oracle;
  std::set<Kind> kinds;
  unsigned deadlocks = 0;
  unsigned failures = 0;
  std::string said;
  for (uint64_t seed = 0; seed < 150; ++seed) {
    const GeneratedProgram program = from_seed(seed);
    const Verdict verdict = oracle.check(program.text, options_of(program, {"off"}));
    ASSERT_EQ(verdict.kind, Verdict::Kind::kAgree)
        << "seed " << seed << "\n"
        << verdict.message << (verdict.differences.empty() ? "" : describe(verdict.differences[0])) << program.text;
    collect_kinds(program.threads->body, kinds);
    const bool is_deadlock = verdict.judge.error.find("deadlock") != std::string::npos;
    (is_deadlock ? deadlocks : failures) += verdict.judge.end == Outcome::End::kError ? 1 : 0;
    said += verdict.judge.output;
  }
  EXPECT_EQ(kinds.size(), static_cast<size_t>(Kind::kRepeat) + 1) << "operations of all kinds";
  EXPECT_GT(deadlocks, 5u);
  EXPECT_LT(deadlocks, 75u);
  EXPECT_GT(failures, 5u);
  for (const char* word : kThreadWords) EXPECT_THAT(said, HasSubstr(word));
}

TEST(ThreadGen, ModesAgree) {
  ModesOracle oracle;
  for (uint64_t seed = 1000; seed < 1010; ++seed) {
    const GeneratedProgram program = from_seed(seed);
    const Verdict verdict = oracle.check(program.text, options_of(program, {}));
    ASSERT_EQ(verdict.kind, Verdict::Kind::kAgree) << "seed " << seed << "\n" << describe(verdict.differences[0]);
  }
}

TEST(ThreadGen, AProgramIsMadeAgainFromItsChoices) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const GeneratedProgram program = from_seed(seed);
    Choices choices = Choices::from_values(program.choices);
    EXPECT_EQ(generate_thread_program(choices).text, program.text);
  }
  Choices none = Choices::from_values({0});
  EXPECT_LT(generate_thread_program(none).threads->body.size(), 5u) << "the simplest program is small";
}

TEST(ThreadGen, TheOracleNoticesWhatTheModelDoesNotSay) {
  ModesOracle oracle;
  GeneratedProgram program = from_seed(3);
  program.threads->body.front() = {.kind = Kind::kSay, .number = 123456};
  const Verdict verdict = oracle.check(program.text, options_of(program, {"off"}));
  ASSERT_EQ(verdict.kind, Verdict::Kind::kDiffer);
  EXPECT_THAT(describe(verdict.differences[0]), HasSubstr("123456"));
}

// ---- the model ----

ThreadOp say(uint32_t number) { return {.kind = Kind::kSay, .number = number}; }
ThreadOp op(Kind kind, uint32_t object = 0, uint32_t number = 0) {
  return {.kind = kind, .object = object, .number = number};
}
ThreadOp with(Kind kind, ThreadBody body) { return {.kind = kind, .body = std::move(body)}; }
ThreadOp fork(uint32_t task, ThreadBody body) {
  return {.kind = Kind::kFork, .object = task, .number = 100 + task, .body = std::move(body)};
}

/// What is said, with "!" after it if the program ends by an error.
std::string ending_of(ThreadBody body, std::vector<uint32_t> capacities = {}) {
  const ThreadModelEnding ending = run_thread_model({.capacities = std::move(capacities), .body = std::move(body)});
  return ending.output + (ending.is_good ? "" : "!");
}

TEST(ThreadModel, ThreadsTakeTurnsWhenTheyWait) {
  EXPECT_EQ(ending_of({fork(0, {say(1), op(Kind::kYield), say(2)}), say(3), op(Kind::kYield), say(4)}), "3 1 4 2 ");
  EXPECT_EQ(ending_of({fork(0, {say(1)}), op(Kind::kJoin, 0), op(Kind::kCompute, 0, 4)}), "1 100 10 ");
}

TEST(ThreadModel, ChannelsHoldItems) {
  const ThreadBody two = {fork(0, {op(Kind::kReceive), op(Kind::kReceive)}), op(Kind::kSend, 0, 7),
                          op(Kind::kSend, 0, 8)};
  EXPECT_EQ(ending_of(two, {1}), "sent 7 8 sent ");
  EXPECT_EQ(ending_of(two, {0}), "7 sent sent 8 ");
  EXPECT_EQ(ending_of({op(Kind::kClose), op(Kind::kSend, 0, 7), op(Kind::kReceive)}, {0}), "unsent none ");
  EXPECT_EQ(ending_of({op(Kind::kReceive)}, {0}), "!") << "a deadlock";
}

TEST(ThreadModel, TimePassesWhileAllWait) {
  EXPECT_EQ(ending_of({fork(0, {op(Kind::kSleep, 0, 5), say(5)}), fork(1, {op(Kind::kSleep, 0, 3), say(3)}),
                       op(Kind::kSleep, 0, 4), say(4)}),
            "3 4 5 ");
}

TEST(ThreadModel, ShieldsAndCleanUpsAreNotStopped) {
  const ThreadBody stop = {op(Kind::kYield), op(Kind::kStop, 0), say(9)};
  const auto stopped = [&](ThreadBody body) {
    ThreadBody whole = {fork(0, std::move(body))};
    whole.insert(whole.end(), stop.begin(), stop.end());
    return ending_of(whole);
  };
  EXPECT_EQ(stopped({say(1), op(Kind::kYield), op(Kind::kYield), say(2)}), "1 9 ");
  EXPECT_EQ(stopped({with(Kind::kShield, {op(Kind::kYield), op(Kind::kYield), say(1)}), op(Kind::kYield), say(2)}),
            "1 9 ");
  ThreadOp ensure = with(Kind::kEnsure, {op(Kind::kYield), op(Kind::kYield), say(1)});
  ensure.cleanup = {op(Kind::kYield), say(2)};
  EXPECT_EQ(stopped({ensure, say(3)}), "2 9 ");
}

TEST(ThreadModel, ErrorsGoToTheOwnersOfScopes) {
  EXPECT_EQ(ending_of({fork(0, {op(Kind::kFail)}), op(Kind::kYield), op(Kind::kYield), say(1)}), "!");
  EXPECT_EQ(ending_of({with(Kind::kAttempt, {with(Kind::kWithin, {fork(0, {op(Kind::kFail)}), op(Kind::kYield),
                                                                  op(Kind::kYield), say(1)})})}),
            "error ");
  EXPECT_EQ(ending_of({with(Kind::kAttempt, {say(1)})}), "1 ok ");
}

/// Of two scopes that have failed, the outer one counts: Attempt inside of it does not see the error.
TEST(ThreadModel, TheOuterOfTwoFailedScopesCounts) {
  const ThreadBody body = {
      fork(0, {op(Kind::kYield), op(Kind::kFail)}),
      with(Kind::kAttempt,
           {with(Kind::kWithin,
                 {fork(1, {op(Kind::kFail)}),
                  with(Kind::kShield, {op(Kind::kYield), op(Kind::kYield), op(Kind::kYield)}), op(Kind::kYield)})}),
      say(1)};
  EXPECT_EQ(ending_of(body), "!");
}

/// What tests/std/Threads/Failing.fble shows of the implementation.
TEST(ThreadModel, EachErrorReachesItsOwnScope) {
  ThreadOp late = with(Kind::kEnsure, {op(Kind::kReceive)});
  late.cleanup = {op(Kind::kFail)};
  EXPECT_EQ(
      ending_of({with(Kind::kAttempt, {with(Kind::kWithin, {fork(0, {late}), op(Kind::kYield), op(Kind::kFail)})}),
                 op(Kind::kYield), say(1)},
                {0}),
      "error 1 ");
  const ThreadOp yield = op(Kind::kYield);
  const ThreadBody inner_first = {
      fork(0, {yield, yield, yield, op(Kind::kFail)}),
      with(Kind::kAttempt, {with(Kind::kWithin, {fork(1, {with(Kind::kShield, {yield, yield, yield, yield, yield})}),
                                                 fork(2, {op(Kind::kFail)}), op(Kind::kReceive)})}),
      yield, say(1)};
  EXPECT_EQ(ending_of(inner_first, {0}), "error !");
  const ThreadBody outer_first = {
      fork(0, {op(Kind::kFail)}),
      with(Kind::kShield, {with(Kind::kAttempt, {with(Kind::kWithin, {fork(1, {yield, yield, op(Kind::kFail)})})})}),
      yield, say(1)};
  EXPECT_EQ(ending_of(outer_first), "error !");
}

TEST(ThreadModel, RepeatsAndKeeps) {
  ThreadOp repeat = with(Kind::kRepeat, {say(1)});
  repeat.number = 3;
  ThreadOp keep = with(Kind::kKeep, {say(2)});
  keep.number = 5;
  EXPECT_EQ(ending_of({repeat, keep}), "1 1 1 2 5 ");
}

}  // namespace
}  // namespace fble
