# SPDX-License-Identifier: Apache-2.0
"""From a crash in a container to the first instruction of what handles it: the kernel's call_usermodehelper, which
starts its pipe helper on the host as root, beside upcalld, which starts the same program inside, confined.

The launcher's share, from its request to the handler's exec, is beside the helper of a kernel thread: the agent of a
cgroup that becomes empty, from rmdir(2) to its first instruction.

They take turns within each repetition, so that what else the machine does falls on all of them.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import struct
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from rivals import Broker, PipeHelper  # noqa: E402
from run import HOST_ROOT_OF_CONTAINER  # noqa: E402
from upcalltest import helpers, kernel, paths  # noqa: E402
from upcalltest.container import Container  # noqa: E402

NOTE_START = paths.BUILD / "tests" / "bench" / "note_start"
POLICY = """\
version: 1
containers: {bench: {anonymous: true}}
handlers: {note: {run: [/bin/note_start, /var/crash/started], in: container}}
rules:
  - {name: bench, on: coredump, when: {container: bench}, do: note}
defaults: {coredump: pass}
"""


AGENT, HELPER = "release agent", "call_usermodehelper"


class ReleaseAgent:
    name = AGENT

    def __init__(self, started):
        self._started = started

    @contextlib.contextmanager
    def turn(self, directory):
        hierarchy = helpers.Hierarchy(directory)
        try:
            # All that an agent is told is its cgroup, which therefore has the path of the file that it writes to.
            self._cgroup = hierarchy.directory / self._started.relative_to("/")
            self._cgroup.mkdir(parents=True)
            hierarchy.set_agent(NOTE_START)
            yield lambda: {}
            hierarchy.set_agent("")
        finally:
            hierarchy.close()

    def provoke(self, _container, count):
        return [self._empty(number) for number in range(count)]

    def _empty(self, number):
        last = self._cgroup / "last"
        last.mkdir()
        emptied = time.monotonic_ns()
        last.rmdir()
        deadline = emptied + 10_000_000_000
        while self._started.stat().st_size == 8 * number and time.monotonic_ns() < deadline:
            time.sleep(0.001)
        return emptied


class Crashes:
    """What a helper or a broker makes of a container's crashes."""

    def __init__(self, rival):
        self.name, self.turn = rival.name, rival.turn

    def provoke(self, container, count):
        ended = container.run("/bin/fork_storm", f"--count={count}", "--memory=0", "--times", seconds=120)
        return json.loads(ended.output)["crashed_at_ns"]


def all_ways(started):
    yield ReleaseAgent(started)
    # The limit makes the kernel wait for its helper, so that the notes are in the order of the crashes.
    yield Crashes(PipeHelper(HELPER, f"{NOTE_START} {started}", pipe_limit=16))
    for mode in ("socket", "pipe"):
        yield Crashes(Broker(f"upcalld, {mode}", mode, POLICY))


def measure(container, started, way, directory, count):
    """One turn of one way: microseconds of each crash, and what the log says of the launcher's share."""
    os.truncate(started, 0)
    with way.turn(directory) as measured:
        begun = way.provoke(container, count)
        share = measured().get("handler_start_us")
    starts = [time for time, in struct.iter_unpack("=q", started.read_bytes())]
    if len(starts) != len(begun):
        raise RuntimeError(f"{way.name}: {len(starts)} starts for {len(begun)} events")
    return [(start - begin) / 1000 for begin, start in zip(begun, starts)], share


def print_table(turns):
    print(f"{'':<22}{'best µs':>10}{'p50 µs':>10}{'p90 µs':>10}{'ratio':>8}{'launcher µs':>13}{'ratio':>8}")
    medians = {name: statistics.median(time for times, _ in measured for time in times) for name, measured in turns.items()}
    for name, measured in turns.items():
        times = sorted(time for times, _ in measured for time in times)
        shares = [share for _, share in measured if share]
        share = statistics.median(shares) if shares else None
        of_agent = f"{share:>13.0f}{share / medians[AGENT]:>7.2f}x" if share else f"{'-':>13}"
        print(f"{name:<22}{times[0]:>10.0f}{medians[name]:>10.0f}{times[len(times) * 9 // 10]:>10.0f}"
              f"{medians[name] / medians[HELPER]:>7.2f}x{of_agent}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--count", type=int, default=100, help="crashes in each turn")
    options = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is put back
    with contextlib.ExitStack() as undo:
        directory = pathlib.Path(tempfile.mkdtemp(prefix="upcall-"))
        undo.callback(shutil.rmtree, directory)
        directory.chmod(0o755)
        store = directory / "notes"
        store.mkdir()
        started = store / "started"
        started.touch()
        for place in (store, started):
            shutil.chown(place, HOST_ROOT_OF_CONTAINER, HOST_ROOT_OF_CONTAINER)
        undo.callback(kernel.Guard().close)
        container = Container(directory, f"--bind={store}:/var/crash", name="bench", files=[(NOTE_START, "/bin/note_start")])
        undo.callback(container.close)
        ways = list(all_ways(started))
        turns = {way.name: [] for way in ways}
        for _ in range(options.repetitions):
            for way in ways:
                turns[way.name].append(measure(container, started, way, directory, options.count))
    print_table(turns)


if __name__ == "__main__":
    main()
