# SPDX-License-Identifier: Apache-2.0
"""Helpers of the kernel's that have no event of their own, and cgroups."""

import errno
import itertools
import os
import pathlib
import subprocess

from . import kernel, paths
from .oci import unified_hierarchy

_numbers = itertools.count(1)


def make_helper(daemon, stock, role="helper", options=""):
    """A file by which the kernel can be told to start upcall-shim in the place of `stock`."""
    script = daemon.directory / "helper"
    line = f"#!{paths.BIN / 'upcall-shim'} {role}={daemon.directory / 'run' / 'helper.socket'},stock={stock}{options}"
    script.write_text(line + "\n")
    script.chmod(0o755)
    return script


def start_by_crashes(helper, *arguments):
    """From now on who crashes makes the kernel start `helper`."""
    kernel.write("kernel/core_pattern", f"|{helper} {' '.join(arguments)}")


class Hierarchy:
    """One of version 1 without controllers, mounted for a test."""

    def __init__(self, directory, name="hierarchy"):
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir()
        # Of its own for each, as those of one name are one.
        self._name = f"upcall-test-{os.getpid()}-{self.directory.stat().st_ino}"
        subprocess.run(["mount", "-t", "cgroup", "-o", f"none,name={self._name}", "cgroup", self.directory], check=True)
        (self.directory / "notify_on_release").write_text("1")

    def agent(self):
        return (self.directory / "release_agent").read_text().rstrip("\n")

    def set_agent(self, program):
        (self.directory / "release_agent").write_text(f"{program}\n")

    def run_in(self, cgroup, command):
        """Runs it there and waits for its end, when the cgroup is empty again."""
        (self.directory / cgroup).mkdir(exist_ok=True)
        enter = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', self.directory / cgroup]
        return subprocess.run([*enter, *command], timeout=60, check=True)

    def empty_together(self, cgroups):
        """Makes them, each with a process in it, all of which end at once."""
        end, alive = os.pipe()
        processes = [subprocess.Popen(["cat"], stdin=end) for _ in cgroups]
        os.close(end)
        for process, cgroup in zip(processes, cgroups, strict=True):
            (self.directory / cgroup).mkdir()
            (self.directory / cgroup / "cgroup.procs").write_text(str(process.pid))
        os.close(alive)
        for process in processes:
            process.wait(timeout=60)

    def close(self):
        for path in sorted((path for path in self.directory.rglob("*") if path.is_dir()), reverse=True):
            path.rmdir()
        subprocess.run(["umount", self.directory], check=True)
        self.directory.rmdir()


class Unified:
    """A cgroup of version 2 for a test, and those that it makes below."""

    def __init__(self):
        self.path = f"/upcall-test-{os.getpid()}-{next(_numbers)}"  # from the root of the hierarchy
        self.directory = pathlib.Path(f"{unified_hierarchy()}{self.path}")
        self.directory.mkdir()

    def fill(self, cgroup, command=("sleep", "1000000")):
        """Starts a process in it; it is made where there is none."""
        (self.directory / cgroup).mkdir(parents=True, exist_ok=True)
        enter = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && echo && exec "$@"', self.directory / cgroup]
        process = subprocess.Popen([*enter, *command], stdout=subprocess.PIPE)
        if process.stdout.readline() != b"\n":
            raise RuntimeError(f"nobody could be put into {cgroup}")
        return process

    def empty(self, process):
        process.kill()
        process.wait()
        process.stdout.close()

    def remove(self, cgroup):
        """At once, that is, as soon as the kernel lets us."""
        while True:
            try:
                return (self.directory / cgroup).rmdir()
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise

    def close(self):
        for path, _, _ in os.walk(self.directory, topdown=False):
            kill = pathlib.Path(path) / "cgroup.kill"
            if kill.exists():
                kill.write_text("1")
            self.remove(path)
