#!/usr/bin/env bash
# Tries README's two commands, and the Debian package, in new Debian 12 systems. Run as root, with debootstrap installed:
#
#   tests/packaging/clean_debian.sh [FOLDER]
#
# FOLDER (default: a temporary one, removed at the end) gets the two systems: `build`, where a clone of the last commit is
# built and tested, and `use`, where the package is installed. Packages come from where this machine's apt gets them.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" -eq 0 ] || { echo "run as root" >&2; exit 2; }

if [ $# -eq 1 ]; then
  folder=$(mkdir -p "$1" && cd "$1" && pwd)
else
  folder=$(mktemp -d)
fi
finish() {
  for system in build use; do
    umount "$folder/$system/proc" 2>/dev/null || true
    umount "$folder/$system/dev" 2>/dev/null || true
  done
  [ $# -eq 1 ] || rm -rf --one-file-system "$folder"
}
trap 'finish "$@"' EXIT

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -1)

# Makes a new system. Its apt has the sources, keys and settings of this machine's.
make_system() {
  local root=$folder/$1
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$mirror" > "$folder/debootstrap-$1.log"
  rm -f "$root/etc/apt/sources.list"
  cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root/etc/apt/"
  cp -n /usr/share/keyrings/*.gpg "$root/usr/share/keyrings/"
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
}

# Runs a command in a system, as a new user would, and prints its wall time.
inside() {
  local system=$1 start=$SECONDS
  shift
  env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 chroot "$folder/$system" bash -euc "$*"
  echo "--- in $system: $*: $((SECONDS - start)) s"
}

make_system build
git clone --quiet . "$folder/build/root/fble-jit"
inside build 'apt-get update && apt-get install -y --no-install-recommends git >/dev/null'
inside build 'cd /root/fble-jit && scripts/install_packages.sh > /root/packages.log'
inside build 'cd /root/fble-jit && scripts/setup.sh'
inside build 'cd /root/fble-jit && cmake --workflow --preset release'
inside build 'cd /root/fble-jit/build/release && cpack && ls -l *.deb && dpkg-deb -I *.deb && dpkg-deb -c *.deb | grep -v /Std/'

make_system use
cp "$folder"/build/root/fble-jit/build/release/*.deb "$folder/use/root/"
cp "$folder"/build/root/fble-jit/tests/bench/programs/IntegerLoop.fble "$folder/use/root/"
cp -r "$folder"/build/root/fble-jit/tests/bench/programs/Bench "$folder/use/root/"
sed -n '/^    StringE .=/,/^    Main;/s/^    //p' README.md > "$folder/use/root/hello.fble"
inside use 'apt-get update && apt-get install -y --no-install-recommends /root/*.deb'
inside use 'cd /root && [ "$(fble-jit hello.fble)" = "hello, world" ]'
inside use 'cd /root && [ "$(fble-jit --jit=on IntegerLoop.fble 100000)" = "$(fble-jit --jit=off IntegerLoop.fble 100000)" ]'
inside use 'cd /root && fble-jit --jit=on --stats IntegerLoop.fble 100000 2>&1 | grep -E "^traces"'
inside use 'fble-jit doc /Std/List% | grep -q ForEach'
inside use '[ -s /usr/share/man/man1/fble-jit.1.gz ] && [ -s /usr/share/bash-completion/completions/fble-jit ]'
inside use 'apt-get remove -y fble-jit && [ ! -e /usr/bin/fble-jit ] && [ ! -e /usr/share/fble-jit ]'
echo "all passed"
