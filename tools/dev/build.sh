# ./dev build: configure and build one preset.

source tools/dev/setup.sh

readonly presets=(dev release asan tsan)

build_help() {
  cat <<'HELP'
Usage: ./dev build [--preset dev|release|asan|tsan] [TARGET...]

Installs what is missing (./dev setup), configures and builds into build/PRESET, everything or the
given targets. Two builds of one preset wait for each other.

  --preset dev       optimised, with assertions (the default; test and demo use it)
  --preset release   optimised, without assertions (bench uses it)
  --preset asan      AddressSanitizer and UndefinedBehaviorSanitizer (test --sanitize uses it)
  --preset tsan      ThreadSanitizer, for targets that do not use gRPC
HELP
}

build_main() {
  local preset=dev targets=()
  while (($# > 0)); do
    case $1 in
      --preset)
        need_value "$1" $# "./dev build --help"
        preset=$2
        shift
        ;;
      -*) wrong_arguments "build: unknown option \"$1\"" "./dev build --help" ;;
      *) targets+=("$1") ;;
    esac
    shift
  done
  [[ " ${presets[*]} " == *" $preset "* ]] ||
    wrong_arguments "build: unknown preset \"$preset\"" "./dev build --help"
  ensure_setup
  configure_preset "$preset"
  build_preset "$preset" "${targets[@]}"
}

# configure_preset PRESET: ninja repeats it by itself when a CMakeLists.txt changes.
configure_preset() {
  local preset=$1
  local folder=build/$preset
  mkdir -p build
  if [[ -f $folder/build.ninja && ! CMakePresets.json -nt $folder/build.ninja ]]; then return 0; fi
  step "configuring $folder"
  with_build_lock "$preset" cmake --preset "$preset" >&2 || die "cmake --preset $preset" \
    "the messages above name the cause; rm -rf $folder starts anew"
}

# build_preset PRESET TARGET...
build_preset() {
  local preset=$1
  shift
  local arguments=(--preset "$preset" -j "$(job_count)")
  (($# == 0)) || arguments+=(--target "$@")
  step "building $preset${1:+: $*}"
  with_build_lock "$preset" cmake --build "${arguments[@]}" >&2 || die "building $preset" \
    "the first error above is the one to look at; rm -rf build/$preset starts anew"
}

# with_build_lock PRESET COMMAND...
with_build_lock() {
  local lock=build/$1.lock
  shift
  flock --nonblock --conflict-exit-code 75 "$lock" "$@" || {
    local code=$?
    ((code == 75)) || return "$code"
    say "dev: another build holds $lock; waiting for it"
    flock "$lock" "$@"
  }
}
