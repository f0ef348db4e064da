# Run by migrations/CMakeLists.txt at build time: writes SOURCE, which defines
# tidemark::migrations::CONSTANT, from the files INPUTS, named NNNN_verb_noun.sql and in order.

# A string literal may be refused beyond 65536 bytes; a longer migration is two migrations.
set(migration_bytes_max 65000)

set(entries "")
set(expected 1)
foreach(input IN LISTS INPUTS)
  get_filename_component(stem "${input}" NAME_WE)
  if(NOT stem MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)$")
    message(FATAL_ERROR "${input}: a migration is named NNNN_verb_noun.sql")
  endif()
  set(name "${CMAKE_MATCH_2}")
  string(REGEX REPLACE "^0+" "" version "${CMAKE_MATCH_1}")
  if(NOT version EQUAL expected)
    message(FATAL_ERROR "${input}: expected migration number ${expected}")
  endif()
  math(EXPR expected "${expected} + 1")
  file(SIZE "${input}" size)
  if(size GREATER migration_bytes_max)
    message(FATAL_ERROR "${input}: ${size} bytes, the limit is ${migration_bytes_max}: split it")
  endif()
  file(READ "${input}" text)
  string(APPEND entries "    {${version}, \"${name}\", R\"sql(${text})sql\"},\n")
endforeach()
math(EXPR count "${expected} - 1")

file(WRITE "${SOURCE}"
"// Made from migrations/*.sql by cmake/write_migrations.cmake.
#include \"migrations/migrations.h\"

#include <array>

namespace tidemark::migrations {
namespace {

constexpr std::array<db::Migration, ${count}> kFiles{{
${entries}}};

}  // namespace

constinit const std::span<const db::Migration> ${CONSTANT} = kFiles;

}  // namespace tidemark::migrations
")
