# embed_sql(<target> <module> <file.sql>...)
#
# Turns each `sql/insert_chunk.sql` into a constant `tidemark::<folder>::sql::kInsertChunk` of type
# db::Statement {name, text} in the generated header "<module>/sql.h", and a list
# `kAllStatements` of all of them, which the statement tests walk. <folder> is the last part of
# <module>: "base/db" gives tidemark::db::sql.
function(embed_sql target module)
  get_filename_component(namespace "${module}" NAME)
  set(header "${CMAKE_BINARY_DIR}/sql/${module}/sql.h")
  set(inputs "")
  foreach(file IN LISTS ARGN)
    list(APPEND inputs "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
  endforeach()
  add_custom_command(
    OUTPUT "${header}"
    COMMAND "${CMAKE_COMMAND}" "-DHEADER=${header}" "-DMODULE=${namespace}" "-DINPUTS=${inputs}"
            -P "${CMAKE_SOURCE_DIR}/cmake/write_sql_header.cmake"
    DEPENDS ${inputs} "${CMAKE_SOURCE_DIR}/cmake/write_sql_header.cmake"
    COMMENT "Embedding the SQL of ${module}"
    VERBATIM)
  target_sources(${target} PRIVATE "${header}")
  target_include_directories(${target} PUBLIC "${CMAKE_BINARY_DIR}/sql")
endfunction()
