# SPDX-License-Identifier: Apache-2.0
"""What a person types: help, mistakes in options, and the policies that the documents show."""

import pathlib
import re
import subprocess
import tempfile
import unittest

from upcalltest import oci, paths

ROOT = pathlib.Path(__file__).resolve().parents[2]


def upcalld(*arguments):
    return subprocess.run([paths.BIN / "upcalld", *arguments], capture_output=True, text=True, timeout=30, check=False)


class CommandLine(unittest.TestCase):
    def check(self, policy):
        with tempfile.TemporaryDirectory(prefix="upcall-") as directory:
            config = pathlib.Path(directory) / "upcalld.yaml"
            config.write_text(policy)
            config.chmod(0o600)
            return upcalld(f"--config={config}", "--check")

    def test_help_names_every_option_of_the_manual(self):
        manual = (ROOT / "docs/man/upcalld.8.scd").read_text()
        said = upcalld("--help")
        self.assertEqual(said.returncode, 0)
        for option in re.findall(r"^\*(--[a-z-]+)", manual, re.MULTILINE):
            self.assertIn(option, said.stdout)

    def test_version_is_one_line(self):
        self.assertRegex(upcalld("--version").stdout, r"^upcalld \d+\.\d+\.\d+\n$")

    def test_features_are_said_line_by_line(self):
        said = upcalld("--features")
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        for line in said.stdout.splitlines():
            self.assertRegex(line, r"^(yes|no )  [^()]+ \(Linux \d\.\d+\): \S")
        self.assertIn("PIDFD_GET_INFO", said.stdout)

    def test_mistakes_in_options_exit_2_and_say_what_is_taken(self):
        for option, remedy in (("--core-mode=sockets", "auto, pipe, socket"), ("--log-level=loud", "debug, error"),
                               ("--once-ready-fd=x", "number"), ("--nonsense", "nonsense"), ("stray", "stray")):
            with self.subTest(option):
                said = upcalld(option)
                self.assertEqual(said.returncode, 2)
                self.assertIn(remedy, said.stderr)

    def test_policy_of_the_readme_has_no_mistakes(self):
        example, = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        said = self.check(example)
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        self.assertIn("no mistakes", said.stdout)

    def test_every_example_of_a_drop_in_has_no_mistakes(self):
        examples = sorted((ROOT / "config/conf.d").glob("*.example"))
        self.assertGreaterEqual(len(examples), 3)
        for example in examples:
            with self.subTest(example.name):
                said = self.check("version: 1\n" + example.read_text())
                self.assertEqual(said.returncode, 0)
                for line in said.stderr.splitlines():  # of what this machine has not
                    self.assertIn(" warning: ", line)

    def test_what_this_machine_has_against_a_policy_is_a_warning(self):
        for policy, warnings in (
                ("handlers: {h: {run: /nonexistent/prog, in: host}, t: {run: /bin/true, in: host}, i: {run: /no/where}}",
                 ["handler 'h' cannot execute '/nonexistent/prog' on this host: No such file or directory"]),
                (f"release_agents: [{oci.unified_hierarchy()}]", []),
                ("release_agents: [/sys/fs/cgroup/nope]", ["there is no '/sys/fs/cgroup/nope/release_agent'"]),
                ("rules: [{name: m, on: modprobe, do: deny}]",
                 [] if pathlib.Path("/proc/sys/kernel/modprobe").exists() else ["this kernel has no kernel.modprobe"])):
            with self.subTest(policy):
                said = self.check(f"version: 1\n{policy}\n")
                self.assertEqual(said.returncode, 0, said.stderr)
                lines = said.stderr.splitlines()
                self.assertEqual(len(lines), len(warnings), lines)
                for line, warning in zip(lines, warnings):
                    self.assertIn(f" warning: {warning}", line)

    def test_mistakes_that_getopt_tells_refer_to_the_help(self):
        for program, *arguments in (("upcalld", "--confg=x"), ("upcalld", "--config"), ("upcallctl", "whois", "-5")):
            with self.subTest(arguments):
                said = subprocess.run([paths.BIN / program, *arguments], capture_output=True, text=True, timeout=30, check=False)
                self.assertEqual(said.returncode, 2)
                self.assertIn(f"Try '{program} --help'.\n", said.stderr)

    def test_programs_that_upcalld_starts_say_so(self):
        for program in ("upcall-launcher", "upcall-broker"):
            with self.subTest(program):
                said = subprocess.run([paths.BIN / program, "--help"], capture_output=True, text=True, timeout=30, check=False)
                self.assertEqual(said.returncode, 1)
                self.assertIn(f"{program} is started by upcalld, not by hand", said.stderr)

    def test_directories_that_cannot_be_taken_come_with_a_remedy(self):
        with tempfile.TemporaryDirectory(prefix="upcall-") as directory:
            (pathlib.Path(directory) / "file").touch()
            (pathlib.Path(directory) / "open").mkdir()
            (pathlib.Path(directory) / "open").chmod(0o777)
            (pathlib.Path(directory) / "sticky").mkdir()
            (pathlib.Path(directory) / "sticky").chmod(0o1777)
            for name, remedy in (("no/such/run", "make the directory above it"), ("file", "is no directory"),
                                 ("open", f"chmod go-w '{directory}/open'"),
                                 ("sticky", "name another with --runtime-directory")):
                with self.subTest(name):
                    said = upcalld(f"--runtime-directory={directory}/{name}")
                    self.assertEqual(said.returncode, 1)
                    self.assertIn(remedy, said.stderr)

    def test_start_that_fails_leaves_no_sockets(self):
        with tempfile.TemporaryDirectory(prefix="upcall-") as directory:
            policy = pathlib.Path(directory) / "upcalld.yaml"
            policy.write_text("version: 1\nrulse: []\n")
            said = upcalld(f"--config={policy}", f"--runtime-directory={directory}/run", f"--state-directory={directory}/state")
            self.assertEqual(said.returncode, 1)
            self.assertIn(":2:1: ", said.stderr)
            self.assertEqual([path.name for path in pathlib.Path(directory, "run").iterdir()], ["lock"])

    def test_empty_path_of_a_policy_is_told(self):
        said = upcalld("--config=", "--check")
        self.assertEqual(said.returncode, 2)
        self.assertIn("--config", said.stderr)

    def test_all_mistakes_of_a_policy_are_told_at_once(self):
        said = self.check("version: 1\nrulse: []\ndefaults: {coredump: maybe}\ndefaults: {}\n")
        self.assertEqual(said.returncode, 1)
        for place in (":2:1: ", ":3:22: ", ":4:1: "):
            self.assertIn(place, said.stderr)

    def test_policy_that_is_not_there_is_named(self):
        said = upcalld("--config=/nonexistent/upcalld.yaml", "--check")
        self.assertEqual(said.returncode, 1)
        self.assertIn("/nonexistent", said.stderr)
        self.assertIn("--config", said.stderr)


if __name__ == "__main__":
    unittest.main()
