// A manifest: what a run needs of a program that an earlier run has loaded, and the facts about files under which it is
// the same program still. It is in the user's cache, by the digest of what the program was asked for.
//
//   fble-jit manifest 1
//   command DIGEST            the build of fble-jit that has written it (digest.h)
//   checksum WORD             CRC-32 of all that follows, up to the bundle
//   missing "NAME"            facts about files, one per line (file_facts.h)
//   there "NAME"
//   read DIGEST "NAME"        the digest of its content; then the stamp, if it has one:
//   stamp DEVICE INODE BYTES MODIFIED CHANGED
//   messages "TEXT"           warnings, as they are printed
//   bundle BYTES              then zeros, up to a multiple of eight; then a bundle (bundle.h), if there are any bytes
//
// Numbers are decimal, the checksum and digests hexadecimal. Texts are between double quotes, with a backslash
// before a double quote, a backslash and an n, which is a newline. Each manifest can be written in one way only.
//
// Tested by tests/unit/frontends/fble/image/manifest_test.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/fble/file_facts.h"
#include "frontends/fble/image/digest.h"

namespace fble {

inline constexpr std::string_view kManifestMagic = "fble-jit manifest 1\n";

struct Manifest {
  std::vector<FileFact> facts;
  std::string messages;
  std::string_view bundle;  ///< empty for a program that was only checked
};

/// Returns the manifest as a file of this command, which has a build id.
std::string print_manifest(const Manifest& manifest, const Digest& command);

/// Parses the file, which begins at a multiple of eight bytes and outlives the result. Returns nothing if it is no
/// manifest of this command, or a damaged one. The bundle is not looked at.
std::optional<Manifest> parse_manifest(std::string_view file, const Digest& command);

/// Returns the checksum that the file must have, and where it is: eight digits. Nothing if it is no manifest.
std::optional<std::pair<uint32_t, size_t>> manifest_checksum(std::string_view file);

}  // namespace fble
