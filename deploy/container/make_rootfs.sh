#!/bin/sh
# make_rootfs.sh TIDEMARKD OUT.tar: the root file system of a container with one program in it.
#
# Asks the program which libraries it needs, takes the Debian packages that hold them, and unpacks
# these and what they depend on with mmdebstrap: by name, from the sources of packages of this machine,
# with their signatures checked. The version of the program and those of the packages stand in
# /usr/share/tidemark/packages.
set -eu

usage() {
  echo "usage: $0 TIDEMARKD OUT.tar" >&2
  exit 64
}
[ $# -eq 2 ] || usage
program=$1
out=$2
[ -x "$program" ] || usage
command -v mmdebstrap >/dev/null || {
  echo "make_rootfs: mmdebstrap is missing: install the package mmdebstrap" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Packages by the libraries of the program. A library may be found under /lib or /usr/lib.
packages() {
  ldd "$program" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | while read -r library; do
    real=$(readlink -f "$library")
    dpkg -S "$real" 2>/dev/null || dpkg -S "${real#/usr}" 2>/dev/null || dpkg -S "$library"
  done | sed 's/:.*//' | sort -u
}
include=$(packages | paste -sd,)
[ -n "$include" ] || {
  echo "make_rootfs: the libraries of $program come from no package" >&2
  exit 1
}
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

sources=/etc/apt/sources.list
for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
  [ -s "$file" ] && sources=$file
done

# Unpacked, not configured: no script of a package is run, and none is needed by libraries.
mmdebstrap --mode=root --variant=extract --format=directory \
  --include="$include,ca-certificates,tzdata" --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  "$suite" "$work/root" "$sources"

root=$work/root
install -D -m 0755 "$program" "$root/usr/bin/tidemarkd"
strip --strip-debug "$root/usr/bin/tidemarkd"
install -d -m 0700 -o 65532 -g 65532 "$root/var/lib/tidemark" "$root/var/lib/tidemark/keys"
install -d -m 1777 "$root/tmp"
printf 'tidemark:x:65532:65532::/var/lib/tidemark:/usr/sbin/nologin\n' >>"$root/etc/passwd"
printf 'tidemark:x:65532:\n' >>"$root/etc/group"
# The scripts of ca-certificates would have put these into one file.
install -d "$root/etc/ssl/certs"
cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
install -d "$root/usr/share/tidemark"
{
  "$program" --version
  echo "$include" | tr , '\n' | xargs dpkg-query -W
} >"$root/usr/share/tidemark/packages"
# What tells of this machine, or is the business of whoever runs the container.
rm -rf "$root"/var/cache/apt "$root"/var/lib/apt "$root"/var/log "$root"/etc/apt "$root"/etc/dpkg \
  "$root"/etc/resolv.conf "$root"/etc/hostname "$root"/dev
install -d "$root/dev"
ldconfig -r "$root"

tar --create --file "$out" --directory "$root" --numeric-owner --sort=name --mtime=@0 .
echo "make_rootfs: $out, $(($(stat -c %s "$out") >> 20)) MiB, packages: $include" >&2
