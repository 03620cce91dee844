# The target `docs`: the reference of the public headers, in docs/html of the build folder. Any warning fails it.
find_package(Doxygen)
if(NOT DOXYGEN_FOUND)
  message(FATAL_ERROR "TEXTCLF_DOCS needs Doxygen, which was not found (scripts/deps.sh --tests installs it)")
endif()
find_package(Python3 REQUIRED COMPONENTS Interpreter)
configure_file(${PROJECT_SOURCE_DIR}/Doxyfile.in ${PROJECT_BINARY_DIR}/Doxyfile @ONLY)
file(GLOB public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/textclf/*.h)
add_custom_target(docs
  COMMAND ${DOXYGEN_EXECUTABLE} ${PROJECT_BINARY_DIR}/Doxyfile
  DEPENDS ${public_headers} ${PROJECT_BINARY_DIR}/Doxyfile
  COMMENT "Doxygen: ${PROJECT_BINARY_DIR}/docs/html/index.html"
  VERBATIM)
