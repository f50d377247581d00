#!/usr/bin/env bash
# Checks the naming rules and lints of .clang-tidy: in the given sources, or in all of the product.
#
#   scripts/check_tidy.sh [FILE.cc...]
#
# Needs build/release to be configured.
set -euo pipefail
cd "$(dirname "$0")/.."
files=("$@")
[ "${#files[@]}" -ne 0 ] || mapfile -t files < <(git ls-files -- 'gc/*.cc' 'interp/*.cc' 'deopt/*.cc' 'jit/*.cc' 'frontends/*.cc')
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 4 clang-tidy-19 -p build/release --quiet --warnings-as-errors='*'
