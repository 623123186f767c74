# SPDX-License-Identifier: Apache-2.0
"""Crashes in a container, and the handlers that run in it."""

import json
import unittest

from upcalltest import kernel, paths
from upcalltest.case import SystemTest, for_each_core_mode
from upcalltest.container import namespaces_of

SAME_AS_INIT = ("Uid", "Gid", "Groups", "CapEff", "CapBnd")


def report_of(container, path="/tmp/report.json"):
    return json.loads(container.path(path).read_text(encoding="latin-1"))


def environment_of(report):
    return dict(entry.split("=", 1) for entry in report["environment"])


class Handlers(SystemTest):
    def crash(self, container, daemon, *command, **options):
        ended = container.run(*command, **options)
        self.assertNotEqual(ended.signal, 0, f"{command} did not crash: {ended.output}")
        return ended, *daemon.wait_for_event(ended.host_pid)

    def test_core_is_stored_inside_and_names_the_crashing_function(self):
        daemon, container = self.start(), self.container()
        _, decided, runs, ended = self.crash(container, daemon, "/bin/crash", "--memory=4")
        self.assertEqual((decided["container"], decided["verdict"]), ("demo", "in-container"))
        self.assertEqual((decided["rule"], decided["signal"]), ("demo crashes", "SEGV"))
        self.assertEqual([run["handler"] for run in runs], ["save-core", "report"])
        self.assertEqual([run["status"] for run in runs], ["0", "0"])
        self.assertEqual(ended["outcome"], "handled")
        core, = self.cores(container)
        trace = self.backtrace(core)
        self.assertIn("crash_here", trace)
        self.assertIn("main", trace)

    def test_handler_runs_in_the_namespaces_of_the_container(self):
        daemon, container = self.start(), self.container()
        self.crash(container, daemon, "/bin/crash")
        report = report_of(container)
        self.assertEqual(report["namespaces"], container.namespaces())
        root = container.path("/").stat()
        self.assertEqual(report["root"], f"{root.st_dev}:{root.st_ino}")
        self.assertEqual(report["cgroup"], "/")
        host = namespaces_of("self")
        self.assertFalse(set(report["namespaces"].values()) & set(host.values()))

    def check_privileges(self, *options):
        daemon, container = self.start(), self.container(*options)
        self.crash(container, daemon, "/bin/crash")
        report, init = report_of(container)["status"], container.status()
        self.assertEqual(report["NoNewPrivs"], "1")  # the init's, or less
        if "--no-user" in options:
            for field in SAME_AS_INIT:
                self.assertEqual(report[field].split(), init[field].split(), field)
            return
        # Ids are told in the reader's user namespace: the host's 100000 is 0 inside.
        outside = [int(uid) for uid in init["Uid"].split()]
        self.assertEqual([int(uid) + 100000 for uid in report["Uid"].split()], outside)
        for field in ("CapEff", "CapBnd"):
            self.assertEqual(report[field], init[field], field)

    def test_handler_has_the_privileges_of_init_with_a_user_namespace(self):
        self.check_privileges()

    def test_handler_has_the_privileges_of_init_without_a_user_namespace(self):
        self.check_privileges("--no-user", "--capabilities=a80425fb")

    def test_handler_has_the_privileges_of_an_init_that_is_no_root(self):
        self.check_privileges("--no-user", "--capabilities=0", "--uid=1000", "--nnp")

    def test_handler_has_no_new_privs_where_init_has(self):
        self.check_privileges("--nnp", "--capabilities=a80425fb")

    def test_handler_is_given_descriptors_0_to_3_and_all_are_sockets(self):
        daemon, container = self.start(), self.container()
        self.crash(container, daemon, "/bin/crash")
        descriptors = dict(entry.split(" ", 1) for entry in report_of(container)["fds"])
        self.assertEqual(sorted(descriptors), ["0", "1", "2", "3"])
        for target in descriptors.values():
            self.assertRegex(target, r"^socket:\[\d+\]$")

    def test_ids_are_those_that_the_container_sees(self):
        daemon, container = self.start(), self.container()
        ended, decided, *_ = self.crash(container, daemon, "/bin/crash", uid=1000)
        report = report_of(container)
        environment = environment_of(report)
        self.assertEqual(environment["UPCALL_PID"], str(ended.pid))
        self.assertEqual((environment["UPCALL_UID"], environment["UPCALL_GID"]), ("1000", "1000"))
        self.assertEqual(report["argv"][2:], [str(ended.pid), "SEGV"])
        self.assertEqual((decided["uid"], decided["inner_pid"]), ("101000", str(ended.pid)))
        event = json.loads(report["event"].encode("latin-1"))
        self.assertNotIn(str(ended.host_pid), json.dumps(event), "an id of the host went inside")

    def test_crash_after_the_main_thread_ended_is_handled_inside(self):
        daemon, container = self.start(), self.container()
        _, decided, _, ended = self.crash(container, daemon, "/bin/leader_exits")
        self.assertEqual((decided["verdict"], ended["outcome"]), ("in-container", "handled"))
        self.assertNotEqual(decided["pid"], decided["tid"])
        core, = self.cores(container)
        self.assertIn("crash_here", self.backtrace(core, paths.VICTIMS / "leader_exits"))

    def test_handler_runs_beside_init_when_a_thread_left_the_namespaces(self):
        daemon, container = self.start(), self.container()
        _, decided, _, ended = self.crash(container, daemon, "/bin/thread_namespace")
        self.assertEqual((decided["verdict"], ended["outcome"]), ("in-container", "handled"))
        report = report_of(container)
        self.assertEqual(report["namespaces"], container.namespaces())
        self.assertEqual(environment_of(report)["UPCALL_HOST_NAME"], "of-the-crashing-thread")

    def test_crash_in_a_chroot_is_handled_in_the_root_of_the_container(self):
        daemon, container = self.start(), self.container()
        container.shell("mkdir /tmp/jail")
        _, decided, _, ended = self.crash(container, daemon, "/bin/crash", "--chroot=/tmp/jail")
        self.assertEqual((decided["verdict"], ended["outcome"]), ("in-container", "handled"))
        self.assertEqual(len(self.cores(container)), 1)
        self.assertFalse(list(container.path("/tmp/jail").iterdir()))

    def test_set_uid_crash_is_not_shown_to_the_container(self):
        kernel.write("fs/suid_dumpable", 2)
        daemon = self.start()
        container = self.container(files=[(paths.VICTIMS / "setuid_crash", "/bin/setuid_crash:4755")])
        ended = container.run("/bin/setuid_crash", uid=1000)
        self.assertEqual(ended.signal, 11, ended.output)
        daemon.wait_for(f"pid={ended.host_pid} ", "action=pass")
        self.assertFalse(self.cores(container))
        self.assertFalse(container.path("/tmp/report.json").exists())

    def test_name_that_would_forge_a_log_line_stays_one_value(self):
        daemon, container = self.start(), self.container()
        name = "a)\n%s b"
        self.crash(container, daemon, "/bin/crash", f"--comm={name}")
        self.assertEqual(environment_of(report_of(container))["UPCALL_COMM"], name)
        self.assertFalse([line for line in daemon.log.seen if line.startswith("%s b")])

    def test_every_signal_that_dumps_core_is_named(self):
        daemon, container = self.start(), self.container()
        for signal in ("SEGV", "ABRT", "BUS", "FPE", "ILL", "QUIT", "TRAP", "SYS", "XCPU", "XFSZ"):
            with self.subTest(signal):
                _, decided, *_ = self.crash(container, daemon, "/bin/crash", f"--signal={signal}")
                self.assertEqual(decided["signal"], signal)

    def test_full_disk_of_the_container_fails_that_event_and_no_other(self):
        daemon, container = self.start(), self.container("--crash-size=4m")
        _, _, runs, ended = self.crash(container, daemon, "/bin/crash", "--memory=8", "--data=random")
        saved = next(run for run in runs if run["handler"] == "save-core")
        self.assertTrue(saved["status"] != "0" or "complete=no" in saved["output"], saved)
        for core in self.cores(container):
            core.unlink()
        _, _, runs, ended = self.crash(container, daemon, "/bin/crash")
        self.assertEqual(ended["outcome"], "handled")

    def test_rejected_crash_leaves_nothing(self):
        policy = ("version: 1\ncontainers: {demo: {anonymous: true}}\n"
                  "rules: [{name: none, on: coredump, when: {container: demo}, do: reject}]\n"
                  "defaults: {coredump: pass}\n")
        daemon, container = self.start(policy), self.container()
        *_, ended = self.crash(container, daemon, "/bin/crash")
        self.assertEqual(ended["outcome"], "rejected")
        self.assertFalse(self.cores(container))


for_each_core_mode(Handlers)
del Handlers

if __name__ == "__main__":
    unittest.main()
