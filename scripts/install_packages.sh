#!/usr/bin/env bash
# Installs the Debian packages that fble-jit is built and tested with.
set -euo pipefail

packages=(
  clang-19 libclang-rt-19-dev lld-19 llvm-19
  cmake make ninja-build git ca-certificates curl
  libasmjit-dev libbenchmark-dev libfmt-dev libgmock-dev libgmp-dev libgoogle-perftools-dev libgtest-dev liburing-dev
  libz3-dev libzydis-dev nettle-dev nlohmann-json3-dev python3 zlib1g-dev
  clang-format-19 clang-tidy-19    # scripts/check_format.sh, scripts/check_tidy.sh
  fish groff-base mandoc zsh       # tests/packaging
  gdb                              # tests/gdb
  linux-perf                       # tests/unit/frontends/cli/perf_test.cc
)

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"
