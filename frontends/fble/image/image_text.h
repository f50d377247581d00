// An image as text: a line per record, with the index and members of sections.def.
//
//   image 2da10f77                     the checksum
//   Module 0: path=0 sources=2 source_key=1 key=2 type=7
//   String 0: "Std"
//   Path 0: words=0+2                  a range: first and number
//   Type 4: kind=3 file=1 line=4 column=7 a=2 b=3 c=0
//   CodeWord 0: 1 0 0 38 0             up to sixteen records of one number in a line
//
// An absent reference is `-`. Names, numbers of globals and the like are explained by no comments: `fble-jit
// disassemble` shows a module's bytecode in full. The checksum is written, and computed again by the parser.
//
// Tested by tests/unit/frontends/fble/image/image_text_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "frontends/fble/image/image_tables.h"

namespace fble {

/// Prints the tables of an image. They need not be right.
std::string print_image(const ImageView& image);

struct ImageParse {
  std::string image;  ///< the bytes
  std::string error;  ///< "line LINE: MESSAGE"; empty if all is well
};

/// Parses the output of print_image. The result is an image, which verify_image may reject, or an error.
ImageParse parse_image(std::string_view text);

}  // namespace fble
