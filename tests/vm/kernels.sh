#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kernels.sh SERIES: fetches the newest Debian cloud kernel of a series ("6.1") that the configured package
# repositories have, and prints the directory that holds it: `vmlinux` to boot, `release` with its name.
# Kept in ${XDG_CACHE_HOME:-/var/cache}/upcalld-vm. Exit status 77: the repositories have no such kernel.
set -euo pipefail

readonly series=${1:?usage: kernels.sh SERIES}
readonly cache=${XDG_CACHE_HOME:-/var/cache}/upcalld-vm
readonly skip=77

newest_package() {
    apt-cache search --names-only "^linux-image-${series//./\\.}\.[0-9]+.*-cloud-amd64\$" |
        cut -d' ' -f1 | sort -V | tail -n1
}

# PVH boot wants the ELF inside the bzImage: it saves a second of unpacking inside the emulated machine.
# Where the payload starts depends on the build, so each place that looks like one is tried.
extract_vmlinux() {
    local image=$1 output=$2 entry magic offset
    local -a unpack
    for entry in '\x02\x21\x4c\x18 lz4 -d' '\x28\xb5\x2f\xfd unzstd' '\xfd7zXZ\x00 unxz' '\x1f\x8b\x08 gunzip'; do
        magic=${entry%% *}
        read -ra unpack <<<"${entry#* }"
        while read -r offset; do
            # What follows the payload is no part of it, so the unpackers complain; the ELF header decides.
            tail -c "+$((offset + 1))" "$image" | "${unpack[@]}" >"$output" 2>/dev/null || true
            if readelf -h "$output" >/dev/null 2>&1; then return 0; fi
        done < <(LC_ALL=C grep -aboP "$magic" "$image" | cut -d: -f1)
    done
    echo "kernels.sh: no kernel found inside $image" >&2
    return 1
}

fetch() {
    local package=$1 directory=$2 work
    work=$(mktemp -d "$cache/fetch.XXXXXX")
    # shellcheck disable=SC2064 # the directory of now
    trap "rm -rf '$work'" EXIT
    # apt drops to its own user, who must be able to write here.
    chmod 0755 "$work"
    (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package" >&2)
    dpkg-deb -x "$work"/*.deb "$work/root"
    mkdir "$work/kernel"
    extract_vmlinux "$(find "$work/root" -name 'vmlinuz*' -type f | head -n1)" "$work/kernel/vmlinux"
    echo "${package#linux-image-}" >"$work/kernel/release"
    rm -rf "$directory"
    mv "$work/kernel" "$directory"
}

mkdir -p "$cache"
exec {lock}>"$cache/.lock"
flock "$lock"
package=$(newest_package)
if [[ -z $package ]]; then
    # Without package lists the newest that was fetched before will do.
    directory=$(find "$cache" -maxdepth 1 -name "${series}.*" | sort -V | tail -n1)
    [[ -n $directory ]] || { echo "kernels.sh: no kernel $series in the repositories" >&2; exit "$skip"; }
else
    directory=$cache/${package#linux-image-}
    [[ -s $directory/vmlinux ]] || fetch "$package" "$directory"
fi
echo "$directory"
