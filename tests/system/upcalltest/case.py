# SPDX-License-Identifier: Apache-2.0
"""The test case from which all others come, and its variants: one for each way that cores come in."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from . import kernel, paths
from .container import Container
from .daemon import Upcalld
from .oci import OciContainer

POLICY = """\
version: 1
containers: {demo: {anonymous: true}}
handlers:
  save-core: {run: builtin:core, with: {directory: /var/crash, compress: none}, in: container}
  report: {run: [/bin/report, /tmp/report.json, "{pid}", "{signal}"], in: container, timeout: 10s}
rules:
  - {name: demo crashes, on: coredump, when: {container: demo}, do: [save-core, report]}
defaults: {coredump: pass}
"""

PASS_ALL = "version: 1\ndefaults: {coredump: pass}\n"


class SystemTest(unittest.TestCase):
    """Has the machine's core dump settings to itself, and a directory that everybody can pass through."""

    core_mode = "auto"

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        if not (paths.BIN / "upcalld").exists():
            self.skipTest("upcalld is not built")
        if self.core_mode == "socket" and not kernel.has_core_sockets():
            self.skipTest("this kernel has no core dump socket")
        self.guard = kernel.Guard()
        self.addCleanup(self.guard.close)
        self.directory = tempfile.mkdtemp(prefix="upcall-")
        self.addCleanup(shutil.rmtree, self.directory)
        os.chmod(self.directory, 0o755)

    def start(self, policy=POLICY, *options, **more):
        return self.launch(policy, *options, **more).wait_until_ready()

    def launch(self, policy=POLICY, *options, **more):
        """Started, not yet ready."""
        daemon = Upcalld(self.directory, policy, f"--core-mode={self.core_mode}", *options, **more)
        self.addCleanup(daemon.close)
        return daemon

    def container(self, *options, **more):
        container = Container(self.directory, *options, **more)
        self.addCleanup(container.close)
        return container

    def oci(self, runtime, **options):
        container = OciContainer(runtime, self.directory, **options)
        self.addCleanup(container.close)
        return container

    def need_tags(self):
        if not kernel.has_attributes_of_pidfds():
            self.skipTest("this kernel has no attributes of pidfds, and so no tags")

    def run_ctl(self, *arguments):
        command = [paths.BIN / "upcallctl", f"--runtime-directory={self.directory}/run", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def ctl(self, *arguments):
        """What upcallctl says, which must have nothing to complain of."""
        done = self.run_ctl(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def cores(self, container, directory="/var/crash"):
        return sorted(container.path(directory).iterdir())

    def backtrace(self, core, executable=None):
        """What gdb says of a core, executable by executable of ours."""
        executable = executable or paths.VICTIMS / "crash"
        done = subprocess.run(["gdb", "-batch", "-nx", "-ex", "bt", str(executable), str(core)],
                              capture_output=True, text=True, timeout=60, check=True)
        return done.stdout


def for_each_core_mode(case):
    """Puts CaseSocket and CasePipe into the module of `case`, in place of it."""
    module = sys.modules[case.__module__]
    for mode in ("socket", "pipe"):
        name = case.__name__ + mode.capitalize()
        setattr(module, name, type(name, (case,), {"core_mode": mode, "__module__": case.__module__}))
    return None
