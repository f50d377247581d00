// Encoding adjacent objects in less memory.
//
// Objects that were made one after another by the same code are alike. The cells of a list have the same header, small
// heads, and tails at the same distance from each cell. An encoder describes such objects by a *template*, and
// writes of each object only what the template does not say.
//
//   code      := { define | run | whole }
//   define    := 255, header (8), kind of each field (1 each), constant of each field of kind kSame or kStep (8 each)
//   whole     := 254, header (8), its fields (8 each)
//   run       := template (1), count (2), the fields of `count` objects, object by object
//
// Templates are numbered as they are defined. The kinds are in gc/slab_codec.cc.
//
// Decoding is exact for any words. Encoding fails where it would not save enough.
//
// Tested by tests/unit/gc/slab_codec_test.cc.
#pragma once

#include <vector>

#include "gc/object.h"

namespace fble {

/// Writes the code of the objects from `begin` to `end` at `code`, which has room for `limit` bytes. Returns the
/// number of bytes; 0 if they are not enough.
size_t encode_objects(const Word* begin, const Word* end, uint8_t* code, size_t limit);

/// Writes the objects of a code from `out` on. `home` is where they were when they were encoded. Returns the end of
/// what it has written. Calls no library functions, so a signal handler may use it.
Word* decode_objects(const uint8_t* code, size_t bytes, const Word* home, Word* out);

}  // namespace fble
