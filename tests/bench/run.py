# SPDX-License-Identifier: Apache-2.0
"""Crash-to-reaped of upcalld and its rivals, side by side.

The rivals take turns within each repetition, so that what else the machine does falls on all of them. Only
ratios travel: each is the median against the median of the first rival, a static helper that stores nothing.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from rivals import all_rivals  # noqa: E402
from upcalltest import kernel  # noqa: E402
from upcalltest.container import Container  # noqa: E402

HOST_ROOT_OF_CONTAINER = 100000


def scenarios(quick):
    """Name: options of fork_storm, and which of its numbers is compared."""
    small = 256
    return {
        "one crash, 1 MiB": (dict(count=20 if quick else 100, concurrency=1, memory=1024), "p50_ns"),
        "storm, 64 at a time": (dict(count=200 if quick else 1000, concurrency=64, memory=small), "total_ns"),
        "one crash, 1 GiB": (dict(count=1, concurrency=1, memory=(32 if quick else 1024) << 10), "p50_ns"),
    }


def empty(directory):
    """Gives the space back and leaves the names: ext4 searches past every inode that was freed in the last minutes."""
    for entry in directory.iterdir():
        os.truncate(entry, 0)


def measure(container, store, rival, directory, quick):
    """One turn of one rival: scenario to result."""
    results = {}
    with rival.turn(directory) as measured:
        for name, (options, key) in scenarios(quick).items():
            stored_before = len(list(store.iterdir()))
            command = [f"--{option}={value}" for option, value in options.items()]
            ended = container.run("/bin/fork_storm", *command, seconds=600)
            result = json.loads(ended.output)
            each = key == "p50_ns"  # else it is one time for all
            result.update(compared_ns=result[key], best_ns=result["best_ns" if each else key],
                          tenth_ns=result["p10_ns" if each else key],
                          files=len(list(store.iterdir())) - stored_before)
            result.update(measured())
            empty(store)
            results[name] = result
    return results


def print_table(names, runs):
    for scenario in runs[names[0]][0]:
        print(f"\n{scenario}\n  {'':<22}{'best ms':>10}{'tenth ms':>10}{'median ms':>11}{'p99 ms':>10}{'ratio':>8}"
              f"{'cores':>12}{'handler µs':>12}")
        reference = None
        for name in names:
            results = [run[scenario] for run in runs[name]]
            times = [result["compared_ns"] for result in results]
            median = statistics.median(times)
            reference = reference or median
            best = min(result["best_ns"] for result in results)
            tenth, p99 = (statistics.median(result[key] for result in results) for key in ("tenth_ns", "p99_ns"))
            last = results[-1]
            print(f"  {name:<22}{best / 1e6:>10.2f}{tenth / 1e6:>10.2f}{median / 1e6:>11.2f}{p99 / 1e6:>10.2f}"
                  f"{median / reference:>7.2f}x{last['files']:>6}/{last['crashed']:<5}"
                  f"{last.get('handler_start_us', '-'):>12}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small counts: does it work at all?")
    parser.add_argument("--store", default="/var/tmp", help="where cores are stored; a disk, not a tmpfs")
    parser.add_argument("--systemd", help="where the package systemd-coredump is unpacked (dpkg-deb -x)")
    parser.add_argument("--json", type=pathlib.Path, help="write every result there")
    options = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is put back
    directory = pathlib.Path(tempfile.mkdtemp(prefix="upcall-", dir=options.store))
    directory.chmod(0o755)
    store = directory / "cores"
    store.mkdir()
    shutil.chown(store, HOST_ROOT_OF_CONTAINER, HOST_ROOT_OF_CONTAINER)
    guard = kernel.Guard()
    container = None
    try:
        container = Container(directory, f"--bind={store}:/var/crash", name="bench")
        rivals = all_rivals(store, options.systemd)
        runs = {rival.name: [] for rival in rivals}
        for repetition in range(options.repetitions):
            for rival in rivals:
                print(f"repetition {repetition + 1} of {options.repetitions}: {rival.name}", file=sys.stderr)
                runs[rival.name].append(measure(container, store, rival, directory, options.quick))
    finally:
        if container:
            container.close()
        guard.close()
        shutil.rmtree(directory)
    print_table(list(runs), runs)
    if options.json:
        options.json.write_text(json.dumps(runs, indent=2) + "\n")


if __name__ == "__main__":
    main()
