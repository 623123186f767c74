#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mirror.sh: prints where this machine has Debian from: the first repository of its own configuration, in either of
# apt's formats.
set -eu

# No pipefail: not each machine has all of these files, and head stops reading early.
cat /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/* 2>/dev/null |
    sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb +(\[[^]]*\] +)?([^ ]+) .*/\2/p' | head -n1
