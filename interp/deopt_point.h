// Deopt points: places where machine code is left on purpose, written `# deopt-here! OPTIONS` in a source.
//
// To the language a deopt point is a comment. It travels with the expression that starts at
// the next token, through syntax, typed core and bytecode (Op::kDeoptPoint, which does
// nothing) into traces (jit/ir/ir_ops.def), where it counts its passes and leaves when
// it is its turn. docs/deopt-here.md explains how to use it.
//
// Tested by tests/unit/interp/deopt_point_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "interp/loc.h"

namespace fble {

struct DeoptPointOptions {
  uint32_t after = 0;
  uint32_t every = 1;
#define FBLE_DEOPT_POINT_NUMBER(name, least, doc)
#define FBLE_DEOPT_POINT_FLAG(name, doc) bool name = false;
#include "interp/deopt_point_options.def"
#undef FBLE_DEOPT_POINT_NUMBER
#undef FBLE_DEOPT_POINT_FLAG
  bool operator==(const DeoptPointOptions&) const = default;
};

struct DeoptPoint {
  Loc loc;  ///< of the comment
  DeoptPointOptions options;
  bool operator==(const DeoptPoint&) const = default;
};

/// Returns the options as they are written, without those that have their default, each after a `separator`.
std::string deopt_point_options_text(const DeoptPointOptions& options, char separator = ' ');

/// Adds the option of one word, such as "after=3" or "gc". Returns the error in the word; empty if there is none.
std::string add_deopt_point_option(DeoptPointOptions& options, std::string_view word);

}  // namespace fble
