# SPDX-License-Identifier: Apache-2.0
# Where everything goes. Programs for the administrator in sbin, ours for each other and the handlers in
# libexec/upcalld, units and system configuration where systemd looks below the prefix. Nothing goes to /etc: the
# example policy is documentation, since installing must change nothing that anybody can see.
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

configure_file(units/upcalld.service.in ${CMAKE_BINARY_DIR}/units/upcalld.service @ONLY)
configure_file(units/upcalld.socket ${CMAKE_BINARY_DIR}/units/upcalld.socket COPYONLY)
configure_file(units/upcalld-shim.socket ${CMAKE_BINARY_DIR}/units/upcalld-shim.socket COPYONLY)
configure_file(units/upcalld-uevent.socket ${CMAKE_BINARY_DIR}/units/upcalld-uevent.socket COPYONLY)
install(DIRECTORY ${CMAKE_BINARY_DIR}/units/ DESTINATION ${UPCALL_UNITDIR})
install(FILES config/sysusers.d/upcalld.conf DESTINATION lib/sysusers.d)
install(FILES config/tmpfiles.d/upcalld.conf DESTINATION lib/tmpfiles.d)
install(FILES README.md LICENSE docs/handler-protocol.md config/request-key/request-key
              config/request-key/upcalld.conf.example DESTINATION ${CMAKE_INSTALL_DOCDIR})
foreach(file config/upcalld.yaml docs/policy.md)
  install(FILES ${file} DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
endforeach()

find_program(SCDOC scdoc)
if(SCDOC)
  file(GLOB pages CONFIGURE_DEPENDS docs/man/*.scd)
  foreach(page IN LISTS pages)
    get_filename_component(name ${page} NAME_WLE)
    string(REGEX MATCH "[0-9]$" section ${name})
    set(output ${CMAKE_BINARY_DIR}/man/${name})
    add_custom_command(OUTPUT ${output} DEPENDS ${page} VERBATIM
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
      COMMAND sh -c "grep -v '^; SPDX' '${page}' | '${SCDOC}' >'${output}'")
    list(APPEND manuals ${output})
    install(FILES ${output} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endforeach()
  add_custom_target(man ALL DEPENDS ${manuals})
endif()
