// Functions that make list cells: as words, or as objects from the moment on where their cells are of both kinds.
#include "jit/engine/cells.h"

#include <gtest/gtest.h>

#include <string>

#include "interp/machine.h"
#include "jit/engine/trace_engine.h"
#include "tests/support/compiled_source.h"

namespace fble {
namespace {

/// Makes lists of `length` Booleans, reverses and counts them, again and again. Cells of 40 do not all fit in a word.
std::string program(const std::string& length) {
  return R"(
Unit@ = *();
Unit@ Unit = Unit@();
Bit@ = +(Unit@ 0, Unit@ 1);
Count@ = +(Unit@ z, Count@ s);
List@ = +(*(Bit@ head, List@ tail) cons, Unit@ empty);
(Bit@, List@) { List@; } Cons = (Bit@ head, List@ tail) { List@(cons: @(head, tail)); };
(Count@, List@) { List@; } Make = (Count@ n, List@ list) {
  n.?(z: list);
  Make(n.s, Cons(Bit@(1: Unit), list));
};
(List@, List@) { List@; } Reverse = (List@ a, List@ b) {
  a.?(empty: b);
  Reverse(a.cons.tail, Cons(a.cons.head, b));
};
(List@, Count@) { Count@; } Length = (List@ a, Count@ n) {
  a.?(empty: n);
  Length(a.cons.tail, Count@(s: n));
};
Count@ 0 = Count@(z: Unit);
(Count@) { Count@; } More = (Count@ n) { Count@(s: Count@(s: Count@(s: Count@(s: Count@(s: n))))); };
Count@ Some = )" +
         length + R"(;
Count@ Turns = More(More(More(More(More(More(More(More(0))))))));
(Count@, Count@) { Count@; } Loop = (Count@ turns, Count@ length) {
  turns.?(z: length);
  list = Make(Some, List@(empty: Unit));
  Loop(turns.s, Length(Reverse(list, List@(empty: Unit)), 0));
};
Loop(Turns, 0);
)";
}

class CellsTest : public CompiledSourceTest {
 protected:
  /// Runs the program; returns the length of the last list. Without options it is interpreted.
  uint64_t run(const std::string& text, const JitOptions* options) {
    start(text, options);
    EXPECT_TRUE(machine_->run_modules()) << machine_->error().render();
    uint64_t length = 0;
    for (Word value = machine_->result(); union_tag(value, 1) != 0; value = union_arg(value, 1)) ++length;
    return length;
  }

  JitOptions eager_{.eager = true};
};

TEST_F(CellsTest, ShortListsStayWords) {
  const std::string text = program("More(0)");
  EXPECT_EQ(run(text, nullptr), 5u);
  EXPECT_EQ(run(text, &eager_), 5u);
  EXPECT_FALSE(code("/P%.Cons")->cells.are_objects);
}

TEST_F(CellsTest, CellsOfBothKindsBecomeObjects) {
  const std::string text = program("More(More(More(More(0))))");
  EXPECT_EQ(run(text, nullptr), 20u);
  EXPECT_FALSE(code("/P%.Cons")->cells.are_objects);
  EXPECT_EQ(run(text, &eager_), 20u);
  EXPECT_TRUE(code("/P%.Cons")->cells.are_objects);
}

}  // namespace
}  // namespace fble
