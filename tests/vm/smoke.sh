#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# smoke.sh BUILD [SERIES]: does what was built work under another kernel? One boot for everything (guest/smoke), since
# the boot is most of the time. Without SERIES each commit takes the next one of those that we test. Exit status 77: no
# qemu, or no such kernel to be had.
set -euo pipefail

readonly build=${1:?usage: smoke.sh BUILD [SERIES]}
here=$(dirname "$(realpath "$0")")
readonly here

in_turn() {
    local -a all
    mapfile -t all < <("$here/kernels.sh" --list)
    echo "${all[$(($(git -C "$here" rev-list --count HEAD 2>/dev/null || echo 0) % ${#all[@]}))]}"
}

series=${2:-$(in_turn)}
readonly series

skip() {
    if [[ -n ${UPCALL_NO_SKIP:-} ]]; then
        echo "smoke.sh: $1, and UPCALL_NO_SKIP is set" >&2
        exit 1
    fi
    echo "smoke.sh: skipped: $1"
    exit 77
}

status=0
kernel=$("$here/kernels.sh" "$series") || status=$?
((status != 77)) || skip "no kernel $series"
((status == 0)) || exit "$status"

files=(--file "$here/guest/smoke:/opt/upcall/smoke")
for folder in bin tests; do
    [[ ! -d $build/$folder ]] || files+=(--file "$build/$folder:/opt/upcall/$folder")
done
"$here/vmrun" --kernel "$kernel" "${files[@]}" --timeout 800 -- /opt/upcall/smoke || status=$?
((status != 77)) || skip "no qemu"
exit "$status"
