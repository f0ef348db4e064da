#!/bin/sh
# smoke_test.sh ROOTFS.tar [DSN]: the program of a root file system runs in it, as its user, with
# nothing of this machine. Needs root, for chroot. With the DSN of a migrated database whose socket lies
# in a folder, it also serves, answers its metrics, and ends in order.
set -eu

[ $# -ge 1 ] || {
  echo "usage: $0 ROOTFS.tar [DSN]" >&2
  exit 64
}
root=$(mktemp -d)
pid=''
cleanup() {
  [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
  [ ! -d "$root/socket" ] || umount "$root/socket" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap cleanup EXIT

fail() {
  echo "smoke_test: $*" >&2
  exit 1
}
# inside [NAME=VALUE...] -- ARGUMENT...
inside() {
  variables=''
  while [ "$1" != -- ]; do
    variables="$variables $1"
    shift
  done
  shift
  # None of them has spaces in it.
  # shellcheck disable=SC2086
  env -i $variables /usr/sbin/chroot --userspec=65532:65532 "$root" /usr/bin/tidemarkd "$@"
}

tar --extract --file "$1" --directory "$root" --numeric-owner
inside -- --version || fail "the program does not start"
inside -- --print-metrics | grep -q tidemark_ingest_receipts_total ||
  fail "the program does not work"
inside TIDEMARK_DSN=dbname=t TIDEMARK_KEYS=/var/lib/tidemark/keys -- --print-config |
  grep -q 'keys=/var/lib/tidemark/keys' || fail "its variables are not read"
code=0
inside -- --dsn dbname=t --nonsense 2>/dev/null || code=$?
[ "$code" -eq 2 ] || fail "wrong settings end with $code"

if [ $# -ge 2 ]; then
  socket=$(printf '%s\n' "$2" | sed -n "s/.*host='\{0,1\}\([^ ']*\).*/\1/p")
  mkdir -p "$root/socket"
  mount --bind "$socket" "$root/socket"
  dsn=$(printf '%s\n' "$2" | sed "s#$socket#/socket#")
  env -i /usr/sbin/chroot --userspec=65532:65532 "$root" /usr/bin/tidemarkd --dsn "$dsn" --unsafe-durability \
    --keys /var/lib/tidemark/keys --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:17421 &
  pid=$!
  tries=0
  until curl -sf http://127.0.0.1:17421/ready >/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || fail "it does not get ready"
    kill -0 "$pid" 2>/dev/null || fail "it ended"
    sleep 0.1
  done
  curl -sf http://127.0.0.1:17421/metrics | grep -q '^tidemark_ingest_accepting 1' ||
    fail "it takes no chunks"
  kill "$pid"
  wait "$pid" || fail "it ended with $?"
  pid=''
fi
echo "smoke_test: passed"
