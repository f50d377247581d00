// Files that a command makes as a whole, such as executables and images.
// Tested by tests/unit/frontends/cli/replace_file_test.cc.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace fble {

/// Creates or replaces a file with these bytes and this mode, less the bits of the umask. The name has the old file
/// until the new one is complete, and keeps it if something fails; processes that have mapped or run the old one keep
/// it. A signal that ends the process does so when the file has its name: nothing unfinished stays behind. What is no
/// regular file, such as a device or a pipe, is written to instead. Returns false, after a message, if that fails.
bool replace_file(const std::string& name, std::string_view bytes, mode_t mode);

}  // namespace fble
