# SPDX-License-Identifier: Apache-2.0
"""The kernel's request-key helper, ours for a while, and those who request keys."""

import dataclasses
import errno
import pathlib
import re
import shutil
import subprocess

from . import paths
from .waiting import SLOWNESS

HELPER = pathlib.Path("/sbin/request-key")


@dataclasses.dataclass
class Answer:
    error: str  # "" for a key, or "ENOKEY"
    seconds: float
    payload: str | None


def answers_in(output):
    """What upcall-requester said, line by line."""
    found = []
    for line in output.splitlines():
        match = re.fullmatch(r"errno=(\d+) us=(\d+)(?: key=\d+ payload=(.*))?", line)
        if not match:
            raise AssertionError(f"upcall-requester: {output}")
        number = int(match[1])
        found.append(Answer(errno.errorcode[number] if number else "", int(match[2]) / 1e6, match[3]))
    return found


def request_on_host(kind, description, callout, seconds=30):
    done = subprocess.run([paths.REQUESTER, kind, description, callout], capture_output=True, text=True,
                          timeout=seconds * SLOWNESS, check=True)
    return answers_in(done.stdout)[0]


class Mount:
    """`source` in the place of `target`: a mount, so that nothing of it outlives the machine, and a process waits
    to undo it which outlives this one."""

    def __init__(self, source, target):
        self._target = target
        self._undo = subprocess.Popen(["sh", "-c", 'cat >/dev/null; umount -l "$0"', target], stdin=subprocess.PIPE,
                                      start_new_session=True)
        subprocess.run(["mount", "--bind", source, target], check=True)

    def close(self):
        self._undo.stdin.close()
        if self._undo.wait(timeout=30) != 0:
            raise AssertionError(f"{self._target} is not what it was")


class Helper:
    """Our shim in the place of the helper that the kernel executes, and that helper beside it as the stock one."""

    def __init__(self, directory, socket, options=""):
        self.stock = pathlib.Path(directory) / "request-key.stock"
        shutil.copy2(HELPER, self.stock)
        script = pathlib.Path(directory) / "request-key"
        script.write_text(f"#!{paths.BIN / 'upcall-shim'} request-key={socket},stock={self.stock}{options}\n")
        script.chmod(0o755)
        self._mount = Mount(script, HELPER)

    def close(self):
        self._mount.close()
