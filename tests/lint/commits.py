#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Subjects of commits: `area: imperative`, at most 72 characters. Those that are not on origin/main yet, or the
last 50 where there is no such branch."""
import re
import sys

import lint

SUBJECT = re.compile(r"^[\w./,+-]+( [\w./,+-]+)?: \S.*[^.\s]$")
# A gerund or a past tense where the imperative belongs; a list, since English knows no rule.
NOT_IMPERATIVE = re.compile(r"^(added|adds|adding|fixed|fixes|fixing|changed|changes|removed|removes|updated|updates)\b",
                            re.IGNORECASE)


def check_subject(subject):
    if subject.startswith("Merge "):
        return []
    if len(subject) > 72:
        return [f"commit:1: longer than 72 characters: {subject}"]
    if not SUBJECT.match(subject) or NOT_IMPERATIVE.match(subject.split(": ", 1)[1]):
        return [f"commit:1: not 'area: imperative', without a full stop: {subject}"]
    return []


def check():
    pending = git_log("origin/main..HEAD") or git_log("-50")
    if pending is None:
        print("skipped: no git history")
        sys.exit(77)
    return [violation for subject in pending for violation in check_subject(subject)]


def git_log(commits):
    listing = lint.git("log", "--format=%s", commits)
    return None if listing is None else listing.splitlines()


if __name__ == "__main__":
    lint.main(check, {
        "too long": lambda: check_subject("base: " + "x" * 70),
        "no area": lambda: check_subject("Improve things"),
        "past tense": lambda: check_subject("base: added a test"),
    })
