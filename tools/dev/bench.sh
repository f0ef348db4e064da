# ./dev bench: measurements of a release build.

source tools/dev/build.sh
source tools/dev/server.sh

readonly bench_folder=$dev_dir/bench
readonly bench_data=../shared/data
readonly bench_page=docs/BENCHMARKS.md
# What a server of this size is given (docs/operation.md); much more makes it slower.
readonly bench_postgres_settings='shared_buffers = 512MB
wal_buffers = 64MB
min_wal_size = 4GB
max_wal_size = 4GB
'

bench_help() {
  cat <<'HELP'
Usage: ./dev bench [GROUP...] [--quick] [--only ID] [--json FILE] [--update-docs]

Builds the release preset, starts a private server of it where a group needs one, and measures;
without a group, all of them. Prints a table: every speed stands beside a limit or a peer that is
measured in the same run.

  access     cost of row security, encryption, authorization, erasing
  ingest     receipts: latency, speeds, fairness, poison, memory (8 minutes)
  read       samples and pictures of sealed data
  storage    stored bytes per sample of every modality

Only when named, because filling the database takes minutes (and 8 or 80 GB):

  index      receipts and reads in a database of 10^7 chunks
  index_1e8  the same of 10^8

  --quick        at most a minute a group; judges no floor
  --only ID      of ingest and read, only figures that have this in their id
  --json FILE    also writes the results as a JSON list
  --update-docs  also writes them into docs/BENCHMARKS.md; figures of other groups stay
  --data DIR     recordings for storage (default: ../shared/data, else simulated ones)
  --list         the groups this build has

Ends with 1 when a floor is missed by the whole interval of its measurement.
HELP
}

bench_main() {
  local arguments=() groups=() list=''
  while (($# > 0)); do
    case $1 in
      --quick) arguments+=("$1") ;;
      --json | --data | --only)
        need_value "$1" $# "./dev bench --help"
        arguments+=("$1" "$2")
        shift
        ;;
      --update-docs) arguments+=(--page "$bench_page") ;;
      --list) list=1 ;;
      -*) wrong_arguments "bench: unknown option \"$1\"" "./dev bench --help" ;;
      *) groups+=("$1") ;;
    esac
    shift
  done
  if [[ " ${arguments[*]} " != *' --data '* && -d $bench_data ]]; then
    arguments+=(--data "$bench_data")
  fi
  arguments+=("${groups[@]}")

  local program=build/release/bin/tidemark_bench status=0
  build_main --preset release tidemark_bench tidemarkd
  # Wrong words end the command here, before a server is started for them.
  local known
  known=$("$program" --list "${arguments[@]}") || wrong_arguments "bench: the line above says why" \
    "./dev bench --help"
  if [[ -n $list ]]; then
    printf '%s\n' "$known"
    return
  fi
  if ((${#groups[@]} == 0)) ||
    [[ " ${groups[*]} " =~ ' '(access|ingest|read|index|index_1e8)' ' ]]; then
    postgres_more_settings=$bench_postgres_settings
    server_start "$bench_folder" release
    mkdir -p "$bench_folder/devices"
    arguments+=(--server "$server_address" --operator-token-file "$bench_folder/operator.token"
      --work "$bench_folder/devices")
    postgres_new_database bench_access
    arguments+=(--access-dsn "$(postgres_dsn bench_access postgres)"
      --tidemarkd "$root/build/release/bin/tidemarkd" --cluster-dsn "$(postgres_dsn postgres)")
  fi
  "$program" "${arguments[@]}" </dev/null 9>&- || status=$?
  exit "$status"
}
