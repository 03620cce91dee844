# Language level, warnings and instrumentation, as one interface target that every target of this tree links.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(textclf_options INTERFACE)
target_compile_definitions(textclf_options INTERFACE _POSIX_C_SOURCE=200809L)
if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(textclf_options INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla -fno-math-errno)
  if(TEXTCLF_SANITIZE)
    list(JOIN TEXTCLF_SANITIZE "," sanitizers)
    target_compile_options(textclf_options INTERFACE
      -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(textclf_options INTERFACE -fsanitize=${sanitizers})
  endif()
  if(TEXTCLF_COVERAGE)
    target_compile_options(textclf_options INTERFACE --coverage)
    target_link_options(textclf_options INTERFACE --coverage)
  endif()
endif()
find_package(Threads REQUIRED)
