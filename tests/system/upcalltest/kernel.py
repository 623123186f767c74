# SPDX-License-Identifier: Apache-2.0
"""The machine-wide settings that a core dump turns on."""

import errno
import os
import pathlib
import subprocess

from . import paths

_SYSCTL = pathlib.Path("/proc/sys")


def read(name):
    return (_SYSCTL / name).read_text().rstrip("\n")


def write(name, value):
    (_SYSCTL / name).write_text(str(value))


def core_settings():
    return read("kernel/core_pattern"), read("kernel/core_pipe_limit")


def has_core_sockets():
    modes = _SYSCTL / "kernel/core_modes"
    return modes.exists() and "socket" in modes.read_text().split()


def has_attributes_of_pidfds():
    pidfd = os.pidfd_open(os.getpid())
    try:
        os.getxattr(pidfd, "trusted.upcall-test")
    except OSError as error:
        return error.errno == errno.ENODATA
    finally:
        os.close(pidfd)
    return True


class Guard:
    """Has the settings to itself; puts them back at its end, also when this process is killed."""

    def __init__(self):
        self._process = subprocess.Popen(
            [paths.KERNEL_GUARD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        if self._process.stdout.readline() != b"held\n":
            raise RuntimeError("the kernel guard did not start")

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
