# What cmake --install puts where.
#
# In the tree includes are written from its root; installed, the public header stands alone in the
# include folder and what it needs lies below spoolray/, so its include lines are rewritten.
set(public_headers formats/words.h formats/format.h formats/cursor.h)
set(include_out ${PROJECT_BINARY_DIR}/include)

function(spr_public_header from to)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${from})
    file(READ ${PROJECT_SOURCE_DIR}/${from} text)
    string(REPLACE "#include \"formats/" "#include \"spoolray/formats/" text "${text}")
    file(GENERATE OUTPUT ${include_out}/${to} CONTENT "${text}")
endfunction()

spr_public_header(core/spoolray.h spoolray.h)
install(FILES ${include_out}/spoolray.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
foreach(header ${public_headers})
    spr_public_header(${header} spoolray/${header})
    install(FILES ${include_out}/spoolray/${header}
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/spoolray/formats)
endforeach()

configure_file(cmake/spoolray.pc.in ${PROJECT_BINARY_DIR}/spoolray.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/spoolray.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS spoolray EXPORT spoolray
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS spoolray_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT spoolray NAMESPACE spoolray:: FILE spoolrayConfig.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/spoolray)
install(TARGETS spoolray_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
foreach(page spoolray.1 spoolray.conf.5 libspoolray.3)
    string(REGEX REPLACE ".*\\." "" section ${page})
    install(FILES docs/man/${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
