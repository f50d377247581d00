// The folders where modules are searched, in this order:
//
//  1. the folder of a program given as a file (search_path.cc says how it is found);
//  2. the folders of -I and -p, in order;
//  3. our own library, unless one of the folders above has a /Std of its own:
//     two libraries are never mixed. It is $FBLE_JIT_STD, else the folder
//     installed beside the command, else the one in the source tree.
//
// Tested by tests/unit/frontends/cli/search_path_test.cc.
#pragma once

#include <string>
#include <vector>

#include "frontends/fble/module_path.h"

namespace fble {

/// Returns the data folder of the installation that the running command is part of, such as /usr/share for
/// /usr/bin/fble-jit; empty if the command is not known.
std::string data_folder();

/// Returns the folder of a package: DIR/PACKAGE for the first DIR of
/// FBLE_PACKAGE_PATH, then of the installation, where it exists; empty if there is
/// none.
std::string find_package(const std::string& package);

/// Returns the roots, with our library at the end unless they have a library of their own.
std::vector<std::string> with_library(std::vector<std::string> roots);

/// A module given as a file: the folders to search, its own root first, and its path there.
struct FileModule {
  std::vector<std::string> roots;
  ModulePath path;
};

/// Finds the root that a file belongs to: the first of `roots`, or else of our library's
/// folders, that the file lies in, also through links; else the nearest folder above it
/// that has some module that the file mentions and from where all of them are found;
/// else, if the file is a link, such a folder above its target; else its own folder.
/// Requires that the name ends in ".fble".
FileModule locate_file(const std::string& file, const std::vector<std::string>& roots);

/// A module and the file of its value.
struct FoundModule {
  ModulePath path;
  std::string file;
};

/// Returns all modules below the roots by name. If two roots have a module, the
/// first root counts. Hidden folders, such as those of version control, are left
/// out. Reports folders that cannot be searched.
std::vector<FoundModule> all_modules(const std::vector<std::string>& roots);

}  // namespace fble
