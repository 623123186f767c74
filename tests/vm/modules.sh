#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# modules.sh BUILD SERIES [REQUESTS]: who asks for modules, and who gets them, on a kernel that has some
# (guest/modules). REQUESTS of each of 20 containers at once: 50. Exit status 77: no qemu, or no such kernel to be had.
set -euo pipefail

readonly build=${1:?usage: modules.sh BUILD SERIES [REQUESTS]}
readonly series=${2:?usage: modules.sh BUILD SERIES [REQUESTS]}
readonly requests=${3:-50}
here=$(dirname "$(realpath "$0")")
readonly here

skip() {
    if [[ -n ${UPCALL_NO_SKIP:-} ]]; then
        echo "modules.sh: $1, and UPCALL_NO_SKIP is set" >&2
        exit 1
    fi
    echo "modules.sh: skipped: $1"
    exit 77
}

status=0
kernel=$("$here/kernels.sh" "$series") || status=$?
((status != 77)) || skip "no kernel $series"
((status == 0)) || exit "$status"
[[ -d $kernel/modules ]] || skip "kernel $series without its modules"

opt=/opt/upcall
"$here/vmrun" --kernel "$kernel" --timeout 1500 --file "$here/guest/modules:$opt/modules" \
    --file "$build/bin:$opt/bin" --file "$build/libexec:$opt/libexec" --file "$build/tests/support:$opt/tests/support" \
    --file "$kernel/modules:/lib/modules/$(<"$kernel/release")" --file "$(realpath /sbin/modprobe):/usr/sbin/modprobe" \
    --out "${UPCALL_OUT:-$build/vm-modules-$series}" -- "$opt/modules" "$requests" || status=$?
((status != 77)) || skip "no qemu"
exit "$status"
