# SPDX-License-Identifier: Apache-2.0
"""Many crashes at once, handlers that never end, and programs that die in between."""

import json
import os
import signal
import unittest

from upcalltest.case import POLICY, SystemTest, for_each_core_mode
from upcalltest.container import status_of
from upcalltest.daemon import fields

ONLY_REPORT = POLICY.replace("[save-core, report]", "[report]")
HANGING = """\
version: 1
containers: {demo: {anonymous: true}}
handlers:
  hang: {run: [/bin/hang], in: container, timeout: 1s}
rules:
  - {name: demo, on: coredump, when: {container: demo}, do: hang}
defaults: {coredump: pass}
"""


def resident_kib(pid):
    return int(status_of(pid)["VmRSS"].split()[0])


class Storm(SystemTest):
    def storm(self, container, count, concurrency, seconds=600):
        ended = container.run("/bin/fork_storm", f"--count={count}", f"--concurrency={concurrency}",
                              "--memory=256", seconds=seconds)
        return json.loads(ended.output)

    def outcomes(self, daemon, count, seconds=60):
        """The outcome of every event, when `count` of them have one."""
        seen = {}

        def note(line):
            found = fields(line) if " outcome=" in line else {}
            if "event" in found:
                seen[found["event"]] = found["outcome"]
            return len(seen) >= count
        daemon.log.wait_for(note, seconds, f"outcome of {count} events")
        return list(seen.values())

    def test_of_1000_crashes_64_at_a_time_none_is_lost_and_memory_stays_flat(self):
        daemon, container = self.start(ONLY_REPORT), self.container()
        self.storm(container, 200, 64)
        warm = resident_kib(daemon.broker())
        result = self.storm(container, 1000, 64)
        self.assertEqual((result["crashed"], result["not_crashed"]), (1000, 0))
        self.assertEqual(self.outcomes(daemon, 1200), ["handled"] * 1200)
        self.assertLessEqual(resident_kib(daemon.broker()), warm + 2048)

    def test_handler_that_never_ends_is_killed_at_its_timeout(self):
        daemon, container = self.start(HANGING), self.container()
        container.write("/bin/hang", "#!/bin/sh\necho $$ >/tmp/hang.pid\nexec sleep 100000\n")
        ended = container.run("/bin/crash", seconds=20)
        _, (run,), outcome = daemon.wait_for_event(ended.host_pid)
        self.assertEqual((run["end"], outcome["outcome"]), ("timed-out", "failed"))
        self.assertGreaterEqual(int(run["total_us"]), 1_000_000)
        self.assertLess(int(run["total_us"]), 5_000_000)
        inner = container.path("/tmp/hang.pid").read_text().strip()
        self.assertFalse(container.path(f"/proc/{inner}").exists(), "the handler lives on")

    def test_every_crashing_process_is_released_when_the_broker_is_killed(self):
        daemon, container = self.start(ONLY_REPORT), self.container()
        running = container.start("/bin/fork_storm", "--count=400", "--concurrency=64", "--memory=256")
        daemon.wait_for("outcome=")
        os.kill(daemon.broker(), signal.SIGKILL)
        result = json.loads(running.wait(seconds=60).output)
        self.assertEqual(result["crashed"], 400)


for_each_core_mode(Storm)
del Storm

if __name__ == "__main__":
    unittest.main()
