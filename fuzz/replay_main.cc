// fble-fuzz-replay: all fuzz targets without libFuzzer.
//
//   fble-fuzz-replay TARGET [FILE or FOLDER]... [--random N] [--seed S]
//
// Runs the target on each file (folders: on all files in them), then on N inputs that are random, or files with random
// changes. If the process ends by a signal, the input is written to a file, whose name is printed.
//
// Tested by the ctests fuzz.replay.TARGET.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "fuzz/targets/target.h"

namespace fble {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

std::string file_of_input;       // for the signal handler
const Bytes* current = nullptr;  // the input that runs

extern "C" void save_input(int signal) {
  constexpr std::string_view kText = "the input is in ";
  const int file = open(file_of_input.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  [[maybe_unused]] ssize_t written = current == nullptr ? 0 : write(file, current->data(), current->size());
  written = write(2, kText.data(), kText.size());
  written = write(2, file_of_input.data(), file_of_input.size());
  written = write(2, "\n", 1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(const FuzzTarget& target, const Bytes& bytes) {
  current = &bytes;
  target.run(bytes);
  current = nullptr;
}

Bytes change(Bytes bytes, std::mt19937_64& random) {
  const auto below = [&](size_t bound) { return static_cast<size_t>(random() % bound); };
  for (size_t edits = 1 + below(4); edits > 0; --edits) {
    if (bytes.empty()) bytes.push_back(0);
    const size_t at = below(bytes.size());
    switch (below(4)) {
      case 0: bytes[at] = static_cast<uint8_t>(random()); break;
      case 1: bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), static_cast<uint8_t>(random())); break;
      case 2:
        bytes.erase(bytes.begin() + static_cast<ptrdiff_t>(at),
                    bytes.begin() + static_cast<ptrdiff_t>(std::min(bytes.size(), at + 1 + below(8))));
        break;
      default: bytes[at] ^= static_cast<uint8_t>(1 << below(8)); break;
    }
  }
  return bytes;
}

int main_function(int argc, char** argv) {
  const FuzzTarget* target = nullptr;
  std::vector<Bytes> inputs;
  uint64_t count = 0;
  uint64_t seed = 1;
  for (const FuzzTarget& known : fuzz_targets()) {
    if (argc > 1 && std::strcmp(argv[1], known.name) == 0) target = &known;
  }
  if (target == nullptr) {
    fmt::print(stderr, "Usage: fble-fuzz-replay TARGET [FILE or FOLDER]... [--random N] [--seed S]\nTargets:");
    for (const FuzzTarget& known : fuzz_targets()) fmt::print(stderr, " {}", known.name);
    fmt::print(stderr, "\n");
    return 2;
  }
  const auto read = [&](const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  };
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--random" && i + 1 < argc)
      count = std::strtoull(argv[++i], nullptr, 10);
    else if (word == "--seed" && i + 1 < argc)
      seed = std::strtoull(argv[++i], nullptr, 10);
    else if (fs::is_directory(word)) {
      std::vector<fs::path> files;
      for (const auto& entry : fs::recursive_directory_iterator(word)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
      std::ranges::sort(files);
      for (const fs::path& file : files) read(file);
    } else if (fs::is_regular_file(word)) {
      read(word);
    } else {
      fmt::print(stderr, "error: no file or folder {}\n", word);
      return 2;
    }
  }
  file_of_input = (fs::temp_directory_path() / fmt::format("fble-fuzz-{}-{}", target->name, getpid())).string();
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE}) std::signal(signal, save_input);
  for (const Bytes& input : inputs) run(*target, input);
  std::mt19937_64 random(seed);
  for (uint64_t i = 0; i < count; ++i) {
    if (!inputs.empty() && random() % 4 != 0) {
      run(*target, change(inputs[random() % inputs.size()], random));
      continue;
    }
    Bytes bytes(random() % 600);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    run(*target, bytes);
  }
  fmt::print("{}: {} files and {} random inputs without a finding\n", target->name, inputs.size(), count);
  return 0;
}

}  // namespace
}  // namespace fble

int main(int argc, char** argv) { return fble::main_function(argc, argv); }
