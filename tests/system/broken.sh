#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# broken.sh [WEAKNESS...]: builds upcalld with one named weakness after the other (broker/base/broken.h) and shows
# that the test named beside it fails then. Needs the release build, whose other programs it takes; as root.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."

declare -A notices=(
    [dumpable]=test_attacks.CloneReduced.test_handler_cannot_be_reached_before_its_exec
    [descriptors]=test_attacks.ClonePrivileged.test_handler_that_is_reached_before_its_exec_has_nothing_to_give
    [keyring]=test_request_key.Authority.test_handler_that_only_replies_has_none_of_the_requesters_keys
    [group]=test_attacks.CloneReduced.test_handler_of_the_attacker_finds_nothing_to_use
    [root]=test_strange_places.StrangePlaces.test_container_that_is_but_a_chroot_keeps_its_handler
    [ids]=test_invariants.CloneUserNamespace.test_ids_and_groups_are_those_of_init
    [limits]=test_invariants.CrunReduced.test_limits_are_the_lower_ones_of_init_and_upcalld_and_no_core_is_dumped
    [cgroup]=test_invariants.CloneReduced.test_cgroup_is_that_of_init
    [privileges]=test_invariants.CloneReduced.test_no_new_privileges_can_be_had
    [capabilities]=test_attacks.CloneReduced.test_handler_cannot_be_reached_before_its_exec
    [filters]=test_invariants.CrunReduced.test_seccomp_filters_are_at_least_those_of_init
    [memory]=test_attacks.ClonePrivileged.test_handler_that_is_reached_before_its_exec_has_nothing_to_give
    [inherited]=test_strange_places.StrangePlaces.test_interpreter_of_the_container_s_own_does_not_take_the_place_of_a_handler_of_ours
    [parent]=test_attacks.CloneReduced.test_handler_of_the_attacker_finds_nothing_to_use
    [record]=launcher_inits.py
    [vault]=test_attacks.CloneReduced.test_handler_out_of_the_vault_cannot_be_changed
)
# shellcheck source=tests/support/broken_build.sh
source tests/support/broken_build.sh
(($# > 0)) || set -- "${!notices[@]}"
mkdir -p "$broken_build"
log=$broken_build/log

run() { # BUILD TEST
    if [[ $2 == *.py ]]; then
        python3 -B "tests/kernel/$2" "$1/bin/upcall-launcher" >"$log" 2>&1
        return
    fi
    (cd tests/system && UPCALL_BUILD=$1 PYTHONDONTWRITEBYTECODE=1 python3 -m unittest "$2") >"$log" 2>&1
}

failed=0
for weakness in "$@"; do
    test=${notices[$weakness]}
    if ! run "$release_build" "$test"; then
        cat "$log"
        echo "$weakness: $test fails without it" >&2
        exit 2
    fi
    place=$(mktemp -d /tmp/upcall-broken.XXXXXX)
    build_broken "$weakness" "$place"
    if run "$place" "$test"; then
        echo "$weakness: NOT noticed by $test"
        failed=1
    elif ! grep -Eq '^(FAILED|AssertionError)' "$log"; then
        cat "$log"
        failed=1
    else
        echo "$weakness: noticed by $test: $(grep -m1 -E '^(AssertionError|upcalltest|[A-Za-z.]*Error)' "$log" | cut -c1-160)"
    fi
    rm -r "$place"
done
exit "$failed"
