# Run by cpack on what it is about to pack: what Debian wants elsewhere, compressed, or in another form.
set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
set(doc ${root}/usr/share/doc/sakurad)
file(COPY ${CPACK_SAKURAD_SOURCE}/dist/sakurad.conf DESTINATION ${root}/etc/sakurad)
file(REMOVE ${doc}/LICENSE)

# The licence in Debian's form: a paragraph's empty lines are dots.
file(READ ${CPACK_SAKURAD_SOURCE}/LICENSE license)
string(REGEX MATCH "Copyright \\(c\\) ([^\n]*)" holder "${license}")
string(REGEX REPLACE "^.*Copyright \\(c\\) [^\n]*\n+" "" license "${license}")
string(STRIP "${license}" license)
string(REGEX REPLACE "\n\n" "\n.\n" license "${license}")
string(REPLACE "\n" "\n " license "${license}")
string(REGEX REPLACE "Copyright \\(c\\) " "" holder "${holder}")
file(WRITE ${doc}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: sakurad

Files: *
Copyright: ${holder}
License: Expat

License: Expat
 ${license}
")

# SOURCE_DATE_EPOCH, which tools/release sets, makes the date the commit's.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${doc}/changelog.Debian "sakurad (${CPACK_PACKAGE_VERSION}) bookworm; urgency=medium

  * See changelog.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
file(GLOB_RECURSE pages ${root}/usr/share/man/*.[1-8])
foreach(file IN LISTS pages ITEMS ${doc}/changelog ${doc}/changelog.Debian)
    execute_process(COMMAND gzip -9nf ${file} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
