#!/usr/bin/env bash
# Installs what tests/bench/run compares fble-jit with, on Debian 12. Without it the run leaves out
# what is missing and says so.
set -euo pipefail

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ocaml-nox luajit nodejs
