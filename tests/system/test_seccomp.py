# SPDX-License-Identifier: Apache-2.0
"""The container's own seccomp filters on its handlers: docs/THREAT-MODEL.md, I1 and D9."""

import json
import pathlib
import unittest

from upcalltest.case import SystemTest
from upcalltest.oci import SECCOMP

POLICY = """\
version: 1
containers: {{demo: {{anonymous: true}}}}
handlers:
  first: {{run: {run}, in: container, seccomp: {seccomp}}}
  on-host: {{run: [/bin/true], in: host}}
rules:
  - {{name: inside, on: coredump, when: {{container: demo}}, do: first, on_failure: on-host}}
defaults: {{coredump: pass}}
"""
REPORT = "[/bin/report, /tmp/report]"
# The kernel does not tell its types, so that nobody can find a filter in it.
WITHOUT_TYPES = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@"']


def forbidding(name, action="SCMP_ACT_KILL_PROCESS"):
    return {**SECCOMP, "syscalls": [{"names": [name], "action": action}]}


class Seccomp(SystemTest):
    def start_policy(self, run=REPORT, seccomp="required", **more):
        return self.start(POLICY.format(run=run, seccomp=seccomp), **more)

    def crash(self, daemon, container):
        ended = container.run("/bin/crash")
        self.assertNotEqual(ended.signal, 0, ended.output)
        return daemon.wait_for_event(ended.host_pid)

    def filters_of(self, report):
        status = json.loads(report.read_text(encoding="latin-1"))["status"]
        return int(status["Seccomp"]), int(status["Seccomp_filters"])

    def test_handler_of_an_init_that_crashes_has_its_filters(self):
        daemon = self.start_policy("[/bin/report, /out/report]")
        out = pathlib.Path(self.directory) / "out"
        out.mkdir()
        container = self.oci("crun", init=["/bin/crash"], binds=[(out, "/out")], seccomp=True)
        *_, ended = daemon.wait_for_event(container.init)
        self.assertEqual(ended["outcome"], "handled")
        self.assertEqual(self.filters_of(out / "report"), (2, 1))

    def test_filter_that_kills_the_handler_before_its_exec_is_named(self):
        self.check_that_kills("setsid")

    def test_filter_that_kills_whoever_makes_the_handler_is_named(self):
        self.check_that_kills("clone")

    def check_that_kills(self, name):
        daemon, container = self.start_policy(), self.oci("crun", seccomp=forbidding(name))
        _, runs, ended = self.crash(daemon, container)
        self.assertEqual((runs[0]["end"], runs[0]["status"]), ("signalled", "31"))
        self.assertIn("seccomp", runs[0]["cause"])
        self.assertEqual((runs[1]["handler"], runs[1]["status"], ended["outcome"]), ("on-host", "0", "failed"))
        self.assertFalse(container.path("/tmp/report").exists())

    def test_handler_of_the_vault_that_may_not_be_executed_is_not_run(self):
        daemon = self.start_policy("builtin:core")
        container = self.oci("crun", seccomp=forbidding("execveat", "SCMP_ACT_ERRNO"))
        _, runs, _ = self.crash(daemon, container)
        self.assertEqual((runs[0]["end"], runs[0]["status"]), ("not-started", "1"))
        self.assertEqual(self.cores(container), [])

    def test_handler_is_refused_where_filters_cannot_be_had(self):
        daemon, container = self.start_policy(prefix=WITHOUT_TYPES), self.oci("crun", seccomp=True)
        daemon.wait_for("seccomp filters may not run")
        _, runs, ended = self.crash(daemon, container)
        self.assertEqual((runs[0]["end"], runs[0]["failed"]), ("refused", "D9"))
        self.assertEqual((runs[1]["handler"], ended["outcome"]), ("on-host", "failed"))
        self.assertFalse(container.path("/tmp/report").exists())

    def test_handler_without_need_of_them_runs_where_filters_cannot_be_had(self):
        daemon = self.start_policy(seccomp="best-effort", prefix=WITHOUT_TYPES)
        container = self.oci("crun", seccomp=True)
        self.assertEqual(self.crash(daemon, container)[-1]["outcome"], "handled")
        self.assertEqual(self.filters_of(container.path("/tmp/report")), (0, 0))

    def test_container_without_filters_needs_none(self):
        daemon, container = self.start_policy(prefix=WITHOUT_TYPES), self.oci("crun")
        self.assertEqual(self.crash(daemon, container)[-1]["outcome"], "handled")


if __name__ == "__main__":
    unittest.main()
