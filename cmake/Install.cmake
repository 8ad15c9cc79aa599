# `cmake --install build/release --prefix /usr` (or DESTDIR=...) puts the program and what belongs to it in place.

if(TARGET yonroku)
  install(TARGETS yonroku RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES packaging/systemd/yonroku.service DESTINATION lib/systemd/system OPTIONAL)
install(FILES docs/man/yonroku.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
install(FILES docs/man/yonroku.yaml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 OPTIONAL)
install(FILES packaging/sysusers/yonroku.conf DESTINATION lib/sysusers.d OPTIONAL)
install(FILES packaging/completions/yonroku.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        RENAME yonroku OPTIONAL)
install(FILES packaging/completions/_yonroku DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions OPTIONAL)
install(FILES packaging/completions/yonroku.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
        OPTIONAL)
install(FILES packaging/yonroku.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/yonroku OPTIONAL)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(EXISTS "${PROJECT_SOURCE_DIR}/examples")
  install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
endif()
