# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# For scripts that boot one kernel. To be sourced; then: find_kernel SERIES sets `kernel`, its folder, and
# boot OPTIONS... runs vmrun with it. Both leave with exit status 77 where this machine cannot.

vm=$(dirname "$(realpath "${BASH_SOURCE[0]}")")

skip() {
    local program
    program=$(basename "$0")
    if [[ -n ${UPCALL_NO_SKIP:-} ]]; then
        echo "$program: $1, and UPCALL_NO_SKIP is set" >&2
        exit 1
    fi
    echo "$program: skipped: $1"
    exit 77
}

find_kernel() {
    local status=0
    kernel=$("$vm/kernels.sh" "$1") || status=$?
    ((status != 77)) || skip "no kernel $1"
    ((status == 0)) || exit "$status"
}

boot() {
    local status=0
    "$vm/vmrun" --kernel "$kernel" "$@" || status=$?
    ((status != 77)) || skip "no qemu"
    return "$status"
}
