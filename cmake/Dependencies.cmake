# Finds or makes every library the suite links against. What Debian 12 lacks is built from the source that
# install/setup fetched through apt; nothing is downloaded here.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
set(Boost_NO_WARN_NEW_VERSIONS ON)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)

# Asio compiled once (drivers and library only see declarations).
add_library(venus_asio STATIC "${PROJECT_SOURCE_DIR}/cmake/asio.cpp")
target_link_libraries(venus_asio PUBLIC Boost::boost Threads::Threads)
target_compile_definitions(venus_asio PUBLIC
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_DATE_TIME)

add_library(venus_json INTERFACE)
target_link_libraries(venus_json INTERFACE nlohmann_json::nlohmann_json)
add_library(venus::json ALIAS venus_json)

set(VENUS_DEPS_DIR "$ENV{VENUS_DEPS_DIR}" CACHE PATH "Where install/setup unpacked third-party sources")
if(NOT VENUS_DEPS_DIR)
    set(VENUS_DEPS_DIR "${PROJECT_SOURCE_DIR}/build/deps")
endif()

pkg_check_modules(sdbuscpp2 QUIET IMPORTED_TARGET GLOBAL sdbus-c++>=2)
if(sdbuscpp2_FOUND)
    add_library(venus_sdbus INTERFACE)
    target_link_libraries(venus_sdbus INTERFACE PkgConfig::sdbuscpp2)
else()
    set(sdbus_source "${VENUS_DEPS_DIR}/sdbus-cpp")
    if(NOT EXISTS "${sdbus_source}/.complete")
        message(FATAL_ERROR "sdbus-c++ 2 is neither installed nor unpacked in ${sdbus_source}: run install/setup first")
    endif()
    file(GLOB sdbus_files "${sdbus_source}/src/*.cpp" "${sdbus_source}/src/*.c")
    add_library(venus_sdbus STATIC ${sdbus_files})
    target_include_directories(venus_sdbus SYSTEM PUBLIC "${sdbus_source}/include" PRIVATE "${sdbus_source}/src")
    string(REGEX MATCH "^[0-9]+" systemd_version "${systemd_VERSION}")
    target_compile_definitions(venus_sdbus PRIVATE
        SDBUS_systemd SDBUS_HEADER=<systemd/sd-bus.h> LIBSYSTEMD_VERSION=${systemd_version})
    target_compile_options(venus_sdbus PRIVATE -w)
    target_link_libraries(venus_sdbus PUBLIC PkgConfig::systemd)
endif()
add_library(venus::sdbus ALIAS venus_sdbus)
