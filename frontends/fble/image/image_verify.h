// Checks of an image before anything is made from it. They stand between a file and the machine.
//
// An image that passes has these properties:
//  * every reference is within its table, and tables of parts are divided among their owners in order, so that work is
//    proportional to the image's size;
//  * there is one module, whose files, mentions and messages fit together;
//  * types are graphs as types.h describes them;
//  * functions are there exactly if the module has a value.
//
// So making types from it cannot fail, but for types of other modules that do not exist, which the reader reports. The
// words of functions are verified when code is made from them (code_image.h), as bytecode_verify.h describes it. That
// values have the types that code expects follows from the keys: an image is used only if it was made from the present
// sources, by this command, and its checksum is right.
//
// Tested by tests/unit/frontends/fble/image/image_verify_test.cc.
#pragma once

#include <string>

#include "frontends/fble/image/image_tables.h"

namespace fble {

/// Returns the first problem; empty if there is none.
std::string verify_image(const ImageView& image);

}  // namespace fble
