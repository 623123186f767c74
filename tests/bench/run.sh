#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds what is measured and measures it.
set -eu

usage() {
  cat <<'USAGE'
usage: sudo tests/bench/run.sh [WHAT] [OPTION...]

  (nothing)         crashes, beside rivals
  latency           from the crash to the handler's first instruction, beside the kernel's own helper
  key_latency       request_key(2), beside request-key(8)
  uevents           a burst of uevents, beside udevadm
  uevent_networks   what containers that are heard cost uevents
  registry          looking up one container of many

run.sh WHAT --help has the options of each. docs/performance.md has what came out.
USAGE
}

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
script=run
build="$source_dir/build/release"
case ${1-} in
-h | --help)
  usage
  exit
  ;;
registry)
  cd "$source_dir"
  cmake --preset release >/dev/null
  cmake --build --preset release --target bench_registry >/dev/null
  exec "$build/tests/bench/registry"
  ;;
latency | key_latency | uevents | uevent_networks)
  script=$1
  shift
  ;;
"" | --*) ;;
*)
  usage >&2
  exit 2
  ;;
esac
cd "$source_dir"
cmake --preset release >/dev/null
cmake --build --preset release --target demo_programs upcall-requester bench_pipe_drop bench_pipe_store bench_note_start \
  bench_answer_key >/dev/null
UPCALL_BUILD="$build" exec python3 "$source_dir/tests/bench/$script.py" "$@"
