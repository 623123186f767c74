# SPDX-License-Identifier: Apache-2.0
"""Started by systemd-socket-activate, where that is installed."""

import os
import shutil
import socket
import unittest

from upcalltest.case import POLICY, SystemTest


@unittest.skipUnless(shutil.which("systemd-socket-activate"), "systemd-socket-activate is not installed")
class Activation(SystemTest):
    core_mode = "socket"

    def test_serves_a_socket_that_it_did_not_open(self):
        run = os.path.join(self.directory, "run")
        os.makedirs(run, mode=0o700)
        path = os.path.join(run, "coredump.socket")
        daemon = self.launch(POLICY, prefix=["systemd-socket-activate", f"--listen={path}", "--fdname=coredump"])
        daemon.wait_for("Listening on")
        # The tool starts its program at the first connection only; this one is not the kernel's.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as first:
            first.connect(path)
            daemon.wait_until_ready()
        container = self.container()
        ended = container.run("/bin/crash")
        *_, outcome = daemon.wait_for_event(ended.host_pid)
        self.assertEqual(outcome["outcome"], "handled")


if __name__ == "__main__":
    unittest.main()
