# SPDX-License-Identifier: Apache-2.0
# Warnings, hardening and sanitizers, as two interface targets: `upcall_options` for all code of ours
# and `upcall_static` for the programs that must run anywhere, from the vault or inside a container.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

add_library(upcall_options INTERFACE)
target_compile_options(upcall_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Wextra-semi -Wsuggest-override -Wimplicit-fallthrough
  # Designated initialisers leave the rest at its default on purpose; gcc 12 warns all the same.
  -Wno-missing-field-initializers
  $<$<BOOL:${UPCALL_WERROR}>:-Werror>)
# The library's assertions are on in every build but that of the shim, which has no C library to
# end it: an empty optional that is read ends the program there (ADR 73).
target_compile_definitions(upcall_options INTERFACE _GNU_SOURCE _GLIBCXX_ASSERTIONS)
target_include_directories(upcall_options INTERFACE ${CMAKE_SOURCE_DIR}/broker)

if(CMAKE_BUILD_TYPE MATCHES "Rel")
  target_compile_definitions(upcall_options INTERFACE _FORTIFY_SOURCE=2)
  target_compile_options(upcall_options INTERFACE
    -fstack-protector-strong -fstack-clash-protection -fcf-protection)
  target_link_options(upcall_options INTERFACE -Wl,-z,relro,-z,now)
endif()

# Sanitizers need the dynamic loader, so static programs go without; their logic is in libraries
# which the unit tests run with sanitizers.
add_library(upcall_sanitizers INTERFACE)
if(UPCALL_SANITIZE)
  target_compile_options(upcall_sanitizers INTERFACE
    -fsanitize=${UPCALL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(upcall_sanitizers INTERFACE -fsanitize=${UPCALL_SANITIZE})
endif()

# Asio 1.74 does not recognise clang 19's coroutines by itself.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_definitions(upcall_options INTERFACE
    BOOST_ASIO_HAS_CO_AWAIT=1 BOOST_ASIO_HAS_STD_COROUTINE=1)
endif()
