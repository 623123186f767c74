# SPDX-License-Identifier: Apache-2.0
"""Containers as their users make them: by podman, LXC and systemd-nspawn.

The init of each runs the commands that come in by a FIFO: whatever happens is the doing of an ordinary process of the
container, whoever made it.
"""

import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tarfile

from . import paths
from .container import Inside
from .oci import SECCOMP, make_root, unified_hierarchy
from .waiting import SLOWNESS, wait_readable

INIT = """\
#!/bin/sh
while read -r line </go; do
    (eval "$line") >/said 2>&1
    echo >/done
done
"""
_numbers = itertools.count(1)


def missing(*programs):
    """Why a test that needs `programs` must be skipped, if it must."""
    absent = [program for program in programs if not shutil.which(program)]
    return f"not installed: {', '.join(absent)}" if absent else None


class Managed(Inside):
    """Nothing of it is left once it is closed, or its test has ended in any way."""

    def __init__(self, kind, directory, files=()):
        self.name = f"upcall-{kind}-{os.getpid()}-{next(_numbers)}"
        self.directory = pathlib.Path(directory) / self.name
        self.root = self.directory / "rootfs"
        make_root(self.root, [(paths.VICTIMS / "crash", "/bin/crash"), *files])
        for name in ("go", "done"):
            os.mkfifo(self.root / name)
        (self.root / "init").write_text(INIT)
        (self.root / "init").chmod(0o755)
        self.processes = []
        self.undo = contextlib.ExitStack()
        self.undo.callback(self._reap)

    def _reap(self):
        for process in self.processes:
            process.wait(timeout=30 * SLOWNESS)

    def close(self):
        self.undo.close()

    def do(self, command):
        done = os.open(self.path("/done"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self.path("/go").write_text(command + "\n")
            wait_readable(done, 60, f"end of '{command}'")
        finally:
            os.close(done)
        return self.path("/said").read_text()

    def clean_up_with(self, cgroup, *command):
        """Once all is over: `command`, and the end of whatever is left in `cgroup`."""
        janitor = subprocess.Popen([sys.executable, paths.SOURCE / "tests/system/upcalltest/janitor.py", cgroup, *command],
                                   stdin=subprocess.PIPE, start_new_session=True)

        def finish():
            janitor.stdin.close()
            if janitor.wait(timeout=90 * SLOWNESS) != 0:
                raise AssertionError(f"{self.name} was not removed")
        self.undo.callback(finish)


class Notified:
    """A socket at which a program tells that it is ready, as sd_notify(3) does."""

    def __init__(self, path):
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind(str(path))

    def close(self):
        self._socket.close()

    def wait(self):
        """All that it said, in one text."""
        said = ""
        while "READY=1" not in said:
            wait_readable(self._socket.fileno(), 30, f"READY=1 at {self.path}")
            said += self._socket.recv(4096).decode() + "\n"
        return said


def _run(*command, log=None):
    """What it says. `log` is a file in which it says why it failed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120 * SLOWNESS, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        why = log.read_text(errors="replace") if log and log.exists() else ""
        raise RuntimeError(f"{command}: {done.stderr}{why}")
    return done.stdout.strip()


# conmon ends as podman, which mounts the storage once more and must not be overtaken.
PODMAN_REMOVE = """\
name=$1
shift
"$@" kill "$name"
timeout 60 tail -s 0.1 --pid="$(cat "$0")" -f /dev/null
"$@" rm --force --time=0 "$name"
"""


class Podman(Managed):
    """Of root, by runc, which takes cgroups of either version."""

    NEEDS = ("podman", "runc", "conmon")

    def __init__(self, directory, files=()):
        super().__init__("podman", directory, files)
        self.state = self.directory / "runc"
        self.storage = [self.directory / "store/overlay-containers", self.directory / "run/overlay-containers"]
        podman = ["podman", f"--root={self.directory}/store", f"--runroot={self.directory}/run",
                  f"--tmpdir={self.directory}/tmp", "--storage-driver=overlay", "--cgroup-manager=cgroupfs",
                  "--events-backend=none", "--runtime=runc", f"--runtime-flag=root={self.state}"]
        # Its own filter allows no keys.
        calls = [name for name in SECCOMP["syscalls"][0]["names"] if "key" not in name]
        allowing = {**SECCOMP, "syscalls": [{**SECCOMP["syscalls"][0], "names": calls}]}
        (self.directory / "seccomp.json").write_text(json.dumps(allowing))
        archive = self.directory / "root.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(self.root, arcname=".")
        conmon = self.directory / "conmon.pid"
        self.clean_up_with(unified_hierarchy() / self.name, "sh", "-c", PODMAN_REMOVE, conmon, self.name, *podman)
        try:
            _run(*podman, "import", archive, f"localhost/{self.name}")
            # Its own defaults of the limits are more than a machine without CAP_SYS_RESOURCE may set.
            self.id = _run(*podman, "run", "--detach", f"--name={self.name}", f"--conmon-pidfile={conmon}",
                           f"--cgroup-parent=/{self.name}", "--network=none",
                           "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", f"--security-opt=seccomp={self.directory}/seccomp.json",
                           f"localhost/{self.name}", "/init")
            self.init = int(_run(*podman, "inspect", "--format={{.State.Pid}}", self.name))
        except BaseException:
            self.close()
            raise


class Lxc(Managed):
    """Of root, configured by hand."""

    NEEDS = ("lxc-start", "lxc-info", "lxc-stop")

    def __init__(self, directory, files=()):
        super().__init__("lxc", directory, files)
        self.id = self.name
        (self.directory / "config").write_text(
            f"lxc.uts.name = demo\nlxc.rootfs.path = dir:{self.root}\nlxc.net.0.type = empty\nlxc.mount.auto = proc:mixed\n"
            # Its own profiles must have been loaded before, where the kernel has AppArmor.
            "lxc.apparmor.profile = unconfined\nlxc.init.cmd = /init\n")
        which = [f"--lxcpath={directory}", f"--name={self.name}"]
        log = self.directory / "lxc.log"
        self.clean_up_with(unified_hierarchy() / f"lxc.payload.{self.name}", "lxc-stop", "--kill", *which)
        try:
            _run("lxc-start", f"--logfile={log}", "--logpriority=WARN", *which, log=log)
            self.init = int(_run("lxc-info", *which, "--pid", "--no-humanize"))
        except BaseException:
            self.close()
            raise


BUS = """\
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
</policy></busconfig>
"""
MACHINED = "/lib/systemd/systemd-machined"


class Nspawn(Managed):
    """Registered with a systemd-machined of its own, on a bus of its own: no systemd needs to run here. Or with none."""

    NEEDS = ("systemd-nspawn", "dbus-daemon", MACHINED)

    def __init__(self, directory, files=(), registered=True):
        super().__init__("nspawn", directory, files)
        self.id = self.name
        # Its name makes the cgroup a unit, of which machined asks for.
        self.cgroup = unified_hierarchy() / f"{self.name}.service"
        self.cgroup.mkdir()
        machines = "/run/systemd/machines"
        self.clean_up_with(self.cgroup, "rm", "-rf", f"{machines}/{self.name}", f"{machines}/unit:{self.name}.service",
                           f"/run/systemd/nspawn/propagate/{self.name}")
        self._bus = self.directory / "bus"
        (self.root / "usr").mkdir()
        (self.root / "etc/os-release").touch()  # or else it is no root directory of a system
        try:
            if registered:
                self._start_bus()
                self._start(MACHINED)
            said = self._start("systemd-nspawn", f"--directory={self.root}", f"--machine={self.name}", "--keep-unit",
                               f"--register={'yes' if registered else 'no'}", "--system-call-filter=@keyring", "/init")
            self.init = int(re.search(r"X_NSPAWN_LEADER_PID=(\d+)", said)[1])
        except BaseException:
            self.close()
            raise

    def _start_bus(self):
        configuration = self.directory / "bus.conf"
        configuration.write_text(BUS.format(socket=self._bus))
        reading, writing = os.pipe()
        try:
            self._spawn(["dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile",
                         f"--print-address={writing}"], pass_fds=[writing])
            wait_readable(reading, 30, "address of the bus")
        finally:
            os.close(reading)
            os.close(writing)

    def _start(self, *command):
        """What it says once it is ready."""
        notified = Notified(self.directory / f"{pathlib.Path(command[0]).name}.notify")
        try:
            self._spawn(command, NOTIFY_SOCKET=str(notified.path))
            return notified.wait()
        finally:
            notified.close()

    def _spawn(self, command, pass_fds=(), **environment):
        with (self.directory / f"{pathlib.Path(command[0]).name}.log").open("wb") as log:
            self.processes.append(subprocess.Popen(
                ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', self.cgroup, *command], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, pass_fds=pass_fds,
                env={**os.environ, **environment, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self._bus}"}))
