# SPDX-License-Identifier: Apache-2.0
"""A thousand crashes in fifty containers of crun and runc, while others are made and destroyed: each is known as
its container's, and is handled there and nowhere else.

Whose a crash is, the crashed process says itself: its name is a secret that only its container has in its files.
The handler says by its own copy of the secret where it runs. The log says what the broker believed.
"""

import collections
import concurrent.futures
import itertools
import pathlib
import secrets
import threading
import unittest

from upcalltest import oci, paths
from upcalltest.case import SystemTest
from upcalltest.daemon import fields
from upcalltest.oci import OciContainer

CONTAINERS, CRASHES_OF_EACH = 50, 20
POLICY = """\
version: 1
runtimes: {{crun: ["{state}/crun"], runc: ["{state}/runc"], containerd: [], docker: [], podman: [], nspawn: []}}
containers: {{recorded: {{runtime: [crun, runc]}}}}
handlers:
  tell:
    run: [/bin/sh, -c, 'read secret </secret; echo "$secret $*" >>/tmp/told; echo "$secret $*"', sh,
          "{{comm}}", "{{runtime}}", "{{container_id}}"]
    in: container
rules:
  - {{name: all, on: coredump, when: {{container: recorded}}, do: tell}}
defaults: {{coredump: reject}}
"""
# All that the crashes need: fifty containers are to fit on any disk.
PROGRAMS = [(paths.VICTIMS / "crash", "/bin/crash")]
KINDS = (("crun", {}), ("runc", {"seccomp": True}), ("crun", {"user_namespace": True, "capabilities": oci.ALL}),
         ("runc", {"no_new_privs": True}), ("crun", {"uid": 1000}))


class Member:
    """One container of the crowd."""

    def __init__(self, number, directory):
        self.runtime, options = KINDS[number % len(KINDS)]
        self.secret = f"{number:04}-{secrets.token_hex(5)}"  # as long as the name of a process may be
        note = directory / self.secret
        note.write_text(f"{self.secret}\n")
        self.container = OciContainer(self.runtime, directory, state=directory / "state" / self.runtime,
                                      programs=[*PROGRAMS, (note, "/secret:444")], **options)

    def crash(self, times):
        crashes = 'read secret </secret; for i in $(seq "$0"); do /bin/crash --comm="$secret"; done; exit 0'
        ended = self.container.run("/bin/sh", "-c", crashes, str(times), seconds=300)
        if ended.status != 0:
            raise AssertionError(f"{self.container.name}: {ended.output}")

    def expected(self):
        """What its handler has to say at each crash."""
        return f"{self.secret} {self.secret} {self.runtime} {self.container.name}"

    def close(self):
        self.container.close()


class Crowd(SystemTest):
    def setUp(self):
        super().setUp()
        self.place = pathlib.Path(self.directory)
        self.pool = concurrent.futures.ThreadPoolExecutor(CONTAINERS + 1)
        self.addCleanup(self.pool.shutdown)
        self.numbers = itertools.count()

    def make(self):
        member = Member(next(self.numbers), self.place)
        self.addCleanup(member.close)
        return member

    def come_and_go(self, over):
        """Makes containers, each of which crashes once and is destroyed, until the event `over`."""
        gone = []
        while not over.is_set():
            member = Member(next(self.numbers), self.place)
            gone.append(member)
            try:
                member.crash(1)
            finally:
                member.close()
        return gone

    def crash_all(self, crowd):
        """Returns those that came and went meanwhile."""
        over = threading.Event()
        others = self.pool.submit(self.come_and_go, over)
        try:
            for crashed in [self.pool.submit(member.crash, CRASHES_OF_EACH) for member in crowd]:
                crashed.result()
        finally:
            over.set()
        return others.result()

    def events(self, daemon, count):
        """What the log says of each event, in one dictionary, once `count` of them have ended."""
        events, ended = collections.defaultdict(dict), set()

        def note(line):
            found = fields(line)
            if "event" in found:
                events[found["event"]].update(found)
            if "outcome" in found:
                ended.add(found["event"])
            return len(ended) >= count
        daemon.log.wait_for(note, 60, f"end of {count} events")
        return list(events.values())

    def test_each_of_1000_crashes_is_known_and_handled_as_its_containers_own(self):
        crowd = [member.result() for member in [self.pool.submit(self.make) for _ in range(CONTAINERS)]]
        daemon = self.start(POLICY.format(state=self.place / "state"))
        others = self.crash_all(crowd)
        self.assertGreaterEqual(len(others), 3, "hardly any came and went")
        members = {member.secret: member for member in [*crowd, *others]}
        counts = collections.Counter({member.secret: CRASHES_OF_EACH for member in crowd})
        counts.update({member.secret: 1 for member in others})
        events = self.events(daemon, counts.total())
        self.assertEqual(collections.Counter(event["comm"] for event in events), counts)
        for event in events:
            member = members[event["comm"]]
            self.assertEqual((event["verdict"], event["outcome"]), ("in-container", "handled"), event)
            self.assertEqual((event["runtime"], event["id"]), (member.runtime, member.container.name), event)
            self.assertEqual(event["output"], member.expected(), event)
        for member in crowd:
            told = member.container.path("/tmp/told").read_text().splitlines()
            self.assertEqual(told, [member.expected()] * CRASHES_OF_EACH)


if __name__ == "__main__":
    unittest.main()
