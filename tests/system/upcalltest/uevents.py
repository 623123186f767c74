# SPDX-License-Identifier: Apache-2.0
"""Uevents: made by the real kernel, imitated, and listened to beside the broker."""

import json
import os
import socket
import struct
import subprocess
import uuid

from . import paths
from .waiting import Lines, Timeout, wait_readable

NETLINK_KOBJECT_UEVENT = 15
SO_RCVBUFFORCE = 33
KERNEL_GROUP = 1
NULL_DEVICE = "/sys/class/mem/null/uevent"


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, timeout=60)


def new_prefix():
    """For the names of a test's devices, which leave it six more letters (IFNAMSIZ). Process ids come again: a device that
    an ended test left would be found under its name."""
    return "u" + os.urandom(4).hex()


def add_pair(case, name, *options):
    """A new pair of network devices, of which the other is called p and the same; it is gone at the end of the test case,
    even if one of the two has been given another name, or to a container."""
    ip("link", "add", name, *options, "type", "veth", "peer", "name", f"p{name}")
    for either in (name, f"p{name}"):
        case.addCleanup(subprocess.run, ["ip", "link", "del", either], stderr=subprocess.DEVNULL, check=False)


def change_null_device(count=1, line=b"change"):
    """As many synthetic events."""
    fd = os.open(NULL_DEVICE, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for _ in range(count):
            os.write(fd, line)
    finally:
        os.close(fd)


def mark():
    """An event that can be told from all others; its mark."""
    name = str(uuid.uuid4())
    change_null_device(line=f"change {name}".encode())
    return name


def send_raw(text, groups=KERNEL_GROUP):
    """Past the kernel, as any program with CAP_NET_ADMIN may."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as sender:
        sender.sendto(text, (0, groups))


def inject(text):
    """By way of the kernel, as CAP_SYS_ADMIN may."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as sender:
        sender.sendto(struct.pack("=IHHII", 16 + len(text), 16, 1, 0, 0) + text, (0, 0))


def text_of(action, devpath, subsystem="net"):
    variables = (f"{action}@{devpath}", f"ACTION={action}", f"DEVPATH={devpath}", f"SUBSYSTEM={subsystem}")
    return "".join(one + "\0" for one in variables).encode()


class Listener:
    """Another that hears the same as the broker, and loses nothing."""

    def __init__(self, buffer=128 << 20):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK,
                                    NETLINK_KOBJECT_UEVENT)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer)
        self.socket.bind((0, KERNEL_GROUP))

    def close(self):
        self.socket.close()

    def count_between(self, first, last, seconds=60):
        """How many came after the one that `first` marks and before that of `last`; queues of network devices,
        which the broker never hears of, do not count."""
        counting, count = False, 0
        while True:
            wait_readable(self.socket.fileno(), seconds, "mark")
            text = self.socket.recv(16384)
            if last.encode() in text:
                return count
            header = text.split(b"\0", 1)[0]
            count += counting and not (b"/devices/virtual/net/" in header and b"/queues/" in header)
            counting = counting or first.encode() in text


class Monitor:
    """upcallctl monitor, and what it says."""

    def __init__(self, directory, *options):
        self.process = subprocess.Popen([paths.BIN / "upcallctl", f"--runtime-directory={directory}/run", *options,
                                         "monitor"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.lines = Lines(self.process.stdout.fileno())

    def wait_for(self, *parts):
        return self.lines.wait_for(lambda line: all(part in line for part in parts), 60, str(parts))

    def between(self, first, last):
        """The documents after the one marked so and before the other."""
        self.wait_for(last)
        places = [next(i for i, line in enumerate(self.lines.seen) if part in line) for part in (first, last)]
        return [json.loads(line) for line in self.lines.seen[places[0] + 1:places[1]]]

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.lines.all()
        self.process.stdout.close()

    def wait_until_heard(self, part=None):
        """Its own start cannot be waited for: it speaks when something happens."""
        for _ in range(600):
            made = mark()
            try:
                self.lines.wait_for(lambda line, expected=part or made: expected in line, 0.1)
                return
            except Timeout:
                continue
        raise Timeout("the monitor hears nothing")


def joined_sockets():
    """How many sockets the kernel tells of uevents."""
    with open("/proc/net/netlink", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    return sum(int(row[1]) == NETLINK_KOBJECT_UEVENT and int(row[3], 16) & KERNEL_GROUP for row in rows)
