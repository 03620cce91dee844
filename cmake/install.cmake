# Installation: headers, libraries, program, pkg-config file and CMake package.
