# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What Debian 12 must have installed, by purpose. To be sourced; then: install_packages PURPOSE...

declare -A UPCALL_PACKAGES=(
    [build]="cmake ninja-build g++ pkg-config ccache libboost-dev libyaml-cpp-dev libspdlog-dev nlohmann-json3-dev
        libseccomp-dev libcap-ng-dev libsystemd-dev libnl-3-dev libzstd-dev linux-libc-dev scdoc"
    [test]="libgtest-dev libgmock-dev git python3 python3-yaml clang-19 libclang-rt-19-dev clang-tidy-19 clang-format-14
        shellcheck systemd gdb strace iproute2 procps util-linux crun runc busybox-static zstd file
        podman lxc systemd-container dbus-daemon udev keyutils kmod"
    [demo]="iproute2 procps util-linux crun gdb zstd file"
    [vm]="qemu-system-x86 busybox-static e2fsprogs binutils xz-utils zstd lz4 gzip kmod debootstrap"
)

# Refreshes the package lists only when something is missing: a machine that has everything needs no network.
install_packages() {
    local purpose package
    local -a missing=()
    for purpose in "$@"; do
        for package in ${UPCALL_PACKAGES[$purpose]}; do
            # One format for both "not installed" and "never heard of".
            [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
                missing+=("$package")
        done
    done
    ((${#missing[@]} > 0)) || return 0
    echo "installing: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update &&
        apt-get -qq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold install -y --no-install-recommends \
            "${missing[@]}" </dev/null >/dev/null
}
