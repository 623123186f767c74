#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-format has the last word, in the version that Debian 12 has; others break lines elsewhere."""
import subprocess

import lint

COMMAND = ["clang-format-14", "--dry-run", "-Werror"]


def complaints(done):
    return [line for line in done.stderr.splitlines() if ": error:" in line]


def check():
    files = lint.sources("broker", "handlers", "tests")
    return complaints(subprocess.run([*COMMAND, *files], cwd=lint.ROOT, capture_output=True, text=True, check=False))


def sample():
    return complaints(subprocess.run([*COMMAND, "--assume-filename=a.cpp"], cwd=lint.ROOT, input="int  a ;\n",
                                     capture_output=True, text=True, check=False))


if __name__ == "__main__":
    lint.main(check, {"blanks": sample})
