// The list of natives, and those without a file of their own.
#include <gtest/gtest.h>

#include <random>

#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"
#include "gc/integer.h"
#include "interp/carrier.h"
#include "interp/machine.h"

namespace fble {
namespace {

class NativesTest : public testing::Test {
 protected:
  NativesTest() { register_std(natives_); }

  /// Calls a native that needs no running program.
  Word call(const char* module, const char* name, std::vector<Word> args) {
    const NativeRow* row = natives_.find(module, name);
    if (row == nullptr) {
      ADD_FAILURE() << "no native " << module << name;
      return 0;
    }
    args.resize(std::max<size_t>(args.size(), row->arity), kUnitWord);
    Carrier& carrier = machine_.carrier();
    NativeCall call(carrier, args.data(), carrier.ap);
    const Word result = row->body(call);
    carrier.ap = call.allocation_pointer();
    return result;
  }

  ProgramCode program_;
  NativeTable natives_;
  Machine machine_{program_, natives_};
};

TEST_F(NativesTest, ProgramsHaveTheLibrarysNatives) {
  const std::tuple<const char*, const char*, uint32_t> all[] = {
      {"/Std/Stream/Debug%", "PutChar", 1},       {"/Std/Io/Env%", "GetVar", 2},
      {"/Std/Io/File/Binary%", "GetStdin", 1},    {"/Std/Io/File/Binary%", "GetStdout", 1},
      {"/Std/Io/File/Binary%", "GetStderr", 1},   {"/Std/Io/File/Binary%", "Open", 3},
      {"/Std/Io/File/Binary%", "GetByte", 2},     {"/Std/Io/File/Binary%", "PutByte", 3},
      {"/Std/Io/File/Binary%", "Flush", 2},       {"/Network/Sockets/Native%", "Init", 1},
      {"/Network/Sockets/Native%", "Client", 3},  {"/Network/Sockets/Native%", "Server", 3},
      {"/Network/Sockets/Native%", "Accept", 2},  {"/Network/Sockets/Native%", "Close", 2},
      {"/Network/Sockets/Native%", "GetByte", 2}, {"/Network/Sockets/Native%", "PutByte", 3},
  };
  for (const auto& [module, name, arity] : all) {
    const NativeRow* row = natives_.find(module, name);
    ASSERT_NE(row, nullptr) << module << name;
    EXPECT_EQ(row->arity, arity) << module << name;
  }
}

TEST_F(NativesTest, UndefinedArgumentsAreErrors) {
  const Word undefined = make_placeholder(1);
  const Word empty = packed_enum(1, 2);
  const Word no_bits = pack_int(1);
  const Word map = packed_enum(0, 3);
  const std::tuple<const char*, const char*, std::vector<Word>> all[] = {
      {"/Std/List%", "Turn", {undefined, empty}},
      {"/Std/List%", "Append", {undefined, empty}},
      {"/Std/Char/Ascii%", "Text", {undefined}},
      {"/Std/String/Eq%", "Eq", {undefined, empty}},
      {"/Std/String/Eq%", "Eq", {empty, undefined}},
      {"/Std/String/Cmp%", "Cmp", {empty, undefined}},
      {"/Std/Data/Bits%", "Push", {undefined, no_bits}},
      {"/Std/Data/Bits%", "Push", {packed_enum(0, 2), undefined}},
      {"/Std/Data/Bits%", "Differ", {no_bits, undefined}},
      {"/Std/Map%", "At", {undefined, no_bits}},
      {"/Std/Map%", "At", {map, undefined}},
      {"/Std/Map%", "PutAt", {undefined, no_bits, kUnitWord, kUnitWord}},
      {"/Std/Map%", "RemoveAt", {undefined, no_bits}},
  };
  for (const auto& [module, name, args] : all) EXPECT_EQ(call(module, name, args), 0u) << module << name;
}

TEST_F(NativesTest, UndefinedItemsAreKept) {
  // Only arguments that are read have to be defined.
  const Word undefined = make_placeholder(1);
  const Word cell = machine_.build(
      [&](NativeCall& call) { return call.reserve(list_words(1)) ? call.make_cons(undefined, packed_enum(1, 2)) : 0; });
  const Word turned = call("/Std/List%", "Turn", {cell, packed_enum(1, 2)});
  ASSERT_TRUE(is_pointer(turned));
  EXPECT_EQ(as_object(turned)->fields[0], undefined);
  EXPECT_EQ(call("/Std/String/Eq%", "Eq", {cell, cell}), 0u);
}

TEST_F(NativesTest, CellsPackLikeAllData) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const auto some_word = [&] {
      const unsigned bits = random() % 40;
      return (Word{1} << (bits + 1)) | (random() & ((Word{1} << bits) - 1)) << 1 | 1;
    };
    const Word fields[] = {some_word(), some_word()};
    Word cell = 0;
    Word general = 0;
    machine_.build([&](NativeCall& call) {
      if (!call.reserve(2 * object_words(2))) return Word{0};
      cell = call.make_cons(fields[0], fields[1]);
      general = call.make_union_struct(0, 2, fields);
      return kUnitWord;
    });
    ASSERT_EQ(is_packed(cell), is_packed(general)) << fields[0] << " " << fields[1];
    if (is_packed(cell)) ASSERT_EQ(cell, general);
    ListReader reader(cell);
    Word item = 0;
    ASSERT_TRUE(reader.next(item));
    ASSERT_EQ(item, fields[0]);
    ASSERT_EQ(reader.rest(), fields[1]);
  }
}

TEST_F(NativesTest, SpecificationTestsHaveTheirOwn) {
  const char* basic = "/SpecTests/'10.1-ForeignValue'/Basic/Basic%";
  EXPECT_EQ(natives_.find(basic, "Not"), nullptr);
  register_spec_tests(natives_);
  EXPECT_EQ(call(basic, "Not", {packed_enum(0, 2)}), packed_enum(1, 2));
  EXPECT_EQ(call(basic, "Not", {packed_enum(1, 2)}), packed_enum(0, 2));
  EXPECT_EQ(call("/SpecTests/'10.1-ForeignValue'/Basic/FunnyName%", "N!./t", {packed_enum(1, 2)}), packed_enum(0, 2));
  EXPECT_EQ(call("/SpecTests/'10.1-ForeignValue'/Basic/Poly%", "Nothing", {kUnitWord}), packed_enum(0, 2));
  EXPECT_EQ(call("/SpecTests/'10.1-ForeignValue'/Basic/NonFunc%", "False", {}), packed_enum(1, 2));
  EXPECT_EQ(call("/SpecTests/'10.1-ForeignValue'/Basic/ModuleMatters%", "False", {}), packed_enum(0, 2));
}

TEST_F(NativesTest, DebugOutputGoesToStandardErrorAtOnce) {
  testing::internal::CaptureStderr();
  for (const uint32_t letter : {'h' + 0u, 0x20acu, '\n' + 0u}) {
    EXPECT_EQ(call("/Std/Stream/Debug%", "PutChar", {char_word(letter)}), kUnitWord);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "h\xe2\x82\xac\n");
}

TEST_F(NativesTest, EnvironmentVariables) {
  setenv("FBLE_NATIVES_TEST", "x", 1);
  Word name = machine_.build([&](NativeCall& call) {
    if (!call.reserve(list_words(32))) return kOutOfMemory;
    return make_string(call, *decode_utf8("FBLE_NATIVES_TEST"));
  });
  const Word value = call("/Std/Io/Env%", "GetVar", {name});
  EXPECT_EQ(read_string(union_arg(value, 1)).value, "x");
  unsetenv("FBLE_NATIVES_TEST");
  EXPECT_EQ(call("/Std/Io/Env%", "GetVar", {name}), nothing_word());
}

}  // namespace
}  // namespace fble
