// A manifest: what a run needs of a program that an earlier run has loaded, and the facts about files under which it is
// the same program still. It is in the user's cache, by the digest of what the program was asked for.
//
//   fble-jit manifest 2
//   command DIGEST            the build of fble-jit that has written it (digest.h)
//   checksum WORD BYTES       CRC-32 of that number of bytes after this line: of all up to the modules
//   missing "NAME"            facts about files, one per line (file_facts.h)
//   there "NAME"
//   read DIGEST "NAME"        the digest of its content
//   stamp DEVICE INODE BYTES MODIFIED CHANGED        of the file before, if it has one
//   folder BYTES "NAME"       then its stamp, if it has one, and that number of bytes: facts about names in the folder
//   messages "TEXT"           warnings, as they are printed
//   modules BYTES
//   bundle BYTES
//
// The facts in a folder are looked at only if it has another stamp. Then come that number of bytes about modules, zeros
// up to a multiple of eight, and a bundle (bundle.h) if there is one. A program that was only checked has modules
// instead: one per line, after a line with their checksum. They are looked at only if files have other content.
//
//   checksum WORD
//   module INTERFACE HEADER VALUE HAS_MESSAGES COUNT MENTION... "PATH"
//
// HEADER and VALUE are facts by their number, from 1; 0 for a source that was not read. A MENTION is a module by its
// number.
//
// Numbers are decimal; checksums, stamps and digests hexadecimal. Texts are between double quotes, with a backslash
// before a double quote, a backslash and an n, which is a newline. Each manifest can be written in one way only.
//
// Tested by tests/unit/frontends/fble/image/manifest_test.cc.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/fble/file_facts.h"
#include "frontends/fble/image/digest.h"

namespace fble {

inline constexpr std::string_view kManifestMagic = "fble-jit manifest 2\n";

struct ManifestFolder {
  std::string name;
  std::optional<FileStamp> stamp;
  std::string_view lines;  ///< the facts about names in it
};

struct Manifest {
  std::vector<FileFact> facts;  ///< that are in no folder
  std::vector<ManifestFolder> folders;
  std::string messages;
  std::string_view modules;  ///< the lines of the modules
  std::string_view bundle;   ///< empty for a program that was only checked
};

/// Returns the lines of facts about names in a folder.
std::string print_folder_lines(const FolderFacts& folder);
/// Returns the facts; nothing if these are no such lines.
std::optional<std::vector<FileFact>> parse_folder_lines(const ManifestFolder& folder);

/// Checks all facts of a manifest (check_facts), and gives them and folders the stamps of now.
std::optional<FactsNow> check_manifest(Manifest& manifest);

/// A module of a program that was checked.
struct ManifestModule {
  std::string path;
  Digest interface;
  std::array<uint32_t, 2> sources{};  ///< facts of the header and the value, from 1; 0 for none
  bool has_messages = false;
  std::vector<uint32_t> mentions;  ///< modules by their index
  bool operator==(const ManifestModule&) const = default;
};

std::string print_manifest_modules(const std::vector<ManifestModule>& modules);
/// Returns nothing if these are no lines of modules with that number of facts.
std::optional<std::vector<ManifestModule>> parse_manifest_modules(std::string_view lines, size_t fact_count);

/// Returns the manifest as a file of this command, which has a build id.
std::string print_manifest(const Manifest& manifest, const Digest& command);

/// Parses the file, which begins at a multiple of eight bytes and outlives the result. Returns nothing if it is no
/// manifest of this command, or a damaged one. Lines of folders and modules, and the
/// bundle, are not looked at.
std::optional<Manifest> parse_manifest(std::string_view file, const Digest& command);

/// Returns the checksum that the file must have, up to the modules, and where it is: eight digits. Nothing if it is no
/// manifest of the command.
std::optional<std::pair<uint32_t, size_t>> manifest_checksum(std::string_view file, const Digest& command);

}  // namespace fble
