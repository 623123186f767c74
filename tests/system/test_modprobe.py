# SPDX-License-Identifier: Apache-2.0
"""Who asks for a module is known, and gets what the policy says; nobody else is kept from his."""

import os
import signal
import subprocess
import unittest

from upcalltest import kernel, modules, paths
from upcalltest.case import SystemTest
from upcalltest.daemon import fields

POLICY = """\
version: 1
containers: {demo: {anonymous: true}}
rules:
  - {name: another one, on: modprobe, when: {alias: fs-old}, do: {load: new}}
  - {name: demo may, on: modprobe, when: {container: demo, alias: "net-*"}, do: pass}
  - {name: demo may not, on: modprobe, when: {container: "*"}, do: deny}
"""


class Modprobe(SystemTest):
    def start_with_stock(self, policy=POLICY, script="exit 0"):
        self.stock = modules.Stock(self.directory, script)
        daemon = self.start(policy)
        self.stock.stand_in(daemon)
        return daemon

    def crash_on_host(self):
        process = subprocess.Popen([paths.VICTIMS / "crash"])
        self.addCleanup(process.kill)
        return process

    def lines(self, daemon, count, *parts):
        """The first `count` log lines that hold all of `parts`."""
        found = []

        def collect(line):
            found.extend([line] if all(part in line for part in parts) else [])
            return len(found) >= count

        daemon.log.wait_for(collect, 120, f"{count} times {parts}")
        return found

    def decided(self, daemon, pid):
        decided = fields(daemon.wait_for(" kind=modprobe ", f"pid={pid} ", "action="))
        return decided, fields(daemon.wait_for(f"event={decided['event']} ", "outcome="))


class Decisions(Modprobe):
    def test_container_is_denied_what_the_policy_denies_it(self):
        daemon, container = self.start_with_stock(), self.container()
        modules.ask_by_crashes(daemon, "fs-xfs")
        crash = container.run("/bin/crash")
        decided, ended = self.decided(daemon, crash.host_pid)
        self.assertEqual((decided["container"], decided["rule"], decided["alias"], decided["origin"]),
                         ("demo", "demo may not", "fs-xfs", "user"))
        self.assertEqual((ended["outcome"], self.stock.calls()), ("rejected", []))

    def test_container_gets_what_the_policy_grants_it(self):
        daemon, container = self.start_with_stock(), self.container()
        modules.ask_by_crashes(daemon, "net-pf-21")
        crash = container.run("/bin/crash")
        self.assertEqual(self.decided(daemon, crash.host_pid)[1]["outcome"], "passed")
        self.assertEqual(self.stock.calls(), ["-q -- net-pf-21"])

    def test_container_cannot_leave_its_rules_by_ceasing_to_be_dumpable(self):
        daemon, container = self.start_with_stock(), self.container()
        modules.ask_by_crashes(daemon, "fs-xfs")
        kernel.write("fs/suid_dumpable", 2)
        self.addCleanup(kernel.write, "fs/suid_dumpable", 0)
        crash = container.run("/bin/crash", "--setuid=1000")
        decided, ended = self.decided(daemon, crash.host_pid)
        self.assertEqual((decided["container"], ended["outcome"]), ("demo", "rejected"))

    def test_host_has_the_stock_helper_with_the_same_arguments(self):
        daemon = self.start_with_stock()
        modules.ask_by_crashes(daemon, "fs-xfs")
        crash = self.crash_on_host()
        decided, ended = self.decided(daemon, crash.pid)
        self.assertEqual((decided["verdict"], decided["rule"], ended["outcome"]), ("host", "defaults", "passed"))
        self.assertEqual(self.stock.calls(), ["-q -- fs-xfs"])

    def test_another_module_is_loaded_where_the_policy_names_one(self):
        daemon = self.start_with_stock()
        modules.ask_by_crashes(daemon, "fs-old")
        crash = self.crash_on_host()
        self.assertEqual(self.decided(daemon, crash.pid)[0]["action"], "load")
        self.assertEqual(self.stock.calls(), ["-q -- new"])

    def test_whom_the_kernel_did_not_start_is_unknown_and_denied(self):
        daemon = self.start_with_stock()
        done = subprocess.run([modules.helper(daemon), "-q", "--", "fs-xfs"], timeout=30, check=False)
        self.assertEqual((done.returncode, self.stock.calls()), (1, []))
        decided = fields(daemon.wait_for(" kind=modprobe ", "action="))
        self.assertEqual((decided["origin"], decided["action"]), ("unknown", "reject"))

    def test_parallel_requests_are_each_their_own_containers(self):
        names = [f"c{i}" for i in range(4)]
        selectors = ", ".join(f'{name}: {{cgroup: "**/upcall-test-{name}-*"}}' for name in names)
        daemon = self.start_with_stock(POLICY.replace("demo: {anonymous: true}", "demo: {runtime: none}, " + selectors))
        containers = {name: self.container(name=name) for name in names}
        modules.ask_by_crashes(daemon, "fs-xfs")
        running = [containers[name].start("/bin/crash", f"--comm={name}") for _ in range(10) for name in names]
        host = self.crash_on_host()
        for process in running:
            process.wait(120)
        self.assertEqual(self.decided(daemon, host.pid)[1]["outcome"], "passed")
        decisions = [fields(line) for line in self.lines(daemon, 40, " kind=modprobe ", " container=")]
        self.assertEqual([one["container"] for one in decisions], [one["comm"] for one in decisions])
        self.assertEqual({one["action"] for one in decisions}, {"reject"})
        self.assertEqual(self.stock.calls(), ["-q -- fs-xfs"])


class Bounds(Modprobe):
    def test_container_has_its_share_and_the_host_is_served_meanwhile(self):
        fifo = os.path.join(self.directory, "fifo")
        os.mkfifo(fifo)
        daemon = self.start_with_stock(script=f'[ "$3" = fs-xfs ] || read -r line <{fifo}')
        container = self.container()
        modules.ask_by_crashes(daemon, "net-pf-21")
        crashes = [container.start("/bin/crash") for _ in range(12)]
        self.lines(daemon, 4, "outcome=busy")
        modules.ask_by_crashes(daemon, "fs-xfs")
        host = self.crash_on_host()
        self.assertEqual(self.decided(daemon, host.pid)[1]["outcome"], "passed")
        with open(fifo, "w", encoding="ascii") as wake:
            wake.write(8 * "\n")  # each takes one
            wake.flush()
            for crash in crashes:
                crash.wait(60)
        self.assertEqual(len(self.lines(daemon, 9, "outcome=passed")), 9)


class WaysOut(Modprobe):
    def test_trace_is_removed_at_the_end(self):
        daemon = self.start_with_stock()
        self.assertTrue(modules.trace_instance())
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(modules.trace_instance())

    def test_trace_is_removed_when_upcalld_is_killed(self):
        daemon = self.start_with_stock()
        others = [daemon.broker(), daemon.launcher()]
        daemon.stop(signal.SIGKILL)
        daemon.wait_for_all_to_end(others)
        self.assertFalse(modules.trace_instance())

    def test_without_rules_nothing_is_traced(self):
        daemon = self.start("version: 1\n")
        self.assertFalse(modules.trace_instance())
        self.assertFalse((daemon.directory / "run" / "modprobe.socket").exists())

    def test_what_all_three_left_when_killed_goes_where_no_rules_are_left(self):
        before = modules.setting()
        daemon = self.start_with_stock()
        programs = [daemon.process.pid, daemon.launcher(), daemon.broker()]
        for how in (signal.SIGSTOP, signal.SIGKILL):  # so that none sees another one die
            for program in programs:
                os.kill(program, how)
        daemon.wait_for_all_to_end(programs)
        self.assertTrue(modules.trace_instance())
        self.start("version: 1\n")
        self.assertFalse(modules.trace_instance())
        self.assertEqual(modules.setting(), before)

    def test_stock_helper_stands_in_for_a_broker_that_is_gone(self):
        daemon = self.start_with_stock()
        daemon.stop()
        done = subprocess.run([modules.helper(daemon), "-q", "--", "fs-xfs"], timeout=30, check=False)
        self.assertEqual((done.returncode, self.stock.calls()), (0, ["-q -- fs-xfs"]))

    def test_nothing_stands_in_where_the_policy_says_so(self):
        daemon = self.start_with_stock(POLICY + "defaults: {modprobe_absent: deny}\n")
        daemon.stop()
        done = subprocess.run([modules.helper(daemon), "-q", "--", "fs-xfs"], timeout=30, check=False)
        self.assertEqual((done.returncode, self.stock.calls()), (1, []))


if __name__ == "__main__":
    unittest.main()
