# ./dev lint: format, clang-tidy, the wire contract, the checks of the sources.

source tools/dev/build.sh

# The contract as it was last released; `buf breaking` compares with it.
readonly proto_image=proto/tidemark.binpb

lint_help() {
  cat <<'HELP'
Usage: ./dev lint [--changed [REVISION]] [--update-image] [format | tidy | proto | sources]...

Runs all four checks, or the given ones, and lists what failed at the end:

  format    clang-format finds nothing to change (./dev format mends it)
  tidy      clang-tidy, settings in .clang-tidy; builds first, because it needs generated headers
  proto     buf lint, and buf breaking against the committed image proto/tidemark.binpb
  sources   the tests of tests/lint: include directions and the like

  --changed [REVISION]   format and tidy only for files that differ from REVISION (HEAD)
  --update-image         after a reviewed change of the contract: checks it, then writes the image
HELP
}

lint_main() {
  local changed='' update=false checks=()
  while (($# > 0)); do
    case $1 in
      --changed)
        changed=HEAD
        if (($# >= 2)) && git rev-parse --quiet --verify "$2^{commit}" >/dev/null; then
          changed=$2
          shift
        fi
        ;;
      --update-image) update=true ;;
      format | tidy | proto | sources) checks+=("$1") ;;
      *) wrong_arguments "lint: unknown argument \"$1\"" "./dev lint --help" ;;
    esac
    shift
  done
  ensure_setup --lint
  if $update; then
    lint_update_image
    return
  fi
  ((${#checks[@]} > 0)) || checks=(format proto sources tidy)
  local check status failed=()
  trap - ERR
  for check in "${checks[@]}"; do
    step "lint: $check"
    # In a shell of its own, which ends at the check's first failure; the other checks still run.
    set +e
    (set -e; "lint_$check" "$changed")
    status=$?
    set -e
    ((status == 0)) || failed+=("$check")
  done
  ((${#failed[@]} == 0)) || die "lint: ${failed[*]}" \
    "mend what is listed above; ./dev lint ${failed[*]} checks these alone"
  echo "lint: clean: ${checks[*]}"
}

# lint_files CHANGED_SINCE: our sources, or those of them that differ from a revision.
lint_files() {
  if [[ -z $1 ]]; then
    cpp_sources
  else
    comm -12 <(cpp_sources | sort) <({ git diff --name-only "$1" --
      git ls-files -o --exclude-standard; } | sort -u)
  fi
}

lint_format() {
  local unformatted
  unformatted=$(lint_files "$1" | tr '\n' '\0' |
    xargs -0 -r clang-format --dry-run --ferror-limit=1 2>&1 |
    sed -n 's/:[0-9]*:[0-9]*: .*clang-format-violations.*/: not formatted; .\/dev format mends it/p' |
    sort -u)
  [[ -z $unformatted ]] || { say "$unformatted"; return 1; }
}

lint_tidy() {
  local units
  build_main
  # Headers are checked through the sources that include them.
  mapfile -t units < <(lint_files "$1" | grep '\.cc$' || true)
  ((${#units[@]} > 0)) || return 0
  step "lint: clang-tidy over ${#units[@]} sources"
  python3 tools/run_tidy.py build/dev build/tidy "$(job_count)" "${units[@]}" >&2
}

lint_proto() {
  "$dev_dir/node/node_modules/.bin/buf" lint >&2
  "$dev_dir/node/node_modules/.bin/buf" breaking --against "$proto_image" >&2
}

lint_sources() {
  python3 -B tests/lint/include_directions_test.py "$root" >&2
  python3 -B tests/lint/source_rules_test.py "$root" >&2
}

lint_update_image() {
  "$dev_dir/node/node_modules/.bin/buf" lint >&2 || die "buf lint" "mend the contract first"
  if [[ -f $proto_image ]]; then
    "$dev_dir/node/node_modules/.bin/buf" breaking --against "$proto_image" >&2 ||
      say "dev: the lines above break clients of the old contract; the image is written all the same"
  fi
  "$dev_dir/node/node_modules/.bin/buf" build --exclude-source-info -o "$proto_image" >&2
  echo "wrote $proto_image"
}
