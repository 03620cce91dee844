# Installation: headers, libraries, libtextclf.pc and the CMake package. The program, its manual page and completion are
# installed where they are built (src/).
include(CMakePackageConfigHelpers)

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/textclf DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/include/textclf/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/textclf)

# pkg-config. The prefix is found from where the .pc file stands, so that an installed tree may be moved; absolute
# folders, as some packagers set them, are kept.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(TEXTCLF_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH up /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
  string(REGEX REPLACE "/$" "" up "${up}")
  set(TEXTCLF_PC_PREFIX "\${pcfiledir}/${up}")
endif()
foreach(kind LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${kind}}")
    set(TEXTCLF_PC_${kind} "${CMAKE_INSTALL_${kind}}")
  else()
    set(TEXTCLF_PC_${kind} "\${prefix}/${CMAKE_INSTALL_${kind}}")
  endif()
endforeach()
configure_file(libtextclf.pc.in ${PROJECT_BINARY_DIR}/libtextclf.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/libtextclf.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The CMake package: textclf::textclf and textclf::textclf_static, each in an export set of its own, because only the
# static one makes the host look for utf8proc and threads.
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/textclf)
if(TARGET textclf)
  install(TARGETS textclf EXPORT textclf_shared
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT textclf_shared FILE textclf-shared.cmake NAMESPACE textclf:: DESTINATION ${package_dir})
endif()
if(TARGET textclf_static)
  install(TARGETS textclf_static EXPORT textclf_archive
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT textclf_archive FILE textclf-static.cmake NAMESPACE textclf:: DESTINATION ${package_dir})
endif()
configure_package_config_file(cmake/textclfConfig.cmake.in ${PROJECT_BINARY_DIR}/textclfConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/textclfConfigVersion.cmake
                                 VERSION ${PROJECT_VERSION} COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/textclfConfig.cmake ${PROJECT_BINARY_DIR}/textclfConfigVersion.cmake
        DESTINATION ${package_dir})
