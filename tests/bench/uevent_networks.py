# SPDX-License-Identifier: Apache-2.0
"""What a uevent of no network namespace costs whoever causes it, in CPU time, on a host with many network namespaces: by
itself, beside upcalld without a rule on uevents, with one on the host's, and with one on those of containers' own devices,
of which some are heard.
"""

import argparse
import ctypes
import os
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from upcalltest import kernel, uevents  # noqa: E402
from upcalltest.daemon import Upcalld  # noqa: E402
from upcalltest.oci import OciContainer  # noqa: E402

CLONE_NEWNET = 0x40000000
POLICY = """\
version: 1
runtimes: {{crun: ["{state}"], runc: [], containerd: [], docker: [], podman: []}}
containers: {{ours: {{labels: {{bench: "yes"}}}}}}
handlers: {{inside: {{run: /bin/true, in: container}}, host: {{run: /bin/true, in: host}}}}
rules:
{rules}"""
RULES = {
    "upcalld, no rule on uevents": "  - {name: none, on: coredump, do: reject}\n",
    "a rule on the host's": "  - {name: usb, on: uevent, when: {subsystem: usb}, do: host}\n",
    "a rule on containers'": "  - {name: net, on: uevent, when: {container: ours, subsystem: net}, do: inside}\n",
}


def make_networks(count):
    """Of the host's user namespace, each kept by a descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as ours:
        made = []
        for _ in range(count):
            if libc.unshare(CLONE_NEWNET) != 0:
                raise SystemExit(f"cannot make a network namespace: {os.strerror(ctypes.get_errno())}")
            made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        if libc.setns(ours.fileno(), CLONE_NEWNET) != 0:
            raise SystemExit("cannot go back")
    return made


def cost(events):
    """Microseconds of CPU for each."""
    begin = time.process_time()
    uevents.change_null_device(events)
    return (time.process_time() - begin) * 1e6 / events


def costs(events, rounds):
    return statistics.median(cost(events) for _ in range(rounds))


def beside(policy, containers, directory, events, rounds):
    directory.mkdir()
    daemon = Upcalld(directory, policy).wait_until_ready()
    try:
        if "container: ours" in policy:
            for container in containers:
                daemon.wait_for(f'devices of container "{container.name}" are heard')
        return costs(events, rounds)
    finally:
        daemon.stop()
        daemon.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=1000, help="namespaces beside those of the containers")
    parser.add_argument("--containers", type=int, default=50, help="those that the last rule is about")
    parser.add_argument("--user-namespaces", action="store_true", help="the containers have their own")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="upcall-bench-") as name:
        directory = pathlib.Path(name)
        containers = []
        guard = kernel.Guard()
        try:
            for _ in range(options.containers):
                containers.append(OciContainer("crun", directory, state=directory / "crun", annotations={"bench": "yes"},
                                               user_namespace=options.user_namespaces))
            networks = make_networks(options.networks)
            print(f"{'nothing beside it':30} {costs(options.events, options.rounds):8.1f} us")
            for number, (what, rules) in enumerate(RULES.items()):
                policy = POLICY.format(state=directory / "crun", rules=rules)
                took = beside(policy, containers, directory / f"run{number}", options.events, options.rounds)
                print(f"{what:30} {took:8.1f} us")
            for network in networks:
                os.close(network)
        finally:
            for container in containers:
                container.close()
            guard.close()


if __name__ == "__main__":
    main()
