#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# verify.sh DIRECTORY: systemd understands every line of the units in it, and still says so of a line it cannot.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$1"/upcalld* "$work"
# The program need not be installed for its unit to be right.
sed -i 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$work/upcalld.service"

verify() {
    # Other units of this machine are not ours to judge. Pages of ours are not installed either.
    SYSTEMD_UNIT_PATH="$work:" systemd-analyze verify --man=no "$work"/upcalld* 2>&1 | grep -F upcalld || true
}

complaints=$(verify)
if [[ -n $complaints ]]; then
    echo "$complaints"
    exit 1
fi
echo 'NoSuchKey=yes' >>"$work/upcalld.socket"
sed -i 's|^Type=notify|Type=nonsense|' "$work/upcalld.service"
[[ -n $(verify) ]] || { echo "verify.sh: systemd-analyze finds nothing wrong in a wrong unit"; exit 1; }
