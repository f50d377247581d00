#include "frontends/cli/image_places.h"

#include <unistd.h>

#include <cstdlib>

#include "frontends/cli/search_path.h"

namespace fble {

std::string library_image_file() {
  std::string installed = data_folder() + "/fble-jit/std.images";
  return access(installed.c_str(), R_OK) == 0 ? installed : std::string(FBLE_STD_IMAGES);
}

std::string image_cache_folder() {
  // A name that is not absolute is to be ignored (XDG Base Directory Specification 0.8).
  if (const char* given = std::getenv("XDG_CACHE_HOME"); given != nullptr && given[0] == '/') {
    return std::string(given) + "/fble-jit";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/') {
    return std::string(home) + "/.cache/fble-jit";
  }
  return "";
}

}  // namespace fble
