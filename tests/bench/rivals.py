# SPDX-License-Identifier: Apache-2.0
"""Who takes part: each is started, has the kernel's core dumps for one turn, and is stopped."""

import contextlib
import pathlib
import subprocess

from upcalltest import kernel, paths
from upcalltest.daemon import Upcalld, fields

_POLICY = """\
version: 1
containers: {{bench: {{anonymous: true}}}}
handlers:
  save-core: {{run: builtin:core, with: {{directory: /var/crash, compress: none}}, in: container}}
rules:
  - {{name: bench, on: coredump, when: {{container: bench}}, do: {action}}}
defaults: {{coredump: pass}}
"""


class PipeHelper:
    """A program that the kernel starts for each core."""

    def __init__(self, name, command, pipe_limit=0, stores=True):
        self.name, self.stores = name, stores
        self._command, self._pipe_limit = command, pipe_limit

    @contextlib.contextmanager
    def turn(self, _directory):
        kernel.write("kernel/core_pipe_limit", self._pipe_limit)
        kernel.write("kernel/core_pattern", f"|{self._command}")
        yield lambda: {}


class SystemdCoredump(PipeHelper):
    """Debian's, unpacked and not installed. systemd-socket-activate is its service manager."""

    name = "systemd-coredump"
    _SOCKET = pathlib.Path("/run/systemd/coredump")
    _STORE = pathlib.Path("/var/lib/systemd/coredump")

    def __init__(self, unpacked):
        self._program = pathlib.Path(unpacked) / "lib/systemd/systemd-coredump"
        super().__init__(self.name, f"{self._program} %P %u %g %s %t 9223372036854775808 %h %d", 16)

    @contextlib.contextmanager
    def turn(self, directory):
        if self._SOCKET.exists():
            raise RuntimeError("this machine has a systemd-coredump of its own")
        self._STORE.mkdir(parents=True, exist_ok=True)
        before = set(self._STORE.iterdir())
        backend = subprocess.Popen(
            ["systemd-socket-activate", "--accept", "--seqpacket", f"--listen={self._SOCKET}", self._program],
            stderr=subprocess.PIPE)
        try:
            while b"Listening on" not in backend.stderr.readline():
                pass
            with super().turn(directory):
                yield lambda: {"files": self._take_new(before)}
        finally:
            backend.terminate()
            backend.communicate()
            self._take_new(before)
            self._SOCKET.unlink(missing_ok=True)

    def _take_new(self, before):
        """Removes what was stored since, as is done for the others; how many."""
        stored = set(self._STORE.iterdir()) - before
        for core in stored:
            core.unlink()
        return len(stored)


class Broker:
    """upcalld with a policy of its own."""

    def __init__(self, name, core_mode, policy, stores=False):
        self.name, self.stores = name, stores
        self._options = (policy, f"--core-mode={core_mode}")

    @contextlib.contextmanager
    def turn(self, directory):
        daemon = Upcalld(directory, *self._options).wait_until_ready()

        def handler_start():
            runs = [fields(line) for line in daemon.log.seen if " handler=" in line]
            starts = sorted(int(run["start_us"]) for run in runs if "start_us" in run)
            return {"handler_start_us": starts[len(starts) // 2]} if starts else {}
        try:
            yield handler_start
        finally:
            daemon.close()


def all_rivals(store, systemd):
    bench = paths.BUILD / "tests" / "bench"
    rivals = [PipeHelper("pipe, dropped", bench / "pipe_drop", stores=False),
              PipeHelper("pipe, stored", f"{bench / 'pipe_store'} {store} %P.%t")]
    if systemd:
        rivals.append(SystemdCoredump(systemd))
    if (paths.BIN / "upcalld").exists():
        # The core handler stores raw, on the same disk as the others.
        saving = _POLICY.format(action="save-core")
        rivals += [Broker(f"upcalld, {mode}", mode, saving, stores=True) for mode in ("socket", "pipe")]
        rivals.append(Broker("upcalld, rejected", "socket", _POLICY.format(action="reject")))
    return rivals
