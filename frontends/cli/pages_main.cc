// fble-jit-pages DIR VERSION: writes man pages and shell completions for the installation.
// Tested by tests/packaging/pages_test.py.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "frontends/cli/pages.h"

namespace {

bool write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) fmt::print(stderr, "fble-jit-pages: cannot write {}\n", file.string());
  return static_cast<bool>(stream);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "Usage: fble-jit-pages DIR VERSION\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::error_code problem;
  std::filesystem::create_directories(folder / "man1", problem);  // if that fails, so does writing
  bool ok = write(folder / "fble-jit.bash", fble::bash_completion()) &&
            write(folder / "_fble-jit", fble::zsh_completion()) &&
            write(folder / "fble-jit.fish", fble::fish_completion());
  for (const fble::Command& command : fble::commands()) {
    const std::string name = command.name[0] == '\0' ? "fble-jit" : fmt::format("fble-jit-{}", command.name);
    ok = ok && write(folder / "man1" / (name + ".1"), fble::man_page(command, argv[2]));
  }
  return ok ? 0 : 1;
}
