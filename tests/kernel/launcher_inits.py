# SPDX-License-Identifier: Apache-2.0
"""What a broker that an attacker owns can have the launcher take for the init of a container: launcher_inits.py LAUNCHER

Containers of crun and runc in the PID namespace of the host, with labels that look like records, are proposed, and all
that is none of theirs. Nothing but the record's own process ever becomes a template.
"""
import contextlib, errno, os, pathlib, shutil, subprocess, sys, tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
from launcher_client import *
from upcalltest import oci

KINDS = ["crun", "runc"]  # wire::RecordKind
ROWS = [row(["true"], CONTAINER, ROOT)]

def start_time(pid):
    with open(f"/proc/{pid}/stat") as f: return int(f.read().rpartition(") ")[2].split()[19])

class Container(oci.OciContainer):
    """Of the n-th runtime. What runs in it besides its init is privileged, as by `exec --privileged`."""

    def __init__(self, number, directory, **more):
        self.number = number
        labels = {'"pid": 1,"process-start-time": 1,': '{"init_process_pid":1,"init_process_start":1,'}
        super().__init__(KINDS[number], directory, state=pathlib.Path(directory, KINDS[number]), annotations=labels,
                         programs=[], **more)
        self.intruder = self.start("/bin/sh", "-c", "echo; exec sleep 1000", capabilities=oci.ALL)
        expect(self.intruder.process.stdout.readline() == b"\n", "a privileged command runs")
        self.intruder.pid, = (pid for pid in self.members() if pid != self.init)

    def members(self):
        """Who is in its cgroup, but for its runtime."""
        inside = os.readlink(f"/proc/{self.init}/ns/mnt")
        pids = map(int, (self.cgroup / "cgroup.procs").read_text().split())
        return [pid for pid in pids if os.readlink(f"/proc/{pid}/ns/mnt") == inside]

    def close(self):
        super().close()
        self.intruder.process.wait(); self.intruder.process.stdout.close()

    def record(self): return self.options.state / self.name / ("status" if self.number == 0 else "state.json")

def write_record(container, name, text):
    """A record beside the container's own, as root could write it and no runtime does."""
    directory = container.options.state / name
    directory.mkdir(exist_ok=True)
    (directory / container.record().name).write_text(text)

def check_template(launcher, pid, init):
    """None, for 0."""
    got = launcher.inspect(os.pidfd_open(pid), hold=0)
    expect((got["error"], got["init"]) == (0, init), (pid, init, got))

def check_proposals(launcher, container):
    number, init, intruder = container.number, container.init, container.intruder.pid
    def propose(pid, name=container.name, start=None, **more):
        return launcher.introduce(number, name, pid, start_time(pid) if start is None else start, **more)
    check_template(launcher, intruder, 0)
    expect(propose(intruder) == errno.EPERM, "a process that was brought in is no init")
    expect(propose(os.getpid()) == errno.EINVAL, "nor is one of the host")
    expect(propose(init, start=start_time(init) + 1) == errno.ESRCH, "nor one with a number that was used again")
    expect(propose(4194303, start=1) == errno.ESRCH, "nor nobody")
    expect(propose(init, name="") == errno.EINVAL, "nor one of no record")
    expect(propose(init, name="../" + container.name) == errno.EINVAL, "nor by a way around")
    expect(propose(init, name="none") == errno.ENOENT, "nor one that is not on record")
    expect(propose(init, file=7) == errno.EINVAL, "nor by a file that there is not")
    check_records(container, propose)
    check_template(launcher, init, 0)
    expect(propose(init) == 0, "its init is")
    check_modes(container, propose)
    for pid in (init, intruder): check_template(launcher, pid, init)
    check_template(launcher, os.getpid(), 0)
    got = launcher.inspect(os.pidfd_open(intruder), hold=0)
    expect(got["verdict"] == MIXED and got["failed"] & 8, f"who was brought in is mixed by D4: {got}")
    expect(propose(intruder) == errno.EPERM, "and cannot take its place")
    expect(launcher.inspect(os.pidfd_open(init), hold=1)["verdict"] == IN_CONTAINER, "it is told of uevents")

def check_records(container, propose):
    """Texts in a record are no head of one, wherever somebody may write them."""
    pid, good = container.intruder.pid, container.record().read_text()
    start = start_time(pid)
    crun, runc = f'{{"pid":{pid},"process-start-time":{start},', f'{{"id":"forged","init_process_pid":{pid},"init_process_start":{start},'
    ours = crun if container.number == 0 else runc
    other = runc if container.number == 0 else crun
    forged = [json_text(ours), f"[{ours}", f'{{"labels":[{json_text(ours)}]}}', f'{{"x":{ours}"y":1}}}}', good[:-2] + "," + ours[1:], other,
              ours[:-1], ours[:-1] + "0,", ours.replace(f"{pid}", f"0{pid}", 1), "", "{"]
    for text in forged:
        write_record(container, "forged", text)
        expect(propose(pid, name="forged") == errno.EPERM, f"no record begins {text[:80]}")
    write_record(container, "forged", ours)
    place = container.options.state / "forged"
    (container.options.state / "link").symlink_to(place)
    expect(propose(pid, name="link") == errno.ELOOP, "no link leads to a record")
    (container.options.state / "link").unlink()
    shutil.rmtree(place)

def check_modes(container, propose):
    """Of the record that has just been believed: nothing but the mode takes that from it, and gives it back."""
    for path in (container.record(), container.record().parent):
        mode = path.stat().st_mode & 0o7777
        path.chmod(0o777)
        expect(propose(container.init) == errno.EPERM, f"{path} is not root's alone")
        path.chmod(mode)
        expect(propose(container.init) == 0, f"{path} is root's alone again")

def json_text(text): return '"' + text.replace('"', '\\"') + '"'

class Created(oci.OciContainer):
    """What its runtime has not started yet: its init is a process of the runtime's, with more than it will have."""

    begin = ["create"]

def check_unfinished(launcher, stack, directory):
    for number, kind in enumerate(KINDS):
        created = Created(kind, directory, state=pathlib.Path(directory, kind), programs=[], host_pid=True)
        stack.callback(created.close)
        expect(launcher.introduce(number, created.name, created.init, start_time(created.init)) == 0, "it is on record")
        got = launcher.inspect(os.pidfd_open(created.init), hold=0)
        expect(got["verdict"] == MIXED and got["failed"] & 128, f"but no template: {got}")
        expect(launcher.inspect(os.pidfd_open(created.init), hold=1)["error"] == errno.EAGAIN, "nor told of anything")

def check_pod(launcher, stack, directory):
    """Of one PID namespace, in which the member has no record for the launcher at first."""
    pause = Container(0, directory); stack.callback(pause.close)
    member = Container(1, directory, shared={"pid": pause.init}); stack.callback(member.close)
    check_template(launcher, member.init, pause.init)
    expect(launcher.introduce(1, member.name, member.init, start_time(member.init)) == 0, "a member of a pod")
    for pid in (member.init, member.intruder.pid): check_template(launcher, pid, member.init)
    for pid in (pause.init, pause.intruder.pid): check_template(launcher, pid, pause.init)

def main():
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp"))
        os.chmod(directory, 0o755)
        shutil.copy("/usr/bin/busybox", directory)
        states = [(number, pathlib.Path(directory, kind)) for number, kind in enumerate(KINDS)]
        launcher = Launcher(sys.argv[1], os.open(directory, os.O_PATH), ROWS, states)
        stack.callback(launcher.process.wait); stack.callback(launcher.process.kill)
        for number, _ in enumerate(KINDS):
            for more in ({}, {"user_namespace": True}):
                container = Container(number, directory, host_pid=True, **more)
                stack.callback(container.close)
                check_proposals(launcher, container)
        check_pod(launcher, stack, directory)
        check_unfinished(launcher, stack, directory)

main()
