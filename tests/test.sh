#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# test.sh: installs what is needed, builds with sanitizers and as released, runs every test of both, and ends with
# one summary by ctest. Exit status 0 only when all passed.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: sudo tests/test.sh [--quick | --preset NAME] [--no-vm]

  --quick         only the release build, its unit tests and the lints
  --preset NAME   only this preset of CMakePresets.json: asan, release, dev, clang, ...
  --no-vm         not the tests that boot a virtual machine
  --help          this text

With UPCALL_NO_SKIP=1 a test that cannot run here is a failure, not a skip.
USAGE
}

die() {
    echo "test.sh: $1" >&2
    exit 2
}

presets=(asan release)
purposes=(build test vm)
select=()
while (($# > 0)); do
    case $1 in
        --quick) presets=(release) purposes=(build test) select=(-L '^(unit|lint)$') ;;
        --preset) [[ -n ${2:-} ]] || die "--preset needs a name"; presets=("$2"); shift ;;
        --no-vm) purposes=(build test) select+=(-LE '^vm$') ;;
        --help) usage; exit 0 ;;
        *) usage >&2; die "unknown option '$1'" ;;
    esac
    shift
done

cd "$(dirname "$(realpath "$0")")/.."
if ((EUID != 0)); then
    die "the tests make namespaces, start containers and set kernel.core_pattern: please run 'sudo tests/test.sh'"
fi
# shellcheck source=tests/packages.sh
source tests/packages.sh
install_packages "${purposes[@]}"
jobs=$(nproc)

for preset in "${presets[@]}"; do
    cmake --preset "$preset" -Wno-dev
    targets=(all)
    # The other programs are for tests that asan has not. That each header stands alone needs to be compiled once.
    [[ $preset != asan ]] || targets=(unit_and_kernel_tests all_verify_interface_header_sets)
    cmake --build --preset "$preset" -j"$jobs" --target "${targets[@]}"
done

# One ctest over all builds, so that there is one summary, and so that tests which change the same thing of the
# kernel (RESOURCE_LOCK) exclude each other across builds.
rm -rf build/all
mkdir -p build/all
count=0
for preset in "${presets[@]}"; do
    echo "subdirs(\"$PWD/build/$preset\")" >>build/all/CTestTestfile.cmake
    tests=$(ctest --test-dir "build/$preset" -N "${select[@]}" | sed -n 's/^Total Tests: //p')
    ((tests > 0)) || die "no tests in build/$preset"
    echo "tests $((count + 1)) to $((count + tests)): preset $preset"
    count=$((count + tests))
done

status=0
ctest --test-dir build/all "${select[@]}" -j"$jobs" --output-on-failure --no-tests=error \
    --output-junit junit.xml || status=$?
if [[ -n ${UPCALL_NO_SKIP:-} ]] && grep -q '<skipped' build/all/junit.xml; then
    echo "test.sh: tests were skipped, and UPCALL_NO_SKIP is set" >&2
    status=1
fi
exit "$status"
