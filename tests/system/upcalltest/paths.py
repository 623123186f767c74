# SPDX-License-Identifier: Apache-2.0
"""Where the programs are; CTest tells by UPCALL_BUILD."""

import os
import pathlib

SOURCE = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("UPCALL_BUILD", SOURCE / "build" / "dev"))
BIN = BUILD / "bin"
VICTIMS = BUILD / "tests" / "victims"
CONTAINER = BUILD / "tests" / "support" / "upcall-container"
REPORTER = BUILD / "tests" / "support" / "upcall-reporter"
REQUESTER = BUILD / "tests" / "support" / "upcall-requester"
ATTACKER = BUILD / "tests" / "support" / "upcall-attacker"
AUTOLOAD = BUILD / "tests" / "support" / "upcall-autoload"
KERNEL_GUARD = SOURCE / "tests" / "support" / "kernel_guard.sh"
