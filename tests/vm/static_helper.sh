#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# static_helper.sh BUILD: upcall-shim as the only helper of a kernel that is built so (guest/static_helper). Exit status 77: no
# qemu, or nothing to build such a kernel from (static_kernel.sh).
set -euo pipefail

readonly build=${1:?usage: static_helper.sh BUILD}
# shellcheck source=tests/vm/kernel.sh
source "$(dirname "$(realpath "$0")")/kernel.sh"

status=0
kernel=$("$vm/static_kernel.sh") || status=$?
((status != 77)) || skip "no kernel with CONFIG_STATIC_USERMODEHELPER"
((status == 0)) || exit "$status"

opt=/opt/upcall
out=${UPCALL_OUT:-$build/vm-static-helper}
echo "upcalld's log will be in $out"
boot --timeout 900 --file "$vm/guest/static_helper:$opt/static_helper" \
    --file "$build/bin:$opt/bin" --file "$build/libexec:$opt/libexec" --file "$build/tests/support:$opt/tests/support" \
    --file "$build/tests/victims:$opt/tests/victims" --file "$build/bin/upcall-shim:/usr/sbin/usermode-helper" \
    --out "$out" -- "$opt/static_helper"
