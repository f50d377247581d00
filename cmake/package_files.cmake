# Gives the files of the Debian package the form that Debian's policy asks for: compressed manual pages, a changelog, and
# the reasons for what lintian would refuse. CPack runs this on the installed files before it packs them.
set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share)

file(GLOB pages ${share}/man/man1/*.1)
foreach(page IN LISTS pages)
  execute_process(COMMAND gzip -9n ${page} COMMAND_ERROR_IS_FATAL ANY)
endforeach()

# The time is that of SOURCE_DATE_EPOCH, if it is set.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(changelog ${share}/doc/${CPACK_PACKAGE_NAME}/changelog)
file(WRITE ${changelog} "${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * See CHANGELOG.md.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
execute_process(COMMAND gzip -9n ${changelog} COMMAND_ERROR_IS_FATAL ANY)

file(WRITE ${share}/lintian/overrides/${CPACK_PACKAGE_NAME}
"# Shared libraries would cost a short program a third of its time.
${CPACK_PACKAGE_NAME}: statically-linked-binary *usr/bin/fble-jit*
${CPACK_PACKAGE_NAME}: embedded-library *gmp*
")
