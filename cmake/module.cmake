# tidemark_module(<name>
#   SOURCES  <file.cc>...        sources, relative to the folder
#   SQL      <sql/file.sql>...   statements embedded as "<folder>/sql.h"
#   PUBLIC   <target>...         what the headers of this module need
#   PRIVATE  <target>...         what only its sources need
#   TESTS    <file_test.cc>...   tests that need nothing, in tests/<folder>/
#   PG_TESTS <file_pgtest.cc>... tests that need PostgreSQL, in tests/<folder>/
#   TEST_LINK <target>...        what only its tests need
#   PROTO                        includes generated messages \
#   GRPC                         includes gRPC               / choose the precompiled header
#   OWN_FLAGS)                   has compile options of its own: no precompiled header, no unity
#
# One folder, one library `tidemark_<name>` (alias tidemark::<name>) and its tests. The links are the
# architecture: what a module does not link, it cannot include.
function(tidemark_module name)
  cmake_parse_arguments(M "PROTO;GRPC;OWN_FLAGS" "" "SOURCES;SQL;PUBLIC;PRIVATE;TESTS;PG_TESTS;TEST_LINK" ${ARGN})
  set(target "tidemark_${name}")
  add_library(${target} STATIC ${M_SOURCES})
  add_library(tidemark::${name} ALIAS ${target})
  target_include_directories(${target} PUBLIC "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${target} PUBLIC ${M_PUBLIC} PRIVATE ${M_PRIVATE} tidemark_warnings)
  if(M_GRPC)
    tidemark_use_pch(${target} grpc)
  elseif(M_PROTO)
    tidemark_use_pch(${target} proto)
  elseif(NOT M_OWN_FLAGS)
    tidemark_use_pch(${target} std)
  endif()
  file(RELATIVE_PATH folder "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  if(M_SQL)
    embed_sql(${target} "${folder}" ${M_SQL})
  endif()
  if(NOT M_OWN_FLAGS)
    tidemark_use_unity(${target})
  endif()
  if(M_TESTS)
    tidemark_tests(${name}_test "${folder}" unit SOURCES ${M_TESTS}
                   LINK tidemark::${name} ${M_PRIVATE} ${M_TEST_LINK})
  endif()
  if(M_PG_TESTS)
    tidemark_tests(${name}_pgtest "${folder}" pg SOURCES ${M_PG_TESTS}
                   LINK tidemark::${name} ${M_PRIVATE} ${M_TEST_LINK} tidemark::pg_support)
  endif()
endfunction()

# tidemark_tests(<target> <folder> <unit|pg|e2e> SOURCES <file>... LINK <target>...): one test binary
# of sources in tests/<folder>/, one ctest entry. A pg or e2e test runs against the throw-away cluster
# that the fixture `pg_cluster` starts.
function(tidemark_tests target folder label)
  cmake_parse_arguments(T "" "" "SOURCES;LINK" ${ARGN})
  list(TRANSFORM T_SOURCES PREPEND "${CMAKE_SOURCE_DIR}/tests/${folder}/")
  add_executable(${target} ${T_SOURCES})
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE ${T_LINK} tidemark::test_support tidemark_warnings)
  target_compile_options(${target} PRIVATE ${TIDEMARK_TEST_OPTIONS})
  tidemark_use_pch(${target} test)
  tidemark_use_unity(${target})
  add_test(NAME ${target}
           COMMAND ${target} "--gtest_output=json:${CMAKE_BINARY_DIR}/test-results/${target}.json")
  set_tests_properties(${target} PROPERTIES LABELS "${label}" TIMEOUT 900
    ENVIRONMENT "TIDEMARK_SOURCE_DIR=${CMAKE_SOURCE_DIR};TIDEMARK_BINARY_DIR=${CMAKE_BINARY_DIR};LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/lsan.supp")
  if(NOT label STREQUAL "unit")
    set_tests_properties(${target} PROPERTIES FIXTURES_REQUIRED pg_cluster)
  endif()
endfunction()

# tidemark_use_unity(<target>): its sources are compiled a few at a time, because reading the headers
# costs most of a compilation. So what a source keeps for itself (an anonymous namespace) needs a
# name of its own within the module. -DTIDEMARK_UNITY=OFF compiles one by one, which also shows a
# source that leans on an include of its neighbour.
function(tidemark_use_unity target)
  if(TIDEMARK_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON
                          UNITY_BUILD_BATCH_SIZE ${TIDEMARK_UNITY_SOURCES})
    # Sees a source that is included as if it were a header.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# tidemark_use_pch(<target> <std|proto|grpc|test>): headers that cost seconds per source file are
# compiled once (cmake/pch). A target must have the compile options of the copy it uses.
function(tidemark_use_pch target kind)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    # The copy is made with -fPIC, which the compiler demands of every user.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_precompile_headers(${target} REUSE_FROM tidemark_${kind}_pch)
  target_link_libraries(${target} PRIVATE tidemark_${kind}_pch)
endfunction()
