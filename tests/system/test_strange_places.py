# SPDX-License-Identifier: Apache-2.0
"""Containers and times that are out of the ordinary: docs/THREAT-MODEL.md, I6 and I8 to I11."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

from upcalltest import kernel, oci, paths
from upcalltest.case import SystemTest
from upcalltest.container import is_called, namespaces_of, status_of
from upcalltest.daemon import children_of, fields
from upcalltest.waiting import wait_for_end

ATTACKER = [(paths.ATTACKER, "/bin/attacker")]
POLICY = """\
version: 1
containers: {{demo: {{anonymous: true}}}}
handlers:
  first: {{run: {run}, in: container, timeout: 20s}}
  on-host: {{run: [/bin/sleep, "60"], in: host, timeout: 120s}}
rules:
  - {{name: inside, on: coredump, when: {{container: demo}}, do: first}}
defaults: {{coredump: {otherwise}}}
"""
REPORT = "[/bin/report, /tmp/report]"
# Keys until the user whose number it is given may have no more, held until its standard input ends.
FILL_KEYS = """
import ctypes, os, sys
os.setresuid(*[int(sys.argv[1])] * 3)
add_key = ctypes.CDLL(None, use_errno=True).syscall
number = 0
while add_key(248, b"user", b"%d" % number, b"x", 1, -3) >= 0:
    number += 1
print(os.strerror(ctypes.get_errno()), flush=True)
sys.stdin.read()
"""


class StrangePlaces(SystemTest):
    def start_policy(self, run=REPORT, otherwise="pass", **more):
        return self.start(POLICY.format(run=run, otherwise=otherwise), **more)

    def crash(self, daemon, container, *options):
        ended = container.run("/bin/crash", *options)
        self.assertNotEqual(ended.signal, 0, ended.output)
        return daemon.wait_for_event(ended.host_pid)

    def test_container_that_shares_the_host_s_processes_gets_no_handler_and_reaches_none_of_ours(self):
        daemon = self.start_policy(otherwise="on-host")
        container = self.oci("crun", host_pid=True, user_namespace=True, capabilities=oci.ALL, files=ATTACKER)
        crashed = container.start("/bin/crash")
        decided = daemon.wait_for("verdict=", "action=")
        self.assertIn("verdict=host", decided)
        targets = {"upcalld": daemon.process.pid, "broker": daemon.broker(), "launcher": daemon.launcher(),
                   "handler": self.child(daemon.launcher(), "sleep")}
        for name, pid in targets.items():
            tried = json.loads(container.run("/bin/attacker", "at", str(pid)).output)
            links = tried.pop("links of descriptors")
            self.assertFalse([link for link in links.values() if link], name)
            for attempt, result in tried.items():
                self.assertIn(result, ("EACCES", "EPERM"), f"{attempt} at the {name}")
        os.kill(targets["handler"], signal.SIGKILL)
        crashed.wait()
        self.assertFalse(container.path("/tmp/report").exists())

    def test_user_with_as_many_keys_as_he_may_have_keeps_his_handler(self):
        container = self.oci("crun", user_namespace=True)
        daemon = self.start_policy()
        with subprocess.Popen([sys.executable, "-c", FILL_KEYS, "100000"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as holder:
            self.assertEqual(holder.stdout.readline(), "Disk quota exceeded\n")
            container.run("/bin/crash")
            daemon.wait_for("outcome=handled")
            holder.stdin.close()

    def child(self, parent, name):
        def find():
            return [pid for pid in children_of(parent) if is_called(pid, name)]
        self.wait_until(find, f"child {name}")
        return find()[0]

    def wait_until(self, holds, what, seconds=30):
        deadline = time.monotonic() + seconds
        while not holds():
            self.assertLess(time.monotonic(), deadline, f"no {what}")

    def test_interpreter_of_the_container_s_own_does_not_take_the_place_of_a_handler_of_ours(self):
        daemon = self.start_policy("builtin:core")
        core = paths.BUILD / "libexec" / "core"
        container = self.oci("crun", user_namespace=True, capabilities=oci.ALL, files=[(core, "/bin/core")])
        container.write("/tmp/steal", "#!/bin/sh\necho stolen >/tmp/stolen\n")
        # Known by where it starts: its magic alone is every program's, the interpreter's too.
        entry = "".join(f"\\x{byte:02x}" for byte in core.read_bytes()[24:32])
        container.shell("mkdir /tmp/misc && mount -t binfmt_misc none /tmp/misc && "
                        "printf '%s' \"$0\" >/tmp/misc/register", f":steal:M:24:{entry}::/tmp/steal:")
        container.shell("/bin/core && cat /tmp/stolen && rm /tmp/stolen")  # so it does work
        _, runs, _ = self.crash(daemon, container)
        self.assertFalse(container.path("/tmp/stolen").exists())
        self.assertEqual(len(runs), 1)

    def check_device(self, **options):
        known = dict(reversed(line.split()) for line in pathlib.Path("/proc/misc").read_text().splitlines())
        # Of those that every root may open, and containers may not.
        numbers = "10:" + next(known[name] for name in ("loop-control", "hw_random", "kvm") if name in known)
        daemon = self.start_policy(f"[/bin/attacker, handler, /tmp/tried, \"{numbers}\"]")
        container = self.oci("runc", files=ATTACKER, **options)
        self.assertEqual(container.run("/bin/attacker", "handler", "/tmp/inside", numbers).status, 0)
        inside = json.loads(container.path("/tmp/inside").read_text())["open the device"]
        self.assertEqual(inside, "EPERM", "the container itself may open it")
        self.crash(daemon, container)
        tried = json.loads(container.path("/tmp/tried").read_text())
        self.assertEqual(tried["open the device"], "EPERM")

    def test_devices_that_the_container_may_not_open_are_out_of_reach(self):
        self.check_device(only_unified=True)

    def test_devices_that_the_container_may_not_open_by_cgroup_version_1_are_out_of_reach(self):
        if not pathlib.Path("/sys/fs/cgroup/devices").exists():
            self.fail("this machine has no such cgroup: nothing to find out")
        self.check_device()

    def test_container_whose_cgroup_of_version_1_is_out_of_reach_gets_no_handler(self):
        hide = ["unshare", "--mount", "sh", "-c", 'umount /sys/fs/cgroup/devices && exec "$0" "$@"']
        daemon, container = self.start_policy(prefix=hide), self.oci("runc")
        decided, runs, _ = self.crash(daemon, container)
        self.assertEqual((decided["verdict"], decided["failed"]), ("mixed", "D8"))
        self.assertFalse(container.path("/tmp/report").exists())

    def test_crash_of_init_is_handled_before_the_container_goes(self):
        daemon = self.start_policy("[/bin/report, /out/report]")
        out = pathlib.Path(self.directory) / "out"
        out.mkdir()
        container = self.oci("crun", init=["/bin/crash"], binds=[(out, "/out")])
        decided, runs, ended = daemon.wait_for_event(container.init)
        self.assertEqual((decided["verdict"], ended["outcome"]), ("in-container", "handled"))
        self.assertEqual([run["status"] for run in runs], ["0"])
        report = json.loads((out / "report").read_text())
        self.assertFalse(set(report["namespaces"].values()) & set(namespaces_of("self").values()) -
                         {namespaces_of("self")[kind] for kind in ("user", "time")})
        wait_for_end(container.init, 15)

    def stop(self, pid):
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(self.go_on, pid)

    @staticmethod
    def go_on(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def crash_while_stopped(self, launcher, container):
        """A process of `container` that dumps core and is held there, since nobody captures it."""
        self.stop(launcher)
        running = container.start("/bin/crash")
        self.wait_until(lambda: status_of(running.host_pid).get("CoreDumping") == "1", "core dump")
        return running

    def test_core_of_a_program_whose_end_its_init_waits_for_is_stored_whole(self):
        out = pathlib.Path(self.directory) / "cores"
        out.mkdir()
        # Slowly, so that much is left to be stored when the last byte has been read.
        daemon = self.start_policy(run="builtin:core, with: {directory: /out, level: 19}")
        wait = "while ! [ -e /out/go ]; do sleep 0.1; done; crash --memory=8 --data=random"
        container = self.oci("crun", init=["/bin/sh", "-c", f"{wait}; exit"], binds=[(out, "/out")])
        (out / "go").touch()
        self.assertIn("outcome=handled", daemon.wait_for("outcome="))
        wait_for_end(container.init, 15)
        (core,) = out.glob("core.crash.*")
        self.assertGreater(core.stat().st_size, 8 << 20)
        self.assertNotIn("truncated", core.name)

    def test_frozen_container_does_not_keep_others_waiting(self):
        daemon, frozen, other = self.start_policy(), self.container(name="frozen"), self.container(name="other")
        frozen.shell("/bin/busybox mkfifo /tmp/go")
        running = frozen.start("/bin/sh", "-c", "read line </tmp/go; exec /bin/crash")
        with self.frozen_init(frozen, running.host_pid) as inside:
            frozen.path("/tmp/go").write_text("go\n")
            launcher = daemon.launcher()
            self.wait_until(lambda: set(inside.read_text().split()) & set(map(str, children_of(launcher))),
                            "stage 1 inside; log:\n" + "\n".join(daemon.log.seen))
            *_, ended = self.crash(daemon, other)
            self.assertEqual(ended["outcome"], "handled")
            decided, runs, ended = daemon.wait_for_event(running.host_pid)
            self.assertEqual(decided["verdict"], "in-container")
            self.assertNotEqual(ended["outcome"], "handled")
            self.assertIn("cause", runs[0])
            last = [line for line in daemon.log.seen if " outcome=" in line][-1]
            self.assertIn(f"event={decided['event']} ", last, "the other one waited for it")

    @contextlib.contextmanager
    def frozen_init(self, container, spared):
        """Its init is frozen, in a cgroup of its own as service managers make it, and the process `spared` is not:
        freezing a process ends its core dump."""
        inner, beside = container.cgroup / "init.scope", container.cgroup / "beside"
        for cgroup, pid in ((inner, container.init), (beside, spared)):
            cgroup.mkdir()
            (cgroup / "cgroup.procs").write_text(str(pid))
        (inner / "cgroup.freeze").write_text("1")
        try:
            yield inner / "cgroup.procs"
        finally:
            (inner / "cgroup.freeze").write_text("0")
            (container.cgroup / "cgroup.procs").write_text(str(container.init))
            for cgroup in (inner, beside):
                self.wait_until(lambda cgroup=cgroup: "populated 0" in (cgroup / "cgroup.events").read_text(), "empty cgroup")
                cgroup.rmdir()

    def test_pid_that_was_used_again_leads_to_nobody(self):
        daemon, container = self.start_policy(), self.container()
        launcher = daemon.launcher()
        running = self.crash_while_stopped(launcher, container)
        pid = running.host_pid
        os.kill(pid, signal.SIGKILL)
        running.wait()
        with self.impostor(pid):
            self.go_on(launcher)
            self.assertEqual(self.crash(daemon, container)[-1]["outcome"], "handled")
            for line in daemon.log.seen:
                self.assertNotIn("sleep", line)
                self.assertFalse(f"pid={pid} " in line and "verdict=host" in line, line)

    @contextlib.contextmanager
    def impostor(self, pid):
        """A process of the host that has got the number `pid`."""
        for _ in range(500):
            kernel.write("kernel/ns_last_pid", pid - 1)
            process = subprocess.Popen(["/bin/sleep", "600"])
            try:
                if process.pid == pid:
                    yield
                    self.assertIsNone(process.poll(), "the impostor was harmed")
                    return
            finally:
                process.kill()
                process.wait()
        self.fail(f"pid {pid} could not be had again")

    def unshare(self, *options, crash, prefix=()):
        """A container of nothing but unshare(1), whose init runs the program `crash` once."""
        cgroup = oci.unified_hierarchy() / f"upcall-test-unshare-{os.getpid()}"
        cgroup.mkdir()
        self.addCleanup(cgroup.rmdir)
        process = subprocess.Popen(
            ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', cgroup, *prefix, "unshare", "--pid", "--fork",
             "--kill-child", "--mount", "--mount-proc", "--net", "--uts", "--ipc", "--cgroup", *options,
             "/bin/sh", "-c", 'while read line; do "$0"; done', crash],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/")
        self.addCleanup(process.wait, 30)
        self.addCleanup(process.stdin.close)
        self.wait_until(lambda: children_of(process.pid), "init")
        init, = children_of(process.pid)
        process.stdin.write(b"crash\n")
        process.stdin.flush()
        return init

    def unshare_user(self, *options):
        """One of user 1000, on the host's files."""
        place = pathlib.Path(self.directory)
        for program in (paths.REPORTER, paths.VICTIMS / "crash"):
            shutil.copy(program, place)
        (place / "out").mkdir()
        os.chmod(place / "out", 0o777)
        user = ["setpriv", "--reuid=1000", "--regid=1000", "--groups=1000,7"]
        return self.unshare("--user", *options, crash=place / "crash", prefix=user), place

    def test_container_that_is_but_a_chroot_keeps_its_handler(self):
        jail = pathlib.Path(self.directory) / "jail"
        for name in ("bin", "proc", "tmp"):
            (jail / name).mkdir(parents=True)
        for program, name in (("/bin/busybox", "sh"), (paths.REPORTER, "report"), (paths.VICTIMS / "crash", "crash")):
            shutil.copy(program, jail / "bin" / name)
        daemon = self.start_policy()
        init = self.unshare(f"--root={jail}", crash="/bin/crash")
        outcome = fields(daemon.wait_for("outcome="))
        self.assertEqual(outcome["outcome"], "handled")
        report, root = json.loads((jail / "tmp/report").read_text(encoding="latin-1")), jail.stat()
        self.assertEqual((report["root"], report["cwd"]), (f"{root.st_dev}:{root.st_ino}", "/"))
        self.assertEqual(report["namespaces"], namespaces_of(init))

    def test_container_of_an_ordinary_user_gets_his_ids_and_groups(self):
        daemon = self.start_policy(f"[{self.directory}/upcall-reporter, {self.directory}/out/report]")
        init, place = self.unshare_user("--map-root-user")
        decided = fields(daemon.wait_for("verdict=", "action="))
        outcome = fields(daemon.wait_for(f"event={decided['event']} ", "outcome="))
        self.assertEqual((decided["verdict"], outcome["outcome"]), ("in-container", "handled"))
        report = json.loads((place / "out/report").read_text(encoding="latin-1"))
        self.assertEqual(report["namespaces"], namespaces_of(init))
        self.assertEqual(pathlib.Path(f"/proc/{init}/setgroups").read_text(), "deny\n")
        # 1000 is root inside; group 7 has no name there.
        self.assertEqual((report["status"]["Uid"].split(), report["status"]["Gid"].split()), (["0"] * 4, ["0"] * 4))
        self.assertEqual(sorted(report["status"]["Groups"].split()), ["0", "65534"])

    def test_container_without_users_gets_no_handler(self):
        daemon = self.start_policy(f"[{self.directory}/upcall-reporter, {self.directory}/out/report]")
        init, place = self.unshare_user()
        self.assertEqual(pathlib.Path(f"/proc/{init}/uid_map").read_text(), "")
        decided = fields(daemon.wait_for("verdict=", "action="))
        outcome = fields(daemon.wait_for(f"event={decided['event']} ", "outcome="))
        self.assertNotEqual(outcome["outcome"], "handled")
        self.assertFalse((place / "out/report").exists())


if __name__ == "__main__":
    unittest.main()
