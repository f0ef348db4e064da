# Private PostgreSQL clusters for ./dev demo and ./dev db: durable, on a unix socket only, reachable
# by their own user alone.
#
#   postgres_start FOLDER    makes the cluster if need be, starts it, sets postgres_socket_dir
#   postgres_stop FOLDER     stops it; fine when it does not run
#   postgres_remove FOLDER   stops it and removes all it has
#   postgres_sql DATABASE    runs the SQL on stdin as the superuser, stops at the first error
#
# `postgres_more_settings` are lines of postgresql.conf that come after ours.
#
# FOLDER/place names the folders of the cluster and of its socket. They are FOLDER/cluster, unless
# the server's user cannot reach that (root's home) or the socket's path would be too long.

# Settings of the person's own shell must not lead anywhere else.
unset "${!PG@}"

postgres_more_settings=''

# What a unix socket's path may have, without the NUL at the end.
readonly socket_path_bytes_max=107
readonly postgres_port=5432
# PostgreSQL refuses to run as root; the package postgresql makes this user.
readonly postgres_root_user=postgres

postgres_user() { if is_root; then echo "$postgres_root_user"; else id -un; fi; }

# As the user of the cluster, and from a folder that this user can read.
as_postgres() {
  if is_root; then
    (cd / && setpriv --reuid="$postgres_root_user" --regid="$postgres_root_user" --init-groups \
      -- "$@")
  else
    "$@"
  fi
}

# The newest server of the distribution, or the version that made the data in $1.
postgres_bin() {
  local version bin
  version=$(as_postgres cat "$1/data/PG_VERSION" 2>/dev/null || true)
  if [[ -n $version ]]; then
    bin=/usr/lib/postgresql/$version/bin
    [[ -x $bin/postgres ]] || die "the data in $1 needs PostgreSQL $version, which is not installed" \
      "install postgresql-$version, or begin anew with ./dev db reset or ./dev demo --fresh"
  else
    bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    [[ -x $bin/initdb ]] || die "PostgreSQL's initdb is not under /usr/lib/postgresql" \
      "install the package postgresql (./dev setup)"
  fi
  printf '%s\n' "$bin"
}

# Reads FOLDER/place into postgres_cluster_dir and postgres_socket_dir; false if there is none.
postgres_read_place() {
  postgres_cluster_dir='' postgres_socket_dir=''
  [[ -f $1/place ]] || return 1
  { read -r postgres_cluster_dir && read -r postgres_socket_dir; } <"$1/place" || return 1
  as_postgres test -d "$postgres_cluster_dir"
}

# A folder for the server's user alone, and the way to it open for that user.
postgres_make_place() {
  local folder=$1
  postgres_cluster_dir=$folder/cluster
  mkdir -p "$postgres_cluster_dir"
  postgres_own "$postgres_cluster_dir"
  if ! as_postgres test -w "$postgres_cluster_dir"; then
    rmdir "$postgres_cluster_dir"
    postgres_cluster_dir=$(mktemp -d /var/tmp/tidemark-XXXXXXXX)
    postgres_own "$postgres_cluster_dir"
    say "dev: user $(postgres_user) cannot reach $folder; the cluster lies in $postgres_cluster_dir"
  fi
  postgres_socket_dir=$postgres_cluster_dir
  local socket=$postgres_socket_dir/.s.PGSQL.$postgres_port
  if ((${#socket} > socket_path_bytes_max)); then
    postgres_socket_dir=$(mktemp -d /tmp/tidemark-XXXXXXXX)
    postgres_own "$postgres_socket_dir"
  fi
  printf '%s\n' "$postgres_cluster_dir" "$postgres_socket_dir" >"$folder/place"
}

postgres_own() {
  chmod 0700 "$1"
  if is_root; then chown "$postgres_root_user:" "$1"; fi
}

# A folder in /tmp may have been cleaned away since.
postgres_renew_socket_dir() {
  as_postgres test -w "$postgres_socket_dir" && return 0
  postgres_socket_dir=$(mktemp -d /tmp/tidemark-XXXXXXXX)
  postgres_own "$postgres_socket_dir"
  printf '%s\n' "$postgres_cluster_dir" "$postgres_socket_dir" >"$1/place"
}

postgres_start() {
  local folder=$1
  mkdir -p "$folder"
  if is_root && ! id "$postgres_root_user" >/dev/null 2>&1; then
    die "there is no user \"$postgres_root_user\" to run PostgreSQL" "install the package postgresql"
  fi
  postgres_read_place "$folder" || postgres_make_place "$folder"
  postgres_renew_socket_dir "$folder"
  local bin data=$postgres_cluster_dir/data log=$postgres_cluster_dir/server.log
  bin=$(postgres_bin "$postgres_cluster_dir")
  as_postgres test -f "$data/PG_VERSION" || postgres_initialize "$bin"
  postgres_settings | as_postgres tee "$data/postgresql.conf" >/dev/null
  if postgres_is_running; then return 0; fi
  # The server must not hold on to the terminal, nor to a lock of this script.
  if ! as_postgres "$bin/pg_ctl" -D "$data" -l "$log" -w -t 120 start >/dev/null 2>&1 \
    </dev/null 8>&- 9>&-; then
    as_postgres tail -n 20 "$log" >&2 || true
    die "PostgreSQL does not start" "the lines above are the end of $log"
  fi
}

# Whether the server in postgres_cluster_dir runs. One that was killed but not yet taken off the
# process table still blocks a start: that is waited for.
postgres_is_running() {
  local pid tries
  for ((tries = 0; tries < 100; tries++)); do
    pid=$(as_postgres head -n 1 "$postgres_cluster_dir/data/postmaster.pid" 2>/dev/null || true)
    [[ -n $pid && -r /proc/$pid/stat ]] || return 1
    [[ $(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null) == Z ]] || break
    sleep 0.1
  done
  as_postgres "$(postgres_bin "$postgres_cluster_dir")/pg_ctl" \
    -D "$postgres_cluster_dir/data" status >/dev/null 2>&1
}

# Under another name until it is whole: a killed run leaves no half cluster.
postgres_initialize() {
  local bin=$1 new=$postgres_cluster_dir/data.new output
  step "making a PostgreSQL cluster in $postgres_cluster_dir"
  as_postgres rm -rf "$new" "$postgres_cluster_dir/data"
  output=$(as_postgres "$bin/initdb" --data-checksums --auth=trust --username=postgres \
    --encoding=UTF8 --locale=C.UTF-8 --pgdata="$new" 2>&1) || {
    say "$output"
    die "initdb in $new" "the lines above say why; is the disk full?"
  }
  as_postgres mv "$new" "$postgres_cluster_dir/data"
}

# Whoever reaches the socket is trusted: its folder is closed to all but the server's user and root.
# Durability is left as PostgreSQL has it: on.
postgres_settings() {
  cat <<SETTINGS
listen_addresses = ''
port = $postgres_port
unix_socket_directories = '$postgres_socket_dir'
unix_socket_permissions = 0700
shared_buffers = 256MB
wal_buffers = 16MB
min_wal_size = 512MB
max_wal_size = 1GB
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C.UTF-8'
log_line_prefix = '%m [%p] %a '
SETTINGS
  printf '%s' "$postgres_more_settings"
}

postgres_stop() {
  postgres_read_place "$1" || return 0
  local bin data=$postgres_cluster_dir/data
  postgres_is_running || return 0
  bin=$(postgres_bin "$postgres_cluster_dir")
  as_postgres "$bin/pg_ctl" -D "$data" -m fast -w -t 60 stop >/dev/null 2>&1 ||
    as_postgres "$bin/pg_ctl" -D "$data" -m immediate -w -t 60 stop >/dev/null 2>&1 ||
    die "PostgreSQL in $data does not stop" "look at $postgres_cluster_dir/server.log"
}

postgres_remove() {
  postgres_stop "$1"
  if postgres_read_place "$1"; then
    rm -rf "$postgres_cluster_dir"
    if [[ $postgres_socket_dir == /tmp/tidemark-* ]]; then rm -rf "$postgres_socket_dir"; fi
  fi
  rm -rf "$1"
}

postgres_sql() {
  as_postgres psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 \
    --host="$postgres_socket_dir" --port="$postgres_port" --username=postgres --dbname="$1"
}

# The role that owns and migrates databases; like that of a real site it is no superuser.
postgres_ensure_owner() {
  postgres_sql postgres <<'SQL'
select 'create role tm_owner login createdb createrole'
 where not exists (select from pg_roles where rolname = 'tm_owner') \gexec
SQL
}

# postgres_new_database NAME: empty, owned by tm_owner; one of that name is dropped first.
postgres_new_database() {
  postgres_ensure_owner
  postgres_sql postgres <<SQL
set client_min_messages = warning;
drop database if exists $1 with (force);
create database $1 owner tm_owner;
SQL
}

# postgres_dsn DATABASE [ROLE]: libpq keywords.
postgres_dsn() {
  printf "host='%s' port=%s dbname=%s" "$postgres_socket_dir" "$postgres_port" "$1"
  if (($# > 1)); then printf ' user=%s' "$2"; fi
}
