# TEXTCLF_STATIC_DEPS: finds libutf8proc.a and, where patterns go to PCRE2, libpcre2-8.a, and sees whether they may stand
# in a shared library, before the link fails with words about relocations.
include(CheckCSourceCompiles)

# archive_of(NAME FILE PACKAGE INCLUDES SOURCE): TEXTCLF_<NAME>_ARCHIVE; SOURCE is a function that calls it.
function(archive_of name file package includes source)
  find_library(TEXTCLF_${name}_ARCHIVE ${file})
  set(archive ${TEXTCLF_${name}_ARCHIVE})
  if(NOT archive)
    message(FATAL_ERROR "TEXTCLF_STATIC_DEPS needs ${file}, which was not found. Debian has it in ${package}; "
                        "for one in another place: -DTEXTCLF_${name}_ARCHIVE=/path/to/${file}")
  endif()
  if(TEXTCLF_SHARED)
    set(CMAKE_REQUIRED_FLAGS -fPIC)
    set(CMAKE_REQUIRED_INCLUDES ${includes})
    set(CMAKE_REQUIRED_LINK_OPTIONS -shared)
    set(CMAKE_REQUIRED_LIBRARIES ${archive})
    # The answer belongs to this archive: another one is asked again.
    string(MAKE_C_IDENTIFIER "TEXTCLF_PIC_${archive}" answer)
    check_c_source_compiles("${source}" ${answer})
    if(NOT ${answer})
      message(FATAL_ERROR "TEXTCLF_STATIC_DEPS: ${archive} cannot stand in a shared library: it was compiled without "
                          "-fPIC. Build it with -DCMAKE_POSITION_INDEPENDENT_CODE=ON, or leave the option off.")
    endif()
  endif()
endfunction()

archive_of(UTF8PROC libutf8proc.a libutf8proc-dev "${utf8proc_INCLUDE_DIRS}" "#include <utf8proc.h>
  int f(utf8proc_int32_t c); int f(utf8proc_int32_t c) { return utf8proc_get_property(c)->category; }")
set(utf8proc ${TEXTCLF_UTF8PROC_ARCHIVE})
if(TEXTCLF_PCRE2)
  archive_of(PCRE2 libpcre2-8.a libpcre2-dev "${pcre2_INCLUDE_DIRS}" "#define PCRE2_CODE_UNIT_WIDTH 8
    #include <pcre2.h>
    void f(pcre2_code *c); void f(pcre2_code *c) { pcre2_match(c, 0, 0, 0, 0, 0, 0); }")
  set(pcre2 ${TEXTCLF_PCRE2_ARCHIVE})
endif()
