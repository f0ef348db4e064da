# Compiler settings that hold for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# Dev: as fast as Release, with assertions and line numbers in back traces. Plain variables, because
# project() has made empty cache entries of these names.
set(CMAKE_CXX_FLAGS_DEV "-O2 -g1")
set(CMAKE_EXE_LINKER_FLAGS_DEV "")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Dev)
endif()

# Results must not depend on whether the compiler fuses a multiply and an add.
add_compile_options(-ffp-contract=off)

# A library that a program does not use is not loaded, whoever names it.
add_link_options(-Wl,--as-needed)

set(TIDEMARK_SANITIZE "" CACHE STRING "Value for -fsanitize=, empty for none")
if(TIDEMARK_SANITIZE)
  add_compile_options(-fsanitize=${TIDEMARK_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all -O1)
  add_link_options(-fsanitize=${TIDEMARK_SANITIZE})
endif()

# Tests are compiled once and run for seconds: optimising them costs more than it gives. A sanitizer
# has its own level, above.
set(TIDEMARK_TEST_OPTIONS -O0)
if(TIDEMARK_SANITIZE)
  set(TIDEMARK_TEST_OPTIONS "")
endif()

option(TIDEMARK_UNITY "Compile the sources of a module a few at a time" ON)
set(TIDEMARK_UNITY_SOURCES 6)

find_program(CCACHE ccache)
if(CCACHE)
  # The two sloppiness values are what ccache needs to cache users of precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()

# Warnings for our own code; generated code is compiled without them.
add_library(tidemark_warnings INTERFACE)
target_compile_options(tidemark_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  # At -O3, GCC 12 sees overflows in std::string that are not there (GCC bugs 105329 and 105651).
  "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow>")
