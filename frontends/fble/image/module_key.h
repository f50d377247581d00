// Keys: the sources of a module, as a digest.
// Tested by tests/unit/frontends/fble/image/digest_test.cc.
#pragma once

#include <optional>

#include "frontends/fble/image/digest.h"
#include "frontends/fble/module_path.h"

namespace fble {

/// The digests of a module's sources, as far as they are there and loading reads them.
struct SourceDigests {
  std::optional<Digest> header;
  std::optional<Digest> value;
};

/// The names of a module's files in this run; empty for a source that it does not have.
struct SourceFiles {
  Symbol header;
  Symbol value;
};

/// Returns the key of a module's own sources for this command. Nothing if the command has no build id to know it by.
std::optional<Digest> source_key(const ModulePath& module, const SourceDigests& sources);

}  // namespace fble
