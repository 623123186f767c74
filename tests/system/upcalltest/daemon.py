# SPDX-License-Identifier: Apache-2.0
"""upcalld in the foreground, and what it says."""

import fcntl
import os
import pathlib
import re
import shlex
import signal
import subprocess

from . import paths
from .waiting import SLOWNESS, Lines, wait_for_end, wait_readable


def fields(line):
    """The key=value pairs of a log line; values may be quoted."""
    pairs = {}
    for key, quoted, plain in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))', line):
        pairs[key] = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
    return pairs


def program(pid):
    """The name by which `pid` was started; the kernel cuts comm to 15 bytes and the vault renames."""
    return pathlib.Path(os.fsdecode(pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0])).name


def children_of(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


class Upcalld:
    def __init__(self, directory, policy, *options, prefix=(), passed=(), mode=0o600, environment=None):
        """`prefix` is put before the command; `passed` are descriptors that it inherits."""
        self.directory = pathlib.Path(directory)
        self.config = self.directory / "upcalld.yaml"
        self.config.write_text(policy)
        self.config.chmod(mode)
        ready, low = os.pipe()
        theirs = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 64)  # 3 and up are for sockets of an activator
        os.close(low)
        command = [*prefix, paths.BIN / "upcalld", f"--config={self.config}",
                   f"--runtime-directory={self.directory / 'run'}",
                   f"--state-directory={self.directory / 'state'}", f"--once-ready-fd={theirs}", *options]
        self.process = subprocess.Popen(command, pass_fds=[theirs, *passed], stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=environment)
        os.close(theirs)
        self._ready = ready
        self.log = Lines(self.process.stderr.fileno())

    def wait_until_ready(self, seconds=60):
        wait_readable(self._ready, seconds, "READY; log:\n" + "\n".join(self.log.seen))
        said = os.read(self._ready, 16)
        if said != b"READY\n":
            self.process.wait(timeout=5 * SLOWNESS)
            raise AssertionError(f"upcalld ended ({said!r}):\n" + "\n".join(self.log.all()))
        return self

    def child(self, name):
        """The pid of the broker or the launcher."""
        return next(pid for pid in children_of(self.process.pid) if program(pid) == name)

    def broker(self):
        return self.child("upcall-broker")

    def launcher(self):
        return next(pid for pid in children_of(self.process.pid) if program(pid) != "upcall-broker")

    def wait_for(self, *parts, seconds=60):
        """The first log line that holds all of `parts`."""
        return self.log.wait_for(lambda line: all(part in line for part in parts), seconds, shlex.join(parts))

    def wait_for_event(self, host_pid, seconds=60):
        """The fields of the decision, of each run and of the end, of the crash of `host_pid`."""
        decided = fields(self.wait_for(f"pid={host_pid} ", "action=", seconds=seconds))
        event = f"event={decided['event']} "
        ended = fields(self.wait_for(event, "outcome=", seconds=seconds))
        runs = [fields(line) for line in self.log.seen if event in line and " handler=" in line]
        return decided, runs, ended

    def stop(self, how=signal.SIGTERM, seconds=15):
        """Its exit status; negative for a signal."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=seconds * SLOWNESS)

    def wait_for_all_to_end(self, pids, seconds=15):
        for pid in pids:
            wait_for_end(pid, seconds)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=15 * SLOWNESS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        os.close(self._ready)
        self.log.all()
        self.process.stderr.close()
