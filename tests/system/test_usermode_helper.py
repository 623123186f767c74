# SPDX-License-Identifier: Apache-2.0
"""What the kernel starts by itself is passed, denied or done by a handler, as the policy says. The core dump pipe stands
in for the kernel's other reasons to start a helper: it is the same way through the kernel."""

import os
import pathlib
import signal
import subprocess
import unittest

from upcalltest import helpers, modules, paths, waiting
from upcalltest.case import SystemTest
from upcalltest.daemon import fields

POLICY = """\
version: 1
containers: {demo: {anonymous: true}}
handlers:
  instead: {run: [/bin/sh, -c, 'echo "$UPCALL_EVENT $UPCALL_HELPER_ORIGIN $0 $1"; exit 3', "{helper_path}", "{helper_arguments}"], in: host}
  slow: {run: [/bin/sh, -c, 'echo begun >>$0; sleep 2', "{helper_arguments}"], in: host}
  second: {run: [/bin/sh, -c, 'echo second for $UPCALL_PID'], in: host}
rules:
  - {name: not by demo, on: usermode-helper, when: {container: demo, argument: "sto*"}, do: deny}
  - {name: demo may, on: usermode-helper, when: {container: demo, path: "**/helper", argument: start}, do: pass}
  - {name: instead, on: usermode-helper, when: {argument: handle}, do: instead}
  - {name: in its time, on: usermode-helper, when: {argument: "/**/begun"}, do: slow}
  - {name: twice, on: usermode-helper, when: {argument: twice}, do: instead, on_failure: second}
"""

MORE_THAN_PLACES = 70  # the broker has 64 connections for helpers


class UsermodeHelper(SystemTest):
    def start_with_helper(self, policy=POLICY, script="exit 0", options=""):
        self.stock = modules.Stock(self.directory, script)
        daemon = self.start(policy)
        self.helper = helpers.make_helper(daemon, self.stock.program, options=options)
        return daemon

    def crash_on_host(self, *options):
        process = subprocess.Popen([paths.VICTIMS / "crash", *options])
        self.addCleanup(process.kill)
        return process

    def decided(self, daemon, pid):
        decided = fields(daemon.wait_for(" kind=usermode-helper ", f"pid={pid} ", "action="))
        return decided, fields(daemon.wait_for(f"event={decided['event']} ", "outcome="))

    def by_hand(self, *arguments):
        return subprocess.run([self.helper, *arguments], timeout=60, check=False).returncode


class Decisions(UsermodeHelper):
    def test_containers_helper_is_denied(self):
        daemon, container = self.start_with_helper(), self.container()
        helpers.start_by_crashes(self.helper, "br0", "stop")
        crash = container.run("/bin/crash")
        decided, ended = self.decided(daemon, crash.host_pid)
        self.assertEqual((decided["container"], decided["rule"], decided["origin"]), ("demo", "not by demo", "user"))
        self.assertEqual((decided["path"], decided["argument"]), (str(self.helper), "stop"))
        self.assertEqual((ended["outcome"], self.stock.calls()), ("rejected", []))

    def test_passed_helper_is_the_process_that_the_kernel_started(self):
        seen = f"{self.directory}/seen"
        script = f'{{ echo $$; head -c 4 | tail -c 3; echo; env; ls /proc/self/fd | wc -l; }} >{seen}.new; mv {seen}.new {seen}'
        daemon, container = self.start_with_helper(script=script), self.container()
        helpers.start_by_crashes(self.helper, "start", "%P")
        crash = container.run("/bin/crash")
        decided, ended = self.decided(daemon, crash.host_pid)
        self.assertEqual((decided["rule"], ended["outcome"]), ("demo may", "passed"))
        self.assertEqual(self.stock.calls(), [f"start {crash.host_pid}"])
        with open(seen, encoding="ascii") as file:
            pid, magic, *_ = file.read().split("\n")
        self.assertEqual(magic, "ELF")  # what the kernel gave it as descriptor 0
        self.assertGreater(int(pid), 1)

    def test_handler_takes_the_place_of_the_helper(self):
        daemon = self.start_with_helper()
        helpers.start_by_crashes(self.helper, "handle", "this")
        crash = self.crash_on_host()
        decided, ended = self.decided(daemon, crash.pid)
        run = fields(daemon.wait_for(f"event={decided['event']} ", " handler=instead "))
        self.assertEqual(run["output"], f"usermode-helper user {self.helper} handle this")
        self.assertEqual((run["status"], ended["outcome"], self.stock.calls()), ("3", "failed", []))

    def test_handler_outlives_who_does_not_wait_for_it(self):
        daemon = self.start_with_helper()
        begun = pathlib.Path(self.directory) / "begun"
        os.mkfifo(begun)
        with open(os.open(begun, os.O_RDWR), "rb", buffering=0) as reader:
            helpers.start_by_crashes(self.helper, str(begun))
            crash = self.crash_on_host("--memory=1")  # more than a pipe holds that nobody reads
            waiting.wait_readable(reader.fileno(), 30, "handler")
        crash.kill()
        crash.wait()
        self.assertEqual(self.decided(daemon, crash.pid)[1]["outcome"], "handled")

    def test_second_handler_runs_where_the_first_one_fails(self):
        daemon = self.start_with_helper()
        helpers.start_by_crashes(self.helper, "twice")
        crash = self.crash_on_host()
        decided, ended = self.decided(daemon, crash.pid)
        run = fields(daemon.wait_for(f"event={decided['event']} ", " handler=second "))
        self.assertEqual((run["status"], ended["outcome"], self.stock.calls()), ("0", "handled", []))

    def test_what_no_rule_names_is_passed(self):
        daemon = self.start_with_helper()
        helpers.start_by_crashes(self.helper, "other")
        crash = self.crash_on_host()
        decided, ended = self.decided(daemon, crash.pid)
        self.assertEqual((decided["rule"], decided["verdict"], ended["outcome"]), ("defaults", "host", "passed"))
        self.assertEqual(self.stock.calls(), ["other"])

    def test_what_the_kernel_did_not_start_is_unknown_and_denied(self):
        daemon = self.start_with_helper()
        self.assertEqual((self.by_hand("start"), self.stock.calls()), (1, []))
        decided = fields(daemon.wait_for(" kind=usermode-helper ", "action="))
        self.assertEqual((decided["origin"], decided["action"]), ("unknown", "reject"))

    def test_exit_status_of_the_stock_helper_is_the_helpers(self):
        policy = POLICY + "  - {name: anybody, on: usermode-helper, when: {origin: unknown}, do: pass}\n"
        self.start_with_helper(policy, script="exit 7")
        self.assertEqual((self.by_hand("br0", "start"), self.stock.calls()), (7, ["br0 start"]))

    def test_default_may_be_to_deny(self):
        daemon = self.start_with_helper("version: 1\ndefaults: {usermode-helper: deny}\n")
        helpers.start_by_crashes(self.helper, "start")
        crash = self.crash_on_host()
        self.assertEqual(self.decided(daemon, crash.pid)[1]["outcome"], "rejected")
        self.assertEqual(self.stock.calls(), [])


class Absence(UsermodeHelper):
    def test_stock_helper_stands_in_for_a_broker_that_is_gone(self):
        daemon = self.start_with_helper(script="exit 7")
        daemon.stop(signal.SIGTERM)
        self.assertEqual((self.by_hand("start"), self.stock.calls()), (7, ["start"]))

    def test_nothing_stands_in_where_it_is_said_so(self):
        daemon = self.start_with_helper(options=",absent=deny")
        daemon.stop()
        self.assertEqual((self.by_hand("start"), self.stock.calls()), (1, []))

    def test_helper_that_is_not_installed_fails_without_a_word(self):
        daemon = self.start_with_helper()
        self.stock.program.unlink()
        daemon.stop()
        self.assertEqual(self.by_hand("start"), 1)

    def test_without_rules_there_is_no_socket(self):
        daemon = self.start("version: 1\n")
        self.assertFalse((daemon.directory / "run" / "helper.socket").exists())
        self.assertFalse((daemon.directory / "state" / "usermode-helper").exists())


class StaticHelper(UsermodeHelper):
    """By the name that a kernel with CONFIG_STATIC_USERMODEHELPER executes; tests/vm/static_helper.sh has such a kernel."""

    def run_static(self, *arguments):
        name = pathlib.Path(self.directory) / "usermode-helper"
        if not name.exists():
            name.symlink_to(paths.BIN / "upcall-shim")
        return subprocess.run(arguments, executable=name, timeout=60, check=False).returncode

    def test_it_becomes_what_the_kernel_wanted(self):
        self.stock = modules.Stock(self.directory, "exit 7")
        self.assertEqual(self.run_static(str(self.stock.program), "-q", "--", "x"), 7)
        self.assertEqual(self.stock.calls(), ["-q -- x"])

    def test_it_takes_no_word_of_its_arguments_for_an_option(self):
        self.stock = modules.Stock(self.directory, "exit 7")
        shim = str(paths.BIN / "upcall-shim")
        # The kernel's setting names the shim itself, which then is executed and may say so by itself.
        self.assertEqual(self.run_static("/nowhere/upcall-shim", f"modprobe=/nowhere,stock={self.stock.program}", "m"), 1)
        self.assertEqual(self.stock.calls(), [])
        self.assertEqual(self.run_static(shim, "--help"), 0)

    def test_keys_that_are_waited_for_take_no_place_of_other_helpers(self):
        daemon = self.start_with_helper(script="echo passed; exec sleep 600")
        options = f"helper={daemon.directory / 'run' / 'helper.socket'},stock={self.stock.program},absent=deny"
        for _ in range(MORE_THAN_PLACES):
            process = subprocess.Popen([paths.BIN / "upcall-shim", options, "/sbin/request-key"], stdout=subprocess.PIPE)
            self.addCleanup(process.communicate)
            self.addCleanup(process.kill)
            waiting.wait_readable(process.stdout.fileno(), 30, "answer")
            self.assertEqual(process.stdout.readline(), b"passed\n")

    def test_it_does_not_execute_itself_for_ever(self):
        self.assertEqual(self.run_static("/sbin/usermode-helper", "x"), 1)


if __name__ == "__main__":
    unittest.main()
