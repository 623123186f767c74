# SPDX-License-Identifier: Apache-2.0
"""request-key.conf as policy: it loads, and answers as request-key does."""

import pathlib
import subprocess
import unittest

from test_request_key import RequestKey
from upcalltest import paths
from upcalltest.keys import Mount, request_on_host

LINES = """\
# what request-key sorts: the least wild line is the best, and an asterisk that skips nothing is not wild
create user import:*        *      /usr/share/keyutils/request-key-debug.sh %k %d any %S
create user import:pipe:*   *      |/bin/cat
create user import:args:*   *      |/bin/echo -n %o %t %d %c %u %g %T %P %% %%k {"a":1} x*y?[z]
create user import:reject:* *      /bin/keyctl reject %k 30 %c %S
create user import:tie*     c      /usr/share/keyutils/request-key-debug.sh %k %d wild %S
create user import:tie      *      /usr/share/keyutils/request-key-debug.sh %k %d exact %S
create user import:fail:*   *      |/bin/false
create user import:none:*   *      /bin/true
create user import:keysub:* *      /bin/keyctl instantiate %k %{user:upcall-secret} %S
create user *:star:b*       c      |/bin/echo -n star
"""
REQUESTS = [("import:x", "c"), ("import:pipe:a/b c", "one two"), ("import:args:d", "c c"),
            ("import:reject:x", "rejected"), ("import:reject:y", "expired"), ("import:tie", "c"), ("import:tie", "d"),
            ("import:tie2", "c"), ("import:fail:x", "c"), ("import:none:x", "c"), ("import:keysub:x", "c"),
            ("import:x:star:b*", "c"), ("import:x:star:b", "c"), ("elsewhere", "c"), ("debug:x", "c"), ("debug:loop:x", "c"),
            ("debug:x", "negate"), ("debug:x", "rejected")]


def import_conf(*files):
    done = subprocess.run([paths.BIN / "upcallctl", "import", "request-key.conf", *files], capture_output=True, text=True,
                          timeout=30)
    return done.returncode, done.stdout, done.stderr


class Import(RequestKey):
    def setUp(self):
        super().setUp()
        lines = pathlib.Path(self.directory) / "request-key.d"
        lines.mkdir()
        self.conf = lines / "import.conf"
        self.conf.write_text(LINES)
        mount = Mount(lines, pathlib.Path("/etc/request-key.d"))
        self.addCleanup(mount.close)

    def test_policy_answers_as_request_key_does(self):
        def ask():
            answers = [request_on_host("user", description, callout) for description, callout in REQUESTS]
            return [(*request, answer.error, answer.payload) for request, answer in zip(REQUESTS, answers)]
        status, policy, said = import_conf()
        self.assertEqual(status, 0, said)
        stock = ask()
        daemon = self.start_with_keys(policy)
        self.assertEqual(ask(), stock)
        # It was us: all but the line that cannot be said, and what no line asks for.
        decided = [self.event(daemon, description)[0]["action"] for description, _ in REQUESTS]
        passed = {description for (description, _), action in zip(REQUESTS, decided) if action == "pass"}
        self.assertEqual(passed, {"import:keysub:x", "elsewhere"})

    def test_what_cannot_be_said_is_told(self):
        status, policy, said = import_conf(str(self.conf))
        self.assertEqual(status, 0)
        self.assertIn(f"{self.conf}:10: %{{user:upcall-secret}} is read from a key of the requester's", said)
        self.assertEqual(policy.count("do: pass"), 1)

    def test_mistakes_leave_no_policy(self):
        self.conf.write_text("create user a b\ncreate user a b prog\n")
        status, policy, said = import_conf(str(self.conf))
        self.assertEqual((status, policy), (1, ""))
        self.assertIn(f"{self.conf}:1: expected OPERATION", said)
        self.assertIn(f"{self.conf}:2: 'prog' is not an absolute path", said)

    def test_policy_loads(self):
        _, policy, _ = import_conf()
        config = pathlib.Path(self.directory) / "imported.yaml"
        config.write_text(policy)
        done = subprocess.run([paths.BIN / "upcalld", "--check", f"--config={config}"], capture_output=True, text=True,
                              timeout=30)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stderr)


if __name__ == "__main__":
    unittest.main()
