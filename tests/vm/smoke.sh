#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# smoke.sh BUILD [SERIES]: does what was built work under another kernel? One boot for everything (guest/smoke), since
# the boot is most of the time. Without SERIES each commit takes the next one of those that we test. Exit status 77: no
# qemu, or no such kernel to be had.
set -euo pipefail

readonly build=${1:?usage: smoke.sh BUILD [SERIES]}
# shellcheck source=tests/vm/kernel.sh
source "$(dirname "$(realpath "$0")")/kernel.sh"

in_turn() {
    local -a all
    mapfile -t all < <("$vm/kernels.sh" --list)
    echo "${all[$(($(git -C "$vm" rev-list --count HEAD 2>/dev/null || echo 0) % ${#all[@]}))]}"
}

series=${2:-$(in_turn)}
find_kernel "$series"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
files=(--file "$vm/guest/smoke:/opt/upcall/smoke")
for folder in bin tests; do
    [[ ! -d $build/$folder ]] || files+=(--file "$build/$folder:/opt/upcall/$folder")
done
boot "${files[@]}" --out "$out" --timeout 800 -- /opt/upcall/smoke
"$vm/document.py" "$series" "$out/features"
