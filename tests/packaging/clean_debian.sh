#!/usr/bin/env bash
# Tries README's two commands, and the Debian package, in new Debian 12 systems. Run as root, with debootstrap installed:
#
#   tests/packaging/clean_debian.sh [FOLDER]
#
# FOLDER (default: a temporary one, removed at the end) gets the two systems: `build`, where a clone of the last commit is
# built and tested, and `use`, where the package is installed. A system that is there already is used again, with the
# packages that it has. Packages come from where this machine's apt gets them. Each step prints its wall time and its
# processor time, user and system together.
set -euo pipefail
[ "$(id -u)" -eq 0 ] || { echo "run as root" >&2; exit 2; }

# Mounts and processes of the systems are in namespaces of their own, which end with this script.
if [ "${1:-}" != --inside ]; then
  if [ $# -eq 1 ]; then
    folder=$(mkdir -p "$1" && realpath "$1")
  else
    folder=$(mktemp -d)
    trap 'rm -rf --one-file-system "$folder"' EXIT
  fi
  unshare --mount --pid --fork --kill-child "$0" --inside "$folder"
  exit
fi
folder=$2
cd "$(dirname "$0")/../.."
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -1)

# Makes a system, unless it is there. Its apt has the sources, keys and settings of this machine's.
make_system() {
  local root=$folder/$1
  # debootstrap removes its own folder at the end.
  if [ ! -x "$root/usr/bin/apt-get" ] || [ -e "$root/debootstrap" ]; then
    rm -rf --one-file-system "$root"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$mirror" > "$folder/debootstrap-$1.log"
  fi
  rm -rf "$root"/etc/apt/sources.list* "$root/etc/apt/apt.conf.d"
  cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root/etc/apt/"
  [ ! -e /etc/apt/sources.list ] || cp /etc/apt/sources.list "$root/etc/apt/"
  cp -n /usr/share/keyrings/*.gpg "$root/usr/share/keyrings/"
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
}

# Runs a command in a system, as a new user would.
inside() {
  local system=$1 TIMEFORMAT='%R s, processor %U + %S s'
  shift
  echo "--- in $system: $*"
  time env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 chroot "$folder/$system" bash -euo pipefail -c "$*"
}

make_system build
rm -rf "$folder/build/root/fble-jit"
git clone --quiet . "$folder/build/root/fble-jit"
inside build 'apt-get update && apt-get install -y --no-install-recommends git >/dev/null'
inside build 'cd /root/fble-jit && scripts/install_packages.sh > /root/packages.log'
inside build 'cd /root/fble-jit && scripts/setup.sh'
inside build 'cd /root/fble-jit && cmake --workflow --preset release'
inside build 'cd /root/fble-jit/build/release && cpack && ls -l *.deb && dpkg-deb -I *.deb && dpkg-deb -c *.deb | grep -v /Std/'

make_system use
rm -f "$folder"/use/root/*.deb
cp "$folder"/build/root/fble-jit/build/release/*.deb "$folder/use/root/"
cp "$folder"/build/root/fble-jit/tests/bench/programs/IntegerLoop.fble "$folder/use/root/"
cp -rT "$folder"/build/root/fble-jit/tests/bench/programs/Bench "$folder/use/root/Bench"
cp -rT "$folder"/build/root/fble-jit/examples "$folder/use/root/examples"
sed -n '/^    StringE .=/,/^    Main;/s/^    //p' README.md > "$folder/use/root/hello.fble"
inside use 'apt-get update && apt-get install -y --no-install-recommends /root/*.deb'
inside use 'dpkg --verify fble-jit'
inside use 'cd /root && [ "$(fble-jit hello.fble)" = "hello, world" ]'
inside use 'cd /root && [ "$(fble-jit --jit=on IntegerLoop.fble 100000)" = "$(fble-jit --jit=off IntegerLoop.fble 100000)" ]'
inside use 'cd /root && fble-jit --jit=on --stats IntegerLoop.fble 100000 2>&1 | grep -E "^traces"'
inside use 'cd /root && [ "$(fble-jit --jit=on examples/Md5.fble /usr/bin/fble-jit)" = "$(md5sum /usr/bin/fble-jit)" ]'
inside use 'fble-jit doc /Std/List% | grep ForEach >/dev/null'
inside use '[ -s /usr/share/man/man1/fble-jit.1.gz ] && [ -s /usr/share/bash-completion/completions/fble-jit ]'
inside use 'apt-get remove -y fble-jit && [ ! -e /usr/bin/fble-jit ] && [ ! -e /usr/share/fble-jit ]'
echo "all passed"
