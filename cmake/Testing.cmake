# Helpers that declare tests, so that a driver's CMakeLists is a list of names.
# What a test runs on (its program, the files it reads) is its ctest property REQUIRED_FILES: tests/unchanged leaves out
# those that passed with the same. A test without it always runs.

# venus_test_inputs(TEST FILE...): adds to what a test runs on. Names are relative to the repository.
function(venus_test_inputs test)
    foreach(file IN LISTS ARGN)
        if(NOT file MATCHES "^[/$]")
            set(file "${PROJECT_SOURCE_DIR}/${file}")
        endif()
        set_property(TEST ${test} APPEND PROPERTY REQUIRED_FILES "${file}")
    endforeach()
endfunction()

# What computes takes several of the places that tests/run has for each processor; other tests mostly wait.
set(VENUS_COMPUTES PROCESSORS 3)

# venus_unit_test(NAME unit.tsmppt.protocol SOURCES a.cpp b.cpp LIBS tsmppt_protocol [READS docs/tsmppt.md] [LONG])
# A Catch2 program registered with ctest under NAME. Test data is found below TEST_DATA_DIR (tests/data). READS names what
# else it reads. LONG is one with days or months in fast motion. The fuzz preset leaves out the tests of libraries that it
# does not build.
function(venus_unit_test)
    cmake_parse_arguments(ARG "LONG" "NAME" "SOURCES;LIBS;READS" ${ARGN})
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
    # What is tested is optimised; what tests it has to be compiled soon, unless running it takes longer.
    if(ARG_LONG)
        set(optimisation -O1)
    else()
        set(optimisation -O0)
    endif()
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:${optimisation}>)
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
        TIMEOUT 600 LABELS unit FIXTURES_REQUIRED "${VENUS_TEST_BUILD}" ${VENUS_COMPUTES})
    venus_test_inputs(${VENUS_TEST_PREFIX}${ARG_NAME} $<TARGET_FILE:${target}> tests/data ${ARG_READS})
    if(velib IN_LIST ARG_LIBS)
        venus_test_inputs(${VENUS_TEST_PREFIX}${ARG_NAME} $<TARGET_FILE:velib>)
    endif()
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
        set_tests_properties(${test} PROPERTIES TIMEOUT ${limit} LABELS fuzz ${VENUS_COMPUTES}
            FIXTURES_REQUIRED "${VENUS_TEST_BUILD}" ENVIRONMENT "FUZZ_VARIANT=${variant}")
        venus_test_inputs(${test} $<TARGET_FILE:${target}>)
    endforeach()
endfunction()

# venus_test_room(NAME VARIABLE PROGRAM...): sets VARIABLE to a directory like this build's with no other programs of it than
# PROGRAMS, and libvelib under them, so that a test that runs there has all of them among its inputs.
function(venus_test_room name variable)
    set(room "${CMAKE_BINARY_DIR}/rooms/${name}")
    file(MAKE_DIRECTORY "${room}/bin" "${room}/tests")
    set(wanted lib)
    foreach(program IN LISTS ARGN)
        if(program MATCHES "^velib-test-")
            list(APPEND wanted "tests/${program}")
        else()
            list(APPEND wanted "bin/${program}")
        endif()
    endforeach()
    # Only what differs is changed: tests may be running there.
    file(GLOB there RELATIVE "${room}" "${room}/bin/*" "${room}/tests/*")
    foreach(link IN LISTS there)
        if(NOT link IN_LIST wanted)
            file(REMOVE "${room}/${link}")
        endif()
    endforeach()
    foreach(link IN LISTS wanted)
        if(NOT IS_SYMLINK "${room}/${link}")
            file(CREATE_LINK "${CMAKE_BINARY_DIR}/${link}" "${room}/${link}" SYMBOLIC)
        endif()
    endforeach()
    set(${variable} "${room}" PARENT_SCOPE)
endfunction()

# venus_test_programs(TEST PROGRAM...): adds programs of this build, and libvelib under them, to what a test runs on.
function(venus_test_programs test)
    venus_test_inputs(${test} $<TARGET_FILE:velib>)
    foreach(program IN LISTS ARGN)
        set(place bin)
        if(program MATCHES "^velib-test-")
            set(place tests)
        endif()
        venus_test_inputs(${test} "${CMAKE_BINARY_DIR}/${place}/${program}")
    endforeach()
endfunction()

# venus_integration_test(NAME integration.tsmppt SCRIPT tsmppt/test_tsmppt.py PROGRAMS dbus-tsmppt tristar-simulator
#                        [READS services] [TIMEOUT 300] [EACH])
# A Python unittest program with a private message bus of its own, run against PROGRAMS of this build and velib-settings;
# it sees no others. READS names what it reads beside itself and the modules in its directory. EACH is for a script of
# tests that wait: each method is a test of its own for ctest, NAME.METHOD, so that they wait at the same time.
function(venus_integration_test)
    cmake_parse_arguments(ARG "EACH" "NAME;SCRIPT;TIMEOUT" "PROGRAMS;READS" ${ARGN})
    # The sanitizers' preset is for the unit tests: everything else would take it an hour.
    if(VENUS_SANITIZE)
        return()
    endif()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 300)
    endif()
    set(name "${VENUS_TEST_PREFIX}${ARG_NAME}")
    set(script "tests/integration/${ARG_SCRIPT}")
    cmake_path(GET script PARENT_PATH directory)
    file(GLOB modules CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${directory}/*.py")
    list(FILTER modules EXCLUDE REGEX "/test_[^/]*$")
    venus_test_room(${name} room velib-settings ${ARG_PROGRAMS})

    set(tests ${name})
    set(${name}_selection "")
    if(ARG_EACH)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${script}")
        file(STRINGS "${PROJECT_SOURCE_DIR}/${script}" lines REGEX "^class |^    def test_")
        set(tests "")
        foreach(line IN LISTS lines)
            if(line MATCHES "^class ([A-Za-z0-9_]+)")
                set(class "${CMAKE_MATCH_1}")
            elseif(line MATCHES "def test_([A-Za-z0-9_]+)")
                list(APPEND tests "${name}.${CMAKE_MATCH_1}")
                set(${name}.${CMAKE_MATCH_1}_selection "${class}.test_${CMAKE_MATCH_1}")
            endif()
        endforeach()
    endif()
    foreach(test IN LISTS tests)
        add_test(NAME ${test} COMMAND /usr/bin/python3 -B "${PROJECT_SOURCE_DIR}/${script}" ${${test}_selection}
            WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
        venus_test_inputs(${test} ${script} ${modules} tests/integration/support ${ARG_READS})
        venus_test_programs(${test} velib-settings ${ARG_PROGRAMS})
        set_tests_properties(${test} PROPERTIES
            TIMEOUT ${ARG_TIMEOUT}
            LABELS integration
            ENVIRONMENT "VENUS_BUILD_DIR=${room};PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/integration/support")
    endforeach()
endfunction()
