# SPDX-License-Identifier: Apache-2.0
"""Waiting for things that happen elsewhere: always on a descriptor, always with a deadline."""

import os
import select
import time


class Timeout(AssertionError):
    """What a test waited for did not happen."""


def wait_readable(fd, seconds, what):
    if not select.select([fd], [], [], max(0, seconds))[0]:
        raise Timeout(f"no {what} within {seconds:.1f} s")


def wait_for_end(pid, seconds):
    """Until process `pid`, of anybody, has ended; at once when there is none."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        wait_readable(pidfd, seconds, f"end of process {pid}")
    finally:
        os.close(pidfd)


class Lines:
    """The lines that arrive at a descriptor, kept, and waited for."""

    def __init__(self, fd):
        self._fd = fd
        self._partial = b""
        self.seen = []

    def wait_for(self, predicate, seconds=10, what="line"):
        """The first line, of all that came or will come, that `predicate` accepts."""
        deadline = time.monotonic() + seconds
        checked = 0
        while True:
            for line in self.seen[checked:]:
                if predicate(line):
                    return line
            checked = len(self.seen)
            self._read(deadline, what)

    def read_available(self):
        while select.select([self._fd], [], [], 0)[0]:
            if not self._take():
                break
        return self.seen

    def _read(self, deadline, what):
        if not select.select([self._fd], [], [], max(0, deadline - time.monotonic()))[0]:
            raise Timeout(f"no {what} in time; came:\n" + "\n".join(self.seen))
        if not self._take():
            raise Timeout(f"no {what} before the end of file; came:\n" + "\n".join(self.seen))

    def _take(self):
        block = os.read(self._fd, 65536)
        *lines, self._partial = (self._partial + block).split(b"\n")
        self.seen += [line.decode(errors="backslashreplace") for line in lines]
        return bool(block)
