# SPDX-License-Identifier: Apache-2.0
"""One upcalld to a directory: a second one is sent away, and leaves the first as it was."""

import os
import signal
import unittest

from upcalltest import kernel
from upcalltest.case import PASS_ALL, SystemTest, for_each_core_mode

BEFORE = ("core.before.%p", "7")


class SecondUpcalld(SystemTest):
    def setUp(self):
        super().setUp()
        kernel.write("kernel/core_pattern", BEFORE[0])
        kernel.write("kernel/core_pipe_limit", BEFORE[1])

    def check_refused(self, shared, *options):
        """A second one, which has not `shared` for itself."""
        first = self.start()
        settings = kernel.core_settings()
        second = self.launch(PASS_ALL, *options)
        self.assertEqual(second.process.wait(timeout=30), 1)
        said = "\n".join(second.log.all())
        self.assertIn(f"upcalld already runs (pid {first.process.pid}) with '{self.directory}/{shared}'", said)
        self.assertIn("--runtime-directory" if shared == "run" else "--state-directory", said)
        self.assertEqual(kernel.core_settings(), settings)
        self.ctl("containers")  # by its socket, which is still there
        container = self.container()
        ended = container.run("/bin/crash")
        *_, outcome = first.wait_for_event(ended.host_pid)
        self.assertEqual(outcome["outcome"], "handled")
        self.assertEqual(first.stop(), 0)
        self.assertEqual(kernel.core_settings(), BEFORE)

    def test_is_refused_with_the_same_directories(self):
        self.check_refused("run")

    def test_is_refused_with_the_same_runtime_directory(self):
        self.check_refused("run", f"--state-directory={self.directory}/state2")

    def test_is_refused_with_the_same_state_directory(self):
        self.check_refused("state", f"--runtime-directory={self.directory}/run2")

    def test_waits_until_the_launcher_of_a_killed_one_has_put_things_back(self):
        first = self.start()
        launcher = first.launcher()
        os.kill(launcher, signal.SIGSTOP)
        self.addCleanup(self.go_on, launcher)
        first.stop(signal.SIGKILL)
        second = self.launch()
        second.wait_for("waiting for the launcher", f"(pid {launcher})")
        self.go_on(launcher)
        first.wait_for_all_to_end([launcher])
        second.wait_until_ready()
        self.assertTrue(kernel.read("kernel/core_pattern").startswith("@@" if self.core_mode == "socket" else "|"))
        self.assertEqual(second.stop(), 0)
        self.assertEqual(kernel.core_settings(), BEFORE)

    @staticmethod
    def go_on(pid):
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def test_starts_after_an_orderly_end(self):
        self.assertEqual(self.start().stop(), 0)
        self.assertEqual(self.start().stop(), 0)
        self.assertEqual(kernel.core_settings(), BEFORE)


for_each_core_mode(SecondUpcalld)
del SecondUpcalld

if __name__ == "__main__":
    unittest.main()
