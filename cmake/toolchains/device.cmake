# Cross builds for a GX: fully static executables against an unpacked Debian 12, so that they run on every firmware.
# Needs VENUS_ARCH (armhf, arm64, amd64), VENUS_SYSROOT and VENUS_PREFIX (static libraries that Debian lacks);
# install/package passes them.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES VENUS_ARCH VENUS_SYSROOT VENUS_PREFIX)

set(triplet_armhf arm-linux-gnueabihf)
set(triplet_arm64 aarch64-linux-gnu)
set(triplet_amd64 x86_64-linux-gnu)
set(processor_armhf armv7l)
set(processor_arm64 aarch64)
set(processor_amd64 x86_64)
set(triplet ${triplet_${VENUS_ARCH}})

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${processor_${VENUS_ARCH}})
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(CMAKE_SYSROOT "${VENUS_SYSROOT}")
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_FIND_ROOT_PATH "${VENUS_PREFIX}" "${VENUS_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_FIND_LIBRARY_SUFFIXES .a)

# Debian's armhf is ARMv7-A without NEON: it runs on every 32 bit GX. -Wno-psabi: notes about GCC 7.
# -Wno-subobject-linkage: in a unity build every source file looks like a header to that warning.
set(CMAKE_CXX_FLAGS_INIT
    "-ffunction-sections -fdata-sections -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -Wno-psabi -Wno-subobject-linkage")
set(CMAKE_C_FLAGS_INIT "-ffunction-sections -fdata-sections -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -Wl,--gc-sections -Wl,--build-id=none")
