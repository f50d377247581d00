#!/usr/bin/env bash
# Checks the naming rules and lints of .clang-tidy: in the given sources, or in all of the product.
#
#   scripts/check_tidy.sh [FILE.cc...]
#
# Also checks that each file includes what it needs: no headers are precompiled here.
set -euo pipefail
cd "$(dirname "$0")/.."
files=("$@")
[ "${#files[@]}" -ne 0 ] || mapfile -t files < <(git ls-files -- 'gc/*.cc' 'interp/*.cc' 'deopt/*.cc' 'jit/*.cc' 'frontends/*.cc')
cmake --preset release -B build/tidy -DBUILD_TESTING=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 2 clang-tidy-19 -p build/tidy --quiet --warnings-as-errors='*'
