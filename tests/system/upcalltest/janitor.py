# SPDX-License-Identifier: Apache-2.0
"""janitor.py CGROUP COMMAND...: when its standard input ends, and so however the test that started it ends, runs
the command that deletes a container, kills whatever is left in its cgroup, and removes that, in all hierarchies."""

import contextlib
import os
import pathlib
import select
import subprocess
import sys

from waiting import SLOWNESS

DEADLINE = 30 * SLOWNESS  # seconds


def wait_until_empty(cgroup, seconds):
    with (cgroup / "cgroup.events").open() as events:
        changed = select.poll()
        changed.register(events, select.POLLPRI)
        while "populated 1" in events.read():
            if not changed.poll(seconds * 1000):
                raise TimeoutError(f"{cgroup} did not become empty")
            events.seek(0)


def wait_for_tasks(cgroup, seconds):
    """Until those that are in it have ended: an older hierarchy has no event for it."""
    for pid in (cgroup / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            ended = os.pidfd_open(int(pid))
            if not select.select([ended], [], [], seconds)[0]:
                raise TimeoutError(f"process {pid} in {cgroup} did not end")
            os.close(ended)


def remove(cgroup):
    below = [path for path in cgroup.rglob("*") if path.is_dir()]
    for path in [*reversed(below), cgroup]:
        wait_for_tasks(path, DEADLINE)
        path.rmdir()


def main():
    cgroup, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
    sys.stdin.buffer.read()
    # It says that there is no such container where none was made.
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                   timeout=2 * DEADLINE)
    try:
        (cgroup / "cgroup.kill").write_text("1")
        wait_until_empty(cgroup, DEADLINE)
        remove(cgroup)
    except FileNotFoundError:
        pass  # the command has removed it
    for left in pathlib.Path("/sys/fs/cgroup").glob(f"*/{cgroup.name}"):
        remove(left)


if __name__ == "__main__":
    main()
