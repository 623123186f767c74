# SPDX-License-Identifier: Apache-2.0
"""Action `pass`: what this host did before upcalld was there, exactly."""

import os
import pathlib
import re
import resource
import subprocess
import unittest

from upcalltest import kernel, paths
from upcalltest.case import PASS_ALL, SystemTest, for_each_core_mode

UID = 12345
HELPER = """#!/bin/sh
{ printf '%s\\n' "$@"; cat /proc/self/fdinfo/3; wc -c; } >"$(dirname "$0")/passed.new" 2>&1
mv "$(dirname "$0")/passed.new" "$(dirname "$0")/passed"
"""


class Pass(SystemTest):
    def setUp(self):
        super().setUp()
        self.place = pathlib.Path(self.directory) / "crasher"
        self.place.mkdir()
        os.chown(self.place, UID, UID)

    def crash(self, *options, core_limit=resource.RLIM_INFINITY):
        """A crash on the host, by a user without rights, in a directory of its own. Its pid."""
        def limit():
            resource.setrlimit(resource.RLIMIT_CORE, (core_limit, resource.RLIM_INFINITY))
        process = subprocess.Popen([paths.VICTIMS / "crash", *options], cwd=self.place, user=UID, group=UID,
                                   extra_groups=[], preexec_fn=limit, stderr=subprocess.PIPE)
        said = process.communicate(timeout=30)[1]
        self.assertLess(process.returncode, 0, said)
        return process.pid

    def passed(self, daemon, pid):
        *_, ended = daemon.wait_for_event(pid)
        self.assertEqual(ended["outcome"], "passed")
        return list(self.place.iterdir())

    def use_pattern(self, pattern):
        kernel.write("kernel/core_pattern", pattern)

    def test_program_gets_its_arguments_the_pidfd_and_the_core(self):
        helper = pathlib.Path(self.directory) / "helper"
        helper.write_text(HELPER)
        helper.chmod(0o755)
        self.use_pattern(f"|{helper} p=%P s=%s u=%u g=%g %F e=%e %%")
        daemon = self.start(PASS_ALL)
        pid = self.crash("--comm=a b")
        self.passed(daemon, pid)
        lines = (helper.parent / "passed").read_text().splitlines()
        self.assertEqual(lines[:4], [f"p={pid}", "s=11", f"u={UID}", f"g={UID}"])
        self.assertEqual(lines[4:7], ["3", "e=a b", "%"])
        self.assertTrue([line for line in lines if re.fullmatch(rf"Pid:\t{pid}", line)], lines)
        self.assertGreater(int(lines[-1]), 4096, "the core's bytes")

    def test_file_is_in_the_crashers_directory_with_its_credentials(self):
        self.use_pattern("core.%e.%p")
        daemon = self.start(PASS_ALL)
        pid = self.crash()
        core, = self.passed(daemon, pid)
        self.assertEqual(core.name, f"core.crash.{pid}")
        status = core.stat()
        self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o777), (UID, UID, 0o600))
        self.assertIn("crash_here", self.backtrace(core))

    def test_limit_of_zero_leaves_no_file(self):
        self.use_pattern("core")
        daemon = self.start(PASS_ALL)
        self.assertEqual(self.passed(daemon, self.crash(core_limit=0)), [])

    def test_limit_cuts_the_file(self):
        self.use_pattern("core")
        daemon = self.start(PASS_ALL)
        core, = self.passed(daemon, self.crash("--memory=4", core_limit=65536))
        # Holes do not count, for the kernel neither.
        self.assertLessEqual(core.stat().st_blocks * 512, 65536)
        self.assertGreater(core.stat().st_blocks, 0)

    def test_root_only_core_is_not_written_to_a_relative_path(self):
        kernel.write("fs/suid_dumpable", 2)
        self.use_pattern("core")
        daemon = self.start(PASS_ALL)
        _, (run,), ended = daemon.wait_for_event(self.set_uid_crash())
        self.assertEqual(ended["outcome"], "failed")  # as the kernel, which says so in its own log
        self.assertIn("its path is not absolute", run["output"])
        self.assertEqual(list(self.place.iterdir()), [])

    def test_root_only_core_at_an_absolute_path_belongs_to_root(self):
        kernel.write("fs/suid_dumpable", 2)
        self.use_pattern(f"{self.place}/core")
        daemon = self.start(PASS_ALL)
        core, = self.passed(daemon, self.set_uid_crash())
        self.assertEqual((core.stat().st_uid, core.stat().st_mode & 0o777), (0, 0o600))

    def set_uid_crash(self):
        victim = pathlib.Path(self.directory) / "setuid_crash"
        victim.write_bytes((paths.VICTIMS / "setuid_crash").read_bytes())
        victim.chmod(0o4755)
        def unlimited():
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        process = subprocess.Popen([victim], cwd=self.place, user=UID, group=UID, extra_groups=[],
                                   preexec_fn=unlimited)
        self.assertEqual(process.wait(timeout=30), -11)
        return process.pid


for_each_core_mode(Pass)
del Pass

if __name__ == "__main__":
    unittest.main()
