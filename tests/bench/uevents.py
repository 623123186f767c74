# SPDX-License-Identifier: Apache-2.0
"""Uevents in a burst: how many are lost, and what one costs, upcalld with a hundred rules beside udevadm monitor.

Both listen at the same time to the same events, so that what else the machine does falls on both. CPU time is that of
the process, as the kernel counts it.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from upcalltest import kernel, uevents  # noqa: E402
from upcalltest.daemon import Upcalld, fields  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def policy(rules):
    """None of them wants the events of the burst, and each has to be asked."""
    lines = [f'  - {{name: rule {i}, on: uevent, when: {{subsystem: [block, "usb{i}"], action: [add, remove], '
             f'devpath: "/devices/**/unit{i}/*", class: [kernel, synthetic]}}, do: tell}}\n' for i in range(rules)]
    return "version: 1\nhandlers: {tell: {run: /bin/true, in: host}}\nrules:\n" + "".join(lines)


def cpu_seconds(pid):
    after_name = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(after_name[11]) + int(after_name[12])) / TICKS


def wait_until_idle(pids, seconds=300):
    """Until none of them has used any CPU for a second."""
    deadline = time.monotonic() + seconds
    before = None
    while time.monotonic() < deadline:
        now = [cpu_seconds(pid) for pid in pids]
        if now == before:
            return
        before = now
        time.sleep(1)
    raise SystemExit("the listeners do not come to an end")


def printed_by(udevadm_log):
    return udevadm_log.read_bytes().count(b"/mem/null")


def measure(directory, events, rules):
    daemon = Upcalld(directory, policy(rules)).wait_until_ready()
    udevadm_log = directory / "udevadm"
    out = open(udevadm_log, "wb")
    udevadm = subprocess.Popen(["udevadm", "monitor", "--kernel"], stdout=out, stderr=subprocess.DEVNULL)
    try:
        broker = daemon.broker()
        for sent in range(1, 101):
            uevents.change_null_device()  # until udevadm hears, too
            if udevadm_log.stat().st_size > 300:
                break
            time.sleep(0.1)
        pids = (broker, udevadm.pid)
        wait_until_idle(pids)
        before = [cpu_seconds(pid) for pid in pids]
        printed = -printed_by(udevadm_log)
        began = time.monotonic()
        uevents.change_null_device(events)
        took = time.monotonic() - began
        wait_until_idle(pids)
        used = [cpu_seconds(pid) - start for pid, start in zip(pids, before)]
        printed += printed_by(udevadm_log)
    finally:
        udevadm.terminate()
        udevadm.wait()
        out.close()
        daemon.stop()
        counted = fields(next((line for line in daemon.log.all() if "uevents heard:" in line), ""))
        daemon.close()
    return took, used, printed, int(counted["synthetic"]) - sent, int(counted["dropped"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--rules", type=int, default=100)
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="upcall-"))
    directory.chmod(0o755)
    guard = kernel.Guard()
    try:
        took, (ours, theirs), printed, heard, dropped = measure(directory, options.events, options.rules)
    finally:
        guard.close()
        shutil.rmtree(directory)
    print(f"{options.events} events in {took:.2f} s, {options.rules} rules")
    print(f"  upcalld: {ours / options.events * 1e6:.2f} us of CPU for each; heard {heard}, dropped {dropped}")
    print(f"  udevadm monitor --kernel: {theirs / options.events * 1e6:.2f} us; printed {printed}")
    print(f"  ratio {ours / theirs:.2f}")
    if (heard, dropped) != (options.events, 0):
        raise SystemExit("not exactly those of the burst were heard")


if __name__ == "__main__":
    main()
