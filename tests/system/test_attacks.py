# SPDX-License-Identifier: Apache-2.0
"""docs/THREAT-MODEL.md, I1 to I5 and I12, by an attacker inside the container: he crashes a process of his own and
tries everything on the handler that comes. A case fails when he saw no handler."""

import json
import os
import pathlib
import subprocess
import time
import unittest

from upcalltest import kernel, oci, paths
from upcalltest.case import SystemTest
from upcalltest.container import namespaces_of, status_of
from upcalltest.daemon import children_of

DENIED = {"EACCES", "EPERM"}
# What a file of the vault answers; ETXTBSY is none of them, since that ends with the handler.
UNCHANGED = {"EROFS", "EACCES", "EPERM", "ESTALE", "EINVAL", "EXDEV", "ENOTDIR"}
ATTACKER = [(paths.ATTACKER, "/bin/attacker")]
SET_UID_ATTACKER = [(paths.ATTACKER, "/bin/attacker:4755")]
SECRET = "a-word-only-for-the-host"
POLICY = """\
version: 1
runtimes: {{crun: ["{state}"], runc: [], containerd: [], docker: [], podman: [], nspawn: []}}
containers: {{demo: {{anonymous: true}}, recorded: {{runtime: "*"}}}}
handlers:
  save-core: {{run: builtin:core, with: {{directory: /var/crash, compress: none}}, in: container}}
  other: {{run: {run}, in: container, timeout: 60s}}
  on-host: {{run: [/bin/true, %s], in: host}}
rules:
  - {{name: demo crashes, on: coredump, when: {{container: "*"}}, do: {do}, on_failure: on-host}}
defaults: {{coredump: pass}}
""" % SECRET

KINDS = {
    "CloneUserNamespace": ("clone", ()),
    "CloneReduced": ("clone", ("--no-user", "--capabilities=a80425fb", "--nnp")),
    "CrunReduced": ("crun", dict(seccomp=True, no_new_privs=True)),
    "CrunUserNamespace": ("crun", dict(user_namespace=True, capabilities=oci.ALL)),
    "RuncUser1000": ("runc", dict(uid=1000, capabilities=[])),
}
# Who sees the launcher, and stage 1 before it has given anything up.
IN_HOST_S_PROCESSES = {
    "HostPid": ("crun", dict(host_pid=True)),
    "HostPidUserNamespace": ("crun", dict(host_pid=True, user_namespace=True, capabilities=oci.ALL)),
}
# With CAP_SYS_PTRACE over the initial user namespace: such an attacker reaches the handler before its exec.
PRIVILEGED = {
    "ClonePrivileged": ("clone", ("--no-user",)),
    "RuncPrivileged": ("runc", dict(capabilities=oci.ALL)),
    # Its init is no such attacker, but a set-uid program inside makes one.
    "CloneSetUid": ("clone", ("--no-user", "--uid=1000"), SET_UID_ATTACKER),
}


class Attack(SystemTest):
    def setUp(self):
        super().setUp()
        self.state = pathlib.Path(self.directory) / "records"
        self.state.mkdir()

    def make(self):
        kind, options, *files = self.kind
        if kind == "clone":
            return self.container(*options, files=files[0] if files else ATTACKER)
        return self.oci(kind, **options, files=ATTACKER, state=self.state)

    def start_policy(self, run="[/tmp/handler, /tmp/report]", do="[other]"):
        return self.start(POLICY.format(run=run, do=do, state=self.state))

    def watch(self, container, *command, **options):
        """What the attacker tells of each time that he caught the handler, or of the file after its end."""
        return container.start("/bin/attacker", "watch", *command, **options)

    def told(self, running):
        ended = running.wait(60)
        self.assertEqual(ended.status, 0, f"the attacker saw no handler: {ended.output}")
        return [json.loads(line) for line in ended.output.splitlines()]

    def told_of(self, name, container, *command):
        """Again while the handler of this name was too quick for the attacker, as it is on a busy machine."""
        for _ in range(20):
            ended = self.watch(container, *command).wait(60)
            phases = [json.loads(line) for line in ended.output.splitlines()] if ended.status == 0 else []
            if name in [seen.get("name") for seen in phases]:
                return phases
        self.fail(f"the attacker saw no handler {name}: {ended.output}")

    def check_rights(self, seen, container):
        """I1: at no time more than init has, as whoever is inside can see it."""
        init = container.status()
        for field in ("CapPrm", "CapEff", "CapBnd"):
            self.assertEqual(int(seen["status"][field], 16) & ~int(init["CapBnd"], 16), 0, field)
        for field in ("CapInh", "CapAmb"):
            self.assertEqual(int(seen["status"][field], 16), 0, field)
        self.assertEqual(seen["status"]["NoNewPrivs"], "1")
        offset = 100000 if init["Uid"].startswith("100000") else 0
        for field in ("Uid", "Gid"):
            self.assertEqual([int(number) + offset for number in seen["status"][field].split()],
                             [int(number) for number in init[field].split()], field)

    def check_executable(self, seen):
        """I4"""
        self.assertGreater(len(seen["executable"]), 8)
        for attempt, result in seen["executable"].items():
            self.assertIn(result, UNCHANGED, f"{attempt} on the executable, {seen['phase']}")

    def check_unreachable(self, seen):
        """I2"""
        attempts = dict(seen["attempts"])
        links = attempts.pop("links of descriptors")
        self.assertGreater(len(attempts), 15)
        for attempt, result in attempts.items():
            self.assertIn(result, DENIED, f"{attempt}, handler named {seen['name']}")
        self.assertFalse([target for target in links.values() if target])

    def crash_held(self, container, *options, **more):
        """A lease on the handler's program holds the handler between clone and exec."""
        container.shell("cp /bin/report /tmp/handler")
        return self.watch(container, "--lease=/tmp/handler", *options, "/bin/crash", **more)


class Attacks(Attack):
    harmless = {"pidfd"}

    def test_handler_cannot_be_reached_before_its_exec(self):
        self.start_policy()
        container = self.make()
        seen, = self.told(self.crash_held(container))
        self.assertEqual(seen["phase"], "held")
        self.assertNotEqual(seen["name"], "handler", "it was seen after its exec")
        self.check_rights(seen, container)
        self.check_unreachable(seen)
        self.check_executable(seen)

    def test_handler_out_of_the_vault_cannot_be_changed(self):
        self.start_policy(do="[save-core]")
        container = self.make()
        phases = self.told_of("core", container, "/bin/crash", "--memory=24", "--data=random")
        for seen in phases:
            self.check_executable(seen)
        for seen in (seen for seen in phases if seen["phase"] == "running"):
            self.check_rights(seen, container)
            if seen["name"] != "core":
                self.check_unreachable(seen)

    def test_launcher_as_its_own_handler_cannot_be_changed_by_a_link(self):
        self.check_launcher_as_handler("ln -s /proc/self/exe /tmp/handler")

    def test_launcher_as_its_own_handler_cannot_be_changed_by_a_script(self):
        self.check_launcher_as_handler("printf '#!/proc/self/exe' >/tmp/handler; chmod 755 /tmp/handler")

    def check_launcher_as_handler(self, make_handler):
        daemon, container = self.start_policy(), self.make()
        container.shell(make_handler)
        launcher = daemon.launcher()
        for _ in range(20):  # it does not run for long
            ended = self.watch(container, "/bin/crash").wait(60)
            phases = [json.loads(line) for line in ended.output.splitlines()] if ended.status == 0 else []
            for seen in phases:
                self.check_executable(seen)
            names = [seen.get("name") for seen in phases]
            if "handler" in names:
                break
        self.assertIn("handler", names, "the attacker did not see the handler after its exec")
        self.assertEqual(daemon.launcher(), launcher)

    def test_handler_of_the_attacker_finds_nothing_to_use(self):
        self.start_policy("[/bin/attacker, handler, /tmp/attempts]", "[save-core, other]")
        container = self.make()
        daemon = self.daemon
        launcher, broker = daemon.launcher(), daemon.broker()
        ended = container.run("/bin/crash")
        *_, outcome = daemon.wait_for_event(ended.host_pid)
        self.assertEqual(outcome["outcome"], "handled")
        tried = json.loads(container.path("/tmp/attempts").read_text())
        self.assertEqual(sorted(tried["descriptors"]), ["0", "1", "2", "3"])
        for number, attempts in tried["descriptors"].items():
            self.assertEqual((attempts["kind"], attempts["reopen"], attempts["open what is above it"]),
                             ("socket", "ENXIO", "ENOTDIR"), f"descriptor {number}")
            for attempt, result in attempts["peer"].items():
                if attempt not in self.harmless:
                    self.assertNotEqual(result, "SUCCESS", f"{attempt} on the peer of {number}")
        self.assertIn(tried["key"], ("ENOKEY", "EPERM"))
        self.assertEqual(tried["rekey the parent"], "EPERM")
        # Whoever was in its process group has been told to end: nobody of ours.
        self.assertEqual(tried["signal the group"], "SUCCESS")
        again = container.run("/bin/crash")
        *_, outcome = daemon.wait_for_event(again.host_pid)
        self.assertEqual(outcome["outcome"], "handled")
        self.assertEqual((daemon.launcher(), daemon.broker()), (launcher, broker))

    def start(self, *arguments, **more):
        self.daemon = super().start(*arguments, **more)
        return self.daemon


class AttacksInHostsProcesses(Attacks):
    """Root of the host that may send signals has always been able to, in whatever mounts it is."""

    harmless = {"pidfd", "signal"}
    # These wait for a process that is the container's from its first moment on.
    test_handler_out_of_the_vault_cannot_be_changed = None
    test_launcher_as_its_own_handler_cannot_be_changed_by_a_link = None
    test_launcher_as_its_own_handler_cannot_be_changed_by_a_script = None

    def test_handler_cannot_be_reached_before_its_exec(self):
        daemon, container = self.start_policy(), self.make()
        phases = self.told(self.crash_held(container, f"--parent={daemon.launcher()}"))
        self.assertEqual([seen["phase"] for seen in phases], ["held"] * len(phases))
        self.assertEqual(len(phases), 2, "stage 1 and the handler")
        for seen in phases:
            self.check_rights(seen, container)
            self.check_unreachable(seen)
            self.check_executable(seen)


class PrivilegedAttacks(Attack):
    """I3"""

    def reach(self, *options):
        """What the attacker saw of the handler that he reached, and how many tasks of ours there were then."""
        daemon, container = self.start_policy(), self.make()
        running = self.crash_held(container, *options, "--wait", stdin=subprocess.PIPE)
        launcher = daemon.launcher()
        line = running.process.stdout.readline()
        alive = [pid for pid in children_of(launcher) if status_of(pid)["State"][0] != "Z"]
        running.process.stdin.close()
        running.process.stdin = None
        self.assertEqual(running.wait(60).status, 0, f"the attacker saw no handler: {line}")
        seen = json.loads(line)
        self.assertEqual((seen["phase"], seen["attempts"]["seize"]), ("held", "SUCCESS"), "he was to reach it")
        return seen, alive, container

    def test_handler_that_is_reached_before_its_exec_has_nothing_to_give(self):
        seen, alive, container = self.reach()
        # Stage 1, which is in the host's PID namespace, has ended: it shares no memory with whom he has reached.
        self.assertEqual(len(alive), 1, "stage 1 is still there")
        self.check_rights(seen, container)
        self.check_executable(seen)
        links = seen["attempts"]["links of descriptors"]
        self.assertEqual(sorted(links), ["0", "1", "2", "3", "5"])
        for target in links.values():
            self.assertRegex(target, r"^socket:\[\d+\]$")

    def test_memory_that_is_reached_says_nothing_of_others(self):
        seen, *_ = self.reach(f"--search={SECRET}")
        self.assertEqual(seen["secret"], "")


def add_cases(base, kinds):
    for name, kind in kinds.items():
        globals()[name] = type(name, (base,), {"kind": kind, "__module__": __name__})


add_cases(Attacks, KINDS)
add_cases(AttacksInHostsProcesses, IN_HOST_S_PROCESSES)
add_cases(PrivilegedAttacks, PRIVILEGED)
del Attack, Attacks, AttacksInHostsProcesses, PrivilegedAttacks

if __name__ == "__main__":
    unittest.main()
