// Expected output kept in files, compared and rewritten.
#pragma once

#include <string>

namespace fble {

/// The flag of `fble-jit-tests --update-goldens`: expectations are rewritten, not compared.
extern bool update_goldens;

/// Compares the text with the file's, reporting the first line that differs;
/// or writes the file.
void expect_golden(const std::string& file, const std::string& text);

}  // namespace fble
