# SPDX-License-Identifier: Apache-2.0
"""Containers of crun, runc, podman, LXC and systemd-nspawn: whatever one causes is known by the record of its runtime,
and is handled inside."""

import json
import pathlib
import unittest

from upcalltest import managers, modules, paths
from upcalltest.case import SystemTest
from upcalltest.container import namespaces_of
from upcalltest.daemon import fields
from upcalltest.keys import Helper, answers_in

POLICY = """\
version: 1
runtimes: {{crun: {crun}, runc: {runc}, containerd: [], docker: [], podman: {podman}}}
containers:
  recorded: {{runtime: "*"}}
  unknown: {{anonymous: true}}
handlers:
  tell: {{run: [/bin/sh, -c, '/bin/say "$@" >/told', sh, {facts}], in: container}}
  answer: {{run: [/bin/say, {facts}], in: container}}
rules:
  - {{name: crashes, on: coredump, when: {{container: "*"}}, do: tell}}
  - {{name: keys, on: request-key, when: {{container: "*"}}, do: answer}}
  - {{name: modules, on: modprobe, when: {{container: "*"}}, do: deny}}
defaults: {{coredump: reject}}
"""
# The mount namespace that it runs in, and what it was told.
SAY = '#!/bin/sh\nprintf "%s|%s|%s|%s|%s|%s" "$(readlink /proc/self/ns/mnt)" "$@"\n'
FACTS = '"{container}", "{runtime}", "{container_id}", "{container_name}", "{image}"'


class EachKind:
    """What one container causes, of each kind: the log and the handler name it, and the handler runs inside."""

    image = ""
    container_name = "recorded"

    def make(self, files):
        raise NotImplementedError

    def records(self, container):
        """Where the runtime keeps them, if that is not where it does by default."""
        del container
        return {}

    def setUp(self):
        super().setUp()
        say = pathlib.Path(self.directory, "say")
        say.write_text(SAY)
        self.container = self.make([(say, "/bin/say"), (paths.REQUESTER, "/bin/requester"),
                                    (paths.AUTOLOAD, "/bin/autoload")])
        self.addCleanup(self.container.close)
        records = {"crun": [], "runc": [], "podman": [], **self.records(self.container)}
        records = {name: json.dumps([*map(str, where)]) for name, where in records.items()}
        self.daemon = self.start(POLICY.format(facts=FACTS, **records))

    def decided(self, *parts):
        """What the log says of the decision and of the end."""
        decided = fields(self.daemon.wait_for(*parts))
        self.assertEqual((decided["verdict"], decided.get("container")), ("in-container", self.container_name),
                         self.daemon.log.seen)
        self.check_decided(decided)
        return decided, fields(self.daemon.wait_for(f"event={decided['event']} ", "outcome="))["outcome"]

    def check_decided(self, decided):
        self.assertEqual((decided["runtime"], decided["id"]), (self.runtime, self.container.id))

    def on_record(self, decided):
        """What the handler is told of it."""
        return [self.runtime, self.container.id, decided.get("name", ""), self.image]

    def check_told(self, told, decided):
        place, *words = told.split("|")
        self.assertEqual(place, namespaces_of(self.container.init)["mnt"])
        self.assertNotEqual(place, namespaces_of("self")["mnt"])
        self.assertEqual(words, [self.container_name, *self.on_record(decided)])

    def test_crash(self):
        self.container.do("/bin/crash")
        decided, outcome = self.decided(" kind=coredump ", 'comm="crash"', "verdict=")
        self.assertEqual(outcome, "handled")
        self.check_told(self.container.path("/told").read_text(), decided)

    def test_key(self):
        helper = Helper(self.directory, self.daemon.directory / "run" / "shim.socket")
        self.addCleanup(helper.close)
        (answer,) = answers_in(self.container.do("/bin/requester user upcall:key callout"))
        decided, outcome = self.decided(" kind=request-key ", 'description="upcall:key"', "verdict=")
        self.assertEqual(outcome, "handled")
        self.check_told(answer.payload, decided)

    def test_module(self):
        alias = modules.ask_in(self.container, self.daemon)
        _, outcome = self.decided(" kind=modprobe ", f'alias="{alias}"', "verdict=")
        self.assertEqual(outcome, "rejected")


class Oci(EachKind):
    def make(self, files):
        container = self.oci(self.runtime, files=files)
        container.id = container.name
        return container

    def records(self, container):
        return {self.runtime: [container.state]}


class Crun(Oci, SystemTest):
    runtime = "crun"


class Runc(Oci, SystemTest):
    runtime = "runc"


class Managed(EachKind):
    options = {}

    def make(self, files):
        if reason := managers.missing(*self.manager.NEEDS):
            self.skipTest(reason)
        return self.manager(self.directory, files, **self.options)

    def check_decided(self, decided):
        super().check_decided(decided)
        self.assertEqual(decided["name"], self.container.name)


class Podman(Managed, SystemTest):
    runtime, manager = "podman", managers.Podman

    def records(self, container):
        return {"runc": [container.state], "podman": container.storage}

    @property
    def image(self):
        return f"localhost/{self.container.name}:latest"


class Lxc(Managed, SystemTest):
    runtime, manager = "lxc", managers.Lxc


class Nspawn(Managed, SystemTest):
    runtime, manager = "nspawn", managers.Nspawn

    def setUp(self):
        if pathlib.Path("/run/systemd/system").exists():
            self.skipTest("this machine has a systemd-machined of its own, which must have no rival")
        super().setUp()


class NotRegistered(Nspawn):
    """systemd-nspawn keeps no record of it: it is somebody's, but nobody knows whose."""

    options = {"registered": False}
    container_name = "unknown"

    def check_decided(self, decided):
        self.assertNotIn("runtime", decided)

    def on_record(self, decided):
        return ["", "", "", ""]


if __name__ == "__main__":
    unittest.main()
