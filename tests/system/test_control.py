# SPDX-License-Identifier: Apache-2.0
"""What upcallctl answers, of real containers and of the host."""

import json
import os
import socket
import struct
import subprocess
import unittest

from upcalltest.case import SystemTest

POLICY = """\
version: 1
runtimes: {{crun: {crun}, runc: [], containerd: [], docker: [], podman: [], nspawn: []}}
containers: {{recorded: {{runtime: "*"}}, unknown: {{anonymous: true}}}}
handlers: {{tell: {{run: [/bin/sh, -c, 'exit 0'], in: container}}}}
rules:
  - {{name: gold, on: coredump, when: {{container: "*", tag: "gold*"}}, do: tell}}
  - {{name: others, on: coredump, when: {{container: "*"}}, do: reject}}
"""
NAMESPACES = {"cgroup", "ipc", "uts", "net", "pid", "time", "mnt", "user"}


class Control(SystemTest):
    def start_with(self, *containers):
        return self.start(POLICY.format(crun=json.dumps([str(container.state) for container in containers])))

    def whois(self, pid):
        return json.loads(self.ctl("--json", "whois", pid))

    def refused(self, *arguments, status=1):
        done = self.run_ctl(*arguments)
        self.assertEqual((done.returncode, done.stdout), (status, ""))
        return done.stderr

    def test_containers_are_listed_while_they_run(self):
        first, second = self.oci("crun"), self.oci("crun")
        self.start_with(first, second)
        listed = json.loads(self.ctl("--json", "containers"))["containers"]
        self.assertEqual({(one["runtime"], one["id"], one["init"]) for one in listed},
                         {("crun", first.name, first.init), ("crun", second.name, second.init)})
        table = self.ctl("containers")
        for part in ("RUNTIME", first.name, second.name, f"/{first.name}"):
            self.assertIn(part, table)
        second.close()
        self.assertNotIn(second.name, self.ctl("containers"))

    def test_process_of_a_container_in_the_processes_of_the_host_is_its(self):
        container = self.oci("crun", host_pid=True)
        self.start_with(container)
        said = self.whois(container.init)
        self.assertEqual((said["verdict"], said["container"]["id"]), ("in-container", container.name), said["rules"])
        self.assertEqual((said["template"]["pid"], said["process"]["inner_pid"]), (container.init, container.init))
        self.assertNotIn("template", self.whois(os.getpid()))

    def test_process_of_a_container_is_its(self):
        container = self.oci("crun", user_namespace=True)
        self.start_with(container)
        whose = self.whois(container.init)
        self.assertEqual(whose["verdict"], "in-container")
        self.assertEqual([rule["holds"] for rule in whose["rules"]], [True] * 8)
        self.assertEqual((whose["container"]["id"], whose["selector"]), (container.name, "recorded"))
        process = whose["process"]
        self.assertEqual((process["pid"], process["inner_pid"], process["uid"], process["inner_uid"]),
                         (container.init, 1, 100000, 0))
        self.assertEqual(whose["template"]["pid"], container.init)
        self.assertEqual(set(whose["namespaces"]), NAMESPACES)
        for kind in ("mnt", "pid", "user", "net"):
            ids = whose["namespaces"][kind]
            self.assertEqual(ids["process"], ids["container"])
            self.assertNotEqual(ids["process"], ids["host"])
        text = self.ctl("whois", container.init)
        for part in (f"crun {container.name}", "in-container", "D1  yes", "capabilities chown "):
            self.assertIn(part, text)

    def test_intruder_is_mixed_and_the_rules_say_why(self):
        container = self.oci("crun")
        self.start_with(container)
        sleeper = subprocess.Popen(["nsenter", f"--target={container.init}", "--pid", "sleep", "1000"])
        self.addCleanup(sleeper.wait, 10)
        self.addCleanup(sleeper.kill)
        inside = self.child_of(sleeper.pid)
        whose = self.whois(inside)
        self.assertEqual(whose["verdict"], "mixed")
        failed = {rule["rule"] for rule in whose["rules"] if not rule["holds"]}
        self.assertIn("D3", failed)
        self.assertIn("D3  NO", self.ctl("whois", inside))

    def child_of(self, pid):
        """The one that nsenter forks."""
        path = f"/proc/{pid}/task/{pid}/children"
        while True:
            with open(path, encoding="ascii") as children:
                if words := children.read().split():
                    return int(words[0])

    def test_process_of_the_host_is_the_hosts(self):
        self.start_with()
        whose = self.whois(os.getpid())
        self.assertEqual((whose["verdict"], "rules" in whose, "template" in whose), ("host", False, False))
        text = self.ctl("whois", os.getpid())
        self.assertIn("host", text)
        self.assertIn("policy      in none of its containers", text)

    def test_namespaces_that_cannot_be_read_are_unknown(self):
        self.start_with()
        kernel_thread = 2
        own = {ids["process"] for ids in self.whois(kernel_thread)["namespaces"].values()}
        self.assertEqual(own, {None})
        rows = [line.split()[:2] for line in self.ctl("whois", kernel_thread).splitlines() if line.startswith("  ")]
        self.assertEqual([value for kind, value in rows if kind in NAMESPACES], ["unknown"] * len(NAMESPACES))

    def test_tag_of_a_process_and_of_its_container_decides(self):
        self.need_tags()
        container = self.oci("crun")
        daemon = self.start_with(container)
        container.run("/bin/crash")
        daemon.wait_for("rule=\"others\"", "action=reject")
        self.ctl("tag", container.init, "gold-1")
        self.assertEqual(self.ctl("tag", container.init), "gold-1\n")
        self.assertEqual(self.whois(container.init)["process"]["tag"], "gold-1")
        container.run("/bin/crash")
        daemon.wait_for("tag=\"gold-1\"", "rule=\"gold\"")
        self.ctl("tag", container.init, "--remove")
        untagged = self.run_ctl("tag", container.init)
        self.assertEqual((untagged.returncode, untagged.stdout), (0, ""))
        self.assertEqual(untagged.stderr, f"upcallctl: process {container.init} has no tag\n")

    def test_questions_that_cannot_be_answered_are_told_why(self):
        self.assertIn("is upcalld running", self.refused("containers"))
        self.start_with()
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.assertIn(f"cannot find process {gone.pid}", self.refused("whois", gone.pid))
        for wrong in (["whois"], ["whois", "x"], ["whois", "0"], ["nonsense"], [], ["containers", "more"],
                      ["tag", "1", "a", "b"], ["tag", "1", ""], ["--remove", "containers"]):
            self.assertIn("Try 'upcallctl --help'", self.refused(*wrong, status=2))
        self.assertIn("Usage: upcallctl", self.ctl("--help"))

    def test_broker_bears_what_is_no_question(self):
        daemon = self.start_with()
        path = f"{self.directory}/run/control.socket"
        for message in (b"", b"x", b"y" * 100000, struct.pack("II", 1, 99), struct.pack("II", 7, 1), struct.pack("II", 1, 2)):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
                client.connect(path)
                client.send(message)
                client.settimeout(30)
                answer = client.recv(65536)
                self.assertTrue(answer == b"" or b"error" in answer, answer)
        silent = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(20)]
        for client in silent:
            self.addCleanup(client.close)
            client.connect(path)
        self.assertIn("RUNTIME", self.ctl("containers"))  # once the silent ones have been let go
        self.assertIsNone(daemon.process.poll())


if __name__ == "__main__":
    unittest.main()
