# SPDX-License-Identifier: Apache-2.0
"""Which container it is: what real runtimes have on record, and what becomes of records that are wrong."""

import json
import os
import re
import shutil

from upcalltest.case import SystemTest
from upcalltest.daemon import fields

POLICY = """\
version: 1
runtimes: {{crun: {crun}, runc: {runc}, containerd: [], docker: [], podman: [], nspawn: []}}
containers:
  tenant-a: {{labels: {{tenant: a}}}}
  recorded: {{runtime: "*"}}
  unknown: {{anonymous: true}}
handlers:
  tell:
    run: [/bin/sh, -c, 'echo "$1 $2 $3" >/tmp/told', sh, "{{runtime}}", "{{container_id}}", "{{container}}"]
    in: container
rules:
  - {{name: all, on: coredump, when: {{container: "*"}}, do: tell}}
defaults: {{coredump: pass}}
"""


def said(daemon, pattern, seconds=10):
    return daemon.log.wait_for(lambda line: re.search(pattern, line), seconds, what=pattern)


def write_record(place, status=None, config=None):
    place.mkdir(parents=True)
    for name, text in (("status", status), ("config.json", config)):
        if text is not None:
            (place / name).write_text(text)


class Containers(SystemTest):
    def start_with(self, crun=(), runc=()):
        return self.start(POLICY.format(crun=json.dumps([*map(str, crun)]), runc=json.dumps([*map(str, runc)])))

    def crash(self, daemon, container):
        """What the handler inside was told, and the line of the log that says whose the crash is."""
        container.run("/bin/crash")
        line = said(daemon, r' kind=coredump .* comm="crash"')
        said(daemon, r" outcome=handled")
        return container.path("/tmp/told").read_text().split(), line

    def check_known(self, runtime):
        container = self.oci(runtime)
        told, line = self.crash(self.start_with(**{runtime: [container.state]}), container)
        self.assertEqual(told, [runtime, container.name, "recorded"])
        self.assertIn(f'runtime={runtime} id="{container.name}"', line)

    def test_container_of_crun_is_known(self):
        self.check_known("crun")

    def test_container_of_runc_is_known(self):
        self.check_known("runc")

    def test_container_that_starts_later_is_known_at_its_first_crash(self):
        first = self.oci("crun")
        daemon = self.start_with(crun=[first.state])
        second = self.oci("crun", state=first.state, annotations={"tenant": "a"})
        told, _ = self.crash(daemon, second)
        self.assertEqual(told, ["crun", second.name, "tenant-a"])

    def test_container_without_a_record_is_unknown(self):
        other, container = self.oci("crun"), self.oci("crun")
        told, line = self.crash(self.start_with(crun=[other.state]), container)
        self.assertEqual(told, ["unknown"])
        self.assertNotIn("runtime=", line)

    def test_records_that_are_wrong_are_told_and_name_nobody(self):
        container = self.oci("crun")
        good = json.loads((container.state / container.name / "status").read_text())
        config = (container.state / container.name / "config.json").read_text()
        wrong = {"broken": "{", "reused": json.dumps({**good, "process-start-time": 1}),
                 "nobody": json.dumps({**good, "pid": 4194303}), "text": json.dumps({**good, "pid": "7"})}
        state = container.state.parent / "wrong"
        for name, status in wrong.items():
            write_record(state / name, status=status, config=config)
        write_record(state / "halved", status=json.dumps(good))
        (state / "empty").mkdir()
        (state / "linked").symlink_to(container.state / container.name)
        write_record(state / "within", config=config)
        (state / "within" / "status").symlink_to(container.state / container.name / "status")
        daemon = self.start_with(crun=[state])
        told, _ = self.crash(daemon, container)
        self.assertEqual(told, ["unknown"])
        for name in wrong:
            said(daemon, rf'container record ".*/wrong/{name}": cannot ', seconds=60)
        for name, what in (("halved", "'config.json': No such file"), ("empty", "'status': No such file"),
                           ("linked", "'status': .*symbolic links"), ("within", "'status': .*symbolic links")):
            said(daemon, rf'container record ".*/wrong/{name}": cannot .*{what}', seconds=60)

    def test_container_whose_record_is_broken_is_named_by_its_cgroup(self):
        name = f"upcall-test-{os.getpid()}"
        container = self.oci("runc", cgroup=f"lxc.payload.{name}", only_unified=True)
        state = container.state.parent / "broken"
        (state / container.name).mkdir(parents=True)
        (state / container.name / "state.json").write_text('{"id":')
        daemon = self.start_with(runc=[state])
        told, line = self.crash(daemon, container)
        self.assertEqual(told, ["lxc", name, "recorded"])
        self.assertIn(f'runtime=lxc id="{name}"', line)
        said(daemon, r'container record ".*/broken/[^"]*": cannot ', seconds=60)

    def check_hostile_labels(self, runtime):
        """As whoever makes a pod may write them."""
        hostile = 'x" id="victim"\nevent=1 outcome=forged \x1b[31m\\","pid":1,"init_process_pid":1,"'
        key = hostile.replace("=", ":")  # runc separates the two by the first one
        container = self.oci(runtime, annotations={
            "io.container.manager": "cri-o", "io.kubernetes.container.name": hostile, "io.kubernetes.pod.name": hostile,
            "tenant": "a", key: hostile})
        daemon = self.start_with(**{runtime: [container.state]})
        told, line = self.crash(daemon, container)
        self.assertEqual(told, ["cri-o", container.name, "tenant-a"])
        self.assertEqual(fields(line)["id"], container.name)
        self.assertFalse([one for one in daemon.log.seen if one.startswith("event=1 outcome=forged") or "\x1b" in one])
        listed = json.loads(self.ctl("--json", "containers"))["containers"]
        self.assertEqual([(one["id"], one["init"], one["name"], one["labels"][key]) for one in listed],
                         [(container.name, container.init, hostile, hostile)])
        shown = self.ctl("containers")
        self.assertNotIn("\x1b", shown)
        self.assertEqual(len(shown.splitlines()), 2, "one line for the container")

    def test_hostile_labels_of_a_container_of_crun_are_texts(self):
        self.check_hostile_labels("crun")

    def test_hostile_labels_of_a_container_of_runc_are_texts(self):
        self.check_hostile_labels("runc")

    def test_state_directory_that_is_not_roots_alone_is_not_used(self):
        container = self.oci("crun")
        link = container.state.parent / "link"
        link.symlink_to(container.state)
        writable = container.state.parent / "writable"
        shutil.copytree(container.state, writable)
        os.chmod(writable, 0o777)
        daemon = self.start_with(crun=[link, writable])
        told, _ = self.crash(daemon, container)
        self.assertEqual(told, ["unknown"])
        said(daemon, r"no containers from .*/link: .*symbolic links")
        said(daemon, r"no containers from .*/writable: .*not permitted")
