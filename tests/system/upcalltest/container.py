# SPDX-License-Identifier: Apache-2.0
"""Throw-away containers, by way of the program upcall-container."""

import dataclasses
import os
import pathlib
import re
import subprocess

from . import paths
from .waiting import SLOWNESS, Lines

VICTIMS = ("crash", "leader_exits", "thread_namespace", "fork_storm")


@dataclasses.dataclass
class Ended:
    """A command that ran in a container."""
    pid: int | None  # inside, if that is known
    host_pid: int
    status: int | None  # None when a signal ended it
    signal: int
    core: bool  # WCOREDUMP
    output: str


class Running:
    """A command that runs in a container."""

    def __init__(self, process, report):
        self.process = process
        self._report = report
        self._lines = Lines(report)
        started = self._lines.wait_for(lambda line: line.startswith("started "), what="start of the command")
        self.pid, self.host_pid = (int(number) for number in re.findall(r"=(\d+)", started))

    def wait(self, seconds=30):
        output = self.process.communicate(timeout=seconds * SLOWNESS)[0]
        ended = self._lines.wait_for(lambda line: line.startswith("ended "), what="end of the command")
        self._lines.all()
        os.close(self._report)
        status, signal, core = (int(number) for number in re.findall(r"=(-?\d+)", ended))
        return Ended(self.pid, self.host_pid, None if status < 0 else status, signal, core == 1,
                     output.decode(errors="replace"))


class Inside:
    """What can be done with a container of any kind; that gives `init` and `start`."""

    init: int

    def start(self, *command, **options):
        raise NotImplementedError

    def run(self, *command, seconds=30, **options):
        return self.start(*command, **options).wait(seconds)

    def do(self, command):
        """What a command of the shell says, whatever becomes of it."""
        return self.run("/bin/sh", "-c", command).output

    def path(self, inside):
        """A file of the container, as the host can reach it."""
        return pathlib.Path(f"/proc/{self.init}/root{inside}")

    def write(self, inside, text, mode=0o755):
        """By the container itself: ids of the host have no meaning in its file systems."""
        self.shell('mkdir -p "$(dirname "$0")" && printf %s "$1" >"$0" && chmod "$2" "$0"', inside, text, f"{mode:o}")

    def shell(self, script, *arguments):
        ended = self.run("/bin/sh", "-c", script, *arguments)
        if ended.status != 0:
            raise AssertionError(f"{script}: {ended.output}")

    def namespaces(self):
        return namespaces_of(self.init)

    def status(self):
        return status_of(self.init)


class Container(Inside):
    def __init__(self, directory, *options, name="demo", files=()):
        """`files`: pairs of a path of the host and the path inside, or with ":MODE" after it."""
        self._control = pathlib.Path(directory) / f"{name}.control"
        placed = [(paths.REPORTER, "/bin/report"), *((paths.VICTIMS / v, f"/bin/{v}") for v in VICTIMS), *files]
        self._process = subprocess.Popen(
            [paths.CONTAINER, "run", f"--control={self._control}", f"--name={name}", *options,
             *(f"--file={host}:{inside}" for host, inside in placed)], stdout=subprocess.PIPE)
        ready = self._process.stdout.readline().decode()
        match = re.fullmatch(r"ready init=(\d+) cgroup=(.*)\n", ready)
        if not match:
            raise RuntimeError("the container did not start")
        self.init = int(match[1])
        self.cgroup = pathlib.Path(match[2])

    def close(self):
        self._process.terminate()
        self._process.wait(timeout=30 * SLOWNESS)
        self._process.stdout.close()

    def start(self, *command, uid=None, cwd="/", core_limit=None, stdin=subprocess.DEVNULL):
        report, theirs = os.pipe()
        options = [f"--control={self._control}", f"--report-fd={theirs}", f"--cwd={cwd}"]
        options += [] if uid is None else [f"--uid={uid}"]
        options += [] if core_limit is None else [f"--core-limit={core_limit}"]
        process = subprocess.Popen([paths.CONTAINER, "exec", *options, "--", *command], pass_fds=[theirs],
                                   stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.close(theirs)
        return Running(process, report)


_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


def namespaces_of(pid):
    return {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in _NAMESPACES}


def is_called(pid, name):
    """Whether there is such a process, and it has this name: of the launcher's children some end at any moment."""
    try:
        return status_of(pid)["Name"] == name
    except (FileNotFoundError, ProcessLookupError):
        return False


def status_of(pid):
    """/proc/PID/status as a dictionary."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)
