# TEXTCLF_STATIC_DEPS: finds libutf8proc.a and sees whether it may stand in a shared library, before the link fails with
# words about relocations.
find_library(TEXTCLF_UTF8PROC_ARCHIVE libutf8proc.a)
if(NOT TEXTCLF_UTF8PROC_ARCHIVE)
  message(FATAL_ERROR "TEXTCLF_STATIC_DEPS needs libutf8proc.a, which was not found. Debian has it in libutf8proc-dev; "
                      "for one in another place: -DTEXTCLF_UTF8PROC_ARCHIVE=/path/to/libutf8proc.a")
endif()
if(TEXTCLF_SHARED)
  include(CheckCSourceCompiles)
  set(CMAKE_REQUIRED_FLAGS -fPIC)
  set(CMAKE_REQUIRED_INCLUDES ${utf8proc_INCLUDE_DIRS})
  set(CMAKE_REQUIRED_LINK_OPTIONS -shared)
  set(CMAKE_REQUIRED_LIBRARIES ${TEXTCLF_UTF8PROC_ARCHIVE})
  # The answer belongs to this archive: another one is asked again.
  string(MAKE_C_IDENTIFIER "TEXTCLF_PIC_${TEXTCLF_UTF8PROC_ARCHIVE}" answer)
  check_c_source_compiles("#include <utf8proc.h>
    int f(utf8proc_int32_t c); int f(utf8proc_int32_t c) { return utf8proc_get_property(c)->category; }" ${answer})
  if(NOT ${answer})
    message(FATAL_ERROR "TEXTCLF_STATIC_DEPS: ${TEXTCLF_UTF8PROC_ARCHIVE} cannot stand in a shared library: it was "
                        "compiled without -fPIC. Build utf8proc with -DCMAKE_POSITION_INDEPENDENT_CODE=ON, or leave "
                        "the option off.")
  endif()
  unset(CMAKE_REQUIRED_FLAGS)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
  unset(CMAKE_REQUIRED_LIBRARIES)
endif()
set(utf8proc ${TEXTCLF_UTF8PROC_ARCHIVE})
