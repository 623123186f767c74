# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# For tests of tests. To be sourced at the top of the tree; then: build_broken WEAKNESS PLACE makes a copy of the release
# build in PLACE, with a program in it that has this weakness of broker/base/broken.h. Needs the release build.

broken_build=$PWD/build/broken
release_build=$PWD/build/release

build_broken() { # WEAKNESS PLACE
    local program=upcall-launcher
    [[ $1 != vault ]] || program=upcalld # it makes the vault; all else is the launcher's
    mkdir -p "$broken_build" "$2/tests"
    cmake --preset release -B "$broken_build" -Wno-dev -DBUILD_TESTING=OFF -DUPCALL_BROKEN="$1" >/dev/null
    cmake --build "$broken_build" --target "$program" >"$broken_build/log" || { cat "$broken_build/log"; exit 2; }
    cp -r "$release_build/bin" "$release_build/libexec" "$2"
    cp -r "$release_build/tests/support" "$release_build/tests/victims" "$2/tests"
    cp "$broken_build/bin/$program" "$2/bin"
}
