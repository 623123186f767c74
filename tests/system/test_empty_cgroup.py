# SPDX-License-Identifier: Apache-2.0
"""A cgroup of version 2 that becomes empty is told of like one of version 1 with a release agent."""

import os
import pathlib
import signal
import subprocess
import time
import unittest

from upcalltest import helpers
from upcalltest.case import SystemTest
from upcalltest.daemon import fields

POLICY = """\
version: 1
release_agents: {listed}
containers:
  ours: {{runtime: crun, labels: {{tenant: a}}}}
  pods: {{cgroup: "{path}/pods/*"}}
handlers:
  clean: {{run: [/bin/sh, -c, 'echo "$UPCALL_EVENT $UPCALL_HELPER_ORIGIN $UPCALL_CONTAINER $0"', "{{cgroup}}"], in: host}}
  fail: {{run: [/bin/false], in: host}}
rules:
  - {{name: clean up, on: usermode-helper, when: {{container: ours}}, do: clean}}
  - {{name: nothing of pods, on: usermode-helper, when: {{container: pods}}, do: deny}}
  - {{name: jobs, on: usermode-helper, when: {{cgroup: "{path}/jobs/**"}}, do: clean}}
  - {{name: second thoughts, on: usermode-helper, when: {{cgroup: "{path}/twice"}}, do: fail, on_failure: clean}}
runtimes: {{crun: [{directory}/run-crun]}}
"""
TENANT = 1000


class EmptyCgroup(SystemTest):
    def setUp(self):
        super().setUp()
        self.cgroups = helpers.Unified()
        self.addCleanup(self.cgroups.close)
        self.records = pathlib.Path(self.directory) / "run-crun"
        self.records.mkdir(mode=0o700)

    def start_here(self, listed=None):
        return self.start(POLICY.format(listed=listed or self.cgroups.directory, path=self.cgroups.path, directory=self.directory))

    def decided(self, daemon, cgroup):
        decided = fields(daemon.wait_for(" kind=usermode-helper ", f'argument="{self.cgroups.path}/{cgroup}"', "action="))
        return decided, fields(daemon.wait_for(f"event={decided['event']} ", "outcome="))

    def told(self, daemon):
        """Whatever has been told of until its end, below the listed directory and in this order."""
        self.assertEqual(daemon.stop(), 0)
        told = [fields(line)["argument"] for line in daemon.log.all() if " kind=usermode-helper " in line]
        return [argument.removeprefix(f"{self.cgroups.path}/") for argument in told]

    def use(self, cgroup):
        """Fills and empties it."""
        self.cgroups.empty(self.cgroups.fill(cgroup))

    def contain(self):
        container = self.oci("crun", annotations={"tenant": "a"}, state=self.records, cgroup=f"{self.cgroups.path[1:]}/web")
        self.assertIn(container.name, self.ctl("containers"))
        return container

    def test_handler_on_the_host_is_told_once_of_a_container_that_ends(self):
        daemon = self.start_here()
        container = self.contain()
        os.kill(container.init, signal.SIGKILL)
        decided, ended = self.decided(daemon, "web")
        self.assertEqual((decided["container"], decided["runtime"], decided["id"], decided["origin"], decided["release_agent"]),
                         ("ours", "crun", container.name, "kernel", "yes"))
        self.assertEqual(ended["outcome"], "handled")
        run = fields(daemon.wait_for(f"event={decided['event']} ", " handler=clean "))
        self.assertEqual(run["output"], f"usermode-helper kernel ours {self.cgroups.path}/web")
        self.assertEqual(self.told(daemon), ["web"])

    def test_container_is_known_although_its_runtime_has_removed_all_of_it(self):
        daemon = self.start_here()
        container = self.contain()
        container.close()
        self.assertFalse(container.cgroup.exists())
        self.assertEqual(self.decided(daemon, "web")[0]["container"], "ours")
        self.assertEqual(self.told(daemon), ["web"])

    def test_container_that_was_there_before_is_told_of(self):
        first = self.start_here()
        container = self.contain()
        os.kill(first.broker(), signal.SIGKILL)
        self.assertEqual(first.process.wait(timeout=60), 1)
        daemon = self.start_here()
        self.assertIn(container.name, self.ctl("containers"))  # its record has been read
        os.kill(container.init, signal.SIGKILL)
        self.assertEqual(self.decided(daemon, "web")[0]["container"], "ours")
        self.assertEqual(self.told(daemon), ["web"])

    def test_cgroups_that_are_removed_at_once_are_told_of_once_each(self):
        daemon = self.start_here()
        jobs = [f"jobs/{number}" for number in range(40)]
        processes = [self.cgroups.fill(job) for job in jobs]
        for job, process in zip(jobs, processes, strict=True):
            process.kill()
            self.cgroups.remove(job)
            self.cgroups.empty(process)
        for job in jobs:
            self.assertEqual(self.decided(daemon, job)[1]["outcome"], "handled")
        self.decided(daemon, "jobs")
        self.assertEqual(sorted(self.told(daemon)), sorted([*jobs, "jobs"]))

    def test_process_that_was_never_seen_is_told_of(self):
        daemon = self.start_here()
        (self.cgroups.directory / "jobs").mkdir()
        for job in ("jobs/short", "jobs/new"):
            if job == "jobs/short":  # one that is watched already
                (self.cgroups.directory / job).mkdir()
            os.kill(daemon.broker(), signal.SIGSTOP)
            self.use(job)
            os.kill(daemon.broker(), signal.SIGCONT)
            self.assertEqual(self.decided(daemon, job)[1]["outcome"], "handled")
        self.decided(daemon, "jobs")

    def test_cgroup_that_never_had_a_process_is_not_told_of(self):
        self.use("before")
        daemon = self.start_here()
        (self.cgroups.directory / "unused").mkdir()
        (self.cgroups.directory / "gone").mkdir()
        (self.cgroups.directory / "gone").rmdir()
        (self.cgroups.directory / "before").rmdir()
        (self.cgroups.directory / "unused/cgroup.freeze").write_text("1")
        self.use("used")
        self.decided(daemon, "used")
        self.assertEqual(self.told(daemon), ["used"])

    def test_those_above_are_told_of_when_all_below_are_empty(self):
        daemon = self.start_here()
        kept = self.cgroups.fill("jobs/a/kept")
        self.use("jobs/a/b/c")
        self.decided(daemon, "jobs/a/b/c")
        self.decided(daemon, "jobs/a/b")
        self.cgroups.empty(kept)
        self.decided(daemon, "jobs")
        self.assertEqual(sorted(self.told(daemon)), ["jobs", "jobs/a", "jobs/a/b", "jobs/a/b/c", "jobs/a/kept"])

    def test_rules_deny_or_leave_it_or_try_one_handler_after_the_other(self):
        daemon = self.start_here()
        for cgroup, rule, outcome in (("pods/web", "nothing of pods", "rejected"), ("other", "defaults", "passed"),
                                      ("twice", "second thoughts", "handled")):
            self.use(cgroup)
            decided, ended = self.decided(daemon, cgroup)
            self.assertEqual((decided["rule"], ended["outcome"]), (rule, outcome))
        self.assertEqual(self.decided(daemon, "pods/web")[0]["container"], "pods")
        daemon.stop()
        self.assertEqual([fields(line)["handler"] for line in daemon.log.all() if " handler=" in line], ["fail", "clean"])

    def test_name_of_any_bytes_is_told_as_it_is(self):
        daemon = self.start_here()
        name = 'jobs/a "b" \x1b[2J=c'
        self.use(name)
        run = fields(daemon.wait_for(" handler=clean ", "output="))
        self.assertIn("x1b[2J=c", run["output"])
        self.assertIn("jobs/a", run["output"])

    def delegate(self, cgroup):
        directory = self.cgroups.directory / cgroup
        directory.mkdir()
        for path in (directory, directory / "cgroup.procs", directory / "cgroup.subtree_control"):
            os.chown(path, TENANT, TENANT)
        return directory

    def flood(self, cgroup):
        """In a cgroup, as somebody who owns it: makes thousands below it, and fills and empties them without end."""
        script = ('cd "$0" && seq 5000 | xargs mkdir && echo made;'
                  'while sh -c "echo \\$\\$ >1/cgroup.procs"; do :; done')
        tenant = ["setpriv", f"--reuid={TENANT}", f"--regid={TENANT}", "--clear-groups"]
        flood = self.cgroups.fill(cgroup, [*tenant, "sh", "-c", script, self.cgroups.directory / cgroup])
        self.assertEqual(flood.stdout.readline(), b"made\n")
        return flood

    def test_who_owns_a_cgroup_makes_no_more_than_that_one_be_watched(self):
        daemon = self.start_here()
        delegated = self.delegate("delegated")
        flood = self.flood("delegated")
        for number in range(20):
            self.use(f"jobs/{number}")
            self.assertEqual(self.decided(daemon, f"jobs/{number}")[1]["outcome"], "handled")
        self.assertIsNone(flood.poll())
        (delegated / "cgroup.kill").write_text("1")
        self.cgroups.empty(flood)
        self.decided(daemon, "delegated")
        told = self.told(daemon)
        self.assertFalse([cgroup for cgroup in told if cgroup.startswith("delegated/")])
        self.assertFalse([line for line in daemon.log.all() if "there are more than" in line])

    def test_one_that_is_filled_and_emptied_without_end_is_told_of_once_in_a_second(self):
        daemon = self.start_here()
        (self.cgroups.directory / "jobs").mkdir()
        begun = time.monotonic()
        script = f'while sh -c "echo \\$\\$ >{self.cgroups.directory}/jobs/cgroup.procs"; do :; done'
        with subprocess.Popen(["sh", "-c", script]) as toggle:
            for number in range(2):
                (self.cgroups.directory / f"pods-{number}").mkdir()
                self.use(f"pods-{number}")
                self.decided(daemon, f"pods-{number}")
            for event in range(2, 7):  # of which two are the others', at most
                daemon.wait_for(f"event={event} kind=usermode-helper")
            toggle.kill()
        told = self.told(daemon).count("jobs")
        self.assertGreaterEqual(told, 3)
        self.assertLessEqual(told, time.monotonic() - begun + 1)

    def test_what_is_beyond_the_bound_is_said_once_and_heard_when_there_is_room(self):
        daemon = self.start_here()
        many = self.cgroups.directory / "many"
        many.mkdir()
        for number in range(5000):
            (many / str(number)).mkdir()
        daemon.wait_for("there are more than 4096")
        process = self.cgroups.fill("jobs/late")
        for number in range(5000):
            (many / str(number)).rmdir()
        self.use("jobs/later")
        daemon.wait_for(f'argument="{self.cgroups.path}/jobs/later"', seconds=60)
        self.cgroups.empty(process)
        self.decided(daemon, "jobs/late")
        daemon.stop()
        self.assertEqual(sum("there are more than" in line for line in daemon.log.all()), 1)

    def test_what_the_kernel_dropped_is_made_up_for(self):
        daemon = self.start_here()
        (self.cgroups.directory / "many").mkdir()
        stays, goes = self.cgroups.fill("jobs/stays"), self.cgroups.fill("jobs/goes")
        self.use("jobs/seen")
        self.decided(daemon, "jobs/seen")
        os.kill(daemon.broker(), signal.SIGSTOP)
        for number in range(10000):
            (self.cgroups.directory / "many" / str(number)).mkdir()
            (self.cgroups.directory / "many" / str(number)).rmdir()
        self.use("jobs/new")
        self.cgroups.empty(stays)
        self.cgroups.empty(goes)
        self.cgroups.remove("jobs/goes")
        os.kill(daemon.broker(), signal.SIGCONT)
        daemon.wait_for("more has changed than the kernel kept")
        for job in ("jobs/new", "jobs/stays", "jobs/goes", "jobs"):
            self.decided(daemon, job)
        self.assertEqual(sorted(self.told(daemon)), ["jobs", "jobs/goes", "jobs/new", "jobs/seen", "jobs/stays"])

    def test_only_what_is_below_the_listed_directory_is_told_of(self):
        beside = helpers.Unified()
        self.addCleanup(beside.close)
        daemon = self.start_here()
        beside.empty(beside.fill("job"))
        self.use("jobs/a")
        self.decided(daemon, "jobs/a")
        self.decided(daemon, "jobs")
        self.assertEqual(sorted(self.told(daemon)), ["jobs", "jobs/a"])

    def test_what_is_below_two_listed_directories_is_told_of_once(self):
        (self.cgroups.directory / "jobs").mkdir()
        whole, part = self.cgroups.directory, self.cgroups.directory / "jobs"
        for number, listed in enumerate(([whole, part], [part, whole])):
            with self.subTest(listed):
                daemon = self.start_here(f"[{', '.join(map(str, listed))}]")
                self.use(f"jobs/{number}")
                for cgroup in (f"jobs/{number}", "jobs"):
                    self.decided(daemon, cgroup)
                self.assertEqual(sorted(self.told(daemon)), ["jobs", f"jobs/{number}"])

    def test_broker_gets_no_way_out_to_the_hosts_files(self):
        daemon = self.start_here()
        descriptors = pathlib.Path(f"/proc/{daemon.broker()}/fd")
        mount = next(fd for fd in descriptors.iterdir() if os.path.isdir(fd) and (fd / "cgroup.procs").exists())
        self.assertFalse((mount / "../../../../etc").exists())
        with self.assertRaises(OSError):
            (mount / "made").mkdir()


if __name__ == "__main__":
    unittest.main()
