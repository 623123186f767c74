# SPDX-License-Identifier: Apache-2.0
"""Uevents: made by the real kernel, imitated, and listened to beside the broker."""

import os
import socket
import struct
import subprocess
import uuid

from .waiting import wait_readable

NETLINK_KOBJECT_UEVENT = 15
SO_RCVBUFFORCE = 33
KERNEL_GROUP = 1
NULL_DEVICE = "/sys/class/mem/null/uevent"


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, timeout=60)


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


def joined_sockets():
    """How many sockets the kernel tells of uevents."""
    with open("/proc/net/netlink", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    return sum(int(row[1]) == NETLINK_KOBJECT_UEVENT and int(row[3], 16) & KERNEL_GROUP for row in rows)
