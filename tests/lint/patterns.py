#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What must not be written in this code base. Each rule says why, since the compiler does not complain."""
import pathlib
import re

import lint

MAX_FUNCTION, MAX_FILE = 60, 400

ALL_BUT_BASE = (*(f"broker/{layer.name}" for layer in (lint.ROOT / "broker").iterdir() if layer.name != "base"), "tests")
# (name, pattern on code without comments and strings, path prefixes it holds for, why)
FORBIDDEN = [
    ("co_await operand", re.compile(r"\bco_await\b[^;]*?((?<![)] )\{|\[(?!\w*\]\s*[;,)]))"), ("broker", "tests"),
     "gcc 12 destroys braced values and captures inside a co_await expression twice: name the operand first"),
    ("detached", re.compile(r"\basio::detached\b"), ("broker", "tests"),
     "it swallows exceptions: a loop that fails must end the process"),
    ("co_spawn", re.compile(r"\bco_spawn\b"), ALL_BUT_BASE,
     "start_loop() of base/asio.h is the one way: a loop that fails ends the process"),
    ("system", re.compile(r"\b(std::)?system\s*\("), ("broker", "handlers"), "no shell, ever"),
    ("getenv", re.compile(r"\bgetenv\s*\("), ("broker/launcher", "broker/shims"),
     "the environment is the caller's, and this program is root"),
]
# Calls that make descriptors, with the flag that keeps them out of what we exec.
MAKES_FD = re.compile(
    r"(?:^|[^\w.>:]|[^\w]::)(openat2?|open|socketpair|socket|accept4?|pipe2?|memfd_create|epoll_create1?|"
    r"timerfd_create|signalfd|dup[23]?|eventfd|inotify_init1?)\s*\(")
# Where the descriptor is meant to be inherited: the reason stands beside the code.
MAKES_FD_ALLOWED = ("// inherited:",)
FUNCTION_START = re.compile(r"^[^\s#/}].*[)\w]\s*(const|noexcept|override|\s)*\{\s*$")
NOT_A_FUNCTION = re.compile(r"^(namespace|extern|struct|class|enum|union|constexpr|inline constexpr|const)\b")


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def code_of(text):
    """The text with comments, strings and characters blanked out; the lines keep their numbers."""
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text, flags=re.S)


def check_forbidden(path, code):
    return [f"{path}:{code.count(chr(10), 0, match.start()) + 1}: {name}: {why}"
            for name, pattern, prefixes, why in FORBIDDEN if path.startswith(prefixes)
            for match in pattern.finditer(code)]


def check_descriptors(path, text, code):
    found, lines = [], text.splitlines()
    for match in MAKES_FD.finditer(code):
        statement = code[match.start():code.find(";", match.start())]
        line = code.count("\n", 0, match.start(1)) + 1
        nearby = "\n".join(lines[max(0, line - 4):line])
        if "CLOEXEC" not in statement and not any(word in nearby for word in MAKES_FD_ALLOWED):
            found.append(f"{path}:{line}: {match[1]} without CLOEXEC; if it is meant, say '// inherited: why'")
    return found


def check_length(path, code):
    lines, found, start = code.splitlines(), [], None
    if len(lines) > MAX_FILE:
        found.append(f"{path}:{MAX_FILE}: file of {len(lines)} lines, {MAX_FILE} at most")
    for number, line in enumerate(lines, 1):
        if FUNCTION_START.match(line) and not NOT_A_FUNCTION.match(line):
            start = number
        if line.startswith("}") and start:
            if number - start + 1 > MAX_FUNCTION:
                found.append(f"{path}:{start}: function of {number - start + 1} lines, {MAX_FUNCTION} at most")
            start = None
    return found


def check_own_header(path, text):
    """That a header stands alone shows in the .cpp of its name (cmake/Layers.cmake)."""
    header = pathlib.PurePath(path).with_suffix(".h")
    first = re.search(r'^#include +[<"]([^">]+)', text, re.MULTILINE)
    if not path.endswith(".cpp") or not (lint.ROOT / header).exists() or (first and str(header).endswith("/" + first[1])):
        return []
    return [f"{path}:1: its own header is not what it includes first, which shows that the header stands alone"]


def check_text(path, text):
    code = code_of(text)
    found = check_forbidden(path, code) + check_length(path, code)
    if path.startswith(("broker", "handlers")):
        found += check_descriptors(path, text, code) + check_own_header(path, text)
    return found


def check():
    return [violation for path in lint.sources("broker", "handlers", "tests")
            for violation in check_text(str(path), lint.read(path))]


def sample(text, path="broker/launcher/a.cpp"):
    return lambda: check_text(path, text)


if __name__ == "__main__":
    lint.main(check, {
        "braces in co_await": sample("co_await f(Options{.a = 1});"),
        "capture in co_await": sample("co_await f([shared] {});"),
        "detached": sample("co_spawn(io, run(), asio::detached);"),
        "co_spawn": sample("asio::co_spawn(io, run(), ended);"),
        "system": sample('std::system("ls");'),
        "getenv": sample('getenv("PATH");'),
        "open": sample("int fd = ::open(path, O_RDONLY);"),
        "dup": sample("UniqueFd fd{dup(1)};"),
        "own header second": sample('#include <string>\n#include "base/text.h"\n', "broker/base/text.cpp"),
        "long function": sample("void f() {\n" + "  g();\n" * 60 + "}\n"),
        "long file": sample("\n" * 401),
    })
