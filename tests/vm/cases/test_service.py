# SPDX-License-Identifier: Apache-2.0
"""upcalld as it is installed, under the service manager of a whole system: to be run as root in a machine of vmrun with
--systemd, which nobody needs afterwards."""

import json
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

from upcalltest import kernel
from upcalltest.container import Container

POLICY = """\
version: 1
containers: {demo: {anonymous: true}}
handlers: {save-core: {run: builtin:core, with: {directory: /var/crash}, in: container}}
rules: [{name: demo crashes, on: coredump, when: {container: demo}, do: save-core}]
"""


def systemctl(*arguments, check=True):
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, timeout=300, check=False)
    if check and done.returncode != 0:
        journal = subprocess.run(["journalctl", "--no-pager", "-n60"], capture_output=True, text=True, check=False)
        raise AssertionError(f"systemctl {arguments}: {done.stderr}\n{journal.stdout}")
    return done.stdout.strip()


def stop():
    systemctl("stop", "upcalld.service", "upcalld.socket", "upcalld-shim.socket")


def main_pid():
    return int(systemctl("show", "--property=MainPID", "--value", "upcalld.service"))


def restarted(before, seconds=120):
    """Waits until the service manager has started another process in the place of `before`."""
    deadline = time.monotonic() + seconds
    while main_pid() in (0, before):
        if time.monotonic() > deadline:
            raise AssertionError(f"not started again within {seconds} s")
        time.sleep(0.2)


class Service(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A first boot enables what is installed, and with the policy that comes with it the service is up.
        stop()
        cls.before = kernel.read("kernel/core_pattern")
        policy = pathlib.Path(re.search(r"--config (\S+)", systemctl("cat", "upcalld.service"))[1])
        policy.write_text(POLICY)
        policy.chmod(0o644)

    def setUp(self):
        systemctl("start", "upcalld.service")
        self.addCleanup(stop)
        self.directory = tempfile.mkdtemp(prefix="upcall-")
        pathlib.Path(self.directory).chmod(0o755)
        self.container = Container(self.directory)
        self.addCleanup(self.container.close)

    def crash(self):
        self.container.run("/bin/crash")
        return sorted(path.name for path in self.container.path("/var/crash").iterdir())

    def test_is_ready_when_systemd_says_so_and_serves(self):
        self.assertNotEqual(kernel.read("kernel/core_pattern"), self.before)
        self.assertEqual(len(self.crash()), 1)

    def test_sockets_are_the_service_managers(self):
        for unit in ("upcalld.socket", "upcalld-shim.socket"):
            self.assertEqual(systemctl("show", "--property=SubState", "--value", unit), "running", unit)

    def test_stop_gives_the_kernel_its_old_pattern(self):
        systemctl("stop", "upcalld.service")
        self.assertEqual(kernel.read("kernel/core_pattern"), self.before)

    def test_is_there_again_after_it_was_killed(self):
        before = main_pid()
        subprocess.run(["kill", "-KILL", str(before)], check=True)
        restarted(before)
        systemctl("start", "upcalld.service")  # returns when it is ready
        self.assertEqual(len(self.crash()), 1)

    def test_answers_upcallctl(self):
        answer = json.loads(subprocess.run(["upcallctl", "--json", "whois", str(self.container.init)],
                                           capture_output=True, text=True, timeout=60, check=True).stdout)
        self.assertEqual(answer["verdict"], "in-container")


if __name__ == "__main__":
    unittest.main()
