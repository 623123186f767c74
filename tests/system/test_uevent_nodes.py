# SPDX-License-Identifier: Apache-2.0
"""Nodes of devices in the /dev of the containers that a rule brings them to."""

import fcntl
import os
import pathlib
import unittest

from upcalltest import tenants
from upcalltest.case import SystemTest
from upcalltest.daemon import fields
from upcalltest.tenants import Tenants

POLICY = tenants.POLICY + """\
  node: {{run: builtin:node, with: {{mode: 0640, gid: 20}}, in: container}}
rules:
  - {{name: loops, on: uevent, when: {{subsystem: block, env: {{DEVNAME: {device}}}}}, to: gold, do: node}}
defaults: {{coredump: reject}}
"""
LOOP_CTL_ADD, LOOP_CTL_REMOVE = 0x4C80, 0x4C81
# As runtimes have it: nodes of all devices may be made, and few be used.
NONE = [{"access": "rwm", "allow": False}, *({"type": kind, "access": "m", "allow": True} for kind in "bc")]
LOOPS = {"type": "b", "major": 7, "access": "rwm", "allow": True}


class Nodes(Tenants, SystemTest):
    def setUp(self):
        super().setUp()
        if not os.path.exists("/dev/loop-control"):
            self.skipTest("this kernel has no loop devices")
        self.minor = 1000 + os.getpid() % 100000
        self.device = f"loop{self.minor}"
        self.addCleanup(self.loop, LOOP_CTL_REMOVE)

    def loop(self, what):
        control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(control, what, self.minor)
        except OSError:
            if what != LOOP_CTL_REMOVE:
                raise
        finally:
            os.close(control)

    def start_with_rules(self):
        return self.start(POLICY.format(directory=self.directory, kind="mnt", device=self.device))

    def event(self, daemon, what):
        """How the handlers of that event ended."""
        self.loop(what)
        action = "add" if what == LOOP_CTL_ADD else "remove"
        decided = fields(daemon.wait_for("kind=uevent", f'uevent="{action}"', f'/block/{self.device}"', "class=kernel"))
        return fields(daemon.wait_for(f"event={decided['event']} ", "outcome="))["outcome"]

    @staticmethod
    def dev(container):
        return pathlib.Path(f"/proc/{container.init}/root/dev")

    def node(self, container):
        return self.dev(container) / self.device

    def test_node_comes_and_goes_with_its_device(self):
        for runtime, options in (("crun", {"devices": [LOOPS]}), ("runc", {"devices": [*NONE, LOOPS]}),
                                 ("runc", {"devices": [*NONE, LOOPS], "only_unified": True})):
            with self.subTest(runtime, options=options):
                gold = self.make(runtime, "gold", **options)
                other = self.make(runtime, "silver", **options)
                daemon = self.start_with_rules()
                self.assertEqual(self.event(daemon, LOOP_CTL_ADD), "handled")
                status = self.node(gold).stat()
                self.assertTrue(self.node(gold).is_block_device())
                self.assertEqual((status.st_rdev, oct(status.st_mode & 0o7777), status.st_uid, status.st_gid),
                                 (os.makedev(7, self.minor), "0o640", 0, 20))
                # Of a device that has no medium: the cgroup has let it through.
                gold.shell(f"head -c 1 /dev/{self.device}")
                self.assertFalse(self.node(other).exists())
                self.assertEqual(self.event(daemon, LOOP_CTL_REMOVE), "handled")
                self.assertFalse(self.node(gold).exists())
                self.assertEqual([name for name in os.listdir(self.dev(gold)) if "upcalld" in name], [])
                daemon.stop()
                gold.close()
                other.close()

    def test_what_is_in_its_place_stays(self):
        gold = self.make("crun", "gold", devices=[LOOPS])
        gold.shell(f"echo mine >/dev/{self.device}")
        daemon = self.start_with_rules()
        self.assertEqual(self.event(daemon, LOOP_CTL_ADD), "failed")
        daemon.wait_for("handler=node", "File exists")
        self.assertEqual(self.event(daemon, LOOP_CTL_REMOVE), "handled")
        self.assertEqual(self.node(gold).read_text(), "mine\n")

    def test_container_gets_nothing_that_its_runtime_has_not_given_it(self):
        cgroup, root = "the container's cgroup may not use 'b 7:", "a container may not without CAP_MKNOD, in a user namespace"
        # By devices.allow of version 1, and by a BPF program under version 2.
        for runtime, why, options in (("runc", cgroup, {"devices": NONE}), ("runc", cgroup, {"devices": NONE, "only_unified": True}),
                                      ("crun", root, {"devices": [LOOPS], "capabilities": ["CAP_CHOWN", "CAP_DAC_OVERRIDE"]}),
                                      ("runc", root, {"devices": [LOOPS], "user_namespace": True})):
            with self.subTest(runtime, options=options):
                gold = self.make(runtime, "gold", **options)
                daemon = self.start_with_rules()
                outcome = self.event(daemon, LOOP_CTL_ADD)
                self.loop(LOOP_CTL_REMOVE)
                self.assertEqual(outcome, "failed")
                daemon.wait_for("handler=node", why)
                self.assertEqual([name for name in os.listdir(self.dev(gold)) if "loop" in name], [])
                daemon.stop()
                gold.close()


if __name__ == "__main__":
    unittest.main()
