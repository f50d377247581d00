// A program is a tree of operations (tests/reference/thread_model.h), and the text of it.
//
// It ends: there are no loops but Repeat, and the product of the counts around an operation is bounded. It may end in a
// deadlock, which is an error like others.
//
// Items and results are structs of two numbers that do not fit in a word, so collections move them. A number is said as
// the difference of the two: both are read.
#include "fuzz/gen/thread_gen.h"

#include <fmt/format.h>

#include <array>
#include <set>

namespace fble {
namespace {

using Kind = ThreadOp::Kind;

constexpr uint32_t kMostDepth = 5;
constexpr uint32_t kMostRepeated = 60;

/// The probability of an operation, relative to the others, where it makes sense. The first is the simplest.
struct Weight {
  Kind kind;
  uint32_t weight;
  bool is_nested = false;  ///< has a body
};
constexpr Weight kWeights[] = {{Kind::kSay, 2},           {Kind::kCompute, 3},      {Kind::kYield, 5},
                               {Kind::kSend, 6},          {Kind::kReceive, 6},      {Kind::kClose, 1},
                               {Kind::kSleep, 4},         {Kind::kFail, 5},         {Kind::kJoin, 2},
                               {Kind::kStop, 2},          {Kind::kFork, 9, true},   {Kind::kWithin, 3, true},
                               {Kind::kAttempt, 2, true}, {Kind::kEnsure, 2, true}, {Kind::kShield, 2, true},
                               {Kind::kKeep, 2, true},    {Kind::kRepeat, 2, true}};

constexpr std::string_view kHead = R"(Bool@ .= /Std/Bool%;
External@ .= /Std/Io%;
Int@, 0, 1, Add, Decr, Exp2, Incr, Mul2, Sub .= /Std/Int%;
IsZero .= /Std/Int/Sign%;
Maybe@ .= /Std/Maybe%;
Result@ .= /Std/Result%;
Unit@, Unit .= /Std/Unit%;
T = /Std/Io/Thread%;
Scope@, Task@, Channel@, Within, Fork, Join, Stop, Yield, Attempt, Ensure, Shield, Channel, Send, Receive, Close
  .= /Std/Io/Thread%;
m = T.External;
Word@ = +(Int@ number, Unit@ sent, Unit@ unsent, Unit@ none, Unit@ ok, Unit@ error);
)";

constexpr std::string_view kSayNative = "(Word@) { External@<Unit@>; } Say;\n";

constexpr std::string_view kSayLine = R"(Str .= /Std/Char/Ascii%;
(Word@) { External@<Unit@>; }
Say = (Word@ w) {
  line = w.?(number: /Std/Stream/List%.ToList(/Std/Int/Show%.Show(w.number)),
    sent: Str|sent, unsent: Str|unsent, none: Str|none, ok: Str|ok, error: Str|error);
  /Std/Io/File%.File@ out := m.do(/Std/Io/File%.Stdout);
  Unit@ _ := m.do(/Std/Io/File%.PutText(out, line));
  /Std/Io/File%.PutText(out, Str|'\n');
};
)";

constexpr std::string_view kFunctions = R"((Int@) { External@<Unit@>; } Number = (Int@ n) { Say(Word@(number: n)); };
Item@ = *(Int@ low, Int@ high);
(Int@) { Item@; } Make = (Int@ n) { Item@(Add(n, Large), Add(Mul2(n), Large)); };
(Item@) { External@<Unit@>; } Show = (Item@ x) { Number(Sub(x.high, x.low)); };
Sums@ = +(*(Int@ n, Sums@ rest) more, Unit@ end);
(Int@) { Sums@; } Down = (Int@ n) { IsZero(n).?(true: Sums@(end: Unit)); Sums@(more: @(n: n, rest: Down(Decr(n)))); };
(Sums@, Int@) { Int@; } Sum = (Sums@ s, Int@ sum) { s.?(end: sum); Sum(s.more.rest, Add(sum, s.more.n)); };
Undefined = (Unit@ _) { Maybe@<Unit@>(nothing: Unit).just; };
(Channel@<Item@>) { External@<Unit@>; }
Get = (Channel@<Item@> c) {
  Maybe@<Item@> x := m.do(Receive(c));
  x.?(just: Show(x.just), nothing: Say(Word@(none: Unit)));
};
(Channel@<Item@>, Item@) { External@<Unit@>; }
Put = (Channel@<Item@> c, Item@ x) {
  Bool@ sent := m.do(Send(c, x));
  Say(sent.?(true: Word@(sent: Unit), false: Word@(unsent: Unit)));
};
(Task@<Item@>) { External@<Unit@>; } Await = (Task@<Item@> t) { Item@ x := m.do(Join(t)); Show(x); };
(External@<Unit@>) { External@<Unit@>; }
Try = (External@<Unit@> action) {
  Result@<Unit@> r := m.do(Attempt(action));
  Say(r.?(ok: Word@(ok: Unit), error: Word@(error: Unit)));
};
(Int@, External@<Unit@>) { External@<Unit@>; }
Repeat = (Int@ n, External@<Unit@> action) {
  IsZero(n).?(true: m.return(Unit));
  Unit@ _ := m.do(action);
  Repeat(Decr(n), action);
};
)";

constexpr std::string_view kFooter =
    R"(/Std/Io/Thread%.Main((/Std/Monad%.Monad@<External@> _, /Std/Io%.Io@<External@> _, /Std/List%.List@</Std/String%.String@> _) {
  Unit@ _ := m.do(run);
  m.return(/Std/Io/Cli%.Success);
});
)";

/// What is known where an operation is made.
struct Place {
  std::vector<uint32_t> tasks;
  uint32_t depth = 0;
  uint32_t repeated = 1;  ///< the product of the counts of the loops around it

  Place inside(uint32_t deeper = 1) const { return {tasks, depth + deeper, repeated}; }
};

class Generator {
 public:
  explicit Generator(Choices& choices) : choices_(choices) {}

  GeneratedProgram run() {
    ThreadProgram program;
    program.has_times = has_times_ = choices_.chance(50);
    may_fail_ = choices_.chance(40);
    for (uint32_t i = 1 + choices_.below(3); i > 0; --i) program.capacities.push_back(choices_.below(4));
    channels_ = static_cast<uint32_t>(program.capacities.size());
    left_ = 5 + choices_.below(35);
    program.body = whole();
    GeneratedProgram made;
    std::string channels;
    for (size_t i = 0; i < program.capacities.size(); ++i) {
      channels += fmt::format("  Channel@<Item@> c{} := m.do(Channel<Item@>({}));\n", i, number(program.capacities[i]));
    }
    const std::string body = text(program.body);
    const std::string rest = fmt::format("{}{}{}run = {{\n{}  Within((Scope@ scope) {});\n}};\n", constants(),
                                         kFunctions, has_times_ ? "Sleep .= /Std/Io/Clock%;\n" : "", channels, body);
    made.text = fmt::format("{}{}{}run;\n", kHead, kSayNative, rest);
    made.command_text = fmt::format("{}{}{}{}", kHead, kSayLine, rest, kFooter);
    made.cost = cost_;
    made.may_fail = true;
    made.threads = std::move(program);
    made.choices = choices_.taken();
    return made;
  }

 private:
  // ---- the tree ----

  /// Mostly a main thread that closes the channels after a while, so that few programs end in a deadlock.
  ThreadBody whole() {
    ThreadBody made = body({});
    if (choices_.below(5) == 4) return made;
    ThreadBody closing{{.kind = Kind::kFork, .object = tasks_++, .number = next_number_++, .body = std::move(made)}};
    for (uint32_t i = choices_.below(20); i > 0; --i) closing.push_back({.kind = Kind::kYield});
    for (uint32_t i = 0; i < channels_; ++i) closing.push_back({.kind = Kind::kClose, .object = i});
    return closing;
  }

  /// A body begins with an effect: what comes first would be computed where the body is made.
  ThreadBody body(Place place) {
    ThreadBody ops{{.kind = Kind::kSay, .number = next_number_++}};
    for (uint32_t i = choices_.below(8); i > 0 && left_ > 0; --i) {
      --left_;
      ops.push_back(op(place));
    }
    cost_ += 60.0 * static_cast<double>(ops.size()) * place.repeated;
    return ops;
  }

  ThreadOp op(Place& place) {
    std::array<uint32_t, std::size(kWeights)> weights{};
    for (size_t i = 0; i < weights.size(); ++i) {
      const auto [kind, weight, is_nested] = kWeights[i];
      const bool needs_task = kind == Kind::kJoin || kind == Kind::kStop;
      const bool is_possible = (!is_nested || place.depth < kMostDepth) && (!needs_task || !place.tasks.empty()) &&
                               (kind != Kind::kSleep || has_times_) && (kind != Kind::kFail || may_fail_);
      weights[i] = is_possible ? weight : 0;
    }
    ThreadOp made{.kind = kWeights[choices_.weighted(weights)].kind};
    switch (made.kind) {
      case Kind::kSay: made.number = next_number_++; break;
      case Kind::kCompute:
        made.number = std::array{3u, 20u, 100u, 400u}[choices_.below(place.repeated < 5 ? 4 : 2)];
        cost_ += 6.0 * made.number * place.repeated;
        break;
      case Kind::kYield:
      case Kind::kFail: break;
      case Kind::kSleep: made.number = choices_.below(10); break;
      case Kind::kSend:
        made.number = next_number_++;
        made.object = choices_.below(channels_);
        break;
      case Kind::kReceive:
      case Kind::kClose: made.object = choices_.below(channels_); break;
      case Kind::kJoin:
      case Kind::kStop: made.object = choices_.of(place.tasks); break;
      case Kind::kFork:
        made.body = body(place.inside());
        made.number = next_number_++;
        made.object = tasks_++;
        place.tasks.push_back(made.object);
        break;
      case Kind::kWithin:
      case Kind::kShield:
      case Kind::kAttempt: made.body = body(place.inside()); break;
      case Kind::kEnsure:
        made.body = body(place.inside());
        made.cleanup = body(place.inside(2));
        break;
      case Kind::kKeep:
        made.body = body(place.inside());
        made.number = next_number_++;
        break;
      case Kind::kRepeat: {
        made.number = 1 + choices_.below(kMostRepeated / place.repeated);
        Place inside = place.inside();
        inside.repeated *= made.number;
        made.body = body(inside);
        break;
      }
    }
    return made;
  }

  // ---- the text ----

  /// The name of a constant.
  std::string number(uint32_t value) {
    for (uint32_t part = value; part > 1; part /= 2) numbers_.insert(part);
    return value > 1 ? fmt::format("n{}", value) : std::to_string(value);
  }

  std::string constants() {
    constexpr uint32_t kLargeBits = 60;
    const std::string bits = number(kLargeBits);
    std::string made;
    for (const uint32_t value : numbers_) {
      const std::string twice = fmt::format("Mul2({})", number(value / 2));
      made += fmt::format("n{} = {};\n", value, value % 2 == 0 ? twice : "Incr(" + twice + ")");
    }
    return fmt::format("{}Large = Exp2({});\n", made, bits);
  }

  std::string text(const ThreadBody& ops, uint32_t result = 0) {
    std::string made = "{ ";
    for (const ThreadOp& op : ops) made += statement(op);
    return made + (result == 0 ? "m.return(Unit); }" : fmt::format("m.return(Make({})); }}", number(result)));
  }

  std::string statement(const ThreadOp& op) {
    if (op.kind == Kind::kFork) {
      return fmt::format("Task@<Item@> t{} := m.do(Fork(scope, {}));\n", op.object, text(op.body, op.number));
    }
    if (op.kind == Kind::kKeep) {
      return fmt::format("Item@ k{0} = Make({1});\nUnit@ _ := m.do({2});\nUnit@ _ := m.do(Show(k{0}));\n", op.number,
                         number(op.number), text(op.body));
    }
    return fmt::format("Unit@ _ := m.do({});\n", action(op));
  }

  std::string action(const ThreadOp& op) {
    switch (op.kind) {
      case Kind::kSay: return fmt::format("Number({})", number(op.number));
      case Kind::kCompute: return fmt::format("Number(Sum(Down({}), 0))", number(op.number));
      case Kind::kYield: return "Yield";
      case Kind::kSleep: return fmt::format("Sleep({})", number(op.number));
      case Kind::kSend: return fmt::format("Put(c{}, Make({}))", op.object, number(op.number));
      case Kind::kReceive: return fmt::format("Get(c{})", op.object);
      case Kind::kClose: return fmt::format("Close(c{})", op.object);
      case Kind::kJoin: return fmt::format("Await(t{})", op.object);
      case Kind::kStop: return fmt::format("Stop(t{})", op.object);
      case Kind::kWithin: return fmt::format("Within((Scope@ scope) {})", text(op.body));
      case Kind::kShield: return fmt::format("Shield({})", text(op.body));
      case Kind::kAttempt: return fmt::format("Try({})", text(op.body));
      case Kind::kEnsure: return fmt::format("Ensure({}, {})", text(op.body), text(op.cleanup));
      case Kind::kFail: return "m.return(Undefined(Unit))";
      case Kind::kRepeat: return fmt::format("Repeat({}, {})", number(op.number), text(op.body));
      case Kind::kFork:
      case Kind::kKeep: break;
    }
    return "";
  }

  Choices& choices_;
  bool has_times_ = false;
  bool may_fail_ = false;
  uint32_t channels_ = 0;
  uint32_t left_ = 0;  ///< operations that may still be made
  uint32_t tasks_ = 0;
  uint32_t next_number_ = 1;
  double cost_ = 0;
  std::set<uint32_t> numbers_;  ///< that have names, with their halves
};

}  // namespace

GeneratedProgram generate_thread_program(Choices& choices) { return Generator(choices).run(); }

}  // namespace fble
