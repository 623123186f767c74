# SPDX-License-Identifier: Apache-2.0
"""From a crash in a container to the first instruction of what handles it: the kernel's call_usermodehelper, which
starts its pipe helper on the host as root, beside upcalld, which starts the same program inside, confined.

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

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from rivals import Broker, PipeHelper  # noqa: E402
from run import HOST_ROOT_OF_CONTAINER  # noqa: E402
from upcalltest import kernel, paths  # noqa: E402
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


def all_ways(started):
    # The limit makes the kernel wait for its helper, so that the notes are in the order of the crashes.
    yield PipeHelper("call_usermodehelper", f"{NOTE_START} {started}", pipe_limit=16)
    for mode in ("socket", "pipe"):
        yield Broker(f"upcalld, {mode}", mode, POLICY)


def measure(container, started, way, directory, count):
    """One turn of one way: microseconds of each crash, and what the log says of the launcher's share."""
    os.truncate(started, 0)
    with way.turn(directory) as measured:
        ended = container.run("/bin/fork_storm", f"--count={count}", "--memory=0", "--times", seconds=120)
        share = measured().get("handler_start_us")
    crashes = json.loads(ended.output)["crashed_at_ns"]
    starts = [time for time, in struct.iter_unpack("=q", started.read_bytes())]
    if len(starts) != len(crashes):
        raise RuntimeError(f"{way.name}: {len(starts)} starts for {len(crashes)} crashes")
    return [(start - crash) / 1000 for crash, start in zip(crashes, starts)], share


def print_table(turns):
    print(f"{'':<22}{'best µs':>10}{'p50 µs':>10}{'p90 µs':>10}{'ratio':>8}{'launcher µs':>13}")
    reference = None
    for name, measured in turns.items():
        times = sorted(time for times, _ in measured for time in times)
        p50 = statistics.median(times)
        reference = reference or p50
        shares = [share for _, share in measured if share]
        share = f"{statistics.median(shares):.0f}" if shares else "-"
        print(f"{name:<22}{times[0]:>10.0f}{p50:>10.0f}{times[len(times) * 9 // 10]:>10.0f}{p50 / reference:>7.2f}x{share:>13}")


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
