#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds what is measured and measures it. usage: run.sh [latency|uevents] [OPTION...]: run.py, latency.py and uevents.py have
# the options.
set -eu
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
script=run
case "${1-}" in
  latency | uevents)
    script=$1
    shift
    ;;
esac
cd "$source_dir"
cmake --preset release >/dev/null
cmake --build --preset release --target demo_programs bench_pipe_drop bench_pipe_store bench_note_start >/dev/null
UPCALL_BUILD="$source_dir/build/release" exec python3 "$source_dir/tests/bench/$script.py" "$@"
