# SPDX-License-Identifier: Apache-2.0
"""What is installed fits together: whatever a file of ours names of ours is there, whichever the prefix."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("UPCALL_BUILD", SOURCE / "build/release"))
PROGRAMS = ("sbin/upcalld", "sbin/upcallctl", "sbin/upcall-shim", "libexec/upcalld/upcall-broker")
# Absolute paths below what is installed, in text and in programs; of the state in /run and /var none is installed.
OURS = re.compile(r"(?<![\w./}])/(?:usr|opt|etc)/[\w./-]*upcall[\w./-]*\w")
MANUAL = re.compile(r"\b(upcall[\w.-]*)\((\d)\)")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def run(*command, **environment):
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True).stdout


def said_by(path):
    """The text of a page without roff's escapes, or of a program where it looks for others."""
    data = path.read_bytes()
    if data.startswith(b"\x7fELF"):
        return "\n".join(word.decode() for word in re.findall(rb"(?<=\0)/[\w./-]*libexec/[\w./-]+(?=\0)", data))
    text = data.decode()
    if re.search(r"\.\d$", path.name):
        text = re.sub(r"\\f[A-Z]", "", text).replace("\\-", "-").replace("\\&", "").replace("\\_", "_").replace("\\", "")
    return text


class Installation:
    """What `cmake --install` puts into an empty directory."""

    def __init__(self, build, prefix):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="upcall-"))
        self.prefix = self.root / prefix.lstrip("/")
        self.doc = self.prefix / "share/doc/upcalld"
        run("cmake", "--install", build, DESTDIR=str(self.root))

    def has(self, path):
        return (self.root / path.lstrip("/")).exists()

    def has_page(self, name, section):
        return (self.prefix / f"share/man/man{section}/{name}.{section}").exists()

    def missing(self):
        """What is named by an installed file and not there."""
        for path in self.root.rglob("*"):
            if not path.is_file():
                continue
            text = said_by(path)
            yield from ((path.name, named) for named in OURS.findall(text) if not self.has(named))
            yield from ((path.name, page) for page in MANUAL.findall(text) if not self.has_page(*page))
            if path.suffix == ".md":
                yield from ((path.name, link) for link in LINK.findall(text) if not (path.parent / link).exists())


class AsBuilt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        prefix = re.search(r"^CMAKE_INSTALL_PREFIX:\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE)[1]
        cls.installed = Installation(BUILD, prefix)
        cls.addClassCleanup(shutil.rmtree, cls.installed.root)

    def test_programs_are_there(self):
        for program in PROGRAMS:
            self.assertTrue(os.access(self.installed.prefix / program, os.X_OK), program)
        self.assertIn("libexec/upcalld", said_by(self.installed.prefix / "sbin/upcalld"))  # is held against what is there

    def test_whatever_is_named_is_there(self):
        self.assertEqual(sorted(set(self.installed.missing())), [])

    def test_what_is_not_there_would_be_noticed(self):
        (self.installed.doc / "docs/THREAT-MODEL.md").rename(self.installed.doc / "aside")
        self.addCleanup((self.installed.doc / "aside").rename, self.installed.doc / "docs/THREAT-MODEL.md")
        self.assertEqual({name for name, _ in self.installed.missing()} & {"upcalld.service", "README.md"},
                         {"upcalld.service", "README.md"})

    def test_every_example_is_installed(self):
        shown = {path.name for path in (self.installed.doc / "conf.d").iterdir()}
        self.assertEqual(shown, {path.name for path in (SOURCE / "config/conf.d").glob("*.example")})

    def test_service_and_program_take_the_policy_that_is_installed(self):
        unit = (self.installed.prefix / "lib/systemd/system/upcalld.service").read_text()
        policy = re.search(r"--config (\S+)", unit)[1]
        self.assertTrue(self.installed.has(policy))
        self.assertIn(f"(default {policy})", run(self.installed.prefix / "sbin/upcalld", "--help"))

    def test_a_policy_that_is_there_stays(self):
        policy, = (path for path in self.installed.root.rglob("upcalld.yaml") if path.parent != self.installed.doc)
        before = policy.read_text()
        self.addCleanup(policy.write_text, before)
        policy.write_text("version: 1\n")
        run("cmake", "--install", BUILD, DESTDIR=str(self.installed.root))
        self.assertEqual(policy.read_text(), "version: 1\n")


class OtherPrefixes(unittest.TestCase):
    def test_whatever_is_named_is_there(self):
        for prefix in ("/usr", "/opt/upcalld"):
            with self.subTest(prefix), tempfile.TemporaryDirectory(prefix="upcall-") as build:
                installed = Installation(self.configure(build, prefix), prefix)
                self.addCleanup(shutil.rmtree, installed.root)
                self.assertEqual(sorted(set(installed.missing())), [])

    def configure(self, build, prefix):
        """A build folder for that prefix, with the pages and units that it makes. The programs are those of the build
        that is tested, without what it has built into them."""
        run("cmake", "-S", SOURCE, "-B", build, "-G", "Ninja", "-Wno-dev", "-DBUILD_TESTING=OFF", f"-DCMAKE_INSTALL_PREFIX={prefix}")
        run("cmake", "--build", build, "--target", "man")
        for program in re.findall(rf'"({re.escape(build)}/(?:bin|libexec)/[\w-]+)"', (pathlib.Path(build) / "cmake_install.cmake").read_text()):
            pathlib.Path(program).parent.mkdir(exist_ok=True, parents=True)
            pathlib.Path(program).touch(0o755)
        return build


if __name__ == "__main__":
    unittest.main()
