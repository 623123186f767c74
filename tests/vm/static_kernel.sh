#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# static_kernel.sh: builds Debian's Linux 6.1 with CONFIG_STATIC_USERMODEHELPER and little else (static_helper.config), and
# prints the directory that holds `vmlinux` and `release`. Kept in ${XDG_CACHE_HOME:-/var/cache}/upcalld-vm by what it was
# made of. Exit status 77: the sources (linux-source-6.1) or the tools to build them are not to be had.
set -euo pipefail

readonly series=6.1
readonly skip=77
readonly cache=${XDG_CACHE_HOME:-/var/cache}/upcalld-vm
here=$(dirname "$(realpath "$0")")
readonly here config=$here/static_helper.config

for tool in make gcc flex bison bc; do
    command -v "$tool" >/dev/null || { echo "static_kernel.sh: needs $tool" >&2; exit "$skip"; }
done
version=$(apt-cache policy "linux-source-$series" | sed -n 's/^ *Candidate: //p')
[[ -n $version && $version != "(none)" ]] || { echo "static_kernel.sh: no linux-source-$series" >&2; exit "$skip"; }
directory=$cache/static-$(md5sum - "$config" <<<"$version" | md5sum | cut -c1-8)
readonly version directory

build() {
    exec {lock}>&- # what is left of an aborted build must not hold it
    local work=$directory.new
    rm -rf "$work"
    mkdir -p "$work/package" "$work/kernel"
    (cd "$work/package" && apt-get -qq -o APT::Sandbox::User=root download "linux-source-$series=$version" >&2)
    dpkg-deb -x "$work"/package/*.deb "$work/package"
    tar -C "$work" -xJf "$work/package/usr/src/linux-source-$series.tar.xz"
    cd "$work/linux-source-$series"
    make -s tinyconfig >&2
    # The last word on each option counts.
    cat "$config" >>.config
    make -s olddefconfig >&2 2>/dev/null
    nice -n 10 make -s -j"$(nproc)" WERROR=0 vmlinux >&2
    strip -g -o "$work/kernel/vmlinux" vmlinux
    make -s kernelrelease >"$work/kernel/release"
    mv "$work/kernel" "$directory"
    rm -rf "$work"
}

mkdir -p "$cache"
exec {lock}>"$cache/.static-lock"
flock "$lock"
# Not with ||, which would turn errexit off in all of build.
if [[ ! -e $directory/release ]]; then (build); fi
echo "$directory"
