# SPDX-License-Identifier: Apache-2.0
"""Uevents of containers' own network devices: handled in the container whose device it is, and nowhere else."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import unittest

from upcalltest import tenants, uevents
from upcalltest.case import SystemTest
from upcalltest.container import namespaces_of
from upcalltest.daemon import fields
from upcalltest.tenants import Tenants

POLICY = tenants.POLICY + """\
  host: {{run: [/bin/true], in: host}}
rules:
  - {{name: by address, on: uevent, when: {{container: gold, subsystem: net, attr: {{address: "02:75:*"}}}}, do: tell}}
  - {{name: own, on: uevent, when: {{container: gold, subsystem: net, action: [add, remove], env: {{INTERFACE: "{prefix}*"}}}}, do: tell}}
  - {{name: of the host, on: uevent, when: {{subsystem: net, env: {{INTERFACE: "{prefix}*"}}}}, do: host}}
defaults: {{coredump: reject}}
"""


# More than the kernel keeps of them.
FLOOD = """\
import os, subprocess
subprocess.run(["mount", "-t", "sysfs", "none", "/sys"], check=True)
uevent = os.open("/sys/class/net/lo/uevent", os.O_WRONLY)
for _ in range(100_000):
    os.write(uevent, b"change")
"""


def forge_inside(container, text):
    """By way of the kernel and past it, with all rights over the container's user and network namespaces."""
    child = os.fork()
    if child == 0:
        for kind in ("user", "net"):
            with open(f"/proc/{container.init}/ns/{kind}", "rb") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0) != 0:
                    os._exit(ctypes.get_errno())
        uevents.inject(text)
        uevents.send_raw(text)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Networks(Tenants, SystemTest):
    def setUp(self):
        super().setUp()
        self.prefix = uevents.new_prefix()

    def start_with_rules(self, *heard):
        daemon = self.start(POLICY.format(directory=self.directory, kind="net", prefix=self.prefix))
        for container in heard:
            self.wait_until_heard(daemon, container)
        return daemon

    @staticmethod
    def wait_until_heard(daemon, container):
        daemon.wait_for(f'devices of container "{container.name}" are heard')

    @staticmethod
    def inside(container, *command):
        """In the container's user and network namespaces, which are all that a device needs."""
        users = ["--user"] * container.options.user_namespace
        subprocess.run(["nsenter", f"--target={container.init}", *users, "--net", *command], check=True, timeout=60)

    def device(self, container, name, action="add", options=()):
        more = [*options, "type", "veth", "peer", "name", f"p{name}"] if action == "add" else []
        self.inside(container, "ip", "link", action, name, *more)

    def handled(self, daemon, name, action, rule="own"):
        decided = fields(daemon.wait_for("kind=uevent", f'uevent="{action}"', f'net/{name}"', f'rule="{rule}"'))
        return decided, fields(daemon.wait_for(f"event={decided['event']} ", "outcome="))["outcome"]

    def test_device_of_a_container_starts_its_own_handler(self):
        gold = self.make("runc", "gold", user_namespace=True)
        twin, other = self.make("crun", "gold"), self.make("runc", "bronze", user_namespace=True)
        daemon = self.start_with_rules(gold, twin)
        for container in (other, twin):
            self.device(container, f"{self.prefix}x")
        self.device(gold, f"{self.prefix}a")
        self.device(gold, f"{self.prefix}a", "del")
        decided, outcome = self.handled(daemon, f"{self.prefix}a", "remove")
        self.assertEqual((decided["class"], decided["container"], outcome), ("kernel", "gold", "handled"))
        network = namespaces_of(gold.init)["net"]
        self.assertEqual(self.told(gold), [f"{action} {self.prefix}a gold {gold.name} {network} 0" for action in ("add", "remove")])
        self.handled(daemon, f"{self.prefix}x", "add")
        self.assertEqual(self.told(twin), [f"add {self.prefix}x gold {twin.name} {namespaces_of(twin.init)['net']} 0"])
        self.assertEqual(self.told(other), [])
        # None of it was the host's.
        self.assertFalse([line for line in daemon.log.seen if 'rule="of the host"' in line])

    def test_devices_that_a_container_has_already_are_told_once(self):
        gold, bronze = (self.make("runc", tenant, user_namespace=True) for tenant in ("gold", "bronze"))
        for container in (gold, bronze):
            self.device(container, f"{self.prefix}e")
        daemon = self.start_with_rules(gold)
        decided, outcome = self.handled(daemon, f"{self.prefix}e", "add")
        self.assertEqual((decided["class"], decided["container"], outcome), ("resync", "gold", "handled"))
        self.device(gold, f"{self.prefix}l")
        self.assertEqual(self.handled(daemon, f"{self.prefix}l", "add")[0]["class"], "kernel")
        self.assertEqual([line.split()[:2] for line in self.told(gold)],
                         [["add", f"{self.prefix}{name}"] for name in "el"])
        self.assertEqual(self.told(bronze), [])

    def test_attributes_are_those_of_the_container_s_device(self):
        gold = self.make("crun", "gold", user_namespace=True)
        early, late, host = (f"{self.prefix}{name}" for name in ("e", "l", "o"))
        self.device(gold, early, options=("address", "02:75:00:00:00:01"))
        daemon = self.start_with_rules(gold)
        self.assertEqual(self.handled(daemon, early, "add", "by address")[0]["class"], "resync")
        self.device(gold, late, options=("address", "02:75:00:00:00:02"))
        self.assertEqual(self.handled(daemon, late, "add", "by address")[0]["class"], "kernel")
        # One of that name in the host's network has another address.
        uevents.add_pair(self, host, "address", "02:75:00:00:00:03")
        self.device(gold, host, options=("address", "02:76:00:00:00:01"))
        self.assertEqual(self.handled(daemon, host, "add")[0]["container"], "gold")

    def test_what_the_kernel_had_to_drop_is_made_up_for(self):
        flooding, gold = self.make("crun", "gold"), self.make("runc", "gold", user_namespace=True)
        gone, came, stays = (f"{self.prefix}{name}" for name in "gcs")
        for name in (gone, stays):
            self.device(gold, name)
        daemon = self.start_with_rules(flooding, gold)
        self.handled(daemon, stays, "add")
        os.kill(daemon.broker(), signal.SIGSTOP)
        try:
            self.inside(flooding, "unshare", "--mount", sys.executable, "-B", "-c", FLOOD)
            self.device(gold, gone, "del")
            self.device(gold, came)
        finally:
            os.kill(daemon.broker(), signal.SIGCONT)
        daemon.wait_for("of containers' devices: the kernel dropped")
        for action, name in (("remove", gone), ("add", came)):
            decided, outcome = self.handled(daemon, name, action)
            self.assertEqual((decided["class"], outcome), ("resync", "handled"))
        self.assertEqual(sorted(line.split()[:2] for line in self.told(gold)),
                         sorted([["add", gone], ["add", stays], ["remove", gone], ["add", came]]))

    def test_device_of_the_host_is_no_container_s(self):
        gold = self.make("crun", "gold")
        daemon = self.start_with_rules(gold)
        name = f"{self.prefix}h"
        uevents.add_pair(self, name)
        self.assertEqual(self.handled(daemon, name, "add", "of the host")[1], "handled")
        # Into the container: it leaves the host, and comes there.
        uevents.ip("link", "set", name, "netns", str(gold.init))
        self.assertEqual(self.handled(daemon, name, "remove", "of the host")[1], "handled")
        self.assertEqual(self.handled(daemon, name, "add")[1], "handled")
        self.assertEqual([line.split()[:2] for line in self.told(gold)], [["add", name]])

    def test_container_that_comes_later_is_heard_and_none_is_kept_alive(self):
        daemon = self.start_with_rules()
        late = self.make("crun", "gold")
        self.wait_until_heard(daemon, late)
        name = f"{self.prefix}k"
        uevents.add_pair(self, name)
        uevents.ip("link", "set", f"p{name}", "netns", str(late.init))
        self.device(late, f"{self.prefix}z")
        self.assertEqual(self.handled(daemon, f"{self.prefix}z", "add")[1], "handled")
        # With its last process its network goes, and the other end of the pair with that.
        late.close()
        self.handled(daemon, name, "remove", "of the host")

    def test_containers_of_a_pod_are_told_of_the_network_that_they_share(self):
        first = self.make("runc", "gold")
        pod = [first, *(self.make("runc", "gold", shared={"network": first.init}) for _ in range(2))]
        alone = [self.make("crun", "gold") for _ in range(2)]
        daemon = self.start_with_rules(*pod, *alone)
        for number, container in enumerate([first, *alone]):
            self.device(container, f"{self.prefix}s{number}")
        for container, number in [*((one, 0) for one in pod), (alone[0], 1), (alone[1], 2)]:
            event = fields(daemon.wait_for("handler=tell", f'id="{container.name}"'))["event"]
            daemon.wait_for(f"event={event} ", "outcome=handled")
            self.assertEqual([line.split()[1:4] for line in self.told(container)],
                             [[f"{self.prefix}s{number}", "gold", container.name]])

    def test_what_root_of_the_container_makes_up_is_not_the_kernel_s(self):
        gold = self.make("crun", "gold", user_namespace=True)
        daemon = self.start_with_rules(gold)
        forged, real = f"{self.prefix}f", f"{self.prefix}r"
        self.assertEqual(forge_inside(gold, uevents.text_of("add", f"/devices/virtual/net/{forged}")), 0)
        self.device(gold, real)
        self.assertEqual(self.handled(daemon, real, "add")[1], "handled")
        self.assertFalse([line for line in daemon.log.seen if forged in line])

    def test_monitor_says_whose_it_is(self):
        gold = self.make("crun", "gold")
        daemon = self.start_with_rules(gold)
        monitor = uevents.Monitor(self.directory, "--json")
        self.addCleanup(monitor.close)
        monitor.wait_until_heard()
        self.device(gold, f"{self.prefix}m")
        told = json.loads(monitor.lines.wait_for(lambda line: f'net/{self.prefix}m"' in line, 30))
        self.assertEqual((told["selector"], told["container"]["id"], told["rule"]), ("gold", gold.name, "own"))


if __name__ == "__main__":
    unittest.main()
