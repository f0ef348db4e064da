# A private server, for ./dev demo and ./dev bench: tidemarkd on loopback over a PostgreSQL cluster of
# its own, all of it in one folder and empty at every start.
#
#   server_start FOLDER PRESET   sets server_address; the operator's token is FOLDER/operator.token
#   server_wait                  until the server ends, which it should not
#
# Whatever ends the process that called server_start ends the server and its cluster in order. What
# a killed one left running is stopped by the next server_start on that folder.

source tools/dev/postgres.sh

readonly server_database=tidemark
readonly server_start_timeout_s=60
readonly server_stop_timeout_s=20

server_folder=''
server_pid=''
server_address=''

server_start() {
  server_folder=$1
  local program=$root/build/$2/bin/tidemarkd
  server_lock
  trap server_cleanup EXIT
  trap 'exit 130' INT TERM HUP
  server_stop_leftovers
  step "starting PostgreSQL"
  postgres_start "$server_folder/postgres"
  postgres_new_database "$server_database"
  step "starting tidemarkd"
  server_launch "$program" --dsn "$(postgres_dsn "$server_database")" \
    --owner-dsn "$(postgres_dsn "$server_database" tm_owner)" --keys "$server_folder/keys"
}

# One server per folder: the lock ends with this process, however that ends.
server_lock() {
  mkdir -p "$server_folder"
  exec 9>"$server_folder/lock"
  flock --nonblock 9 || die "another command uses the private server in $server_folder" \
    "end that one (Ctrl-C), or work in another clone"
}

server_stop_leftovers() {
  local pid executable
  pid=$(cat "$server_folder/tidemarkd.pid" 2>/dev/null || true)
  if [[ -n $pid ]]; then
    executable=$(readlink "/proc/$pid/exe" 2>/dev/null || true)
    # A rebuilt binary shows as "... (deleted)".
    if [[ ${executable% (deleted)} == "$root"/build/*/bin/tidemarkd ]]; then
      say "dev: stopping the server that an earlier run left"
      server_stop "$pid"
    fi
  fi
  postgres_stop "$server_folder/postgres"
  rm -rf "${server_folder:?}"/{keys,devices,operator.token,port,tidemarkd.pid,tidemarkd.log}
}

# server_launch PROGRAM SETTING...
server_launch() {
  local log=$server_folder/tidemarkd.log port_file=$server_folder/port preparation
  for preparation in --migrate "--bootstrap-operator=$server_folder/operator.token"; do
    "$@" "$preparation" >>"$log" 2>&1 </dev/null 9>&- || server_failed "tidemarkd ${preparation%%=*}"
  done
  # In a session of its own, so that Ctrl-C reaches it only as a request to end in order.
  setsid "$@" --listen 127.0.0.1:0 --port-file "$port_file" >>"$log" 2>&1 </dev/null 9>&- &
  server_pid=$!
  echo "$server_pid" >"$server_folder/tidemarkd.pid"
  local tries
  for ((tries = 0; tries < server_start_timeout_s * 20; tries++)); do
    if [[ -s $port_file ]]; then
      server_address=127.0.0.1:$(<"$port_file")
      return 0
    fi
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.05
  done
  server_failed "tidemarkd does not start"
}

server_failed() {
  tail -n 20 "$server_folder/tidemarkd.log" >&2 || true
  die "$1" "the lines above are the end of $server_folder/tidemarkd.log"
}

server_wait() {
  local status=0
  wait "$server_pid" || status=$?
  server_failed "tidemarkd ended by itself with exit code $status"
}

server_stop() {
  local pid=$1 tries
  kill -TERM "$pid" 2>/dev/null || return 0
  for ((tries = 0; tries < server_stop_timeout_s * 20; tries++)); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.05
  done
  say "dev: tidemarkd did not end within $server_stop_timeout_s s; killing it"
  kill -KILL "$pid" 2>/dev/null || true
}

# Runs however the command ends, once, and to its end: even when the terminal is gone and nothing can
# be said any more.
server_cleanup() {
  local status=$?
  trap - EXIT ERR
  trap '' INT TERM HUP PIPE
  set +e
  if [[ -n $server_pid ]]; then
    say "dev: stopping tidemarkd and PostgreSQL"
    server_stop "$server_pid"
    rm -f "$server_folder/tidemarkd.pid"
  fi
  postgres_stop "$server_folder/postgres"
  exit "$status"
}
