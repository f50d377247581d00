#!/usr/bin/env bash
# Writes cmake/start_order.txt: the functions that a short program runs, in the order in which it first calls them. The
# linker puts them together, so that starting takes fewer page faults. An old list does no harm: names that are no more
# are left out, and what is new is where it would be without the list.
#
#   start_order.sh [FBLE_JIT]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
command=$(realpath "${1:-$root/build/release/fble-jit}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cp "$root/tests/bench/programs/Hello.fble" .
export XDG_CACHE_HOME=$work/cache
# The cache knows a file by its stamp only when it has not changed for a while.
sleep 3
"$command" Hello.fble >/dev/null
# Functions are named where they are first met: by their callers, or where they begin. Those without a name begin with 0x.
valgrind --tool=callgrind --demangle=no --callgrind-out-file=calls "$command" Hello.fble >/dev/null 2>&1
grep -oE '^c?fn=\([0-9]+\) .*' calls | sed -E "s/^c?fn=\([0-9]+\) //; s/'[0-9]+$//" | grep -E '^[A-Za-z_.][A-Za-z_.$0-9]+$' |
  awk '!seen[$0]++' >"$root/cmake/start_order.txt"
wc -l "$root/cmake/start_order.txt"
