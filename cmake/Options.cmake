# Compiler settings shared by every target of the suite: link against venus::options.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

# Several sources in one go: Asio's headers and what they instantiate are then compiled once for all of them.
option(CMAKE_UNITY_BUILD "Compile several sources of a target at once" ON)
set(CMAKE_UNITY_BUILD_BATCH_SIZE 8 CACHE STRING "How many")

# -O3 makes coroutines no faster and their compilation half as long again.
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # Paths are taken relative to the source, so that a second clone finds what the first one compiled. Not for the
    # device: names of headers are in the programs, and a package has the same bytes with a cache and without.
    if(CMAKE_CROSSCOMPILING)
        set(cache_base "")
    else()
        set(cache_base CCACHE_BASEDIR=${PROJECT_SOURCE_DIR})
    endif()
    set(launcher ${CMAKE_COMMAND} -E env ${cache_base} CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

# A violated precondition of span, vector or string ends the process instead of reading past the end.
add_compile_definitions(_GLIBCXX_ASSERTIONS)

add_library(venus_options INTERFACE)
add_library(venus::options ALIAS venus_options)

# Of GCC 12's warnings three are wrong here: it takes Asio's recycled coroutine frames for mismatched, an empty optional
# for uninitialised, and a source of a unity build for a header.
target_compile_options(venus_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast
    -Wcast-align -Wunused -Wformat=2 -Wimplicit-fallthrough
    $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wno-missing-field-initializers
        -Wno-mismatched-new-delete -Wno-maybe-uninitialized -Wno-subobject-linkage>
    $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-field-initializers>
    $<$<BOOL:${VENUS_WERROR}>:-Werror>)

# Instrumented is what is tested, not the tests: clang and GCC take several times as long for those.
set(not_a_test $<NOT:$<BOOL:$<TARGET_PROPERTY:VENUS_UNIT_TEST>>>)
if(VENUS_SANITIZE)
    target_compile_options(venus_options INTERFACE
        $<${not_a_test}:-fsanitize=address,undefined;-fno-sanitize-recover=all;-fno-omit-frame-pointer;-O1>)
    target_link_options(venus_options INTERFACE -fsanitize=address,undefined)
endif()

if(VENUS_FUZZ)
    target_compile_options(venus_options INTERFACE
        $<${not_a_test}:-fsanitize=fuzzer-no-link,address,undefined;-fno-sanitize-recover=all;-O1;-gline-tables-only>)
    target_link_options(venus_options INTERFACE -fsanitize=address,undefined)
endif()
