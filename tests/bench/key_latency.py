# SPDX-License-Identifier: Apache-2.0
"""From request_key(2) in a container to its answer: Debian's request-key, which starts a static program on the
host as root, beside upcalld: refusing by rule, without a handler, and with the same program inside, confined.

They take turns within each repetition, so that what else the machine does falls on all of them.
"""

import argparse
import contextlib
import pathlib
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from upcalltest import kernel, paths  # noqa: E402
from upcalltest.container import Container  # noqa: E402
from upcalltest.daemon import Upcalld  # noqa: E402
from upcalltest.keys import Helper, Mount, answers_in  # noqa: E402

ANSWER_KEY = paths.BUILD / "tests" / "bench" / "answer_key"
POLICY = """\
version: 1
defaults: {key_requests_per_second: 100000}
containers: {bench: {anonymous: true}}
handlers:
  reply: {run: [/bin/answer_key], in: container}
  authority: {run: [/bin/answer_key, "{key}", "{session_keyring}"], in: container, authority: true}
rules:
  - {name: bench, on: request-key, when: {container: bench, type: user}, do: DO, negative: {errno: EACCES, for: 1s}}
"""


class Stock:
    name = "request-key, its handler on the host"
    error = ""

    @contextlib.contextmanager
    def turn(self, directory):
        lines = directory / "request-key.d"
        lines.mkdir(exist_ok=True)
        (lines / "bench.conf").write_text(f"create user bench:* * {ANSWER_KEY} %k %S\n")
        mount = Mount(lines, pathlib.Path("/etc/request-key.d"))
        try:
            yield
        finally:
            mount.close()


class Broker:
    def __init__(self, name, action, error=""):
        self.name, self.error = f"upcalld, {name}", error
        self._policy = POLICY.replace("DO", action)

    @contextlib.contextmanager
    def turn(self, directory):
        daemon = Upcalld(directory, self._policy).wait_until_ready()
        helper = None
        try:
            helper = Helper(directory, daemon.directory / "run" / "shim.socket")
            yield
        finally:
            if helper:
                helper.close()
            daemon.close()


WAYS = (Stock(), Broker("refused by rule", "reject", "EACCES"), Broker("handler replies", "reply"),
        Broker("handler has authority", "authority"))


def measure(container, way, directory, count):
    """One turn of one way: microseconds of each request, without the first, which finds nothing in any cache."""
    with way.turn(directory):
        ended = container.run("/bin/requester", f"--repeat={count + 1}", "user", "bench:", "callout", seconds=120)
    answers = answers_in(ended.output)
    wrong = [answer for answer in answers if answer.error != way.error]
    if wrong or len(answers) != count + 1:
        raise RuntimeError(f"{way.name}: {len(answers)} answers, and of these {wrong[:3]}")
    return [answer.seconds * 1e6 for answer in answers[1:]]


def print_table(turns):
    print(f"{'':<38}{'best µs':>10}{'p10 µs':>10}{'p50 µs':>10}{'p90 µs':>10}{'p10':>8}{'p50':>8}")
    reference = None
    for name, times in turns.items():
        times.sort()
        p10, p50, p90 = (times[len(times) * tenths // 10] for tenths in (1, 5, 9))
        reference = reference or (p10, p50)
        print(f"{name:<38}{times[0]:>10.0f}{p10:>10.0f}{p50:>10.0f}{p90:>10.0f}"
              f"{p10 / reference[0]:>7.2f}x{p50 / reference[1]:>7.2f}x")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--count", type=int, default=100, help="requests in each turn")
    options = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is put back
    with contextlib.ExitStack() as undo:
        directory = pathlib.Path(tempfile.mkdtemp(prefix="upcall-"))
        undo.callback(shutil.rmtree, directory)
        undo.callback(kernel.Guard().close)
        files = [(ANSWER_KEY, "/bin/answer_key"), (paths.REQUESTER, "/bin/requester")]
        container = Container(directory, name="bench", files=files)
        undo.callback(container.close)
        turns = {way.name: [] for way in WAYS}
        for _ in range(options.repetitions):
            for way in WAYS:
                turns[way.name] += measure(container, way, directory, options.count)
    print_table(turns)


if __name__ == "__main__":
    main()
