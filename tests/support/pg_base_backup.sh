#!/bin/sh
# pg_base_backup.sh take <host> <dir> | start <dir> | stop <dir>: a base backup of a running cluster,
# and a second cluster over it, on a unix socket in <dir>. `stop` removes all of it.
set -eu

usage() {
  echo "usage: $0 take <host> <dir> | start <dir> | stop <dir>" >&2
  exit 64
}

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -1)
[ -n "$bin" ] || bin=$(dirname "$(command -v pg_ctl)")
server_user=postgres
id "$server_user" >/dev/null 2>&1 || server_user=nobody

# PostgreSQL refuses to run as root.
as_server_user() {
  if [ "$(id -u)" -ne 0 ]; then
    "$@"
    return
  fi
  setpriv --reuid="$server_user" --regid="$(id -g "$server_user")" --clear-groups -- "$@"
}

take() {
  mkdir -p "$2"
  [ "$(id -u)" -ne 0 ] || chown "$server_user" "$2"
  cd "$2" # the server user may not be allowed to read the caller's folder
  as_server_user timeout 120 "$bin/pg_basebackup" -h "$1" -U postgres -D "$2/data" \
    --wal-method=stream --checkpoint=fast --no-sync
}

start() {
  cd "$1"
  as_server_user "$bin/pg_ctl" -D "$1/data" -l "$1/server.log" -w -t 60 \
    -o "-c unix_socket_directories='$1' -c listen_addresses=''" start >/dev/null 2>&1 || {
    cat "$1/server.log" >&2
    exit 1
  }
}

stop() {
  if [ -d "$1/data" ]; then
    cd /
    as_server_user "$bin/pg_ctl" -D "$1/data" -m immediate -w -t 20 stop >/dev/null 2>&1 || true
  fi
  rm -rf "$1"
}

action=${1:-}
case $action in
  take) [ $# -eq 3 ] || usage; take "$2" "$3" ;;
  start) [ $# -eq 2 ] || usage; start "$2" ;;
  stop) [ $# -eq 2 ] || usage; stop "$2" ;;
  *) usage ;;
esac
