# SPDX-License-Identifier: Apache-2.0
"""docs/THREAT-MODEL.md: a handler in a container has the AppArmor profile of the container's init."""

import os
import pathlib
import shutil
import subprocess

from upcalltest.case import SystemTest

# As those of docker and podman, which let everything be read and written, and the vault's files be
# executed, that are nowhere in the container.
PROFILE = """\
profile %s flags=(attach_disconnected,mediate_deleted) {
  file,
  network,
  capability,
  mount,
  signal,
  ptrace,
  unix,
  deny /tmp/denied/** w,
}
"""
POLICY = """\
version: 1
containers: {demo: {anonymous: true}}
handlers:
  ours: {run: builtin:core, with: {directory: %s, compress: none}, in: container}
  theirs: {run: [/bin/sh, -c, 'cat /proc/self/attr/apparmor/current >/tmp/label; echo x >/tmp/denied/theirs'], in: container}
rules:
  - {name: demo crashes, on: coredump, when: {container: demo}, do: [ours, theirs]}
defaults: {coredump: pass}
"""
ENABLED = pathlib.Path("/sys/module/apparmor/parameters/enabled")
POLICIES = pathlib.Path("/sys/kernel/security/apparmor")


class AppArmor(SystemTest):
    def setUp(self):
        super().setUp()
        if not ENABLED.exists() or ENABLED.read_text(encoding="ascii") != "Y\n":
            self.skipTest("AppArmor is not active in this kernel")
        if shutil.which("apparmor_parser") is None:
            self.skipTest("needs apparmor_parser")
        if not POLICIES.exists():
            subprocess.run(["mount", "-t", "securityfs", "securityfs", "/sys/kernel/security"], check=True)
        self.profile = f"upcall-test-{os.getpid()}"
        self.load("--replace")
        self.addCleanup(self.load, "--remove")

    def load(self, how):
        subprocess.run(["apparmor_parser", "--quiet", "--skip-cache", how], input=PROFILE % self.profile, text=True, check=True)

    def crash(self, runtime, directory="/var/crash", **options):
        """The outcome of each handler, and what theirs says that it is called."""
        daemon = self.start(POLICY % directory)
        container = self.oci(runtime, apparmor=self.profile, **options)
        container.shell("mkdir /tmp/denied")
        container.shell("! echo x >/tmp/denied/own")  # so it is in force
        self.assertEqual(pathlib.Path(f"/proc/{container.init}/attr/apparmor/current").read_text(), f"{self.profile} (enforce)\n")
        ended = container.run("/bin/crash")
        _, runs, outcome = daemon.wait_for_event(ended.host_pid)
        return container, runs, outcome

    def check_label(self, runtime, **options):
        container, runs, outcome = self.crash(runtime, **options)
        self.assertEqual(container.path("/tmp/label").read_text(), f"{self.profile} (enforce)\n")
        self.assertFalse(container.path("/tmp/denied/theirs").exists())
        self.assertEqual([run["status"] for run in runs], ["0", "1"], outcome)  # the second was denied
        self.assertEqual(len(self.cores(container)), 1, "a handler out of the vault runs, too")

    def test_handler_in_a_container_of_crun_has_its_profile(self):
        self.check_label("crun")

    def test_handler_in_a_container_of_runc_without_new_privileges_has_its_profile(self):
        self.check_label("runc", no_new_privs=True, seccomp=True)

    def test_handler_in_a_container_below_a_user_namespace_has_its_profile(self):
        self.check_label("crun", user_namespace=True)

    def test_handler_out_of_the_vault_is_confined_by_the_profile(self):
        container, runs, _ = self.crash("crun", directory="/tmp/denied")
        self.assertNotEqual(runs[0]["status"], "0")
        self.assertEqual(list(container.path("/tmp/denied").iterdir()), [])

    def test_container_without_a_profile_keeps_its_handlers_without(self):
        daemon = self.start(POLICY % "/var/crash")
        container = self.oci("crun")
        container.shell("mkdir /tmp/denied")
        ended = container.run("/bin/crash")
        self.assertEqual(daemon.wait_for_event(ended.host_pid)[2]["outcome"], "handled")
        self.assertEqual(container.path("/tmp/label").read_text(), "unconfined\n")
