# SPDX-License-Identifier: Apache-2.0
"""A cgroup of version 1 that becomes empty is told of as its container's; the agent that was there stays in charge of the rest."""

import os
import pathlib
import signal
import subprocess
import unittest

from upcalltest import helpers, modules, paths, waiting
from upcalltest.case import PASS_ALL, SystemTest
from upcalltest.daemon import fields

POLICY = """\
version: 1
release_agents: %s
containers:
  ours: {runtime: crun, labels: {tenant: a}}
  pods: {cgroup: "/pods/*"}
handlers:
  clean: {run: [/bin/sh, -c, 'echo "$UPCALL_EVENT $UPCALL_HELPER_ORIGIN $UPCALL_CONTAINER $0"', "{cgroup}"], in: host}
  tidy: {run: [/bin/sh, -c, "sleep 0.5"], in: host}
  linger: {run: [/bin/sh, -c, "sleep 19"], in: host}
rules:
  - {name: clean up, on: usermode-helper, when: {container: ours}, do: clean}
  - {name: nothing of pods, on: usermode-helper, when: {container: pods}, do: deny}
  - {name: jobs, on: usermode-helper, when: {cgroup: "/jobs/*"}, do: tidy}
  - {name: long jobs, on: usermode-helper, when: {cgroup: "/long/*"}, do: linger}
runtimes: {crun: [%s/run-crun]}
"""

BUSY_POLICY = """\
version: 1
release_agents: %s
handlers:
  hold: {run: [/bin/sh, -c, 'printf . >%s/begun; cat %s/end'], in: host}
  clean: {run: [/bin/true], in: host}
rules:
  - {name: dumps, on: coredump, do: hold}
  - {name: helpers, on: usermode-helper, when: {argument: held}, do: hold}
  - {name: cgroups, on: usermode-helper, when: {cgroup: "/**"}, do: clean}
"""


class ReleaseAgent(SystemTest):
    def setUp(self):
        super().setUp()
        self.hierarchy = helpers.Hierarchy(self.directory)
        self.addCleanup(self.hierarchy.close)
        self.stock = modules.Stock(self.directory)
        self.hierarchy.set_agent(self.stock.program)

    def start_here(self):
        return self.start(POLICY % (self.hierarchy.directory, self.directory))

    def decided(self, daemon, cgroup, seconds=60):
        decided = fields(daemon.wait_for(" kind=usermode-helper ", f'argument="{cgroup}"', "action="))
        return decided, fields(daemon.wait_for(f"event={decided['event']} ", "outcome=", seconds=seconds))

    def test_agent_that_was_there_is_told_of_the_hosts_own(self):
        daemon = self.start_here()
        self.hierarchy.run_in("plain", ["/bin/true"])
        decided, ended = self.decided(daemon, "/plain")
        self.assertEqual((decided["rule"], decided["origin"], ended["outcome"]), ("defaults", "kernel", "passed"))
        self.assertNotIn("container", decided)
        self.assertEqual(self.stock.calls(), ["/plain"])

    def test_handler_on_the_host_is_told_of_a_containers_cgroup(self):
        records = pathlib.Path(self.directory) / "run-crun"
        records.mkdir(mode=0o700)
        daemon = self.start_here()
        container = self.oci("crun", annotations={"tenant": "a"}, state=records)
        # Of one that is gone before its record has been looked at the kernel bears nothing out any more.
        listed = subprocess.run([paths.BIN / "upcallctl", f"--runtime-directory={self.directory}/run", "containers"],
                                capture_output=True, text=True, timeout=60, check=True).stdout
        self.assertIn(container.name, listed)
        cgroup = self.hierarchy.directory / container.name
        cgroup.mkdir()
        (cgroup / "cgroup.procs").write_text(str(container.init))
        os.kill(container.init, signal.SIGKILL)
        decided, ended = self.decided(daemon, f"/{container.name}")
        self.assertEqual((decided["container"], decided["runtime"], decided["id"], ended["outcome"]),
                         ("ours", "crun", container.name, "handled"))
        run = fields(daemon.wait_for(f"event={decided['event']} ", " handler=clean "))
        self.assertEqual(run["output"], f"usermode-helper kernel ours /{container.name}")
        self.assertEqual(self.stock.calls(), [])

    def test_containers_are_known_by_the_paths_of_the_policy(self):
        daemon = self.start_here()
        (self.hierarchy.directory / "pods").mkdir()
        self.hierarchy.run_in("pods/web", ["/bin/true"])
        decided, ended = self.decided(daemon, "/pods/web")
        self.assertEqual((decided["container"], decided["rule"], ended["outcome"]), ("pods", "nothing of pods", "rejected"))
        self.assertEqual(self.stock.calls(), [])

    def test_handlers_of_many_cgroups_all_run(self):
        daemon = self.start_here()
        (self.hierarchy.directory / "jobs").mkdir()
        jobs = [f"jobs/{number}" for number in range(40)]  # of which 24 have their turn at once
        self.hierarchy.empty_together(jobs)
        for job in jobs:
            self.assertEqual(self.decided(daemon, f"/{job}")[1]["outcome"], "handled")

    def test_time_of_a_handler_begins_with_its_turn(self):
        daemon = self.start_here()
        (self.hierarchy.directory / "long").mkdir()
        jobs = [f"long/{number}" for number in range(50)]  # the last two when their shims have given up
        self.hierarchy.empty_together(jobs)
        for job in jobs:
            self.assertEqual(self.decided(daemon, f"/{job}", seconds=120)[1]["outcome"], "handled")

    def crash(self, begun, times):
        for _ in range(times):
            process = subprocess.Popen([paths.VICTIMS / "crash", "--memory=1"])
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
        for _ in range(times):
            waiting.wait_readable(begun, 30, "handler")
            os.read(begun, 1)

    def make_pipe(self, name):
        path = pathlib.Path(self.directory) / name
        os.mkfifo(path)
        return open(os.open(path, os.O_RDWR), "rb", buffering=0)

    def test_agent_waits_while_all_places_for_handlers_are_taken(self):
        with self.make_pipe("begun") as begun, self.make_pipe("end"):
            daemon = self.start(BUSY_POLICY % (self.hierarchy.directory, self.directory, self.directory))
            self.crash(begun.fileno(), 16)  # as many as one user's dumps may have
            helpers.start_by_crashes(helpers.make_helper(daemon, self.stock.program), "held")
            self.crash(begun.fileno(), 48)
            self.hierarchy.run_in("late", ["/bin/true"])
            daemon.wait_for(" kind=usermode-helper ", 'argument="/late"', "action=")
        self.assertEqual(self.decided(daemon, "/late")[1]["outcome"], "handled")

    def test_agent_is_put_back_at_the_end(self):
        daemon = self.start_here()
        self.assertNotEqual(self.hierarchy.agent(), str(self.stock.program))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.hierarchy.agent(), str(self.stock.program))

    def test_that_there_was_none_is_put_back_too(self):
        self.hierarchy.set_agent("")
        daemon = self.start_here()
        self.hierarchy.run_in("plain", ["/bin/true"])
        self.assertEqual(self.decided(daemon, "/plain")[1]["outcome"], "passed")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.hierarchy.agent(), "")

    def test_agent_is_put_back_whoever_is_killed(self):
        for victim in ("upcalld", "broker", "launcher"):
            with self.subTest(victim):
                daemon = self.start_here()
                others = [daemon.process.pid, daemon.broker(), daemon.launcher()]
                os.kill(dict(zip(("upcalld", "broker", "launcher"), others, strict=True))[victim], signal.SIGKILL)
                daemon.process.wait(timeout=60)
                daemon.wait_for_all_to_end(others[1:])
                self.assertEqual(self.hierarchy.agent(), str(self.stock.program))

    def kill_all_three(self, daemon):
        programs = [daemon.process.pid, daemon.launcher(), daemon.broker()]
        for how in (signal.SIGSTOP, signal.SIGKILL):  # so that none sees another one die
            for program in programs:
                os.kill(program, how)
        daemon.wait_for_all_to_end(programs)
        self.assertNotEqual(self.hierarchy.agent(), str(self.stock.program))

    def test_what_all_three_left_when_killed_still_calls_the_agent_and_is_put_back_later(self):
        self.kill_all_three(self.start_here())
        daemon = self.start_here()
        self.hierarchy.run_in("plain", ["/bin/true"])
        self.assertEqual(self.decided(daemon, "/plain")[1]["outcome"], "passed")
        self.assertEqual(self.stock.calls(), ["/plain"])
        daemon.stop()
        self.assertEqual(self.hierarchy.agent(), str(self.stock.program))

    def test_what_all_three_left_is_put_back_by_a_policy_that_does_not_list_it(self):
        self.kill_all_three(self.start_here())
        daemon = self.start(PASS_ALL)
        self.assertEqual(self.hierarchy.agent(), str(self.stock.program))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.hierarchy.agent(), str(self.stock.program))

    def test_what_all_three_left_is_put_back_by_a_policy_that_lists_it_by_another_path(self):
        self.kill_all_three(self.start_here())
        daemon = self.start(POLICY % (f"{self.hierarchy.directory}/.", self.directory))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.hierarchy.agent(), str(self.stock.program))

    def test_hierarchies_of_similar_paths_have_agents_of_their_own(self):
        above = pathlib.Path(self.directory) / "a"
        above.mkdir()
        inner, flat = helpers.Hierarchy(above), helpers.Hierarchy(self.directory, "a@hierarchy")
        self.addCleanup(inner.close)
        self.addCleanup(flat.close)
        inner.set_agent("/bin/true")
        daemon = self.start(POLICY % (f"[{inner.directory}, {flat.directory}]", self.directory))
        self.assertNotEqual(inner.agent(), flat.agent())
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual((inner.agent(), flat.agent()), ("/bin/true", ""))

    def test_another_programs_agent_is_left_and_told_of(self):
        daemon = self.start_here()
        self.hierarchy.set_agent("/bin/true")
        daemon.wait_for("another program wrote", "release_agent")
        daemon.stop()
        self.assertEqual(self.hierarchy.agent(), "/bin/true")

    def test_what_is_no_hierarchy_is_refused_with_its_name(self):
        daemon = self.launch(POLICY % (self.directory, self.directory))
        daemon.process.wait(timeout=60)
        self.assertIn("names mount points of cgroup hierarchies of version 1", "\n".join(daemon.log.all()))


if __name__ == "__main__":
    unittest.main()
