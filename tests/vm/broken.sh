#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# broken.sh: shows that the matrix notices a fallback that does not work. upcalld is built without what finds the init of
# a container where Linux has no NS_GET_TGID_FROM_PIDNS (before 6.11), and of the matrix exactly the column of 6.1 must
# turn red. Needs the release build; takes some twenty minutes.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
# shellcheck source=tests/support/broken_build.sh
source tests/support/broken_build.sh

place=$(mktemp -d /tmp/upcall-broken.XXXXXX)
trap 'rm -r "$place"' EXIT
build_broken fallback "$place"
# Its exit status says that something is red, which is what is wanted.
red=$({ tests/vm/matrix --suite runtimes.Crun "$place" || true; } | tee /dev/stderr |
    sed -n 's/^FAILED \([^:]*\):.*/\1/p' | sort -u)
if [[ $red != 6.1 ]]; then
    echo "broken.sh: red is '${red//$'\n'/ }', and not the column of 6.1 alone" >&2
    exit 1
fi
echo "the column of 6.1 alone is red"
