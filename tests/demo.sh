#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Shows upcalld at work: a program crashes in a container, and the handlers that the policy names run in that
# container. Needs root on Debian 12; puts back all that it changes, also when it is interrupted.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: sudo tests/demo.sh

Builds upcalld, crashes a program in a throw-away container, and shows who handled the crash, where, and what gdb says
of the core. Puts back all that it changes.
USAGE
}
case ${1-} in
'') ;;
-h | --help) usage; exit ;;
*) usage >&2; exit 2 ;;
esac

source_dir=$(cd "$(dirname "$0")/.." && pwd)
build_dir=$source_dir/build/release
support=$build_dir/tests/support
work=
daemon=
container=

if [ -t 1 ]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' dim='' green='' red='' plain=''
fi

title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
row() { printf '  %s%-12s%s %s\n' "$dim" "$1" "$plain" "$2"; }
fail() {
  printf '%sdemo: %s%s\n' "$red" "$1" "$plain" >&2
  exit 1
}
check() { # check "what must hold" COMMAND...
  local what=$1
  shift
  "$@" || fail "not so: $what"
  printf '  %s✓%s %s\n' "$green" "$plain" "$what"
}

# The value of a key in a log line; quotes around it are taken off.
field() { sed -nE "s/.*[ ]$1=(\"([^\"]*)\"|([^ ]*)).*/\\2\\3/p" <<<" $2"; }

log_line() { # log_line PATTERN: the first line that holds it, within ten seconds
  # Not a pipeline: tail would go on waiting for a line that it could fail to write.
  grep -m1 -E -- "$1" < <(exec timeout 10 tail --pid="$daemon" -n +1 -f "$work/log") ||
    fail "upcalld did not log /$1/; it said:"$'\n'"$(cat "$work/log")"
}

# Everything of this machine that a run of ours could change.
host_state() {
  cat /proc/sys/kernel/core_pattern /proc/sys/kernel/core_pipe_limit
  cut -d' ' -f3- /proc/self/mountinfo
  find /sys/fs/cgroup -maxdepth 3 -name 'upcall*' 2>/dev/null || true
  find /tmp /run /var/lib -maxdepth 1 -name '*upcall*' ! -name '*.lock' 2>/dev/null || true
  pgrep -a '^upcall' || true
}

cleanup() {
  trap '' INT TERM
  [ -z "$daemon" ] || { kill -TERM "$daemon" 2>/dev/null || true; wait "$daemon" 2>/dev/null || true; }
  [ -z "$container" ] || { kill -TERM "$container" 2>/dev/null || true; wait "$container" 2>/dev/null || true; }
  daemon='' container=''
  if [ -n "${guard_in:-}" ]; then
    exec {guard_in}>&-
    wait "$guard" 2>/dev/null || true
    guard_in=''
  fi
  [ -z "$work" ] || rm -rf "$work"
  work=''
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

prepare() {
  [ "$(id -u)" = 0 ] || fail 'needs root: sudo tests/demo.sh'
  if [ -e "$source_dir/tests/packages.sh" ]; then
    # shellcheck source=tests/packages.sh disable=SC1091
    . "$source_dir/tests/packages.sh"
    install_packages build demo
  fi
  cd "$source_dir"
  local while=''
  [ -e "$build_dir/bin/upcalld" ] || while=' (which takes some minutes)'
  printf 'Building%s ...\n' "$while"
  { cmake --preset release && cmake --build --preset release --target demo_programs; } >"$work/build" 2>&1 ||
    fail "the build failed: $(tail -n 30 "$work/build")"
}

hold_kernel_settings() {
  coproc kernel_guard { exec "$source_dir/tests/support/kernel_guard.sh"; }
  # shellcheck disable=SC2154  # coproc assigns it
  guard=$kernel_guard_PID
  exec {guard_in}>&"${kernel_guard[1]}" {guard_out}<&"${kernel_guard[0]}"
  eval "exec ${kernel_guard[1]}>&-"
  read -r -u "$guard_out" _
}

write_policy() {
  cat >"$work/upcalld.yaml" <<'POLICY'
version: 1
containers:
  demo: {anonymous: true}
handlers:
  save-core: {run: builtin:core, with: {directory: /var/crash, compress: none}, in: container}
  notify: {run: [/usr/local/bin/on-crash, "{signal}", "{exe}"], in: container, timeout: 10s}
rules:
  - {name: demo crashes, on: coredump, when: {container: demo}, do: [save-core, notify]}
defaults: {coredump: pass}
POLICY
  chmod 600 "$work/upcalld.yaml"
}

# The container's own handler: nothing but its own shell.
write_handler() {
  cat >"$work/on-crash" <<'HANDLER'
#!/bin/sh
exec >/var/crash/on-crash.txt
echo "said $(id -un) in $(hostname): $2 died of SIG$1, pid $UPCALL_PID here"
for namespace in cgroup ipc mnt net pid time user uts; do
  readlink "/proc/self/ns/$namespace"
done
HANDLER
}

start_container() {
  "$support/upcall-container" run --control="$work/control" --name=demo \
    --file="$work/on-crash:/usr/local/bin/on-crash" \
    --file="$build_dir/tests/victims/crash:/bin/crash" >"$work/ready" &
  container=$!
  # The pipe's end would come too late; the line is short and written at once.
  until [ -s "$work/ready" ]; do
    kill -0 "$container" 2>/dev/null || fail 'the container did not start'
    read -rt 0.05 <> <(:) || true
  done
  init=$(sed -nE 's/^ready init=([0-9]+) .*/\1/p' "$work/ready")
}

start_daemon() {
  mkfifo "$work/once-ready"
  exec {ready}<>"$work/once-ready"
  "$build_dir/bin/upcalld" --config "$work/upcalld.yaml" --runtime-directory "$work/run" \
    --state-directory "$work/state" --once-ready-fd="$ready" 2>"$work/log" &
  daemon=$!
  read -rt 15 -u "$ready" _ || fail "upcalld did not start: $(cat "$work/log")"
  exec {ready}>&-
}

crash() {
  exec 5>"$work/report"
  "$support/upcall-container" exec --control="$work/control" --report-fd=5 -- \
    /bin/crash --memory=8 2>/dev/null || true
  exec 5>&-
  host_pid=$(sed -nE 's/^started .*host_pid=([0-9]+)$/\1/p' "$work/report")
  inner_pid=$(sed -nE 's/^started pid=([0-9]+) .*/\1/p' "$work/report")
}

show_crash() {
  decided=$(log_line " pid=$host_pid .*action=")
  event=$(field event "$decided")
  local outcome
  outcome=$(log_line "event=$event outcome=")
  title 'The crash'
  row program "$(field exe "$decided") died of SIG$(field signal "$decided")"
  row process "pid $host_pid on the host, pid $inner_pid in the container"
  row user "uid $(field uid "$decided") on the host, root in the container"
  row verdict "$(field verdict "$decided"), container \"$(field container "$decided")\""
  row rule "\"$(field rule "$decided")\""
  row outcome "$(field outcome "$outcome") in $(field total_us "$outcome") µs, from its arrival to the last handler's end"
}

show_handlers() {
  title 'The handlers'
  printf '  %s%-12s %-8s %-10s %-8s %10s %10s%s\n' "$dim" handler pid end status 'start µs' 'total µs' "$plain"
  local handler run
  for handler in save-core notify; do
    run=$(log_line "event=$event handler=$handler ")
    printf '  %-12s %-8s %-10s %-8s %10s %10s\n' "$handler" "$(field pid "$run")" "$(field end "$run")" \
      "$(field status "$run")" "$(field start_us "$run")" "$(field total_us "$run")"
  done
  printf '\n  %s%s%s\n' "$dim" "$(head -n 1 "/proc/$init/root/var/crash/on-crash.txt")" "$plain"
}

show_namespaces() {
  title 'Where the handler ran'
  printf '  %s%-12s %-14s %-14s %-14s%s\n' "$dim" namespace host container handler "$plain"
  local name host inside handler mark same=0
  for name in cgroup ipc mnt net pid time user uts; do
    host=$(readlink "/proc/self/ns/$name")
    inside=$(readlink "/proc/$init/ns/$name")
    handler=$(grep "^$name:" "/proc/$init/root/var/crash/on-crash.txt")
    mark="${red}✗${plain}"
    if [ "$handler" = "$inside" ] && [ "$handler" != "$host" ]; then
      mark="${green}✓${plain}"
      same=$((same + 1))
    fi
    printf '  %-12s %-14s %-14s %-14s %s\n' "$name" "${host//[!0-9]/}" "${inside//[!0-9]/}" \
      "${handler//[!0-9]/}" "$mark"
  done
  [ "$same" = 8 ] || fail 'the handler did not run in all namespaces of the container'
}

show_core() {
  title 'The core'
  local cores=("/proc/$init/root/var/crash/core"*)
  row inside "${cores[0]#"/proc/$init/root"}"
  row size "$(stat -c %s "${cores[0]}") bytes, owned by uid $(stat -c %u "${cores[0]}") of the host"
  row backtrace ''
  # Behind the line, as gdb shows the innermost frame once by itself.
  gdb -batch -nx -ex 'echo backtrace\n' -ex bt "$build_dir/tests/victims/crash" "${cores[0]}" 2>/dev/null |
    sed -n '/^backtrace$/,$ s|^#|    &|p' | sed "s| at .*/| at |" | tee "$work/backtrace"
  grep -q 'crash_here' "$work/backtrace" || fail 'the backtrace does not name crash_here'
}

show_nothing_is_left() {
  title 'Afterwards'
  cleanup
  check 'core_pattern, mounts, cgroups, processes and files of the host are as before' \
    test "$before" = "$(host_state)"
}

[ "$(id -u)" = 0 ] || fail 'needs root: sudo tests/demo.sh'
before=$(host_state)
work=$(mktemp -d /tmp/upcall-demo.XXXXXX)
prepare
hold_kernel_settings
write_policy
write_handler
start_container
start_daemon
title 'upcalld is registered'
row core_pattern "$(cat /proc/sys/kernel/core_pattern)"
crash
show_crash
show_handlers
show_namespaces
show_core
show_nothing_is_left
printf '\n'
