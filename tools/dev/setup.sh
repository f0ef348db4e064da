# ./dev setup: from a bare Debian 12 to a machine that builds.

# buf lints the wire contract; the package carries its binary.
readonly buf_version=1.75.0

setup_help() {
  cat <<'HELP'
Usage: ./dev setup [--lint] [--checks]

Installs what is missing, and nothing else: Debian packages by name (the list is
tools/packages.txt), and google/rpc/*.proto from PyPI into .dev/venv. Uses sudo when it is not run
as root. PostgreSQL is installed without its default cluster: Tidemark makes its own. When nothing
is missing it ends within a second. build, test, demo and bench call it by themselves.

  --lint    also what ./dev lint and ./dev format need: clang-format, clang-tidy, and buf from npm
            into .dev/node
  --checks  also what checks deploy/ by running it: HAProxy, Prometheus, mmdebstrap. Without them
            those tests are skipped. Debian starts the first two as services: stop them if you like
HELP
}

setup_main() {
  local groups=(build run)
  while (($# > 0)); do
    case $1 in
      --lint) groups+=(lint) ;;
      --checks) groups+=(checks) ;;
      *) wrong_arguments "setup: unknown argument \"$1\"" "./dev setup --help" ;;
    esac
    shift
  done
  setup_packages "${groups[@]}"
  setup_protos
  if [[ " ${groups[*]} " == *' lint '* ]]; then setup_buf; fi
}

# What the other commands call: quiet when there is nothing to do.
ensure_setup() { setup_main "$@"; }

setup_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} > 0)) || return 0
  have apt-get || die "these packages are missing and this is no Debian: ${missing[*]}" \
    "install what corresponds to them, and run this command again"
  local as_root=()
  if ! is_root; then
    have sudo || die "these packages are missing and sudo is not there: ${missing[*]}" \
      "ask an administrator to run: apt-get install ${missing[*]}"
    as_root=(sudo)
    [[ -t 0 ]] || as_root+=(--non-interactive)
    say "dev: the next step uses sudo to install packages"
  fi
  step "installing ${#missing[@]} packages: ${missing[*]}"
  if [[ " ${missing[*]} " == *' postgresql '* ]]; then avoid_default_cluster "${as_root[@]}"; fi
  local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1
    apt-get install -y -q --no-install-recommends "${missing[@]}")
  "${as_root[@]}" apt-get update -q >&2 ||
    say "dev: apt-get update failed; trying with the package lists that are there"
  "${install[@]}" >&2 </dev/null || die "apt-get install ${missing[*]}" \
    "look at the message of apt-get above; the machine needs a source of Debian 12 packages"
}

# missing_packages GROUP...: names of packages that are neither installed nor, where the list names
# a command, replaced by another provider of that command.
missing_packages() {
  local group package command installed
  installed=" $(dpkg-query -W -f='${Package}=${db:Status-Status} ' 2>/dev/null || true)"
  while read -r group package command; do
    [[ $group != '#'* && -n $group && " $* " == *" $group "* ]] || continue
    [[ $installed == *" $package=installed "* ]] && continue
    if [[ -n $command ]] && have "$command"; then continue; fi
    printf '%s\n' "$package"
  done <tools/packages.txt
}

# Debian would start a cluster on port 5432 that nobody asked for. A site's own choice stays.
avoid_default_cluster() {
  local file=/etc/postgresql-common/createcluster.conf
  [[ ! -e $file ]] || return 0
  "$@" mkdir -p "${file%/*}"
  printf 'create_main_cluster = false\n' | "$@" tee "$file" >/dev/null
}

setup_protos() {
  local stamp=$dev_dir/venv/.installed
  if cmp -s tools/requirements.txt "$stamp" && [[ -d $dev_dir/googleapis/google/rpc ]]; then
    return 0
  fi
  step "installing google/rpc/*.proto from PyPI into .dev/venv"
  mkdir -p "$dev_dir"
  local python
  python=$(usable_python) || die "no Python 3 that can make a virtual environment" \
    "install the packages python3 and python3-venv"
  [[ -x $dev_dir/venv/bin/python ]] || "$python" -m venv "$dev_dir/venv" >&2
  "$dev_dir/venv/bin/python" -m pip install --quiet --no-deps --no-input \
    -r tools/requirements.txt >&2 || die "installing tools/requirements.txt from PyPI" \
    "check that pip can reach a package index (pip config list), and run this command again"
  local packages
  packages=$("$dev_dir/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  ln -sfn "${packages#"$dev_dir/"}" "$dev_dir/googleapis"
  cp tools/requirements.txt "$stamp"
}

usable_python() {
  local python
  for python in python3 /usr/bin/python3; do
    if have "$python" && "$python" -c 'import venv, ensurepip' 2>/dev/null; then
      echo "$python"
      return 0
    fi
  done
  return 1
}

setup_buf() {
  local folder=$dev_dir/node
  if [[ -x $folder/node_modules/.bin/buf && $(cat "$folder/.installed" 2>/dev/null) == "$buf_version" ]]; then
    return 0
  fi
  step "installing buf $buf_version from npm into .dev/node"
  mkdir -p "$folder"
  npm install --prefix "$folder" --no-save --no-audit --no-fund --loglevel=error \
    "@bufbuild/buf@$buf_version" >&2 || die "installing buf from npm" \
    "check that npm can reach a registry (npm config get registry), and run this command again"
  printf '%s\n' "$buf_version" >"$folder/.installed"
}
