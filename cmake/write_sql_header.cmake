# Run by embed_sql() at build time: writes HEADER from the SQL files INPUTS of MODULE.
set(constants "")
set(list "")
foreach(input IN LISTS INPUTS)
  get_filename_component(name "${input}" NAME_WE)
  string(REPLACE "_" ";" parts "${name}")
  set(constant "k")
  foreach(part IN LISTS parts)
    string(SUBSTRING "${part}" 0 1 first)
    string(SUBSTRING "${part}" 1 -1 rest)
    string(TOUPPER "${first}" first)
    string(APPEND constant "${first}${rest}")
  endforeach()
  file(READ "${input}" text)
  string(APPEND constants
    "inline constexpr db::Statement ${constant}{\"${name}\", R\"sql(${text})sql\"};\n")
  list(APPEND list "    ${constant}")
endforeach()
list(JOIN list ",\n" list)
file(WRITE "${HEADER}.new"
"// Made from the .sql files of ${MODULE} by cmake/embed_sql.cmake.
#pragma once

#include \"base/db/statement.h\"

namespace tidemark::${MODULE}::sql {

${constants}
inline constexpr db::Statement kAllStatements[] = {
${list}};

}  // namespace tidemark::${MODULE}::sql
")
file(COPY_FILE "${HEADER}.new" "${HEADER}" ONLY_IF_DIFFERENT)
file(REMOVE "${HEADER}.new")
file(TOUCH "${HEADER}")
