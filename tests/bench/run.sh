#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds what is measured and measures it: see run.py --help for the options, which are passed on.
set -eu
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
cd "$source_dir"
cmake --preset release >/dev/null
cmake --build --preset release --target demo_programs bench_pipe_drop bench_pipe_store >/dev/null
UPCALL_BUILD="$source_dir/build/release" exec python3 "$source_dir/tests/bench/run.py" "$@"
