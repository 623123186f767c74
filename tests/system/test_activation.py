# SPDX-License-Identifier: Apache-2.0
"""Listening sockets that somebody else holds. Only the kernel's own socket: its pipe ends with the shim."""

import os
import pathlib
import shutil
import socket
import sys
import unittest

from upcalltest import kernel
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

    def listening_sockets(self):
        os.makedirs(os.path.join(self.directory, "run"), mode=0o700, exist_ok=True)
        sockets = []
        for name, kind in (("coredump", socket.SOCK_STREAM), ("shim", socket.SOCK_SEQPACKET)):
            listener = socket.socket(socket.AF_UNIX, kind)
            listener.bind(os.path.join(self.directory, "run", f"{name}.socket"))
            listener.listen(4096)
            self.addCleanup(listener.close)
            sockets.append(listener)
        return sockets

    def start_activated(self, sockets):
        descriptors = [str(listener.fileno()) for listener in sockets]
        prefix = [sys.executable, "-c", ACTIVATE, str(len(sockets)), *descriptors]
        daemon = self.launch(POLICY, prefix=prefix, passed=[s.fileno() for s in sockets],
                             environment={**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "coredump:shim"})
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
