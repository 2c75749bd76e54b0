# venus_driver(NAME dbus-tsmppt ENTRY tsmppt_main SOURCES main.cpp LIBS tsmppt velib)
# A driver. Its sources define `int ENTRY(int argc, char** argv)`. On a PC that becomes an executable of its own; for the
# device all drivers are one executable that looks at the name it was called by, because the C library and libvelib are
# then on flash and in memory once instead of five times.
function(venus_driver)
    cmake_parse_arguments(ARG "" "NAME;ENTRY" "SOURCES;LIBS" ${ARGN})
    add_library(${ARG_NAME}-entry STATIC ${ARG_SOURCES})
    target_link_libraries(${ARG_NAME}-entry PUBLIC ${ARG_LIBS} PRIVATE venus::options)
    set_property(GLOBAL APPEND PROPERTY VENUS_DRIVERS ${ARG_NAME})
    set_property(GLOBAL PROPERTY VENUS_ENTRY_${ARG_NAME} ${ARG_ENTRY})
    if(CMAKE_CROSSCOMPILING)
        return()
    endif()
    set(main "${CMAKE_CURRENT_BINARY_DIR}/${ARG_NAME}_main.cpp")
    file(CONFIGURE OUTPUT "${main}" @ONLY CONTENT
"int @ARG_ENTRY@(int argc, char** argv);

int main(int argc, char** argv) {
    return @ARG_ENTRY@(argc, argv);
}
")
    add_executable(${ARG_NAME} "${main}")
    target_link_libraries(${ARG_NAME} PRIVATE ${ARG_NAME}-entry venus::options)
endfunction()

# After all drivers: the one executable for the device, and the list of names it answers to.
function(venus_multicall)
    get_property(drivers GLOBAL PROPERTY VENUS_DRIVERS)
    set(declarations "")
    set(rows "")
    foreach(driver IN LISTS drivers)
        get_property(entry GLOBAL PROPERTY VENUS_ENTRY_${driver})
        string(APPEND declarations "int ${entry}(int argc, char** argv);\n")
        string(APPEND rows "    {\"${driver}\", ${entry}},\n")
    endforeach()
    configure_file("${PROJECT_SOURCE_DIR}/drivers/multicall.cpp.in" "${CMAKE_BINARY_DIR}/multicall.cpp" @ONLY)
    list(JOIN drivers "\n" names)
    file(WRITE "${CMAKE_BINARY_DIR}/drivers.list" "${names}\n")
    add_executable(venus-drivers "${CMAKE_BINARY_DIR}/multicall.cpp")
    list(TRANSFORM drivers APPEND "-entry")
    target_link_libraries(venus-drivers PRIVATE ${drivers} venus::options)
endfunction()
