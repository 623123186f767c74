# SPDX-License-Identifier: Apache-2.0
"""Requests for modules, also on kernels that have none: there the core dump pipe starts the kernel's helper for
modules, by the same way through the kernel, with the crashing process as the one who asks."""

import pathlib
import shlex
import subprocess

from . import kernel

class Stock:
    """A stock helper that writes down its arguments and then does as `script` says."""

    def __init__(self, directory, script="exit 0"):
        self._calls = pathlib.Path(directory) / "stock.calls"
        self._calls.touch()
        self.program = pathlib.Path(directory) / "stock"
        self.program.write_text(f'#!/bin/sh\necho "$*" >>{shlex.quote(str(self._calls))}\n{script}\n')
        self.program.chmod(0o755)

    def stand_in(self, daemon):
        """In the place of the one that upcalld found."""
        line = helper(daemon).read_text()
        changed = line.replace("stock=/sbin/modprobe", f"stock={self.program}")
        if changed == line:
            raise AssertionError(line)
        helper(daemon).write_text(changed)

    def calls(self):
        return self._calls.read_text().splitlines()


def helper(daemon):
    """What kernel.modprobe is set to where the kernel has one."""
    return daemon.directory / "state" / "modprobe"


def setting():
    """kernel.modprobe; None where the kernel has no modules."""
    path = pathlib.Path("/proc/sys/kernel/modprobe")
    return path.read_text(encoding="ascii") if path.exists() else None


def ask_by_crashes(daemon, alias):
    """From now on who crashes asks for `alias`."""
    kernel.write("kernel/core_pattern", f"|{helper(daemon)} -q -- {alias}")


def ask_in(container, daemon):
    """Has a process of the container ask for the module of a protocol family; gives the alias."""
    if setting() is None:
        ask_by_crashes(daemon, "net-pf-9")
        container.do("/bin/crash")
    else:
        container.do("/bin/autoload socket 9")
    return "net-pf-9"


def trace_instance():
    """Where the kernel keeps our trace, in a tracefs of a mount namespace of its own."""
    script = "mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing && ls /sys/kernel/tracing/instances"
    listing = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=True)
    return "upcalld" in listing.stdout.split()
