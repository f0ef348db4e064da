# ./dev format: clang-format over our C++.

source tools/dev/setup.sh

format_help() {
  cat <<'HELP'
Usage: ./dev format [FILE...]

Formats the C++ sources (or the given files) in place with clang-format; .clang-format has the
style. ./dev lint checks it.
HELP
}

format_main() {
  local files=("$@")
  ensure_setup --lint
  if ((${#files[@]} == 0)); then mapfile -t files < <(cpp_sources); fi
  printf '%s\0' "${files[@]}" | xargs -0 -r clang-format -i || die "clang-format" \
    "the message above names the file"
}
