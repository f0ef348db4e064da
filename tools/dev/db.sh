# ./dev db: a developer's own PostgreSQL.

source tools/dev/build.sh
source tools/dev/postgres.sh

readonly db_folder=$dev_dir/db
readonly db_name=tidemark

db_help() {
  cat <<'HELP'
Usage: ./dev db start | stop | psql [ARGUMENT...] | snapshot | reset

A private PostgreSQL server under .dev/db with a database "tidemark" at the newest migration. It
listens on a unix socket only, which nobody but its own user reaches, and is durable.

  start      starts it, migrates, and prints what tidemarkd wants as --dsn
  stop       stops it; the data stays
  psql       starts it if need be, and opens psql as the superuser; arguments go to psql
  snapshot   writes migrations/schema.sql from an empty database that all migrations ran over
  reset      removes the server and its data
HELP
}

db_main() {
  local action=${1:-}
  case $action in
    start | stop | psql | snapshot | reset) shift ;;
    '') wrong_arguments "db: what should it do?" "./dev db --help" ;;
    *) wrong_arguments "db: unknown action \"$action\"" "./dev db --help" ;;
  esac
  [[ $action == psql ]] || (($# == 0)) ||
    wrong_arguments "db $action: takes no arguments" "./dev db --help"
  "db_$action" "$@"
}

db_start() {
  db_serve
  db_migrate "$db_name"
  postgres_dsn "$db_name"
  echo
}

db_stop() { postgres_stop "$db_folder"; }

db_reset() { postgres_remove "$db_folder"; }

db_psql() {
  db_serve
  trap - ERR
  as_postgres psql "$(postgres_dsn "$db_name" postgres)" "$@"
}

# Running, with the database there (perhaps empty yet).
db_serve() {
  ensure_setup
  mkdir -p "$db_folder"
  postgres_start "$db_folder"
  local known
  known=$(postgres_sql postgres <<<"select 1 from pg_database where datname = '$db_name'")
  [[ -n $known ]] || postgres_new_database "$db_name"
}

db_migrate() {
  build_main tidemarkd
  build/dev/bin/tidemarkd --owner-dsn "$(postgres_dsn "$1" tm_owner)" --migrate >&2 ||
    die "migrating the database" "the lines above name the migration; ./dev db reset begins anew"
}

# The test that compares the snapshot also writes it: one place says what a snapshot is.
db_snapshot() {
  build_main schema_pgtest
  TIDEMARK_SOURCE_DIR=$root TIDEMARK_BINARY_DIR=$root/build/dev TIDEMARK_UPDATE_SCHEMA=1 \
    build/dev/tests/migrations/schema_pgtest --gtest_filter=Schema.EqualsTheSnapshot >&2 ||
    die "writing migrations/schema.sql" "the lines above name the cause"
  tests/support/pg_cluster.sh stop build/dev >&2
  echo "wrote migrations/schema.sql"
}
