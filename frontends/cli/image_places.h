// Where images of modules are: those of the library beside it, those of the user's modules in a cache.
// Tested by tests/unit/frontends/cli/image_test.cc.
#pragma once

#include <string>

namespace fble {

/// Returns the file with the images of the library: that of the installation, else that of the build. There may be
/// none.
std::string library_image_file();

/// Returns the folder of the user's cache: fble-jit below $XDG_CACHE_HOME, else below ~/.cache. Empty if neither is
/// known.
std::string image_cache_folder();

}  // namespace fble
