# SPDX-License-Identifier: Apache-2.0
"""Waiting for things that happen elsewhere: always on a descriptor, always with a deadline."""

import os
import select
import threading
import time


# What all deadlines are multiplied by: an emulated machine (tests/vm) has all the time that it takes.
SLOWNESS = 6 if "UPCALL_IN_VM" in os.environ else 1


class Timeout(AssertionError):
    """What a test waited for did not happen."""


def wait_readable(fd, seconds, what):
    if not select.select([fd], [], [], max(0, seconds * SLOWNESS))[0]:
        raise Timeout(f"no {what} within {seconds * SLOWNESS:.1f} s")


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
    """The lines that arrive at a descriptor, kept, and waited for. A thread takes them off at once: whoever
    writes them must not come to wait for a test that looks at them later."""

    def __init__(self, fd):
        self._fd = fd
        self._changed = threading.Condition()
        self._ended = False
        self.seen = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, predicate, seconds=10, what="line"):
        """The first line, of all that came or will come, that `predicate` accepts."""
        deadline = time.monotonic() + seconds * SLOWNESS
        checked = 0
        with self._changed:
            while True:
                for line in self.seen[checked:]:
                    if predicate(line):
                        return line
                checked = len(self.seen)
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    raise Timeout(f"no {what} {'before the end' if self._ended else 'in time'}; came:\n" +
                                  "\n".join(self.seen))
                self._changed.wait(left)

    def all(self, seconds=5):
        """Every line, once all who could write one have ended."""
        self._reader.join(seconds * SLOWNESS)
        return self.seen

    def _read(self):
        partial = b""
        while block := os.read(self._fd, 65536):
            *lines, partial = (partial + block).split(b"\n")
            with self._changed:
                self.seen += [line.decode(errors="backslashreplace") for line in lines]
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
