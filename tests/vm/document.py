#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/kernel-matrix.md: what came of our tests under each kernel, written, and compared with what came of them now.

    document.py SERIES LISTING

says whether the document tells of a kernel what `upcalld --features` said of it, in the file LISTING.
"""
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = SOURCE / "docs/kernel-matrix.md"
DOCUMENTED = """# What upcalld does on which kernel

Made by `tests/vm/matrix --write build/release`: in virtual machines with Debian 12, its container runtimes and Debian's
cloud kernels.

## Features

What `upcalld --features` says of each kernel, found by trying, and what upcalld does with a feature and without.

{features}

## Tests

A number is of tests that passed; where a cell is empty they were not run.

{table}

## Skipped

What a kernel cannot have, found by a probe. Any other skip is a failure.

{skips}
"""


class Column:
    """What came of one kernel."""

    def __init__(self, release, commit):
        self.release = release
        self.commit = commit  # what was built
        self.passed = {}
        self.red = collections.Counter()  # how many of which suite failed
        self.failed = []
        self.skipped = collections.defaultdict(collections.Counter)  # by reason: how many of which suite
        self.features = {}  # by name and the release that brought it: whether it is there, and what upcalld does

    def add(self, suite, results):
        if not results.exists():
            self.failed.append(f"{suite}: did not run to its end")
            self.passed[suite] = None
            return
        self.passed[suite] = 0
        cases = list(xml.etree.ElementTree.parse(results).iter("testcase"))
        if not cases:
            self.failed.append(f"{suite}: has no tests")
        for case in cases:
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                self.failed.append(f"{suite}: {case.get('classname')}.{case.get('name')}")
                self.red[suite] += 1
            elif skipped is not None:
                self.skipped[reason_of(skipped)][suite] += 1
            else:
                self.passed[suite] += 1

    def add_features(self, listing):
        """What `upcalld --features` said."""
        if listing.exists():  # or else no suite has run either, which is told
            self.features = read_features(listing)
            if not self.features:
                self.failed.append("upcalld --features: says nothing")


def read_features(listing):
    found = re.findall(r"^(yes|no) +(.*) \(Linux (.*)\): (.*)$", listing.read_text(), re.MULTILINE)
    return {(name, since): (present == "yes", does) for present, name, since, does in found}


def reason_of(skipped):
    """In one line; googletest writes the place in the source before it."""
    lines = (skipped.get("message") or "").strip().splitlines()
    return lines[-1].strip() if lines else "for no reason"


def read_logs(suites, logs):
    """A suite of which there are no results has failed, whatever became of its machine."""
    column = Column(*((logs / name).read_text().strip() if (logs / name).exists() else "?" for name in ("release", "commit")))
    for suite in suites:
        column.add(suite, logs / f"{suite}.xml")
    column.add_features(logs / "features")
    return column


def cell(column, suite):
    passed = column.passed[suite]
    if passed is None:
        return ""
    return f"{passed}, {column.red[suite]} failed" if column.red[suite] else str(passed)


def table(columns):
    suites = list(next(iter(columns.values())).passed)
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines.append("| Debian's package | " + " | ".join(c.release for c in columns.values()) + " |")
    lines.append("| commit of upcalld | " + " | ".join(c.commit for c in columns.values()) + " |")
    for suite in suites:
        lines.append(f"| `{suite}` | " + " | ".join(cell(c, suite) for c in columns.values()) + " |")
    return "\n".join(lines)


def feature_rows(columns):
    """A row for each, and what upcalld does with and without, where a kernel showed it."""
    lines = ["| | since | " + " | ".join(columns) + " | with | without |", "|---" * (len(columns) + 4) + "|"]
    for feature in next(iter(columns.values())).features:
        said = [column.features[feature] for column in columns.values()]
        does = {present: next((text for has, text in said if has == present), "") for present in (True, False)}
        lines.append(f"| {feature[0]} | {feature[1]} | " + " | ".join("yes" if has else "no" for has, _ in said)
                     + f" | {does[True]} | {does[False]} |")
    return "\n".join(lines)


def skips(columns):
    lines = [f"- {series}: {reason}: " + ", ".join(f"{count} of `{suite}`" for suite, count in sorted(where.items()))
             for series, column in columns.items() for reason, where in sorted(column.skipped.items())]
    return "\n".join(lines) if lines else "None."


def written_skips(series):
    """The lines of the document about this kernel."""
    text = DOCUMENT.read_text() if DOCUMENT.exists() else ""
    return "\n".join(re.findall(rf"^- {re.escape(series)}: .*$", text, re.MULTILINE)) or "None."


def unexpected_skips(columns):
    return [f"{series}: other tests are skipped than {DOCUMENT.relative_to(SOURCE)} says"
            for series, column in columns.items() if skips({series: column}) != written_skips(series)]


def write(columns):
    DOCUMENT.write_text(DOCUMENTED.format(features=feature_rows(columns), table=table(columns), skips=skips(columns)))


def written_features(series):
    """Whether the document says that this kernel has each, by its name and the release that brought it."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    place = rows[0].index(series)
    has_it = [row for row in rows if len(row) == len(rows[0]) and row[place] in ("yes", "no")]
    return {(row[0], row[1]): row[place] == "yes" for row in has_it}


def main(series, listing):
    found = {feature: present for feature, (present, _) in read_features(pathlib.Path(listing)).items()}
    written = written_features(series)
    differing = [feature for feature in {**found, **written} if found.get(feature) != written.get(feature)]
    for name, since in differing:
        print(f"{DOCUMENT.relative_to(SOURCE)} is wrong about '{name}' (Linux {since}) under {series}: "
              f"it says {written.get((name, since))}, and found was {found.get((name, since))}; tests/vm/matrix --write")
    return 1 if differing or not found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
