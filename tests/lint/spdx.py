#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every source file names its licence in its first three lines."""
import lint

LINE = "SPDX-License-Identifier: Apache-2.0"
SUFFIXES = (".h", ".cpp", ".py", ".sh", ".cmake", "CMakeLists.txt", ".service", ".socket", ".scd", ".ci/run")


def check_text(path, text):
    return [] if LINE in "\n".join(text.splitlines()[:3]) else [f"{path}:1: no '{LINE}'"]


def check():
    return [v for path in lint.our_files(*SUFFIXES) for v in check_text(path, lint.read(path))]


if __name__ == "__main__":
    lint.main(check, {"no licence": lambda: check_text("a.cpp", "#include <vector>\n")})
