#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds what is measured and measures it. usage: run.sh [latency|key_latency|uevents|uevent_networks] [OPTION...]: run.py, or the script of that
# name, has the options.
set -eu
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
script=run
case ${1-} in
latency | key_latency | uevents | uevent_networks)
  script=$1
  shift
  ;;
esac
cd "$source_dir"
cmake --preset release >/dev/null
cmake --build --preset release --target demo_programs upcall-requester bench_pipe_drop bench_pipe_store bench_note_start \
  bench_answer_key >/dev/null
UPCALL_BUILD="$source_dir/build/release" exec python3 "$source_dir/tests/bench/$script.py" "$@"
