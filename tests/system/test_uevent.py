# SPDX-License-Identifier: Apache-2.0
"""Uevents of the real kernel, and of those who imitate it."""

import json
import os
import signal
import subprocess
import sys
import unittest

from upcalltest import uevents
from upcalltest.case import SystemTest
from upcalltest.daemon import fields

RULES = """\
version: 1
handlers:
  tell: {run: [/bin/sh, -c, 'echo told "$UPCALL_ACTION" "$UPCALL_CLASS" "$0"', "{uevent_interface}"], in: host}
  document: {run: [/bin/sh, -c, 'cat <&3'], in: host, user: "65534:65534"}
  wait: {run: [/bin/sh, -c, 'read line <"$0"; echo "$UPCALL_ACTION"', DIRECTORY/gate], in: host}
rules:
  - {name: renamed, on: uevent, when: {subsystem: net, devpath: "/devices/virtual/net/PREFIXw*"}, do: wait}
  - {name: described, on: uevent, when: {subsystem: net, action: add, env: {INTERFACE: "PREFIXd*"}}, do: document}
  - {name: by address, on: uevent, when: {subsystem: net, attr: {address: "02:75:*", subsystem: net}}, do: tell}
  - {name: devices, on: uevent, when: {subsystem: net, action: [add, remove], devpath: "/**/PREFIX*"}, do: tell}
  - {name: of the kernel, on: uevent, when: {subsystem: mem}, do: tell}
  - {name: written, on: uevent, when: {subsystem: mem, class: synthetic, env: {SYNTH_ARG_BY: test}}, do: tell}
"""
FORGE = """\
import sys
sys.path.insert(0, sys.argv[1])
from upcalltest import uevents
try:
    uevents.send_raw(uevents.text_of("add", "/devices/virtual/net/" + sys.argv[2]))
    print("sent")
except OSError as refusal:
    print(refusal.strerror)
"""
# Who makes himself these namespaces, and what comes of his sending: in a user namespace alone he has no say in the host's network.
FORGERS = {("--net", "--user", "--map-root-user"): "sent", ("--user", "--map-root-user"): "Operation not permitted", ("--net",): "sent"}
BURST = 20_000


class Uevent(SystemTest):
    def setUp(self):
        super().setUp()
        self.prefix = uevents.new_prefix()

    def start_with_rules(self, *options):
        policy = RULES.replace("PREFIX", self.prefix).replace("DIRECTORY", self.directory)
        return self.start(policy, *options)

    def monitor(self, *options):
        monitor = uevents.Monitor(self.directory, *options)
        self.addCleanup(monitor.close)
        return monitor

    def marked(self, monitor):
        """A mark that the monitor has seen: it is there, and so is all before."""
        mark = uevents.mark()
        monitor.wait_for(mark)
        return mark

    def device(self, name, *options):
        """A new network device of that name; it is gone at the end."""
        uevents.add_pair(self, self.prefix + name, *options)
        return self.prefix + name

    def handled(self, daemon, *parts):
        """The fields of the decision on an event whose line holds `parts`, once it has been handled."""
        decided = fields(daemon.wait_for("kind=uevent", *parts))
        daemon.wait_for(f"event={decided['event']} ", "outcome=handled")
        return decided

    def test_handler_is_told_what_the_kernel_says(self):
        daemon = self.start_with_rules()
        name = self.device("d")
        decided = self.handled(daemon, f'devpath="/devices/virtual/net/{name}"')
        self.assertEqual((decided["class"], decided["uevent"], decided["rule"]), ("kernel", "add", "described"))
        said = fields(daemon.wait_for(f"event={decided['event']} ", "handler=document"))["output"]
        document = json.loads(said)
        self.assertEqual((document["event"], document["action"], document["class"]), ("uevent", "add", "kernel"))
        self.assertEqual(document["variables"]["INTERFACE"], name)

    def test_variables_are_arguments(self):
        daemon = self.start_with_rules()
        name = self.device("t")
        daemon.wait_for("handler=tell", f'output="told add kernel {name}"')
        uevents.ip("link", "del", name)
        daemon.wait_for("handler=tell", f'output="told remove kernel {name}"')

    def test_events_of_a_device_keep_their_order_and_others_do_not_wait(self):
        os.mkfifo(os.path.join(self.directory, "gate"))
        # For both, so that no opening waits for the other end, and no reader comes to an end by one that closes.
        gate = open(os.path.join(self.directory, "gate"), "r+b", buffering=0)
        self.addCleanup(gate.close)
        daemon = self.start_with_rules()
        name = self.device("w")
        added = fields(daemon.wait_for("kind=uevent", f'/{name}"', 'uevent="add"'))
        uevents.ip("link", "set", name, "name", name + "2")
        moved = fields(daemon.wait_for("kind=uevent", f'/{name}2"', 'uevent="move"'))
        other = self.device("o")
        self.handled(daemon, f'/{other}"')
        self.assertFalse([line for line in daemon.log.seen if "outcome=" in line and
                          fields(line)["event"] in (added["event"], moved["event"])])
        gate.write(b"go\n")
        daemon.wait_for(f"event={added['event']} ", "outcome=handled")
        gate.write(b"go\n" * 8)
        daemon.wait_for(f"event={moved['event']} ", "handler=wait", 'output="move"')
        self.release(daemon)

    def test_rule_asks_for_an_attribute_of_the_device(self):
        daemon = self.start_with_rules()
        for name, address, rule in (("a", "02:75:00:00:00:01", "by address"), ("b", "02:76:00:00:00:01", "devices")):
            name = self.device(name, "address", address)
            self.assertEqual(self.handled(daemon, f'/{name}"', 'uevent="add"')["rule"], rule)
            # One that goes has none.
            uevents.ip("link", "del", name)
            self.assertEqual(self.handled(daemon, f'/{name}"', 'uevent="remove"')["rule"], "devices")

    def release(self, daemon):
        """Whatever still waits at the gate ends with the daemon."""
        daemon.stop(signal.SIGKILL)

    def test_what_was_written_to_a_uevent_file_needs_a_rule_that_says_so(self):
        daemon = self.start_with_rules()
        uevents.change_null_device(line=b"change 01234567-89ab-cdef-0123-456789abcdef BY=nobody")
        uevents.change_null_device(line=b"change 01234567-89ab-cdef-0123-456789abcdef BY=test")
        decided = self.handled(daemon, 'devpath="/devices/virtual/mem/null"')
        self.assertEqual((decided["class"], decided["rule"]), ("synthetic", "written"))

    def write_from_container(self, by, sysfs, prepare="", **options):
        """Root of a container of crun with all capabilities writes as test_what_was_written does, at its `sysfs`."""
        container = self.oci("crun", capabilities="all", **options)
        file = uevents.NULL_DEVICE.replace("/sys", sysfs)
        line = f"change 01234567-89ab-cdef-0123-456789abcdef BY={by}"
        return container.run("/bin/sh", "-c", f"{prepare} echo '{line}' >{file}")

    def test_what_a_container_wrote_to_a_device_of_the_hosts_needs_a_rule_that_says_so(self):
        daemon, monitor = self.start_with_rules(), self.monitor("--json")
        monitor.wait_until_heard()
        first = self.marked(monitor)
        for by in ("nobody", "test"):
            ended = self.write_from_container(by, "/sys", "mount -t sysfs none /sys &&")
            self.assertEqual((ended.status, ended.output), (0, ""))
        heard = monitor.between(first, self.marked(monitor))
        self.assertEqual([(one["class"], one["rule"]) for one in heard if one.get("subsystem") == "mem"],
                         [("synthetic", None), ("synthetic", "written")])
        self.handled(daemon, 'devpath="/devices/virtual/mem/null"')
        self.assertEqual(len([line for line in daemon.log.seen if "handler=tell" in line]), 1)

    def test_root_of_a_user_namespace_cannot_write_to_a_device_of_the_hosts(self):
        daemon = self.start_with_rules()
        ended = self.write_from_container("test", "/hosts-sys", user_namespace=True, binds=[("/sys", "/hosts-sys")])
        self.assertIn("Permission denied", ended.output)
        uevents.change_null_device(line=b"change 01234567-89ab-cdef-0123-456789abcdef BY=test")
        self.handled(daemon, 'devpath="/devices/virtual/mem/null"')
        self.assertEqual(len([line for line in daemon.log.seen if "/mem/null" in line]), 1)

    def test_imitations_reach_no_handler(self):
        daemon, forged = self.start_with_rules(), self.prefix + "f"
        monitor = self.monitor("--json")
        devpath = f"/devices/virtual/net/{forged}"
        monitor.wait_until_heard()
        first = self.marked(monitor)
        uevents.send_raw(uevents.text_of("add", devpath))
        uevents.send_raw(uevents.text_of("add", devpath), groups=2)
        uevents.inject(uevents.text_of("add", devpath))
        for namespaces, outcome in FORGERS.items():
            done = subprocess.run(["unshare", *namespaces, sys.executable, "-B", "-c", FORGE, os.path.dirname(__file__), forged],
                                  check=True, stdout=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual(done.stdout, outcome + "\n", namespaces)
        last = self.marked(monitor)
        heard = [one for one in monitor.between(first, last) if one.get("devpath") == devpath]
        # Of the six only what came from this network namespace was heard at all.
        self.assertEqual([(one["class"], one["rule"]) for one in heard], [("user", None), ("injected", None)])
        self.assertEqual([one["sender"] for one in heard], [os.getpid()] * 2)
        real = self.device("t")
        self.handled(daemon, f'/{real}"')
        self.assertFalse([line for line in daemon.log.seen if forged + '"' in line])

    def test_burst_is_heard_to_the_last_event(self):
        daemon = self.start_with_rules()
        uevents.change_null_device(BURST)
        uevents.change_null_device(line=b"change 01234567-89ab-cdef-0123-456789abcdef BY=test")
        self.handled(daemon, 'devpath="/devices/virtual/mem/null"')
        daemon.stop()
        counted = fields(next(line for line in daemon.log.all() if "uevents heard:" in line))
        self.assertEqual((counted["synthetic"], counted["dropped"]), (str(BURST + 1), "0"))

    def test_loss_is_counted_exactly_and_made_up_for(self):
        gone = self.device("g")
        daemon = self.start_with_rules("--uevent-buffer=1")
        monitor, listener = self.monitor("--json"), uevents.Listener()
        self.addCleanup(listener.close)
        monitor.wait_until_heard()
        first = self.marked(monitor)
        os.kill(daemon.broker(), signal.SIGSTOP)
        try:
            uevents.change_null_device(300)
            uevents.ip("link", "del", gone)
            came = self.device("c")
        finally:
            os.kill(daemon.broker(), signal.SIGCONT)
        monitor.wait_for('"lost"', '"kernel"')
        self.handled(daemon, f'/{came}"', "class=resync", 'uevent="add"')
        self.handled(daemon, f'/{gone}"', "class=resync", 'uevent="remove"')
        last = self.marked(monitor)
        told = monitor.between(first, last)
        # What the monitor itself lost is of the look at all devices, which comes at once.
        lost = sum(one["lost"] for one in told if one.get("by") == "kernel")
        heard = sum("lost" not in one and one["class"] != "resync" for one in told)
        self.assertGreater(lost, 250)
        self.assertEqual(heard + lost, listener.count_between(first, last))

    def test_without_a_rule_the_kernel_tells_us_nothing_until_somebody_watches(self):
        before = uevents.joined_sockets()
        self.start("version: 1\n")
        self.assertEqual(uevents.joined_sockets(), before)
        monitor = self.monitor()
        monitor.wait_until_heard("/devices/virtual/mem/null (mem)")
        name = self.device("m")
        line = monitor.wait_for(f"/devices/virtual/net/{name} ")
        self.assertTrue(line.startswith("kernel    add     "), line)
        self.assertEqual(uevents.joined_sockets(), before + 1)
        monitor.process.terminate()
        monitor.process.wait(timeout=30)
        for _ in range(600):
            if uevents.joined_sockets() == before:
                break
            subprocess.run(["sleep", "0.05"], check=True)
        self.assertEqual(uevents.joined_sockets(), before)


if __name__ == "__main__":
    unittest.main()
