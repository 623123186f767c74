#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keeps this machine's core dump settings for one user at a time: waits for the lock, writes "held", and when
# its standard input ends puts every setting back as it was. So they are restored however its user ends.
set -eu
trap '' INT TERM HUP

settings='kernel/core_pattern kernel/core_pipe_limit fs/suid_dumpable'
exec 9>"${UPCALL_KERNEL_LOCK:-/tmp/upcall.kernel.lock}"
flock 9

saved=$(mktemp -d)
for setting in $settings; do
  cat "/proc/sys/$setting" >"$saved/${setting#*/}"
done
echo held
cat >/dev/null
for setting in $settings; do
  cat "$saved/${setting#*/}" >"/proc/sys/$setting"
done
rm -r "$saved"
