#!/usr/bin/env bash
# Installs the peers of suite.toml, which tests/bench/run compares fble-jit with, on Debian 12. Without
# it the run leaves out what is missing and says so.
set -euo pipefail

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
mapfile -t packages < <(sed -n 's/^package = "\(.*\)"$/\1/p' "$(dirname "$0")/suite.toml")
"${as_root[@]}" apt-get update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"
