#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kernels.sh SERIES: fetches the newest Debian cloud kernel of a series ("6.1") and prints the directory that holds it:
# `vmlinux` to boot, `release` with its name, `modules` for /lib/modules. It is looked for in the configured package
# repositories and then in what Debian's next release has, from the same mirror and by an apt of its own, so that
# nothing of that is ever installed. Kept in ${XDG_CACHE_HOME:-/var/cache}/upcalld-vm. Exit status 77: there is none.
# kernels.sh --list: prints the series that we test.
set -euo pipefail

# The oldest that we support, those of Debian's releases, and the newest.
readonly all=(6.1 6.12 6.18 7.3)
readonly series=${1:?usage: kernels.sh SERIES | --list}
readonly cache=${XDG_CACHE_HOME:-/var/cache}/upcalld-vm
readonly newer=(trixie trixie-backports)
readonly skip=77
apt_options=(-o APT::Sandbox::User=root)

# apt with the newer suites alone: lists and caches of its own, the machine's trusted keys.
use_newer_suites() {
    local apt=$cache/apt mirror
    mirror=$("$(dirname "$(realpath "$0")")/mirror.sh")
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    printf "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror %s main\n" "${newer[@]}" >"$apt/sources.list"
    apt_options+=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$apt/lists"
        -o "Dir::Cache=$apt/cache")
    apt-get "${apt_options[@]}" -qq update >&2 || true # without a network the lists of last time will do
}

# The names of the series' packages begin with "image-", and since 7.2 others hold what was in them.
releases() {
    apt-cache "${apt_options[@]}" search --names-only "^linux-image-${series//./\\.}\.[0-9]+.*-cloud-amd64\$" |
        sed -E 's/^linux-image-([^ ]+) .*/\1/' | sort -V
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
    local release=$1 directory=$2 work part
    work=$(mktemp -d "$cache/fetch.XXXXXX")
    # shellcheck disable=SC2064 # the directory of now
    trap "rm -rf '$work'" EXIT
    for part in image binary modules base; do
        # By what it prints: its status is 0 for a name that others only depend on, too.
        if [[ -n $(apt-cache "${apt_options[@]}" show "linux-$part-$release" 2>/dev/null) ]]; then
            (cd "$work" && apt-get "${apt_options[@]}" -qq download "linux-$part-$release" >&2)
        fi
    done
    for part in "$work"/*.deb; do dpkg-deb -x "$part" "$work/root"; done
    mkdir "$work/kernel"
    extract_vmlinux "$(find "$work/root" -name 'vmlinuz*' -type f | head -n1)" "$work/kernel/vmlinux"
    echo "$release" >"$work/kernel/release"
    mkdir -p "$work/root/lib" # the newer packages hold /usr/lib alone
    [[ -d $work/root/lib/modules ]] || mv "$work/root/usr/lib/modules" "$work/root/lib/"
    depmod -b "$work/root" "$release"
    mv "$work/root/lib/modules/$release" "$work/kernel/modules"
    rm -rf "$directory"
    mv "$work/kernel" "$directory"
}

if [[ $series == --list ]]; then
    printf '%s\n' "${all[@]}"
    exit
fi
mkdir -p "$cache"
exec {lock}>"$cache/.lock"
flock "$lock"
release=$(releases | tail -n1)
if [[ -z $release ]]; then
    use_newer_suites
    release=$(releases | tail -n1)
fi
if [[ -z $release ]]; then
    # Without package lists the newest that was fetched before will do.
    directory=$(find "$cache" -maxdepth 1 -name "${series}.*" | sort -V | tail -n1)
    [[ -n $directory ]] || { echo "kernels.sh: no kernel $series in the repositories" >&2; exit "$skip"; }
else
    directory=$cache/$release
    # Not with ||, which would turn errexit off in all of fetch.
    if [[ ! -d $directory/modules ]]; then fetch "$release" "$directory"; fi
fi
echo "$directory"
