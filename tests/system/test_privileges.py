# SPDX-License-Identifier: Apache-2.0
"""What the programs may do and what they are made of."""

import subprocess
import unittest

from upcalltest import paths
from upcalltest.case import PASS_ALL, SystemTest
from upcalltest.container import status_of


def libraries(program):
    """Names of the shared libraries, of the libraries too; none for a static program."""
    done = subprocess.run(["ldd", paths.BIN / program], capture_output=True, text=True, check=False)
    return [line.split()[0] for line in done.stdout.splitlines() if ".so" in line]


def symbols(program):
    """Demangled names that the program defines or needs; of a stripped one, nothing."""
    done = subprocess.run(["nm", "--demangle", paths.BIN / program], capture_output=True, text=True, check=True)
    return done.stdout


class Privileges(SystemTest):
    def test_broker_has_no_privileges_and_a_seccomp_filter(self):
        status = status_of(self.start(PASS_ALL).broker())
        self.assertNotIn("0", status["Uid"].split())
        self.assertNotIn("0", status["Gid"].split())
        for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[field], 16), 0, field)
        self.assertEqual((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"))

    def test_launcher_has_one_thread(self):
        self.assertEqual(status_of(self.start(PASS_ALL).launcher())["Threads"], "1")

    def test_broker_is_not_linked_with_the_parser_of_the_policy(self):
        self.assertFalse([name for name in libraries("upcall-broker") if "yaml" in name])
        self.assertNotIn("YAML::", symbols("upcall-broker"))

    def test_launcher_is_static_and_small(self):
        self.assertEqual(libraries("upcall-launcher"), [])
        names = symbols("upcall-launcher")
        for foreign in ("YAML::", "spdlog::", "boost::", "std::ios_base::Init::Init"):
            self.assertNotIn(foreign, names)


if __name__ == "__main__":
    unittest.main()
