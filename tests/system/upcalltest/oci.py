# SPDX-License-Identifier: Apache-2.0
"""Real containers, made by crun and runc."""

import dataclasses
import itertools
import json
import os
import pathlib
import subprocess
import sys

from . import paths
from .container import Ended, Inside, VICTIMS
from .waiting import SLOWNESS

ALL = "all"
DOCKER = ("CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID CAP_SETUID CAP_SETFCAP "
          "CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL CAP_AUDIT_WRITE").split()
# In the order of their numbers.
NAMES = ["CAP_" + name for name in (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()]
APPLETS = ("sh cat ls id ps env echo readlink sleep mkdir mkfifo stat mount grep sed wc hostname touch chmod kill printf "
           "dd head tail seq unshare true false date ln rm cp mv dirname").split()
# What docker's own profile forbids and our victims do not need. The last is for a test to see that it is in force.
FORBIDDEN = ("kexec_load kexec_file_load init_module finit_module delete_module open_by_handle_at add_key request_key "
             "keyctl bpf perf_event_open mount umount2 pivot_root unshare setns userfaultfd sethostname").split()
SECCOMP = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
           "syscalls": [{"names": FORBIDDEN, "action": "SCMP_ACT_ERRNO"}]}
# crun wants no hierarchy but the unified one, and is shown no other; runc uses those of version 1 as well,
# unless it is to see none.
SHOW_UNIFIED = '[ -e /sys/fs/cgroup/cgroup.procs ] || mount -t cgroup2 none /sys/fs/cgroup && exec "$0" "$@"'
ONLY_UNIFIED = ["unshare", "--mount", "sh", "-c", SHOW_UNIFIED]
FILES = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts"}
PROGRAMS = [(paths.REPORTER, "/bin/report"), *((paths.VICTIMS / victim, f"/bin/{victim}") for victim in VICTIMS)]
_numbers = itertools.count(1)


@dataclasses.dataclass
class Options:
    capabilities: list | str = dataclasses.field(default_factory=lambda: DOCKER)
    seccomp: bool | dict = False  # True: SECCOMP
    no_new_privs: bool = False
    read_only: bool = False
    user_namespace: bool = False  # 0 to 65535 inside are 100000 to 165535 outside
    host_pid: bool = False
    only_unified: bool = False  # runc, too, is shown no cgroups of version 1
    uid: int = 0
    init: list = dataclasses.field(default_factory=lambda: ["/bin/sleep", "1000000"])
    groups: list = dataclasses.field(default_factory=list)
    limits: dict = dataclasses.field(default_factory=dict)
    oom_score_adj: int | None = None
    binds: list = dataclasses.field(default_factory=list)  # pairs of a directory of the host and its place
    files: list = dataclasses.field(default_factory=list)  # as for Container
    programs: list = dataclasses.field(default_factory=lambda: PROGRAMS)  # the same, but what most tests need
    devices: list = dataclasses.field(default_factory=list)  # more that its cgroup may use
    annotations: dict = dataclasses.field(default_factory=dict)
    shared: dict = dataclasses.field(default_factory=dict)  # kind of namespace to the process whose it is, as in pods
    state: pathlib.Path | None = None  # where the runtime keeps its record; a place of its own
    apparmor: str = ""  # the name of a profile
    cgroup: str = ""  # below the root of the unified hierarchy; the container's name


def held_by_us():
    """The names of the capabilities that a container can have at most, without a user namespace of its own."""
    status = pathlib.Path("/proc/self/status").read_text()
    bits = int(next(line for line in status.splitlines() if line.startswith("CapBnd:")).split()[1], 16)
    return [name for number, name in enumerate(NAMES) if bits >> number & 1]


def unified_hierarchy():
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ")
        if after.startswith("cgroup2 "):
            return pathlib.Path(before.split()[4])
    raise RuntimeError("no unified cgroup hierarchy is mounted")


def _mounts(options):
    tmpfs = [(place, ["nosuid", "nodev", "mode=1777"]) for place in ("/tmp", "/var/crash")]
    proc = {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]}
    # Of a PID namespace that is not its own, a user namespace may not mount a new one.
    yield proc if not options.host_pid else {**proc, "type": "none", "source": "/proc", "options": ["rbind"]}
    yield {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]}
    for place, flags in tmpfs:
        yield {"destination": place, "type": "tmpfs", "source": "tmpfs", "options": flags}
    for host, inside in options.binds:
        yield {"destination": inside, "type": "none", "source": str(host), "options": ["bind", "rw"]}


def _process(options, arguments=None, uid=None, cwd="/", capabilities=None):
    uid = options.uid if uid is None else uid
    names = options.capabilities if capabilities is None else capabilities
    if names == ALL:
        names = NAMES if options.user_namespace else held_by_us()
    # A user who is not root has none by his exec; the bounding set stays.
    had = [] if uid else names
    sets = {"bounding": names, "permitted": had, "effective": had}
    process = {"terminal": False, "cwd": cwd, "args": arguments or options.init, "env": ["PATH=/bin"],
               "user": {"uid": uid, "gid": uid, "additionalGids": options.groups},
               "capabilities": sets, "noNewPrivileges": options.no_new_privs,
               "rlimits": [{"type": name, "soft": soft, "hard": hard} for name, (soft, hard) in options.limits.items()]}
    if options.apparmor:
        process["apparmorProfile"] = options.apparmor
    if options.oom_score_adj is not None:
        process["oomScoreAdj"] = options.oom_score_adj
    return process


def _configuration(options, name):
    kinds = ["mount", "ipc", "uts", "network", "cgroup"] + ["pid"] * (not options.host_pid) + ["user"] * options.user_namespace
    namespaces = [{"type": kind} for kind in kinds if kind not in options.shared]
    namespaces += [{"type": kind, "path": f"/proc/{pid}/ns/{FILES[kind]}"} for kind, pid in options.shared.items()]
    linux = {"namespaces": namespaces, "cgroupsPath": f"/{options.cgroup or name}"}
    if options.user_namespace:
        linux["uidMappings"] = linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    if options.devices:
        linux["resources"] = {"devices": options.devices}
    if options.seccomp:
        linux["seccomp"] = SECCOMP if options.seccomp is True else options.seccomp
    return {"ociVersion": "1.0.2", "hostname": "demo", "process": _process(options), "linux": linux,
            "annotations": options.annotations, "root": {"path": "rootfs", "readonly": options.read_only}, "mounts": list(_mounts(options))}


def make_root(root, files, directories=()):
    """A root directory with a shell, and `files` as for Container."""
    for name in ("bin", "proc", "sys", "dev", "tmp", "var/crash", "etc", *(place.lstrip("/") for place in directories)):
        (root / name).mkdir(parents=True)
    for name in ("tmp", "var/crash"):
        (root / name).chmod(0o1777)  # runc gives it to what is mounted there
    for host, inside in [("/bin/busybox", "/bin/busybox"), *files]:
        place, _, mode = inside.partition(":")
        (root / place.lstrip("/")).write_bytes(pathlib.Path(host).read_bytes())
        (root / place.lstrip("/")).chmod(int(mode or "755", 8))
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n")


class OciContainer(Inside):
    """Of `runtime`, crun or runc. Nothing of it is left once it is closed, or its test has ended in any way."""

    begin = ["run", "--detach"]

    def __init__(self, runtime, directory, **options):
        self.options = Options(**options)
        self.name = f"upcall-test-{runtime}-{os.getpid()}-{next(_numbers)}"
        self._directory = pathlib.Path(directory) / self.name
        self._bundle = self._directory / "bundle"
        self._make_bundle()
        self.cgroup = unified_hierarchy() / (self.options.cgroup or self.name)
        self.cgroup.mkdir()
        self.state = self.options.state or self._directory / "state"
        self._runtime = [*ONLY_UNIFIED * (runtime == "crun" or self.options.only_unified), runtime, f"--root={self.state}"]
        self._janitor = subprocess.Popen(
            [sys.executable, paths.SOURCE / "tests/system/upcalltest/janitor.py", self.cgroup, *self._runtime,
             "delete", "--force", self.name], stdin=subprocess.PIPE, start_new_session=True)
        try:
            self.init = self._start()
        except BaseException:
            self.close()
            raise

    def close(self):
        self._janitor.stdin.close()
        if self._janitor.wait(timeout=60 * SLOWNESS) != 0:
            raise AssertionError(f"{self.name} was not removed")

    def start(self, *command, uid=None, cwd="/", stdin=subprocess.DEVNULL, capabilities=None):
        number = next(_numbers)
        pid_file, description = self._directory / f"pid.{number}", self._directory / f"process.{number}"
        # All of it, since crun takes nothing over from the container's own but the filter.
        description.write_text(json.dumps(_process(self.options, list(map(str, command)), uid, cwd, capabilities)))
        process = self._in_cgroup([*self._runtime, "exec", f"--pid-file={pid_file}", f"--process={description}", self.name],
                                  stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return _Running(process, pid_file)

    def _start(self):
        pid_file = self._directory / "init.pid"
        log = self._directory / "log"
        # A container that goes on holds its standard output: it must not be a pipe of ours.
        with log.open("wb") as output:
            process = self._in_cgroup([*self._runtime, *self.begin, f"--bundle={self._bundle}",
                                       f"--pid-file={pid_file}", self.name],
                                      stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        if process.wait(timeout=60 * SLOWNESS) != 0:
            raise RuntimeError(f"{self.name} did not start: {log.read_text(errors='replace')}")
        return int(pid_file.read_text())

    def _in_cgroup(self, command, **more):
        enter = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(self.cgroup)]
        return subprocess.Popen([*enter, *command], **more)

    def _make_bundle(self):
        root = self._bundle / "rootfs"
        make_root(root, [*self.options.programs, *self.options.files], [inside for _, inside in self.options.binds])
        if self.options.user_namespace:
            for path in (root, *root.rglob("*")):
                os.chown(path, 100000, 100000, follow_symlinks=False)
        (self._bundle / "config.json").write_text(json.dumps(_configuration(self.options, self.name)))


class _Running:
    """A command that a runtime runs in a container."""

    def __init__(self, process, pid_file):
        self.process = process
        self._pid_file = pid_file

    def wait(self, seconds=30):
        output = self.process.communicate(timeout=seconds * SLOWNESS)[0].decode(errors="replace")
        if not self._pid_file.exists():
            raise AssertionError(f"the command did not start: {output}")
        status = self.process.returncode
        signal = status - 128 if status > 128 else 0  # as shells say it
        return Ended(None, int(self._pid_file.read_text()), None if signal else status, signal, signal != 0, output)
