# SPDX-License-Identifier: Apache-2.0
"""Whoever ends, and however: the machine's settings are what they were, or what another program wants."""

import os
import signal
import subprocess
import unittest

from upcalltest import kernel, paths
from upcalltest.case import PASS_ALL, SystemTest, for_each_core_mode

BEFORE = ("core.before.%p", "7")


class Restore(SystemTest):
    def setUp(self):
        super().setUp()
        kernel.write("kernel/core_pattern", BEFORE[0])
        kernel.write("kernel/core_pipe_limit", BEFORE[1])

    def start_registered(self, policy=PASS_ALL):
        daemon = self.start(policy)
        pattern = kernel.read("kernel/core_pattern")
        self.assertTrue(pattern.startswith("@@" if self.core_mode == "socket" else "|"), pattern)
        return daemon, [daemon.process.pid, daemon.broker(), daemon.launcher()]

    def check_signal(self, how):
        daemon, programs = self.start_registered()
        self.assertEqual(daemon.stop(how), 0)
        daemon.wait_for_all_to_end(programs)
        self.assertEqual(kernel.core_settings(), BEFORE)

    def test_settings_are_restored_after_sigterm(self):
        self.check_signal(signal.SIGTERM)

    def test_settings_are_restored_after_sigint(self):
        self.check_signal(signal.SIGINT)

    def test_sighup_says_how_to_take_a_new_policy_and_ends_nothing(self):
        daemon, programs = self.start_registered()
        settings = kernel.core_settings()
        os.kill(programs[0], signal.SIGHUP)
        daemon.wait_for("SIGHUP", "restart", "--check")
        self.assertEqual(kernel.core_settings(), settings)
        self.assertEqual(daemon.stop(), 0)
        said = "\n".join(daemon.log.all())
        self.assertIn("told to stop", said)  # by the signal of stop(), not by that one
        self.assertEqual(said.count("SIGHUP"), 1)
        self.assertEqual(kernel.core_settings(), BEFORE)

    def check_killed(self, which):
        daemon, programs = self.start_registered()
        os.kill(programs[which], signal.SIGKILL)
        daemon.wait_for_all_to_end(programs)
        self.assertEqual(kernel.core_settings(), BEFORE)
        self.assertNotEqual(daemon.process.wait(timeout=5), 0)
        if which:
            # A broker without a launcher ends as well, and may be noticed first.
            died, name = ("broker", "broker") if which == 1 else ("(launcher|broker)", "launcher")
            said = "\n".join(daemon.log.all())
            self.assertRegex(said, f"the {died} died; stopping")
            self.assertIn(f"{name} was killed by SIGKILL", said)

    def test_settings_are_restored_when_upcalld_is_killed(self):
        self.check_killed(0)

    def test_settings_are_restored_when_the_broker_is_killed(self):
        self.check_killed(1)

    def test_settings_are_restored_when_the_launcher_is_killed(self):
        self.check_killed(2)

    def test_takeover_by_another_program_is_told_and_respected(self):
        daemon, _ = self.start_registered()
        kernel.write("kernel/core_pattern", "core.taken")
        daemon.wait_for("core_pattern", "warning")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(kernel.read("kernel/core_pattern"), "core.taken")

    def test_takeover_by_another_program_is_undone_where_the_policy_says_so(self):
        policy = "version: 1\ndefaults: {coredump: pass, core_pattern_taken: restore}\n"
        daemon, _ = self.start_registered(policy)
        ours = kernel.read("kernel/core_pattern")
        kernel.write("kernel/core_pattern", "core.taken")
        daemon.wait_for("core_pattern", "restored")
        self.assertEqual(kernel.read("kernel/core_pattern"), ours)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(kernel.core_settings(), BEFORE)

    def check_policy(self, daemon, run="run"):
        """What `upcalld --check` has to say beside the one that runs."""
        done = subprocess.run([paths.BIN / "upcalld", f"--config={daemon.config}", "--check",
                               f"--runtime-directory={self.directory}/{run}",
                               f"--state-directory={self.directory}/state-of-{run}"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, f"{daemon.config}: no mistakes\n"))
        return done.stderr

    def test_policy_can_be_checked_beside_an_upcalld_that_runs(self):
        daemon, _ = self.start_registered()
        os.symlink("state", f"{self.directory}/state-of-run")
        settings = kernel.core_settings()
        self.assertEqual(self.check_policy(daemon), "")
        self.assertEqual(kernel.core_settings(), settings)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(kernel.core_settings(), BEFORE)

    def test_socket_of_another_upcalld_is_a_warning_of_a_check(self):
        daemon, _ = self.start_registered()
        warnings = self.check_policy(daemon, "another")
        self.assertEqual("Stop that program first" in warnings, self.core_mode == "socket", warnings)

    def test_policy_with_mistakes_changes_nothing(self):
        daemon = self.launch("version: 1\nrulse: []\ndefaults: {coredump: maybe}\n")
        self.assertEqual(daemon.process.wait(timeout=10), 1)
        said = "\n".join(daemon.log.all())
        self.assertIn("upcalld.yaml:2:1: ", said)
        self.assertIn("upcalld.yaml:3:22: ", said)
        self.assertEqual(kernel.core_settings(), BEFORE)

    def test_user_that_does_not_exist_is_no_user_for_the_broker(self):
        for user, remedy in (("no-such-user", "leave --broker-user out"), ("root", "name another with --broker-user")):
            with self.subTest(user):
                daemon = self.launch(PASS_ALL, f"--broker-user={user}")
                self.assertEqual(daemon.process.wait(timeout=30), 1)
                said = "\n".join(daemon.log.all())
                self.assertIn(f"'{user}'", said)
                self.assertIn(remedy, said)
                self.assertEqual(kernel.core_settings(), BEFORE)

    def test_policy_that_others_may_write_is_refused(self):
        daemon = self.launch(PASS_ALL, mode=0o666)
        self.assertEqual(daemon.process.wait(timeout=10), 1)
        self.assertIn("upcalld.yaml", "\n".join(daemon.log.all()))
        self.assertEqual(kernel.core_settings(), BEFORE)


for_each_core_mode(Restore)
del Restore

if __name__ == "__main__":
    unittest.main()
