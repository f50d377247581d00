// Each row of the IR as machine code, on random words, against its C++ definition.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <random>

#include "gc/integer.h"
#include "interp/foreign.h"
#include "interp/intrinsics.h"
#include "jit/ir/ir_text.h"
#include "jit/ir/ir_verify.h"
#include "tests/support/ir_codes.h"
#include "tests/unit/jit/x64/code_runner.h"

namespace fble {
namespace {

using Words = std::vector<Word>;
/// Computes the result; 0 if the instruction leaves. Guards without result give the unit.
using Definition = std::function<Word(const Words&)>;

enum class Domain { kNaturals, kBits, kPacked, kAny };

/// A row with its numbers: "%a", "%b" and so on stand for the operands.
struct Row {
  std::string text;
  Domain domain;
  size_t operands;
  Definition definition;
  std::string before = {};  ///< instructions that come first
};

Word guard(bool holds) { return holds ? kUnitWord : 0; }
Word boolean(bool value) { return value ? 5 : 7; }

Word small_or_zero(unsigned __int128 magnitude) {
  return magnitude > static_cast<unsigned __int128>(kMaxPackedInt)
             ? 0
             : pack_magnitude(static_cast<Word>(magnitude), false);
}

class Rows : public testing::Test {
 protected:
  Rows() : cache_(size_t{1} << 20) {}

  uint64_t random(uint64_t end) { return std::uniform_int_distribution<uint64_t>(0, end - 1)(random_); }

  Word random_word(Domain domain) {
    Word word;
    switch (random(5)) {
      case 0: word = random(20); break;
      case 1: word = (Word{1} << random(64)) - random(3); break;
      case 2: word = ~Word{0} - random(20); break;
      case 3: word = random_() >> random(64); break;
      default: word = (random_() >> random(64)) & 0x7fff; break;
    }
    switch (domain) {
      case Domain::kNaturals: return word | 3;
      case Domain::kBits: return (word & 2) | 5;
      case Domain::kPacked: return word < 2 ? kUnitWord : word | 1;
      default: return word;
    }
  }

  /// Runs the row with each operand in a slot, or as a constant.
  void run(const Row& row, const Words& words, uint32_t constants, bool has_result) {
    std::string text =
        "code c0 \"/A%.f\" arity 4 captures 0\ncode c1 \"/A%.g\" arity 3 captures 1\ntrace 0 function c0 extent 8\n{\n";
    for (size_t i = 0; i < words.size(); ++i) {
      text += (constants >> i & 1) != 0 ? fmt::format("  %{} = constant {:#x}\n", static_cast<char>('a' + i), words[i])
                                        : fmt::format("  %{} = slot {}\n", static_cast<char>('a' + i), i);
    }
    text += row.before;
    if (has_result) {
      text += fmt::format("  %r = {}\n  return %r\n", row.text);
    } else {
      text += fmt::format("  {}\n  %u = constant 0x3\n  return %u\n", row.text);
    }
    text += "}\nsnapshot s0\n  frame c0+0 base 0 memory\n";
    for (size_t i = 0; i < words.size(); ++i) text += fmt::format("  slot {} %{}\n", i, static_cast<char>('a' + i));
    const auto resolve = [&](const CodeMention& mention) { return mention.index == 0 ? f_ : g_; };
    const TraceParse parsed = parse_trace(text, "row", resolve);
    ASSERT_NE(parsed.trace, nullptr) << parsed.error << '\n' << text;
    parsed.trace->memos = memos_;
    cache_.rewind(0);
    const AssembledTrace code =
        assemble(*parsed.trace, cache_, CodeRunner::entries(), {.keep_origins = true, .check_registers = true});
    ASSERT_FALSE(code.failure);
    const auto listing = [&] {
      return text + disassemble(code.start, code.code_bytes, parsed.trace.get(), code.origins);
    };
    std::copy(words.begin(), words.end(), runner_.frame());
    const Word expected = row.definition(words);
    runner_.enter(code.door);
    if (expected != 0) {
      ASSERT_EQ(runner_.end, CodeRunner::End::kReturn) << listing();
      ASSERT_EQ(runner_.value, expected) << listing();
      return;
    }
    ASSERT_EQ(runner_.end, CodeRunner::End::kExit) << listing();
    // The side table has the places of the operands.
    const ExitEntry entry = decode_exit(code.side_table, runner_.exit_of(code));
    reference::IrHeap heap;
    std::map<int32_t, Word> virtuals;
    for (size_t i = 0; i < words.size(); ++i) {
      Word found = runner_.frame()[i];
      for (const ExitSlot& slot : entry.slots) {
        if (slot.slot == static_cast<int32_t>(i)) found = runner_.word(slot.location, entry, heap, virtuals);
      }
      ASSERT_EQ(found, words[i]) << listing();
    }
  }

  void check(const Row& row, bool has_result = true) {
    for (int round = 0; round < 150 && !HasFatalFailure(); ++round) {
      Words words;
      for (size_t i = 0; i < row.operands; ++i) words.push_back(random_word(row.domain));
      if (row.operands > 1 && random(10) == 0) words[1] = words[0];
      run(row, words,
          row.domain != Domain::kAny && random(4) == 0 ? static_cast<uint32_t>(random(uint64_t{1} << row.operands)) : 0,
          has_result);
    }
  }
  void check_guard(const Row& row) { check(row, false); }

  /// A native of packed words that fails now and then.
  static Word mix(Word a, Word b, Word c) { return (a ^ b << 1 ^ c) % 5 == 0 ? 0 : (a + 3 * b + 5 * c) | 1; }
  static Word mix_native(NativeCall& call) {
    const Word result = mix(call.arg(0), call.arg(1), call.arg(2));
    return result != 0 ? result : call.fail("never to be seen");
  }
  /// A native that makes a struct of its arguments, the last one first.
  static Word turn_native(NativeCall& call) {
    if (!call.reserve(object_words(3))) return 0;
    const Word fields[] = {call.arg(2), call.arg(1), call.arg(0)};
    return call.make_struct(fields);
  }

  IrCodes codes_;
  Code* f_ = codes_.make("/A%.f", 4, 0);
  Code* g_ = codes_.make("/A%.g", 3, 1);
  std::vector<MemoTable*> memos_;
  std::mt19937_64 random_{17};
  CodeCache cache_;
  CodeRunner runner_{cache_};
};

TEST_F(Rows, Arithmetic) {
  const auto magnitude = [](Word word) { return static_cast<unsigned __int128>(word >> 2); };
  const auto binary = [&](const char* name, Definition definition) {
    check({fmt::format("{} %a %b @s0", name), Domain::kNaturals, 2, definition});
    check({fmt::format("{} %a %a @s0", name), Domain::kNaturals, 1,
           [&](const Words& w) { return definition({w[0], w[0]}); }});
  };
  binary("add", [&](const Words& w) { return small_or_zero(magnitude(w[0]) + magnitude(w[1])); });
  binary("sub", [&](const Words& w) { return w[0] < w[1] ? 0 : small_or_zero(magnitude(w[0]) - magnitude(w[1])); });
  binary("mul", [&](const Words& w) { return small_or_zero(magnitude(w[0]) * magnitude(w[1])); });
  binary("div", [&](const Words& w) { return w[1] == 3 ? 0 : small_or_zero(magnitude(w[0]) / magnitude(w[1])); });
  binary("mod", [&](const Words& w) { return w[1] == 3 ? 0 : small_or_zero(magnitude(w[0]) % magnitude(w[1])); });
  for (int n = 0; n < 62; n += 1 + n / 8) {
    check({fmt::format("shift_left %a {} @s0", n), Domain::kNaturals, 1,
           [&](const Words& w) { return small_or_zero(magnitude(w[0]) << n); }});
    check({fmt::format("shift_right %a {}", n), Domain::kNaturals, 1,
           [&](const Words& w) { return small_or_zero(magnitude(w[0]) >> n); }});
  }
}

/// Tests arithmetic whose result is known to fit: it has no checks and no exits.
TEST_F(Rows, ArithmeticThatFits) {
  const auto is_small = [](const Words& w) {
    for (const Word word : w) {
      if (word >= Word{1} << 30) return false;
    }
    return true;
  };
  const auto check_small = [&](const char* text, size_t operands, Definition definition) {
    for (int round = 0; round < 100 && !HasFatalFailure(); ++round) {
      Words words;
      for (size_t i = 0; i < operands; ++i) words.push_back(random_word(Domain::kNaturals));
      if (is_small(words))
        run({text, Domain::kNaturals, operands, definition}, words, static_cast<uint32_t>(random(1 << operands)), true);
    }
  };
  check_small("add %a %b fits", 2, [](const Words& w) { return w[0] + w[1] - 3; });
  check_small("mul %a %b fits", 2, [](const Words& w) { return pack_magnitude((w[0] >> 2) * (w[1] >> 2), false); });
  check_small("shift_left %a 9 fits", 1, [](const Words& w) { return pack_magnitude(w[0] >> 2 << 9, false); });
  check_small("pack_union %a 2 2 fits", 1, [](const Words& w) { return pack_union(w[0], 2, 2); });
  check_small("pack_struct (%a %b) fits", 2,
              [](const Words& w) { return pack_struct(2, [&](uint32_t i) { return w[i]; }); });
}

/// Tests that any packed word is an integer, and becomes a word again if the result fits.
TEST_F(Rows, Numbers) {
  const auto word = [](__int128 number) {
    return number > kMaxPackedInt || number < kMinPackedInt ? 0 : pack_int(static_cast<int64_t>(number));
  };
  const auto binary = [&](const std::string& text, const std::function<Word(int64_t, int64_t)>& definition,
                          const std::string& before = "") {
    const std::string numbers = "  %x = int_of %a\n  %y = int_of %b\n" + before + "  %n = " + text + "\n";
    check({"int_word %n @s0", Domain::kPacked, 2,
           [=](const Words& w) { return definition(unpack_int(w[0]), unpack_int(w[1])); }, numbers});
  };
  check({"int_word %x @s0", Domain::kPacked, 1, [](const Words& w) { return w[0]; }, "  %x = int_of %a\n"});
  check({"int_word %x fits", Domain::kPacked, 1, [](const Words& w) { return w[0]; }, "  %x = int_of %a\n"});
  binary("int_add %x %y", [&](int64_t a, int64_t b) { return word(__int128{a} + b); });
  binary("int_add %x %x", [&](int64_t a, int64_t) { return word(__int128{a} + a); });
  binary("int_sub %x %y", [&](int64_t a, int64_t b) { return word(__int128{a} - b); });
  binary("int_sub %x %x", [&](int64_t, int64_t) { return word(0); });
  binary("int_mul %x %y @s0", [&](int64_t a, int64_t b) { return word(__int128{a} * b); });
  binary("int_div %x %y @s0", [&](int64_t a, int64_t b) {
    if (b == 0) return Word{0};
    return word(a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0));
  });
  binary(
      "int_rem %x %y (%q)", [&](int64_t a, int64_t b) { return b == 0 ? Word{0} : word(((a % b) + b) % b); },
      "  %q = int_div %x %y @s0\n");
  for (int n = 0; n < 62; n += 1 + n / 4) {
    binary(fmt::format("int_shift_right %x {}", n), [&](int64_t a, int64_t) { return word(a >> n); });
  }
  const std::string constant = "  %x = int_of %a\n  %k = constant 0xfffffffffffffff9 raw\n";
  check({"int_word %n @s0", Domain::kPacked, 1, [&](const Words& w) { return word(__int128{unpack_int(w[0])} - 7); },
         constant + "  %n = int_add %x %k\n"});
  check({"int_word %n @s0", Domain::kPacked, 1, [&](const Words& w) { return word(__int128{unpack_int(w[0])} + 7); },
         constant + "  %n = int_sub %x %k\n"});
  check({"int_word %n @s0", Domain::kPacked, 1, [&](const Words& w) { return word(-7 - __int128{unpack_int(w[0])}); },
         constant + "  %n = int_sub %k %x\n"});
  check({"int_word %n @s0", Domain::kPacked, 1,
         [&](const Words& w) { return word(((unpack_int(w[0]) % -7) - 7) % -7); },
         constant + "  %q = int_div %x %k fits\n  %n = int_rem %x %k (%q)\n"});
  check({"int_word %n @s0", Domain::kPacked, 1, [&](const Words& w) { return word(__int128{unpack_int(w[0])} * -7); },
         constant + "  %n = int_mul %x %k @s0\n"});
  // The only number with 63 bits whose double is a machine word.
  check({"int_word %n @s0", Domain::kPacked, 1,
         [&](const Words& w) { return word(unpack_int(w[0]) - (__int128{1} << 62)); },
         "  %x = int_of %a\n  %k = constant 0xc000000000000000 raw\n  %n = int_add %x %k\n"});
}

TEST_F(Rows, OrderOfIntegers) {
  const std::string keys = "  %x = order_key %a\n  %y = order_key %b\n";
  const auto before = [](const Words& w) { return unpack_int(w[0]) < unpack_int(w[1]); };
  check({"less %x %y", Domain::kPacked, 2, [&](const Words& w) { return boolean(before(w)); }, keys});
  check({"less_equal %y %x", Domain::kPacked, 2, [&](const Words& w) { return boolean(!before(w)); }, keys});
  check({"compare %x %y", Domain::kPacked, 2,
         [&](const Words& w) -> Word { return before(w)      ? 9
                                              : w[0] == w[1] ? 11
                                                             : 13; }, keys});
  check_guard({"is_less %x %y @s0", Domain::kPacked, 2, [&](const Words& w) { return guard(before(w)); }, keys});
  check_guard({"not_less %x %y @s0", Domain::kPacked, 2, [&](const Words& w) { return guard(!before(w)); }, keys});
}

TEST_F(Rows, Choices) {
  const auto chosen = [](const Words& w, size_t first, size_t second) {
    return (w[0] & 2) == 0 ? w[first] : w[second];
  };
  check({"choose %a (%b %c)", Domain::kPacked, 3, [&](const Words& w) { return chosen(w, 1, 2); }});
  check({"choose %a (%a %b)", Domain::kPacked, 2, [&](const Words& w) { return chosen(w, 0, 1); }});
  check({"choose %a (%b %a)", Domain::kPacked, 2, [&](const Words& w) { return chosen(w, 1, 0); }});
  check({"choose %a (%b %b)", Domain::kPacked, 2, [&](const Words& w) { return w[1]; }});
}

TEST_F(Rows, SetsOfTags) {
  for (const uint32_t width : {1u, 2u, 3u, 5u, 6u}) {
    const Word all = (Word{2} << ((1u << width) - 1)) - 1;
    for (const Word tags : {Word{1}, Word{2}, Word{3}, Word{0x8000000080000006} & all, all - 1, all, Word{0}}) {
      const auto is_in = [=](const Words& w) { return (tags >> packed_tag(w[0], width) & 1) != 0 ? Word{7} : Word{5}; };
      check({fmt::format("tag_in %a {:#x} {}", tags, width), Domain::kPacked, 1, is_in});
    }
  }
}

TEST_F(Rows, Bits) {
  check({"and %a %b", Domain::kNaturals, 2, [](const Words& w) { return w[0] & w[1]; }});
  check({"or %a %b", Domain::kNaturals, 2, [](const Words& w) { return w[0] | w[1]; }});
  check({"xor %a %b", Domain::kNaturals, 2, [](const Words& w) { return (w[0] ^ w[1]) | 3; }});
  check({"xor %a %a", Domain::kNaturals, 1, [](const Words&) { return Word{3}; }});
  const auto bit = [](bool is_set) { return is_set ? Word{7} : Word{5}; };
  check({"bit_and %a %b", Domain::kBits, 2, [&](const Words& w) { return bit(w[0] == 7 && w[1] == 7); }});
  check({"bit_or %a %b", Domain::kBits, 2, [&](const Words& w) { return bit(w[0] == 7 || w[1] == 7); }});
  check({"bit_xor %a %b", Domain::kBits, 2, [&](const Words& w) { return bit(w[0] != w[1]); }});
  check({"bit_xor %a %a", Domain::kBits, 1, [&](const Words&) { return bit(false); }});
  check({"pack_struct (%x %c %x) @s0", Domain::kBits, 3,
         [&](const Words& w) {
           const Words fields = {bit(w[0] != w[1]), w[2], bit(w[0] != w[1])};
           return pack_struct(3, [&](uint32_t i) { return fields[i]; });
         },
         "  %x = bit_xor %a %b\n"});
}

TEST_F(Rows, Comparisons) {
  check({"less %a %b", Domain::kPacked, 2, [](const Words& w) { return boolean(w[0] < w[1]); }});
  check({"less_equal %a %b", Domain::kPacked, 2, [](const Words& w) { return boolean(w[0] <= w[1]); }});
  check({"equal %a %b", Domain::kPacked, 2, [](const Words& w) { return boolean(w[0] == w[1]); }});
  check({"unequal %a %b", Domain::kPacked, 2, [](const Words& w) { return boolean(w[0] != w[1]); }});
  check({"compare %a %b", Domain::kPacked, 2, [](const Words& w) -> Word {
           return w[0] < w[1] ? 9 : w[0] == w[1] ? 11 : 13;
         }});
  check_guard({"is_less %a %b @s0", Domain::kPacked, 2, [](const Words& w) { return guard(w[0] < w[1]); }});
  check_guard({"not_less %a %b @s0", Domain::kPacked, 2, [](const Words& w) { return guard(w[0] >= w[1]); }});
  check_guard({"is_equal %a %b @s0", Domain::kPacked, 2, [](const Words& w) { return guard(w[0] == w[1]); }});
  check_guard({"not_equal %a %b @s0", Domain::kPacked, 2, [](const Words& w) { return guard(w[0] != w[1]); }});
}

TEST_F(Rows, GuardsOnWords) {
  check_guard({"is_packed %a @s0", Domain::kAny, 1, [](const Words& w) { return guard(is_packed(w[0])); }});
  check_guard({"is_pointer %a @s0", Domain::kAny, 1, [](const Words& w) { return guard(is_pointer(w[0])); }});
  check_guard({"is_natural %a @s0", Domain::kAny, 1, [](const Words& w) { return guard(is_natural(w[0])); }});
  for (uint32_t width = 0; width <= 9; ++width) {
    for (uint32_t tag = 0; tag < 1u << width && !HasFatalFailure(); tag += 1 + tag / 2) {
      check_guard({fmt::format("tag_is %a {} {} @s0", tag, width), Domain::kPacked, 1,
                   [=](const Words& w) { return guard(packed_tag(w[0], width) == tag); }});
      check_guard({fmt::format("tag_from %a {} {} @s0", tag, width), Domain::kPacked, 1,
                   [=](const Words& w) { return guard(packed_tag(w[0], width) >= tag); }});
    }
  }
}

TEST_F(Rows, Unions) {
  for (uint32_t width = 0; width <= 24; width += 1 + width / 4) {
    check({fmt::format("packed_arg %a {}", width), Domain::kPacked, 1,
           [=](const Words& w) { return packed_arg(w[0], width); }});
    for (const uint32_t tag : {0u, 1u, (1u << width) - 1}) {
      if (tag >= 1u << width) continue;
      check({fmt::format("pack_union %a {} {} @s0", tag, width), Domain::kPacked, 1,
             [=](const Words& w) { return pack_union(w[0], width, tag); }});
    }
  }
}

TEST_F(Rows, Structs) {
  for (uint32_t count = 1; count <= 4; ++count) {
    std::string fields;
    for (uint32_t i = 0; i < count; ++i) fields += fmt::format("{}%{}", i == 0 ? "" : " ", static_cast<char>('a' + i));
    const auto packed = [=](const Words& w) { return pack_struct(count, [&](uint32_t i) { return w[i]; }); };
    check({fmt::format("pack_struct ({}) @s0", fields), Domain::kPacked, count, packed});
    check_guard({fmt::format("no_fit ({}) 0 @s0", fields), Domain::kPacked, count,
                 [=](const Words& w) { return guard(packed(w) == 0); }});
    check_guard({fmt::format("no_fit ({}) 2 @s0", fields), Domain::kPacked, count,
                 [=](const Words& w) { return guard(packed(w) == 0 || pack_union(packed(w), 2, 0) == 0); }});
    for (uint32_t index = 0; index < count; ++index) {
      for (int round = 0; round < 200 && !HasFatalFailure(); ++round) {
        Words parts;
        for (uint32_t i = 0; i < count; ++i) parts.push_back(random_word(Domain::kPacked) >> random(50) | 3);
        const Word whole = packed(parts);
        if (whole == 0) continue;
        run({fmt::format("packed_field %a {} {}", index, count), Domain::kPacked, 1,
             [=](const Words& w) { return packed_field(w[0], index, count); }},
            {whole}, 0, true);
      }
    }
  }
}

// Structs that a guard on their layout has let pass, and others.
TEST_F(Rows, FieldsAtKnownPlaces) {
  const auto pack = [](const Words& fields) {
    return pack_struct(static_cast<uint32_t>(fields.size()), [&](uint32_t i) { return fields[i]; });
  };
  for (int round = 0; round < 3000 && !HasFatalFailure(); ++round) {
    const auto count = static_cast<uint32_t>(1 + random(9));
    Words fields;
    Words others;
    for (uint32_t i = 0; i < count; ++i) {
      fields.push_back(random_word(Domain::kPacked) >> random(63) | 3);
      // The same number of bits, mostly.
      const Word sentinel = std::bit_floor(fields[i]);
      others.push_back(random(20) == 0 ? fields[i] << 1 | 1 : sentinel | (random_() & (sentinel - 1)) | 1);
    }
    const Word whole = pack(fields);
    const Word other = pack(others);
    if (whole == 0 || other == 0) continue;
    const Word layout = packed_layout(whole, count);
    const std::string guard_text = fmt::format("  layout_is %a {:#x} {} @s0\n", layout, count);
    const auto index = static_cast<uint32_t>(random(count));
    const auto field = [=](const Words& w) {
      return packed_layout(w[0], count) == layout ? packed_field(w[0], index, count) : 0;
    };
    // No guard has to be before that on the length of a word.
    for (const Word word : {whole, other, count == 1 ? whole & ~Word{1} : whole}) {
      run({fmt::format("packed_field %a {} {}", index, count), Domain::kPacked, 1, field, guard_text}, {word}, 0, true);
      // Parts of known lengths are packed again.
      std::string text = guard_text;
      for (const char* name : {"x", "y"}) {
        text += fmt::format("  %{} = packed_field %a {} {}\n", name, name[0] == 'x' ? index : count - 1, count);
      }
      const auto pair = [=](const Words& w) {
        return field(w) == 0 ? 0 : pack_pair(field(w), packed_field(w[0], count - 1, count));
      };
      run({"pack_struct (%x %y) @s0", Domain::kPacked, 1, pair, text}, {word}, 0, true);
    }
  }
}

/// Tests fields whose length is known from their definition, and many fields.
TEST_F(Rows, StructsOfKnownParts) {
  const auto pack = [](const Words& fields) {
    return pack_struct(static_cast<uint32_t>(fields.size()), [&](uint32_t i) { return fields[i]; });
  };
  const auto bit = [](const Words& w) { return boolean(w[0] < w[1]); };
  const std::string less = "  %x = less %a %b\n";
  check({"pack_struct (%x %a) @s0", Domain::kPacked, 2, [&](const Words& w) { return pack({bit(w), w[0]}); }, less});
  check({"pack_struct (%a %x) @s0", Domain::kPacked, 2, [&](const Words& w) { return pack({w[0], bit(w)}); }, less});
  check({"pack_struct (%x %x) @s0", Domain::kPacked, 2, [&](const Words& w) { return pack({bit(w), bit(w)}); }, less});
  check({"pack_struct (%x %a %x) @s0", Domain::kPacked, 2, [&](const Words& w) { return pack({bit(w), w[0], bit(w)}); },
         less});
  check({"pack_struct (%x %x %b %a) @s0", Domain::kPacked, 2,
         [&](const Words& w) { return pack({bit(w), bit(w), w[1], w[0]}); }, less});
  check({"pack_struct (%a %b %c %d %a %b %c %d) @s0", Domain::kPacked, 4,
         [&](const Words& w) { return pack({w[0], w[1], w[2], w[3], w[0], w[1], w[2], w[3]}); }});
  check({"pack_struct (%y %a) @s0", Domain::kPacked, 2,
         [&](const Words& w) { return pack({pack_union(bit(w), 3, 5), w[0]}); },
         less + "  %y = pack_union %x 5 3 fits\n"});
}

TEST_F(Rows, ObjectsAndGlobals) {
  reference::IrHeap heap;
  const Word object = heap.make(Object::make_header(ObjectKind::kStruct, 3, 5), {11, 13, 15});
  const auto closure = [&](Code* code) {
    return heap.make(Object::make_header(ObjectKind::kClosure, 2), {Code::from_code(code), 21});
  };
  for (int i = 0; i < 3; ++i) {
    run({fmt::format("field %a {}", i), Domain::kAny, 1, [&](const Words& w) { return as_object(w[0])->fields[i]; }},
        {object}, 0, true);
  }
  const int32_t header = static_cast<int32_t>(as_object(object)->header);
  for (const int32_t wanted : {header, header + 256}) {
    run({fmt::format("header_is %a {} @s0", wanted), Domain::kAny, 1,
         [&](const Words&) { return guard(wanted == header); }},
        {object}, 0, false);
  }
  for (Code* code : {f_, g_}) {
    run({"code_is %a c1 @s0", Domain::kAny, 1, [&](const Words&) { return guard(code == g_); }}, {closure(code)}, 0,
        false);
    run({"arity_is %a 3 @s0", Domain::kAny, 1, [&](const Words&) { return guard(code == g_); }}, {closure(code)}, 0,
        false);
  }
  Word globals[] = {31, 33, 35};
  runner_.carrier().globals = globals;
  for (size_t i = 0; i < 3; ++i) {
    run({fmt::format("global {}", i), Domain::kAny, 0, [&](const Words&) { return globals[i]; }}, {}, 0, true);
  }
}

TEST_F(Rows, Natives) {
  g_->native = mix_native;
  check({"native c1 (%a %b %c) @s0", Domain::kPacked, 3, [](const Words& w) { return mix(w[0], w[1], w[2]); }});
  check({"native c1 (%a %a %x) @s0", Domain::kPacked, 2,
         [](const Words& w) { return mix(w[0], w[0], boolean(w[0] < w[1])); }, "  %x = less %a %b\n"});
}

// The table has random calls in random rows, and those of the small numbers where they belong.
TEST_F(Rows, Recalls) {
  MemoTable memo;
  memo.make_rows(7, true);
  memos_ = {&memo};
  const auto result = [](const Words& w) { return mix(w[0], w[1], w[2]) | 1; };
  const auto known = [&](const Words& w) { return memo.find(w); };
  for (const bool is_filled : {false, true}) {
    for (int round = 0; is_filled && round < 4000; ++round) {
      Words w{random_word(Domain::kPacked), random_word(Domain::kPacked), random_word(Domain::kPacked)};
      if (random(3) == 0) w[2] = w[0] < w[1] ? 5 : 7;
      MemoRow& row = random(2) == 0 ? memo.row_for(w) : memo.rows[random(128)];
      std::ranges::copy(w, row.arguments);
      row.result = result(w);
    }
    check({"recall 0 c1 (%a %b %c) @s0", Domain::kPacked, 3, known});
    check({"recall 0 c1 (%a %a %x) @s0", Domain::kPacked, 2,
           [&](const Words& w) { return known({w[0], w[0], boolean(w[0] < w[1])}); }, "  %x = less %a %b\n"});
    check({"counted_recall 0 c1 (%a %b %c) @s0", Domain::kPacked, 3, known});
  }
  // Calls that are remembered, with each argument in a register or as a constant.
  uint64_t hits = memo.hits;
  for (uint32_t round = 0; round < 400 && !HasFatalFailure(); ++round) {
    const Words w{random_word(Domain::kPacked), random_word(Domain::kPacked), random_word(Domain::kPacked)};
    MemoRow& row = memo.row_for(w);
    std::ranges::copy(w, row.arguments);
    row.result = result(w);
    const bool counts = random(2) == 0;
    const char* text = counts ? "counted_recall 0 c1 (%a %b %c) @s0" : "recall 0 c1 (%a %b %c) @s0";
    uint64_t& counted = memo.row_hits[static_cast<size_t>(&row - memo.rows.get())];
    const uint64_t counted_before = counted;
    run({text, Domain::kPacked, 3, known}, w, round % 8, true);
    EXPECT_EQ(memo.hits, ++hits);
    EXPECT_EQ(counted, counted_before + (counts ? 1 : 0));
  }
}

// The native's object lies between the objects that the trace makes itself.
TEST_F(Rows, NativesMakeObjects) {
  g_->native = turn_native;
  const std::string text =
      fmt::format(R"(code c0 "/A%.f" arity 4 captures 0
code c1 "/A%.g" arity 3 captures 1
trace 0 function c0 extent 8
{{
  %a = slot 0
  %b = slot 1
  alloc_check 2 @s0
  %x = new {0:#x} - (%a)
  %y = native c1 (%a %x %b) @s0
  alloc_check 3 @s0
  %z = new {1:#x} - (%x %y)
  return %z
}}
snapshot s0
  frame c0+0 base 0 memory
  slot 0 %a
  slot 1 %b
)",
                  Object::make_header(ObjectKind::kUnion, 1, 7), Object::make_header(ObjectKind::kStruct, 2));
  const auto resolve = [&](const CodeMention& mention) { return mention.index == 0 ? f_ : g_; };
  const TraceParse parsed = parse_trace(text, "trace", resolve);
  ASSERT_NE(parsed.trace, nullptr) << parsed.error;
  ASSERT_EQ(verify_trace(*parsed.trace), "");
  const AssembledTrace code =
      assemble(*parsed.trace, cache_, CodeRunner::entries(), {.keep_origins = true, .check_registers = true});
  ASSERT_FALSE(code.failure);
  constexpr Word kA = 0x123;
  constexpr Word kB = 0x457;
  for (const int64_t room : {9, 8, 6, 5, 2, 1}) {
    runner_.reset_limits();
    runner_.carrier().alloc_limit = runner_.heap_begin() + room;
    runner_.frame()[0] = kA;
    runner_.frame()[1] = kB;
    runner_.enter(code.door);
    if (room < 9) {
      EXPECT_EQ(runner_.end, CodeRunner::End::kExit) << room;
      EXPECT_EQ(runner_.frame()[0], kA);
      continue;
    }
    ASSERT_EQ(runner_.end, CodeRunner::End::kReturn);
    EXPECT_EQ(runner_.allocated, 9);
    const Object* z = as_object(runner_.value);
    const Object* x = as_object(z->fields[0]);
    const Object* y = as_object(z->fields[1]);
    EXPECT_EQ(x->tag(), 7u);
    EXPECT_EQ(x->fields[0], kA);
    EXPECT_EQ(y->count(), 3u);
    EXPECT_EQ(y->fields[0], kB);
    EXPECT_EQ(y->fields[1], from_object(x));
    EXPECT_EQ(y->fields[2], kA);
  }
}

TEST_F(Rows, Intrinsics) {
  for (uint32_t i = 1; i < static_cast<uint32_t>(Intrinsic::kCount); ++i) {
    const auto intrinsic = static_cast<Intrinsic>(i);
    const uint32_t arity = intrinsic_info(intrinsic).arity;
    std::string args;
    for (uint32_t k = 0; k < arity; ++k) args += fmt::format("{}%{}", k == 0 ? "" : " ", static_cast<char>('a' + k));
    check({fmt::format("intrinsic {} ({}) @s0", i, args), Domain::kPacked, arity,
           [=](const Words& w) { return fold_packed(intrinsic, w.data()); }});
  }
}

}  // namespace
}  // namespace fble
