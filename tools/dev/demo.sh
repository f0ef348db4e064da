# ./dev demo: the whole way, from recordings to a verified copy in PostgreSQL.

source tools/dev/build.sh
source tools/dev/postgres.sh

readonly demo_folder=$dev_dir/demo
readonly demo_database=tidemark
readonly demo_shared_data=../shared/data
readonly demo_start_timeout_s=60
readonly demo_stop_timeout_s=20

demo_server_pid=''

demo_help() {
  cat <<'HELP'
Usage: ./dev demo [--once] [--data DIR | --simulate] [--fresh]

Installs what is missing, builds, starts a private PostgreSQL cluster and tidemarkd on loopback,
makes a study, enrols devices, uploads recordings as devices would, reads everything back and
compares it. Prints a summary, and commands to try next; then it stays up until Ctrl-C.

  --once       ends after the summary; exit code 0 only if everything read back is identical
  --data DIR   recordings in the layout of the shared data: folders watch-phone-tug, empatica-e4,
               audio-events, spoken-digits, any of them. Default: ../shared/data when it is there
  --simulate   simulated recordings, also when there are real ones
  --fresh      makes the PostgreSQL cluster anew as well

Every run begins with an empty database. What the last run left stays under .dev/demo until then:
the database, the keys, the device folders with their receipts, and the log of the server.
HELP
}

demo_main() {
  local once=false fresh=false source=()
  while (($# > 0)); do
    case $1 in
      --once) once=true ;;
      --fresh) fresh=true ;;
      --simulate) source=(--simulate) ;;
      --data)
        need_value "$1" $# "./dev demo --help"
        [[ -d $2 ]] || wrong_arguments "demo: there is no folder \"$2\"" "./dev demo --help"
        source=(--data "$(cd -- "$2" && pwd)")
        shift
        ;;
      *) wrong_arguments "demo: unknown argument \"$1\"" "./dev demo --help" ;;
    esac
    shift
  done
  ((${#source[@]} > 0)) || mapfile -t source < <(demo_default_source)
  build_main tidemarkd tidemark
  demo_lock
  trap demo_cleanup EXIT
  trap 'exit 130' INT TERM HUP
  demo_stop_leftovers
  if $fresh; then postgres_remove "$demo_folder/postgres"; fi
  demo_start_database
  demo_start_server
  local status=0
  demo_play "${source[@]}" || status=$?
  if $once || ((status != 0)); then exit "$status"; fi
  demo_stay_up
}

demo_default_source() {
  if [[ -d $demo_shared_data ]]; then
    printf '%s\n' --data "$(cd -- "$demo_shared_data" && pwd)"
  else
    say "dev: $demo_shared_data is not there: the recordings are simulated"
    printf '%s\n' --simulate
  fi
}

# One demo at a time: the lock ends with this process, however that ends.
demo_lock() {
  mkdir -p "$demo_folder"
  exec 9>"$demo_folder/lock"
  flock --nonblock 9 || die "another ./dev demo is running in this folder" \
    "end it with Ctrl-C there, or work in another clone"
}

# A run that was killed may have left its server and its cluster running.
demo_stop_leftovers() {
  local pid executable
  pid=$(cat "$demo_folder/tidemarkd.pid" 2>/dev/null || true)
  if [[ -n $pid ]]; then
    executable=$(readlink "/proc/$pid/exe" 2>/dev/null || true)
    # A rebuilt binary shows as "... (deleted)".
    if [[ ${executable% (deleted)} == "$root/build/dev/bin/tidemarkd" ]]; then
      say "dev: stopping the server that an earlier run left"
      demo_stop_server "$pid"
    fi
  fi
  postgres_stop "$demo_folder/postgres"
  rm -rf "${demo_folder:?}"/{keys,devices,operator.token,port,tidemarkd.pid}
}

demo_start_database() {
  step "starting PostgreSQL"
  postgres_start "$demo_folder/postgres"
  postgres_new_database "$demo_database"
}

demo_start_server() {
  local program=$root/build/dev/bin/tidemarkd
  local store=(--dsn "$(postgres_dsn "$demo_database")" --keys "$demo_folder/keys"
    --owner-dsn "$(postgres_dsn "$demo_database" tm_owner)")
  step "starting tidemarkd"
  local setup_step
  for setup_step in --migrate "--bootstrap-operator=$demo_folder/operator.token"; do
    "$program" "${store[@]}" "$setup_step" >"$demo_folder/tidemarkd.log" 2>&1 </dev/null 9>&- ||
      demo_server_failed "tidemarkd ${setup_step%%=*}"
  done
  # In a session of its own, so that Ctrl-C reaches it only as a request to end in order.
  setsid "$program" "${store[@]}" --listen 127.0.0.1:0 --port-file "$demo_folder/port" \
    >>"$demo_folder/tidemarkd.log" 2>&1 </dev/null 9>&- &
  demo_server_pid=$!
  echo "$demo_server_pid" >"$demo_folder/tidemarkd.pid"
  demo_wait_for_server
}

# demo_server_failed WHAT
demo_server_failed() {
  tail -n 20 "$demo_folder/tidemarkd.log" >&2 || true
  die "$1" "the lines above are the end of $demo_folder/tidemarkd.log"
}

demo_wait_for_server() {
  local tries
  for ((tries = 0; tries < demo_start_timeout_s * 20; tries++)); do
    [[ ! -s $demo_folder/port ]] || return 0
    kill -0 "$demo_server_pid" 2>/dev/null || break
    sleep 0.05
  done
  demo_server_failed "tidemarkd does not start"
}

demo_play() {
  build/dev/bin/tidemark --server "127.0.0.1:$(cat "$demo_folder/port")" demo \
    --operator-token-file "$demo_folder/operator.token" --work "$demo_folder/devices" "$@" \
    </dev/null 9>&-
}

demo_stay_up() {
  say ""
  say "The server stays up until Ctrl-C. Its log: $demo_folder/tidemarkd.log"
  trap 'exit 0' INT TERM HUP
  local status=0
  wait "$demo_server_pid" || status=$?
  demo_server_failed "tidemarkd ended by itself with exit code $status"
}

demo_stop_server() {
  local pid=$1 tries
  kill -TERM "$pid" 2>/dev/null || return 0
  for ((tries = 0; tries < demo_stop_timeout_s * 20; tries++)); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.05
  done
  say "dev: tidemarkd did not end within $demo_stop_timeout_s s; killing it"
  kill -KILL "$pid" 2>/dev/null || true
}

# Runs however the demo ends, once, and to its end.
demo_cleanup() {
  local status=$?
  trap - EXIT ERR
  trap '' INT TERM HUP
  if [[ -n $demo_server_pid ]]; then
    say "dev: stopping tidemarkd and PostgreSQL"
    demo_stop_server "$demo_server_pid"
    rm -f "$demo_folder/tidemarkd.pid"
  fi
  postgres_stop "$demo_folder/postgres"
  exit "$status"
}
