#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# modules.sh BUILD SERIES [REQUESTS]: who asks for modules, and who gets them, on a kernel that has some
# (guest/modules). REQUESTS of each of 20 containers at once: 50. Exit status 77: no qemu, or no such kernel to be had.
set -euo pipefail

readonly build=${1:?usage: modules.sh BUILD SERIES [REQUESTS]}
readonly series=${2:?usage: modules.sh BUILD SERIES [REQUESTS]}
readonly requests=${3:-50}
# shellcheck source=tests/vm/kernel.sh
source "$(dirname "$(realpath "$0")")/kernel.sh"

find_kernel "$series"
[[ -d $kernel/modules ]] || skip "kernel $series without its modules"

opt=/opt/upcall
out=${UPCALL_OUT:-$build/vm-modules-$series}
echo "upcalld's log will be in $out"
boot --timeout 1500 --file "$vm/guest/modules:$opt/modules" \
    --file "$build/bin:$opt/bin" --file "$build/libexec:$opt/libexec" --file "$build/tests/support:$opt/tests/support" \
    --file "$kernel/modules:/lib/modules/$(<"$kernel/release")" --file "$(realpath /sbin/modprobe):/usr/sbin/modprobe" \
    --out "$out" -- "$opt/modules" "$requests"
