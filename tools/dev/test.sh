# ./dev test: build, run everything, count.

source tools/dev/build.sh

test_help() {
  cat <<'HELP'
Usage: ./dev test [--sanitize] [--filter REGEX] [--list]

Builds everything and runs the test suite: C++ tests, with a throw-away PostgreSQL cluster for those
that need one, the Python check of the wire format, and the checks of the sources. Prints what
failed; the last line reads "N passed, N failed" (and ", N skipped" if any were), counting single
test cases. A crash, a timeout and a run without any test count as failed; so does, when everything ran,
an SQL statement of the sources that no test executed.

  --sanitize        the same under AddressSanitizer and UndefinedBehaviorSanitizer
  --filter REGEX    only test binaries whose name matches, such as 'codec|upload'
  --list            names of the test binaries, without running them

One case alone: run its binary, such as build/dev/base/base_test --gtest_filter='Uuid*'
HELP
}

test_main() {
  local preset=dev filter='' list=false
  while (($# > 0)); do
    case $1 in
      --sanitize) preset=asan ;;
      --list) list=true ;;
      --filter)
        need_value "$1" $# "./dev test --help"
        filter=$2
        shift
        ;;
      *) wrong_arguments "test: unknown argument \"$1\"" "./dev test --help" ;;
    esac
    shift
  done
  ensure_setup
  configure_preset "$preset"
  local selection=(--test-dir "build/$preset")
  if [[ -n $filter ]]; then selection+=(-R "$filter"); fi
  if $list; then
    ctest "${selection[@]}" --show-only=json-v1 | python3 tools/summarize_tests.py --list
    return
  fi
  build_preset "$preset"
  local extent=()
  if [[ -z $filter ]]; then extent=(--whole); fi
  run_tests "$preset" "${extent[@]}" "${selection[@]}"
}

# run_tests PRESET [--whole] CTEST_ARGUMENT...
run_tests() {
  local results=$root/build/$1/test-results extent=()
  shift
  if [[ $1 == --whole ]]; then
    extent=(--whole)
    shift
  fi
  rm -rf "$results"
  mkdir -p "$results"
  ctest "$@" --show-only=json-v1 >"$results/plan.txt"
  step "running the tests"
  # What ctest itself returns is not enough: it does not see a binary that ended early with 0.
  ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1} \
    UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1} \
    TIDEMARK_EXECUTED_STATEMENTS=$results/statements.txt \
    ctest "$@" -j "$(job_count)" --output-on-failure --output-junit "$results/ctest.xml" \
    </dev/null >&2 || true
  # This prints the closing line.
  trap - ERR
  python3 tools/summarize_tests.py "${extent[@]}" "$results" || exit 1
}
