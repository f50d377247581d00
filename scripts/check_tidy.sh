#!/usr/bin/env bash
# Checks the naming rules and lints of .clang-tidy: in the given sources, or in all of the product. For all, it takes
# several sources at a time, in half of the time.
#
#   scripts/check_tidy.sh [FILE.cc...]
#
# For given sources it also checks that each includes what it needs: no headers are precompiled here.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/tidy unity=OFF files=("$@")
if [ "${#files[@]}" -eq 0 ]; then
  build=build/tidy-all unity=ON
fi
cmake --preset release -B "$build" -DBUILD_TESTING=OFF -DFBLE_SHARE_HEADERS=OFF -DCMAKE_UNITY_BUILD=$unity >/dev/null
if [ "${#files[@]}" -eq 0 ]; then
  # Those of the build, but for embedded data.
  mapfile -t files < <(python3 -c '
import json, sys
for entry in json.load(open(sys.argv[1])):
    if "/embedded/" not in entry["file"]: print(entry["file"])' "$build/compile_commands.json")
fi
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 clang-tidy-19 -p "$build" --quiet --warnings-as-errors='*'
