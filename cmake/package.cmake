# `cpack` makes sakurad_VERSION_ARCH.deb of what is installed and of dist/deb.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sakurad)
set(CPACK_PACKAGE_CONTACT "the sakurad authors <maintainers@sakurad.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "chat server for websites: durable messages, prompt notifications")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Visitors write in a widget on the site, agents answer in a console; both are
served by the program itself. A message is answered once it is on disk, and
whoever listens by WebSocket is told a moment later. Messages are kept in an
embedded SQLite database, or in MongoDB.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "sqlite3, nginx | caddy")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/dist/deb/postinst ${PROJECT_SOURCE_DIR}/dist/deb/prerm
    ${PROJECT_SOURCE_DIR}/dist/deb/postrm ${PROJECT_SOURCE_DIR}/dist/deb/conffiles)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/stage_deb.cmake)
set(CPACK_SAKURAD_SOURCE ${PROJECT_SOURCE_DIR})
include(CPack)
