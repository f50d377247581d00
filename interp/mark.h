// Marks: places where machine code is left on purpose, written `# deopt-here! OPTIONS` in a source.
//
// To the language a mark is a comment. It travels with the expression that starts at
// the next token, through syntax, typed core and bytecode (Op::kMark, which does
// nothing) into traces (jit/ir/ir_ops.def), where it counts its passes and leaves when
// it is its turn. docs/deopt-here.md explains how to use it.
//
// Tested by tests/unit/interp/mark_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "interp/loc.h"

namespace fble {

struct MarkOptions {
  uint32_t after = 0;
  uint32_t every = 1;
#define FBLE_MARK_NUMBER(name, least, doc)
#define FBLE_MARK_FLAG(name, doc) bool name = false;
#include "interp/mark_options.def"
#undef FBLE_MARK_NUMBER
#undef FBLE_MARK_FLAG
  bool operator==(const MarkOptions&) const = default;
};

struct Mark {
  Loc loc;  ///< of the comment
  MarkOptions options;
  bool operator==(const Mark&) const = default;
};

/// Returns the options as they are written, without those that have their default, each after a `separator`.
std::string mark_options_text(const MarkOptions& options, char separator = ' ');

/// Adds the option of one word, such as "after=3" or "gc". Returns the error in the word; empty if there is none.
std::string add_mark_option(MarkOptions& options, std::string_view word);

}  // namespace fble
