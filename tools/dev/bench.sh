# ./dev bench: measurements of a release build.

source tools/dev/build.sh
source tools/dev/server.sh

readonly bench_folder=$dev_dir/bench
readonly bench_data=../shared/data

bench_help() {
  cat <<'HELP'
Usage: ./dev bench [GROUP...] [--quick] [--json FILE]

Builds the release preset, starts a private server of it and measures; without a group, all of
them. Prints a table: every speed is a ratio to a limit or a peer that is measured beside it in the
same run.

  ingest     receipts: latency of a lone chunk
  storage    stored bytes per sample of every modality

  --quick        at most a minute a group; judges no floor
  --json FILE    also writes the results as a JSON list
  --list         the groups this build has

Ends with 1 when a floor is missed by the whole interval of its measurement.
HELP
}

bench_main() {
  local program=build/release/bin/tidemark_bench
  build_main --preset release tidemark_bench tidemarkd
  if [[ " $* " == *' --list '* ]]; then
    "$program" --list
    return
  fi
  server_start "$bench_folder" release
  local status=0
  "$program" --data "$bench_data" --server "$server_address" \
    --operator-token-file "$bench_folder/operator.token" --work "$bench_folder/devices" "$@" \
    </dev/null 9>&- || status=$?
  exit "$status"
}
