#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""shellcheck over every shell script, with or without a suffix."""
import subprocess

import lint


def is_script(path):
    return path.suffix == ".sh" or (not path.suffix and
                                    lint.read(path).split("\n", 1)[0].endswith(("sh", "bash")))


def run(files, **options):
    done = subprocess.run(["shellcheck", "-x", "-f", "gcc", *files], cwd=lint.ROOT, capture_output=True,
                          text=True, check=False, **options)
    return done.stdout.splitlines() + done.stderr.splitlines()


def check():
    return run([path for path in lint.our_files("") if is_script(path)])


if __name__ == "__main__":
    lint.main(check, {"unquoted": lambda: run(["-s", "sh", "-"], input="rm $1/*\n")})
