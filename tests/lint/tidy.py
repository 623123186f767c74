#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy on what has changed since origin/main (or in the last commits), or with --all on everything. A file
takes 5 to 60 seconds, so the time is bounded, but for --all: what was not reached is named."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time

import lint

BUDGET = 600  # seconds
LAST_COMMITS = 5
BUILD = lint.ROOT / "build/clang"


def changed():
    base = (lint.git("merge-base", "origin/main", "HEAD") or "").strip()
    if not base or base == (lint.git("rev-parse", "HEAD") or "").strip():
        history = (lint.git("rev-list", "--first-parent", f"--max-count={LAST_COMMITS + 1}", "HEAD") or "").split()
        base = history[-1] if history else ""
    names = set((lint.git("diff", "--name-only", base) or "").splitlines()) if base else set()
    return [path for path in all_sources() if str(path) in names]


def all_sources():
    """What the clang build compiles; the database is the authority."""
    known = (BUILD / "compile_commands.json").read_text(encoding="utf-8")
    return [path for path in lint.sources("broker", "handlers", "tests")
            if path.suffix == ".cpp" and f'"file": "{lint.ROOT / path}"' in known]


def tidy(path, *arguments):
    done = subprocess.run(["clang-tidy-19", "--quiet", *arguments, str(path)], cwd=lint.ROOT,
                          capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if ": error:" in line or ": warning:" in line] or (
        [f"{path}:1: clang-tidy failed: {done.stderr[-400:]}"] if done.returncode else [])


def check():
    subprocess.run(["cmake", "--preset", "clang", "-Wno-dev"], cwd=lint.ROOT, check=True, stdout=subprocess.DEVNULL)
    everything = "--all" in sys.argv
    files = all_sources() if everything else changed()
    deadline = time.monotonic() + BUDGET

    def judge(path):
        if not everything and time.monotonic() > deadline:
            print(f"not reached within {BUDGET} s: {path}")
            return []
        return tidy(path, "-p", BUILD)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return sorted({line for lines in pool.map(judge, files) for line in lines})


def sample():
    bad = pathlib.Path(__file__).parent / "samples/tidy_bad.cpp"
    return tidy(bad, "--", "-std=c++20")


if __name__ == "__main__":
    lint.main(check, {"naming": sample})
