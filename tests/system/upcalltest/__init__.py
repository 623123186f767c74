# SPDX-License-Identifier: Apache-2.0
"""What the system tests stand on: the machine's settings, containers, the daemon, cores.

In Python because these tests only start programs and read what they leave behind: nothing of the
product's own code is shared with them, so a fault of it cannot hide itself, and the standard library has
all they need.
"""
