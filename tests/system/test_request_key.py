# SPDX-License-Identifier: Apache-2.0
"""Keys that a container asks for are made in that container."""

import errno
import os
import signal
import subprocess
import unittest

from upcalltest import kernel, paths
from upcalltest.case import SystemTest
from upcalltest.daemon import fields
from upcalltest.keys import Helper, answers_in, request_on_host
from upcalltest.waiting import SLOWNESS

POLICY = """\
version: 1
containers: {demo: {anonymous: true}}
handlers:
  answer: {run: [/bin/answer, "{key_type}", "{key_description}"], in: container, timeout: 10s}
rules:
  - name: keys of the demo
    on: request-key
    when: {container: demo, type: user, description: "demo:**"}
    do: answer
    negative: {errno: EACCES, for: 1s}
"""
ECHO = '#!/bin/sh\nread -r callout\nprintf "%s %s %s %s" "$1" "$2" "$callout" "$(id -u)"\n'


class RequestKey(SystemTest):
    def start_with_keys(self, policy=POLICY, options=""):
        daemon = self.start(policy)
        helper = Helper(self.directory, daemon.directory / "run" / "shim.socket", options)
        self.addCleanup(helper.close)
        return daemon

    def demo(self, *options, answer=ECHO, files=(), **more):
        container = self.container(*options, files=[(paths.REQUESTER, "/bin/requester"), *files], **more)
        container.write("/bin/answer", answer)
        return container

    def request(self, container, kind="user", description="demo:x", callout="secret", **options):
        ended = container.run("/bin/requester", kind, description, callout, **options)
        return answers_in(ended.output)[0]

    def event(self, daemon, description):
        """The fields of the decision, of each run and of the end."""
        decided = fields(daemon.wait_for(f'description="{description}"', "action="))
        event = f"event={decided['event']} "
        ended = fields(daemon.wait_for(event, "outcome="))
        return decided, [fields(line) for line in daemon.log.seen if event in line and " handler=" in line], ended


class Reply(RequestKey):
    def test_container_answers_its_own_request(self):
        daemon, container = self.start_with_keys(), self.demo()
        answer = self.request(container)
        self.assertEqual((answer.error, answer.payload), ("", "user demo:x secret 0"))
        decided, (run,), ended = self.event(daemon, "demo:x")
        self.assertEqual((decided["kind"], decided["verdict"], decided["container"]),
                         ("request-key", "in-container", "demo"))
        self.assertEqual((decided["origin"], decided["rule"]), ("user", "keys of the demo"))
        self.assertEqual((run["status"], ended["outcome"]), ("0", "handled"))

    def test_container_without_a_user_namespace_answers_too(self):
        daemon, container = self.start_with_keys(), self.demo("--no-user", "--capabilities=a80425fb")
        self.assertEqual(self.request(container).payload, "user demo:x secret 0")
        self.assertEqual(self.event(daemon, "demo:x")[2]["outcome"], "handled")

    def test_container_of_runc_answers_its_own_request(self):
        daemon = self.start_with_keys()
        container = self.oci("runc", user_namespace=True, files=[(paths.REQUESTER, "/bin/requester")])
        container.write("/bin/answer", ECHO)
        answer = self.request(container, uid=1000)
        self.assertEqual((answer.error, answer.payload), ("", "user demo:x secret 0"), daemon.log.seen)
        self.assertEqual(self.event(daemon, "demo:x")[0]["verdict"], "in-container")

    def test_request_of_the_host_takes_the_stock_path(self):
        before = request_on_host("user", "debug:upcall", "for the host")
        daemon = self.start_with_keys()
        after = request_on_host("user", "debug:upcall", "for the host")
        self.assertEqual(before.payload, "Debug for the host")
        self.assertEqual(after.payload, before.payload)
        self.assertEqual(self.event(daemon, "debug:upcall")[2]["outcome"], "passed")


class Conditions(RequestKey):
    def answered(self, condition):
        """Whether a rule with it holds for user 1000 of a container whose init is marked gold."""
        self.need_tags()
        daemon = self.start_with_keys(POLICY.replace("container: demo,", f"container: demo, {condition},"))
        container = self.demo()
        subprocess.run([paths.BIN / "upcallctl", "tag", str(container.init), "gold"], check=True, timeout=30)
        answer = self.request(container, uid=1000)
        ids = self.event(daemon, "demo:x")[0]["uid"], container.status()["Gid"].split()[0]
        self.assertEqual(ids, ("101000", "100000"))
        return answer.error == ""

    def test_ids_inside(self):
        self.assertTrue(self.answered("uid: 1000, gid: 1000"))

    def test_ids_outside(self):
        self.assertTrue(self.answered("host_uid: 101000, host_gid: [7, 101000]"))

    def test_other_ids(self):
        self.assertFalse(self.answered("host_gid: 1000"))

    def test_tag(self):
        self.assertTrue(self.answered('tag: "go*"'))

    def test_other_tag(self):
        self.assertFalse(self.answered("tag: silver"))


class Failures(RequestKey):
    """None blocks its requester beyond its deadline, and each has the answer that the rule says."""

    def answer_of(self, container):
        """Its answer, for which a requester whose handler has a second must not wait many."""
        got = self.request(container)
        self.assertLess(got.seconds, 15 * SLOWNESS)
        return got

    def refused(self, answer):
        daemon = self.start_with_keys(POLICY.replace("10s", "1s"))
        container = self.demo(answer=answer)
        self.assertEqual(self.answer_of(container).error, "EACCES")
        self.assertEqual(self.event(daemon, "demo:x")[2]["outcome"], "failed")
        return daemon

    def test_handler_that_fails(self):
        self.refused("#!/bin/sh\nprintf half; exit 1\n")

    def test_handler_that_hangs(self):
        daemon = self.refused("#!/bin/sh\nexec sleep 1000\n")
        self.assertEqual(self.event(daemon, "demo:x")[1][0]["end"], "timed-out")

    def test_handler_that_ignores_the_request_to_end(self):
        daemon = self.refused("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n")
        self.assertEqual(self.event(daemon, "demo:x")[1][0]["end"], "timed-out")

    def test_handler_that_is_killed(self):
        self.refused("#!/bin/sh\nkill -9 $$\n")

    def test_handler_that_says_nothing(self):
        daemon = self.start_with_keys()
        got = self.answer_of(self.demo(answer="#!/bin/sh\n"))
        self.assertEqual(got.error, "EINVAL")  # as the kernel says to a key of type user without payload
        daemon.wait_for("cannot instantiate a key")

    def test_handler_that_says_too_much(self):
        self.refused("#!/bin/sh\nhead -c 40000 /dev/zero\n")

    def test_handler_that_goes_into_the_background(self):
        self.start_with_keys()
        got = self.answer_of(self.demo(answer="#!/bin/sh\nprintf done\nsleep 1000 &\n"))
        self.assertEqual((got.error, got.payload), ("", "done"))

    def test_second_handler_is_asked_when_the_first_fails(self):
        policy = POLICY.replace("rules:", "  other: {run: [/bin/other], in: container}\nrules:", 1)
        daemon = self.start_with_keys(policy + "    on_failure: other\n")
        container = self.demo(answer="#!/bin/sh\nexit 1\n")
        container.write("/bin/other", "#!/bin/sh\nprintf second\n")
        self.assertEqual(self.request(container).payload, "second")
        self.assertEqual(len(self.event(daemon, "demo:x")[1]), 2)

    def asleep(self):
        """A request whose handler sleeps, once it does."""
        daemon = self.start_with_keys(POLICY.replace("10s", "60s"))
        container = self.demo(answer="#!/bin/sh\necho asleep >/tmp/fifo; exec sleep 1000\n")
        container.shell("mkfifo /tmp/fifo || busybox mkfifo /tmp/fifo")
        running = container.start("/bin/requester", "user", "demo:x", "c")
        self.assertEqual(container.run("/bin/cat", "/tmp/fifo").output, "asleep\n")
        return daemon, running

    def test_broker_that_is_killed_meanwhile(self):
        daemon, running = self.asleep()
        os.kill(daemon.broker(), signal.SIGKILL)
        self.assertEqual(answers_in(running.wait(10).output)[0].error, "EHOSTDOWN")

    def test_requester_that_is_killed_meanwhile(self):
        daemon, running = self.asleep()
        os.kill(running.host_pid, signal.SIGKILL)
        self.assertEqual(running.wait(10).signal, signal.SIGKILL)
        _, (run,), ended = self.event(daemon, "demo:x")
        self.assertEqual((run["end"], ended["outcome"]), ("killed", "failed"))

    def test_rejected_request(self):
        daemon = self.start_with_keys(POLICY.replace("do: answer", "do: reject"))
        self.assertEqual(self.request(self.demo()).error, "EACCES")
        self.assertEqual(self.event(daemon, "demo:x")[2]["outcome"], "rejected")

    def test_error_is_kept_when_a_second_ends_meanwhile(self):
        self.start_with_keys(POLICY.replace("do: answer", "do: reject"))
        ended = self.demo().run("/bin/requester", "--repeat=600", "user", "demo:", "c", seconds=120)
        errors = {answer.error for answer in answers_in(ended.output)}
        self.assertEqual(errors - {"EDQUOT"}, {"EACCES"})  # the kernel takes its time to give a user's quota back

    def test_many_at_once(self):
        daemon, container = self.start_with_keys(), self.demo()
        ended = container.run("/bin/requester", "--count=48", "user", "demo:", "c", seconds=120)
        answers = answers_in(ended.output)
        self.assertEqual(len(answers), 48)  # a user has 200 keys, and each request takes three
        self.assertLessEqual({answer.error for answer in answers}, {"", "EBUSY"})
        self.assertGreaterEqual(sum(answer.error == "" for answer in answers), 16)
        self.assertEqual(self.request(container, description="demo:after").error, "")

    def test_quota_of_root_is_nobody_elses(self):
        self.start_with_keys()
        container = self.demo("--no-user", "--capabilities=a80425fb")
        limit = kernel.read("kernel/keys/root_maxkeys")
        self.addCleanup(kernel.write, "kernel/keys/root_maxkeys", limit)
        kernel.write("kernel/keys/root_maxkeys", 1)
        self.assertEqual(self.request(container, uid=1000).payload, "user demo:x secret 0")

    def test_handler_that_asks_for_itself_without_end(self):
        self.start_with_keys(POLICY.replace("10s", "60s"))
        container = self.demo(answer="#!/bin/sh\nexec /bin/requester user demo:x again\n")
        ended = container.run("/bin/requester", "user", "demo:x", "c", seconds=60)
        self.assertIn(f"errno={errno.EBUSY} ", ended.output)
        self.assertTrue(ended.output.startswith("errno=0 "), ended.output)

    def test_without_a_broker_the_stock_helper_answers(self):
        daemon = self.start_with_keys()
        daemon.stop()
        self.assertEqual(request_on_host("user", "debug:upcall", "c").payload, "Debug c")

    def test_without_a_broker_and_stock_helper_the_key_is_refused(self):
        daemon = self.start_with_keys(options=",absent=reject")
        daemon.stop()
        self.assertEqual(request_on_host("user", "debug:upcall", "c").error, "EHOSTDOWN")


AUTHORITY = """\
version: 1
containers: {demo: {anonymous: true}}
handlers:
  keyctl: {run: [/usr/bin/keyctl, instantiate, "{key}", from-inside, "0"], in: container, authority: true, user: "7777:7777"}
  refuse: {run: [/usr/bin/keyctl, reject, "{key}", "1", rejected, "0"], in: container, authority: true}
  nothing: {run: [/bin/true], in: container, authority: true}
  resolver: {run: [/usr/sbin/key.dns_resolver, "{key}"], in: container, authority: true, timeout: 20s}
  spy: {run: [/bin/spy, "{session_keyring}"], in: container}
  nested: {run: [/bin/nested, "{key}"], in: container, authority: true}
  answer: {run: [/bin/answer, "{key_type}", "{key_description}"], in: container}
rules:
  - {name: keyctl, on: request-key, when: {container: demo, description: "keyctl:*"}, do: keyctl}
  - {name: refuse, on: request-key, when: {container: demo, description: "refuse:*"}, do: refuse}
  - {name: nothing, on: request-key, when: {container: demo, description: "nothing:*"}, do: nothing, negative: {errno: EIO}}
  - {name: resolver, on: request-key, when: {container: demo, type: dns_resolver}, do: resolver}
  - {name: nested, on: request-key, when: {container: demo, description: "nested:*"}, do: nested}
  - {name: demo, on: request-key, when: {container: demo, description: "demo:*"}, do: answer}
  - {name: spy, on: request-key, when: {container: demo, description: "spy:*"}, do: spy}
"""
LIBRARIES = [f"/lib/x86_64-linux-gnu/{name}" for name in ("libkeyutils.so.1", "libresolv.so.2", "libc.so.6")]
NESTED = """#!/bin/sh
inner=$(/usr/bin/keyctl request2 user demo:inner c @s) || exit 1
/usr/bin/keyctl instantiate "$1" "$(/usr/bin/keyctl pipe "$inner")" 0
"""
FILL = """i=0
while /usr/bin/keyctl add user "q$i" x @u; do i=$((i + 1)); done
/usr/bin/keyctl request2 user demo:y c @u
/usr/bin/keyctl clear @u
"""
RESTRICT = """/usr/bin/keyctl new_session >/dev/null 2>&1
ring=$(/usr/bin/keyctl newring upcall-ring @s)
/usr/bin/keyctl restrict_keyring "$ring"
/usr/bin/keyctl request2 user demo:x c "$ring"
"""
SPY = """#!/bin/sh
/usr/bin/keyctl request user upcall-secret 2>&1
/usr/bin/keyctl add user poison EVIL "$1" 2>&1
/usr/bin/keyctl describe @s 2>&1
/usr/bin/keyctl show 2>&1
"""


class Authority(RequestKey):
    """Helpers made for request-key(8) run inside, as they are."""

    files = [(path, path) for path in
             (*LIBRARIES, "/lib64/ld-linux-x86-64.so.2", "/usr/bin/keyctl", "/usr/sbin/key.dns_resolver")]

    def start_both(self):
        return self.start_with_keys(AUTHORITY), self.demo(files=self.files)

    def test_keyctl_instantiates_as_a_user_without_rights(self):
        daemon, container = self.start_both()
        answer = self.request(container, description="keyctl:x")
        self.assertEqual((answer.error, answer.payload), ("", "from-inside"), daemon.log.seen)
        self.assertEqual(self.event(daemon, "keyctl:x")[2]["outcome"], "handled")

    def test_keyctl_rejects(self):
        daemon, container = self.start_both()
        self.assertEqual(self.request(container, description="refuse:x").error, "EKEYREJECTED")
        self.assertEqual(self.event(daemon, "refuse:x")[2]["outcome"], "handled")

    def test_handler_that_leaves_the_key_without_an_answer(self):
        daemon, container = self.start_both()
        self.assertEqual(self.request(container, description="nothing:x").error, "EIO")
        self.assertEqual(self.event(daemon, "nothing:x")[2]["outcome"], "failed")

    def test_names_are_those_of_the_container(self):
        daemon, container = self.start_both()
        container.write("/etc/hosts", "10.9.8.7 upcall.test\n", 0o644)
        container.write("/etc/nsswitch.conf", "hosts: files\n", 0o644)
        answer = self.request(container, "dns_resolver", "upcall.test", "ipv4")
        self.assertEqual((answer.error, answer.payload), ("", "10.9.8.7"), daemon.log.seen)

    def test_same_name_asked_for_on_the_host_takes_the_stock_path(self):
        request = "dns_resolver", "localhost", "ipv4"
        before = request_on_host(*request)
        daemon, container = self.start_both()
        container.write("/etc/hosts", "10.9.8.7 localhost\n", 0o644)
        container.write("/etc/nsswitch.conf", "hosts: files\n", 0o644)
        self.assertEqual(self.request(container, *request).payload, "10.9.8.7")
        self.assertEqual(request_on_host(*request).payload, before.payload)
        self.assertEqual((before.error, before.payload), ("", "127.0.0.1"))
        passed = fields(daemon.wait_for('description="localhost"', "verdict=host"))
        self.assertEqual((passed["rule"], passed["action"]), ("defaults", "pass"))

    def test_answer_comes_although_its_keyring_takes_no_links(self):
        self.start_with_keys(AUTHORITY.replace("do: answer}", "do: reject, negative: {errno: EACCES}}"))
        ended = self.demo(files=self.files).run("/bin/sh", "-c", RESTRICT)
        self.assertIn("request_key: Permission denied", ended.output)

    def test_request_of_a_handler_is_its_requesters(self):
        daemon, container = self.start_both()
        container.write("/bin/nested", NESTED)
        self.assertEqual(self.request(container, description="nested:x").payload, "user demo:inner c 0",
                         daemon.log.seen)
        self.assertEqual(self.event(daemon, "demo:inner")[0]["pid"], self.event(daemon, "nested:x")[0]["pid"])

    def test_requester_without_quota_hears_so_and_others_are_answered(self):
        daemon, container = self.start_both()
        ended = container.run("/bin/sh", "-c", FILL, uid=1000)
        self.assertIn("request_key: Disk quota exceeded", ended.output)
        self.assertEqual(self.request(container).payload, "user demo:x secret 0")
        self.assertFalse([line for line in daemon.log.seen if "demo:y" in line])

    def test_handler_that_only_replies_has_none_of_the_requesters_keys(self):
        _, container = self.start_both()
        container.write("/bin/spy", SPY)
        ended = container.run("/bin/requester", "user", "spy:x", "c")
        self.assertIn("payload=request_key: Required key not available", ended.output)
        self.assertIn("add_key: Permission denied", ended.output)
        self.assertNotIn("upcall.landing", ended.output)
        self.assertNotIn(".request_key_auth", ended.output)


if __name__ == "__main__":
    unittest.main()
