# ./dev bench: measurements of a release build.

source tools/dev/build.sh

bench_help() {
  cat <<'HELP'
Usage: ./dev bench [GROUP...] [--quick] [--json FILE]

Builds the release preset and measures; without a group, all of them. Prints a table: every speed
is a ratio to a limit or a peer that is measured beside it in the same run.

  ingest     receipts: latency of a lone chunk, acknowledged rate
  storage    stored bytes per sample of every modality

  --quick        at most a minute a group; judges no floor
  --json FILE    also writes the results as a JSON list
  --list         the groups this build has

Ends with 1 when a floor is missed by the whole interval of its measurement.
HELP
}

bench_main() {
  local program=build/release/bin/tidemark_bench
  ensure_setup
  configure_preset release
  grep -q '^build tidemark_bench: phony' build/release/build.ninja ||
    die "this version has no benchmark program" "see docs/ROADMAP.md for the part that brings it"
  build_preset release tidemark_bench
  trap - ERR
  "$program" --data "${TIDEMARK_DATA:-../shared/data}" "$@" </dev/null
}
