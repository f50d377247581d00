#!/usr/bin/env bash
# From nothing to a running program: packages, the command in a release build, and the md5 of a real file.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_packages.sh
cmake --preset release
cmake --build --preset release --target fble-jit

file=LICENSE
echo "md5 of $file, computed by examples/Md5.fble:"
build/release/fble-jit --jit=on examples/Md5.fble "$file"
echo "and by md5sum:"
md5sum "$file"
