# SPDX-License-Identifier: Apache-2.0
# Where everything goes. Programs for the administrator in sbin, ours for each other and the handlers in
# libexec/upcalld, units and system configuration where systemd looks below the prefix. The policy is only put where none
# is, and as shipped changes nothing. What names one of these places is configured with it.
set(UPCALL_LIBEXECDIR ${CMAKE_INSTALL_LIBEXECDIR}/upcalld)
set(UPCALL_UNITDIR lib/systemd/system CACHE STRING "Where systemd units go")

foreach(program upcalld upcall-shim upcallctl)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
  endif()
endforeach()
foreach(program upcall-broker upcall-launcher core pass forward node)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${UPCALL_LIBEXECDIR})
  endif()
endforeach()

# upcall_install_configured(DESTINATION files...): with the paths of this installation in them.
function(upcall_install_configured destination)
  foreach(file IN LISTS ARGN)
    string(REGEX REPLACE "[.]in$" "" output ${CMAKE_BINARY_DIR}/${file})
    configure_file(${file} ${output} @ONLY)
    install(FILES ${output} DESTINATION ${destination})
  endforeach()
endfunction()

upcall_install_configured(${UPCALL_UNITDIR} units/upcalld.service.in units/upcalld.socket units/upcalld-shim.socket
                          units/upcalld-uevent.socket)
install(FILES config/sysusers.d/upcalld.conf DESTINATION lib/sysusers.d)
install(FILES config/tmpfiles.d/upcalld.conf DESTINATION lib/tmpfiles.d)

# As they lie in the source tree, so that what they say of each other holds.
install(FILES README.md CHANGELOG.md SECURITY.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs config/conf.d DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN man EXCLUDE)
install(FILES config/upcalld.yaml config/upcalld.schema.json DESTINATION ${CMAKE_INSTALL_DOCDIR})
upcall_install_configured(${CMAKE_INSTALL_DOCDIR} config/request-key/request-key.in
                          config/request-key/upcalld.conf.example.in)
install(DIRECTORY DESTINATION ${UPCALL_POLICYDIR}/conf.d)
install(CODE "
  if(NOT EXISTS \"\$ENV{DESTDIR}${UPCALL_POLICYDIR}/upcalld.yaml\")
    file(INSTALL \"${CMAKE_SOURCE_DIR}/config/upcalld.yaml\" DESTINATION \"${UPCALL_POLICYDIR}\")
  endif()")

find_program(SCDOC scdoc)
if(SCDOC)
  file(GLOB pages CONFIGURE_DEPENDS docs/man/*.scd)
  foreach(page IN LISTS pages)
    get_filename_component(name ${page} NAME_WLE)
    string(REGEX MATCH "[0-9]$" section ${name})
    set(output ${CMAKE_BINARY_DIR}/man/${name})
    configure_file(${page} ${output}.scd @ONLY)
    add_custom_command(OUTPUT ${output} DEPENDS ${output}.scd VERBATIM
      COMMAND sh -c "grep -v '^; SPDX' '${output}.scd' | '${SCDOC}' >'${output}'")
    list(APPEND manuals ${output})
    install(FILES ${output} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endforeach()
  add_custom_target(man ALL DEPENDS ${manuals})
endif()
