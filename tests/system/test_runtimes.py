# SPDX-License-Identifier: Apache-2.0
"""Containers of podman, LXC and systemd-nspawn: a crash in one is known by its runtime, name and id, and is handled
inside."""

import json
import pathlib
import unittest

from upcalltest import managers
from upcalltest.case import SystemTest
from upcalltest.container import namespaces_of
from upcalltest.daemon import fields

POLICY = """\
version: 1
runtimes: {{crun: [], runc: {runc}, containerd: [], docker: [], podman: {podman}}}
containers:
  recorded: {{runtime: "*"}}
  unknown: {{anonymous: true}}
handlers:
  tell:
    run:
      - /bin/sh
      - -c
      - 'readlink /proc/self/ns/mnt >/told; for word; do echo "$word"; done >>/told'
      - sh
      - "{{container}}"
      - "{{runtime}}"
      - "{{container_id}}"
      - "{{container_name}}"
      - "{{image}}"
    in: container
rules:
  - {{name: all, on: coredump, when: {{container: "*"}}, do: tell}}
defaults: {{coredump: reject}}
"""
KEYS = ("container", "runtime", "id", "name", "image")


class Runtimes(SystemTest):
    def make(self, kind, **options):
        if reason := managers.missing(*kind.NEEDS):
            self.skipTest(reason)
        container = kind(self.directory, **options)
        self.addCleanup(container.close)
        return container

    def crash(self, container, runc=(), podman=()):
        """What the handler was told, once it is sure that it ran inside; what the log says of the crash."""
        daemon = self.start(POLICY.format(runc=json.dumps([*map(str, runc)]), podman=json.dumps([*map(str, podman)])))
        container.crash()
        decided = fields(daemon.wait_for('comm="crash"', "verdict="))
        event = f"event={decided['event']} "
        self.assertEqual(decided["verdict"], "in-container")
        self.assertEqual(fields(daemon.wait_for(event, "outcome="))["outcome"], "handled")
        place, *told = container.path("/told").read_text().split("\n")
        self.assertEqual(place, namespaces_of(container.init)["mnt"])
        self.assertNotEqual(place, namespaces_of("self")["mnt"])
        return dict(zip(KEYS, told)), decided

    def check_known(self, told, decided, runtime, container):
        self.assertEqual((told["container"], told["runtime"], told["id"]), ("recorded", runtime, container.id))
        self.assertEqual((decided["runtime"], decided["id"]), (runtime, container.id))

    def check_named(self, told, decided, container, image):
        self.assertEqual((told["name"], decided["name"]), (container.name, container.name))
        self.assertEqual(told["image"], image)

    def crash_podman(self):
        container = self.make(managers.Podman)
        return container, *self.crash(container, runc=[container.state], podman=container.storage)

    def test_podman(self):
        container, told, decided = self.crash_podman()
        self.check_known(told, decided, "podman", container)

    def test_podman_name_and_image(self):
        container, told, decided = self.crash_podman()
        self.check_named(told, decided, container, image=f"localhost/{container.name}:latest")

    def test_lxc_handles_inside(self):
        self.crash(self.make(managers.Lxc))

    def test_lxc_is_known(self):
        container = self.make(managers.Lxc)
        told, decided = self.crash(container)
        self.check_known(told, decided, "lxc", container)
        self.check_named(told, decided, container, image="")

    def test_nspawn(self):
        if pathlib.Path("/run/systemd/system").exists():
            self.skipTest("this machine has a systemd-machined of its own, which must have no rival")
        container = self.make(managers.Nspawn)
        told, decided = self.crash(container)
        self.check_known(told, decided, "nspawn", container)
        self.check_named(told, decided, container, image="")

    def test_nspawn_that_is_not_registered_is_unknown(self):
        told, decided = self.crash(self.make(managers.Nspawn, registered=False))
        self.assertEqual(told, {"container": "unknown", **dict.fromkeys(KEYS[1:], "")})
        self.assertNotIn("runtime", decided)


if __name__ == "__main__":
    unittest.main()
