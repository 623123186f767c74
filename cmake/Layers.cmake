# SPDX-License-Identifier: Apache-2.0
# upcall_layer(NAME [LINKS targets...] [SYSTEM targets...] [EXCLUDE files...])
#
# One static library for each folder of broker/, with the folders in it. LINKS are the only layers whose headers it may
# include (tests/lint/layers.py checks the includes themselves); SYSTEM are outside libraries.
# STATIC layers are also there as NAME_static, without the sanitizers of the preset, for the programs that
# must be static.
function(upcall_layer NAME)
  cmake_parse_arguments(ARG "STATIC" "" "LINKS;SYSTEM;EXCLUDE" ${ARGN})
  set(directory ${CMAKE_CURRENT_SOURCE_DIR}/${NAME})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${directory}/*.cpp)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${directory}/*.h)
  foreach(file IN LISTS ARG_EXCLUDE)
    list(REMOVE_ITEM sources ${directory}/${file})
    list(REMOVE_ITEM headers ${directory}/${file})
  endforeach()
  _upcall_library(upcall_${NAME} "${sources}" "${headers}" "${ARG_LINKS}" "${ARG_SYSTEM}" upcall_sanitizers "")
  if(ARG_STATIC AND NOT UPCALL_SANITIZE)
    add_library(upcall_${NAME}_static ALIAS upcall_${NAME})
  elseif(ARG_STATIC)
    _upcall_library(upcall_${NAME}_static "${sources}" "" "${ARG_LINKS}" "${ARG_SYSTEM}" "" "_static")
  endif()
endfunction()

function(_upcall_library target sources headers links system extra suffix)
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  # That a header stands alone shows wherever it is included first, which tests/lint/patterns.py sees to in the .cpp of
  # its name. What has none is compiled by itself: the target all_verify_interface_header_sets.
  foreach(header IN LISTS headers)
    string(REGEX REPLACE "[.]h$" ".cpp" source ${header})
    if(NOT EXISTS ${source})
      list(APPEND alone ${header})
    endif()
  endforeach()
  if(alone)
    target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR}/broker FILES ${alone})
  endif()
  foreach(layer IN LISTS links)
    target_link_libraries(${target} ${scope} upcall_${layer}${suffix})
  endforeach()
  target_link_libraries(${target} ${scope} upcall_options ${extra} ${system})
endfunction()
