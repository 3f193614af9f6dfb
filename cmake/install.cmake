# What `cmake --install` puts where; cmake/package.cmake makes a .deb of it.
include(GNUInstallDirs)
install(TARGETS sakurad RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# When it is installed: `cmake --install --prefix` may say another place than the configuration did.
install(CODE "set(SAKURAD_BINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
configure_file(\"${PROJECT_SOURCE_DIR}/dist/sakurad.service.in\" \"${PROJECT_BINARY_DIR}/dist/sakurad.service\" @ONLY)")
install(FILES ${PROJECT_BINARY_DIR}/dist/sakurad.service dist/sakurad.socket DESTINATION lib/systemd/system)
install(FILES dist/sakurad.sysusers DESTINATION lib/sysusers.d RENAME sakurad.conf)
install(FILES dist/sakurad.conf dist/nginx.conf dist/Caddyfile dist/alerts.yml dist/grafana.json
    DESTINATION ${CMAKE_INSTALL_DATADIR}/sakurad)
install(FILES ${PROJECT_BINARY_DIR}/docs/sakurad.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${PROJECT_BINARY_DIR}/docs/completion DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME sakurad)
file(GLOB pages docs/*.md)
install(FILES ${pages} CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
