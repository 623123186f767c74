# SPDX-License-Identifier: Apache-2.0
"""docs/THREAT-MODEL.md, I10: a container's cgroup that is killed, removed, full or frozen for good costs that container
its handlers, and nobody else anything."""

import contextlib
import os
import pathlib
import signal
import time
import unittest

from upcalltest.case import SystemTest
from upcalltest.daemon import children_of
from upcalltest.waiting import wait_for_end, wait_readable

POLICY = """\
version: 1
containers: {{demo: {{anonymous: true}}}}
handlers:
  hold: {{run: [/bin/sh, -c, "echo >{held}; read line <{go}; exit 1"], in: {place}, timeout: 60s}}
  report: {{run: [/bin/report, /tmp/report], in: container}}
rules:
  - {{name: inside, on: coredump, when: {{container: demo}}, do: {do}, on_failure: report}}
defaults: {{coredump: pass}}
"""


class DoomedCgroups(SystemTest):
    def start_policy(self, do="report", place="container", held="/tmp/held", go="/tmp/go"):
        return self.start(POLICY.format(do=do, place=place, held=held, go=go))

    def wait_until(self, holds, what, seconds=30):
        deadline = time.monotonic() + seconds
        while not holds():
            self.assertLess(time.monotonic(), deadline, f"no {what}")

    def open_fifo(self, path):
        os.mkfifo(path, 0o666)
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, fd)
        return fd

    def check_others(self, daemon):
        """Another container's handlers are run as ever."""
        other = self.container(name="other")
        crashed = other.run("/bin/crash")
        _, runs, _ = daemon.wait_for_event(crashed.host_pid)
        self.assertEqual((runs[-1]["handler"], runs[-1]["status"]), ("report", "0"))
        other.close()

    def kill(self, container):
        (container.cgroup / "cgroup.kill").write_text("1")
        wait_for_end(container.init, 15)

    def test_handler_ends_with_a_cgroup_that_is_killed(self):
        daemon, container = self.start_policy(do="hold"), self.container()
        container.shell("/bin/busybox mkfifo /tmp/held /tmp/go")
        held = os.open(container.path("/tmp/held"), os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, held)
        running = container.start("/bin/crash")
        wait_readable(held, 30, "handler")
        self.kill(container)
        _, runs, ended = daemon.wait_for_event(running.host_pid)
        self.assertEqual((runs[0]["end"], runs[0]["status"]), ("signalled", str(int(signal.SIGKILL))))
        self.assertEqual((runs[1]["end"], ended["outcome"]), ("not-started", "failed"))
        self.check_others(daemon)

    def test_handler_is_not_started_in_a_cgroup_that_was_removed(self):
        held, go = (pathlib.Path(self.directory) / name for name in ("held", "go"))
        held_fd, go_fd = self.open_fifo(held), self.open_fifo(go)
        daemon, container = self.start_policy("hold", "host", held, go), self.container()
        running = container.start("/bin/crash")
        wait_readable(held_fd, 30, "handler on the host")
        self.kill(container)
        self.wait_until(lambda: not container.cgroup.exists(), "removal of the cgroup")
        os.write(go_fd, b"\n")
        _, runs, ended = daemon.wait_for_event(running.host_pid)
        self.assertEqual((runs[0]["handler"], runs[0]["status"]), ("hold", "1"))
        self.assertEqual(runs[1]["end"], "not-started")
        self.assertIn(runs[1]["cause"], ("No such file or directory", "No such device"))
        self.assertEqual(ended["outcome"], "failed")
        os.read(held_fd, 16)
        os.write(go_fd, b"\n")  # for the other one
        self.check_others(daemon)

    @contextlib.contextmanager
    def init_in(self, controller):
        """A container whose init is in a cgroup of version 1 of its own, that cgroup, and a process of the container
        that is not in it and crashes when it is told to."""
        cgroup = pathlib.Path(f"/sys/fs/cgroup/{controller}/upcall-test-{os.getpid()}")
        cgroup.mkdir()
        try:
            container = self.container(name="doomed")
            container.shell("/bin/busybox mkfifo /tmp/go")
            crashing = container.start("/bin/sh", "-c", "read line </tmp/go; exec /bin/crash")
            (cgroup / "tasks").write_text(str(container.init))
            yield container, cgroup, crashing
            container.close()
        finally:
            cgroup.rmdir()

    def test_handler_is_not_started_in_a_cgroup_that_is_full(self):
        daemon = self.start_policy()
        with self.init_in("pids") as (container, cgroup, crashing):
            (cgroup / "pids.max").write_text("1")
            container.path("/tmp/go").write_text("go\n")
            _, runs, _ = daemon.wait_for_event(crashing.host_pid)
            self.assertEqual((runs[0]["end"], runs[0]["cause"]), ("not-started", "Resource temporarily unavailable"))
            self.assertEqual((cgroup / "tasks").read_text(), f"{container.init}\n")
        self.check_others(daemon)

    def test_handler_that_cannot_be_killed_is_given_up(self):
        daemon = self.start_policy()
        launcher = daemon.launcher()
        with self.init_in("freezer") as (container, cgroup, crashing):
            with self.frozen(cgroup):
                container.path("/tmp/go").write_text("go\n")
                self.wait_until(lambda: self.ours_in(cgroup, launcher), "stage 1 in the frozen cgroup")
                self.check_others(daemon)
                _, runs, ended = daemon.wait_for_event(crashing.host_pid)
                self.assertEqual((runs[0]["end"], ended["outcome"]), ("timed-out", "failed"))
                self.assertTrue(self.ours_in(cgroup, launcher), "it could be killed")
                self.check_others(daemon)
            self.wait_until(lambda: not children_of(launcher), "end of what was given up")
        self.check_others(daemon)

    @contextlib.contextmanager
    def frozen(self, cgroup):
        state = cgroup / "freezer.state"
        state.write_text("FROZEN")
        try:
            yield
        finally:
            state.write_text("THAWED")

    @staticmethod
    def ours_in(cgroup, launcher):
        return set((cgroup / "tasks").read_text().split()) & set(map(str, children_of(launcher)))


if __name__ == "__main__":
    unittest.main()
