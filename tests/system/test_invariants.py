# SPDX-License-Identifier: Apache-2.0
"""docs/THREAT-MODEL.md, I5 to I7 and I12: what a handler in a container is, beside the container's init, in containers
of every kind. One crash for each kind; its handler is held while it is looked at from outside, and tells what it sees
itself."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import unittest

from upcalltest import oci, paths
from upcalltest.case import SystemTest
from upcalltest.container import is_called, namespaces_of, status_of
from upcalltest.daemon import children_of
from upcalltest.waiting import wait_readable

CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
POLICY = """\
version: 1
runtimes: {crun: ["%s"], runc: [], containerd: [], docker: [], podman: [], nspawn: []}
containers: {demo: {anonymous: true}, recorded: {runtime: "*"}}
handlers:
  save-core: {run: builtin:core, with: {directory: /var/crash, compress: none}, in: container}
  report: {run: [/bin/report, /tmp/report], in: container, timeout: 60s}
rules:
  - {name: demo crashes, on: coredump, when: {container: "*"}, do: [save-core, report]}
defaults: {coredump: pass}
"""
# Starts upcalld with what no handler may have of its starter's: a key, a directory of the host, a umask, a personality,
# a priority and an environment.
SPOILT = """\
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def must(result):
    if result < 0: raise OSError(ctypes.get_errno(), "cannot spoil the start")
    return result
must(libc.syscall(250, 1, b"upcall-test"))  # keyctl(KEYCTL_JOIN_SESSION_KEYRING)
key = must(libc.syscall(248, b"user", b"upcall-secret", b"S3CRET", 6, -3))  # add_key, to the session's keyring
must(libc.syscall(250, 5, key, 0x3f3f3f3f))  # KEYCTL_SETPERM: for everybody who finds it
must(libc.syscall(250, 5, must(libc.syscall(250, 0, -3, 0)), 0x3f3f3f3f))
must(libc.personality(0x0040000))  # ADDR_NO_RANDOMIZE
os.umask(0)
os.nice(3)
os.dup2(os.open("/", os.O_RDONLY), 40)
os.environ["UPCALL_TEST_SECRET"] = "S3CRET"
os.execv(sys.argv[1], sys.argv[1:])
"""


def descriptors_of(proc):
    """What each is, by number; but for those that are closed meanwhile, by a process that goes on with its work."""
    found = {}
    for descriptor in (proc / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found[descriptor.name] = os.readlink(descriptor)
    return found


@dataclasses.dataclass
class Task:
    """A process, as it is seen from the host."""
    status: dict
    namespaces: dict
    root: tuple
    cwd: tuple
    cgroup: str
    limits: dict
    descriptors: dict
    oom_score_adj: str
    personality: str
    timer_slack: str
    process_group: int
    session: int
    terminal: int
    priority: tuple

    @classmethod
    def of(cls, pid):
        proc = pathlib.Path(f"/proc/{pid}")
        stat = (proc / "stat").read_text().rpartition(") ")[2].split()
        files = {name: (proc / name).stat() for name in ("root", "cwd")}
        limits = {line[:26].strip(): tuple(line[26:].split()[:2])
                  for line in (proc / "limits").read_text().splitlines()[1:]}
        return cls(
            status_of(pid), namespaces_of(pid), *((file.st_dev, file.st_ino) for file in files.values()),
            re.search(r"^0::(.*)$", (proc / "cgroup").read_text(), re.M)[1], limits,
            descriptors_of(proc),
            *((proc / name).read_text().strip() for name in ("oom_score_adj", "personality", "timerslack_ns")),
            *(int(stat[number]) for number in (2, 3, 4)), (stat[16], stat[38]))


def capabilities(task):
    return {field: int(task.status[field], 16) for field in CAPABILITIES}


def least(one, other):
    return min((one, other), key=lambda value: float("inf") if value == "unlimited" else int(value))


class Invariants:
    """What holds of every kind; `make` makes the container."""

    core_mode = "auto"
    seen = None

    def setUp(self):
        if type(self).seen is None:
            type(self).seen = {}
            super().setUp()
            type(self).seen = self.observe()
        if not self.seen:
            self.skipTest("the first of these tests says why")
        self.__dict__.update(self.seen)

    def observe(self):
        self.state = pathlib.Path(self.directory) / "records"
        self.state.mkdir()
        daemon = self.start(POLICY % self.state, prefix=["python3", "-c", SPOILT])
        container = self.make()
        container.shell("/bin/busybox mkfifo -m 666 /tmp/report.held /tmp/report.go")
        held, go = (os.open(container.path(f"/tmp/report.{name}"), os.O_RDWR | os.O_NONBLOCK) for name in ("held", "go"))
        self.addCleanup(os.close, held)
        self.addCleanup(os.close, go)
        running = container.start("/bin/crash")
        ended = running.wait()
        wait_readable(held, 30, "handler; log:\n" + "\n".join(daemon.log.seen))
        launcher = daemon.launcher()
        handler, = (pid for pid in children_of(launcher) if is_called(pid, "report"))
        seen = {"handler": Task.of(handler), "init": Task.of(container.init), "launcher": Task.of(launcher),
                "origin_is_gone": not pathlib.Path(f"/proc/{ended.host_pid}").exists(),
                "report": json.loads(container.path("/tmp/report").read_text(encoding="latin-1"))}
        os.write(go, b"\n")
        seen["event"] = daemon.wait_for_event(ended.host_pid)
        seen["cores"] = len(self.cores(container))
        return seen

    def test_the_crash_is_the_container_s_and_is_handled(self):
        decided, runs, ended = self.event
        self.assertEqual((decided["verdict"], ended["outcome"]), ("in-container", "handled"))
        self.assertEqual([run["status"] for run in runs], ["0", "0"])
        self.assertEqual(self.cores, 1)

    def test_namespaces_are_those_of_init(self):
        self.assertEqual(self.handler.namespaces, self.init.namespaces)
        self.assertEqual(self.report["namespaces"], self.init.namespaces)

    def test_root_and_directory_are_the_root_of_init(self):
        self.assertEqual((self.handler.root, self.handler.cwd), (self.init.root, self.init.root))
        self.assertEqual(self.report["root"], "{}:{}".format(*self.init.root))

    def test_cgroup_is_that_of_init(self):
        self.assertEqual(self.handler.cgroup, self.init.cgroup)
        self.assertNotEqual(self.handler.cgroup, "/")

    def test_ids_and_groups_are_those_of_init(self):
        for field in ("Uid", "Gid", "Groups"):
            self.assertEqual(self.handler.status[field].split(), self.init.status[field].split(), field)

    def test_capabilities_are_at_most_those_of_init(self):
        handler, init = capabilities(self.handler), capabilities(self.init)
        self.assertEqual((handler["CapInh"], handler["CapAmb"]), (0, 0))
        for field in ("CapPrm", "CapEff", "CapBnd"):
            self.assertEqual(handler[field] & ~init["CapBnd"], 0, field)
            # A container below the host's user namespace may hold what upcalld itself gave up.
            self.assertEqual(handler[field], init["CapPrm"] & self.may_have(), field)
        self.assertEqual(self.report["securebits"], 0)

    def may_have(self):
        own = self.init.namespaces["user"] == self.launcher.namespaces["user"]
        return capabilities(self.launcher)["CapPrm"] if own else ~0

    def test_no_new_privileges_can_be_had(self):
        self.assertEqual(self.handler.status["NoNewPrivs"], "1")

    def test_seccomp_filters_are_at_least_those_of_init(self):
        for field in ("Seccomp", "Seccomp_filters"):
            self.assertGreaterEqual(int(self.handler.status[field]), int(self.init.status[field]), field)

    def test_limits_are_the_lower_ones_of_init_and_upcalld_and_no_core_is_dumped(self):
        for name, (soft, hard) in self.init.limits.items():
            ours = self.launcher.limits[name]
            expected = least(soft, ours[0]), least(hard, ours[1])
            if name == "Max core file size":
                expected = least("1", ours[0]), least("1", ours[1])
            self.assertEqual(self.handler.limits[name], expected, name)

    def test_oom_score_is_that_of_init(self):
        self.assertEqual(self.handler.oom_score_adj, self.init.oom_score_adj)

    def test_descriptors_are_the_four_of_the_protocol_and_all_are_sockets(self):
        seen = {number: target for number, target in self.handler.descriptors.items() if "report." not in target}
        self.assertEqual(sorted(seen), ["0", "1", "2", "3"])
        for target in seen.values():
            self.assertRegex(target, r"^socket:\[\d+\]$")
        self.assertEqual([entry.split()[0] for entry in self.report["fds"]], ["0", "1", "2", "3"])

    def test_keys_of_whoever_started_upcalld_cannot_be_found(self):
        # Where the container's own filter forbids to look, it cannot be found either; never ENOENT for the keyring.
        self.assertIn(self.report["key"], ("ENOKEY", "EPERM"))

    def test_process_group_and_terminal_are_not_the_launcher_s(self):
        self.assertNotEqual(self.handler.process_group, self.launcher.process_group)
        self.assertNotIn(self.handler.process_group, (os.getpgid(0), self.init.process_group))
        self.assertNotIn(self.handler.session, (os.getsid(0), self.init.session))
        self.assertEqual((self.handler.terminal, self.launcher.terminal), (0, 0))

    def test_umask_personality_and_priority_are_not_those_of_whoever_started_upcalld(self):
        self.assertEqual((self.handler.status["Umask"], self.handler.personality), ("0022", "00000000"))
        self.assertEqual((self.handler.priority, self.handler.timer_slack), (("0", "0"), "50000"))
        cpus = self.handler.status["Cpus_allowed"], self.init.status["Cpus_allowed"]
        self.assertEqual(*cpus)

    def test_environment_is_that_of_the_protocol(self):
        names = [variable.partition("=")[0] for variable in self.report["environment"]]
        self.assertFalse([name for name in names if not name.startswith("UPCALL_")])
        self.assertNotIn("UPCALL_TEST_SECRET", names)

    def test_signals_are_at_their_defaults(self):
        for field in ("SigBlk", "SigIgn", "SigCgt"):
            self.assertEqual(int(self.handler.status[field], 16), 0, field)

    def test_handler_runs_when_the_crashed_process_is_gone(self):
        self.assertTrue(self.origin_is_gone)


KINDS = {
    "CloneUserNamespace": ("clone", ()),
    "ClonePrivileged": ("clone", ("--no-user",)),
    "CloneReduced": ("clone", ("--no-user", "--capabilities=a80425fb", "--nnp", "--read-only")),
    "CloneUser1000": ("clone", ("--no-user", "--uid=1000", "--capabilities=a80425fb")),
    "CrunReduced": ("crun", dict(seccomp=True, no_new_privs=True, read_only=True, oom_score_adj=300,
                                 limits={"RLIMIT_NOFILE": (512, 512), "RLIMIT_AS": (1 << 32, 1 << 33)})),
    "CrunUserNamespace": ("crun", dict(user_namespace=True, capabilities=oci.ALL, groups=[7, 9])),
    "CrunUserNamespaceUser1000": ("crun", dict(user_namespace=True, uid=1000, seccomp=True)),
    "RuncUser1000": ("runc", dict(uid=1000, capabilities=[], no_new_privs=True, groups=[5])),
    "RuncReduced": ("runc", dict(seccomp=True, oom_score_adj=500)),
    "RuncPrivileged": ("runc", dict(capabilities=oci.ALL)),
    "HostPid": ("crun", dict(host_pid=True, seccomp=True, oom_score_adj=400)),
    "HostPidUserNamespace": ("crun", dict(host_pid=True, user_namespace=True, capabilities=oci.ALL)),
    "MemberOfPod": ("pod", dict(seccomp=True, no_new_privs=True)),
}


def make_of(kind, options):
    def make(self):
        if kind == "clone":
            return self.container(*options)
        if kind == "pod":
            # Whose first container has more rights.
            pause = self.oci("crun", capabilities=oci.ALL, state=self.state)
            return self.oci("crun", **options, shared=dict.fromkeys(("pid", "network", "ipc", "uts"), pause.init), state=self.state)
        return self.oci(kind, **options, state=self.state)
    return make


for _name, (_kind, _options) in KINDS.items():
    globals()[_name] = type(_name, (Invariants, SystemTest),
                            {"make": make_of(_kind, _options), "__module__": __name__})

if __name__ == "__main__":
    unittest.main()
