// Pieces of Fble that generated programs may use, each with what it needs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fble {

struct LibraryPiece {
  std::string_view name;
  std::string_view needs;  ///< names of other pieces, separated by spaces
  std::string_view text;   ///< whole lines
};

/// Returns the pieces. Each comes after the pieces that it needs.
std::span<const LibraryPiece> library_pieces();

/// Returns the text that turns the value of a generated module into a program that prints it. `numbers`: the value may
/// have integers in it.
std::string command_footer(bool numbers);
/// Returns whether the module has the types and names that the footer uses, as the library defines them.
bool has_what_footer_needs(std::string_view module_text);

/// The characters of the types Letter@ and Said@, by tag. Said@ has kSaidLetter and the following tags besides.
std::string_view letters();
inline constexpr uint32_t kSaidLetter = 40;  ///< a Letter@
inline constexpr uint32_t kSaidNat = 41;
inline constexpr uint32_t kSaidNumber = 42;
inline constexpr uint32_t kSaidTags = 43;

}  // namespace fble
