// Programs in bytecode text, each run in hostile heaps and in machine code as well as in the usual way.
#include "interp/interpreter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "gc/integer.h"
#include "interp/bytecode_text.h"
#include "interp/bytecode_verify.h"
#include "interp/carrier.h"
#include "interp/machine.h"
#include "jit/engine/trace_engine.h"

namespace fble {
namespace {

// ---- natives ----------------------------------------------------------------

int open_resources = 0;

class Resource final : public NativeResource {
 public:
  Resource() { ++open_resources; }
  ~Resource() override { --open_resources; }
};

Word bool_word(bool value) { return pack_union(kUnitWord, 1, value ? 0 : 1); }

Word native_incr(NativeCall& call) { return pack_int(unpack_int(call.arg(0)) + 1); }
Word native_decr(NativeCall& call) { return pack_int(unpack_int(call.arg(0)) - 1); }
Word native_is_zero(NativeCall& call) { return bool_word(unpack_int(call.arg(0)) == 0); }
Word native_add(NativeCall& call) { return pack_int(unpack_int(call.arg(0)) + unpack_int(call.arg(1))); }
/// Makes a struct of the two arguments and ten units, so that it is never packed.
Word native_box(NativeCall& call) {
  if (!call.reserve(object_words(12))) return 0;
  std::vector<Word> fields(12, kUnitWord);
  fields[0] = call.arg(0);
  fields[1] = call.arg(1);
  return call.make_struct(fields);
}
Word native_fail(NativeCall& call) { return call.fail("the native failed"); }
Word native_check(NativeCall& call) { return is_placeholder(call.arg(0)) ? call.fail_undefined() : call.arg(0); }
Word native_open(NativeCall& call) {
  if (!call.reserve(object_words(1))) return 0;
  return call.make_native(std::make_unique<Resource>());
}
Word native_open_and_fail(NativeCall& call) {
  if (!call.reserve(object_words(1))) return 0;
  call.make_native(std::make_unique<Resource>());
  return call.fail("opened and failed");
}
Word native_number(NativeCall&) { return pack_int(42); }
/// Reserves the number of words in the argument and does not use them.
Word native_reserve(NativeCall& call) {
  if (!call.reserve(static_cast<size_t>(unpack_int(call.arg(0))))) return 0;
  return kUnitWord;
}

constexpr NativeRow kNatives[] = {
    {"/T%", "Incr", 1, NativeEffect::kPure, native_incr},
    {"/T%", "Decr", 1, NativeEffect::kPure, native_decr},
    {"/T%", "IsZero", 1, NativeEffect::kPure, native_is_zero},
    {"/T%", "Add", 2, NativeEffect::kPure, native_add},
    {"/T%", "Box", 2, NativeEffect::kPure, native_box},
    {"/T%", "Fail", 1, NativeEffect::kPure, native_fail},
    {"/T%", "Check", 1, NativeEffect::kPure, native_check},
    {"/T%", "Open", 1, NativeEffect::kWritesWorld, native_open},
    {"/T%", "OpenAndFail", 1, NativeEffect::kWritesWorld, native_open_and_fail},
    {"/T%", "Reserve", 1, NativeEffect::kPure, native_reserve},
    {"/T%", "Number", 0, NativeEffect::kPure, native_number},
};

const NativeTable& natives() {
  static const NativeTable* table = [] {
    auto* made = new NativeTable;
    made->add(kNatives);
    return made;
  }();
  return *table;
}

// ---- programs ---------------------------------------------------------------

struct Function {
  std::string header;  ///< "arity 1 slots 9 captures 0" and its own tables
  std::string body;
};

/// Returns a program of one module. Code 0 is its body: the natives with
/// arguments are put into the globals g0 Incr, g1 Decr, g2 IsZero, g3 Add, g4
/// Box, g5 Fail, g6 Check, g7 Open, g8 OpenAndFail, g9 Reserve, then `main` runs
/// in 100 slots. All code has the tables f0, f1... of all code and k0 to k9 of
/// the integers.
std::string program_text(const std::string& main, const std::vector<Function>& functions) {
  std::string tables = "constants";
  for (int i = 0; i < 10; ++i) tables += fmt::format(" {:#x}", pack_int(i));
  tables += "\nfunctions 0";
  for (size_t i = 0; i < functions.size(); ++i) tables += fmt::format(" {}", i + 1);
  std::string text = "globals 40\nmodule \"/T%\" code 0 global 39\n";
  text += "code 0 \"/T%\" at \"T.fble\":1:0 arity 0 slots 100 captures 0\n" + tables + "\n";
  std::string prelude;
  for (size_t i = 0; i < std::size(kNatives); ++i) {
    text += fmt::format("foreign \"/T%\" \"{}\" at 1:{}\n", kNatives[i].name, i + 1);
    if (kNatives[i].arity != 0) prelude += fmt::format("foreign s0 {}\n set_global g{} s0\n", i, i);
  }
  text += "foreign \"/T%\" \"Missing\" at 7:8\n";
  text += "{\n" + prelude + main + "\n}\n";
  for (size_t i = 0; i < functions.size(); ++i) {
    text += fmt::format("code {} \"/T%.f{}\" at \"T.fble\":{}:1 {}\n{}\n{{\n{}\n}}\n", i + 1, i + 1, 10 * (i + 1),
                        functions[i].header, tables, functions[i].body);
  }
  return text;
}

struct Mode {
  const char* name;
  MachineOptions options;
  std::optional<JitOptions> jit;
  bool is_portable = false;  ///< uses nothing beyond x86-64
};

std::vector<Mode> all_modes() {
  auto mode = [](const char* name, size_t nursery_bytes, unsigned stress, unsigned full_period, bool verify) {
    Mode result{name, {}, {}};
    result.options.heap.nursery_bytes = nursery_bytes;
    result.options.heap.stress = stress;
    result.options.heap.stress_full_period = full_period;
    result.options.heap.verify = verify;
    result.options.stack_bytes = size_t{1} << 30;
    return result;
  };
  auto compiled = [](Mode mode, uint32_t deopt_every) {
    mode.jit = JitOptions{};
    mode.jit->eager = true;
    mode.jit->deopt_every = deopt_every;
    return mode;
  };
  auto portable = [](Mode mode) {
    mode.is_portable = true;
    return mode;
  };
  return {mode("usual", 256 * 1024, 0, 8, false),
          portable(mode("old processor", 256 * 1024, 0, 8, false)),
          portable(mode("old processor, stress", 4096, 1, 5, true)),
          mode("tiny nursery", 512, 0, 8, true),
          mode("full collections", 4096, 1, 1, true),
          mode("stress", 4096, 1, 5, true),
          mode("marking in steps", 4096, 1, 1'000'000, true),
          compiled(mode("compiled", 256 * 1024, 0, 8, false), 0),
          compiled(mode("compiled, tiny nursery", 512, 0, 8, true), 0),
          compiled(mode("compiled, stress", 4096, 1, 5, true), 0),
          compiled(mode("compiled, every guard fails", 256 * 1024, 0, 8, false), 1),
          compiled(mode("compiled, every third guard fails, stress", 4096, 1, 5, true), 3)};
}

/// A program in a machine.
struct Execution {
  explicit Execution(const std::string& text, const MachineOptions& options = all_modes()[0].options,
                     const std::optional<JitOptions>& jit = std::nullopt) {
    BytecodeParse parse = parse_bytecode(text, "test");
    EXPECT_NE(parse.program, nullptr) << parse.error << "\n" << text;
    program = std::move(parse.program);
    const std::string problem = verify_bytecode(*program);
    EXPECT_EQ(problem, "");
    machine = std::make_unique<Machine>(*program, natives(), options);
    if (jit) engine = std::make_unique<TraceEngine>(machine->carrier(), *jit);
    if (problem.empty()) ok = machine->run_modules();
  }
  Word result() const { return machine->result(); }
  std::string error() const { return machine->error().render(); }

  std::unique_ptr<ProgramCode> program;
  std::unique_ptr<Machine> machine;
  std::unique_ptr<TraceEngine> engine;
  bool ok = false;
};

/// While it exists, handlers are those for a processor with these extensions.
class Processor {
 public:
  explicit Processor(const CpuExtensions& present) { choose_handlers(present); }
  ~Processor() { choose_handlers(cpu_extensions()); }
};

/// Runs the program in all modes; `check` looks at the results.
template <typename Check>
void in_all_modes(const std::string& text, Check&& check) {
  for (const Mode& mode : all_modes()) {
    SCOPED_TRACE(mode.name);
    const Processor processor(mode.is_portable ? CpuExtensions{} : cpu_extensions());
    Execution run(text, mode.options, mode.jit);
    check(run);
    if (testing::Test::HasFailure()) return;
  }
}

void expect_int(const std::string& main, const std::vector<Function>& functions, int64_t expected) {
  in_all_modes(program_text(main, functions), [&](const Execution& run) {
    ASSERT_TRUE(run.ok) << run.error();
    ASSERT_TRUE(is_packed(run.result()));
    ASSERT_EQ(unpack_int(run.result()), expected);
  });
}

std::vector<int64_t> ints_of_list(Word list) {
  std::vector<int64_t> ints;
  while (union_tag(list, 1) == 0) {
    const Word cell = union_arg(list, 1);
    ints.push_back(unpack_int(struct_field(cell, 0, 2)));
    list = struct_field(cell, 1, 2);
  }
  return ints;
}

void expect_list(const std::string& main, const std::vector<Function>& functions,
                 const std::vector<int64_t>& expected) {
  in_all_modes(program_text(main, functions), [&](const Execution& run) {
    ASSERT_TRUE(run.ok) << run.error();
    ASSERT_EQ(ints_of_list(run.result()), expected);
  });
}

void expect_error(const std::string& main, const std::vector<Function>& functions, const std::string& expected) {
  in_all_modes(program_text(main, functions), [&](const Execution& run) {
    ASSERT_FALSE(run.ok);
    ASSERT_EQ(run.error(), expected);
  });
}

// ---- processors -------------------------------------------------------------

TEST(Interpreter, ItsHandlersFitTheProcessor) {
  const CpuExtensions here = cpu_extensions();
  const auto handlers_with = [](const CpuExtensions& present) {
    const Processor processor(present);
    return plain_handlers();
  };
  const auto differ = [](const HandlerTable& a, const HandlerTable& b, Op op) {
    return a.handlers[static_cast<size_t>(op)] != b.handlers[static_cast<size_t>(op)];
  };
  const HandlerTable portable = handlers_with({});
  const bool has_all = here.bmi1 && here.bmi2 && here.lzcnt;
  EXPECT_EQ(differ(plain_handlers(), portable, Op::kSelect), has_all);
  EXPECT_FALSE(differ(plain_handlers(), portable, Op::kMove));
  // One extension that is missing is enough.
  for (const CpuExtensions& present : {CpuExtensions{.bmi1 = false, .bmi2 = true, .lzcnt = true},
                                       CpuExtensions{.bmi1 = true, .bmi2 = false, .lzcnt = true},
                                       CpuExtensions{.bmi1 = true, .bmi2 = true, .lzcnt = false}}) {
    EXPECT_FALSE(differ(handlers_with(present), portable, Op::kSelect));
  }
}

// ---- data -------------------------------------------------------------------

TEST(Interpreter, PackedAndBoxedDataAreReadAlike) {
  // Fields 3, 4 of a small struct, of a large one, and of a large one in unions.
  expect_list(R"(
      constant s0 k3
      constant s1 k4
      struct s2 (s0 s1)
      struct s3 (s0 s1 s0 s0 s0 s0 s0 s0 s0 s0 s0 s0 s0)
      union s4 2 w2 s3
      union_struct s5 1 w1 (s0 s1 s0 s0 s0 s0 s0 s0 s0 s0 s0 s0 s0)
      union s6 3 w4 s5
      union_struct s7 1 w1 (s0 s1)
      field s10 s2 1 2
      field s11 s3 0 13
      arg s12 s4 2 w2
      field s12 s12 1 13
      known_arg s13 s5 w1
      field s13 s13 0 13
      arg s14 s6 3 w4
      arg s14 s14 1 w1
      field s14 s14 1 13
      known_arg s15 s7 w1
      field s15 s15 0 2
      list s16 (s10 s11 s12 s13 s14 s15)
      return s16)",
              {}, {4, 3, 4, 3, 4, 3});
}

TEST(Interpreter, FullWordsSpillToObjects) {
  // Wrapping a value forty times outgrows the word; unwrapping gives it back.
  std::string main = "constant s0 k9\n";
  for (int i = 0; i < 40; ++i) main += fmt::format("union s0 {} w2 s0\n", i % 4);
  for (int i = 39; i >= 0; --i) main += fmt::format("arg s0 s0 {} w2\n", i % 4);
  expect_int(main + "return s0", {}, 9);
  main = "constant s0 k9\n constant s1 k8\n";
  for (int i = 0; i < 12; ++i) main += "struct s0 (s1 s0)\n";
  for (int i = 0; i < 12; ++i) main += "field s0 s0 1 2\n";
  expect_int(main + "return s0", {}, 9);
}

TEST(Interpreter, SelectsJumpByTag) {
  const Function pick = {"arity 1 slots 4 captures 0", R"(
      select s0 w2 [a b c]
    a: constant s1 k1
      jump end
    b: constant s1 k2
      jump end
    c: constant s1 k3
    end:
      return s1)"};
  const Function pick_arg = {"arity 1 slots 4 captures 0", R"(
      select_arg s1 s0 w2 [a b b]
    a: return s0
    b: field s1 s1 0 12
      return s1)"};
  expect_list(R"(
      constant s0 k7
      struct s1 (s0 s0 s0 s0 s0 s0 s0 s0 s0 s0 s0 s0)
      function s2 f1
      function s3 f2
      union s10 0 w2 s0
      call1 s2 s10 s20 b50
      union s10 1 w2 s1
      call1 s2 s10 s21 b50
      union s10 2 w2 s0
      call1 s2 s10 s22 b50
      union s10 3 w2 s1
      call1 s2 s10 s23 b50
      union s10 3 w2 s1
      call1 s3 s10 s24 b50
      union_struct s10 1 w2 (s0 s0 s0 s0 s0 s0 s0 s0 s0 s0 s0 s0)
      call1 s3 s10 s25 b50
      list s0 (s20 s21 s22 s23 s24 s25)
      return s0)",
              {pick, pick_arg}, {1, 2, 3, 3, 7, 7});
}

TEST(Interpreter, LiteralsAreMadeOnce) {
  // Letters 0 and 1 are packed; the wrapping of letter 2 outgrows a word.
  std::string path;
  for (int i = 0; i < 70; ++i) path += "1/2 ";
  const Function literal = {
      "arity 1 slots 4 captures 0 literal global 20 alphabet (0/2) (1/2 3/4) (" + path + ") letters 0 1 2 2 1",
      "literal s1 0\n return s1"};
  in_all_modes(program_text(R"(
      function s1 f1
      call1 s1 s1 s2 b50
      call1 s1 s1 s3 b50
      struct s0 (s2 s3 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1)
      return s0)",
                            {literal}),
               [&](const Execution& run) {
                 ASSERT_TRUE(run.ok) << run.error();
                 const Word both = run.result();
                 ASSERT_EQ(struct_field(both, 0, 12), struct_field(both, 1, 12));
                 Word list = struct_field(both, 0, 12);
                 for (const uint32_t letter : {0u, 1u, 2u, 2u, 1u}) {
                   ASSERT_EQ(union_tag(list, 1), 0u);
                   Word word = struct_field(union_arg(list, 1), 0, 2);
                   list = struct_field(union_arg(list, 1), 1, 2);
                   ASSERT_EQ(union_tag(word, 1), letter == 0 ? 0u : 1u);
                   if (letter == 1) {
                     ASSERT_EQ(union_tag(union_arg(word, 1), 2), 3u);
                   }
                   for (int i = 0; letter == 2 && i < 70; ++i) {
                     ASSERT_EQ(union_tag(word, 1), 1u);
                     word = union_arg(word, 1);
                   }
                   if (letter == 2) {
                     ASSERT_EQ(word, kUnitWord);
                   }
                 }
                 ASSERT_EQ(union_tag(list, 1), 1u);
               });
}

// ---- calls ------------------------------------------------------------------

TEST(Interpreter, CallsPassArgumentsAndResults) {
  const Function digits = {"arity 3 slots 30 captures 0", R"(
      list s3 (s0 s1 s2)
      return s3)"};
  for (const char* call : {"call s5 (s1 s2 s3) s0 b50", "call3 s5 s1 s2 s3 s0 b50", "call_global g30 (s1 s2 s3) s0 b50",
                           "call_global3 g30 s1 s2 s3 s0 b50"}) {
    expect_list(fmt::format(R"(
        function s5 f1
        set_global g30 s5
        constant s1 k1
        constant s2 k2
        constant s3 k3
        {}
        return s0)",
                            call),
                {digits}, {1, 2, 3});
  }
  for (const char* call : {"tail_call s2 (s1 s0 s1)", "tail_call3 s2 s1 s0 s1", "tail_call_global g30 (s1 s0 s1)",
                           "tail_call_global3 g30 s1 s0 s1"}) {
    const Function swap = {"arity 2 slots 30 captures 0", fmt::format("function s2 f1\n {}", call)};
    expect_list(R"(
        function s5 f1
        set_global g30 s5
        function s6 f2
        constant s1 k1
        constant s2 k2
        call2 s6 s1 s2 s0 b50
        return s0)",
                {digits, swap}, {2, 1, 2});
  }
}

TEST(Interpreter, TailCallsMoveManyArguments) {
  // Each of the rounds rotates twenty arguments by one; the last makes a list.
  std::string rotated;
  std::string list;
  for (int i = 0; i < 20; ++i) {
    rotated += fmt::format(" s{}", (i + 1) % 20);
    list += fmt::format(" s{}", i);
  }
  const Function rotate = {"arity 21 slots 60 captures 0", fmt::format(R"(
      call_global1 g2 s20 s21 b40
      select s21 w1 [done more]
    done:
      list s21 ({})
      return s21
    more:
      call_global1 g1 s20 s21 b40
      function s22 f1
      tail_call s22 ({} s21))",
                                                                       list, rotated)};
  std::string main;
  std::string args;
  std::vector<int64_t> expected;
  for (int i = 0; i < 20; ++i) {
    main += fmt::format("constant s{} k{}\n", i, i % 10);
    args += fmt::format(" s{}", i);
    expected.push_back((i + 7) % 10);
  }
  expect_list(main + fmt::format("constant s20 k7\n function s21 f1\n call s21 ({} s20) s0 b60\n return s0", args),
              {rotate}, expected);
}

/// Returns all ways to write `total` as a sum of positive numbers in order.
std::vector<std::vector<int>> compositions(int total) {
  if (total == 0) return {{}};
  std::vector<std::vector<int>> all;
  for (int first = 1; first <= total; ++first) {
    for (std::vector<int> rest : compositions(total - first)) {
      rest.insert(rest.begin(), first);
      all.push_back(std::move(rest));
    }
  }
  return all;
}

/// Returns functions that together take all arguments, in groups of the sizes in
/// `arities`, and then make the list of them. Code numbers start at `number`.
std::vector<Function> curried(const std::vector<int>& arities, int number) {
  std::vector<Function> functions;
  int held = 0;
  for (size_t i = 0; i < arities.size(); ++i) {
    const int arity = arities[i];
    std::string body;
    std::string all;
    if (i + 1 == arities.size()) {
      for (int k = 0; k < held; ++k) {
        body += fmt::format("capture s{} c{}\n", arity + k, k);
        all += fmt::format(" s{}", arity + k);
      }
      for (int k = 0; k < arity; ++k) all += fmt::format(" s{}", k);
      body += fmt::format("list s{} ({})\n return s{}", held + arity, all, held + arity);
    } else {
      for (int k = 0; k < held; ++k) all += fmt::format(" c{}", k);
      for (int k = 0; k < arity; ++k) all += fmt::format(" s{}", k);
      body = fmt::format("closure s{} f{} ({})\n return s{}", arity, number + i + 1, all, arity);
    }
    functions.push_back({fmt::format("arity {} slots 40 captures {}", arity, held), body});
    held += arity;
  }
  return functions;
}

TEST(Interpreter, ApplicationsOfAnyShapeAgree) {
  // The result does not depend on how a function and its calls group the
  // arguments; not in tail position either, nor through a global.
  constexpr int kTotal = 5;
  const std::vector<Mode> modes = all_modes();
  size_t mode = 0;
  for (const std::vector<int>& arities : compositions(kTotal)) {
    for (const std::vector<int>& groups : compositions(kTotal)) {
      for (const bool is_tail : {false, true}) {
        std::vector<Function> functions = curried(arities, 2);
        // f1 applies the function, its argument, to 1, 2, ... in groups. Every
        // second argument is an object.
        std::string body;
        for (int i = 0; i < kTotal; ++i) {
          body += fmt::format("constant s{} k{}\n", 1 + i, i + 1);
          if (i % 2 == 0) body += fmt::format("call_global2 g4 s{} s0 s{} b20\n", 1 + i, 1 + i);
        }
        int next = 1;
        for (size_t i = 0; i < groups.size(); ++i) {
          std::string args;
          for (int k = 0; k < groups[i]; ++k) args += fmt::format(" s{}", next++);
          const bool is_fixed = groups[i] <= 3 && (arities.size() + i) % 2 == 0;
          const std::string call =
              is_fixed ? fmt::format("call{} s0{}", groups[i], args) : fmt::format("call s0 ({})", args);
          body += i + 1 == groups.size() && is_tail ? "tail_" + call + "\n" : call + " s0 b20\n";
        }
        if (!is_tail) body += "return s0";
        functions.insert(functions.begin(), {"arity 1 slots 40 captures 0", body});
        const std::string text =
            program_text("function s1 f1\n function s2 f2\n call1 s1 s2 s0 b50\n return s0", functions);
        Execution run(text, modes[mode++ % modes.size()].options);
        ASSERT_TRUE(run.ok) << run.error() << text;
        Word list = run.result();
        for (int i = 0; i < kTotal; ++i) {
          ASSERT_EQ(union_tag(list, 1), 0u);
          Word element = struct_field(union_arg(list, 1), 0, 2);
          if (i % 2 == 0) element = struct_field(element, 0, 12);
          ASSERT_EQ(element, pack_int(i + 1)) << text;
          list = struct_field(union_arg(list, 1), 1, 2);
        }
        ASSERT_EQ(union_tag(list, 1), 1u);
      }
    }
  }
}

TEST(Interpreter, NativesArePartiallyAndOverApplied) {
  // add(1)(2), and a function that returns a native, applied to all arguments in one call.
  expect_int("constant s1 k1\n constant s2 k2\n call_global1 g3 s1 s3 b50\n call1 s3 s2 s0 b50\n return s0", {}, 3);
  const Function give = {"arity 1 slots 9 captures 0", "global s1 g3\n return s1"};
  for (const char* call :
       {"call3 s0 s1 s1 s2 s0 b50\n return s0", "tail_call3 s0 s1 s1 s2", "tail_call s0 (s1 s1 s2)"}) {
    expect_int(fmt::format("function s0 f1\n constant s1 k1\n constant s2 k2\n {}", call), {give}, 3);
  }
}

// ---- depth and length -------------------------------------------------------

/// f(n) = n = 0 ? 0 : 1 + f(n - 1), in the smallest frames that there are.
const Function kDeep = {"arity 1 slots 8 captures 0", R"(
      call_global1 g2 s0 s1 b4
      select s1 w1 [zero more]
    zero:
      return s0
    more:
      call_global1 g1 s0 s0 b4
      function s1 f1
      call1 s1 s0 s0 b5
      tail_call_global1 g0 s0)"};

TEST(Interpreter, RecursesTenMillionDeep) {
  const std::string text = program_text("function s0 f1\n return s0", {kDeep});
  Execution run(text);
  ASSERT_TRUE(run.ok);
  const size_t function = run.machine->keep(run.result());
  for (const int64_t depth : {10'000'000, 1000}) {
    run.machine->set_result(run.machine->kept(function));
    const Word args[] = {pack_int(depth)};
    ASSERT_TRUE(run.machine->call_result(args)) << run.error();
    EXPECT_EQ(unpack_int(run.result()), depth);
  }
}

TEST(Interpreter, BuildsListsOnTheWayBack) {
  // f(n) = n = 0 ? [] : [n, f(n - 1)...], with garbage at every level.
  const Function build = {"arity 1 slots 16 captures 0", R"(
      call_global1 g2 s0 s1 b9
      select s1 w1 [zero more]
    zero:
      list s1 ()
      return s1
    more:
      call_global2 g4 s0 s0 s1 b9
      call_global1 g1 s0 s2 b9
      function s3 f1
      call1 s3 s2 s2 b9
      call_global2 g4 s0 s2 s3 b9
      field s3 s3 1 12
      field s1 s1 0 12
      union_struct s1 0 w1 (s1 s3)
      return s1)"};
  for (const Mode& mode : all_modes()) {
    SCOPED_TRACE(mode.name);
    const int64_t depth = mode.options.heap.stress == 0 && !mode.options.heap.verify ? 200'000 : 300;
    Execution run(program_text("function s0 f1\n return s0", {build}), mode.options);
    ASSERT_TRUE(run.ok);
    const Word args[] = {pack_int(depth)};
    ASSERT_TRUE(run.machine->call_result(args)) << run.error();
    const std::vector<int64_t> ints = ints_of_list(run.result());
    ASSERT_EQ(ints.size(), static_cast<size_t>(depth));
    for (int64_t i = 0; i < depth; ++i) ASSERT_EQ(ints[static_cast<size_t>(i)], depth - i);
  }
}

/// Expects that a loop of n rounds takes no memory in stack and heap.
void expect_constant_memory(const std::string& main, const std::vector<Function>& functions, int64_t expected) {
  MachineOptions options;
  options.heap.nursery_bytes = 64 * 1024;
  Execution run(program_text(main, functions), options);
  ASSERT_TRUE(run.ok) << run.error();
  EXPECT_EQ(unpack_int(run.result()), expected);
  EXPECT_LE(run.machine->heap().old_bytes(), 64u * 1024);
  EXPECT_LE(run.machine->heap().stats().peak_bytes, 256u * 1024);
}

/// Returns code that makes a large number in slot s1 of main, by adding 9 and doubling.
std::string large_number(int doublings) {
  std::string text = "constant s1 k9\n";
  for (int i = 0; i < doublings; ++i) text += "call_global2 g3 s1 s1 s1 b50\n";
  return text;
}
constexpr int kDoublings = 14;
constexpr int64_t kRounds = int64_t{9} << kDoublings;

TEST(Interpreter, TailCallsRunInConstantMemory) {
  // loop(n, sum) = n = 0 ? sum : loop(n - 1, sum + 1), and a box for the collector.
  const Function loop = {"arity 2 slots 16 captures 0", R"(
      call_global1 g2 s0 s2 b9
      select s2 w1 [zero more]
    zero:
      return s1
    more:
      call_global2 g4 s0 s1 s2 b9
      field s0 s2 0 12
      call_global1 g1 s0 s0 b9
      call_global1 g0 s1 s1 b9
      function s2 f1
      tail_call2 s2 s0 s1)"};
  expect_constant_memory(large_number(kDoublings) + "constant s0 k0\n function s2 f1\n tail_call2 s2 s1 s0", {loop},
                         kRounds);
}

TEST(Interpreter, TailCallsOfPartialApplicationsRunInConstantMemory) {
  // loop(sum, n) = n = 0 ? sum : { p = loop(sum + 1); p(n - 1) }
  const Function loop = {"arity 2 slots 16 captures 0", R"(
      call_global1 g2 s1 s2 b9
      select s2 w1 [zero more]
    zero:
      return s0
    more:
      call_global1 g1 s1 s1 b9
      call_global1 g0 s0 s0 b9
      function s2 f1
      call1 s2 s0 s3 b9
      tail_call1 s3 s1)"};
  expect_constant_memory(large_number(kDoublings) + "constant s0 k0\n function s2 f1\n tail_call2 s2 s0 s1", {loop},
                         kRounds);
}

TEST(Interpreter, TailCallsOfTooManyArgumentsRunInConstantMemory) {
  // loop(n) = (sum) { n = 0 ? sum : loop(n - 1)(sum + 1) }: each round is an
  // over-application in tail position.
  const Function outer = {"arity 1 slots 16 captures 0", "closure s1 f2 (s0)\n return s1"};
  const Function inner = {"arity 1 slots 16 captures 1", R"(
      capture s1 c0
      call_global1 g2 s1 s2 b9
      select s2 w1 [zero more]
    zero:
      return s0
    more:
      call_global1 g1 s1 s1 b9
      call_global1 g0 s0 s0 b9
      function s2 f1
      tail_call2 s2 s1 s0)"};
  expect_constant_memory(large_number(kDoublings) + "constant s0 k0\n function s2 f1\n tail_call2 s2 s1 s0",
                         {outer, inner}, kRounds);
}

TEST(Interpreter, TreesAreBuiltAndSummedUnderAllModes) {
  // tree(n) = n = 0 ? leaf : node(tree(n - 1), tree(n - 1)); sum counts leaves.
  const Function tree = {"arity 1 slots 16 captures 0", R"(
      call_global1 g2 s0 s1 b9
      select s1 w1 [zero more]
    zero:
      constant s1 k1
      union s1 0 w1 s1
      return s1
    more:
      call_global1 g1 s0 s0 b9
      function s1 f1
      call1 s1 s0 s2 b9
      call1 s1 s0 s3 b9
      union_struct s4 1 w1 (s2 s3)
      return s4)"};
  const Function sum = {"arity 1 slots 16 captures 0", R"(
      select_arg s1 s0 w1 [leaf node]
    leaf:
      return s1
    node:
      field s2 s1 0 2
      function s3 f2
      call1 s3 s2 s2 b9
      field s4 s1 1 2
      call1 s3 s4 s4 b9
      tail_call_global2 g3 s2 s4)"};
  expect_int("function s0 f1\n function s1 f2\n constant s2 k8\n call1 s0 s2 s3 b50\n tail_call1 s1 s3", {tree, sum},
             256);
}

// ---- recursive values -------------------------------------------------------

TEST(Interpreter, RecursiveDataIsCyclic) {
  // ones = [1, ones...]; three elements from anywhere.
  in_all_modes(program_text(R"(
      declare 1 s0
      constant s1 k1
      union_struct s2 0 w1 (s1 s0)
      define s0 (s2)
      struct s3 (s0 s0 s0 s0 s0 s0 s0 s0 s0 s0 s0 s0)
      return s3)",
                            {}),
               [](const Execution& run) {
                 ASSERT_TRUE(run.ok) << run.error();
                 const Word list = struct_field(run.result(), 0, 12);
                 EXPECT_EQ(struct_field(union_arg(list, 1), 0, 2), pack_int(1));
                 EXPECT_EQ(struct_field(union_arg(list, 1), 1, 2), list);
               });
}

TEST(Interpreter, RecursiveFunctionsOfAGroupCallEachOther) {
  // even(n) = n = 0 ? 1 : odd(n - 1); odd(n) = n = 0 ? 0 : even(n - 1)
  auto half = [](const char* at_zero) {
    return Function{"arity 1 slots 16 captures 1", fmt::format(R"(
      call_global1 g2 s0 s1 b9
      select s1 w1 [zero more]
    zero:
      constant s1 {}
      return s1
    more:
      call_global1 g1 s0 s0 b9
      capture s1 c0
      tail_call1 s1 s0)",
                                                               at_zero)};
  };
  expect_list(R"(
      declare 2 s0
      closure s2 f1 (s1)
      closure s3 f2 (s0)
      define s0 (s2 s3)
      constant s4 k8
      call1 s0 s4 s5 b50
      constant s4 k7
      call1 s0 s4 s6 b50
      list s7 (s5 s6)
      return s7)",
              {half("k1"), half("k0")}, {1, 0});
}

TEST(Interpreter, PlaceholdersMayGoAnywhereUntilTheyAreUsed) {
  // The placeholder x goes through a function, a closure, a partial application
  // (of which another one is made), a list, a union, natives, a global and an
  // inner group; then x is defined as 5 and everything shows it.
  const Function identity = {"arity 1 slots 9 captures 0", "return s0"};
  const Function give = {"arity 1 slots 9 captures 1", "capture s1 c0\n return s1"};
  const Function third = {"arity 3 slots 9 captures 0", "list s3 (s0 s1 s2)\n return s3"};
  expect_list(R"(
      constant s50 k2
      declare 1 s0
      function s1 f1
      call1 s1 s0 s2 b60
      closure s3 f2 (s2)
      function s4 f3
      call1 s4 s2 s5 b60
      call1 s5 s50 s5 b60
      list s6 (s50 s2 s0)
      union s7 3 w2 s0
      call_global2 g4 s50 s0 s8 b60
      set_global g30 s0
      declare 2 s9
      struct s11 (s9 s0)
      struct s12 (s9 s10 s0)
      define s9 (s12 s11)
      constant s13 k5
      define s0 (s13)

      call1 s3 s50 s20 b60
      call1 s5 s50 s21 b60
      select_arg s22 s21 w1 [first first]
    first:
      field s22 s22 0 2
      select_arg s23 s6 w1 [second second]
    second:
      field s23 s23 1 2
      select_arg s23 s23 w1 [third third]
    third:
      field s23 s23 0 2
      arg s24 s7 3 w2
      field s25 s8 1 12
      global s26 g30
      field s27 s9 1 3
      field s28 s27 0 2
      field s28 s28 2 3
      field s27 s27 1 2
      list s29 (s0 s20 s22 s23 s24 s25 s26 s27 s28)
      return s29)",
              {identity, give, third}, {5, 5, 5, 5, 5, 5, 5, 5, 5});
}

TEST(Interpreter, GlobalsKeepWhatTheyAreDefinedAs) {
  // The only way to the struct is the global, which held its placeholder.
  const Function loop = {"arity 1 slots 16 captures 0", R"(
      call_global1 g2 s0 s1 b9
      select s1 w1 [zero more]
    zero:
      global s1 g30
      field s1 s1 3 12
      return s1
    more:
      call_global2 g4 s0 s0 s1 b9
      field s0 s1 0 12
      call_global1 g1 s0 s0 b9
      function s1 f1
      tail_call1 s1 s0)"};
  expect_int(R"(
      constant s2 k1
      constant s3 k7
      declare 1 s0
      set_global g30 s0
      struct s1 (s0 s2 s2 s3 s2 s2 s2 s2 s2 s2 s2 s2)
      define s0 (s1)
      function s0 f1
      call_global2 g3 s3 s3 s1 b50
      call_global2 g3 s1 s1 s1 b50
      call_global2 g3 s1 s1 s1 b50
      tail_call1 s0 s1)",
             {loop}, 7);
}

TEST(Interpreter, InnerGroupsMayHoldOuterPlaceholders) {
  // A function is called while the outer group is open and has a group of its
  // own, whose value is the outer placeholder itself.
  const Function inner = {"arity 1 slots 16 captures 0", R"(
      declare 2 s1
      move s3 s2
      move s4 s0
      define s1 (s3 s4)
      struct s3 (s1 s2)
      return s3)"};
  expect_int(R"(
      declare 1 s0
      function s1 f1
      call1 s1 s0 s2 b50
      constant s3 k6
      define s0 (s3)
      field s4 s2 0 2
      field s5 s2 1 2
      tail_call_global2 g3 s4 s5)",
             {inner}, 12);
}

TEST(Interpreter, ManyGroupsReuseTheirPlaceholders) {
  // A loop whose rounds each make a recursive closure and leave it in a list.
  const Function give = {"arity 1 slots 9 captures 2", "capture s1 c1\n return s1"};
  const Function loop = {"arity 2 slots 16 captures 0", R"(
      call_global1 g2 s0 s2 b12
      select s2 w1 [zero more]
    zero:
      return s1
    more:
      declare 1 s2
      closure s3 f1 (s2 s0)
      define s2 (s3)
      call1 s2 s0 s3 b12
      union_struct s1 0 w1 (s3 s1)
      call_global1 g1 s0 s0 b12
      function s3 f2
      tail_call2 s3 s0 s1)"};
  expect_list("list s0 ()\n constant s1 k9\n function s2 f2\n tail_call2 s2 s1 s0", {give, loop},
              {1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST(Interpreter, UsesOfPlaceholdersAreErrors) {
  const std::string open = "declare 1 s0\n";
  const std::string close = "\n define s0 (s1)\n return s0";
  auto expect_message = [&](const std::string& use, const std::string& message) {
    expect_error(open + use + close, {}, "T.fble:3:4: error: in /T%: " + message + "\n");
  };
  expect_message("field s1 s0 0 2 at 3:4", "undefined struct value access");
  expect_message("field s1 s0 0 1 at 3:4", "undefined struct value access");
  expect_message("arg s1 s0 0 w1 at 3:4", "undefined union value access");
  expect_message("select s0 w1 [a] at 3:4\n a: constant s1 k0", "undefined union value select");
  expect_message("select_arg s1 s0 w1 [a] at 3:4\n a: constant s1 k0", "undefined union value select");
  expect_message("call1 s0 s0 s1 b50 at 3:4", "called undefined function");
  expect_message("call s0 (s0) s1 b50 at 3:4", "called undefined function");
  expect_message("set_global g30 s0\n call_global1 g30 s0 s1 b50 at 3:4", "called undefined function");
  expect_message("call_global1 g6 s0 s1 b50 at 3:4", "undefined value passed to native code");
  expect_message("call_global1 g4 s0 s1 b50\n call1 s1 s0 s1 b50\n field s1 s1 0 12\n call1 s1 s0 s1 b50 at 3:4",
                 "called undefined function");
  const Function tail = {"arity 1 slots 9 captures 0", "tail_call1 s0 s0 at 5:6"};
  expect_error(open + "function s1 f1\n call1 s1 s0 s1 b50 at 3:4" + close, {tail},
               "T.fble:5:6: error: in /T%.f1: called undefined function\nT.fble:3:4: error: in /T%\n");
}

TEST(Interpreter, ValuesThatAreOnlyThemselvesAreVacuous) {
  const Function identity = {"arity 1 slots 9 captures 0", "return s0"};
  expect_error("declare 1 s0\n move s1 s0\n define s0 (s1) at 3:4\n return s0", {},
               "T.fble:3:4: error: in /T%: vacuous value\n");
  expect_error("declare 1 s0\n function s2 f1\n call1 s2 s0 s1 b50\n define s0 (s1) at 3:4\n return s0", {identity},
               "T.fble:3:4: error: in /T%: vacuous value\n");
  expect_error(R"(
      declare 3 s0
      constant s3 k1
      move s4 s2
      move s5 s1
      define s0 (s3 s4 s5) at +4 3:1 at +5 3:2 at 3:3
      return s0)",
               {}, "T.fble:3:2: error: in /T%: vacuous value\n");
}

TEST(Interpreter, DefinitionsMayBeOtherVariablesOfTheGroup) {
  expect_list(R"(
      declare 4 s0
      move s4 s1
      move s5 s2
      move s6 s3
      constant s7 k4
      define s0 (s4 s5 s6 s7)
      list s8 (s0 s1 s2 s3)
      return s8)",
              {}, {4, 4, 4, 4});
}

// ---- errors -----------------------------------------------------------------

TEST(Interpreter, ErrorTracesShowTheActivationsThatWait) {
  // main calls f1, which tail calls f2, which applies f3 partially, then fully;
  // f3 calls too much: a native that fails. Tail calls and glue leave no line.
  const Function f1 = {"arity 1 slots 9 captures 0", "function s1 f2\n tail_call1 s1 s0 at 10:2"};
  const Function f2 = {"arity 1 slots 20 captures 0",
                       "function s1 f3\n call1 s1 s0 s2 b9 at 20:2\n call1 s2 s0 s2 b9 at 20:3\n return s2"};
  const Function f3 = {"arity 2 slots 20 captures 0", "function s2 f4\n call3 s2 s0 s0 s0 s2 b9 at 30:2\n return s2"};
  const Function f4 = {"arity 2 slots 20 captures 0", "call_global1 g5 s0 s0 b9 at 40:2\n return s0"};
  const Function f4_tail = {"arity 2 slots 20 captures 0", "tail_call_global1 g5 s0 at 40:2"};
  const std::string main = "function s0 f1\n call1 s0 s0 s0 b50 at 1:5\n return s0";
  expect_error(main, {f1, f2, f3, f4},
               "T.fble:40:2: error: in /T%.f4: the native failed\n"
               "T.fble:30:2: error: in /T%.f3\n"
               "T.fble:20:3: error: in /T%.f2\n"
               "T.fble:1:5: error: in /T%\n");
  expect_error(main, {f1, f2, f3, f4_tail},
               "T.fble:30:2: error: in /T%.f3: the native failed\n"
               "T.fble:20:3: error: in /T%.f2\n"
               "T.fble:1:5: error: in /T%\n");
}

TEST(Interpreter, WrongTagsAreErrors) {
  expect_error("constant s0 k0\n union s0 1 w1 s0\n arg s0 s0 0 w1 at 3:4\n return s0", {},
               "T.fble:3:4: error: in /T%: union field access undefined: wrong tag\n");
  expect_error(R"(
      constant s0 k0
      union_struct s0 1 w1 (s0 s0 s0 s0 s0 s0 s0 s0 s0 s0 s0 s0)
      arg s0 s0 0 w1 at 3:4
      return s0)",
               {}, "T.fble:3:4: error: in /T%: union field access undefined: wrong tag\n");
}

TEST(Interpreter, ForeignsAreLookedUp) {
  expect_int("foreign s0 10\n return s0", {}, 42);
  expect_error("foreign s0 11 at 3:4\n return s0", {}, "T.fble:7:8: error: in /T%: foreign value not found\n");
}

TEST(Interpreter, LongTracesAreShortened) {
  const Function fail = {"arity 1 slots 8 captures 0", R"(
      call_global1 g2 s0 s1 b4
      select s1 w1 [zero more]
    zero:
      call_global1 g5 s0 s0 b4 at 11:1
      return s0
    more:
      call_global1 g1 s0 s0 b4
      function s1 f1
      call1 s1 s0 s0 b5 at 12:1
      return s0)"};
  Execution run(program_text("function s0 f1\n return s0", {fail}));
  ASSERT_TRUE(run.ok);
  const size_t function = run.machine->keep(run.result());
  for (const int64_t depth : {5, 119, 120, 1'000'000}) {
    run.machine->set_result(run.machine->kept(function));
    const Word args[] = {pack_int(depth)};
    ASSERT_FALSE(run.machine->call_result(args));
    std::string expected = "T.fble:11:1: error: in /T%.f1: the native failed\n";
    for (int64_t i = 0; i < depth; ++i) {
      if (depth > 119 && i == 99) {
        expected += fmt::format("  ({} more calls)\n", depth - 119);
        i += depth - 119;
      }
      expected += "T.fble:12:1: error: in /T%.f1\n";
    }
    EXPECT_EQ(run.error(), expected);
  }
}

// ---- limits -----------------------------------------------------------------

/// Calls the result of the program, a function, with an integer, and expects
/// the error. The machine must be usable like a new one after that.
void expect_limit(const std::vector<Function>& functions, const MachineOptions& options, const std::string& message) {
  Execution run(program_text("function s0 f1\n return s0", functions), options);
  ASSERT_TRUE(run.ok) << run.error();
  const size_t function = run.machine->keep(run.result());
  for (int round = 0; round < 3; ++round) {
    run.machine->set_result(run.machine->kept(function));
    const Word small[] = {pack_int(3)};
    ASSERT_TRUE(run.machine->call_result(small)) << run.error();
    run.machine->set_result(run.machine->kept(function));
    const Word large[] = {pack_int(int64_t{1} << 40)};
    ASSERT_FALSE(run.machine->call_result(large));
    EXPECT_TRUE(run.machine->error().out_of_memory);
    EXPECT_EQ(run.machine->error().lines[0].message, message);
    run.machine->collect_all();
  }
}

TEST(Interpreter, TheCallStackHasALimit) {
  for (const Mode& mode : all_modes()) {
    SCOPED_TRACE(mode.name);
    MachineOptions options = mode.options;
    options.stack_bytes = 64 * 1024;
    expect_limit({kDeep}, options, "out of memory: the call stack has reached its limit");
  }
}

TEST(Interpreter, GlueRespectsTheLimitOfTheStack) {
  // f(n) = n = 0 ? 0 : g(n, 1000 arguments...) where g takes one and returns a
  // function that takes the others and calls f(n - 1) before it returns.
  std::string many;
  for (int i = 0; i < 1000; ++i) many += " s0";
  const Function f = {"arity 1 slots 1010 captures 0", fmt::format(R"(
      call_global1 g2 s0 s1 b9
      select s1 w1 [zero more]
    zero:
      return s0
    more:
      function s1 f2
      call s1 (s0{}) s1 b9
      return s1)",
                                                                   many)};
  const Function g = {"arity 1 slots 9 captures 0", "closure s1 f3 (s0)\n return s1"};
  const Function h = {"arity 1000 slots 1100 captures 1", R"(
      capture s0 c0
      call_global1 g1 s0 s0 b1010
      function s1 f1
      call1 s1 s0 s0 b1010
      return s0)"};
  // Sizes that put the limit at various places of the frames.
  for (size_t slots = 0; slots < 5000; slots += 97) {
    MachineOptions options = all_modes()[0].options;
    options.heap.nursery_bytes = 16 * 1024;
    options.stack_bytes = 64 * 1024 + slots / 512 * 4096;
    expect_limit({f, g, h}, options, "out of memory: the call stack has reached its limit");
    if (HasFailure()) return;
  }
}

/// f(n) = n = 0 ? [] : a list of n boxes, all alive.
const Function kHoard = {"arity 1 slots 20 captures 0", "list s1 ()\n function s2 f2\n tail_call2 s2 s0 s1"};
const Function kHoardLoop = {"arity 2 slots 20 captures 0", R"(
      call_global1 g2 s0 s2 b9
      select s2 w1 [zero more]
    zero:
      return s1
    more:
      struct s2 (s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1)
      call_global1 g1 s0 s0 b9
      function s3 f2
      tail_call2 s3 s0 s2)"};

TEST(Interpreter, TheHeapHasALimit) {
  for (const Mode& mode : all_modes()) {
    SCOPED_TRACE(mode.name);
    MachineOptions options = mode.options;
    options.heap.nursery_bytes = std::min<size_t>(options.heap.nursery_bytes, 4096);
    options.heap.max_bytes = 128 * 1024;
    expect_limit({kHoard, kHoardLoop}, options, "out of memory: the heap has reached its limit");
  }
}

TEST(Interpreter, NativesMeetTheLimitOfTheHeap) {
  const Function reserve = {"arity 1 slots 20 captures 0", "tail_call_global1 g9 s0"};
  for (const Mode& mode : all_modes()) {
    SCOPED_TRACE(mode.name);
    MachineOptions options = mode.options;
    options.heap.max_bytes = 1024 * 1024;
    expect_limit({reserve}, options, "out of memory: the heap has reached its limit");
  }
}

TEST(Interpreter, BuildingValuesMeetsTheLimitOfTheHeap) {
  MachineOptions options;
  options.heap.max_bytes = 1024 * 1024;
  Execution run(program_text("foreign s0 10\n return s0", {}), options);
  const Word word =
      run.machine->build([](NativeCall& call) -> Word { return call.reserve(size_t{1} << 40) ? kUnitWord : 0; });
  EXPECT_EQ(word, 0u);
  EXPECT_EQ(run.error(), "error: out of memory: the heap has reached its limit\n");
  const Word list = run.machine->build([](NativeCall& call) -> Word {
    if (!call.reserve(object_words(2))) return 0;
    const Word fields[] = {pack_int(7), pack_union(kUnitWord, 1, 1)};
    return call.make_union_struct(0, 2, fields);
  });
  EXPECT_EQ(ints_of_list(list), std::vector<int64_t>{7});
}

TEST(Interpreter, ResourcesLiveAsLongAsTheirHandles) {
  const Function hold = {"arity 1 slots 20 captures 0",
                         "call_global1 g7 s0 s1 b9\n call_global1 g7 s0 s0 b9\n return s1"};
  for (const Mode& mode : all_modes()) {
    SCOPED_TRACE(mode.name);
    open_resources = 0;
    {
      Execution run(program_text("function s0 f1\n tail_call1 s0 s0", {hold}), mode.options);
      ASSERT_TRUE(run.ok) << run.error();
      run.machine->collect_all();
      EXPECT_EQ(open_resources, 1);  // the other one was dropped
    }
    EXPECT_EQ(open_resources, 0);
    {
      Execution run(program_text("function s0 f1\n call_global1 g8 s0 s0 b50\n return s0", {hold}), mode.options);
      ASSERT_FALSE(run.ok);
      EXPECT_EQ(open_resources, 1);
      run.machine->collect_all();
      EXPECT_EQ(open_resources, 0);
    }
  }
}

// ---- interrupts -------------------------------------------------------------

TEST(Interpreter, LoopsAreInterrupted) {
  // One that allocates nothing, one that does, one that recurses.
  const Function empty = {"arity 1 slots 20 captures 0", "function s1 f1\n tail_call1 s1 s0 at 10:2"};
  const Function boxes = {"arity 1 slots 20 captures 0",
                          "call_global2 g4 s0 s0 s1 b9\n function s1 f1\n tail_call1 s1 s0 at 10:2"};
  const Function calls = {"arity 1 slots 20 captures 0",
                          "call_global1 g0 s0 s0 b9 at 10:2\n function s1 f1\n tail_call1 s1 s0 at 10:2"};
  for (const Function& function : {empty, boxes, calls}) {
    for (const Mode& mode : all_modes()) {
      SCOPED_TRACE(mode.name);
      Execution run(program_text("function s0 f1\n return s0", {function}), mode.options);
      ASSERT_TRUE(run.ok);
      std::thread timer([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        run.machine->carrier().request(Attention::kInterrupt);
      });
      const Word args[] = {pack_int(0)};
      EXPECT_FALSE(run.machine->call_result(args));
      timer.join();
      EXPECT_TRUE(run.machine->error().interrupted);
      EXPECT_NE(run.error().find("interrupted\n"), std::string::npos);
    }
  }
}

TEST(Interpreter, AnInterruptBeforeARunIsNotLost) {
  Execution run(program_text("function s0 f1\n return s0", {kDeep}));
  ASSERT_TRUE(run.ok);
  const size_t function = run.machine->keep(run.result());
  run.machine->carrier().request(Attention::kInterrupt);
  const Word args[] = {pack_int(10)};
  EXPECT_FALSE(run.machine->call_result(args));
  EXPECT_TRUE(run.machine->error().interrupted);
  run.machine->set_result(run.machine->kept(function));
  EXPECT_TRUE(run.machine->call_result(args));
}

}  // namespace
}  // namespace fble
