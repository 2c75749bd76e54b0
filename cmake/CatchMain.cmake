# Catch2 2 (Debian 12) is one large header: compile its main once and share it precompiled.
if(VENUS_FUZZ)
    return()
endif()
find_package(Catch2 REQUIRED)
add_library(venus_catch_main STATIC "${PROJECT_SOURCE_DIR}/tests/support/catch_main.cpp")
add_library(venus::catch_main ALIAS venus_catch_main)
target_include_directories(venus_catch_main PUBLIC "${PROJECT_SOURCE_DIR}/tests")
target_link_libraries(venus_catch_main PUBLIC Catch2::Catch2 PRIVATE venus::options)
