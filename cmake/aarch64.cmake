# Toolchain file: builds for 64-bit ARM Linux on another machine, and runs the tests under qemu's user mode.
#
#   scripts/aarch64_libraries.sh FOLDER      (the libraries' arm64 packages, where apt-get is)
#   cmake -S . -B build/aarch64 -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake -DTEXTCLF_AARCH64_LIBRARIES=FOLDER
#
# With CC=clang, clang; otherwise the cross gcc. Debian's names: gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TEXTCLF_AARCH64_LIBRARIES)

set(triple aarch64-linux-gnu)
if("$ENV{CC}" MATCHES "clang")
  set(CMAKE_C_COMPILER clang)
  set(CMAKE_CXX_COMPILER clang++)
  set(CMAKE_C_COMPILER_TARGET ${triple})
  set(CMAKE_CXX_COMPILER_TARGET ${triple})
else()
  set(CMAKE_C_COMPILER ${triple}-gcc)
  set(CMAKE_CXX_COMPILER ${triple}-g++)
endif()
# The cross compiler's own C library; what is not there is looked for as it stands.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${CMAKE_SYSTEM_PROCESSOR} -L /usr/${triple})

set(CMAKE_FIND_ROOT_PATH ${TEXTCLF_AARCH64_LIBRARIES} /usr/${triple})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${TEXTCLF_AARCH64_LIBRARIES})
set(ENV{PKG_CONFIG_LIBDIR} ${TEXTCLF_AARCH64_LIBRARIES}/usr/lib/${triple}/pkgconfig)
