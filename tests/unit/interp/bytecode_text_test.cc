// Bytecode text: any printed program parses back to the same; text that does not
// parse gets a located message.
#include "interp/bytecode_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "interp/bytecode_verify.h"

namespace fble {
namespace {

std::string error_of(std::string_view text) {
  BytecodeParse parse = parse_bytecode(text, "test");
  EXPECT_EQ(parse.program == nullptr, !parse.error.empty());
  return parse.error;
}

std::string reprint(std::string_view text) {
  BytecodeParse parse = parse_bytecode(text, "test");
  EXPECT_NE(parse.program, nullptr) << parse.error << "\n" << text;
  return parse.program == nullptr ? "" : print_bytecode(*parse.program);
}

constexpr const char* kEverything = R"(globals 3
name "/A%"
name "/A%.f"
name "/A%|"
module "/A%" code 0 global 0

code 0 "/A%" at "A.fble":1:0
  arity 0 slots 12 captures 0
  functions 1 1
  constants 0x3 0xffffffffffffffff
  literal global 2 alphabet () (1/2 0/3) letters 0 1 1
  foreign "/Std/Io%" "Get" at 3:4
  foreign "/Std/Io%" "Put" at "B.fble":3:4
{
  constant s0 k0                             ; 0 0x3
  function s1 f0  at 2:3                     ; 3 code 1
  set_global g1 s1                           ; 6 "/A%.f"
  global s2 g1                               ; 9 "/A%.f"
  declare 2 s3                               ; 12
  closure s5 f0 (s1 s4)  at 4:1              ; 15
  struct s6 (s0)                             ; 21
  define s3 (s5 s6)  at +4 5:1  at 5:2       ; 25
  struct s7 ()                               ; 30
  union s8 1 w2 s7                           ; 33
  union_struct s8 0 w1 (s7 s7)               ; 38
  select s8 w1 [L57 L51]  at 7:1             ; 45
L51:
  known_arg s9 s8 w1                         ; 51
  ; a comment
  jump L64
L57:
  arg s9 s8 0 w1  at "B.fble":8:9            ; 57
  jump L64
L64:
  list s9 ()
  literal s9 0
  foreign s9 1
  field s9 s7 0 1
  call s5 (s9 s8) s0 b12
  call_global g1 () s1 b12
  move s10 s1
  tail_call_global g1 (s10 s10)
  tail_call s5 ()
  return s0
}

code 1 "/A%.f\x0a\"\\"
  arity 2 slots 5 captures 1 glue
{
  capture s2 c0
  closure s3 f0 (c0 s2)
  apply_held
  native_body
  halt s2
}
)";

TEST(BytecodeText, ReadsBackAsItIsPrinted) {
  const std::string once = reprint(kEverything);
  EXPECT_EQ(reprint(once), once);
  EXPECT_NE(once.find(R"(module "/A%" code 0 global 0)"), std::string::npos);
  EXPECT_NE(once.find(R"(literal global 2 alphabet () (1/2 0/3) letters 0 1 1)"), std::string::npos);
  EXPECT_NE(once.find("  arity 2 slots 5 captures 1 glue\n"), std::string::npos);
  EXPECT_NE(once.find(R"(code 1 "/A%.f\x0a\"\\")"), std::string::npos);
}

TEST(BytecodeText, PrintsWhatTheTablesSay) {
  const std::string text = reprint(kEverything);
  EXPECT_NE(text.find("constant s0 k0                             ; 0 0x3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("function s1 f0  at 2:3                     ; 3 code 1\n"), std::string::npos);
  EXPECT_NE(text.find("set_global g1 s1                           ; 6 \"/A%.f\"\n"), std::string::npos);
}

TEST(BytecodeText, ParsesWordsAndLocations) {
  BytecodeParse parse = parse_bytecode(kEverything, "test");
  ASSERT_NE(parse.program, nullptr) << parse.error;
  const Code& code = parse.program->codes[0];
  const std::vector<uint32_t> begin = {static_cast<uint32_t>(Op::kConstant), 0, 0,
                                       static_cast<uint32_t>(Op::kFunction), 1, 0};
  EXPECT_TRUE(std::equal(begin.begin(), begin.end(), code.words.begin()));
  EXPECT_EQ(code.start, code.words.data());
  EXPECT_EQ(code.functions, (std::vector<Code*>{&parse.program->codes[1], &parse.program->codes[1]}));
  const Symbol file("A.fble");
  EXPECT_EQ(code.loc_at(3), (Loc{file, 2, 3}));
  EXPECT_EQ(code.loc_at(28), (Loc{file, 5, 1}));
  EXPECT_EQ(code.loc_at(29), (Loc{file, 5, 2}));
  EXPECT_EQ(code.loc_at(57), (Loc{Symbol("B.fble"), 8, 9}));
  const auto last = static_cast<uint32_t>(code.words.size() - 1);
  EXPECT_EQ(code.loc_at(last).line, 0u);
  EXPECT_NE(code.loc.line, 0u);
  EXPECT_EQ(code.place_at(last), code.loc);
  EXPECT_EQ(code.place_at(57), (Loc{Symbol("B.fble"), 8, 9}));
  EXPECT_EQ(code.foreigns[0].loc, (Loc{file, 3, 4}));
  EXPECT_EQ(parse.program->codes[1].block.str(), "/A%.f\n\"\\");
  EXPECT_TRUE(parse.program->codes[1].is_glue);
  EXPECT_EQ(parse.program->modules[0].body, &code);
}

TEST(BytecodeText, EveryInstructionOfTheTableReadsBack) {
  // Rows are tested with made-up operands, so a new row needs no new test.
  for (uint32_t op = 0; op < static_cast<uint32_t>(Op::kCount); ++op) {
    for (uint32_t list = 0; list < 4; ++list) {
      ProgramCode program;
      Code& code = program.codes.emplace_back();
      code.words.push_back(op);
      uint32_t next = 11;
      for (const char* operand = op_info(static_cast<Op>(op)).operands; *operand != 0; ++operand) {
        const bool is_list = is_list_operand(*operand);
        for (uint32_t i = 0; i < (is_list ? list : 1); ++i) code.words.push_back(*operand == 'N' ? list : next++);
      }
      EXPECT_EQ(whole_instruction_length(code.words), code.words.size());
      EXPECT_EQ(instruction_length(code.words.data()), code.words.size());
      const std::string text = print_bytecode(program);
      BytecodeParse parse = parse_bytecode(text, "test");
      ASSERT_NE(parse.program, nullptr) << parse.error << text;
      EXPECT_EQ(parse.program->codes[0].words, code.words) << text;
      EXPECT_EQ(print_bytecode(*parse.program), text);
      // With missing words it is shown as words.
      for (size_t size = 1; size < code.words.size(); ++size) {
        Code& part = program.codes.emplace_back();
        part.words.assign(code.words.begin(), code.words.begin() + static_cast<ptrdiff_t>(size));
      }
      EXPECT_EQ(reprint(print_bytecode(program)), print_bytecode(program));
    }
  }
}

TEST(BytecodeText, RandomProgramsReadBack) {
  std::mt19937_64 random(1);
  auto below = [&](uint64_t limit) { return static_cast<uint32_t>(random() % limit); };
  auto number = [&] { return below(8) == 0 ? static_cast<uint32_t>(random()) : below(12); };
  auto text_of = [&] {
    std::string text;
    for (uint32_t i = below(5); i > 0; --i) text += static_cast<char>(below(3) == 0 ? below(256) : 'a' + below(26));
    return text;
  };
  auto loc = [&] { return Loc{Symbol(below(4) == 0 ? text_of() : "F.fble"), number(), number()}; };
  for (int run = 0; run < 500; ++run) {
    ProgramCode program;
    program.global_count = number();
    for (uint32_t i = below(4); i > 0; --i) program.global_names.push_back(text_of());
    const uint32_t count = 1 + below(4);
    program.codes.resize(count);
    for (Code& code : program.codes) {
      code.arity = number();
      code.frame_slots = number();
      code.capture_count = number();
      code.is_glue = below(4) == 0;
      code.block = Symbol(text_of());
      if (below(4) != 0) code.loc = loc();
      for (uint32_t i = below(4); i > 0; --i) code.functions.push_back(&program.codes[below(count)]);
      for (uint32_t i = below(4); i > 0; --i) code.constants.push_back(random());
      for (uint32_t i = below(3); i > 0; --i) {
        LiteralData& literal = code.literals.emplace_back();
        literal.global = number();
        for (uint32_t paths = below(3); paths > 0; --paths) {
          std::vector<TagStep> steps;
          for (uint32_t k = below(3); k > 0; --k) steps.push_back({number(), number()});
          literal.alphabet.emplace_back(steps);
        }
        for (uint32_t k = below(3); k > 0; --k) literal.letters.push_back(number());
      }
      for (uint32_t i = below(3); i > 0; --i) code.foreigns.push_back({text_of(), text_of(), loc()});
      // Mostly instructions, sometimes nonsense.
      for (uint32_t i = 1 + below(8); i > 0; --i) {
        const uint32_t op = below(static_cast<uint64_t>(Op::kCount) + (below(8) == 0 ? 3 : 0));
        code.words.push_back(op);
        if (op >= static_cast<uint32_t>(Op::kCount)) continue;
        uint32_t list = 0;
        for (const char* operand = op_info(static_cast<Op>(op)).operands; *operand != 0; ++operand) {
          const bool is_list = is_list_operand(*operand);
          for (uint32_t k = is_list ? list : 1; k > 0; --k) code.words.push_back(number());
          if (*operand == 'N') list = code.words.back() = below(4);
        }
      }
      uint32_t end = 0;
      for (uint32_t i = below(4); i > 0; --i) {
        end = below(8) == 0 ? number() : end + 1 + below(4);
        code.locs.push_back({end, loc()});
      }
    }
    for (uint32_t i = below(3); i > 0; --i) {
      program.modules.push_back({text_of(), &program.codes[below(count)], number()});
    }

    const std::string text = print_bytecode(program);
    BytecodeParse parse = parse_bytecode(text, "test");
    ASSERT_NE(parse.program, nullptr) << parse.error << text;
    ASSERT_EQ(print_bytecode(*parse.program), text);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(parse.program->codes[i].words, program.codes[i].words) << text;
      ASSERT_EQ(parse.program->codes[i].locs.size(), program.codes[i].locs.size());
      for (size_t k = 0; k < program.codes[i].locs.size(); ++k) {
        ASSERT_EQ(parse.program->codes[i].locs[k].end, program.codes[i].locs[k].end) << text;
        ASSERT_EQ(parse.program->codes[i].locs[k].loc, program.codes[i].locs[k].loc);
      }
    }
    verify_bytecode(*parse.program);  // whatever it says
  }
}

TEST(BytecodeText, MutilatedTextIsAnErrorOrAProgram) {
  std::mt19937_64 random(2);
  const std::string whole = reprint(kEverything);
  const std::string marks = "()[]{}:;+\"\\/ \n0s9xLat";
  for (int run = 0; run < 3'000; ++run) {
    std::string text = whole;
    for (uint64_t edits = 1 + random() % 4; edits > 0; --edits) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0: text.erase(at, 1 + random() % 8); break;
        case 1: text.insert(at, 1, marks[random() % marks.size()]); break;
        case 2: text[at] = static_cast<char>(random()); break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 20));
      }
      if (text.empty()) text = " ";
    }
    BytecodeParse parse = parse_bytecode(text, "test");
    if (parse.program == nullptr) {
      EXPECT_NE(parse.error.find(": error: "), std::string::npos);
      continue;
    }
    const std::string once = print_bytecode(*parse.program);
    ASSERT_EQ(reprint(once), once);
    verify_bytecode(*parse.program);
  }
}

TEST(BytecodeText, ErrorsSayWhereAndWhy) {
  EXPECT_EQ(error_of("\n  glob 3"),
            "test:2:3: error: expected 'globals', 'name', 'module', 'deopt_point' or 'code', found 'glob'");
  EXPECT_EQ(error_of("globals"), "test:1:8: error: expected a number, found the end of the text");
  EXPECT_EQ(error_of("globals 1 2"), "test:1:11: error: expected the end of the line, found '2'");
  EXPECT_EQ(error_of("globals 4294967296"), "test:1:9: error: number 4294967296 does not fit in 32 bits");
  EXPECT_EQ(error_of("globals 99999999999999999999"),
            "test:1:9: error: number 99999999999999999999 does not fit in 64 bits");
  EXPECT_EQ(error_of("globals 12ab"), "test:1:9: error: malformed number '12ab'");
  EXPECT_EQ(error_of("globals 0x"), "test:1:9: error: malformed number '0x'");
  EXPECT_EQ(error_of("name /A%"), "test:1:6: error: expected the name of a global in quotes, found '/'");
  EXPECT_EQ(error_of("name \"abc"), "test:1:6: error: string does not end");
  EXPECT_EQ(error_of("name \"abc\\n\""),
            "test:1:6: error: unknown escape in string: only \\\\, \\\" and \\xHH are known");
  EXPECT_EQ(error_of("name \"\\x0"), "test:1:6: error: unknown escape in string: only \\\\, \\\" and \\xHH are known");
  EXPECT_EQ(error_of("\x80"),
            "test:1:1: error: expected 'globals', 'name', 'module', 'deopt_point' or 'code', found byte 0x80");
  EXPECT_EQ(error_of("module \"/A%\" code 7 global 0\n"), "test:1:19: error: there is no code 7");
  EXPECT_EQ(error_of("code 1 \"/A%\" {"), "test:1:6: error: code objects are numbered in order: this is 0");
}

std::string error_in_code(std::string_view body) {
  return error_of(fmt::format("code 0 \"\" arity 0 slots 4 {{\n{}\n}}\n", body));
}

TEST(BytecodeText, ErrorsInCodeSayWhereAndWhy) {
  EXPECT_EQ(error_in_code(""), "test:1:27: error: code without an instruction");
  EXPECT_EQ(error_in_code("  bogus s1"), "test:2:3: error: unknown instruction 'bogus'");
  EXPECT_EQ(error_in_code("move s1 g2"), "test:2:9: error: expected a slot, such as s0, found 'g2'");
  EXPECT_EQ(error_in_code("move s1"), "test:2:8: error: expected a slot, such as s0, found the end of the line");
  EXPECT_EQ(error_in_code("move s1 s2 s3"), "test:2:12: error: expected the end of the line, found 's3'");
  EXPECT_EQ(error_in_code("move s1 s4294967296"), "test:2:9: error: the number in 's4294967296' is too large");
  EXPECT_EQ(error_in_code("closure s0 f0 (s2147483648)"), "test:2:16: error: the number in 's2147483648' is too large");
  EXPECT_EQ(error_in_code("closure s0 f0 (k1)"),
            "test:2:16: error: expected a slot or a capture, such as s0 or c0, found 'k1'");
  EXPECT_EQ(error_in_code("struct s0 s1"), "test:2:11: error: expected '(', found 's1'");
  EXPECT_EQ(error_in_code("jump nowhere"), "test:2:6: error: label 'nowhere' is not defined");
  EXPECT_EQ(error_in_code("a:\nreturn s0\na:"), "test:4:1: error: label 'a' is already defined");
  EXPECT_EQ(error_in_code("jump 3"), "test:2:6: error: expected a label, found '3'");
  EXPECT_EQ(error_in_code("union s0 1 2 s1"), "test:2:12: error: expected a tag width, such as w0, found '2'");
  EXPECT_EQ(error_in_code("return s0 at 3"), "test:2:15: error: expected ':', found the end of the line");
  EXPECT_EQ(error_of("code 0 \"\" arity 0 {\nreturn s0\n"),
            "test:3:1: error: expected an instruction, a label or '}', found the end of the text");
  EXPECT_EQ(error_of("code 0 \"\" bogus"),
            "test:1:11: error: expected a table of the code object, or '{', found 'bogus'");
}

TEST(BytecodeText, InstructionsAreShownAlone) {
  BytecodeParse parse = parse_bytecode(kEverything, "test");
  ASSERT_NE(parse.program, nullptr);
  EXPECT_EQ(print_instruction(parse.program->codes[0], 45), "select s8 w1 [L57 L51]");
  EXPECT_EQ(print_instruction(parse.program->codes[0], 1'000'000), "(end of the code)");
}

TEST(BytecodeText, DeoptPointsReadBack) {
  const std::string text =
      "globals 0\ndeopt_point \"a b\":3:5\ndeopt_point 4:1 after=2 every=3 force invalidate gc yield\n";
  const BytecodeParse parse = parse_bytecode(text, "t");
  ASSERT_NE(parse.program, nullptr) << parse.error;
  ASSERT_EQ(parse.program->deopt_points.size(), 2u);
  EXPECT_EQ(parse.program->deopt_points[0], (DeoptPoint{{Symbol("a b"), 3, 5}, {}}));
  EXPECT_EQ(parse.program->deopt_points[1].options.after, 2u);
  EXPECT_EQ(print_bytecode(*parse.program), text);
  EXPECT_EQ(
      parse_bytecode("deopt_point 1:2 often", "t").error,
      "t:1:17: error: unknown option 'often' of deopt-here!; there are after=N, every=N, force, invalidate, gc, yield");
}

}  // namespace
}  // namespace fble
