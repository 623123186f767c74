# SPDX-License-Identifier: Apache-2.0
"""The launcher against real crashes: launcher_run.py LAUNCHER plain|user

A container of all eight namespaces crashes a process; the kernel's core dump socket gives its pidfd. What
the handlers then see of themselves is compared with the container's init.
"""
import contextlib, fcntl, os, re, select, shutil, signal, socket, struct, subprocess, sys, tempfile

from launcher_client import *

SO_PEERPIDFD = 77
NAMESPACES = "cgroup ipc mnt net pid time user uts".split()
REPORT = "cat /proc/self/status /proc/self/cgroup; for i in cgroup ipc mnt net pid time user uts; do " \
         "readlink /proc/self/ns/$i; done; ls -l /proc/self/fd; ulimit -c; pwd; " \
         "echo arg=$0; echo x 2>/dev/null >/dev/stdout || echo reopen refused"
CGROUP = "/sys/fs/cgroup/unified/upcall-test-%d" % os.getpid()

ROWS = [row(["sh", "-c", REPORT, "{signal_number}"], CONTAINER, ROOT), row(["sh", "-c", REPORT], CONTAINER, ORIGIN_USER),
        row(["sleep", "100"], CONTAINER, ROOT, 300), row(["sh", "-c", REPORT], HOST, ROOT),
        row(["sh", "-c", REPORT], ORIGIN, ROOT), row(["sh", "-c", REPORT], CONTAINER, FIXED), row(["true"], CONTAINER, ROOT),
        row(["sh", "-c", REPORT], CONTAINER, ROOT, program=OF_CONTAINER, path="/bin/sh", uevents=True),
        row(["true"], HOST, ROOT, program=OF_HOST, path="/bin/true", uevents=True),
        row(["sh", "-c", "echo event=$UPCALL_EVENT"], HOST, ROOT, program=OF_HOST, path="/bin/sh", helpers=True),
        row(["sh", "-c", "echo event=$UPCALL_EVENT"], HOST, ROOT, program=OF_HOST, path="/bin/sh", uevents=True, helpers=True)]
IN_ROOT, IN_USER, IN_SLEEP, ON_HOST, AS_ORIGIN, AS_FIXED, IN_TRUE, TOLD_INSIDE, TOLD_ON_HOST, HELPER, TOLD_OR_HELPER = range(11)

@contextlib.contextmanager
def core_dumps(path):
    """Crashes in the body arrive at the socket that it is given."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path); listener.listen(8); listener.settimeout(20)
    with open("/tmp/upcall.kernel.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open("/proc/sys/kernel/core_pattern") as f: previous = f.read()
        try:
            with open("/proc/sys/kernel/core_pattern", "w") as f: f.write("@@" + path)
            yield listener
        finally:
            with open("/proc/sys/kernel/core_pattern", "w") as f: f.write(previous)

def remove_cgroup():
    """Kills what is in it, and waits for cgroup.events to say that it is empty."""
    with open(CGROUP + "/cgroup.kill", "w") as f: f.write("1")
    with open(CGROUP + "/cgroup.events") as events:
        poll = select.poll(); poll.register(events, select.POLLPRI)
        while "populated 1" in os.pread(events.fileno(), 100, 0).decode(): expect(poll.poll(10000), "it empties")
    os.rmdir(CGROUP)

def accept(listener):
    connection, _ = listener.accept()
    pidfd = struct.unpack("i", connection.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD, 4))[0]
    with open(f"/proc/self/fdinfo/{pidfd}") as f: pid = int(re.search(r"Pid:\s+(\d+)", f.read())[1])
    connection.recv(16)
    connection.send(struct.pack("IIQ", 16, 0, 9))  # KERNEL | WAIT
    return connection, pidfd, pid

def field(status, name): return re.search(rf"^{name}:\s*(.*?)\s*$", status, re.M)[1]

def check_confined(seen, init):
    with open(f"/proc/{init}/status") as f: template = f.read()
    for kind in NAMESPACES:
        expect(os.readlink(f"/proc/{init}/ns/{kind}") in seen, f"{kind} namespace of the init\n{seen}")
    for name in ("CapEff", "CapBnd", "CapPrm"):
        expect(int(field(seen, name), 16) & ~int(field(template, name), 16) == 0, name)
    expect(field(seen, "CapInh").strip("0") == field(seen, "CapAmb").strip("0") == "", "no inheritable, no ambient")
    expect(field(seen, "NoNewPrivs") == "1", "no new privileges")
    expect(len(re.findall(r"-> socket:", seen)) == 4 and "pidfd" not in seen, "four sockets and nothing else")
    expect("reopen refused" in seen and "0::/\n" in seen, "stdio and cgroup")

def main():
    launcher_program, kind = sys.argv[1:]
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp"))
        shutil.copy("/usr/bin/busybox", directory)
        launcher = Launcher(launcher_program, os.open(directory, os.O_PATH), ROWS)
        stack.callback(launcher.process.kill)
        os.mkdir(CGROUP); stack.callback(remove_cgroup)
        user = ["--user", "--map-root-user"] if kind == "user" else []
        crash = "hostname inner; sh -c 'kill -SEGV $$'; echo done; sleep 30"
        with core_dumps(directory + "/socket") as listener:
            container = subprocess.Popen(
                ["unshare", "--fork", "--kill-child", "--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup",
                 "--time", *user, "--mount-proc", "sh", "-c", crash],
                preexec_fn=lambda: open(CGROUP + "/cgroup.procs", "w").write("0"), stdout=subprocess.DEVNULL)
            stack.callback(container.wait); stack.callback(container.kill)
            crashed, pidfd, pid = accept(listener)
            # A process of the host that entered the PID namespace alone: neither's.
            mixed = subprocess.Popen(["nsenter", "-t", str(pid), "--pid", "sh", "-c", "kill -SEGV $$"])
            mixed_connection, mixed_pidfd, mixed_pid = accept(listener)
            host = subprocess.Popen(["sh", "-c", "kill -SEGV $$"])
            host_connection, host_pidfd, host_pid = accept(listener)
        check(launcher, kind, (pidfd, pid), (mixed_pidfd, mixed_pid), (host_pidfd, host_pid))
        for connection in (crashed, mixed_connection, host_connection): connection.close()
        mixed.wait(); host.wait()
        launcher.broker.close()
        expect(launcher.process.wait(5) == 0, "the launcher ends with the broker")

def check(launcher, kind, crashed, mixed, host):
    got = launcher.capture(*crashed)
    expect(got["error"] == 0 and got["verdict"] == IN_CONTAINER and got["dumpable"] == 1, got)
    expect(got["texts"].endswith(b"inner") and got["user_depth"] == (kind == "user"), got)
    end, _, seen = launcher.run(got["capture"], IN_ROOT)
    expect(end[0] == EXITED and "arg=11" in seen, (end, seen))
    check_confined(seen, got["init"])
    end, _, seen = launcher.run(got["capture"], IN_USER)
    check_confined(seen, got["init"])
    expect(int(field(seen, "CapBnd"), 16) == 0, "no capabilities for the origin's user")
    expect(launcher.run(got["capture"], IN_SLEEP)[0][0] == TIMED_OUT, "its time is up")
    end, _, seen = launcher.run(got["capture"], AS_FIXED)
    expect(end[0] == (NOT_STARTED if kind == "user" else EXITED), "an unmapped uid does not run")
    expect("pidfd" in launcher.run(got["capture"], ON_HOST)[2], "a handler on the host gets the pidfd")
    end, _, _ = launcher.run(got["capture"], IN_TRUE, environment=b"LD_PRELOAD=/x\0")
    expect(end[:2] == (NOT_STARTED, 22), "only variables of ours")
    check_uninvolved(launcher, got["init"])
    check_others(launcher, mixed, host)
    check_frozen(launcher, got["capture"])
    expect(launcher.capture(os.pidfd_open(os.getpid()), os.getpid())["error"] == 22, "a process that does not dump")
    times = sorted(launcher.run(got["capture"], IN_TRUE)[1] for _ in range(50))
    print("request to exec, us: min", times[0], "p50", times[25], "p90", times[45])

def check_uninvolved(launcher, init):
    """Who has caused nothing: its container is told of uevents, and nothing else is done with it."""
    expect(launcher.inspect(os.pidfd_open(init), hold=0)["capture"] == NO_CAPTURE, "held only where that was asked")
    got = launcher.inspect(os.pidfd_open(init), hold=1)
    expect(got["error"] == 0 and got["verdict"] == IN_CONTAINER, got)
    end, _, seen = launcher.run(got["capture"], TOLD_INSIDE)
    expect(end[0] == EXITED, (end, seen))
    check_confined(seen, init)
    for other in (IN_TRUE, ON_HOST, AS_ORIGIN, TOLD_ON_HOST, HELPER):
        expect(launcher.run(got["capture"], other)[0][0] == REFUSED, f"row {other} is refused")
    expect(launcher.inspect(os.pidfd_open(os.getpid()), hold=1)["error"] == 22, "the host is no container")
    with subprocess.Popen(["nsenter", "-t", str(init), "-a", "cat"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, bufsize=0) as other:
        other.stdin.write(b"in\n")
        other.stdout.readline()  # then it is inside
        inside = int(subprocess.check_output(["pgrep", "-P", str(other.pid)]))
        expect(launcher.inspect(os.pidfd_open(inside), hold=1)["error"] == 22, "nor is any process of one but its init")
        other.stdin.close()
    forked = os.fork()
    if forked == 0: signal.pause()
    expect(launcher.inspect(os.pidfd_open(forked), hold=1)["error"] == 11, "nor who has executed nothing yet")
    os.kill(forked, signal.SIGKILL); os.waitpid(forked, 0)
    expect(launcher.run(NO_CAPTURE, TOLD_INSIDE)[0][0] == REFUSED, "nobody is no container")
    expect(launcher.run(NO_CAPTURE, TOLD_ON_HOST)[0][0] == EXITED, "the host is told")
    end, _, seen = launcher.run(NO_CAPTURE, HELPER, environment=b"UPCALL_EVENT=coredump\0")
    expect(end[0] == EXITED and "event=usermode-helper" in seen, "what it is for is not the broker's to say")
    for event in ("uevent", "usermode-helper"):
        end, _, seen = launcher.run(NO_CAPTURE, TOLD_OR_HELPER, environment=b"UPCALL_EVENT=%s\0" % event.encode())
        expect(end[0] == EXITED and f"event={event}" in seen, "which of the two it is for is")
    for invented in (b"UPCALL_EVENT=coredump\0UPCALL_PID=1\0", b"UPCALL_EVENT=coredump\0UPCALL_EVENT=uevent\0", b"UPCALL_PID=1\0"):
        expect(launcher.run(NO_CAPTURE, TOLD_OR_HELPER, environment=invented)[0][0] == REFUSED, f"but no third: {invented}")

def check_others(launcher, mixed, host):
    got = launcher.capture(*mixed)
    expect(got["verdict"] == MIXED and got["failed"] & 4, got)
    expect(launcher.run(got["capture"], IN_TRUE)[0][0] == REFUSED, "mixed is refused")
    got = launcher.capture(*host)
    expect(got["verdict"] == AT_HOST and got["init"] == 0, got)
    expect(launcher.run(got["capture"], IN_TRUE)[0][0] == REFUSED, "the host's is refused")
    expect(launcher.run(got["capture"], AS_ORIGIN)[0][0] == EXITED, "as the origin itself")

def check_frozen(launcher, capture):
    """A frozen container holds up nobody else."""
    # The origin's dump ends when it is frozen; the capture's objects stay.
    with open(CGROUP + "/cgroup.freeze", "w") as f: f.write("1")
    launcher.start(capture, IN_SLEEP)
    expect(launcher.run(capture, ON_HOST)[0][0] == EXITED, "another run, meanwhile")
    with open(CGROUP + "/cgroup.freeze", "w") as f: f.write("0")
    while struct.unpack("II", launcher.broker.recv(8192)[:8])[1] != 7: pass

main()
