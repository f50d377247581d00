// A bundle: all modules of a program, as images, in one string of bytes. `fble-jit build` puts it into an executable.
//
//   +------------+----------+-------+----------------------------------+----------+-------------------+
//   | "FbleBnd1" | checksum | count | entries: offset and size of the  | names of | images, each at a |
//   | 8 bytes    | word     | word  | file's name and of the image, as | files    | multiple of eight |
//   |            |          |       | four words of 8 bytes            |          | bytes             |
//   +------------+----------+-------+----------------------------------+----------+-------------------+
//
// Words have the byte order of x86-64. A module comes after those that it uses; the program is the last. Its file is
// the one that it was compiled from, which messages name and nothing opens. The checksum is the CRC-32 of all that
// follows it, up to the first image: images have checksums of their own (image_tables.h).
//
// Tested by tests/unit/frontends/fble/image/bundle_test.cc.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fble {

inline constexpr std::string_view kBundleMagic = "FbleBnd1";

/// A module of a bundle.
struct BundledModule {
  std::string file;        ///< name of its source
  std::string_view image;  ///< begins at a multiple of eight
};

/// Returns the bundle of these modules. Their images may be anywhere.
std::string write_bundle(std::span<const BundledModule> modules);

/// Returns the modules of a bundle, which begins at a multiple of eight bytes and outlives them. Returns nothing and
/// sets `problem` if these bytes are no bundle, or a damaged one. The images are not looked at.
std::optional<std::vector<BundledModule>> read_bundle(std::string_view bundle, std::string& problem);

/// Returns the checksum that a bundle must have.
uint32_t bundle_checksum(std::string_view bundle);

}  // namespace fble
