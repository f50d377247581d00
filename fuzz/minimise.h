// Makes failing programs smaller.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace fble {

struct MinimiseOptions {
  double seconds = 60;
};

/// Shrinks the choices that a generator made as long as `fails` holds for them.
std::vector<uint32_t> minimise_choices(std::vector<uint32_t> choices,
                                       const std::function<bool(const std::vector<uint32_t>&)>& fails,
                                       const MinimiseOptions& options);

/// Shrinks a program text as long as `fails` holds: leaves out lines and bracketed
/// parts, and replaces parts by others. A text that does not compile counts as not
/// failing.
std::string minimise_text(std::string text, const std::function<bool(const std::string&)>& fails,
                          const MinimiseOptions& options);

}  // namespace fble
