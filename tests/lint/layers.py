#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The include table of docs/ARCHITECTURE.md: who may include whom. The document is the data; there is no second
table that could disagree with it."""
import re

import lint

DOCUMENT = "docs/ARCHITECTURE.md"
ROW = re.compile(r"^\| `([a-z]+(?=/`)|launcher/client)/?` \|[^|]*\|([^|]*)\|")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
# Headers of the two doors to big libraries, which only those that the table gives the library may open.
DOORS = {"base/asio.h": "Asio"}


def table(text):
    """{layer: set of layers it may include}; None for "all"."""
    rows = {}
    for line in text.splitlines():
        if match := ROW.match(line):
            names = re.sub(r"\([^)]*\)", "", match[2])
            layers = set(re.findall(r"[a-z]+(?:/[a-z]+)?", names))
            rows[match[1]] = None if layers == {"all"} else layers
    return rows


def asio_layers(text):
    return {m[1] for line in text.splitlines() if (m := ROW.match(line)) and "Asio" in line.rsplit("|", 2)[1]}


def layer_of(path):
    """'broker/launcher/client.h' -> 'launcher/client', 'broker/base/text.h' -> 'base'."""
    relative = path.removeprefix("broker/")
    if relative.startswith("handlers/"):
        return "handlers"
    stem = relative.rsplit(".", 1)[0]
    return "launcher/client" if stem == "launcher/client" else relative.split("/")[0]


def check_file(path, text, rows, asio):
    layer = layer_of(path)
    if layer not in rows:
        return [f"{path}:1: folder '{layer}' is not in the table of {DOCUMENT}"]
    allowed, found = rows[layer], []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match or "/" not in match[1]:
            continue
        target = layer_of(match[1])
        if target in rows and allowed is not None and target != layer and target not in allowed:
            found.append(f"{path}:{number}: {layer} may not include {target} ({DOCUMENT})")
        if match[1] in DOORS and allowed is not None and layer not in asio:
            found.append(f"{path}:{number}: {layer} may not use {DOORS[match[1]]} ({DOCUMENT})")
    return found


def check():
    text = lint.read(DOCUMENT)
    rows, asio = table(text), asio_layers(text)
    found = [f"{DOCUMENT}:1: no include table found"] if len(rows) < 5 else []
    for layer, allowed in rows.items():
        found += [f"{DOCUMENT}:1: {layer} may include '{name}', which has no row"
                  for name in sorted((allowed or set()) - set(rows))]
    for path in lint.sources("broker", "handlers"):
        found += check_file(str(path), lint.read(path), rows, asio)
    return found


SAMPLE_TABLE = "| `base/` | x | - | Asio in asio.h |\n| `kernel/` | x | base | - |\n| `policy/` | x | base | - |\n"


def sample(path, text):
    return lambda: check_file(path, text, table(SAMPLE_TABLE), asio_layers(SAMPLE_TABLE))


if __name__ == "__main__":
    lint.main(check, {
        "upward include": sample("broker/base/a.cpp", '#include "kernel/pidfd.h"\n'),
        "sideways include": sample("broker/policy/a.h", '#include "kernel/pidfd.h"\n'),
        "Asio by a layer without it": sample("broker/kernel/a.h", '#include "base/asio.h"\n'),
        "folder without a row": sample("broker/elsewhere/a.h", "\n"),
    })
