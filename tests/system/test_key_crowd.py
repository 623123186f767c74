# SPDX-License-Identifier: Apache-2.0
"""Many key requests at once: nobody waits beyond the deadline, and who asks for too much is told so, soon."""

import concurrent.futures
import subprocess
import time
import unittest

from test_request_key import POLICY, RequestKey
from upcalltest import paths
from upcalltest.daemon import fields
from upcalltest.keys import answers_in

# A user may have 200 keys, and each request takes three.
CONTAINERS, USERS_OF_EACH, GROUPS_OF_HOST, REQUESTS_OF_EACH = 3, 5, 5, 50
AT_ONCE = 5  # groups: for each request the kernel has a thread, and there are two processes
HOST = """\
  - {name: keys of the host, on: request-key, when: {type: user, description: "host:**", host_uid: 0}, do: for-host}
"""
FOR_HOST = '  for-host: {run: [/bin/echo, -n, "{key_description}"], in: host, timeout: 10s}\nrules:'
FLOODING_USERS = 20
CRASHES = """\
  tell: {run: [/bin/sh, -c, 'echo crashed'], in: container}
rules:
  - {name: crashes, on: coredump, when: {container: demo}, do: tell}"""
DEADLINE = 100  # seconds, of a key request (docs/policy.md)
SAY_WHAT = '#!/bin/sh\nprintf %s "$2"\n'


def ask_on_host(group):
    done = subprocess.run([paths.REQUESTER, f"--count={REQUESTS_OF_EACH}", "user", f"host:{group}:", "c"],
                          capture_output=True, text=True, timeout=DEADLINE + 60, check=True)
    return answers_in(done.stdout)


def ask_in(container, uid):
    ended = container.run("/bin/requester", f"--count={REQUESTS_OF_EACH}", "user", "demo:", "c", uid=uid,
                          seconds=DEADLINE + 60)
    return answers_in(ended.output)


class Crowd(RequestKey):
    def counts(self, daemon):
        """What the broker says of all key requests when it ends."""
        daemon.stop(seconds=60)
        return {name: int(count) for name, count in fields(daemon.wait_for("key requests:", "arrived=")).items()}

    def test_1000_requests_at_once(self):
        daemon = self.start_with_keys(POLICY.replace("rules:", FOR_HOST, 1) + HOST)
        containers = [self.demo(answer=SAY_WHAT, name=f"demo{i}") for i in range(CONTAINERS)]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            of_containers = [pool.submit(ask_in, container, 1000 + 100 * i + user)
                             for user in range(USERS_OF_EACH) for i, container in enumerate(containers)]
            of_host = [pool.submit(ask_on_host, group) for group in range(GROUPS_OF_HOST)]
            groups = [asked.result() for asked in [*of_containers, *of_host]]
        answers = [answer for group in groups for answer in group]
        self.assertEqual(len(answers), 1000)
        # Whom a machine that is on its knees does not wake while EBUSY lasts, the kernel tells ENOKEY.
        self.assertLessEqual({answer.error for answer in answers}, {"", "EBUSY", "ENOKEY"})
        self.assertLess(max(answer.seconds for answer in answers), DEADLINE)
        of_each = [groups[i:len(of_containers):CONTAINERS] for i in range(CONTAINERS)] + [groups[len(of_containers):]]
        for i, origin in enumerate(of_each):
            self.assertIn("", {answer.error for group in origin for answer in group}, f"origin {i} had nothing")
        given = sum(answer.error == "" for answer in answers)
        counts = self.counts(daemon)
        self.assertEqual((counts["arrived"], counts["handled"], counts["busy"]), (1000, given, 1000 - given))

    def test_flood_of_one_container_stops_no_other(self):
        policy = POLICY.replace("rules:", CRASHES, 1)
        daemon = self.start_with_keys(policy)
        flooding, other = (self.demo(answer=SAY_WHAT, name=name) for name in ("flooding", "other"))
        with concurrent.futures.ThreadPoolExecutor(FLOODING_USERS) as pool:
            asked = [pool.submit(ask_in, flooding, 1000 + user) for user in range(FLOODING_USERS)]
            daemon.wait_for("cannot answer as many of the same origin at once")
            other.run("/bin/crash", seconds=DEADLINE)
            self.assertEqual(self.request(other).error, "")
            answers = [answer for group in asked for answer in group.result()]
        daemon.wait_for("handler=tell", 'output="crashed"')
        self.assertEqual(len(answers), FLOODING_USERS * REQUESTS_OF_EACH)
        # ETIMEDOUT: the shim had waited for twenty seconds, and the kernel's caller with it.
        self.assertLessEqual({answer.error for answer in answers}, {"", "EBUSY", "ENOKEY"})

    def test_origin_that_asks_too_often_is_told_so_at_once(self):
        slow = POLICY + "defaults: {key_requests_per_second: 2}\n"
        daemon, container, other = self.start_with_keys(slow), self.demo(), self.demo(name="other")
        started = time.monotonic()
        ended = container.run("/bin/requester", "--repeat=40", "user", "demo:", "c", seconds=120)
        answers = answers_in(ended.output)
        given = sum(answer.error == "" for answer in answers)
        # Five seconds' worth at once, and then as the time goes.
        self.assertGreaterEqual(given, 10)
        self.assertLessEqual(given, 11 + 2 * (time.monotonic() - started))
        self.assertEqual({answer.error for answer in answers}, {"", "EBUSY"})
        self.assertEqual(answers[9].error, "")
        daemon.wait_for("cannot answer an origin so often")
        self.assertEqual(self.request(other).error, "", "it has a rate of its own")


if __name__ == "__main__":
    unittest.main()
