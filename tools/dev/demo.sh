# ./dev demo: the whole way, from recordings to a verified copy in PostgreSQL.

source tools/dev/build.sh
source tools/dev/server.sh

readonly demo_folder=$dev_dir/demo
readonly demo_shared_data=../shared/data

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
  local once=false fresh=false recordings=()
  while (($# > 0)); do
    case $1 in
      --once) once=true ;;
      --fresh) fresh=true ;;
      --simulate) recordings=(--simulate) ;;
      --data)
        need_value "$1" $# "./dev demo --help"
        [[ -d $2 ]] || wrong_arguments "demo: there is no folder \"$2\"" "./dev demo --help"
        recordings=(--data "$(cd -- "$2" && pwd)")
        shift
        ;;
      *) wrong_arguments "demo: unknown argument \"$1\"" "./dev demo --help" ;;
    esac
    shift
  done
  ((${#recordings[@]} > 0)) || mapfile -t recordings < <(demo_recordings)
  build_main tidemarkd tidemark
  if $fresh; then demo_forget; fi
  server_start "$demo_folder" dev
  local status=0
  build/dev/bin/tidemark --server "$server_address" demo \
    --operator-token-file "$demo_folder/operator.token" --work "$demo_folder/devices" \
    "${recordings[@]}" </dev/null 9>&- || status=$?
  if $once || ((status != 0)); then exit "$status"; fi
  say ""
  say "The server stays up until Ctrl-C. Its log: $demo_folder/tidemarkd.log"
  trap 'exit 0' INT TERM HUP
  server_wait
}

demo_recordings() {
  if [[ -d $demo_shared_data ]]; then
    printf '%s\n' --data "$(cd -- "$demo_shared_data" && pwd)"
  else
    say "dev: $demo_shared_data is not there: the recordings are simulated"
    printf '%s\n' --simulate
  fi
}

demo_forget() {
  server_folder=$demo_folder
  server_lock
  server_stop_leftovers
  postgres_remove "$demo_folder/postgres"
}
