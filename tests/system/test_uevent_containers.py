# SPDX-License-Identifier: Apache-2.0
"""Uevents that a rule brings to containers: to those that it names and to nobody else, and each is told in its own time."""

import os
import subprocess
import unittest

from upcalltest import tenants, uevents
from upcalltest.case import SystemTest
from upcalltest.container import namespaces_of
from upcalltest.oci import ALL
from upcalltest.daemon import fields
from upcalltest.tenants import Tenants
from upcalltest.waiting import Lines

POLICY = tenants.POLICY + """\
  forward: {{run: builtin:forward, with: {{udev: true}}, in: container}}
rules:
  - {{name: forwarded, on: uevent, when: {{subsystem: net, env: {{INTERFACE: "f{prefix}*"}}}}, to: [gold, silver], do: forward}}
  - {{name: net, on: uevent, when: {{subsystem: net, action: [add, remove], env: {{INTERFACE: "{prefix}*"}}}}, to: [gold, silver], do: tell}}
defaults: {{coredump: reject}}
"""


# In a container, of which it enters the user and network namespaces. libudev believes nobody where there is no udevd.
LISTEN = """\
mount -t tmpfs none /run && mkdir /run/udev && touch /run/udev/control &&
exec udevadm monitor --kernel --udev --subsystem-match=net
"""


class Brought(Tenants, SystemTest):
    def setUp(self):
        super().setUp()
        self.prefix = uevents.new_prefix()

    def start_with_rules(self):
        return self.start(POLICY.format(directory=self.directory, kind="mnt", prefix=self.prefix))

    def device(self, action, name=None):
        name = name or self.prefix
        if action == "add":
            uevents.add_pair(self, name)
        else:
            uevents.ip("link", action, name)

    def event(self, daemon, action):
        """One of a network device that comes or goes, once all whom it concerns have been told."""
        self.device(action)
        decided = fields(daemon.wait_for("kind=uevent", f"uevent=\"{action if action == 'add' else 'remove'}\"",
                                         f'devpath="/devices/virtual/net/{self.prefix}"'))
        return decided, fields(daemon.wait_for(f"event={decided['event']} ", "outcome="))

    def actions(self, container):
        return [line.split()[0] for line in self.told(container)]


class Containers(Brought):
    def test_exactly_those_that_the_rule_names_are_told(self):
        gold, silver = self.make("crun", "gold"), self.make("runc", "silver", user_namespace=True)
        other, unmarked = self.make("crun", "bronze"), self.oci("runc", state=f"{self.directory}/runc")
        daemon = self.start_with_rules()
        decided, ended = self.event(daemon, "add")
        self.assertEqual((decided["rule"], decided["class"], ended["outcome"]), ("net", "kernel", "handled"))
        self.assertEqual(self.event(daemon, "del")[1]["outcome"], "handled")
        for container, name in ((gold, "gold"), (silver, "silver")):
            place = namespaces_of(container.init)["mnt"]
            self.assertEqual(self.told(container), [f"{action} {self.prefix} {name} {container.name} {place} 0"
                                                    for action in ("add", "remove")])
        self.assertEqual((self.told(other), self.told(unmarked)), ([], []))
        self.assertFalse(os.path.exists("/tmp/told"))  # on the host

    def test_containers_that_share_their_processes_are_told_each_for_itself(self):
        pause = self.make("crun", "bronze")
        gold = self.make("crun", "gold", shared={"pid": pause.init})
        silver = self.make("runc", "silver", host_pid=True)
        daemon = self.start_with_rules()
        for action in ("add", "del"):
            self.assertEqual(self.event(daemon, action)[1]["outcome"], "handled")
        self.assertEqual([self.actions(one) for one in (pause, gold, silver)], [[], ["add", "remove"], ["add", "remove"]])

    def test_container_that_comes_later_is_told_of_what_comes_then(self):
        gold = self.make("crun", "gold")
        daemon = self.start_with_rules()
        self.event(daemon, "add")
        late = self.make("crun", "silver")
        self.event(daemon, "del")
        self.assertEqual(self.actions(gold), ["add", "remove"])
        self.assertEqual(self.actions(late), ["remove"])

    def test_nobody_waits_for_a_container_that_is_slow_and_that_loses_no_event(self):
        slow, quick = self.make("crun", "gold"), self.make("runc", "silver")
        slow.shell("mkfifo /hold")
        daemon = self.start_with_rules()
        self.device("add")
        self.device("del")
        last = fields(daemon.wait_for("kind=uevent", 'uevent="remove"', f"net/{self.prefix}"))
        daemon.wait_for(f"event={last['event']} ", "handler=tell", "status=0")
        self.assertEqual((self.actions(quick), self.actions(slow)), (["add", "remove"], []))
        for _ in range(2):
            slow.shell("echo go >/hold")
        daemon.wait_for(f"event={last['event']} ", "outcome=handled")
        self.assertEqual(self.actions(slow), ["add", "remove"])


class Forwarded(Brought):
    def listen(self, container):
        """udevadm monitor, as it runs in a container with a udevd of its own."""
        monitor = subprocess.Popen(["nsenter", f"--target={container.init}", "--user", "--net", "unshare", "--mount", "sh", "-c",
                                    LISTEN], stdout=subprocess.PIPE)
        self.addCleanup(monitor.stdout.close)
        self.addCleanup(monitor.wait, 30)
        self.addCleanup(monitor.terminate)
        lines = Lines(monitor.stdout.fileno())
        lines.wait_for(lambda line: line.startswith("UDEV - "), 30, "start of udevadm monitor")
        return lines

    def forward(self, daemon):
        name = f"f{self.prefix}"
        self.device("add", name)
        decided = fields(daemon.wait_for("kind=uevent", f"net/{name}", 'uevent="add"'))
        return name, fields(daemon.wait_for(f"event={decided['event']} ", "outcome="))["outcome"]

    def test_programs_in_the_container_hear_the_kernel_and_udev(self):
        container = self.make("crun", "gold", user_namespace=True, capabilities=ALL)
        lines = self.listen(container)
        name, outcome = self.forward(self.start_with_rules())
        self.assertEqual(outcome, "handled")
        for source in ("KERNEL", "UDEV"):
            line = lines.wait_for(lambda line, start=source: line.startswith(start) and f"net/{name} " in line, 30, source)
            self.assertIn(" add ", line)

    def test_container_that_may_not_tell_its_own_is_not_told_either(self):
        self.make("crun", "gold")
        daemon = self.start_with_rules()
        self.assertEqual(self.forward(daemon)[1], "failed")
        daemon.wait_for("handler=forward", "has no CAP_SYS_ADMIN over it")


if __name__ == "__main__":
    unittest.main()
