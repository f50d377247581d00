#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace fble {

inline constexpr std::string_view kProseExtensions[] = {
    ".cc", ".cmake", ".def", ".fble", ".h", ".json", ".md", ".py", ".session", ".sh", ".toml", ".yml",
};

/// Returns whether the file has prose: by its name, or as a script without an extension.
inline bool has_prose(const std::filesystem::path& file) {
  const std::string extension = file.extension();
  if (file.filename() == "CMakeLists.txt") return true;
  if (!extension.empty()) return std::ranges::find(kProseExtensions, extension) != std::end(kProseExtensions);
  std::ifstream stream(file, std::ios::binary);
  return stream.get() == '#' && stream.get() == '!';
}

/// Returns the paths of all files with prose, relative to the root, in name order.
inline std::vector<std::string> prose_files() {
  const std::filesystem::path root = FBLE_SOURCE_DIR;
  std::vector<std::string> found;
  const auto add = [&](const std::filesystem::path& file) {
    if (std::filesystem::is_regular_file(file) && has_prose(file)) found.push_back(file.lexically_relative(root));
  };
  for (const auto& top : std::filesystem::directory_iterator(root)) {
    const std::string name = top.path().filename();
    if (name == ".git" || name.starts_with("build")) continue;
    if (!top.is_directory()) {
      add(top.path());
    } else {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(top.path())) add(entry.path());
    }
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace fble
