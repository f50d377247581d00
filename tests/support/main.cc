// fble-jit-tests: unit tests, goldens, robustness. Understands GoogleTest's options and --update-goldens.
#include <gmock/gmock.h>

#include <csignal>
#include <cstdio>
#include <string_view>

#include "tests/support/golden.h"

int main(int argc, char** argv) {
  // Shells start background jobs with SIGINT ignored, and children inherit that. Tests interrupt programs.
  std::signal(SIGINT, SIG_DFL);
  testing::InitGoogleMock(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--update-goldens") {
      std::fprintf(stderr, "unknown option '%s'\n", argv[i]);
      return 2;
    }
    fble::update_goldens = true;
  }
  return RUN_ALL_TESTS();
}
