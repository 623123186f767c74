# SPDX-License-Identifier: Apache-2.0
"""Keys that the kernel asks for itself: its CIFS resolves the name of a server that has hung up."""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import threading
import unittest

from upcalltest.case import SystemTest
from upcalltest.daemon import fields
from upcalltest.keys import Helper

POLICY = """\
version: 1
containers: {demo: {anonymous: true}}
handlers:
  resolve: {run: [%s, "{key_description}"], in: host, nul_terminated: true, ttl: 1min}
rules:
  - {name: of programs, on: request-key, when: {type: dns_resolver, origin: user}, do: reject}
  - name: of the kernel
    on: request-key
    when: {type: dns_resolver, origin: kernel, destination: .dns_resolver}
    do: resolve
"""
RESOLVER = '#!/bin/sh\n[ "$1" = server.upcall.test ] && printf 127.0.0.2\n'


class Server:
    """Hangs up on all who connect, and knows to which of its addresses they did."""

    def __init__(self):
        self._listener = socket.create_server(("0.0.0.0", 0))
        self.port = self._listener.getsockname()[1]
        self._second = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1)
                if connection.getsockname()[0] == "127.0.0.2":
                    self._second.set()

    def connected_at_second_address(self, seconds):
        return self._second.wait(seconds)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def mount_in_child(port, directory):
    """mount(2) itself, since mount(8) and its helpers would resolve the name."""
    child = os.fork()
    if child == 0:
        options = f"ip=127.0.0.1,port={port},username=u,password=p,vers=3.0,soft".encode()
        ctypes.CDLL(None).mount(b"//server.upcall.test/share", os.fsencode(directory), b"cifs", 0, options)
        os._exit(0)
    return child


def end(child):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


class KernelKeys(SystemTest):
    def setUp(self):
        super().setUp()
        subprocess.run(["/sbin/modprobe", "--quiet", "cifs"], check=False)
        if "\tcifs\n" not in pathlib.Path("/proc/filesystems").read_text(encoding="ascii"):
            self.skipTest("this kernel has no CIFS, and so no key that it asks for itself")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def test_name_that_a_thread_of_the_kernel_resolves(self):
        resolver = pathlib.Path(self.directory) / "resolver"
        resolver.write_text(RESOLVER, encoding="ascii")
        resolver.chmod(0o755)
        daemon = self.start(POLICY % resolver)
        helper = Helper(self.directory, daemon.directory / "run" / "shim.socket")
        self.addCleanup(helper.close)
        server = Server()
        self.addCleanup(server.close)
        directory = pathlib.Path(self.directory) / "mnt"
        directory.mkdir()
        child = mount_in_child(server.port, directory)
        self.addCleanup(end, child)

        decided = fields(daemon.wait_for('description="server.upcall.test"', "action="))
        self.assertEqual((decided["origin"], decided["rule"], decided["verdict"]),
                         ("kernel", "of the kernel", "host"), daemon.log.seen)
        ended = fields(daemon.wait_for(f"event={decided['event']} ", "outcome="))
        self.assertEqual(ended["outcome"], "handled", daemon.log.seen)
        self.assertTrue(server.connected_at_second_address(30), "the kernel did not take the answer")


if __name__ == "__main__":
    unittest.main()
