# SPDX-License-Identifier: Apache-2.0
"""What the lints share: which files are ours, how a violation looks, and that each proves that it can fail."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def git(*arguments):
    """Output of git, or None where there is no git or no repository."""
    try:
        # CI may check out as another user than the one who runs the tests.
        done = subprocess.run(["git", "-c", "safe.directory=*", "-C", ROOT, *arguments],
                              capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout


def our_files(*suffixes):
    """Files that are tracked or could be: a new file is judged before it is added. A release tarball has no git."""
    listing = git("ls-files", "--cached", "--others", "--exclude-standard")
    if listing is None:
        paths = [p.relative_to(ROOT) for p in ROOT.rglob("*") if p.is_file()]
        paths = [p for p in paths if p.parts[0] != "build"]
    else:
        paths = [pathlib.Path(line) for line in listing.splitlines()]
    return sorted(p for p in paths if (ROOT / p).is_file() and p.name.endswith(suffixes))


def sources(*folders):
    return [p for p in our_files(".h", ".cpp") if p.parts[0] in folders]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def main(check, bad_samples):
    """`check` gives a list of "file:line: text". With --self-test each bad sample, a callable that gives such a
    list, must give at least one, so that a lint that has gone blind does not pass for ever."""
    if "--self-test" in sys.argv:
        blind = [name for name, sample in bad_samples.items() if not sample()]
        for name in blind:
            print(f"not found in the bad sample: {name}")
        sys.exit(1 if blind else 0)
    violations = check()
    for violation in violations:
        print(violation)
    sys.exit(1 if violations else 0)
