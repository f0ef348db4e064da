# What every sub-command of ./dev uses. Sourced with `root` set and the project's folder as the
# working directory.

# Everything that setup installs and that is no build output.
readonly dev_dir=$root/.dev

say() { printf '%s\n' "$*" >&2; }
step() { printf '== %s\n' "$*" >&2; }

# die WHAT REMEDY: the end of a command that failed.
die() {
  say "dev: failed: $1"
  say "dev: what to do: $2"
  exit 1
}

# wrong_arguments WHAT HELP_COMMAND
wrong_arguments() {
  say "dev: $1"
  say "dev: see $2"
  exit 2
}

# need_value OPTION COUNT_OF_ARGUMENTS HELP_COMMAND: an option that needs a value has one.
need_value() {
  [[ $2 -ge 2 ]] || wrong_arguments "$1 needs a value" "$3"
}

# The trap of last resort: a step that nobody expected to fail.
unexpected_failure() {
  trap - ERR
  say "dev: failed: ./dev $1 stopped at: $2"
  say "dev: what to do: the lines above say why; ./dev $1 --help says what this command needs"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [[ $(id -u) -eq 0 ]]; }

# Parallel jobs: one per processor, but a compiler of gRPC code wants about a gibibyte and a half.
job_count() {
  local processors available_kib by_memory
  processors=$(nproc)
  available_kib=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo 2>/dev/null || true)
  by_memory=$((${available_kib:-4194304} / 1572864))
  ((by_memory >= 1)) || by_memory=1
  echo $((processors < by_memory ? processors : by_memory))
}

# C++ sources that are ours: tracked ones, and new ones that git does not ignore.
cpp_sources() { git ls-files -co --exclude-standard -- '*.cc' '*.h' | while read -r file; do
  if [[ -f $file ]]; then printf '%s\n' "$file"; fi
done; }
