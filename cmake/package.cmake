# The Debian package: `cmake --build --preset release && cpack --config build/release/CPackConfig.cmake`.
#
# The command is linked statically, so dpkg-shlibdeps finds nothing. At run time it loads what must fit the C library
# that it was linked with: name services, and Zydis for --dump=asm.
execute_process(COMMAND getconf GNU_LIBC_VERSION OUTPUT_VARIABLE libc_version OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX REPLACE "^glibc ([0-9]+)\\.([0-9]+)$" "\\1.\\2" libc_version "${libc_version}")
string(REGEX REPLACE "^[0-9]+\\." "" libc_minor "${libc_version}")
string(REGEX REPLACE "\\.[0-9]+$" "" libc_major "${libc_version}")
math(EXPR libc_next_minor "${libc_minor} + 1")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fble-jit)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
# The publisher of the package is its maintainer: cpack -D CPACK_PACKAGE_CONTACT="Name <address>".
set(CPACK_PACKAGE_CONTACT "The authors of fble-jit <fble-jit@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "tracing JIT compiler for the language Fble")
set(CPACK_PACKAGE_DESCRIPTION
  "fble-jit runs programs in Fble, a small, strict, purely functional language
 with structural types. An interpreter starts them, and a tracing compiler
 turns their hot paths into machine code. A standard library is included.")
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/package_files.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION interpreters)
set(CPACK_DEBIAN_PACKAGE_DEPENDS
  "libc6 (>= ${libc_version}), libc6 (<< ${libc_major}.${libc_next_minor})")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libzydis4.0")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
