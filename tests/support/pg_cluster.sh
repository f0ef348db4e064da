#!/bin/sh
# pg_cluster.sh start|stop <build dir>: the throw-away PostgreSQL cluster of the tests.
#
# `start` leaves a running cluster alone, replaces a dead one, and writes <build dir>/test-pg/env:
#   TIDEMARK_TEST_PG_DIR=<folder of the data and of the socket>
# The cluster listens on a unix socket only, in a folder of its own under /tmp (the path of a socket
# has at most 107 bytes), trusts every local user, and does without durability. `stop` removes all.
set -eu

usage() {
  echo "usage: $0 start|stop <build dir>" >&2
  exit 64
}
[ $# -eq 2 ] || usage
action=$1
state_dir=$2/test-pg
env_file=$state_dir/env

fail() {
  echo "pg_cluster: $*" >&2
  exit 1
}

# The newest server of the distribution, or the one in PATH.
bin_dir() {
  newest=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -1)
  if [ -n "$newest" ]; then
    echo "$newest"
  else
    initdb=$(command -v initdb) || fail "initdb is missing: install the package postgresql"
    dirname "$initdb"
  fi
}

# PostgreSQL refuses to run as root.
as_server_user() {
  if [ "$(id -u)" -ne 0 ]; then
    "$@"
    return
  fi
  setpriv --reuid="$server_user" --regid="$(id -g "$server_user")" --clear-groups -- "$@"
}

cluster_dir() {
  [ -f "$env_file" ] && sed -n 's/^TIDEMARK_TEST_PG_DIR=//p' "$env_file" || true
}

# By asking it: the process id of a server that was killed may linger.
is_running() {
  [ -n "$1" ] && "$bin/pg_isready" -q -h "$1"
}

# A server that cannot be stopped ends by itself once it finds its data gone.
remove() {
  [ -n "$1" ] || return 0
  if is_running "$1"; then
    as_server_user "$bin/pg_ctl" -D "$1/data" -m immediate -w -t 20 stop >/dev/null || true
  fi
  rm -rf "$1"
  rm -f "$env_file"
}

start() {
  old=$(cluster_dir)
  if is_running "$old"; then
    echo "pg_cluster: running in $old"
    return
  fi
  remove "$old"
  dir=$(mktemp -d /tmp/tm-pg-XXXXXX)
  [ "$(id -u)" -ne 0 ] || chown "$server_user" "$dir"
  cd "$dir"  # the server user may not be allowed to read the caller's folder
  as_server_user "$bin/initdb" --no-sync --auth=trust --username=postgres --encoding=UTF8 \
    --locale=C.UTF-8 -D "$dir/data" >"$dir/initdb.log" 2>&1 ||
    fail "initdb failed, see $dir/initdb.log"
  cat >>"$dir/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
max_connections = 200
shared_buffers = 64MB
fsync = off
synchronous_commit = off
full_page_writes = off
CONF
  # The server must not keep the lock of this script open.
  as_server_user "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 30 start \
    >/dev/null 2>&1 9>&- || fail "the server does not start, see $dir/server.log"
  echo "TIDEMARK_TEST_PG_DIR=$dir" >"$env_file"
  echo "pg_cluster: started in $dir"
}

server_user=postgres
id "$server_user" >/dev/null 2>&1 || server_user=nobody
bin=$(bin_dir)
mkdir -p "$state_dir"
exec 9>"$state_dir/lock"
flock 9
case $action in
  start) start ;;
  stop) remove "$(cluster_dir)" ;;
  *) usage ;;
esac
