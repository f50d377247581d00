// Pieces of Fble that generated programs may use, each with what it needs.
#pragma once

#include <span>
#include <string_view>

namespace fble {

struct LibraryPiece {
  std::string_view name;
  std::string_view needs;  ///< names of other pieces, separated by spaces
  std::string_view text;   ///< whole lines
};

/// In an order in which each comes after what it needs.
std::span<const LibraryPiece> library_pieces();

/// Turns the value of a generated module into a program that prints it.
std::string_view command_footer();

/// The characters of the type Letter@, by tag.
std::string_view letters();

}  // namespace fble
