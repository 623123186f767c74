#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# image.sh: makes a Debian 12 with systemd, container runtimes and all that the system tests use, from the package
# repositories of this machine, and prints its directory. Kept in ${XDG_CACHE_HOME:-/var/cache}/upcalld-vm by a name of
# what is in it, so that another list of packages makes another image. Exit status 77: no debootstrap.
set -euo pipefail

# What tests/system starts; libraries of ours come with our programs.
readonly packages=(systemd systemd-sysv udev dbus kmod iproute2 procps util-linux busybox-static python3 python3-yaml
    python3-xmlrunner crun runc podman lxc systemd-container apparmor gdb binutils strace keyutils zstd file)
readonly cache=${XDG_CACHE_HOME:-/var/cache}/upcalld-vm
readonly skip=77
here=$(dirname "$(realpath "$0")")
root=$cache/bookworm-$(md5sum <<<"${packages[*]}" | cut -c1-8)
readonly here root

# What was mounted in there for the installation must never be there when it is copied or removed.
unmount() {
    local place
    for place in proc sys; do
        if mountpoint -q "$root.new/$place"; then umount -l "$root.new/$place"; fi
    done
}

install() {
    cp /etc/resolv.conf "$root.new/etc/resolv.conf" 2>/dev/null || true
    mount -t proc proc "$root.new/proc"
    DEBIAN_FRONTEND=noninteractive chroot "$root.new" apt-get -qq -o Dpkg::Use-Pty=0 install -y \
        --no-install-recommends "${packages[@]}" >/dev/null
    rm -rf "$root.new"/var/{cache/apt,lib/apt/lists} "$root.new"/usr/share/{doc,man,locale}
    mkdir -p "$root.new/var/cache/apt/archives/partial"
}

command -v debootstrap >/dev/null || { echo "image.sh: needs debootstrap" >&2; exit "$skip"; }
mkdir -p "$cache"
exec {lock}>"$cache/.lock"
flock "$lock"
if [[ ! -e $root ]]; then
    trap unmount EXIT
    unmount
    rm -rf "$root.new"
    debootstrap --variant=minbase bookworm "$root.new" "$("$here/mirror.sh")" >&2
    install >&2
    unmount
    mv "$root.new" "$root"
fi
echo "$root"
