# SPDX-License-Identifier: Apache-2.0
"""Listening sockets that somebody else holds. Only the kernel's own socket: its pipe ends with the shim."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import unittest

from upcalltest import helpers, kernel, modules, uevents
from upcalltest.case import POLICY, SystemTest
from upcalltest.waiting import wait_readable

# Takes the place of the service manager: passes the listening sockets in its arguments on as systemd does,
# from descriptor 3. By way of high numbers, since theirs may be 3 and 4 the other way round.
ACTIVATE = """\
import fcntl, os, sys
count = int(sys.argv[1])
high = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in sys.argv[2:2 + count]]
for place, fd in enumerate(high):
    os.dup2(fd, 3 + place)
    os.close(fd)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2 + count], sys.argv[2 + count:])
"""
UEVENT_POLICY = """\
version: 1
handlers: {tell: {run: /bin/true, in: host}}
rules: [{name: null device, on: uevent, when: {subsystem: mem, class: synthetic}, do: tell}]
"""
HELPER_POLICY = """\
version: 1
rules: [{name: none, on: usermode-helper, when: {path: /none}, do: deny}]
"""


class HeldSockets(SystemTest):
    core_mode = "socket"

    def test_crashes_that_waited_are_served_by_the_next_broker(self):
        sockets = self.listening_sockets()
        first, container = self.start_activated(sockets), self.container()
        pattern = kernel.read("kernel/core_pattern")
        running = container.start("/bin/fork_storm", "--count=8", "--concurrency=8", "--memory=256")
        first.wait_for("outcome=")
        running.wait()
        first.stop()
        # Registered still, as between the death of a daemon and its restart: these wait in the backlog.
        kernel.write("kernel/core_pattern", pattern)
        waiting = container.start("/bin/crash")
        second = self.start_activated(sockets)
        ended = waiting.wait()
        *_, outcome = second.wait_for_event(ended.host_pid)
        self.assertEqual(outcome["outcome"], "handled")

    def test_uevents_that_waited_are_handled_by_the_next_broker(self):
        listener = uevents.Listener()
        self.addCleanup(listener.close)
        sockets = {**self.listening_sockets(), "uevent": listener.socket}
        self.start_activated(sockets, UEVENT_POLICY).stop()
        uevents.change_null_device(3)
        second = self.start_activated(sockets, UEVENT_POLICY)
        second.wait_for("kind=uevent", "class=synthetic", 'devpath="/devices/virtual/mem/null"')
        second.stop()
        handled = [line for line in second.log.all() if "outcome=handled" in line]
        self.assertGreaterEqual(len(handled), 3)

    def test_without_rules_no_uevents_wait_for_the_next_broker(self):
        listener = uevents.Listener()
        self.addCleanup(listener.close)
        before = uevents.joined_sockets()
        self.start_activated({**self.listening_sockets(), "uevent": listener.socket}).stop()
        self.assertEqual(uevents.joined_sockets(), before - 1)

    def test_helpers_wait_for_nobody_without_rules_on_them(self):
        sockets = self.listening_sockets(("helper", socket.SOCK_SEQPACKET))
        daemon = self.start_activated(sockets)
        stock = modules.Stock(self.directory)
        script = helpers.make_helper(daemon, stock.program)
        subprocess.run([script, "alone"], timeout=20, check=True)  # against 35 seconds in the queue
        self.assertEqual(stock.calls(), ["alone"])
        daemon.stop()
        self.start_activated(sockets, HELPER_POLICY)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as helper:
            helper.connect(sockets["helper"].getsockname())

    def listening_sockets(self, *more):
        os.makedirs(os.path.join(self.directory, "run"), mode=0o700, exist_ok=True)
        sockets = {}
        for name, kind in (("coredump", socket.SOCK_STREAM), ("shim", socket.SOCK_SEQPACKET), *more):
            listener = socket.socket(socket.AF_UNIX, kind)
            listener.bind(os.path.join(self.directory, "run", f"{name}.socket"))
            listener.listen(4096)
            self.addCleanup(listener.close)
            sockets[name] = listener
        return sockets

    def start_activated(self, sockets, policy=POLICY):
        descriptors = [held.fileno() for held in sockets.values()]
        prefix = [sys.executable, "-c", ACTIVATE, str(len(sockets)), *map(str, descriptors)]
        daemon = self.launch(policy, prefix=prefix, passed=descriptors,
                             environment={**os.environ, "LISTEN_FDS": str(len(sockets)),
                                          "LISTEN_FDNAMES": ":".join(sockets)})
        return daemon.wait_until_ready()


@unittest.skipUnless(shutil.which("systemd-socket-activate"), "systemd-socket-activate is not installed")
class Activation(SystemTest):
    core_mode = "socket"

    def test_serves_a_socket_that_it_did_not_open(self):
        run = pathlib.Path(self.directory) / "run"
        run.mkdir(mode=0o700)
        # The tool passes no descriptors on but its sockets, so readiness comes as to a service manager.
        notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(notified.close)
        notified.bind(str(run / "notify"))
        daemon = self.launch(POLICY, prefix=[
            "systemd-socket-activate", f"--listen={run / 'coredump.socket'}", "--fdname=coredump",
            f"--setenv=NOTIFY_SOCKET={run / 'notify'}"])
        daemon.wait_for("Listening on")
        # It starts its program at the first connection only; this one is not the kernel's.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as first:
            first.connect(str(run / "coredump.socket"))
            wait_readable(notified.fileno(), 15, "READY=1")
        self.assertIn(b"READY=1", notified.recv(4096))
        ended = self.container().run("/bin/crash")
        *_, outcome = daemon.wait_for_event(ended.host_pid)
        self.assertEqual(outcome["outcome"], "handled")


if __name__ == "__main__":
    unittest.main()
