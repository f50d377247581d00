// Runs fble-jit as users do, in a folder of its own, and captures its output and status.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace fble {

struct CommandResult {
  int status = -1;  ///< exit status, or minus the signal
  std::string out;
  std::string err;
};

/// A test with a fresh working folder, removed at its end.
class CommandTest : public testing::Test {
 protected:
  CommandTest() {
    std::string name = testing::TempDir() + "fble-command-test-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~CommandTest() override { std::filesystem::remove_all(folder_); }

  const std::string& folder() const { return folder_; }

  /// Writes a file below the working folder.
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream stream(folder_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  /// Runs the command in the working folder. `environment`: "NAME=VALUE" words
  /// that are added; `script` may precede the command: `script_ "$@"`.
  CommandResult run(const std::vector<std::string>& words, const std::string& input = "",
                    const std::vector<std::string>& environment = {}, const std::string& script = "exec \"$@\"") const {
    write(".in", input);
    std::vector<std::string> all{"/bin/sh", "-c", script, "sh", FBLE_JIT_COMMAND};
    all.insert(all.end(), words.begin(), words.end());
    const pid_t child = fork();
    if (child == 0) {
      if (chdir(folder_.c_str()) != 0) _exit(127);
      unsetenv("FBLE_PACKAGE_PATH");
      unsetenv("FBLE_JIT_STD");
      setenv("XDG_CACHE_HOME", "/dev/null", 1);  // there is no cache
      for (const std::string& word : environment) putenv(strdup(word.c_str()));
      dup2(open(".in", O_RDONLY), STDIN_FILENO);
      dup2(open(".out", O_WRONLY | O_CREAT | O_TRUNC, 0666), STDOUT_FILENO);
      dup2(open(".err", O_WRONLY | O_CREAT | O_TRUNC, 0666), STDERR_FILENO);
      std::vector<char*> argv;
      for (const std::string& word : all) argv.push_back(strdup(word.c_str()));
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    CommandResult result;
    int status = 0;
    if (child > 0 && waitpid(child, &status, 0) == child) {
      result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    result.out = read(".out");
    result.err = read(".err");
    return result;
  }

 private:
  std::string folder_;
};

}  // namespace fble
