# Helpers that declare tests, so that a driver's CMakeLists is a list of names.

# venus_unit_test(NAME unit.tsmppt.protocol SOURCES a.cpp b.cpp LIBS tsmppt_protocol)
# A Catch2 program registered with ctest under NAME. Test data is found below TEST_DATA_DIR (tests/data). The fuzz preset
# leaves out the tests of libraries that it does not build.
function(venus_unit_test)
    cmake_parse_arguments(ARG "" "NAME" "SOURCES;LIBS" ${ARGN})
    if(NOT TARGET venus_catch_main)
        return()
    endif()
    if(VENUS_FUZZ)
        foreach(library IN LISTS ARG_LIBS)
            if(NOT TARGET ${library})
                return()
            endif()
        endforeach()
    endif()
    string(REPLACE "." "_" target "${ARG_NAME}")
    add_executable(${target} ${ARG_SOURCES})
    target_link_libraries(${target} PRIVATE ${ARG_LIBS} venus::catch_main venus::options)
    target_compile_definitions(${target} PRIVATE TEST_DATA_DIR="${PROJECT_SOURCE_DIR}/tests/data")
    # Every test file has helpers of its own, named alike.
    set_target_properties(${target} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests" UNITY_BUILD OFF VENUS_UNIT_TEST ON)
    # What is tested is optimised; what tests it has to be compiled soon.
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O0>)
    # Instrumented builds take long, so the preset says what they are for.
    if(VENUS_SANITIZE AND NOT ARG_NAME MATCHES "${VENUS_SANITIZE_TESTS}")
        set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
        return()
    endif()
    # Days in fast motion take minutes there.
    if(VENUS_SANITIZE OR VENUS_FUZZ)
        set(selection "~[long]")
    endif()
    add_test(NAME ${VENUS_TEST_PREFIX}${ARG_NAME} COMMAND ${target} ${selection})
    set_tests_properties(${VENUS_TEST_PREFIX}${ARG_NAME} PROPERTIES
        TIMEOUT 600 LABELS unit FIXTURES_REQUIRED "${VENUS_TEST_BUILD}")
    if(NOT TARGET unit-tests)
        add_custom_target(unit-tests)
    endif()
    add_dependencies(unit-tests ${target})
endfunction()

# venus_fuzzer(NAME fuzz.tsmppt.image SOURCES fuzz.cpp LIBS tsmppt_protocol [SECONDS 3] [MAX_LEN 4096] [VARIANTS a b])
# Only in the fuzz preset: a libFuzzer program, run by ctest for some seconds. With VARIANTS it is run once for each, which
# it finds in the environment as FUZZ_VARIANT; the tests are called NAME.VARIANT.
function(venus_fuzzer)
    cmake_parse_arguments(ARG "" "NAME;SECONDS;MAX_LEN" "SOURCES;LIBS;VARIANTS" ${ARGN})
    if(NOT VENUS_FUZZ)
        return()
    endif()
    if(NOT ARG_SECONDS)
        set(ARG_SECONDS 3)
    endif()
    if(NOT ARG_MAX_LEN)
        set(ARG_MAX_LEN 4096)
    endif()
    string(REPLACE "." "_" target "${ARG_NAME}")
    add_executable(${target} ${ARG_SOURCES})
    target_link_libraries(${target} PRIVATE ${ARG_LIBS} venus::options)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
    math(EXPR limit "${ARG_SECONDS} + 120")
    set(tests "${ARG_NAME}")
    if(ARG_VARIANTS)
        set(tests "${ARG_VARIANTS}")
        list(TRANSFORM tests PREPEND "${ARG_NAME}.")
    endif()
    foreach(test IN LISTS tests)
        add_test(NAME ${test}
            COMMAND ${target} -max_total_time=${ARG_SECONDS} -max_len=${ARG_MAX_LEN} -timeout=5 -rss_limit_mb=2048
            WORKING_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
        string(REPLACE "${ARG_NAME}." "" variant "${test}")
        set_tests_properties(${test} PROPERTIES TIMEOUT ${limit} LABELS fuzz
            FIXTURES_REQUIRED "${VENUS_TEST_BUILD}" ENVIRONMENT "FUZZ_VARIANT=${variant}")
    endforeach()
endfunction()

# venus_integration_test(NAME integration.velib SCRIPT velib/test_object_model.py [DEPENDS target ...])
# A Python unittest program, run against the executables of this build with a private message bus of its own.
function(venus_integration_test)
    cmake_parse_arguments(ARG "" "NAME;SCRIPT;TIMEOUT" "" ${ARGN})
    # The sanitizers' preset is for the unit tests: everything else would take it an hour.
    if(VENUS_SANITIZE)
        return()
    endif()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 300)
    endif()
    set(name "${VENUS_TEST_PREFIX}${ARG_NAME}")
    add_test(NAME ${name}
        COMMAND /usr/bin/python3 -B "${PROJECT_SOURCE_DIR}/tests/integration/${ARG_SCRIPT}"
        WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties(${name} PROPERTIES
        TIMEOUT ${ARG_TIMEOUT}
        LABELS integration
        ENVIRONMENT "VENUS_BUILD_DIR=${CMAKE_BINARY_DIR};PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/integration/support")
endfunction()
